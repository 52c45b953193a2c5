//! `seuil report`.

use crate::config::Config;
use crate::convention::report;
use crate::db::{self, Role, Which};
use anyhow::Context;
use std::path::PathBuf;

/// Use of a convention in a month: who used what for which purpose.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Convention.
    #[arg(long)]
    convention: String,
    /// Month, e.g. 2026-01.
    #[arg(long)]
    month: String,
    /// Folder of `rapport-<convention>-<month>.html` and `.csv`.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

impl Report {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let client = db::connect(&config.database, Which::Serving, Role::Auditor).await?;
        let made = report::make(&client, &self.convention, &self.month).await?;
        let stem = format!("rapport-{}-{}", made.convention, made.month);
        for (extension, bytes) in [("html", made.html()?.into_bytes()), ("csv", made.csv()?)] {
            let path = self.out.join(format!("{stem}.{extension}"));
            std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
            println!("{}", path.display());
        }
        Ok(())
    }
}
