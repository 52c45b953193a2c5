//! How an import tells what it is doing.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Receives the progress of one import. Called from the reading thread, several times a second.
pub trait Progress: Send + Sync {
    /// Reading begins. `total` is the size of the file in bytes or its number of features; `None` when not known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// `done` of `total` is read, which gave `lines`, of them `rejects` rejected.
    fn at(&self, done: u64, lines: u64, rejects: u64);
    /// Reading is over; now `what` is done (indexes).
    fn phase(&self, what: &str);
    /// The import is over, well or not.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64, _: u64, _: u64) {}
    fn phase(&self, _: &str) {}
    fn end(&self) {}
}

/// A bar on a terminal, a line now and then elsewhere. Both go to standard error.
#[derive(Debug, Default)]
pub struct Bar {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    what: String,
    total: Option<u64>,
    begun: Option<Instant>,
    said: Option<Instant>,
}

/// Time between two lines when there is no terminal.
const SILENCE: Duration = Duration::from_secs(5);

impl Bar {
    fn with(&self, f: impl FnOnce(&mut State)) {
        // A poisoned lock means that another call panicked; the state is only for show.
        f(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.with(|s| {
            what.clone_into(&mut s.what);
            s.total = total;
            s.begun = Some(Instant::now());
            s.said = s.begun;
            if std::io::stderr().is_terminal() {
                let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
                if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % {msg} {elapsed}") {
                    bar.set_style(style);
                }
                bar.set_prefix(what.to_owned());
                s.bar = Some(bar);
            }
        });
    }

    fn at(&self, done: u64, lines: u64, rejects: u64) {
        self.with(|s| {
            let rate = s.begun.map_or(0.0, |b| lines as f64 / b.elapsed().as_secs_f64().max(1e-3));
            let mut text = format!("{lines} lines, {rate:.0} lines/s");
            if rejects > 0 {
                text.push_str(&format!(", {rejects} rejected"));
            }
            if let Some(bar) = &s.bar {
                bar.set_position(done);
                bar.set_message(text);
            } else if s.said.is_some_and(|t| t.elapsed() > SILENCE) {
                s.said = Some(Instant::now());
                let share = s.total.map_or(0, |t| done * 100 / t.max(1));
                eprintln!("{}: {share} %, {text}", s.what);
            }
        });
    }

    fn phase(&self, what: &str) {
        self.with(|s| match &s.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None if s.begun.is_some_and(|b| b.elapsed() > SILENCE) => eprintln!("{}: {what}", s.what),
            None => {}
        });
    }

    fn end(&self) {
        self.with(|s| {
            if let Some(bar) = s.bar.take() {
                bar.finish_and_clear();
            }
        });
    }
}
