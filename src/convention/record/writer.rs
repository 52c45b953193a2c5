//! The one writer of the spool: a thread that commits for all who wait.

use super::line::{End, Refusals};
use super::spool::{Item, Spool, begin_body, first_of, segments};
use super::{Open, Permit, Refused, mover, now};
use crate::config::Config;
use crate::convention::ConventionError;
use crate::error::{Error, Result, printable};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Opens that may wait at once; beyond it the answer is 503.
const WAITING: usize = 8192;
/// Lines of one commit at most.
const BATCH: usize = 1024;
/// A segment with lines is finished after this time, so that records reach the database soon.
const AGE: Duration = Duration::from_secs(5);
/// Ends that nobody waits for are made durable within this time.
const LAG: Duration = Duration::from_millis(200);
/// Like refusals are counted for this long.
const MINUTE: Duration = Duration::from_secs(60);
/// Different refusals that are counted at once.
const REFUSALS: usize = 4096;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// An access begins; the answer is its number, once durable.
    Open(String, oneshot::Sender<std::io::Result<u64>>),
    /// An access ended.
    Close(End),
    /// A request was refused.
    Refused(Refused),
    /// Answer once everything before is durable and in a finished segment.
    Flush(oneshot::Sender<()>),
}

/// What writer, recorder and mover share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Directory of the segments.
    pub dir: PathBuf,
    /// Instance of the spool.
    pub instance: String,
    /// First number of the active segment: all others are finished.
    pub active: AtomicU64,
    /// Bytes of all segments.
    pub bytes: AtomicU64,
    /// Finished segments that wait to be moved.
    pub pending: AtomicUsize,
    /// Woken when a segment is finished.
    pub finished: Notify,
    waiting: AtomicUsize,
    limit: u64,
}

/// Writes access records into the local spool, in group commits, and moves them into the database.
#[derive(Debug)]
pub struct Recorder {
    sender: Sender<Message>,
    shared: Arc<Shared>,
    mover: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(mover) = &self.mover {
            mover.abort();
        }
    }
}

impl Recorder {
    /// Opens the spool in the server's state directory, closes what a former process left open as `interrupted`, and
    /// begins to move finished segments into the database.
    ///
    /// # Errors
    /// [`ConventionError`] when the spool cannot be written, or another process uses it.
    pub async fn open_spool(config: &Config) -> std::result::Result<Arc<Recorder>, ConventionError> {
        let mut recorder = Recorder::local(&config.server.state, config.server.spool_bytes).await?;
        let signer = super::seal::Signer::open(&config.server.state)?;
        let moving = mover::follow(Arc::clone(&recorder.shared), config.database.clone(), signer);
        recorder.mover = Some(tokio::spawn(moving));
        Ok(Arc::new(recorder))
    }

    /// A recorder whose segments stay where they are.
    pub(super) async fn local(state: &std::path::Path, limit: u64) -> std::result::Result<Recorder, ConventionError> {
        let state = state.to_owned();
        let opened = tokio::task::spawn_blocking(move || Spool::open(&state).map(|spool| (spool, state.join("spool"))));
        let (spool, dir) = opened.await.map_err(|_| ConventionError::Silent)??;
        let (bytes, pending) = finished(&dir, spool.first);
        let shared = Arc::new(Shared {
            bytes: AtomicU64::new(bytes + spool.length),
            pending: AtomicUsize::new(pending),
            dir,
            instance: spool.instance.clone(),
            active: AtomicU64::new(spool.first),
            finished: Notify::new(),
            waiting: AtomicUsize::new(0),
            limit,
        });
        let (sender, receiver) = mpsc::channel();
        let counted = spool.written;
        let writer = Writer { counted, spool, shared: Arc::clone(&shared), late: Vec::new(), refused: HashMap::new() };
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(&receiver))
            .map_err(|source| ConventionError::File { path: shared.dir.clone(), source })?;
        Ok(Recorder { sender, shared, mover: None })
    }

    /// Waits until the record is durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the spool is full or cannot be written: then no data leaves.
    pub async fn open(&self, open: Open) -> Result<Permit> {
        let away = || Error::Unavailable { what: "access record", retry_after: Duration::from_secs(30) };
        let _place = Place::take(&self.shared).ok_or_else(away)?;
        if self.shared.bytes.load(Ordering::Relaxed) >= self.shared.limit {
            tracing::error!(limit = self.shared.limit, "spool full: no data leaves until records were moved");
            return Err(away());
        }
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Open(begin_body(open), reply)).map_err(|_| away())?;
        match answer.await {
            Ok(Ok(sequence)) => Ok(Permit::new(&self.shared.instance, sequence, self.sender.clone())),
            Ok(Err(e)) => {
                tracing::error!(error = %e, "spool cannot be written: no data leaves");
                Err(away())
            }
            Err(_) => Err(away()),
        }
    }

    /// Counts a refusal. Nobody waits for it: no data is at stake.
    pub fn refused(&self, refused: Refused) {
        // Subject and path come from outside: no control characters, no endless texts in the record.
        let refused =
            Refused { subject: refused.subject.as_deref().map(printable), path: printable(&refused.path), ..refused };
        let _ = self.sender.send(Message::Refused(refused));
    }

    /// Waits until everything recorded so far is on disk, in a finished segment.
    pub async fn flush(&self) {
        let (reply, done) = oneshot::channel();
        if self.sender.send(Message::Flush(reply)).is_ok() {
            let _ = done.await;
        }
    }

    /// Bytes that wait to be moved into the database.
    pub fn backlog(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }
}

/// A place among those that wait.
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Option<Place<'a>> {
        let place = Place(shared);
        if shared.waiting.fetch_add(1, Ordering::Relaxed) < WAITING { Some(place) } else { None }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Writer {
    spool: Spool,
    shared: Arc<Shared>,
    /// Ends (and refusals) whose write failed: tried again with the next commit.
    late: Vec<Item>,
    /// Bytes of the spool that are in `Shared::bytes` already.
    counted: u64,
    refused: HashMap<Refused, (u64, Instant)>,
}

/// What one commit holds.
#[derive(Default)]
struct Batch {
    items: Vec<Item>,
    /// Who waits, with the place of the line in `items`.
    waiting: Vec<(usize, oneshot::Sender<std::io::Result<u64>>)>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Writer {
    /// Works until nobody can send any more.
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let mut batch = Batch::default();
            match receiver.recv_timeout(if self.spool.unsynced() { LAG } else { Duration::from_secs(1) }) {
                Ok(message) => {
                    self.take(message, &mut batch);
                    // Whatever came while the last commit was under way goes into this one.
                    while batch.items.len() < BATCH
                        && let Ok(message) = receiver.try_recv()
                    {
                        self.take(message, &mut batch);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(e) = self.spool.sync() {
                        tracing::error!(error = %e, "spool cannot be synced");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.count_refusals(true, &mut batch);
                    self.commit(batch);
                    if let Err(e) = self.spool.sync() {
                        tracing::error!(error = %e, "spool cannot be synced");
                    }
                    return;
                }
            }
            let flushing = !batch.flushes.is_empty();
            self.count_refusals(flushing, &mut batch);
            self.commit(batch);
            // While the database is away, segments are filled: few large ones rather than one every few seconds.
            let idle = self.shared.pending.load(Ordering::Relaxed) == 0;
            if self.spool.full() || (idle && self.spool.waits(AGE)) {
                self.rotate();
            }
        }
    }

    fn take(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Open(body, reply) => {
                batch.waiting.push((batch.items.len(), reply));
                batch.items.push(Item::Begin(body));
            }
            Message::Close(end) => batch.items.push(Item::End(end)),
            Message::Refused(refused) => {
                if self.refused.len() < REFUSALS || self.refused.contains_key(&refused) {
                    self.refused.entry(refused).or_insert((0, Instant::now())).0 += 1;
                }
            }
            Message::Flush(reply) => batch.flushes.push(reply),
        }
    }

    /// Refusals whose minute is over become lines.
    fn count_refusals(&mut self, all: bool, batch: &mut Batch) {
        if self.refused.is_empty() {
            return;
        }
        let at = now();
        for (refused, (count, _)) in self.refused.extract_if(|_, (_, since)| all || since.elapsed() >= MINUTE) {
            batch.items.push(Item::Refusals(Refusals {
                le: at,
                motif: refused.reason,
                convention: refused.convention,
                serie: refused.serial,
                sujet: refused.subject,
                adresse: refused.address.to_string(),
                chemin: refused.path,
                nombre: count,
            }));
        }
    }

    /// Writes a batch; makes it durable when somebody waits for that; answers.
    fn commit(&mut self, batch: Batch) {
        let Batch { mut items, waiting, flushes } = batch;
        // What is late stands after the new lines, so that places in `items` hold.
        items.append(&mut self.late);
        let written = if items.is_empty() { Ok(0) } else { self.spool.append(&items) };
        let outcome = match written {
            Ok(first) if waiting.is_empty() => Ok(first),
            // Lines that may not be durable: their accesses are refused, and end here.
            Ok(first) => self.spool.sync().map(|()| first).inspect_err(|_| {
                self.late.extend(waiting.iter().map(|(place, _)| never_began(first + *place as u64)));
            }),
            Err(e) => {
                self.late = items.into_iter().filter(|i| !matches!(i, Item::Begin(_))).collect();
                Err(e)
            }
        };
        self.count();
        for (place, reply) in waiting {
            let _ = reply.send(match &outcome {
                Ok(first) => Ok(first + place as u64),
                Err(e) => Err(std::io::Error::new(e.kind(), e.to_string())),
            });
        }
        if !flushes.is_empty() {
            if self.spool.waits(Duration::ZERO) {
                self.rotate();
            }
            flushes.into_iter().for_each(|f| _ = f.send(()));
        }
    }

    fn count(&mut self) {
        self.shared.bytes.fetch_add(self.spool.written - self.counted, Ordering::Relaxed);
        self.counted = self.spool.written;
    }

    fn rotate(&mut self) {
        match self.spool.rotate() {
            Ok(()) => {
                self.count();
                self.shared.pending.fetch_add(1, Ordering::Relaxed);
                self.shared.active.store(self.spool.first, Ordering::Release);
                self.shared.finished.notify_one();
            }
            Err(e) => tracing::error!(error = %e, "spool: segment not finished; tried again"),
        }
    }
}

fn never_began(acces: u64) -> Item {
    Item::End(End {
        acces,
        issue: "failed".into(),
        objets: None,
        octets: None,
        duree_ms: None,
        corps: None,
        sha256: None,
    })
}

/// Bytes and number of the finished segments.
fn finished(dir: &std::path::Path, active: u64) -> (u64, usize) {
    let all = segments(dir).unwrap_or_default();
    let sizes = all.iter().filter(|p| first_of(p) != Some(active)).filter_map(|p| std::fs::metadata(p).ok());
    sizes.fold((0, 0), |(bytes, n), m| (bytes + m.len(), n + 1))
}
