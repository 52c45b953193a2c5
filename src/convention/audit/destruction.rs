//! The end of a convention: the certificate of destruction, filled in for signature, and the record that it came back.

use super::{Result, fail, fill};
use crate::convention::ConventionError;
use jiff::civil::Date;
use minijinja::{context, value::Serde};
use serde::Serialize;
use tokio_postgres::Client;

/// What a convention handed out of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handed {
    /// Layer.
    pub layer: String,
    /// First and last day of use, ISO 8601.
    pub from: String,
    /// Last day of use.
    pub to: String,
    /// Accesses.
    pub requests: i64,
    /// Features.
    pub features: i64,
}

/// The form that the partner signs, French, HTML: what was handed out, by layer, as far as the record reaches back.
///
/// # Errors
/// [`ConventionError::Unknown`], [`ConventionError::Database`].
pub async fn form(client: &Client, convention: &str) -> Result<String> {
    let doing = fail("reading the convention and its use");
    let state = client
        .query_opt(
            "SELECT partenaire, statut, debut::text, fin::text, duree_conservation, destruction_fin, referent, version,
                    coalesce(ref_deliberation, '')
             FROM convention.etat WHERE convention = $1",
            &[&convention],
        )
        .await
        .map_err(doing)?
        .ok_or_else(|| ConventionError::Unknown { id: convention.to_owned() })?;
    // Data that leave as files or features: pictures are no download.
    let handed: Vec<Handed> = client
        .query(
            "SELECT couche, min(ouvert_le AT TIME ZONE 'Europe/Paris')::date::text,
                    max(ouvert_le AT TIME ZONE 'Europe/Paris')::date::text, count(*), coalesce(sum(f.objets), 0)::int8
             FROM journal.acces a
             LEFT JOIN journal.fin f ON f.instance = a.instance AND f.acces = a.sequence AND f.ferme_le >= a.ouvert_le,
                  unnest(a.couches) couche
             WHERE a.convention = $1 AND a.protocole NOT IN ('wms', 'wmts')
             GROUP BY 1 ORDER BY 1",
            &[&convention],
        )
        .await
        .map_err(doing)?
        .iter()
        .map(|r| Handed { layer: r.get(0), from: r.get(1), to: r.get(2), requests: r.get(3), features: r.get(4) })
        .collect();
    let received: Vec<String> = client
        .query(
            "SELECT date_destruction::text || ', ' || signataire || ', ' || document FROM convention.destruction
             WHERE convention = $1 ORDER BY destruction",
            &[&convention],
        )
        .await
        .map_err(doing)?
        .iter()
        .map(|r| r.get(0))
        .collect();
    fill(
        "destruction.html",
        include_str!("../../../capabilities/templates/destruction.html"),
        context! {
            convention,
            partner => state.get::<_, String>(0),
            state => state.get::<_, String>(1),
            from => state.get::<_, String>(2),
            until => state.get::<_, String>(3),
            days => state.get::<_, i32>(4),
            owed => state.get::<_, bool>(5),
            contact => state.get::<_, String>(6),
            version => state.get::<_, i32>(7),
            deliberation => state.get::<_, String>(8),
            handed => Serde(&handed),
            received,
        },
    )
}

/// Notes that the signed certificate came back. `sha256` is of the document, which is kept elsewhere.
///
/// # Errors
/// [`ConventionError::Database`], with the database's reason: unknown, or not ended.
pub async fn receive(
    client: &Client,
    convention: &str,
    day: Date,
    signatory: &str,
    document: &str,
    sha256: &[u8; 32],
) -> Result<()> {
    client
        .execute(
            "INSERT INTO convention.destruction (convention, date_destruction, signataire, document, empreinte)
             VALUES ($1, $2::text::date, $3, $4, $5)",
            &[&convention, &day.to_string(), &signatory, &document, &sha256.as_slice()],
        )
        .await
        .map_err(fail("recording the certificate of destruction"))?;
    Ok(())
}

/// Conventions that have ended, owe a certificate of destruction and have sent none: identifier, partner, last day.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn owed(client: &Client) -> Result<Vec<[String; 3]>> {
    let rows = client
        .query(
            "SELECT e.convention, e.partenaire, e.fin::text FROM convention.etat e
             WHERE e.destruction_fin AND e.statut IN ('expiree', 'resiliee')
               AND NOT EXISTS (SELECT FROM convention.destruction d WHERE d.convention = e.convention
                               AND d.version = e.version)
             ORDER BY e.fin, e.convention",
            &[],
        )
        .await
        .map_err(fail("looking for certificates of destruction"))?;
    Ok(rows.iter().map(|r| [r.get(0), r.get(1), r.get(2)]).collect())
}
