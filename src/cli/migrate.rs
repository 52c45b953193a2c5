//! `seuil migrate`.

use crate::config::Config;

/// Brings the schemas of both databases to this version.
#[derive(Debug, clap::Args)]
pub struct Migrate {}

impl Migrate {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("seuil migrate is not built yet")
    }
}
