//! The one demonstration that all tests use, and what they need to know of it.

use crate::client::Client;
use seuil::config::Config;
use seuil::db::{Role, Which};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

pub struct Portal {
    /// Data folder of the demonstration.
    pub dir: PathBuf,
    /// `127.0.0.1:port`.
    pub address: String,
    /// Configuration that the demonstration wrote: database strings in it.
    pub config: Config,
    /// Must-have cases: what the generator calls them, and which keys they are.
    pub cases: serde_json::Value,
    child: Mutex<Option<Child>>,
}

impl Portal {
    /// Boots the demonstration once.
    pub fn boot() -> &'static Portal {
        static PORTAL: OnceLock<Portal> = OnceLock::new();
        PORTAL.get_or_init(|| {
            let dir = match std::env::var_os("SEUIL_TEST_DIR") {
                Some(dir) => PathBuf::from(dir),
                None => PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("portal-{}", std::process::id())),
            };
            std::fs::create_dir_all(&dir).expect("test folder");
            let begun = Instant::now();
            let mut child = Command::new(env!("CARGO_BIN_EXE_seuil"))
                .args(["--log", "warn", "demo", "--scale", "0.05", "--listen", "127.0.0.1:0"])
                .args(["--operations", "127.0.0.1:0", "--data"])
                .arg(&dir)
                .stdout(Stdio::piped())
                .spawn()
                .expect("the demonstration starts");
            let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
            let address = loop {
                let line = lines.next().expect("the demonstration ended before it was ready").expect("stdout");
                eprintln!("  {line}");
                if let Some(address) = line.strip_prefix("ready https://") {
                    break address.to_owned();
                }
            };
            // Keeps the pipe drained.
            std::thread::spawn(move || lines.for_each(drop));
            eprintln!("demonstration ready in {:.1} s", begun.elapsed().as_secs_f64());
            let config = Config::read(&dir.join("seuil.toml")).expect("configuration of the demonstration");
            let cases = std::fs::read(dir.join("source/cas.json")).expect("cas.json");
            let cases = serde_json::from_slice(&cases).expect("cas.json");
            Portal { dir, address, config, cases, child: Mutex::new(Some(child)) }
        })
    }

    /// Ends the demonstration and all that it started.
    pub fn stop(&self) {
        let Some(mut child) = self.child.lock().expect("child").take() else { return };
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let begun = Instant::now();
        while child.try_wait().ok().flatten().is_none() {
            if begun.elapsed() > Duration::from_secs(40) {
                let _ = child.kill();
                panic!("the demonstration did not end on SIGTERM");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if std::env::var_os("SEUIL_TEST_DIR").is_none() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }

    /// A client with the certificate of a convention.
    pub fn client(&self, convention: &str) -> Client {
        let pki = self.dir.join("pki");
        let own = pki.join(convention);
        Client::new(&self.address, &pki.join("ca.pem"), Some((&own.join("client.pem"), &own.join("client.key"))))
    }

    /// A client without a certificate.
    pub fn nobody(&self) -> Client {
        Client::new(&self.address, &self.dir.join("pki/ca.pem"), None)
    }

    /// Runs SQL as a role and gives the rows as text; the error's text when it fails.
    pub fn sql(&self, which: Which, role: Role, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let client =
                seuil::db::connect(&self.config.database, which, role).await.map_err(|e| format!("{e} {e:?}"))?;
            let messages = client.simple_query(sql).await.map_err(|e| match e.as_db_error() {
                Some(db) => db.message().to_owned(),
                None => e.to_string(),
            })?;
            Ok(messages
                .into_iter()
                .filter_map(|m| match m {
                    tokio_postgres::SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
                    }
                    _ => None,
                })
                .collect())
        })
    }

    /// Published identifier of the first residence of a must-have case.
    pub fn case(&self, name: &str) -> String {
        let key = self.cases["cas"][name]["residences"][0]["id_residence"].as_str().expect("the case exists");
        self.surrogates().get(key).unwrap_or_else(|| panic!("{name}: residence {key} has no identifier")).clone()
    }

    /// Published identifiers by the metropolis's own residence keys.
    pub fn surrogates(&self) -> &'static HashMap<String, String> {
        static MAP: OnceLock<HashMap<String, String>> = OnceLock::new();
        MAP.get_or_init(|| {
            self.sql(Which::Source, Role::Publisher, "SELECT cle, id FROM plan.ident")
                .expect("surrogates")
                .into_iter()
                .filter_map(|r| match r.as_slice() {
                    [Some(key), Some(id)] => Some((key.clone(), id.clone())),
                    _ => None,
                })
                .collect()
        })
    }
}

/// A state folder for a second server on the same database: it signs the heads of the journal with the same key, so that who
/// verifies the journal of this portal needs no other.
pub fn state_beside(config: &Config, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).expect("state");
    for key in ["journal.key", "journal.pub"] {
        std::fs::copy(config.server.state.join(key), folder.join(key)).expect("key of the journal");
    }
    folder.to_owned()
}
