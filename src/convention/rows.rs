//! The registry as the database holds it: read in one transaction, kept on disk for a start without the database.

use super::ConventionError;
use super::deed::{Contacts, Deed, Fee, Ground, Partner, Quotas};
use super::registry::State;
use super::territory::{Link, Zone};
use super::words::Word;
use crate::catalogue::Scale;
use crate::db::DbError;
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, IsolationLevel, Row};

/// Everything that a registry is compiled from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Current publication; `None`: nothing was ever published.
    pub publication: Option<i64>,
    /// Conventions, one line each: the version in force, else the newest draft.
    pub conventions: Vec<ConventionRow>,
    /// Registered certificates.
    pub certificates: Vec<CertificateRow>,
    /// Zones of the publication.
    pub zones: Vec<Zone>,
    /// Which QPV share ground with which IRIS.
    pub links: Vec<Link>,
}

/// A convention with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConventionRow {
    /// The record.
    pub deed: Deed,
    /// Its version.
    pub version: i32,
    /// What was decided.
    pub state: State,
}

/// A registered certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// Convention.
    pub convention: String,
    /// SHA-256 of the issuing CA's public key.
    pub ca: [u8; 32],
    /// SHA-256 of the certificate's public key.
    pub key: [u8; 32],
    /// Purpose it was registered for.
    pub purpose: String,
    /// Person or robot.
    pub holder: String,
    /// Base of links for this certificate.
    pub public_url: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl Rows {
    /// A text that changes whenever the registry does: cheap, for polling. Tables are append-only, so counting is enough.
    ///
    /// # Errors
    /// [`ConventionError::Database`].
    pub async fn stamp(client: &Client) -> Result<String, ConventionError> {
        let row = client
            .query_one(
                "SELECT concat_ws('.', convention.publication(), (SELECT count(*) FROM convention.version),
                                  (SELECT max(acte) FROM convention.acte),
                                  (SELECT max(certificat) FROM convention.certificat),
                                  (SELECT count(*) FROM convention.revocation))",
                &[],
            )
            .await
            .map_err(|source| DbError::Statement { doing: "looking for changes of the registry", source })?;
        Ok(row.get(0))
    }

    /// Reads everything at one moment.
    ///
    /// # Errors
    /// [`ConventionError::Database`], [`ConventionError::Record`].
    pub async fn load(client: &mut Client) -> Result<Rows, ConventionError> {
        let fail = |doing| move |source| DbError::Statement { doing, source };
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(fail("reading the registry"))?;
        let publication = transaction
            .query_one("SELECT convention.publication()", &[])
            .await
            .map_err(fail("reading the current publication"))?
            .get(0);
        let conventions = transaction
            .query("SELECT * FROM convention.etat", &[])
            .await
            .map_err(fail("reading the conventions"))?
            .iter()
            // One record that this version cannot read closes that convention, not all of them.
            .filter_map(|row| convention(row).inspect_err(|e| tracing::error!(error = %e, "convention left out")).ok())
            .collect();
        let certificates = transaction
            .query(
                "SELECT convention, ca, cle, finalite, titulaire, url_publique, revoque_le IS NOT NULL
                 FROM convention.certificat_courant",
                &[],
            )
            .await
            .map_err(fail("reading the certificates"))?
            .iter()
            .map(certificate)
            .collect::<Result<Vec<_>, _>>()?;
        let zones = transaction
            .query("SELECT echelle, code, nom, insee_com, insee_associee FROM convention.zones()", &[])
            .await
            .map_err(fail("reading the zones"))?
            .iter()
            .filter_map(zone)
            .collect();
        let links = transaction
            .query("SELECT code_qp, code_iris FROM convention.liens()", &[])
            .await
            .map_err(fail("reading the links of zones"))?
            .iter()
            .map(|r| Link { code_qp: r.get(0), code_iris: r.get(1) })
            .collect();
        transaction.commit().await.map_err(fail("reading the registry"))?;
        Ok(Rows { publication, conventions, certificates, zones, links })
    }
}

/// A line of `convention.etat` as a record.
pub(super) fn convention(row: &Row) -> Result<ConventionRow, ConventionError> {
    let id: String = row.get("convention");
    let state = match row.get::<_, &str>("statut") {
        "projet" => State::Draft,
        "suspendue" => State::Suspended,
        "resiliee" => State::Terminated,
        // `expiree` is judged here, at each request.
        "signee" | "expiree" => State::Signed,
        other => return Err(ConventionError::Record { id, reason: format!("state {other:?} is unknown") }),
    };
    let deed = Deed {
        partner: Partner {
            nom: row.get("partenaire"),
            famille: word(row, &id, "famille")?,
            siren: row.get("siren"),
            insee: row.get("insee"),
        },
        ref_deliberation: row.get("ref_deliberation"),
        date_deliberation: optional_day(row, &id, "date_deliberation")?,
        debut: day(row, &id, "debut")?,
        fin: day(row, &id, "fin")?,
        finalites: words(row, &id, "finalites")?,
        themes: words(row, &id, "themes")?,
        echelles: words(row, &id, "echelles")?,
        colonnes_sensibles: words(row, &id, "colonnes_sensibles")?,
        operations: words(row, &id, "operations")?,
        territoire: Ground {
            tout: row.get("territoire_entier"),
            communes: row.get("communes"),
            iris: row.get("iris"),
            qpv: row.get("qpv"),
            qpv_intercommunal: word(row, &id, "qpv_intercommunal")?,
            englobantes: words(row, &id, "englobantes")?,
            chevauchantes: words(row, &id, "chevauchantes")?,
        },
        quotas: Quotas {
            requetes_minute: row.get::<_, Option<i32>>("requetes_minute").map(i32::unsigned_abs),
            objets_jour: row.get::<_, Option<i64>>("objets_jour").map(i64::unsigned_abs),
            places: row.get::<_, Option<i32>>("places").map(i32::unsigned_abs),
        },
        diffusion_ulterieure: word(row, &id, "diffusion_ulterieure")?,
        duree_conservation: row.get::<_, i32>("duree_conservation").unsigned_abs(),
        destruction_fin: row.get("destruction_fin"),
        contacts: Contacts {
            referent: row.get("referent"),
            dpo: row.get("dpo"),
            incident: row.get("contact_incident"),
        },
        redevance: Fee::of_text(row.get("texte")),
        id,
    };
    Ok(ConventionRow { deed, version: row.get("version"), state })
}

fn certificate(row: &Row) -> Result<CertificateRow, ConventionError> {
    let convention: String = row.get(0);
    let digest = |n: usize| {
        <[u8; 32]>::try_from(row.get::<_, &[u8]>(n)).map_err(|_| ConventionError::Record {
            id: convention.clone(),
            reason: "a fingerprint of other than 32 bytes".to_owned(),
        })
    };
    Ok(CertificateRow {
        ca: digest(1)?,
        key: digest(2)?,
        purpose: row.get(3),
        holder: row.get(4),
        public_url: row.get(5),
        revoked: row.get(6),
        convention,
    })
}

fn zone(row: &Row) -> Option<Zone> {
    Some(Zone {
        scale: Scale::from_word(row.get(0))?,
        code: row.get(1),
        name: row.get(2),
        insee_com: row.get(3),
        insee_associee: row.get(4),
    })
}

fn word<T: Word>(row: &Row, id: &str, column: &str) -> Result<T, ConventionError> {
    let text: &str = row.get(column);
    T::from_word(text).ok_or_else(|| ConventionError::Record {
        id: id.to_owned(),
        reason: format!("{column} {text:?} is unknown to this version of seuil"),
    })
}

fn words<T: Word>(row: &Row, id: &str, column: &str) -> Result<Vec<T>, ConventionError> {
    row.get::<_, Vec<&str>>(column)
        .into_iter()
        .map(|text| {
            T::from_word(text).ok_or_else(|| ConventionError::Record {
                id: id.to_owned(),
                reason: format!("{column} {text:?} is unknown to this version of seuil"),
            })
        })
        .collect()
}

fn day(row: &Row, id: &str, column: &str) -> Result<jiff::civil::Date, ConventionError> {
    optional_day(row, id, column)?
        .ok_or_else(|| ConventionError::Record { id: id.to_owned(), reason: format!("{column} is missing") })
}

fn optional_day(row: &Row, id: &str, column: &str) -> Result<Option<jiff::civil::Date>, ConventionError> {
    let day: Option<Day> = row
        .try_get(column)
        .map_err(|e| ConventionError::Record { id: id.to_owned(), reason: format!("{column}: {e}") })?;
    Ok(day.map(|d| d.0))
}

/// A `date` of PostgreSQL: days since 2000-01-01.
pub(super) struct Day(pub jiff::civil::Date);

impl<'a> tokio_postgres::types::FromSql<'a> for Day {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let days = i32::from_be_bytes(raw.try_into()?);
        let epoch = jiff::civil::date(2000, 1, 1);
        Ok(Day(epoch.checked_add(jiff::Span::new().try_days(days)?)?))
    }
    tokio_postgres::types::accepts!(DATE);
}
