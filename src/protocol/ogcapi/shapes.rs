//! JSON schemas of the documents, for the API definition (OpenAPI 3.0 dialect).

use crate::protocol::Site;
use serde_json::{Value, json};

/// Name of the schema of a resource's JSON.
pub fn of(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "getLandingPage" => "landingPage",
        "getConformance" => "confClasses",
        "getCollections" => "collections",
        "getCollection" => "collection",
        "getFeatures" => "featureCollectionGeoJSON",
        "getFeature" => "featureGeoJSON",
        "getTileMatrixSets" => "tileMatrixSets",
        "tiles.dataset.vector.getTileSetsList" | "tiles.collection.vector.getTileSetsList" => "tilesets",
        "getStyles" => "styles",
        _ => return None,
    })
}

/// All schemas.
pub fn schemas(_: &Site) -> Value {
    let links = json!({ "type": "array", "items": { "$ref": "#/components/schemas/link" } });
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "link": {
            "type": "object",
            "required": ["href", "rel"],
            "properties": {
                "href": text, "rel": text, "type": text, "hreflang": text, "title": text,
                "templated": { "type": "boolean" },
            },
        },
        "exception": {
            "type": "object",
            "properties": {
                "type": text, "title": text, "status": { "type": "integer" }, "detail": text, "instance": text,
            },
        },
        "landingPage": {
            "type": "object",
            "required": ["links"],
            "properties": { "title": text, "description": text, "attribution": text, "links": links },
        },
        "confClasses": {
            "type": "object",
            "required": ["conformsTo"],
            "properties": { "conformsTo": texts },
        },
        "extent": {
            "type": "object",
            "properties": {
                "spatial": {
                    "type": "object",
                    "properties": {
                        "bbox": {
                            "type": "array", "minItems": 1,
                            "items": { "type": "array", "minItems": 4, "maxItems": 6, "items": { "type": "number" } },
                        },
                        "crs": text,
                    },
                },
                "temporal": {
                    "type": "object",
                    "properties": {
                        "interval": {
                            "type": "array", "minItems": 1,
                            "items": {
                                "type": "array", "minItems": 2, "maxItems": 2,
                                "items": { "type": "string", "format": "date-time", "nullable": true },
                            },
                        },
                        "trs": text,
                    },
                },
            },
        },
        "collection": {
            "type": "object",
            "required": ["id", "links"],
            "properties": {
                "id": text, "title": text, "description": text, "attribution": text, "keywords": texts,
                "links": links,
                "extent": { "$ref": "#/components/schemas/extent" },
                "itemType": text, "itemCount": { "type": "integer" },
                "vintages": { "type": "array", "items": { "type": "integer" } },
                "crs": texts, "storageCrs": text,
            },
        },
        "collections": {
            "type": "object",
            "required": ["links", "collections"],
            "properties": {
                "links": links, "crs": texts,
                "collections": { "type": "array", "items": { "$ref": "#/components/schemas/collection" } },
            },
        },
        "geometryGeoJSON": {
            "type": "object",
            "nullable": true,
            "required": ["type", "coordinates"],
            "properties": {
                "type": {
                    "type": "string",
                    "enum": ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"],
                },
                "coordinates": { "type": "array", "items": {} },
            },
        },
        "featureGeoJSON": {
            "type": "object",
            "required": ["type", "geometry", "properties"],
            "properties": {
                "type": { "type": "string", "enum": ["Feature"] },
                "id": text,
                "geometry": { "$ref": "#/components/schemas/geometryGeoJSON" },
                "properties": { "type": "object", "nullable": true },
                "links": links,
            },
        },
        "featureCollectionGeoJSON": {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": { "type": "string", "enum": ["FeatureCollection"] },
                "features": { "type": "array", "items": { "$ref": "#/components/schemas/featureGeoJSON" } },
                "links": links,
                "timeStamp": { "type": "string", "format": "date-time" },
                "numberMatched": { "type": "integer", "minimum": 0 },
                "numberReturned": { "type": "integer", "minimum": 0 },
            },
        },
        "tileMatrixSets": {
            "type": "object",
            "properties": {
                "tileMatrixSets": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["links"],
                        "properties": { "id": text, "title": text, "uri": text, "links": links },
                    },
                },
            },
        },
        "tilesets": {
            "type": "object",
            "properties": {
                "links": links,
                "tilesets": { "type": "array", "items": { "type": "object", "required": ["links"], "properties": { "links": links } } },
            },
        },
        "styles": {
            "type": "object",
            "properties": {
                "styles": { "type": "array", "items": { "type": "object", "properties": { "id": text, "links": links } } },
            },
        },
    })
}
