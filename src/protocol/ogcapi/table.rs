//! Features as tables for people: what the HTML pages show.

use super::ask::Page;
use super::links::{Link, links_json};
use crate::catalogue::{Field, Layer};
use crate::query::Value as Cell;
use crate::store::Rows;
use serde_json::{Value, json};

/// Features of a page of the table: more would be no help for people and much work for browsers.
pub const ROWS: usize = 200;

/// Columns of a listing: head, then fields of the data.
const COLUMNS: usize = 14;

/// A page of features as a table.
pub fn listing(page: &Page, layer: &Layer, rows: &Rows, links: &[Link], limit: u64, offset: u64) -> Value {
    let fields: Vec<&Field> = rows.fields.iter().filter_map(|f| layer.field_by_id(*f)).collect();
    // The object number says nothing to people.
    let shown: Vec<&Field> = fields.iter().copied().filter(|f| Some(f.id) != layer.object_id).take(COLUMNS).collect();
    let data = rows.data();
    let lines: Vec<Value> = rows
        .rows
        .iter()
        .take(ROWS)
        .map(|row| {
            let mut id = String::new();
            data.feature_id(*row, &mut id);
            let withheld = secret(layer, rows, *row);
            let cells: Vec<Value> = shown
                .iter()
                .map(|f| {
                    let value = data.column(f.id).value(*row);
                    json!({ "value": cell(page, f, value), "secret": withheld && value.is_none() && withholds(layer, f) })
                })
                .collect();
            json!({ "id": id, "secret": withheld, "cells": cells })
        })
        .collect();
    json!({
        "collection": layer.name,
        "title": page.text(&layer.title),
        "matched": rows.matched,
        "returned": lines.len(),
        "first": offset + 1,
        "limit": limit,
        "columns": shown.iter().map(|f| json!({ "name": f.name, "title": page.text(&f.title), "unit": f.unit })).collect::<Vec<_>>(),
        "hidden": fields.len() - shown.len(),
        "rows": lines,
        "links": links_json(links),
        "data": page.with(&[("f", Some("json")), ("lang", None)]),
    })
}

/// One feature as a table of properties.
pub fn feature(page: &Page, layer: &Layer, rows: &Rows, links: &[Link]) -> Value {
    let data = rows.data();
    let Some(row) = rows.rows.first() else { return Value::Null };
    let mut id = String::new();
    data.feature_id(*row, &mut id);
    let withheld = secret(layer, rows, *row);
    let properties: Vec<Value> = rows
        .fields
        .iter()
        .filter_map(|f| layer.field_by_id(*f))
        .map(|f| {
            let value = data.column(f.id).value(*row);
            json!({
                "name": f.name,
                "title": page.text(&f.title),
                "unit": f.unit,
                "value": cell(page, f, value),
                // A withheld value is told from one that is missing.
                "secret": withheld && value.is_none() && withholds(layer, f),
            })
        })
        .collect();
    json!({
        "collection": layer.name,
        "title": page.text(&layer.title),
        "id": id,
        "secret": withheld,
        "properties": properties,
        "links": links_json(links),
        "data": page.with(&[("f", Some("json")), ("lang", None)]),
    })
}

fn secret(layer: &Layer, rows: &Rows, row: u32) -> bool {
    let status = layer.status.and_then(|s| rows.data().column(s).value(row));
    matches!(status, Some(Cell::Text(t)) if t == "secret")
}

/// Whether a withheld row holds nothing in this field because it is withheld. Zone codes and dates, which stand before the
/// status, are kept; where one is NULL it has none.
fn withholds(layer: &Layer, field: &Field) -> bool {
    layer.status.is_some_and(|status| field.id > status)
}

/// A value as people read it: codes by their meaning, instants as dates.
fn cell(page: &Page, field: &Field, value: Option<&Cell>) -> Value {
    let text = match value {
        None => return Value::Null,
        Some(Cell::Text(t)) => t.clone(),
        Some(Cell::Int(n)) => n.to_string(),
        Some(Cell::Double(v)) => {
            let mut out = v.to_string();
            if page.french {
                out = out.replace('.', ",");
            }
            out
        }
        Some(Cell::DateTime(ms)) => {
            let text = crate::filter::instant::write_instant(*ms);
            text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
        }
    };
    match field.codes.iter().find(|(code, _)| *code == text) {
        Some((_, meaning)) => json!(page.text(meaning)),
        None => json!(text),
    }
}
