//! The compute pool: everything that costs CPU runs here, in quanta, taken round-robin by convention.
//!
//! The I/O runtime never computes. A [`Task`] works at most about 2 ms or 64 KiB a step and holds its own place, so that
//! a slow reader or a France-size download holds no thread, and one partner's robot cannot starve a GIS officer: lanes
//! (one a convention) take turns, whatever their length. The queue is bounded; overload is an error, not a wait.

mod stream;

pub use stream::{Finish, Outcome, ResponseBody, StreamError};

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};

/// Who a task runs for: tasks of one lane take turns with other lanes.
pub type Lane = u64;

/// What a step achieved.
pub enum Step {
    /// There is more to do: back to the end of the lane.
    More,
    /// Finished, or nothing to do until somebody submits the task again ([`Task::park`] is called).
    Park,
    /// Finished.
    Done,
}

/// Work in quanta.
pub trait Task: Send {
    /// Works at most about 2 ms.
    fn step(&mut self) -> Step;
    /// Takes the task over after `Step::Park`; whoever keeps it may submit it again.
    fn park(self: Box<Self>) {}
    /// Called instead of the next step when a step panicked.
    fn failed(self: Box<Self>) {}
}

#[derive(Default)]
struct State {
    lanes: HashMap<Lane, VecDeque<Box<dyn Task>>>,
    turn: VecDeque<Lane>,
    waiting: usize,
    closed: bool,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    limit: usize,
}

/// A bounded pool of compute threads.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// Starts `threads` threads (0: one a core) over a queue of at most `limit` waiting tasks.
    ///
    /// # Errors
    /// The operating system refused a thread.
    pub fn start(threads: usize, limit: usize) -> std::io::Result<Pool> {
        let count = match threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            n => n,
        };
        let shared = Arc::new(Shared { state: Mutex::new(State::default()), wake: Condvar::new(), limit });
        for n in 0..count {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("compute-{n}"))
                .stack_size(4 << 20)
                .spawn(move || work(&shared))?;
        }
        Ok(Pool { shared })
    }

    /// Queues a task.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full: the caller answers 503 with `Retry-After`.
    pub fn submit(&self, lane: Lane, task: Box<dyn Task>) -> Result<()> {
        let mut state = self.lock();
        if state.closed || state.waiting >= self.shared.limit {
            return Err(Error::Unavailable { what: "compute pool", retry_after: Duration::from_secs(2) });
        }
        push(&mut state, lane, task);
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Queues a task that was already admitted once (a parked download going on): never refused.
    pub fn resume(&self, lane: Lane, task: Box<dyn Task>) {
        let mut state = self.lock();
        if !state.closed {
            push(&mut state, lane, task);
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    /// Runs a short computation and waits for its result.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full, [`Error::Internal`] when the computation panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.submit(lane, Box::new(Once { job: Some(job), tell: Some(tell) }))?;
        // The sender is dropped unused when the job panicked.
        told.await.unwrap_or(Err(Error::Internal))
    }

    /// Tasks waiting now, for the metrics.
    pub fn waiting(&self) -> usize {
        self.lock().waiting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("waiting", &self.waiting()).finish()
    }
}

fn push(state: &mut State, lane: Lane, task: Box<dyn Task>) {
    let queue = state.lanes.entry(lane).or_default();
    if queue.is_empty() {
        state.turn.push_back(lane);
    }
    queue.push_back(task);
    state.waiting += 1;
}

fn pop(state: &mut State) -> Option<(Lane, Box<dyn Task>)> {
    let lane = state.turn.pop_front()?;
    let queue = state.lanes.get_mut(&lane)?;
    let task = queue.pop_front();
    if queue.is_empty() {
        state.lanes.remove(&lane);
    } else {
        state.turn.push_back(lane);
    }
    state.waiting -= usize::from(task.is_some());
    task.map(|t| (lane, t))
}

fn work(shared: &Shared) {
    loop {
        let (lane, mut task) = {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if let Some(next) = pop(&mut state) {
                    break next;
                }
                if state.closed {
                    return;
                }
                state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        match std::panic::catch_unwind(AssertUnwindSafe(|| task.step())) {
            Ok(Step::More) => {
                let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                push(&mut state, lane, task);
            }
            Ok(Step::Park) => task.park(),
            Ok(Step::Done) => {}
            Err(_) => {
                metrics::counter!("seuil_panics_total").increment(1);
                task.failed();
            }
        }
    }
}

struct Once<T, F> {
    job: Option<F>,
    tell: Option<tokio::sync::oneshot::Sender<Result<T>>>,
}

impl<T: Send, F: FnOnce() -> Result<T> + Send> Task for Once<T, F> {
    fn step(&mut self) -> Step {
        if let (Some(job), Some(tell)) = (self.job.take(), self.tell.take()) {
            // Nobody waits any more: the client has gone.
            if !tell.is_closed() {
                let _ = tell.send(job());
            }
        }
        Step::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting {
        left: usize,
        lane: Lane,
        log: Arc<Mutex<Vec<Lane>>>,
    }

    impl Task for Counting {
        fn step(&mut self) -> Step {
            self.log.lock().unwrap().push(self.lane);
            std::thread::sleep(Duration::from_micros(200));
            self.left -= 1;
            if self.left == 0 { Step::Done } else { Step::More }
        }
    }

    #[tokio::test]
    async fn lanes_take_turns() {
        let pool = Pool::start(1, 100).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        // Holds the only thread until all tasks are queued.
        let gate = pool.clone();
        let first = tokio::spawn(async move {
            gate.run(9, || {
                std::thread::sleep(Duration::from_millis(50));
                Ok(())
            })
            .await
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        for _ in 0..8 {
            pool.submit(1, Box::new(Counting { left: 5, lane: 1, log: Arc::clone(&log) })).unwrap();
        }
        pool.submit(2, Box::new(Counting { left: 5, lane: 2, log: Arc::clone(&log) })).unwrap();
        first.await.unwrap().unwrap();
        while log.lock().unwrap().len() < 45 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Lane 2 had one task against eight: its five steps still come within the first eleven.
        let log = log.lock().unwrap();
        assert_eq!(log[..11].iter().filter(|l| **l == 2).count(), 5, "{log:?}");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_lives() {
        let pool = Pool::start(1, 10).unwrap();
        let bad: Result<()> = pool.run(1, || panic!("on purpose")).await;
        assert_eq!(bad, Err(Error::Internal));
        assert_eq!(pool.run(1, || Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let pool = Pool::start(1, 2).unwrap();
        // No job ends before the test is over with submitting, however slow the machine.
        let gate = Arc::new(std::sync::Mutex::new(()));
        let closed = gate.lock().unwrap();
        let mut refused = 0;
        for _ in 0..10 {
            let gate = Arc::clone(&gate);
            let job = Once {
                job: Some(move || {
                    drop(gate.lock());
                    Ok(())
                }),
                tell: Some(tokio::sync::oneshot::channel().0),
            };
            refused += usize::from(pool.submit(1, Box::new(job)).is_err());
        }
        drop(closed);
        // One at work at most, two that wait.
        assert!((7..=8).contains(&refused), "{refused}");
    }
}
