//! A broad set of requests to every protocol, made from the catalogue and from the places of withheld residences.

use seuil::catalogue::{Catalogue, FieldKind, Layer};

/// A withheld residence whose content the twins do not share.
#[derive(Debug, Clone)]
pub struct Spot {
    pub id: String,
    pub objectid: String,
    /// Longitude, latitude.
    pub at: (f64, f64),
    /// Easting and northing, EPSG:2154.
    pub lambert: (f64, f64),
    pub iris: String,
    pub commune: String,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: String,
}

fn get(path: impl Into<String>) -> Ask {
    Ask { method: "GET", path: path.into(), headers: Vec::new(), body: String::new() }
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

const WFS: &str = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=";

/// Tile row and column that hold a place.
fn tile(at: (f64, f64), z: u32) -> (u32, u32) {
    let n = f64::from(1u32 << z);
    let (lon, lat) = (at.0, at.1.to_radians());
    let x = (lon + 180.0) / 360.0 * n;
    let y = (1.0 - (lat.tan() + 1.0 / lat.cos()).ln() / std::f64::consts::PI) / 2.0 * n;
    (y as u32, x as u32)
}

/// All requests; `spots` are the places to look at closely.
pub fn all(catalogue: &Catalogue, spots: &[Spot]) -> Vec<Ask> {
    let mut asks: Vec<Ask> = documents().into_iter().map(get).collect();
    for layer in catalogue.layers() {
        asks.extend(about(layer).into_iter().map(get));
        asks.extend(rows(layer));
        asks.extend(pictures(layer, spots).into_iter().map(get));
    }
    for spot in spots {
        asks.extend(near(catalogue, spot));
    }
    for layer in ["parc_residence", "parc_iris", "occupation_residence", "attributions_commune"] {
        if let Some(layer) = catalogue.layer(layer) {
            asks.extend(filters(layer, &spots[0]));
        }
    }
    // Errors, with what is withheld in them.
    let s = &spots[0];
    asks.extend(
        [
            format!("/collections/parc_residence/items/{}x?f=json", s.id),
            "/collections/parc_residence/items?f=json&filter=nb_logements%20%3C".to_owned(),
            "/collections/parc_residence/items?f=json&nb_logements=abc".to_owned(),
            "/collections/parc_residence/items?f=json&sortby=rien".to_owned(),
            "/collections/parc_residence/items?f=json&limit=0".to_owned(),
            "/collections/parc_residence/items?f=rien".to_owned(),
            format!("{WFS}GetFeature&RESOURCEID=parc_residence.{}.1", s.id),
            format!("{WFS}GetFeature&TYPENAMES=parc_residence&CQL_FILTER=nb_logements%20IN"),
            format!("{WFS}GetPropertyValue&TYPENAMES=parc_residence&VALUEREFERENCE=rien"),
            "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_residence&STYLES=rien".to_owned(),
            "/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=parc_residence".to_owned(),
            "/collections/parc_residence/tiles/WebMercatorQuad/30/1/1?f=mvt".to_owned(),
        ]
        .map(get),
    );
    asks
}

fn documents() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/?f=html",
        "/?f=json",
        "/collections?f=json",
        "/collections?f=html",
        "/api?f=json",
        "/conformance?f=json",
        "/styles?f=json",
        "/styles?f=html",
        "/tiles?f=json",
        "/tiles/WebMercatorQuad?f=json",
        "/tiles/WebMercatorQuad?f=tilejson",
        "/tileMatrixSets?f=json",
        "/whoami?f=json",
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
    paths
}

fn about(layer: &Layer) -> Vec<String> {
    let name = &layer.name;
    let mut paths: Vec<String> = [
        "?f=json",
        "?f=html",
        "/queryables?f=json",
        "/sortables?f=json",
        "/schema?f=json",
        "/schema?f=html",
        "/styles?f=json",
        "/tiles?f=json",
        "/tiles/WebMercatorQuad?f=json",
        "/tiles/WebMercatorQuad?f=tilejson",
        "/map?f=png",
        "/metadata",
        "?f=iso19139",
    ]
    .iter()
    .map(|rest| format!("/collections/{name}{rest}"))
    .collect();
    for style in &layer.styles {
        for rest in ["?f=json", "?f=maplibre", "?f=sld", "/metadata", "/legend"] {
            paths.push(format!("/styles/{style}{rest}"));
        }
        for format in ["image/png", "application/json", "image/svg%2Bxml"] {
            paths.push(format!(
                "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&FORMAT={format}&LAYER={name}&STYLE={style}"
            ));
        }
    }
    paths.push(format!("/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetStyles&LAYERS={name}"));
    paths
}

/// Rows in every format; hits; sorts and pages; one property.
fn rows(layer: &Layer) -> Vec<Ask> {
    let name = &layer.name;
    let mut paths: Vec<String> =
        ["json", "csv", "html"].iter().map(|f| format!("/collections/{name}/items?f={f}&limit=1000")).collect();
    for version in ["2.0.0", "1.1.0", "1.0.0"] {
        paths.push(format!("/wfs?SERVICE=WFS&VERSION={version}&REQUEST=GetFeature&TYPENAMES={name}&TYPENAME={name}"));
        paths.push(format!(
            "/wfs?SERVICE=WFS&VERSION={version}&REQUEST=GetFeature&RESULTTYPE=hits&TYPENAMES={name}&TYPENAME={name}"
        ));
    }
    // Sorted by what is withheld: first page, another, last ones; and hits of each comparison with NULL.
    let measures = layer.fields.iter().filter(|f| matches!(f.kind, FieldKind::Int | FieldKind::Double));
    for (n, field) in measures.filter(|f| f.nullable).enumerate() {
        let field = &field.name;
        match n % 4 {
            0 => paths.push(format!("/collections/{name}/items?f=json&sortby={field}&limit=40&properties={field}")),
            1 => paths.push(format!("/collections/{name}/items?f=csv&sortby=-{field}&limit=40&offset=20")),
            2 => paths.push(format!(
                "{WFS}GetFeature&TYPENAMES={name}&SORTBY={field}&COUNT=20&STARTINDEX=10&PROPERTYNAME={field}"
            )),
            _ => paths.push(format!("{WFS}GetPropertyValue&TYPENAMES={name}&VALUEREFERENCE={field}&COUNT=2000")),
        }
    }
    let mut asks: Vec<Ask> = paths.into_iter().map(get).collect();
    let mut packed = get(format!("/collections/{name}/items?f=json&limit=1000"));
    packed.headers.push(("accept-encoding", "gzip"));
    let mut english = get(format!("/collections/{name}/items?f=html&limit=5"));
    english.headers.push(("accept-language", "en"));
    let mut head = get(format!("/collections/{name}/items?f=json&limit=1000"));
    head.method = "HEAD";
    asks.extend([packed, english, head]);
    asks
}

/// Every operator on every withheld field of a layer.
fn filters(layer: &Layer, spot: &Spot) -> Vec<Ask> {
    let name = &layer.name;
    let mut asks = Vec::new();
    for field in layer.fields.iter().filter(|f| f.nullable) {
        let f = &field.name;
        let (low, high) = match field.kind {
            FieldKind::Text => ("'a'", "'z'"),
            FieldKind::DateTime => ("TIMESTAMP('2019-01-01T00:00:00Z')", "TIMESTAMP('2025-01-01T00:00:00Z')"),
            _ => ("3", "8"),
        };
        let mut conditions = vec![
            format!("{f} IS NULL"),
            format!("{f} IS NOT NULL AND statut = 'secret'"),
            format!("{f} = {low}"),
            format!("NOT ({f} <> {low})"),
            format!("{f} < {high}"),
            format!("{f} >= {low} OR id = '{}'", spot.id),
        ];
        if field.kind == FieldKind::Text {
            conditions.push(format!("{f} LIKE '%e%'"));
        } else {
            conditions.push(format!("{f} BETWEEN {low} AND {high}"));
        }
        for (n, condition) in conditions.iter().enumerate() {
            let condition = encode(condition);
            asks.push(get(match n % 3 {
                0 => format!("/collections/{name}/items?f=json&limit=1&filter-lang=cql2-text&filter={condition}"),
                1 => format!("{WFS}GetFeature&TYPENAMES={name}&RESULTTYPE=hits&CQL_FILTER={condition}"),
                _ => format!("/collections/{name}/items?f=csv&limit=5&filter-lang=cql2-text&filter={condition}"),
            }));
        }
        let fes = format!(
            "<wfs:GetFeature xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" xmlns:fes=\"http://www.opengis.net/fes/2.0\" \
             service=\"WFS\" version=\"2.0.0\" resultType=\"hits\"><wfs:Query typeNames=\"{name}\"><fes:Filter>\
             <fes:PropertyIsNull><fes:ValueReference>{f}</fes:ValueReference></fes:PropertyIsNull></fes:Filter></wfs:Query></wfs:GetFeature>"
        );
        asks.push(Ask {
            method: "POST",
            path: "/wfs".to_owned(),
            headers: vec![("content-type", "application/xml")],
            body: fes,
        });
    }
    asks
}

/// Maps in every style at several scales, as WMS draws them.
fn pictures(layer: &Layer, spots: &[Spot]) -> Vec<String> {
    let (name, mut paths) = (&layer.name, Vec::new());
    for style in &layer.styles {
        for (n, half) in [20_000.0, 3_000.0, 400.0].into_iter().enumerate() {
            let (x, y) = spots[n % spots.len()].lambert;
            paths.push(format!(
                "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS={name}&STYLES={style}&CRS=EPSG:2154&\
                 BBOX={},{},{},{}&WIDTH=300&HEIGHT=300&FORMAT=image/png&TRANSPARENT=TRUE",
                x - half,
                y - half,
                x + half,
                y + half
            ));
        }
    }
    paths
}

/// All that can be asked about one place.
fn near(catalogue: &Catalogue, spot: &Spot) -> Vec<Ask> {
    let mut paths = Vec::new();
    let ((lon, lat), d) = (spot.at, 0.0005);
    let boxed = format!("{},{},{},{}", lon - d, lat - d, lon + d, lat + d);
    for layer in catalogue.layers().iter().filter(|l| l.name.contains("residence") || l.name.ends_with("iris")) {
        let name = &layer.name;
        paths.push(format!("/collections/{name}/items?f=json&bbox={boxed}"));
        paths.push(format!("/collections/{name}/items?f=csv&bbox={boxed}"));
        paths.push(format!(
            "{WFS}GetFeature&TYPENAMES={name}&BBOX={},{},{},{},urn:ogc:def:crs:EPSG::4326",
            lat - d,
            lon - d,
            lat + d,
            lon + d
        ));
        for format in ["application/json", "text/html", "text/plain", "application/vnd.ogc.gml"] {
            paths.push(format!(
                "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS={name}&QUERY_LAYERS={name}&STYLES=&CRS=CRS:84&\
                 BBOX={boxed}&WIDTH=101&HEIGHT=101&FORMAT=image/png&I=50&J=50&INFO_FORMAT={format}&FEATURE_COUNT=50"
            ));
        }
    }
    for name in ["parc_residence", "occupation_residence", "attributions_residence", "environnement_residence"] {
        let id = &spot.id;
        paths.push(format!("/collections/{name}/items/{id}?f=json"));
        paths.push(format!("/collections/{name}/items/{id}?f=html"));
        paths.push(format!("{WFS}GetFeature&RESOURCEID={name}.{id}"));
        paths.push(format!("{WFS}GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID={name}.{id}"));
        paths.push(format!("/collections/{name}/items?f=json&filter=code_iris%3D'{}'", spot.iris));
        paths.push(format!("/collections/{name}_evolution/items?f=json&filter=id%3D'{id}'"));
        paths.push(format!("/collections/{name}/items?f=json&objectid={}", spot.objectid));
        for z in 8..=18 {
            let (row, column) = tile(spot.at, z);
            paths.push(format!("/collections/{name}/tiles/WebMercatorQuad/{z}/{row}/{column}?f=mvt"));
            if z % 2 == 0 {
                paths.push(format!("/collections/{name}/map/tiles/WebMercatorQuad/{z}/{row}/{column}"));
                paths.push(format!(
                    "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={name}&STYLE={name}&FORMAT=image/png&\
                     TILEMATRIXSET=WebMercatorQuad&TILEMATRIX={z}&TILEROW={row}&TILECOL={column}"
                ));
            }
        }
    }
    for z in 8..=18 {
        let (row, column) = tile(spot.at, z);
        paths.push(format!(
            "/tiles/WebMercatorQuad/{z}/{row}/{column}?collections=parc_residence,parc_iris,occupation_iris"
        ));
    }
    paths.push(format!("/collections/parc_commune/items/{}?f=json", spot.commune));
    paths.into_iter().map(get).collect()
}
