//! What is served: the snapshot of the current publication in memory, and PostGIS for the predicates it cannot answer.
//!
//! The only way in is [`Store::fetch`], which takes a `Scoped`: nothing reads the snapshot without a convention.

pub mod geometry;
pub mod snapshot;

pub use geometry::{GeometryTable, StoredCrs};
pub use snapshot::{Column, Dictionary, LayerData, NULL, Snapshot, Table};

use crate::catalogue::{FieldId, LayerId};
use crate::geo::{Crs, Envelope};
use std::sync::Arc;

/// The rows that one `Select` chose. Holds the snapshot, so that a publication may be swapped while it is being sent.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The publication the rows belong to.
    pub snapshot: Arc<Snapshot>,
    /// The layer.
    pub layer: LayerId,
    /// Row numbers in the layer's table, in the order to hand out, this page only.
    pub rows: Vec<u32>,
    /// How many rows match in all (exact).
    pub matched: u64,
    /// Fields to hand out.
    pub fields: Vec<FieldId>,
    /// Whether the geometry is handed out.
    pub geometry: bool,
    /// CRS of the coordinates to hand out.
    pub crs: Crs,
    /// Rows skipped before the first of `rows`.
    pub start: u64,
}

impl Rows {
    /// The layer's data.
    pub fn data(&self) -> &LayerData {
        &self.snapshot.layers[self.layer.0 as usize]
    }
}

/// What exists of a layer for one client: territory applied.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerFacts {
    /// The layer.
    pub layer: LayerId,
    /// Features visible.
    pub count: u64,
    /// Their extent in EPSG:2154; `None` when there is none.
    pub extent_2154: Option<Envelope>,
    /// Their extent in degrees, `[lon, lat]`.
    pub extent_84: Option<Envelope>,
    /// Their extent in EPSG:3857.
    pub extent_3857: Option<Envelope>,
    /// Vintages that occur, ascending.
    pub vintages: Vec<i32>,
}

/// What the store answers: one variant for each `Query` that reads it.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// Features, a part for each `Select`.
    Features(Vec<Rows>),
    /// Exact numbers, one for each `Select`.
    Count(Vec<u64>),
    /// Rows of each layer of a tile, map or info request that touch its box.
    Layers(Vec<Rows>),
    /// Facts of every layer that exists for the client, in catalogue order.
    Facts {
        /// The publication they belong to.
        publication: i64,
        /// When it was made current (milliseconds since 1970).
        published: i64,
        /// The facts.
        layers: Vec<LayerFacts>,
    },
}

/// Answer of PostGIS to the predicates that columns and R-tree cannot answer: keys by part of the query.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The snapshot the keys belong to; `select` works on this one and no other.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Row numbers that satisfy the hard predicates, ascending, for each `Select` of the query; `None`: no hard predicate.
    pub keys: Vec<Option<Vec<u32>>>,
}
