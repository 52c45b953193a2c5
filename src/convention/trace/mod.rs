//! `seuil trace`: from which access does a found file come? By the download's identifier that data carry; without one, by
//! keys, values and vintage, as ranked candidates. A trace is evidence for people to weigh, never a verdict.

mod rank;
mod read;

pub use rank::Candidate;
pub use read::Found;

use super::ConventionError;
use crate::catalogue::Catalogue;
use crate::db::DbError;
use std::path::Path;
use tokio_postgres::{Client, Row};

/// Candidates that are given at most.
const CANDIDATES: usize = 20;

/// An access in the record, with its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// Identifier of the download.
    pub download: String,
    /// When it began, ISO 8601, UTC.
    pub at: String,
    /// The same, milliseconds since 1970.
    pub millis: i64,
    /// Convention.
    pub convention: String,
    /// Partner.
    pub partner: String,
    /// Holder and use of the certificate, as registered.
    pub holder: String,
    /// Serial number of the certificate.
    pub serial: String,
    /// Address.
    pub address: String,
    /// Purpose of the certificate.
    pub purpose: String,
    /// Protocol and operation.
    pub operation: String,
    /// Layers.
    pub layers: Vec<String>,
    /// Publication.
    pub publication: i64,
    /// `complete`, `aborted`, ...; `None`: not ended.
    pub outcome: Option<String>,
    /// Features.
    pub features: Option<i64>,
    /// Bytes.
    pub bytes: Option<i64>,
    /// Hash of the body with its algorithm: `blake3:` or, of older records, `sha256:` and hexadecimal digits.
    pub hash: Option<String>,
}

/// What a trace found.
#[derive(Debug, Clone, PartialEq)]
pub enum Trace {
    /// The file carries identifiers that the record knows: each access, and whether the file is, byte for byte, what was sent.
    Named(Vec<(Access, bool)>),
    /// The file carries no identifier, but is, byte for byte, what was sent.
    Same(Vec<Access>),
    /// Neither: candidates, best first, of the features read in the file.
    Ranked {
        /// Features in the file.
        features: usize,
        /// Layers whose columns the file has.
        layers: Vec<String>,
        /// Candidates; none: nothing in the record fits.
        candidates: Vec<Candidate>,
    },
}

/// Traces a file, as the auditor.
///
/// # Errors
/// [`ConventionError::Trace`] when the file cannot be read, [`ConventionError::Database`].
pub async fn trace(client: &Client, catalogue: &Catalogue, path: &Path) -> Result<Trace, ConventionError> {
    let (owned, path_owned) = (path.to_owned(), path.to_owned());
    let marks =
        tokio::task::spawn_blocking(move || read::marks(&owned)).await.map_err(|_| ConventionError::Silent)??;
    let mut named = Vec::new();
    for (instance, sequence) in &marks.downloads {
        let sql = format!("{ACCESS} WHERE a.instance = $1 AND a.sequence = $2");
        let rows = client.query(&sql, &[instance, sequence]).await.map_err(fail)?;
        named.extend(rows.iter().map(access).map(|a| {
            let same = a.hash.as_ref().is_some_and(|h| marks.hashes.contains(h));
            (a, same)
        }));
    }
    if !named.is_empty() {
        return Ok(Trace::Named(named));
    }
    let sql = format!(
        "{ACCESS} WHERE coalesce(f.corps, 'sha256:' || encode(f.sha256, 'hex')) = ANY ($1) ORDER BY a.ouvert_le DESC"
    );
    let same = client.query(&sql, &[&marks.hashes.as_slice()]).await.map_err(fail)?;
    if !same.is_empty() {
        return Ok(Trace::Same(same.iter().map(access).collect()));
    }
    let found = tokio::task::spawn_blocking(move || read::features(&path_owned))
        .await
        .map_err(|_| ConventionError::Silent)??;
    rank::rank(client, catalogue, &found).await
}

fn fail(source: tokio_postgres::Error) -> ConventionError {
    ConventionError::Database(DbError::Statement { doing: "reading the journal", source })
}

/// Accesses with their ends, partners and certificates.
const ACCESS: &str = "
    SELECT a.instance || '-' || a.sequence, to_char(a.ouvert_le AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
           (extract(epoch FROM a.ouvert_le) * 1000)::int8, a.convention, coalesce(e.partenaire, ''),
           coalesce((SELECT c.titulaire || ' (' || c.usage || ')' FROM convention.certificat c
                     WHERE c.convention = a.convention AND c.serie = a.serie ORDER BY c.certificat DESC LIMIT 1), ''),
           a.serie, host(a.adresse), a.finalite, a.protocole || ' ' || a.operation, a.couches, a.publication, f.issue,
           f.objets, f.octets, coalesce(f.corps, 'sha256:' || encode(f.sha256, 'hex'))
    FROM journal.acces a
    LEFT JOIN journal.fin f ON f.instance = a.instance AND f.acces = a.sequence AND f.ferme_le >= a.ouvert_le
    LEFT JOIN convention.etat e ON e.convention = a.convention";

fn access(r: &Row) -> Access {
    Access {
        download: r.get(0),
        at: r.get(1),
        millis: r.get(2),
        convention: r.get(3),
        partner: r.get(4),
        holder: r.get(5),
        serial: r.get(6),
        address: r.get(7),
        purpose: r.get(8),
        operation: r.get(9),
        layers: r.get(10),
        publication: r.get(11),
        outcome: r.get(12),
        features: r.get(13),
        bytes: r.get(14),
        hash: r.get(15),
    }
}
