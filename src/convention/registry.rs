//! Conventions and certificates as the database holds them, compiled for look-up.

use super::{Access, Scoped, Terms};
use crate::error::{Refusal, Result};
use crate::pki::Peer;
use crate::query::Query;
use std::sync::Arc;

/// A convention in force (or not: `identify` says why).
#[derive(Debug)]
pub struct Convention {
    /// Identifier, e.g. `lille`.
    pub id: String,
    /// What it may see.
    pub access: Arc<Access>,
    /// Terms that travel with the data.
    pub terms: Arc<Terms>,
    /// Requests under way at once; `None`: the configuration's.
    pub places: Option<usize>,
}

impl Convention {
    /// Joins a query with this convention's authority: the only way to a [`Scoped`].
    ///
    /// # Errors
    /// [`crate::error::Error::Unknown`] when the query names what the convention does not show.
    pub fn scope(&self, query: Query) -> Result<Scoped> {
        self.access.scope(query)
    }
}

/// Who a request comes from.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The convention.
    pub convention: Arc<Convention>,
    /// Serial number of the certificate, hexadecimal.
    pub serial: String,
    /// Purpose the certificate was registered for.
    pub purpose: String,
    /// Base of links for this certificate (a portal behind a proxy), if registered.
    pub public_url: Option<String>,
}

/// All conventions and certificates, compiled. Immutable; swapped as a whole when the database or a CRL changes.
#[derive(Debug, Default)]
pub struct Registry {}

impl Registry {
    /// Who this peer is, judged at `now` (milliseconds since 1970; days are those of Europe/Paris).
    ///
    /// # Errors
    /// The [`Refusal`], each reason its own.
    pub fn identify(&self, peer: Option<&Peer>, _now: i64) -> std::result::Result<Identity, Refusal> {
        match peer {
            None => Err(Refusal::NoCertificate),
            Some(_) => Err(Refusal::NotRegistered),
        }
    }
}
