//! The access record: durable before the first byte of data leaves.
//!
//! Records go into a local spool first ([`spool`]), in group commits: one `fdatasync` serves all that wait. Finished
//! segments are moved into the database, each exactly once ([`mover`]). Lines are chained by their hashes ([`line`]).

mod chain;
mod line;
mod mover;
pub mod seal;
mod spool;
mod writer;

pub use chain::{Broken, Follower, verify};
pub use writer::Recorder;

use crate::error::Refusal;
use crate::pki::Peer;
use std::net::IpAddr;
use std::sync::mpsc::Sender;
use std::time::Instant;
use writer::Message;

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

/// BLAKE3 of a body, before compression.
///
/// The chain of the record is SHA-256, and so are keys and files of evidence: small texts, and the algorithm that every
/// auditor has at hand. A body is up to a gigabyte, and its hash must not cost more than making it.
pub type BodyHash = [u8; 32];

/// A body's hash as it is recorded: with its algorithm, since older records hold SHA-256.
pub(super) fn named(hash: &BodyHash) -> String {
    format!("blake3:{}", hex::encode(hash))
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

/// A request that was refused before any data was at stake. Counted by the minute, not waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Why, e.g. `suspended`.
    pub reason: String,
    /// Convention, when the certificate is one of a convention's.
    pub convention: Option<String>,
    /// Certificate serial, hexadecimal.
    pub serial: Option<String>,
    /// Certificate subject.
    pub subject: Option<String>,
    /// Client address.
    pub address: IpAddr,
    /// Path asked for (no query: it may hold personal data).
    pub path: String,
}

impl Refused {
    /// What is recorded of a refusal: its reason in a word, and who was refused as far as the certificate says.
    pub fn new(refusal: &Refusal, peer: Option<&Peer>, address: IpAddr, path: &str) -> Refused {
        let (reason, convention) = match refusal {
            Refusal::NoCertificate => ("no_certificate", None),
            Refusal::NotRegistered => ("not_registered", None),
            Refusal::CertificateExpired => ("certificate_expired", None),
            Refusal::CertificateRevoked => ("certificate_revoked", None),
            Refusal::CrlExpired => ("crl_expired", None),
            Refusal::RegistryStale => ("registry_stale", None),
            Refusal::NotYetInForce { id } => ("not_yet_in_force", Some(id)),
            Refusal::Ended { id, .. } => ("ended", Some(id)),
            Refusal::Suspended { id } => ("suspended", Some(id)),
            Refusal::Terminated { id } => ("terminated", Some(id)),
            Refusal::Operation { id, .. } => ("operation", Some(id)),
        };
        Refused {
            reason: reason.to_owned(),
            convention: convention.cloned(),
            serial: peer.map(|p| p.serial.clone()),
            subject: peer.map(|p| p.subject.clone()),
            address,
            path: path.to_owned(),
        }
    }
}

/// Proof that the access was recorded: data leaves only with one. Dropped without `close`, it records `aborted`.
#[derive(Debug)]
pub struct Permit {
    /// Identifier of the download, shown in the data: `<instance>-<sequence>`.
    pub download: String,
    sequence: u64,
    begun: Instant,
    hash: Option<BodyHash>,
    sender: Option<Sender<Message>>,
}

impl Permit {
    fn new(instance: &str, sequence: u64, sender: Sender<Message>) -> Permit {
        let download = format!("{instance}-{sequence}");
        Permit { download, sequence, begun: Instant::now(), hash: None, sender: Some(sender) }
    }

    /// Notes the hash of the body, to be recorded at the end.
    pub fn set_hash(&mut self, hash: BodyHash) {
        self.hash = Some(hash);
    }

    /// Records the end.
    pub fn close(mut self, close: Close) {
        self.end(Some(close.features), Some(close.bytes), close.outcome, close.millis);
    }

    fn end(&mut self, features: Option<u64>, bytes: Option<u64>, outcome: &'static str, millis: u64) {
        if let Some(sender) = self.sender.take() {
            let end = line::End {
                acces: self.sequence,
                issue: outcome.into(),
                objets: features,
                octets: bytes,
                duree_ms: Some(millis),
                corps: self.hash.as_ref().map(named),
                sha256: None,
            };
            // The writer outlives every permit; if it died, recovery will call this access interrupted.
            let _ = sender.send(Message::Close(end));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.end(None, None, "aborted", millis);
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests;
