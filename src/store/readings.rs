//! Which publication a paged reading belongs to.
//!
//! A client that pages by number carries no cursor. Its first page pins the reading, by certificate and request without
//! paging, to the publication that answered; the pages after it come from that one or not at all. Pins lie in the serving
//! database, shared by all servers, and are written behind: a few hundred milliseconds after the answer.

use super::Store;
use super::postgis::PostGis;
use crate::error::{Error, Result};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// SHA-256 of certificate and request without paging.
pub type ReadingKey = [u8; 32];

/// Pins kept in memory; the database holds the others.
const KEPT: u64 = 50_000;

/// A pin is written again after so long, so that the database does not forget a reading that is opened every day.
const REWRITTEN: Duration = Duration::from_secs(86_400);

/// How long pins wait for others to be written with.
const GATHERED: Duration = Duration::from_millis(150);

/// How long after a change of publication what other servers have written is asked for.
const UNSETTLED: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Pin {
    publication: i64,
    written: Instant,
}

/// The pins of this server.
#[derive(Debug)]
pub(super) struct Readings {
    known: Cache<ReadingKey, Pin>,
    /// Not in the database yet.
    waiting: Mutex<HashMap<ReadingKey, i64>>,
    /// When this server last changed its current publication.
    changed: Mutex<Instant>,
}

impl Readings {
    pub fn new() -> Readings {
        Readings { known: Cache::new(KEPT), waiting: Mutex::default(), changed: Mutex::new(Instant::now()) }
    }

    /// The current publication changes.
    pub fn changed(&self) {
        *self.changed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn since(&self) -> Duration {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn waiting(&self, key: &ReadingKey) -> Option<i64> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn learn(&self, key: ReadingKey, publication: i64) {
        self.known.insert(key, Pin { publication, written: Instant::now() });
    }
}

impl Store {
    /// The publication that a reading is pinned to; `None`: nobody has opened it in the last days.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when only the database could tell and is away.
    pub async fn reading(&self, key: &ReadingKey) -> Result<Option<i64>> {
        let current = self.current();
        let (readings, Some((postgis, _))) = (&self.readings, &self.database) else { return Ok(None) };
        if current.publication == 0 {
            return Ok(None);
        }
        if let Some(own) = readings.waiting(key) {
            return Ok(Some(own));
        }
        let known = readings.known.get(key).map(|p| p.publication);
        // Another server may have opened the reading anew, but while there is one publication that changes nothing.
        if known == Some(current.publication) && readings.since() > UNSETTLED {
            return Ok(known);
        }
        let mut found = postgis.reading(key).await;
        if matches!(found, Ok(None)) && known.is_none() && readings.since() < UNSETTLED {
            // Perhaps another server is about to write it.
            tokio::time::sleep(2 * GATHERED).await;
            found = postgis.reading(key).await;
        }
        match found {
            Ok(Some(publication)) => {
                readings.learn(*key, publication);
                Ok(Some(publication))
            }
            Ok(None) => Ok(known),
            Err(_) if known.is_some() => Ok(known),
            // There was no former publication to begin with, or its grace time is over: nobody can be reading it.
            Err(_) if moment() > current.former_until => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Pins a reading to a publication.
    pub fn open_reading(self: &Arc<Self>, key: ReadingKey, publication: i64) {
        if publication == 0 || self.database.is_none() {
            return;
        }
        let fresh = |p: Pin| p.publication == publication && p.written.elapsed() < REWRITTEN;
        if self.readings.known.get(&key).is_some_and(fresh) && self.readings.since() > UNSETTLED {
            return;
        }
        self.readings.learn(key, publication);
        let first = {
            let mut waiting = self.readings.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let first = waiting.is_empty();
            // While the database is away the newest readings are remembered here alone.
            if waiting.len() < KEPT as usize {
                waiting.insert(key, publication);
            }
            first
        };
        if first {
            let store = Arc::downgrade(self);
            tokio::spawn(async move {
                let mut pause = GATHERED;
                loop {
                    tokio::time::sleep(pause).await;
                    let Some(store) = store.upgrade() else { return };
                    if store.write_readings().await {
                        return;
                    }
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            });
        }
    }

    /// Writes the pins that wait; true when none is left.
    async fn write_readings(&self) -> bool {
        let Some((postgis, _)) = &self.database else { return true };
        let batch: Vec<(ReadingKey, i64)> = {
            let waiting = self.readings.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.iter().map(|(k, p)| (*k, *p)).collect()
        };
        if let Err(e) = postgis.open_readings(&batch).await {
            tracing::warn!(error = %e, readings = batch.len(), "paged readings could not be written; tried again");
            return false;
        }
        let mut waiting = self.readings.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, publication) in batch {
            // It may have been opened anew meanwhile.
            if waiting.get(&key) == Some(&publication) {
                waiting.remove(&key);
            }
        }
        waiting.is_empty()
    }
}

fn moment() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl PostGis {
    /// The publication that a reading is pinned to.
    async fn reading(&self, key: &ReadingKey) -> Result<Option<i64>> {
        const FIND: &str = "SELECT publication FROM registre.lecture WHERE cle = $1";
        let client = self.connection().await?;
        let statement = client.prepare_cached(FIND).await.map_err(|e| unwritten(&e))?;
        let row = client.query_opt(&statement, &[&key.as_slice()]).await.map_err(|e| unwritten(&e))?;
        Ok(row.map(|r| r.get(0)))
    }

    /// Pins readings, and forgets those of which nobody can be reading any more.
    async fn open_readings(&self, batch: &[(ReadingKey, i64)]) -> Result<()> {
        const WRITE: &str = "INSERT INTO registre.lecture (cle, publication) SELECT * FROM unnest($1::bytea[], $2::bigint[]) \
                             ON CONFLICT (cle) DO UPDATE SET publication = excluded.publication, ouverte = now()";
        const FORGET: &str = "DELETE FROM registre.lecture WHERE ouverte < now() - interval '8 days'";
        let client = self.connection().await?;
        let statement = client.prepare_cached(WRITE).await.map_err(|e| unwritten(&e))?;
        let keys: Vec<&[u8]> = batch.iter().map(|(k, _)| k.as_slice()).collect();
        let publications: Vec<i64> = batch.iter().map(|(_, p)| *p).collect();
        client.execute(&statement, &[&keys, &publications]).await.map_err(|e| unwritten(&e))?;
        // One batch in some hundreds tidies up.
        if batch.first().is_some_and(|(k, _)| k[0] == 0) {
            client.execute(FORGET, &[]).await.map_err(|e| unwritten(&e))?;
        }
        Ok(())
    }
}

fn unwritten(error: &tokio_postgres::Error) -> Error {
    tracing::warn!(error = %crate::db::explain(error), "paged readings");
    Error::Unavailable { what: "PostgreSQL", retry_after: Duration::from_secs(10) }
}
