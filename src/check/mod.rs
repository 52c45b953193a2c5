//! Independent proof that a candidate, together with everything that is still held of former publications, gives nothing
//! away.
//!
//! Shares no module with the planner: it reads the public layers, a file of what the attacker knows, and makes cells and
//! sums anew. A publication with findings never becomes current.

mod algebra;
mod attack;

pub use attack::{Finding, Residence, Rule, Time, attack};
