//! Tile matrix sets (17-083r4 §6, JSON encoding of its annex A).

use super::ask::{Ask, Page};
use super::links::{Link, links_json, segment};
use super::resource::Plan;
use crate::error::{Error, NameKind, Result};
use crate::geo::tms::{TILE_MATRIX_SETS, TileMatrixSet};
use crate::query::Query;
use serde_json::{Value, json};

/// Relation of a tileset to its tile matrix set.
pub const TILING_SCHEME: &str = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme";

/// The tile matrix set that the path names.
///
/// # Errors
/// [`Error::Unknown`].
pub fn of(ask: &Ask) -> Result<&'static TileMatrixSet> {
    let id = ask.variable("tileMatrixSetId")?;
    TileMatrixSet::get(id).ok_or_else(|| Error::unknown(NameKind::TileMatrixSet, id))
}

/// Title in the page's language.
pub fn title(page: &Page, set: &TileMatrixSet) -> &'static str {
    if page.french { set.title_fr } else { set.title_en }
}

/// Link to a definition.
pub fn link(page: &Page, set: &TileMatrixSet, rel: &str) -> Link {
    let href = page.url(&format!("/tileMatrixSets/{}?f=json", segment(set.id)));
    Link::new(rel, "application/json", title(page, set), href)
}

/// `/tileMatrixSets`
///
/// # Errors
/// None of its own.
pub fn list(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Describe(Vec::new()), "tms_list.html", |page, _, _| {
        let sets: Vec<Value> = TILE_MATRIX_SETS
            .iter()
            .map(|set| {
                let mut entry = json!({ "id": set.id, "title": title(page, set), "crs": set.crs.uri() });
                if let Some(uri) = set.uri {
                    entry["uri"] = json!(uri);
                }
                entry["links"] = links_json(&[link(page, set, "self")]);
                entry
            })
            .collect();
        Ok(json!({ "tileMatrixSets": sets, "links": links_json(&page.own_links()) }))
    }))
}

/// `/tileMatrixSets/{tileMatrixSetId}`
///
/// # Errors
/// [`Error::Unknown`].
pub fn one(ask: &Ask) -> Result<Plan> {
    let set = of(ask)?;
    Ok(ask.describe(Query::Describe(Vec::new()), "tms.html", |page, _, _| Ok(document(page, set))))
}

fn document(page: &Page, set: &TileMatrixSet) -> Value {
    let matrices: Vec<Value> = set
        .matrices()
        .map(|m| {
            json!({
                "id": m.level.to_string(),
                "scaleDenominator": m.scale_denominator,
                "cellSize": m.cell_size,
                "cornerOfOrigin": "topLeft",
                // Order of the CRS's axes; all sets have an east/north CRS.
                "pointOfOrigin": m.origin,
                "tileWidth": m.tile_size,
                "tileHeight": m.tile_size,
                "matrixWidth": m.width,
                "matrixHeight": m.height,
            })
        })
        .collect();
    let mut document = json!({ "id": set.id, "title": title(page, set) });
    if let Some(uri) = set.uri {
        document["uri"] = json!(uri);
    }
    document["crs"] = json!(set.crs.uri());
    document["orderedAxes"] = if set.crs.is_geographic() { json!(["Lon", "Lat"]) } else { json!(["E", "N"]) };
    if let Some(scales) = set.well_known_scale_set {
        document["wellKnownScaleSet"] = json!(scales);
    }
    document["tileMatrices"] = json!(matrices);
    document["links"] = links_json(&page.own_links());
    document
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing::{json, parse};

    #[test]
    fn sets_are_listed_and_described() {
        let list = json("/tileMatrixSets");
        assert_eq!(list["tileMatrixSets"][0]["id"], "WebMercatorQuad");
        let set = json("/tileMatrixSets/WebMercatorQuad");
        assert_eq!(set["uri"], "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad");
        let m = &set["tileMatrices"][3];
        assert_eq!((&m["id"], &m["matrixWidth"], &m["tileWidth"]), (&"3".into(), &8.into(), &256.into()));
        assert!(parse("/tileMatrixSets/webmercatorquad").is_err());
    }
}
