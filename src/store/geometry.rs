//! Geometry of a zone vintage: flat coordinate arrays in three CRS, boxes, a packed Hilbert R-tree.

use crate::geo::{Crs, Envelope, GeometryKind, Position};
use geo_index::rtree::sort::HilbertSort;
use geo_index::rtree::{RTree, RTreeBuilder, RTreeIndex};
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
    /// All of them.
    pub const ALL: [StoredCrs; 3] = [StoredCrs::Lambert93, StoredCrs::WebMercator, StoredCrs::Degrees];

    /// The CRS itself.
    pub fn crs(self) -> Crs {
        match self {
            StoredCrs::Lambert93 => Crs::Lambert93,
            StoredCrs::WebMercator => Crs::WebMercator,
            StoredCrs::Degrees => Crs::Crs84,
        }
    }

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
///
/// Coordinates are kept rounded as they are handed out (0.01 m, 1e-7 degrees), so that a box made of coordinates that a
/// client was given finds the feature they came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// Kind shared by all features.
    pub kind: GeometryKind,
    /// `parts[feature_parts[f] .. feature_parts[f + 1]]` belong to feature f.
    pub feature_parts: Vec<u32>,
    /// `rings[part_rings[p] .. part_rings[p + 1]]` belong to part p.
    pub part_rings: Vec<u32>,
    /// `positions[ring_positions[r] .. ring_positions[r + 1]]` belong to ring r.
    pub ring_positions: Vec<u32>,
    /// Positions in EPSG:2154.
    pub lambert93: Vec<Position>,
    /// Positions in EPSG:3857.
    pub web_mercator: Vec<Position>,
    /// Positions in degrees, `[lon, lat]`.
    pub degrees: Vec<Position>,
}

/// [`Shapes`] with their boxes and spatial index.
#[derive(Debug)]
pub struct GeometryTable {
    shapes: Shapes,
    /// Boxes of features by stored CRS; empty for points, whose position is their box.
    boxes: [Vec<Envelope>; 3],
    extents: [Envelope; 3],
    /// Over the boxes in EPSG:2154.
    rtree: RTree<f64>,
}

impl std::ops::Deref for GeometryTable {
    type Target = Shapes;

    fn deref(&self) -> &Shapes {
        &self.shapes
    }
}

impl GeometryTable {
    /// Computes boxes and index.
    pub fn new(shapes: Shapes) -> GeometryTable {
        let features = shapes.len() as u32;
        let boxes = StoredCrs::ALL.map(|crs| match shapes.kind {
            GeometryKind::Point => Vec::new(),
            _ => (0..features).map(|f| shapes.measure(crs, f)).collect(),
        });
        let extents = StoredCrs::ALL.map(|crs| {
            let mut extent = Envelope::EMPTY;
            shapes.positions(crs).iter().for_each(|p| extent.add(*p));
            extent
        });
        let mut builder = RTreeBuilder::<f64>::new(features);
        for f in 0..features {
            let b = shapes.measure(StoredCrs::Lambert93, f);
            builder.add(b.min[0], b.min[1], b.max[0], b.max[1]);
        }
        GeometryTable { shapes, boxes, extents, rtree: builder.finish::<HilbertSort>() }
    }

    /// The coordinates alone.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Box of a feature.
    pub fn envelope(&self, crs: StoredCrs, feature: u32) -> Envelope {
        match self.boxes[crs as usize].get(feature as usize) {
            Some(b) => *b,
            None => self.shapes.measure(crs, feature),
        }
    }

    /// Box of all features.
    pub fn extent(&self, crs: StoredCrs) -> Envelope {
        self.extents[crs as usize]
    }

    /// Features whose boxes share a point with a box in EPSG:2154; in no order.
    pub fn search(&self, envelope: &Envelope) -> Vec<u32> {
        if envelope.is_empty() {
            return Vec::new();
        }
        self.rtree.search(envelope.min[0], envelope.min[1], envelope.max[0], envelope.max[1])
    }
}

impl Shapes {
    /// No features yet.
    pub fn empty(kind: GeometryKind) -> Shapes {
        Shapes {
            kind,
            feature_parts: vec![0],
            part_rings: vec![0],
            ring_positions: vec![0],
            lambert93: Vec::new(),
            web_mercator: Vec::new(),
            degrees: Vec::new(),
        }
    }

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

    /// Whether every range lies inside what it divides.
    pub fn is_consistent(&self) -> bool {
        let divides = |ends: &[u32], n: usize| {
            ends.first() == Some(&0)
                && ends.last().is_some_and(|last| *last as usize == n)
                && ends.windows(2).all(|w| w[0] < w[1])
        };
        let positions = self.lambert93.len();
        divides(&self.feature_parts, self.part_rings.len().saturating_sub(1))
            && divides(&self.part_rings, self.ring_positions.len().saturating_sub(1))
            && divides(&self.ring_positions, positions)
            && self.web_mercator.len() == positions
            && self.degrees.len() == positions
    }

    fn measure(&self, crs: StoredCrs, feature: u32) -> Envelope {
        let mut b = Envelope::EMPTY;
        self.positions(crs)[self.feature_positions(feature)].iter().for_each(|p| b.add(*p));
        b
    }
}
