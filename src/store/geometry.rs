//! Geometry of a zone vintage: flat coordinate arrays in three CRS, boxes, a packed Hilbert R-tree.

use crate::geo::{Crs, Envelope, GeometryKind, Position};
use serde::{Deserialize, Serialize};

/// CRS in which coordinates are kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StoredCrs {
    /// EPSG:2154.
    Lambert93,
    /// EPSG:3857.
    WebMercator,
    /// Longitude/latitude degrees (EPSG:4326, 4171, 4258 and CRS84: equal within the published precision).
    Degrees,
}

impl StoredCrs {
    /// The stored CRS that serves a CRS; `None` when coordinates must be computed (EPSG:3950).
    pub fn of(crs: Crs) -> Option<StoredCrs> {
        match crs {
            Crs::Lambert93 => Some(StoredCrs::Lambert93),
            Crs::WebMercator => Some(StoredCrs::WebMercator),
            Crs::Rgf93 | Crs::Etrs89 | Crs::Wgs84 | Crs::Crs84 => Some(StoredCrs::Degrees),
            Crs::Cc50 => None,
        }
    }
}

/// Features as nested ranges: feature ▶ parts ▶ rings ▶ positions. A point is one part of one ring of one position; a
/// line string is a part of one ring; a polygon is a part whose first ring is the outer one (closed: first = last).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GeometryTable {
    /// Kind shared by all features.
    pub kind: GeometryKind,
    /// `parts[feature_parts[f] .. feature_parts[f + 1]]` belong to feature f.
    pub feature_parts: Vec<u32>,
    /// `rings[part_rings[p] .. part_rings[p + 1]]` belong to part p.
    pub part_rings: Vec<u32>,
    /// `positions[ring_positions[r] .. ring_positions[r + 1]]` belong to ring r.
    pub ring_positions: Vec<u32>,
    /// Positions in EPSG:2154, rounded as published (0.01 m).
    pub lambert93: Vec<Position>,
    /// Positions in EPSG:3857.
    pub web_mercator: Vec<Position>,
    /// Positions in degrees, `[lon, lat]`.
    pub degrees: Vec<Position>,
    /// Boxes of features in EPSG:2154.
    pub boxes: Vec<Envelope>,
    /// Packed Hilbert R-tree over `boxes` (`geo-index` buffer).
    pub rtree: Vec<u8>,
}

impl GeometryTable {
    /// Number of features.
    pub fn len(&self) -> usize {
        self.feature_parts.len().saturating_sub(1)
    }

    /// True when there are no features.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All positions in a stored CRS.
    pub fn positions(&self, crs: StoredCrs) -> &[Position] {
        match crs {
            StoredCrs::Lambert93 => &self.lambert93,
            StoredCrs::WebMercator => &self.web_mercator,
            StoredCrs::Degrees => &self.degrees,
        }
    }

    /// Parts of a feature, each as the range of its rings.
    pub fn parts(&self, feature: u32) -> impl ExactSizeIterator<Item = std::ops::Range<u32>> + '_ {
        let f = feature as usize;
        (self.feature_parts[f]..self.feature_parts[f + 1])
            .map(|p| self.part_rings[p as usize]..self.part_rings[p as usize + 1])
    }

    /// Range of the positions of a ring.
    pub fn ring(&self, ring: u32) -> std::ops::Range<usize> {
        self.ring_positions[ring as usize] as usize..self.ring_positions[ring as usize + 1] as usize
    }

    /// Range of all positions of a feature.
    pub fn feature_positions(&self, feature: u32) -> std::ops::Range<usize> {
        let f = feature as usize;
        let first = self.part_rings[self.feature_parts[f] as usize] as usize;
        let last = self.part_rings[self.feature_parts[f + 1] as usize] as usize;
        self.ring_positions[first] as usize..self.ring_positions[last] as usize
    }
}
