//! What has been imported, and the removal of what nobody uses any more.

use super::error::ImportError;
use crate::config::Config;
use crate::db::{self, DbError, Role, Which};
use std::time::SystemTime;

/// One import.
#[derive(Debug, Clone, PartialEq)]
pub struct Lot {
    /// Number.
    pub lot: i64,
    /// Source, e.g. `rpls`.
    pub source: String,
    /// Vintage.
    pub millesime: i32,
    /// Version within source and vintage.
    pub version: i32,
    /// `complet`, `purge` or `chargement` (left behind by hand-made data).
    pub state: String,
    /// Name of the file.
    pub file: String,
    /// Lines or features read.
    pub lines: Option<i64>,
    /// Of these, rejected.
    pub rejects: Option<i64>,
    /// When it became complete.
    pub end: Option<SystemTime>,
    /// True when the next publication would use it.
    pub current: bool,
    /// Publications that were computed from it.
    pub publications: Vec<i64>,
}

/// All lots, oldest first.
///
/// # Errors
/// [`ImportError::Db`].
pub async fn list(config: &Config) -> Result<Vec<Lot>, ImportError> {
    let client = db::connect(&config.database, Which::Source, Role::Importer).await?;
    let rows = client
        .query(
            "SELECT l.lot, l.source, l.millesime, l.version, l.etat, l.fichier, l.lignes, l.rejets, l.fin,
                    EXISTS (SELECT FROM import.courant c WHERE c.lot = l.lot),
                    array(SELECT e.publication FROM import.emploi e WHERE e.lot = l.lot ORDER BY 1)
             FROM import.lot l ORDER BY l.lot",
            &[],
        )
        .await
        .map_err(|source| DbError::Statement { doing: "listing the lots", source })?;
    Ok(rows
        .into_iter()
        .map(|r| Lot {
            lot: r.get(0),
            source: r.get(1),
            millesime: r.get(2),
            version: r.get(3),
            state: r.get(4),
            file: r.get(5),
            lines: r.get(6),
            rejects: r.get(7),
            end: r.get(8),
            current: r.get(9),
            publications: r.get(10),
        })
        .collect())
}

/// Removes the rows of a lot that no publication uses; its record stays. The newest version of a vintage goes only with
/// `current`: the former version is then the newest again. The database verifies that no row is left. Gives the number of
/// rows removed.
///
/// # Errors
/// [`ImportError::Db`] with the reason when the lot may not go.
pub async fn purge(config: &Config, lot: i64, current: bool) -> Result<i64, ImportError> {
    let client = db::connect(&config.database, Which::Source, Role::Importer).await?;
    let row = client
        .query_one("SELECT import.purger($1, $2)", &[&lot, &current])
        .await
        .map_err(|source| DbError::Statement { doing: "purging the lot", source })?;
    Ok(row.get(0))
}
