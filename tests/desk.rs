//! A serving database of one test alone, with its CA and a server's folders.

use crate::portal::Portal;
use seuil::config::Config;
use seuil::convention::acts::{self, Act, Registration};
use seuil::convention::file::{self, Draft};
use seuil::convention::words::{Purpose, Use};
use seuil::convention::{ConventionError, Open, samples};
use seuil::db::migrate::{Admin, migrate};
use seuil::db::{self, Role, Which};
use seuil::pki::{Authority, Issued, Request};
use std::future::Future;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::Client;

/// A serving database of this test alone, a CA, and a server's folders.
pub struct Desk {
    pub config: Config,
    pub folder: tempfile::TempDir,
    pub runtime: tokio::runtime::Runtime,
    pub authority: Authority,
    pub superuser: String,
}

pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Desk {
    pub fn new(portal: &Portal, name: &str) -> Desk {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = portal.config.clone();
        let sql = "SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1";
        let superuser = portal.sql(Which::Source, Role::Owner, sql).expect("superuser")[0][0].clone().expect("name");
        named(&mut config.database.source, "convention_modele_source");
        named(&mut config.database.serving, "convention_modele_serving");
        let clients = folder.path().join("clients");
        let authority =
            Authority::create(&clients.join("ca.pem"), &folder.path().join("ca.key"), "MEL", None, now()).expect("CA");
        config.server.client_ca = clients;
        config.server.state = folder.path().join("state");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        // One migrated pair serves as the model of all: migrating each anew takes seconds. One desk at a time.
        static MODEL: Mutex<bool> = Mutex::new(false);
        let mut model = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.block_on(async {
            let admin = Admin { user: superuser.clone(), password: None };
            let serving = format!("convention_{name}");
            if !*model {
                for former in ["convention_modele_source", "convention_modele_serving"] {
                    as_superuser(&config, &superuser, &format!("DROP DATABASE IF EXISTS {former} WITH (FORCE)")).await;
                }
                migrate(&config.database, Some(&admin)).await.expect("migration");
                *model = true;
            }
            as_superuser(&config, &superuser, &format!("DROP DATABASE IF EXISTS {serving} WITH (FORCE)")).await;
            let clone = format!("CREATE DATABASE {serving} TEMPLATE convention_modele_serving OWNER seuil_owner");
            as_superuser(&config, &superuser, &clone).await;
            named(&mut config.database.serving, &serving);
            // Rights to connect are not cloned.
            migrate(&config.database, Some(&admin)).await.expect("migration");
        });
        drop(model);
        Desk { config, folder, runtime, authority, superuser }
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn role(&self, role: Role) -> Client {
        self.wait(db::connect(&self.config.database, Which::Serving, role)).expect("connection")
    }

    /// A connection under a login of one's own.
    pub fn login(&self, name: &str) -> Client {
        let mut database = self.config.database.clone();
        database.serving = format!("{} user={name}", database.serving);
        self.wait(db::connect(&database, Which::Serving, Role::Owner)).expect("connection")
    }

    pub fn draft(&self, draft: &Draft) {
        self.wait(acts::draft(&self.role(Role::Drafter), draft)).expect("draft");
    }

    pub fn sign(&self, id: &str) -> Result<i32, ConventionError> {
        self.wait(acts::sign(&self.role(Role::Signer), id, None, None))
    }

    pub fn act(&self, id: &str, act: Act) -> Result<(), ConventionError> {
        self.wait(acts::act(&self.role(Role::Signer), id, act, "test"))
    }

    pub fn signed(&self, id: &str) {
        self.draft(&sample(id, id));
        self.sign(id).expect("signature");
    }

    pub fn issue(&self) -> Issued {
        let request = Request { organisation: "Ville".into(), name: "SIG".into(), days: 30, ..Request::default() };
        self.authority.issue(&request, now()).expect("certificate")
    }

    pub fn register(&self, registration: &Registration) -> Result<(), ConventionError> {
        self.wait(acts::register(&self.role(Role::Drafter), registration))
    }

    /// First column of all rows, as text; the server's words when it refuses.
    pub fn ask(&self, client: &Client, sql: &str) -> Result<Vec<String>, String> {
        let messages = self.wait(client.simple_query(sql)).map_err(|e| db::explain(&e))?;
        Ok(messages
            .iter()
            .filter_map(|m| match m {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                _ => None,
            })
            .collect())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let parameters = db::parameters(&self.config.database, Which::Serving, Role::Owner).expect("parameters");
            let name = parameters.get_dbname().expect("name").to_owned();
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            self.runtime.block_on(as_superuser(&self.config, &self.superuser, &sql));
        }
    }
}

/// Puts another database name into a database string.
pub fn named(text: &mut String, dbname: &str) {
    let mut parts: Vec<String> =
        text.split_whitespace().filter(|p| !p.starts_with("dbname=")).map(str::to_owned).collect();
    parts.push(format!("dbname={dbname}"));
    *text = parts.join(" ");
}

pub async fn as_superuser(config: &Config, superuser: &str, sql: &str) {
    let mut parameters = db::parameters(&config.database, Which::Serving, Role::Owner).expect("parameters");
    parameters.dbname("postgres").user(superuser);
    let (client, connection) = parameters.connect(tokio_postgres::NoTls).await.expect("superuser");
    tokio::spawn(connection);
    client.batch_execute(sql).await.expect(sql);
}

/// Statements of a superuser in the desk's own database.
pub async fn as_superuser_of(desk: &Desk, sql: &str) {
    let mut parameters = db::parameters(&desk.config.database, Which::Serving, Role::Owner).expect("parameters");
    parameters.user(&desk.superuser);
    let (client, connection) = parameters.connect(tokio_postgres::NoTls).await.expect("superuser");
    tokio::spawn(connection);
    client.batch_execute(sql).await.expect(sql);
}

/// A sample of the demonstration under another identifier.
pub fn sample(of: &str, id: &str) -> Draft {
    let text = samples::FILES.iter().find(|f| f.0 == of).expect("sample").1;
    file::parse(id, &text.replace(&format!("id = \"{of}\""), &format!("id = \"{id}\"")), None).expect("good file")
}

pub fn registration(id: &str, issued: &Issued) -> Registration {
    Registration {
        convention: id.into(),
        peer: issued.peer.clone(),
        usage: Use::Personne,
        holder: "SIG".into(),
        purpose: Purpose::DiagnosticPartage,
        public_url: None,
    }
}

pub fn access(convention: &str) -> Open {
    Open {
        convention: convention.into(),
        serial: "ab01".into(),
        address: "2001:db8::7".parse().expect("address"),
        purpose: "diagnostic_partage".into(),
        protocol: "wfs",
        operation: "GetFeature",
        layers: vec!["parc_iris".into(), "contour_iris".into()],
        envelope: Some([700_000.25, 7_050_000.0, 701_000.0, 7_051_000.0]),
        publication: 1,
    }
}

pub fn spooled(state: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(state.join("spool")).expect("spool");
    entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.extension().is_some_and(|e| e == "seg")).collect()
}
