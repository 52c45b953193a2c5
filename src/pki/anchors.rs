//! The CAs that the server accepts, and their revocation lists, out of one directory.

use super::{Crl, PkiError, parse, sha256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use x509_parser::prelude::X509Certificate;

/// An accepted CA.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// SHA-256 of its subjectPublicKeyInfo (DER).
    pub key: [u8; 32],
    /// Subject, for people.
    pub subject: String,
    /// End of the CA certificate's validity, milliseconds since 1970.
    pub not_after: i64,
    der: CertificateDer<'static>,
}

/// Accepted CAs (`*.pem`) and their CRLs (`*.crl`), as one directory held them at one moment. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    anchors: Vec<Anchor>,
    crls: Vec<Crl>,
}

impl Anchors {
    /// Reads a directory: each `*.pem` (or `*.crt`) holds one or several CA certificates, each `*.crl` a revocation list (PEM or DER)
    /// signed by one of them. One bad file makes the whole directory bad: a silently dropped CRL would revive its
    /// certificates.
    ///
    /// # Errors
    /// [`PkiError`], naming the file.
    pub fn load(dir: &Path) -> Result<Anchors, PkiError> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
            .map_err(|e| PkiError::file(dir, e))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| PkiError::file(dir, e))?
            .into_iter()
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        let named = |extension: &str| {
            let extension = extension.to_owned();
            paths.iter().filter(move |p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case(&extension)))
        };
        let read = |path: &Path| std::fs::read(path).map_err(|e| PkiError::file(path, e));
        let place = |path: &Path, e: PkiError| PkiError::format(path.display().to_string(), e);
        let mut found = Anchors::default();
        for path in named("pem").chain(named("crt")) {
            for der in certificates(&read(path)?).map_err(|e| place(path, e))? {
                found.accept(der).map_err(|e| place(path, e))?;
            }
        }
        for path in named("crl") {
            found.revoke(&read(path)?).map_err(|e| place(path, e))?;
        }
        Ok(found)
    }

    /// Accepts a CA certificate (DER).
    ///
    /// # Errors
    /// [`PkiError::Format`], [`PkiError::NotAnAuthority`].
    pub fn accept(&mut self, der: CertificateDer<'static>) -> Result<(), PkiError> {
        let anchor = {
            let certificate = parse(&der)?;
            let subject = certificate.subject().to_string();
            let not = |reason| PkiError::NotAnAuthority { subject: subject.clone(), reason };
            if !certificate.is_ca() {
                return Err(not("basicConstraints does not say CA:TRUE (RFC 5280 §4.2.1.9)"));
            }
            if let Ok(Some(usage)) = certificate.key_usage()
                && !usage.value.key_cert_sign()
            {
                return Err(not("keyUsage lacks keyCertSign (RFC 5280 §4.2.1.3)"));
            }
            Anchor {
                key: sha256(certificate.public_key().raw),
                not_after: certificate.validity().not_after.timestamp() * 1000,
                der: der.clone(),
                subject,
            }
        };
        if !self.anchors.iter().any(|a| a.der == anchor.der) {
            self.anchors.push(anchor);
        }
        Ok(())
    }

    /// Takes a revocation list (PEM or DER). The list that was made last counts, one for each CA.
    ///
    /// # Errors
    /// [`PkiError::Format`], [`PkiError::CrlIssuer`].
    pub fn revoke(&mut self, bytes: &[u8]) -> Result<(), PkiError> {
        let crl = Crl::read(bytes, &self.anchors)?;
        match self.crls.iter_mut().find(|c| c.issuer == crl.issuer) {
            Some(former) if former.this_update <= crl.this_update => *former = crl,
            Some(_) => {}
            None => self.crls.push(crl),
        }
        Ok(())
    }

    /// The accepted CAs.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter()
    }

    /// Certificates of the accepted CAs, DER, for the TLS verifier.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.anchors.iter().map(|a| &a.der)
    }

    /// The revocation list of a CA, named by the SHA-256 of its key.
    pub fn crl(&self, issuer: &[u8; 32]) -> Option<&Crl> {
        self.crls.iter().find(|c| c.issuer == *issuer)
    }

    /// The revocation lists.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Whether a key is an accepted CA's.
    pub fn accepts(&self, issuer: &[u8; 32]) -> bool {
        self.anchors.iter().any(|a| a.key == *issuer)
    }

    /// Whether one of the certificates of an accepted CA's key is still valid at `now` (milliseconds since 1970).
    pub fn valid(&self, issuer: &[u8; 32], now: i64) -> bool {
        self.anchors.iter().any(|a| a.key == *issuer && now <= a.not_after)
    }

    /// The accepted CA whose key signed a certificate. Names are compared first (a signature check costs 0.1 ms), the
    /// signature decides.
    pub(super) fn signer(&self, leaf: &X509Certificate<'_>) -> Option<&Anchor> {
        self.anchors.iter().find(|a| a.signed(leaf))
    }
}

impl Anchor {
    fn signed(&self, leaf: &X509Certificate<'_>) -> bool {
        parse(&self.der).is_ok_and(|ca| {
            ca.subject().as_raw() == leaf.issuer().as_raw() && leaf.verify_signature(Some(ca.public_key())).is_ok()
        })
    }

    /// The CA's certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }
}

/// All certificates of a PEM file.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    let all =
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|e| PkiError::format("PEM", e))?;
    if all.is_empty() { Err(PkiError::format("PEM", "it holds no CERTIFICATE")) } else { Ok(all) }
}
