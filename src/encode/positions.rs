//! Coordinates of features in the CRS that is handed out.

use crate::geo::{Axes, Crs, Position};
use crate::store::{GeometryTable, StoredCrs};
use proj4rs::Proj;

/// Gives the positions of stored geometry in one CRS and axis order.
pub struct Positions {
    crs: Crs,
    swap: bool,
    /// Source and target for a CRS in which no coordinates are kept.
    computed: Option<(Proj, Proj)>,
}

impl Positions {
    /// Positions in a CRS, written in the given axis order.
    ///
    /// # Errors
    /// [`crate::error::Error::Crs`] when the CRS can neither be found nor computed.
    pub fn new(crs: Crs, axes: Axes) -> Result<Positions, crate::error::Error> {
        let computed = match StoredCrs::of(crs) {
            Some(_) => None,
            None => {
                let proj = |crs: Crs| {
                    let code = crs.epsg().and_then(|n| u16::try_from(n).ok());
                    code.and_then(|n| Proj::from_epsg_code(n).ok())
                };
                let pair = proj(Crs::Lambert93).zip(proj(crs));
                Some(pair.ok_or_else(|| crate::error::Error::Crs { name: crs.short() })?)
            }
        };
        Ok(Positions { crs, swap: axes == Axes::NorthEast, computed })
    }

    /// The CRS.
    pub fn crs(&self) -> Crs {
        self.crs
    }

    /// Decimals to write.
    pub fn decimals(&self) -> u8 {
        self.crs.decimals()
    }

    /// Position number `n` of a table, `[first axis, second axis]` as it goes on the wire.
    pub fn get(&self, table: &GeometryTable, n: usize) -> Position {
        let [x, y] = match (StoredCrs::of(self.crs), &self.computed) {
            (Some(stored), _) => table.positions(stored)[n],
            (None, Some((from, to))) => project(from, to, table.lambert93[n]),
            (None, None) => table.lambert93[n],
        };
        if self.swap { [y, x] } else { [x, y] }
    }

    /// Like [`Positions::get`], with the decimals that every format writes: formats of binary numbers hold no others.
    pub fn rounded(&self, table: &GeometryTable, n: usize) -> Position {
        let position = self.get(table, n);
        match self.computed {
            // What is kept is rounded.
            None => position,
            Some(_) => {
                let power = 10f64.powi(i32::from(self.decimals()));
                position.map(|v| (v * power).round() / power)
            }
        }
    }
}

fn project(from: &Proj, to: &Proj, [x, y]: Position) -> Position {
    let mut point = (x, y, 0.0);
    match proj4rs::transform::transform(from, to, &mut point) {
        Ok(()) => [point.0, point.1],
        // Outside the projection's domain: no number is better than a wrong one.
        Err(_) => [f64::NAN, f64::NAN],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cc50_is_computed_from_lambert_93() {
        let p = Positions::new(Crs::Cc50, Axes::EastNorth).unwrap();
        let (from, to) = p.computed.as_ref().unwrap();
        // What PROJ 9.1 gives: cs2cs EPSG:2154 EPSG:3950.
        let [x, y] = project(from, to, [704_340.0, 7_059_700.0]);
        assert!((x - 1_704_332.551).abs() < 0.01 && (y - 9_270_548.562).abs() < 0.01, "{x} {y}");
    }
}
