//! `seuil convention`.

use super::certificate::{CaFiles, Key, Wanted, digest, issue, register, replace, revoke};
use crate::config::{Config, Database};
use crate::convention::acts::{self, Act};
use crate::convention::audit::{destruction, models};
use crate::convention::revocations::{Local, Revocations};
use crate::convention::{State, file};
use crate::db::{self, Role, Which};
use crate::pki::{Authority, KeyKind, ServerCertificate};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use tokio_postgres::Client;

/// Conventions and their certificates.
#[derive(Debug, clap::Args)]
pub struct Convention {
    /// Database login; default: the role that the act needs. Who drafted may not sign.
    #[arg(long, global = true)]
    login: Option<String>,
    #[command(subcommand)]
    act: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Checks a convention file and drafts a version of it.
    Draft {
        /// The file (TOML).
        file: PathBuf,
        /// Only checks it.
        #[arg(long)]
        check: bool,
    },
    /// Signs the newest draft.
    Sign {
        /// Convention.
        id: String,
        /// Version that was reviewed: refused when another is the newest.
        #[arg(long)]
        version: Option<i32>,
        /// Day of the signature on paper, e.g. 2026-01-31.
        #[arg(long)]
        date: Option<jiff::civil::Date>,
    },
    /// Stops a convention until it is resumed.
    Suspend {
        /// Convention.
        id: String,
        /// Reason, kept in the history.
        #[arg(long)]
        reason: String,
        /// On this server alone, at once, without the database.
        #[arg(long)]
        local: bool,
    },
    /// Ends a suspension.
    Resume {
        /// Convention.
        id: String,
        /// Reason, kept in the history.
        #[arg(long)]
        reason: String,
    },
    /// Ends a convention before its last day.
    Terminate {
        /// Convention.
        id: String,
        /// Reason, kept in the history.
        #[arg(long)]
        reason: String,
    },
    /// Lists all conventions.
    List,
    /// Shows a convention: text, certificates, history.
    Show {
        /// Convention.
        id: String,
    },
    /// Models in French for the register of processing and the impact assessment, filled with what is in force.
    Modeles {
        /// Folder of `registre-traitement.md` and `analyse-impact.md`.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// The certificate of destruction at the end of a convention: the form to sign, or the record that it came back.
    Destruction {
        /// Convention; without it, those that still owe a certificate are listed.
        id: Option<String>,
        /// Folder of the form `destruction-<convention>.html`.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// The signed document: records that it came back.
        #[arg(long, requires_all = ["date", "signatory"])]
        received: Option<PathBuf>,
        /// Day of the destruction that it certifies.
        #[arg(long)]
        date: Option<jiff::civil::Date>,
        /// Who signed it.
        #[arg(long)]
        signatory: Option<String>,
    },
    /// Makes a CA. Its key stays where the server cannot read it.
    Ca {
        /// Organisation in its subject.
        #[arg(long)]
        organisation: String,
        #[command(flatten)]
        ca: CaFiles,
    },
    /// Issues a certificate (from the partner's request, or with a new key) and registers it.
    Issue {
        #[command(flatten)]
        wanted: Wanted,
        /// The partner's request (PKCS#10, PEM); without it a new key is made.
        #[arg(long)]
        csr: Option<PathBuf>,
        /// Kind of the new key. QGIS up to 3.22 reads only RSA out of PKCS#12.
        #[arg(long, value_enum, default_value_t = Key::Ec)]
        key: Key,
        /// Days of validity.
        #[arg(long, default_value_t = 730)]
        days: u32,
        /// Folder of the new files.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        ca: CaFiles,
    },
    /// Registers a certificate of an accepted CA.
    Register {
        #[command(flatten)]
        wanted: Wanted,
        /// The certificate (PEM).
        certificate: PathBuf,
    },
    /// Revokes a certificate for good.
    Revoke {
        /// Serial number, hexadecimal.
        serial: String,
        /// Reason, kept in the history.
        #[arg(long)]
        reason: String,
        /// SHA-256 of the CA's key, when two CAs used the same number, or with `--local`.
        #[arg(long)]
        issuer: Option<String>,
        /// On this server alone, at once, without the database.
        #[arg(long)]
        local: bool,
    },
    /// Signs the CA's revocation list: put it beside the accepted CAs.
    Crl {
        /// Where to write it.
        #[arg(long)]
        out: PathBuf,
        /// Days until the next one is due; an overdue list refuses everybody.
        #[arg(long, default_value_t = 30)]
        days: u32,
        #[command(flatten)]
        ca: CaFiles,
    },
    /// Issues a certificate for the server.
    ServerCertificate {
        /// Host names and addresses besides localhost.
        names: Vec<String>,
        /// Days of validity.
        #[arg(long, default_value_t = 397)]
        days: u32,
        /// Folder of `server.pem` and `server.key`.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        ca: CaFiles,
    },
}

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Convention {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let mut database = config.database.clone();
        if let Some(login) = &self.login {
            database.serving = format!("{} user='{}'", database.serving, login.replace(['\\', '\''], ""));
        }
        match self.act {
            Command::Draft { file, check } => draft(&database, &file, check).await,
            Command::Sign { id, version, date } => {
                let version = acts::sign(&connect(&database, Role::Signer).await?, &id, version, date).await?;
                println!("{id}: version {version} signed");
                Ok(())
            }
            Command::Suspend { id, reason, local: true } => {
                Revocations::append(&config.server.state, &[Local::Convention(id.clone())], &reason)?;
                println!("{id}: suspended on this server");
                Ok(())
            }
            Command::Suspend { id, reason, .. } => act(&database, &id, Act::Suspend, &reason).await,
            Command::Resume { id, reason } => act(&database, &id, Act::Resume, &reason).await,
            Command::Terminate { id, reason } => act(&database, &id, Act::Terminate, &reason).await,
            Command::Modeles { out } => {
                let client = connect(&database, Role::Auditor).await?;
                for (name, text) in models::make(&client, &config).await? {
                    let path = out.join(name);
                    std::fs::write(&path, text).with_context(|| path.display().to_string())?;
                    println!("{}", path.display());
                }
                Ok(())
            }
            Command::Destruction { id: None, .. } => {
                for [id, partner, end] in destruction::owed(&connect(&database, Role::Auditor).await?).await? {
                    println!("{id:24} ended {end}  {partner}");
                }
                Ok(())
            }
            Command::Destruction { id: Some(id), out, received: None, .. } => {
                let form = destruction::form(&connect(&database, Role::Auditor).await?, &id).await?;
                let path = out.join(format!("destruction-{id}.html"));
                std::fs::write(&path, form).with_context(|| path.display().to_string())?;
                println!("{}", path.display());
                Ok(())
            }
            Command::Destruction { id: Some(id), received: Some(document), date, signatory, .. } => {
                let bytes = std::fs::read(&document).with_context(|| document.display().to_string())?;
                let name = document.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (Some(date), Some(signatory)) = (date, signatory) else { bail!("--date and --signatory") };
                let client = connect(&database, Role::Drafter).await?;
                let sha256 = crate::pki::sha256(&bytes);
                destruction::receive(&client, &id, date, &signatory, &name, &sha256).await?;
                println!("{id}: certificate of destruction recorded ({name}, SHA-256 {})", hex::encode(sha256));
                Ok(())
            }
            Command::List => list(&database).await,
            Command::Show { id } => show(&database, &id).await,
            Command::Ca { organisation, ca } => {
                let made = Authority::create(&ca.ca_certificate, &ca.ca_key, &organisation, None, now())?;
                println!("CA {} made; its key: {}", hex::encode(made.key()), ca.ca_key.display());
                Ok(())
            }
            Command::Issue { wanted, csr, key, days, out, ca } => {
                let key = match key {
                    Key::Ec => KeyKind::Ec,
                    Key::Rsa => KeyKind::Rsa(3072),
                };
                issue(&database, &wanted, csr, (key, days), &out, &ca).await
            }
            Command::Register { wanted, certificate } => register(&database, &config, &wanted, &certificate).await,
            Command::Revoke { serial, reason, issuer, local } => {
                let issuer = issuer.as_deref().map(digest).transpose()?;
                if local {
                    let issuer = issuer.context("--local needs --issuer: see `seuil convention show`")?;
                    let number = serial.replace(':', "").to_ascii_lowercase();
                    let line = Local::Serial(issuer, number.trim_start_matches('0').to_owned());
                    Revocations::append(&config.server.state, &[line], &reason)?;
                    println!("{serial}: revoked on this server");
                    return Ok(());
                }
                revoke(&database, &serial, issuer, &reason).await
            }
            Command::Crl { out, days, ca } => {
                let authority = ca.open()?;
                let revoked = acts::revoked(&connect(&database, Role::Drafter).await?, &authority.key()).await?;
                replace(&out, authority.crl(&revoked, days, now())?.as_bytes())?;
                println!("{}: {} certificates revoked, next list due in {days} days", out.display(), revoked.len());
                Ok(())
            }
            Command::ServerCertificate { names, days, out, ca } => {
                let issued = ca.open()?.issue_server(&ServerCertificate { names, days }, now())?;
                issued.write(&out.join("server.pem"), &out.join("server.key"))?;
                println!("{} and {}", out.join("server.pem").display(), out.join("server.key").display());
                Ok(())
            }
        }
    }
}

pub(super) async fn connect(database: &Database, role: Role) -> anyhow::Result<Client> {
    Ok(db::connect(database, Which::Serving, role).await?)
}

async fn draft(database: &Database, path: &Path, check: bool) -> anyhow::Result<()> {
    if check {
        // A check works without a database too; with one, zones are checked as well.
        let zones = match connect(database, Role::Drafter).await {
            Ok(client) => Some(acts::zones(&client).await?),
            Err(e) => {
                eprintln!("zones not checked: {e}");
                None
            }
        };
        let draft = file::read(path, zones.as_ref())?;
        println!("{}: good", draft.deed.id);
        return Ok(());
    }
    let client = connect(database, Role::Drafter).await?;
    let zones = acts::zones(&client).await?;
    if zones.is_empty() {
        eprintln!("nothing was published yet: zones are not checked");
    }
    let draft = file::read(path, Some(&zones))?;
    let version = acts::draft(&client, &draft).await?;
    println!("{}: version {version} drafted; in force once somebody else has signed it", draft.deed.id);
    Ok(())
}

async fn act(database: &Database, id: &str, what: Act, reason: &str) -> anyhow::Result<()> {
    acts::act(&connect(database, Role::Signer).await?, id, what, reason).await?;
    let done = match what {
        Act::Suspend => "suspended",
        Act::Resume => "resumed",
        Act::Terminate => "terminated",
    };
    println!("{id}: {done}");
    Ok(())
}

fn state(state: State, deed: &crate::convention::deed::Deed) -> &'static str {
    let today = jiff::Timestamp::now().as_millisecond();
    match state {
        State::Draft => "projet",
        State::Suspended => "suspendue",
        State::Terminated => "resiliee",
        State::Signed if today >= crate::convention::calendar::end_of(deed.fin) => "expiree",
        State::Signed => "signee",
    }
}

async fn list(database: &Database) -> anyhow::Result<()> {
    for c in acts::list(&connect(database, Role::Drafter).await?).await? {
        let (deed, now) = (&c.deed, state(c.state, &c.deed));
        println!("{:24} v{:<3} {now:10} {} – {}  {}", deed.id, c.version, deed.debut, deed.fin, deed.partner.nom);
    }
    Ok(())
}

async fn show(database: &Database, id: &str) -> anyhow::Result<()> {
    let client = connect(database, Role::Drafter).await?;
    let Some((_, version, text)) = acts::text(&client, id).await? else { bail!("convention {id} is unknown") };
    println!("# version {version}\n{text}");
    for c in acts::certificates(&client, id).await? {
        let end = c.revoked.as_ref().map_or(format!("until {}", c.not_after), |at| format!("REVOKED {at}"));
        println!("certificate {} {end}\n    {} ({}), {}", c.serial, c.holder, c.usage, c.purpose);
        println!("    issuer {}\n    key    {}", hex::encode(c.ca), hex::encode(c.key));
        if let Some(url) = c.public_url {
            println!("    links  {url}");
        }
    }
    for e in acts::history(&client, id).await? {
        println!("{} {} v{} {} {}", e.at, e.nature, e.version, e.by, e.reason);
    }
    Ok(())
}
