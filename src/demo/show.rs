//! What a demonstration tells while it works: one line a step, with its time; a bar for long ones on a terminal.

use crate::publish;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Times steps and prints a line for each.
#[derive(Debug)]
pub struct Show {
    begun: Instant,
    /// Turns while a step of a publication works, on a terminal.
    spinner: Mutex<Option<ProgressBar>>,
}

impl Show {
    /// Time begins.
    pub fn new() -> Show {
        Show { begun: Instant::now(), spinner: Mutex::new(None) }
    }

    /// A line for a step that took a time.
    pub fn line(&self, took: Duration, text: &str) {
        say(&format!("{:>7.1} s  {text}", took.as_secs_f64()));
    }

    /// Runs a step and prints its line; the step gives the text.
    ///
    /// # Errors
    /// Those of the step.
    pub async fn step<E>(&self, step: impl Future<Output = Result<String, E>>) -> Result<(), E> {
        let begun = Instant::now();
        let text = step.await?;
        self.line(begun.elapsed(), &text);
        Ok(())
    }

    /// Time since the begin.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn spin(&self, next: Option<ProgressBar>) {
        // A poisoned lock means that another line panicked; the spinner is only for show.
        let mut spinner = self.spinner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *spinner, next) {
            before.finish_and_clear();
        }
    }

    /// A bar that counts to a total; hidden when standard error is no terminal.
    pub fn bar(&self, what: &str) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % {pos} / {len} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar
    }
}

/// Prints a line. A reader that has gone away is no reason to end.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A number with spaces between thousands.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

impl publish::Progress for Show {
    fn begin(&self, step: publish::Step) {
        if std::io::stderr().is_terminal() {
            let spinner = ProgressBar::new_spinner().with_message(format!("{step:?}").to_lowercase());
            spinner.enable_steady_tick(Duration::from_millis(200));
            self.spin(Some(spinner));
        }
    }

    fn end(&self, step: &publish::StepReport) {
        self.spin(None);
        let took = step.took.unwrap_or_default();
        self.line(took, &format!("  {:?}: {}", step.step, step.detail).to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_spaced() {
        assert_eq!([0, 999, 1000, 5_300_000].map(thousands), ["0", "999", "1 000", "5 300 000"]);
    }
}
