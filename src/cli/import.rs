//! `seuil import`.

use crate::config::Config;
use crate::import::{self, Encodage, Options, Source, lots, progress::Bar};
use crate::publish::plan::Theme;
use std::path::PathBuf;
use std::sync::Arc;

/// Loads a file into the source database, as a new version beside the former ones.
#[derive(Debug, clap::Args)]
pub struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Outlines of communes: anything GDAL reads, any CRS.
    Communes(Outline),
    /// Outlines of IRIS: anything GDAL reads, any CRS.
    Iris(Outline),
    /// Outlines of priority neighbourhoods (QPV): anything GDAL reads, any CRS.
    Qpv(Outline),
    /// Dwellings (RPLS).
    Rpls(Table),
    /// The metropolis's key dwelling ▶ residence.
    Residences(Table),
    /// Households (OPS).
    Occupation(Table),
    /// Allocations (SNE).
    Attributions(Table),
    /// Demands by commune (SNE).
    Demandes(Table),
    /// Amenities (BPE and the metropolis's own).
    Equipements(Table),
    /// Landlords and their corporate groups.
    Bailleurs(Table),
    /// Open tables of the SDES by commune or EPCI.
    Marges(Margins),
    /// Lists what has been imported.
    List,
    /// Removes the rows of an import that no publication uses any more, and verifies it.
    Purge {
        /// Its number (`seuil import list`).
        lot: i64,
        /// Also the newest version of its vintage: the former version becomes the newest again.
        #[arg(long)]
        current: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Table {
    /// Semicolon CSV, plain or gzip.
    file: PathBuf,
    /// Vintage, e.g. 2024 for the state on 1 January 2024.
    #[arg(long, value_name = "YEAR")]
    millesime: i32,
    /// Encoding, where it cannot be told from the text.
    #[arg(long, value_enum, default_value_t)]
    encodage: Encodage,
}

#[derive(Debug, clap::Args)]
struct Margins {
    #[command(flatten)]
    table: Table,
    /// Theme whose figures the table sums.
    #[arg(long, value_enum, default_value_t)]
    theme: Theme,
}

#[derive(Debug, clap::Args)]
struct Outline {
    /// Shapefile, GeoPackage, GeoJSON...; also zip or gzip.
    file: PathBuf,
    /// Vintage of the geography, e.g. 2024.
    #[arg(long, value_name = "YEAR")]
    millesime: i32,
    /// Layer (or file in an archive), where several would do.
    #[arg(long)]
    layer: Option<String>,
    /// CRS of a file that names none, e.g. EPSG:2154.
    #[arg(long)]
    crs: Option<String>,
    /// Encoding of a Shapefile that names none.
    #[arg(long, value_enum, default_value_t)]
    encodage: Encodage,
}

impl Table {
    fn job(self, source: Source) -> (Source, PathBuf, i32, Options) {
        (source, self.file, self.millesime, Options { encodage: self.encodage, ..Options::default() })
    }
}

impl Outline {
    fn job(self, source: Source) -> (Source, PathBuf, i32, Options) {
        let options = Options { encodage: self.encodage, layer: self.layer, crs: self.crs, ..Options::default() };
        (source, self.file, self.millesime, options)
    }
}

impl Import {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (source, file, millesime, options) = match self.what {
            What::Communes(o) => o.job(Source::Communes),
            What::Iris(o) => o.job(Source::Iris),
            What::Qpv(o) => o.job(Source::Qpv),
            What::Rpls(t) => t.job(Source::Rpls),
            What::Residences(t) => t.job(Source::Residences),
            What::Occupation(t) => t.job(Source::Occupation),
            What::Attributions(t) => t.job(Source::Attributions),
            What::Demandes(t) => t.job(Source::Demandes),
            What::Equipements(t) => t.job(Source::Equipements),
            What::Bailleurs(t) => t.job(Source::Bailleurs),
            What::Marges(m) => {
                let (source, file, millesime, options) = m.table.job(Source::Marges);
                (source, file, millesime, Options { theme: m.theme, ..options })
            }
            What::List => return list(&config).await,
            What::Purge { lot, current } => {
                println!("lot {lot}: {} rows removed, none left", lots::purge(&config, lot, current).await?);
                return Ok(());
            }
        };
        let done = import::run(&config, source, &file, millesime, &options, Arc::new(Bar::default())).await?;
        println!(
            "{} {millesime}: lot {}, version {}: {} rows of {} lines in {:.1} s",
            source.name(),
            done.lot,
            done.version,
            done.rows,
            done.lines,
            done.duration.as_secs_f64()
        );
        if let Some(report) = done.reject_report {
            println!("{} lines rejected: {}", done.rejects, report.display());
        }
        Ok(())
    }
}

async fn list(config: &Config) -> anyhow::Result<()> {
    println!(
        "{:>5} {:<13} {:>5} {:>4} {:<10} {:>9} {:>7}  {:<25} used by, file",
        "lot", "source", "year", "v", "state", "lines", "rejects", "complete"
    );
    for l in lots::list(config).await? {
        let number = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
        let end = l.end.and_then(|t| jiff::Timestamp::try_from(t).ok());
        let publications: Vec<String> = l.publications.iter().map(i64::to_string).collect();
        println!(
            "{:>5} {:<13} {:>5} {:>4} {:<10} {:>9} {:>7}  {:<25} {}{}",
            l.lot,
            l.source,
            l.millesime,
            l.version,
            if l.current { "current" } else { &l.state },
            number(l.lines),
            number(l.rejects),
            end.map_or(String::new(), |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            if publications.is_empty() { String::new() } else { format!("publication {}, ", publications.join(", ")) },
            l.file,
        );
    }
    Ok(())
}
