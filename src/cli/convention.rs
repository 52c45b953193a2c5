//! `seuil convention`.

use crate::config::Config;

/// Conventions and their certificates.
#[derive(Debug, clap::Args)]
pub struct Convention {}

impl Convention {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil convention is not built yet")
    }
}
