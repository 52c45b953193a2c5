//! Kills and revocations under load: no body without its record, none recorded twice, no right that outlives its end.
//!
//! Small versions run always; with `SEUIL_LONG` 100 revocations, and 10,000 requests over 20 kills and 5 stops of PostgreSQL
//! (on a demonstration of its own: the shared one must not lose its database).

use crate::Case;
use crate::client::{Client, Received};
use crate::portal::Portal;
use seuil::config::Config;
use seuil::convention::acts::{self, Act, Registration};
use seuil::convention::audit::verify;
use seuil::convention::record::seal;
use seuil::convention::revocations::{Local, Revocations};
use seuil::convention::words::{Purpose, Use};
use seuil::convention::{file, samples};
use seuil::db::{self, Role, Which};
use seuil::pki::{Authority, Issued, Request};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    ("a_right_that_ends_ends_within_a_second_on_open_connections", revoked_in_time),
    ("no_body_without_record_and_none_twice_over_kills", killed),
];

fn long() -> bool {
    std::env::var_os("SEUIL_LONG").is_some()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A runtime with connections as drafter and signer.
struct Desk<'a> {
    runtime: tokio::runtime::Runtime,
    config: &'a Config,
}

impl Desk<'_> {
    fn role(&self, role: Role) -> tokio_postgres::Client {
        self.runtime.block_on(db::connect(&self.config.database, Which::Serving, role)).expect("connection")
    }
}

fn desk(config: &Config) -> Desk<'_> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    Desk { runtime, config }
}

/// How a right ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Certificate,
    Suspension,
    Local,
}

/// Everything that there is, as GML: a body that lasts.
fn everything() -> String {
    let catalogue = seuil::catalogue::load_embedded().expect("catalogue");
    let names: Vec<String> = catalogue.layers().iter().map(|l| format!("({})", l.name)).collect();
    format!("/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES={}", names.join(""))
}

fn revoked_in_time(portal: &'static Portal) {
    let rounds = if long() { 100 } else { 3 };
    let desk = desk(&portal.config);
    let (drafter, signer) = (desk.role(Role::Drafter), desk.role(Role::Signer));
    let id = format!("endurance-{}", std::process::id());
    let text = samples::FILES.iter().find(|f| f.0 == "mel").expect("sample").1;
    let draft = file::parse("essai", &text.replace("id = \"mel\"", &format!("id = \"{id}\"")), None).expect("file");
    desk.runtime.block_on(acts::draft(&drafter, &draft)).expect("draft");
    desk.runtime.block_on(acts::sign(&signer, &id, None, None)).expect("signature");
    let pki = portal.dir.join("pki");
    let authority = Authority::open(&pki.join("ca.pem"), &pki.join("ca.key")).expect("CA");
    let folder = tempfile::tempdir().expect("folder");
    let big = everything();
    let mut slowest = [Duration::ZERO; 2];
    let mut issued = None;
    for round in 0..rounds {
        let end = [End::Certificate, End::Suspension, End::Local][round % 3];
        // A key that was revoked never counts again.
        if issued.is_none() {
            issued = Some(certify(&desk, &drafter, &authority, &id, folder.path()));
        }
        let Some(held) = &issued else { continue };
        let (pem, key) = (folder.path().join("client.pem"), folder.path().join("client.key"));
        let client = Client::new(&portal.address, &pki.join("ca.pem"), Some((&pem, &key)));
        let begun = Instant::now();
        while client.try_request("GET", "/whoami", &[], Vec::new()).map_or(true, |a| a.status != 200) {
            assert!(begun.elapsed() < Duration::from_secs(10), "round {round}: the certificate is not known");
            std::thread::sleep(Duration::from_millis(20));
        }
        let (ended, running) = (Mutex::new(None::<Instant>), AtomicBool::new(false));
        let (busy, download) = std::thread::scope(|scope| {
            let busy = scope.spawn(|| refused_after(&client, &ended));
            let download = scope.spawn(|| {
                let client = Client::new(&portal.address, &pki.join("ca.pem"), Some((&pem, &key)));
                broken_after(&client, &big, &ended, &running)
            });
            while !running.load(Ordering::Relaxed) && !download.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(50));
            match end {
                End::Certificate => {
                    let peer = &held.peer;
                    let act = acts::revoke(&drafter, &peer.issuer, &peer.key, "essai");
                    desk.runtime.block_on(act).expect("revocation");
                }
                End::Suspension => {
                    desk.runtime.block_on(acts::act(&signer, &id, Act::Suspend, "essai")).expect("suspension");
                }
                End::Local => {
                    let line = Local::Serial(held.peer.issuer, held.peer.serial.clone());
                    Revocations::append(&portal.config.server.state, &[line], "essai").expect("local revocation");
                }
            }
            *ended.lock().expect("moment") = Some(Instant::now());
            (busy.join().expect("busy connection"), download.join().expect("download"))
        });
        for (slow, took) in slowest.iter_mut().zip([busy, download]) {
            assert!(took <= Duration::from_secs(1), "round {round} ({end:?}): {took:?}");
            *slow = (*slow).max(took);
        }
        match end {
            End::Suspension => {
                desk.runtime.block_on(acts::act(&signer, &id, Act::Resume, "essai")).expect("resumption");
            }
            End::Certificate | End::Local => issued = None,
        }
    }
    println!("{rounds} rounds: refused after {:?} at most, download broken after {:?} at most", slowest[0], slowest[1]);
    desk.runtime.block_on(acts::act(&signer, &id, Act::Terminate, "essai")).expect("end");
}

fn certify(
    desk: &Desk<'_>,
    drafter: &tokio_postgres::Client,
    authority: &Authority,
    id: &str,
    folder: &Path,
) -> Issued {
    let request = Request { organisation: "Essai".into(), name: "essai".into(), days: 30, ..Request::default() };
    let issued = authority.issue(&request, now()).expect("certificate");
    let registration = Registration {
        convention: id.to_owned(),
        peer: issued.peer.clone(),
        usage: Use::Robot,
        holder: "essai".into(),
        purpose: Purpose::DiagnosticPartage,
        public_url: None,
    };
    desk.runtime.block_on(acts::register(drafter, &registration)).expect("registration");
    issued.write(&folder.join("client.pem"), &folder.join("client.key")).expect("files");
    issued
}

/// Asks without a pause on one connection until it is refused; gives the time since the right ended.
fn refused_after(client: &Client, ended: &Mutex<Option<Instant>>) -> Duration {
    let mut line = client.line();
    let begun = Instant::now();
    loop {
        let answer = line.get("/collections/parc_commune/items?f=json&limit=1");
        let at = *ended.lock().expect("moment");
        match (answer.status, at) {
            (403, Some(at)) => return at.elapsed(),
            // The server may be faster than this thread learns of the end.
            (403, None) => return Duration::ZERO,
            (200, _) if begun.elapsed() < Duration::from_secs(10) => {}
            (status, _) => panic!("status {status}: {}", answer.text()),
        }
    }
}

/// Reads a large body slowly, and at full speed once the right has ended; gives the time until it broke off.
fn broken_after(client: &Client, path: &str, ended: &Mutex<Option<Instant>>, running: &AtomicBool) -> Duration {
    let pace = |read: usize| {
        running.fetch_or(read > 0, Ordering::Relaxed);
        if ended.lock().expect("moment").is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let received = client.receive(path, Some(32 << 10), pace).expect("the download begins");
    assert_eq!(received.status, 200);
    let took = ended.lock().expect("moment").map_or(Duration::ZERO, |at| at.elapsed());
    assert!(!received.complete, "the whole body of {} bytes came through", received.body.len());
    took
}

/// A server of its own beside a demonstration's: other state, other port, same database.
struct Server {
    file: PathBuf,
    child: Option<Child>,
    address: String,
    log: PathBuf,
}

impl Server {
    fn new(config: &Config, folder: &Path) -> Server {
        let port = || {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
            socket.local_addr().expect("address")
        };
        let mut config = config.clone();
        config.server.state = crate::portal::state_beside(&config, &folder.join("state"));
        config.server.listen = port();
        config.server.operations = port();
        let file = folder.join("seuil.toml");
        std::fs::write(&file, toml::to_string(&config).expect("TOML")).expect("configuration");
        let address = config.server.listen.to_string();
        Server { file, child: None, address, log: folder.join("log") }
    }

    fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).expect("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_seuil"))
            .args(["--log", "warn,seuil::access=error", "--config"])
            .arg(&self.file)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        match lines.next() {
            Some(Ok(line)) if line.starts_with("ready") => {}
            other => panic!("{other:?}: {}", std::fs::read_to_string(&self.log).unwrap_or_default()),
        }
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("SIGKILL");
            let _ = child.wait();
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the clients of a run have received: identifier ▶ (the whole body's hash when it came whole).
type Ledger = HashMap<String, Option<String>>;

const PATHS: [&str; 6] = [
    "/collections/parc_commune/items?f=json&limit=20",
    "/collections/parc_residence/items?f=json&limit=10000",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_iris",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_residence_evolution",
    "/collections/occupation_iris/items?f=csv",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_qpv&OUTPUTFORMAT=application/json",
];

/// Asks until `wanted` answers with data have begun; notes each by the identifier in its headers.
fn clients(address: &str, pki: &Path, wanted: usize, count: &AtomicUsize, twice: &AtomicBool, ledger: &Mutex<Ledger>) {
    std::thread::scope(|scope| {
        for n in 0..4usize {
            scope.spawn(move || {
                let own = pki.join(["mel", "lille", "lomme", "bailleur"][n]);
                let identity = (own.join("client.pem"), own.join("client.key"));
                let client = Client::new(address, &pki.join("ca.pem"), Some((&identity.0, &identity.1)));
                let mut turn = n;
                while count.load(Ordering::Relaxed) < wanted {
                    turn += 1;
                    // A body of pictures has no identifier: only files count here.
                    let received = match client.receive(PATHS[turn % PATHS.len()], None, |_| ()) {
                        Ok(received) if received.status == 200 => received,
                        // Killed, starting, or refused because the record cannot be kept: no data.
                        _ => {
                            std::thread::sleep(Duration::from_millis(20));
                            continue;
                        }
                    };
                    let Received { body, complete, download, .. } = received;
                    let download = download.expect("every file names its download");
                    count.fetch_add(1, Ordering::Relaxed);
                    // Headers alone are no body.
                    if !body.is_empty() {
                        let hash = complete.then(|| format!("blake3:{}", blake3::hash(&body).to_hex()));
                        if ledger.lock().expect("ledger").insert(download, hash).is_some() {
                            twice.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
}

fn killed(portal: &'static Portal) {
    if long() {
        let own = tempfile::Builder::new().prefix("seuil-endurance").tempdir_in("/var/tmp").expect("folder");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(own.path(), open).expect("rights");
        let alone = Alone::start(own.path());
        run(&alone.config, &own.path().join("pki"), 10_000, 20, Some((&alone, 5)));
    } else {
        run(&portal.config, &portal.dir.join("pki"), 150, 3, None);
    }
}

fn run(config: &Config, pki: &Path, wanted: usize, kills: usize, outages: Option<(&Alone, usize)>) {
    let folder = tempfile::tempdir().expect("folder");
    let mut server = Server::new(config, folder.path());
    server.start();
    let (count, twice, ledger) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Ledger::new()));
    let address = server.address.clone();
    std::thread::scope(|scope| {
        let working = scope.spawn(|| clients(&address, pki, wanted, &count, &twice, &ledger));
        let stops = outages.map_or(0, |o| o.1);
        for kill in 1..=kills {
            let due = wanted * kill / (kills + 1);
            while count.load(Ordering::Relaxed) < due && !working.is_finished() {
                std::thread::sleep(Duration::from_millis(2));
            }
            // Each fourth kill falls into a time without PostgreSQL: the server starts from its own files.
            let outage = outages.filter(|_| stops > 0 && kill % (kills / stops) == 0).map(|o| o.0);
            if let Some(alone) = outage {
                alone.stop_postgres();
                std::thread::sleep(Duration::from_millis(700));
            }
            server.kill();
            server.start();
            if let Some(alone) = outage {
                std::thread::sleep(Duration::from_millis(1500));
                alone.start_postgres();
            }
        }
        working.join().expect("clients");
    });
    // One more start closes what the last kill left open; its spool empties into the database.
    server.stop();
    server.start();
    let spool = folder.path().join("state/spool");
    let segments = || std::fs::read_dir(&spool).expect("spool").filter(is_segment).count();
    let begun = Instant::now();
    while segments() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the spool does not empty");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ledger = ledger.into_inner().expect("ledger");
    let partial = ledger.values().filter(|h| h.is_none()).count();
    println!("{} bodies received, {partial} of them in part, over {kills} kills", ledger.len());
    assert!(!twice.load(Ordering::Relaxed), "an identifier was given twice");
    assert!(ledger.len() * 10 >= wanted * 8, "too few bodies: {}", ledger.len());
    judge(config, &ledger, &folder.path().join("state"));
    server.stop();
}

fn is_segment(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "seg"))
}

/// Every body has its record, once, with an end, and the hash of what came whole; the chain over all kills is whole.
fn judge(config: &Config, ledger: &Ledger, state: &Path) {
    let desk = desk(config);
    let auditor = desk.role(Role::Auditor);
    let instance = ledger.keys().next().and_then(|k| k.split('-').next()).expect("an identifier").to_owned();
    let query = |sql: &str| desk.runtime.block_on(auditor.query(sql, &[&instance])).expect(sql);
    /// Times opened, times ended, hash, outcome.
    type Record = (u32, u32, Option<String>, String);
    let mut records: HashMap<String, Record> = HashMap::new();
    for row in query("SELECT instance || '-' || sequence FROM journal.acces WHERE instance = $1") {
        records.entry(row.get(0)).or_default().0 += 1;
    }
    for row in query("SELECT instance || '-' || acces, corps, issue FROM journal.fin WHERE instance = $1") {
        let record = records.entry(row.get(0)).or_default();
        record.1 += 1;
        (record.2, record.3) = (row.get(1), row.get(2));
    }
    let without: Vec<&String> = ledger.keys().filter(|d| records.get(*d).is_none_or(|r| r.0 == 0)).collect();
    assert!(without.is_empty(), "bodies without an open record: {without:?}");
    let twice: Vec<_> = records.iter().filter(|(_, r)| r.0 != 1 || r.1 != 1).collect();
    assert!(twice.is_empty(), "accesses or ends missing or twice: {twice:?}");
    let mut hashes = 0;
    for (download, hash) in ledger {
        let (_, _, recorded, outcome) = &records[download];
        if let (Some(hash), Some(recorded)) = (hash, recorded) {
            assert_eq!(recorded, hash, "{download}");
            hashes += 1;
        }
        // A client that has the whole body may have been faster than the record of the end: a kill between the two.
        assert!(hash.is_none() || matches!(outcome.as_str(), "complete" | "interrupted"), "{download}: {outcome}");
    }
    assert!(hashes * 2 > ledger.len(), "only {hashes} hashes of {}", ledger.len());
    let interrupted = records.values().filter(|r| r.3 == "interrupted").count();
    println!("{} records, {interrupted} interrupted, {hashes} hashes agree", records.len());
    let key = seal::read_public(&state.join(seal::PUBLIC)).expect("public key");
    let proved = desk.runtime.block_on(verify::run(&auditor, &[key])).expect("check");
    let own = proved.instances.iter().find(|i| i.instance == instance).expect("instance");
    assert_eq!(own.faults, 0, "{own:?}");
}

/// A demonstration of the test's own, whose PostgreSQL may be stopped.
struct Alone {
    config: Config,
    folder: PathBuf,
    child: Child,
}

impl Alone {
    fn start(folder: &Path) -> Alone {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seuil"))
            .args(["--log", "error", "demo", "--scale", "0.05", "--listen", "127.0.0.1:0"])
            .args(["--operations", "127.0.0.1:0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demonstration starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        while !lines.next().expect("the demonstration ended").expect("line").starts_with("ready") {}
        std::thread::spawn(move || lines.for_each(drop));
        let config = Config::read(&folder.join("seuil.toml")).expect("configuration");
        Alone { config, folder: folder.to_owned(), child }
    }

    fn postmaster(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.folder.join("pg/postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }

    /// Fast shutdown, as `pg_ctl -m fast` does.
    fn stop_postgres(&self) {
        let pid = nix::unistd::Pid::from_raw(self.postmaster().expect("PostgreSQL runs"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("signal");
        while self.postmaster().is_some() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn start_postgres(&self) {
        let script = format!(
            "ctl=$(ls -d /usr/lib/postgresql/*/bin/pg_ctl | tail -1); dir={0}/pg; owner=$(stat -c %U \"$dir\")\n\
             set -- \"$ctl\" -D \"$dir\" -l \"$dir/server.log\" -w start\n\
             [ \"$(id -un)\" = \"$owner\" ] && exec \"$@\" || exec runuser -u \"$owner\" -- \"$@\"",
            self.folder.display()
        );
        let output = Command::new("bash").args(["-c", &script]).stdout(Stdio::null()).status().expect("pg_ctl");
        assert!(output.success(), "PostgreSQL does not start again");
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}
