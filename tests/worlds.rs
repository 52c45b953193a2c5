//! Databases of a test's own in the cluster of the demonstration: copies of what it imported, with publications of their own.
//!
//! `naked` holds the imports and the surrogates of the demonstration and no publication; `first` the same with its first
//! publication. Both are made once and only copied from.

use crate::portal::Portal;
use seuil::config::Config;
use seuil::db::migrate::{Admin, migrate};
use seuil::db::{Role, Which};
use seuil::import::{self, Options, Source, progress::Silent};
use seuil::publish::{self, PublishError, Report};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Two databases: imports and plan, publications.
pub struct World {
    pub config: Config,
    runtime: tokio::runtime::Runtime,
}

/// Rows as text.
pub type Rows = Vec<Vec<Option<String>>>;

fn with_database(text: &str, name: &str) -> String {
    let mut parts: Vec<String> =
        text.split_whitespace().filter(|p| !p.starts_with("dbname=")).map(str::to_owned).collect();
    parts.push(format!("dbname={name}"));
    parts.join(" ")
}

fn database(text: &str) -> &str {
    text.split_whitespace().find_map(|p| p.strip_prefix("dbname=")).expect("dbname")
}

impl World {
    fn new(portal: &Portal, name: &str) -> World {
        let mut config = portal.config.clone();
        config.import.reports = portal.dir.join("rapports-essais").join(name);
        config.database.source = with_database(&config.database.source, &format!("monde_{name}_source"));
        config.database.serving = with_database(&config.database.serving, &format!("monde_{name}_serving"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        World { config, runtime }
    }

    /// The demonstration's imports and surrogates, and no publication.
    pub fn naked(portal: &'static Portal) -> &'static World {
        static NAKED: OnceLock<World> = OnceLock::new();
        NAKED.get_or_init(|| {
            let world = World::new(portal, "nu");
            world.create(portal, &world.config.database.source, Some(database(&portal.config.database.source)));
            world.migrate(portal);
            world.forget(portal);
            world
        })
    }

    /// The same with its first publication.
    pub fn first(portal: &'static Portal) -> &'static World {
        static FIRST: OnceLock<World> = OnceLock::new();
        FIRST.get_or_init(|| {
            let world = World::copy(portal, World::naked(portal), "premier");
            world.publish().expect("publication");
            world
        })
    }

    /// A copy of both databases of another, which nobody may be using.
    pub fn copy(portal: &'static Portal, from: &World, name: &str) -> World {
        let world = World::new(portal, name);
        for (own, other) in [
            (&world.config.database.source, &from.config.database.source),
            (&world.config.database.serving, &from.config.database.serving),
        ] {
            world.create(portal, own, Some(database(other)));
        }
        // Who may connect is not copied.
        world.migrate(portal);
        world
    }

    fn admin(portal: &Portal) -> Admin {
        let sql = "SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1";
        let user = portal.sql(Which::Source, Role::Owner, sql).expect("superuser")[0][0].clone().expect("name");
        Admin { user, password: None }
    }

    fn migrate(&self, portal: &Portal) {
        let admin = World::admin(portal);
        self.runtime.block_on(migrate(&self.config.database, Some(&admin))).expect("migration");
    }

    /// Creates a database out of another; waits while somebody uses that one.
    fn create(&self, portal: &Portal, string: &str, template: Option<&str>) {
        // Copies are made one after the other: a database that is copied may not be in use.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let template = template.unwrap_or("template1");
        let sql = format!("CREATE DATABASE {} TEMPLATE {template} OWNER seuil_owner", database(string));
        let begun = Instant::now();
        loop {
            match self.as_admin(portal, "postgres", &sql) {
                Ok(_) => return,
                Err(e) if e.contains("being accessed") && begun.elapsed() < Duration::from_secs(60) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(e) => panic!("{sql}: {e}"),
            }
        }
    }

    fn as_admin(&self, portal: &Portal, name: &str, sql: &str) -> Result<Rows, String> {
        let mut parameters: tokio_postgres::Config =
            with_database(&self.config.database.source, name).parse().expect("parameters");
        parameters.user(World::admin(portal).user);
        self.runtime.block_on(async {
            let (client, connection) = parameters.connect(NoTls).await.map_err(|e| e.to_string())?;
            let task = tokio::spawn(connection);
            let answer = client.simple_query(sql).await.map_err(|e| seuil::db::explain(&e));
            drop(client);
            let _ = task.await;
            answer.map(rows)
        })
    }

    /// No publication was ever made, but residences and rows keep their surrogates: they are drawn at random, and two worlds
    /// are to be alike in them.
    fn forget(&self, portal: &Portal) {
        let sql = "SET session_replication_role = replica;
            DO $$ DECLARE r text; BEGIN
                FOR r IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'plan.ligne'::regclass LOOP
                    EXECUTE 'DROP TABLE ' || r;
                END LOOP;
                FOR r IN SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'plan'::regnamespace
                         AND relkind = 'r' AND relname NOT IN ('ident', 'objet') LOOP
                    EXECUTE 'DELETE FROM ' || r;
                END LOOP;
            END $$;
            DELETE FROM import.emploi";
        self.as_admin(portal, database(&self.config.database.source), sql).expect("forgetting");
    }

    /// Imports a file as a data team does.
    pub fn import(&self, source: Source, file: &Path, year: i32) {
        let options = Options::default();
        let done = import::run(&self.config, source, file, year, &options, Arc::new(Silent));
        let report = self.runtime.block_on(done).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(report.rejects, 0, "{}", file.display());
    }

    /// Makes a publication.
    pub fn publish(&self) -> Result<Report, PublishError> {
        let done = self.runtime.block_on(publish::run(&self.config, publish::Options::default(), &()));
        if let Err(PublishError::Refused { .. }) = &done {
            // For whoever wonders why a test failed.
            let found = self.sql(
                Which::Serving,
                Role::Checker,
                "SELECT f ->> 'theme', f ->> 'kind', f ->> 'attacker' > '', count(*)::text, min(f ->> 'residences'), min(f ->> 'zones')
                 FROM registre.verdict v, jsonb_array_elements(v.rapport -> 'constats') f
                 WHERE v.publication = (SELECT max(publication) FROM registre.verdict) GROUP BY 1, 2, 3 LIMIT 9",
            );
            eprintln!("refused: {found:?}");
        }
        done
    }

    /// Drops the unfinished candidate and makes a publication.
    pub fn publish_anew(&self) -> Result<Report, PublishError> {
        let options = publish::Options { fresh: true, ..publish::Options::default() };
        self.runtime.block_on(publish::run(&self.config, options, &()))
    }

    /// Makes and attacks a candidate, which does not become current.
    pub fn candidate(&self) -> Result<Report, PublishError> {
        let options = publish::Options { candidate_only: true, ..publish::Options::default() };
        self.runtime.block_on(publish::run(&self.config, options, &()))
    }

    /// Drops all former publications whose grace time is over.
    pub fn prune(&self) -> Vec<i64> {
        self.runtime.block_on(publish::prune(&self.config, 0, false)).expect("prune").publications
    }

    /// Runs SQL as a role; no connection is left behind.
    pub fn sql(&self, which: Which, role: Role, sql: &str) -> Rows {
        let parameters = seuil::db::parameters(&self.config.database, which, role).expect("parameters");
        self.runtime.block_on(async {
            let (client, connection) = parameters.connect(NoTls).await.expect("connection");
            let task = tokio::spawn(connection);
            let answer = client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", seuil::db::explain(&e)));
            drop(client);
            let _ = task.await;
            rows(answer)
        })
    }
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Rows {
    messages
        .into_iter()
        .filter_map(|m| match m {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
            _ => None,
        })
        .collect()
}
