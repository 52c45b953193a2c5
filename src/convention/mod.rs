//! Who may see what: registry, identity, scope, quotas, access record.
//!
//! A convention (a signed contract) is the unit of authority. It is the only maker of [`Scoped`], and the store executes
//! nothing else.

pub mod record;
pub mod registry;
pub mod scope;

pub use record::{Close, Open, Permit, Recorder};
pub use registry::{Convention, Identity, Registry};
pub use scope::{Access, Operation, Scoped, Territory};

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
