//! `seuil publish`.

use crate::config::Config;
use crate::publish::{self, Options, Progress, Step, StepReport};

/// Aggregates, suppresses, proves and publishes.
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// Drop an unfinished candidate instead of going on with it.
    #[arg(long)]
    fresh: bool,
    /// Make and check the candidate, do not make it current.
    #[arg(long)]
    candidate_only: bool,
    /// Write the whole report as JSON to standard output.
    #[arg(long)]
    json: bool,
}

impl Publish {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let options = Options { fresh: self.fresh, candidate_only: self.candidate_only };
        let report = publish::run(&config, options, &Terminal).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        Ok(())
    }
}

/// One line a step, on standard error.
struct Terminal;

impl Progress for Terminal {
    fn begin(&self, step: Step) {
        eprint!("{:<14} …\r", step.name());
    }

    fn end(&self, step: &StepReport) {
        let took = step.took.map_or_else(|| "done before".to_owned(), |t| format!("{:.2} s", t.as_secs_f64()));
        eprintln!("{:<14} {took:>11}  {}", step.step.name(), step.detail);
    }
}
