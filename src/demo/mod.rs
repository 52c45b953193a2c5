//! A whole portal from nothing: cluster, synthetic metropolis, imports, publication, test CA, conventions, server.
//!
//! Everything lies in one folder and is done in steps that are recorded: ended or killed at any moment and started again,
//! a demonstration goes on where it was. Each step calls what the commands of a data team call.

pub mod cluster;
pub mod metropolis;
mod show;
mod steps;

use crate::config::Config;
use crate::convention::{ConventionError, samples};
use crate::db::migrate::migrate;
use crate::db::{self, DbError, Role, Which};
use crate::import::{self, ImportError, Source};
use crate::pki::{self, Authority, PkiError, ServerCertificate};
use crate::publish::{self, PublishError};
use crate::server::{self, Running, ServerError, Views};
use cluster::{Cluster, ClusterError};
use metropolis::{MetropolisError, Origin, Plan, VINTAGES};
use show::{Show, say, thousands};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use steps::{Step, Steps};

/// Why a demonstration does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder holds another metropolis.
    #[error(
        "{folder} holds a demonstration of scale {scale}, seed {seed}, {points} points: \
         name another folder, or remove this one"
    )]
    OtherPlan {
        /// The folder.
        folder: PathBuf,
        /// Its scale.
        scale: f64,
        /// Its seed.
        seed: u64,
        /// Its points.
        points: u32,
    },
    /// The record of steps cannot be used.
    #[error("{path}: {reason}")]
    Steps {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file or folder.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The files.
    #[error(transparent)]
    Files(#[from] MetropolisError),
    /// Migrations, connections.
    #[error(transparent)]
    Db(#[from] DbError),
    /// An import.
    #[error("import of {file}: {source}")]
    Import {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: ImportError,
    },
    /// The list of imports.
    #[error(transparent)]
    Lots(ImportError),
    /// The publication.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// CA and certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// Conventions.
    #[error(transparent)]
    Convention(#[from] ConventionError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A background task ended badly.
    #[error("a task ended badly: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// What to demonstrate.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Folder of everything.
    pub folder: PathBuf,
    /// The metropolis.
    pub plan: Plan,
    /// Its zones.
    pub origin: Origin,
    /// Public socket.
    pub listen: SocketAddr,
    /// Operations socket.
    pub operations: SocketAddr,
}

/// Writes the files into `source/` of a folder and nothing else.
///
/// # Errors
/// [`DemoError`].
pub async fn files(demo: &Demo) -> Result<(), DemoError> {
    write_files(demo, &Show::new()).await
}

/// Prepares everything and serves until `stop` is ready; then ends all that was started.
///
/// # Errors
/// [`DemoError`]; what was started is ended then too.
pub async fn run(demo: Demo, config: Config, stop: impl Future<Output = ()>) -> Result<(), DemoError> {
    let show = Show::new();
    let folder = prepare_folder(&demo.folder)?;
    let demo = Demo { folder, ..demo };
    let mut steps = Steps::open(&demo.folder, &demo.plan, &demo.origin)?;
    // Never given up half-way: a server that nobody knows of would stay behind.
    let cluster = {
        let (folder, show) = (demo.folder.clone(), &show);
        let mut started = None;
        show.step::<DemoError>(async {
            let cluster = tokio::task::spawn_blocking(move || Cluster::start(&folder)).await??;
            let text = format!("PostgreSQL in {}", cluster.place().data().display());
            started = Some(cluster);
            Ok(text)
        })
        .await?;
        started
    };
    let Some(cluster) = cluster else { return Ok(()) };
    let config = configure(&demo, config, &cluster)?;

    let outcome = {
        let prepared = async {
            prepare(&demo, &config, &cluster, &mut steps, &show).await?;
            Ok::<Running, DemoError>(server::start(config.clone(), Views::default()).await?)
        };
        tokio::pin!(stop);
        tokio::select! {
            outcome = prepared => match outcome {
                Ok(running) => {
                    announce(&demo, &running, &show);
                    stop.await;
                    running.stop().await;
                    Ok(())
                }
                Err(e) => Err(e),
            },
            () = &mut stop => Ok(()),
        }
    };
    tokio::task::spawn_blocking(move || cluster.stop()).await??;
    outcome
}

/// Makes the demonstration's folder. It holds keys and files that nobody else may read; those protect themselves.
fn prepare_folder(folder: &Path) -> Result<PathBuf, DemoError> {
    let io = |source| DemoError::Io { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(io)?;
    folder.canonicalize().map_err(io)
}

/// The configuration of the demonstration, also written to `seuil.toml`: other commands take it with `--config`.
fn configure(demo: &Demo, mut config: Config, cluster: &Cluster) -> Result<Config, DemoError> {
    let (pool, statement_timeout) = (config.database.pool, config.database.statement_timeout);
    config.database = crate::config::Database { pool, statement_timeout, ..cluster.database() };
    let pki = demo.folder.join("pki");
    config.server.listen = demo.listen;
    config.server.operations = demo.operations;
    config.server.certificate = pki.join("server.pem");
    config.server.key = pki.join("server.key");
    config.server.client_ca = pki.join("clients");
    config.server.state = demo.folder.join("state");
    config.server.demo = true;
    config.import.reports = demo.folder.join("rapports");
    let path = demo.folder.join("seuil.toml");
    let text = toml::to_string(&config).map_err(|e| DemoError::Steps { path: path.clone(), reason: e.to_string() })?;
    cluster::write_whole(&path, text.as_bytes())?;
    Ok(config)
}

/// All steps before the server starts.
async fn prepare(
    demo: &Demo,
    config: &Config,
    cluster: &Cluster,
    steps: &mut Steps,
    show: &Show,
) -> Result<(), DemoError> {
    let identity = identity(cluster).await?;
    if !steps.belongs(&identity) {
        forget(demo, config)?;
        steps.belong(&identity)?;
    }
    show.step::<DemoError>(async {
        let done = migrate(&config.database, Some(&cluster.admin())).await?;
        Ok(match done.source.len() + done.serving.len() {
            0 => "schemas up to date".to_owned(),
            n => format!("schemas: {n} migrations"),
        })
    })
    .await?;
    if !steps.done(Step::Files) {
        write_files(demo, show).await?;
        steps.complete(Step::Files)?;
    }
    import_files(demo, config, show).await?;
    // What a kill between the publication and its record left is current all the same.
    if !publish::list(config).await?.iter().any(|p| p.state == "courante") {
        show.step::<DemoError>(async {
            let report = publish::run(config, publish::Options::default(), show).await?;
            Ok(format!("publication {}", report.publication))
        })
        .await?;
    }
    show.step(certify(demo, config)).await
}

/// What PostgreSQL calls the cluster: a number of its own for each that is made.
async fn identity(cluster: &Cluster) -> Result<String, DemoError> {
    let string = cluster.string("postgres");
    let doing = "asking for the identifier of the cluster";
    let statement = move |source| DemoError::Db(DbError::Statement { doing, source });
    let mut parameters: tokio_postgres::Config = string.parse().map_err(statement)?;
    parameters.user(&cluster.admin().user);
    let (client, connection) = parameters.connect(tokio_postgres::NoTls).await.map_err(statement)?;
    tokio::spawn(connection);
    let sql = "SELECT system_identifier::text FROM pg_control_system()";
    Ok(client.query_one(sql, &[]).await.map_err(statement)?.get(0))
}

/// Removes what belonged to a former cluster of the folder: certificates that this one does not know, snapshots of
/// publications that are not its own.
fn forget(demo: &Demo, config: &Config) -> Result<(), DemoError> {
    let pki = demo.folder.join("pki");
    let folders = samples::FILES.iter().map(|f| pki.join(f.0)).chain([config.server.state.clone()]);
    for folder in folders.filter(|f| f.exists()) {
        std::fs::remove_dir_all(&folder).map_err(|source| DemoError::Io { path: folder, source })?;
    }
    Ok(())
}

/// Writes the files beside their place and renames: `source/` is always whole.
async fn write_files(demo: &Demo, show: &Show) -> Result<(), DemoError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| DemoError::Io { path, source }
    };
    std::fs::create_dir_all(&demo.folder).map_err(io(&demo.folder))?;
    let (draft, place) = (demo.folder.join("source.new"), demo.folder.join("source"));
    for old in [&draft, &place] {
        if old.exists() {
            std::fs::remove_dir_all(old).map_err(io(old))?;
        }
    }
    let bar = show.bar("writing");
    show.step::<DemoError>(async {
        let (demo, draft, bar) = (demo.clone(), draft.clone(), bar.clone());
        let s = tokio::task::spawn_blocking(move || {
            metropolis::write(&draft, &demo.plan, &demo.origin, &|done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })
        })
        .await??;
        Ok(format!(
            "files: {} communes, {} IRIS, {} QPV, {} residences, {} dwellings",
            s.communes,
            thousands(s.iris as u64),
            s.quartiers,
            thousands(s.residences as u64),
            thousands(s.dwellings)
        ))
    })
    .await?;
    bar.finish_and_clear();
    std::fs::rename(&draft, &place).map_err(io(&place))?;
    std::fs::File::open(&demo.folder).and_then(|d| d.sync_all()).map_err(io(&demo.folder))
}

/// The files with their vintages, in the order in which a metropolis loads them.
fn imports(source: &Path) -> Vec<(Source, PathBuf, i32)> {
    let mut all = vec![
        (Source::Communes, source.join("communes_2022.gpkg"), 2022),
        (Source::Iris, source.join("iris_2022.shp.zip"), 2022),
        (Source::Qpv, source.join("qpv_2015.geojson"), 2015),
        (Source::Qpv, source.join("qpv_2024.geojson"), 2024),
    ];
    all.extend(VINTAGES.last().map(|year| (Source::Bailleurs, source.join("bailleurs.csv"), *year)));
    for year in VINTAGES {
        for (kind, suffix) in [
            (Source::Rpls, "csv.gz"),
            (Source::Residences, "csv"),
            (Source::Occupation, "csv"),
            (Source::Attributions, "csv"),
            (Source::Demandes, "csv"),
            (Source::Equipements, "csv"),
        ] {
            all.push((kind, source.join(format!("{}_{year}.{suffix}", kind.name())), year));
        }
    }
    all
}

/// Imports each file that has no complete lot yet.
async fn import_files(demo: &Demo, config: &Config, show: &Show) -> Result<(), DemoError> {
    let lots = import::lots::list(config).await.map_err(DemoError::Lots)?;
    for (source, file, year) in imports(&demo.folder.join("source")) {
        if lots.iter().any(|l| l.source == source.name() && l.millesime == year && l.state == "complet") {
            continue;
        }
        let progress = Arc::new(import::progress::Bar::default());
        let report = import::run(config, source, &file, year, &import::Options::default(), progress)
            .await
            .map_err(|source| DemoError::Import { file, source })?;
        let rejected = match report.rejects {
            0 => String::new(),
            n => format!(", {n} rejected"),
        };
        let text = format!("import {} {year}: {} rows{rejected}", source.name(), thousands(report.rows));
        show.line(report.duration, &text);
    }
    Ok(())
}

/// The test CA, the server's certificate, the conventions and theirs.
async fn certify(demo: &Demo, config: &Config) -> Result<String, DemoError> {
    let pki = demo.folder.join("pki");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| DemoError::Io { path, source }
    };
    // Milliseconds since 1970, as certificates and conventions count.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
    let (certificate, key) = (pki.join("ca.pem"), pki.join("ca.key"));
    let authority = if certificate.exists() {
        Authority::open(&certificate, &key)?
    } else {
        // A key without its certificate is what a kill between the two leaves; nothing was signed with it.
        if key.exists() {
            std::fs::remove_file(&key).map_err(io(&key))?;
        }
        Authority::create(&certificate, &key, "Portail de démonstration", Some(pki::DEMO_UNIT), now)?
    };
    let clients = &config.server.client_ca;
    std::fs::create_dir_all(clients).map_err(io(clients))?;
    let accepted = clients.join("ca.pem");
    if !accepted.exists() {
        cluster::write_whole(&accepted, authority.pem().as_bytes())?;
    }
    if aged(&config.server.certificate) {
        let mut names = Vec::new();
        if !demo.listen.ip().is_unspecified() && !demo.listen.ip().is_loopback() {
            names.push(demo.listen.ip().to_string());
        }
        let issued = authority.issue_server(&ServerCertificate { names, days: SERVER_DAYS }, now)?;
        issued.write(&config.server.certificate, &config.server.key)?;
    }
    let drafter = db::connect(&config.database, Which::Serving, Role::Drafter).await?;
    let signer = db::connect(&config.database, Which::Serving, Role::Signer).await?;
    samples::establish(&drafter, &signer, &authority, &pki, now).await?;
    Ok(format!("{} conventions with certificates in {}", samples::FILES.len(), pki.display()))
}

/// Days of validity of the server's certificate: some clients refuse more than 825.
const SERVER_DAYS: u32 = 800;

/// True when the server's certificate is missing or within a month of its end.
fn aged(certificate: &Path) -> bool {
    let made = std::fs::metadata(certificate).and_then(|m| m.modified()).ok();
    let age = made.and_then(|m| m.elapsed().ok());
    made.is_none() || age.is_some_and(|a| a.as_secs() / 86_400 > u64::from(SERVER_DAYS) - 30)
}

fn announce(demo: &Demo, running: &Running, show: &Show) {
    let url = format!("https://{}", running.address);
    let pki = demo.folder.join("pki");
    let pki = pki.display();
    let password = samples::PASSWORD;
    show.line(show.elapsed(), "in all");
    say(&format!("ready {url}"));
    say(&format!(
        "
curl     curl --cacert {pki}/ca.pem --cert {pki}/mel/client.pem --key {pki}/mel/client.key \\
              '{url}/collections/parc_commune/items?limit=2'
QGIS     Settings > Options > Authentication: add {pki}/ca.pem as an authority, then a configuration
         'PKI PKCS#12' with {pki}/mel/client.p12 (password {password}).
         Layer > Add layer: WMS {url}/wms, WFS {url}/wfs, OGC API {url}
browser  import {pki}/mel/client.p12 (password {password}) as your certificate and {pki}/ca.pem as an
         authority, then open {url}/portail
others   one folder a convention in {pki}: {}
health   http://{}/health/ready
end      Ctrl-C ends all of it; the same command starts it again in seconds",
        samples::FILES.map(|f| f.0).join(", "),
        running.operations,
    ));
}
