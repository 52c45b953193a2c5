//! The one configuration. Unknown keys are refused; every key has a default that a small portal can run with.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What can be wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Unknown key, wrong type, wrong value.
    #[error("configuration {path}: {source}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

/// The whole configuration (`seuil.toml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Databases.
    pub database: Database,
    /// Sockets, certificates, public address.
    pub server: Server,
    /// Limits of requests.
    pub limits: Limits,
    /// Statistical disclosure control.
    pub secrecy: Secrecy,
    /// Import.
    pub import: Import,
    /// How long things are kept.
    pub retention: Retention,
}

/// How the two databases are reached. libpq key/value strings; a string without `user` gets the role of the command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The database with dwelling-level data.
    pub source: String,
    /// The database with publications, conventions and the access record.
    pub serving: String,
    /// Connections of the server's pool.
    pub pool: usize,
    /// Seconds a statement of the server may take.
    pub statement_timeout: u64,
}

impl Default for Database {
    fn default() -> Self {
        Database {
            source: "host=/run/postgresql dbname=seuil_source".into(),
            serving: "host=/run/postgresql dbname=seuil_serving".into(),
            pool: 8,
            statement_timeout: 30,
        }
    }
}

/// Sockets, certificates, public address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Public socket (TLS).
    pub listen: SocketAddr,
    /// Operations socket (plain HTTP, loopback): health, metrics.
    pub operations: SocketAddr,
    /// Base of links when the certificate names none; empty: `https://` + `Host`.
    pub public_url: String,
    /// Server certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Directory of accepted client CAs (`*.pem`) and their CRLs (`*.crl`).
    pub client_ca: PathBuf,
    /// Directory of the server's own state: snapshot file, spool of access records.
    pub state: PathBuf,
    /// Compute threads; 0: one a core.
    pub compute_threads: usize,
    /// Bytes of access records that may wait for the database; beyond it no data leaves.
    pub spool_bytes: u64,
    /// Seconds the registry may be used without having been confirmed by the database.
    pub registry_max_age: u64,
    /// Seconds a former publication stays readable.
    pub grace: u64,
    /// Seconds between polls of the database for a new publication or registry.
    pub poll: u64,
    /// Whether WFS 2.0 carries INSPIRE's extension for download services, with the stored query that hands out a data set.
    pub inspire: bool,
    /// True in the demonstration alone: demo CAs and passwords are accepted.
    pub demo: bool,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            operations: SocketAddr::from(([127, 0, 0, 1], 8480)),
            public_url: String::new(),
            certificate: "pki/server.pem".into(),
            key: "pki/server.key".into(),
            client_ca: "pki/clients".into(),
            state: "state".into(),
            compute_threads: 0,
            spool_bytes: 512 * 1024 * 1024,
            registry_max_age: 900,
            grace: 3600,
            poll: 10,
            inspire: false,
            demo: false,
        }
    }
}

/// Limits of requests. Passing one is a clear error, never a crash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of request line and headers.
    pub header_bytes: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Seconds to receive a whole request.
    pub request_seconds: u64,
    /// Seconds a response may wait for a reader that takes nothing.
    pub write_seconds: u64,
    /// Open connections.
    pub connections: usize,
    /// Requests under way at once, a convention.
    pub places: usize,
    /// Features in one answer of WFS (`CountDefault`); also the page that OGC API gives at most.
    pub features: u64,
    /// Features of OGC API `items` when `limit` is absent.
    pub default_limit: u64,
    /// Width or height of a picture, pixels.
    pub image_side: u32,
    /// Pixels of a picture.
    pub image_pixels: u64,
    /// Layers in one picture.
    pub layers: usize,
    /// `FEATURE_COUNT` at most.
    pub info_features: u32,
    /// Depth of XML and of filter expressions.
    pub depth: usize,
    /// Nodes of one filter.
    pub filter_nodes: usize,
    /// Positions of filter geometry.
    pub filter_positions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 64 * 1024,
            body_bytes: 1024 * 1024,
            request_seconds: 30,
            write_seconds: 60,
            connections: 4096,
            places: 16,
            features: 1_000_000,
            default_limit: 100,
            image_side: 4096,
            image_pixels: 16_777_216,
            layers: 50,
            info_features: 100,
            depth: 64,
            filter_nodes: 2000,
            filter_positions: 100_000,
        }
    }
}

/// Statistical disclosure control. The parameters are published with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrecy {
    /// Units (dwellings, households, allocations) below which nothing is shown.
    pub threshold: u32,
    /// Share of a cell that one residence may hold at most, 0..1 (INSEE: 0.85).
    pub dominance: f64,
    /// Residences a remainder must hold at least.
    pub residences: u32,
    /// Who may subtract residences of their own.
    pub attacker: Attacker,
    /// Units of a hidden residence that must be possible in a category (of income, of households, of allocations) and
    /// outside it; 0: categories are not guarded.
    pub doubt: u32,
    /// Whether it may be known that no unit of a remainder is in a category.
    pub zeros: Zeros,
}

/// Themes in which it may be known that a category is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Zeros {
    /// Occupation.
    pub occupation: Zero,
    /// Allocations.
    pub attributions: Zero,
}

/// What a zero gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zero {
    /// As much as any other figure: it is guarded.
    Protect,
    /// Nothing.
    Safe,
}

impl Default for Zeros {
    fn default() -> Self {
        Zeros { occupation: Zero::Protect, attributions: Zero::Safe }
    }
}

impl Default for Secrecy {
    fn default() -> Self {
        Secrecy {
            threshold: 11,
            dominance: 0.85,
            residences: 2,
            attacker: Attacker::default(),
            doubt: 3,
            zeros: Zeros::default(),
        }
    }
}

/// Who knows residences of their own: the rule must also hold after these are removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attacker {
    /// Each landlord by itself.
    pub alone: bool,
    /// All landlords of a corporate group as one (`seuil import bailleurs`); one in no group is a group by itself.
    pub groups: bool,
    /// Any two of these together.
    pub pairs: bool,
    /// Coalitions: lists of SIREN, names of landlords, or names of groups.
    pub coalitions: Vec<Vec<String>>,
    /// Whether these (but not any two together) also know the categories of their own tenants and applicants: the doubt about a
    /// category must then remain to each of them.
    pub categories: bool,
}

impl Default for Attacker {
    fn default() -> Self {
        Attacker { alone: true, groups: true, pairs: false, coalitions: Vec::new(), categories: false }
    }
}

impl Attacker {
    /// Who attacks categories.
    pub fn of_categories(&self) -> Attacker {
        match self.categories {
            true => Attacker { pairs: false, ..self.clone() },
            false => Attacker { alone: false, groups: false, coalitions: Vec::new(), pairs: false, categories: false },
        }
    }

    /// Who they are, for reports in French, which name the coalitions; empty when no landlord attacks.
    pub fn words(&self) -> String {
        let coalitions = self.coalitions.iter().map(|names| format!("la coalition {}", names.join(" + ")));
        self.kinds().map(|(fr, _)| fr.to_owned()).chain(coalitions).collect::<Vec<_>>().join(", ")
    }

    /// The same for all partners, in French and English: coalitions are not named to them.
    pub fn public_words(&self) -> [String; 2] {
        let coalition = Some(("chaque coalition désignée", "any coalition that is named"));
        let all: Vec<_> = self.kinds().chain(coalition.filter(|_| !self.coalitions.is_empty())).collect();
        let words = |word: fn(&(&'static str, &'static str)) -> &'static str| all.iter().map(word).collect::<Vec<_>>();
        [words(|w| w.0).join(" ou de "), words(|w| w.1).join(" or of ")]
    }

    /// The kinds of attackers beside coalitions, in French and English.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let kinds = [
            (self.alone, ("chaque bailleur", "any one landlord")),
            (self.groups, ("chaque groupe de bailleurs", "any one group of landlords")),
            (self.pairs, ("deux d'entre eux ensemble", "any two of these together")),
        ];
        kinds.into_iter().filter(|(there, _)| *there).map(|(_, words)| words)
    }
}

/// Import of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Import {
    /// Share of rejected lines that stops an import, 0..1.
    pub max_rejects: f64,
    /// Directory of reject reports.
    pub reports: PathBuf,
}

impl Default for Import {
    fn default() -> Self {
        Import { max_rejects: 0.01, reports: "rapports".into() }
    }
}

/// How long things are kept, in days. `seuil journal purge` removes what is older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Access records (whole months) and torn ends of the spool. CNIL: from 6 to 12 months for logs.
    pub records: u32,
    /// Reports of rejected lines: values of dwelling-level files.
    pub rejects: u32,
    /// Imports that are neither the newest of their vintage nor used by a publication.
    pub sources: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { records: 365, rejects: 30, sources: 90 }
    }
}

impl Config {
    /// Reads a file. Relative paths in it are taken from the file's directory.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, line and key.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config: Config =
            toml::from_str(&text).map_err(|e| ConfigError::Syntax { path: path.to_owned(), source: Box::new(e) })?;
        let base = path.parent().unwrap_or(Path::new("."));
        for p in [
            &mut config.server.certificate,
            &mut config.server.key,
            &mut config.server.client_ca,
            &mut config.server.state,
            &mut config.import.reports,
        ] {
            if p.is_relative() {
                *p = base.join(&*p);
            }
        }
        Ok(config)
    }
}
