//! `seuil journal`.

use super::report::Report;
use super::trace::Trace;
use crate::config::Config;
use crate::convention::audit::{incident, purge, verify};
use crate::convention::record::seal;
use crate::db::{self, Role, Which};
use crate::import::lots;
use anyhow::{Context, bail};
use jiff::ToSpan;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The access record: proof, trace, extract, retention.
#[derive(Debug, clap::Args)]
pub struct Journal {
    #[command(subcommand)]
    act: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Checks the chain of all lines, the columns against them, and the signed heads.
    Verify {
        /// Public keys of the servers (PEM), kept where nobody who writes the database writes; default: this server's.
        #[arg(long)]
        key: Vec<PathBuf>,
    },
    /// From which access a found file comes.
    Trace(Trace),
    /// Use of a convention in a month.
    Report(Report),
    /// What a notification within 72 hours needs: accesses, refusals, partners concerned.
    Incident {
        /// First instant, e.g. 2026-11-25T08:00:00Z, or a day (Europe/Paris); default: 72 hours ago.
        #[arg(long)]
        from: Option<String>,
        /// First instant after; default: now.
        #[arg(long)]
        to: Option<String>,
        /// Only this convention.
        #[arg(long)]
        convention: Option<String>,
        /// Only this certificate (serial number, hexadecimal).
        #[arg(long)]
        serial: Option<String>,
        /// Only this address.
        #[arg(long)]
        address: Option<std::net::IpAddr>,
        /// Folder of the extract; it must not exist.
        #[arg(long)]
        out: PathBuf,
    },
    /// Removes what is past its retention (configuration, section retention): records, spool, rejects, sources.
    Purge {
        /// Only says what would go.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Journal {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self.act {
            Command::Verify { key } => check(&config, key).await,
            Command::Trace(trace) => trace.run(config).await,
            Command::Report(report) => report.run(config).await,
            Command::Incident { from, to, convention, serial, address, out } => {
                let now = jiff::Timestamp::now();
                let from = from.as_deref().map(instant).transpose()?.unwrap_or(now.checked_sub(72.hours())?);
                let to = to.as_deref().map(instant).transpose()?.unwrap_or(now);
                let serial = serial.map(|s| s.replace(':', "").to_ascii_lowercase().trim_start_matches('0').to_owned());
                extract(&config, &incident::Scope { from, to, convention, serial, address }, &out).await
            }
            Command::Purge { dry_run } => retain(&config, dry_run).await,
        }
    }
}

/// An instant, or the begin of a day in Europe/Paris.
fn instant(text: &str) -> anyhow::Result<jiff::Timestamp> {
    if let Ok(day) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Ok(jiff::Timestamp::from_millisecond(crate::convention::calendar::begin_of(day))?);
    }
    text.parse().with_context(|| format!("{text}: like 2026-11-25T08:00:00Z or 2026-11-25"))
}

async fn check(config: &Config, mut paths: Vec<PathBuf>) -> anyhow::Result<()> {
    let own = config.server.state.join(seal::PUBLIC);
    if paths.is_empty() && own.exists() {
        paths.push(own);
    }
    let keys = paths.iter().map(|p| Ok(seal::read_public(p)?)).collect::<anyhow::Result<Vec<_>>>()?;
    let client = db::connect(&config.database, Which::Serving, Role::Auditor).await?;
    let found = verify::run(&client, &keys).await?;
    for i in &found.instances {
        println!(
            "{}  {} lines, {} purged, {} signed heads, signed up to line {}, {} faults",
            i.instance, i.lines, i.purged, i.sealed, i.covered, i.faults
        );
        i.broken.iter().for_each(|b| println!("    {b}"));
    }
    for (table, wrong) in found.columns.iter().filter(|c| c.1 > 0) {
        println!("journal.{table}: {wrong} rows whose columns say something else than their text");
    }
    for key in &found.strangers {
        println!("key {key} signed heads, and nobody vouches for it: give its public key with --key");
    }
    if !found.good() {
        bail!("the journal is not proved");
    }
    println!("the journal is whole and unchanged");
    Ok(())
}

async fn extract(config: &Config, scope: &incident::Scope, out: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let client = db::connect(&config.database, Which::Serving, Role::Auditor).await?;
    let made = incident::extract(&client, scope).await?;
    // Personal data: for its owner alone.
    std::fs::DirBuilder::new().mode(0o700).create(out).with_context(|| out.display().to_string())?;
    let mut sums = String::new();
    for (name, bytes) in
        [("incident.html", made.summary.as_bytes()), ("acces.csv", &made.accesses), ("refus.csv", &made.refusals)]
    {
        let path = out.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        sums.push_str(&format!("{}  {name}\n", hex::encode(Sha256::digest(bytes))));
        println!("{}", path.display());
    }
    std::fs::write(out.join("SHA256SUMS"), sums)?;
    for p in &made.partners {
        println!("{}: {} accesses; to reach: {} {}", p.convention, p.requests, p.incident, p.dpo);
    }
    Ok(())
}

async fn retain(config: &Config, dry: bool) -> anyhow::Result<()> {
    let keep = &config.retention;
    let (gone, would) = if dry { ("would go", " (nothing was removed)") } else { ("gone", "") };
    let days = |n: u32| Duration::from_secs(u64::from(n) * 86_400);
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();

    let mut owner = db::connect(&config.database, Which::Serving, Role::Owner).await?;
    let before = today.checked_sub(i64::from(keep.records).days())?;
    let records = purge::records(&mut owner, before, dry).await?;
    println!("records before {before}: {} rows {gone} in {} tables{would}", records.rows, records.partitions.len());
    if records.left > 0 {
        bail!("{} rows that should have gone are still there", records.left);
    }
    let spool = purge::files(&config.server.state.join("spool"), &["rebut"], days(keep.records), dry)?;
    println!("torn ends of the spool: {} files {gone}", spool.len());
    let rejects = purge::files(&config.import.reports, &["csv"], days(keep.rejects), dry)?;
    println!("reports of rejected lines: {} files {gone}", rejects.len());

    let limit = SystemTime::now().checked_sub(days(keep.sources)).unwrap_or(SystemTime::UNIX_EPOCH);
    for lot in lots::list(config).await? {
        let due = !lot.current && lot.state == "complet" && lot.end.is_some_and(|e| e < limit);
        if !due {
            continue;
        }
        let name = format!("lot {} ({} {} version {})", lot.lot, lot.source, lot.millesime, lot.version);
        match dry {
            true => println!("{name}: would go"),
            false => match lots::purge(config, lot.lot, false).await {
                Ok(rows) => println!("{name}: {rows} rows gone"),
                // A publication in use was computed from it: it goes when that one has gone.
                Err(e) => println!("{name}: kept ({e})"),
            },
        }
    }
    println!("verified: nothing past its retention is left of records, torn ends and reports{would}");
    Ok(())
}
