//! The one filter tree. FES, CQL2 and ECQL are read into it; columns, R-tree and PostGIS answer it.
//!
//! Truth is SQL's: a comparison with NULL is unknown, and only rows whose filter is true are selected.

pub mod cql2;
pub mod ecql;
pub mod expr;
pub mod fes;
pub mod instant;

use crate::catalogue::FieldId;
use crate::geo::{Crs, Envelope, Geometry};
use crate::query::Value;

/// A predicate over the features of one layer. Fields are resolved: a filter can only name what its client may see.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// Every feature.
    All,
    /// All must hold.
    And(Vec<Filter>),
    /// One must hold.
    Or(Vec<Filter>),
    /// Must not hold.
    Not(Box<Filter>),
    /// Comparison of two expressions.
    Compare {
        /// Operator.
        op: CompareOp,
        /// Left side.
        left: Expr,
        /// Right side.
        right: Expr,
        /// False: text is compared folded (lower case, no accents).
        match_case: bool,
    },
    /// SQL `LIKE` with `%` (any run) and `_` (one character), `\` as escape, already normalised by the reader.
    Like {
        /// Text expression.
        expr: Expr,
        /// Normalised pattern.
        pattern: String,
        /// False: folded comparison.
        match_case: bool,
    },
    /// `lower <= expr <= upper`.
    Between {
        /// Tested expression.
        expr: Expr,
        /// Lower bound.
        lower: Expr,
        /// Upper bound.
        upper: Expr,
    },
    /// Membership in a list.
    In {
        /// Tested expression.
        expr: Expr,
        /// The list.
        list: Vec<Value>,
        /// False: folded comparison.
        match_case: bool,
    },
    /// Null test.
    IsNull(Expr),
    /// Feature identifiers, without the layer's prefix; for `_evolution` layers `id.millesime`.
    Ids(Vec<String>),
    /// The layer's geometry against a box in some CRS: true when they share a point (OGC 09-026r2 §7.8.3.2).
    BBox {
        /// Box, `[x, y]` order.
        envelope: Envelope,
        /// CRS of the box.
        crs: Crs,
    },
    /// The layer's geometry against a literal.
    Spatial {
        /// Relation, the layer's geometry being the left operand.
        op: SpatialOp,
        /// Literal, `[x, y]` order.
        geometry: Geometry,
        /// CRS of the literal.
        crs: Crs,
    },
    /// Distance between the layer's geometry and a literal, in metres.
    Distance {
        /// True: `DWithin`; false: `Beyond`.
        within: bool,
        /// Literal, `[x, y]` order.
        geometry: Geometry,
        /// CRS of the literal.
        crs: Crs,
        /// Metres.
        metres: f64,
    },
    /// Temporal relation between a dateTime field and an instant or period (milliseconds since 1970, UTC).
    Temporal {
        /// Relation, the field being the left operand.
        op: TemporalOp,
        /// A field of kind `DateTime`.
        field: FieldId,
        /// Begin of the literal; equal to `end` for an instant. `None`: unbounded.
        begin: Option<i64>,
        /// End of the literal. `None`: unbounded.
        end: Option<i64>,
    },
}

/// A scalar expression.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// A field of the layer.
    Field(FieldId),
    /// The feature identifier.
    Id,
    /// A literal. Readers type it by the field on the other side where there is one.
    Literal(Value),
    /// Arithmetic; operators and their meaning stand in [`expr`].
    Arithmetic(Box<Expr>, char, Box<Expr>),
    /// A function of the house, by name: see [`expr::FUNCTIONS`].
    Function(String, Vec<Expr>),
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Spatial relations (OGC 06-103r4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SpatialOp {
    Equals,
    Disjoint,
    Touches,
    Within,
    Overlaps,
    Crosses,
    Intersects,
    Contains,
}

/// Temporal relations (OGC 09-026r2 §7.9, ISO 19108).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TemporalOp {
    After,
    Before,
    Begins,
    BegunBy,
    Contains,
    During,
    EndedBy,
    Ends,
    Equals,
    Meets,
    MetBy,
    Overlaps,
    OverlappedBy,
    AnyInteracts,
}

impl Expr {
    /// Calls `f` for every field named.
    pub fn fields(&self, f: &mut impl FnMut(FieldId)) {
        match self {
            Expr::Field(field) => f(*field),
            Expr::Id | Expr::Literal(_) => {}
            Expr::Arithmetic(a, _, b) => {
                a.fields(f);
                b.fields(f);
            }
            Expr::Function(_, arguments) => arguments.iter().for_each(|a| a.fields(f)),
        }
    }
}

impl Filter {
    /// Calls `f` for every field named.
    pub fn fields(&self, f: &mut impl FnMut(FieldId)) {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|p| p.fields(f)),
            Filter::Not(inner) => inner.fields(f),
            Filter::Compare { left, right, .. } => {
                left.fields(f);
                right.fields(f);
            }
            Filter::Like { expr, .. } | Filter::In { expr, .. } | Filter::IsNull(expr) => expr.fields(f),
            Filter::Between { expr, lower, upper } => [expr, lower, upper].into_iter().for_each(|e| e.fields(f)),
            Filter::Temporal { field, .. } => f(*field),
            Filter::All | Filter::Ids(_) | Filter::BBox { .. } | Filter::Spatial { .. } | Filter::Distance { .. } => {}
        }
    }

    /// Conjunction that flattens and drops `All`.
    pub fn and(self, other: Filter) -> Filter {
        match (self, other) {
            (Filter::All, f) | (f, Filter::All) => f,
            (Filter::And(mut a), Filter::And(b)) => {
                a.extend(b);
                Filter::And(a)
            }
            (Filter::And(mut a), f) => {
                a.push(f);
                Filter::And(a)
            }
            (f, Filter::And(mut b)) => {
                b.insert(0, f);
                Filter::And(b)
            }
            (a, b) => Filter::And(vec![a, b]),
        }
    }
}
