//! `seuil journal verify`: is the access record whole, unchanged, and what the servers signed?

use super::{Result, fail};
use crate::convention::record::{Broken, Follower, seal};
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

/// Faults of one instance that are listed; all are counted.
const LISTED: usize = 20;

/// What was found out about one instance (one server's spool).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its identifier.
    pub instance: String,
    /// Lines that fit.
    pub lines: u64,
    /// Lines that retention removed.
    pub purged: u64,
    /// Signed heads borne out.
    pub sealed: u64,
    /// The last line that a head covers; later ones are chained, and not yet signed.
    pub covered: u64,
    /// Number of faults.
    pub faults: u64,
    /// The first of them.
    pub broken: Vec<Broken>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// All instances.
    pub instances: Vec<Instance>,
    /// Rows whose columns say something else than their signed text, by table.
    pub columns: Vec<(String, i64)>,
    /// Public keys (hexadecimal) that signed heads, and are not among those given.
    pub strangers: Vec<String>,
}

impl Verified {
    /// Whether nothing was found. Keys that nobody vouches for are a finding.
    pub fn good(&self) -> bool {
        self.strangers.is_empty()
            && self.columns.iter().all(|c| c.1 == 0)
            && self.instances.iter().all(|i| i.faults == 0)
    }
}

/// Columns that reports read, against the text that the hash covers. `is distinct from` also finds nulls.
const COLUMNS: [(&str, &str); 3] = [
    (
        "acces",
        "SELECT count(*) FROM journal.acces a, LATERAL (SELECT a.ligne::jsonb AS l) t
         WHERE (a.convention, a.serie, a.finalite, a.protocole, a.operation, a.publication, a.sequence)
               IS DISTINCT FROM (l->>'convention', l->>'serie', l->>'finalite', l->>'protocole', l->>'operation',
                                 (l->>'publication')::int8, (l->>'n')::int8)
            OR a.adresse IS DISTINCT FROM (l->>'adresse')::inet
            OR a.ouvert_le IS DISTINCT FROM to_timestamp((l->>'le')::float8 / 1000)
            OR to_jsonb(a.couches) IS DISTINCT FROM l->'couches'
            OR (a.emprise IS NULL) <> (l->'emprise' = 'null')
            OR EXISTS (SELECT FROM unnest(a.emprise) WITH ORDINALITY e (v, n)
                       WHERE abs(v - (l->'emprise'->>(n - 1)::int)::float8) > 0.001)",
    ),
    (
        "fin",
        "SELECT count(*) FROM journal.fin f, LATERAL (SELECT f.ligne::jsonb AS l) t
         WHERE (f.acces, f.issue, f.objets, f.octets, f.duree_ms, f.sequence)
               IS DISTINCT FROM ((l->>'acces')::int8, l->>'issue', (l->>'objets')::int8, (l->>'octets')::int8,
                                 (l->>'duree_ms')::int8, (l->>'n')::int8)
            OR f.ferme_le IS DISTINCT FROM to_timestamp((l->>'le')::float8 / 1000)
            OR f.corps IS DISTINCT FROM l->>'corps'
            OR encode(f.sha256, 'hex') IS DISTINCT FROM l->>'sha256'",
    ),
    (
        "refus",
        "SELECT count(*) FROM journal.refus r, LATERAL (SELECT r.ligne::jsonb AS l) t
         WHERE (r.motif, r.convention, r.serie, r.sujet, r.chemin, r.nombre, r.sequence)
               IS DISTINCT FROM (l->>'motif', l->>'convention', l->>'serie', l->>'sujet', l->>'chemin',
                                 (l->>'nombre')::int8, (l->>'n')::int8)
            OR r.adresse IS DISTINCT FROM (l->>'adresse')::inet
            OR r.refuse_le IS DISTINCT FROM to_timestamp((l->>'le')::float8 / 1000)",
    ),
];

/// Checks the whole record as the auditor. `keys`: public keys of servers, kept where nobody who writes the database writes.
///
/// # Errors
/// [`crate::convention::ConventionError::Database`]. Faults of the record are no error of the check: see [`Verified`].
pub async fn run(client: &Client, keys: &[seal::PublicKey]) -> Result<Verified> {
    let doing = fail("checking the journal");
    let mut found = Verified::default();
    // One moment for everything: segments go on being moved meanwhile.
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(doing)?;
    let instances = client
        .query("SELECT instance FROM journal.segment UNION SELECT instance FROM journal.tete ORDER BY 1", &[])
        .await
        .map_err(doing)?;
    for row in instances {
        let instance: String = row.get(0);
        let checked = one(client, instance, keys, &mut found.strangers).await?;
        found.instances.push(checked);
    }
    for (table, sql) in COLUMNS {
        let wrong: i64 = client.query_one(sql, &[]).await.map_err(doing)?.get(0);
        found.columns.push((table.to_owned(), wrong));
    }
    client.batch_execute("COMMIT").await.map_err(doing)?;
    Ok(found)
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

async fn one(
    client: &Client,
    instance: String,
    keys: &[seal::PublicKey],
    strangers: &mut Vec<String>,
) -> Result<Instance> {
    let doing = fail("checking the journal");
    let purged: Vec<RangeInclusive<u64>> = client
        .query("SELECT premier, dernier FROM journal.purge WHERE instance = $1", &[&instance])
        .await
        .map_err(doing)?
        .iter()
        .map(|r| number(r.get(0))..=number(r.get(1)))
        .collect();
    let mut broken: Vec<Broken> = Vec::new();
    let mut heads: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for row in client
        .query(
            "SELECT sequence, jour::text, empreinte, cle, signature FROM journal.tete WHERE instance = $1",
            &[&instance],
        )
        .await
        .map_err(doing)?
    {
        let (sequence, day, hash) = (number(row.get(0)), row.get::<_, String>(1), row.get::<_, Vec<u8>>(2));
        let key = seal::PublicKey::try_from(row.get::<_, &[u8]>(3)).unwrap_or_default();
        if !keys.contains(&key) && !strangers.contains(&hex::encode(key)) {
            strangers.push(hex::encode(key));
        }
        match seal::good(&key, &seal::text(&day, &instance, sequence, &hash), row.get(4)) {
            true => _ = heads.insert(sequence, hash),
            false => broken.push(Broken { sequence, reason: "the signature of its head is not good".to_owned() }),
        }
    }
    let mut faults = broken.len() as u64;
    let mut follower = Follower::new(purged, heads);
    let mut tell = |outcome: std::result::Result<(), Broken>| {
        if let Err(b) = outcome {
            faults += 1;
            if broken.len() < LISTED {
                broken.push(b);
            }
        }
    };
    let parameters: [&(dyn ToSql + Sync); 1] = [&instance];
    let sql = "SELECT sequence, ligne, empreinte FROM journal.ligne WHERE instance = $1 ORDER BY sequence";
    let rows = client.query_raw(sql, parameters).await.map_err(doing)?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(doing)? {
        tell(follower.take(number(row.get(0)), row.get(1), row.get(2)));
    }
    tell(follower.end());
    Ok(Instance {
        instance,
        lines: follower.lines,
        purged: follower.missing,
        sealed: follower.sealed,
        covered: follower.covered,
        faults,
        broken,
    })
}
