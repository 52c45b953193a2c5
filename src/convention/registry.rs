//! Conventions and certificates as the database holds them, compiled for look-up.

use super::deed::Deed;
use super::revocations::Revocations;
use super::{Access, Scoped, Terms, calendar};
use crate::error::{Refusal, Result};
use crate::pki::{Anchors, Peer};
use crate::query::Query;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

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
    /// The record, for `/whoami` and for quotas.
    pub deed: Arc<Deed>,
    /// Version of the record that is in force.
    pub version: i32,
    /// Person or robot that the certificate was registered for.
    pub holder: String,
    /// When the certificate ends, milliseconds since 1970.
    pub certificate_ends: i64,
    /// When the convention ends (first instant after its last day), milliseconds since 1970.
    pub convention_ends: i64,
}

impl Identity {
    /// Days left until certificate or convention end, whichever comes first, when that is within 30 days of `now`.
    pub fn ends_soon(&self, now: i64) -> Option<i64> {
        let left = self.certificate_ends.min(self.convention_ends).saturating_sub(now) / 86_400_000;
        (left < 30).then_some(left)
    }
}

/// What has been decided about a convention. Its days are judged apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Drafted, not signed.
    Draft,
    /// Signed.
    Signed,
    /// Suspended.
    Suspended,
    /// Terminated.
    Terminated,
}

/// A convention with all that `identify` asks.
#[derive(Debug)]
pub(super) struct Entry {
    pub convention: Arc<Convention>,
    pub deed: Arc<Deed>,
    pub version: i32,
    pub state: State,
    /// First instant of the first day.
    pub from: i64,
    /// First instant after the last day.
    pub until: i64,
}

/// A registered certificate.
#[derive(Debug)]
pub(super) struct Registered {
    pub entry: Arc<Entry>,
    pub purpose: String,
    pub holder: String,
    pub public_url: Option<String>,
    pub revoked: bool,
}

/// (SHA-256 of the CA's key, SHA-256 of the certificate's key) ▶ certificate.
pub(super) type Certificates = HashMap<([u8; 32], [u8; 32]), Registered>;

/// All conventions and certificates, compiled. Immutable; swapped as a whole when the database, the accepted CAs, a CRL or
/// the administrator's local revocations change.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    pub(super) certificates: Arc<Certificates>,
    pub(super) conventions: usize,
    pub(super) anchors: Arc<Anchors>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) freshness: Arc<Freshness>,
    pub(super) publication: Option<i64>,
}

/// When the database last confirmed the registry. Shared by successive registries, so that confirming swaps nothing.
#[derive(Debug)]
pub(super) struct Freshness {
    confirmed: AtomicI64,
    max_age: i64,
}

impl Default for Freshness {
    fn default() -> Self {
        Freshness::new(0)
    }
}

impl Freshness {
    pub fn new(max_age: i64) -> Self {
        Freshness { confirmed: AtomicI64::new(i64::MIN), max_age }
    }

    pub fn confirm(&self, now: i64) {
        self.confirmed.fetch_max(now, Ordering::Relaxed);
    }

    pub fn confirmed(&self) -> i64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Time since the last confirmation; `None`: too long ago, or never.
    pub fn age(&self, now: i64) -> Option<Duration> {
        let confirmed = self.confirmed();
        let age = now.saturating_sub(confirmed).max(0);
        (confirmed != i64::MIN && age <= self.max_age).then(|| Duration::from_millis(age.unsigned_abs()))
    }
}

impl Registry {
    /// Who this peer is, judged at `now` (milliseconds since 1970; days are those of Europe/Paris).
    ///
    /// # Errors
    /// The [`Refusal`], each reason its own.
    pub fn identify(&self, peer: Option<&Peer>, now: i64) -> std::result::Result<Identity, Refusal> {
        let peer = peer.ok_or(Refusal::NoCertificate)?;
        // A CA that is no longer accepted grants nothing on connections that are still open either.
        if !self.anchors.accepts(&peer.issuer) {
            return Err(Refusal::NotRegistered);
        }
        if self.revocations.revokes(peer) {
            return Err(Refusal::CertificateRevoked);
        }
        if let Some(crl) = self.anchors.crl(&peer.issuer) {
            if crl.revokes(&peer.serial) {
                return Err(Refusal::CertificateRevoked);
            }
            if now >= crl.next_update {
                return Err(Refusal::CrlExpired);
            }
        }
        // RFC 5280 §4.1.2.5: both ends of the validity are included.
        if now < peer.not_before || now > peer.not_after || !self.anchors.valid(&peer.issuer, now) {
            return Err(Refusal::CertificateExpired);
        }
        if self.freshness.age(now).is_none() {
            return Err(Refusal::RegistryStale);
        }
        let known = self.certificates.get(&(peer.issuer, peer.key)).ok_or(Refusal::NotRegistered)?;
        if known.revoked {
            return Err(Refusal::CertificateRevoked);
        }
        let entry = &known.entry;
        let id = || entry.convention.id.clone();
        match entry.state {
            State::Draft => return Err(Refusal::NotYetInForce { id: id() }),
            State::Suspended => return Err(Refusal::Suspended { id: id() }),
            State::Terminated => return Err(Refusal::Terminated { id: id() }),
            State::Signed if self.revocations.suspends(&entry.convention.id) => {
                return Err(Refusal::Suspended { id: id() });
            }
            State::Signed if now < entry.from => return Err(Refusal::NotYetInForce { id: id() }),
            State::Signed if now >= entry.until => {
                return Err(Refusal::Ended { id: id(), end: entry.deed.fin.to_string() });
            }
            State::Signed => {}
        }
        Ok(Identity {
            convention: Arc::clone(&entry.convention),
            serial: peer.serial.clone(),
            purpose: known.purpose.clone(),
            public_url: known.public_url.clone(),
            deed: Arc::clone(&entry.deed),
            version: entry.version,
            holder: known.holder.clone(),
            certificate_ends: peer.not_after,
            convention_ends: entry.until,
        })
    }

    /// Conventions and certificates held.
    pub fn size(&self) -> (usize, usize) {
        (self.conventions, self.certificates.len())
    }

    /// Publication whose zones the territories were resolved with.
    pub fn publication(&self) -> Option<i64> {
        self.publication
    }

    /// Accepted CAs and revocation lists it judges with.
    pub fn anchors(&self) -> &Arc<Anchors> {
        &self.anchors
    }
}

impl Entry {
    pub fn new(convention: Convention, deed: Arc<Deed>, version: i32, state: State) -> Entry {
        let (from, until) = (calendar::begin_of(deed.debut), calendar::end_of(deed.fin));
        Entry { convention: Arc::new(convention), deed, version, state, from, until }
    }
}
