//! Which rules take a row: the filters of styles over the columns of a table, in SQL's three-valued logic.

use crate::filter::{CompareOp, Expr, Filter};
use crate::query::Value;
use crate::store::LayerData;
use crate::style::{Condition, Pass, Rule};
use std::cmp::Ordering;

/// Rules of a pass that take a row at a scale, by place.
pub fn rules<'a>(
    pass: &'a Pass,
    scale: f64,
    data: &'a LayerData,
    row: u32,
) -> impl Iterator<Item = (usize, &'a Rule)> + 'a {
    let taken = |rule: &Rule| matches!(&rule.condition, Condition::Filter(f) if holds(f, data, row) == Some(true));
    let active = move || pass.rules.iter().enumerate().filter(move |(_, r)| r.applies_at(scale));
    // Filters are decided once: `Else` needs the answer of all of them.
    let decided: Vec<(usize, bool)> = active().map(|(i, r)| (i, taken(r))).collect();
    let any = decided.iter().any(|(_, t)| *t);
    active().zip(decided).filter_map(move |((i, rule), (_, taken))| {
        let takes = match rule.condition {
            Condition::Always => true,
            Condition::Filter(_) => taken,
            Condition::Else => !any,
        };
        takes.then_some((i, rule))
    })
}

/// Truth of a filter for a row; `None` is unknown.
pub fn holds(filter: &Filter, data: &LayerData, row: u32) -> Option<bool> {
    match filter {
        Filter::All => Some(true),
        Filter::And(parts) => {
            let mut all = Some(true);
            for p in parts {
                match holds(p, data, row) {
                    Some(false) => return Some(false),
                    None => all = None,
                    Some(true) => {}
                }
            }
            all
        }
        Filter::Or(parts) => {
            let mut any = Some(false);
            for p in parts {
                match holds(p, data, row) {
                    Some(true) => return Some(true),
                    None => any = None,
                    Some(false) => {}
                }
            }
            any
        }
        Filter::Not(inner) => holds(inner, data, row).map(|t| !t),
        Filter::Compare { op, left, right, .. } => {
            let order = compare(value(left, data, row)?, value(right, data, row)?)?;
            Some(match op {
                CompareOp::Eq => order.is_eq(),
                CompareOp::Ne => order.is_ne(),
                CompareOp::Lt => order.is_lt(),
                CompareOp::Le => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                CompareOp::Ge => order.is_ge(),
            })
        }
        Filter::Between { expr, lower, upper } => {
            let v = value(expr, data, row)?;
            let above = compare(v, value(lower, data, row)?)?.is_ge();
            Some(above && compare(v, value(upper, data, row)?)?.is_le())
        }
        Filter::IsNull(expr) => Some(value(expr, data, row).is_none()),
        // `style::condition` reads nothing else.
        _ => None,
    }
}

fn value<'a>(expr: &'a Expr, data: &'a LayerData, row: u32) -> Option<&'a Value> {
    match expr {
        Expr::Field(f) => data.column(*f).value(row),
        Expr::Literal(v) => Some(v),
        _ => None,
    }
}

/// A number of a row, when the field holds one.
pub fn number(value: Option<&Value>) -> Option<f64> {
    match value {
        Some(Value::Int(n)) => Some(*n as f64),
        Some(Value::Double(d)) => Some(*d),
        _ => None,
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => number(Some(a))?.partial_cmp(&number(Some(b))?),
    }
}
