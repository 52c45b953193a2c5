//! Spatial relations that the snapshot decides by itself, exactly.
//!
//! A relation is evaluated in the CRS of the literal, on the coordinates that are handed out in that CRS: what a client was
//! given, it finds again. Distances are evaluated in EPSG:2154, in metres. Orientation tests are exact (Shewchuk), so a
//! point on a border is on the border. What is not decided here (areas and lines in all relations but intersection) is left
//! to PostGIS: see [`decides`].

use super::LayerData;
use super::figure::{Figure, Location, Segment};
use super::geometry::{GeometryTable, StoredCrs};
use super::snapshot::Table;
use crate::error::{Error, Reason, Result};
use crate::filter::SpatialOp;
use crate::geo::{Crs, Envelope, Geometry, GeometryKind, Position, Transform, transform};

/// Metres of slack when a box is looked up in EPSG:2154: coordinates are rounded in each CRS by itself.
const SLACK: f64 = 0.1;

/// A relation between a layer's geometry and a literal.
pub struct Relation<'a> {
    geometry: &'a GeometryTable,
    place: Place,
    test: Test,
    negated: bool,
}

/// Where coordinates come from.
enum Place {
    Stored(StoredCrs),
    /// Computed from EPSG:2154 and rounded as handed out.
    Computed(Box<Transform>, Crs),
}

enum Test {
    /// Shares a point with a box.
    Box(Envelope),
    /// Shares a point with a figure.
    Meets(Figure),
    /// Lies at most this many metres from a figure.
    Near(Figure, f64),
    /// Lies in a box with sides, borders included.
    Inside(Envelope),
    /// The layer's points in a relation to a figure.
    PointIn(SpatialOp, Figure),
    /// The layer's areas in a relation to a point.
    AreaOf(SpatialOp, Position),
    /// Never.
    Never,
}

/// Whether the snapshot decides a relation between a layer of a kind and a literal; otherwise PostGIS does.
pub fn decides(kind: GeometryKind, op: SpatialOp, literal: &Geometry) -> bool {
    match (op, kind) {
        (SpatialOp::Intersects | SpatialOp::Disjoint, _) => true,
        (_, GeometryKind::Point) => !matches!(literal, Geometry::Collection(_)),
        (_, GeometryKind::MultiPolygon) if matches!(literal, Geometry::Point(_)) => true,
        (SpatialOp::Within, GeometryKind::MultiPolygon) => rectangle(literal).is_some(),
        _ => false,
    }
}

/// The box that a literal is, when it is one with an inside.
fn rectangle(literal: &Geometry) -> Option<Envelope> {
    let e = match literal {
        Geometry::Envelope(e) => *e,
        Geometry::Polygon(rings) => {
            let [ring] = &rings[..] else { return None };
            let [a, b, c, d, end] = ring[..] else { return None };
            let turns = (a[0] == b[0] && b[1] == c[1] && c[0] == d[0] && d[1] == a[1])
                || (a[1] == b[1] && b[0] == c[0] && c[1] == d[1] && d[0] == a[0]);
            if !turns || a != end {
                return None;
            }
            let mut e = Envelope::EMPTY;
            ring.iter().for_each(|p| e.add(*p));
            e
        }
        _ => return None,
    };
    (e.width() > 0.0 && e.height() > 0.0).then_some(e)
}

/// Rows below `len` on features, ascending.
pub fn rows(table: &Table, len: u32, features: Vec<u32>) -> Vec<u32> {
    let mut rows: Vec<u32> =
        features.into_iter().flat_map(|f| table.rows_of(f).iter().copied().take_while(|r| *r < len)).collect();
    rows.sort_unstable();
    rows
}

impl<'a> Relation<'a> {
    fn new(data: &'a LayerData, crs: Crs, test: Test) -> Result<Relation<'a>> {
        let place = match StoredCrs::of(crs) {
            Some(stored) => Place::Stored(stored),
            None => {
                let unknown = || Error::Crs { name: crs.short() };
                Place::Computed(Box::new(Transform::between(Crs::Lambert93, crs).ok_or_else(unknown)?), crs)
            }
        };
        Ok(Relation { geometry: &data.table.geometry, place, test, negated: false })
    }

    /// Shares a point with a box.
    ///
    /// # Errors
    /// [`Error::Crs`] for a CRS that cannot be computed.
    pub fn of_box(data: &'a LayerData, envelope: &Envelope, crs: Crs) -> Result<Relation<'a>> {
        Relation::new(data, crs, Test::Box(*envelope))
    }

    /// A relation for which [`decides`] is true.
    ///
    /// # Errors
    /// [`Error::Crs`]; [`Error::Internal`] for a relation that is not decided here.
    pub fn of_spatial(data: &'a LayerData, op: SpatialOp, literal: &Geometry, crs: Crs) -> Result<Relation<'a>> {
        let kind = data.table.geometry.kind;
        if !decides(kind, op, literal) {
            return Err(Error::Internal);
        }
        let test = match (op, literal) {
            (SpatialOp::Intersects | SpatialOp::Disjoint, Geometry::Envelope(e)) => Test::Box(*e),
            (SpatialOp::Intersects | SpatialOp::Disjoint, other) => Test::Meets(Figure::new(other)),
            (op, other) if kind == GeometryKind::Point => Test::PointIn(op, Figure::new(other)),
            (SpatialOp::Contains | SpatialOp::Touches, Geometry::Point(p)) => Test::AreaOf(op, *p),
            (SpatialOp::Within, other) => rectangle(other).map_or(Test::Never, Test::Inside),
            // An area and a point never equal, overlap or cross each other.
            _ => Test::Never,
        };
        let relation = Relation::new(data, crs, test)?;
        Ok(Relation { negated: op == SpatialOp::Disjoint, ..relation })
    }

    /// Lies at most so many metres away.
    ///
    /// # Errors
    /// [`Error::Crs`]; [`Error::Processing`] for a literal that has no place in EPSG:2154.
    pub fn of_distance(data: &'a LayerData, literal: &Geometry, crs: Crs, metres: f64) -> Result<Relation<'a>> {
        let transform = Transform::between(crs, Crs::Lambert93).ok_or_else(|| Error::Crs { name: crs.short() })?;
        let figure = Figure::new(literal).map(|p| transform.position(p)).ok_or_else(|| Error::Processing {
            name: "FILTER".into(),
            reason: Reason::OutsideArea("EPSG:2154".into()),
        })?;
        // Nothing is nearer than nothing.
        let test = if metres >= 0.0 { Test::Near(figure, metres) } else { Test::Never };
        Relation::new(data, Crs::Lambert93, test)
    }

    /// True when [`Relation::features`] lists those that do not satisfy the relation.
    pub fn negated(&self) -> bool {
        self.negated
    }

    /// Whether a feature satisfies the relation.
    pub fn test(&self, feature: u32) -> bool {
        self.holds(feature) != self.negated
    }

    /// Features that satisfy the relation before negation; in no order.
    pub fn features(&self) -> Vec<u32> {
        let bounds = match &self.test {
            Test::Never => return Vec::new(),
            Test::Box(e) | Test::Inside(e) => *e,
            Test::Meets(f) | Test::PointIn(_, f) => f.bounds(),
            Test::Near(f, metres) => f.bounds().buffered(*metres),
            Test::AreaOf(_, p) => Envelope { min: *p, max: *p },
        };
        let mut features = self.candidates(&bounds);
        features.retain(|f| self.holds(*f));
        features
    }

    /// Features whose boxes can share a point with a box in the CRS of the relation.
    fn candidates(&self, bounds: &Envelope) -> Vec<u32> {
        let all = || (0..self.geometry.len() as u32).collect();
        // Only the part of the box that holds data is transformed: the rest may lie where the projection has no image.
        let (extent, crs) = match &self.place {
            Place::Stored(stored) => (Some(self.geometry.extent(*stored)), stored.crs()),
            Place::Computed(to, crs) => {
                let extent = to.envelope(&self.geometry.extent(StoredCrs::Lambert93));
                (extent.map(|e| e.buffered(SLACK)), *crs)
            }
        };
        let Some(extent) = extent else { return all() };
        if bounds.is_empty() || extent.is_empty() || !bounds.intersects(&extent) {
            return Vec::new();
        }
        let clipped = Envelope {
            min: [bounds.min[0].max(extent.min[0]), bounds.min[1].max(extent.min[1])],
            max: [bounds.max[0].min(extent.max[0]), bounds.max[1].min(extent.max[1])],
        };
        if clipped == extent {
            return all();
        }
        if crs == Crs::Lambert93 {
            return self.geometry.search(&clipped);
        }
        match Transform::between(crs, Crs::Lambert93).and_then(|t| t.envelope(&clipped)) {
            Some(e) => self.geometry.search(&e.buffered(SLACK)),
            None => all(),
        }
    }

    fn holds(&self, feature: u32) -> bool {
        match &self.place {
            Place::Stored(stored) => {
                let range = self.geometry.feature_positions(feature);
                let base = range.start;
                let shape = Shape {
                    geometry: self.geometry,
                    feature,
                    positions: &self.geometry.positions(*stored)[range],
                    base,
                    bounds: self.geometry.envelope(*stored, feature),
                };
                self.holds_for(&shape)
            }
            Place::Computed(to, crs) => {
                let range = self.geometry.feature_positions(feature);
                let base = range.start;
                let mut positions = self.geometry.lambert93[range].to_vec();
                to.apply(&mut positions);
                let mut bounds = Envelope::EMPTY;
                for p in &mut positions {
                    p.iter_mut().for_each(|v| *v = transform::round(*v, crs.decimals()));
                    bounds.add(*p);
                }
                self.holds_for(&Shape { geometry: self.geometry, feature, positions: &positions, base, bounds })
            }
        }
    }

    fn holds_for(&self, shape: &Shape<'_>) -> bool {
        match &self.test {
            Test::Never => false,
            Test::Inside(e) => e.contains(shape.bounds.min) && e.contains(shape.bounds.max),
            Test::Box(e) => shape.meets_box(e),
            Test::Meets(figure) => shape.meets(figure),
            Test::Near(figure, metres) => {
                shape.bounds.intersects(&figure.bounds().buffered(*metres))
                    && (shape.segments().any(|s| figure.near(&s, *metres)) || shape.meets(figure))
            }
            Test::PointIn(op, figure) => point_in(*op, shape.positions[0], figure),
            Test::AreaOf(op, p) => {
                let wanted = if *op == SpatialOp::Touches { Location::Border } else { Location::Inside };
                shape.bounds.contains(*p) && shape.locate(*p) == wanted
            }
        }
    }
}

/// Relations of one position to a figure of one dimension (OGC 06-103r4 §6.1.15.3).
fn point_in(op: SpatialOp, p: Position, figure: &Figure) -> bool {
    let location = figure.locate(p);
    match op {
        SpatialOp::Intersects => location != Location::Outside,
        SpatialOp::Disjoint => location == Location::Outside,
        SpatialOp::Within => location == Location::Inside,
        SpatialOp::Touches => location == Location::Border,
        // A single position contains or equals nothing but itself.
        SpatialOp::Contains | SpatialOp::Equals => figure.is_only(p),
        SpatialOp::Overlaps | SpatialOp::Crosses => false,
    }
}

/// One feature in the CRS of the relation.
struct Shape<'a> {
    geometry: &'a GeometryTable,
    feature: u32,
    /// Its positions; the first one is number `base` of the table.
    positions: &'a [Position],
    base: usize,
    bounds: Envelope,
}

impl Shape<'_> {
    fn ring(&self, ring: u32) -> &[Position] {
        let range = self.geometry.ring(ring);
        &self.positions[range.start - self.base..range.end - self.base]
    }

    fn rings(&self) -> impl Iterator<Item = &[Position]> {
        self.geometry.parts(self.feature).flatten().map(|r| self.ring(r))
    }

    /// Its segments; a single position is a segment without length.
    fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        self.rings().flat_map(|ring| {
            let single = (ring.len() == 1).then(|| [ring[0], ring[0]]);
            single.into_iter().chain(ring.windows(2).map(|w| [w[0], w[1]]))
        })
    }

    fn is_area(&self) -> bool {
        self.geometry.kind.dimension() == 2
    }

    /// Where a position lies relative to an area.
    fn locate(&self, p: Position) -> Location {
        let mut inside = false;
        for rings in self.geometry.parts(self.feature) {
            let mut odd = false;
            for ring in rings {
                for w in self.ring(ring).windows(2) {
                    match super::figure::ray(&[w[0], w[1]], p) {
                        None => return Location::Border,
                        Some(crosses) => odd ^= crosses,
                    }
                }
            }
            inside |= odd;
        }
        if inside { Location::Inside } else { Location::Outside }
    }

    fn meets_box(&self, e: &Envelope) -> bool {
        if !self.bounds.intersects(e) {
            return false;
        }
        if e.contains(self.bounds.min) && e.contains(self.bounds.max) {
            return true;
        }
        self.positions.iter().any(|p| e.contains(*p))
            || self.segments().any(|s| super::figure::meets_box(&s, e))
            || (self.is_area() && self.locate(e.min) != Location::Outside)
    }

    fn meets(&self, figure: &Figure) -> bool {
        if !self.bounds.intersects(&figure.bounds()) {
            return false;
        }
        if self.geometry.kind == GeometryKind::Point {
            return figure.locate_any(self.positions[0]) != Location::Outside;
        }
        // Borders that do not meet leave one inside the other or both apart: a position of each piece tells.
        self.segments().any(|s| figure.meets(&s))
            || self.rings().any(|ring| figure.locate_any(ring[0]) != Location::Outside)
            || (self.is_area() && figure.pieces().any(|p| self.locate(p) != Location::Outside))
    }
}
