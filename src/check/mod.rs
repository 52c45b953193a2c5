//! Independent proof that a candidate, together with everything that is still held of former publications, gives nothing
//! away.
//!
//! Shares no module with the planner: it reads the public layers, a file of what the attacker knows, and makes cells and
//! sums anew. A publication with findings never becomes current: `registre.publier` refuses it.
//!
//! What it looks for: sums over too few units or residences, or dominated by one, derivable by linear algebra over the zones
//! of all vintages and publications together, by anybody or by a landlord. Any finding refuses the publication. Not yet: intervals of categories inside sums that are large enough, coalitions of landlords, tables of third parties.

mod algebra;
mod attack;
mod read;
mod report;

pub use attack::{Figures, Finding, Residence, Rule, Time, attack};
pub use read::Knowledge;
pub use report::{Report, Subject};

use crate::config::Config;
use crate::db::{DbError, Role, Which};
use std::path::PathBuf;
use std::time::Instant;

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
    /// The verdict cannot be written.
    #[error("cannot record the verdict: {0}")]
    Verdict(tokio_postgres::Error),
    /// The database cannot be reached.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Attacks a publication together with everything held, and records the verdict with it. `files` of knowledge
/// ([`Knowledge::read`]) are taken one after another, so that each may be as large as memory allows.
///
/// # Errors
/// [`CheckError`]: the proof could not be made, which counts as no proof.
pub async fn run(config: &Config, publication: i64, files: &[PathBuf]) -> Result<Report, CheckError> {
    let begun = Instant::now();
    let client = crate::db::connect(&config.database, Which::Serving, Role::Checker).await?;
    let rule = Rule {
        threshold: u64::from(config.secrecy.threshold),
        residences: config.secrecy.residences as usize,
        dominance: config.secrecy.dominance,
        landlords: config.secrecy.landlord_view,
    };
    let mut report = Report::new(publication, rule);
    for file in files {
        let knowledge = Knowledge::read(file)?;
        for subject in knowledge.subjects() {
            let times = read::times(&client, subject, &knowledge).await?;
            report.sujets.push(Subject {
                nom: subject.to_owned(),
                temps: times.iter().map(|t| t.name.clone()).collect(),
                residences: times.iter().map(|t| t.residences.len()).sum(),
                diffusees: times.iter().flat_map(|t| &t.residences).filter(|r| r.published).count(),
                zones: times.iter().map(|t| t.zones.len()).sum(),
            });
            report.constats.extend(attack(subject, &times, rule));
        }
    }
    if report.sujets.is_empty() {
        return Err(CheckError::Empty);
    }
    report.millis = begun.elapsed().as_millis() as u64;
    let findings = report.constats.len() as i64;
    let json = serde_json::to_value(&report).unwrap_or_default();
    client
        .execute(
            "INSERT INTO registre.verdict (publication, controle, constats, rapport, rapport_html) \
             VALUES ($1, 'attaque', $2, $3, $4)",
            &[&publication, &findings, &json, &report.html()],
        )
        .await
        .map_err(CheckError::Verdict)?;
    Ok(report)
}
