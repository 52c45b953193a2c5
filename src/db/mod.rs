//! Connections, roles, migrations.

pub mod migrate;

use tokio_postgres::{Client, Config, NoTls};

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Dwelling-level data; never served.
    Source,
    /// Publications, conventions, access record.
    Serving,
}

impl Which {
    /// Short name, as in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Which::Source => "source",
            Which::Serving => "serving",
        }
    }
}

/// The roles, each with least privilege (`sql/roles.sql`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Owns schemas, runs migrations.
    Owner,
    /// Writes imports into `source`.
    Importer,
    /// Reads `source`, writes candidates into `serving`.
    Publisher,
    /// Reads the public layers only, writes its verdict.
    Checker,
    /// Reads readable publications and the registry, appends access records.
    Server,
    /// Drafts conventions.
    Drafter,
    /// Signs, suspends, terminates conventions.
    Signer,
    /// Reads conventions and the access record.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 8] = [
        Role::Owner,
        Role::Importer,
        Role::Publisher,
        Role::Checker,
        Role::Server,
        Role::Drafter,
        Role::Signer,
        Role::Auditor,
    ];

    /// Name of the database role.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "seuil_owner",
            Role::Importer => "seuil_importer",
            Role::Publisher => "seuil_publisher",
            Role::Checker => "seuil_checker",
            Role::Server => "seuil_server",
            Role::Drafter => "seuil_drafter",
            Role::Signer => "seuil_signer",
            Role::Auditor => "seuil_auditor",
        }
    }
}

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The connection string is malformed.
    #[error("database string for {which:?}: {}", explain(source))]
    String {
        /// Which database.
        which: Which,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// Connecting failed.
    #[error("cannot connect to {which:?} as {role}: {}", explain(source))]
    Connect {
        /// Which database.
        which: Which,
        /// As whom.
        role: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The connection string names no database.
    #[error("database string for {which:?} has no dbname")]
    NoDatabase {
        /// Which database.
        which: Which,
    },
    /// A superuser has to prepare the cluster first.
    #[error("{which:?} is not ready: {reason}. A superuser has to run this once with psql:\n\n{script}")]
    Dba {
        /// Which database.
        which: Which,
        /// What is missing.
        reason: String,
        /// What to run.
        script: String,
    },
    /// A migration failed; nothing of it was kept.
    #[error("migrating {which:?}: {source}")]
    Migration {
        /// Which database.
        which: Which,
        /// Which migration and why.
        source: Box<refinery::Error>,
    },
    /// A statement failed.
    #[error("while {doing}: {}", explain(source))]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },
}

/// What the server said, in one line; the driver's own text says no more than `db error`.
pub fn explain(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => match db.detail() {
            Some(detail) => format!("{} ({detail})", db.message()),
            None => db.message().to_owned(),
        },
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

/// Connection parameters for a role: a string without `user` gets the role's name.
///
/// # Errors
/// [`DbError::String`].
pub fn parameters(config: &crate::config::Database, which: Which, role: Role) -> Result<Config, DbError> {
    let text = match which {
        Which::Source => &config.source,
        Which::Serving => &config.serving,
    };
    let mut parameters: Config = text.parse().map_err(|source| DbError::String { which, source })?;
    if parameters.get_user().is_none() {
        parameters.user(role.name());
    }
    parameters.application_name("seuil");
    Ok(parameters)
}

/// One connection; its I/O task ends with the client.
///
/// # Errors
/// [`DbError`].
pub async fn connect(config: &crate::config::Database, which: Which, role: Role) -> Result<Client, DbError> {
    open(parameters(config, which, role)?, which).await
}

/// One connection with these parameters.
pub(crate) async fn open(parameters: Config, which: Which) -> Result<Client, DbError> {
    let shown = parameters.get_user().unwrap_or_default().to_owned();
    let (client, connection) =
        parameters.connect(NoTls).await.map_err(|source| DbError::Connect { which, role: shown, source })?;
    tokio::spawn(async move {
        if let Err(e) = connection.await {
            tracing::debug!(error = %e, "database connection ended");
        }
    });
    Ok(client)
}
