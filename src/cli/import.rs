//! `seuil import`.

use crate::config::Config;

/// Loads a file into the source database.
#[derive(Debug, clap::Args)]
pub struct Import {}

impl Import {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil import is not built yet")
    }
}
