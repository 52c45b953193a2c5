//! PKCS#12 (RFC 7292): certificate, chain and key in one file, the form that QGIS, Windows and browsers import.

use super::{Issued, PkiError, anchors};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// How a bundle is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// PBES2 with AES-256 and HMAC-SHA-256: OpenSSL 3, Windows 10 1709 and later, QGIS 3.
    Modern,
    /// pbeWithSHAAnd3-KeyTripleDES-CBC and HMAC-SHA-1: older Windows, macOS before 15, Java 8.
    Legacy,
}

/// Packs a certificate with its private key and its CA.
///
/// # Errors
/// [`PkiError::Key`] when the key was not made here (the partner keeps it), [`PkiError::Making`].
pub fn pkcs12(issued: &Issued, friendly: &str, password: &str, strength: Strength) -> Result<Vec<u8>, PkiError> {
    let pem = issued
        .private_key
        .as_deref()
        .ok_or_else(|| PkiError::Key("the private key is the partner's: PKCS#12 is made where it lies".to_owned()))?;
    let failed = |e: &dyn std::fmt::Display| PkiError::making("PKCS#12", e);
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|e| failed(&e))?;
    let key = PrivateKey::from_der(key.secret_der()).map_err(|e| failed(&e))?;
    let mut chain = vec![Certificate::from_der(&issued.der).map_err(|e| failed(&e))?];
    for ca in anchors::certificates(issued.ca.as_bytes())? {
        chain.push(Certificate::from_der(&ca).map_err(|e| failed(&e))?);
    }
    let mut store = KeyStore::new();
    let local_id = issued.peer.key[..20].to_vec();
    store.add_entry(friendly, KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(local_id, key, chain)));
    let writer = store.writer(password);
    match strength {
        Strength::Modern => writer
            .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
            .mac_algorithm(MacAlgorithm::HmacSha256),
        Strength::Legacy => writer
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .encryption_iterations(2048)
            .mac_iterations(2048),
    }
    .write()
    .map_err(|e| failed(&e))
}
