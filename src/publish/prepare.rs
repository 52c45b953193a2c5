//! Zones, residences and sums: the working tables, filled by functions of the database.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::Theme;
use super::workers::Workers;
use futures_util::FutureExt;
use serde_json::{Value, json};

/// Empties the working tables, places zones and residences of every context, gives identifiers.
pub(super) async fn zones(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let doing = |what: &str| PublishError::during(what.to_owned());
    c.source
        .batch_execute(
            "TRUNCATE travail.temoin, travail.zone, travail.residence, travail.parc, travail.occupation,
                      travail.attributions, travail.compte, travail.gele, travail.fragilite, travail.environnement, travail.equipement,
                      travail.a_placer",
        )
        .await
        .map_err(doing("emptying the working tables"))?;
    let new: i64 = c
        .source
        .query_one("SELECT travail.remplir_idents($1)", &[&c.publication])
        .await
        .map_err(doing("naming residences"))?
        .get(0);
    let contexts: Vec<i32> = c
        .source
        .query("SELECT contexte FROM plan.contexte WHERE publication = $1 ORDER BY contexte", &[&c.publication])
        .await
        .map_err(doing("reading the contexts"))?
        .iter()
        .map(|r| r.get(0))
        .collect();
    let publication = c.publication;
    let away: Vec<i64> = workers
        .each(contexts.iter().copied(), |pair, context| {
            async move {
                let during = PublishError::during(format!("zones of context {context}"));
                pair.source
                    .execute("SELECT travail.remplir_zones($1, $2)", &[&publication, &context])
                    .await
                    .map_err(during)?;
                let row = pair
                    .source
                    .query_one("SELECT travail.remplir_residences($1, $2)", &[&publication, &context])
                    .await
                    .map_err(PublishError::during(format!("residences of context {context}")))?;
                Ok(row.get(0))
            }
            .boxed()
        })
        .await?;
    let named: i64 =
        c.source.query_one("SELECT travail.nommer()", &[]).await.map_err(doing("giving integer identifiers"))?.get(0);
    c.source
        .execute("INSERT INTO travail.temoin VALUES ($1)", &[&c.publication])
        .await
        .map_err(doing("marking the working tables"))?;
    let away = away.into_iter().max().unwrap_or(0);
    let mut detail = format!("{} zonings, {new} new residences, {named} new integer identifiers", contexts.len());
    if away > 0 {
        detail.push_str(&format!("; {away} residences lie over 500 m from any IRIS and are left out"));
    }
    Ok((detail, json!({ "residences_hors_zones": away })))
}

/// Vintages of themes, heavy ones first.
pub(super) async fn vintages(c: &Candidate<'_>) -> Result<Vec<(Theme, i32, i32, i32)>, PublishError> {
    let rows = c
        .source
        .query(
            "SELECT theme, millesime, parc, contexte FROM plan.millesime WHERE publication = $1 ORDER BY millesime",
            &[&c.publication],
        )
        .await
        .map_err(PublishError::during("reading the vintages"))?;
    let mut list: Vec<(Theme, i32, i32, i32)> = rows
        .iter()
        .filter_map(|r| {
            let theme = Theme::ALL.into_iter().find(|t| t.name() == r.get::<_, &str>(0))?;
            Some((theme, r.get(1), r.get(2), r.get(3)))
        })
        .collect();
    list.sort_by_key(|(theme, ..)| Theme::ALL.iter().position(|t| t == theme));
    Ok(list)
}

/// Sums by residence and zone of every theme and vintage.
pub(super) async fn measures(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let publication = c.publication;
    let jobs = vintages(c).await?;
    let away: Vec<(Theme, i32, i64)> = workers
        .each(jobs, |pair, (theme, vintage, ..)| {
            async move {
                let row = pair
                    .source
                    .query_one(&format!("SELECT travail.remplir_{}($1, $2)", theme.name()), &[&publication, &vintage])
                    .await
                    .map_err(PublishError::during(format!("sums of {} {vintage}", theme.name())))?;
                Ok((theme, vintage, row.get(0)))
            }
            .boxed()
        })
        .await?;
    // Vintages that were summed at once did not wait for each other to be analysed.
    c.source
        .execute("SELECT travail.analyser_sommes()", &[])
        .await
        .map_err(PublishError::during("analysing the sums"))?;
    let frozen = super::frozen::compare(c, workers).await?;
    let rows: i64 = c
        .source
        .query_one(
            "SELECT (SELECT count(*) FROM travail.parc) + (SELECT count(*) FROM travail.occupation)
                  + (SELECT count(*) FROM travail.attributions)",
            &[],
        )
        .await
        .map_err(PublishError::during("counting sums"))?
        .get(0);
    let lost: Vec<Value> = away
        .iter()
        .filter(|(.., n)| *n > 0)
        .map(|(theme, vintage, n)| json!({ "theme": theme.name(), "millesime": vintage, "lignes": n }))
        .collect();
    let total: i64 = away.iter().map(|(.., n)| n).sum();
    let mut detail = format!("{} vintages, {rows} rows of sums{frozen}", away.len());
    if total > 0 {
        detail.push_str(&format!("; {total} lines belong to no residence and are left out"));
    }
    Ok((detail, json!({ "sans_residence": lost })))
}

/// Surroundings of the residences that the plan shows.
pub(super) async fn surroundings(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let publication = c.publication;
    let amenities: i64 = c
        .source
        .query_one("SELECT travail.remplir_equipements($1)", &[&publication])
        .await
        .map_err(PublishError::during("amenities"))?
        .get(0);
    let stock: Vec<i32> = vintages(c).await?.into_iter().filter(|v| v.0 == Theme::Parc).map(|v| v.1).collect();
    workers
        .each(stock.clone(), |pair, vintage| {
            async move {
                pair.source
                    .execute("SELECT travail.remplir_fragilite($1, $2)", &[&publication, &vintage])
                    .await
                    .map_err(PublishError::during(format!("fragility of {vintage}")))?;
                Ok(())
            }
            .boxed()
        })
        .await?;
    let halves = stock.iter().flat_map(|vintage| [(*vintage, 0i32), (*vintage, 1)]);
    let counts: Vec<i64> = workers
        .each(halves, |pair, (vintage, half)| {
            async move {
                let row = pair
                    .source
                    .query_one("SELECT travail.remplir_environnement($1, $2, $3)", &[&publication, &vintage, &half])
                    .await
                    .map_err(PublishError::during(format!("surroundings of {vintage}")))?;
                Ok(row.get(0))
            }
            .boxed()
        })
        .await?;
    Ok((format!("{} residences, {amenities} amenities", counts.iter().sum::<i64>()), Value::Null))
}
