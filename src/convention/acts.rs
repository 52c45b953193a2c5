//! Acts on conventions and certificates in the database. Who may do what is decided there: these functions only speak.
//!
//! Each takes a connection as the role that acts: [`Role::Drafter`](crate::db::Role::Drafter) drafts and registers,
//! [`Role::Signer`](crate::db::Role::Signer) signs, suspends, resumes and terminates, both revoke.

use super::file::Draft;
use super::rows::{self, ConventionRow};
use super::territory::{Link, Zone, Zones};
use super::words::{Purpose, Use, Word};
use super::{ConventionError, State};
use crate::catalogue::Scale;
use crate::db::DbError;
use crate::pki::{Peer, RevokedSerial};
use jiff::civil::Date;
use tokio_postgres::Client;

/// What is done to a signed convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing is served until it is resumed.
    Suspend,
    /// Ends a suspension.
    Resume,
    /// Ends the convention for good.
    Terminate,
}

/// A certificate to register.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Convention.
    pub convention: String,
    /// The certificate, placed under its CA.
    pub peer: Peer,
    /// Person or robot.
    pub usage: Use,
    /// Name of the person or service.
    pub holder: String,
    /// Purpose, one of the convention's.
    pub purpose: Purpose,
    /// Base of links sent to it (a portal's proxy), `https://...` without a trailing slash.
    pub public_url: Option<String>,
}

/// An entry of the history of a convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, ISO 8601.
    pub at: String,
    /// Login.
    pub by: String,
    /// `projet`, `signature`, `suspension`, `reprise`, `resiliation`.
    pub nature: String,
    /// Version.
    pub version: i32,
    /// Reason given.
    pub reason: String,
}

/// A certificate as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the issuing CA's public key.
    pub ca: [u8; 32],
    /// SHA-256 of its public key.
    pub key: [u8; 32],
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject.
    pub subject: String,
    /// `personne` or `robot`.
    pub usage: String,
    /// Name of the person or service.
    pub holder: String,
    /// Purpose.
    pub purpose: String,
    /// Base of links.
    pub public_url: Option<String>,
    /// End of validity, ISO 8601.
    pub not_after: String,
    /// When it was revoked, ISO 8601.
    pub revoked: Option<String>,
}

type Result<T> = std::result::Result<T, ConventionError>;

fn fail(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> ConventionError {
    move |source| ConventionError::Database(DbError::Statement { doing, source })
}

/// Zones of the current publication; empty when there is none.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn zones(client: &Client) -> Result<Zones> {
    let zones: Vec<Zone> = client
        .query("SELECT echelle, code, nom, insee_com, insee_associee FROM convention.zones()", &[])
        .await
        .map_err(fail("reading the zones"))?
        .iter()
        .filter_map(|r| {
            let scale = Scale::from_word(r.get(0))?;
            Some(Zone { scale, code: r.get(1), name: r.get(2), insee_com: r.get(3), insee_associee: r.get(4) })
        })
        .collect();
    let links: Vec<Link> = client
        .query("SELECT code_qp, code_iris FROM convention.liens()", &[])
        .await
        .map_err(fail("reading the links of zones"))?
        .iter()
        .map(|r| Link { code_qp: r.get(0), code_iris: r.get(1) })
        .collect();
    Ok(Zones::new(&zones, &links))
}

/// Drafts a version; gives its number. Nothing changes for clients until it is signed.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn draft(client: &Client, draft: &Draft) -> Result<i32> {
    let deed = &draft.deed;
    let (finalites, themes, echelles) = (spelled(&deed.finalites), spelled(&deed.themes), spelled(&deed.echelles));
    let (colonnes, operations) = (spelled(&deed.colonnes_sensibles), spelled(&deed.operations));
    let ground = &deed.territoire;
    let (englobantes, chevauchantes) = (spelled(&ground.englobantes), spelled(&ground.chevauchantes));
    let deliberation = deed.date_deliberation.map(|d| d.to_string());
    let quota = |n: Option<u32>| n.map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let row = client
        .query_one(
            "INSERT INTO convention.version (convention, partenaire, famille, siren, insee, ref_deliberation,
                 date_deliberation, debut, fin, finalites, themes, echelles, colonnes_sensibles, territoire_entier,
                 communes, iris, qpv, qpv_intercommunal, englobantes, chevauchantes, operations, requetes_minute,
                 objets_jour, places, diffusion_ulterieure, referent, dpo, contact_incident, duree_conservation,
                 destruction_fin, texte)
             VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8::text::date, $9::text::date, $10, $11, $12, $13, $14,
                 $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)
             RETURNING version",
            &[
                &deed.id,
                &deed.partner.nom,
                &deed.partner.famille.word(),
                &deed.partner.siren,
                &deed.partner.insee,
                &deed.ref_deliberation,
                &deliberation,
                &deed.debut.to_string(),
                &deed.fin.to_string(),
                &finalites,
                &themes,
                &echelles,
                &colonnes,
                &ground.tout,
                &ground.communes,
                &ground.iris,
                &ground.qpv,
                &ground.qpv_intercommunal.word(),
                &englobantes,
                &chevauchantes,
                &operations,
                &quota(deed.quotas.requetes_minute),
                &deed.quotas.objets_jour.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
                &quota(deed.quotas.places),
                &deed.diffusion_ulterieure.word(),
                &deed.contacts.referent,
                &deed.contacts.dpo,
                &deed.contacts.incident,
                &i32::try_from(deed.duree_conservation).unwrap_or(i32::MAX),
                &deed.destruction_fin,
                &draft.text,
            ],
        )
        .await
        .map_err(fail("drafting the convention"))?;
    Ok(row.get(0))
}

/// Signs a version (`None`: the newest draft), with the day on the paper. From then on it is in force on its days.
///
/// # Errors
/// [`ConventionError::Database`], with the database's reason: unknown, signed already, suspended, drafted by the signer.
pub async fn sign(client: &Client, convention: &str, version: Option<i32>, day: Option<Date>) -> Result<i32> {
    let row = client
        .query_one(
            "INSERT INTO convention.acte (convention, version, nature, date_signature)
             VALUES ($1, $2, 'signature', $3::text::date) RETURNING version",
            &[&convention, &version, &day.map(|d| d.to_string())],
        )
        .await
        .map_err(fail("signing the convention"))?;
    Ok(row.get(0))
}

/// Suspends, resumes or terminates a convention.
///
/// # Errors
/// [`ConventionError::Database`], with the database's reason: unknown, or not possible in its state.
pub async fn act(client: &Client, convention: &str, act: Act, reason: &str) -> Result<()> {
    let nature = match act {
        Act::Suspend => "suspension",
        Act::Resume => "reprise",
        Act::Terminate => "resiliation",
    };
    client
        .execute(
            "INSERT INTO convention.acte (convention, nature, motif) VALUES ($1, $2, $3)",
            &[&convention, &nature, &reason],
        )
        .await
        .map_err(fail("acting on the convention"))?;
    Ok(())
}

/// All conventions, by identifier.
///
/// # Errors
/// [`ConventionError`].
pub async fn list(client: &Client) -> Result<Vec<ConventionRow>> {
    client
        .query("SELECT * FROM convention.etat ORDER BY convention", &[])
        .await
        .map_err(fail("reading the conventions"))?
        .iter()
        .map(rows::convention)
        .collect()
}

/// The text of a convention as it was reviewed: the version in force, else the newest draft.
///
/// # Errors
/// [`ConventionError`].
pub async fn text(client: &Client, convention: &str) -> Result<Option<(State, i32, String)>> {
    let found = client
        .query_opt("SELECT * FROM convention.etat WHERE convention = $1", &[&convention])
        .await
        .map_err(fail("reading the convention"))?;
    let Some(row) = found else { return Ok(None) };
    let read = rows::convention(&row)?;
    Ok(Some((read.state, read.version, row.get("texte"))))
}

/// The history of a convention, oldest first.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn history(client: &Client, convention: &str) -> Result<Vec<Event>> {
    let rows = client
        .query(
            "SELECT to_char(le AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), par, nature, version, motif FROM (
                 SELECT le, par, nature, version, motif FROM convention.acte WHERE convention = $1
                 UNION ALL
                 SELECT redige_le, redige_par, 'projet', version, '' FROM convention.version WHERE convention = $1) h
             ORDER BY le",
            &[&convention],
        )
        .await
        .map_err(fail("reading the history"))?;
    let event = |r: &tokio_postgres::Row| Event {
        at: r.get(0),
        by: r.get(1),
        nature: r.get(2),
        version: r.get(3),
        reason: r.get(4),
    };
    Ok(rows.iter().map(event).collect())
}

/// Certificates of a convention.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn certificates(client: &Client, convention: &str) -> Result<Vec<Certificate>> {
    find(client, "convention = $1", convention).await
}

/// Registered certificates with a serial number (hexadecimal; several CAs may use the same).
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn by_serial(client: &Client, serial: &str) -> Result<Vec<Certificate>> {
    let plain: String = serial.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
    find(client, "serie = $1", plain.trim_start_matches('0')).await
}

async fn find(client: &Client, condition: &'static str, value: &str) -> Result<Vec<Certificate>> {
    let sql = format!(
        "SELECT ca, cle, serie, sujet, usage, titulaire, finalite, url_publique,
                to_char(valide_au AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                to_char(revoque_le AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
         FROM convention.certificat_courant WHERE {condition} ORDER BY certificat"
    );
    let rows = client.query(&sql, &[&value]).await.map_err(fail("reading the certificates"))?;
    let digest = |r: &tokio_postgres::Row, n: usize| <[u8; 32]>::try_from(r.get::<_, &[u8]>(n)).unwrap_or_default();
    let read = |r: &tokio_postgres::Row| Certificate {
        ca: digest(r, 0),
        key: digest(r, 1),
        serial: r.get(2),
        subject: r.get(3),
        usage: r.get(4),
        holder: r.get(5),
        purpose: r.get(6),
        public_url: r.get(7),
        not_after: r.get(8),
        revoked: r.get(9),
    };
    Ok(rows.iter().map(read).collect())
}

/// Registers a certificate for one use and one purpose of a convention.
///
/// # Errors
/// [`ConventionError::Database`], with the database's reason: unknown convention, purpose not granted, key revoked or
/// another convention's, public URL without onward display.
pub async fn register(client: &Client, r: &Registration) -> Result<()> {
    #[allow(clippy::cast_precision_loss)]
    let seconds = |millis: i64| millis as f64 / 1000.0;
    client
        .execute(
            "INSERT INTO convention.certificat (convention, ca, cle, serie, sujet, valide_du, valide_au, usage, titulaire,
                 finalite, url_publique)
             VALUES ($1, $2, $3, $4, $5, to_timestamp($6), to_timestamp($7), $8, $9, $10, $11)",
            &[
                &r.convention,
                &r.peer.issuer.as_slice(),
                &r.peer.key.as_slice(),
                &r.peer.serial,
                &r.peer.subject,
                &seconds(r.peer.not_before),
                &seconds(r.peer.not_after),
                &r.usage.word(),
                &r.holder,
                &r.purpose.word(),
                &r.public_url,
            ],
        )
        .await
        .map_err(fail("registering the certificate"))?;
    Ok(())
}

/// Revokes a certificate for good, by CA and public key.
///
/// # Errors
/// [`ConventionError::Database`]: no such certificate, or revoked already.
pub async fn revoke(client: &Client, ca: &[u8; 32], key: &[u8; 32], reason: &str) -> Result<()> {
    client
        .execute(
            "INSERT INTO convention.revocation (ca, cle, motif) VALUES ($1, $2, $3)",
            &[&ca.as_slice(), &key.as_slice(), &reason],
        )
        .await
        .map_err(fail("revoking the certificate"))?;
    Ok(())
}

/// Everything of a CA that was revoked, for its revocation list.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn revoked(client: &Client, ca: &[u8; 32]) -> Result<Vec<RevokedSerial>> {
    let rows = client
        .query(
            "SELECT c.serie, (extract(epoch FROM min(r.le)) * 1000)::int8
             FROM convention.revocation r JOIN convention.certificat c USING (ca, cle)
             WHERE r.ca = $1 GROUP BY c.serie ORDER BY 2",
            &[&ca.as_slice()],
        )
        .await
        .map_err(fail("reading the revocations"))?;
    Ok(rows.iter().map(|r| RevokedSerial { serial: r.get(0), at: r.get(1) }).collect())
}

fn spelled<T: Word>(values: &[T]) -> Vec<&'static str> {
    values.iter().map(|v| v.word()).collect()
}
