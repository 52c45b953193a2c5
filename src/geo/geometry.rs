//! Geometry of a request (filter literals) and the kinds a layer may have. Stored geometry lives in `store::geometry`.

use super::{Envelope, Position};
use serde::{Deserialize, Serialize};

/// What kind of geometry a layer holds; all features of a layer share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeometryKind {
    /// One position a feature.
    Point,
    /// Any number of positions.
    MultiPoint,
    /// One or more line strings.
    MultiLineString,
    /// One or more polygons.
    MultiPolygon,
}

impl GeometryKind {
    /// 0 for points, 1 for lines, 2 for areas.
    pub fn dimension(self) -> u8 {
        match self {
            GeometryKind::Point | GeometryKind::MultiPoint => 0,
            GeometryKind::MultiLineString => 1,
            GeometryKind::MultiPolygon => 2,
        }
    }
}

/// A geometry that a filter names. Positions are `[x, y]`, whatever the axis order on the wire was.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// A point.
    Point(Position),
    /// Points.
    MultiPoint(Vec<Position>),
    /// A line string of at least two positions.
    LineString(Vec<Position>),
    /// Line strings.
    MultiLineString(Vec<Vec<Position>>),
    /// Closed rings, the outer one first.
    Polygon(Vec<Vec<Position>>),
    /// Polygons.
    MultiPolygon(Vec<Vec<Vec<Position>>>),
    /// A mixture.
    Collection(Vec<Geometry>),
    /// A box.
    Envelope(Envelope),
}
