//! Vector tiles through TLS, read back by GDAL.

use crate::Case;
use crate::portal::Portal;
use gdal::vector::LayerAccess;
use std::collections::BTreeMap;

pub const CASES: &[Case] = &[
    ("gdal_reads_a_dataset_tile", dataset_tile),
    ("a_tile_carries_status_and_identifier", status_and_identifier),
    ("far_away_tiles_are_empty", empty),
    ("tile_matrix_sets_and_tilesets_are_described", described),
];

/// Column and row of the WebMercatorQuad tile at a zoom that holds a place (degrees).
fn tile(lon: f64, lat: f64, zoom: u32) -> (u32, u32) {
    let n = f64::from(1u32 << zoom);
    let lat = lat.to_radians();
    (((lon + 180.0) / 360.0 * n) as u32, ((1.0 - lat.tan().asinh() / std::f64::consts::PI) / 2.0 * n) as u32)
}

/// A residence of the portal: longitude and latitude.
fn some_place(portal: &Portal) -> (f64, f64) {
    let page = portal.client("mel").get("/collections/parc_residence/items?f=json&limit=1").expect(200).json();
    let c = &page["features"][0]["geometry"]["coordinates"];
    (c[0].as_f64().expect("lon"), c[1].as_f64().expect("lat"))
}

/// Layers of a tile: name, features, field names.
fn read(bytes: &[u8]) -> BTreeMap<String, (u64, Vec<String>)> {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("tile.mvt");
    std::fs::write(&file, bytes).expect("tile");
    let dataset = gdal::Dataset::open(&file).expect("GDAL opens the tile");
    dataset
        .layers()
        .map(|mut l| {
            let fields = l.defn().fields().map(|f| f.name()).collect();
            let count = l.features().count() as u64;
            (l.name(), (count, fields))
        })
        .collect()
}

fn dataset_tile(portal: &'static Portal) {
    let (lon, lat) = some_place(portal);
    let (x, y) = tile(lon, lat, 12);
    let answer = portal.client("mel").get(&format!("/tiles/WebMercatorQuad/12/{y}/{x}?f=mvt")).expect(200);
    assert_eq!(answer.header("content-type"), "application/vnd.mapbox-vector-tile");
    let layers = read(&answer.body);
    assert!(layers.contains_key("parc_residence") && layers.contains_key("parc_commune"), "{:?}", layers.keys());
    let two = portal
        .client("mel")
        .get(&format!("/tiles/WebMercatorQuad/12/{y}/{x}?f=mvt&collections=parc_iris,parc_residence"))
        .expect(200);
    assert_eq!(read(&two.body).into_keys().collect::<Vec<_>>(), ["parc_iris", "parc_residence"]);
}

fn status_and_identifier(portal: &'static Portal) {
    let (lon, lat) = some_place(portal);
    let (x, y) = tile(lon, lat, 14);
    let answer = portal
        .client("mel")
        .get(&format!("/collections/parc_residence/tiles/WebMercatorQuad/14/{y}/{x}?f=mvt"))
        .expect(200);
    let layers = read(&answer.body);
    let (count, fields) = &layers["parc_residence"];
    assert!(*count > 0);
    // A null property vanishes from a tile: the status says what its absence means.
    assert!(fields.iter().any(|f| f == "statut") && fields.iter().any(|f| f == "id"), "{fields:?}");
}

fn empty(portal: &'static Portal) {
    let answer = portal.client("mel").get("/collections/parc_residence/tiles/WebMercatorQuad/12/10/10?f=mvt");
    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    assert!(answer.body.is_empty() || read(&answer.body).values().all(|l| l.0 == 0));
}

fn described(portal: &'static Portal) {
    let client = portal.client("mel");
    let sets = client.get("/tileMatrixSets?f=json").expect(200).json();
    let ids: Vec<&str> =
        sets["tileMatrixSets"].as_array().expect("list").iter().filter_map(|s| s["id"].as_str()).collect();
    assert!(ids.contains(&"WebMercatorQuad"), "{ids:?}");
    let set = client.get("/tileMatrixSets/WebMercatorQuad?f=json").expect(200).json();
    let first = &set["tileMatrices"][0];
    // OGC 17-083r4, annex D.1: scale denominator of zoom 0.
    assert!((first["scaleDenominator"].as_f64().expect("number") - 559_082_264.028_717_5).abs() < 1e-3);
    let tileset = client.get("/collections/parc_commune/tiles/WebMercatorQuad?f=json").expect(200).json();
    assert_eq!(tileset["dataType"], "vector");
}
