//! `seuil migrate`.

use crate::config::Config;
use crate::db::migrate::{Admin, migrate, script};

/// Brings roles, databases and schemas to this version.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// Superuser of the cluster(s): also creates roles, databases and PostGIS. Without it, `seuil_owner` connects.
    #[arg(long, value_name = "NAME")]
    superuser: Option<String>,
    /// Password of the superuser, when one is asked for.
    #[arg(long, env = "SEUIL_SUPERUSER_PASSWORD", hide_env_values = true, hide = true)]
    superuser_password: Option<String>,
    /// Prints what a DBA has to run once with psql as a superuser, and ends.
    #[arg(long)]
    script: bool,
}

impl Migrate {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if self.script {
            print!("{}", script(&config.database)?);
            return Ok(());
        }
        let admin = self.superuser.map(|user| Admin { user, password: self.superuser_password });
        let done = migrate(&config.database, admin.as_ref()).await?;
        for name in &done.created {
            println!("database {name} created");
        }
        for (which, applied) in [("source", &done.source), ("serving", &done.serving)] {
            if applied.is_empty() {
                println!("{which}: up to date");
            } else {
                println!("{which}: applied {}", applied.join(", "));
            }
        }
        Ok(())
    }
}
