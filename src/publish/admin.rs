//! Publications that are there: list, return to a former one, drop old ones.

use super::PublishError;
use super::candidate::{abandon, session};
use crate::config::Config;
use crate::db::Which;
use serde_json::{Value, json};

/// A publication as the registry holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Number.
    pub id: i64,
    /// `candidate`, `courante`, `ancienne` or `retiree`.
    pub state: String,
    /// When it was begun, ISO 8601 UTC.
    pub created: String,
    /// When it became current (the last time), ISO 8601 UTC.
    pub current_since: Option<String>,
    /// Until when a former one stays readable, ISO 8601 UTC.
    pub grace_end: Option<String>,
    /// Whether its grace time is over.
    pub expired: bool,
    /// Rows of its tables.
    pub rows: Option<i64>,
}

/// All publications, the newest first.
///
/// # Errors
/// [`PublishError`].
pub async fn list(config: &Config) -> Result<Vec<Publication>, PublishError> {
    let serving = session(config, Which::Serving).await?;
    let iso = |column: &str| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    let rows = serving
        .query(
            &format!(
                "SELECT id, etat, {}, {}, {}, coalesce(fin_grace <= now(), false),
                        (SELECT sum(v::int8)::int8 FROM jsonb_each_text(rapport -> 'lignes') e (k, v))
                 FROM registre.publication ORDER BY id DESC",
                iso("creee"),
                iso("courante_depuis"),
                iso("fin_grace")
            ),
            &[],
        )
        .await
        .map_err(PublishError::during("listing publications"))?;
    Ok(rows
        .iter()
        .map(|r| Publication {
            id: r.get(0),
            state: r.get(1),
            created: r.get(2),
            current_since: r.get(3),
            grace_end: r.get(4),
            expired: r.get(5),
            rows: r.get(6),
        })
        .collect())
}

/// The report stored with a publication (`None`: with the current one): the page of the publication with that of the proof
/// behind it, and both as JSON.
///
/// # Errors
/// [`PublishError`]; [`PublishError::NoReport`] when there is no such publication, or when it never became current.
pub async fn stored_report(config: &Config, id: Option<i64>) -> Result<(i64, String, Value), PublishError> {
    let serving = session(config, Which::Serving).await?;
    let row = serving
        .query_opt(
            "SELECT p.id, p.rapport, p.rapport_html, v.rapport, v.rapport_html
             FROM registre.publication p
             LEFT JOIN LATERAL (SELECT rapport, rapport_html FROM registre.verdict v
                                WHERE v.publication = p.id ORDER BY v.id DESC LIMIT 1) v ON true
             WHERE CASE WHEN $1::int8 IS NULL THEN p.etat = 'courante' ELSE p.id = $1 END AND p.rapport_html IS NOT NULL",
            &[&id],
        )
        .await
        .map_err(PublishError::during("reading a report"))?;
    let row = row.ok_or(PublishError::NoReport { publication: id })?;
    let (page, proof): (String, Option<String>) = (row.get(2), row.get(4));
    // The proof's page from its title on; what stands before it is the head of a page of its own.
    let proof = proof.as_deref().and_then(|p| p.find("<h1>").and_then(|at| p.get(at..))).unwrap_or_default();
    let html = match page.rsplit_once("</body>") {
        Some((before, after)) => format!("{before}{proof}</body>{after}"),
        None => page + proof,
    };
    let json = json!({ "publication": row.get::<_, Value>(1), "preuve": row.get::<_, Option<Value>>(3) });
    Ok((row.get(0), html, json))
}

/// Makes a former publication current again (the newest former one without a number); returns its number.
///
/// # Errors
/// [`PublishError`].
pub async fn rollback(config: &Config, to: Option<i64>) -> Result<i64, PublishError> {
    let serving = session(config, Which::Serving).await?;
    let doing = || PublishError::during("returning to a former publication");
    let to: i64 = match to {
        Some(id) => id,
        None => serving
            .query_opt(
                "SELECT id FROM registre.publication WHERE etat = 'ancienne' ORDER BY courante_depuis DESC LIMIT 1",
                &[],
            )
            .await
            .map_err(doing())?
            .map(|r| r.get(0))
            .ok_or(PublishError::NoFormer)?,
    };
    let grace = config.server.grace as f64;
    serving.execute("SELECT registre.revenir($1, make_interval(secs => $2))", &[&to, &grace]).await.map_err(doing())?;
    Ok(to)
}

/// What [`prune`] dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Publications whose rows were dropped.
    pub publications: Vec<i64>,
}

/// Drops the rows of former publications whose grace time is over, but for the newest `keep` of them, and, with
/// `candidate`, of an unfinished candidate. Their records stay, and so does the ledger.
///
/// # Errors
/// [`PublishError`].
pub async fn prune(config: &Config, keep: usize, candidate: bool) -> Result<Pruned, PublishError> {
    let serving = session(config, Which::Serving).await?;
    let source = session(config, Which::Source).await?;
    let doing = || PublishError::during("dropping former publications");
    let old = serving
        .query(
            "SELECT id FROM registre.publication WHERE etat = 'ancienne' AND fin_grace <= now() ORDER BY courante_depuis DESC",
            &[],
        )
        .await
        .map_err(doing())?;
    let mut pruned = Pruned::default();
    for row in old.iter().skip(keep) {
        let id: i64 = row.get(0);
        serving.execute("SELECT registre.purger($1)", &[&id]).await.map_err(doing())?;
        source.execute("SELECT plan.purger($1)", &[&id]).await.map_err(doing())?;
        pruned.publications.push(id);
    }
    if candidate {
        let open = serving
            .query_opt("SELECT id FROM registre.publication WHERE etat = 'candidate'", &[])
            .await
            .map_err(doing())?;
        if let Some(row) = open {
            let id: i64 = row.get(0);
            serving.execute("SELECT registre.purger($1)", &[&id]).await.map_err(doing())?;
            pruned.publications.push(id);
        }
        abandon(&source).await?;
    }
    Ok(pruned)
}
