//! The pool that hard leaves are answered by, and the way from keys back to rows.

use super::sql::{self, Statement};
use super::{LayerData, Snapshot, StoreError};
use crate::catalogue::{Catalogue, LayerId};
use crate::config::Database;
use crate::db::{DbError, Role, Which, parameters};
use crate::error::{Error, Reason, Result};
use crate::filter::Filter;
use crate::query::Value;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, NoTls};

/// When a client may ask again after the database was away.
const RETRY: Duration = Duration::from_secs(10);

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections for hard leaves.
#[derive(Clone)]
pub struct PostGis {
    pool: Pool,
}

impl std::fmt::Debug for PostGis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostGis").finish_non_exhaustive()
    }
}

/// The error of a request that needs PostGIS while it is away.
fn away() -> Error {
    Error::Unavailable { what: "PostGIS", retry_after: RETRY }
}

impl PostGis {
    /// A pool; connects when first used.
    ///
    /// # Errors
    /// [`StoreError`] for a malformed connection string.
    pub fn new(config: &Database) -> std::result::Result<PostGis, StoreError> {
        let mut parameters = parameters(config, Which::Serving, Role::Server)?;
        let timeout = format!("-c statement_timeout={}", config.statement_timeout.saturating_mul(1000));
        let options = parameters.get_options().map_or(timeout.clone(), |o| format!("{o} {timeout}"));
        parameters.options(options).connect_timeout(PATIENCE);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(parameters, NoTls, manager))
            .max_size(config.pool.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|e| StoreError::Loader(e.to_string()))?;
        Ok(PostGis { pool })
    }

    /// Rows that satisfy the hard leaves of each filter of a query; none for those that are not wanted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when PostGIS is away, [`Error::Processing`] when a statement takes too long or cannot be
    /// carried out.
    pub async fn answer(
        &self,
        catalogue: &Catalogue,
        snapshot: &Snapshot,
        filters: &[(bool, (LayerId, &Filter))],
    ) -> Result<Vec<Vec<Vec<u32>>>> {
        let mut all = Vec::new();
        for (wanted, (id, filter)) in filters {
            let layer = catalogue.layer_by_id(*id).ok_or(Error::Internal)?;
            let data = super::select::data(snapshot, *id)?;
            let mut rows = Vec::new();
            let leaves = if *wanted { sql::hard_leaves(filter, layer.geometry) } else { Vec::new() };
            for leaf in leaves {
                let statement = sql::statement(layer, leaf)?;
                rows.push(self.run(data, &statement, snapshot.publication).await?);
            }
            all.push(rows);
        }
        Ok(all)
    }

    /// A connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(super) async fn connection(&self) -> Result<deadpool_postgres::Client> {
        self.pool.get().await.map_err(|_| away())
    }

    /// Whether a publication can be read: the current one, or one in its grace time.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn readable(&self, publication: i64) -> Result<bool> {
        let client = self.connection().await?;
        let found = client.query_opt(super::load::READABLE, &[&publication]).await;
        found.map(|r| r.is_some()).map_err(|e| refused(&e))
    }

    async fn run(&self, data: &LayerData, statement: &Statement, publication: i64) -> Result<Vec<u32>> {
        let client = self.pool.get().await.map_err(|e| {
            tracing::warn!(error = %e, "no connection for a spatial filter");
            away()
        })?;
        let guard = Cancel(Some(client.cancel_token()));
        let prepared = client.prepare_cached(&statement.text).await.map_err(|e| refused(&e))?;
        let b = &statement.bounds;
        let mut binds: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            vec![&statement.literal, &b.min[0], &b.min[1], &b.max[0], &b.max[1]];
        if statement.publication {
            binds.push(&publication);
        }
        let found = client.query(&prepared, &binds).await.map_err(|e| refused(&e))?;
        guard.done();
        let blocks = Blocks::new(data);
        let mut rows: Vec<u32> =
            found.iter().filter_map(|r| blocks.row(r.get(0), data.table.vintage.map(|_| r.get::<_, i64>(1)))).collect();
        rows.sort_unstable();
        Ok(rows)
    }
}

/// What a failed statement means for the request. The details go to the log.
fn refused(e: &tokio_postgres::Error) -> Error {
    tracing::warn!(error = %crate::db::explain(e), "a spatial filter failed");
    match e.code() {
        Some(&SqlState::QUERY_CANCELED) => Error::Processing { name: "FILTER".into(), reason: Reason::TooSlow },
        Some(code) if code == &SqlState::INTERNAL_ERROR || code.code().starts_with("22") => {
            Error::Processing { name: "FILTER".into(), reason: Reason::InvalidGeometry }
        }
        _ => away(),
    }
}

/// Cancels a statement whose request has gone away.
struct Cancel(Option<CancelToken>);

impl Cancel {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if let (Some(token), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _ = token.cancel_query(NoTls).await;
            });
        }
    }
}

/// From (key, vintage) to the row.
struct Blocks<'a> {
    data: &'a LayerData,
    by_vintage: HashMap<Option<i64>, std::ops::Range<u32>>,
}

impl<'a> Blocks<'a> {
    fn new(data: &'a LayerData) -> Self {
        let vintage = |row: u32| match data.table.vintage.and_then(|f| data.column(f).value(row)) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        };
        let blocks = data.table.blocks().iter().filter(|b| !b.is_empty());
        Blocks { data, by_vintage: blocks.map(|b| (vintage(b.start), b.clone())).collect() }
    }

    fn row(&self, key: &str, vintage: Option<i64>) -> Option<u32> {
        let code = self.data.column(self.data.table.key).dictionary.code_of_text(key)?;
        self.data.table.row_of_key(self.by_vintage.get(&vintage)?, code)
    }
}

/// Loads in a thread of its own, with a runtime of its own: decoding a publication computes for seconds, and the server's
/// runtime never computes.
///
/// # Errors
/// [`StoreError`].
pub async fn load_apart(
    config: Database,
    catalogue: Arc<Catalogue>,
    wanted: Option<i64>,
) -> std::result::Result<Snapshot, StoreError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = match runtime {
            Err(e) => Err(StoreError::Loader(e.to_string())),
            Ok(runtime) => runtime.block_on(async {
                let mut client = connect(&config).await?;
                super::load::load(&mut client, &catalogue, wanted).await
            }),
        };
        let _ = sender.send(result);
    };
    let thread = std::thread::Builder::new().name("seuil-load".into()).spawn(work);
    thread.map_err(|e| StoreError::Loader(e.to_string()))?;
    receiver.await.map_err(|_| StoreError::Loader("the loading thread ended without a result".into()))?
}

/// A connection as the server's role; gives up after five seconds.
///
/// # Errors
/// [`DbError`].
pub async fn connect(config: &Database) -> std::result::Result<tokio_postgres::Client, DbError> {
    let mut parameters = parameters(config, Which::Serving, Role::Server)?;
    parameters.connect_timeout(Duration::from_secs(5));
    crate::db::open(parameters, Which::Serving).await
}
