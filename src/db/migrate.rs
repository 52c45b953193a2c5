//! Migrations of both databases, roles, and who may connect to what.
//!
//! Two sets of files, `sql/source/` and `sql/serving/`, are embedded in the program. Everything is owned by `seuil_owner`.
//! What only a superuser may do (roles, databases, the extension PostGIS) is done when one is given, and is otherwise
//! printed, word for word, for the DBA to run.

use super::{DbError, Role, Which, explain, open, parameters};
use crate::config::Database;
use std::fmt::Write as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

/// The statements that create the roles of the cluster (idempotent).
pub const ROLES: &str = include_str!("../../sql/roles.sql");

mod source {
    refinery::embed_migrations!("sql/source");
}
mod serving {
    refinery::embed_migrations!("sql/serving");
}

/// A superuser of the cluster(s). Host and port are those of the configuration.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Its name, e.g. `postgres`.
    pub user: String,
    /// Its password, when the cluster asks for one.
    pub password: Option<String>,
}

/// What a run of [`migrate`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Databases that were created.
    pub created: Vec<String>,
    /// Migrations applied to `source`, e.g. `V1__import`.
    pub source: Vec<String>,
    /// Migrations applied to `serving`.
    pub serving: Vec<String>,
}

/// Brings roles, databases and schemas to this version of the program. Running it again changes nothing.
///
/// With `admin`, roles, databases and PostGIS are created when they are missing. Without, the owner's own rights have to
/// do, and what is missing comes back as [`DbError::Dba`] with the script that a superuser has to run.
///
/// # Errors
/// [`DbError`].
pub async fn migrate(config: &Database, admin: Option<&Admin>) -> Result<Migrated, DbError> {
    let mut done = Migrated::default();
    for which in [Which::Source, Which::Serving] {
        if let Some(admin) = admin
            && prepare(config, which, admin).await?
        {
            done.created.push(database(config, which)?);
        }
        let mut client = connect_owner(config, which, admin).await?;
        client
            .batch_execute("SET client_min_messages = warning")
            .await
            .map_err(|source| DbError::Statement { doing: "setting up the session", source })?;
        check_ready(config, which, &client).await?;
        let applied = run(which, &mut client).await?;
        allow(which, &client).await?;
        match which {
            Which::Source => done.source = applied,
            Which::Serving => done.serving = applied,
        }
    }
    Ok(done)
}

/// The script that a DBA runs once with `psql` as a superuser, before `seuil migrate` can do the rest as `seuil_owner`.
///
/// # Errors
/// [`DbError::String`], [`DbError::NoDatabase`].
pub fn script(config: &Database) -> Result<String, DbError> {
    let mut out = String::from(ROLES);
    let one_cluster = place(config, Which::Source)? == place(config, Which::Serving)?;
    for which in [Which::Source, Which::Serving] {
        if !one_cluster {
            let _ = write!(out, "\n-- the following (and the roles above) in the cluster of {}\n", which.name());
        }
        let name = database(config, which)?;
        let literal = name.replace('\'', "''");
        let ident = quote(&name);
        let _ = write!(
            out,
            "\nSELECT format('CREATE DATABASE %I OWNER seuil_owner ENCODING UTF8 TEMPLATE template0', '{literal}')\n  \
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{literal}') \\gexec\n\\connect {ident}\n\
             CREATE EXTENSION IF NOT EXISTS postgis;\n"
        );
    }
    Ok(out)
}

/// Where a database lies: host(s) and port(s).
fn place(config: &Database, which: Which) -> Result<(Vec<tokio_postgres::config::Host>, Vec<u16>), DbError> {
    let p = parameters(config, which, Role::Owner)?;
    Ok((p.get_hosts().to_vec(), p.get_ports().to_vec()))
}

fn database(config: &Database, which: Which) -> Result<String, DbError> {
    parameters(config, which, Role::Owner)?.get_dbname().map(str::to_owned).ok_or(DbError::NoDatabase { which })
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Parameters of the superuser for one database of the cluster.
fn as_admin(config: &Database, which: Which, admin: &Admin, dbname: Option<&str>) -> Result<Config, DbError> {
    let mut p = parameters(config, which, Role::Owner)?;
    p.user(&admin.user);
    if let Some(password) = &admin.password {
        p.password(password);
    }
    if let Some(dbname) = dbname {
        p.dbname(dbname);
    }
    Ok(p)
}

/// Creates roles, database and extension. True when the database was created.
async fn prepare(config: &Database, which: Which, admin: &Admin) -> Result<bool, DbError> {
    let name = database(config, which)?;
    let client = open(as_admin(config, which, admin, Some("postgres"))?, which).await?;
    let fail = |doing| move |source| DbError::Statement { doing, source };
    let row = client
        .query_one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", &[])
        .await
        .map_err(fail("looking up the rights of the superuser"))?;
    if !row.get::<_, bool>(0) {
        return Err(DbError::Dba { which, reason: format!("{} is no superuser", admin.user), script: script(config)? });
    }
    client.batch_execute(ROLES).await.map_err(fail("creating the roles"))?;
    let exists = client
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name])
        .await
        .map_err(fail("looking for the database"))?
        .is_some();
    if !exists {
        let sql = format!("CREATE DATABASE {} OWNER seuil_owner ENCODING 'UTF8' TEMPLATE template0", quote(&name));
        client.batch_execute(&sql).await.map_err(fail("creating the database"))?;
    }
    let client = open(as_admin(config, which, admin, None)?, which).await?;
    client
        .batch_execute("CREATE EXTENSION IF NOT EXISTS postgis")
        .await
        .map_err(fail("creating the extension PostGIS"))?;
    Ok(!exists)
}

/// A session with the rights of `seuil_owner`: the superuser's, lowered, or the owner's own.
async fn connect_owner(config: &Database, which: Which, admin: Option<&Admin>) -> Result<Client, DbError> {
    if let Some(admin) = admin {
        let client = open(as_admin(config, which, admin, None)?, which).await?;
        client
            .batch_execute("SET ROLE seuil_owner")
            .await
            .map_err(|source| DbError::Statement { doing: "becoming seuil_owner", source })?;
        return Ok(client);
    }
    match super::connect(config, which, Role::Owner).await {
        Err(DbError::Connect { source, role, .. })
            if matches!(
                source.code(),
                Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
            ) =>
        {
            Err(DbError::Dba { which, reason: format!("{role}: {}", explain(&source)), script: script(config)? })
        }
        other => other,
    }
}

/// What a migration cannot make itself: roles and PostGIS.
async fn check_ready(config: &Database, which: Which, client: &Client) -> Result<(), DbError> {
    let names = Role::ALL.map(Role::name);
    let row = client
        .query_one(
            "SELECT array(SELECT r FROM unnest($1::text[]) r WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)),
                    EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis')",
            &[&names.as_slice()],
        )
        .await
        .map_err(|source| DbError::Statement { doing: "looking for roles and PostGIS", source })?;
    let missing: Vec<String> = row.get(0);
    let reason = if !missing.is_empty() {
        format!("roles missing: {}", missing.join(", "))
    } else if !row.get::<_, bool>(1) {
        "the extension PostGIS is missing".to_owned()
    } else {
        return Ok(());
    };
    Err(DbError::Dba { which, reason, script: script(config)? })
}

/// Applies what is missing, all or nothing.
async fn run(which: Which, client: &mut Client) -> Result<Vec<String>, DbError> {
    // A second migration at the same time waits here and then finds nothing to do.
    client
        .batch_execute("SELECT pg_advisory_lock(7345002)")
        .await
        .map_err(|source| DbError::Statement { doing: "waiting for another migration", source })?;
    let runner = match which {
        Which::Source => source::migrations::runner(),
        Which::Serving => serving::migrations::runner(),
    };
    let mut runner = runner.set_grouped(true);
    let report = runner
        .set_migration_table_name("seuil_migration")
        .run_async(client)
        .await
        .map_err(|source| DbError::Migration { which, source: Box::new(source) })?;
    client
        .batch_execute("SELECT pg_advisory_unlock(7345002)")
        .await
        .map_err(|source| DbError::Statement { doing: "ending the migration", source })?;
    Ok(report.applied_migrations().iter().map(|m| format!("V{}__{}", m.version(), m.name())).collect())
}

/// Who may connect: nobody but the roles that work in that database.
async fn allow(which: Which, client: &Client) -> Result<(), DbError> {
    let roles: &[Role] = match which {
        Which::Source => &[Role::Importer, Role::Publisher],
        Which::Serving => &[Role::Publisher, Role::Checker, Role::Server, Role::Drafter, Role::Signer, Role::Auditor],
    };
    let fail = |source| DbError::Statement { doing: "granting the right to connect", source };
    let name: String = client.query_one("SELECT current_database()::text", &[]).await.map_err(fail)?.get(0);
    let name = quote(&name);
    let all = Role::ALL.into_iter().filter(|r| *r != Role::Owner).map(Role::name).collect::<Vec<_>>().join(", ");
    let some = roles.iter().map(|r| r.name()).collect::<Vec<_>>().join(", ");
    client
        .batch_execute(&format!(
            "BEGIN; REVOKE ALL ON DATABASE {name} FROM PUBLIC, {all}; GRANT CONNECT ON DATABASE {name} TO {some}; COMMIT"
        ))
        .await
        .map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_migrations_are_unique() {
        for runner in [source::migrations::runner(), serving::migrations::runner()] {
            let mut numbers: Vec<_> = runner.get_migrations().iter().map(refinery::Migration::version).collect();
            let n = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), n);
        }
    }

    #[test]
    fn the_script_names_both_databases_and_every_role() {
        let config = Database {
            source: "host=/run/x dbname=o'source".into(),
            serving: "host=db2 dbname=serving".into(),
            ..Database::default()
        };
        let script = script(&config).unwrap();
        assert!(script.contains("datname = 'o''source'") && script.contains("\\connect \"serving\""));
        assert!(script.contains("in the cluster of serving"));
        for role in Role::ALL {
            assert!(script.contains(&format!("'{}'", role.name())), "{role:?}");
        }
    }

    #[test]
    fn a_string_without_a_database_is_refused() {
        let config = Database { source: "host=/run/x".into(), ..Database::default() };
        assert!(matches!(script(&config), Err(DbError::NoDatabase { which: Which::Source })));
    }
}
