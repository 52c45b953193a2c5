//! Tilesets: lists, metadata, TileJSON (20-057 §8 to §12; 17-083r4 §7).

use super::ask::{Ask, Page};
use super::collections::{bbox_json, fact, facts};
use super::links::{Link, links_json, segment};
use super::negotiate::Format;
use super::params;
use super::resource::Plan;
use super::tms::{self, TILING_SCHEME};
use crate::catalogue::{Catalogue, Layer, LayerId, Vintages};
use crate::error::{Error, NameKind, Reason, Result};
use crate::geo::tms::{TILE_MATRIX_SETS, TileMatrixSet};
use crate::geo::{Crs, Envelope};
use crate::protocol::Context;
use crate::query::Query;
use crate::store::LayerFacts;
use serde_json::{Map, Value, json};

/// Relation of a resource to its vector tilesets.
pub const TILESETS: &str = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector";

/// Media type of a vector tile.
pub const MVT: &str = "application/vnd.mapbox-vector-tile";

/// Finest level that TileJSON tells: finer tiles would show no more of the published precision.
const MAX_ZOOM: u8 = 18;

/// What a tileset is made of.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Path of the resource that has tiles: empty for the dataset.
    pub base: String,
    /// Its layers.
    pub layers: Vec<LayerId>,
    /// Value of `collections`, if given.
    pub collections: Option<String>,
}

impl Origin {
    /// The layers that a request names: one collection by its path, those of `collections`, or all of the dataset. Layers
    /// of all vintages are left out of the latter: they would show every zone several times.
    ///
    /// # Errors
    /// [`Error::Unknown`] when a collection does not exist for the client.
    pub fn of(ask: &Ask) -> Result<Origin> {
        if ask.resource.path.starts_with("/collections/") {
            let layer = ask.layer()?;
            let base = format!("/collections/{}", segment(&layer.name));
            return Ok(Origin { base, layers: vec![layer.id], collections: None });
        }
        let Some(names) = ask.get(&params::COLLECTIONS)? else {
            let newest = |l: &&Layer| l.vintages == Vintages::Newest;
            let layers = ask.site.catalogue.layers().iter().filter(newest).map(|l| l.id).collect();
            return Ok(Origin { base: String::new(), layers, collections: None });
        };
        let layers = names
            .iter()
            .map(|name| {
                // Whole addresses of collections are names too (20-057 `/req/collections-selection/query-collections`).
                let id = name.strip_prefix(&format!("{}/collections/", ask.page.root)).unwrap_or(name);
                let id = id.split('?').next().unwrap_or(id);
                let layer = ask.site.catalogue.layer(id).ok_or_else(|| Error::unknown(NameKind::Collection, id))?;
                Ok(layer.id)
            })
            .collect::<Result<_>>()?;
        Ok(Origin { base: String::new(), layers, collections: Some(names.join(",")) })
    }

    fn layers<'c>(&self, catalogue: &'c Catalogue) -> Vec<&'c Layer> {
        self.layers.iter().filter_map(|id| catalogue.layer_by_id(*id)).collect()
    }

    fn title<'c>(&self, page: &Page, catalogue: &'c Catalogue) -> &'c str {
        match (self.base.is_empty(), self.layers(catalogue).first()) {
            (false, Some(layer)) => page.text(&layer.title),
            _ => page.text(&catalogue.service.title),
        }
    }

    /// Address of something below the tileset, with the parameters that belong to the origin.
    fn url(&self, page: &Page, rest: &str, f: &str) -> String {
        let mut url = format!("{}{}/tiles{rest}?f={f}", page.root, self.base);
        if let Some(names) = &self.collections {
            let names: Vec<String> = names.split(',').map(segment).collect();
            url.push_str("&collections=");
            url.push_str(&names.join(","));
        }
        url
    }
}

/// `.../tiles`
///
/// # Errors
/// The request's own.
pub fn list(ask: &Ask) -> Result<Plan> {
    let origin = Origin::of(ask)?;
    let query = Query::Describe(origin.layers.clone());
    Ok(ask.describe(query, "tilesets.html", move |page, fetched, context| {
        let facts = facts(fetched);
        let catalogue = &context.site.catalogue;
        let sets: Vec<Value> =
            TILE_MATRIX_SETS.iter().map(|set| summary(page, catalogue, &origin, set, &facts)).collect();
        Ok(json!({
            "title": origin.title(page, catalogue),
            "links": links_json(&page.own_links()),
            "tilesets": sets,
        }))
    }))
}

/// `.../tiles/{tileMatrixSetId}`
///
/// # Errors
/// The request's own.
pub fn tileset(ask: &Ask) -> Result<Plan> {
    let origin = Origin::of(ask)?;
    let set = tms::of(ask)?;
    if ask.page.offer.format == Format::TileJson && set.crs != Crs::WebMercator {
        return Err(Error::invalid("f", "tilejson", Reason::WebMercatorOnly));
    }
    let query = Query::Describe(origin.layers.clone());
    Ok(ask.describe(query, "tileset.html", move |page, fetched, context: &Context| {
        let facts = facts(fetched);
        let catalogue = &context.site.catalogue;
        if page.offer.format == Format::TileJson {
            return Ok(tilejson(page, context, &origin, set, &facts));
        }
        let mut document = summary(page, catalogue, &origin, set, &facts);
        let layers = origin.layers(catalogue);
        document["layers"] = layers.iter().map(|l| layer_json(page, l, fact(&facts, l))).collect();
        document["attribution"] = json!(page.text(&catalogue.service.attribution));
        if let (Some(links), Value::Array(own)) = (document["links"].as_array_mut(), links_json(&page.own_links())) {
            links.retain(|l| l["rel"] != "self");
            links.splice(0..0, own);
        }
        if page.offer.format == Format::Html {
            document["tilejson"] = json!(origin.url(page, "/WebMercatorQuad", "tilejson"));
        }
        Ok(document)
    }))
}

/// What lists tell of a tileset, and metadata too.
fn summary(page: &Page, catalogue: &Catalogue, origin: &Origin, set: &TileMatrixSet, facts: &[LayerFacts]) -> Value {
    let title = format!("{} ({})", origin.title(page, catalogue), set.id);
    let id = segment(set.id);
    let own = ["Métadonnées du jeu de tuiles", "Metadata of the tileset"];
    let item = ["Tuiles vectorielles (MVT)", "Vector tiles (MVT)"];
    let template = origin.url(page, &format!("/{id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"), "mvt");
    let links = [
        Link::new("self", "application/json", page.say(&own), origin.url(page, &format!("/{id}"), "json")),
        tms::link(page, set, TILING_SCHEME),
        Link::template("item", MVT, page.say(&item), template),
    ];
    let mut entry = json!({ "title": title, "dataType": "vector", "crs": set.crs.uri(), "tileMatrixSetId": set.id });
    if let Some(uri) = set.uri {
        entry["tileMatrixSetURI"] = json!(uri);
    }
    // Tiles are made on demand for the whole set: only what lies outside the set is out of range.
    let limits: Vec<Value> = set
        .matrices()
        .map(|m| {
            json!({
                "tileMatrix": m.level.to_string(),
                "minTileRow": 0, "maxTileRow": m.height - 1,
                "minTileCol": 0, "maxTileCol": m.width - 1,
            })
        })
        .collect();
    entry["tileMatrixSetLimits"] = json!(limits);
    if let Some(e) = extent(origin, facts) {
        entry["boundingBox"] = bounding_box(&e);
    }
    entry["links"] = links_json(&links);
    entry
}

/// Box of all layers of the origin, degrees.
fn extent(origin: &Origin, facts: &[LayerFacts]) -> Option<Envelope> {
    let mut all = Envelope::EMPTY;
    for f in facts.iter().filter(|f| origin.layers.contains(&f.layer)) {
        if let Some(e) = &f.extent_84 {
            all.merge(e);
        }
    }
    (!all.is_empty()).then_some(all)
}

fn bounding_box(e: &Envelope) -> Value {
    let numbers = bbox_json(e);
    json!({
        "lowerLeft": [numbers[0], numbers[1]],
        "upperRight": [numbers[2], numbers[3]],
        "crs": Crs::Crs84.uri(),
    })
}

fn layer_json(page: &Page, layer: &Layer, facts: Option<&LayerFacts>) -> Value {
    let properties: Map<String, Value> = layer
        .fields
        .iter()
        .map(|f| {
            let mut schema = json!({ "title": page.text(&f.title) });
            if let (Some(own), Value::Object(kind)) = (schema.as_object_mut(), super::schema::value_schema(f)) {
                own.extend(kind);
            }
            (f.name.clone(), schema)
        })
        .collect();
    let mut entry = json!({
        "id": layer.name,
        "title": page.text(&layer.title),
        "description": page.text(&layer.summary),
        "dataType": "vector",
        "geometryDimension": layer.geometry.dimension(),
        "propertiesSchema": { "type": "object", "properties": properties },
    });
    if let Some(e) = facts.and_then(|f| f.extent_84.as_ref()) {
        entry["boundingBox"] = bounding_box(e);
    }
    entry
}

/// TileJSON 3.0.0.
fn tilejson(page: &Page, context: &Context, origin: &Origin, set: &TileMatrixSet, facts: &[LayerFacts]) -> Value {
    let catalogue = &context.site.catalogue;
    let template = origin.url(page, &format!("/{}/{{z}}/{{y}}/{{x}}", segment(set.id)), "mvt");
    let layers: Vec<Value> = origin
        .layers(catalogue)
        .iter()
        .map(|l| {
            let fields: Map<String, Value> =
                l.fields.iter().map(|f| (f.name.clone(), json!(page.text(&f.title)))).collect();
            json!({ "id": l.name, "description": page.text(&l.title), "minzoom": 0, "maxzoom": MAX_ZOOM, "fields": fields })
        })
        .collect();
    let mut document = json!({
        "tilejson": "3.0.0",
        "name": origin.title(page, catalogue),
        "attribution": page.text(&catalogue.service.attribution),
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": layers,
    });
    if let Some(e) = extent(origin, facts) {
        document["bounds"] = bbox_json(&e);
    }
    document
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::protocol::ogcapi::testing::{json, parse};

    #[test]
    fn tilesets_lead_to_tiles_and_to_their_scheme() {
        for (list, base) in [("/tiles", ""), ("/collections/parc_iris/tiles", "/collections/parc_iris")] {
            let doc = json(list);
            let set = &doc["tilesets"][0];
            assert_eq!(set["dataType"], "vector");
            assert_eq!(set["tileMatrixSetURI"], "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad");
            let links = set["links"].as_array().unwrap();
            let link = |rel: &str| links.iter().find(|l| l["rel"] == rel).unwrap();
            assert_eq!(
                link("item")["href"],
                format!(
                    "https://portail.example{base}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
                )
            );
            assert_eq!(link("item")["templated"], true);
            assert!(link(super::TILING_SCHEME)["href"].as_str().unwrap().contains("/tileMatrixSets/WebMercatorQuad"));
            let one = json(&format!("{list}/WebMercatorQuad"));
            assert_eq!(one["crs"], "http://www.opengis.net/def/crs/EPSG/0/3857");
            assert_eq!(one["boundingBox"]["lowerLeft"], serde_json::json!([2.8, 50.5]));
            assert!(one["layers"].as_array().unwrap().iter().any(|l| l["id"] == "parc_iris"));
        }
    }

    #[test]
    fn collections_choose_the_layers_of_dataset_tiles() {
        let target = "/tiles/WebMercatorQuad?collections=parc_iris,https://portail.example/collections/contour_iris";
        let doc = json(target);
        let ids: Vec<&str> = doc["layers"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["parc_iris", "contour_iris"]);
        let whole = json("/tiles/WebMercatorQuad");
        let all = whole["layers"].as_array().unwrap();
        assert!(all.iter().all(|l| !l["id"].as_str().unwrap().ends_with("_evolution")));
        assert!(matches!(parse("/tiles?collections=nothing").map_err(|f| f.error), Err(Error::Unknown { .. })));
        // The parameter is no parameter of a collection's own tiles.
        assert!(matches!(
            parse("/collections/parc_iris/tiles?collections=parc_iris").map_err(|f| f.error),
            Err(Error::UnknownParameter { .. })
        ));
    }

    #[test]
    fn tilejson_is_for_web_mercator() {
        let doc = json("/collections/parc_iris/tiles/WebMercatorQuad?f=tilejson");
        assert_eq!(doc["tilejson"], "3.0.0");
        assert_eq!(
            doc["tiles"][0],
            "https://portail.example/collections/parc_iris/tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt"
        );
        assert_eq!(doc["vector_layers"][0]["fields"]["nb_logements"], "Logements");
        assert!(parse("/tiles/LAMB93?f=tilejson").is_err());
    }
}
