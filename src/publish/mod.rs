//! `source` ▶ candidate ▶ current publication in `serving`.
//!
//! A candidate is made in committed steps; killed at any moment and run again, it goes on with the same candidate, or
//! drops it and begins cleanly when imports or parameters have changed meanwhile.

mod error;
mod report;

pub use error::PublishError;
pub use report::{Report, Step, StepReport};

use crate::config::Config;

/// How to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Drop an unfinished candidate instead of going on with it.
    pub fresh: bool,
    /// Make and check the candidate, do not make it current.
    pub candidate_only: bool,
}

/// What a run tells while it works. Called from the publishing task; must return at once.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn begin(&self, step: Step);
    /// A step has ended.
    fn end(&self, step: &StepReport);
}

/// No progress is shown.
impl Progress for () {
    fn begin(&self, _: Step) {}
    fn end(&self, _: &StepReport) {}
}

/// Makes a candidate out of the newest complete imports, checks it and makes it current.
///
/// # Errors
/// [`PublishError`]; the candidate stays for a later run to go on with. What was current stays current.
pub async fn run(_config: &Config, _options: Options, _progress: &dyn Progress) -> Result<Report, PublishError> {
    Err(PublishError::NotBuilt)
}
