//! The literal of a spatial filter, made ready for many tests: its segments in an R-tree, exact orientation.

use crate::geo::{Envelope, Geometry, Position};
use geo_index::rtree::sort::HilbertSort;
use geo_index::rtree::{RTree, RTreeBuilder, RTreeIndex};
use robust::{Coord, orient2d};
use std::collections::HashMap;

/// Two positions; a point is a segment without length.
pub type Segment = [Position; 2];

/// Where a position lies relative to a geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In its interior.
    Inside,
    /// On its boundary.
    Border,
    /// Nowhere on it.
    Outside,
}

/// What a segment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Point,
    Line,
    /// Border of polygon number n.
    Area(u32),
}

/// A geometry as segments.
#[derive(Debug)]
pub struct Figure {
    segments: Vec<Segment>,
    roles: Vec<Role>,
    /// One position of each connected piece.
    pieces: Vec<Position>,
    /// End points of lines that are a boundary: those at which an odd number of lines end.
    ends: Vec<Position>,
    bounds: Envelope,
    rtree: RTree<f64>,
}

/// Twice the signed area of the triangle, with the exact sign: positive when `c` lies left of `a` ▶ `b`.
fn side(a: Position, b: Position, c: Position) -> f64 {
    let coord = |p: Position| Coord { x: p[0], y: p[1] };
    orient2d(coord(a), coord(b), coord(c))
}

fn bounds_of(s: &Segment) -> Envelope {
    Envelope { min: [s[0][0].min(s[1][0]), s[0][1].min(s[1][1])], max: [s[0][0].max(s[1][0]), s[0][1].max(s[1][1])] }
}

/// Whether a position lies on a segment.
fn on(s: &Segment, p: Position) -> bool {
    bounds_of(s).contains(p) && side(s[0], s[1], p) == 0.0
}

/// Whether the ray from a position to the east crosses a segment; `None` when the position lies on it.
pub fn ray(s: &Segment, p: Position) -> Option<bool> {
    let [a, b] = *s;
    // Most segments lie wholly north, south or west.
    if (a[1] > p[1] && b[1] > p[1]) || (a[1] < p[1] && b[1] < p[1]) || (a[0] < p[0] && b[0] < p[0]) {
        return Some(false);
    }
    if on(s, p) {
        return None;
    }
    if (a[1] > p[1]) == (b[1] > p[1]) {
        return Some(false);
    }
    Some((side(a, b, p) > 0.0) == (b[1] > a[1]))
}

/// Whether two segments share a point.
fn meet(s: &Segment, t: &Segment) -> bool {
    if !bounds_of(s).intersects(&bounds_of(t)) {
        return false;
    }
    let (a, b) = (side(s[0], s[1], t[0]), side(s[0], s[1], t[1]));
    let (c, d) = (side(t[0], t[1], s[0]), side(t[0], t[1], s[1]));
    let apart = |x: f64, y: f64| (x > 0.0 && y > 0.0) || (x < 0.0 && y < 0.0);
    if apart(a, b) || apart(c, d) {
        return false;
    }
    // Collinear ones, and those without length, meet only where an end lies on the other.
    if a != 0.0 && b != 0.0 && c != 0.0 && d != 0.0 {
        return true;
    }
    on(s, t[0]) || on(s, t[1]) || on(t, s[0]) || on(t, s[1])
}

/// Whether a segment shares a point with a box.
pub fn meets_box(s: &Segment, e: &Envelope) -> bool {
    if !bounds_of(s).intersects(e) {
        return false;
    }
    if e.contains(s[0]) || e.contains(s[1]) {
        return true;
    }
    // The boxes overlap: they are apart only if all corners lie strictly on one side of the line.
    let corners = [e.min, [e.max[0], e.min[1]], e.max, [e.min[0], e.max[1]]];
    let sides = corners.map(|c| side(s[0], s[1], c));
    !(sides.iter().all(|v| *v > 0.0) || sides.iter().all(|v| *v < 0.0))
}

fn distance_to(s: &Segment, p: Position) -> f64 {
    let (dx, dy) = (s[1][0] - s[0][0], s[1][1] - s[0][1]);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { ((p[0] - s[0][0]) * dx + (p[1] - s[0][1]) * dy) / length } else { 0.0 };
    let t = t.clamp(0.0, 1.0);
    (s[0][0] + t * dx - p[0]).hypot(s[0][1] + t * dy - p[1])
}

fn distance(s: &Segment, t: &Segment) -> f64 {
    if meet(s, t) {
        return 0.0;
    }
    // Segments that do not meet are nearest at an end of one of them.
    let ends = [distance_to(s, t[0]), distance_to(s, t[1]), distance_to(t, s[0]), distance_to(t, s[1])];
    ends.into_iter().fold(f64::INFINITY, f64::min)
}

#[derive(Default)]
struct Parts {
    segments: Vec<Segment>,
    roles: Vec<Role>,
    pieces: Vec<Position>,
    ends: HashMap<[u64; 2], (Position, usize)>,
    areas: u32,
}

impl Parts {
    fn add(&mut self, geometry: &Geometry) {
        match geometry {
            Geometry::Point(p) => self.path(&[*p], Role::Point),
            Geometry::MultiPoint(points) => points.iter().for_each(|p| self.path(&[*p], Role::Point)),
            Geometry::LineString(line) => self.path(line, Role::Line),
            Geometry::MultiLineString(lines) => lines.iter().for_each(|l| self.path(l, Role::Line)),
            Geometry::Polygon(rings) => self.area(rings),
            Geometry::MultiPolygon(polygons) => polygons.iter().for_each(|rings| self.area(rings)),
            Geometry::Collection(members) => members.iter().for_each(|m| self.add(m)),
            Geometry::Envelope(e) => {
                let ring = [e.min, [e.max[0], e.min[1]], e.max, [e.min[0], e.max[1]], e.min];
                self.area(&[ring.to_vec()]);
            }
        }
    }

    fn area(&mut self, rings: &[Vec<Position>]) {
        rings.iter().for_each(|ring| self.path(ring, Role::Area(self.areas)));
        self.areas += 1;
    }

    fn path(&mut self, path: &[Position], role: Role) {
        let (Some(first), Some(last)) = (path.first(), path.last()) else { return };
        self.pieces.push(*first);
        if path.len() == 1 {
            self.segments.push([*first, *first]);
        }
        self.segments.extend(path.windows(2).map(|w| [w[0], w[1]]));
        self.roles.resize(self.segments.len(), role);
        if role == Role::Line {
            for end in [first, last] {
                self.ends.entry(end.map(|v| (v + 0.0).to_bits())).or_insert((*end, 0)).1 += 1;
            }
        }
    }

    fn finish(self) -> Figure {
        let ends = self.ends.into_values().filter(|(_, n)| n % 2 == 1).map(|(p, _)| p).collect();
        Figure::index(self.segments, self.roles, self.pieces, ends)
    }
}

impl Figure {
    /// Prepares a geometry.
    pub fn new(geometry: &Geometry) -> Figure {
        let mut parts = Parts::default();
        parts.add(geometry);
        parts.finish()
    }

    fn index(segments: Vec<Segment>, roles: Vec<Role>, pieces: Vec<Position>, ends: Vec<Position>) -> Figure {
        let mut bounds = Envelope::EMPTY;
        let mut builder = RTreeBuilder::<f64>::new(segments.len() as u32);
        for s in &segments {
            let b = bounds_of(s);
            bounds.merge(&b);
            builder.add(b.min[0], b.min[1], b.max[0], b.max[1]);
        }
        Figure { segments, roles, pieces, ends, bounds, rtree: builder.finish::<HilbertSort>() }
    }

    /// The same in another CRS; `None` when a position has no image.
    pub fn map(self, image: impl Fn(Position) -> Option<Position>) -> Option<Figure> {
        let positions = |v: Vec<Position>| v.into_iter().map(&image).collect::<Option<Vec<_>>>();
        let segments = self.segments.iter().map(|s| Some([image(s[0])?, image(s[1])?]));
        let segments = segments.collect::<Option<Vec<Segment>>>()?;
        Some(Figure::index(segments, self.roles, positions(self.pieces)?, positions(self.ends)?))
    }

    /// Its box.
    pub fn bounds(&self) -> Envelope {
        self.bounds
    }

    /// One position of each connected piece.
    pub fn pieces(&self) -> impl Iterator<Item = Position> + '_ {
        self.pieces.iter().copied()
    }

    /// Whether it is this position and nothing else.
    pub fn is_only(&self, p: Position) -> bool {
        !self.segments.is_empty() && self.segments.iter().all(|s| s[0] == p && s[1] == p)
    }

    fn search(&self, e: &Envelope) -> Vec<u32> {
        self.rtree.search(e.min[0], e.min[1], e.max[0], e.max[1])
    }

    /// Whether a segment shares a point with one of its segments.
    pub fn meets(&self, s: &Segment) -> bool {
        self.search(&bounds_of(s)).into_iter().any(|i| meet(s, &self.segments[i as usize]))
    }

    /// Whether a segment comes as near as a distance to one of its segments.
    pub fn near(&self, s: &Segment, d: f64) -> bool {
        self.search(&bounds_of(s).buffered(d)).into_iter().any(|i| distance(s, &self.segments[i as usize]) <= d)
    }

    /// Where a position lies relative to a figure of one dimension.
    pub fn locate(&self, p: Position) -> Location {
        self.locate_any(p)
    }

    /// Where a position lies; for a mixture: on any of it. Lines are inside everywhere but at their ends, points always.
    pub fn locate_any(&self, p: Position) -> Location {
        if !self.bounds.contains(p) {
            return Location::Outside;
        }
        let east = Envelope { min: p, max: [self.bounds.max[0], p[1]] };
        let mut odd: Vec<u32> = Vec::new();
        for i in self.search(&east) {
            let (segment, role) = (&self.segments[i as usize], self.roles[i as usize]);
            match (ray(segment, p), role) {
                (None, Role::Area(_)) => return Location::Border,
                (None, Role::Line) if self.ends.contains(&p) => return Location::Border,
                (None, _) => return Location::Inside,
                (Some(true), Role::Area(n)) => match odd.iter().position(|m| *m == n) {
                    Some(at) => {
                        odd.swap_remove(at);
                    }
                    None => odd.push(n),
                },
                _ => {}
            }
        }
        if odd.is_empty() { Location::Outside } else { Location::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Vec<Position> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    }

    #[test]
    fn positions_are_located_exactly() {
        let with_hole = Figure::new(&Geometry::Polygon(vec![square(0.0, 0.0, 10.0), square(4.0, 4.0, 2.0)]));
        for (p, location) in [
            ([1.0, 1.0], Location::Inside),
            ([0.0, 0.0], Location::Border),
            ([10.0, 5.0], Location::Border),
            ([5.0, 5.0], Location::Outside),
            ([4.0, 5.0], Location::Border),
            ([2.0, 4.0], Location::Inside),
            ([11.0, 5.0], Location::Outside),
            ([-1.0, 10.0], Location::Outside),
        ] {
            assert_eq!(with_hole.locate(p), location, "{p:?}");
        }
        let line = Figure::new(&Geometry::LineString(vec![[0.0, 0.0], [2.0, 2.0], [4.0, 0.0]]));
        assert_eq!(line.locate([1.0, 1.0]), Location::Inside);
        assert_eq!(line.locate([4.0, 0.0]), Location::Border);
        let ring = Figure::new(&Geometry::LineString(square(0.0, 0.0, 1.0)));
        assert_eq!(ring.locate([0.0, 0.0]), Location::Inside, "a closed line has no boundary");
        // A third of the way along a slanted border, where rounding would decide otherwise.
        let slanted = Figure::new(&Geometry::Polygon(vec![vec![[0.0, 0.0], [3.0, 1.0], [0.0, 1.0], [0.0, 0.0]]]));
        assert_eq!(slanted.locate([1.5, 0.5]), Location::Border);
        assert_eq!(slanted.locate([0.3, 0.1_f64.next_down()]), Location::Outside);
    }

    #[test]
    fn segments_meet_at_ends_crossings_and_overlaps() {
        let s = [[0.0, 0.0], [4.0, 4.0]];
        for (t, is) in [
            ([[0.0, 4.0], [4.0, 0.0]], true),
            ([[4.0, 4.0], [5.0, 0.0]], true),
            ([[2.0, 2.0], [3.0, 3.0]], true),
            ([[5.0, 5.0], [6.0, 6.0]], false),
            ([[2.0, 2.0], [2.0, 2.0]], true),
            ([[2.0, 2.5], [2.0, 2.5]], false),
            ([[0.0, 1.0], [3.0, 4.0]], false),
            ([[2.0, 2.0], [9.0, 0.0]], true),
        ] {
            assert_eq!(meet(&s, &t), is, "{t:?}");
            assert_eq!(meet(&t, &s), is, "{t:?}");
        }
        assert!(meets_box(&s, &Envelope { min: [3.0, 1.0], max: [5.0, 3.0] }), "through the corner (3, 3)");
        assert!(!meets_box(&s, &Envelope { min: [3.0, 1.0], max: [5.0, 2.9] }));
        assert_eq!(distance(&s, &[[0.0, 3.0], [0.0, 5.0]]), 4.5f64.sqrt());
    }
}
