//! Start of the store, and the task that follows the registry of publications.

use super::caches::Caches;
use super::load::{Publication, current, has_publications};
use super::postgis::{PostGis, connect, load_apart};
use super::{Snapshot, Store, StoreError, check, keep};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::db::{DbError, Role, Which, explain, parameters};
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// Channel on which the database announces a change of the current publication.
const CHANNEL: &str = "seuil_publication";

/// How long a publication that could not be loaded is left alone.
const AGAIN: Duration = Duration::from_secs(60);

/// Opens a store: see [`Store::open`].
///
/// # Errors
/// [`StoreError`].
pub async fn open(config: &Config, catalogue: Arc<Catalogue>) -> Result<Arc<Store>, StoreError> {
    let dir = config.server.state.clone();
    let postgis = PostGis::new(&config.database)?;
    let kept = {
        let (dir, catalogue) = (dir.clone(), Arc::clone(&catalogue));
        let read = move || keep::read(&dir, &catalogue);
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(e)) => {
                tracing::warn!(file = %config.server.state.join(keep::FILE).display(), error = %e, "local snapshot refused");
                None
            }
            Err(e) => return Err(StoreError::Loader(e.to_string())),
        }
    };
    let from_database = match first(config, &catalogue, kept.as_ref()).await {
        Ok(Some(snapshot)) => Some(snapshot),
        Ok(None) => None,
        Err(StoreError::Database(e)) if kept.is_some() => {
            tracing::warn!(error = %e, "PostgreSQL is away: starting from the local snapshot");
            None
        }
        Err(e) => return Err(e),
    };
    let fresh = from_database.is_some();
    let Some(snapshot) = from_database.or(kept) else {
        return Err(StoreError::Loader("neither a database nor a local snapshot".into()));
    };
    let store = Arc::new(Store {
        catalogue,
        current: ArcSwap::from_pointee(snapshot),
        held: Mutex::default(),
        loading: Mutex::default(),
        grace: Duration::from_secs(config.server.grace),
        caches: Caches::new(),
        readings: super::readings::Readings::new(),
        database: Some((postgis, config.database.clone())),
        follower: Mutex::default(),
    });
    if fresh {
        keep_current(&store, dir.clone());
    }
    if has_publications(&store.catalogue) {
        let follower = Follower { store: Arc::downgrade(&store), config: config.clone(), dir, failed: None };
        let task = tokio::spawn(follower.run());
        if let Ok(mut slot) = store.follower.lock() {
            *slot = Some(task);
        }
    }
    Ok(store)
}

/// The snapshot to start with, from the database; `None`: the kept one is the current one.
async fn first(
    config: &Config,
    catalogue: &Arc<Catalogue>,
    kept: Option<&Snapshot>,
) -> Result<Option<Snapshot>, StoreError> {
    let mut client = connect(&config.database).await?;
    if let (Some(kept), true) = (kept, has_publications(catalogue)) {
        let same = Publication { id: kept.publication, since: kept.published };
        if current(&client).await? == Some(same) {
            let tx = client.transaction().await;
            let tx = tx.map_err(|source| DbError::Statement { doing: "checking the views", source })?;
            let faults = check::faults(&tx, catalogue, same.id).await?;
            return if faults.is_empty() { Ok(None) } else { Err(StoreError::Faults(faults)) };
        }
    }
    drop(client);
    load_apart(config.database.clone(), Arc::clone(catalogue), None).await.map(Some)
}

/// Writes the current snapshot to its file, in the background.
fn keep_current(store: &Arc<Store>, dir: PathBuf) {
    let (catalogue, snapshot) = (Arc::clone(&store.catalogue), store.current());
    tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        match keep::write(&dir, &catalogue, &snapshot) {
            Ok(()) => tracing::info!(
                publication = snapshot.publication,
                millis = begun.elapsed().as_millis() as u64,
                "local snapshot written"
            ),
            Err(e) => tracing::error!(dir = %dir.display(), error = %e, "the local snapshot cannot be written"),
        }
    });
}

/// Follows the registry until the store is dropped.
struct Follower {
    store: Weak<Store>,
    config: Config,
    dir: PathBuf,
    /// The publication that could not be loaded, and when.
    failed: Option<(Publication, Instant)>,
}

impl Follower {
    async fn run(mut self) {
        let poll = Duration::from_secs(self.config.server.poll.max(1));
        let mut away = false;
        while self.store.strong_count() > 0 {
            match self.listen().await {
                Ok((client, notices)) => {
                    if away {
                        tracing::info!("PostgreSQL is back");
                        away = false;
                    }
                    if let Err(e) = self.watch(&client, notices, poll).await {
                        tracing::warn!(error = %e, "PostgreSQL is away: the snapshot goes on answering");
                        away = true;
                    }
                }
                Err(e) => {
                    if !away {
                        tracing::warn!(error = %e, "PostgreSQL is away: the snapshot goes on answering");
                        away = true;
                    }
                }
            }
            tokio::time::sleep(poll.min(Duration::from_secs(2))).await;
        }
    }

    /// A connection that listens; its notices arrive on the channel, which closes with the connection.
    async fn listen(&self) -> Result<(Client, mpsc::Receiver<()>), DbError> {
        let mut parameters = parameters(&self.config.database, Which::Serving, Role::Server)?;
        parameters.connect_timeout(Duration::from_secs(5));
        let role = parameters.get_user().unwrap_or_default().to_owned();
        let connected = parameters.connect(NoTls).await;
        let (client, mut connection) =
            connected.map_err(|source| DbError::Connect { which: Which::Serving, role, source })?;
        // One notice that waits is enough: it says `look`, not what there is to see.
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let next = |cx: &mut std::task::Context<'_>| connection.poll_message(cx);
            let mut messages = futures_util::stream::poll_fn(next);
            loop {
                match futures_util::StreamExt::next(&mut messages).await {
                    Some(Ok(AsyncMessage::Notification(_))) => _ = sender.try_send(()),
                    Some(Ok(_)) => {}
                    Some(Err(e)) => {
                        tracing::debug!(error = %explain(&e), "listening connection ended");
                        break;
                    }
                    None => break,
                }
            }
        });
        let listening = client.batch_execute(&format!("LISTEN {CHANNEL}")).await;
        listening.map_err(|source| DbError::Statement { doing: "listening for publications", source })?;
        Ok((client, receiver))
    }

    /// Looks at every notice and every so often; returns when the connection is lost.
    async fn watch(&mut self, client: &Client, mut notices: mpsc::Receiver<()>, poll: Duration) -> Result<(), DbError> {
        loop {
            let Some(store) = self.store.upgrade() else { return Ok(()) };
            let looked = tokio::time::timeout(Duration::from_secs(10), current(client)).await;
            match looked {
                Ok(found) => {
                    if let Some(publication) = found? {
                        self.follow(&store, publication).await;
                    }
                }
                // A connection that does not answer is none.
                Err(_) => return Ok(()),
            }
            store.prune();
            drop(store);
            tokio::select! {
                notice = notices.recv() => if notice.is_none() { return Ok(()) },
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    /// Makes a publication the current one, if it is not yet.
    async fn follow(&mut self, store: &Arc<Store>, publication: Publication) {
        let now = store.current();
        if (now.publication, now.published) == (publication.id, publication.since) {
            return;
        }
        if self.failed.is_some_and(|(p, at)| p == publication && at.elapsed() < AGAIN) {
            return;
        }
        // A publication that was made current again may still be in memory.
        if let Some(held) = store.held(publication.id) {
            let former_until = publication.since + i64::try_from(store.grace.as_millis()).unwrap_or(i64::MAX / 2);
            store.swap(Snapshot { published: publication.since, former_until, ..Snapshot::clone(&held) });
        } else {
            let loaded = load_apart(self.config.database.clone(), Arc::clone(&store.catalogue), None).await;
            match loaded {
                Ok(snapshot) => store.swap(snapshot),
                Err(e) => {
                    tracing::error!(publication = publication.id, error = %e, "the new publication cannot be served");
                    self.failed = Some((publication, Instant::now()));
                    return;
                }
            }
        }
        self.failed = None;
        keep_current(store, self.dir.clone());
    }
}

impl Store {
    /// Makes a snapshot the current one; the former one stays for its grace time.
    pub(super) fn swap(&self, snapshot: Snapshot) {
        let publication = snapshot.publication;
        self.readings.changed();
        let former = self.current.swap(Arc::new(snapshot));
        if let Ok(mut held) = self.held.lock() {
            held.retain(|(s, _)| s.publication != publication && s.publication != former.publication);
            if former.publication != publication {
                held.push((former, Instant::now() + self.grace));
            }
        }
        tracing::info!(publication, "publication current");
    }

    /// Lets go of former publications whose grace time is over.
    pub(super) fn prune(&self) {
        if let Ok(mut held) = self.held.lock() {
            held.retain(|(_, until)| *until > Instant::now());
        }
    }

    /// Brings a publication that is readable and not in memory into memory, in the background.
    pub(super) fn fetch(self: &Arc<Self>, publication: i64) {
        let Some((_, database)) = &self.database else { return };
        let begun = self.loading.lock().is_ok_and(|mut l| l.insert(publication));
        if !begun {
            return;
        }
        let (store, database) = (Arc::downgrade(self), database.clone());
        let catalogue = Arc::clone(&self.catalogue);
        tokio::spawn(async move {
            let loaded = load_apart(database, catalogue, Some(publication)).await;
            let Some(store) = store.upgrade() else { return };
            match loaded {
                Ok(snapshot) => {
                    if let Ok(mut held) = store.held.lock() {
                        held.push((Arc::new(snapshot), Instant::now() + store.grace));
                    }
                }
                Err(e) => tracing::warn!(publication, error = %e, "a former publication cannot be loaded"),
            }
            if let Ok(mut loading) = store.loading.lock() {
                loading.remove(&publication);
            }
        });
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Ok(slot) = self.follower.get_mut()
            && let Some(task) = slot.take()
        {
            task.abort();
        }
    }
}
