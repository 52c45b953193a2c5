//! The tree that both encodings are read into.

use super::{Cql2Error, Result, Scope};
use crate::error::Reason;
use crate::geo::Geometry;

/// An expression without types.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Truth value.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Number.
    Number(f64),
    /// Text: as a value, and as a pattern of LIKE, in which escapes of wildcards are kept.
    Text {
        /// The value.
        value: String,
        /// The pattern.
        pattern: String,
    },
    /// Name of a property.
    Property(String),
    /// Instant: first and last millisecond; they differ for dates.
    Instant(i64, i64),
    /// Interval between two instants, properties or open ends.
    Interval(Box<Node>, Box<Node>),
    /// `..`
    Open,
    /// Geometry, coordinates in the order of the wire.
    Geometry(Geometry),
    /// Several expressions in parentheses.
    List(Vec<Node>),
    /// Operator or function, lower case, and its operands.
    Call(String, Vec<Node>),
}

impl Node {
    /// A text that is value and pattern alike.
    pub fn text(text: impl Into<String>) -> Node {
        let value = text.into();
        Node::Text { pattern: value.clone(), value }
    }

    /// A call.
    pub fn call(name: &str, arguments: Vec<Node>) -> Node {
        Node::Call(name.to_owned(), arguments)
    }

    /// What it is, for messages.
    pub fn kind(&self) -> Reason {
        match self {
            Node::Bool(_) => Reason::ATruthValue,
            Node::Int(_) | Node::Number(_) => Reason::ANumber,
            Node::Text { .. } => Reason::AText,
            Node::Property(_) => Reason::AProperty,
            Node::Instant(..) => Reason::AnInstant,
            Node::Interval(..) => Reason::AnInterval,
            Node::Open => Reason::AnOpenEnd,
            Node::Geometry(_) => Reason::AGeometry,
            Node::List(_) => Reason::AList,
            Node::Call(..) => Reason::AnExpression,
        }
    }
}

/// What is left of the limits.
#[derive(Debug)]
pub struct Budget {
    depth: (usize, usize),
    nodes: (usize, usize),
    positions: (usize, usize),
}

impl Budget {
    /// The whole limits.
    pub fn new(scope: &Scope) -> Budget {
        Budget {
            depth: (scope.depth, scope.depth),
            nodes: (scope.nodes, scope.nodes),
            positions: (scope.positions, scope.positions),
        }
    }

    /// Goes one level down.
    pub fn enter(&mut self) -> Result<()> {
        let limit = self.depth.1;
        self.depth.0 = self.depth.0.checked_sub(1).ok_or(Cql2Error::Depth { limit })?;
        Ok(())
    }

    /// Comes back up.
    pub fn leave(&mut self) {
        self.depth.0 += 1;
    }

    /// Counts an expression.
    pub fn node(&mut self) -> Result<()> {
        self.some(1)
    }

    /// Counts some expressions.
    pub fn some(&mut self, expressions: usize) -> Result<()> {
        let limit = self.nodes.1;
        self.nodes.0 =
            self.nodes.0.checked_sub(expressions).ok_or(Cql2Error::Size { what: Reason::Expressions, limit })?;
        Ok(())
    }

    /// Counts a position.
    pub fn position(&mut self) -> Result<()> {
        let limit = self.positions.1;
        self.positions.0 = self.positions.0.checked_sub(1).ok_or(Cql2Error::Size { what: Reason::Positions, limit })?;
        Ok(())
    }
}
