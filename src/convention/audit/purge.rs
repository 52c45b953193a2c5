//! `seuil journal purge`: records past their retention go, and that they went is verified.

use super::{Result, fail};
use crate::convention::ConventionError;
use jiff::civil::Date;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio_postgres::Client;

/// What a purge of records did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Partitions dropped.
    pub partitions: Vec<String>,
    /// Rows that were in them.
    pub rows: i64,
    /// Rows older than the month of the limit that are still there: 0, or the purge has failed.
    pub left: i64,
}

/// Drops the months of records that lie wholly before a day, as the owner, and counts what is left of them. With `dry`,
/// everything is undone again.
///
/// # Errors
/// [`ConventionError::Database`].
pub async fn records(client: &mut Client, before: Date, dry: bool) -> Result<Purged> {
    let doing = fail("purging the journal");
    let month = before.first_of_month().to_string();
    let transaction = client.transaction().await.map_err(doing)?;
    let rows = "SELECT (SELECT count(*) FROM journal.acces WHERE ouvert_le < $1::text::date AT TIME ZONE 'UTC')
                     + (SELECT count(*) FROM journal.fin WHERE ferme_le < $1::text::date AT TIME ZONE 'UTC')
                     + (SELECT count(*) FROM journal.refus WHERE refuse_le < $1::text::date AT TIME ZONE 'UTC')";
    let held: i64 = transaction.query_one(rows, &[&month]).await.map_err(doing)?.get(0);
    let partitions = transaction
        .query("SELECT * FROM journal.purger($1::text::date)", &[&before.to_string()])
        .await
        .map_err(doing)?
        .iter()
        .map(|r| r.get(0))
        .collect();
    let left: i64 = transaction.query_one(rows, &[&month]).await.map_err(doing)?.get(0);
    match dry {
        true => transaction.rollback().await.map_err(doing)?,
        false => transaction.commit().await.map_err(doing)?,
    }
    Ok(Purged { partitions, rows: held - left, left })
}

/// Removes files of a folder with one of these extensions that were last written before an age; gives those that went.
/// Verified: none of them is there afterwards.
///
/// # Errors
/// [`ConventionError::File`].
pub fn files(dir: &Path, extensions: &[&str], age: Duration, dry: bool) -> Result<Vec<PathBuf>> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| ConventionError::File { path, source }
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(file(dir)(e)),
    };
    let limit = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut gone = Vec::new();
    for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
        let named = path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e));
        let old = std::fs::metadata(&path).and_then(|m| m.modified()).is_ok_and(|m| m < limit);
        if named && old {
            if !dry {
                std::fs::remove_file(&path).map_err(file(&path))?;
                if path.exists() {
                    return Err(file(&path)(std::io::Error::other("it is still there")));
                }
            }
            gone.push(path);
        }
    }
    gone.sort();
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_files_of_their_kind_go_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv", "c.txt"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let old = SystemTime::now() - Duration::from_secs(10_000);
        for name in ["a.csv", "c.txt"] {
            std::fs::File::options().write(true).open(dir.path().join(name)).unwrap().set_modified(old).unwrap();
        }
        let age = Duration::from_secs(5000);
        assert_eq!(files(dir.path(), &["csv"], age, true).unwrap(), [dir.path().join("a.csv")]);
        assert!(dir.path().join("a.csv").exists());
        assert_eq!(files(dir.path(), &["csv"], age, false).unwrap().len(), 1);
        assert!(!dir.path().join("a.csv").exists() && dir.path().join("b.csv").exists());
        assert!(files(&dir.path().join("none"), &["csv"], age, false).unwrap().is_empty());
    }
}
