//! `seuil journal incident`: what a notification within 72 hours needs (RGPD art. 33 §3), out of the record, as the auditor.

use super::{Result, fail, fill, table};
use minijinja::{context, value::Serde};
use serde::Serialize;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

/// Which accesses an incident concerns.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// First instant.
    pub from: jiff::Timestamp,
    /// First instant after.
    pub to: jiff::Timestamp,
    /// A convention; `None`: all.
    pub convention: Option<String>,
    /// A certificate's serial number, hexadecimal; `None`: all.
    pub serial: Option<String>,
    /// An address; `None`: all.
    pub address: Option<std::net::IpAddr>,
}

/// A partner that is concerned, with whom to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partner {
    /// Convention.
    pub convention: String,
    /// Name.
    pub partner: String,
    /// Person in charge.
    pub contact: String,
    /// Data protection officer.
    pub dpo: String,
    /// Whom to reach when something happened.
    pub incident: String,
    /// Accesses.
    pub requests: i64,
    /// Features handed out.
    pub features: i64,
    /// Bytes handed out.
    pub bytes: i64,
    /// Certificates that were used: holder, use, serial number.
    pub certificates: Vec<String>,
    /// Addresses they came from.
    pub addresses: Vec<String>,
    /// Layers.
    pub layers: Vec<String>,
}

/// The files of an extract.
#[derive(Debug, Clone)]
pub struct Extract {
    /// The summary, French, HTML.
    pub summary: String,
    /// Each access with its end, CSV.
    pub accesses: Vec<u8>,
    /// Refusals, CSV.
    pub refusals: Vec<u8>,
    /// The partners concerned.
    pub partners: Vec<Partner>,
}

/// Conditions on accesses and on refusals. $1, $2: seconds since 1970; $3: convention; $4: serial number; $5: address.
const SCOPE: &str = "AND ($3::text IS NULL OR convention = $3) AND ($4::text IS NULL OR serie = $4)
                     AND ($5::text IS NULL OR adresse = $5::text::inet)";

/// Makes the extract.
///
/// # Errors
/// [`crate::convention::ConventionError`].
pub async fn extract(client: &Client, scope: &Scope) -> Result<Extract> {
    let doing = fail("reading the journal");
    #[allow(clippy::cast_precision_loss)]
    let seconds = |t: jiff::Timestamp| t.as_millisecond() as f64 / 1000.0;
    let (from, to) = (seconds(scope.from), seconds(scope.to));
    let address = scope.address.map(|a| a.to_string());
    let values: [&(dyn ToSql + Sync); 5] = [&from, &to, &scope.convention, &scope.serial, &address];
    let accesses = format!(
        "SELECT a.instance || '-' || a.sequence, to_char(a.ouvert_le AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
                a.convention, a.serie, host(a.adresse), a.finalite, a.protocole, a.operation,
                array_to_string(a.couches, ' '), array_to_string(a.emprise, ' '), a.publication::text,
                coalesce(f.issue, 'en cours'), f.objets::text, f.octets::text, f.duree_ms::text,
                coalesce(f.corps, 'sha256:' || encode(f.sha256, 'hex'))
         FROM journal.acces a
         LEFT JOIN journal.fin f ON f.instance = a.instance AND f.acces = a.sequence AND f.ferme_le >= a.ouvert_le
         WHERE a.ouvert_le >= to_timestamp($1) AND a.ouvert_le < to_timestamp($2) {}
         ORDER BY a.ouvert_le, a.instance, a.sequence",
        SCOPE.replace("convention =", "a.convention =").replace("serie =", "a.serie =").replace("adresse =", "a.adresse =")
    );
    let refusals = format!(
        "SELECT to_char(refuse_le AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), motif, convention, serie, sujet,
                host(adresse), chemin, nombre::text
         FROM journal.refus WHERE refuse_le >= to_timestamp($1) AND refuse_le < to_timestamp($2) {SCOPE}
         ORDER BY refuse_le, instance, sequence"
    );
    let text = |row: &tokio_postgres::Row| {
        (0..row.len()).map(|n| row.get::<_, Option<String>>(n).unwrap_or_default()).collect::<Vec<String>>()
    };
    let accesses: Vec<Vec<String>> = client.query(&accesses, &values).await.map_err(doing)?.iter().map(text).collect();
    let refusals: Vec<Vec<String>> = client.query(&refusals, &values).await.map_err(doing)?.iter().map(text).collect();
    let partners = partners(client, &values).await?;
    let summary = fill(
        "incident.html",
        include_str!("../../../capabilities/templates/incident.html"),
        context! {
            from => scope.from.to_string(),
            to => scope.to.to_string(),
            convention => scope.convention.as_deref(),
            serial => scope.serial.as_deref(),
            address => address.as_deref(),
            made => jiff::Timestamp::now().to_string(),
            accesses => accesses.len(),
            refusals => refusals.iter().filter_map(|r| r.last()?.parse::<u64>().ok()).sum::<u64>(),
            features => partners.iter().map(|p| p.features).sum::<i64>(),
            bytes => partners.iter().map(|p| p.bytes).sum::<i64>(),
            partners => Serde(&partners),
        },
    )?;
    Ok(Extract {
        summary,
        accesses: table(
            &[
                "telechargement",
                "ouvert_le",
                "convention",
                "serie",
                "adresse",
                "finalite",
                "protocole",
                "operation",
                "couches",
                "emprise_2154",
                "publication",
                "issue",
                "objets",
                "octets",
                "duree_ms",
                "empreinte",
            ],
            accesses,
        )?,
        refusals: table(
            &["refuse_le", "motif", "convention", "serie", "sujet", "adresse", "chemin", "nombre"],
            refusals,
        )?,
        partners,
    })
}

async fn partners(client: &Client, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Partner>> {
    let sql = format!(
        "WITH a AS MATERIALIZED (
             SELECT a.convention, a.serie, a.adresse, a.couches, f.objets, f.octets FROM journal.acces a
             LEFT JOIN journal.fin f ON f.instance = a.instance AND f.acces = a.sequence AND f.ferme_le >= a.ouvert_le
             WHERE a.ouvert_le >= to_timestamp($1) AND a.ouvert_le < to_timestamp($2) {})
         SELECT a.convention, coalesce(e.partenaire, ''), coalesce(e.referent, ''), coalesce(e.dpo, ''),
                coalesce(e.contact_incident, ''), count(*), coalesce(sum(a.objets), 0)::int8,
                coalesce(sum(a.octets), 0)::int8,
                array(SELECT DISTINCT coalesce(c.titulaire || ' (' || c.usage || ') ', '') || b.serie
                      FROM a b LEFT JOIN convention.certificat c ON c.convention = b.convention AND c.serie = b.serie
                      WHERE b.convention = a.convention ORDER BY 1),
                array(SELECT DISTINCT host(b.adresse) FROM a b WHERE b.convention = a.convention ORDER BY 1),
                array(SELECT DISTINCT l FROM a b, unnest(b.couches) l WHERE b.convention = a.convention ORDER BY 1)
         FROM a LEFT JOIN convention.etat e USING (convention)
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1",
        SCOPE
            .replace("convention =", "a.convention =")
            .replace("serie =", "a.serie =")
            .replace("adresse =", "a.adresse =")
    );
    let rows = client.query(&sql, values).await.map_err(fail("reading the journal"))?;
    Ok(rows
        .iter()
        .map(|r| Partner {
            convention: r.get(0),
            partner: r.get(1),
            contact: r.get(2),
            dpo: r.get(3),
            incident: r.get(4),
            requests: r.get(5),
            features: r.get(6),
            bytes: r.get(7),
            certificates: r.get(8),
            addresses: r.get(9),
            layers: r.get(10),
        })
        .collect())
}
