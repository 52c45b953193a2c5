//! Who gets what: certificates, conventions, refusals.

use crate::Case;
use crate::client::Client;
use crate::portal::Portal;

pub const CASES: &[Case] = &[
    ("no_certificate_gets_no_data_and_an_answer_that_says_why", no_certificate),
    ("options_is_answered_without_a_certificate", preflight),
    ("a_stranger_ca_is_a_tls_alert", stranger),
    ("the_same_names_from_another_accepted_ca_get_no_data", namesake),
    ("ended_and_suspended_conventions_are_told_apart", ended_and_suspended),
    ("each_convention_sees_exactly_its_layers", layers),
    ("ungranted_and_invented_names_get_the_same_bytes", ungranted_is_unknown),
    ("territory_filters_rows_and_counts", territory),
    ("sensitive_columns_exist_only_where_granted", sensitive),
    ("vue_seule_gets_pictures_and_no_features", view_only),
    ("an_access_record_exists_for_what_was_read", recorded),
];

const CAPABILITIES: &str = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetCapabilities";

fn no_certificate(portal: &'static Portal) {
    let client = portal.nobody();
    for path in ["/", "/collections", "/collections/parc_commune/items", "/whoami", "/nowhere"] {
        let answer = client.get(path);
        assert!(matches!(answer.status, 401 | 403), "{path}: {}", answer.status);
        assert!(answer.text().contains("certificat"), "{path}: {}", answer.text());
    }
    let wfs = client.get(CAPABILITIES);
    assert!(matches!(wfs.status, 401 | 403));
    assert!(wfs.text().contains("ExceptionReport") && wfs.text().contains("certificat"), "{}", wfs.text());
    // QGIS shows only the reason phrase for WMS and OGC API.
    let wms = client.get("/wms?SERVICE=WMS&REQUEST=GetCapabilities");
    assert!(wms.reason.is_ascii() && wms.reason.to_lowercase().contains("certificat"), "{:?}", wms.reason);
    let tile = client.get("/collections/parc_commune/tiles/WebMercatorQuad/9/171/259");
    assert!(matches!(tile.status, 401 | 403));
}

fn preflight(portal: &'static Portal) {
    let answer = portal.nobody().request(
        "OPTIONS",
        "/wfs",
        &[("origin", "https://cartes.example"), ("access-control-request-method", "POST")],
        Vec::new(),
    );
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://cartes.example");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert!(answer.body.is_empty());
}

fn stranger(portal: &'static Portal) {
    let dir = tempfile::tempdir().expect("folder");
    let key = rcgen::KeyPair::generate().expect("key");
    let ca_params = {
        let mut p = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
        p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        p
    };
    let issuer = rcgen::Issuer::new(ca_params, key);
    let leaf_key = rcgen::KeyPair::generate().expect("key");
    let leaf = rcgen::CertificateParams::new(vec!["mel".to_owned()])
        .expect("parameters")
        .signed_by(&leaf_key, &issuer)
        .expect("certificate");
    let (cert, pem) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    std::fs::write(&cert, leaf.pem()).expect("write");
    std::fs::write(&pem, leaf_key.serialize_pem()).expect("write");
    let client = Client::new(&portal.address, &portal.dir.join("pki/ca.pem"), Some((&cert, &pem)));
    let refused = client.try_request("GET", "/", &[], Vec::new());
    assert!(refused.is_err(), "{refused:?}");
}

/// Subject, SAN, serial number and even the public key of `mel`'s certificate, signed by another CA that is accepted too.
fn namesake(portal: &'static Portal) {
    let dir = tempfile::tempdir().expect("folder");
    let accepted = portal.dir.join("pki/clients/autre.pem");
    let ca_key = rcgen::KeyPair::generate().expect("key");
    let mut ca = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    ca.distinguished_name.push(rcgen::DnType::CommonName, "Une autre autorité");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let ca_pem = ca.self_signed(&ca_key).expect("CA").pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let own = portal.dir.join("pki/mel");
    let mel = rcgen::KeyPair::from_pem(&std::fs::read_to_string(own.join("client.key")).expect("key")).expect("key");
    let forge = |name: &str, key: &rcgen::KeyPair| {
        use rustls::pki_types::pem::PemObject;
        let real = rustls::pki_types::CertificateDer::from_pem_file(own.join("client.pem")).expect("certificate");
        let (_, real) = x509_parser::parse_x509_certificate(&real).expect("certificate");
        let mut params = rcgen::CertificateParams::new(vec!["mel".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        let text = |of: &mut dyn Iterator<Item = &x509_parser::x509::AttributeTypeAndValue<'_>>| {
            of.next().and_then(|a| a.as_str().ok()).expect("name").to_owned()
        };
        let organisation = text(&mut real.subject().iter_organization());
        params.distinguished_name.push(rcgen::DnType::OrganizationName, organisation);
        params.distinguished_name.push(rcgen::DnType::CommonName, text(&mut real.subject().iter_common_name()));
        params.serial_number = Some(rcgen::SerialNumber::from_slice(real.raw_serial()));
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let made = params.signed_by(key, &issuer).expect("certificate");
        let (cert, pem) = (dir.path().join(format!("{name}.pem")), dir.path().join(format!("{name}.key")));
        std::fs::write(&cert, made.pem()).expect("write");
        std::fs::write(&pem, key.serialize_pem()).expect("write");
        Client::new(&portal.address, &portal.dir.join("pki/ca.pem"), Some((&cert, &pem)))
    };
    let strangers = [forge("new", &rcgen::KeyPair::generate().expect("key")), forge("same", &mel)];
    std::fs::write(&accepted, ca_pem).expect("CA");
    let begun = std::time::Instant::now();
    // Accepted once the server has seen its folder again: then there is a connection, and on it nothing but a refusal.
    while strangers[0].try_request("GET", "/", &[], Vec::new()).is_err() {
        assert!(begun.elapsed().as_secs() < 10, "the new CA is not accepted");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for client in &strangers {
        for path in [CAPABILITIES, "/collections/parc_commune/items", "/whoami", "/portail", "/"] {
            let answer = client.get(path).expect(403);
            assert!(answer.text().contains("certificat"), "{path}: {}", answer.text());
        }
    }
    portal.client("mel").get("/collections/parc_commune/items?limit=1").expect(200);
    std::fs::remove_file(&accepted).expect("CA");
}

fn ended_and_suspended(portal: &'static Portal) {
    let ended = portal.client("expiree").get(CAPABILITIES);
    let suspended = portal.client("suspendue").get(CAPABILITIES);
    assert_eq!((ended.status, suspended.status), (403, 403));
    assert_ne!(ended.text(), suspended.text());
    assert!(suspended.text().contains("suspen"), "{}", suspended.text());
    for path in ["/collections", "/collections/parc_commune/items?limit=1", "/wms?SERVICE=WMS&REQUEST=GetCapabilities"]
    {
        assert_eq!(portal.client("suspendue").get(path).status, 403, "{path}");
    }
}

fn collections(portal: &Portal, convention: &str) -> Vec<String> {
    let answer = portal.client(convention).get("/collections?f=json").expect(200).json();
    let ids = answer["collections"].as_array().expect("collections").iter();
    ids.filter_map(|c| c["id"].as_str().map(str::to_owned)).collect()
}

fn layers(portal: &'static Portal) {
    let all = collections(portal, "mel");
    assert!(
        ["parc_commune", "parc_residence", "occupation_iris", "contour_qpv", "parc_iris_evolution"]
            .iter()
            .all(|l| all.iter().any(|a| a == l))
    );
    let stock = collections(portal, "bailleur");
    assert!(stock.iter().any(|l| l == "parc_residence"));
    assert!(!stock.iter().any(|l| l.starts_with("occupation") || l.starts_with("attributions")), "{stock:?}");
    // The same in every protocol's own list.
    let client = portal.client("bailleur");
    for path in [CAPABILITIES, "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities", "/api"] {
        let text = client.get(path).expect(200).text();
        assert!(text.contains("parc_residence"), "{path}");
        assert!(!text.contains("occupation_") && !text.contains("attributions_"), "{path}");
    }
}

/// The text with the name taken out, so that only the name may differ.
fn without(text: &str, name: &str) -> String {
    text.replace(name, "NAME")
}

fn ungranted_is_unknown(portal: &'static Portal) {
    let client = portal.client("bailleur");
    for template in [
        "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES=seuil:{}",
        "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=seuil:{}",
        "/collections/{}",
        "/collections/{}/items",
        "/collections/{}/queryables",
        "/collections/{}/tiles/WebMercatorQuad/9/171/259",
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS={}&STYLES=&CRS=EPSG:2154&BBOX=690000,7040000,720000,7070000&WIDTH=64&HEIGHT=64&FORMAT=image/png",
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&LAYER={}&FORMAT=image/png",
    ] {
        // As long as each other, so that lengths compare too.
        let (real, invented) = ("occupation_commune", "occupation_cantons");
        let a = client.get(&template.replace("{}", real));
        let b = client.get(&template.replace("{}", invented));
        assert_eq!(a.status, b.status, "{template}");
        assert_eq!(without(&a.text(), real), without(&b.text(), invented), "{template}");
        assert!(a.status >= 400 || a.text().contains("Exception"), "{template}");
    }
}

fn matched(portal: &Portal, convention: &str, collection: &str) -> u64 {
    let page =
        portal.client(convention).get(&format!("/collections/{collection}/items?f=json&limit=1")).expect(200).json();
    page["numberMatched"].as_u64().expect("numberMatched")
}

fn territory(portal: &'static Portal) {
    let everything = matched(portal, "mel", "parc_residence");
    let lille = matched(portal, "lille", "parc_residence");
    let lomme = matched(portal, "lomme", "parc_residence");
    assert!(0 < lomme && lomme < lille && lille < everything, "{lomme} {lille} {everything}");
    let rows = portal.client("lomme").get("/collections/parc_residence/items?f=json&limit=10000").expect(200).json();
    for feature in rows["features"].as_array().expect("features") {
        let iris = feature["properties"]["code_iris"].as_str().unwrap_or_default();
        assert!(("593502701".."593503099").contains(&iris), "{iris} is not of Lomme");
    }
    let hits = portal
        .client("lomme")
        .get("/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=seuil:parc_residence&RESULTTYPE=hits")
        .expect(200)
        .text();
    assert!(hits.contains(&format!("numberMatched=\"{lomme}\"")), "{hits}");
}

fn sensitive(portal: &'static Portal) {
    let describe = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES=seuil:parc_residence";
    let mel = portal.client("mel").get(describe).expect(200).text();
    assert!(mel.contains("siren_bailleur") && mel.contains("loyer_moy_m2"));
    let client = portal.client("lomme");
    let lomme = client.get(describe).expect(200).text();
    assert!(!lomme.contains("siren_bailleur") && !lomme.contains("loyer"), "{lomme}");
    let items = client.get("/collections/parc_residence/items?f=json&limit=50").expect(200).text();
    assert!(!items.contains("siren_bailleur") && !items.contains("loyer"));
    let filter = client.get("/collections/parc_residence/items?f=json&filter=loyer_moy_m2%3E5");
    let invented = client.get("/collections/parc_residence/items?f=json&filter=loyer_moy_x2%3E5");
    assert_eq!((filter.status, invented.status), (400, 400));
    assert_eq!(without(&filter.text(), "loyer_moy_m2"), without(&invented.text(), "loyer_moy_x2"));
}

fn view_only(portal: &'static Portal) {
    let client = portal.client("vue-seule");
    let map = client.get(
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=685000,7044000,719000,7078000&WIDTH=200&HEIGHT=200&FORMAT=image/png",
    );
    assert_eq!(map.header("content-type"), "image/png", "{}", map.text());
    for path in [
        "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=seuil:parc_commune",
        "/collections/parc_commune/items",
        "/collections/parc_commune/tiles/WebMercatorQuad/9/171/259",
    ] {
        let answer = client.get(path);
        assert!(matches!(answer.status, 403 | 404), "{path}: {}", answer.status);
    }
}

fn recorded(portal: &'static Portal) {
    portal.client("urh").get("/collections/contour_qpv/items?f=json&limit=3").expect(200);
    let spool = portal.config.server.state.join("spool");
    let begun = std::time::Instant::now();
    loop {
        let in_spool = std::fs::read_dir(&spool)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|e| std::fs::read_to_string(e.path()).ok())
            .any(|t| t.contains("urh") && t.contains("contour_qpv"));
        let in_journal = portal
            .sql(
                seuil::db::Which::Serving,
                seuil::db::Role::Owner,
                "SELECT count(*) FROM journal.acces WHERE convention = 'urh' AND 'contour_qpv' = ANY (couches)",
            )
            .is_ok_and(|rows| rows != [[Some("0".to_owned())]]);
        if in_spool || in_journal {
            return;
        }
        assert!(begun.elapsed().as_secs() < 10, "no record of the access in spool or journal");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
