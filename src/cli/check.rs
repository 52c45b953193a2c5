//! `seuil check`.

use crate::config::Config;
use std::path::PathBuf;

/// Attacks a publication and reports what it found.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Publication number.
    publication: i64,
    /// What the attacker knows: CSV `theme;millesime;id;unites;bailleur;compte;zones`, then `publication;montre` for former
    /// publications, then a column for each category that a landlord knows of its own tenants; and `bailleur;nom;groupe` of
    /// the landlords' corporate groups. Several files may be given.
    #[arg(long, required = true)]
    connaissances: Vec<PathBuf>,
    /// Where to write the report as HTML.
    #[arg(long)]
    html: Option<PathBuf>,
}

impl Check {
    /// Runs the command; findings are an error.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let report = crate::check::run(&config, self.publication, &self.connaissances).await?;
        if let Some(path) = &self.html {
            std::fs::write(path, report.html())?;
        }
        println!("{}", serde_json::to_string_pretty(&report)?);
        anyhow::ensure!(report.constats.is_empty(), "{} findings", report.constats.len());
        Ok(())
    }
}
