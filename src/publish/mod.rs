//! `source` ▶ candidate ▶ current publication in `serving`.
//!
//! A candidate is made in committed steps; killed at any moment and run again, it goes on with the same candidate, or
//! drops it and begins cleanly when imports or parameters have changed meanwhile.

mod admin;
mod candidate;
mod categories;
mod copy;
mod error;
mod frozen;
mod landlords;
mod losses;
pub mod plan;
mod planning;
mod prepare;
mod proof;
mod reading;
mod report;
mod workers;

pub use admin::{Pruned, Publication, list, prune, rollback, stored_report};
pub use error::PublishError;
pub use report::{CategoryLine, PriceLine, Report, Step, StepReport};

use crate::config::Config;
use candidate::Candidate;
use futures_util::FutureExt;
use plan::Theme;
use serde_json::Value;
use std::time::Instant;
use workers::Workers;

/// How to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Drop an unfinished candidate instead of going on with it.
    pub fresh: bool,
    /// Make and check the candidate, do not make it current.
    pub candidate_only: bool,
}

/// What a run tells while it works. Called from the publishing task; must return at once.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn begin(&self, step: Step);
    /// A step has ended.
    fn end(&self, step: &StepReport);
}

/// No progress is shown.
impl Progress for () {
    fn begin(&self, _: Step) {}
    fn end(&self, _: &StepReport) {}
}

/// Makes a candidate out of the newest complete imports, checks it and makes it current.
///
/// # Errors
/// [`PublishError`]; the candidate stays for a later run to go on with. What was current stays current.
pub async fn run(config: &Config, options: Options, progress: &dyn Progress) -> Result<Report, PublishError> {
    progress.begin(Step::Lots);
    let candidate = Candidate::open(config, options.fresh).await?;
    copy::check_schema(&candidate.serving, &copy::relations()?).await?;
    let workers = Workers::connect(config).await?;
    candidate.forget_lost_work().await?;
    let mut run = Run { candidate: &candidate, progress, steps: Vec::new() };
    if let Some(lots) = candidate.done(Step::Lots, "").await? {
        progress.end(&lots);
        run.steps.push(lots);
    }
    let c = &candidate;
    run.step(Step::Zones, prepare::zones(c, &workers)).await?;
    run.step(Step::Mesures, prepare::measures(c, &workers)).await?;
    run.step(Step::Plan, planning::plan(c, &workers)).await?;
    run.step(Step::Categories, categories::withhold(c, &workers)).await?;
    run.step(Step::Environnement, prepare::surroundings(c, &workers)).await?;
    run.step(Step::Copie, copy::copy(c, &workers)).await?;
    run.step(Step::Scellement, copy::seal(c, &workers)).await?;
    run.step(Step::Controle, control(c)).await?;
    run.step(Step::Preuve, proof::prove(c, &workers)).await?;
    let mut report = run.report(false).await?;
    if !options.candidate_only {
        let begun = Instant::now();
        progress.begin(Step::Publication);
        let detail = make_current(c, &workers, &mut report).await?;
        let step = StepReport { step: Step::Publication, took: Some(begun.elapsed()), detail };
        progress.end(&step);
        report.steps.push(step);
    }
    Ok(report)
}

/// A run: the candidate and the steps so far.
struct Run<'a> {
    candidate: &'a Candidate<'a>,
    progress: &'a dyn Progress,
    steps: Vec<StepReport>,
}

impl Run<'_> {
    /// Does a step unless it is done, and notes it.
    async fn step(
        &mut self,
        step: Step,
        work: impl Future<Output = Result<(String, Value), PublishError>>,
    ) -> Result<(), PublishError> {
        let report = match self.candidate.done(step, "").await? {
            Some(done) => done,
            None => {
                self.progress.begin(step);
                let begun = Instant::now();
                let (detail, data) = work.await?;
                let data = Some(data).filter(|d| !d.is_null());
                let took = self.candidate.note(step, "", begun, &detail, data).await?;
                StepReport { step, took: Some(took), detail }
            }
        };
        self.progress.end(&report);
        self.steps.push(report);
        Ok(())
    }

    async fn report(self, current: bool) -> Result<Report, PublishError> {
        let c = self.candidate;
        Ok(Report {
            publication: c.publication,
            current,
            parametres: candidate::parameters(&c.config.secrecy),
            prices: serde_json::from_value(c.data(Step::Plan).await?).unwrap_or_default(),
            categories: serde_json::from_value(c.data(Step::Categories).await?).unwrap_or_default(),
            lignes: c.data(Step::Copie).await?,
            ecartes: [c.data(Step::Zones).await?, c.data(Step::Mesures).await?].into_iter().collect(),
            steps: self.steps,
            carte: String::new(),
        })
    }
}

/// Rules that span tables, as `serving` sees them.
async fn control(c: &Candidate<'_>) -> Result<(String, Value), PublishError> {
    let rows = c
        .serving
        .query("SELECT relation, regle, lignes FROM registre.verifier($1)", &[&c.publication])
        .await
        .map_err(PublishError::during("verifying the candidate"))?;
    if rows.is_empty() {
        return Ok(("nothing found".to_owned(), Value::Null));
    }
    let findings: Vec<String> = rows
        .iter()
        .map(|r| format!("{}: {} ({} rows)", r.get::<_, String>(0), r.get::<_, String>(1), r.get::<_, i64>(2)))
        .collect();
    Err(PublishError::Refused { publication: c.publication, findings: findings.join("; ") })
}

/// Ledger, then current. The ledger comes first: it may hold more than was ever seen, never less.
async fn make_current(c: &Candidate<'_>, workers: &Workers, report: &mut Report) -> Result<String, PublishError> {
    let publication = c.publication;
    // Each is written whole or not at all; a second run adds what is missing.
    let jobs = ["plan.inscrire", "plan.archiver"].into_iter().flat_map(|f| Theme::ALL.map(|theme| (f, theme)));
    let written = workers.each(jobs, |pair, (function, theme)| {
        async move {
            let row = pair
                .source
                .query_one(&format!("SELECT {function}($1, $2)"), &[&publication, &theme.name()])
                .await
                .map_err(PublishError::during(format!("writing the ledger of {}", theme.name())))?;
            Ok((function, row.get::<_, i64>(0)))
        }
        .boxed()
    });
    let (written, maps) = tokio::try_join!(written, losses::maps(c))?;
    report.current = true;
    report.carte = maps;
    let json = serde_json::to_value(&*report).unwrap_or_default();
    let grace = c.config.server.grace as f64;
    c.serving
        .execute(
            "SELECT registre.publier($1, make_interval(secs => $2), $3, $4)",
            &[&c.publication, &grace, &json, &report.html()],
        )
        .await
        .map_err(PublishError::during("making the candidate current"))?;
    c.source
        .execute("UPDATE plan.publication SET etat = 'publiee' WHERE publication = $1", &[&c.publication])
        .await
        .map_err(PublishError::during("noting the publication"))?;
    let sum = |f: &str| written.iter().filter(|w| w.0 == f).map(|w| w.1).sum::<i64>();
    let (rows, counts) = (sum("plan.inscrire"), sum("plan.archiver"));
    Ok(format!("publication {} is current, {rows} rows into the ledger, {counts} into the archive", c.publication))
}
