//! Moves finished segments of the spool into the database: each exactly once, in one transaction.

use super::line::{self, Entry, Kept};
use super::seal::Signer;
use super::spool::{first_of, segments};
use super::writer::Shared;
use crate::config::Database;
use crate::convention::ConventionError;
use crate::db::{self, DbError, Role, Which};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_postgres::Client;

/// Between two attempts while the database is away, and two looks without being woken.
const PAUSE: Duration = Duration::from_secs(2);
/// A segment that the database does not take within this time is tried again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Moves segments for ever, and seals what was moved once a day.
pub(super) async fn follow(shared: Arc<Shared>, database: Database, mut signer: Signer) {
    let mut client: Option<Client> = None;
    loop {
        let moved = match round(&shared, &database, &mut client).await {
            // Segments that stay behind leave a hole: no head may cover it.
            Ok(0) if signer.due() => seal(&shared, &database, &mut client, &mut signer).await,
            Ok(_) => Ok(()),
            Err(e) => Err(e),
        };
        if let Err(e) = moved {
            client = None;
            tracing::warn!(error = %e, backlog = shared.bytes.load(Ordering::Relaxed),
                "access records not moved; they stay in the spool");
        }
        let _ = tokio::time::timeout(PAUSE, shared.finished.notified()).await;
    }
}

async fn connected<'a>(database: &Database, client: &'a mut Option<Client>) -> Result<&'a mut Client, ConventionError> {
    if client.as_ref().is_none_or(Client::is_closed) {
        *client = Some(db::connect(database, Which::Serving, Role::Server).await?);
    }
    client.as_mut().ok_or(ConventionError::Silent)
}

async fn seal(
    shared: &Shared,
    database: &Database,
    client: &mut Option<Client>,
    signer: &mut Signer,
) -> Result<(), ConventionError> {
    signer.seal(shared, connected(database, client).await?).await
}

/// Moves what is finished. Gives the number of segments that stay behind.
async fn round(shared: &Shared, database: &Database, client: &mut Option<Client>) -> Result<usize, ConventionError> {
    let mut behind = 0;
    for path in finished(shared).await? {
        let connected = connected(database, client).await?;
        let bytes = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || std::fs::read(&path).map(|b| (line::read(&b), b.len())))
                .await
                .map_err(|_| ConventionError::Silent)?
        };
        let (segment, length) = bytes.map_err(|source| ConventionError::File { path: path.clone(), source })?;
        if let Some(fault) = segment.fault {
            // Nothing is moved and nothing is deleted: an administrator has to look. Later segments go on.
            tracing::error!(segment = %path.display(), %fault, "a finished segment was changed; it stays in the spool");
            behind += 1;
            continue;
        }
        let moved = tokio::time::timeout(PATIENCE, insert(connected, &segment.lines));
        match moved.await.map_err(|_| ConventionError::Silent)? {
            Ok(()) => {}
            Err(e) if connected.is_closed() => return Err(e),
            Err(e) => {
                // The database lives and does not take this one: it must not hold up the others.
                tracing::error!(segment = %path.display(), error = %e, "segment refused; it stays in the spool");
                behind += 1;
                continue;
            }
        }
        remove(&path).await.map_err(|source| ConventionError::File { path, source })?;
        shared.bytes.fetch_sub(length as u64, Ordering::Relaxed);
        shared.pending.fetch_sub(1, Ordering::Relaxed);
    }
    Ok(behind)
}

/// Segments before the active one, oldest first.
async fn finished(shared: &Shared) -> Result<Vec<PathBuf>, ConventionError> {
    let (dir, active) = (shared.dir.clone(), shared.active.load(Ordering::Acquire));
    let listed = tokio::task::spawn_blocking(move || segments(&dir)).await.map_err(|_| ConventionError::Silent)?;
    let all = listed.map_err(|source| ConventionError::File { path: shared.dir.clone(), source })?;
    Ok(all.into_iter().filter(|p| first_of(p).is_some_and(|n| n < active)).collect())
}

async fn remove(path: &Path) -> std::io::Result<()> {
    tokio::fs::remove_file(path).await
}

/// Columns of one table, gathered for `unnest`.
#[derive(Default)]
struct Columns {
    n: Vec<i64>,
    le: Vec<f64>,
    text: Vec<String>,
    hash: Vec<Vec<u8>>,
}

impl Columns {
    #[allow(clippy::cast_precision_loss)] // milliseconds since 1970 are far below 2^53
    fn push(&mut self, kept: &Kept, le: i64) {
        self.n.push(number(kept.line.n));
        self.le.push(le as f64 / 1000.0);
        self.text.push(kept.text.clone());
        self.hash.push(kept.hash.to_vec());
    }
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// First days of the months (UTC) in which lines lie, ISO 8601.
fn months(lines: &[Kept]) -> BTreeSet<String> {
    let month = |le: i64| {
        let day = jiff::Timestamp::from_millisecond(le).ok()?.to_string();
        Some(format!("{}-01", day.get(..7)?))
    };
    lines
        .iter()
        .filter_map(|k| match &k.line.entry {
            Entry::Segment(h) => month(h.le),
            Entry::Acces(b) => month(b.le),
            Entry::Fin { le, .. } => month(*le),
            Entry::Refus(r) => month(r.le),
        })
        .collect()
}

/// Inserts a whole segment, or nothing when it was inserted before.
async fn insert(client: &mut Client, lines: &[Kept]) -> Result<(), ConventionError> {
    let fail = |source| ConventionError::Database(DbError::Statement { doing: "moving access records", source });
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
    let Entry::Segment(head) = &first.line.entry else { return Ok(()) };
    let instance = &head.instance;
    let transaction = client.transaction().await.map_err(fail)?;
    transaction.batch_execute("SET LOCAL synchronous_commit = on").await.map_err(fail)?;
    for month in months(lines) {
        transaction.execute("SELECT journal.preparer($1::text::date)", &[&month]).await.map_err(fail)?;
    }
    let fresh = transaction
        .execute(
            "INSERT INTO journal.segment (instance, sequence, dernier, ligne, empreinte) VALUES ($1, $2, $3, $4, $5)",
            &[instance, &number(first.line.n), &number(last.line.n), &first.text, &first.hash.as_slice()],
        )
        .await
        .map_err(fail)?;
    if fresh == 0 {
        tracing::info!(instance, first = first.line.n, "segment was moved before");
        return transaction.rollback().await.map_err(fail);
    }
    begins(&transaction, instance, lines).await.map_err(fail)?;
    ends(&transaction, instance, lines).await.map_err(fail)?;
    refusals(&transaction, instance, lines).await.map_err(fail)?;
    transaction.commit().await.map_err(fail)
}

type Transaction<'a> = tokio_postgres::Transaction<'a>;
type Sent = Result<(), tokio_postgres::Error>;

async fn begins(transaction: &Transaction<'_>, instance: &str, lines: &[Kept]) -> Sent {
    let mut all = Columns::default();
    let mut text: [Vec<&str>; 6] = Default::default();
    let (mut layers, mut boxes, mut publications) = (Vec::new(), Vec::new(), Vec::new());
    for kept in lines {
        let Entry::Acces(b) = &kept.line.entry else { continue };
        all.push(kept, b.le);
        for (column, value) in
            text.iter_mut().zip([&b.convention, &b.serie, &b.adresse, &b.finalite, &b.protocole, &b.operation])
        {
            column.push(value);
        }
        layers.push(b.couches.join(","));
        boxes.push(b.emprise.map(|e| format!("{{{},{},{},{}}}", e[0], e[1], e[2], e[3])));
        publications.push(b.publication);
    }
    if all.n.is_empty() {
        return Ok(());
    }
    let [convention, serial, address, purpose, protocol, operation] = &text;
    transaction
        .execute(
            "INSERT INTO journal.acces (instance, sequence, ouvert_le, convention, serie, adresse, finalite, protocole,
                 operation, couches, emprise, publication, ligne, empreinte)
             SELECT $1, n, to_timestamp(le), convention, serie, adresse::inet, finalite, protocole, operation,
                 string_to_array(couches, ','), emprise::float8[], publication, ligne, empreinte
             FROM unnest($2::int8[], $3::float8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                 $10::text[], $11::text[], $12::int8[], $13::text[], $14::bytea[])
                 t (n, le, convention, serie, adresse, finalite, protocole, operation, couches, emprise, publication,
                 ligne, empreinte)",
            &[
                &instance,
                &all.n,
                &all.le,
                convention,
                serial,
                address,
                purpose,
                protocol,
                operation,
                &layers,
                &boxes,
                &publications,
                &all.text,
                &all.hash,
            ],
        )
        .await?;
    Ok(())
}

async fn ends(transaction: &Transaction<'_>, instance: &str, lines: &[Kept]) -> Sent {
    let mut all = Columns::default();
    let (mut access, mut outcome, mut hashes, mut old) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut counts: [Vec<Option<i64>>; 3] = Default::default();
    for kept in lines {
        let Entry::Fin { le, end } = &kept.line.entry else { continue };
        all.push(kept, *le);
        access.push(number(end.acces));
        outcome.push(end.issue.as_str());
        for (column, value) in counts.iter_mut().zip([end.objets, end.octets, end.duree_ms]) {
            column.push(value.map(number));
        }
        hashes.push(end.corps.as_deref());
        old.push(end.sha256.as_ref().and_then(|h| hex::decode(h).ok()));
    }
    if all.n.is_empty() {
        return Ok(());
    }
    let [features, bytes, millis] = &counts;
    transaction
        .execute(
            "INSERT INTO journal.fin (instance, sequence, ferme_le, acces, issue, objets, octets, duree_ms, corps,
                 sha256, ligne, empreinte)
             SELECT $1, n, to_timestamp(le), acces, issue, objets, octets, duree_ms, corps, sha256, ligne,
                 empreinte
             FROM unnest($2::int8[], $3::float8[], $4::int8[], $5::text[], $6::int8[], $7::int8[], $8::int8[],
                 $9::text[], $10::bytea[], $11::text[], $12::bytea[])
                 t (n, le, acces, issue, objets, octets, duree_ms, corps, sha256, ligne, empreinte)",
            &[
                &instance, &all.n, &all.le, &access, &outcome, features, bytes, millis, &hashes, &old, &all.text,
                &all.hash,
            ],
        )
        .await?;
    Ok(())
}

async fn refusals(transaction: &Transaction<'_>, instance: &str, lines: &[Kept]) -> Sent {
    let mut all = Columns::default();
    let (mut reason, mut address, mut path, mut count) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut optional: [Vec<Option<&str>>; 3] = Default::default();
    for kept in lines {
        let Entry::Refus(r) = &kept.line.entry else { continue };
        all.push(kept, r.le);
        reason.push(r.motif.as_str());
        address.push(r.adresse.as_str());
        path.push(r.chemin.as_str());
        count.push(number(r.nombre));
        for (column, value) in optional.iter_mut().zip([&r.convention, &r.serie, &r.sujet]) {
            column.push(value.as_deref());
        }
    }
    if all.n.is_empty() {
        return Ok(());
    }
    let [convention, serial, subject] = &optional;
    transaction
        .execute(
            "INSERT INTO journal.refus (instance, sequence, refuse_le, motif, convention, serie, sujet, adresse, chemin,
                 nombre, ligne, empreinte)
             SELECT $1, n, to_timestamp(le), motif, convention, serie, sujet, adresse::inet, chemin, nombre, ligne,
                 empreinte
             FROM unnest($2::int8[], $3::float8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                 $9::text[], $10::int8[], $11::text[], $12::bytea[])
                 t (n, le, motif, convention, serie, sujet, adresse, chemin, nombre, ligne, empreinte)",
            &[
                &instance, &all.n, &all.le, &reason, convention, serial, subject, &address, &path, &count, &all.text,
                &all.hash,
            ],
        )
        .await?;
    Ok(())
}
