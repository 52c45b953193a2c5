//! Rows into the tables of the candidate, as the database writes them: binary COPY out of `source`, into `serving`.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::Theme;
use super::report::Step;
use super::workers::{Pair, Workers};
use crate::catalogue::{self, FieldKind};
use futures_util::{FutureExt, SinkExt, TryStreamExt, pin_mut};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Instant;
use tokio_postgres::Client;

/// A relation of a publication: its columns, each with its type in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub name: String,
    pub columns: Vec<(String, &'static str)>,
    /// Order of the rows.
    order: &'static str,
}

/// The relations of the catalogue, then the zones.
pub(super) fn relations() -> Result<Vec<Relation>, PublishError> {
    let catalogue = catalogue::load_embedded()?;
    let mut list: Vec<Relation> = Vec::new();
    for layer in catalogue.layers() {
        let name = layer.relation.strip_prefix("pub.").unwrap_or(&layer.relation);
        if list.iter().any(|r| r.name == name) {
            continue;
        }
        let mut columns: Vec<(String, &'static str)> = layer
            .fields
            .iter()
            .map(|f| {
                let kind = match f.kind {
                    FieldKind::Text => "text",
                    FieldKind::Int => "int4",
                    FieldKind::Long => "int8",
                    FieldKind::Double => "float8",
                    FieldKind::DateTime => "timestamptz",
                };
                (f.name.clone(), kind)
            })
            .collect();
        columns.push((layer.geometry_column.clone(), "geometry"));
        list.push(Relation { name: name.to_owned(), columns, order: "millesime DESC, id" });
    }
    let zone = |name: &str, columns: &[&str], order| Relation {
        name: name.to_owned(),
        columns: columns.iter().map(|c| ((*c).to_owned(), "text")).collect(),
        order,
    };
    list.push(zone("zone", &["echelle", "code", "nom", "insee_com", "insee_associee"], "echelle, code"));
    list.push(zone("zone_lien", &["code_qp", "code_iris", "insee_com"], "code_qp, code_iris"));
    Ok(list)
}

/// The tables of `serving` are those of the catalogue, column by column.
pub(super) async fn check_schema(serving: &Client, relations: &[Relation]) -> Result<(), PublishError> {
    let rows = serving
        .query(
            "SELECT r.nom, a.attname::text, t.typname::text FROM registre.relation r
             JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
             JOIN pg_type t ON t.oid = a.atttypid ORDER BY r.nom, a.attnum",
            &[],
        )
        .await
        .map_err(PublishError::during("reading the tables of serving"))?;
    let mut found: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in &rows {
        found.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
    }
    for relation in relations {
        let wanted: Vec<(&str, &str)> = std::iter::once(("publication", "int8"))
            .chain(relation.columns.iter().map(|(n, t)| (n.as_str(), *t)))
            .collect();
        let there = found.remove(&relation.name).unwrap_or_default();
        let mut there: Vec<(&str, &str)> = there.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        // Rows are copied by the names of columns: a column that was added later stands last.
        let mut wanted = wanted;
        wanted.sort_unstable();
        there.sort_unstable();
        if wanted != there {
            let reason = match wanted.iter().zip(&there).find(|(a, b)| a != b) {
                Some((a, b)) => format!("column {} {} where {} {} should be", b.0, b.1, a.0, a.1),
                None => format!("{} columns where {} should be", there.len(), wanted.len()),
            };
            return Err(PublishError::Schema { relation: relation.name.clone(), reason });
        }
    }
    Ok(())
}

/// Copies every relation that is not copied yet; each is emptied, filled and noted by itself.
pub(super) async fn copy(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let mut jobs = relations()?;
    // The largest first, so that the last to finish is a small one.
    jobs.sort_by_key(|r| (!r.name.ends_with("_residence"), std::cmp::Reverse(r.columns.len())));
    let mut left = Vec::new();
    for job in jobs {
        if c.done(Step::Copie, &job.name).await?.is_none() {
            left.push(job);
        }
    }
    let publication = c.publication;
    workers
        .each(left, |pair, relation: Relation| {
            async move {
                let begun = Instant::now();
                let rows = copy_one(pair, publication, &relation).await?;
                c.note(Step::Copie, &relation.name, begun, &rows.to_string(), Some(json!(rows))).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
    let rows = c
        .source
        .query(
            "SELECT objet, donnees::text::int8 FROM plan.etape WHERE publication = $1 AND etape = $2 AND objet <> ''
             ORDER BY objet",
            &[&c.publication, &Step::Copie.name()],
        )
        .await
        .map_err(PublishError::during("counting rows"))?;
    let total: i64 = rows.iter().map(|r| r.get::<_, i64>(1)).sum();
    let counts: serde_json::Map<String, Value> = rows.iter().map(|r| (r.get(0), json!(r.get::<_, i64>(1)))).collect();
    Ok((format!("{total} rows in {} tables", rows.len()), Value::Object(counts)))
}

async fn copy_one(pair: &Pair, publication: i64, relation: &Relation) -> Result<u64, PublishError> {
    let name = &relation.name;
    let doing = || PublishError::during(format!("copying {name}"));
    let table = format!("pub.{name}_p{publication}");
    let quoted: Vec<String> = relation.columns.iter().map(|(n, _)| format!("\"{n}\"")).collect();
    let cast: Vec<String> = relation.columns.iter().map(|(n, t)| format!("\"{n}\"::{t}")).collect();
    // Emptied and filled in one transaction: killed in between, the table holds what it held.
    pair.serving.batch_execute(&format!("BEGIN; TRUNCATE {table}")).await.map_err(doing())?;
    // Views of whole themes, a row a residence and vintage: hash joins read each table once where nested loops would look
    // every row up in six indexes. Few rows of zones are the other way round.
    let whole = Theme::ALL.iter().any(|t| *name == format!("{}_residence", t.name()));
    let join = if whole { "SET enable_nestloop = off" } else { "RESET enable_nestloop" };
    pair.source.batch_execute(join).await.map_err(doing())?;
    let out = pair
        .source
        .copy_out(&format!(
            "COPY (SELECT {publication}::int8, {} FROM stat.{name} ORDER BY {}) TO STDOUT (FORMAT binary)",
            cast.join(", "),
            relation.order
        ))
        .await
        .map_err(doing())?;
    let sink = pair
        .serving
        .copy_in::<_, bytes::Bytes>(&format!(
            "COPY {table} (publication, {}) FROM STDIN (FORMAT binary)",
            quoted.join(", ")
        ))
        .await
        .map_err(doing())?;
    pin_mut!(out, sink);
    while let Some(bytes) = out.try_next().await.map_err(doing())? {
        sink.feed(bytes).await.map_err(doing())?;
    }
    let rows = sink.as_mut().finish().await.map_err(doing())?;
    pair.serving.batch_execute("COMMIT").await.map_err(doing())?;
    pair.source.batch_execute("RESET enable_nestloop").await.map_err(doing())?;
    Ok(rows)
}

/// Builds indexes and makes the tables partitions that nobody writes any more.
pub(super) async fn seal(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let publication = c.publication;
    let jobs = relations()?;
    let n = jobs.len();
    workers
        .each(jobs, |pair, relation: Relation| {
            async move {
                pair.serving
                    .execute("SELECT registre.attacher($1, $2)", &[&publication, &relation.name])
                    .await
                    .map_err(PublishError::during(format!("sealing {}", relation.name)))?;
                Ok(())
            }
            .boxed()
        })
        .await?;
    Ok((format!("{n} tables"), Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_those_of_the_catalogue_each_once() {
        let relations = relations().unwrap();
        assert_eq!(relations.len(), 18);
        let parc = relations.iter().find(|r| r.name == "parc_residence").unwrap();
        assert_eq!(parc.columns.first(), Some(&("id".to_owned(), "text")));
        assert_eq!(parc.columns.last(), Some(&("geom".to_owned(), "geometry")));
    }
}
