//! What a publication did, how long it took and what protection cost.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The steps of a publication, in order. Each is committed before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The imports to use are chosen and frozen.
    Lots,
    /// Zones of each vintage, residences located in them.
    Zones,
    /// Sums by residence and zone, a theme and vintage at a time.
    Mesures,
    /// What is withheld.
    Plan,
    /// Surroundings of the residences that are shown.
    Environnement,
    /// Rows into the tables of the candidate.
    Copie,
    /// Indexes; the tables become partitions that nobody writes.
    Scellement,
    /// Rules that span tables.
    Controle,
    /// The ledger is written, the candidate becomes current.
    Publication,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How long it took; `None`: an earlier run had done it.
    pub took: Option<Duration>,
    /// What it did, in figures, for a reader.
    pub detail: String,
}

/// A publication that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its number.
    pub publication: i64,
    /// Whether it is current (`false` with `candidate_only`).
    pub current: bool,
    /// Its steps.
    pub steps: Vec<StepReport>,
}
