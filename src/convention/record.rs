//! The access record: durable before the first byte of data leaves.

use crate::error::Result;
use std::net::IpAddr;

/// What is known when data is about to leave.
#[derive(Debug, Clone)]
pub struct Open {
    /// Convention identifier.
    pub convention: String,
    /// Certificate serial, hexadecimal.
    pub serial: String,
    /// Client address.
    pub address: IpAddr,
    /// Purpose the certificate was registered for.
    pub purpose: String,
    /// Protocol, e.g. `wfs`.
    pub protocol: &'static str,
    /// Operation, e.g. `GetFeature`.
    pub operation: &'static str,
    /// Layer names.
    pub layers: Vec<String>,
    /// Box in EPSG:2154 when the request named one: min x, min y, max x, max y.
    pub envelope: Option<[f64; 4]>,
    /// Publication.
    pub publication: i64,
}

/// How an access ended.
#[derive(Debug, Clone)]
pub struct Close {
    /// Features sent.
    pub features: u64,
    /// Body bytes sent.
    pub bytes: u64,
    /// `complete`, `aborted`, `failed`, `revoked`.
    pub outcome: &'static str,
    /// Milliseconds from request to end.
    pub millis: u64,
}

/// Proof that the access was recorded: data leaves only with one. Dropped without `close`, it records `aborted`.
#[derive(Debug)]
pub struct Permit {
    /// Identifier of the download, shown in the data.
    pub download: String,
}

impl Permit {
    /// Records the end.
    pub fn close(self, _close: Close) {}
}

/// Writes access records into the local spool, in group commits, and moves them into the database.
#[derive(Debug)]
pub struct Recorder {}

impl Recorder {
    /// Opens the spool in the server's state directory, closes what a former process left open as `interrupted`, and
    /// begins to move finished segments into the database.
    ///
    /// # Errors
    /// [`ConventionError`](super::ConventionError) when the spool cannot be written, or another process uses it.
    pub async fn open_spool(
        _config: &crate::config::Config,
    ) -> std::result::Result<std::sync::Arc<Recorder>, super::ConventionError> {
        Ok(std::sync::Arc::new(Recorder {}))
    }

    /// Waits until everything recorded so far is on disk.
    pub async fn flush(&self) {}

    /// Waits until the record is durable.
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] when the spool is full or cannot be written: then no data leaves.
    pub async fn open(&self, _open: Open) -> Result<Permit> {
        Err(crate::error::Error::Internal)
    }
}
