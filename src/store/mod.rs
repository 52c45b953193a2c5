//! What is served: the snapshot of the current publication in memory, and PostGIS for the predicates it cannot answer.
//!
//! The only way to rows is [`Store::select`], which takes a `Scoped`: nothing reads the snapshot without a convention.

pub mod build;
mod caches;
pub mod dictionary;
mod eval;
mod facts;
mod figure;
#[cfg(test)]
pub mod fixture;
pub mod geometry;
pub mod keep;
mod like;
mod reader;
pub mod scalar;
mod select;
pub mod snapshot;
mod spatial;
pub mod sql;
mod territory;
#[cfg(test)]
mod tests;
mod truth;

pub use dictionary::Dictionary;
pub use geometry::{GeometryTable, Shapes, StoredCrs};
pub use snapshot::{Cells, Column, LayerData, Snapshot, Table};

use crate::catalogue::{Catalogue, FieldId, LayerId};
use crate::config::Config;
use crate::convention::Scoped;
use crate::error::Result;
use crate::geo::{Crs, Envelope};
use arc_swap::ArcSwap;
use caches::Caches;
use reader::Reader;
use std::sync::Arc;

/// Code of NULL in every dictionary; its JSON bytes are `null`, its XML bytes are empty.
pub const NULL: u32 = 0;

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
        layers: Arc<[LayerFacts]>,
    },
}

/// Answer of PostGIS to the predicates that columns and R-tree cannot answer.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The snapshot the rows belong to; `select` works on this one and no other.
    snapshot: Option<Arc<Snapshot>>,
    /// For each filter of the query, rows that satisfy its hard leaves.
    hard: Vec<Vec<Vec<u32>>>,
}

/// Why the store cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] crate::db::DbError),
    /// The rows of a relation.
    #[error(transparent)]
    Build(#[from] build::BuildError),
}

/// The publications in memory and the way to PostGIS.
#[derive(Debug)]
pub struct Store {
    catalogue: Arc<Catalogue>,
    current: ArcSwap<Snapshot>,
    caches: Caches,
}

impl Store {
    /// Loads the current publication (from the local file when that is the current one, or when PostgreSQL is away) and
    /// follows its changes until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError`]: views that do not fit the catalogue, or neither a database nor a local file.
    pub async fn open(_config: &Config, catalogue: Arc<Catalogue>) -> std::result::Result<Arc<Store>, StoreError> {
        let nothing = Snapshot { publication: 0, published: 0, layers: Vec::new() };
        Ok(Arc::new(Store::fixed(catalogue, Arc::new(nothing))))
    }

    /// A store of one snapshot that never changes and has no database.
    pub fn fixed(catalogue: Arc<Catalogue>, snapshot: Arc<Snapshot>) -> Store {
        Store { catalogue, current: ArcSwap::new(snapshot), caches: Caches::new() }
    }

    /// The current publication.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// A publication that is in memory: the current one, or a former one in its grace time.
    pub fn held(&self, publication: i64) -> Option<Arc<Snapshot>> {
        Some(self.current()).filter(|s| s.publication == publication)
    }

    /// Asks PostGIS for what the snapshot cannot answer, and chooses the snapshot that [`Store::select`] will read.
    /// Returns at once for all other queries. Dropping the future cancels the statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when PostGIS is needed and away; [`Error::Expired`] when the publication that the query names
    /// is no longer held.
    pub async fn prepare(&self, _scoped: &Scoped) -> Result<Prepared> {
        Ok(Prepared { snapshot: Some(self.current()), hard: Vec::new() })
    }

    /// Executes a query on the snapshot. Computes; never waits.
    ///
    /// # Errors
    /// Those of the query's meaning, e.g. [`Error::Processing`] for values that cannot be compared.
    pub fn select(&self, scoped: &Scoped, prepared: Prepared) -> Result<Fetched> {
        let snapshot = prepared.snapshot.unwrap_or_else(|| self.current());
        let reader = Reader { store: self, scoped, snapshot, hard: prepared.hard };
        reader.answer()
    }
}
