//! Schemas of features: what is returned, what filters may name, what sorts (23-058r1; 19-079r2 §6; JSON Schema 2020-12).

use super::ask::{Ask, Page};
use super::resource::Plan;
use crate::catalogue::{Field, FieldKind, Layer, Vintages};
use crate::error::{Error, NameKind, Result};
use crate::filter::expr::strip_accents;
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

/// A unit in UCUM, which 23-058r1 `/req/schemas/unit` takes for granted. What is counted stands in braces: for UCUM it
/// is the number one with a remark, in ASCII.
fn ucum(unit: &str) -> String {
    unit.split('/')
        .map(|part| match part {
            "%" | "m" | "m2" | "km" => part.to_owned(),
            "mois" => "mo".to_owned(),
            "ans" | "années" => "a".to_owned(),
            other => format!("{{{}}}", strip_accents(other)),
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn property(page: &Page, layer: &Layer, field: &Field) -> Value {
    let mut schema = json!({ "title": page.text(&field.title) });
    if let (Some(own), Value::Object(values)) = (schema.as_object_mut(), value_schema(field)) {
        own.extend(values);
    }
    if let Some(unit) = &field.unit {
        schema["x-ogc-unit"] = json!(ucum(unit));
        schema["x-seuil-unit"] = json!(unit);
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
    // With several vintages the identifier of a feature is `id.millesime`, which is no property.
    if field.id == layer.key && layer.vintages == Vintages::Newest {
        schema["x-ogc-role"] = json!("id");
    } else if layer.date == Some(field.id) {
        schema["x-ogc-role"] = json!("primary-instant");
    }
    schema
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing::json;

    #[test]
    fn schemas_tell_roles_units_and_codes() {
        let doc = json("/collections/parc_iris/schema");
        let p = &doc["properties"];
        assert_eq!(doc["$id"], "https://portail.example/collections/parc_iris/schema");
        assert_eq!((&p["id"]["x-ogc-role"], &p["geom"]["x-ogc-role"]), (&"id".into(), &"primary-geometry".into()));
        assert_eq!(
            (&p["geom"]["format"], &p["geom"]["type"]),
            (&"geometry-multipolygon".into(), &serde_json::Value::Null)
        );
        assert_eq!(p["date_reference"]["x-ogc-role"], "primary-instant");
        assert_eq!(
            (&p["nb_logements"]["x-ogc-unit"], &p["tx_vacance"]["x-ogc-unit"]),
            (&"{logements}".into(), &"%".into())
        );
        assert!(p["statut"]["enum"].as_array().is_some_and(|codes| codes.iter().any(|c| c == "secret")));
        assert!(doc["required"].as_array().is_some_and(|r| r.iter().any(|n| n == "statut")));
        let evolution = json("/collections/parc_iris_evolution/schema");
        assert!(evolution["properties"]["id"]["x-ogc-role"].is_null());
    }

    #[test]
    fn sortables_have_no_geometry() {
        assert!(json("/collections/parc_iris/queryables")["properties"]["geom"].is_object());
        let sortables = json("/collections/parc_iris/sortables");
        assert!(sortables["properties"]["geom"].is_null() && sortables["additionalProperties"] == false);
    }
}
