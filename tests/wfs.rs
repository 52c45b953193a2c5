//! WFS through TLS.

use crate::Case;
use crate::client::Client;
use crate::portal::{self, Portal};
use seuil::server::{self, Views};

pub const CASES: &[Case] = &[
    ("capabilities_name_every_layer", capabilities),
    ("gml_and_geojson_hold_the_same_features", formats),
    ("axis_order_follows_the_spelling", axis_order),
    ("paging_by_startindex", paging),
    ("resource_id_and_get_feature_by_id", by_id),
    ("filters", filters),
    ("post", post),
    ("exceptions", exceptions),
    ("metadata_records_are_those_of_the_convention", metadata),
    ("texts_come_in_the_language_that_is_asked_for", languages),
    ("fees_and_constraints_are_those_of_the_convention", terms),
    ("inspire_download_hands_out_every_data_set", inspire),
    ("shapefiles_and_workbooks_hold_the_same_features", files),
];

const BASE: &str = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=";

fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text.find(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no attribute {name} in {text:.600}"));
    text[at + name.len() + 3..].split('"').next().unwrap_or_default()
}

fn capabilities(portal: &'static Portal) {
    let text = portal.client("mel").get(&format!("{BASE}GetCapabilities")).expect(200).text();
    for layer in ["parc_commune", "parc_residence", "occupation_qpv", "attributions_iris", "environnement_residence"] {
        assert!(text.contains(&format!("seuil:{layer}<")), "{layer}");
    }
    assert!(text.contains("urn:ogc:def:crs:EPSG::2154"));
}

fn formats(portal: &'static Portal) {
    let client = portal.client("mel");
    let gml = client.get(&format!("{BASE}GetFeature&TYPENAMES=seuil:parc_commune")).expect(200).text();
    let json = client
        .get(&format!("{BASE}GetFeature&TYPENAMES=seuil:parc_commune&OUTPUTFORMAT=application/geo%2Bjson"))
        .expect(200)
        .json();
    let features = json["features"].as_array().expect("features");
    assert_eq!(attribute(&gml, "numberReturned"), features.len().to_string());
    let mut at = 0;
    for feature in features {
        // ArcGIS finds the axis order by comparing first features: both formats keep one order.
        let id = feature["id"].as_str().expect("id").rsplit('.').next().expect("id").to_owned();
        let next = gml[at..].find(&format!("gml:id=\"parc_commune.{id}\"")).unwrap_or_else(|| panic!("{id}"));
        at += next + 1;
    }
}

fn first_position(text: &str) -> (f64, f64) {
    let at = text.find("<gml:posList").expect("posList");
    let list = text[at..].split_once('>').expect(">").1;
    let mut numbers = list.split_whitespace().map(|n| n.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<f64>());
    (numbers.next().expect("x").expect("number"), numbers.next().expect("y").expect("number"))
}

fn axis_order(portal: &'static Portal) {
    let client = portal.client("mel");
    let first = |srs: &str| {
        let path = format!("{BASE}GetFeature&TYPENAMES=seuil:contour_commune&COUNT=1&SRSNAME={srs}");
        first_position(&client.get(&path).expect(200).text())
    };
    let (a, b) = first("urn:ogc:def:crs:EPSG::4326");
    assert!((50.0..51.5).contains(&a) && (2.0..4.0).contains(&b), "{a} {b}");
    let (a, b) = first("EPSG:4326");
    assert!((2.0..4.0).contains(&a) && (50.0..51.5).contains(&b), "{a} {b}");
    let (a, b) = first("urn:ogc:def:crs:EPSG::2154");
    assert!((680_000.0..725_000.0).contains(&a) && (7_040_000.0..7_080_000.0).contains(&b), "{a} {b}");
    let (a, b) = first("EPSG:3950");
    assert!(a > 1_000_000.0 && b > 8_000_000.0, "{a} {b}");
}

fn paging(portal: &'static Portal) {
    let client = portal.client("mel");
    let mut seen = std::collections::BTreeSet::new();
    let mut start = 0;
    loop {
        let path = format!(
            "{BASE}GetFeature&TYPENAMES=seuil:contour_iris&COUNT=50&STARTINDEX={start}&OUTPUTFORMAT=application/geo%2Bjson"
        );
        let page = client.get(&path).expect(200).json();
        let features = page["features"].as_array().expect("features");
        for f in features {
            assert!(seen.insert(f["id"].as_str().expect("id").to_owned()), "twice");
        }
        if features.len() < 50 {
            assert_eq!(page["numberMatched"].as_u64(), Some(seen.len() as u64));
            break;
        }
        start += 50;
    }
}

fn by_id(portal: &'static Portal) {
    let client = portal.client("mel");
    let text = client.get(&format!("{BASE}GetFeature&RESOURCEID=parc_commune.59350")).expect(200).text();
    assert_eq!(attribute(&text, "numberReturned"), "1");
    let stored = client
        .get(&format!(
            "{BASE}GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID=parc_commune.59350"
        ))
        .expect(200)
        .text();
    assert!(stored.contains("gml:id=\"parc_commune.59350\"") && !stored.contains("FeatureCollection"), "{stored:.300}");
}

fn hits(portal: &Portal, layer: &str, filter: &str) -> u64 {
    let encoded = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    let path = format!("{BASE}GetFeature&TYPENAMES=seuil:{layer}&RESULTTYPE=hits&FILTER={encoded}");
    let text = portal.client("mel").get(&path).expect(200).text();
    attribute(&text, "numberMatched").parse().expect("number")
}

fn filters(portal: &'static Portal) {
    let all = hits(
        portal,
        "parc_iris",
        "<fes:Filter xmlns:fes=\"http://www.opengis.net/fes/2.0\"><fes:Not><fes:PropertyIsNull><fes:ValueReference>id</fes:ValueReference></fes:PropertyIsNull></fes:Not></fes:Filter>",
    );
    let published = hits(
        portal,
        "parc_iris",
        "<fes:Filter xmlns:fes=\"http://www.opengis.net/fes/2.0\"><fes:PropertyIsEqualTo><fes:ValueReference>seuil:statut</fes:ValueReference><fes:Literal>diffuse</fes:Literal></fes:PropertyIsEqualTo></fes:Filter>",
    );
    let valued = hits(
        portal,
        "parc_iris",
        "<fes:Filter xmlns:fes=\"http://www.opengis.net/fes/2.0\"><fes:PropertyIsGreaterThanOrEqualTo><fes:ValueReference>nb_logements</fes:ValueReference><fes:Literal>11</fes:Literal></fes:PropertyIsGreaterThanOrEqualTo></fes:Filter>",
    );
    assert!(0 < published && published < all, "{published} of {all}");
    assert_eq!(published, valued, "what is published is at or over the threshold, and nothing else has a value");
    let boxed = hits(
        portal,
        "parc_residence",
        "<fes:Filter xmlns:fes=\"http://www.opengis.net/fes/2.0\" xmlns:gml=\"http://www.opengis.net/gml/3.2\"><fes:BBOX><fes:ValueReference>geom</fes:ValueReference><gml:Envelope srsName=\"urn:ogc:def:crs:EPSG::2154\"><gml:lowerCorner>695000 7050000</gml:lowerCorner><gml:upperCorner>705000 7060000</gml:upperCorner></gml:Envelope></fes:BBOX></fes:Filter>",
    );
    assert!(boxed > 0);
}

fn post(portal: &'static Portal) {
    let body = "<?xml version=\"1.0\"?><wfs:GetFeature service=\"WFS\" version=\"2.0.0\" count=\"2\" xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" xmlns:seuil=\"urn:seuil:logement-social\"><wfs:Query typeNames=\"seuil:parc_commune\"/></wfs:GetFeature>";
    let text = portal.client("mel").post("/wfs", "application/xml", body).expect(200).text();
    assert_eq!(attribute(&text, "numberReturned"), "2");
}

fn exceptions(portal: &'static Portal) {
    let client = portal.client("mel");
    for (query, code) in [
        ("GetFeature&TYPENAMES=seuil:nothing", "InvalidParameterValue"),
        ("GetFeature", "MissingParameterValue"),
        ("GetNothing", "OperationNotSupported"),
        ("GetFeature&TYPENAMES=seuil:parc_commune&COUNT=-1", "InvalidParameterValue"),
        ("GetFeature&TYPENAMES=seuil:parc_commune&OUTPUTFORMAT=nothing", "InvalidParameterValue"),
        ("GetFeature&TYPENAMES=seuil:parc_commune&SRSNAME=EPSG:1", "InvalidParameterValue"),
    ] {
        let answer = client.get(&format!("{BASE}{query}"));
        assert!((400..500).contains(&answer.status) || answer.status == 501, "{query}: {}", answer.status);
        assert!(answer.text().contains(&format!("exceptionCode=\"{code}\"")), "{query}: {}", answer.text());
    }
}

fn metadata(portal: &'static Portal) {
    let capabilities = ["/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "/wms?SERVICE=WMS&REQUEST=GetCapabilities"];
    for convention in ["mel", "bailleur"] {
        let client = portal.client(convention);
        for path in capabilities {
            let text = client.get(path).expect(200).text();
            let mut named = 0;
            for (at, _) in text.match_indices("/metadata/") {
                let path = text[at..].split(['"', '<']).next().expect("address");
                let record = client.get(path).expect(200).text();
                assert!(record.contains("<gmd:LI_Lineage>") && record.contains("otherRestrictions"), "{path}");
                assert!(record.contains(&format!("Convention {convention} ")), "{path}: terms of another convention");
                named += 1;
            }
            assert!(named > 5, "{convention}: {named} records named");
        }
    }
    let bailleur = portal.client("bailleur");
    bailleur.get("/metadata/parc_commune.xml").expect(200);
    let service = bailleur.get("/metadata/service.xml").expect(200).text();
    assert!(service.contains("seuil-parc_commune") && !service.contains("seuil-occupation"));
    // What is not granted and what never was are told apart by nothing but their names.
    let answers = ["occupation_commune", "jamais_vue_ici"].map(|l| {
        let answer = bailleur.get(&format!("/metadata/{l}.xml")).expect(404);
        answer.text().replace(l, "")
    });
    assert_eq!(answers[0], answers[1]);
}

fn languages(portal: &'static Portal) {
    let client = portal.client("mel");
    for (path, french, english) in [
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "Portail cartographique", "Social housing map portal"),
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "<ows:Keyword>logement social<", "<ows:Keyword>social housing<"),
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "Aucun recoupement", "No cross-linking"),
        ("/wms?SERVICE=WMS&REQUEST=GetCapabilities", "<Keyword>habitat<", "<Keyword>housing<"),
        ("/metadata/parc_iris.xml?", "codeListValue=\"fre\">fre<", "codeListValue=\"eng\">eng<"),
    ] {
        let text = |language: &str| client.get(&format!("{path}&LANGUAGE={language}")).expect(200).text();
        let (fre, eng, other) = (text("fre"), text("eng"), text("xyz"));
        assert!(fre.contains(french) && eng.contains(english), "{path}: {french}");
        // A language that is not offered means the default one.
        assert_eq!(fre.contains(english), other.contains(english), "{path}: {english}");
    }
}

fn terms(portal: &'static Portal) {
    let (charged, free) = (portal.client("action-logement"), portal.client("mel"));
    for (path, fees, constraints) in [
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities&VERSION=2.0.0", "ows:Fees", "ows:AccessConstraints"),
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities&VERSION=1.1.0", "ows:Fees", "ows:AccessConstraints"),
        ("/wfs?SERVICE=WFS&REQUEST=GetCapabilities&VERSION=1.0.0", "Fees", "AccessConstraints"),
        ("/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0", "Fees", "AccessConstraints"),
        ("/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1", "Fees", "AccessConstraints"),
        ("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "ows:Fees", "ows:AccessConstraints"),
    ] {
        for (language, price, term) in [("fre", "300 € par an.", "Finalités"), ("eng", "300 euros a year.", "Purposes")]
        {
            let inside = |client: &Client, element: &str| {
                let text = client.get(&format!("{path}&LANGUAGE={language}")).expect(200).text();
                let found = text.split_once(&format!("<{element}>")).and_then(|(_, t)| t.split('<').next());
                found.unwrap_or_else(|| panic!("no {element} in {path}")).to_owned()
            };
            assert!(inside(&charged, fees).ends_with(price), "{path}");
            assert_eq!(inside(&free, fees).to_ascii_lowercase(), "none", "{path}");
            for (client, id) in [(&charged, "action-logement"), (&free, "mel")] {
                let text = inside(client, constraints);
                assert!(text.starts_with(&format!("Convention {id} ")) && text.contains(term), "{path}: {text}");
            }
        }
    }
    for id in ["service", "parc_iris"] {
        let record = |client: &Client| client.get(&format!("/metadata/{id}.xml")).expect(200).text();
        assert!(record(&charged).contains("Redevance : Participation aux frais"), "{id}");
        assert!(record(&free).contains("Redevance : aucune."), "{id}");
    }
}

/// A second server with INSPIRE's extension switched on.
fn inspire(portal: &'static Portal) {
    let folder = tempfile::tempdir().expect("folder");
    let mut config = portal.config.clone();
    config.server.listen = "127.0.0.1:0".parse().expect("address");
    config.server.operations = config.server.listen;
    config.server.state = portal::state_beside(&config, &folder.path().join("state"));
    config.server.inspire = true;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let running = runtime.block_on(server::start(config, Views::default())).expect("server");
    let pki = portal.dir.join("pki");
    for convention in ["mel", "bailleur"] {
        let own = pki.join(convention);
        let identity = (own.join("client.pem"), own.join("client.key"));
        let address = running.address.to_string();
        let client = Client::new(&address, &pki.join("ca.pem"), Some((&identity.0, &identity.1)));
        let text = client.get(&format!("{BASE}GetCapabilities&LANGUAGE=eng")).expect(200).text();
        assert!(text.contains("<inspire_common:ResponseLanguage>\n          <inspire_common:Language>eng<"));
        let record = text.split("<inspire_common:URL>").nth(1).and_then(|t| t.split('<').next()).expect("record");
        let record = record.strip_prefix(&format!("https://{address}")).expect("an address of this server");
        assert!(client.get(record).expect(200).text().contains("SV_ServiceIdentification"));
        let sets: Vec<&str> = text.split("<inspire_common:Code>").skip(1).filter_map(|t| t.split('<').next()).collect();
        assert_eq!(sets.len(), text.matches("<wfs:FeatureType>").count());
        for (n, set) in sets.iter().enumerate() {
            // Every combination is one request more: each CRS once, each language every second time.
            let crs = ["2154", "3950", "4171", "4258", "4326", "3857"][n % 6];
            let language = ["fre", "eng"][n % 2];
            let query = format!(
                "{BASE}GetFeature&STOREDQUERY_ID=http://inspire.ec.europa.eu/operation/download/GetSpatialDataSet\
                 &CRS=urn:ogc:def:crs:EPSG::{crs}&DataSetIdCode={set}&DataSetIdNamespace=urn:seuil:logement-social\
                 &Language={language}"
            );
            let whole = client.get(&query).expect(200).text();
            let plain = client.get(&format!("{BASE}GetFeature&RESULTTYPE=hits&TYPENAMES={set}")).expect(200).text();
            assert_eq!(attribute(&whole, "numberReturned"), attribute(&plain, "numberMatched"), "{set}");
            let named = format!("srsName=\"urn:ogc:def:crs:EPSG::{crs}\"");
            assert!(attribute(&whole, "numberReturned") == "0" || whole.contains(&named), "{set} in {crs}");
        }
    }
    runtime.block_on(running.stop());
}

/// Shapefiles and workbooks of every layer, read back with GDAL; terms and download are in their bytes.
fn files(portal: &'static Portal) {
    use gdal::vector::LayerAccess;
    let client = portal.client("mel");
    let text = client.get(&format!("{BASE}GetCapabilities")).expect(200).text();
    assert!(text.contains("<ows:Value>SHAPE-ZIP</ows:Value>") && text.contains("<ows:Value>excel2007</ows:Value>"));
    let folder = tempfile::tempdir().expect("folder");
    let layers: Vec<&str> = text.split("<wfs:Name>seuil:").skip(1).filter_map(|t| t.split('<').next()).collect();
    for (n, layer) in layers.into_iter().enumerate() {
        let json = client.get(&format!("{BASE}GetFeature&TYPENAMES={layer}&OUTPUTFORMAT=json")).expect(200).json();
        let features = json["features"].as_array().expect("features");
        for (format, media, extension) in [
            ("SHAPE-ZIP", "application/zip", "zip"),
            ("excel2007", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ] {
            let answer = client.get(&format!("{BASE}GetFeature&TYPENAMES={layer}&OUTPUTFORMAT={format}")).expect(200);
            assert_eq!(answer.header("content-type"), media);
            let name = answer.header("content-disposition").split('"').nth(1).expect("name").to_owned();
            let download = name.trim_end_matches(&format!(".{extension}")).rsplit('_').next().expect("download");
            assert!(name.starts_with(layer) && name.ends_with(extension), "{name}");
            let told = format!("Téléchargement {download}.");
            assert!(answer.body.windows(told.len()).any(|w| w == told.as_bytes()), "{layer}: no {told}");
            let path = folder.path().join(&name);
            std::fs::write(&path, &answer.body).expect("file");
            let source = match extension {
                "zip" => format!("/vsizip/{}/{layer}.shp", path.display()),
                _ => path.display().to_string(),
            };
            let dataset = gdal::Dataset::open(&source).unwrap_or_else(|e| panic!("{source}: {e}"));
            let mut read = dataset.layer(0).expect("layer");
            assert_eq!(read.feature_count(), features.len() as u64, "{layer} as {format}");
            for (got, wanted) in read.features().zip(features) {
                let value = |name: &str| {
                    let at = got.field_index(name).unwrap_or_else(|e| panic!("{layer} as {format}: {name}: {e}"));
                    got.field_as_string(at).expect("text").unwrap_or_default()
                };
                let properties = &wanted["properties"];
                assert_eq!(value("id"), properties["id"].as_str().expect("id"), "{layer} as {format}");
                if properties.get("statut").is_some() {
                    assert_eq!(value("statut"), properties["statut"].as_str().expect("statut"));
                    // A field of the Shapefile has ten characters, the other one all.
                    let date = value(if extension == "zip" { "date_refer" } else { "date_reference" });
                    let wanted = properties["date_reference"].as_str().expect("date");
                    assert_eq!(date.get(..10).map(|d| d.replace('/', "-")).as_deref(), wanted.get(..10), "{layer}");
                }
                if let Some(count) = properties.get("nb_surface") {
                    let withheld = count.is_null();
                    assert_eq!(value("nb_surface").is_empty(), withheld, "a withheld value is absent, never 0");
                }
            }
            // Pictures alone: no file of what it sees (403), no word of what it does not (400).
            if n > 4 {
                // Its quota is everybody's: the other tests ask with it too.
                continue;
            }
            let path = format!("{BASE}GetFeature&TYPENAMES={layer}&OUTPUTFORMAT={format}");
            let refused = portal.client("vue-seule").get(&path);
            assert!([400, 403].contains(&refused.status) && refused.body.starts_with(b"<?xml"), "{}", refused.status);
        }
    }
    let page = client.get("/collections/parc_commune/items?limit=3&f=shape-zip").expect(200);
    assert_eq!(page.header("content-type"), "application/zip");
    let api = client.get("/api?f=json").expect(200).text();
    assert!(api.contains("shape-zip") && api.contains("xlsx"), "OpenAPI names the formats");
    let (own, other) = (portal.client("bailleur"), portal.client("mel"));
    // What a convention does not see is in no file either: the field of the landlord's number is one of them.
    let path = format!("{BASE}GetFeature&TYPENAMES=parc_residence&OUTPUTFORMAT=SHAPE-ZIP");
    for (client, sees) in [(own, false), (other, true)] {
        // GDAL remembers the directory of an archive by its path: one path each.
        let path_of = folder.path().join(format!("vue-{sees}.zip"));
        std::fs::write(&path_of, client.get(&path).expect(200).body).expect("file");
        let dataset =
            gdal::Dataset::open(format!("/vsizip/{}/parc_residence.shp", path_of.display())).expect("shapefile");
        let names: Vec<String> = dataset.layer(0).expect("layer").defn().fields().map(|f| f.name()).collect();
        assert_eq!(names.iter().any(|n| n.starts_with("loyer_moy")), sees, "{names:?}");
    }
}
