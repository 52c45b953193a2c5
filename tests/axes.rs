//! Axis order: every spelling of a CRS, every CRS, every version of WFS, read (BBOX, literal) and written.
//!
//! The rules stand here once more, apart from those of `geo::crs`: `urn:` and `http://www.opengis.net/def/crs/` in the
//! order of the authority, `epsg.xml#n` and `EPSG:n` east/north, WFS 1.0 always east/north.

use crate::Case;
use crate::client::Line;
use crate::portal::Portal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

pub const CASES: &[Case] = &[("every_spelling_in_every_version_keeps_its_axis_order", spellings)];

/// EPSG code (0: CRS84), a point of Lille, east and north, and how far the metropolis may lie from it. `cs2cs`:
/// echo 704340 7059700 | cs2cs EPSG:2154 +to EPSG:n
const SYSTEMS: [(u32, [f64; 2], f64); 7] = [
    (2154, [704_340.0, 7_059_700.0], 40_000.0),
    (3950, [1_704_332.6, 9_270_548.6], 40_000.0),
    (4171, [3.061_240_6, 50.634_254_3], 0.6),
    (4258, [3.061_240_6, 50.634_254_3], 0.6),
    (4326, [3.061_240_6, 50.634_254_3], 0.6),
    (3857, [340_775.7, 6_556_850.8], 70_000.0),
    (0, [3.061_240_6, 50.634_254_3], 0.6),
];

/// Spellings, and whether they mean the order of the authority; `{}` is the code.
const OF_EPSG: [(&str, bool); 5] = [
    ("urn:ogc:def:crs:EPSG::{}", true),
    ("urn:x-ogc:def:crs:EPSG:6.9:{}", true),
    ("http://www.opengis.net/def/crs/EPSG/0/{}", true),
    ("http://www.opengis.net/gml/srs/epsg.xml#{}", false),
    ("EPSG:{}", false),
];

/// CRS84 is longitude first by its own definition.
const OF_CRS84: [(&str, bool); 3] = [
    ("urn:ogc:def:crs:OGC:1.3:CRS84", true),
    ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", true),
    ("CRS:84", false),
];

const VERSIONS: [&str; 3] = ["2.0.0", "1.1.0", "1.0.0"];

const LAYER: &str = "contour_commune";

/// One cell of the table.
struct Cell<'a> {
    version: &'a str,
    name: &'a str,
    /// True: latitude comes first.
    turned: bool,
}

impl Cell<'_> {
    fn pair(&self, [e, n]: [f64; 2]) -> [f64; 2] {
        if self.turned { [n, e] } else { [e, n] }
    }

    /// Features that a parameter chooses, in the CRS of the cell.
    fn ask(&self, line: &mut Line, predicate: &str, value: &str) -> (u16, String) {
        let types = if self.version == "2.0.0" { "TYPENAMES" } else { "TYPENAME" };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let answer = line.get(&format!(
            "/wfs?SERVICE=WFS&VERSION={}&REQUEST=GetFeature&{types}={LAYER}&SRSNAME={}&{predicate}={}",
            self.version,
            encoded(self.name),
            encoded(value)
        ));
        (answer.status, answer.text())
    }

    fn bbox(&self, low: [f64; 2], high: [f64; 2]) -> String {
        let ([a, b], [c, d]) = (self.pair(low), self.pair(high));
        format!("{a},{b},{c},{d},{}", self.name)
    }

    /// `Intersects` with a small square, in the filter language of the version.
    fn literal(&self, [w, s]: [f64; 2], [e, n]: [f64; 2]) -> String {
        let comma = if self.version == "1.0.0" { "," } else { " " };
        let ring = [[w, s], [e, s], [e, n], [w, n], [w, s]].map(|p| {
            let [a, b] = self.pair(p);
            format!("{a}{comma}{b}")
        });
        let (fes, gml, property, boundary, list) = match self.version {
            "2.0.0" => ("fes/2.0", "gml/3.2", "ValueReference", "exterior", "posList"),
            "1.1.0" => ("ogc", "gml", "PropertyName", "exterior", "posList"),
            _ => ("ogc", "gml", "PropertyName", "outerBoundaryIs", "coordinates"),
        };
        format!(
            "<f:Filter xmlns:f=\"http://www.opengis.net/{fes}\" xmlns:gml=\"http://www.opengis.net/{gml}\"><f:Intersects>\
             <f:{property}>geom</f:{property}><gml:Polygon srsName=\"{}\"><gml:{boundary}><gml:LinearRing><gml:{list}>{}\
             </gml:{list}></gml:LinearRing></gml:{boundary}></gml:Polygon></f:Intersects></f:Filter>",
            self.name,
            ring.join(" ")
        )
    }
}

/// Identifiers of the features of a collection, in its order; none when the answer is an exception.
fn ids(text: &str) -> Vec<String> {
    let named = text.split([' ', '<']).filter_map(|t| t.strip_prefix("gml:id=\"").or(t.strip_prefix("fid=\"")));
    let ids = named.filter_map(|t| t.split('"').next()).filter(|t| t.starts_with(LAYER));
    // Geometry has an id too, derived from that of its feature.
    ids.filter(|t| t.matches('.').count() == 1).map(str::to_owned).collect()
}

/// The first position of the first geometry.
fn first_position(text: &str) -> Option<[f64; 2]> {
    let lists = ["<gml:posList", "<gml:coordinates"];
    let at = lists.iter().filter_map(|l| text.find(l)).min()?;
    let list = text[at..].split_once('>')?.1.split('<').next()?;
    let mut numbers = list.split([' ', ',']).map(str::parse::<f64>);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// A corner of the first commune, east and north, in a CRS: GeoJSON knows no other order.
fn corner(line: &mut Line, epsg: u32) -> [f64; 2] {
    let name = if epsg == 0 { "CRS:84".to_owned() } else { format!("EPSG:{epsg}") };
    let path = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&COUNT=1&OUTPUTFORMAT=json&TYPENAMES=";
    let json = line.get(&format!("{path}{LAYER}&SRSNAME={name}")).expect(200).json();
    let mut value = &json["features"][0]["geometry"]["coordinates"];
    while value[0].is_array() {
        value = &value[0];
    }
    [value[0].as_f64().expect("east"), value[1].as_f64().expect("north")]
}

fn spellings(portal: &'static Portal) {
    let client = portal.client("mel");
    let mut line = client.line();
    let (mut cells, mut wrong) = (0, String::new());
    for (epsg, lille, extent) in SYSTEMS {
        let at = corner(&mut line, epsg);
        let near = |p: [f64; 2]| (p[0] - lille[0]).abs() < extent && (p[1] - lille[1]).abs() < extent;
        assert!(near(at), "{epsg}: {at:?}");
        // About 20 metres round a corner: the communes that meet there.
        let half = if (lille[0]) < 100.0 { 2e-4 } else { 20.0 };
        let (low, high) = ([at[0] - half, at[1] - half], [at[0] + half, at[1] + half]);
        let spelled = if epsg == 0 { &OF_CRS84[..] } else { &OF_EPSG[..] };
        for (form, authority) in spelled {
            let name = form.replace("{}", &epsg.to_string());
            for version in VERSIONS {
                let latitude_first = matches!(epsg, 4171 | 4258 | 4326);
                let turned = latitude_first && *authority && version != "1.0.0";
                let cell = Cell { version, name: &name, turned };
                let swapped = Cell { turned: !turned, ..cell };
                let mut check = |what: &str, right: bool, text: &str| {
                    if !right {
                        writeln!(wrong, "{name} in {version}: {what}: {text:.300}").expect("text");
                    }
                };
                let (status, text) = cell.ask(&mut line, "BBOX", &cell.bbox(low, high));
                let found = ids(&text);
                check("BBOX finds", status == 200 && !found.is_empty(), &text);
                let written = first_position(&text).map(|p| cell.pair(p));
                check("written", written.is_some_and(near), &text);
                check("names its CRS", text.contains(&format!("srsName=\"{name}\"")), &text);
                let (_, text) = cell.ask(&mut line, "BBOX", &swapped.bbox(low, high));
                check("BBOX in the other order finds", ids(&text).is_empty(), &text);
                let (_, text) = cell.ask(&mut line, "FILTER", &cell.literal(low, high));
                check("literal finds what BBOX finds", ids(&text) == found, &text);
                let (_, text) = cell.ask(&mut line, "FILTER", &swapped.literal(low, high));
                check("literal in the other order finds", ids(&text).is_empty(), &text);
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 99);
    assert!(wrong.is_empty(), "{wrong}");
}
