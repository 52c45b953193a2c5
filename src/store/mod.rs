//! What is served: the snapshot of the current publication in memory, and PostGIS for the predicates it cannot answer.
//!
//! The only way to rows is [`Store::select`], which takes a `Scoped`: nothing reads the snapshot without a convention.

pub mod build;
mod caches;
pub mod check;
mod decode;
pub mod dictionary;
mod eval;
mod facts;
mod figure;
#[cfg(test)]
pub mod fixture;
mod follow;
pub mod geometry;
pub mod keep;
mod like;
mod load;
mod postgis;
mod reader;
mod readings;
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
pub use readings::ReadingKey;
pub use snapshot::{Cells, Column, LayerData, Snapshot, Table};

use crate::catalogue::{Catalogue, FieldId, LayerId, Text};
use crate::config::{Config, Database};
use crate::convention::Scoped;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::geo::{Crs, Envelope};
use crate::query::Select;
use arc_swap::ArcSwap;
use caches::Caches;
use postgis::PostGis;
use reader::Reader;
use readings::Readings;
use select::Selection;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

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
        /// In words, the rule that made it ([`Snapshot::rule`]).
        rule: Text,
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
    /// For each `Select` of the query, the selection that was kept from a page before.
    kept: Vec<Option<Arc<Selection>>>,
}

impl Prepared {
    /// The publication that the rows will come from.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }
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
    /// A value that its column's type does not allow, or a missing geometry.
    #[error("{relation}: a row has no usable value in {column}")]
    Value {
        /// Relation.
        relation: String,
        /// Column.
        column: String,
    },
    /// Views that do not fit the catalogue, all faults at once.
    #[error("the database does not fit the catalogue:{}", list(.0))]
    Faults(Vec<check::Fault>),
    /// There is no such publication.
    #[error("{}", match .wanted { None => "no publication is current: `seuil publish` makes one".to_owned(), Some(n) => format!("publication {n} is not readable") })]
    NoPublication {
        /// Its number; `None`: the current one.
        wanted: Option<i64>,
    },
    /// Loading could not be carried out.
    #[error("loading a publication: {0}")]
    Loader(String),
}

fn list(faults: &[check::Fault]) -> String {
    faults.iter().map(|f| format!("\n  - {f}")).collect()
}

/// The publications in memory and the way to PostGIS.
#[derive(Debug)]
pub struct Store {
    catalogue: Arc<Catalogue>,
    current: ArcSwap<Snapshot>,
    /// Former publications, and until when they are held.
    held: Mutex<Vec<(Arc<Snapshot>, Instant)>>,
    /// Former publications that are being loaded.
    loading: Mutex<HashSet<i64>>,
    grace: Duration,
    caches: Caches,
    readings: Readings,
    database: Option<(PostGis, Database)>,
    follower: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Loads the current publication (from the local file when that is the current one, or when PostgreSQL is away) and
    /// follows its changes until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError`]: views that do not fit the catalogue, or neither a database nor a local file.
    pub async fn open(config: &Config, catalogue: Arc<Catalogue>) -> std::result::Result<Arc<Store>, StoreError> {
        follow::open(config, catalogue).await
    }

    /// A store of one snapshot that never changes and has no database.
    pub fn fixed(catalogue: Arc<Catalogue>, snapshot: Arc<Snapshot>) -> Store {
        Store {
            catalogue,
            current: ArcSwap::new(snapshot),
            held: Mutex::default(),
            loading: Mutex::default(),
            grace: Duration::ZERO,
            caches: Caches::new(),
            readings: Readings::new(),
            database: None,
            follower: Mutex::default(),
        }
    }

    /// The current publication.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// A publication that is in memory: the current one, or a former one in its grace time.
    pub fn held(&self, publication: i64) -> Option<Arc<Snapshot>> {
        let current = self.current();
        if current.publication == publication {
            return Some(current);
        }
        let held = self.held.lock().ok()?;
        let now = Instant::now();
        held.iter().find(|(s, until)| s.publication == publication && *until > now).map(|(s, _)| Arc::clone(s))
    }

    /// Asks PostGIS for what the snapshot cannot answer, and chooses the snapshot that [`Store::select`] will read: the
    /// publication that the query names, else the current one. Returns at once for all other queries. Dropping the future
    /// cancels the statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when PostGIS is needed and away, or when the publication named has to be loaded first;
    /// [`Error::Expired`] when it is no longer readable.
    pub async fn prepare(self: &Arc<Self>, scoped: &Scoped) -> Result<Prepared> {
        let snapshot = match scoped.query().publication() {
            None => self.current(),
            Some(n) => match self.held(n) {
                Some(held) => held,
                None => return Err(self.missing(n).await),
            },
        };
        let filters = sql::filters(scoped.query());
        let is_hard = |(layer, filter): &(LayerId, &Filter)| {
            let kind = self.catalogue.layer_by_id(*layer).map(|l| l.geometry);
            kind.is_some_and(|k| !sql::hard_leaves(filter, k).is_empty())
        };
        if !filters.iter().any(is_hard) {
            return Ok(Prepared { snapshot: Some(snapshot), ..Prepared::default() });
        }
        // The further pages of a reading need no statement.
        let kept = self.kept(scoped, &snapshot);
        let wanted: Vec<_> = (0..).map(|n| kept.get(n).is_none_or(Option::is_none)).zip(filters).collect();
        let hard = match &self.database {
            Some((postgis, _)) => postgis.answer(&self.catalogue, &snapshot, &wanted).await?,
            None => return Err(Error::Unavailable { what: "PostGIS", retry_after: Duration::from_secs(60) }),
        };
        Ok(Prepared { snapshot: Some(snapshot), hard, kept })
    }

    /// For each `Select` of a query, its selection if it was kept.
    fn kept(&self, scoped: &Scoped, snapshot: &Snapshot) -> Vec<Option<Arc<Selection>>> {
        let one = |part: &Select| {
            let scope = scoped.access().scope_id;
            let key = Caches::key(snapshot.publication, scope, part.layer, &part.filter, &part.order)?;
            self.caches.selection(&key, &part.filter, &part.order)
        };
        scoped.query().selects().iter().map(one).collect()
    }

    /// Why a publication that is not in memory cannot answer; one that can be read is loaded for the next try.
    async fn missing(self: &Arc<Self>, publication: i64) -> Error {
        let Some((postgis, _)) = &self.database else { return Error::Expired };
        match postgis.readable(publication).await {
            Ok(true) => {
                self.fetch(publication);
                Error::Unavailable {
                    what: "the publication this reading began with",
                    retry_after: Duration::from_secs(5),
                }
            }
            Ok(false) => Error::Expired,
            Err(e) => e,
        }
    }

    /// Executes a query on the snapshot. Computes; never waits.
    ///
    /// # Errors
    /// Those of the query's meaning, e.g. [`Error::Processing`] for values that cannot be compared.
    pub fn select(&self, scoped: &Scoped, prepared: Prepared) -> Result<Fetched> {
        let snapshot = prepared.snapshot.unwrap_or_else(|| self.current());
        let reader = Reader { store: self, scoped, snapshot, hard: prepared.hard, kept: prepared.kept };
        reader.answer()
    }
}
