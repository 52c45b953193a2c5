//! The distribution's PostgreSQL and the account that may run it.

use super::ClusterError;
use nix::unistd::{Gid, Uid, User, geteuid};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version that is good enough.
pub const OLDEST: u32 = 15;

/// Programs of one PostgreSQL version.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Directory of `initdb`, `pg_ctl`, `postgres`.
    pub bin: PathBuf,
    /// Major version.
    pub version: u32,
}

/// Finds the newest PostgreSQL that has PostGIS: where Debian and Ubuntu put it, or on the search path.
///
/// # Errors
/// [`ClusterError::NoPostgres`], [`ClusterError::NoPostgis`].
pub fn find() -> Result<Programs, ClusterError> {
    let mut found: Vec<Programs> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| version(&entry.ok()?.path().join("bin")))
        .chain(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).filter_map(|p| version(&p)))
        .filter(|p| p.version >= OLDEST)
        .collect();
    found.sort_by_key(|p| std::cmp::Reverse(p.version));
    let newest = found.first().cloned().ok_or(ClusterError::NoPostgres)?;
    found.into_iter().find(Programs::has_postgis).ok_or(ClusterError::NoPostgis { version: newest.version })
}

/// What lies in a directory, if it is a PostgreSQL server.
fn version(bin: &Path) -> Option<Programs> {
    if !["initdb", "pg_ctl", "postgres"].iter().all(|p| bin.join(p).is_file()) {
        return None;
    }
    let out = Command::new(bin.join("postgres")).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    // `postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)`, `17rc1`
    let word = text.split_whitespace().nth(2)?;
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    Some(Programs { bin: bin.to_owned(), version: digits.parse().ok()? })
}

impl Programs {
    fn has_postgis(&self) -> bool {
        let debian = PathBuf::from(format!("/usr/share/postgresql/{}/extension/postgis.control", self.version));
        let asked = || {
            let out = Command::new(self.bin.join("pg_config")).arg("--sharedir").output().ok()?;
            let folder = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim().to_owned());
            Some(folder.join("extension/postgis.control"))
        };
        debian.is_file() || asked().is_some_and(|p| p.is_file())
    }

    /// A command of this version that runs as an account, in a directory that it can reach.
    pub fn command(&self, program: &str, account: &Account) -> Command {
        let mut command = Command::new(self.bin.join(program));
        account.apply(&mut command);
        command
    }
}

/// Who runs the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name.
    pub name: String,
    /// User.
    pub uid: Uid,
    /// Group.
    pub gid: Gid,
    /// True when it is not the calling user: root has to lower itself, because PostgreSQL refuses root.
    pub lowered: bool,
}

/// The calling user's name, as the system knows it.
///
/// # Errors
/// [`ClusterError::NoUser`].
pub fn caller() -> Result<User, ClusterError> {
    let uid = geteuid();
    User::from_uid(uid).ok().flatten().ok_or(ClusterError::NoUser { uid: uid.as_raw() })
}

impl Account {
    /// The calling user, or for root an account without rights.
    ///
    /// # Errors
    /// [`ClusterError::NoUser`], [`ClusterError::NoAccount`].
    pub fn choose() -> Result<Account, ClusterError> {
        let user = caller()?;
        if !user.uid.is_root() {
            return Ok(Account { name: user.name, uid: user.uid, gid: user.gid, lowered: false });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|n| User::from_name(n).ok().flatten())
            .map(|u| Account { name: u.name, uid: u.uid, gid: u.gid, lowered: true })
            .ok_or(ClusterError::NoAccount)
    }

    /// Makes a command run as this account.
    pub fn apply(&self, command: &mut Command) {
        if self.lowered {
            // With a user set, the standard library also drops root's supplementary groups.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGOPTIONS");
    }

    /// Gives it a file or folder.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn own(&self, path: &Path) -> Result<(), ClusterError> {
        if !self.lowered {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
            .map_err(|source| ClusterError::Io { path: path.to_owned(), source })
    }

    /// True when the account can enter a folder.
    pub fn reaches(&self, folder: &Path) -> bool {
        let mut command = Command::new("/bin/sh");
        self.apply(&mut command);
        command.args(["-c", "cd \"$1\"", "sh"]).arg(folder);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    }
}
