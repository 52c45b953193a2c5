//! The API definition (OpenAPI 3.0.3), made of the table of resources and of the parameters' own definitions.
//!
//! It names no host but this one: validators resolve references, and a closed network must not have to.

use super::ask::{Ask, Page};
use super::links::links_json;
use super::negotiate::{Format, Offer};
use super::params::{Parameter, Place};
use super::resource::{Plan, RESOURCES, Resource};
use super::shapes;
use crate::error::Result;
use crate::protocol::Site;
use crate::query::Query;
use serde_json::{Map, Value, json};

/// `/api`
///
/// # Errors
/// None of its own.
pub fn api(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Describe(Vec::new()), "api.html", |page, _, context| {
        let mut document = document(page, &context.site);
        if page.offer.format == Format::Html {
            // The page shows the links; OpenAPI documents have no such member.
            document["links"] = links_json(&page.own_links());
        }
        Ok(document)
    }))
}

fn document(page: &Page, site: &Site) -> Value {
    let service = &site.catalogue.service;
    let provider = &service.provider;
    let say = |text: [&'static str; 2]| page.say(&text);
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": page.text(&service.title),
            "description": page.text(&service.summary),
            "version": env!("CARGO_PKG_VERSION"),
            "contact": { "name": provider.contact, "email": provider.email },
        },
        "servers": [{ "url": page.root }],
        "tags": [
            { "name": "Capabilities", "description": say(["Ce qui existe", "What exists"]) },
            { "name": "Data", "description": say(["Entités", "Features"]) },
            { "name": "Schemas", "description": say(["Schémas des entités", "Schemas of the features"]) },
            { "name": "Tiles", "description": say(["Tuiles vectorielles", "Vector tiles"]) },
            { "name": "Styles", "description": say(["Styles", "Styles"]) },
            { "name": "Access", "description": say(["Convention et accès", "Convention and access"]) },
        ],
        "paths": paths(page, site),
        "components": {
            "parameters": parameters(page, site),
            "responses": responses(page),
            "schemas": shapes::schemas(site),
        },
    })
}

/// `f` differs from resource to resource, so it is written out in each.
fn shared(parameter: &&&'static dyn Parameter) -> bool {
    parameter.name() != "f"
}

fn parameters(page: &Page, site: &Site) -> Value {
    let mut all = Map::new();
    for parameter in RESOURCES.iter().filter(|r| r.granted(site)).flat_map(|r| r.params).filter(shared) {
        if !all.contains_key(parameter.name()) {
            all.insert(parameter.name().to_owned(), parameter.openapi(site, page.french));
        }
    }
    Value::Object(all)
}

fn paths(page: &Page, site: &Site) -> Value {
    let mut paths = Map::new();
    for resource in RESOURCES.iter().filter(|r| r.granted(site)) {
        paths.insert(resource.path.to_owned(), json!({ "get": operation(page, site, resource) }));
    }
    Value::Object(paths)
}

fn operation(page: &Page, site: &Site, resource: &Resource) -> Value {
    let mut parameters: Vec<Value> = resource
        .params
        .iter()
        .filter(shared)
        .map(|p| json!({ "$ref": format!("#/components/parameters/{}", p.name()) }))
        .collect();
    if resource.params.iter().any(|p| p.name() == "f") {
        let mut f = super::params::F.openapi(site, page.french);
        let names: Vec<&str> = resource.offers.iter().map(|o| o.f).collect();
        f["schema"]["enum"] = json!(names);
        parameters.push(f);
    }
    if resource.filters {
        let text = [
            "Égalité avec un attribut simple de « queryables » : nom=valeur.",
            "Equality with a simple queryable: name=value.",
        ];
        parameters.push(json!({
            "name": "queryables",
            "in": "query",
            "description": page.say(&text),
            "required": false,
            "style": "form",
            "explode": true,
            "schema": { "type": "object", "additionalProperties": { "type": "string" } },
        }));
    }
    let mut responses = Map::new();
    let content: Map<String, Value> = resource.offers.iter().map(|o| media(resource, o)).collect();
    responses.insert("200".to_owned(), json!({ "description": page.say(&resource.title), "content": content }));
    if resource.params.iter().any(|p| p.name() == "tileCol") {
        let empty = ["La tuile est vide.", "The tile is empty."];
        responses.insert("204".to_owned(), json!({ "description": page.say(&empty) }));
    }
    let mut failures = vec!["400", "403", "406", "429", "500", "503"];
    if resource.params.iter().any(|p| p.place() == Place::Path) {
        failures.push("404");
    }
    failures.sort_unstable();
    for code in failures {
        responses.insert(code.to_owned(), json!({ "$ref": format!("#/components/responses/{code}") }));
    }
    json!({
        "tags": [resource.tag],
        "summary": page.say(&resource.title),
        "operationId": resource.id,
        "parameters": parameters,
        "responses": responses,
    })
}

fn media(resource: &Resource, offer: &Offer) -> (String, Value) {
    let name = offer.bare().to_owned();
    let schema = match offer.format {
        Format::Html | Format::Csv | Format::Sld | Format::Raw => json!({ "type": "string" }),
        Format::Shapefile | Format::Xlsx => json!({ "type": "string", "format": "binary" }),
        Format::Mvt => json!({ "type": "string", "format": "binary" }),
        Format::TileJson | Format::MapLibre => json!({ "type": "object" }),
        Format::Json => match shapes::of(resource.id) {
            Some(shape) => json!({ "$ref": format!("#/components/schemas/{shape}") }),
            None => json!({ "type": "object" }),
        },
    };
    (name, json!({ "schema": schema }))
}

fn responses(page: &Page) -> Value {
    let mut all = Map::new();
    for (code, text) in [
        ("400", ["Paramètre inconnu ou valeur incorrecte.", "Unknown parameter or wrong value."]),
        ("403", ["La convention ne le permet pas.", "Not allowed by the convention."]),
        (
            "404",
            ["Inconnu, ou hors de la convention : voir /whoami.", "Unknown, or not in the convention: see /whoami."],
        ),
        ("406", ["Aucun format accepté ne peut être produit.", "No accepted format can be made."]),
        (
            "429",
            ["Quota de la convention épuisé ; voir Retry-After.", "Quota of the convention used up; see Retry-After."],
        ),
        ("500", ["Erreur interne.", "Internal error."]),
        ("503", ["Momentanément indisponible ; voir Retry-After.", "Unavailable for the moment; see Retry-After."]),
    ] {
        let schema = json!({ "$ref": "#/components/schemas/exception" });
        let content = json!({ "application/problem+json": { "schema": schema } });
        all.insert(code.to_owned(), json!({ "description": page.say(&text), "content": content }));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing;
    use serde_json::Value;

    fn strings<'a>(v: &'a Value, out: &mut Vec<&'a str>) {
        match v {
            Value::String(s) => out.push(s),
            Value::Array(a) => a.iter().for_each(|v| strings(v, out)),
            Value::Object(o) => o.values().for_each(|v| strings(v, out)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_resolves_and_none_leaves_the_host() {
        let doc = testing::json("/api");
        assert_eq!(doc["openapi"], "3.0.3");
        let mut all = Vec::new();
        strings(&doc, &mut all);
        for reference in all.iter().filter(|s| s.starts_with('#')) {
            assert!(doc.pointer(&reference[1..]).is_some(), "{reference}");
        }
        for address in all.iter().filter(|s| s.starts_with("https://")) {
            assert!(address.starts_with("https://portail.example"), "{address}");
        }
    }

    #[test]
    fn the_limit_is_where_clients_look_for_it() {
        let doc = testing::json("/api");
        let limit = &doc["components"]["parameters"]["limit"];
        assert_eq!(limit["schema"]["maximum"], testing::site().limits.features);
        assert_eq!(limit["schema"]["minimum"], 1);
        assert_eq!(doc["components"]["parameters"]["bbox"]["schema"]["minItems"], 4);
        let ids = &doc["components"]["parameters"]["collectionId"]["schema"]["enum"];
        assert!(ids.as_array().is_some_and(|a| a.iter().any(|v| v == "parc_iris")));
    }
}
