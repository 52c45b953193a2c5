//! What can go wrong with a whole file. What is wrong with single lines is in the report of rejects.

use crate::db::DbError;
use std::path::PathBuf;

/// Why a file was not imported. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The reading thread ended without a result.
    #[error("the import of {source_name} was interrupted")]
    Interrupted {
        /// Which source.
        source_name: &'static str,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}
