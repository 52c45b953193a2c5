//! Bad requests of WFS: code, locator and status of each (09-025r2 table 3 and annex D; 06-121r3 tables 26 and 27).

use crate::Case;
use crate::client::Answer;
use crate::portal::Portal;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

pub const CASES: &[Case] = &[
    ("every_code_of_reading_has_its_locator_and_status", kvp),
    ("documents_have_theirs_and_repeat_their_handle", documents),
    ("versions_1_name_their_own_parameters", older),
    ("reasons_are_said_in_the_language_of_the_user", reasons),
];

/// What a query string may hold as it stands.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'&').remove(b'=').remove(b'.').remove(b'_').remove(b'-');

const PATH: &AsciiSet = &QUERY.remove(b'/').remove(b'?');

/// A value between quotation marks after a name.
fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    text.split(&format!(" {name}=\"")).nth(1).and_then(|t| t.split('"').next()).unwrap_or_default()
}

fn told(answer: &Answer) -> (u16, String, String) {
    let text = answer.text();
    let at = text.find("Exception ").unwrap_or(text.len());
    let exception = text[at..].split('>').next().unwrap_or_default();
    let code = if text.contains("<ServiceException ") { "code" } else { "exceptionCode" };
    (answer.status, attribute(exception, code).to_owned(), attribute(exception, "locator").to_owned())
}

/// Requests, each with its status, code and locator.
fn check(rows: &[(&str, u16, &str, &str)], ask: impl Fn(&str) -> Answer) {
    let mut wrong = String::new();
    for (request, status, code, locator) in rows {
        let answer = ask(request);
        let found = told(&answer);
        if found != (*status, (*code).to_owned(), (*locator).to_owned()) {
            writeln!(wrong, "{request}\n  {found:?}, not {status} {code} {locator:?}: {:.300}", answer.text())
                .expect("text");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

const MISSING: &str = "MissingParameterValue";
const INVALID: &str = "InvalidParameterValue";
const OPERATION: &str = "OperationNotSupported";
const OPTION: &str = "OptionNotSupported";
const PARSING: &str = "OperationParsingFailed";
const PROCESSING: &str = "OperationProcessingFailed";

const FES: &str = "<Filter xmlns=\"http://www.opengis.net/fes/2.0\">";

fn kvp(portal: &'static Portal) {
    let client = portal.client("mel");
    let get = |path: &str| client.get(&format!("/wfs?{}", utf8_percent_encode(path, QUERY)));
    let head = [
        ("", 400, MISSING, "SERVICE"),
        ("REQUEST=GetCapabilities", 400, MISSING, "SERVICE"),
        ("SERVICE=WMS&REQUEST=GetCapabilities", 400, INVALID, "SERVICE"),
        ("SERVICE=WFS", 400, MISSING, "REQUEST"),
        ("SERVICE=WFS&REQUEST=GetCapabilities&ACCEPTVERSIONS=5.0.0", 400, "VersionNegotiationFailed", ""),
        ("SERVICE=WFS&REQUEST=GetCapabilities&VERSION=demain", 400, INVALID, "VERSION"),
        ("SERVICE=WFS&REQUEST=GetCapabilities&SECTIONS=Tout", 400, INVALID, "SECTIONS"),
        ("SERVICE=WFS&REQUEST=GetCapabilities&UPDATESEQUENCE=9999999999999.00", 400, "InvalidUpdateSequence", ""),
        ("SERVICE=WFS&REQUEST=GetFeature&VERSION=9.9.9&TYPENAMES=parc_iris", 400, INVALID, "VERSION"),
    ];
    check(&head, get);
    let base = |rest: &str| get(&format!("SERVICE=WFS&VERSION=2.0.0&REQUEST={rest}"));
    for operation in
        ["Transaction", "LockFeature", "GetFeatureWithLock", "CreateStoredQuery", "DropStoredQuery", "GetNothing"]
    {
        check(&[(operation, 501, OPERATION, operation)], base);
    }
    let rows = [
        ("GetFeature", 400, MISSING, "TYPENAMES"),
        ("GetFeature&BBOX=0,0,1,1", 400, MISSING, "TYPENAMES"),
        ("GetFeature&STOREDQUERY_ID=inconnue", 400, INVALID, "STOREDQUERY_ID"),
        ("GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById", 400, MISSING, "id"),
        (
            "GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID=parc_iris.0",
            404,
            "NotFound",
            "RESOURCEID",
        ),
        ("DescribeFeatureType&TYPENAMES=inconnu", 400, INVALID, "TYPENAMES"),
        ("DescribeFeatureType&OUTPUTFORMAT=papier", 400, INVALID, "OUTPUTFORMAT"),
        ("DescribeStoredQueries&STOREDQUERY_ID=inconnue", 400, INVALID, "STOREDQUERY_ID"),
        ("GetPropertyValue&TYPENAMES=parc_iris", 400, MISSING, "VALUEREFERENCE"),
        ("GetPropertyValue&TYPENAMES=parc_iris&VALUEREFERENCE=", 400, INVALID, "VALUEREFERENCE"),
        ("GetPropertyValue&TYPENAMES=parc_iris&VALUEREFERENCE=inconnue", 400, INVALID, "VALUEREFERENCE"),
        ("GetPropertyValue&TYPENAMES=parc_iris&VALUEREFERENCE=nom&RESOLVEPATH=x", 400, INVALID, "RESOLVEPATH"),
        ("GetPropertyValue&TYPENAMES=parc_iris&VALUEREFERENCE=nom&OUTPUTFORMAT=csv", 400, INVALID, "OUTPUTFORMAT"),
        ("GetPropertyValue&TYPENAMES=(parc_iris)(parc_qpv)&VALUEREFERENCE=nom", 400, INVALID, "TYPENAMES"),
    ];
    check(&rows, base);
    let rows = [
        ("TYPENAMES=seuil:inconnu", 400, INVALID, "TYPENAMES"),
        ("TYPENAMES=parc_iris,parc_qpv", 501, OPTION, "TYPENAMES"),
        ("TYPENAMES=parc_iris&ALIASES=a", 501, OPTION, "ALIASES"),
        ("TYPENAMES=parc_iris&NAMESPACES=a:b", 400, INVALID, "NAMESPACES"),
        ("TYPENAMES=parc_iris&COUNT=-1", 400, INVALID, "COUNT"),
        ("TYPENAMES=parc_iris&COUNT=beaucoup", 400, INVALID, "COUNT"),
        ("TYPENAMES=parc_iris&STARTINDEX=-1", 400, INVALID, "STARTINDEX"),
        ("TYPENAMES=parc_iris&RESULTTYPE=tout", 400, INVALID, "RESULTTYPE"),
        ("TYPENAMES=parc_iris&OUTPUTFORMAT=papier", 400, INVALID, "OUTPUTFORMAT"),
        ("TYPENAMES=parc_iris&SRSNAME=EPSG:1", 400, INVALID, "SRSNAME"),
        ("TYPENAMES=parc_iris&RESOLVE=remote", 501, OPTION, "RESOLVE"),
        ("TYPENAMES=parc_iris&RESOLVE=peut-etre", 400, INVALID, "RESOLVE"),
        ("TYPENAMES=parc_iris&RESOLVEDEPTH=-1", 400, INVALID, "RESOLVEDEPTH"),
        ("TYPENAMES=parc_iris&RESOLVETIMEOUT=x", 400, INVALID, "RESOLVETIMEOUT"),
        ("TYPENAMES=parc_iris&PUBLICATION=x", 400, INVALID, "PUBLICATION"),
        ("TYPENAMES=parc_iris&PUBLICATION=999999", 403, "ResponseCacheExpired", ""),
        ("TYPENAMES=parc_iris&PROPERTYNAME=inconnue", 400, INVALID, "PROPERTYNAME"),
        ("TYPENAMES=(parc_iris)(parc_qpv)&PROPERTYNAME=(nom)(nom)(nom)", 400, INVALID, "PROPERTYNAME"),
        ("TYPENAMES=parc_iris&SORTBY=inconnue", 400, INVALID, "SORTBY"),
        ("TYPENAMES=parc_iris&SORTBY=geom", 400, INVALID, "SORTBY"),
        ("TYPENAMES=parc_iris&SORTBY=nom VERS LE HAUT", 400, INVALID, "SORTBY"),
        ("TYPENAMES=parc_iris&RESOURCEID=parc_qpv.QN05965M", 400, INVALID, "RESOURCEID"),
        ("TYPENAMES=parc_iris&BBOX=1,2,3", 400, INVALID, "BBOX"),
        ("TYPENAMES=parc_iris&BBOX=a,b,c,d", 400, INVALID, "BBOX"),
        ("TYPENAMES=parc_iris&BBOX=5,5,1,1", 400, INVALID, "BBOX"),
        ("TYPENAMES=parc_iris&BBOX=0,0,1,1,EPSG:1", 400, INVALID, "BBOX"),
        ("TYPENAMES=parc_iris&BBOX=0,0,1,1&RESOURCEID=parc_iris.1", 400, INVALID, "BBOX"),
        ("TYPENAMES=parc_iris&FILTER_LANGUAGE=SQL&FILTER=x", 400, INVALID, "FILTER_LANGUAGE"),
        ("TYPENAMES=parc_iris&FILTER=<Filter", 400, INVALID, "FILTER"),
        ("TYPENAMES=parc_iris&FILTER=<Autre/>", 400, INVALID, "FILTER"),
        ("TYPENAMES=parc_iris&CQL_FILTER=inconnue=1", 400, INVALID, "CQL_FILTER"),
        ("TYPENAMES=parc_iris&CQL_FILTER=(nom='a'", 400, INVALID, "CQL_FILTER"),
        ("TYPENAMES=parc_iris&CQL_FILTER=nb_logements > beaucoup", 400, INVALID, "CQL_FILTER"),
        ("TYPENAMES=parc_iris&CQL_FILTER=BBOX(geom,0,0,1,1,'EPSG:1')", 400, INVALID, "CQL_FILTER"),
        ("TYPENAMES=parc_iris&CQL_FILTER=RELATE(geom,POINT(1 2),'T')", 501, OPTION, "RELATE"),
        // What fails only when the rows are looked at is located where the filter stood.
        ("TYPENAMES=parc_iris&CQL_FILTER=nom=nb_logements", 403, PROCESSING, "CQL_FILTER"),
        ("TYPENAMES=parc_iris&RESULTTYPE=hits&CQL_FILTER=nom=nb_logements", 403, PROCESSING, "CQL_FILTER"),
    ];
    check(&rows, |rest: &str| base(&format!("GetFeature&{rest}")));
    let compare = |property: &str, value: &str| {
        format!(
            "<PropertyIsEqualTo><ValueReference>{property}</ValueReference><Literal>{value}</Literal></PropertyIsEqualTo>"
        )
    };
    let geometry =
        "<gml:Point xmlns:gml=\"http://www.opengis.net/gml/3.2\" srsName=\"EPSG:1\"><gml:pos>1 2</gml:pos></gml:Point>";
    for (inside, status, code, locator) in [
        (compare("inconnue", "1"), 400, INVALID, "FILTER"),
        (compare("nb_logements", "beaucoup"), 400, INVALID, "FILTER"),
        (compare("geom", "1"), 403, PROCESSING, "geom"),
        (
            "<PropertyIsEqualTo><ValueReference>nom</ValueReference><ValueReference>nb_logements</ValueReference>\
             </PropertyIsEqualTo>"
                .to_owned(),
            403,
            PROCESSING,
            "FILTER",
        ),
        ("<Ressemble/>".to_owned(), 400, INVALID, "FILTER"),
        (format!("<Within><ValueReference>geom</ValueReference>{geometry}</Within>"), 400, INVALID, "FILTER"),
        ("<ResourceId rid=\"parc_iris.1\" startDate=\"2024-01-01\"/>".to_owned(), 501, OPTION, "startDate"),
        ("<Not>".repeat(200) + &"</Not>".repeat(200), 400, INVALID, "FILTER"),
    ] {
        let request = format!("GetFeature&TYPENAMES=parc_iris&FILTER={FES}{inside}</Filter>");
        check(&[(&request, status, code, locator)], base);
    }
}

fn documents(portal: &'static Portal) {
    let client = portal.client("mel");
    let post = |body: &str| client.post("/wfs", "application/xml", body);
    let opening = "xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" service=\"WFS\" version=\"2.0.0\"";
    let query = |attributes: &str, inside: &str| {
        format!(
            "<wfs:GetFeature {opening} handle=\"essai 12\"><wfs:Query {attributes}>{inside}</wfs:Query></wfs:GetFeature>"
        )
    };
    let compare = "<PropertyIsEqualTo><ValueReference>geom</ValueReference><Literal>1</Literal></PropertyIsEqualTo>";
    let filter = format!("{FES}{compare}</Filter>");
    for (body, status, code, locator) in [
        (String::new(), 400, PARSING, ""),
        ("<wfs:GetFeature".to_owned(), 400, PARSING, ""),
        (format!("<wfs:GetFeature {opening}/>"), 400, PARSING, ""),
        (format!("<wfs:GetFeature {opening} handle=\"essai 12\"/>"), 400, PARSING, "essai 12"),
        (query("typeNames=\"parc_iris\"", "<wfs:Inconnu/>"), 400, PARSING, "essai 12"),
        (query("typeNames=\"parc_iris\"", &filter), 403, PROCESSING, "essai 12"),
        (query("typeNames=\"inconnu\"", ""), 400, INVALID, "TYPENAMES"),
        (query("", ""), 400, MISSING, "typeNames"),
        (query("typeNames=\"parc_iris parc_qpv\"", ""), 501, OPTION, "typeNames"),
        (query("typeNames=\"parc_iris\" featureVersion=\"ALL\"", ""), 501, OPTION, "featureVersion"),
        (query("typeNames=\"parc_iris\" srsName=\"EPSG:1\"", ""), 400, INVALID, "SRSNAME"),
        (format!("<wfs:Transaction {opening}/>"), 501, OPERATION, "Transaction"),
        (format!("<wfs:GetFeature {opening} resolve=\"all\"/>"), 400, PARSING, ""),
        (
            opening.replace("xmlns:wfs", "<wfs:GetCapabilities xmlns:wfs").replace(" service=\"WFS\"", "") + "/>",
            400,
            MISSING,
            "service",
        ),
    ] {
        check(&[(&body, status, code, locator)], post);
    }
    let answer = client.request("DELETE", "/wfs", &[], Vec::new());
    assert_eq!((answer.status, answer.header("allow").is_empty()), (405, false));
}

fn older(portal: &'static Portal) {
    let client = portal.client("mel");
    for version in ["1.1.0", "1.0.0"] {
        let get = |rest: &str| {
            let query = format!("SERVICE=WFS&VERSION={version}&REQUEST={rest}");
            client.get(&format!("/wfs?{}", utf8_percent_encode(&query, QUERY)))
        };
        let rows = [
            ("GetFeature", 400, MISSING, "TYPENAME"),
            ("GetFeature&TYPENAME=inconnu", 400, INVALID, "TYPENAME"),
            ("GetFeature&TYPENAME=parc_iris&FEATUREID=parc_qpv.QN05965M", 400, INVALID, "FEATUREID"),
            ("GetFeature&TYPENAME=parc_iris&MAXFEATURES=x", 400, INVALID, "MAXFEATURES"),
            ("GetFeature&TYPENAME=parc_iris&SRSNAME=EPSG:1", 400, INVALID, "SRSNAME"),
            ("GetFeature&TYPENAME=parc_iris&CQL_FILTER=inconnue=1", 400, INVALID, "CQL_FILTER"),
            ("GetFeature&TYPENAME=parc_iris&CQL_FILTER=nom=nb_logements", 403, PROCESSING, "CQL_FILTER"),
            ("GetPropertyValue&TYPENAME=parc_iris", 501, OPERATION, "GetPropertyValue"),
            ("Transaction", 501, OPERATION, "Transaction"),
        ];
        check(&rows, get);
    }
}

/// Some reasons of each reader, French and English: what is wrong and what to write.
fn reasons(portal: &'static Portal) {
    let client = portal.client("mel");
    let wfs = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_iris&";
    let filter = |inside: &str| format!("{wfs}FILTER={FES}{inside}</Filter>");
    let operator = |name: &str| filter(&format!("<{name}><ValueReference>nom</ValueReference></{name}>"));
    let items = "/collections/parc_iris/items?";
    for (path, french, english) in [
        (operator("PropertyIsEqualTo"), "il a exactement deux opérandes", "it has exactly two operands"),
        (operator("DWithin"), "la propriété géométrique est attendue", "the geometry property is needed"),
        (filter("<Non/>"), "cet opérateur n'existe pas : voyez Filter_Capabilities", "there is no such operator: see"),
        (format!("{wfs}FILTER=<a><b></a>"), "le document XML est mal formé à l'octet", "is not well formed at byte"),
        (format!("{wfs}FILTER=<!DOCTYPE a><a/>"), "DOCTYPE n'est pas acceptée : retirez-la", "DOCTYPE is not accepted"),
        (
            format!("{wfs}CQL_FILTER=nom LIKE"),
            "un modèle entre apostrophes est attendu",
            "a pattern in quotes is needed",
        ),
        (
            format!("{wfs}CQL_FILTER=inconnue=1"),
            "cette propriété est inconnue, ou hors",
            "this property is unknown, or not",
        ),
        (format!("{wfs}BBOX=9,9,1,1"), "vérifiez l'ordre des nombres", "check the order of the numbers"),
        (format!("{items}filter=nom ="), "au caractère 6, un nom, un littéral", "at character 6, a name, a literal"),
        (
            format!("{items}filter=nom > 3"),
            "un texte ne se compare pas à un nombre",
            "a text cannot be compared with a",
        ),
        (
            format!("{items}filter-lang=cql2-json&filter={{}}"),
            "un objet est une opération",
            "an object is an operation",
        ),
        (format!("{items}limit=0"), "un ou plus, est attendu", "of one or more is needed"),
        (format!("{items}datetime=hier"), "un instant ISO 8601 est attendu", "dateTime of ISO 8601 is needed"),
    ] {
        let path = utf8_percent_encode(&path, PATH).to_string();
        for (language, wanted, other) in [("fr", french, english), ("en", english, french)] {
            let text = client.get_with(&path, &[("accept-language", language)]).expect(400).text();
            let text = text.replace("&apos;", "'").replace("&quot;", "\"");
            assert!(text.contains(wanted) && !text.contains(other), "{path}: {wanted} in {text}");
        }
    }
}
