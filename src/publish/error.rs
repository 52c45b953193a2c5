//! What can stop a publication.

use crate::db::DbError;

/// Why there is no new publication. What was current stays current.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A database cannot be reached or a statement failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The steps are not there yet.
    #[error("publishing is not built yet")]
    NotBuilt,
}
