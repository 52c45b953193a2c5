//! Response bodies: ready bytes, or made in quanta with back-pressure.
//!
//! The task fills a short queue; when it is full the task parks itself in the body, and the reader's next take submits it
//! again. A reader that leaves drops the body, and with it the task.

use super::{Lane, Pool, Step, Task};
use crate::encode::{Producer, Progress};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Bytes of a chunk: each costs a wake-up of the connection, and its bytes are still in the processor's cache when they
/// are encrypted.
const CHUNK: usize = 3 * crate::encode::QUANTUM;

/// Chunks that may wait for the reader.
const CHUNKS: usize = 4;

/// Bytes of a ready body that are handed over at once: beyond it the right to the rest is asked for again.
const PIECE: usize = 256 << 10;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The last byte was taken.
    Complete,
    /// The reader left, or took nothing for too long.
    Aborted,
    /// A fault of ours broke it off.
    Failed,
    /// The convention or certificate ended while it ran.
    Revoked,
}

/// Called once when a body ends: bytes handed to the connection, and how.
pub type Finish = Box<dyn FnOnce(u64, Outcome) + Send>;

/// Why a body broke off. The connection is closed, so that a cut body is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A fault of ours.
    #[error("the body could not be completed")]
    Failed,
    /// The right to it ended.
    #[error("the right to this download ended")]
    Revoked,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<Bytes>,
    parked: Option<Box<StreamTask>>,
    waker: Option<Waker>,
    done: bool,
    failed: bool,
    gone: bool,
    taken: Option<Instant>,
}

type SharedInner = Arc<Mutex<Inner>>;

fn lock(inner: &SharedInner) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

struct StreamTask {
    producer: Box<dyn Producer>,
    inner: SharedInner,
    buffer: Vec<u8>,
    pool: Pool,
    lane: Lane,
}

impl StreamTask {
    fn fail(inner: &SharedInner) {
        let mut state = lock(inner);
        state.failed = true;
        if let Some(w) = state.waker.take() {
            w.wake();
        }
    }
}

impl Task for StreamTask {
    fn step(&mut self) -> Step {
        {
            let state = lock(&self.inner);
            if state.gone {
                return Step::Done;
            }
            if state.ready.len() >= CHUNKS {
                return Step::Park;
            }
        }
        if self.buffer.capacity() == 0 {
            // One allocation for a chunk: growing by doubling would copy it once more.
            self.buffer.reserve(CHUNK + crate::encode::QUANTUM + crate::encode::QUANTUM / 4);
        }
        let progress = self.producer.step(&mut self.buffer);
        let mut state = lock(&self.inner);
        let step = match progress {
            Err(_) => {
                state.failed = true;
                Step::Done
            }
            Ok(Progress::Done) => {
                state.done = true;
                Step::Done
            }
            Ok(Progress::More) => Step::More,
        };
        // Small pieces are gathered: a chunk costs a TLS record and a system call.
        if !self.buffer.is_empty() && (state.done || self.buffer.len() >= CHUNK) {
            state.ready.push_back(std::mem::take(&mut self.buffer).into());
        }
        // The waker is taken only to be used: a quantum may well have made nothing to read yet.
        if (!state.ready.is_empty() || state.done || state.failed)
            && let Some(w) = state.waker.take()
        {
            w.wake();
        }
        step
    }

    fn park(self: Box<Self>) {
        let inner = Arc::clone(&self.inner);
        let mut state = lock(&inner);
        if state.gone {
            return;
        }
        // The reader may have emptied the queue since the step saw it full: nobody would wake a task parked now.
        if state.ready.len() < CHUNKS {
            drop(state);
            let (pool, lane) = (self.pool.clone(), self.lane);
            pool.resume(lane, self);
        } else {
            state.parked = Some(self);
        }
    }

    fn failed(self: Box<Self>) {
        StreamTask::fail(&self.inner);
    }
}

/// A response body.
pub struct ResponseBody {
    kind: Kind,
    finish: Option<Finish>,
    sent: u64,
    valid: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

enum Kind {
    Full(Bytes),
    Stream { inner: SharedInner, pool: Pool, lane: Lane },
}

impl ResponseBody {
    /// A ready body.
    pub fn full(bytes: impl Into<Bytes>) -> ResponseBody {
        ResponseBody { kind: Kind::Full(bytes.into()), finish: None, sent: 0, valid: None }
    }

    /// A body made on the pool.
    ///
    /// # Errors
    /// The pool's queue is full.
    pub fn stream(pool: &Pool, lane: Lane, producer: Box<dyn Producer>) -> crate::error::Result<ResponseBody> {
        let inner: SharedInner = Arc::default();
        pool.submit(
            lane,
            Box::new(StreamTask { producer, inner: Arc::clone(&inner), buffer: Vec::new(), pool: pool.clone(), lane }),
        )?;
        Ok(ResponseBody { kind: Kind::Stream { inner, pool: pool.clone(), lane }, finish: None, sent: 0, valid: None })
    }

    /// The answer to HEAD: nothing of the body leaves (HTTP/2 takes a body there for a protocol error), and it counts as
    /// complete. Gives the length that the body would have, where it is known.
    pub fn without_content(mut self) -> (ResponseBody, Option<u64>) {
        let length = self.size_hint().exact();
        self.end(Outcome::Complete);
        (ResponseBody::full(Bytes::new()), length)
    }

    /// Calls `finish` when the body ends, however it ends.
    #[must_use]
    pub fn on_finish(mut self, finish: Finish) -> ResponseBody {
        self.finish = Some(finish);
        self
    }

    /// Asks before each chunk whether the right to it still stands.
    #[must_use]
    pub fn while_valid(mut self, valid: Box<dyn Fn() -> bool + Send + Sync>) -> ResponseBody {
        self.valid = Some(valid);
        self
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(finish) = self.finish.take() {
            finish(self.sent, outcome);
        }
    }

    /// Since when the reader has taken nothing although data is ready; `None` when it is not being waited for.
    fn watch(&self) -> Option<std::sync::Weak<Mutex<Inner>>> {
        match &self.kind {
            Kind::Stream { inner, .. } => Some(Arc::downgrade(inner)),
            Kind::Full(_) => None,
        }
    }

    /// A future that ends when the reader has taken nothing for `patience`; pends for ever once the body has ended.
    pub fn stalled(&self, patience: std::time::Duration) -> impl Future<Output = ()> + Send + use<> {
        let watched = self.watch();
        async move {
            let Some(watched) = watched else { return std::future::pending().await };
            loop {
                tokio::time::sleep(patience / 4).await;
                let Some(inner) = watched.upgrade() else { return std::future::pending().await };
                let state = lock(&inner);
                let waiting = !state.ready.is_empty();
                if waiting && state.taken.is_some_and(|t| t.elapsed() > patience) {
                    return;
                }
            }
        }
    }
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody").field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        if self.valid.as_ref().is_some_and(|v| !v()) {
            self.end(Outcome::Revoked);
            return Poll::Ready(Some(Err(StreamError::Revoked)));
        }
        let next = match &mut self.kind {
            Kind::Full(left) if left.is_empty() => None,
            Kind::Full(left) => Some(left.split_to(left.len().min(PIECE))),
            Kind::Stream { inner, pool, lane } => {
                let mut state = lock(inner);
                state.taken = Some(Instant::now());
                match state.ready.pop_front() {
                    Some(chunk) => {
                        if let Some(task) = state.parked.take() {
                            drop(state);
                            pool.resume(*lane, task);
                        }
                        Some(chunk)
                    }
                    None if state.failed => {
                        drop(state);
                        self.end(Outcome::Failed);
                        return Poll::Ready(Some(Err(StreamError::Failed)));
                    }
                    None if state.done => None,
                    None => {
                        state.waker = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                }
            }
        };
        match next {
            Some(chunk) => {
                self.sent += chunk.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            None => {
                self.end(Outcome::Complete);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(left) => left.is_empty(),
            Kind::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(left) => SizeHint::with_exact(left.len() as u64),
            Kind::Stream { .. } => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // hyper does not poll a body of known size beyond its last byte: all taken counts as complete.
        let all_taken = matches!(&self.kind, Kind::Full(left) if left.is_empty());
        self.end(if all_taken { Outcome::Complete } else { Outcome::Aborted });
        if let Kind::Stream { inner, .. } = &self.kind {
            let mut state = lock(inner);
            state.gone = true;
            let parked = state.parked.take();
            drop(state);
            drop(parked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Numbers {
        left: u32,
        made: Arc<AtomicU64>,
    }

    impl Producer for Numbers {
        fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, crate::error::Error> {
            out.extend(std::iter::repeat_n(7u8, crate::encode::QUANTUM));
            self.made.fetch_add(1, Ordering::SeqCst);
            self.left -= 1;
            Ok(if self.left == 0 { Progress::Done } else { Progress::More })
        }
    }

    #[tokio::test]
    async fn a_slow_reader_holds_a_few_chunks_and_no_thread() {
        let pool = Pool::start(1, 10).unwrap();
        let made = Arc::new(AtomicU64::new(0));
        let body = ResponseBody::stream(&pool, 1, Box::new(Numbers { left: 100, made: Arc::clone(&made) })).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(made.load(Ordering::SeqCst), (CHUNKS * CHUNK / crate::encode::QUANTUM) as u64);
        assert_eq!(pool.run(2, || Ok(1)).await, Ok(1));
        let ended = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&ended);
        let body = body.on_finish(Box::new(move |n, o| *tell.lock().unwrap() = Some((n, o))));
        let all = body.collect().await.unwrap().to_bytes();
        assert_eq!(all.len(), 100 * crate::encode::QUANTUM);
        assert_eq!(*ended.lock().unwrap(), Some((all.len() as u64, Outcome::Complete)));
    }

    /// Works for a while before it has anything to give, as a map picture does.
    struct Late(u32);

    impl Producer for Late {
        fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, crate::error::Error> {
            std::thread::sleep(std::time::Duration::from_millis(5));
            self.0 -= 1;
            if self.0 == 0 {
                out.push(1);
            }
            Ok(if self.0 == 0 { Progress::Done } else { Progress::More })
        }
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_however_late_the_first_byte_comes() {
        let pool = Pool::start(1, 10).unwrap();
        let body = ResponseBody::stream(&pool, 1, Box::new(Late(20))).unwrap();
        let read = tokio::time::timeout(std::time::Duration::from_secs(5), body.collect()).await;
        assert_eq!(read.expect("the reader was not woken").unwrap().to_bytes(), [1u8].as_slice());
    }

    #[tokio::test]
    async fn revocation_breaks_a_running_body_off() {
        let pool = Pool::start(1, 10).unwrap();
        let made = Arc::new(AtomicU64::new(0));
        let valid = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let look = Arc::clone(&valid);
        let mut body = ResponseBody::stream(&pool, 1, Box::new(Numbers { left: 100, made }))
            .unwrap()
            .while_valid(Box::new(move || look.load(Ordering::SeqCst)));
        assert!(body.frame().await.unwrap().is_ok());
        valid.store(false, Ordering::SeqCst);
        assert!(matches!(body.frame().await, Some(Err(StreamError::Revoked))));
    }

    #[tokio::test]
    async fn revocation_keeps_the_rest_of_a_ready_body() {
        let valid = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (look, ended) = (Arc::clone(&valid), Arc::new(Mutex::new(None)));
        let tell = Arc::clone(&ended);
        let mut body = ResponseBody::full(vec![7u8; PIECE + 1])
            .while_valid(Box::new(move || look.load(Ordering::SeqCst)))
            .on_finish(Box::new(move |n, o| *tell.lock().unwrap() = Some((n, o))));
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
        valid.store(false, Ordering::SeqCst);
        assert!(matches!(body.frame().await, Some(Err(StreamError::Revoked))));
        drop(body);
        assert_eq!(*ended.lock().unwrap(), Some((PIECE as u64, Outcome::Revoked)));
    }
}
