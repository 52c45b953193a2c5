//! `seuil trace`.

use crate::config::Config;
use crate::convention::trace::{self, Access, Trace as Outcome};
use crate::db::{self, Role, Which};
use std::path::PathBuf;

/// From which access a found file comes: by its identifier, else ranked candidates, never a verdict.
#[derive(Debug, clap::Args)]
pub struct Trace {
    /// The file: GeoJSON, GML, CSV, GeoPackage, Shapefile, FlatGeobuf, KML, or anything that carries an identifier.
    file: PathBuf,
}

impl Trace {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let client = db::connect(&config.database, Which::Serving, Role::Auditor).await?;
        let catalogue = crate::catalogue::load_embedded()?;
        match trace::trace(&client, &catalogue, &self.file).await? {
            Outcome::Named(all) => {
                for (access, same) in all {
                    show(&access);
                    match (same, &access.hash) {
                        (true, _) => println!("    the file is, byte for byte, what was sent"),
                        (false, Some(_)) => println!(
                            "    the file is not, byte for byte, what was sent: saved anew, changed or put together"
                        ),
                        (false, None) => println!("    no hash on record: the download did not end whole"),
                    }
                }
                println!("The identifier may have been copied from another file: weigh it with what the file holds.");
            }
            Outcome::Same(all) => {
                println!("no identifier in the file; its bytes are those of");
                all.iter().for_each(show);
            }
            Outcome::Ranked { features, layers, candidates } => {
                println!("no identifier in the file; {features} features, like layers: {}", layers.join(", "));
                if candidates.is_empty() {
                    println!("no access on record fits");
                    return Ok(());
                }
                println!("Candidates by fit of keys, values and number; several may fit equally, and none need be it.");
                let percent = |p: Option<f64>| p.map_or("?".to_owned(), |p| format!("{:.0} %", p * 100.0));
                for c in candidates {
                    println!(
                        "{:5.2}  keys in the territory {}, values as published {}, number {:.2}{}",
                        c.score,
                        percent(c.keys),
                        percent(c.values),
                        c.count,
                        c.against.iter().map(|a| format!("; against: {a}")).collect::<String>()
                    );
                    show(&c.access);
                }
            }
        }
        Ok(())
    }
}

fn show(a: &Access) {
    println!("{}  {}  convention {} ({})", a.download, a.at, a.convention, a.partner);
    println!("    certificate {} {}, purpose {}, from {}", a.serial, a.holder, a.purpose, a.address);
    let number = |n: Option<i64>| n.map_or("?".to_owned(), |n| n.to_string());
    println!(
        "    {} of {}, publication {}, {}, {} features, {} bytes",
        a.operation,
        a.layers.join(" "),
        a.publication,
        a.outcome.as_deref().unwrap_or("not ended"),
        number(a.features),
        number(a.bytes)
    );
}
