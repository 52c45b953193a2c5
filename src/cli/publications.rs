//! `seuil publications`.

use crate::config::Config;
use crate::publish;
use anyhow::Context;
use std::path::PathBuf;

/// Lists, rolls back and prunes publications.
#[derive(Debug, clap::Args)]
pub struct Publications {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists publications, the newest first.
    List,
    /// Makes a former publication current again.
    Rollback {
        /// Its number; without: the one that was current last.
        publication: Option<i64>,
    },
    /// Writes the report stored with a publication: what protection costs, with a map, and what the proof attacked.
    Report {
        /// Its number; without: the current one.
        publication: Option<i64>,
        /// The page, in French.
        #[arg(long, required_unless_present = "json")]
        html: Option<PathBuf>,
        /// The same for programs.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Drops the rows of former publications whose grace time is over.
    Prune {
        /// How many of them to keep, to return to.
        #[arg(long, default_value_t = 1)]
        keep: usize,
        /// Drop an unfinished candidate too.
        #[arg(long)]
        candidate: bool,
    },
}

impl Publications {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self.what {
            What::List => {
                println!(
                    "{:>6}  {:<10}  {:<20}  {:<20}  {:<20}  {:>10}",
                    "number", "state", "created", "current since", "readable until", "rows"
                );
                for p in publish::list(&config).await? {
                    let or = |t: Option<String>| t.unwrap_or_else(|| "-".to_owned());
                    let rows = p.rows.map_or_else(|| "-".to_owned(), |n| n.to_string());
                    let (since, until) = (or(p.current_since), or(p.grace_end));
                    println!("{:>6}  {:<10}  {:<20}  {since:<20}  {until:<20}  {rows:>10}", p.id, p.state, p.created);
                }
            }
            What::Rollback { publication } => {
                let id = publish::rollback(&config, publication).await?;
                println!("publication {id} is current again");
            }
            What::Report { publication, html, json } => {
                let (id, page, data) = publish::stored_report(&config, publication).await?;
                let data = serde_json::to_string_pretty(&data)?;
                for (file, text) in [(html, page), (json, data)] {
                    let Some(file) = file else { continue };
                    std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
                    println!("report of publication {id}: {}", file.display());
                }
            }
            What::Prune { keep, candidate } => {
                let pruned = publish::prune(&config, keep, candidate).await?;
                match pruned.publications.as_slice() {
                    [] => println!("nothing to drop"),
                    list => println!("dropped: {}", list.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
                }
            }
        }
        Ok(())
    }
}
