//! Has the candidate attacked before it may become current, with the worst that an attacker can know.
//!
//! The proof is a program of its own (`crate::check`): it is handed a file of knowledge for each theme and family, and reads
//! everything else from the public layers.

use super::PublishError;
use super::candidate::Candidate;
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
/// landlord, whether zones count it, with the figures of which vintage, and in which zones where that is not plain.
async fn knowledge(
    pair: &Pair,
    publication: i64,
    (theme, subject, family, place): Subject,
    dir: &Path,
) -> Result<PathBuf, PublishError> {
    let path = dir.join(format!("{}.csv", subject.replace('/', "-")));
    let doing = || PublishError::during(format!("writing what an attacker knows of {subject}"));
    let rows = pair
        .source
        .query_raw(
            "WITH k AS (
                SELECT v.millesime, v.contexte, i.id, l.id IS NOT NULL AS carte,
                       l.statut = 'diffuse' AND ($4 = '' OR $4 = ANY (l.familles)) AS montre,
                       coalesce(f.famille, t.famille) IS NOT NULL AS autre,
                       CASE WHEN f.id IS NOT NULL THEN f.etat ELSE t.etat END AS etat,
                       CASE WHEN f.id IS NOT NULL THEN f ELSE t END AS lieu
                FROM plan.millesime v
                CROSS JOIN LATERAL (
                    SELECT id FROM plan.ligne WHERE publication = $1 AND theme = $2 AND millesime = v.millesime AND echelle = 'residence'
                    UNION SELECT id FROM travail.compte WHERE theme = $2 AND millesime = v.millesime AND famille IN ('', $4)) i
                LEFT JOIN plan.ligne l ON l.publication = $1 AND l.theme = $2 AND l.millesime = v.millesime
                    AND l.echelle = 'residence' AND l.id = i.id
                LEFT JOIN travail.compte f ON $4 > '' AND f.theme = $2 AND f.millesime = v.millesime AND f.famille = $4 AND f.id = i.id
                LEFT JOIN travail.compte t ON t.theme = $2 AND t.millesime = v.millesime AND t.famille = '' AND t.id = i.id
                WHERE v.publication = $1 AND v.theme = $2
             ), e AS (
                SELECT k.*, CASE WHEN montre OR NOT autre THEN k.millesime ELSE k.etat END AS compte FROM k
             )
             SELECT e.millesime, e.id, coalesce(u.unites[$3::int], 0)::bigint, coalesce(r.siren_bailleur, ''),
                    coalesce(e.compte, 0),
                    CASE WHEN e.autre AND NOT e.montre IS TRUE AND e.compte IS NOT NULL
                         THEN concat_ws(' ', 'commune:' || (e.lieu).insee_com, 'commune:' || (e.lieu).insee_associee,
                                        'iris:' || (e.lieu).code_iris, 'qpv:' || (e.lieu).code_qp) ELSE '' END
             FROM e
             LEFT JOIN plan.millesime m ON m.publication = $1 AND m.theme = $2 AND m.millesime = coalesce(e.compte, e.millesime)
             LEFT JOIN travail.residence r ON r.contexte = m.contexte AND r.id = e.id
             LEFT JOIN stat.unites u ON u.theme = $2 AND u.millesime = coalesce(e.compte, e.millesime)
                 AND u.echelle = 'residence' AND u.id = e.id",
            [&publication as &(dyn tokio_postgres::types::ToSql + Sync), &theme.name(), &(place as i32 + 1), &family],
        )
        .await
        .map_err(doing())?;
    pin_mut!(rows);
    let wrong = |source| PublishError::File { path: path.clone(), source };
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(wrong)?);
    writeln!(file, "theme;millesime;id;unites;bailleur;compte;zones").map_err(wrong)?;
    while let Some(row) = rows.try_next().await.map_err(doing())? {
        let (millesime, id, units, landlord): (i32, &str, i64, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let (state, zones): (i32, &str) = (row.get(4), row.get(5));
        writeln!(file, "{subject};{millesime};{id};{units};{landlord};{state};{zones}").map_err(wrong)?;
    }
    file.flush().map_err(wrong)?;
    Ok(path)
}
