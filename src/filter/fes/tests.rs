//! Filters as clients write them, and what they mean.

use super::*;
use crate::catalogue::load_embedded;
use crate::filter::{CompareOp, Expr, SpatialOp, TemporalOp};
use crate::geo::{Envelope, Geometry};
use crate::query::Value;

const FES: &str = "http://www.opengis.net/fes/2.0";
const OGC: &str = "http://www.opengis.net/ogc";

struct Bench {
    catalogue: Catalogue,
    limits: Limits,
}

impl Bench {
    fn new() -> Bench {
        Bench { catalogue: load_embedded().unwrap(), limits: Limits::default() }
    }

    fn read(&self, xml: &str) -> Result<Filter, Error> {
        self.read_with(xml, AxisRule::Spelling)
    }

    fn read_with(&self, xml: &str, axes: AxisRule) -> Result<Filter, Error> {
        let layer = self.catalogue.layer("parc_commune").unwrap();
        let (catalogue, limits) = (&self.catalogue, &self.limits);
        read(&parse(xml, limits)?, Scene { layer, catalogue, limits, prefixes: &[], axes })
    }

    fn field(&self, name: &str) -> Expr {
        Expr::Field(self.catalogue.layer("parc_commune").unwrap().field(name).unwrap().id)
    }
}

/// The inside of a filter of version 2.0.
fn fes(inside: &str) -> String {
    format!(
        "<fes:Filter xmlns:fes='{FES}' xmlns:gml='http://www.opengis.net/gml/3.2' xmlns:s='urn:seuil:logement-social'>{inside}</fes:Filter>"
    )
}

fn compare(op: CompareOp, left: Expr, right: Expr) -> Filter {
    Filter::Compare { op, left, right, match_case: true }
}

fn text(t: &str) -> Expr {
    Expr::Literal(Value::Text(t.into()))
}

fn int(n: i64) -> Expr {
    Expr::Literal(Value::Int(n))
}

#[test]
fn every_comparison_of_2_0() {
    let b = Bench::new();
    for (name, op) in [
        ("EqualTo", CompareOp::Eq),
        ("NotEqualTo", CompareOp::Ne),
        ("LessThan", CompareOp::Lt),
        ("LessThanOrEqualTo", CompareOp::Le),
        ("GreaterThan", CompareOp::Gt),
        ("GreaterThanOrEqualTo", CompareOp::Ge),
    ] {
        let xml = format!(
            "<fes:PropertyIs{name} matchCase='true' matchAction='Any'><fes:Literal>12</fes:Literal>\
             <fes:ValueReference>s:nb_logements</fes:ValueReference></fes:PropertyIs{name}>"
        );
        assert_eq!(b.read(&fes(&xml)), Ok(compare(op, int(12), b.field("nb_logements"))), "{name}");
    }
    let like = "<fes:PropertyIsLike wildCard='*' singleChar='.' escapeChar='!' matchCase='false'>\
                <fes:ValueReference>nom</fes:ValueReference><fes:Literal>Saint.*</fes:Literal></fes:PropertyIsLike>";
    let expected = Filter::Like { expr: b.field("nom"), pattern: "Saint_%".into(), match_case: false };
    assert_eq!(b.read(&fes(like)), Ok(expected));
    let between = "<fes:PropertyIsBetween><fes:ValueReference>tx_vacance</fes:ValueReference>\
                   <fes:LowerBoundary><fes:Literal>1</fes:Literal></fes:LowerBoundary>\
                   <fes:UpperBoundary><fes:Literal>2.5</fes:Literal></fes:UpperBoundary></fes:PropertyIsBetween>";
    let double = |v| Expr::Literal(Value::Double(v));
    let expected = Filter::Between { expr: b.field("tx_vacance"), lower: double(1.0), upper: double(2.5) };
    assert_eq!(b.read(&fes(between)), Ok(expected));
    for name in ["PropertyIsNull", "PropertyIsNil"] {
        let xml = format!("<fes:{name}><fes:ValueReference>nom</fes:ValueReference></fes:{name}>");
        assert_eq!(b.read(&fes(&xml)), Ok(Filter::IsNull(b.field("nom"))));
        let xml = format!("<fes:{name}><fes:ValueReference>gml:name</fes:ValueReference></fes:{name}>");
        assert_eq!(b.read(&fes(&xml)), Ok(Filter::All));
    }
}

#[test]
fn property_names_of_every_spelling() {
    let b = Bench::new();
    for name in [
        "nom",
        "s:nom",
        " s:nom ",
        "s:parc_commune/s:nom",
        "parc_commune/nom",
        "/s:parc_commune/s:nom",
        "*/nom",
        "./s:nom",
        "s:nom[1]",
        "child::s:nom",
        "inconnu:nom",
    ] {
        let xml =
            fes(&format!("<fes:PropertyIsNull><fes:ValueReference>{name}</fes:ValueReference></fes:PropertyIsNull>"));
        assert_eq!(b.read(&xml), Ok(Filter::IsNull(b.field("nom"))), "{name}");
    }
    for name in ["inexistant", "gml:nom", "parc_iris/nom", "s:nom[2]", "", "@x", "gml:geom"] {
        let xml =
            fes(&format!("<fes:PropertyIsNull><fes:ValueReference>{name}</fes:ValueReference></fes:PropertyIsNull>"));
        assert!(matches!(b.read(&xml), Err(Error::Unknown { kind: NameKind::Property, .. })), "{name}");
    }
    let other = fes(
        "<fes:PropertyIsNull xmlns:s='urn:autre'><fes:ValueReference>s:nom</fes:ValueReference></fes:PropertyIsNull>",
    );
    assert!(matches!(b.read(&other), Err(Error::Unknown { .. })));
}

#[test]
fn a_field_outside_the_convention_is_unknown() {
    let mut b = Bench::new();
    let xml = fes(
        "<fes:PropertyIsGreaterThan><fes:ValueReference>loyer_moy_m2</fes:ValueReference><fes:Literal>5</fes:Literal></fes:PropertyIsGreaterThan>",
    );
    assert!(b.read(&xml).is_ok());
    b.catalogue = b.catalogue.restricted(|_| true, |_, f| f.sensitive.is_none());
    assert!(matches!(b.read(&xml), Err(Error::Unknown { kind: NameKind::Property, .. })));
}

#[test]
fn logic_nests_and_is_limited() {
    let mut b = Bench::new();
    let leaf = "<fes:PropertyIsNull><fes:ValueReference>nom</fes:ValueReference></fes:PropertyIsNull>";
    let xml = fes(&format!("<fes:Not><fes:Or>{leaf}<fes:And>{leaf}{leaf}</fes:And></fes:Or></fes:Not>"));
    let null = || Filter::IsNull(b.field("nom"));
    let expected = Filter::Not(Box::new(Filter::Or(vec![null(), Filter::And(vec![null(), null()])])));
    assert_eq!(b.read(&xml), Ok(expected));
    let deep = fes(&format!("{}{leaf}{}", "<fes:Not>".repeat(70), "</fes:Not>".repeat(70)));
    assert!(matches!(b.read(&deep), Err(Error::Invalid { .. })), "deeper than XML may be");
    b.limits.filter_nodes = 10;
    let wide = fes(&format!("<fes:Or>{}</fes:Or>", leaf.repeat(6)));
    assert!(matches!(b.read(&wide), Err(Error::Limit { what: "FILTER", .. })));
    for bad in ["", "<fes:And/>", "<fes:Not/>", "<fes:Bof/>", &format!("{leaf}{leaf}")] {
        assert!(matches!(b.read(&fes(bad)), Err(Error::Invalid { .. })), "{bad}");
    }
}

#[test]
fn literals_take_the_type_of_the_property() {
    let b = Bench::new();
    let eq = |property: &str, literal: &str| {
        b.read(&fes(&format!(
            "<fes:PropertyIsEqualTo><fes:ValueReference>{property}</fes:ValueReference><fes:Literal>{literal}</fes:Literal></fes:PropertyIsEqualTo>"
        )))
    };
    assert_eq!(eq("insee_com", "059"), Ok(compare(CompareOp::Eq, b.field("insee_com"), text("059"))));
    let half = Expr::Literal(Value::Double(10.5));
    assert_eq!(eq("nb_logements", "10.5"), Ok(compare(CompareOp::Eq, b.field("nb_logements"), half)));
    let day = Expr::Literal(Value::DateTime(1_704_067_200_000));
    assert_eq!(eq("date_reference", "2024-01-01"), Ok(compare(CompareOp::Eq, b.field("date_reference"), day.clone())));
    let time =
        "<gml:TimeInstant gml:id='t'><gml:timePosition>2024-01-01T00:00:00Z</gml:timePosition></gml:TimeInstant>";
    assert_eq!(eq("date_reference", time), Ok(compare(CompareOp::Eq, b.field("date_reference"), day)));
    for (property, literal) in
        [("nb_logements", "douze"), ("nb_logements", "NaN"), ("date_reference", "hier"), ("tx_vacance", "")]
    {
        assert!(matches!(eq(property, literal), Err(Error::Invalid { .. })), "{property} {literal}");
    }
    let envelope =
        "<gml:Envelope><gml:lowerCorner>0 0</gml:lowerCorner><gml:upperCorner>1 1</gml:upperCorner></gml:Envelope>";
    assert!(matches!(eq("gml:boundedBy", envelope), Err(Error::Processing { .. })));
    assert!(matches!(eq("geom", "x"), Err(Error::Processing { .. })));
}

#[test]
fn identifiers() {
    let b = Bench::new();
    let two = fes("<fes:ResourceId rid='parc_commune.59350'/><fes:ResourceId rid='parc_commune.59_x0020_1'/>");
    assert_eq!(b.read(&two), Ok(Filter::Ids(vec!["59350".into(), "59 1".into()])));
    assert_eq!(b.read(&fes("<fes:ResourceId rid='test-7f3a'/>")), Ok(Filter::Ids(vec![])));
    let other = b.read(&fes("<fes:ResourceId rid='parc_iris.593500101'/>"));
    assert!(matches!(other, Err(Error::Invalid { name, .. }) if name == "RESOURCEID"));
    let old = format!("<Filter xmlns='{OGC}'><FeatureId fid='parc_commune.59350'/></Filter>");
    assert_eq!(b.read(&old), Ok(Filter::Ids(vec!["59350".into()])));
    let gml = format!(
        "<Filter xmlns='{OGC}' xmlns:gml='http://www.opengis.net/gml'><GmlObjectId gml:id='parc_commune.59350'/></Filter>"
    );
    assert_eq!(b.read(&gml), Ok(Filter::Ids(vec!["59350".into()])));
    let by_attribute = fes(
        "<fes:PropertyIsEqualTo><fes:ValueReference>@gml:id</fes:ValueReference><fes:Literal>parc_commune.59350</fes:Literal></fes:PropertyIsEqualTo>",
    );
    assert_eq!(b.read(&by_attribute), Ok(Filter::Ids(vec!["59350".into()])));
}

#[test]
fn every_spatial_operator_with_the_axes_of_each_spelling() {
    let b = Bench::new();
    let ops = [
        ("Equals", SpatialOp::Equals),
        ("Disjoint", SpatialOp::Disjoint),
        ("Touches", SpatialOp::Touches),
        ("Within", SpatialOp::Within),
        ("Overlaps", SpatialOp::Overlaps),
        ("Crosses", SpatialOp::Crosses),
        ("Intersects", SpatialOp::Intersects),
        ("Contains", SpatialOp::Contains),
    ];
    for (name, op) in ops {
        for (srs, pos, crs) in [
            (" srsName='urn:ogc:def:crs:EPSG::4326'", "50.6 3.1", Crs::Wgs84),
            (" srsName='http://www.opengis.net/def/crs/EPSG/0/4171'", "50.6 3.1", Crs::Rgf93),
            (" srsName='EPSG:4326'", "3.1 50.6", Crs::Wgs84),
            (" srsName='http://www.opengis.net/gml/srs/epsg.xml#4258'", "3.1 50.6", Crs::Etrs89),
            (" srsName='urn:ogc:def:crs:OGC:1.3:CRS84'", "3.1 50.6", Crs::Crs84),
        ] {
            let xml = fes(&format!(
                "<fes:{name}><fes:ValueReference>s:geom</fes:ValueReference><gml:Point gml:id='p'{srs}><gml:pos>{pos}</gml:pos></gml:Point></fes:{name}>"
            ));
            let expected = Filter::Spatial { op, geometry: Geometry::Point([3.1, 50.6]), crs };
            assert_eq!(b.read(&xml), Ok(expected), "{name} {srs}");
        }
    }
    // The property on the right: the relation turns round.
    let turned = fes(
        "<fes:Within><gml:Point gml:id='p'><gml:pos>1 2</gml:pos></gml:Point><fes:ValueReference>geom</fes:ValueReference></fes:Within>",
    );
    let expected =
        Filter::Spatial { op: SpatialOp::Contains, geometry: Geometry::Point([1.0, 2.0]), crs: Crs::Lambert93 };
    assert_eq!(b.read(&turned), Ok(expected));
    let unknown = fes(
        "<fes:Within><fes:ValueReference>geom</fes:ValueReference><gml:Point srsName='EPSG:27572'><gml:pos>1 2</gml:pos></gml:Point></fes:Within>",
    );
    assert!(matches!(b.read(&unknown), Err(Error::Crs { .. })));
    let join = fes(
        "<fes:Within><fes:ValueReference>geom</fes:ValueReference><fes:ValueReference>geom</fes:ValueReference></fes:Within>",
    );
    assert!(matches!(b.read(&join), Err(Error::Option { .. })));
}

#[test]
fn boxes_of_every_version() {
    let b = Bench::new();
    let expected = |crs| Ok(Filter::BBox { envelope: Envelope::new(1.0, 2.0, 3.0, 4.0).unwrap(), crs });
    let corners =
        |a: &str, b: &str| format!("<gml:lowerCorner>{a}</gml:lowerCorner><gml:upperCorner>{b}</gml:upperCorner>");
    let bbox =
        |e: &str| b.read(&fes(&format!("<fes:BBOX><fes:ValueReference>geom</fes:ValueReference>{e}</fes:BBOX>")));
    let plain = corners("1 2", "3 4");
    assert_eq!(bbox(&format!("<gml:Envelope>{plain}</gml:Envelope>")), expected(Crs::Lambert93));
    let north = corners("2 1", "4 3");
    assert_eq!(
        bbox(&format!("<gml:Envelope srsName='urn:ogc:def:crs:EPSG::4326'>{north}</gml:Envelope>")),
        expected(Crs::Wgs84)
    );
    assert_eq!(
        bbox("<gml:Envelope srsName='EPSG:3857'><gml:pos>1 2</gml:pos><gml:pos>3 4</gml:pos></gml:Envelope>"),
        expected(Crs::WebMercator)
    );
    assert_eq!(
        b.read(&fes(&format!("<fes:BBOX><gml:Envelope>{plain}</gml:Envelope></fes:BBOX>"))),
        expected(Crs::Lambert93)
    );
    let old = |srs: &str, a: &str| {
        format!(
            "<Filter xmlns='{OGC}' xmlns:gml='http://www.opengis.net/gml'><BBOX><PropertyName>geom</PropertyName><gml:Box{srs}>{a}</gml:Box></BBOX></Filter>"
        )
    };
    assert_eq!(b.read(&old("", "<gml:coordinates>1,2 3,4</gml:coordinates>")), expected(Crs::Lambert93));
    assert_eq!(
        b.read(&old("", "<gml:coordinates cs=' ' ts=';' decimal=','>1,0 2;3 4</gml:coordinates>")),
        expected(Crs::Lambert93)
    );
    let coord = "<gml:coord><gml:X>1</gml:X><gml:Y>2</gml:Y></gml:coord><gml:coord><gml:X>3</gml:X><gml:Y>4</gml:Y></gml:coord>";
    assert_eq!(b.read(&old(" srsName='EPSG:2154'", coord)), expected(Crs::Lambert93));
    // WFS 1.0 knows east/north alone.
    let urn =
        old(" srsName='http://www.opengis.net/gml/srs/epsg.xml#4326'", "<gml:coordinates>1,2 3,4</gml:coordinates>");
    assert_eq!(b.read_with(&urn, AxisRule::EastNorth), expected(Crs::Wgs84));
    for bad in [
        "<gml:Envelope><gml:lowerCorner>3 4</gml:lowerCorner><gml:upperCorner>1 2</gml:upperCorner></gml:Envelope>",
        "<gml:Envelope><gml:lowerCorner>NaN 4</gml:lowerCorner><gml:upperCorner>1 2</gml:upperCorner></gml:Envelope>",
        "<gml:Envelope><gml:pos>1 2</gml:pos></gml:Envelope>",
        "<gml:Envelope/>",
        "",
    ] {
        assert!(matches!(bbox(bad), Err(Error::Invalid { .. })), "{bad}");
    }
}

#[test]
fn distances_in_every_unit() {
    let b = Bench::new();
    for (name, within) in [("DWithin", true), ("Beyond", false)] {
        for (attribute, metres) in [
            ("uom='m'", 2.5),
            ("uom='km'", 2500.0),
            ("units='metre'", 2.5),
            ("", 2.5),
            ("uom='urn:ogc:def:uom:EPSG::9001'", 2.5),
        ] {
            let xml = fes(&format!(
                "<fes:{name}><fes:ValueReference>geom</fes:ValueReference><gml:Point><gml:pos>1 2</gml:pos></gml:Point><fes:Distance {attribute}>2.5</fes:Distance></fes:{name}>"
            ));
            let expected =
                Filter::Distance { within, geometry: Geometry::Point([1.0, 2.0]), crs: Crs::Lambert93, metres };
            assert_eq!(b.read(&xml), Ok(expected), "{name} {attribute}");
        }
    }
    for distance in ["<fes:Distance uom='deg'>1</fes:Distance>", "<fes:Distance uom='m'>-1</fes:Distance>", ""] {
        let xml = fes(&format!(
            "<fes:DWithin><fes:ValueReference>geom</fes:ValueReference><gml:Point><gml:pos>1 2</gml:pos></gml:Point>{distance}</fes:DWithin>"
        ));
        assert!(matches!(b.read(&xml), Err(Error::Invalid { .. })), "{distance}");
    }
}

#[test]
fn every_form_of_geometry() {
    let b = Bench::new();
    let read = |g: &str| match b
        .read(&fes(&format!("<fes:Intersects><fes:ValueReference>geom</fes:ValueReference>{g}</fes:Intersects>")))
    {
        Ok(Filter::Spatial { geometry, .. }) => Ok(geometry),
        Ok(other) => panic!("{other:?}"),
        Err(e) => Err(e),
    };
    let ring = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]];
    let line = vec![[0.0, 0.0], [4.0, 0.0]];
    let list = "<gml:LinearRing><gml:posList>0 0 4 0 4 4 0 0</gml:posList></gml:LinearRing>";
    let polygon = format!("<gml:Polygon gml:id='a'><gml:exterior>{list}</gml:exterior></gml:Polygon>");
    let old = "<gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>0,0 4,0 4,4 0,0</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs></gml:Polygon>";
    let positions = "<gml:Polygon><gml:exterior><gml:LinearRing><gml:pos>0 0</gml:pos><gml:pos>4 0</gml:pos><gml:pos>4 4</gml:pos><gml:pos>0 0</gml:pos></gml:LinearRing></gml:exterior></gml:Polygon>";
    let three = "<gml:Polygon srsDimension='3'><gml:exterior><gml:LinearRing><gml:posList>0 0 9 4 0 9 4 4 9 0 0 9</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>";
    let surface = format!(
        "<gml:Surface><gml:patches><gml:PolygonPatch><gml:exterior>{list}</gml:exterior></gml:PolygonPatch></gml:patches></gml:Surface>"
    );
    let curves = "<gml:Polygon><gml:exterior><gml:Ring><gml:curveMember><gml:LineString><gml:posList>0 0 4 0 4 4</gml:posList></gml:LineString></gml:curveMember><gml:curveMember><gml:Curve><gml:segments><gml:LineStringSegment><gml:posList>4 4 0 0</gml:posList></gml:LineStringSegment></gml:segments></gml:Curve></gml:curveMember></gml:Ring></gml:exterior></gml:Polygon>";
    for g in [polygon.as_str(), old, positions, three, &surface, curves] {
        assert_eq!(read(g), Ok(Geometry::Polygon(vec![ring.clone()])), "{g}");
    }
    let hole =
        format!("<gml:Polygon><gml:exterior>{list}</gml:exterior><gml:interior>{list}</gml:interior></gml:Polygon>");
    assert_eq!(read(&hole), Ok(Geometry::Polygon(vec![ring.clone(), ring.clone()])));
    let segment = "<gml:LineStringSegment><gml:posList>0 0 4 0</gml:posList></gml:LineStringSegment>";
    for g in [
        "<gml:LineString><gml:posList>0 0 4 0</gml:posList></gml:LineString>".to_owned(),
        "<gml:LineString><gml:coordinates>0,0 4,0</gml:coordinates></gml:LineString>".to_owned(),
        "<gml:LineString><gml:pointProperty><gml:Point><gml:pos>0 0</gml:pos></gml:Point></gml:pointProperty><gml:pos>4 0</gml:pos></gml:LineString>".to_owned(),
        format!("<gml:Curve><gml:segments>{segment}</gml:segments></gml:Curve>"),
        "<gml:OrientableCurve orientation='-'><gml:baseCurve><gml:LineString><gml:posList>4 0 0 0</gml:posList></gml:LineString></gml:baseCurve></gml:OrientableCurve>".to_owned(),
    ] {
        assert_eq!(read(&g), Ok(Geometry::LineString(line.clone())), "{g}");
    }
    let many = |outer: &str, inner: &str, g: &str| format!("<gml:{outer}><gml:{inner}>{g}</gml:{inner}></gml:{outer}>");
    let point = "<gml:Point><gml:pos>1 2</gml:pos></gml:Point>";
    assert_eq!(read(&many("MultiPoint", "pointMember", point)), Ok(Geometry::MultiPoint(vec![[1.0, 2.0]])));
    assert_eq!(
        read(&many("MultiPoint", "pointMembers", &format!("{point}{point}"))),
        Ok(Geometry::MultiPoint(vec![[1.0, 2.0]; 2]))
    );
    for (outer, inner) in
        [("MultiSurface", "surfaceMember"), ("MultiSurface", "surfaceMembers"), ("MultiPolygon", "polygonMember")]
    {
        assert_eq!(read(&many(outer, inner, &polygon)), Ok(Geometry::MultiPolygon(vec![vec![ring.clone()]])));
    }
    let simple = "<gml:LineString><gml:posList>0 0 4 0</gml:posList></gml:LineString>";
    for (outer, inner) in [("MultiCurve", "curveMember"), ("MultiLineString", "lineStringMember")] {
        assert_eq!(read(&many(outer, inner, simple)), Ok(Geometry::MultiLineString(vec![line.clone()])));
    }
    let mixed = many("MultiGeometry", "geometryMember", point);
    assert_eq!(read(&mixed), Ok(Geometry::Collection(vec![Geometry::Point([1.0, 2.0])])));
    // The CRS may stand on a member alone.
    let inner = many(
        "MultiPoint",
        "pointMember",
        "<gml:Point srsName='urn:ogc:def:crs:EPSG::4326'><gml:pos>50 3</gml:pos></gml:Point>",
    );
    let xml = fes(&format!("<fes:Intersects><fes:ValueReference>geom</fes:ValueReference>{inner}</fes:Intersects>"));
    assert_eq!(
        b.read(&xml),
        Ok(Filter::Spatial {
            op: SpatialOp::Intersects,
            geometry: Geometry::MultiPoint(vec![[3.0, 50.0]]),
            crs: Crs::Wgs84
        })
    );
    for bad in [
        "<gml:Polygon/>",
        "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>0 0 4 0 4 4 9 9</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>",
        "<gml:LineString><gml:posList>0 0</gml:posList></gml:LineString>",
        "<gml:LineString><gml:posList>0 0 1</gml:posList></gml:LineString>",
        "<gml:Point><gml:pos>a b</gml:pos></gml:Point>",
        "<gml:MultiPoint/>",
        "<gml:Curve><gml:segments><gml:BSpline><gml:posList>0 0 1 1</gml:posList></gml:BSpline></gml:segments></gml:Curve>",
    ] {
        assert!(matches!(read(bad), Err(Error::Invalid { .. })), "{bad}");
    }
}

#[test]
fn every_temporal_operator() {
    let b = Bench::new();
    let Expr::Field(field) = b.field("date_reference") else { panic!("a field") };
    let (y2023, y2024) = (1_672_531_200_000, 1_704_067_200_000);
    let period = "<gml:TimePeriod gml:id='t'><gml:beginPosition>2023-01-01T00:00:00Z</gml:beginPosition><gml:endPosition>2024-01-01T00:00:00Z</gml:endPosition></gml:TimePeriod>";
    for (name, op) in [
        ("After", TemporalOp::After),
        ("Before", TemporalOp::Before),
        ("Begins", TemporalOp::Begins),
        ("BegunBy", TemporalOp::BegunBy),
        ("TContains", TemporalOp::Contains),
        ("During", TemporalOp::During),
        ("EndedBy", TemporalOp::EndedBy),
        ("Ends", TemporalOp::Ends),
        ("TEquals", TemporalOp::Equals),
        ("Meets", TemporalOp::Meets),
        ("MetBy", TemporalOp::MetBy),
        ("TOverlaps", TemporalOp::Overlaps),
        ("OverlappedBy", TemporalOp::OverlappedBy),
        ("AnyInteracts", TemporalOp::AnyInteracts),
    ] {
        let xml =
            fes(&format!("<fes:{name}><fes:ValueReference>s:date_reference</fes:ValueReference>{period}</fes:{name}>"));
        assert_eq!(b.read(&xml), Ok(Filter::Temporal { op, field, begin: Some(y2023), end: Some(y2024) }), "{name}");
    }
    let after = |t: &str| {
        b.read(&fes(&format!("<fes:After><fes:ValueReference>date_reference</fes:ValueReference>{t}</fes:After>")))
    };
    let at = |t| Ok(Filter::Temporal { op: TemporalOp::After, field, begin: Some(t), end: Some(t) });
    assert_eq!(
        after("<gml:TimeInstant gml:id='t'><gml:timePosition>2024-01-01</gml:timePosition></gml:TimeInstant>"),
        at(y2024)
    );
    assert_eq!(after("<fes:Literal>2024-01-01T00:00:00Z</fes:Literal>"), at(y2024));
    let open = "<gml:TimePeriod gml:id='t'><gml:begin><gml:TimeInstant gml:id='u'><gml:timePosition>2023-01-01</gml:timePosition></gml:TimeInstant></gml:begin><gml:endPosition indeterminatePosition='unknown'/></gml:TimePeriod>";
    assert_eq!(after(open), Ok(Filter::Temporal { op: TemporalOp::After, field, begin: Some(y2023), end: None }));
    assert!(matches!(after("<fes:Literal>demain</fes:Literal>"), Err(Error::Invalid { .. })));
    let wrong = fes(&format!("<fes:During><fes:ValueReference>nom</fes:ValueReference>{period}</fes:During>"));
    assert!(matches!(b.read(&wrong), Err(Error::Invalid { .. })));
    let turned = fes(
        "<fes:Before><fes:Literal>2024-01-01</fes:Literal><fes:ValueReference>date_reference</fes:ValueReference></fes:Before>",
    );
    assert_eq!(b.read(&turned), at(y2024));
}

#[test]
fn filters_that_real_clients_sent() {
    let b = Bench::new();
    let qgis = "<ogc:Filter xmlns:ogc=\"http://www.opengis.net/ogc\">\n <ogc:PropertyIsEqualTo>\n  <ogc:PropertyName>insee_com</ogc:PropertyName>\n  <ogc:Literal>59012</ogc:Literal>\n </ogc:PropertyIsEqualTo>\n</ogc:Filter>\n";
    assert_eq!(b.read(qgis), Ok(compare(CompareOp::Eq, b.field("insee_com"), text("59012"))));
    let gdal = "<Filter xmlns=\"http://www.opengis.net/fes/2.0\" xmlns:gml=\"http://www.opengis.net/gml/3.2\"><And><And><PropertyIsLike wildCard=\"*\" singleChar=\"_\" escapeChar=\"!\" matchCase=\"true\"><ValueReference>nom</ValueReference><Literal>Commune*</Literal></PropertyIsLike><PropertyIsGreaterThan><ValueReference>nb_logements</ValueReference><Literal>1000</Literal></PropertyIsGreaterThan></And><PropertyIsLessThanOrEqualTo><ValueReference>nb_logements</ValueReference><Literal>2000</Literal></PropertyIsLessThanOrEqualTo></And></Filter>";
    let like = Filter::Like { expr: b.field("nom"), pattern: "Commune%".into(), match_case: true };
    let inner = Filter::And(vec![like, compare(CompareOp::Gt, b.field("nb_logements"), int(1000))]);
    assert_eq!(b.read(gdal), Ok(Filter::And(vec![inner, compare(CompareOp::Le, b.field("nb_logements"), int(2000))])));
    let gdal_10 = "<Filter xmlns=\"http://www.opengis.net/ogc\"><PropertyIsLike wildCard=\"*\" singleChar=\"_\" escape=\"!\" matchCase=\"true\"><PropertyName>nom</PropertyName><Literal>a!*b*</Literal></PropertyIsLike></Filter>";
    assert_eq!(b.read(gdal_10), Ok(Filter::Like { expr: b.field("nom"), pattern: "a*b%".into(), match_case: true }));
    let openlayers = "<Filter xmlns=\"http://www.opengis.net/fes/2.0\"><And><BBOX><ValueReference>geom</ValueReference><Envelope xmlns=\"http://www.opengis.net/gml/3.2\" srsName=\"EPSG:2154\"><lowerCorner>700010 7050010</lowerCorner><upperCorner>705990 7055990</upperCorner></Envelope></BBOX><PropertyIsGreaterThan><ValueReference>nb_logements</ValueReference><Literal>10</Literal></PropertyIsGreaterThan></And></Filter>";
    let bbox = Filter::BBox {
        envelope: Envelope::new(700_010.0, 7_050_010.0, 705_990.0, 7_055_990.0).unwrap(),
        crs: Crs::Lambert93,
    };
    assert_eq!(
        b.read(openlayers),
        Ok(Filter::And(vec![bbox, compare(CompareOp::Gt, b.field("nb_logements"), int(10))]))
    );
    let undeclared =
        "<ogc:Filter><ogc:PropertyIsNull><ogc:PropertyName>nom</ogc:PropertyName></ogc:PropertyIsNull></ogc:Filter>";
    assert_eq!(b.read(undeclared), Ok(Filter::IsNull(b.field("nom"))));
    let arithmetic = "<Filter xmlns='http://www.opengis.net/ogc'><PropertyIsGreaterThan><Div><PropertyName>nb_loues</PropertyName><PropertyName>nb_logements</PropertyName></Div><Literal>0.5</Literal></PropertyIsGreaterThan></Filter>";
    let div = Expr::Arithmetic(Box::new(b.field("nb_loues")), '/', Box::new(b.field("nb_logements")));
    assert_eq!(b.read(arithmetic), Ok(compare(CompareOp::Gt, div, Expr::Literal(Value::Double(0.5)))));
}

#[test]
fn hostile_filters_are_refused() {
    let b = Bench::new();
    for bad in [
        "<!DOCTYPE f [<!ENTITY x 'y'>]><Filter/>",
        "<Filter>&x;</Filter>",
        "<Filter><PropertyIsNull>",
        "not xml",
        "",
        "<Query/>",
    ] {
        assert!(matches!(b.read(bad), Err(Error::Invalid { .. })), "{bad}");
    }
}
