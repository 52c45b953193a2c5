//! The filters of rules: comparisons of fields with literals, and their combinations.
//!
//! Less than what requests may ask (`filter::fes`): a class of a legend is decided for each feature of each map, so a
//! rule may only say what dictionary codes decide.

use super::node::Node;
use super::{Resolver, StyleError};
use crate::catalogue::{Field, FieldKind};
use crate::filter::{CompareOp, Expr, Filter};
use crate::query::Value;

const OPERATORS: [&str; 11] = [
    "And",
    "Or",
    "Not",
    "PropertyIsEqualTo",
    "PropertyIsNotEqualTo",
    "PropertyIsLessThan",
    "PropertyIsLessThanOrEqualTo",
    "PropertyIsGreaterThan",
    "PropertyIsGreaterThanOrEqualTo",
    "PropertyIsBetween",
    "PropertyIsNull",
];

/// Reads an `ogc:Filter` or `fes:Filter`.
pub fn filter(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Filter, StyleError> {
    let children = node.children(&OPERATORS, &[])?;
    match children.as_slice() {
        [one] => predicate(one, resolver),
        _ => Err(node.wrong("a filter holds exactly one predicate")),
    }
}

fn predicate(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Filter, StyleError> {
    let compare = |op: CompareOp, resolver: &mut Resolver<'_>| {
        let sides = node.children(&["PropertyName", "ValueReference", "Literal"], &["matchCase"])?;
        let [left, right] = sides.as_slice() else { return Err(node.wrong("two operands are needed")) };
        let field = reference(left, resolver)?;
        Ok(Filter::Compare {
            op,
            left: Expr::Field(field.id),
            right: Expr::Literal(literal(right, &field)?),
            match_case: true,
        })
    };
    match node.name() {
        "And" | "Or" => {
            let parts = node.children(&OPERATORS, &[])?;
            let parts = parts.iter().map(|p| predicate(p, resolver)).collect::<Result<Vec<_>, _>>()?;
            if parts.len() < 2 {
                return Err(node.wrong("at least two operands are needed"));
            }
            Ok(if node.name() == "And" { Filter::And(parts) } else { Filter::Or(parts) })
        }
        "Not" => match node.children(&OPERATORS, &[])?.as_slice() {
            [one] => Ok(Filter::Not(Box::new(predicate(one, resolver)?))),
            _ => Err(node.wrong("one operand is needed")),
        },
        "PropertyIsEqualTo" => compare(CompareOp::Eq, resolver),
        "PropertyIsNotEqualTo" => compare(CompareOp::Ne, resolver),
        "PropertyIsLessThan" => compare(CompareOp::Lt, resolver),
        "PropertyIsLessThanOrEqualTo" => compare(CompareOp::Le, resolver),
        "PropertyIsGreaterThan" => compare(CompareOp::Gt, resolver),
        "PropertyIsGreaterThanOrEqualTo" => compare(CompareOp::Ge, resolver),
        "PropertyIsBetween" => {
            let parts = node.children(&["PropertyName", "ValueReference", "LowerBoundary", "UpperBoundary"], &[])?;
            let [tested, lower, upper] = parts.as_slice() else {
                return Err(node.wrong("a property, a lower and an upper boundary are needed"));
            };
            let field = reference(tested, resolver)?;
            let bound = |n: &Node<'_>| match n.children(&["Literal"], &[])?.as_slice() {
                [one] => Ok(Expr::Literal(literal(one, &field)?)),
                _ => Err(n.wrong("one literal is needed")),
            };
            Ok(Filter::Between { expr: Expr::Field(field.id), lower: bound(lower)?, upper: bound(upper)? })
        }
        "PropertyIsNull" => match node.children(&["PropertyName", "ValueReference"], &[])?.as_slice() {
            [one] => Ok(Filter::IsNull(Expr::Field(reference(one, resolver)?.id))),
            _ => Err(node.wrong("one property is needed")),
        },
        _ => Err(node.wrong("operator is not understood")),
    }
}

fn reference(node: &Node<'_>, resolver: &mut Resolver<'_>) -> Result<Field, StyleError> {
    if !matches!(node.name(), "PropertyName" | "ValueReference") {
        return Err(node.wrong("a property is needed here"));
    }
    resolver.field(node, node.leaf()?)
}

fn literal(node: &Node<'_>, field: &Field) -> Result<Value, StyleError> {
    if node.name() != "Literal" {
        return Err(node.wrong("a literal is needed here"));
    }
    let text = node.leaf()?;
    match field.kind {
        FieldKind::Text => Ok(Value::Text(text.to_owned())),
        FieldKind::DateTime => Err(node.wrong(format!("field {:?} is a date: not usable in a style", field.name))),
        // A limit such as 12.5 is good for whole numbers too.
        FieldKind::Int | FieldKind::Long | FieldKind::Double => match text.parse::<i64>() {
            Ok(n) => Ok(Value::Int(n)),
            Err(_) => Ok(Value::Double(node.number(f64::MIN, f64::MAX)?)),
        },
    }
}
