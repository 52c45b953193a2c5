//! Landing page and conformance (17-069r4 §7.2, §7.4).

use super::ask::{Ask, Page};
use super::links::{Link, links_json};
use super::tiles::TILESETS;
use crate::catalogue::Keyword;
use crate::convention::Operation;
use crate::error::Result;
use crate::protocol::{Context, Site};
use crate::query::Query;
use crate::store::Fetched;
use serde_json::{Value, json};

/// What this server conforms to. A class stands here only when all its requirements are met; tests and the official
/// suites hold it to that.
pub const CONFORMANCE: &[&str] = &[
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/core-roles-features",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/returnables-and-receivables",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/sortables",
    "http://www.opengis.net/spec/ogcapi-features-6/1.0/conf/properties",
    "http://www.opengis.net/spec/ogcapi-features-6/1.0/conf/properties-features",
    "http://www.opengis.net/spec/ogcapi-features-8/1.0/conf/sortables",
    "http://www.opengis.net/spec/ogcapi-features-8/1.0/conf/sorting",
    "http://www.opengis.net/spec/ogcapi-features-8/1.0/conf/features-sorting",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/accent-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/arithmetic",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/collections-selection",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
];

/// `/`
///
/// # Errors
/// None of its own.
pub fn landing(ask: &Ask) -> Result<super::resource::Plan> {
    let links = landing_links(ask);
    Ok(ask.describe(Query::Describe(Vec::new()), "landing.html", move |page, _: Fetched, context: &Context| {
        Ok(document(page, &context.site, &links))
    }))
}

fn document(page: &Page, site: &Site, links: &[Link]) -> Value {
    let service = &site.catalogue.service;
    json!({
        "title": page.text(&service.title),
        "description": page.text(&service.summary),
        "attribution": page.text(&service.attribution),
        "keywords": Keyword::all(&service.keywords, page.french),
        "links": links_json(links),
    })
}

fn landing_links(ask: &Ask) -> Vec<Link> {
    let page = &ask.page;
    let mut links = page.own_links();
    let mut add = |rel: &str, media: &str, title: [&'static str; 2], path: &str| {
        links.push(Link::new(rel, media, page.say(&title), page.url(path)));
    };
    let api = ["Description de l'API", "API definition"];
    add("service-desc", "application/vnd.oai.openapi+json;version=3.0", api, "/api?f=json");
    add("service-doc", "text/html", ["Documentation de l'API", "API documentation"], "/api?f=html");
    let conformance = ["Classes de conformité", "Conformance classes"];
    add("conformance", "application/json", conformance, "/conformance?f=json");
    add("http://www.opengis.net/def/rel/ogc/1.0/conformance", "application/json", conformance, "/conformance?f=json");
    let collections = ["Collections", "Collections"];
    add("data", "application/json", collections, "/collections?f=json");
    add("http://www.opengis.net/def/rel/ogc/1.0/data", "application/json", collections, "/collections?f=json");
    add("data", "text/html", collections, "/collections?f=html");
    if ask.site.operations.contains(&Operation::Tuiles) {
        // Without `f`: what comes is JSON for programs and a page for people.
        add(TILESETS, "application/json", ["Tuiles vectorielles", "Vector tiles"], "/tiles");
        let sets = ["Grilles de tuiles", "Tile matrix sets"];
        add(
            "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
            "application/json",
            sets,
            "/tileMatrixSets?f=json",
        );
    }
    add("http://www.opengis.net/def/rel/ogc/1.0/styles", "application/json", ["Styles", "Styles"], "/styles?f=json");
    let record = ["Fiche de métadonnées (ISO 19139)", "Metadata record (ISO 19139)"];
    add("describedby", "application/xml", record, "/metadata/service.xml");
    let terms = ["Convention et conditions d'utilisation", "Convention and terms of use"];
    add("license", "text/html", terms, "/whoami?f=html");
    add("terms-of-service", "text/html", terms, "/whoami?f=html");
    links
}

/// `/conformance`
///
/// # Errors
/// None of its own.
pub fn conformance(ask: &Ask) -> Result<super::resource::Plan> {
    Ok(ask.describe(Query::Describe(Vec::new()), "conformance.html", |page, _, _| {
        Ok(json!({ "conformsTo": CONFORMANCE, "links": links_json(&page.own_links()) }))
    }))
}
