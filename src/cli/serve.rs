//! `seuil serve`.

use crate::config::Config;

/// Serves the current publication.
#[derive(Debug, clap::Args)]
pub struct Serve {}

impl Serve {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil serve is not built yet")
    }
}
