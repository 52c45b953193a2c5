//! Independent proof that a candidate, together with everything that is still held of former publications, gives nothing
//! away.
//!
//! Shares no module with the planner: it reads the public layers, a file of what the attacker knows, and makes cells and
//! sums anew. A publication with findings never becomes current: `registre.publier` refuses it.
//!
//! What it looks for: sums over too few units or residences, or dominated by one, derivable by linear algebra over the zones
//! of all vintages and publications together, by anybody, by a landlord or a corporate group, by two of them or by coalitions
//! that are named; with what third parties publish of the same stock, by commune; and categories inside sums that are large enough
//! of which too little is in doubt, in each vintage. Any finding refuses the publication.

mod algebra;
mod attack;
mod categories;
mod families;
mod interval;
mod past;
mod read;
mod report;
mod sets;
mod system;
mod who;

pub use attack::{Finding, Rule, attack};
pub use interval::Doubt;
pub use read::Knowledge;
pub use report::{Report, STYLE, Subject, escape};
pub use system::{Figures, Residence, Time};
pub use who::Landlords;

use crate::config::{Config, Zero};
use crate::db::{DbError, Role, Which};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Files of knowledge that are attacked at once, cores allowing: each takes memory for all residences and vintages.
const AT_ONCE: usize = 2;

/// What keeps the proof from being made. No proof, no publication.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The file of knowledge is malformed.
    #[error("{path}, line {line}: {reason}")]
    Knowledge {
        /// Which file.
        path: PathBuf,
        /// Line number; 0: the file itself.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A subject of the knowledge is no theme.
    #[error("{subject:?} is no theme, nor theme/denominator")]
    Subject {
        /// As written.
        subject: String,
    },
    /// The knowledge names nothing to attack.
    #[error("the file of knowledge is empty: nothing would be proved")]
    Empty,
    /// A public layer cannot be read.
    #[error("cannot read pub.{what}: {source}")]
    Read {
        /// Relation.
        what: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// An attack ended without a result.
    #[error("an attack was interrupted")]
    Interrupted,
    /// The verdict cannot be written.
    #[error("cannot record the verdict: {0}")]
    Verdict(tokio_postgres::Error),
    /// The database cannot be reached.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Attacks a publication together with everything held, and records the verdict with it. `files` of knowledge
/// ([`Knowledge::read`]) are taken two at a time, so that each may be as large as memory allows; one with the header
/// [`Landlords::HEADER`] tells of landlords.
///
/// # Errors
/// [`CheckError`]: the proof could not be made, which counts as no proof.
pub async fn run(config: &Config, publication: i64, files: &[PathBuf]) -> Result<Report, CheckError> {
    let begun = Instant::now();
    let rule = Arc::new(Rule {
        threshold: u64::from(config.secrecy.threshold),
        residences: config.secrecy.residences as usize,
        dominance: config.secrecy.dominance,
        attackers: config.secrecy.attacker.clone(),
    });
    let mut report = Report::new(publication, &rule, &config.secrecy);
    let (mut landlords, mut rest) = (Landlords::default(), Vec::new());
    for file in files {
        if first_line(file)? == Landlords::HEADER.join(";") {
            landlords = Landlords::read(file)?;
        } else {
            rest.push(file);
        }
    }
    let landlords = Arc::new(landlords);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let config = Arc::new(config.clone());
    let judged: Vec<Vec<Judged>> = stream::iter(rest)
        .map(|file| {
            let judge =
                judge(Arc::clone(&config), publication, file.clone(), Arc::clone(&rule), Arc::clone(&landlords));
            // A task of its own: reading one subject does not wait for another.
            async move { tokio::spawn(judge).await.map_err(|_| CheckError::Interrupted)? }
        })
        .buffered(AT_ONCE.min(cores))
        .try_collect()
        .await?;
    for (subject, findings) in judged.into_iter().flatten() {
        report.sujets.push(subject);
        report.constats.extend(findings);
    }
    if report.sujets.is_empty() {
        return Err(CheckError::Empty);
    }
    report.millis = begun.elapsed().as_millis() as u64;
    let findings = report.constats.len() as i64;
    let json = serde_json::to_value(&report).unwrap_or_default();
    crate::db::connect(&config.database, Which::Serving, Role::Checker)
        .await?
        .execute(
            "INSERT INTO registre.verdict (publication, controle, constats, rapport, rapport_html) \
             VALUES ($1, 'attaque', $2, $3, $4)",
            &[&publication, &findings, &json, &report.html()],
        )
        .await
        .map_err(CheckError::Verdict)?;
    Ok(report)
}

/// A subject and what was found.
type Judged = (Subject, Vec<Finding>);

/// Attacks all subjects of a file.
async fn judge(
    config: Arc<Config>,
    publication: i64,
    file: PathBuf,
    rule: Arc<Rule>,
    landlords: Arc<Landlords>,
) -> Result<Vec<Judged>, CheckError> {
    let client = crate::db::connect(&config.database, Which::Serving, Role::Checker).await?;
    let lost = |_| CheckError::Interrupted;
    let knowledge = tokio::task::spawn_blocking(move || Knowledge::read(&file)).await.map_err(lost)??;
    let subjects: Vec<String> = knowledge.subjects().map(str::to_owned).collect();
    let mut subjects = subjects.into_iter();
    let who = Arc::new((rule.attackers.of_categories(), Arc::clone(&landlords)));
    let mut held = Some(Arc::new(knowledge));
    let mut judged = Vec::new();
    while let (Some(nom), Some(knowledge)) = (subjects.next(), &held) {
        let times = read::times(&client, publication, &nom, knowledge).await?;
        let subject = Subject {
            temps: times.iter().map(|t| t.name.clone()).collect(),
            residences: times.iter().map(|t| t.residences.len()).sum(),
            diffusees: times.iter().flat_map(|t| &t.residences).filter(|r| r.published).count(),
            zones: times.iter().map(|t| t.zones.len()).sum(),
            nom: nom.clone(),
        };
        let zero = match nom.split('/').next() {
            Some("attributions") => config.secrecy.zeros.attributions,
            _ => config.secrecy.zeros.occupation,
        };
        let doubt = Doubt { units: u64::from(config.secrecy.doubt), zeros_safe: zero == Zero::Safe };
        let narrow = categories::findings(&client, publication, &nom, knowledge, doubt, &who).await?;
        // An attack takes memory of its own: what it does not need goes first.
        held = held.filter(|_| subjects.len() > 0);
        let (rule, landlords) = (Arc::clone(&rule), Arc::clone(&landlords));
        let found = tokio::task::spawn_blocking(move || attack(&nom, &times, &rule, &landlords));
        let mut found = found.await.map_err(lost)?;
        found.extend(narrow);
        judged.push((subject, found));
    }
    Ok(judged)
}

fn first_line(path: &Path) -> Result<String, CheckError> {
    let wrong = |e: std::io::Error| CheckError::Knowledge { path: path.to_owned(), line: 0, reason: e.to_string() };
    let mut line = String::new();
    std::io::BufReader::new(std::fs::File::open(path).map_err(wrong)?).read_line(&mut line).map_err(wrong)?;
    Ok(line.trim_end().to_owned())
}
