//! [`Node`] ▶ [`Filter`]: names become fields of the client's layer, types are checked.

use super::node::{Budget, Node};
use super::{Cql2Error, Result, Scope, geometry, temporal, unknown};
use crate::catalogue::FieldKind;
use crate::error::Reason;
use crate::filter::expr::{arithmetic, call, number};
use crate::filter::{CompareOp, Expr, Filter, SpatialOp};
use crate::geo::Geometry;
use crate::query::Value;

/// A scalar expression whose type is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    Text(Expr),
    /// Number.
    Number(Expr),
    /// Instant to the millisecond.
    Instant(Expr),
    /// A date: first and last millisecond.
    Day(i64, i64),
    /// Truth value; only literals are.
    Bool(bool),
}

impl Scalar {
    fn kind(&self) -> Reason {
        match self {
            Scalar::Text(_) => Reason::AText,
            Scalar::Number(_) => Reason::ANumber,
            Scalar::Instant(_) | Scalar::Day(..) => Reason::AnInstant,
            Scalar::Bool(_) => Reason::ATruthValue,
        }
    }
}

/// An error of types.
pub fn mismatch(what: Reason) -> Cql2Error {
    Cql2Error::Type { what }
}

/// True or false for every feature.
pub fn constant(truth: bool) -> Filter {
    if truth { Filter::All } else { Filter::Not(Box::new(Filter::All)) }
}

/// A truth-valued expression.
pub fn filter(node: &Node, scope: &Scope, budget: &mut Budget) -> Result<Filter> {
    let (name, arguments) = match node {
        Node::Bool(b) => return Ok(constant(*b)),
        Node::Call(name, arguments) => (name.as_str(), arguments.as_slice()),
        Node::Property(p) => {
            scalar(node, scope)?;
            return Err(mismatch(Reason::NoTruth(p.clone())));
        }
        other => return Err(mismatch(Reason::NoCondition(Box::new(other.kind())))),
    };
    match (name, arguments) {
        ("and" | "or", parts) if parts.len() >= 2 => {
            let parts = parts.iter().map(|p| filter(p, scope, budget)).collect::<Result<Vec<_>>>()?;
            Ok(if name == "and" { parts.into_iter().fold(Filter::All, Filter::and) } else { Filter::Or(parts) })
        }
        ("not", [inner]) => Ok(Filter::Not(Box::new(filter(inner, scope, budget)?))),
        ("=" | "<>" | "<" | "<=" | ">" | ">=", [left, right]) => {
            let (left, right) = fitted(scalar(left, scope)?, scalar(right, scope)?, scope);
            compare(operator(name), left, right)
        }
        ("like", [value, pattern]) => like(value, pattern, scope),
        ("between", [value, lower, upper]) => between(value, lower, upper, scope),
        ("in", [value, Node::List(list)]) => within(value, list, scope),
        ("isnull", [operand]) => is_null(operand, scope, budget),
        (name, [left, right]) if spatial_operator(name).is_some() => spatial_operator(name)
            .map_or_else(|| Err(Cql2Error::Function { name: name.into() }), |op| spatial(op, left, right, scope)),
        (name, [left, right]) if name.starts_with("t_") => temporal::relation(name, left, right, scope),
        ("and" | "or" | "not" | "=" | "<>" | "<" | "<=" | ">" | ">=" | "like" | "between" | "in" | "isnull", _) => {
            Err(mismatch(Reason::OperandCount(name.to_owned())))
        }
        ("+" | "-" | "*" | "/" | "%" | "^" | "div" | "casei" | "accenti", _) => {
            Err(mismatch(Reason::NoTruth(name.to_owned())))
        }
        _ => Err(Cql2Error::Function { name: name.to_owned() }),
    }
}

fn operator(name: &str) -> CompareOp {
    match name {
        "=" => CompareOp::Eq,
        "<>" => CompareOp::Ne,
        "<" => CompareOp::Lt,
        "<=" => CompareOp::Le,
        ">" => CompareOp::Gt,
        _ => CompareOp::Ge,
    }
}

/// A scalar expression.
pub fn scalar(node: &Node, scope: &Scope) -> Result<Scalar> {
    let literal = |v| Expr::Literal(v);
    Ok(match node {
        Node::Bool(b) => Scalar::Bool(*b),
        Node::Int(n) => Scalar::Number(literal(Value::Int(*n))),
        Node::Number(v) => Scalar::Number(literal(Value::Double(*v))),
        Node::Text { value, .. } => Scalar::Text(literal(Value::Text(value.clone()))),
        Node::Instant(first, last) if first == last => Scalar::Instant(literal(Value::DateTime(*first))),
        Node::Instant(first, last) => Scalar::Day(*first, *last),
        Node::Property(name) => property(name, scope)?,
        Node::Call(name, arguments) => return computed(name, arguments, scope),
        Node::Interval(..) | Node::Open | Node::Geometry(_) | Node::List(_) => {
            return Err(mismatch(Reason::NeverCompared(Box::new(node.kind()))));
        }
    })
}

fn property(name: &str, scope: &Scope) -> Result<Scalar> {
    if name == scope.layer.geometry_column {
        return Err(mismatch(Reason::UseSpatial(name.to_owned())));
    }
    let field = scope.layer.field(name).ok_or_else(|| Cql2Error::Property { name: crate::error::printable(name) })?;
    let expr = Expr::Field(field.id);
    Ok(match field.kind {
        FieldKind::Text => Scalar::Text(expr),
        FieldKind::Int | FieldKind::Long | FieldKind::Double => Scalar::Number(expr),
        FieldKind::DateTime => Scalar::Instant(expr),
    })
}

fn computed(name: &str, arguments: &[Node], scope: &Scope) -> Result<Scalar> {
    match (name, arguments) {
        ("+" | "-" | "*" | "/" | "%" | "^" | "div", [left, right]) => {
            let sign = if name == "div" { '÷' } else { name.chars().next().unwrap_or('+') };
            let (Scalar::Number(left), Scalar::Number(right)) = (scalar(left, scope)?, scalar(right, scope)?) else {
                return Err(mismatch(Reason::Takes(name.to_owned(), Box::new(Reason::ANumber))));
            };
            if let (Expr::Literal(a), Expr::Literal(b)) = (&left, &right) {
                let value = number(a).zip(number(b)).and_then(|(a, b)| arithmetic(a, sign, b));
                let value = value.ok_or_else(|| mismatch(Reason::NoResult))?;
                return Ok(Scalar::Number(Expr::Literal(Value::Double(value))));
            }
            Ok(Scalar::Number(Expr::Arithmetic(Box::new(left), sign, Box::new(right))))
        }
        ("casei" | "accenti", [argument]) => match scalar(argument, scope)? {
            Scalar::Text(Expr::Literal(v)) => {
                let folded = call(name, &[Some(v)])
                    .ok_or_else(|| mismatch(Reason::Takes(name.to_owned(), Box::new(Reason::AText))))?;
                Ok(Scalar::Text(Expr::Literal(folded)))
            }
            Scalar::Text(inner) => Ok(Scalar::Text(Expr::Function(name.to_owned(), vec![inner]))),
            _ => Err(mismatch(Reason::Takes(name.to_owned(), Box::new(Reason::AText)))),
        },
        ("casei" | "accenti" | "+" | "-" | "*" | "/" | "%" | "^" | "div", _) => {
            Err(mismatch(Reason::OperandCount(name.to_owned())))
        }
        _ => Err(Cql2Error::Function { name: name.to_owned() }),
    }
}

/// Comparison of two scalars of one type.
pub fn compare(op: CompareOp, left: Scalar, right: Scalar) -> Result<Filter> {
    let plain = |left, right| Filter::Compare { op, left, right, match_case: true };
    match (left, right) {
        (Scalar::Text(left), Scalar::Text(right)) => Ok(match (folded(&left), &right) {
            // Folded both ways is what columns and indexes are prepared for.
            (Some(inner), Expr::Literal(Value::Text(t))) if crate::filter::expr::fold(t) == *t => {
                Filter::Compare { op, left: inner.clone(), right, match_case: false }
            }
            _ => plain(left, right),
        }),
        (Scalar::Number(left), Scalar::Number(right)) => Ok(plain(left, right)),
        (left @ (Scalar::Instant(_) | Scalar::Day(..)), right @ (Scalar::Instant(_) | Scalar::Day(..))) => {
            Ok(compare_instants(op, left, right))
        }
        (Scalar::Bool(a), Scalar::Bool(b)) => match op {
            CompareOp::Eq => Ok(constant(a == b)),
            CompareOp::Ne => Ok(constant(a != b)),
            _ => Err(mismatch(Reason::NoOrder)),
        },
        (left, right) => Err(mismatch(Reason::Incomparable(Box::new(left.kind()), Box::new(right.kind())))),
    }
}

/// Types literals of numbers like the field that they are compared with, where the value allows it.
fn fitted(left: Scalar, right: Scalar, scope: &Scope) -> (Scalar, Scalar) {
    let fit = |literal: &Scalar, other: &Scalar| match (literal, other) {
        (Scalar::Number(Expr::Literal(v)), Scalar::Number(Expr::Field(f))) => {
            let kind = scope.layer.field_by_id(*f).map(|f| f.kind);
            let value = match (v, kind) {
                (Value::Int(n), Some(FieldKind::Double)) => Value::Double(*n as f64),
                // Beyond 2^53 not every whole number is a double: such a literal stays as it is.
                (Value::Double(d), Some(FieldKind::Int | FieldKind::Long)) if d.fract() == 0.0 && d.abs() < 9e15 => {
                    Value::Int(*d as i64)
                }
                (v, _) => v.clone(),
            };
            Scalar::Number(Expr::Literal(value))
        }
        (other, _) => other.clone(),
    };
    (fit(&left, &right), fit(&right, &left))
}

/// What stands inside `CASEI(ACCENTI(...))` or the reverse.
fn folded(e: &Expr) -> Option<&Expr> {
    let Expr::Function(outer, inside) = e else { return None };
    let [Expr::Function(inner, innermost)] = inside.as_slice() else { return None };
    (outer != inner).then(|| innermost.first()).flatten()
}

/// Comparison of instants. A date stands for its whole day: instants compared with it count to the day.
fn compare_instants(op: CompareOp, left: Scalar, right: Scalar) -> Filter {
    let bound = |op, left: &Expr, millis| Filter::Compare {
        op,
        left: left.clone(),
        right: Expr::Literal(Value::DateTime(millis)),
        match_case: true,
    };
    match (left, right) {
        (Scalar::Instant(e), Scalar::Day(first, last)) => match op {
            CompareOp::Eq => bound(CompareOp::Ge, &e, first).and(bound(CompareOp::Le, &e, last)),
            CompareOp::Ne => Filter::Or(vec![bound(CompareOp::Lt, &e, first), bound(CompareOp::Gt, &e, last)]),
            CompareOp::Lt => bound(CompareOp::Lt, &e, first),
            CompareOp::Le => bound(CompareOp::Le, &e, last),
            CompareOp::Gt => bound(CompareOp::Gt, &e, last),
            CompareOp::Ge => bound(CompareOp::Ge, &e, first),
        },
        (day @ Scalar::Day(..), instant @ Scalar::Instant(_)) => compare_instants(mirrored(op), instant, day),
        (Scalar::Instant(left), Scalar::Instant(right)) => Filter::Compare { op, left, right, match_case: true },
        (Scalar::Day(a, _), Scalar::Day(b, _)) => constant(holds(op, &a, &b)),
        _ => constant(false),
    }
}

/// The operator that says the same with its sides exchanged.
pub fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        same => same,
    }
}

/// Whether a comparison of two ordered values holds.
pub fn holds<T: Ord>(op: CompareOp, a: &T, b: &T) -> bool {
    match op {
        CompareOp::Eq => a == b,
        CompareOp::Ne => a != b,
        CompareOp::Lt => a < b,
        CompareOp::Le => a <= b,
        CompareOp::Gt => a > b,
        CompareOp::Ge => a >= b,
    }
}

fn like(value: &Node, pattern: &Node, scope: &Scope) -> Result<Filter> {
    let Scalar::Text(expr) = scalar(value, scope)? else {
        return Err(mismatch(Reason::Takes("LIKE".into(), Box::new(Reason::AText))));
    };
    let pattern = read_pattern(pattern)?;
    Ok(match folded(&expr) {
        Some(inner) if crate::filter::expr::fold(&pattern) == pattern => {
            Filter::Like { expr: inner.clone(), pattern, match_case: false }
        }
        _ => Filter::Like { expr, pattern, match_case: true },
    })
}

fn read_pattern(node: &Node) -> Result<String> {
    match node {
        Node::Text { pattern, .. } => {
            // An escape with nothing after it means itself.
            let escapes = pattern.chars().rev().take_while(|c| *c == '\\').count();
            Ok(if escapes % 2 == 1 { format!("{pattern}\\") } else { pattern.clone() })
        }
        Node::Call(name, arguments) if name == "casei" || name == "accenti" => match arguments.as_slice() {
            [inner] => match call(name, &[Some(Value::Text(read_pattern(inner)?))]) {
                Some(Value::Text(t)) => Ok(t),
                _ => Err(mismatch(Reason::Takes(name.to_owned(), Box::new(Reason::AText)))),
            },
            _ => Err(mismatch(Reason::OperandCount(name.to_owned()))),
        },
        other => Err(mismatch(Reason::NotA(Box::new(other.kind()), Box::new(Reason::AText)))),
    }
}

fn between(value: &Node, lower: &Node, upper: &Node, scope: &Scope) -> Result<Filter> {
    let (value, lower, upper) = (scalar(value, scope)?, scalar(lower, scope)?, scalar(upper, scope)?);
    match (value, lower, upper) {
        (value @ Scalar::Number(_), lower @ Scalar::Number(_), upper @ Scalar::Number(_)) => {
            let (lower, upper) = (fitted(lower, value.clone(), scope).0, fitted(upper, value.clone(), scope).0);
            match (value, lower, upper) {
                (Scalar::Number(expr), Scalar::Number(lower), Scalar::Number(upper)) => {
                    Ok(Filter::Between { expr, lower, upper })
                }
                _ => Err(mismatch(Reason::Takes("BETWEEN".into(), Box::new(Reason::ANumber)))),
            }
        }
        // More than the standard asks: instants have an order too.
        (value @ (Scalar::Instant(_) | Scalar::Day(..)), lower, upper) => {
            Ok(compare(CompareOp::Ge, value.clone(), lower)?.and(compare(CompareOp::Le, value, upper)?))
        }
        _ => Err(mismatch(Reason::Takes("BETWEEN".into(), Box::new(Reason::ANumber)))),
    }
}

fn within(value: &Node, list: &[Node], scope: &Scope) -> Result<Filter> {
    let value = scalar(value, scope)?;
    let items = list
        .iter()
        .map(|n| scalar(n, scope).map(|item| fitted(item, value.clone(), scope).0))
        .collect::<Result<Vec<_>>>()?;
    let literals: Option<Vec<Value>> = items
        .iter()
        .map(|item| match (&value, item) {
            (Scalar::Text(_), Scalar::Text(Expr::Literal(v)))
            | (Scalar::Number(_), Scalar::Number(Expr::Literal(v)))
            | (Scalar::Instant(_), Scalar::Instant(Expr::Literal(v))) => Some(v.clone()),
            _ => None,
        })
        .collect();
    if let (Some(list), Scalar::Text(expr) | Scalar::Number(expr) | Scalar::Instant(expr)) = (literals, &value) {
        return Ok(Filter::In { expr: expr.clone(), list, match_case: true });
    }
    let parts = items.into_iter().map(|item| compare(CompareOp::Eq, value.clone(), item));
    Ok(Filter::Or(parts.collect::<Result<Vec<_>>>()?))
}

fn is_null(operand: &Node, scope: &Scope, budget: &mut Budget) -> Result<Filter> {
    match operand {
        // Every feature has a geometry.
        Node::Property(name) if *name == scope.layer.geometry_column => Ok(constant(false)),
        Node::Geometry(_) | Node::Interval(..) => Ok(constant(false)),
        Node::Call(name, _) if !is_scalar(name) => {
            let inner = filter(operand, scope, budget)?;
            unknown::is_unknown(&inner, budget)
        }
        _ => Ok(match scalar(operand, scope)? {
            Scalar::Text(Expr::Literal(_)) | Scalar::Number(Expr::Literal(_)) | Scalar::Instant(Expr::Literal(_)) => {
                constant(false)
            }
            Scalar::Text(e) | Scalar::Number(e) | Scalar::Instant(e) => Filter::IsNull(e),
            Scalar::Day(..) | Scalar::Bool(_) => constant(false),
        }),
    }
}

fn is_scalar(name: &str) -> bool {
    matches!(name, "+" | "-" | "*" | "/" | "%" | "^" | "div" | "casei" | "accenti")
}

fn spatial_operator(name: &str) -> Option<SpatialOp> {
    Some(match name {
        "s_intersects" => SpatialOp::Intersects,
        "s_equals" => SpatialOp::Equals,
        "s_disjoint" => SpatialOp::Disjoint,
        "s_touches" => SpatialOp::Touches,
        "s_within" => SpatialOp::Within,
        "s_overlaps" => SpatialOp::Overlaps,
        "s_crosses" => SpatialOp::Crosses,
        "s_contains" => SpatialOp::Contains,
        _ => return None,
    })
}

fn spatial(op: SpatialOp, left: &Node, right: &Node, scope: &Scope) -> Result<Filter> {
    match (place(left, scope)?, place(right, scope)?) {
        (None, Some(geometry)) => Ok(against(op, geometry, scope)),
        // With the literal first, the relation is the converse one.
        (Some(geometry), None) => {
            let converse = match op {
                SpatialOp::Within => SpatialOp::Contains,
                SpatialOp::Contains => SpatialOp::Within,
                same => same,
            };
            Ok(against(converse, geometry, scope))
        }
        // A geometry with itself: equal to, inside and touching in a point; it neither crosses nor overlaps itself.
        (None, None) => {
            let always = [SpatialOp::Equals, SpatialOp::Intersects, SpatialOp::Within, SpatialOp::Contains];
            Ok(constant(always.contains(&op)))
        }
        (Some(_), Some(_)) => Err(mismatch(Reason::OneSide)),
    }
}

/// `None` is the geometry of the features.
fn place(node: &Node, scope: &Scope) -> Result<Option<Geometry>> {
    match node {
        Node::Geometry(g) => geometry::placed(g, scope.crs).map(Some),
        Node::Property(name) if *name == scope.layer.geometry_column => Ok(None),
        Node::Property(name) => match scope.layer.field(name) {
            Some(_) => Err(mismatch(Reason::NoGeometry(name.clone()))),
            None => Err(Cql2Error::Property { name: crate::error::printable(name) }),
        },
        Node::Call(name, _) if !is_scalar(name) => Err(Cql2Error::Function { name: name.clone() }),
        other => Err(mismatch(Reason::NotA(Box::new(other.kind()), Box::new(Reason::AGeometry)))),
    }
}

fn against(op: SpatialOp, geometry: Geometry, scope: &Scope) -> Filter {
    let crs = scope.crs;
    match (op, geometry) {
        (SpatialOp::Intersects, Geometry::Envelope(envelope)) => Filter::BBox { envelope, crs },
        (op, geometry) => Filter::Spatial { op, geometry, crs },
    }
}
