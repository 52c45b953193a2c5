//! CA, certificates, PKCS#12, CRLs.

/// What is taken from a client's certificate, once a connection. Subject and SAN are for logs only: they grant nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of the issuing CA's subjectPublicKeyInfo (DER): which accepted CA signed it.
    pub issuer: [u8; 32],
    /// SHA-256 of the certificate's subjectPublicKeyInfo (DER).
    pub key: [u8; 32],
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject, for logs.
    pub subject: String,
    /// Begin of validity, milliseconds since 1970.
    pub not_before: i64,
    /// End of validity, milliseconds since 1970.
    pub not_after: i64,
}
