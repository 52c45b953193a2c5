//! Who may see what: registry, identity, scope, quotas, access record.
//!
//! A convention (a signed contract) is the unit of authority. It is the only maker of [`Scoped`], and the store executes
//! nothing else.

pub mod holder;
pub mod record;
pub mod registry;
pub mod scope;

pub use holder::Holder;
pub use record::{Close, Open, Permit, Recorder};
pub use registry::{Convention, Identity, Registry};
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
}
