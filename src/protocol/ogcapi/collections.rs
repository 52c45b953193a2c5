//! Collections (17-069r4 §7.13, §7.14; 18-058r1 §6.2).

use super::ask::{Ask, Page};
use super::links::{Link, links_json, segment};
use super::negotiate;
use super::params::crs_list;
use super::resource::Plan;
use super::tiles::TILESETS;
use crate::catalogue::{Keyword, Layer, Vintages};
use crate::convention::Operation;
use crate::error::{Error, NameKind, Result};
use crate::geo::{Crs, Envelope};
use crate::protocol::{Context, Site, metadata};
use crate::query::Query;
use crate::store::{Fetched, LayerFacts};
use serde_json::{Value, json};
use std::sync::Arc;

/// `/collections`
///
/// # Errors
/// None of its own.
pub fn collections(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Capabilities, "collections.html", |page, fetched, context| {
        let facts = facts(fetched);
        let site = &context.site;
        let list: Vec<Value> =
            site.catalogue.layers().iter().map(|layer| document(page, site, layer, fact(&facts, layer))).collect();
        Ok(json!({
            "links": links_json(&page.own_links()),
            "crs": crs_list().map(Crs::uri).collect::<Vec<_>>(),
            "collections": list,
        }))
    }))
}

/// `/collections/{collectionId}`
///
/// # Errors
/// [`Error::Unknown`] when the collection does not exist for the client.
pub fn collection(ask: &Ask) -> Result<Plan> {
    let id = ask.layer()?.id;
    Ok(ask.describe(Query::Describe(vec![id]), "collection.html", move |page, fetched, context: &Context| {
        let site = &context.site;
        let layer = site.catalogue.layer_by_id(id).ok_or_else(|| Error::unknown(NameKind::Collection, ""))?;
        let facts = facts(fetched);
        let mut doc = document(page, site, layer, fact(&facts, layer));
        if let (Some(links), Value::Array(own)) = (doc["links"].as_array_mut(), links_json(&page.own_links())) {
            // `self` is this very document; the list's own entry is replaced.
            links.retain(|l| l["rel"] != "self");
            links.splice(0..0, own);
        }
        Ok(doc)
    }))
}

/// Facts out of an answer of the store.
pub fn facts(fetched: Fetched) -> Arc<[LayerFacts]> {
    match fetched {
        Fetched::Facts { layers, .. } => layers,
        _ => Arc::new([]),
    }
}

/// Facts of one layer.
pub fn fact<'a>(facts: &'a [LayerFacts], layer: &Layer) -> Option<&'a LayerFacts> {
    facts.iter().find(|f| f.layer == layer.id)
}

/// First and last moment of the years that a layer shows.
pub fn temporal_extent(facts: Option<&LayerFacts>) -> Option<[String; 2]> {
    let vintages = &facts?.vintages;
    let (first, last) = (vintages.first()?, vintages.last()?);
    Some([format!("{first:04}-01-01T00:00:00Z"), format!("{last:04}-12-31T23:59:59Z")])
}

/// A box as OGC API writes it: west, south, east, north.
pub fn bbox_json(e: &Envelope) -> Value {
    json!([round(e.min[0]), round(e.min[1]), round(e.max[0]), round(e.max[1])])
}

/// Degrees at the published precision.
fn round(v: f64) -> f64 {
    (v * 1e7).round() / 1e7
}

/// The description of a collection.
pub fn document(page: &Page, site: &Site, layer: &Layer, facts: Option<&LayerFacts>) -> Value {
    let mut doc = json!({
        "id": layer.name,
        "title": page.text(&layer.title),
        "description": page.text(&layer.summary),
    });
    if !layer.keywords.is_empty() {
        doc["keywords"] = json!(Keyword::all(&layer.keywords, page.french));
    }
    doc["attribution"] = json!(page.text(&site.catalogue.service.attribution));
    let mut extent = json!({});
    if let Some(e) = facts.and_then(|f| f.extent_84.as_ref()) {
        extent["spatial"] = json!({ "bbox": [bbox_json(e)], "crs": Crs::Crs84.uri() });
    }
    if let (Some(interval), Some(_)) = (temporal_extent(facts), layer.date) {
        let trs = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian";
        extent["temporal"] = json!({ "interval": [interval], "trs": trs });
    }
    if extent.as_object().is_some_and(|e| !e.is_empty()) {
        doc["extent"] = extent;
    }
    if site.operations.contains(&Operation::Wfs) {
        doc["itemType"] = json!("feature");
    }
    if let Some(facts) = facts {
        doc["itemCount"] = json!(facts.count);
        if !facts.vintages.is_empty() {
            doc["vintages"] = json!(facts.vintages);
        }
    }
    doc["crs"] = json!(crs_list().map(Crs::uri).collect::<Vec<_>>());
    if let Some(crs) = Crs::from_epsg(layer.srid) {
        doc["storageCrs"] = json!(crs.uri());
    }
    doc["links"] = links_json(&links(page, site, layer));
    doc
}

/// Links of a collection.
fn links(page: &Page, site: &Site, layer: &Layer) -> Vec<Link> {
    let base = format!("{}/collections/{}", page.root, segment(&layer.name));
    let title = page.text(&layer.title);
    let mut links = vec![Link::new("self", "application/json", title, format!("{base}?f=json"))];
    let mut add = |rel: &str, media: &str, text: [&'static str; 2], rest: &str| {
        links.push(Link::new(rel, media, format!("{} : {title}", page.say(&text)), format!("{base}{rest}")));
    };
    if site.operations.contains(&Operation::Wfs) {
        let items = ["Entités", "Features"];
        // Without `f`, which it does not need: GDAL puts the identifier of a feature behind this very address.
        add("items", "application/geo+json", items, "/items");
        add("items", "text/html", items, "/items?f=html");
        for offer in [negotiate::CSV, negotiate::SHAPEFILE, negotiate::XLSX] {
            add("items", offer.bare(), items, &format!("/items?f={}", offer.f));
        }
    }
    if site.operations.contains(&Operation::Tuiles) {
        add(TILESETS, "application/json", ["Tuiles vectorielles", "Vector tiles"], "/tiles");
    }
    let schema = ["Schéma", "Schema"];
    add("http://www.opengis.net/def/rel/ogc/1.0/schema", "application/schema+json", schema, "/schema?f=json");
    let queryables = ["Attributs de filtre", "Queryables"];
    add(
        "http://www.opengis.net/def/rel/ogc/1.0/queryables",
        "application/schema+json",
        queryables,
        "/queryables?f=json",
    );
    let sortables = ["Attributs de tri", "Sortables"];
    add("http://www.opengis.net/def/rel/ogc/1.0/sortables", "application/schema+json", sortables, "/sortables?f=json");
    let record = ["Fiche de métadonnées (ISO 19139)", "Metadata record (ISO 19139)"];
    let address = metadata::address(&page.root, &site.catalogue.service, &layer.name);
    links.push(Link::new("describedby", "application/xml", page.say(&record), address));
    let terms = ["Convention et conditions d'utilisation", "Convention and terms of use"];
    links.push(Link::new("license", "text/html", page.say(&terms), page.url("/whoami?f=html")));
    if layer.vintages == Vintages::Newest {
        let all = format!("{}_evolution", layer.name);
        if site.catalogue.layer(&all).is_some() {
            let text = ["Tous les millésimes", "All vintages"];
            let href = page.url(&format!("/collections/{}?f=json", segment(&all)));
            links.push(Link::new("related", "application/json", page.say(&text), href));
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing::{answer, body, facts, json, parse, site};

    #[test]
    fn collections_tell_extent_crs_and_links() {
        let doc = json("/collections");
        let list = doc["collections"].as_array().unwrap();
        assert_eq!(list.len(), site().catalogue.layers().len());
        let one = json("/collections/parc_iris");
        let iris = list.iter().find(|c| c["id"] == "parc_iris").unwrap();
        assert_eq!(one["extent"], iris["extent"]);
        assert_eq!(one["extent"]["spatial"]["bbox"], serde_json::json!([[2.8, 50.5, 3.3, 50.8]]));
        assert_eq!(one["extent"]["temporal"]["interval"][0][1], "2024-12-31T23:59:59Z");
        assert_eq!(one["crs"][0], "http://www.opengis.net/def/crs/OGC/1.3/CRS84");
        assert_eq!(one["storageCrs"], "http://www.opengis.net/def/crs/EPSG/0/2154");
        let rels: Vec<&str> = one["links"].as_array().unwrap().iter().filter_map(|l| l["rel"].as_str()).collect();
        assert_eq!(rels.iter().filter(|r| **r == "self").count(), 1);
        assert!(rels.contains(&"items") && rels.contains(&"license") && rels.contains(&"related"));
    }

    #[test]
    fn the_alias_prefix_stays_in_links() {
        let doc = json("/ogc/collections/parc_iris");
        let links = doc["links"].as_array().unwrap();
        assert!(links.iter().all(|l| l["href"].as_str().unwrap().starts_with("https://portail.example/ogc/")));
    }

    #[test]
    fn every_page_is_made_in_both_languages() {
        for path in [
            "/",
            "/conformance",
            "/api",
            "/collections",
            "/collections/parc_iris",
            "/collections/parc_iris/schema",
            "/collections/parc_iris/queryables",
            "/collections/parc_iris/sortables",
            "/whoami",
        ] {
            for lang in ["fr", "en"] {
                let answer = answer(&format!("{path}?f=html&lang={lang}"), facts(&site())).unwrap();
                let page = String::from_utf8(body(answer)).unwrap();
                assert!(page.contains(&format!("<html lang=\"{lang}\">")) && page.ends_with("</html>"), "{path}");
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_not_found() {
        for path in ["/collections/nothing", "/collections/nothing/schema", "/nothing", "/static/nothing"] {
            assert!(parse(path).is_err(), "{path}");
        }
        assert!(parse("/static/seuil.css").is_ok());
    }
}
