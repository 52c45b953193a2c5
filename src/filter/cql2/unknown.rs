//! `(condition) IS NULL`: when a condition is neither true nor false (21-065r2 §6, three-valued logic).
//!
//! The filter tree has no such operator, and needs none: it can be said with the others.

use super::Result;
use super::lower::constant;
use super::node::Budget;
use crate::filter::{Expr, Filter};

/// True where the condition is unknown, false elsewhere; never unknown itself.
pub fn is_unknown(condition: &Filter, budget: &mut Budget) -> Result<Filter> {
    // The result can be much larger than the condition: what is copied counts like what is read.
    budget.some(size(condition))?;
    let not = |f| Filter::Not(Box::new(f));
    Ok(match condition {
        Filter::Compare { left, right, .. } => any_null(&[left, right]),
        Filter::Like { expr, .. } | Filter::In { expr, .. } => any_null(&[expr]),
        Filter::Between { expr, lower, upper } => any_null(&[expr, lower, upper]),
        Filter::Temporal { field, .. } => Filter::IsNull(Expr::Field(*field)),
        Filter::Not(inner) => is_unknown(inner, budget)?,
        Filter::And(parts) | Filter::Or(parts) => {
            let decisive = matches!(condition, Filter::Or(_));
            let mut open = Vec::new();
            let mut decided = Vec::new();
            for part in parts {
                let unknown = is_unknown(part, budget)?;
                budget.some(size(&unknown))?;
                // A part decides an OR when it is true, an AND when it is false.
                let part = if decisive { part.clone() } else { not(part.clone()) };
                decided.push(not(unknown.clone()).and(part));
                open.push(unknown);
            }
            Filter::Or(open).and(not(Filter::Or(decided)))
        }
        // Identifiers and geometry are never NULL, and a null test is never unknown.
        _ => constant(false),
    })
}

fn any_null(operands: &[&Expr]) -> Filter {
    let nulls: Vec<Filter> = operands
        .iter()
        .filter(|e| !matches!(e, Expr::Literal(_) | Expr::Id))
        .map(|e| Filter::IsNull((*e).clone()))
        .collect();
    if nulls.is_empty() { constant(false) } else { Filter::Or(nulls) }
}

/// Conditions in a filter.
fn size(f: &Filter) -> usize {
    match f {
        Filter::And(parts) | Filter::Or(parts) => 1 + parts.iter().map(size).sum::<usize>(),
        Filter::Not(inner) => 1 + size(inner),
        _ => 1,
    }
}
