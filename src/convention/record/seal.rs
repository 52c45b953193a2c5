//! Signed heads: once a day, and at each start, a server signs the last line that it has moved.
//!
//! The key is made at the first start and stays in the server's state folder; its public half lies beside it, to be copied to
//! where nobody who may write the database may write. The signature is Ed25519 over one line of text that any tool can
//! make again (`openssl pkeyutl -verify -rawin`).

use super::line::{self, Entry, Hash};
use super::spool::segments;
use super::writer::Shared;
use crate::convention::ConventionError;
use crate::db::DbError;
use crate::pki::{PkiError, write_private};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tokio_postgres::Client;

/// Name of the private key in the state folder.
const KEY: &str = "journal.key";
/// Name of the public key (PEM) beside it.
pub const PUBLIC: &str = "journal.pub";

/// An Ed25519 public key.
pub type PublicKey = [u8; 32];

/// The text that is signed.
pub fn text(day: &str, instance: &str, sequence: u64, hash: &[u8]) -> String {
    format!("seuil journal {day} {instance} {sequence} {}\n", hex::encode(hash))
}

/// Whether a signature over a text was made with the private half of `key`.
pub fn good(key: &PublicKey, text: &str, signature: &[u8]) -> bool {
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key).verify(text.as_bytes(), signature).is_ok()
}

/// Reads a public key as [`Signer::open`] writes it (PEM, RFC 8410).
///
/// # Errors
/// [`ConventionError`].
pub fn read_public(path: &Path) -> Result<PublicKey, ConventionError> {
    use rustls::pki_types::SubjectPublicKeyInfoDer;
    use rustls::pki_types::pem::PemObject;
    let bad = |e: &dyn std::fmt::Display| PkiError::Format { what: path.display().to_string(), reason: e.to_string() };
    let der = SubjectPublicKeyInfoDer::from_pem_file(path).map_err(|e| bad(&e))?;
    // RFC 8410 §4: SEQUENCE { SEQUENCE { 1.3.101.112 }, BIT STRING of 32 bytes }, 44 bytes in all.
    let key = der.strip_prefix(&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..]);
    key.and_then(|k| PublicKey::try_from(k).ok()).ok_or_else(|| bad(&"not an Ed25519 public key").into())
}

/// The server's own key.
pub(super) struct Signer {
    pair: KeyPair,
    key: PublicKey,
    /// The day (UTC, ISO 8601) that has its head.
    sealed: Option<String>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key", &hex::encode(self.key)).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads the key of a state folder, or makes it.
    pub fn open(state: &Path) -> Result<Signer, ConventionError> {
        let path = state.join(KEY);
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| ConventionError::File { path, source }
        };
        let making = |e: rcgen::Error| PkiError::Making { what: "key of the access record", reason: e.to_string() };
        let pair = match std::fs::read_to_string(&path) {
            Ok(pem) => KeyPair::from_pem(&pem).map_err(making)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(making)?;
                write_private(&path, pair.serialize_pem().as_bytes())?;
                pair
            }
            Err(e) => return Err(file(&path)(e)),
        };
        let public = state.join(PUBLIC);
        std::fs::write(&public, pair.public_key_pem()).map_err(file(&public))?;
        let raw: PublicKey = pair
            .der_bytes()
            .try_into()
            .map_err(|_| PkiError::Key(format!("{} is not an Ed25519 key", path.display())))?;
        Ok(Signer { pair, key: raw, sealed: None })
    }

    /// Whether today (UTC) has no head yet.
    pub fn due(&self) -> bool {
        self.sealed.as_ref() != Some(&today())
    }

    /// Signs a head, when every finished segment has been moved.
    pub async fn seal(&mut self, shared: &Shared, client: &Client) -> Result<(), ConventionError> {
        let day = today();
        let (dir, active) = (shared.dir.clone(), shared.active.load(Ordering::Acquire));
        let found = tokio::task::spawn_blocking(move || head(&dir, active)).await;
        let Ok(Some((sequence, hash))) = found else { return Ok(()) };
        let text = text(&day, &shared.instance, sequence, &hash);
        let signature = self
            .pair
            .sign(text.as_bytes())
            .map_err(|e| PkiError::Making { what: "signature of the access record", reason: e.to_string() })?;
        let number = i64::try_from(sequence).unwrap_or(i64::MAX);
        // A start on the same line signs the same again: nothing to add.
        let fresh = client
            .execute(
                "INSERT INTO journal.tete (instance, sequence, jour, empreinte, cle, signature)
                 VALUES ($1, $2, $3::text::date, $4, $5, $6) ON CONFLICT DO NOTHING",
                &[&shared.instance, &number, &day, &hash.as_slice(), &self.key.as_slice(), &signature],
            )
            .await
            .map_err(|source| ConventionError::Database(DbError::Statement { doing: "sealing the journal", source }))?;
        if fresh > 0 {
            // A log that leaves the machine carries the proof away with it.
            tracing::info!(target: "seuil::journal", head = text.trim_end(), key = hex::encode(self.key),
                signature = hex::encode(&signature), "sealed");
        }
        self.sealed = Some(day);
        Ok(())
    }
}

/// The day in UTC, ISO 8601.
fn today() -> String {
    jiff::Timestamp::now().to_string().chars().take(10).collect()
}

/// The line before the active segment, as that segment's own first line names it; `None` when there is none.
fn head(dir: &Path, active: u64) -> Option<(u64, Hash)> {
    let path: PathBuf = segments(dir).ok()?.into_iter().find(|p| super::spool::first_of(p) == Some(active))?;
    let read = line::read(&std::fs::read(path).ok()?);
    let Entry::Segment(first) = &read.lines.first()?.line.entry else { return None };
    let mut hash = [0; 32];
    hex::decode_to_slice(&first.precedent, &mut hash).ok()?;
    (active > 1).then(|| (active - 1, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_and_its_key_alone() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let signer = Signer::open(one.path()).unwrap();
        let again = Signer::open(one.path()).unwrap();
        let other = Signer::open(two.path()).unwrap();
        assert_eq!(signer.key, again.key);
        assert_eq!(read_public(&one.path().join(PUBLIC)).unwrap(), signer.key);
        let text = text("2026-11-25", "00112233445566aa", 12, &[7; 32]);
        let signature = signer.pair.sign(text.as_bytes()).unwrap();
        assert!(good(&signer.key, &text, &signature));
        assert!(!good(&other.key, &text, &signature));
        assert!(!good(&signer.key, &text.replace(" 12 ", " 13 "), &signature));
    }
}
