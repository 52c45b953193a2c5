//! Where a symbol or a label stands inside an area.

use super::view::{Place, View, clip};
use crate::store::GeometryTable;

/// A place inside an area, and how wide and large the area is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// The place.
    pub at: Place,
    /// Length of the horizontal line through the place that lies inside, in pixels.
    pub width: f64,
    /// Size of the whole area in square pixels: large ones are labelled first.
    pub area: f64,
}

/// The anchor of a feature of areas: near the centre of its largest part, where that is wide. `None` for empty geometry.
pub fn anchor(view: &View, table: &GeometryTable, feature: u32) -> Option<Anchor> {
    let parts = parts(view.rings(table, feature));
    let largest = parts.iter().max_by(|a, b| a.area().total_cmp(&b.area()))?;
    let area = parts.iter().map(Part::area).sum();
    largest.anchor(area)
}

/// The same for what is seen of the feature in the picture, when its own anchor is out of sight.
pub fn visible(view: &View, table: &GeometryTable, feature: u32) -> Option<Anchor> {
    let whole = anchor(view, table, feature)?;
    let (w, h) = (f64::from(view.size.0), f64::from(view.size.1));
    if (0.0..w).contains(&whole.at.0) && (0.0..h).contains(&whole.at.1) {
        return Some(whole);
    }
    let mut scratch = Vec::new();
    let mut rings = view.rings(table, feature);
    rings.iter_mut().for_each(|(_, ring)| clip(ring, &mut scratch, &[0.0, 0.0, w, h]));
    rings.retain(|(_, ring)| ring.len() > 2);
    let parts = parts(rings);
    let largest = parts.iter().max_by(|a, b| a.area().total_cmp(&b.area()))?;
    // What peeps into the picture by a corner is not named there.
    (largest.area() > 0.02 * w * h).then(|| largest.anchor(whole.area)).flatten()
}

struct Part {
    rings: Vec<Vec<Place>>,
}

fn parts(rings: Vec<(bool, Vec<Place>)>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for (outer, ring) in rings {
        match out.last_mut() {
            Some(part) if !outer => part.rings.push(ring),
            _ => out.push(Part { rings: vec![ring] }),
        }
    }
    out
}

/// Twice the signed area, and the moments that give the centre.
fn moments(ring: &[Place]) -> (f64, f64, f64) {
    let Some(origin) = ring.first() else { return (0.0, 0.0, 0.0) };
    let mut sums = (0.0, 0.0, 0.0);
    for (i, a) in ring.iter().enumerate() {
        let b = ring[(i + 1) % ring.len()];
        // Relative to a vertex: coordinates far from 0 would cancel badly.
        let (ax, ay, bx, by) = (a.0 - origin.0, a.1 - origin.1, b.0 - origin.0, b.1 - origin.1);
        let cross = ax * by - bx * ay;
        sums.0 += cross;
        sums.1 += (ax + bx) * cross;
        sums.2 += (ay + by) * cross;
    }
    sums
}

impl Part {
    fn area(&self) -> f64 {
        self.rings.first().map_or(0.0, |r| moments(r).0.abs() / 2.0)
    }

    fn centre(&self) -> Option<Place> {
        let ring = self.rings.first()?;
        let origin = ring.first()?;
        let (double, mx, my) = moments(ring);
        if double.abs() < 1e-9 {
            return Some(*origin);
        }
        Some((origin.0 + mx / (3.0 * double), origin.1 + my / (3.0 * double)))
    }

    /// Pieces of a horizontal line that lie inside.
    fn inside(&self, y: f64) -> Vec<(f64, f64)> {
        let mut xs: Vec<f64> = Vec::new();
        for ring in &self.rings {
            for (i, a) in ring.iter().enumerate() {
                let b = ring[(i + 1) % ring.len()];
                if (a.1 > y) != (b.1 > y) {
                    xs.push(a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1));
                }
            }
        }
        xs.sort_by(f64::total_cmp);
        xs.chunks_exact(2).map(|p| (p[0], p[1])).collect()
    }

    fn anchor(&self, area: f64) -> Option<Anchor> {
        let centre = self.centre()?;
        let ring = self.rings.first()?;
        let (low, high) = ring.iter().fold((f64::MAX, f64::MIN), |m, p| (m.0.min(p.1), m.1.max(p.1)));
        // Lines through the centre and above and below it: the wider, the better; the farther from the centre, the worse.
        let height = high - low;
        let mut best: Option<(f64, Anchor)> = None;
        for step in [0.0, 0.08, -0.08, 0.16, -0.16, 0.26, -0.26, 0.38, -0.38] {
            let y = centre.1 + step * height;
            for (a, b) in self.inside(y) {
                // On a line that holds the centre's column the label stays there, if there is room on both sides.
                let room = 0.3 * (b - a);
                let x = centre.0.clamp(a + room, b - room);
                let score = (b - a) - 0.6 * (x - centre.0).abs() - 1.2 * (y - centre.1).abs();
                if best.as_ref().is_none_or(|(s, _)| score > *s) {
                    best = Some((score, Anchor { at: (x, y), width: b - a, area }));
                }
            }
        }
        best.map(|(_, a)| a).or(Some(Anchor { at: centre, width: 0.0, area }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(rings: &[&[Place]]) -> Part {
        Part { rings: rings.iter().map(|r| r.to_vec()).collect() }
    }

    #[test]
    fn a_square_is_labelled_in_its_middle() {
        let square = part(&[&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]]);
        let a = square.anchor(100.0).unwrap();
        assert_eq!((a.at, a.width), ((5.0, 5.0), 10.0));
        assert_eq!(square.area(), 100.0);
    }

    #[test]
    fn an_angle_is_labelled_inside() {
        // An L whose centre lies outside of it.
        let l = part(&[&[(0.0, 0.0), (2.0, 0.0), (2.0, 18.0), (20.0, 18.0), (20.0, 20.0), (0.0, 20.0)]]);
        let a = l.anchor(1.0).unwrap();
        assert!(l.inside(a.at.1).iter().any(|(x0, x1)| *x0 <= a.at.0 && a.at.0 <= *x1), "{a:?}");
    }

    #[test]
    fn a_ring_is_not_labelled_in_its_hole() {
        let outer = [(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)];
        let hole = [(4.0, 4.0), (16.0, 4.0), (16.0, 16.0), (4.0, 16.0)];
        let a = part(&[&outer, &hole]).anchor(1.0).unwrap();
        let in_hole = (4.0..=16.0).contains(&a.at.0) && (4.0..=16.0).contains(&a.at.1);
        assert!(!in_hole, "{a:?}");
    }
}
