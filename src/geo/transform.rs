//! From one coordinate reference system to another, and the rounding of what is handed out.

use super::lambert::Lambert;
use super::{Crs, Envelope, Position};
use proj4rs::Proj;
use proj4rs::errors::Error as ProjError;
use proj4rs::transform::{Transform as Batch, TransformClosure};
use std::sync::OnceLock;

/// A transformation between two CRS. All geographic CRS of [`Crs`] count as one: RGF93, ETRS89 and WGS 84 agree within
/// the published precision, and data in France are never shifted between them.
#[derive(Clone)]
pub struct Transform {
    way: Way,
}

#[derive(Clone)]
enum Way {
    /// Nothing to do.
    Same,
    /// Between Lambert-93 and CC50.
    Cones(Lambert),
    Library(Box<(Proj, Proj)>),
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transform").field("identity", &matches!(self.way, Way::Same)).finish()
    }
}

impl Transform {
    /// Between two CRS that are offered. `None` only if the library lacks a definition.
    pub fn between(from: Crs, to: Crs) -> Option<Transform> {
        Transform::from_srid(code(from), to)
    }

    /// From any EPSG code to a CRS that is offered; `None` when the code is not known.
    pub fn from_srid(srid: u32, to: Crs) -> Option<Transform> {
        let (from, to) = (Crs::from_epsg(srid).map_or(srid, code), code(to));
        if from == to {
            return Some(Transform { way: Way::Same });
        }
        let way = match Lambert::between(from, to) {
            Some(cones) => Way::Cones(cones),
            None => Way::Library(Box::new((definition(from)?, definition(to)?))),
        };
        Some(Transform { way })
    }

    /// Transforms positions in place, `[x, y]` order, degrees for geographic CRS. A position outside the domain of the
    /// projection becomes NaN.
    pub fn apply(&self, positions: &mut [Position]) {
        let (from, to) = match &self.way {
            Way::Same => return,
            Way::Cones(cones) => return positions.iter_mut().for_each(|p| *p = cones.apply(*p)),
            Way::Library(ends) => (&ends.0, &ends.1),
        };
        if from.is_latlong() {
            positions.iter_mut().flatten().for_each(|v| *v = v.to_radians());
        }
        // `Positions` never stops at an error, so there is none to report.
        let _ = proj4rs::transform::transform(from, to, &mut Positions(positions));
        if to.is_latlong() {
            positions.iter_mut().flatten().for_each(|v| *v = v.to_degrees());
        }
    }

    /// One position; `None` outside the domain.
    pub fn position(&self, p: Position) -> Option<Position> {
        let mut one = [p];
        self.apply(&mut one);
        one[0].iter().all(|v| v.is_finite()).then_some(one[0])
    }

    /// A box that holds the image of a box: its sides are curves in the other CRS, so they are followed at 32 points each
    /// and a margin covers what lies between. `None` when a point has no image.
    pub fn envelope(&self, b: &Envelope) -> Option<Envelope> {
        if matches!(self.way, Way::Same) {
            return Some(*b);
        }
        let mut outline = ring(b, 32);
        self.apply(&mut outline);
        let mut out = Envelope::EMPTY;
        for p in &outline {
            if !p.iter().all(|v| v.is_finite()) {
                return None;
            }
            out.add(*p);
        }
        // Between two neighbours an arc of radius R rises by L²/8R: less than 1/1000 of the box for any box on Earth.
        Some(out.buffered((out.width() + out.height()) * 1e-3))
    }
}

/// The outline of a box, each side cut into `n` pieces, closed.
pub fn ring(b: &Envelope, n: u32) -> Vec<Position> {
    let corners = [b.min, [b.max[0], b.min[1]], b.max, [b.min[0], b.max[1]], b.min];
    let mut out = Vec::with_capacity(4 * n as usize + 1);
    for side in corners.windows(2) {
        for i in 0..n {
            let t = f64::from(i) / f64::from(n);
            out.push([side[0][0] + (side[1][0] - side[0][0]) * t, side[0][1] + (side[1][1] - side[0][1]) * t]);
        }
    }
    out.push(b.min);
    out
}

/// Rounds to a number of decimals: the double nearest to the decimal number, as reading that number back gives it.
pub fn round(v: f64, decimals: u8) -> f64 {
    let unit = 10f64.powi(i32::from(decimals));
    // Adding 0 turns a negative zero into zero.
    (v * unit).round() / unit + 0.0
}

/// EPSG code under which a CRS is computed: one for all geographic ones.
fn code(crs: Crs) -> u32 {
    if crs.is_geographic() { 4326 } else { crs.epsg().unwrap_or(4326) }
}

fn definition(code: u32) -> Option<Proj> {
    static COMMON: OnceLock<[Option<Proj>; 4]> = OnceLock::new();
    let build = |code: u16| Proj::from_epsg_code(code).ok();
    let common = COMMON.get_or_init(|| [2154, 3857, 4326, 3950].map(build));
    match code {
        2154 => common[0].clone(),
        3857 => common[1].clone(),
        4326 => common[2].clone(),
        3950 => common[3].clone(),
        other => build(u16::try_from(other).ok()?),
    }
}

struct Positions<'a>(&'a mut [Position]);

impl Batch for Positions<'_> {
    fn transform_coordinates<F: TransformClosure>(&mut self, f: &mut F) -> Result<(), ProjError> {
        for p in self.0.iter_mut() {
            *p = match f(p[0], p[1], 0.0) {
                Ok((x, y, _)) => [x, y],
                Err(_) => [f64::NAN; 2],
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Position, b: Position, tolerance: f64) {
        assert!((a[0] - b[0]).abs() < tolerance && (a[1] - b[1]).abs() < tolerance, "{a:?} {b:?}");
    }

    #[test]
    fn agrees_with_proj() {
        // echo 704340 7059700 | cs2cs -f %.10f EPSG:2154 +to EPSG:4326, EPSG:3857, EPSG:3950 (PROJ 9.1.1)
        let lille = [704_340.0, 7_059_700.0];
        let to = |crs| Transform::between(Crs::Lambert93, crs).unwrap().position(lille).unwrap();
        near(to(Crs::Crs84), LILLE_DEGREES, 1e-9);
        near(to(Crs::WebMercator), LILLE_MERCATOR, 1e-4);
        near(to(Crs::Cc50), LILLE_CC50, 1e-4);
        let back = Transform::between(Crs::Cc50, Crs::Lambert93).unwrap().position(LILLE_CC50).unwrap();
        near(back, lille, 1e-3);
    }

    const LILLE_DEGREES: Position = [3.061_240_605_1, 50.634_254_332_2];
    const LILLE_MERCATOR: Position = [340_775.745_353, 6_556_850.778_98];
    const LILLE_CC50: Position = [1_704_332.551_282, 9_270_548.561_725];

    #[test]
    fn a_transformed_box_holds_its_contents() {
        let b = Envelope::new(2.0, 49.5, 4.5, 51.2).unwrap();
        let t = Transform::between(Crs::Crs84, Crs::Lambert93).unwrap();
        let outer = t.envelope(&b).unwrap();
        for i in 0..=50 {
            for j in 0..=50 {
                let p = [2.0 + 2.5 * f64::from(i) / 50.0, 49.5 + 1.7 * f64::from(j) / 50.0];
                assert!(outer.contains(t.position(p).unwrap()));
            }
        }
    }

    #[test]
    fn rounding_gives_the_double_of_the_decimal_number() {
        assert_eq!(round(704_123.456, 2), 704_123.46);
        assert_eq!(round(3.069_123_449_9, 7), 3.069_123_4);
        assert_eq!(round(-0.001, 2).to_bits(), 0f64.to_bits());
    }

    #[test]
    fn positions_without_image_are_told() {
        let t = Transform::between(Crs::Crs84, Crs::WebMercator).unwrap();
        assert_eq!(t.position([0.0, 90.0]), None);
        assert_eq!(Transform::from_srid(1, Crs::Crs84).map(|_| ()), None);
    }
}
