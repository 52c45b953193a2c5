//! OGC API Features through TLS.

use crate::Case;
use crate::portal::Portal;
use std::collections::BTreeSet;

pub const CASES: &[Case] = &[
    ("landing_leads_to_everything", landing),
    ("paging_neither_overlaps_nor_misses", paging),
    ("bbox_and_crs", bbox_and_crs),
    ("one_feature_by_identifier", single),
    ("unknown_parameters_are_refused", unknown_parameter),
    ("etag_is_honoured", etag),
    ("gzip_is_used_when_accepted", gzip),
];

fn landing(portal: &'static Portal) {
    let client = portal.client("mel");
    for prefix in ["", "/ogc"] {
        let landing = client.get(&format!("{prefix}/?f=json")).expect(200).json();
        for rel in ["self", "service-desc", "conformance", "data"] {
            let link = landing["links"]
                .as_array()
                .expect("links")
                .iter()
                .find(|l| l["rel"] == rel)
                .unwrap_or_else(|| panic!("no link {rel}: {landing}"));
            let href = link["href"].as_str().expect("href");
            let path = href.strip_prefix(&format!("https://{}", portal.address)).expect("own host");
            client.get(path).expect(200);
        }
    }
    let html = client.get_with("/", &[("accept", "text/html")]).expect(200);
    assert!(html.header("content-type").starts_with("text/html"));
}

fn ids(page: &serde_json::Value) -> Vec<String> {
    let features = page["features"].as_array().expect("features").iter();
    features.map(|f| f["id"].as_str().expect("id").to_owned()).collect()
}

fn paging(portal: &'static Portal) {
    let client = portal.client("mel");
    let mut path = "/collections/contour_iris/items?f=json&limit=37".to_owned();
    let mut seen = BTreeSet::new();
    let matched = client.get(&path).expect(200).json()["numberMatched"].as_u64().expect("numberMatched");
    loop {
        let page = client.get(&path).expect(200).json();
        assert_eq!(page["numberMatched"].as_u64(), Some(matched));
        for id in ids(&page) {
            assert!(seen.insert(id.clone()), "{id} twice");
        }
        let links = page["links"].as_array().expect("links");
        match links.iter().find(|l| l["rel"] == "next") {
            Some(next) => {
                let href = next["href"].as_str().expect("href");
                path = href.strip_prefix(&format!("https://{}", portal.address)).expect("own host").to_owned();
            }
            None => break,
        }
    }
    assert_eq!(seen.len() as u64, matched);
}

fn bbox_and_crs(portal: &'static Portal) {
    let client = portal.client("mel");
    let all = client.get("/collections/contour_commune/items?f=json&limit=1000").expect(200).json();
    let lambert = "http://www.opengis.net/def/crs/EPSG/0/2154";
    let some = client
        .get(&format!(
            "/collections/contour_commune/items?f=json&limit=1000&bbox=700000,7055000,703000,7058000&bbox-crs={lambert}&crs={lambert}"
        ))
        .expect(200);
    assert_eq!(some.header("content-crs"), format!("<{lambert}>"));
    let some = some.json();
    let (n, all_n) = (ids(&some).len(), ids(&all).len());
    assert!(0 < n && n < all_n, "{n} of {all_n}");
    // WGS 84 in authority order: latitude first.
    let wgs = client
        .get("/collections/contour_commune/items?f=json&limit=1&crs=http://www.opengis.net/def/crs/EPSG/0/4326")
        .expect(200)
        .json();
    let first = &wgs["features"][0]["geometry"]["coordinates"][0][0][0];
    assert!((50.0..51.5).contains(&first[0].as_f64().expect("number")), "{first}");
    for bad in ["1,2,3", "a,b,c,d", "3,51,2,50,1", "NaN,50,3,51", "3,51,4,50"] {
        client.get(&format!("/collections/contour_commune/items?f=json&bbox={bad}")).expect(400);
    }
}

fn single(portal: &'static Portal) {
    let client = portal.client("mel");
    let page = client.get("/collections/parc_commune/items?f=json&statut=diffuse&limit=1").expect(200).json();
    let id = page["features"][0]["id"].as_str().expect("a commune is shown");
    let feature = client.get(&format!("/collections/parc_commune/items/{id}?f=json")).expect(200).json();
    assert_eq!((feature["id"].as_str(), feature["properties"]["statut"].as_str()), (Some(id), Some("diffuse")));
    assert!(feature["properties"]["nb_logements"].as_u64().expect("nb_logements") >= 11);
    client.get("/collections/parc_commune/items/99999?f=json").expect(404);
}

fn unknown_parameter(portal: &'static Portal) {
    let client = portal.client("mel");
    client.get("/collections/parc_commune/items?f=json&limite=5").expect(400);
    client.get("/collections/parc_commune/items?f=json&limit=abc").expect(400);
    client.get("/collections/parc_commune/items?f=json&limit=0").expect(400);
}

fn etag(portal: &'static Portal) {
    let client = portal.client("mel");
    let path = "/collections/parc_commune/items?f=json&limit=2";
    let first = client.get(path).expect(200);
    let tag = first.header("etag").to_owned();
    assert!(!tag.is_empty());
    let again = client.get_with(path, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(first.header("cache-control").contains("private"));
    let other = portal.client("lille").get_with(path, &[("if-none-match", &tag)]);
    assert_eq!(other.status, 200, "another convention's answer is another answer");
}

fn gzip(portal: &'static Portal) {
    use std::io::Read;
    let client = portal.client("mel");
    let path = "/collections/parc_iris/items?f=json&limit=200";
    let plain = client.get(path).expect(200);
    let packed = client.get_with(path, &[("accept-encoding", "gzip, deflate")]).expect(200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_string(&mut text).expect("gzip");
    let text: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(text["features"], plain.json()["features"]);
    assert!(packed.body.len() * 2 < plain.body.len());
}
