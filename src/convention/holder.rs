//! The registry in force, kept fresh in the background.

use super::compile::{self, Compiler};
use super::kept;
use super::registry::Freshness;
use super::revocations::{FILE, Revocations};
use super::{ConventionError, Identity, Registry, Rows};
use crate::catalogue::Catalogue;
use crate::config::{Config, Database};
use crate::db::{DbError, Role, Which};
use crate::error::Refusal;
use crate::pki::{Anchors, Peer};
use arc_swap::ArcSwap;
use futures_util::StreamExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// How often files are looked at: a local revocation must count within a second.
const FILES: Duration = Duration::from_millis(250);
/// How long the database may take to answer before the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to reach the database.
const RETRY: Duration = Duration::from_secs(1);
/// A revocation list (or CA) that ends within this many milliseconds is warned of.
const WARNING: i64 = 7 * 86_400_000;

/// Holds the registry, follows the database, the accepted CAs, their revocation lists and the administrator's local
/// revocations, and swaps the registry as a whole when one of them changes.
#[derive(Debug)]
pub struct Holder {
    core: Arc<Core>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Debug)]
struct Core {
    current: ArcSwap<Registry>,
    freshness: Arc<Freshness>,
}

/// What keeps the core fresh.
#[derive(Debug)]
struct Follower {
    core: Arc<Core>,
    catalogue: Arc<Catalogue>,
    database: Database,
    state: PathBuf,
    client_ca: PathBuf,
    poll: Duration,
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Holder {
    /// Loads the registry and follows its changes until the holder is dropped.
    ///
    /// Without a database it starts all the same: with the registry it kept on disk while that is young enough, else
    /// refusing everybody until the database answers.
    ///
    /// # Errors
    /// [`ConventionError`]: accepted CAs, revocation lists or local revocations that cannot be read.
    pub async fn open(config: &Config, catalogue: Arc<Catalogue>) -> Result<Arc<Holder>, ConventionError> {
        let server = &config.server;
        let anchors = Arc::new(Anchors::load(&server.client_ca)?);
        let revocations = Arc::new(Revocations::read(&server.state)?);
        let max_age = i64::try_from(server.registry_max_age.saturating_mul(1000)).unwrap_or(i64::MAX);
        let freshness = Arc::new(Freshness::new(max_age));
        let empty = Registry { anchors, revocations, freshness: Arc::clone(&freshness), ..Registry::default() };
        let core = Arc::new(Core { current: ArcSwap::from_pointee(empty), freshness });
        let follower = Arc::new(Follower {
            core: Arc::clone(&core),
            catalogue,
            database: config.database.clone(),
            state: server.state.clone(),
            client_ca: server.client_ca.clone(),
            poll: Duration::from_secs(server.poll.max(1)),
        });
        if let Some((rows, confirmed)) = kept::read(&follower.state, now()) {
            follower.compile(Arc::new(rows)).await?;
            core.freshness.confirm(confirmed);
        }
        let session = match follower.session().await {
            Ok(session) => Some(session),
            Err(e) => {
                tracing::warn!(error = %e, "registry not read from the database; it will be tried again");
                None
            }
        };
        let tasks = vec![
            tokio::spawn(Arc::clone(&follower).follow_database(session)),
            tokio::spawn(Arc::clone(&follower).follow_files()),
        ];
        Ok(Arc::new(Holder { core, tasks }))
    }

    /// Holds a registry that never changes (tests, servers of plain views).
    pub fn fixed(registry: Registry) -> Holder {
        let freshness = Arc::clone(&registry.freshness);
        Holder { core: Arc::new(Core { current: ArcSwap::from_pointee(registry), freshness }), tasks: Vec::new() }
    }

    /// The registry in force.
    pub fn current(&self) -> Arc<Registry> {
        self.core.current.load_full()
    }

    /// Who this peer is, judged at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// The [`Refusal`], each reason its own.
    pub fn identify(&self, peer: Option<&Peer>, now: i64) -> Result<Identity, Refusal> {
        self.core.current.load().identify(peer, now)
    }

    /// Time since the database last confirmed the registry; `None`: too long ago to be honoured, or never.
    pub fn age(&self) -> Option<Duration> {
        self.core.freshness.age(now())
    }
}

/// A connection on which notifications arrive.
struct Session {
    client: Client,
    notices: mpsc::Receiver<()>,
    stamp: String,
}

impl Follower {
    /// Connects, listens, loads. Listening begins before loading: no change falls between.
    async fn session(&self) -> Result<Session, ConventionError> {
        let (mut client, notices) = within(connect(&self.database)).await?;
        // A standby takes no LISTEN; polling serves it.
        if let Err(e) = client.batch_execute("LISTEN seuil_convention; LISTEN seuil_publication").await {
            tracing::warn!(error = %crate::db::explain(&e), "no notifications from this database; polling only");
        }
        let stamp = self.load(&mut client).await?;
        Ok(Session { client, notices, stamp })
    }

    /// Loads, compiles, swaps, keeps. Gives the stamp of what was loaded (taken before: a change in between is seen).
    async fn load(&self, client: &mut Client) -> Result<String, ConventionError> {
        let stamp = within(Rows::stamp(client)).await?;
        let asked = now();
        let rows = tokio::time::timeout(PATIENCE * 6, Rows::load(client)).await.map_err(|_| silent())??;
        let rows = Arc::new(rows);
        self.compile(Arc::clone(&rows)).await?;
        self.core.freshness.confirm(asked);
        let (conventions, certificates) = self.core.current.load().size();
        tracing::info!(conventions, certificates, publication = rows.publication, "registry loaded");
        if let Err(e) = kept::write(&self.state, &rows) {
            tracing::warn!(error = %e, "registry not kept on disk: a restart will need the database");
        }
        Ok(stamp)
    }

    /// Compiles off the I/O threads and swaps.
    async fn compile(&self, rows: Arc<Rows>) -> Result<(), ConventionError> {
        let (catalogue, freshness) = (Arc::clone(&self.catalogue), Arc::clone(&self.core.freshness));
        let work = move || {
            let mut compiler = Compiler::new(&catalogue);
            compile::registry(&rows, &mut compiler, Arc::default(), Arc::default(), freshness)
        };
        let made = tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| ConventionError::Record { id: "(all)".to_owned(), reason: e.to_string() })?;
        // CAs and local revocations are whatever is in force at the moment of the swap.
        self.core.current.rcu(|old| Registry {
            anchors: Arc::clone(&old.anchors),
            revocations: Arc::clone(&old.revocations),
            ..made.clone()
        });
        Ok(())
    }

    /// Follows the database for ever: notifications at once, polls besides, reconnects.
    async fn follow_database(self: Arc<Self>, mut session: Option<Session>) {
        loop {
            if let Some(open) = session.take()
                && let Err(e) = self.follow_session(open).await
            {
                tracing::warn!(error = %e, "registry: database lost; honoured for a while, tried again");
            }
            tokio::time::sleep(RETRY).await;
            match self.session().await {
                Ok(open) => session = Some(open),
                Err(e) => tracing::debug!(error = %e, "registry: database still away"),
            }
        }
    }

    /// Follows one connection until it is lost.
    async fn follow_session(&self, mut session: Session) -> Result<(), ConventionError> {
        loop {
            let told = tokio::time::timeout(self.poll, session.notices.recv()).await;
            if let Ok(None) = told {
                return Err(silent());
            }
            while session.notices.try_recv().is_ok() {}
            let asked = now();
            let stamp = within(Rows::stamp(&session.client)).await?;
            if stamp == session.stamp {
                self.core.freshness.confirm(asked);
                kept::touch(&self.state);
            } else {
                session.stamp = self.load(&mut session.client).await?;
            }
        }
    }

    /// Follows CAs, revocation lists and local revocations for ever. A fault keeps what is in force and is logged.
    async fn follow_files(self: Arc<Self>) {
        let (mut cas, mut local, mut unread) = (None, None, None);
        let mut warned = i64::MIN;
        loop {
            let look = {
                let (dir, file) = (self.client_ca.clone(), self.state.join(FILE));
                tokio::task::spawn_blocking(move || (directory(&dir), revocations(&file))).await
            };
            let Ok((seen_cas, read)) = look else { return };
            // `open` has read the CAs, but maybe just before a change: the first look reads them again.
            if cas.as_ref() != Some(&seen_cas) {
                match Anchors::load(&self.client_ca) {
                    Ok(anchors) => {
                        let anchors = Arc::new(anchors);
                        self.core.current.rcu(|old| Registry { anchors: Arc::clone(&anchors), ..Registry::clone(old) });
                        tracing::info!(accepted = anchors.iter().count(), lists = anchors.crls().len(), "CAs read");
                        warned = i64::MIN;
                    }
                    Err(e) => tracing::error!(error = %e, "accepted CAs not reloaded; the former ones stay in force"),
                }
                cas = Some(seen_cas);
            }
            // Few lines, so their text itself is compared: a file that comes and goes between its look and its reading
            // would have the same size and time as before.
            match read {
                Ok(text) if local.as_ref() != Some(&text) => {
                    self.honour_revocations(&text);
                    local = Some(text);
                }
                Ok(_) => unread = None,
                Err(e) if unread == Some(e.kind()) => {}
                Err(e) => {
                    tracing::error!(error = %e, "local revocations not reread; the former ones stay in force");
                    unread = Some(e.kind());
                }
            }
            if now().saturating_sub(warned) > 3_600_000 {
                warned = now();
                warn_of_ends(&self.core.current.load().anchors, warned);
            }
            tokio::time::sleep(FILES).await;
        }
    }

    fn honour_revocations(&self, text: &str) {
        let (found, bad) = Revocations::parse(text);
        if !bad.is_empty() {
            tracing::error!(lines = ?bad, "local revocations: lines not understood; the others are honoured");
        }
        let found = Arc::new(found);
        self.core.current.rcu(|old| Registry { revocations: Arc::clone(&found), ..Registry::clone(old) });
    }
}

fn warn_of_ends(anchors: &Anchors, now: i64) {
    for crl in anchors.crls().iter().filter(|c| c.next_update.saturating_sub(now) < WARNING) {
        let days = (crl.next_update - now).div_euclid(86_400_000);
        tracing::warn!(ca = hex::encode(crl.issuer), days, "revocation list ends soon: then all of its CA are refused");
    }
    for anchor in anchors.iter().filter(|a| a.not_after.saturating_sub(now) < WARNING) {
        let days = (anchor.not_after - now).div_euclid(86_400_000);
        tracing::warn!(ca = anchor.subject, days, "accepted CA ends soon: then all of its certificates are refused");
    }
}

fn silent() -> ConventionError {
    ConventionError::Silent
}

async fn within<T, E: Into<ConventionError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, ConventionError> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| silent())?.map_err(Into::into)
}

/// A connection whose notifications come through a channel; the channel closes with the connection.
async fn connect(database: &Database) -> Result<(Client, mpsc::Receiver<()>), DbError> {
    let parameters = crate::db::parameters(database, Which::Serving, Role::Server)?;
    let role = parameters.get_user().unwrap_or_default().to_owned();
    let (client, mut connection) =
        parameters.connect(NoTls).await.map_err(|source| DbError::Connect { which: Which::Serving, role, source })?;
    let (sender, notices) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(message) = messages.next().await {
            match message {
                // A full channel holds a wake-up already.
                Ok(AsyncMessage::Notification(_)) => _ = sender.try_send(()),
                Ok(_) => {}
                Err(e) => {
                    tracing::debug!(error = %e, "registry connection ended");
                    break;
                }
            }
        }
    });
    Ok((client, notices))
}

/// Name, size and time of a file.
type Stat = Option<(PathBuf, u64, Option<SystemTime>)>;

fn stat(path: &Path) -> Stat {
    let meta = std::fs::metadata(path).ok()?;
    Some((path.to_owned(), meta.len(), meta.modified().ok()))
}

/// The local revocations as they stand; no file, no line.
fn revocations(file: &Path) -> std::io::Result<String> {
    match std::fs::read_to_string(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn directory(dir: &Path) -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut all: Vec<Stat> = entries.filter_map(|e| e.ok().map(|e| stat(&e.path()))).collect();
    all.sort();
    all
}

#[cfg(test)]
#[path = "holder_tests.rs"]
mod tests;
