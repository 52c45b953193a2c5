//! CA, certificates, PKCS#12, CRLs.
//!
//! The server only reads: which CAs are accepted ([`Anchors`]), which of them issued a certificate ([`Peer`]), what they
//! revoked ([`Crl`]). Issuing ([`Authority`]) happens in the administrator's commands; the CA's key never lies where the
//! server can read it.

mod anchors;
mod authority;
mod bundle;
mod crl;

pub use anchors::{Anchor, Anchors};
pub use authority::{Authority, Issued, KeyKind, Request, ServerCertificate};
pub use bundle::{Strength, pkcs12};
pub use crl::{Crl, RevokedSerial};

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Organisational unit in the subject of every CA that a demonstration makes: its key lies about in the
/// demonstration's folder, so `serve` refuses it anywhere else.
pub const DEMO_UNIT: &str = "DEMONSTRATION seuil";

/// What can be wrong with keys, certificates and revocation lists.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A file or directory cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Bytes are not what their place demands.
    #[error("{what} cannot be read: {reason}")]
    Format {
        /// What was expected, e.g. `certificate`.
        what: String,
        /// What the reader said.
        reason: String,
    },
    /// A certificate among the accepted CAs is not a CA's (RFC 5280 §4.2.1.9, §4.2.1.3).
    #[error("{subject} is not a CA certificate: {reason}")]
    NotAnAuthority {
        /// Subject of the certificate.
        subject: String,
        /// Which extension says so.
        reason: &'static str,
    },
    /// No accepted CA, nor any CA shown along, signed the certificate.
    #[error("certificate of {subject} (issuer {issuer}) was not signed by an accepted CA")]
    UnknownIssuer {
        /// Subject of the certificate.
        subject: String,
        /// Issuer it names.
        issuer: String,
    },
    /// A CRL is signed by none of the accepted CAs.
    #[error("revocation list of {issuer} is not signed by an accepted CA")]
    CrlIssuer {
        /// Issuer it names.
        issuer: String,
    },
    /// A private key can be read by others than its owner.
    #[error("{path} can be read by others than its owner: chmod 600")]
    KeyExposed {
        /// Which file.
        path: PathBuf,
    },
    /// A key is too weak, or of a kind that is not taken.
    #[error("key refused: {0}")]
    Key(String),
    /// Making a key, certificate, list or bundle failed.
    #[error("making {what}: {reason}")]
    Making {
        /// What was being made.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
}

impl PkiError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        PkiError::File { path: path.to_owned(), source }
    }

    fn format(what: impl Into<String>, reason: impl ToString) -> Self {
        PkiError::Format { what: what.into(), reason: reason.to_string() }
    }

    fn making(what: &'static str, reason: impl ToString) -> Self {
        PkiError::Making { what, reason: reason.to_string() }
    }
}

/// SHA-256 of bytes: of a subjectPublicKeyInfo (DER) everywhere a key is named.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What is taken from a client's certificate, once a connection. Subject and SAN are for logs only: they grant nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of the issuing CA's subjectPublicKeyInfo (DER): which CA signed it.
    pub issuer: [u8; 32],
    /// SHA-256 of the certificate's subjectPublicKeyInfo (DER).
    pub key: [u8; 32],
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// Subject, for logs.
    pub subject: String,
    /// Begin of validity, milliseconds since 1970.
    pub not_before: i64,
    /// End of validity, milliseconds since 1970.
    pub not_after: i64,
}

impl Peer {
    /// Places a certificate: which CA's key really signed it. `chain` is what the client showed, its own certificate
    /// first. Accepted CAs are tried first; a CA that was only shown along is named as issuer too, but nothing can be
    /// registered under it, so it grants nothing: an intermediate CA must itself be accepted.
    ///
    /// Validity and revocation are not judged here but for each request.
    ///
    /// # Errors
    /// [`PkiError::Format`], [`PkiError::UnknownIssuer`].
    pub fn from_der(chain: &[CertificateDer<'_>], anchors: &Anchors) -> Result<Peer, PkiError> {
        let leaf = chain.first().ok_or_else(|| PkiError::format("certificate", "none was shown"))?;
        let leaf = parse(leaf)?;
        let issuer = match anchors.signer(&leaf) {
            Some(anchor) => anchor.key,
            None => shown_signer(&leaf, &chain[1..]).ok_or_else(|| PkiError::UnknownIssuer {
                subject: leaf.subject().to_string(),
                issuer: leaf.issuer().to_string(),
            })?,
        };
        Ok(Peer {
            issuer,
            key: sha256(leaf.public_key().raw),
            serial: serial_hex(leaf.raw_serial()),
            subject: leaf.subject().to_string(),
            not_before: leaf.validity().not_before.timestamp() * 1000,
            not_after: leaf.validity().not_after.timestamp() * 1000,
        })
    }
}

/// Key of a CA that was shown along and signed the certificate.
fn shown_signer(leaf: &X509Certificate<'_>, shown: &[CertificateDer<'_>]) -> Option<[u8; 32]> {
    shown.iter().filter_map(|der| parse(der).ok()).find_map(|ca| {
        let signed = ca.subject().as_raw() == leaf.issuer().as_raw()
            && ca.is_ca()
            && leaf.verify_signature(Some(ca.public_key())).is_ok();
        signed.then(|| sha256(ca.public_key().raw))
    })
}

/// Whether a file (PEM) holds the certificate of a demonstration's CA.
pub fn is_demo_ca(pem: &[u8]) -> bool {
    anchors::certificates(pem).is_ok_and(|all| {
        all.iter().any(|der| parse(der).is_ok_and(|c| c.subject().to_string().contains(&format!("OU={DEMO_UNIT}"))))
    })
}

fn parse<'a>(der: &'a [u8]) -> Result<X509Certificate<'a>, PkiError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(PkiError::format("certificate", "bytes follow its end")),
        Err(e) => Err(PkiError::format("certificate", e)),
    }
}

/// A serial number (DER INTEGER content) as lower-case hexadecimal without leading zeros: one spelling for one number.
fn serial_hex(raw: &[u8]) -> String {
    let text = hex::encode(raw);
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// Creates a file for its owner alone (0600) and writes it through to the disk.
///
/// # Errors
/// [`PkiError::File`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(|e| PkiError::file(path, e))?;
    // `mode` counts only for a new file: an older one may stand open to others.
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(|e| PkiError::file(path, e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| PkiError::file(path, e))
}

#[cfg(test)]
mod tests;
