//! Independent jobs over a few pairs of connections.

use super::PublishError;
use super::candidate::session;
use crate::config::Config;
use crate::db::Which;
use futures_util::future::{BoxFuture, try_join_all};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::Client;

/// Pairs of connections: two keep two cores of the database busy.
const PAIRS: usize = 2;

/// Connections of one worker.
pub(super) struct Pair {
    pub source: Client,
    pub serving: Client,
}

/// Connections kept for the whole run.
pub(super) struct Workers {
    pairs: Vec<Pair>,
}

impl Workers {
    pub async fn connect(config: &Config) -> Result<Workers, PublishError> {
        let one = || async {
            Ok::<_, PublishError>(Pair {
                source: session(config, Which::Source).await?,
                serving: session(config, Which::Serving).await?,
            })
        };
        Ok(Workers { pairs: try_join_all((0..PAIRS).map(|_| one())).await? })
    }

    /// Does every job, each on one pair, in order of the list as far as workers are free. The first error stops the rest.
    pub async fn each<'a, J: Send, R: Send>(
        &'a self,
        jobs: impl IntoIterator<Item = J>,
        work: impl Fn(&'a Pair, J) -> BoxFuture<'a, Result<R, PublishError>> + Sync,
    ) -> Result<Vec<R>, PublishError> {
        let queue: Mutex<VecDeque<J>> = Mutex::new(jobs.into_iter().collect());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let results = try_join_all(self.pairs.iter().map(|pair| async {
            let mut done = Vec::new();
            while let Some(job) = next() {
                done.push(work(pair, job).await?);
            }
            Ok::<_, PublishError>(done)
        }))
        .await?;
        Ok(results.into_iter().flatten().collect())
    }
}
