//! Filters as users of GeoServer write them.

use super::*;
use crate::catalogue::load_embedded;
use crate::config::Limits;
use crate::filter::fes::AxisRule;
use crate::filter::{CompareOp, Expr, SpatialOp, TemporalOp};
use crate::geo::{Envelope, Geometry};
use crate::query::Value;

fn parse(text: &str) -> Result<Filter, Error> {
    let catalogue = load_embedded().unwrap();
    let limits = Limits::default();
    let layer = catalogue.layer("parc_commune").unwrap();
    read(text, Scene { layer, catalogue: &catalogue, limits: &limits, prefixes: &[], axes: AxisRule::Spelling })
}

fn field(name: &str) -> Expr {
    Expr::Field(load_embedded().unwrap().layer("parc_commune").unwrap().field(name).unwrap().id)
}

fn compare(op: CompareOp, name: &str, value: Value) -> Filter {
    Filter::Compare { op, left: field(name), right: Expr::Literal(value), match_case: true }
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

#[test]
fn comparisons() {
    for (query, op) in [
        ("nb_logements = 12", CompareOp::Eq),
        ("nb_logements<>12", CompareOp::Ne),
        ("nb_logements != 12", CompareOp::Ne),
        ("nb_logements < 12", CompareOp::Lt),
        ("seuil:nb_logements <= 12", CompareOp::Le),
        ("\"nb_logements\" > 12", CompareOp::Gt),
        ("(nb_logements) >= (12)", CompareOp::Ge),
    ] {
        assert_eq!(parse(query), Ok(compare(op, "nb_logements", Value::Int(12))), "{query}");
    }
    assert_eq!(parse("nom = 'L''Étang'"), Ok(compare(CompareOp::Eq, "nom", text("L'Étang"))));
    assert_eq!(parse("insee_com = 59350"), Ok(compare(CompareOp::Eq, "insee_com", text("59350"))));
    assert_eq!(parse("tx_vacance > -1.5e1"), Ok(compare(CompareOp::Gt, "tx_vacance", Value::Double(-15.0))));
    let like = |pattern: &str, match_case| Filter::Like { expr: field("nom"), pattern: pattern.into(), match_case };
    assert_eq!(parse("nom LIKE 'Lom%'"), Ok(like("Lom%", true)));
    assert_eq!(parse("nom ilike '%lom_\\%'"), Ok(like("%lom_\\%", false)));
    assert_eq!(parse("nom NOT LIKE 'x'"), Ok(Filter::Not(Box::new(like("x", true)))));
    let between = Filter::Between {
        expr: field("nb_logements"),
        lower: Expr::Literal(Value::Int(1)),
        upper: Expr::Literal(Value::Int(9)),
    };
    assert_eq!(parse("nb_logements BETWEEN 1 AND 9"), Ok(between));
    assert_eq!(parse("nom IS NULL"), Ok(Filter::IsNull(field("nom"))));
    assert_eq!(parse("nom IS NOT NULL"), Ok(Filter::Not(Box::new(Filter::IsNull(field("nom"))))));
    assert_eq!(parse("nom DOES-NOT-EXIST"), Ok(Filter::IsNull(field("nom"))));
    let list = Filter::In { expr: field("insee_com"), list: vec![text("59350"), text("59355")], match_case: true };
    assert_eq!(parse("insee_com IN ('59350', '59355')"), Ok(list));
    assert_eq!(parse("IN ('parc_commune.59350')"), Ok(Filter::Ids(vec!["59350".into()])));
    assert_eq!(parse("INCLUDE"), Ok(Filter::All));
    assert_eq!(parse("EXCLUDE"), Ok(Filter::Ids(vec![])));
    let sum = Expr::Arithmetic(Box::new(field("nb_loues")), '+', Box::new(field("nb_vacants")));
    let expected =
        Filter::Compare { op: CompareOp::Gt, left: sum, right: Expr::Literal(Value::Double(3.0)), match_case: true };
    assert_eq!(parse("(nb_loues + nb_vacants) > 3"), Ok(expected));
    let folded = Expr::Function("casei".into(), vec![field("nom")]);
    let expected =
        Filter::Compare { op: CompareOp::Eq, left: folded, right: Expr::Literal(text("lille")), match_case: true };
    assert_eq!(parse("casei(nom) = 'lille'"), Ok(expected));
}

#[test]
fn logic_binds_as_usual() {
    let n = |v| compare(CompareOp::Eq, "nb_logements", Value::Int(v));
    let (a, b, c) = ("nb_logements = 1", "nb_logements = 2", "nb_logements = 3");
    let expected = Filter::Or(vec![n(1), Filter::And(vec![n(2), Filter::Not(Box::new(n(3)))])]);
    assert_eq!(parse(&format!("{a} OR {b} AND NOT {c}")), Ok(expected));
    let expected = Filter::And(vec![Filter::Or(vec![n(1), n(2)]), n(3)]);
    assert_eq!(parse(&format!("(({a} or {b})) and ({c})")), Ok(expected));
}

#[test]
fn space() {
    let square = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]];
    let spatial = |op, geometry, crs| Ok(Filter::Spatial { op, geometry, crs });
    let query = "INTERSECTS(geom, POLYGON((0 0, 4 0, 4 4, 0 0)))";
    let polygon = Geometry::Polygon(vec![square.clone()]);
    assert_eq!(parse(query), spatial(SpatialOp::Intersects, polygon.clone(), Crs::Lambert93));
    assert_eq!(
        parse("within(seuil:geom, SRID=4326;POINT(3.1 50.6))"),
        spatial(SpatialOp::Within, Geometry::Point([3.1, 50.6]), Crs::Wgs84)
    );
    assert_eq!(
        parse("WITHIN(POINT(1 2), geom)"),
        spatial(SpatialOp::Contains, Geometry::Point([1.0, 2.0]), Crs::Lambert93)
    );
    for (wkt, geometry) in [
        ("MULTIPOINT(1 2, 3 4)", Geometry::MultiPoint(vec![[1.0, 2.0], [3.0, 4.0]])),
        ("MULTIPOINT((1 2), (-3 4))", Geometry::MultiPoint(vec![[1.0, 2.0], [-3.0, 4.0]])),
        ("LINESTRING(0 0 9, 4 0 9)", Geometry::LineString(vec![[0.0, 0.0], [4.0, 0.0]])),
        ("MULTIPOLYGON(((0 0, 4 0, 4 4, 0 0)))", Geometry::MultiPolygon(vec![vec![square.clone()]])),
        ("GEOMETRYCOLLECTION(POINT(1 2))", Geometry::Collection(vec![Geometry::Point([1.0, 2.0])])),
        ("ENVELOPE(1, 3, 2, 4)", Geometry::Envelope(Envelope::new(1.0, 2.0, 3.0, 4.0).unwrap())),
    ] {
        let query = format!("DISJOINT(geom, {wkt})");
        assert_eq!(parse(&query), spatial(SpatialOp::Disjoint, geometry, Crs::Lambert93), "{wkt}");
    }
    let bbox = |crs| Ok(Filter::BBox { envelope: Envelope::new(1.0, 2.0, 3.0, 4.0).unwrap(), crs });
    assert_eq!(parse("BBOX(geom, 1,2,3,4)"), bbox(Crs::Lambert93));
    assert_eq!(parse("BBOX(geom, 1,2,3,4, 'EPSG:4326')"), bbox(Crs::Wgs84));
    assert_eq!(parse("BBOX(geom, 2,1,4,3, 'urn:ogc:def:crs:EPSG::4326')"), bbox(Crs::Wgs84));
    let near = |within, metres| {
        Ok(Filter::Distance { within, geometry: Geometry::Point([1.0, 2.0]), crs: Crs::Lambert93, metres })
    };
    assert_eq!(parse("DWITHIN(geom, POINT(1 2), 2, kilometers)"), near(true, 2000.0));
    assert_eq!(parse("BEYOND(geom, POINT(1 2), 1, statute miles)"), near(false, 1609.344));
}

#[test]
fn time() {
    let Expr::Field(date) = field("date_reference") else { panic!("a field") };
    let (y2023, y2024) = (1_672_531_200_000, 1_704_067_200_000);
    let at = |op, begin, end| Filter::Temporal { op, field: date, begin: Some(begin), end: Some(end) };
    assert_eq!(parse("date_reference AFTER 2024-01-01T00:00:00Z"), Ok(at(TemporalOp::After, y2024, y2024)));
    assert_eq!(parse("date_reference TEQUALS 2024-01-01"), Ok(at(TemporalOp::Equals, y2024, y2024)));
    for period in ["2023-01-01T00:00:00Z/2024-01-01T00:00:00Z", "2023-01-01/P1Y", "P1Y/2024-01-01"] {
        let query = format!("date_reference DURING {period}");
        assert_eq!(parse(&query), Ok(at(TemporalOp::During, y2023, y2024)), "{period}");
    }
    let both = Filter::Or(vec![at(TemporalOp::Before, y2023, y2024), at(TemporalOp::During, y2023, y2024)]);
    assert_eq!(parse("date_reference BEFORE OR DURING 2023-01-01/2024-01-01"), Ok(both));
    let equal = compare(CompareOp::Eq, "date_reference", Value::DateTime(y2024));
    assert_eq!(parse("date_reference = 2024-01-01T00:00:00Z"), Ok(equal.clone()));
    assert_eq!(parse("date_reference = '2024-01-01'"), Ok(equal));
}

#[test]
fn what_is_refused() {
    for bad in [
        "",
        "nom",
        "nom =",
        "nom = 'x",
        "(nom = 'x'",
        "nom = 'x')",
        "nom LIKE 3",
        "nom NOT NULL",
        "nb_logements = 'douze'",
        "nb_logements LIKE '1%'",
        "BBOX(geom, 1,2,3)",
        "BBOX(nom, 1,2,3,4)",
        "BBOX(geom, 3,2,1,4)",
        "INTERSECTS(geom, POLYGON((0 0, 1 1, 2 2)))",
        "INTERSECTS(geom, CIRCLE(0 0))",
        "DWITHIN(geom, POINT(1 2), 1, parsecs)",
        "nom DURING 2023-01-01/2024-01-01",
        "date_reference DURING 2024-01-01/2023-01-01",
        "bof(nom) = 'x'",
        "nom = 'x' ; drop",
        "nom = 'x' nom = 'y'",
        "nom ? 'x'",
    ] {
        assert!(
            matches!(parse(bad), Err(Error::Invalid { name, .. }) if name == "CQL_FILTER"),
            "{bad}: {:?}",
            parse(bad)
        );
    }
    assert!(matches!(parse("inconnu = 1"), Err(Error::Unknown { .. })));
    assert!(matches!(parse("BBOX(geom,1,2,3,4,'EPSG:1')"), Err(Error::Crs { .. })));
    assert!(matches!(parse("RELATE(geom, POINT(1 2), 'T********')"), Err(Error::Option { .. })));
    assert!(matches!(parse(&format!("{}nom = 'x'{}", "(".repeat(100), ")".repeat(100))), Err(Error::Limit { .. })));
    assert!(matches!(parse(&format!("{}nom = 'x'", "NOT ".repeat(100))), Err(Error::Limit { .. })));
    let long = vec!["nom = 'x'"; 3000].join(" OR ");
    assert!(matches!(parse(&long), Err(Error::Limit { .. })));
}
