//! `seuil serve`.

use crate::config::Config;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serves the current publication.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Directory with a `catalogue.toml` of its own, to serve any PostGIS views.
    #[arg(long)]
    capabilities: Option<PathBuf>,
    /// Database whose views are served (libpq string); conventions and records stay in the configuration's.
    #[arg(long)]
    database: Option<String>,
    /// Public socket, instead of the configuration's.
    #[arg(long)]
    listen: Option<SocketAddr>,
}

impl Serve {
    /// Runs the command until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, mut config: Config) -> anyhow::Result<()> {
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        let views = crate::server::Views { capabilities: self.capabilities, database: self.database };
        let running = crate::server::start(config, views).await?;
        println!("ready https://{}", running.address);
        super::stopped().await?;
        running.stop().await;
        Ok(())
    }
}
