//! A PostgreSQL cluster of one's own, for the demonstration and for tests.
//!
//! No TCP port, no password: a Unix socket in a folder that the calling user alone may enter, and `peer` authentication
//! with a map that lets this user connect as every role. Writes are as safe as in production (`fsync` on).
//!
//! A folder belongs to one process at a time (a lock that ends with the process). What a killed process left running is
//! stopped in order before the cluster starts again, so that no forgotten session holds a lock or writes on.

mod place;
mod programs;

pub use place::{Place, write_whole};
pub use programs::{Account, OLDEST, Programs};

use crate::config::Database;
use crate::db::Role;
use crate::db::migrate::Admin;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Name of the superuser.
const SUPERUSER: &str = "postgres";
/// Settings that are written anew at each start.
const SETTINGS: &str = "seuil.conf";

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// PostgreSQL is not installed, or too old.
    #[error(
        "no PostgreSQL >= {OLDEST} found in /usr/lib/postgresql or on the search path; on Debian and Ubuntu: apt-get install postgresql postgresql-postgis"
    )]
    NoPostgres,
    /// PostGIS is not installed.
    #[error(
        "PostgreSQL {version} has no PostGIS; on Debian and Ubuntu: apt-get install postgresql-{version}-postgis-3"
    )]
    NoPostgis {
        /// Major version.
        version: u32,
    },
    /// The calling user has no name.
    #[error("the user {uid} has no entry in the user database, which PostgreSQL needs")]
    NoUser {
        /// User number.
        uid: u32,
    },
    /// Root finds nobody to lower itself to.
    #[error("PostgreSQL refuses root, and there is neither a user postgres nor a user nobody")]
    NoAccount,
    /// No folder that the account can reach.
    #[error("the account of the cluster reaches neither {home} nor /var/lib, /var/tmp, /tmp")]
    NoPlace {
        /// The folder that was named.
        home: PathBuf,
    },
    /// Another process uses the folder.
    #[error("another process is using {folder}: end it first")]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The cluster was made by another version.
    #[error(
        "the cluster in {data} belongs to PostgreSQL {has}, installed is {installed}; remove the folder to begin anew"
    )]
    Version {
        /// Data directory.
        data: PathBuf,
        /// Version that made it.
        has: String,
        /// Version that is there.
        installed: u32,
    },
    /// A program ended badly.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: String,
        /// What it said, or the end of the server's log.
        output: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    account: Account,
    place: Place,
    socket: PathBuf,
    running: bool,
    _lock: Flock<File>,
}

impl Cluster {
    /// Starts the cluster of a folder, and makes it first when there is none. Blocks: a few seconds the first time.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn start(folder: &Path) -> Result<Cluster, ClusterError> {
        let programs = programs::find()?;
        let account = Account::choose()?;
        let place = Place::find(folder, &account)?;
        let lock = lock(&place.home)?;
        if !place.data().join("PG_VERSION").is_file() {
            create(&programs, &account, &place)?;
        }
        check_version(&programs, &place)?;
        let mut cluster = Cluster { programs, account, socket: PathBuf::new(), place, running: false, _lock: lock };
        cluster.end_orphan()?;
        cluster.socket = cluster.place.socket_folder(&cluster.account)?;
        cluster.configure()?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// How the two databases are reached: `seuil_source` and `seuil_serving`; the user is left to the role.
    pub fn database(&self) -> Database {
        Database { source: self.string("seuil_source"), serving: self.string("seuil_serving"), ..Database::default() }
    }

    /// Connection string of any database of the cluster, without a user.
    pub fn string(&self, dbname: &str) -> String {
        // The folder of the socket holds no character that would need quoting.
        format!("host={} port=5432 dbname={dbname}", self.socket.display())
    }

    /// The superuser, for migrations.
    pub fn admin(&self) -> Admin {
        Admin { user: SUPERUSER.to_owned(), password: None }
    }

    /// Folder of the socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where the cluster lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Number of the server's main process.
    pub fn pid(&self) -> Option<i32> {
        running(&self.place.data())
    }

    /// Stops the server in order: sessions end, everything is on the disk.
    ///
    /// # Errors
    /// [`ClusterError::Program`].
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.shut()
    }

    /// Stops the server and removes all of it.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn destroy(mut self) -> Result<(), ClusterError> {
        self.shut()?;
        self.place.remove()
    }

    fn shut(&mut self) -> Result<(), ClusterError> {
        if !std::mem::take(&mut self.running) {
            return Ok(());
        }
        let outcome = self.halt();
        if !self.socket.starts_with(self.place.data()) {
            // Nothing is lost with it; the next start makes another.
            let _ = std::fs::remove_dir_all(&self.socket);
        }
        outcome
    }

    fn control(&self) -> Command {
        let mut command = self.programs.command("pg_ctl", &self.account);
        command.arg("-D").arg(self.place.data());
        command
    }

    fn halt(&self) -> Result<(), ClusterError> {
        let fast = run("pg_ctl", self.control().args(["stop", "-m", "fast", "-w", "-t", "60", "-s"]));
        match fast {
            Err(_) if running(&self.place.data()).is_some() => {
                run("pg_ctl", self.control().args(["stop", "-m", "immediate", "-w", "-t", "30", "-s"]))
            }
            _ => Ok(()),
        }
    }

    /// Stops what an earlier process left behind.
    fn end_orphan(&self) -> Result<(), ClusterError> {
        let data = self.place.data();
        if running(&data).is_some() {
            tracing::info!(data = %data.display(), "stopping the cluster that an earlier run left running");
            return self.halt();
        }
        // A file of a server that is no more could name a number that now belongs to another process.
        let file = data.join("postmaster.pid");
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(ClusterError::Io { path: file, source: e }),
            _ => Ok(()),
        }
    }

    fn configure(&self) -> Result<(), ClusterError> {
        let data = self.place.data();
        let caller = programs::caller()?.name;
        let mut settings = String::from("# Written at each start.\n");
        let memory = shared_memory_works();
        let _ = write!(
            settings,
            "listen_addresses = ''\n\
             port = 5432\n\
             unix_socket_directories = '{}'\n\
             unix_socket_permissions = 0700\n\
             max_connections = 120\n\
             shared_buffers = '256MB'\n\
             work_mem = '32MB'\n\
             maintenance_work_mem = '256MB'\n\
             max_wal_size = '4GB'\n\
             checkpoint_timeout = '15min'\n\
             wal_compression = on\n\
             random_page_cost = 1.1\n\
             jit = off\n\
             dynamic_shared_memory_type = {}\n\
             log_line_prefix = '%m [%p] %q%u@%d '\n\
             log_checkpoints = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n",
            self.socket.display(),
            if memory { "posix" } else { "mmap" },
        );
        let mut map = String::from("# map  system user  database role\n");
        let mut allow = |user: &str| {
            for role in Role::ALL.iter().map(|r| r.name()).chain([SUPERUSER]) {
                let _ = writeln!(map, "seuil \"{user}\" {role}");
            }
        };
        allow(&caller);
        if self.account.name != caller {
            allow(&self.account.name);
        }
        for (name, content) in [
            (SETTINGS, settings.as_str()),
            (
                "pg_hba.conf",
                "# type  database  user  method\nlocal all all peer map=seuil\nlocal replication all peer map=seuil\n",
            ),
            ("pg_ident.conf", map.as_str()),
        ] {
            let path = data.join(name);
            write_whole(&path, content.as_bytes())?;
            self.account.own(&path)?;
        }
        Ok(())
    }

    fn launch(&mut self) -> Result<(), ClusterError> {
        let log = self.place.log();
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let begin = std::fs::metadata(&log).map_or(0, |m| m.len());
            let mut command = self.control();
            command.args(["start", "-w", "-t", "600", "-s", "-l"]).arg(&log);
            match run("pg_ctl", &mut command) {
                Ok(()) => {
                    self.running = true;
                    return Ok(());
                }
                Err(ClusterError::Program { program, status, .. }) => {
                    let text = std::fs::read(&log).unwrap_or_default();
                    let said = String::from_utf8_lossy(text.get(begin as usize..).unwrap_or_default()).into_owned();
                    // The sessions of a server that was killed need a moment to see that it is gone.
                    if said.contains("shared memory block") && Instant::now() < patience {
                        std::thread::sleep(Duration::from_millis(300));
                        continue;
                    }
                    return Err(ClusterError::Program { program, status, output: said });
                }
                Err(other) => return Err(other),
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(e) = self.shut() {
            tracing::error!(error = %e, "the cluster did not stop");
        }
    }
}

/// One process a folder.
fn lock(home: &Path) -> Result<Flock<File>, ClusterError> {
    let path = home.join("pg.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| ClusterError::Io { path: path.clone(), source })?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(ClusterError::Locked { folder: home.to_owned() }),
        Err((_, errno)) => Err(ClusterError::Io { path, source: errno.into() }),
    }
}

/// Makes a new cluster beside its place and renames it: a folder `pg` is always whole.
fn create(programs: &Programs, account: &Account, place: &Place) -> Result<(), ClusterError> {
    let draft = place.draft(account)?;
    let init = |locale: &str| {
        let mut command = programs.command("initdb", account);
        command.arg("-D").arg(&draft).args(["-U", SUPERUSER, "-E", "UTF8", "--data-checksums", "--auth=peer"]);
        command.arg(format!("--locale={locale}"));
        run("initdb", &mut command)
    };
    // C.UTF-8 orders by code point and knows letters; systems without it have at least C.
    if init("C.UTF-8").is_err() {
        place.draft(account)?;
        init("C")?;
    }
    let path = draft.join("postgresql.conf");
    let io = |source| ClusterError::Io { path: path.clone(), source };
    let mut file = File::options().append(true).open(&path).map_err(io)?;
    std::io::Write::write_all(&mut file, format!("\ninclude_if_exists '{SETTINGS}'\n").as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    place.adopt(&draft)
}

fn check_version(programs: &Programs, place: &Place) -> Result<(), ClusterError> {
    let path = place.data().join("PG_VERSION");
    let has = std::fs::read_to_string(&path).map_err(|source| ClusterError::Io { path, source })?;
    let has = has.trim();
    if has == programs.version.to_string() {
        return Ok(());
    }
    Err(ClusterError::Version { data: place.data(), has: has.to_owned(), installed: programs.version })
}

/// Number of the main process of the server of a data directory. A number alone proves nothing: it may have been given
/// to another process since; the main process of a server works in its data directory.
fn running(data: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    let there = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (kill(Pid::from_raw(pid), None).is_ok() && there == data.canonicalize().ok()?).then_some(pid)
}

/// True when /dev/shm is there and roomy: containers often give 64 MB, too little for parallel queries.
fn shared_memory_works() -> bool {
    nix::sys::statvfs::statvfs("/dev/shm").is_ok_and(|s| s.blocks_available() * s.fragment_size() >= 512 * 1024 * 1024)
}

/// Runs a program to its end. Its output goes into a file, not a pipe: a server that it starts would keep a pipe open.
fn run(program: &'static str, command: &mut Command) -> Result<(), ClusterError> {
    let io = |source| ClusterError::Io { path: PathBuf::from(program), source };
    let mut output = tempfile::tempfile().map_err(io)?;
    command.stdout(Stdio::from(output.try_clone().map_err(io)?));
    command.stderr(Stdio::from(output.try_clone().map_err(io)?));
    let status = command.status().map_err(io)?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    let _ = std::io::Seek::rewind(&mut output);
    let _ = std::io::Read::read_to_string(&mut output, &mut text);
    Err(ClusterError::Program { program, status: status.to_string(), output: text.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    fn query(cluster: &Cluster, user: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let string = format!("{} user={user}", cluster.string("postgres"));
        runtime.block_on(async move {
            let (client, connection) = tokio_postgres::connect(&string, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            let rows = client.simple_query(sql).await?;
            Ok(rows
                .iter()
                .find_map(|m| match m {
                    tokio_postgres::SimpleQueryMessage::Row(r) => r.get(0).map(str::to_owned),
                    _ => None,
                })
                .unwrap_or_default())
        })
    }

    #[test]
    fn survives_kills_and_keeps_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(folder.path()).unwrap();
        assert_eq!(query(&cluster, SUPERUSER, "SHOW fsync").unwrap(), "on");
        assert_eq!(query(&cluster, SUPERUSER, "SHOW listen_addresses").unwrap(), "");
        query(&cluster, SUPERUSER, "CREATE TABLE kept AS SELECT 42 AS n").unwrap();
        query(&cluster, SUPERUSER, "CREATE ROLE seuil_server LOGIN").unwrap();
        assert_eq!(query(&cluster, "seuil_server", "SELECT current_user").unwrap(), "seuil_server");
        assert!(query(&cluster, "somebody", "SELECT 1").is_err());

        // One process a folder.
        assert!(matches!(Cluster::start(folder.path()), Err(ClusterError::Locked { .. })));

        // Killed seuil: the lock ends, the server runs on; the next start takes over.
        let orphan = cluster.pid().unwrap();
        let forgotten = std::mem::ManuallyDrop::new(cluster);
        nix::unistd::close(std::os::fd::AsRawFd::as_raw_fd(&*forgotten._lock)).unwrap();
        let cluster = Cluster::start(folder.path()).unwrap();
        assert_ne!(cluster.pid(), Some(orphan));
        assert_eq!(query(&cluster, SUPERUSER, "SELECT n FROM kept").unwrap(), "42");

        // Killed server: recovered.
        kill(Pid::from_raw(cluster.pid().unwrap()), Signal::SIGKILL).unwrap();
        cluster.stop().unwrap();
        let cluster = Cluster::start(folder.path()).unwrap();
        assert_eq!(query(&cluster, SUPERUSER, "SELECT n FROM kept").unwrap(), "42");

        // A file that names a process of somebody else: not touched.
        let data = cluster.place().data();
        let base = cluster.place().base.clone();
        cluster.stop().unwrap();
        std::fs::write(data.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        let cluster = Cluster::start(folder.path()).unwrap();
        assert_eq!(query(&cluster, SUPERUSER, "SELECT n FROM kept").unwrap(), "42");
        cluster.destroy().unwrap();
        assert!(!data.exists() && (base == folder.path() || !base.exists()));
    }

    #[test]
    fn half_made_clusters_are_begun_anew_and_long_paths_work() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("un dossier, très profond".repeat(6));
        let account = Account::choose().unwrap();
        let place = Place::find(&deep, &account).unwrap();
        // What a kill in the middle of initdb leaves.
        let draft = place.draft(&account).unwrap();
        std::fs::write(draft.join("PG_VERSION"), "1").unwrap();
        let cluster = Cluster::start(&deep).unwrap();
        assert_eq!(query(&cluster, SUPERUSER, "SELECT 1").unwrap(), "1");
        assert!(!draft.exists());
        cluster.destroy().unwrap();
    }
}
