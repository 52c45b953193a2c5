//! Sockets, TLS with hot reload, HTTP/1.1 and 2, limits, operations port, drain.

mod http;
mod operations;
mod tls;

pub use tls::TlsError;

use crate::catalogue;
use crate::compute::Pool;
use crate::config::Config;
use crate::convention::{Holder, Recorder};
use crate::service::Service;
use crate::store::Store;
use crate::style::Stylebook;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Tasks that may wait for the compute pool; beyond it the answer is 503.
const QUEUE: usize = 1024;

/// What stops the server from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A socket cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The compute pool cannot start.
    #[error("cannot start compute threads: {0}")]
    Pool(std::io::Error),
    /// TLS material.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] catalogue::CatalogueError),
    /// Publications.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Conventions.
    #[error(transparent)]
    Convention(#[from] crate::convention::ConventionError),
    /// Styles.
    #[error(transparent)]
    Style(#[from] crate::style::StyleError),
    /// A demonstration's CA or configuration outside the demonstration.
    #[error("{0} belongs to a demonstration: use your own CA and keys, or `seuil demo`")]
    Demo(String),
}

/// A server that is ready to accept.
pub struct Running {
    /// Public address (the port is real when the configuration said 0).
    pub address: SocketAddr,
    /// Address of the operations port.
    pub operations: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
    background: Vec<tokio::task::JoinHandle<()>>,
    recorder: Arc<Recorder>,
    /// The operations port lasts as long as this.
    _operations: tokio::sync::oneshot::Sender<()>,
}

impl Running {
    /// Stops accepting, lets running answers end, writes the last records.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
        for task in self.background {
            task.abort();
        }
        self.recorder.flush().await;
    }
}

/// What is served, when it is not the portal's own publications.
#[derive(Debug, Clone, Default)]
pub struct Views {
    /// Directory with a `catalogue.toml` and `styles/`; `None`: the portal's own, compiled in.
    pub capabilities: Option<PathBuf>,
    /// Database (libpq string) whose views the catalogue names; `None`: the configuration's `serving`. Conventions and
    /// access records stay in the configuration's.
    pub database: Option<String>,
}

/// Starts the server: store, registry, spool, TLS, sockets. Returns when it accepts.
///
/// # Errors
/// [`ServerError`]: what is missing or wrong, for the administrator.
pub async fn start(config: Config, views: Views) -> Result<Running, ServerError> {
    let metrics = recorder();
    if !config.server.demo {
        refuse_demo(&config)?;
    }
    let (catalogue, styles) = match &views.capabilities {
        Some(dir) => {
            let catalogue = catalogue::load_dir(dir)?;
            let styles = Stylebook::load_dir(dir, &catalogue)?;
            (Arc::new(catalogue), Arc::new(styles))
        }
        None => {
            let catalogue = catalogue::load_embedded()?;
            let styles = Stylebook::load_embedded(&catalogue)?;
            (Arc::new(catalogue), Arc::new(styles))
        }
    };
    let tls = Arc::new(tls::Tls::open(&config.server)?);
    let pool = Pool::start(config.server.compute_threads, QUEUE).map_err(ServerError::Pool)?;
    let store = {
        let mut config = config.clone();
        config.database.serving = views.database.unwrap_or(config.database.serving);
        Store::open(&config, Arc::clone(&catalogue)).await?
    };
    let registry = Holder::open(&config, Arc::clone(&catalogue)).await?;
    let recorder = Recorder::open_spool(&config).await?;
    let bind = async |address: SocketAddr| {
        TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })
    };
    let listener = bind(config.server.listen).await?;
    let operations_listener = bind(config.server.operations).await?;
    let address = listener.local_addr().unwrap_or(config.server.listen);
    let operations = operations_listener.local_addr().unwrap_or(config.server.operations);

    let ready: operations::Ready = {
        let (store, registry) = (Arc::clone(&store), Arc::clone(&registry));
        Arc::new(move || {
            let publication = store.current().publication;
            match registry.age() {
                Some(age) => Ok(format!("ready\npublication {publication}\nregistry {} s\n", age.as_secs())),
                None => Err("registry too old to be honoured\n".to_owned()),
            }
        })
    };
    let service = Arc::new(Service::new(config, store, registry, Arc::clone(&recorder), pool, styles));
    let (stop, stopped) = watch::channel(false);
    let background = vec![tokio::spawn({
        let tls = Arc::clone(&tls);
        async move { tls.follow().await }
    })];
    let guard = operations::start(operations_listener, ready, metrics)
        .map_err(|source| ServerError::Listen { address: operations, source })?;
    let accepting = tokio::spawn(http::serve(listener, service, tls, stopped));
    Ok(Running { address, operations, stop, accepting, background, recorder, _operations: guard })
}

/// A CA of the demonstration has its name in its subject; its private key lies about in the demonstration's folder.
fn refuse_demo(config: &Config) -> Result<(), ServerError> {
    let Ok(entries) = std::fs::read_dir(&config.server.client_ca) else { return Ok(()) };
    for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
        if std::fs::read(&path).is_ok_and(|b| crate::pki::is_demo_ca(&b)) {
            return Err(ServerError::Demo(path.display().to_string()));
        }
    }
    Ok(())
}

/// The process's metrics, installed once.
fn recorder() -> Option<metrics_exporter_prometheus::PrometheusHandle> {
    static HANDLE: OnceLock<Option<metrics_exporter_prometheus::PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            metrics_exporter_prometheus::PrometheusBuilder::new()
                .install_recorder()
                .inspect_err(|e| tracing::warn!(error = %e, "no metrics"))
                .ok()
        })
        .clone()
}
