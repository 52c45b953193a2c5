//! Schemas of features: what is returned, what filters may name, what sorts (23-058r1; 19-079r2 §6; JSON Schema 2020-12).

use super::ask::{Ask, Page};
use super::resource::Plan;
use crate::catalogue::{Field, FieldKind, Layer};
use crate::error::{Error, NameKind, Result};
use crate::geo::GeometryKind;
use crate::query::Query;
use serde_json::{Map, Value, json};

/// Which properties a schema lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Returned,
    Filtered,
    Sorted,
}

/// `/collections/{collectionId}/schema`
///
/// # Errors
/// [`Error::Unknown`] when the collection does not exist for the client.
pub fn returnables(ask: &Ask) -> Result<Plan> {
    plan(ask, Purpose::Returned)
}

/// `/collections/{collectionId}/queryables`
///
/// # Errors
/// [`Error::Unknown`] when the collection does not exist for the client.
pub fn queryables(ask: &Ask) -> Result<Plan> {
    plan(ask, Purpose::Filtered)
}

/// `/collections/{collectionId}/sortables`
///
/// # Errors
/// [`Error::Unknown`] when the collection does not exist for the client.
pub fn sortables(ask: &Ask) -> Result<Plan> {
    plan(ask, Purpose::Sorted)
}

fn plan(ask: &Ask, purpose: Purpose) -> Result<Plan> {
    let id = ask.layer()?.id;
    Ok(ask.describe(Query::Describe(vec![id]), "schema.html", move |page, _, context| {
        let layer = context.site.catalogue.layer_by_id(id).ok_or_else(|| Error::unknown(NameKind::Collection, ""))?;
        Ok(document(page, layer, purpose))
    }))
}

fn document(page: &Page, layer: &Layer, purpose: Purpose) -> Value {
    let mut properties = Map::new();
    for (place, field) in layer.fields.iter().enumerate() {
        let mut schema = property(page, layer, field);
        schema["x-ogc-propertySeq"] = json!(place + 1);
        properties.insert(field.name.clone(), schema);
    }
    if purpose != Purpose::Sorted {
        let place = properties.len() + 1;
        let title = if page.french { "Géométrie" } else { "Geometry" };
        let mut schema =
            json!({ "title": title, "format": geometry_format(layer.geometry), "x-ogc-role": "primary-geometry" });
        schema["x-ogc-propertySeq"] = json!(place);
        properties.insert(layer.geometry_column.clone(), schema);
    }
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{}{}", page.root, page.path),
        "type": "object",
        "title": page.text(&layer.title),
        "description": page.text(&layer.summary),
        "properties": properties,
    });
    if purpose == Purpose::Returned {
        let required: Vec<&str> = layer.fields.iter().filter(|f| !f.nullable).map(|f| f.name.as_str()).collect();
        document["required"] = json!(required);
    }
    document["additionalProperties"] = json!(false);
    document
}

/// `format` of a spatial property (23-058r1 §7, `/req/schemas/property`).
pub fn geometry_format(kind: GeometryKind) -> &'static str {
    match kind {
        GeometryKind::Point => "geometry-point",
        GeometryKind::MultiPoint => "geometry-multipoint",
        GeometryKind::MultiLineString => "geometry-multilinestring",
        GeometryKind::MultiPolygon => "geometry-multipolygon",
    }
}

/// JSON schema of a field's values, without its texts.
pub fn value_schema(field: &Field) -> Value {
    match field.kind {
        FieldKind::Text => json!({ "type": "string" }),
        FieldKind::Int => json!({ "type": "integer", "format": "int32" }),
        FieldKind::Long => json!({ "type": "integer", "format": "int64" }),
        FieldKind::Double => json!({ "type": "number", "format": "double" }),
        FieldKind::DateTime => json!({ "type": "string", "format": "date-time" }),
    }
}

fn property(page: &Page, layer: &Layer, field: &Field) -> Value {
    let mut schema = json!({ "title": page.text(&field.title) });
    if let (Some(own), Value::Object(values)) = (schema.as_object_mut(), value_schema(field)) {
        own.extend(values);
    }
    if let Some(unit) = &field.unit {
        schema["x-ogc-unit"] = json!(unit);
    }
    if !field.codes.is_empty() {
        // The codes of a whole-number field are written as numbers, as they stand in the data.
        let codes: Vec<Value> = field
            .codes
            .iter()
            .map(|(code, _)| match (field.kind, code.parse::<i64>()) {
                (FieldKind::Int | FieldKind::Long, Ok(n)) => json!(n),
                _ => json!(code),
            })
            .collect();
        schema["enum"] = json!(codes);
        let meanings: Map<String, Value> =
            field.codes.iter().map(|(code, text)| (code.clone(), json!(page.text(text)))).collect();
        schema["x-seuil-codes"] = Value::Object(meanings);
    }
    if let Some(denominator) = &field.denominator {
        schema["x-seuil-denominator"] = json!(denominator);
    }
    if field.id == layer.key {
        schema["x-ogc-role"] = json!("id");
    } else if layer.date == Some(field.id) {
        schema["x-ogc-role"] = json!("primary-instant");
    }
    schema
}
