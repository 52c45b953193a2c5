//! What may not be seen does not exist: for every convention, protocol and operation, a name that is not granted and one
//! that never existed get the same bytes, after the same time; no document names what is not granted.

use crate::Case;
use crate::client::{Answer, Line};
use crate::portal::Portal;
use seuil::catalogue::{Catalogue, Layer, load_embedded};
use std::collections::BTreeSet;

pub const CASES: &[Case] = &[
    ("layers_that_are_not_granted_do_not_exist", layers),
    ("columns_that_are_not_granted_do_not_exist", columns),
    ("rows_outside_the_territory_do_not_exist", rows),
    ("no_document_names_what_is_not_granted", documents),
    ("ungranted_and_invented_names_take_the_same_time", timing),
];

/// One convention of each kind of sight.
const CONVENTIONS: [&str; 5] = ["bailleur", "departement-59", "urh", "action-logement", "vue-seule"];

const WMS13: &str =
    "/wms?SERVICE=WMS&VERSION=1.3.0&CRS=EPSG:2154&BBOX=690000,7040000,720000,7070000&WIDTH=64&HEIGHT=64";
const WMS11: &str =
    "/wms?SERVICE=WMS&VERSION=1.1.1&SRS=EPSG:2154&BBOX=690000,7040000,720000,7070000&WIDTH=64&HEIGHT=64";
const WFS: &str = "/wfs?SERVICE=WFS&VERSION=2.0.0";

/// Requests that name a layer, `{}`.
fn naming_a_layer() -> Vec<String> {
    let mut all: Vec<String> = [
        "/collections/{}?f=json",
        "/collections/{}?f=html",
        "/collections/{}/items?f=json",
        "/collections/{}/items?f=html",
        "/collections/{}/items?f=csv",
        "/collections/{}/items/59350?f=json",
        "/collections/{}/queryables?f=json",
        "/collections/{}/schema?f=json",
        "/collections/{}/styles?f=json",
        "/collections/{}/tiles?f=json",
        "/collections/{}/tiles/WebMercatorQuad?f=json",
        "/collections/{}/tiles/WebMercatorQuad?f=tilejson",
        "/collections/{}/tiles/WebMercatorQuad/9/172/260?f=mvt",
        "/collections/{}/map/tiles/WebMercatorQuad/9/172/260",
        "/collections/{}/map",
        "/tiles/WebMercatorQuad/9/172/260?collections={}",
        "/tiles/WebMercatorQuad?collections={}",
        "/styles/{}?f=json",
        "/styles/{}?f=maplibre",
        "/styles/{}?f=sld",
        "/styles/{}/metadata",
        "/styles/{}/legend",
        "/{}",
        "/collections/{}/items?bbox=a",
        "/qgis/{}.qlr",
    ]
    .map(str::to_owned)
    .to_vec();
    for version in ["2.0.0", "1.1.0", "1.0.0"] {
        for rest in [
            "DescribeFeatureType",
            "GetFeature",
            "GetFeature&RESULTTYPE=hits",
            "GetFeature&OUTPUTFORMAT=application/json",
        ] {
            all.push(format!("/wfs?SERVICE=WFS&VERSION={version}&REQUEST={rest}&TYPENAMES={{}}&TYPENAME={{}}"));
            all.push(format!(
                "/wfs?SERVICE=WFS&VERSION={version}&REQUEST={rest}&TYPENAMES=seuil:{{}}&TYPENAME=seuil:{{}}"
            ));
        }
    }
    all.push(format!("{WFS}&REQUEST=GetFeature&RESOURCEID={{}}.59350"));
    all.push(format!(
        "{WFS}&REQUEST=GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID={{}}.59350"
    ));
    all.push(format!("{WFS}&REQUEST=GetPropertyValue&TYPENAMES={{}}&VALUEREFERENCE=nom"));
    for wms in [WMS13, WMS11] {
        for errors in ["XML", "application/vnd.ogc.se_xml", "INIMAGE", "BLANK"] {
            all.push(format!("{wms}&REQUEST=GetMap&FORMAT=image/png&STYLES=&LAYERS={{}}&EXCEPTIONS={errors}"));
        }
        all.push(format!("{wms}&REQUEST=GetMap&FORMAT=image/png&STYLES=,&LAYERS=parc_commune,{{}}"));
        all.push(format!("{wms}&REQUEST=GetMap&FORMAT=image/png&STYLES={{}}&LAYERS=parc_commune"));
        all.push(format!(
            "{wms}&REQUEST=GetFeatureInfo&FORMAT=image/png&STYLES=&LAYERS={{}}&QUERY_LAYERS={{}}&I=9&J=9&X=9&Y=9"
        ));
        all.push(format!("{wms}&REQUEST=GetFeatureInfo&FORMAT=image/png&STYLES=&LAYERS=parc_commune&QUERY_LAYERS={{}}&I=9&J=9&X=9&Y=9"));
        all.push(format!("{wms}&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER={{}}"));
        all.push(format!("{wms}&REQUEST=GetStyles&LAYERS={{}}"));
        all.push(format!("{wms}&REQUEST=DescribeLayer&LAYERS={{}}"));
    }
    let tile =
        "/wmts?SERVICE=WMTS&VERSION=1.0.0&STYLE=&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=9&TILEROW=172&TILECOL=260";
    all.push(format!("{tile}&REQUEST=GetTile&FORMAT=image/png&LAYER={{}}"));
    all.push(format!("{tile}&REQUEST=GetTile&FORMAT=application/vnd.mapbox-vector-tile&LAYER={{}}"));
    all.push(format!("{tile}&REQUEST=GetFeatureInfo&FORMAT=image/png&INFOFORMAT=text/html&I=9&J=9&LAYER={{}}"));
    all.push("/wmts/1.0.0/{}/default/WebMercatorQuad/9/172/260.png".to_owned());
    all
}

/// Bodies that name a layer, `{}`: (path, body).
const POSTED: [(&str, &str); 3] = [
    (
        "/wfs",
        r#"<wfs:GetFeature xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:seuil="urn:seuil:logement-social" service="WFS" version="2.0.0"><wfs:Query typeNames="seuil:{}"/></wfs:GetFeature>"#,
    ),
    (
        "/wfs",
        r#"<wfs:DescribeFeatureType xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:seuil="urn:seuil:logement-social" service="WFS" version="2.0.0"><wfs:TypeName>seuil:{}</wfs:TypeName></wfs:DescribeFeatureType>"#,
    ),
    (
        "/wfs",
        r#"<GetFeature xmlns="http://www.opengis.net/wfs" xmlns:seuil="urn:seuil:logement-social" service="WFS" version="1.1.0"><Query typeName="seuil:{}"/></GetFeature>"#,
    ),
];

/// Another name of the same length and shape, that no catalogue has.
fn invented(name: &str) -> String {
    let shift = |c: char| match c {
        'a'..='y' => char::from(c as u8 + 1),
        'z' => 'a',
        '0'..='8' => char::from(c as u8 + 1),
        '9' => '0',
        c => c,
    };
    name.chars().map(shift).collect()
}

/// An answer without what may differ: the name asked for, moments, entity tags (they hash the address).
fn bare(answer: &Answer, name: &str) -> String {
    let mut head: Vec<String> = answer
        .headers
        .iter()
        .filter(|(k, _)| !matches!(k.as_str(), "date" | "etag" | "ratelimit"))
        .map(|(k, v)| format!("{k}: {}", String::from_utf8_lossy(v.as_bytes())))
        .collect();
    head.sort();
    let body: String = answer.body.iter().map(|b| char::from(*b)).collect();
    let whole = format!("{} {}\n{}\n\n{body}", answer.status, answer.reason, head.join("\n"));
    without_moments(&whole.replace(name, "\u{2022}"))
}

/// Replaces moments like `2026-11-25T01:01:07.381Z`.
fn without_moments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("T") {
        let moment = at >= 10 && rest.is_char_boundary(at - 10) && {
            let date = &rest.as_bytes()[at - 10..at];
            date[4] == b'-' && date[7] == b'-' && date[..4].iter().all(u8::is_ascii_digit)
        };
        let end = rest[at..].find('Z').map(|z| at + z + 1).filter(|e| moment && e - at < 20);
        match end {
            Some(end) => {
                out.push_str(&rest[..at - 10]);
                out.push('\u{231a}');
                rest = &rest[end..];
            }
            None => {
                out.push_str(&rest[..at + 1]);
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

fn catalogue() -> Catalogue {
    load_embedded().expect("catalogue")
}

/// Asks again when a quota (`vue-seule` has one) says so: other tests use it up too.
fn ask(line: &mut Line<'_>, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    loop {
        let answer = line.ask(method, path, headers, body);
        match answer.status {
            429 => {
                std::thread::sleep(std::time::Duration::from_secs(answer.header("retry-after").parse().unwrap_or(1)))
            }
            _ => return answer,
        }
    }
}

fn get(line: &mut Line<'_>, path: &str) -> Answer {
    ask(line, "GET", path, &[], "")
}

/// What a convention sees, by its own word.
fn granted(line: &mut Line<'_>) -> BTreeSet<String> {
    let whoami = get(line, "/whoami?f=json").expect(200).json();
    whoami["layers"].as_array().expect("layers").iter().map(|l| l["id"].as_str().expect("id").to_owned()).collect()
}

/// Differences are gathered, so that one run shows them all.
struct Faults(Vec<String>, usize);

impl Faults {
    fn same(&mut self, what: &str, one: (&Answer, &str), other: (&Answer, &str)) {
        self.1 += 1;
        if one.0.status == 429 || one.0.status >= 500 {
            self.0.push(format!("{what}: status {}", one.0.status));
        }
        let drawn = |a: &Answer| match what.contains("INIMAGE") {
            // The name asked for is painted into the picture: its pixels differ, nothing else may.
            true => Answer { body: Vec::new(), headers: without_length(&a.headers), ..a.clone() },
            false => Answer { body: without_download(&a.picture()), headers: named_headers(a), ..a.clone() },
        };
        let (a, b) = (bare(&drawn(one.0), one.1), bare(&drawn(other.0), other.1));
        if a != b {
            let at = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
            let around = |t: &str| t.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
            self.0.push(format!(
                "{what}: statuses {} and {}\n  …{}\n  …{}",
                one.0.status,
                other.0.status,
                around(&a),
                around(&b)
            ));
        }
    }

    fn none(&self, least: usize) {
        assert!(self.1 >= least, "only {} comparisons", self.1);
        assert!(self.0.is_empty(), "{} of {} differ:\n{}", self.0.len(), self.1, self.0.join("\n"));
    }
}

/// All of the matrix in long tests; else of each convention the first layers that differ in theme, scale or vintage.
fn long() -> bool {
    std::env::var_os("SEUIL_LONG").is_some()
}

fn layers(portal: &'static Portal) {
    let catalogue = catalogue();
    let mut faults = Faults(Vec::new(), 0);
    for convention in CONVENTIONS {
        let client = portal.client(convention);
        let mut line = client.line();
        let granted = granted(&mut line);
        let hidden: Vec<&Layer> = catalogue.layers().iter().filter(|l| !granted.contains(&l.name)).collect();
        assert!(!hidden.is_empty() && !granted.is_empty(), "{convention}");
        let step = if long() { 1 } else { hidden.len().div_ceil(3) };
        for layer in hidden.iter().step_by(step) {
            let name = &layer.name;
            let other = invented(name);
            assert!(catalogue.layer(&other).is_none());
            for template in naming_a_layer() {
                let (one, two) =
                    (get(&mut line, &template.replace("{}", name)), get(&mut line, &template.replace("{}", &other)));
                faults.same(&format!("{convention} {}", template.replace("{}", name)), (&one, name), (&two, &other));
            }
            for (path, body) in POSTED {
                let mut post =
                    |n: &str| ask(&mut line, "POST", path, &[("content-type", "text/xml")], &body.replace("{}", n));
                let (one, two) = (post(name), post(&other));
                faults.same(&format!("{convention} POST {body}"), (&one, name), (&two, &other));
            }
        }
        // The comparison can fail: a layer that is granted does not look like one that is not there.
        if convention != "vue-seule" {
            let seen = get(&mut line, "/collections/parc_commune/items?f=json&limit=1").expect(200);
            let other = get(&mut line, &format!("/collections/{}/items?f=json&limit=1", invented("parc_commune")));
            assert_ne!(bare(&seen, "parc_commune"), bare(&other, &invented("parc_commune")));
        }
    }
    faults.none(500);
}

fn columns(portal: &'static Portal) {
    let templates: Vec<String> = [
        "/collections/parc_residence/items?f=json&properties={}", "/collections/parc_residence/items?f=json&{}=1",
        "/collections/parc_residence/items?f=json&sortby={}", "/collections/parc_residence/items?f=json&sortby=-{}",
        "/collections/parc_residence/items?f=json&filter={}%20IS%20NULL", "/collections/parc_residence/items?f=json&filter={}%3E5",
        "/collections/parc_residence/items?f=csv&properties={}",
        "/collections/parc_residence/items?f=json&query={}%3D1",
        "/collections/parc_residence/tiles/WebMercatorQuad/9/172/260?f=mvt&properties={}",
        "/collections/parc_residence/tiles/WebMercatorQuad/9/172/260?f=mvt&filter={}%20IS%20NULL",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("{WFS}&REQUEST=GetFeature&TYPENAMES=parc_residence&PROPERTYNAME={{}}"),
        format!("{WFS}&REQUEST=GetFeature&TYPENAMES=parc_residence&SORTBY={{}}"),
        format!("{WFS}&REQUEST=GetFeature&TYPENAMES=parc_residence&CQL_FILTER={{}}%20IS%20NULL"),
        format!("{WFS}&REQUEST=GetPropertyValue&TYPENAMES=parc_residence&VALUEREFERENCE={{}}"),
        format!("{WFS}&REQUEST=GetFeature&TYPENAMES=parc_residence&FILTER=%3CFilter%20xmlns=%22http://www.opengis.net/fes/2.0%22%3E%3CPropertyIsNull%3E%3CValueReference%3E{{}}%3C/ValueReference%3E%3C/PropertyIsNull%3E%3C/Filter%3E"),
        "/wfs?SERVICE=WFS&VERSION=1.1.0&REQUEST=GetFeature&TYPENAME=parc_residence&PROPERTYNAME={}".to_owned(),
        format!("{WMS13}&REQUEST=GetMap&FORMAT=image/png&STYLES=&LAYERS=parc_residence&CQL_FILTER={{}}%20IS%20NULL"),
        format!("{WMS13}&REQUEST=GetMap&FORMAT=image/png&STYLES=parc_commune_{{}}&LAYERS=parc_commune"),
        format!("{WMS13}&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER=parc_commune&STYLE=parc_commune_{{}}"),
        "/styles/parc_commune_{}?f=json".to_owned(),
        "/styles/parc_iris_{}?f=maplibre".to_owned(),
    ])
    .collect();
    let mut faults = Faults(Vec::new(), 0);
    for (convention, hidden) in [
        ("lille", vec!["siren_bailleur", "loyer_moy_m2", "loyer"]),
        ("lomme", vec!["siren_bailleur", "loyer_moy_m2", "loyer"]),
        ("bailleur", vec!["loyer_moy_m2", "loyer"]),
        ("vue-seule", vec!["siren_bailleur", "loyer_moy_m2", "loyer"]),
    ] {
        let client = portal.client(convention);
        let mut line = client.line();
        for name in hidden {
            let other = invented(name);
            for template in &templates {
                let (one, two) =
                    (get(&mut line, &template.replace("{}", name)), get(&mut line, &template.replace("{}", &other)));
                faults.same(&format!("{convention} {}", template.replace("{}", name)), (&one, name), (&two, &other));
            }
        }
    }
    faults.none(200);
    // The comparison can fail: where the column is granted, the answers differ.
    let mel = portal.client("mel");
    let seen = mel.get(&templates[0].replace("{}", "siren_bailleur")).expect(200);
    assert_ne!(seen.status, mel.get(&templates[0].replace("{}", "tjsfo_cbjmmfvs")).status);
}

fn rows(portal: &'static Portal) {
    let ids = |convention: &str, layer: &str| {
        let client = portal.client(convention);
        let all = client.get(&format!("/collections/{layer}/items?f=json&limit=10000")).expect(200).json();
        let id = |f: &serde_json::Value| f["id"].as_str().map(str::to_owned).unwrap_or_else(|| f["id"].to_string());
        all["features"].as_array().expect("features").iter().map(id).collect::<BTreeSet<String>>()
    };
    let mut faults = Faults(Vec::new(), 0);
    let client = portal.client("lomme");
    let mut line = client.line();
    for layer in ["parc_commune", "parc_iris", "parc_qpv", "parc_residence", "occupation_residence", "contour_iris"] {
        let (all, own) = (ids("mel", layer), ids("lomme", layer));
        let outside: Vec<&String> = all.difference(&own).take(5).collect();
        assert!(!outside.is_empty() && own.len() < all.len(), "{layer}");
        for id in outside {
            let other = invented(id);
            assert!(!all.contains(&other), "{layer} {other}");
            for template in [
                format!("/collections/{layer}/items/{{}}?f=json"),
                format!("/collections/{layer}/items/{{}}?f=html"),
                format!("/collections/{layer}/items?f=json&ids={{}}"),
                format!("/collections/{layer}/items?f=json&filter=id%3D'{{}}'"),
                format!("/collections/{layer}/items?f=csv&filter=id%3D'{{}}'"),
                format!("{WFS}&REQUEST=GetFeature&RESOURCEID={layer}.{{}}"),
                format!("{WFS}&REQUEST=GetFeature&TYPENAMES={layer}&CQL_FILTER=id%3D'{{}}'&RESULTTYPE=hits"),
                format!(
                    "{WFS}&REQUEST=GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID={layer}.{{}}"
                ),
                format!("{WMS13}&REQUEST=GetMap&FORMAT=image/png&STYLES=&LAYERS={layer}&CQL_FILTER=id%3D'{{}}'"),
            ] {
                let (one, two) =
                    (get(&mut line, &template.replace("{}", id)), get(&mut line, &template.replace("{}", &other)));
                let strip =
                    |a: &Answer| Answer { body: without_download(&a.body), headers: named_headers(a), ..a.clone() };
                faults.same(
                    &format!("lomme {}", template.replace("{}", id)),
                    (&strip(&one), id),
                    (&strip(&two), &other),
                );
            }
        }
    }
    faults.none(200);
}

/// Empty results are data and carry identifiers of downloads, each its own.
fn without_download(body: &[u8]) -> Vec<u8> {
    let text: String = body.iter().map(|b| char::from(*b)).collect();
    blank_downloads(&text).chars().map(|c| c as u8).collect()
}

fn blank_downloads(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut n = 0;
    while n < bytes.len() {
        let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        if n + 17 < bytes.len() && bytes[n..n + 16].iter().all(hex) && bytes[n + 16] == b'-' {
            n += 17;
            n += bytes[n..].iter().take_while(|b| b.is_ascii_digit()).count();
            out.push('#');
            continue;
        }
        let width = text[n..].chars().next().map_or(1, char::len_utf8);
        out.push_str(&text[n..n + width]);
        n += width;
    }
    out
}

fn without_length(headers: &http::HeaderMap) -> http::HeaderMap {
    let mut headers = headers.clone();
    headers.remove("content-length");
    headers
}

fn named_headers(answer: &Answer) -> http::HeaderMap {
    // Identifiers of downloads grow: one more digit is one more byte.
    let downloads = blank_downloads(&answer.text()) != answer.text();
    let mut headers = if downloads { without_length(&answer.headers) } else { answer.headers.clone() };
    if let Some(name) = headers.get_mut("content-disposition") {
        *name = blank_downloads(name.to_str().expect("text")).parse().expect("header");
    }
    headers
}

fn documents(portal: &'static Portal) {
    let catalogue = catalogue();
    let sensitive: BTreeSet<(&str, &str)> = catalogue
        .layers()
        .iter()
        .flat_map(|l| &l.fields)
        .filter_map(|f| Some((f.name.as_str(), serde_json::to_value(f.sensitive?).ok()?)))
        .map(|(name, kind)| (name, if kind == "loyer" { "loyer" } else { "siren_bailleur" }))
        .collect();
    assert!(sensitive.len() >= 2);
    let mut faults = Vec::new();
    let mut read = 0;
    for (convention, columns) in [
        ("bailleur", &["siren_bailleur"][..]),
        ("departement-59", &[]),
        ("urh", &[]),
        ("action-logement", &[]),
        ("vue-seule", &[]),
        ("lille", &[]),
        ("lomme", &[]),
    ] {
        let client = portal.client(convention);
        let mut line = client.line();
        let granted = granted(&mut line);
        let mut hidden: Vec<String> =
            catalogue.layers().iter().map(|l| l.name.clone()).filter(|n| !granted.contains(n)).collect();
        hidden.extend(sensitive.iter().filter(|s| !columns.contains(&s.1)).map(|s| s.0.to_owned()));
        let mut paths: Vec<String> = [
            "/",
            "/?f=html",
            "/?f=json",
            "/collections?f=json",
            "/collections?f=html",
            "/api?f=json",
            "/api?f=html",
            "/conformance?f=json",
            "/styles?f=json",
            "/styles?f=html",
            "/tiles?f=json",
            "/tiles/WebMercatorQuad?f=json",
            "/tiles/WebMercatorQuad?f=tilejson",
            "/whoami?f=html",
            "/portail",
            "/qgis",
            "/qgis/connexions.xml",
            "/qgis/seuil.qlr",
            "/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0",
            "/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1",
            "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
            "/wfs?SERVICE=WFS&REQUEST=ListStoredQueries&VERSION=2.0.0",
            "/wfs?SERVICE=WFS&REQUEST=DescribeStoredQueries&VERSION=2.0.0",
        ]
        .map(str::to_owned)
        .to_vec();
        for version in ["2.0.0", "1.1.0", "1.0.0"] {
            paths.push(format!("/wfs?SERVICE=WFS&REQUEST=GetCapabilities&VERSION={version}&ACCEPTVERSIONS={version}"));
            paths.push(format!("/wfs?SERVICE=WFS&REQUEST=DescribeFeatureType&VERSION={version}"));
        }
        for layer in &granted {
            for path in ["", "/queryables", "/schema", "/styles", "/tiles", "/tiles/WebMercatorQuad"] {
                paths.push(format!("/collections/{layer}{path}?f=json"));
            }
            paths.push(format!("/styles/{layer}?f=maplibre"));
            paths.push(format!("/styles/{layer}?f=sld"));
            paths.push(format!("{WMS13}&REQUEST=GetStyles&LAYERS={layer}"));
            paths.push(format!("/collections/{layer}/items?f=csv&limit=1"));
        }
        for path in paths {
            let answer = get(&mut line, &path);
            read += usize::from(answer.status == 200);
            let text = answer.text();
            for name in hidden.iter().filter(|n| holds(&text, n)) {
                faults.push(format!("{convention} {path}: {name}"));
            }
        }
        // Names of styles that stand on a column: `parc_commune_loyer`.
        let styles = get(&mut line, "/styles?f=json").text();
        if columns.is_empty() && styles.contains("_loyer") {
            faults.push(format!("{convention}: a style by rent is listed"));
        }
    }
    assert!(read > 300, "only {read} documents");
    assert!(faults.is_empty(), "{} names:\n{}", faults.len(), faults.join("\n"));
}

/// Whether a text holds a name as a word of its own.
fn holds(text: &str, name: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(name)
        .any(|(at, _)| !word(text[..at].chars().next_back()) && !word(text[at + name.len()..].chars().next()))
}

/// Welch's t of two samples of times.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |x: &[f64]| {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let ((ma, va), (mb, vb)) = (moments(a), moments(b));
    (ma - mb) / (va + vb).sqrt()
}

/// Without the slowest twentieth of all times: another process's turn says nothing.
fn calm(times: &mut [Vec<f64>; 2]) {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let most = all[all.len() * 95 / 100];
    times.iter_mut().for_each(|t| t.retain(|x| *x <= most));
}

fn timing(portal: &'static Portal) {
    let pairs = if long() { 2000 } else { 300 };
    let client = portal.client("urh");
    let mut line = client.line();
    let mut say = Vec::new();
    for template in [
        "/collections/{}/items?f=json".to_owned(),
        format!("{WFS}&REQUEST=GetFeature&TYPENAMES={{}}"),
        format!("{WMS13}&REQUEST=GetMap&FORMAT=image/png&STYLES=&LAYERS={{}}"),
        "/collections/{}/tiles/WebMercatorQuad/9/172/260?f=mvt".to_owned(),
    ] {
        let paths = ["parc_residence", "qbsd_sftjefodf"].map(|n| template.replace("{}", n));
        // A busy machine may disturb one run; a leak shows in each.
        let t = (0..3)
            .map(|_| {
                let mut times = [Vec::new(), Vec::new()];
                for pair in 0..pairs {
                    for side in [pair % 2, 1 - pair % 2] {
                        let begun = std::time::Instant::now();
                        let answer = line.get(&paths[side]);
                        times[side].push(begun.elapsed().as_secs_f64());
                        assert!(answer.status >= 400 || answer.text().contains("Exception"), "{}", answer.text());
                    }
                }
                calm(&mut times);
                welch(&times[0], &times[1])
            })
            .min_by(|a, b| a.abs().total_cmp(&b.abs()))
            .expect("runs");
        say.push(format!("t = {t:.2} over {pairs} pairs: {template}"));
        assert!(t.abs() < 4.5, "{}", say.join("\n"));
    }
    println!("{}", say.join("\n"));
}
