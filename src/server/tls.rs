//! TLS with a requested, optional client certificate, and hot reload.
//!
//! A chain to an accepted CA with a good signature is demanded of every certificate that is shown: anything else is a TLS
//! alert, logged with its reason. Validity, revocation and convention are judged per request, so that their holders get
//! an answer that says why. No certificate at all is a connection that reaches only a refusal (Firefox sends its CORS
//! preflights without one).

use crate::pki::{Anchors, Peer};
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What can be wrong with the TLS material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("cannot read {path}: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No CA is accepted: nobody could connect.
    #[error("no accepted client CA in {path}: put the CA certificates there as *.pem")]
    NoAnchors {
        /// Which directory.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or rustls refuses them.
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The TLS configuration in force, with the CAs it accepts. Swapped as a whole: a resumed session never asks the verifier,
/// so neither ticket keys nor session storage outlive a reload.
#[derive(Debug)]
pub struct Material {
    /// For the handshake.
    pub config: Arc<ServerConfig>,
    /// For the identity.
    pub anchors: Arc<Anchors>,
}

/// TLS configuration that follows its files.
#[derive(Debug)]
pub struct Tls {
    current: ArcSwap<Material>,
    server: crate::config::Server,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(server: &crate::config::Server) -> Result<Tls, TlsError> {
        Ok(Tls { current: ArcSwap::from_pointee(build(server)?), server: server.clone() })
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Material> {
        self.current.load_full()
    }

    /// Follows changes of the files, for ever. A fault keeps what is in force and is logged.
    pub async fn follow(&self) {
        let mut seen = stamp(&self.server);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = stamp(&self.server);
            if now != seen {
                seen = now;
                match build(&self.server) {
                    Ok(material) => {
                        self.current.store(Arc::new(material));
                        tracing::info!("TLS material reloaded");
                    }
                    Err(e) => tracing::error!(error = %e, "TLS material not reloaded; the former one stays in force"),
                }
            }
        }
    }
}

/// The certificate of a handshake as an identity to look up.
///
/// `None`: no certificate was shown, or (never after a good handshake) it cannot be read.
pub fn peer(material: &Material, shown: Option<&[CertificateDer<'_>]>) -> Option<Peer> {
    let chain = shown?;
    match Peer::from_der(chain, &material.anchors) {
        Ok(peer) => Some(peer),
        Err(e) => {
            tracing::warn!(error = %e, "client certificate cannot be placed");
            None
        }
    }
}

fn build(server: &crate::config::Server) -> Result<Material, TlsError> {
    let file = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(&server.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| file(&server.certificate, e.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&server.key).map_err(|e| file(&server.key, e.to_string()))?;
    let anchors = Anchors::load(&server.client_ca).map_err(|e| file(&server.client_ca, e.to_string()))?;
    let mut roots = RootCertStore::empty();
    for der in anchors.certificates() {
        roots.add(der.clone())?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoAnchors { path: server.client_ca.clone() });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|e| TlsError::Rustls(rustls::Error::General(e.to_string())))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AtItsTime { inner }))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(4096);
    Ok(Material { config: Arc::new(config), anchors: Arc::new(anchors) })
}

/// Names, sizes and times of all files concerned.
fn stamp(server: &crate::config::Server) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let mut paths = vec![server.certificate.clone(), server.key.clone()];
    if let Ok(entries) = std::fs::read_dir(&server.client_ca) {
        paths.extend(entries.filter_map(|e| e.ok().map(|e| e.path())));
    }
    paths.sort();
    paths
        .into_iter()
        .map(|p| {
            let meta = std::fs::metadata(&p).ok();
            (p, meta.as_ref().map_or(0, std::fs::Metadata::len), meta.and_then(|m| m.modified().ok()))
        })
        .collect()
}

/// Verifies chain and signature as of a moment inside the certificate's own validity: an expired certificate of an
/// accepted CA gets a connection, and there a refusal that tells its holder what happened. Its expiry is judged per
/// request from the certificate itself.
#[derive(Debug)]
struct AtItsTime {
    inner: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for AtItsTime {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let bad = rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
        let (_, leaf) = x509_parser::parse_x509_certificate(end_entity).map_err(|_| bad)?;
        let (from, to) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
        let moment = (now.as_secs() as i64).clamp(from.min(to), to).max(0) as u64;
        self.inner.verify_client_cert(
            end_entity,
            intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(moment)),
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
