//! Coordinate reference systems, axis order, envelopes, geometry, tile matrix sets: in one place.
//!
//! Inside the program a position is always `[x, y]` = `[easting or longitude, northing or latitude]`. Axis order exists
//! only at the edge: [`Axes`] says how a name of a CRS is read or written by a protocol.

pub mod crs;
pub mod envelope;
mod esri;
pub mod geometry;
mod lambert;
pub mod tms;
pub mod transform;
pub mod wkb;

pub use crs::{Axes, Crs, CrsForm};
pub use envelope::Envelope;
pub use geometry::{Geometry, GeometryKind};
pub use tms::{TileMatrix, TileMatrixSet};
pub use transform::Transform;

/// A position, `[x, y]`: metres for projected CRS, degrees for geographic ones.
pub type Position = [f64; 2];
