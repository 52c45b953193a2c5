//! `seuil demo`.

use crate::config::Config;
use crate::demo::metropolis::{self, Plan};
use std::path::PathBuf;

/// Runs a whole portal on synthetic data: cluster, import, publication, conventions, server.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Folder of everything the demonstration makes.
    #[arg(long, value_name = "DIR", default_value = "var/demo")]
    data: PathBuf,
    /// 1: a metropolis of 140,000 dwellings; 40: France's social stock; 0.05: a small town.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Seed of everything that is invented.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mapped points of a metropolis; 40000 maps each house alone.
    #[arg(long, default_value_t = 11_500)]
    points: u32,
    /// Writes the files into DIR/source and ends.
    #[arg(long)]
    files_only: bool,
}

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, _config: Config) -> anyhow::Result<()> {
        let plan = Plan { seed: self.seed, scale: self.scale, points: self.points };
        if !self.files_only {
            anyhow::bail!("only --files-only is built yet");
        }
        let begun = std::time::Instant::now();
        let s = metropolis::write(&self.data.join("source"), &plan, &|_, _| {})?;
        println!(
            "{} communes, {} IRIS, {} QPV, {} residences, {} dwellings in {:.1} s",
            s.communes,
            s.iris,
            s.quartiers,
            s.residences,
            s.dwellings,
            begun.elapsed().as_secs_f64()
        );
        Ok(())
    }
}
