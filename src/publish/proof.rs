//! Has the candidate attacked before it may become current, with the worst that an attacker can know.
//!
//! The proof is a program of its own (`crate::check`): it is handed a file of knowledge for each theme and family, and reads
//! everything else from the public layers.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::Theme;
use crate::check;
use futures_util::{TryStreamExt, pin_mut};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes what the attacker knows, runs the attack, refuses a candidate that gives something away.
pub(super) async fn prove(c: &Candidate<'_>) -> Result<(String, Value), PublishError> {
    let catalogue = crate::catalogue::load_embedded()?;
    // Sizes and landlords of all residences: readable by this process alone, gone when it is.
    let dir = tempfile::tempdir().map_err(|source| PublishError::File { path: std::env::temp_dir(), source })?;
    let mut files = Vec::new();
    for theme in Theme::ALL {
        files.push(knowledge(c, theme, theme.name().to_owned(), 0, dir.path()).await?);
        let relation = format!("{}_residence", theme.name());
        for (family, place) in theme.family_units() {
            // Families that residences do not have (shares in a QPV) follow from the theme's own rows.
            if catalogue.layer(&relation).is_some_and(|l| l.field(family).is_some()) {
                files.push(knowledge(c, theme, format!("{}/{family}", theme.name()), place, dir.path()).await?);
            }
        }
    }
    let report = check::run(c.config, c.publication, &files).await.map_err(PublishError::Proof)?;
    let found = report.constats.len();
    if found > 0 {
        let findings = format!("the attack derives {found} sums, see `registre.verdict`");
        return Err(PublishError::Refused { publication: c.publication, findings });
    }
    let between = report.entre_millesimes.len();
    let detail =
        format!("{} themes and families attacked, nothing found; {between} by comparing vintages", files.len());
    Ok((detail, json!({ "sujets": report.sujets, "entre_millesimes": between })))
}

/// One file of knowledge: units and landlord of every residence on the map, in every vintage of a theme.
async fn knowledge(
    c: &Candidate<'_>,
    theme: Theme,
    subject: String,
    place: usize,
    dir: &Path,
) -> Result<PathBuf, PublishError> {
    let path = dir.join(format!("{}.csv", subject.replace('/', "-")));
    let doing = || PublishError::during(format!("writing what an attacker knows of {subject}"));
    let rows = c
        .source
        .query_raw(
            "SELECT l.millesime, l.id, coalesce(u.unites[$3::int], 0)::bigint, coalesce(r.siren_bailleur, '')
             FROM plan.ligne l
             JOIN plan.millesime m ON (m.publication, m.theme, m.millesime) = (l.publication, l.theme, l.millesime)
             JOIN travail.residence r ON r.contexte = m.contexte AND r.id = l.id
             LEFT JOIN stat.unites u ON u.theme = l.theme AND u.millesime = l.millesime AND u.echelle = 'residence' AND u.id = l.id
             WHERE l.publication = $1 AND l.theme = $2 AND l.echelle = 'residence'",
            [&c.publication as &(dyn tokio_postgres::types::ToSql + Sync), &theme.name(), &(place as i32 + 1)],
        )
        .await
        .map_err(doing())?;
    pin_mut!(rows);
    let wrong = |source| PublishError::File { path: path.clone(), source };
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(wrong)?);
    writeln!(file, "theme;millesime;id;unites;bailleur;compte").map_err(wrong)?;
    while let Some(row) = rows.try_next().await.map_err(doing())? {
        let (millesime, id, units, landlord): (i32, &str, i64, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
        writeln!(file, "{subject};{millesime};{id};{units};{landlord};1").map_err(wrong)?;
    }
    file.flush().map_err(wrong)?;
    Ok(path)
}
