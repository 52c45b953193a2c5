//! Coordinates of features in the CRS that is handed out.

use crate::geo::{Axes, Crs, Position, Transform};
use crate::store::{GeometryTable, StoredCrs};

/// Gives the positions of stored geometry in one CRS and axis order.
pub struct Positions {
    crs: Crs,
    swap: bool,
    /// From Lambert-93 to a CRS in which no coordinates are kept.
    computed: Option<Transform>,
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
                let computed = Transform::between(Crs::Lambert93, crs);
                Some(computed.ok_or_else(|| crate::error::Error::Crs { name: crs.short() })?)
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
            // Outside the projection's domain: no number is better than a wrong one.
            (None, Some(transform)) => transform.position(table.lambert93[n]).unwrap_or([f64::NAN; 2]),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cc50_is_computed_from_lambert_93() {
        let p = Positions::new(Crs::Cc50, Axes::EastNorth).unwrap();
        // What PROJ 9.1 gives: cs2cs EPSG:2154 EPSG:3950.
        let [x, y] = p.computed.as_ref().unwrap().position([704_340.0, 7_059_700.0]).unwrap();
        assert!((x - 1_704_332.551).abs() < 0.001 && (y - 9_270_548.562).abs() < 0.001, "{x} {y}");
    }
}
