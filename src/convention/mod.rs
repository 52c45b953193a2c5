//! Who may see what: registry, identity, scope, quotas, access record.
//!
//! A convention (a signed contract) is the unit of authority. It is the only maker of [`Scoped`], and the store executes
//! nothing else.

pub mod acts;
pub mod audit;
pub mod calendar;
mod compile;
pub mod deed;
pub mod file;
pub mod holder;
mod kept;
pub mod quota;
pub mod record;
pub mod registry;
pub mod report;
pub mod revocations;
mod rows;
pub mod samples;
pub mod scope;
pub mod territory;
pub mod trace;
pub mod words;

pub use compile::compile;
pub use holder::Holder;
pub use quota::{Budget, Quotas};
pub use record::{BodyHash, Close, Open, Permit, Recorder, Refused};
pub use registry::{Convention, Identity, Registry, State};
pub use rows::{CertificateRow, ConventionRow, Rows};
pub use scope::{Access, Operation, Scoped, Territory};

/// What keeps the registry or the access record from working: for the administrator, never for a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConventionError {
    /// A file of the server's state cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Lines of the administrator's local revocations that say nothing sensible.
    #[error("{path}, line {}: not `cle`, `serie`, `ca` or `convention` with its values",
            lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Revocations {
        /// Which file.
        path: std::path::PathBuf,
        /// Numbers of the lines, from 1.
        lines: Vec<usize>,
    },
    /// A convention in the database that this program cannot read.
    #[error("convention {id} in the database: {reason}")]
    Record {
        /// Which convention.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// Not a month.
    #[error("month {month:?}: written like 2026-01")]
    Month {
        /// What was given.
        month: String,
    },
    /// No such convention.
    #[error("convention {id} is unknown")]
    Unknown {
        /// What was given.
        id: String,
    },
    /// A file that `trace` cannot read.
    #[error("{path}: {reason}")]
    Trace {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// A report cannot be written.
    #[error("report: {reason}")]
    Report {
        /// Why.
        reason: String,
    },
    /// The database does not answer, or ended the connection.
    #[error("the database does not answer")]
    Silent,
    /// The database of conventions.
    #[error(transparent)]
    Database(#[from] crate::db::DbError),
    /// Accepted CAs and revocation lists.
    #[error(transparent)]
    Pki(#[from] crate::pki::PkiError),
}

/// Terms of use that are put round the shared bytes for each client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Convention identifier.
    pub convention: String,
    /// Partner name.
    pub partner: String,
    /// Purposes, for humans, French.
    pub purposes: String,
    /// Last day, ISO 8601.
    pub until: String,
    /// Access constraints, French.
    pub constraints_fr: String,
    /// Access constraints, English.
    pub constraints_en: String,
    /// What the data cost, French; empty: nothing.
    pub fees_fr: String,
    /// What the data cost, English; empty: nothing.
    pub fees_en: String,
    /// A number that is equal for equal terms: what is cached or counted as unchanged must say the same.
    pub id: u64,
}

impl Terms {
    /// Access constraints in one of the two languages.
    pub fn constraints(&self, french: bool) -> &str {
        if french { &self.constraints_fr } else { &self.constraints_en }
    }

    /// What the data cost in one of the two languages.
    pub fn fees(&self, french: bool) -> &str {
        if french { &self.fees_fr } else { &self.fees_en }
    }
}
