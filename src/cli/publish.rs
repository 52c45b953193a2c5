//! `seuil publish`.

use crate::config::Config;

/// Aggregates, suppresses, proves and publishes.
#[derive(Debug, clap::Args)]
pub struct Publish {}

impl Publish {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil publish is not built yet")
    }
}
