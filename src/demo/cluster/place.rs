//! Where the cluster lies: below the given folder, or elsewhere when the account cannot reach that.

use super::ClusterError;
use super::programs::Account;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes of a socket's path that Linux takes (`sun_path` is 108 with its end).
const LONGEST: usize = 107;
/// Name of the socket inside its folder.
pub const SOCKET: &str = ".s.PGSQL.5432";
/// File in the given folder that says where the cluster was moved to.
const MOVED: &str = "pg.path";
/// Name of the folder that a cluster is prepared in.
const DRAFT: &str = "pg.new";

/// Folders of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder that the user named.
    pub home: PathBuf,
    /// Folder that holds `pg`; the home unless that is closed to the account.
    pub base: PathBuf,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ClusterError {
    let path = path.to_owned();
    move |source| ClusterError::Io { path, source }
}

impl Place {
    /// The place of the cluster of a folder; makes folders as needed.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn find(home: &Path, account: &Account) -> Result<Place, ClusterError> {
        std::fs::create_dir_all(home).map_err(io(home))?;
        let home = home.canonicalize().map_err(io(home))?;
        let record = home.join(MOVED);
        if let Ok(text) = std::fs::read_to_string(&record) {
            let base = PathBuf::from(text.trim_end_matches('\n'));
            if base.is_dir() && account.reaches(&base) {
                return Ok(Place { home, base });
            }
            // Gone (a cleared /tmp) or closed: begin anew.
        } else if account.reaches(&home) {
            return Ok(Place { base: home.clone(), home });
        }
        let base = ["/var/lib", "/var/tmp", "/tmp"]
            .iter()
            .map(Path::new)
            .filter(|p| account.reaches(p))
            .find_map(|p| tempfile::Builder::new().prefix("seuil-").rand_bytes(8).tempdir_in(p).ok())
            .ok_or_else(|| ClusterError::NoPlace { home: home.clone() })?
            .keep();
        std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o711)).map_err(io(&base))?;
        write_whole(&record, base.as_os_str().as_bytes())?;
        Ok(Place { home, base })
    }

    /// Data directory of the cluster.
    pub fn data(&self) -> PathBuf {
        self.base.join("pg")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.data().join("server.log")
    }

    /// Clears away what an interrupted preparation left, and makes an empty folder for a new one.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn draft(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let draft = self.base.join(DRAFT);
        if draft.exists() {
            std::fs::remove_dir_all(&draft).map_err(io(&draft))?;
        }
        std::fs::DirBuilder::new().mode(0o700).create(&draft).map_err(io(&draft))?;
        account.own(&draft)?;
        Ok(draft)
    }

    /// Makes a draft the cluster: one rename, on the disk when this returns.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn adopt(&self, draft: &Path) -> Result<(), ClusterError> {
        let data = self.data();
        std::fs::rename(draft, &data).map_err(io(&data))?;
        std::fs::File::open(&self.base).and_then(|d| d.sync_all()).map_err(io(&self.base))
    }

    /// A folder for the socket: below the data, unless the path were too long or odd for PostgreSQL's list of folders.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn socket_folder(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let inside = self.data().join("run");
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-".contains(b);
        let bytes = inside.as_os_str().as_bytes();
        let folder = if bytes.len() + 1 + SOCKET.len() <= LONGEST && bytes.iter().all(plain) {
            std::fs::create_dir_all(&inside).map_err(io(&inside))?;
            inside
        } else {
            tempfile::Builder::new().prefix("seuil-").tempdir_in("/tmp").map_err(io(Path::new("/tmp")))?.keep()
        };
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(io(&folder))?;
        account.own(&folder)?;
        Ok(folder)
    }

    /// Removes everything that belongs to the cluster alone.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn remove(&self) -> Result<(), ClusterError> {
        let gone = if self.base == self.home { self.data() } else { self.base.clone() };
        if gone.exists() {
            std::fs::remove_dir_all(&gone).map_err(io(&gone))?;
        }
        let record = self.home.join(MOVED);
        if record.exists() {
            std::fs::remove_file(&record).map_err(io(&record))?;
        }
        Ok(())
    }
}

/// Writes a small file so that it is either whole or not there.
///
/// # Errors
/// [`ClusterError::Io`].
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), ClusterError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io(path))?;
    std::io::Write::write_all(&mut file, content).map_err(io(path))?;
    file.as_file().sync_all().map_err(io(path))?;
    file.persist(path).map_err(|e| ClusterError::Io { path: path.to_owned(), source: e.error })?;
    std::fs::File::open(folder).and_then(|d| d.sync_all()).map_err(io(folder))
}
