//! The certificates of `seuil convention`: issued, registered, revoked.

use super::convention::{connect, now};
use crate::config::{Config, Database};
use crate::convention::acts::{self, Certificate, Registration};
use crate::convention::words::{Purpose, Use, Word};
use crate::db::Role;
use crate::pki::{Anchors, Authority, Issued, KeyKind, Peer, Request, Strength, pkcs12, write_private};
use anyhow::{Context, bail};
use rand::distr::{Alphanumeric, SampleString};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Key {
    /// ECDSA P-256.
    Ec,
    /// RSA, 3072 bits (made by the program openssl).
    Rsa,
}

/// Files of the CA.
#[derive(Debug, clap::Args)]
pub(super) struct CaFiles {
    /// Certificate of the CA.
    #[arg(long, env = "SEUIL_CA_CERTIFICATE", default_value = "pki/ca/ca.pem")]
    pub(super) ca_certificate: PathBuf,
    /// Its key, for its owner alone.
    #[arg(long, env = "SEUIL_CA_KEY", default_value = "pki/ca/ca.key")]
    pub(super) ca_key: PathBuf,
}

/// What a certificate is registered for.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Convention.
    id: String,
    /// Named person or service.
    #[arg(long)]
    holder: String,
    /// Purpose, one of the convention's, e.g. `diagnostic_partage`.
    #[arg(long, value_parser = purpose)]
    purpose: Purpose,
    /// A service (a portal's proxy, a nightly job) rather than a person.
    #[arg(long)]
    robot: bool,
    /// Base of the links sent to it: a portal's proxy, `https://...`.
    #[arg(long)]
    public_url: Option<String>,
}

fn purpose(word: &str) -> Result<Purpose, String> {
    let all = || <Purpose as Word>::ALL.iter().map(|(_, w)| *w).collect::<Vec<_>>().join(", ");
    Purpose::from_word(word).ok_or_else(|| format!("one of {}", all()))
}

impl CaFiles {
    pub(super) fn open(&self) -> anyhow::Result<Authority> {
        Ok(Authority::open(&self.ca_certificate, &self.ca_key)?)
    }
}

impl Wanted {
    fn registration(&self, peer: Peer) -> Registration {
        Registration {
            convention: self.id.clone(),
            peer,
            usage: if self.robot { Use::Robot } else { Use::Personne },
            holder: self.holder.clone(),
            purpose: self.purpose,
            public_url: self.public_url.as_ref().map(|u| u.trim_end_matches('/').to_owned()),
        }
    }
}

pub(super) async fn issue(
    database: &Database,
    wanted: &Wanted,
    csr: Option<PathBuf>,
    (key, days): (KeyKind, u32),
    out: &Path,
    ca: &CaFiles,
) -> anyhow::Result<()> {
    let client = connect(database, Role::Drafter).await?;
    let Some(contract) = acts::list(&client).await?.into_iter().find(|c| c.deed.id == wanted.id) else {
        bail!("convention {} is unknown", wanted.id)
    };
    let csr = csr.map(|p| std::fs::read_to_string(&p).with_context(|| p.display().to_string())).transpose()?;
    let request = Request { organisation: contract.deed.partner.nom, name: wanted.holder.clone(), days, csr, key };
    let issued = ca.open()?.issue(&request, now())?;
    // Registered before anything is written: what the database refuses leaves no certificate about.
    acts::register(&client, &wanted.registration(issued.peer.clone())).await?;
    issued.write(&out.join("client.pem"), &out.join("client.key"))?;
    println!("certificate {} of {} in {}", issued.peer.serial, wanted.id, out.display());
    if issued.private_key.is_some() {
        bundles(&issued, &wanted.id, out)?;
    }
    Ok(())
}

/// PKCS#12 in both strengths, under a password that is shown once.
fn bundles(issued: &Issued, id: &str, out: &Path) -> anyhow::Result<()> {
    let password = Alphanumeric.sample_string(&mut rand::rng(), 20);
    for (name, strength) in [("client.p12", Strength::Modern), ("client-ancien.p12", Strength::Legacy)] {
        write_private(&out.join(name), &pkcs12(issued, &format!("seuil {id}"), &password, strength)?)?;
    }
    println!("client.p12 (AES-256) and client-ancien.p12 (3DES, for older Windows and macOS): password {password}");
    Ok(())
}

pub(super) async fn register(database: &Database, config: &Config, wanted: &Wanted, path: &Path) -> anyhow::Result<()> {
    let anchors = Anchors::load(&config.server.client_ca)?;
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
    let peer = Peer::from_der(&chain, &anchors)?;
    if !anchors.accepts(&peer.issuer) {
        bail!("its CA is not itself among the accepted ones in {}", config.server.client_ca.display());
    }
    let serial = peer.serial.clone();
    acts::register(&connect(database, Role::Drafter).await?, &wanted.registration(peer)).await?;
    println!("certificate {serial} registered with {}", wanted.id);
    Ok(())
}

pub(super) async fn revoke(
    database: &Database,
    serial: &str,
    issuer: Option<[u8; 32]>,
    reason: &str,
) -> anyhow::Result<()> {
    let client = connect(database, Role::Drafter).await?;
    let mut found: Vec<Certificate> = acts::by_serial(&client, serial).await?;
    found.retain(|c| issuer.is_none_or(|i| i == c.ca));
    let certificate = match found.as_slice() {
        [one] => one,
        [] => bail!("no certificate {serial} is registered"),
        _ => bail!("several CAs issued {serial}: name one with --issuer (see `seuil convention show`)"),
    };
    acts::revoke(&client, &certificate.ca, &certificate.key, reason).await?;
    println!("certificate {serial} ({}) revoked", certificate.holder);
    Ok(())
}

pub(super) fn digest(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(text.replace(':', "")).context("--issuer: 64 hexadecimal digits")?;
    bytes.try_into().map_err(|_| anyhow::anyhow!("--issuer: 64 hexadecimal digits"))
}

/// Writes a file in one step: a server that reloads never sees half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension("neuf");
    std::fs::write(&fresh, bytes).with_context(|| fresh.display().to_string())?;
    std::fs::rename(&fresh, path).with_context(|| path.display().to_string())
}
