//! The administrator's side: makes a CA, issues certificates, signs revocation lists. Keys are ECDSA P-256, on demand RSA
//! for clients that read nothing else.

use super::{Anchors, PkiError, RevokedSerial, anchors, parse, sha256, write_private};
use rand::Rng;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevocationReason, RevokedCertParams, SerialNumber,
    SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use std::path::Path;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

/// Begin of validity lies this long before the issuing: clocks of clients differ.
const BACKDATED: i64 = 300;
const DAY: i64 = 86_400;

/// A CA with its key.
pub struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    key: [u8; 32],
    not_after: i64,
}

/// What a client certificate is asked for. The subject is written for people; it grants nothing.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Organisation, e.g. `Ville de Lille`.
    pub organisation: String,
    /// Person or robot, e.g. `SIG - poste 12`.
    pub name: String,
    /// Days of validity.
    pub days: u32,
    /// The partner's own request (PKCS#10, PEM); without one a new key is made.
    pub csr: Option<String>,
    /// Of which kind the new key is.
    pub key: KeyKind,
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    Ec,
    /// RSA of so many bits: QGIS up to 3.22 reads no other out of PKCS#12.
    Rsa(u32),
}

/// What a server certificate is asked for. `127.0.0.1` and `localhost` are always among its names.
#[derive(Debug, Clone, Default)]
pub struct ServerCertificate {
    /// Further host names and addresses; the first becomes the common name.
    pub names: Vec<String>,
    /// Days of validity.
    pub days: u32,
}

/// A certificate that was issued.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub pem: String,
    /// The certificate, DER.
    pub der: CertificateDer<'static>,
    /// Its private key (PKCS#8, PEM), when it was made here.
    pub private_key: Option<String>,
    /// The CA's certificate, PEM.
    pub ca: String,
    /// Its place in the world: issuer, key, serial, subject, validity.
    pub peer: super::Peer,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("key", &hex::encode(self.key)).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a CA: 10 years, may sign end entities only (pathLenConstraint 0). The key is written for its owner alone (0600).
    /// An existing file is never overwritten. `now` is in milliseconds since 1970, here and below; `unit` becomes the organisational unit ([`super::DEMO_UNIT`] in demonstrations).
    ///
    /// # Errors
    /// [`PkiError::File`], [`PkiError::Making`].
    pub fn create(
        certificate: &Path,
        key: &Path,
        organisation: &str,
        unit: Option<&str>,
        now: i64,
    ) -> Result<Authority, PkiError> {
        for path in [certificate, key] {
            if path.exists() {
                let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "exists already");
                return Err(PkiError::file(path, source));
            }
            if let Some(dir) = path.parent() {
                std::fs::create_dir_all(dir).map_err(|e| PkiError::file(dir, e))?;
            }
        }
        let pair = new_key()?;
        let mut params = blank(now, 3652)?;
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        if let Some(unit) = unit {
            params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
        }
        params.distinguished_name.push(DnType::CommonName, format!("Autorité de certification {organisation}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let made = params.self_signed(&pair).map_err(|e| PkiError::making("CA certificate", e))?;
        write_private(key, pair.serialize_pem().as_bytes())?;
        std::fs::write(certificate, made.pem()).map_err(|e| PkiError::file(certificate, e))?;
        Authority::new(made.pem(), pair)
    }

    /// Reads a CA. The key must be its owner's alone.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Authority, PkiError> {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(key).map_err(|e| PkiError::file(key, e))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(PkiError::KeyExposed { path: key.to_owned() });
        }
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| PkiError::file(path, e));
        let pair = KeyPair::from_pem(&read(key)?).map_err(|e| PkiError::format(key.display().to_string(), e))?;
        Authority::new(read(certificate)?, pair)
    }

    fn new(pem: String, pair: KeyPair) -> Result<Authority, PkiError> {
        let der = anchors::certificates(pem.as_bytes())?.swap_remove(0);
        let (key, not_after) = {
            let certificate = parse(&der)?;
            if sha256(&pair.subject_public_key_info()) != sha256(certificate.public_key().raw) {
                return Err(PkiError::Key("the key is not that of the CA certificate".to_owned()));
            }
            (sha256(certificate.public_key().raw), certificate.validity().not_after.timestamp())
        };
        let issuer = Issuer::from_ca_cert_der(&der, pair).map_err(|e| PkiError::format("CA certificate", e))?;
        Ok(Authority { pem, der, issuer, key, not_after })
    }

    /// The CA's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of the CA's subjectPublicKeyInfo.
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Issues a client certificate (extendedKeyUsage clientAuth), from a request of the partner or with a new key. Of a
    /// request only the public key is taken, after its signature (proof of possession) was checked: subject and extensions
    /// are ours.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn issue(&self, request: &Request, now: i64) -> Result<Issued, PkiError> {
        let mut params = blank(now, request.days)?;
        params.distinguished_name.push(DnType::OrganizationName, request.organisation.as_str());
        params.distinguished_name.push(DnType::CommonName, request.name.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        match &request.csr {
            Some(pem) => self.finish(params, &public_key(pem)?, None),
            None => {
                let pair = match request.key {
                    KeyKind::Ec => new_key()?,
                    KeyKind::Rsa(bits) => new_rsa_key(bits)?,
                };
                self.finish(params, &pair, Some(pair.serialize_pem()))
            }
        }
    }

    /// Issues a server certificate (extendedKeyUsage serverAuth) with a new key.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn issue_server(&self, request: &ServerCertificate, now: i64) -> Result<Issued, PkiError> {
        let mut names: Vec<String> = request.names.clone();
        for always in ["localhost", "127.0.0.1"] {
            if !names.iter().any(|n| n == always) {
                names.push(always.to_owned());
            }
        }
        let common = names[0].clone();
        let mut params = blank(now, request.days)?;
        params.subject_alt_names =
            CertificateParams::new(names).map_err(|e| PkiError::making("server certificate", e))?.subject_alt_names;
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let pair = new_key()?;
        self.finish(params, &pair, Some(pair.serialize_pem()))
    }

    fn finish(
        &self,
        mut params: CertificateParams,
        public: &impl PublicKeyData,
        private_key: Option<String>,
    ) -> Result<Issued, PkiError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        // A certificate that outlives its CA would be refused from the CA's last day on, without a word before.
        let last = moment(self.not_after)?;
        if params.not_after > last {
            params.not_after = last;
        }
        let made = params.signed_by(public, &self.issuer).map_err(|e| PkiError::making("certificate", e))?;
        let mut anchors = Anchors::default();
        anchors.accept(self.der.clone())?;
        let peer = super::Peer::from_der(std::slice::from_ref(made.der()), &anchors)?;
        Ok(Issued { pem: made.pem(), der: made.der().clone(), private_key, ca: self.pem.clone(), peer })
    }

    /// Signs a revocation list (PEM) that is due again in `days`. Its number is the time: it only ever grows.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn crl(&self, revoked: &[RevokedSerial], days: u32, now: i64) -> Result<String, PkiError> {
        let entries = revoked
            .iter()
            .map(|r| {
                let padded = format!("{:0>width$}", r.serial, width = r.serial.len().next_multiple_of(2));
                let serial = hex::decode(padded).map_err(|e| PkiError::format("serial number", e))?;
                Ok(RevokedCertParams {
                    serial_number: SerialNumber::from(serial),
                    revocation_time: moment(r.at / 1000)?,
                    reason_code: Some(RevocationReason::PrivilegeWithdrawn),
                    invalidity_date: None,
                })
            })
            .collect::<Result<Vec<_>, PkiError>>()?;
        let made = CertificateRevocationListParams {
            this_update: moment(now / 1000)?,
            next_update: moment(now / 1000 + i64::from(days) * DAY)?,
            crl_number: SerialNumber::from(now.unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: entries,
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer)
        .map_err(|e| PkiError::making("revocation list", e))?;
        made.pem().map_err(|e| PkiError::making("revocation list", e))
    }
}

impl Issued {
    /// Writes `client.pem`-like files: the certificate for all, the key (if made here) for the owner alone.
    ///
    /// # Errors
    /// [`PkiError::File`].
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), PkiError> {
        for path in [certificate, key] {
            if let Some(dir) = path.parent() {
                std::fs::create_dir_all(dir).map_err(|e| PkiError::file(dir, e))?;
            }
        }
        std::fs::write(certificate, &self.pem).map_err(|e| PkiError::file(certificate, e))?;
        match &self.private_key {
            Some(pem) => write_private(key, pem.as_bytes()),
            None => Ok(()),
        }
    }
}

fn new_key() -> Result<KeyPair, PkiError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| PkiError::making("key", e))
}

/// A new RSA key, made by the `openssl` program: ring makes none, and the `rsa` crate stands under an advisory without a
/// mended release (RUSTSEC-2023-0071). Only the administrator's commands come here, never the server.
fn new_rsa_key(bits: u32) -> Result<KeyPair, PkiError> {
    if !(2048..=8192).contains(&bits) {
        return Err(PkiError::Key(format!("RSA of {bits} bits: from 2048 to 8192")));
    }
    let failed = |reason: String| PkiError::making("RSA key (by the program openssl)", reason);
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")])
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    if !made.status.success() {
        return Err(failed(String::from_utf8_lossy(&made.stderr).trim().to_owned()));
    }
    let pem = String::from_utf8(made.stdout).map_err(|e| failed(e.to_string()))?;
    KeyPair::from_pem(&pem).map_err(|e| failed(e.to_string()))
}

/// An instant, seconds since 1970, as rcgen wants it.
fn moment(seconds: i64) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|e| PkiError::format("date", e))
}

/// Parameters with validity and a random serial of 128 bits (RFC 5280 §4.1.2.2: positive, at most 20 octets).
fn blank(now: i64, days: u32) -> Result<CertificateParams, PkiError> {
    let seconds = now / 1000;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = moment(seconds - BACKDATED)?;
    params.not_after = moment(seconds + i64::from(days) * DAY)?;
    let mut serial = [0u8; 16];
    rand::rng().fill_bytes(&mut serial);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// The public key of a request, after its own signature was checked. Keys that TLS clients should no longer use are refused.
fn public_key(pem: &str) -> Result<SubjectPublicKeyInfo, PkiError> {
    use rustls::pki_types::CertificateSigningRequestDer;
    use rustls::pki_types::pem::PemObject;
    let bad = |reason: String| PkiError::format("certificate signing request", reason);
    let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|e| bad(e.to_string()))?;
    let (_, request) = X509CertificationRequest::from_der(&der).map_err(|e| bad(e.to_string()))?;
    request.verify_signature().map_err(|_| bad("its signature is not made with the key it names".to_owned()))?;
    let info = &request.certification_request_info.subject_pki;
    if let Ok(x509_parser::public_key::PublicKey::RSA(rsa)) = info.parsed()
        && rsa.key_size() < 2048
    {
        return Err(PkiError::Key(format!("RSA of {} bits; 2048 at least", rsa.key_size())));
    }
    SubjectPublicKeyInfo::from_der(info.raw).map_err(|e| PkiError::Key(e.to_string()))
}
