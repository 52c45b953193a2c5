//! Revocation lists (RFC 5280 §5), read for the server and made for the administrator.

use super::anchors::Anchor;
use super::{PkiError, parse, serial_hex};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use std::collections::HashSet;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// A verified revocation list.
#[derive(Debug, Clone)]
pub struct Crl {
    /// SHA-256 of the issuing CA's subjectPublicKeyInfo.
    pub issuer: [u8; 32],
    /// When it was made, milliseconds since 1970.
    pub this_update: i64,
    /// When the next one is due, milliseconds since 1970: from then on this one refuses everybody.
    pub next_update: i64,
    revoked: HashSet<String>,
}

/// A certificate to put on a list that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSerial {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// When it was revoked, milliseconds since 1970.
    pub at: i64,
}

impl Crl {
    /// Whether a serial number (hexadecimal, as [`super::Peer::serial`]) is on the list.
    pub fn revokes(&self, serial: &str) -> bool {
        self.revoked.contains(serial)
    }

    /// How many serial numbers are on the list.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Reads a list, PEM or DER, and finds the accepted CA that signed it.
    pub(super) fn read(bytes: &[u8], anchors: &[Anchor]) -> Result<Crl, PkiError> {
        let bad = |reason: String| PkiError::format("revocation list", reason);
        let der = if bytes.starts_with(b"\x30") {
            CertificateRevocationListDer::from(bytes.to_vec())
        } else {
            CertificateRevocationListDer::from_pem_slice(bytes).map_err(|e| bad(e.to_string()))?
        };
        let list = match CertificateRevocationList::from_der(&der) {
            Ok(([], list)) => list,
            Ok(_) => return Err(bad("bytes follow its end".to_owned())),
            Err(e) => return Err(bad(e.to_string())),
        };
        let issuer = anchors
            .iter()
            .find(|a| {
                parse(a.der()).is_ok_and(|ca| {
                    ca.subject().as_raw() == list.issuer().as_raw() && list.verify_signature(ca.public_key()).is_ok()
                })
            })
            .ok_or_else(|| PkiError::CrlIssuer { issuer: list.issuer().to_string() })?;
        // RFC 5280 §5.2: a list with a critical extension that is not understood must not be used to judge status.
        for extension in list.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::IssuingDistributionPoint(point)
                    if !point.only_contains_ca_certs
                        && !point.only_contains_attribute_certs
                        && !point.indirect_crl
                        && point.only_some_reasons.is_none() => {}
                _ if extension.critical => {
                    return Err(bad(format!(
                        "critical extension {} is not understood: give a full list",
                        extension.oid
                    )));
                }
                _ => {}
            }
        }
        let next_update = list.next_update().ok_or_else(|| bad("it names no nextUpdate".to_owned()))?;
        Ok(Crl {
            issuer: issuer.key,
            this_update: list.last_update().timestamp() * 1000,
            next_update: next_update.timestamp() * 1000,
            revoked: list.iter_revoked_certificates().map(|r| serial_hex(r.raw_serial())).collect(),
        })
    }
}
