//! What can stop a publication.

use crate::catalogue::CatalogueError;
use crate::db::{DbError, explain};

/// Why there is no new publication. What was current stays current.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A database cannot be reached or a statement failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A statement of a step failed.
    #[error("{step}: {}", explain(source))]
    Statement {
        /// What was being done, e.g. `sums of parc 2024`.
        step: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The catalogue cannot be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The tables of `serving` are not those of the catalogue.
    #[error("pub.{relation} is not what the catalogue says: {reason}; run `seuil migrate`")]
    Schema {
        /// Which table.
        relation: String,
        /// What differs.
        reason: String,
    },
    /// Another publisher is at work.
    #[error("another `seuil publish` is under way")]
    Busy,
    /// An import that every publication needs is missing.
    #[error("nothing to publish: {missing} not imported yet")]
    NoImports {
        /// Sources, e.g. `rpls, residences`.
        missing: String,
    },
    /// A coalition names a landlord that nobody knows: nothing would be protected from it.
    #[error(
        "secrecy.attacker.coalitions names {name:?}, which is no landlord of the stock, nor a landlord or group of `seuil import bailleurs`"
    )]
    Coalition {
        /// As configured.
        name: String,
    },
    /// More landlords than can be told apart.
    #[error("more than 65536 groups of landlords, or landlords in one group")]
    Landlords,
    /// The plan cannot protect what is known already: cells that break the rule whatever is withheld.
    #[error("{cells} cells of {what} break the rule whatever is withheld: figures published before give them away")]
    Unprotected {
        /// Theme, family, vintage.
        what: String,
        /// How many cells.
        cells: usize,
    },
    /// The candidate breaks a rule; it stays a candidate.
    #[error("publication {publication} stays a candidate: {findings}")]
    Refused {
        /// Which candidate.
        publication: i64,
        /// What was found.
        findings: String,
    },
    /// There is no former publication to return to.
    #[error("there is no former publication to return to")]
    NoFormer,
    /// There is no report to show.
    #[error("{}; `seuil publications list` shows which there are", no_report(*.publication))]
    NoReport {
        /// Which publication was asked for; `None`: the current one.
        publication: Option<i64>,
    },
    /// The proof could not be made: no proof, no publication.
    #[error("the proof could not be made: {0}")]
    Proof(#[source] crate::check::CheckError),
    /// A task of the program ended before its work was done.
    #[error("interrupted")]
    Interrupted,
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn no_report(publication: Option<i64>) -> String {
    match publication {
        None => "nothing was published yet".to_owned(),
        Some(id) => format!("publication {id} never became current"),
    }
}

impl PublishError {
    /// For `map_err`: says during what a statement failed.
    pub(super) fn during(step: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> PublishError {
        let step = step.into();
        move |source| PublishError::Statement { step, source }
    }
}
