//! `seuil demo`.

use crate::config::Config;
use crate::demo;
use crate::demo::metropolis::{Origin, Plan};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Runs a whole portal on synthetic data: cluster, import, publication, conventions, server.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Folder of everything the demonstration makes.
    #[arg(long, value_name = "DIR", default_value = "var/demo")]
    data: PathBuf,
    /// Public socket (TLS).
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Operations socket (plain HTTP): health, metrics.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8480")]
    operations: SocketAddr,
    /// 1: a metropolis of 140,000 dwellings; 40: France's social stock; 0.05: a small town.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Seed of everything that is invented.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mapped points of a metropolis; 40000 maps each house alone.
    #[arg(long, default_value_t = 11_500)]
    points: u32,
    /// Folder with real outlines (communes, IRIS, QPV) and dwellings by commune, to put synthetic dwellings into.
    #[arg(long, value_name = "DIR")]
    outlines: Option<PathBuf>,
    /// Writes the files into DIR/source and ends.
    #[arg(long)]
    files_only: bool,
}

impl Demo {
    /// Runs the command until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        anyhow::ensure!((0.01..=64.0).contains(&self.scale), "--scale: from 0.01 to 64");
        anyhow::ensure!((100..=200_000).contains(&self.points), "--points: from 100 to 200000");
        let origin = match self.outlines {
            Some(dir) => Origin::Outlines(dir.canonicalize()?),
            None => Origin::Invented,
        };
        let demo = demo::Demo {
            folder: self.data,
            plan: Plan { seed: self.seed, scale: self.scale, points: self.points },
            origin,
            listen: self.listen,
            operations: self.operations,
        };
        if self.files_only {
            return Ok(demo::files(&demo).await?);
        }
        // Listened to from the begin: a signal during the preparation ends it in order.
        let (ended, stop) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            match super::stopped().await {
                Ok(()) => drop(ended.send(())),
                Err(e) => {
                    tracing::error!(error = %e, "signals cannot be received");
                    std::future::pending().await
                }
            }
        });
        let stop = async { drop(stop.await) };
        Ok(demo::run(demo, config, stop).await?)
    }
}
