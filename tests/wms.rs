//! WMS through TLS.

use crate::Case;
use crate::portal::Portal;

pub const CASES: &[Case] = &[
    ("every_layer_draws", every_layer),
    ("axis_order_of_1_3_0", axis_order),
    ("exceptions", exceptions),
    ("legend", legend),
    ("feature_info_on_lille", feature_info),
];

fn map(layers: &str, more: &str) -> String {
    format!(
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS={layers}&STYLES=&CRS=EPSG:2154\
         &BBOX=685000,7044000,719500,7078500&WIDTH=300&HEIGHT=300&FORMAT=image/png{more}"
    )
}

fn colours(png: &[u8]) -> usize {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("size")];
    let info = reader.next_frame(&mut pixels).expect("frame");
    let step = info.buffer_size() / (info.width * info.height) as usize;
    pixels.chunks(step).collect::<std::collections::HashSet<_>>().len()
}

fn every_layer(portal: &'static Portal) {
    let client = portal.client("mel");
    let list = client.get("/collections?f=json").expect(200).json();
    for layer in list["collections"].as_array().expect("collections") {
        let id = layer["id"].as_str().expect("id");
        let answer = client.get(&map(id, "")).expect(200);
        assert_eq!(answer.header("content-type"), "image/png", "{id}: {}", answer.text());
        assert!(colours(&answer.body) > 1, "{id} draws nothing");
    }
}

fn axis_order(portal: &'static Portal) {
    let client = portal.client("mel");
    let draw = |crs: &str, bbox: &str| {
        let path = format!(
            "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS={crs}&BBOX={bbox}&WIDTH=200&HEIGHT=200&FORMAT=image/png"
        );
        client.get(&path).expect(200).picture()
    };
    // OGC 06-042 §6.7.3.2: EPSG:4326 is latitude first, CRS:84 longitude first. Same place, same picture.
    assert_eq!(draw("EPSG:4326", "50.5,2.8,50.8,3.2"), draw("CRS:84", "2.8,50.5,3.2,50.8"));
    assert!(colours(&draw("EPSG:3857", "311000,6530000,356000,6575000")) > 1);
}

fn exceptions(portal: &'static Portal) {
    let client = portal.client("mel");
    for (path, code) in [
        (map("nothing", ""), "LayerNotDefined"),
        (map("parc_commune", "&EXCEPTIONS=XML").replace("STYLES=", "STYLES=nothing"), "StyleNotDefined"),
        (map("parc_commune", "").replace("EPSG:2154", "EPSG:1"), "InvalidCRS"),
        (map("parc_commune", "").replace("image/png", "image/none"), "InvalidFormat"),
    ] {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains(&format!("code=\"{code}\"")), "{path}: {}", answer.text());
    }
    let huge = client.get(&map("parc_commune", "").replace("WIDTH=300", "WIDTH=300000"));
    assert!(huge.text().contains("ServiceException"), "{}", huge.text());
}

fn legend(portal: &'static Portal) {
    let client = portal.client("mel");
    for layer in ["parc_commune", "parc_residence", "occupation_iris"] {
        let path = format!("/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&LAYER={layer}&FORMAT=image/png");
        let answer = client.get(&path).expect(200);
        assert_eq!(answer.header("content-type"), "image/png", "{}", answer.text());
        assert!(colours(&answer.body) > 3, "{layer}");
    }
}

fn feature_info(portal: &'static Portal) {
    let client = portal.client("mel");
    // Where a residence of Lille stands, Lille is.
    let residence = client
        .get("/collections/parc_residence/items?f=json&limit=1&insee_com=59350&crs=http://www.opengis.net/def/crs/EPSG/0/2154")
        .expect(200)
        .json();
    let place = &residence["features"][0]["geometry"]["coordinates"];
    let (x, y) = (place[0].as_f64().expect("x"), place[1].as_f64().expect("y"));
    let path = format!(
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS=parc_commune&QUERY_LAYERS=parc_commune&STYLES=&CRS=EPSG:2154\
         &BBOX={},{},{},{}&WIDTH=101&HEIGHT=101&FORMAT=image/png&I=50&J=50&FEATURE_COUNT=10&INFO_FORMAT=",
        x - 500.0,
        y - 500.0,
        x + 500.0,
        y + 500.0
    );
    for format in ["application/json", "text/plain", "text/html", "application/vnd.ogc.gml"] {
        let info = client.get(&format!("{path}{format}")).expect(200);
        assert!(info.text().contains("59350"), "{format}: {}", info.text());
    }
}
