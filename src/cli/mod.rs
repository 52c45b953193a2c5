//! The commands. No logic: each file turns arguments into one call of a room.

mod certificate;
pub mod check;
mod convention;
pub mod demo;
pub mod import;
pub mod journal;
pub mod migrate;
pub mod publications;
pub mod publish;
pub mod report;
pub mod serve;
pub mod trace;

use crate::config::Config;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Map server for social-housing statistics.
#[derive(Debug, Parser)]
#[command(name = "seuil", version, about)]
pub struct Cli {
    /// Configuration file; defaults apply without it.
    #[arg(long, global = true, env = "SEUIL_CONFIG")]
    config: Option<PathBuf>,
    /// Log filter, e.g. `info`, `seuil=debug`.
    #[arg(long, global = true, env = "SEUIL_LOG", default_value = "info,refinery_core=warn,tokio_postgres=warn")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a whole portal on synthetic data: cluster, import, publication, conventions, server.
    Demo(demo::Demo),
    /// Brings the schemas of both databases to this version.
    Migrate(migrate::Migrate),
    /// Loads a file into the source database.
    Import(import::Import),
    /// Aggregates, suppresses, proves and publishes.
    Publish(publish::Publish),
    /// Lists, rolls back and prunes publications.
    Publications(publications::Publications),
    /// Attacks a publication and reports what it found.
    Check(check::Check),
    /// Conventions and their certificates.
    Convention(convention::Convention),
    /// Reports the use of a convention in a month.
    Report(report::Report),
    /// The access record: proof, trace, incidents, retention.
    Journal(journal::Journal),
    /// From which access a found file comes.
    Trace(trace::Trace),
    /// Serves the current publication.
    Serve(serve::Serve),
}

/// Parses the command line, sets up logging and runs the command.
///
/// # Errors
/// What went wrong, for the terminal.
pub fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(&cli.log)?)
        .with_writer(std::io::stderr)
        .init();
    let config = cli.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Demo(c) => c.run(config).await,
            Command::Migrate(c) => c.run(config).await,
            Command::Import(c) => c.run(config).await,
            Command::Publish(c) => c.run(config).await,
            Command::Publications(c) => c.run(config).await,
            Command::Check(c) => c.run(config).await,
            Command::Convention(c) => c.run(config).await,
            Command::Report(c) => c.run(config).await,
            Command::Journal(c) => c.run(config).await,
            Command::Trace(c) => c.run(config).await,
            Command::Serve(c) => c.run(config).await,
        }
    });
    // A thread that still reads or writes a file for a task that was given up does not hold back the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// Waits for SIGTERM or Ctrl-C.
///
/// # Errors
/// The operating system refuses signal handlers.
pub async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
