//! From coordinates to pixels: the picture's place on the ground, thinning and clipping of vertices.

use crate::error::Error;
use crate::geo::{Crs, Envelope, Position, Transform};
use crate::query::MapQuery;
use crate::store::{GeometryTable, LayerData, StoredCrs};
use tiny_skia::{Path, PathBuilder};

/// A place on the canvas in pixels.
pub type Place = (f64, f64);

/// A picture's place on the ground.
pub struct View {
    envelope: Envelope,
    /// Pixels per unit of the CRS.
    factor: (f64, f64),
    /// Width and height in pixels.
    pub size: (u32, u32),
    stored: StoredCrs,
    /// From the stored CRS, when coordinates must be computed.
    transform: Option<Transform>,
    /// Pixels of the picture per pixel of 0.28 mm.
    pub scale: f32,
    /// Scale denominator.
    pub denominator: f64,
}

/// Metres of a degree along the equator (SE 1.1 §10.2).
const DEGREE: f64 = 6_378_137.0 * std::f64::consts::PI / 180.0;

/// Scale denominator of a picture: metres of the ground per metre of a pixel (06-042 §7.2.4.6.9, SE 1.1 §10.2).
pub fn denominator(query: &MapQuery) -> f64 {
    let metres = query.pixel().0 * if query.crs.is_geographic() { DEGREE } else { 1.0 };
    metres * query.dpi / 0.0254
}

impl View {
    /// The view of a picture.
    ///
    /// # Errors
    /// [`Error::Crs`] when coordinates can be neither found nor computed.
    pub fn new(query: &MapQuery) -> Result<View, Error> {
        let (dx, dy) = query.pixel();
        let (stored, transform) = match StoredCrs::of(query.crs) {
            Some(stored) => (stored, None),
            None => {
                let t = Transform::between(Crs::Lambert93, query.crs)
                    .ok_or_else(|| Error::Crs { name: query.crs.short() })?;
                (StoredCrs::Lambert93, Some(t))
            }
        };
        Ok(View {
            envelope: query.envelope,
            factor: (1.0 / dx, 1.0 / dy),
            size: (query.width, query.height),
            stored,
            transform,
            scale: query.symbol_scale() as f32,
            denominator: denominator(query),
        })
    }

    /// Place of the picture's upper left corner on the endless plane of pixels, for patterns.
    pub fn corner(&self) -> Place {
        (self.envelope.min[0] * self.factor.0, -self.envelope.max[1] * self.factor.1)
    }

    fn place(&self, p: Position) -> Place {
        ((p[0] - self.envelope.min[0]) * self.factor.0, (self.envelope.max[1] - p[1]) * self.factor.1)
    }

    /// Places of a run of stored positions.
    fn places(&self, table: &GeometryTable, range: std::ops::Range<usize>, out: &mut Vec<Place>) {
        out.clear();
        let stored = &table.positions(self.stored)[range];
        match &self.transform {
            None => out.extend(stored.iter().map(|p| self.place(*p))),
            Some(t) => {
                let mut moved = stored.to_vec();
                t.apply(&mut moved);
                // A position without image would tear a hole; the ring closes over it.
                out.extend(moved.iter().filter(|p| p[0].is_finite() && p[1].is_finite()).map(|p| self.place(*p)));
            }
        }
    }

    /// Places of a feature of points.
    pub fn points(&self, table: &GeometryTable, feature: u32) -> Vec<Place> {
        let mut out = Vec::new();
        self.places(table, table.feature_positions(feature), &mut out);
        out
    }

    /// Rings of a feature in pixels, each with whether it is the first (outer) of its part. Nothing thinned.
    pub fn rings(&self, table: &GeometryTable, feature: u32) -> Vec<(bool, Vec<Place>)> {
        let mut out = Vec::new();
        for part in table.parts(feature) {
            for (i, ring) in part.enumerate() {
                let mut places = Vec::new();
                self.places(table, table.ring(ring), &mut places);
                out.push((i == 0, places));
            }
        }
        out
    }

    /// Size of a feature's box in square pixels.
    pub fn extent(&self, data: &LayerData, row: u32) -> f32 {
        let feature = data.table.geometry_row[row as usize];
        let b = data.table.geometry.envelope(self.stored, feature);
        (b.width() * self.factor.0 * b.height() * self.factor.1) as f32
    }

    /// Margin round the picture in which geometry is kept, so that borders run out of sight.
    fn margin(&self) -> f64 {
        64.0 * f64::from(self.scale)
    }

    /// The path of a feature of areas (`closed`) or lines, thinned to about a pixel and cut near the picture.
    pub fn path(&self, table: &GeometryTable, feature: u32, closed: bool) -> Option<Path> {
        let m = self.margin();
        let frame = [-m, -m, f64::from(self.size.0) + m, f64::from(self.size.1) + m];
        let mut builder = PathBuilder::new();
        let (mut places, mut scratch, mut thinned) = (Vec::new(), Vec::new(), Vec::new());
        for part in table.parts(feature) {
            for (i, ring) in part.enumerate() {
                self.places(table, table.ring(ring), &mut places);
                if closed {
                    if !inside(&places, &frame) {
                        clip(&mut places, &mut scratch, &frame);
                    }
                    thin_ring(&places, i == 0, &mut thinned);
                    push(&mut builder, &thinned, true);
                } else {
                    cut(&places, &frame, |run| {
                        thin_line(run, &mut thinned);
                        push(&mut builder, &thinned, false);
                    });
                }
            }
        }
        builder.finish()
    }
}

fn push(builder: &mut PathBuilder, places: &[(f32, f32)], closed: bool) {
    let Some((first, rest)) = places.split_first() else { return };
    builder.move_to(first.0, first.1);
    rest.iter().for_each(|p| builder.line_to(p.0, p.1));
    if closed {
        builder.close();
    }
}

fn inside(places: &[Place], [x0, y0, x1, y1]: &[f64; 4]) -> bool {
    places.iter().all(|(x, y)| x0 <= x && x <= x1 && y0 <= y && y <= y1)
}

/// Cuts a ring at a frame, side by side (Sutherland and Hodgman). Edges along the frame may remain: they are out of sight.
pub fn clip(places: &mut Vec<Place>, scratch: &mut Vec<Place>, frame: &[f64; 4]) {
    for side in 0..4 {
        let depth = |p: &Place| match side {
            0 => p.0 - frame[0],
            1 => p.1 - frame[1],
            2 => frame[2] - p.0,
            _ => frame[3] - p.1,
        };
        scratch.clear();
        let Some(mut before) = places.last().copied() else { return };
        for p in places.iter() {
            let (a, b) = (depth(&before), depth(p));
            if (a >= 0.0) != (b >= 0.0) {
                let t = a / (a - b);
                scratch.push((before.0 + (p.0 - before.0) * t, before.1 + (p.1 - before.1) * t));
            }
            if b >= 0.0 {
                scratch.push(*p);
            }
            before = *p;
        }
        std::mem::swap(places, scratch);
    }
}

/// Gives the runs of a line that come near a frame.
fn cut(places: &[Place], [x0, y0, x1, y1]: &[f64; 4], mut run: impl FnMut(&[Place])) {
    let near =
        |a: &Place, b: &Place| a.0.max(b.0) >= *x0 && a.0.min(b.0) <= *x1 && a.1.max(b.1) >= *y0 && a.1.min(b.1) <= *y1;
    let mut start = 0;
    for i in 1..places.len() {
        if !near(&places[i - 1], &places[i]) {
            if i - start > 1 {
                run(&places[start..i]);
            }
            start = i;
        }
    }
    if places.len() - start > 1 {
        run(&places[start..]);
    }
}

fn cell(p: &Place) -> (i32, i32) {
    // `as` saturates, so places far away keep a cell.
    (p.0.floor() as i32, p.1.floor() as i32)
}

fn narrow(p: &Place) -> (f32, f32) {
    // Only lines reach far out (rings are clipped); the rasteriser cuts them, but not beyond what it can count.
    (p.0.clamp(-30_000.0, 30_000.0) as f32, p.1.clamp(-30_000.0, 30_000.0) as f32)
}

fn lesser(a: Place, b: Place) -> Place {
    if (b.0, b.1) < (a.0, a.1) { b } else { a }
}

/// Keeps one vertex of each run of vertices in one pixel: the least one, so that the border of two neighbours stays one
/// line, whichever way each of them runs along it.
fn thin_ring(places: &[Place], outer: bool, out: &mut Vec<(f32, f32)>) {
    out.clear();
    let ring = match places {
        [first, middle @ .., last] if first == last => &places[..=middle.len()],
        _ => places,
    };
    if ring.is_empty() {
        return;
    }
    let n = ring.len();
    let start = (0..n).find(|i| cell(&ring[*i]) != cell(&ring[(*i + n - 1) % n]));
    if let Some(start) = start {
        let mut kept = ring[start];
        for k in 1..n {
            let p = ring[(start + k) % n];
            if cell(&p) == cell(&kept) {
                kept = lesser(kept, p);
            } else {
                out.push(narrow(&kept));
                kept = p;
            }
        }
        out.push(narrow(&kept));
    }
    if out.len() < 3 {
        out.clear();
        if outer {
            // An area smaller than a pixel is still there: a pixel's worth of it.
            let (x, y) = narrow(&ring.iter().copied().fold(ring[0], lesser));
            let (x, y) = (x.floor(), y.floor());
            out.extend([(x, y), (x + 1.0, y), (x + 1.0, y + 1.0), (x, y + 1.0)]);
        }
    }
}

/// The same for a line; its ends stay.
fn thin_line(places: &[Place], out: &mut Vec<(f32, f32)>) {
    out.clear();
    let [first, middle @ .., last] = places else { return };
    out.push(narrow(first));
    let mut kept: Option<Place> = None;
    for p in middle.iter().filter(|p| cell(p) != cell(first) && cell(p) != cell(last)) {
        kept = match kept {
            Some(k) if cell(&k) == cell(p) => Some(lesser(k, *p)),
            other => {
                out.extend(other.as_ref().map(narrow));
                Some(*p)
            }
        };
    }
    out.extend(kept.as_ref().map(narrow));
    out.push(narrow(last));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_is_the_same_in_both_directions() {
        let mut border: Vec<Place> =
            (0..400).map(|i| (f64::from(i) * 0.17, 20.0 + (f64::from(i) * 0.1).sin() * 3.0)).collect();
        let mut there = Vec::new();
        let ring = |tail: [Place; 2], line: &[Place]| [line, &tail, &line[..1]].concat();
        thin_ring(&ring([(68.0, 100.0), (0.0, 100.0)], &border), true, &mut there);
        border.reverse();
        let mut back = Vec::new();
        thin_ring(&ring([(0.0, -100.0), (68.0, -100.0)], &border), true, &mut back);
        let on_border = |p: &&(f32, f32)| p.1.abs() < 50.0;
        let mut a: Vec<_> = there.iter().filter(on_border).copied().collect();
        let mut b: Vec<_> = back.iter().filter(on_border).copied().collect();
        a.sort_by(|p, q| p.partial_cmp(q).unwrap());
        b.sort_by(|p, q| p.partial_cmp(q).unwrap());
        assert_eq!(a, b);
        assert!(a.len() < 200 && a.len() > 60, "{}", a.len());
    }

    #[test]
    fn tiny_areas_keep_a_pixel_and_tiny_holes_go() {
        let tiny = [(5.1, 5.1), (5.4, 5.2), (5.2, 5.4), (5.1, 5.1)];
        let mut out = Vec::new();
        thin_ring(&tiny, true, &mut out);
        assert_eq!(out, [(5.0, 5.0), (6.0, 5.0), (6.0, 6.0), (5.0, 6.0)]);
        thin_ring(&tiny, false, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn clipping_keeps_what_is_inside() {
        let mut ring = vec![(-1000.0, -1000.0), (1000.0, -1000.0), (1000.0, 50.0), (-1000.0, 50.0)];
        clip(&mut ring, &mut Vec::new(), &[0.0, 0.0, 100.0, 100.0]);
        let xs = ring.iter().map(|p| p.0).fold((f64::MAX, f64::MIN), |m, x| (m.0.min(x), m.1.max(x)));
        let ys = ring.iter().map(|p| p.1).fold((f64::MAX, f64::MIN), |m, y| (m.0.min(y), m.1.max(y)));
        assert_eq!((xs, ys), ((0.0, 100.0), (0.0, 50.0)));
    }

    #[test]
    fn lines_are_cut_into_runs_near_the_picture() {
        let line = [(-500.0, 5.0), (-400.0, 5.0), (-10.0, 5.0), (10.0, 5.0), (500.0, 5.0), (600.0, 5.0)];
        let mut runs = Vec::new();
        cut(&line, &[0.0, 0.0, 100.0, 100.0], |r| runs.push(r.to_vec()));
        assert_eq!(runs, [line[2..5].to_vec()]);
    }
}
