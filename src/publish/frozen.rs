//! What the archive says of vintages that were published before, for the plan.

use super::PublishError;
use super::candidate::Candidate;
use super::landlords::Landlords;
use super::plan::{Archived, Frozen, Theme, VintageInput};
use super::prepare::vintages;
use super::workers::{Pair, Workers};
use futures_util::FutureExt;
use tokio_postgres::Row;

/// Compares every vintage that was published before with the archive; says what differs.
pub(super) async fn compare(c: &Candidate<'_>, workers: &Workers) -> Result<String, PublishError> {
    let publication = c.publication;
    let jobs = vintages(c).await?;
    let found: Vec<Option<i64>> = workers
        .each(jobs, |pair, (theme, vintage, ..)| {
            async move {
                let row = pair
                    .source
                    .query_one("SELECT travail.geler($1, $2, $3)", &[&publication, &theme.name(), &vintage])
                    .await
                    .map_err(PublishError::during(format!("comparing {} {vintage} with the archive", theme.name())))?;
                Ok(row.get(0))
            }
            .boxed()
        })
        .await?;
    let before = found.iter().flatten().count();
    let differ: i64 = found.iter().flatten().sum();
    Ok(match before {
        0 => String::new(),
        n => format!("; {n} published before, where {differ} residences are not what was published"),
    })
}

/// Where the archive of a vintage is read from.
pub(super) struct Archive<'a> {
    pub pair: &'a Pair,
    pub publication: i64,
    pub theme: Theme,
    pub context: i32,
    pub landlords: &'a Landlords,
}

impl Archive<'_> {
    /// Reads what a vintage counted, if it was published before, and where the archived points of older ones lie. `zones` reads
    /// the four codes of a row that begin at a column.
    pub async fn read(
        &self,
        before: &[i32],
        input: &mut VintageInput,
        zones: impl Fn(&Row, usize) -> [Option<u32>; 4],
    ) -> Result<(), PublishError> {
        let (source, theme, vintage) = (&self.pair.source, self.theme.name(), input.vintage);
        let doing = || PublishError::during(format!("reading the archive of {theme} {vintage}"));
        for former in before {
            let rows = source
                .query(
                    "SELECT id, insee_com, insee_associee, code_iris, code_qp, reste FROM travail.lieux_geles($1, $2, $3, $4)",
                    &[&self.publication, &self.context, &theme, former],
                )
                .await
                .map_err(doing())?;
            for row in &rows {
                let key = (*former, row.get(0));
                if row.get(5) {
                    input.former.remove(&key);
                } else {
                    input.former.insert(key, zones(row, 1));
                }
            }
        }
        let published: bool = source
            .query_one(
                "SELECT EXISTS (SELECT FROM plan.registre r WHERE r.theme = $1 AND r.millesime = $2
                                AND r.publication IN (SELECT plan.publiees()))",
                &[&theme, &vintage],
            )
            .await
            .map_err(doing())?
            .get(0);
        if !published {
            return Ok(());
        }
        let mut frozen = Frozen::default();
        let rows = source
            .query(
                "SELECT id, unites, logements, siren_bailleur, insee_com, insee_associee, code_iris, code_qp
                 FROM travail.gele WHERE theme = $1 AND millesime = $2",
                &[&theme, &vintage],
            )
            .await
            .map_err(doing())?;
        for row in &rows {
            let units: Option<Vec<i32>> = row.get(1);
            let archived = Archived {
                units: units.unwrap_or_default().into_iter().map(i32::unsigned_abs).collect(),
                dwellings: row.get::<_, Option<i32>>(2).unwrap_or(0).unsigned_abs(),
                landlord: row.get::<_, Option<&str>>(3).and_then(|l| self.landlords.number(l)),
                zones: zones(row, 4),
            };
            frozen.changed.insert(row.get(0), archived);
        }
        let rows = source
            .query(
                "SELECT famille, id, etat, insee_com, insee_associee, code_iris, code_qp
                 FROM travail.comptes_geles($1, $2, $3)",
                &[&self.publication, &theme, &vintage],
            )
            .await
            .map_err(doing())?;
        for row in &rows {
            let Some(family) = self.theme.family(row.get(0)) else { continue };
            let state: Option<i32> = row.get(2);
            frozen.counts.insert((family, row.get(1)), state.map(|s| (s, zones(row, 3))));
        }
        input.frozen = Some(frozen);
        Ok(())
    }
}
