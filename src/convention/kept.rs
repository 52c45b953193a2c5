//! The registry as it was last confirmed, on disk: for a server that starts while the database is away.
//!
//! The time of the file is the time of the last confirmation; `registry_max_age` counts from there, across restarts.

use super::Rows;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const FILE: &str = "registre.json";

/// Writes it, for the server alone (0600), renamed into place.
pub(super) fn write(state: &Path, rows: &Rows) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::create_dir_all(state)?;
    let fresh = state.join(format!("{FILE}.neuf"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec(rows)?)?;
    file.sync_all()?;
    std::fs::rename(&fresh, state.join(FILE))
}

/// Notes that the database confirmed it again.
pub(super) fn touch(state: &Path) {
    let done = std::fs::File::options().append(true).open(state.join(FILE));
    if let Err(e) = done.and_then(|f| f.set_modified(SystemTime::now())) {
        tracing::debug!(error = %e, "kept registry not marked as confirmed");
    }
}

/// Reads it, with the time (milliseconds since 1970) of its last confirmation. A file of the future counts as of now.
pub(super) fn read(state: &Path, now: i64) -> Option<(Rows, i64)> {
    let path = state.join(FILE);
    let modified = std::fs::metadata(&path).and_then(|m| m.modified()).ok()?;
    let confirmed = i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?.min(now);
    let bytes = std::fs::read(&path).ok()?;
    match serde_json::from_slice(&bytes) {
        Ok(rows) => Some((rows, confirmed)),
        Err(e) => {
            tracing::warn!(path = %path.display(), error = %e, "kept registry cannot be read; the database is needed");
            None
        }
    }
}
