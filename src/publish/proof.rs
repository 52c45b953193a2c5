//! Has the candidate attacked before it may become current, with the worst that an attacker can know.
//!
//! The proof is a program of its own (`crate::check`): it is handed a file of knowledge for each theme and family, and reads
//! everything else from the public layers.

use super::PublishError;
use super::candidate::Candidate;
use super::categories;
use super::landlords::Landlords;
use super::plan::Theme;
use super::workers::{Pair, Workers};
use crate::check;
use futures_util::{FutureExt, TryStreamExt, pin_mut};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Theme, name, denominator of the family and its place among the units.
type Subject = (Theme, String, &'static str, usize);

/// Writes what the attacker knows, runs the attack, refuses a candidate that gives something away.
pub(super) async fn prove(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let catalogue = crate::catalogue::load_embedded()?;
    // Sizes and landlords of all residences: readable by this process alone, gone when it is.
    let dir = tempfile::tempdir().map_err(|source| PublishError::File { path: std::env::temp_dir(), source })?;
    let mut subjects: Vec<Subject> = Vec::new();
    for theme in Theme::ALL {
        subjects.push((theme, theme.name().to_owned(), "", 0));
        let relation = format!("{}_residence", theme.name());
        for (family, place) in theme.family_units() {
            // Families that residences do not have (shares in a QPV) follow from the theme's own rows.
            if catalogue.layer(&relation).is_some_and(|l| l.field(family).is_some()) {
                subjects.push((theme, format!("{}/{family}", theme.name()), family, place));
            }
        }
    }
    let (publication, folder, n) = (c.publication, dir.path(), subjects.len());
    let mut files = workers
        .each(subjects.into_iter().enumerate(), |pair, (n, subject)| {
            async move { Ok((n, knowledge(pair, publication, subject, folder).await?)) }.boxed()
        })
        .await?;
    files.sort_unstable();
    let mut files: Vec<PathBuf> = files.into_iter().map(|(_, file)| file).collect();
    files.push(Landlords::read(c).await?.write(folder)?);
    let report = check::run(c.config, c.publication, &files).await.map_err(PublishError::Proof)?;
    let found = report.constats.len();
    if found > 0 {
        let findings = format!("the attack derives {found} sums, see `registre.verdict`");
        return Err(PublishError::Refused { publication: c.publication, findings });
    }
    let detail = format!("{} themes and families attacked over all vintages together, nothing found", n);
    Ok((detail, json!({ "sujets": report.sujets })))
}

/// One file of knowledge: of every residence that is on the map or counted, in every vintage of a theme, the units and the
/// landlord, whether zones count it, with the figures of which vintage, and in which zones where that is not plain; the
/// categories of those that are counted and not shown, which their landlord knows; then the
/// same of every publication that ever became current, from the ledger and the archive; then what tables of third parties count.
async fn knowledge(
    pair: &Pair,
    publication: i64,
    (theme, subject, family, place): Subject,
    dir: &Path,
) -> Result<PathBuf, PublishError> {
    let path = dir.join(format!("{}.csv", subject.replace('/', "-")));
    let doing = || PublishError::during(format!("writing what an attacker knows of {subject}"));
    let columns = categories::columns(theme, family);
    let name = theme.name();
    let list: Vec<String> = columns.iter().map(|c| format!("m.{c}")).collect();
    let own = match columns.is_empty() {
        true => "SELECT millesime, id, unites, bailleur, compte, zones, '', '', '' FROM travail.connaissances($1, $2, $3, $4)".to_owned(),
        false => format!(
            "SELECT k.millesime, k.id, k.unites, k.bailleur, k.compte, k.zones, '', '', concat_ws(';', {})
             FROM travail.connaissances($1, $2, $3, $4) k
             LEFT JOIN travail.figures($1, $2, $3) f ON f.id = k.id AND f.numero = k.compte
             LEFT JOIN travail.{name} m ON m.millesime = f.etat AND m.echelle = 'residence' AND m.id = f.id",
            list.join(", ")
        ),
    };
    let rows = pair
        .source
        .query_raw(
            &format!(
                "{own}
                 UNION ALL
                 SELECT millesime, id, unites, bailleur, compte, zones, publication::text, CASE WHEN montre THEN '1' ELSE '0' END, ''
                 FROM plan.connaissances_passees($1, $2, $3, $4)
                 UNION ALL
                 SELECT millesime, id, unites, bailleur, millesime, zones, 'marge', '', ''
                 FROM travail.connaissances_marges($1, $2, $4)"
            ),
            [&publication as &(dyn tokio_postgres::types::ToSql + Sync), &name, &family, &(place as i32 + 1)],
        )
        .await
        .map_err(doing())?;
    pin_mut!(rows);
    let wrong = |source| PublishError::File { path: path.clone(), source };
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(wrong)?);
    let own = if columns.is_empty() { String::new() } else { format!(";{}", columns.join(";")) };
    let none = ";".repeat(columns.len());
    writeln!(file, "theme;millesime;id;unites;bailleur;compte;zones;publication;montre{own}").map_err(wrong)?;
    while let Some(row) = rows.try_next().await.map_err(doing())? {
        let (millesime, id, units, landlord): (i32, &str, i64, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let (state, zones, publication, shown): (i32, &str, &str, &str) =
            (row.get(4), row.get(5), row.get(6), row.get(7));
        write!(file, "{subject};{millesime};{id};{units};{landlord};{state};{zones};{publication};{shown}")
            .map_err(wrong)?;
        match row.get::<_, &str>(8) {
            "" => writeln!(file, "{none}"),
            figures => writeln!(file, ";{figures}"),
        }
        .map_err(wrong)?;
    }
    file.flush().map_err(wrong)?;
    Ok(path)
}
