//! Hostile and broken requests: a clear error each, no panic, and the server lives.

use crate::Case;
use crate::portal::Portal;

pub const CASES: &[Case] = &[
    ("hostile_xml_is_refused", hostile_xml),
    ("absurd_requests_get_clear_errors", absurd),
    ("no_request_makes_the_server_open_a_url_or_file", no_remote),
    ("methods_and_bodies_have_limits", limits),
];

fn hostile_xml(portal: &'static Portal) {
    let client = portal.client("mel");
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><wfs:GetFeature xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" service=\"WFS\" version=\"2.0.0\">&b;</wfs:GetFeature>";
    let external = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><wfs:GetFeature xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" service=\"WFS\" version=\"2.0.0\"><wfs:Query typeNames=\"&a;\"/></wfs:GetFeature>";
    let deep = format!(
        "<wfs:GetFeature xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" xmlns:fes=\"http://www.opengis.net/fes/2.0\" service=\"WFS\" version=\"2.0.0\"><wfs:Query typeNames=\"seuil:parc_commune\"><fes:Filter>{}{}</fes:Filter></wfs:Query></wfs:GetFeature>",
        "<fes:Not>".repeat(20_000),
        "</fes:Not>".repeat(20_000)
    );
    for body in [laughs.to_owned(), external.to_owned(), deep, "<".to_owned(), "<a><b></a>".to_owned(), String::new()] {
        let answer = client.post("/wfs", "application/xml", body.clone());
        assert!((400..500).contains(&answer.status), "{} for {body:.60}", answer.status);
        assert!(answer.text().contains("Exception"), "{}", answer.text());
        assert!(!answer.text().contains("root:"), "a file was read");
    }
    let deep = format!("({}statut='secret'{}", "(".repeat(3000), ")".repeat(3000));
    let encoded = percent_encoding::utf8_percent_encode(&deep, percent_encoding::NON_ALPHANUMERIC).to_string();
    client.get(&format!("/collections/parc_commune/items?filter={encoded}")).expect(400);
    client.get("/collections/parc_commune/items?limit=1").expect(200);
}

fn absurd(portal: &'static Portal) {
    let client = portal.client("mel");
    for path in [
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=NaN,0,1,1&WIDTH=10&HEIGHT=10&FORMAT=image/png",
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=5,5,1,1&WIDTH=10&HEIGHT=10&FORMAT=image/png",
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=0,0,1e308,1e308&WIDTH=4294967295&HEIGHT=4294967295&FORMAT=image/png",
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=0,0,1,1&WIDTH=0&HEIGHT=-4&FORMAT=image/png",
        "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=seuil:parc_commune&BBOX=NaN,NaN,NaN,NaN",
        "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=seuil:parc_commune&STARTINDEX=99999999999999999999",
        "/wfs?SERVICE=WFS&VERSION=9.9.9&REQUEST=GetCapabilities&ACCEPTVERSIONS=9.9.9",
        "/collections/parc_commune/items?bbox=inf,0,1,1",
        "/collections/parc_commune/tiles/WebMercatorQuad/99/0/0",
        "/collections/parc_commune/tiles/WebMercatorQuad/5/-1/99999",
        "/collections/parc_commune/tiles/Nothing/5/1/1",
        "/%00/%ff",
        "/collections/../../etc/passwd",
    ] {
        let answer = client.get(path);
        let clear = answer.status >= 400 || answer.text().contains("ServiceException");
        assert!(clear && answer.status < 500, "{path}: {} {:.300}", answer.status, answer.text());
    }
}

fn no_remote(portal: &'static Portal) {
    let client = portal.client("mel");
    // A socket that must never be spoken to.
    let trap = std::net::TcpListener::bind("127.0.0.1:0").expect("trap");
    trap.set_nonblocking(true).expect("trap");
    let url = format!("http://{}/x.sld", trap.local_addr().expect("trap"));
    let map = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=685000,7044000,719000,7078000&WIDTH=50&HEIGHT=50&FORMAT=image/png";
    for more in [
        format!("&SLD={url}"),
        format!("&REMOTE_OWS_TYPE=WFS&REMOTE_OWS_URL={url}"),
        format!(
            "&SLD_BODY=%3CStyledLayerDescriptor%3E%3COnlineResource%20href=%22{url}%22/%3E%3C/StyledLayerDescriptor%3E"
        ),
    ] {
        let _ = client.get(&format!("{map}{more}"));
    }
    let body = format!(
        "<wfs:GetFeature xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" service=\"WFS\" version=\"2.0.0\" resolve=\"all\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://www.opengis.net/wfs/2.0 {url}\"><wfs:Query typeNames=\"seuil:parc_commune\"/></wfs:GetFeature>"
    );
    let _ = client.post("/wfs", "application/xml", body);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(trap.accept().is_err(), "the server opened a URL that a request named");
}

fn limits(portal: &'static Portal) {
    let client = portal.client("mel");
    client.request("DELETE", "/collections/parc_commune", &[], Vec::new()).expect(405);
    let big = client.post("/wfs", "application/xml", vec![b' '; 2 << 20]);
    assert!((400..500).contains(&big.status), "{}", big.status);
    client.get("/collections?f=json").expect(200);
}
