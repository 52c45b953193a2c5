//! Requests as clients send them, answers as they need them.

use super::testing::{Bench, get, post};
use crate::error::{Error, NameKind, Reason};
use crate::filter::Filter;
use crate::geo::{Crs, Envelope};
use crate::query::Query;

const FEATURE: &str = "SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature";

#[test]
fn what_every_request_needs() {
    let b = Bench::new();
    for (query, status, code, locator) in [
        ("REQUEST=GetCapabilities", 400, "MissingParameterValue", "SERVICE"),
        ("SERVICE=WMS&REQUEST=GetCapabilities", 400, "InvalidParameterValue", "SERVICE"),
        ("SERVICE=WFS", 400, "MissingParameterValue", "REQUEST"),
        ("SERVICE=WFS&REQUEST=GetCapabilities&ACCEPTVERSIONS=9.0.0", 400, "VersionNegotiationFailed", ""),
        ("SERVICE=WFS&REQUEST=GetCapabilities&UPDATESEQUENCE=8.0", 400, "InvalidUpdateSequence", ""),
        ("SERVICE=WFS&VERSION=7.0.0&REQUEST=GetFeature", 400, "InvalidParameterValue", "VERSION"),
        ("SERVICE=WFS&VERSION=2.0.0&REQUEST=Transaction", 501, "OperationNotSupported", "Transaction"),
        ("SERVICE=WFS&VERSION=2.0.0&REQUEST=Danse", 501, "OperationNotSupported", "Danse"),
        ("SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature", 400, "MissingParameterValue", "TYPENAMES"),
        ("SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=x", 400, "InvalidParameterValue", "TYPENAMES"),
    ] {
        let (got, media, text) = b.answer(&get(query));
        assert_eq!((got, media.as_str()), (status, "text/xml; charset=utf-8"), "{query}: {text}");
        let locator = if locator.is_empty() { String::new() } else { format!(" locator=\"{locator}\"") };
        assert!(text.contains(&format!("exceptionCode=\"{code}\"{locator}>")), "{query}: {text}");
    }
}

#[test]
fn capabilities_say_what_the_parser_knows() {
    let b = Bench::new();
    let text = b.text("service=WFS&request=GetCapabilities&a=1");
    for needed in [
        "<wfs:WFS_Capabilities version=\"2.0.0\" updateSequence=\"7.0\"",
        "<ows:ServiceTypeVersion>2.0.2</ows:ServiceTypeVersion>",
        "<ows:AccessConstraints>Convention essai avec Ville d&apos;Essai &amp; Cie -- sans diffusion.</ows:AccessConstraints>",
        "<ows:Get xlink:href=\"https://portail.example/wfs?\"/>",
        "<wfs:Name>seuil:parc_commune</wfs:Name>",
        "<wfs:DefaultCRS>urn:ogc:def:crs:EPSG::2154</wfs:DefaultCRS>",
        "<wfs:OtherCRS>urn:ogc:def:crs:EPSG::4326</wfs:OtherCRS>",
        "<ows:LowerCorner>2.99999 50.50000</ows:LowerCorner>",
        "<ows:Value>application/geo+json</ows:Value>",
        "<fes:SpatialOperator name=\"DWithin\"/>",
        "<fes:TemporalOperator name=\"During\"/>",
        "<fes:ComparisonOperator name=\"PropertyIsNil\"/>",
    ] {
        assert!(text.contains(needed), "{needed} in {text}");
    }
    let types = b.site.catalogue.layers().len();
    assert_eq!(text.matches("<wfs:FeatureType>").count(), types);
    let section = b.text("SERVICE=WFS&REQUEST=GetCapabilities&SECTIONS=ServiceProvider");
    assert!(section.contains("<ows:ProviderName>") && !section.contains("FeatureTypeList"), "{section}");
    let current = b.text("SERVICE=WFS&REQUEST=GetCapabilities&UPDATESEQUENCE=7.0");
    assert!(current.contains("updateSequence=\"7.0\"") && !current.contains("<ows:"), "{current}");
    let negotiated = b.text("SERVICE=WFS&REQUEST=GetCapabilities&ACCEPTVERSIONS=1.1.0,2.0.0");
    assert!(negotiated.contains("<wfs:WFS_Capabilities version=\"1.1.0\""));
    assert!(
        b.text("SERVICE=WFS&REQUEST=GetCapabilities&VERSION=1.0.0").contains("<WFS_Capabilities version=\"1.0.0\"")
    );
}

#[test]
fn a_feature_in_gml_3_2() {
    let b = Bench::new();
    let text = b.text(&format!("{FEATURE}&TYPENAMES=seuil:parc_commune&RESOURCEID=parc_commune.59355"));
    for needed in [
        "numberMatched=\"1\" numberReturned=\"1\"",
        "timeStamp=\"2023-11-14T22:13:20Z\"",
        "http://www.opengis.net/gml/3.2 http://schemas.opengis.net/gml/3.2.1/gml.xsd urn:seuil:logement-social https://portail.example/wfs?SERVICE=WFS&amp;VERSION=2.0.0&amp;REQUEST=DescribeFeatureType&amp;TYPENAMES=seuil:parc_commune\"",
        "<!-- Convention essai avec Ville d'Essai & Cie - - sans diffusion. Téléchargement t-1. -->",
        "<wfs:member><seuil:parc_commune gml:id=\"parc_commune.59355\">",
        "<seuil:nom>Lomme</seuil:nom>",
        "<seuil:date_reference>2024-01-01T00:00:00Z</seuil:date_reference>",
        "<seuil:tx_mobilite xsi:nil=\"true\"/>",
        "<seuil:geom><gml:MultiSurface gml:id=\"_g.parc_commune.59355\" srsName=\"urn:ogc:def:crs:EPSG::2154\" srsDimension=\"2\"><gml:surfaceMember><gml:Polygon gml:id=\"_g0.parc_commune.59355\"><gml:exterior><gml:LinearRing><gml:posList>704000.00 7050000.00 ",
        "<gml:lowerCorner>704000.00 7050000.00</gml:lowerCorner><gml:upperCorner>708000.00 7054000.00</gml:upperCorner>",
    ] {
        assert!(text.contains(needed), "{needed} in {text}");
    }
}

#[test]
fn a_withheld_feature_is_nil_and_says_so() {
    let b = Bench::new();
    let text = b.text(&format!("{FEATURE}&TYPENAMES=parc_residence&RESOURCEID=parc_residence.r00"));
    assert!(text.contains("<seuil:nb_logements xsi:nil=\"true\"/>"), "{text}");
    assert!(text.contains("<seuil:statut>secret</seuil:statut>"), "{text}");
    assert!(text.contains("<gml:Point gml:id=\"_g.parc_residence.r00\" srsName=\"urn:ogc:def:crs:EPSG::2154\" srsDimension=\"2\"><gml:pos>700500.00 7050500.00</gml:pos></gml:Point>"), "{text}");
}

#[test]
fn coordinates_follow_the_spelling_of_the_crs() {
    let b = Bench::new();
    for (version, srs, north_first) in [
        ("2.0.0", "urn:ogc:def:crs:EPSG::4326", true),
        ("2.0.0", "http://www.opengis.net/def/crs/EPSG/0/4258", true),
        ("2.0.0", "EPSG:4326", false),
        ("2.0.0", "http://www.opengis.net/gml/srs/epsg.xml%234171", false),
        ("2.0.0", "urn:ogc:def:crs:OGC:1.3:CRS84", false),
        ("1.1.0", "urn:ogc:def:crs:EPSG::4171", true),
        ("1.1.0", "EPSG:4171", false),
        ("1.0.0", "urn:ogc:def:crs:EPSG::4326", false),
        ("1.0.0", "EPSG:4326", false),
    ] {
        let query = format!("SERVICE=WFS&VERSION={version}&REQUEST=GetFeature&TYPENAME=parc_residence&SRSNAME={srs}");
        let text = b.text(&query);
        let inside = text.split("<gml:Point").nth(1).unwrap();
        let name = srs.replace("%23", "#");
        assert!(inside.contains(&format!("srsName=\"{name}\"")), "{query}: {inside:.200}");
        let numbers = inside.split(['>', '<']).find(|t| t.starts_with(|c: char| c.is_ascii_digit())).unwrap();
        let first: f64 = numbers.split([' ', ',']).next().unwrap().parse().unwrap();
        assert_eq!(first > 40.0, north_first, "{query}: {numbers}");
    }
    assert!(matches!(
        b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&SRSNAME=EPSG:32690"))),
        Err(Error::Crs { .. })
    ));
}

#[test]
fn boxes_follow_their_crs() {
    let b = Bench::new();
    let east = Envelope::new(1.0, 2.0, 3.0, 4.0).unwrap();
    for (version, bbox, crs) in [
        ("2.0.0", "1,2,3,4", Crs::Lambert93),
        ("2.0.0", "1,2,3,4,urn:ogc:def:crs:EPSG::2154", Crs::Lambert93),
        ("2.0.0", "1,2,3,4,EPSG:4326", Crs::Wgs84),
        ("2.0.0", "2,1,4,3,urn:ogc:def:crs:EPSG::4326", Crs::Wgs84),
        ("2.0.0", "2,1,4,3,http://www.opengis.net/def/crs/EPSG/0/4171", Crs::Rgf93),
        ("1.1.0", "1,2,3,4,EPSG:3857", Crs::WebMercator),
        ("1.1.0", "2,1,4,3,urn:ogc:def:crs:EPSG::4258", Crs::Etrs89),
        ("1.0.0", "1,2,3,4", Crs::Lambert93),
        ("1.0.0", "1,2,3,4,urn:ogc:def:crs:EPSG::4326", Crs::Wgs84),
    ] {
        let query = format!("SERVICE=WFS&VERSION={version}&REQUEST=GetFeature&TYPENAME=parc_commune&BBOX={bbox}");
        let selects = b.selects(&get(&query)).unwrap();
        assert_eq!(selects[0].filter, Filter::BBox { envelope: east, crs }, "{query}");
    }
    for bad in ["1,2,3", "1,2,3,x", "3,2,1,4", "1,2,3,inf", "1,2,3,4,5,6", "NaN,2,3,4", "1,2,3,4,EPSG:1"] {
        let query = format!("{FEATURE}&TYPENAMES=parc_commune&BBOX={bad}");
        assert!(b.selects(&get(&query)).is_err(), "{bad}");
    }
}

#[test]
fn pages_are_exact_and_linked() {
    let b = Bench::new();
    let base = format!("{FEATURE}&TYPENAMES=parc_residence");
    let text = b.text(&format!("{base}&COUNT=10&STARTINDEX=10"));
    assert!(text.contains("numberMatched=\"24\" numberReturned=\"10\""), "{text:.800}");
    assert!(
        text.contains("next=\"https://portail.example/wfs?SERVICE=WFS&amp;VERSION=2.0.0&amp;REQUEST=GetFeature&amp;TYPENAMES=parc_residence&amp;STARTINDEX=20&amp;COUNT=10&amp;PUBLICATION=1\""),
        "{text:.800}"
    );
    assert!(text.contains("previous=\"https://portail.example/wfs?SERVICE=WFS&amp;VERSION=2.0.0&amp;REQUEST=GetFeature&amp;TYPENAMES=parc_residence&amp;STARTINDEX=0&amp;COUNT=10&amp;PUBLICATION=1\""), "{text:.800}");
    let first = b.text(&format!("{base}&COUNT=10"));
    assert!(first.contains(" next=") && !first.contains(" previous="));
    let last = b.text(&format!("{base}&COUNT=10&STARTINDEX=20"));
    assert!(last.contains("numberReturned=\"4\"") && !last.contains(" next=") && last.contains(" previous="));
    let beyond = b.text(&format!("{base}&COUNT=10&STARTINDEX=100"));
    assert!(beyond.contains("numberMatched=\"24\" numberReturned=\"0\""));
    let hits = b.text(&format!("{base}&COUNT=2&RESULTTYPE=hits"));
    assert!(
        hits.contains("numberMatched=\"24\" numberReturned=\"0\"") && hits.contains("STARTINDEX=0&amp;COUNT=2"),
        "{hits}"
    );
    assert!(!hits.contains("previous=") && !hits.contains("<wfs:member"));
    let pinned = b.selects(&get(&format!("{base}&PUBLICATION=5"))).unwrap();
    assert_eq!(pinned[0].page.publication, Some(5));
    for bad in ["COUNT=-1", "COUNT=x", "STARTINDEX=1.5", "RESULTTYPE=nombre", "PUBLICATION=0"] {
        assert!(b.selects(&get(&format!("{base}&{bad}"))).is_err(), "{bad}");
    }
}

#[test]
fn a_link_says_all_that_the_request_said() {
    let b = Bench::new();
    let filter = "%3CFilter%20xmlns%3D%22http:%2F%2Fwww.opengis.net%2Ffes%2F2.0%22%3E%3CPropertyIsGreaterThan%3E%3CValueReference%3Enb_logements%3C%2FValueReference%3E%3CLiteral%3E10%3C%2FLiteral%3E%3C%2FPropertyIsGreaterThan%3E%3C%2FFilter%3E";
    let query = format!(
        "{FEATURE}&TYPENAMES=s:parc_residence&NAMESPACES=xmlns(s,urn:seuil:logement-social)&FILTER={filter}&PROPERTYNAME=s:nom,geom&SORTBY=nom+DESC&SRSNAME=EPSG:3857&COUNT=1"
    );
    let text = b.text(&query);
    let next = text.split(" next=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let (asked, again) = (b.selects(&get(&query)).unwrap(), b.selects(&get(next.split_once('?').unwrap().1)).unwrap());
    let mut page = asked[0].page;
    page.start = 1;
    page.publication = Some(1);
    assert_eq!(again[0].page, page);
    assert_eq!(
        (&again[0].filter, &again[0].order, &again[0].fields, again[0].crs),
        (&asked[0].filter, &asked[0].order, &asked[0].fields, asked[0].crs)
    );
}

#[test]
fn several_queries_share_one_window() {
    let b = Bench::new();
    let base = format!("{FEATURE}&TYPENAMES=(parc_commune)(parc_residence)(parc_commune)");
    let text = b.text(&format!("{base}&STARTINDEX=1&COUNT=26"));
    assert!(text.contains("numberMatched=\"30\" numberReturned=\"26\""), "{text:.600}");
    for part in [
        "numberMatched=\"3\" numberReturned=\"2\"",
        "numberMatched=\"24\" numberReturned=\"24\"",
        "numberMatched=\"3\" numberReturned=\"0\"",
    ] {
        assert!(
            text.contains(&format!("<wfs:member><wfs:FeatureCollection timeStamp=\"2023-11-14T22:13:20Z\" {part}>")),
            "{part}"
        );
    }
    // The second occurrence of a feature is a reference (09-025r2 §11.3.3.5).
    let all = b.text(&base);
    assert_eq!(all.matches("gml:id=\"parc_commune.59350\"").count(), 1);
    assert_eq!(all.matches("<wfs:member xlink:href=\"#parc_commune.59350\"/>").count(), 1);
    let joined = b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune,parc_iris")));
    assert!(matches!(joined, Err(Error::Option { .. })));
    let old = b.selects(&get("SERVICE=WFS&VERSION=1.1.0&REQUEST=GetFeature&TYPENAME=parc_commune,parc_iris")).unwrap();
    assert_eq!(old.len(), 2);
    let grouped = b.selects(&get(&format!("{base}&PROPERTYNAME=(nom)(id,geom)(*)&SORTBY=(nom)()(id+D)"))).unwrap();
    assert_eq!(
        grouped.iter().map(|s| (s.fields.len() < 5, s.geometry, s.order.len())).collect::<Vec<_>>(),
        [(true, false, 1), (true, true, 0), (false, true, 1)]
    );
    assert!(b.selects(&get(&format!("{base}&PROPERTYNAME=(nom)(id)"))).is_err());
}

#[test]
fn identifiers_choose_and_name_their_types() {
    let b = Bench::new();
    let ids = |select: &crate::query::Select| match &select.filter {
        Filter::Ids(ids) => ids.clone(),
        other => panic!("{other:?}"),
    };
    let typed =
        b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&RESOURCEID=parc_commune.59350,inconnu"))).unwrap();
    assert_eq!(ids(&typed[0]), ["59350"]);
    let untyped = b.selects(&get(&format!("{FEATURE}&RESOURCEID=parc_iris.a,parc_commune.b,parc_iris.c"))).unwrap();
    assert_eq!(untyped.iter().map(ids).collect::<Vec<_>>(), [vec!["a", "c"], vec!["b"]]);
    let old = b.selects(&get("SERVICE=WFS&VERSION=1.1.0&REQUEST=GetFeature&FEATUREID=parc_iris.a")).unwrap();
    assert_eq!(ids(&old[0]), ["a"]);
    let (status, _, text) = b.answer(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&RESOURCEID=parc_iris.a")));
    assert_eq!(status, 400);
    assert!(text.contains("exceptionCode=\"InvalidParameterValue\" locator=\"RESOURCEID\""), "{text}");
    let both = b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&RESOURCEID=parc_commune.1&BBOX=1,2,3,4")));
    assert!(matches!(both, Err(Error::Invalid { .. })));
}

#[test]
fn the_stored_query_gives_the_feature_itself() {
    let b = Bench::new();
    for id in ["urn:ogc:def:query:OGC-WFS::GetFeatureById", "http://www.opengis.net/def/query/OGC-WFS/0/GetFeatureById"]
    {
        let text = b.text(&format!("{FEATURE}&STOREDQUERY_ID={id}&ID=parc_commune.59350"));
        let root = text.split_once("-->\n").unwrap().1;
        assert!(root.starts_with("<seuil:parc_commune xmlns:gml=\"http://www.opengis.net/gml/3.2\""), "{root:.300}");
        assert!(
            root.contains(" gml:id=\"parc_commune.59350\">") && root.ends_with("</seuil:parc_commune>"),
            "{root:.300}"
        );
        for unknown in ["parc_commune.00000", "test-7f3a"] {
            let (status, _, text) = b.answer(&get(&format!("{FEATURE}&STOREDQUERY_ID={id}&ID={unknown}")));
            assert_eq!(status, 404, "{text}");
            assert!(text.contains("exceptionCode=\"NotFound\""));
        }
        assert!(matches!(b.parse(&get(&format!("{FEATURE}&STOREDQUERY_ID={id}"))), Err(Error::Missing { name: "id" })));
    }
    let unknown = b.parse(&get(&format!("{FEATURE}&STOREDQUERY_ID=urn:x")));
    assert!(matches!(unknown, Err(Error::Unknown { kind: NameKind::StoredQuery, .. })));
    let list = b.text("SERVICE=WFS&VERSION=2.0.0&REQUEST=ListStoredQueries");
    assert!(list.contains("<wfs:StoredQuery id=\"urn:ogc:def:query:OGC-WFS::GetFeatureById\">"), "{list}");
    assert!(list.contains("<wfs:ReturnFeatureType>seuil:parc_residence</wfs:ReturnFeatureType>"), "{list}");
    let one = b.text(
        "SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeStoredQueries&STOREDQUERY_ID=urn:seuil:requete:residences-qpv",
    );
    assert_eq!(one.matches("<wfs:StoredQueryDescription ").count(), 1);
    assert!(one.contains("<wfs:Parameter name=\"code_qp\" type=\"xsd:string\">"));
    let selects = b
        .selects(&get(&format!(
            "{FEATURE}&STOREDQUERY_ID=urn:seuil:requete:residences-commune&insee_com=59350&theme=occupation"
        )))
        .unwrap();
    assert_eq!(selects[0].layer, b.site.catalogue.layer("occupation_residence").unwrap().id);
    assert!(matches!(selects[0].filter, Filter::Compare { .. }));
}

#[test]
fn property_values() {
    let b = Bench::new();
    let base = "SERVICE=WFS&VERSION=2.0.0&REQUEST=GetPropertyValue&TYPENAMES=parc_commune";
    let text = b.text(&format!("{base}&VALUEREFERENCE=nom"));
    assert!(text.contains("<wfs:ValueCollection ") && text.contains("<wfs:member>Lille</wfs:member>"), "{text}");
    let ids = b.text(&format!("{base}&VALUEREFERENCE=@gml:id"));
    assert!(ids.contains("<wfs:member>parc_commune.59350</wfs:member>"), "{ids}");
    let geometry = b.text(&format!("{base}&VALUEREFERENCE=seuil:geom&COUNT=1"));
    assert!(
        geometry.contains("<wfs:member><gml:MultiSurface gml:id=\"_g.parc_commune.") && geometry.contains(" next="),
        "{geometry}"
    );
    let Query::Features(parts) = b.parse(&get(&format!("{base}&VALUEREFERENCE=nb_logements"))).unwrap().query else {
        panic!()
    };
    assert!(matches!(&parts[0].filter, Filter::Not(inner) if matches!(**inner, Filter::IsNull(_))));
    for (query, code) in [
        ("&VALUEREFERENCE=", "InvalidParameterValue"),
        ("", "MissingParameterValue"),
        ("&VALUEREFERENCE=x", "InvalidParameterValue"),
    ] {
        let (status, _, text) = b.answer(&get(&format!("{base}{query}")));
        assert_eq!(status, 400);
        assert!(text.contains(&format!("exceptionCode=\"{code}\" locator=\"VALUEREFERENCE\"")), "{query}: {text}");
    }
}

#[test]
fn schemas_say_what_features_hold() {
    let b = Bench::new();
    let text = b.text(
        "SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES=ms:parc_residence&TYPENAME=ms:parc_residence",
    );
    for needed in [
        "targetNamespace=\"urn:seuil:logement-social\"",
        "<xsd:element name=\"parc_residence\" type=\"seuil:parc_residenceType\" substitutionGroup=\"gml:AbstractFeature\"/>",
        "<xsd:element name=\"objectid\" type=\"xsd:int\" minOccurs=\"0\"/>",
        "<xsd:element name=\"date_reference\" type=\"xsd:dateTime\" minOccurs=\"0\"/>",
        "<xsd:element name=\"nb_logements\" type=\"xsd:integer\" minOccurs=\"0\" nillable=\"true\"/>",
        "<xsd:element name=\"geom\" type=\"gml:PointPropertyType\" minOccurs=\"0\"/>",
    ] {
        assert!(text.contains(needed), "{needed} in {text}");
    }
    let all = b.text("SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType");
    assert_eq!(all.matches("<xsd:complexType ").count(), b.site.catalogue.layers().len());
    let old = b.text("SERVICE=WFS&VERSION=1.1.0&REQUEST=DescribeFeatureType&TYPENAME=parc_commune,parc_iris");
    assert!(old.contains("substitutionGroup=\"gml:_Feature\"") && old.contains("gml:MultiSurfacePropertyType"));
    let oldest = b.text("SERVICE=WFS&VERSION=1.0.0&REQUEST=DescribeFeatureType&TYPENAME=parc_commune");
    assert!(oldest.contains("gml:MultiPolygonPropertyType"));
    let (status, _, text) =
        b.answer(&get("SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES=Unknown1.Type"));
    assert_eq!(status, 400);
    assert!(text.contains("InvalidParameterValue"), "{text}");
}

#[test]
fn older_versions_have_their_own_collections() {
    let b = Bench::new();
    let text = b.text("SERVICE=WFS&REQUEST=GetFeature&VERSION=1.1.0&TYPENAME=parc_commune&MAXFEATURES=2&SRSNAME=urn:ogc:def:crs:EPSG::2154");
    assert!(
        text.contains("xmlns:wfs=\"http://www.opengis.net/wfs\"") && text.contains("numberOfFeatures=\"2\""),
        "{text:.600}"
    );
    assert!(text.contains("<gml:featureMember><seuil:parc_commune gml:id=\"parc_commune.59350\">"));
    assert!(text.contains("<gml:MultiSurface srsName=\"urn:ogc:def:crs:EPSG::2154\" srsDimension=\"2\">"));
    let hits = b.text("SERVICE=WFS&VERSION=1.1.0&REQUEST=GetFeature&TYPENAME=parc_residence&RESULTTYPE=hits");
    assert!(hits.contains("numberOfFeatures=\"24\""));
    let text = b.text("SERVICE=WFS&REQUEST=GetFeature&VERSION=1.0.0&TYPENAME=parc_commune&SRSNAME=EPSG:2154");
    assert!(text.contains("<gml:Box srsName=\"EPSG:2154\"><gml:coordinates>700000.00,7050000.00 "), "{text:.900}");
    assert!(text.contains("<gml:featureMember><seuil:parc_commune fid=\"parc_commune.59350\">"));
    assert!(
        text.contains("<gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>700000.00,7050000.00 "),
        "{text:.2000}"
    );
}

#[test]
fn resolve_parameters_are_answered_as_the_standard_says() {
    let b = Bench::new();
    let ask = |p: &str| b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&{p}"))).map(|_| ());
    for good in ["RESOLVE=none", "RESOLVE=local", "RESOLVE=local&RESOLVEDEPTH=*", "RESOLVEDEPTH=2&RESOLVETIMEOUT=10"] {
        assert_eq!(ask(good), Ok(()), "{good}");
    }
    assert!(matches!(ask("RESOLVE=remote"), Err(Error::Option { .. })));
    assert!(matches!(ask("RESOLVE=tout"), Err(Error::Invalid { .. })));
}

#[test]
fn features_as_geojson_and_csv() {
    let b = Bench::new();
    let json = |query: &str| -> serde_json::Value { serde_json::from_str(&b.text(query)).unwrap() };
    let base = format!("{FEATURE}&TYPENAMES=seuil:parc_residence&OUTPUTFORMAT=application/json%3B+subtype%3Dgeojson");
    let page = json(&format!("{base}&SRSNAME=EPSG:2154&COUNT=2"));
    assert_eq!(page["crs"]["properties"]["name"], "urn:ogc:def:crs:EPSG::2154");
    assert_eq!((&page["numberMatched"], &page["numberReturned"]), (&24.into(), &2.into()));
    assert_eq!(page["features"][0]["id"], "parc_residence.r00");
    assert_eq!(page["features"][0]["geometry"]["coordinates"], serde_json::json!([700_500.0, 7_050_500.0]));
    assert_eq!(
        (&page["features"][0]["properties"]["statut"], &page["features"][0]["properties"]["nb_logements"]),
        (&"secret".into(), &serde_json::Value::Null)
    );
    assert_eq!(page["links"][0]["rel"], "next");
    assert_eq!(page["terms"]["convention"], "essai");
    let degrees = json(&format!("{base}&SRSNAME=urn:ogc:def:crs:EPSG::4326&COUNT=1"));
    assert!(
        degrees.get("crs").is_none() && degrees["features"][0]["geometry"]["coordinates"][1].as_f64().unwrap() > 40.0
    );
    let one = json(&format!(
        "{FEATURE}&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID=parc_commune.59350&OUTPUTFORMAT=json"
    ));
    assert_eq!((&one["type"], &one["id"]), (&"Feature".into(), &"parc_commune.59350".into()));
    let csv = b.text(&format!("{FEATURE}&TYPENAMES=parc_commune&OUTPUTFORMAT=csv&PROPERTYNAME=id,nom"));
    assert_eq!(csv.lines().take(2).map(str::trim_end).collect::<Vec<_>>(), ["id,nom", "59350,Lille"]);
    let (status, _, _) = b.answer(&get(&format!("{FEATURE}&TYPENAMES=(parc_commune)(parc_iris)&OUTPUTFORMAT=csv")));
    assert_eq!(status, 400);
}

const WFS2: &str = "xmlns='http://www.opengis.net/wfs/2.0' xmlns:fes='http://www.opengis.net/fes/2.0' xmlns:s='urn:seuil:logement-social' service='WFS' version='2.0.0'";

#[test]
fn every_operation_as_xml() {
    let b = Bench::new();
    let ok = |body: &str| {
        let (status, _, text) = b.answer(&post(body));
        assert_eq!(status, 200, "{body}: {text}");
        text
    };
    assert!(
        ok("<GetCapabilities xmlns=\"http://www.opengis.net/wfs/2.0\" service=\"WFS\"/>")
            .contains("<wfs:WFS_Capabilities version=\"2.0.0\"")
    );
    let accept = "<GetCapabilities service='WFS' xmlns='http://www.opengis.net/wfs/2.0' xmlns:ows='http://www.opengis.net/ows/1.1'><ows:AcceptVersions><ows:Version>2.0.0</ows:Version></ows:AcceptVersions><ows:Sections><ows:Section>ServiceProvider</ows:Section></ows:Sections></GetCapabilities>";
    assert!(!ok(accept).contains("FeatureTypeList"));
    let schema = ok(&format!(
        "<DescribeFeatureType {WFS2}><TypeName>s:parc_iris</TypeName><TypeName xmlns:t='urn:seuil:logement-social'>t:parc_commune</TypeName></DescribeFeatureType>"
    ));
    assert_eq!(schema.matches("<xsd:complexType ").count(), 2);
    let values = ok(&format!(
        "<GetPropertyValue {WFS2} valueReference='s:nom'><Query typeNames='s:parc_commune'/></GetPropertyValue>"
    ));
    assert!(values.contains("<wfs:member>Lomme</wfs:member>"));
    assert!(ok(&format!("<ListStoredQueries {WFS2}/>")).contains("GetFeatureById"));
    let one = ok(&format!(
        "<DescribeStoredQueries {WFS2}><StoredQueryId>urn:ogc:def:query:OGC-WFS::GetFeatureById</StoredQueryId></DescribeStoredQueries>"
    ));
    assert_eq!(one.matches("<wfs:StoredQueryDescription ").count(), 1);
    let by_id = ok(&format!(
        "<GetFeature {WFS2}><StoredQuery id='urn:ogc:def:query:OGC-WFS::GetFeatureById'><Parameter name='id'>parc_commune.59350</Parameter></StoredQuery></GetFeature>"
    ));
    assert!(by_id.contains("<seuil:parc_commune xmlns:gml="));
    let features = format!(
        "<GetFeature {WFS2} count='2' startIndex='1' resultType='results'><Query typeNames='s:parc_residence' srsName='urn:ogc:def:crs:EPSG::4326'><PropertyName>s:nom</PropertyName><fes:Filter><fes:PropertyIsNotEqualTo><fes:ValueReference xmlns:z='urn:seuil:logement-social'>z:statut</fes:ValueReference><fes:Literal>secret</fes:Literal></fes:PropertyIsNotEqualTo></fes:Filter><fes:SortBy><fes:SortProperty><fes:ValueReference>s:nb_logements</fes:ValueReference><fes:SortOrder>DESC</fes:SortOrder></fes:SortProperty></fes:SortBy></Query></GetFeature>"
    );
    let selects = b.selects(&post(&features)).unwrap();
    let page = (selects[0].page.start, selects[0].page.count);
    assert_eq!(
        (page, selects[0].crs, selects[0].geometry, selects[0].order.len()),
        ((1, Some(2)), Crs::Wgs84, false, 1)
    );
    // The next page of a POST is a GET that asks the same.
    let text = ok(&features);
    let next = text.split(" next=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let again = b.selects(&get(next.split_once('?').unwrap().1)).unwrap();
    assert_eq!(again[0].page.start, 3);
    assert_eq!(
        (&again[0].filter, &again[0].order, &again[0].fields, again[0].crs),
        (&selects[0].filter, &selects[0].order, &selects[0].fields, selects[0].crs)
    );
    let two =
        format!("<GetFeature {WFS2}><Query typeNames='s:parc_commune'/><Query typeNames='s:parc_iris'/></GetFeature>");
    assert_eq!(b.selects(&post(&two)).unwrap().len(), 2);
}

#[test]
fn xml_of_older_versions() {
    let b = Bench::new();
    let openlayers = "<GetFeature xmlns=\"http://www.opengis.net/wfs\" service=\"WFS\" version=\"1.1.0\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://www.opengis.net/wfs http://schemas.opengis.net/wfs/1.1.0/wfs.xsd\"><Query typeName=\"ms:parc_commune\" srsName=\"EPSG:2154\" xmlns:ms=\"urn:seuil:logement-social\"><Filter xmlns=\"http://www.opengis.net/ogc\"><And><PropertyIsLike wildCard=\"*\" singleChar=\".\" escapeChar=\"!\"><PropertyName>nom</PropertyName><Literal>L*</Literal></PropertyIsLike><PropertyIsEqualTo><PropertyName>insee_com</PropertyName><Literal>59350</Literal></PropertyIsEqualTo></And></Filter></Query></GetFeature>";
    assert!(matches!(&b.selects(&post(openlayers)).unwrap()[0].filter, Filter::And(parts) if parts.len() == 2));
    let sorted = "<wfs:GetFeature xmlns:wfs='http://www.opengis.net/wfs' xmlns:ogc='http://www.opengis.net/ogc' maxFeatures='5' version='1.1.0'><wfs:Query typeName='parc_commune'><wfs:PropertyName>nom</wfs:PropertyName><ogc:SortBy><ogc:SortProperty><ogc:PropertyName>nom</ogc:PropertyName><ogc:SortOrder>DESC</ogc:SortOrder></ogc:SortProperty></ogc:SortBy></wfs:Query></wfs:GetFeature>";
    let select = &b.selects(&post(sorted)).unwrap()[0];
    assert_eq!((select.page.count, select.fields.len(), select.order[0].descending), (Some(5), 1, true));
    let oldest = "<GetFeature xmlns='http://www.opengis.net/wfs' version='1.0.0' outputFormat='GML2'><Query typeName='parc_commune'/></GetFeature>";
    let (status, media, _) = b.answer(&post(oldest));
    assert_eq!((status, media.as_str()), (200, "text/xml; subtype=gml/2.1.2; charset=utf-8"));
}

#[test]
fn bodies_that_cannot_be_read() {
    let b = Bench::new();
    let deep = format!("<GetFeature {WFS2}>{}{}</GetFeature>", "<a>".repeat(100), "</a>".repeat(100));
    for (body, code) in [
        ("", "OperationParsingFailed"),
        ("pas du XML", "OperationParsingFailed"),
        (
            "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><GetFeature>&x;</GetFeature>",
            "OperationParsingFailed",
        ),
        (&deep, "OperationParsingFailed"),
        (&format!("<GetFeature {WFS2}/>"), "OperationParsingFailed"),
        (&format!("<GetFeature {WFS2}><Query/></GetFeature>"), "MissingParameterValue"),
        (&format!("<GetFeature {WFS2}><Query typeNames='s:x'/></GetFeature>"), "InvalidParameterValue"),
        (
            &format!("<GetFeature {WFS2}><Query typeNames='z:parc_commune' xmlns:z='urn:autre'/></GetFeature>"),
            "InvalidParameterValue",
        ),
        (
            &format!("<GetFeature {WFS2}><Query typeNames='s:parc_commune s:parc_iris'/></GetFeature>"),
            "OptionNotSupported",
        ),
        (
            &format!(
                "<GetPropertyValue {WFS2} valueReference=''><Query typeNames='s:parc_commune'/></GetPropertyValue>"
            ),
            "InvalidParameterValue",
        ),
        (&format!("<Transaction {WFS2}/>"), "OperationNotSupported"),
        ("<GetFeature xmlns='http://www.opengis.net/wfs/2.0' version='2.0.0'/>", "MissingParameterValue"),
    ] {
        let (status, _, text) = b.answer(&post(body));
        assert!(status >= 400 && text.contains(&format!("exceptionCode=\"{code}\"")), "{body:.80}: {status} {text}");
    }
}

#[test]
fn a_form_is_read_as_pairs() {
    let b = Bench::new();
    let mut request = post("service=WFS&version=2.0.0&request=GetFeature&typeNames=parc_commune&propertyName=nom%2Cid");
    request
        .headers
        .insert(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap());
    assert_eq!(b.selects(&request).unwrap()[0].fields.len(), 2);
    let mut put = post("");
    put.method = http::Method::PUT;
    assert!(matches!(b.parse(&put), Err(Error::Method { .. })));
}

#[test]
fn ecql_is_geoservers() {
    let b = Bench::new();
    let ask = |cql: &str| b.selects(&get(&format!("{FEATURE}&TYPENAMES=parc_commune&CQL_FILTER={cql}")));
    let bbox = Filter::BBox { envelope: Envelope::new(1.0, 2.0, 3.0, 4.0).unwrap(), crs: Crs::Lambert93 };
    assert_eq!(ask("BBOX(geom,1,2,3,4)").unwrap()[0].filter, bbox);
    let both = b
        .selects(&get(&format!("{FEATURE}&TYPENAMES=(parc_commune)(parc_iris)&CQL_FILTER=INCLUDE;nom+ILIKE+'l%25'")))
        .unwrap();
    assert!(matches!((&both[0].filter, &both[1].filter), (Filter::All, Filter::Like { match_case: false, .. })));
    assert!(matches!(ask("nom"), Err(Error::Invalid { name, .. }) if name == "CQL_FILTER"));
}

#[test]
fn a_filter_that_fails_on_the_rows_is_located_where_it_stood() {
    let b = Bench::new();
    let slow = Error::Processing { name: "FILTER".into(), reason: Reason::TooSlow };
    for version in ["VERSION=2.0.0&TYPENAMES=parc_commune", "VERSION=1.1.0&TYPENAME=parc_commune"] {
        let ask = |rest: &str| b.refused(&get(&format!("SERVICE=WFS&REQUEST=GetFeature&{version}{rest}")), &slow);
        assert!(ask("&CQL_FILTER=INCLUDE").contains("locator=\"CQL_FILTER\">"), "{}", ask("&CQL_FILTER=INCLUDE"));
        assert!(ask("").contains("locator=\"FILTER\">"), "{}", ask(""));
    }
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    let mut posted = post("SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_commune&CQL_FILTER=INCLUDE");
    posted.headers.insert(http::header::CONTENT_TYPE, form);
    assert!(b.refused(&posted, &slow).contains("(CQL_FILTER)"), "{}", b.refused(&posted, &slow));
    let other = Error::Processing { name: "geom".into(), reason: Reason::SpatialOperator };
    assert!(b.refused(&posted, &other).contains("locator=\"geom\">"));
}
