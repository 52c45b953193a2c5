//! CQL2 (OGC 21-065r2), as text and as JSON ▶ [`super::Filter`].
//!
//! Both encodings are read into one tree of [`Node`]s, which knows no types; [`lower`] resolves properties in the client's
//! layer and checks the types. A filter comes from outside: depth, nodes and positions are limited while reading.

mod geometry;
mod json;
mod lex;
mod lower;
mod node;
mod temporal;
mod text;
mod unknown;

use super::Filter;
use crate::catalogue::Layer;
use crate::error::Reason;
use crate::geo::Crs;

/// What a filter is read for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The layer as the client sees it: other properties do not exist.
    pub layer: &'a Layer,
    /// CRS of the literals (`filter-crs`); its authority's axis order holds.
    pub crs: Crs,
    /// Expressions inside each other, at most.
    pub depth: usize,
    /// Expressions in all, at most.
    pub nodes: usize,
    /// Positions of all literals, at most.
    pub positions: usize,
}

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cql2Error {
    /// Does not follow the grammar.
    #[error("at character {at}, {expected}")]
    Syntax {
        /// Character, counted from 1.
        at: usize,
        /// What would have been right.
        expected: Reason,
    },
    /// JSON of another shape than CQL2's.
    #[error("CQL2 JSON: {what}")]
    Json {
        /// What is wrong.
        what: Reason,
    },
    /// Nested too deeply.
    #[error("expressions are nested deeper than {limit}")]
    Depth {
        /// Expressions inside each other, allowed.
        limit: usize,
    },
    /// Too large.
    #[error("the filter holds more than {limit} {what}")]
    Size {
        /// What is counted.
        what: Reason,
        /// How many are allowed.
        limit: usize,
    },
    /// No such queryable for this client.
    #[error("property {name:?} is not among the queryables")]
    Property {
        /// Name as received.
        name: String,
    },
    /// Operands that do not fit each other or the operator.
    #[error("{what}")]
    Type {
        /// What does not fit, and what would.
        what: Reason,
    },
    /// No such function.
    #[error("function {name} is not offered")]
    Function {
        /// Name as received.
        name: String,
    },
}

impl From<Cql2Error> for Reason {
    fn from(error: Cql2Error) -> Reason {
        match error {
            Cql2Error::Syntax { at, expected } => Reason::At(at, Box::new(expected)),
            Cql2Error::Json { what } | Cql2Error::Type { what } => what,
            Cql2Error::Depth { limit } => Reason::TooDeep(limit),
            Cql2Error::Size { what, limit } => Reason::TooMany(limit, Box::new(what)),
            Cql2Error::Property { name } => Reason::NotQueryable(name),
            Cql2Error::Function { name } => Reason::NoFunction(crate::error::printable(&name)),
        }
    }
}

/// Result of reading.
pub type Result<T> = std::result::Result<T, Cql2Error>;

/// Reads CQL2 text.
///
/// # Errors
/// [`Cql2Error`].
pub fn from_text(text: &str, scope: &Scope) -> Result<Filter> {
    let mut budget = node::Budget::new(scope);
    let tree = text::read(text, &mut budget)?;
    lower::filter(&tree, scope, &mut budget)
}

/// Reads CQL2 JSON.
///
/// # Errors
/// [`Cql2Error`].
pub fn from_json(text: &str, scope: &Scope) -> Result<Filter> {
    let mut budget = node::Budget::new(scope);
    let tree = json::read(text, &mut budget)?;
    lower::filter(&tree, scope, &mut budget)
}

#[cfg(test)]
mod tests;
