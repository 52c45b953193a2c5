//! `seuil publications`.

use crate::config::Config;

/// Lists, rolls back and prunes publications.
#[derive(Debug, clap::Args)]
pub struct Publications {}

impl Publications {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil publications is not built yet")
    }
}
