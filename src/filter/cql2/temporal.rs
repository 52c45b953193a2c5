//! Temporal functions (21-065r2 §7.7): each is a condition on the ends of two spans.

use super::lower::{Scalar, compare, constant, holds, mismatch, scalar};
use super::node::Node;
use super::{Cql2Error, Result, Scope};
use crate::error::Reason;
use crate::filter::{CompareOp, Filter};

/// An end of a span.
#[derive(Debug, Clone)]
enum End {
    /// Before every instant.
    Past,
    /// An instant.
    At(Scalar),
    /// After every instant.
    Future,
}

/// An instant (equal ends) or an interval.
struct Span {
    begin: End,
    end: End,
    interval: bool,
}

/// A temporal function of two operands.
pub fn relation(name: &str, left: &Node, right: &Node, scope: &Scope) -> Result<Filter> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt};
    let (a, b) = (span(left, scope)?, span(right, scope)?);
    let either = matches!(name, "t_after" | "t_before" | "t_disjoint" | "t_equals" | "t_intersects");
    let intervals = a.interval && b.interval;
    if !(either || intervals) {
        return Err(mismatch(Reason::Takes(name.to_owned(), Box::new(Reason::AnInterval))));
    }
    let both = |first: Filter, second: Filter| first.and(second);
    let begins = |op| ends(op, &a.begin, &b.begin);
    let finishes = |op| ends(op, &a.end, &b.end);
    Ok(match name {
        "t_after" => ends(Gt, &a.begin, &b.end)?,
        "t_before" => ends(Lt, &a.end, &b.begin)?,
        "t_disjoint" => Filter::Or(vec![ends(Lt, &a.end, &b.begin)?, ends(Gt, &a.begin, &b.end)?]),
        "t_intersects" => both(ends(Le, &a.begin, &b.end)?, ends(Ge, &a.end, &b.begin)?),
        "t_equals" => both(begins(Eq)?, finishes(Eq)?),
        "t_contains" => both(begins(Lt)?, finishes(Gt)?),
        "t_during" => both(begins(Gt)?, finishes(Lt)?),
        "t_finishedby" => both(begins(Lt)?, finishes(Eq)?),
        "t_finishes" => both(begins(Gt)?, finishes(Eq)?),
        "t_meets" => ends(Eq, &a.end, &b.begin)?,
        "t_metby" => ends(Eq, &a.begin, &b.end)?,
        "t_overlappedby" => both(both(begins(Gt)?, ends(Lt, &a.begin, &b.end)?), finishes(Gt)?),
        "t_overlaps" => both(both(begins(Lt)?, ends(Gt, &a.end, &b.begin)?), finishes(Lt)?),
        "t_startedby" => both(begins(Eq)?, finishes(Gt)?),
        "t_starts" => both(begins(Eq)?, finishes(Lt)?),
        _ => return Err(Cql2Error::Function { name: name.to_owned() }),
    })
}

fn span(node: &Node, scope: &Scope) -> Result<Span> {
    if let Node::Interval(begin, end) = node {
        let at = |n: &Node, open: End| match n {
            Node::Open => Ok(open),
            n => instant(n, scope).map(End::At),
        };
        return Ok(Span { begin: at(begin, End::Past)?, end: at(end, End::Future)?, interval: true });
    }
    let at = End::At(instant(node, scope)?);
    Ok(Span { begin: at.clone(), end: at, interval: false })
}

fn instant(node: &Node, scope: &Scope) -> Result<Scalar> {
    match scalar(node, scope)? {
        found @ (Scalar::Instant(_) | Scalar::Day(..)) => Ok(found),
        _ => Err(mismatch(Reason::NotA(Box::new(node.kind()), Box::new(Reason::AnInstant)))),
    }
}

fn ends(op: CompareOp, a: &End, b: &End) -> Result<Filter> {
    let rank = |e: &End| match e {
        End::Past => -1,
        End::At(_) => 0,
        End::Future => 1,
    };
    match (a, b) {
        (End::At(a), End::At(b)) => compare(op, a.clone(), b.clone()),
        _ => Ok(constant(holds(op, &rank(a), &rank(b)))),
    }
}
