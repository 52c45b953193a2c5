//! Tile matrix sets (OGC 17-083r4): how a plane is cut into numbered tiles.
//!
//! Three sets are offered. `WebMercatorQuad` and `WorldCRS84Quad` are those of annex D of the standard; `LAMB93` lies on
//! the grid of the French Géoplateforme's set `2154_10cm` (same origin, same cell sizes), so that tiles of both overlay
//! pixel by pixel. Rows count from the top, columns from the left.

use super::{Crs, Envelope, Position};

/// Metres of a pixel on the standard's screen: scale denominator = cell size in metres / this (17-083r4 §6.2).
pub const PIXEL: f64 = 0.000_28;

/// Metres of a degree on the equator of WGS 84, used for scale denominators of sets in degrees.
pub const METRES_PER_DEGREE: f64 = 6_378_137.0 * std::f64::consts::PI / 180.0;

/// Units of a vector tile's side (MVT `extent`).
pub const TILE_EXTENT: u32 = 4096;

/// Units outside a vector tile's sides in which geometry is kept, so that symbols and outlines join across tiles.
pub const TILE_BUFFER: u32 = 96;

/// A tile matrix set whose matrices halve their cells from level to level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileMatrixSet {
    /// Identifier in paths, e.g. `WebMercatorQuad`.
    pub id: &'static str,
    /// Human name, French.
    pub title_fr: &'static str,
    /// Human name, English.
    pub title_en: &'static str,
    /// URI of the definition in the OGC register; `None` for a set that is not registered.
    pub uri: Option<&'static str>,
    /// URI of the well-known scale set; `None` when there is none.
    pub well_known_scale_set: Option<&'static str>,
    /// CRS of the plane.
    pub crs: Crs,
    /// Top left corner of every matrix, `[x, y]`, in units of the CRS.
    pub origin: Position,
    /// Cell side of matrix 0, in units of the CRS.
    pub cell_size: f64,
    /// Number of matrices; their identifiers are `0`, `1`, ...
    pub levels: u8,
    /// Box that the matrices cover at least, `[x, y]` order, in units of the CRS.
    pub envelope: Envelope,
}

/// One matrix (zoom level) of a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileMatrix {
    /// Level; its decimal form is the matrix' identifier.
    pub level: u8,
    /// Cell side in units of the CRS.
    pub cell_size: f64,
    /// Scale denominator for pixels of 0.28 mm.
    pub scale_denominator: f64,
    /// Top left corner, `[x, y]`.
    pub origin: Position,
    /// Pixels of a tile's side.
    pub tile_size: u32,
    /// Tiles from left to right.
    pub width: u32,
    /// Tiles from top to bottom.
    pub height: u32,
}

const MERCATOR: f64 = 20_037_508.342_789_244;

/// The sets that are offered, the default first.
pub const TILE_MATRIX_SETS: [TileMatrixSet; 3] = [
    TileMatrixSet {
        id: "WebMercatorQuad",
        title_fr: "Grille Web Mercator (Google Maps)",
        title_en: "Google Maps Compatible for the World",
        uri: Some("http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"),
        well_known_scale_set: Some("http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"),
        crs: Crs::WebMercator,
        origin: [-MERCATOR, MERCATOR],
        cell_size: MERCATOR * 2.0 / 256.0,
        levels: 25,
        envelope: Envelope { min: [-MERCATOR, -MERCATOR], max: [MERCATOR, MERCATOR] },
    },
    TileMatrixSet {
        id: "WorldCRS84Quad",
        title_fr: "Grille mondiale en degrés (CRS84)",
        title_en: "CRS84 for the World",
        uri: Some("http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad"),
        well_known_scale_set: Some("http://www.opengis.net/def/wkss/OGC/1.0/GoogleCRS84Quad"),
        crs: Crs::Crs84,
        origin: [-180.0, 90.0],
        cell_size: 180.0 / 256.0,
        levels: 24,
        envelope: Envelope { min: [-180.0, -90.0], max: [180.0, 90.0] },
    },
    TileMatrixSet {
        id: "LAMB93",
        title_fr: "Grille Lambert-93 (Géoplateforme 2154_10cm)",
        title_en: "Lambert-93 grid (Géoplateforme 2154_10cm)",
        uri: None,
        well_known_scale_set: None,
        crs: Crs::Lambert93,
        origin: [0.0, 12_000_000.0],
        cell_size: 209_715.2,
        levels: 22,
        envelope: Envelope { min: [0.0, 6_000_000.0], max: [1_300_000.0, 12_000_000.0] },
    },
];

impl TileMatrixSet {
    /// The set of an identifier (compared with case, as paths are).
    pub fn get(id: &str) -> Option<&'static TileMatrixSet> {
        TILE_MATRIX_SETS.iter().find(|s| s.id == id)
    }

    /// A matrix by its level.
    pub fn matrix(&self, level: u8) -> Option<TileMatrix> {
        if level >= self.levels {
            return None;
        }
        // Exact: the cell size is divided by a power of two.
        let cell_size = self.cell_size / f64::from(1u32 << level);
        let metres = if self.crs.is_geographic() { METRES_PER_DEGREE } else { 1.0 };
        let side = cell_size * 256.0;
        Some(TileMatrix {
            level,
            cell_size,
            scale_denominator: cell_size * metres / PIXEL,
            origin: self.origin,
            tile_size: 256,
            width: tiles(self.envelope.max[0] - self.origin[0], side),
            height: tiles(self.origin[1] - self.envelope.min[1], side),
        })
    }

    /// A matrix by its identifier, as it stands in a path.
    pub fn matrix_by_id(&self, id: &str) -> Option<TileMatrix> {
        // `+1` and `01` are numbers and no identifiers.
        let level: u8 = id.parse().ok()?;
        (id == level.to_string()).then(|| self.matrix(level)).flatten()
    }

    /// All matrices, coarse to fine.
    pub fn matrices(&self) -> impl Iterator<Item = TileMatrix> + '_ {
        (0..self.levels).filter_map(|l| self.matrix(l))
    }
}

fn tiles(length: f64, side: f64) -> u32 {
    // A millionth of a tile of tolerance: the last cell of an exact division is no reason for one more tile.
    (length / side - 1e-6).ceil().max(1.0) as u32
}

impl TileMatrix {
    /// Side of a tile in units of the CRS.
    pub fn side(&self) -> f64 {
        self.cell_size * f64::from(self.tile_size)
    }

    /// Box of a tile, `[x, y]` order, in the CRS of the set; `None` outside the matrix.
    pub fn tile(&self, row: u32, column: u32) -> Option<Envelope> {
        if row >= self.height || column >= self.width {
            return None;
        }
        // Sides are computed from the origin, not from each other: neighbours share them to the last bit.
        let x = |column: u32| self.origin[0] + f64::from(column) * self.side();
        let y = |row: u32| self.origin[1] - f64::from(row) * self.side();
        Some(Envelope { min: [x(column), y(row + 1)], max: [x(column + 1), y(row)] })
    }

    /// First and last row, first and last column of the tiles that touch a box (`TileMatrixSetLimits`); `None` when the
    /// box lies outside.
    pub fn limits(&self, envelope: &Envelope) -> Option<(u32, u32, u32, u32)> {
        let side = self.side();
        let left = ((envelope.min[0] - self.origin[0]) / side).floor();
        let right = ((envelope.max[0] - self.origin[0]) / side).floor();
        let top = ((self.origin[1] - envelope.max[1]) / side).floor();
        let bottom = ((self.origin[1] - envelope.min[1]) / side).floor();
        let (columns, rows) = (f64::from(self.width), f64::from(self.height));
        let outside = envelope.is_empty() || right < 0.0 || bottom < 0.0 || left >= columns || top >= rows;
        let clamp = |v: f64, n: f64| v.clamp(0.0, n - 1.0) as u32;
        (!outside).then(|| (clamp(top, rows), clamp(bottom, rows), clamp(left, columns), clamp(right, columns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    #[test]
    fn scale_denominators_are_those_of_the_standard() {
        // 17-083r4 annex D, tables of WebMercatorQuad and WorldCRS84Quad.
        let mercator = TileMatrixSet::get("WebMercatorQuad").unwrap();
        assert!(near(mercator.matrix(0).unwrap().scale_denominator, 559_082_264.028_717_8));
        assert!(near(mercator.matrix(18).unwrap().scale_denominator, 2_132.729_583_849_784));
        let degrees = TileMatrixSet::get("WorldCRS84Quad").unwrap();
        assert!(near(degrees.matrix(0).unwrap().scale_denominator, 279_541_132.014_358_9));
        assert!(near(degrees.matrix(0).unwrap().cell_size, 0.703_125));
        // Capabilities of the Géoplateforme: 748982857.1428572 for level 0, 0.1 m for level 21.
        let lambert = TileMatrixSet::get("LAMB93").unwrap();
        assert!(near(lambert.matrix(0).unwrap().scale_denominator, 748_982_857.142_857_2));
        assert!(near(lambert.matrix(21).unwrap().cell_size, 0.1));
    }

    #[test]
    fn matrices_have_the_sizes_of_the_standard() {
        let mercator = TileMatrixSet::get("WebMercatorQuad").unwrap();
        for m in mercator.matrices() {
            assert_eq!((m.width, m.height), (1 << m.level, 1 << m.level));
        }
        let degrees = TileMatrixSet::get("WorldCRS84Quad").unwrap();
        for m in degrees.matrices() {
            assert_eq!((m.width, m.height), (2 << m.level, 1 << m.level));
        }
        assert!(mercator.matrix(25).is_none());
        assert_eq!(mercator.matrix_by_id("7").map(|m| m.level), Some(7));
        assert!(mercator.matrix_by_id("07").is_none() && mercator.matrix_by_id("-1").is_none());
    }

    #[test]
    fn a_tile_lies_where_maps_show_it() {
        // Lille, z 12: column 2082, row 1377 on every slippy map.
        let m = TileMatrixSet::get("WebMercatorQuad").unwrap().matrix(12).unwrap();
        let tile = m.tile(1377, 2082).unwrap();
        assert!(tile.contains([340_000.0, 6_557_000.0]), "{tile:?}");
        assert_eq!(tile.max[0], m.tile(1377, 2083).unwrap().min[0]);
        assert_eq!(tile.min[1], m.tile(1378, 2082).unwrap().max[1]);
        assert_eq!(m.limits(&tile.buffered(-1.0)), Some((1377, 1377, 2082, 2082)));
        assert!(m.tile(4096, 0).is_none());
    }

    #[test]
    fn limits_stop_at_the_matrix() {
        let m = TileMatrixSet::get("LAMB93").unwrap().matrix(10).unwrap();
        let whole = Envelope { min: [-1e9, -1e9], max: [1e9, 1e9] };
        assert_eq!(m.limits(&whole), Some((0, m.height - 1, 0, m.width - 1)));
        assert_eq!(m.limits(&Envelope { min: [-2e6, 0.0], max: [-1e6, 1.0] }), None);
        assert_eq!(m.limits(&Envelope::EMPTY), None);
    }
}
