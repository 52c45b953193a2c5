//! CQL2 JSON ▶ [`Node`] (21-065r2 §8.3).

use super::geometry;
use super::node::{Budget, Node};
use super::{Cql2Error, Result};
use crate::error::Reason;
use crate::filter::instant::read_instant;
use serde_json::Value;

/// Reads a whole expression.
pub fn read(text: &str, budget: &mut Budget) -> Result<Node> {
    // serde_json refuses nesting over 128 by itself; the budget refuses earlier.
    let value: Value = serde_json::from_str(text).map_err(|e| wrong(Reason::Json(e.to_string())))?;
    node(&value, budget)
}

fn wrong(what: Reason) -> Cql2Error {
    Cql2Error::Json { what }
}

fn node(value: &Value, budget: &mut Budget) -> Result<Node> {
    budget.node()?;
    match value {
        Value::Bool(b) => Ok(Node::Bool(*b)),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Ok(Node::Int(n)),
            (None, Some(v)) if v.is_finite() => Ok(Node::Number(v)),
            _ => Err(wrong(Reason::LargeNumber)),
        },
        Value::String(s) => Ok(Node::text(s)),
        Value::Array(items) => nodes(items, budget).map(Node::List),
        Value::Null => Err(wrong(Reason::NoNull)),
        Value::Object(_) => object(value, budget),
    }
}

fn nodes(items: &[Value], budget: &mut Budget) -> Result<Vec<Node>> {
    budget.enter()?;
    let nodes = items.iter().map(|v| node(v, budget)).collect();
    budget.leave();
    nodes
}

fn object(value: &Value, budget: &mut Budget) -> Result<Node> {
    if let Some(op) = value.get("op") {
        let op = op.as_str().ok_or_else(|| wrong(Reason::JsonText("op".into())))?;
        let args =
            value.get("args").and_then(Value::as_array).ok_or_else(|| wrong(Reason::JsonArguments(op.to_owned())))?;
        return Ok(Node::Call(op.to_ascii_lowercase(), nodes(args, budget)?));
    }
    if let Some(name) = value.get("property") {
        return name
            .as_str()
            .map(|n| Node::Property(n.to_owned()))
            .ok_or_else(|| wrong(Reason::JsonText("property".into())));
    }
    for (key, date) in [("date", true), ("timestamp", false)] {
        if let Some(text) = value.get(key) {
            let text = text.as_str().ok_or_else(|| wrong(Reason::JsonText(key.to_owned())))?;
            return instant(text, Some(date));
        }
    }
    if let Some(ends) = value.get("interval") {
        let [begin, end] = ends.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(wrong(Reason::TwoEnds));
        };
        return Ok(Node::Interval(Box::new(self::end(begin, budget)?), Box::new(self::end(end, budget)?)));
    }
    match geometry::json(value, budget)? {
        Some(geometry) => Ok(Node::Geometry(geometry)),
        None => Err(wrong(Reason::JsonObject)),
    }
}

fn end(value: &Value, budget: &mut Budget) -> Result<Node> {
    match value.as_str() {
        Some("..") => Ok(Node::Open),
        Some(text) => instant(text, None),
        None => node(value, budget),
    }
}

fn instant(text: &str, date: Option<bool>) -> Result<Node> {
    match read_instant(text) {
        Ok((first, last)) if date.is_none_or(|d| d == (text.len() == 10)) => Ok(Node::Instant(first, last)),
        _ => Err(wrong(Reason::Instant)),
    }
}
