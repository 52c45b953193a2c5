//! `seuil check`.

use crate::config::Config;

/// Attacks a publication and reports what it found.
#[derive(Debug, clap::Args)]
pub struct Check {}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil check is not built yet")
    }
}
