//! `seuil demo`.

use crate::config::Config;

/// Runs a whole portal on synthetic data: cluster, import, publication, conventions, server.
#[derive(Debug, clap::Args)]
pub struct Demo {}

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil demo is not built yet")
    }
}
