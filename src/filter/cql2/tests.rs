//! What every construct that is claimed becomes. Examples follow those of the standard, on fields of the portal.

use super::*;
use crate::catalogue::{Catalogue, FieldId, load_embedded};
use crate::error::Reason;
use crate::filter::{CompareOp, Expr, SpatialOp};
use crate::geo::{Envelope, Geometry};
use crate::query::Value;

struct World(Catalogue);

impl World {
    fn new() -> World {
        World(load_embedded().unwrap())
    }

    fn scope(&self) -> Scope<'_> {
        let layer = self.0.layer("parc_iris_evolution").unwrap();
        Scope { layer, crs: Crs::Crs84, depth: 64, nodes: 2000, positions: 1000 }
    }

    fn id(&self, name: &str) -> FieldId {
        self.scope().layer.field(name).unwrap().id
    }

    fn field(&self, name: &str) -> Expr {
        Expr::Field(self.id(name))
    }

    fn text(&self, text: &str) -> Filter {
        from_text(text, &self.scope()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn error(&self, text: &str) -> Cql2Error {
        match from_text(text, &self.scope()) {
            Err(e) => e,
            Ok(f) => panic!("{text} was read as {f:?}"),
        }
    }
}

fn int(n: i64) -> Expr {
    Expr::Literal(Value::Int(n))
}

fn double(v: f64) -> Expr {
    Expr::Literal(Value::Double(v))
}

fn string(t: &str) -> Expr {
    Expr::Literal(Value::Text(t.to_owned()))
}

fn compared(left: Expr, op: CompareOp, right: Expr) -> Filter {
    Filter::Compare { op, left, right, match_case: true }
}

fn not(f: Filter) -> Filter {
    Filter::Not(Box::new(f))
}

#[test]
fn comparisons_type_their_literals_by_the_field() {
    let w = World::new();
    for (sign, op) in [
        ("=", CompareOp::Eq),
        ("<>", CompareOp::Ne),
        ("<", CompareOp::Lt),
        ("<=", CompareOp::Le),
        (">", CompareOp::Gt),
        (">=", CompareOp::Ge),
    ] {
        assert_eq!(w.text(&format!("nb_logements{sign}11")), compared(w.field("nb_logements"), op, int(11)));
        assert_eq!(w.text(&format!("11 {sign} nb_logements")), compared(int(11), op, w.field("nb_logements")));
    }
    assert_eq!(w.text("tx_vacance > 2"), compared(w.field("tx_vacance"), CompareOp::Gt, double(2.0)));
    assert_eq!(w.text("nb_logements = 11.0"), compared(w.field("nb_logements"), CompareOp::Eq, int(11)));
    assert_eq!(w.text("nb_logements > 1.15e1"), compared(w.field("nb_logements"), CompareOp::Gt, double(11.5)));
    assert_eq!(w.text("\"insee_com\" = '59350'"), compared(w.field("insee_com"), CompareOp::Eq, string("59350")));
    assert_eq!(w.text("nb_vacants <> nb_vides"), compared(w.field("nb_vacants"), CompareOp::Ne, w.field("nb_vides")));
    assert_eq!(w.text("TRUE <> FALSE"), Filter::All);
    assert_eq!(w.text("true = false"), not(Filter::All));
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let w = World::new();
    let is = |code| compared(w.field("insee_com"), CompareOp::Eq, string(code));
    assert_eq!(
        w.text("insee_com='1' OR insee_com='2' AND NOT insee_com='3'"),
        Filter::Or(vec![is("1"), Filter::And(vec![is("2"), not(is("3"))])])
    );
    assert_eq!(
        w.text("(insee_com='1' or insee_com='2') and insee_com='3'"),
        Filter::And(vec![Filter::Or(vec![is("1"), is("2")]), is("3")])
    );
    assert_eq!(w.text("NOT NOT insee_com='1'"), not(not(is("1"))));
}

#[test]
fn like_between_in_and_null() {
    let w = World::new();
    let like = |expr, pattern: &str, match_case| Filter::Like { expr, pattern: pattern.to_owned(), match_case };
    assert_eq!(w.text("nom LIKE 'Lomme%'"), like(w.field("nom"), "Lomme%", true));
    assert_eq!(w.text(r"nom NOT LIKE '50\%_'"), not(like(w.field("nom"), r"50\%_", true)));
    assert_eq!(w.text(r"nom LIKE 'a\\'"), like(w.field("nom"), r"a\\", true));
    assert_eq!(
        w.text("nb_logements BETWEEN 11 AND 40 AND nb_vides IS NULL"),
        Filter::And(vec![
            Filter::Between { expr: w.field("nb_logements"), lower: int(11), upper: int(40) },
            Filter::IsNull(w.field("nb_vides")),
        ])
    );
    assert_eq!(w.text("nb_vides IS NOT NULL"), not(Filter::IsNull(w.field("nb_vides"))));
    assert_eq!(w.text("geom IS NOT NULL"), not(not(Filter::All)));
    let list = |values: Vec<Value>| Filter::In { expr: w.field("tx_vacance"), list: values, match_case: true };
    assert_eq!(w.text("tx_vacance IN (1, 2.5)"), list(vec![Value::Double(1.0), Value::Double(2.5)]));
    assert_eq!(w.text("tx_vacance NOT IN (1)"), not(list(vec![Value::Double(1.0)])));
    assert!(matches!(w.text("nb_vides IN (1, nb_vacants)"), Filter::Or(parts) if parts.len() == 2));
}

#[test]
fn case_and_accents_fold_apart_and_together() {
    let w = World::new();
    let casei = |e| Expr::Function("casei".into(), vec![e]);
    assert_eq!(
        w.text("CASEI(nom) = CASEI('DÉLIVRANCE')"),
        compared(casei(w.field("nom")), CompareOp::Eq, string("délivrance"))
    );
    assert_eq!(
        w.text("ACCENTI(nom) = ACCENTI('Délivrance')"),
        compared(Expr::Function("accenti".into(), vec![w.field("nom")]), CompareOp::Eq, string("Delivrance"))
    );
    assert_eq!(
        w.text("CASEI(ACCENTI(nom)) = ACCENTI(CASEI('DÉLIVRANCE'))"),
        Filter::Compare { op: CompareOp::Eq, left: w.field("nom"), right: string("delivrance"), match_case: false }
    );
    assert_eq!(
        w.text("casei(nom) LIKE casei('DÉL%')"),
        Filter::Like { expr: casei(w.field("nom")), pattern: "dél%".into(), match_case: true }
    );
    assert_eq!(
        w.text("CASEI(nom) IN (CASEI('Straße'), 'b')"),
        Filter::In {
            expr: casei(w.field("nom")),
            list: vec![Value::Text("strasse".into()), Value::Text("b".into())],
            match_case: true
        }
    );
}

#[test]
fn arithmetic_keeps_its_precedence() {
    let w = World::new();
    let op = |l, o, r| Expr::Arithmetic(Box::new(l), o, Box::new(r));
    let (a, b, c) = (w.field("nb_vides"), w.field("nb_vacants"), w.field("nb_loues"));
    assert_eq!(
        w.text("nb_logements = - nb_vides * 2.0 + nb_vacants / 6 - nb_loues ^ 2"),
        compared(
            w.field("nb_logements"),
            CompareOp::Eq,
            op(op(op(op(int(-1), '*', a), '*', double(2.0)), '+', op(b, '/', int(6))), '-', op(c, '^', int(2)))
        )
    );
    assert_eq!(w.text("0 = (nb_vides % 2)"), compared(int(0), CompareOp::Eq, op(w.field("nb_vides"), '%', int(2))));
    assert_eq!(w.text("nb_vides div 2 > 1"), compared(op(w.field("nb_vides"), '÷', int(2)), CompareOp::Gt, int(1)));
    assert_eq!(w.text("nb_vides > (2 + 3) * 4"), compared(w.field("nb_vides"), CompareOp::Gt, int(20)));
}

#[test]
fn geometry_in_every_form() {
    let w = World::new();
    let against = |op, geometry| Filter::Spatial { op, geometry, crs: Crs::Crs84 };
    let p = Geometry::Point([3.0, 50.6]);
    for (name, op) in [
        ("S_INTERSECTS", SpatialOp::Intersects),
        ("S_EQUALS", SpatialOp::Equals),
        ("S_DISJOINT", SpatialOp::Disjoint),
        ("S_TOUCHES", SpatialOp::Touches),
        ("S_WITHIN", SpatialOp::Within),
        ("S_OVERLAPS", SpatialOp::Overlaps),
        ("S_CROSSES", SpatialOp::Crosses),
        ("S_CONTAINS", SpatialOp::Contains),
    ] {
        assert_eq!(w.text(&format!("{name}(geom, POINT(3 50.6))")), against(op, p.clone()));
    }
    // The literal first: the converse relation.
    assert_eq!(w.text("S_WITHIN(POINT Z (3 50.6 12), geom)"), against(SpatialOp::Contains, p));
    let (line, ring) = (vec![[0.0, 0.0], [1.0, -1.5]], vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
    for (text, geometry) in [
        ("LINESTRING(0 0, 1 -1.5)", Geometry::LineString(line.clone())),
        ("POLYGON((0 0,1 0,1 1,0 0))", Geometry::Polygon(vec![ring.clone()])),
        ("MULTIPOINT((0 0),(1 -1.5))", Geometry::MultiPoint(line.clone())),
        ("MULTIPOINT(0 0,1 -1.5)", Geometry::MultiPoint(line.clone())),
        ("MULTILINESTRING((0 0,1 -1.5))", Geometry::MultiLineString(vec![line])),
        ("MULTIPOLYGON(((0 0,1 0,1 1,0 0)))", Geometry::MultiPolygon(vec![vec![ring]])),
        ("GEOMETRYCOLLECTION(POINT(1 2))", Geometry::Collection(vec![Geometry::Point([1.0, 2.0])])),
    ] {
        assert_eq!(w.text(&format!("S_TOUCHES(geom, {text})")), against(SpatialOp::Touches, geometry));
    }
    let envelope = Envelope::new(2.9, 50.5, 3.1, 50.7).unwrap();
    let bbox = Filter::BBox { envelope, crs: Crs::Crs84 };
    assert_eq!(w.text("S_INTERSECTS(geom, BBOX(2.9, 50.5, 3.1, 50.7))"), bbox);
    assert_eq!(w.text("S_INTERSECTS(geom, BBOX(2.9, 50.5, -9, 3.1, 50.7, 9))"), bbox);
    assert!(matches!(
        w.text("S_INTERSECTS(geom, BBOX(170, 50, -170, 51))"),
        Filter::Spatial { geometry: Geometry::Collection(parts), .. } if parts.len() == 2
    ));
    // In EPSG:4326 the wire has latitude first.
    let scope = Scope { crs: Crs::Wgs84, ..w.scope() };
    assert_eq!(
        from_text("S_INTERSECTS(geom, BBOX(50.5, 2.9, 50.7, 3.1))", &scope),
        Ok(Filter::BBox { envelope, crs: Crs::Wgs84 })
    );
    for bad in [
        "S_INTERSECTS(geom, POLYGON((0 0,1 0,1 1)))",
        "S_INTERSECTS(geom, BBOX(0, 2, 1, 1))",
        "S_INTERSECTS(geom, BBOX(0, 2, 1))",
        "S_INTERSECTS(nom, POINT(0 0))",
        "S_INTERSECTS(nothing, POINT(0 0))",
        "S_INTERSECTS(geom)",
        "S_INTERSECTS(geom, 'POINT(0 0)')",
        "S_NEAR(geom, POINT(0 0))",
    ] {
        w.error(bad);
    }
}

#[test]
fn time_counts_to_the_day_for_dates() {
    let w = World::new();
    let (first, last) = (1_704_067_200_000, 1_704_153_599_999);
    let at = |op, millis| compared(w.field("date_reference"), op, Expr::Literal(Value::DateTime(millis)));
    let day = at(CompareOp::Ge, first).and(at(CompareOp::Le, last));
    assert_eq!(w.text("date_reference = DATE('2024-01-01')"), day);
    assert_eq!(w.text("T_EQUALS(date_reference, DATE('2024-01-01'))"), day.clone().and(day));
    assert_eq!(w.text("T_AFTER(date_reference, DATE('2024-01-01'))"), at(CompareOp::Gt, last));
    assert_eq!(w.text("T_BEFORE(date_reference, TIMESTAMP('2024-01-01T00:00:00Z'))"), at(CompareOp::Lt, first));
    assert_eq!(w.text("T_INTERSECTS(date_reference, INTERVAL('2024-01-01', '..'))"), at(CompareOp::Ge, first));
    assert_eq!(
        w.text("T_DISJOINT(date_reference, INTERVAL('..', '2024-01-01T00:00:00Z'))"),
        Filter::Or(vec![not(Filter::All), at(CompareOp::Gt, first)])
    );
    assert_eq!(
        w.text("T_DURING(INTERVAL(date_reference, date_reference), INTERVAL('2024-01-01T00:00:00Z', '..'))"),
        at(CompareOp::Gt, first)
    );
    for name in [
        "T_CONTAINS",
        "T_FINISHEDBY",
        "T_FINISHES",
        "T_MEETS",
        "T_METBY",
        "T_OVERLAPPEDBY",
        "T_OVERLAPS",
        "T_STARTEDBY",
        "T_STARTS",
    ] {
        let interval = "INTERVAL('2021-01-01','2021-12-31')";
        w.text(&format!("{name}(INTERVAL(date_reference, date_reference), {interval})"));
        // Only intervals have these relations.
        w.error(&format!("{name}(date_reference, {interval})"));
    }
}

/// Milliseconds of the ends of two intervals satisfy a relation: told by the filter with all ends literal.
fn related(name: &str, a: (&str, &str), b: (&str, &str)) -> bool {
    let w = World::new();
    let ends = |i: (&str, &str)| format!("INTERVAL('{}','{}')", i.0, i.1);
    truth(&w.text(&format!("{name}({}, {})", ends(a), ends(b))))
}

/// Truth of a filter of constants.
fn truth(f: &Filter) -> bool {
    match f {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(truth),
        Filter::Or(parts) => parts.iter().any(truth),
        Filter::Not(inner) => !truth(inner),
        Filter::Compare {
            op,
            left: Expr::Literal(Value::DateTime(a)),
            right: Expr::Literal(Value::DateTime(b)),
            ..
        } => super::lower::holds(*op, a, b),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_relations_of_intervals_are_those_of_owl_time() {
    let t = |a, b, name| related(name, a, b);
    let (long, early) = (("2020-01-01", "2020-12-31"), ("2020-01-01", "2020-03-31"));
    let (late, inner) = (("2020-10-01", "2020-12-31"), ("2020-04-01", "2020-05-31"));
    let (over, next) = (("2020-03-01", "2020-06-30"), ("2020-12-31", "2021-02-01"));
    for (a, b, holds) in [
        (inner, long, "T_DURING"),
        (long, inner, "T_CONTAINS"),
        (early, long, "T_STARTS"),
        (long, early, "T_STARTEDBY"),
        (late, long, "T_FINISHES"),
        (long, late, "T_FINISHEDBY"),
        (long, next, "T_MEETS"),
        (next, long, "T_METBY"),
        (early, over, "T_OVERLAPS"),
        (over, early, "T_OVERLAPPEDBY"),
        (inner, late, "T_BEFORE"),
        (late, inner, "T_AFTER"),
        (long, long, "T_EQUALS"),
    ] {
        assert!(t(a, b, holds), "{holds}");
        for other in [
            "T_DURING",
            "T_CONTAINS",
            "T_STARTS",
            "T_STARTEDBY",
            "T_FINISHES",
            "T_FINISHEDBY",
            "T_MEETS",
            "T_METBY",
            "T_OVERLAPS",
            "T_OVERLAPPEDBY",
            "T_BEFORE",
            "T_AFTER",
            "T_EQUALS",
        ] {
            // The thirteen relations exclude each other.
            assert_eq!(t(a, b, other), other == holds, "{a:?} {other} {b:?}");
        }
        let disjoint = holds == "T_BEFORE" || holds == "T_AFTER";
        assert_eq!((t(a, b, "T_DISJOINT"), t(a, b, "T_INTERSECTS")), (disjoint, !disjoint));
    }
}

#[test]
fn both_encodings_say_the_same() {
    let w = World::new();
    for (text, json) in [
        ("nb_logements >= 11", r#"{"op":">=","args":[{"property":"nb_logements"},11]}"#),
        (
            "NOT (insee_com = 'a' OR nom IS NULL) AND tx_vacance BETWEEN 1.5 AND 2",
            r#"{"op":"and","args":[{"op":"not","args":[{"op":"or","args":[{"op":"=","args":[{"property":"insee_com"},"a"]},
               {"op":"isNull","args":[{"property":"nom"}]}]}]},{"op":"between","args":[{"property":"tx_vacance"},1.5,2]}]}"#,
        ),
        ("nom LIKE 'a%'", r#"{"op":"like","args":[{"property":"nom"},"a%"]}"#),
        ("insee_com IN ('a', 'b')", r#"{"op":"in","args":[{"property":"insee_com"},["a","b"]]}"#),
        (
            "CASEI(nom) LIKE CASEI('A%')",
            r#"{"op":"like","args":[{"op":"casei","args":[{"property":"nom"}]},{"op":"casei","args":["A%"]}]}"#,
        ),
        (
            "S_INTERSECTS(geom, POLYGON((0 0,1 0,1 1,0 0)))",
            r#"{"op":"s_intersects","args":[{"property":"geom"},{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}]}"#,
        ),
        (
            "S_INTERSECTS(geom, BBOX(0,0,1,1))",
            r#"{"op":"s_intersects","args":[{"property":"geom"},{"bbox":[0,0,1,1]}]}"#,
        ),
        (
            "T_DURING(INTERVAL(date_reference, date_reference), INTERVAL('2020-01-01', '..'))",
            r#"{"op":"t_during","args":[{"interval":[{"property":"date_reference"},{"property":"date_reference"}]},
               {"interval":["2020-01-01",".."]}]}"#,
        ),
        (
            "date_reference > TIMESTAMP('2020-01-01T00:00:00Z')",
            r#"{"op":">","args":[{"property":"date_reference"},{"timestamp":"2020-01-01T00:00:00Z"}]}"#,
        ),
        (
            "nb_vides div 2 = 1 AND true",
            r#"{"op":"and","args":[{"op":"=","args":[{"op":"div","args":[{"property":"nb_vides"},2]},1]},true]}"#,
        ),
    ] {
        assert_eq!(from_json(json, &w.scope()).as_ref(), Ok(&w.text(text)), "{text}");
    }
}

#[test]
fn null_of_a_condition_is_told_by_its_operands() {
    let w = World::new();
    let null = |f| Filter::IsNull(w.field(f));
    assert_eq!(w.text("(nb_vides > 1) IS NULL"), Filter::Or(vec![null("nb_vides")]));
    assert_eq!(w.text("(NOT nom LIKE 'a') IS NULL"), Filter::Or(vec![null("nom")]));
    assert_eq!(w.text("(1 = 1) IS NULL"), not(Filter::All));
    // OR is unknown when a part is unknown and none is true.
    let f = w.text("(nb_vides > 1 OR nb_loues > 1) IS NULL");
    let part = |name| compared(w.field(name), CompareOp::Gt, int(1));
    let unknown = |name| Filter::Or(vec![null(name)]);
    let decided = |name| not(unknown(name)).and(part(name));
    assert_eq!(
        f,
        Filter::And(vec![
            Filter::Or(vec![unknown("nb_vides"), unknown("nb_loues")]),
            not(Filter::Or(vec![decided("nb_vides"), decided("nb_loues")])),
        ])
    );
}

#[test]
fn what_is_wrong_is_told() {
    let w = World::new();
    assert_eq!(w.error("nothing = 1"), Cql2Error::Property { name: "nothing".into() });
    assert!(matches!(w.error("insee_com = 59350"), Cql2Error::Type { .. }));
    assert!(matches!(w.error("nb_vides"), Cql2Error::Type { .. }));
    assert_eq!(w.error("avg(nb_vides) > 1"), Cql2Error::Function { name: "avg".into() });
    assert_eq!(w.error("A_CONTAINS(nom, ('a','b'))"), Cql2Error::Function { name: "a_contains".into() });
    assert!(matches!(w.error("nb_vides = 1 nb_loues"), Cql2Error::Syntax { at: 14, .. }));
    for bad in [
        "",
        "nb_vides =",
        "nb_vides = 1 AND",
        "(nb_vides = 1",
        "nb_vides LIKE 'a'",
        "nom BETWEEN 'a' AND 'b'",
        "nb_vides IN ('a')",
        "NOT",
        "nb_vides IS 1",
        "date_reference > DATE('2024')",
        "nb_vides > 1/0",
        "nom = 'a' = 'b'",
    ] {
        w.error(bad);
    }
    for bad in [
        "",
        "{}",
        "null",
        "[]",
        r#"{"op":"="}"#,
        r#"{"op":"=","args":[1]}"#,
        r#"{"op":3,"args":[]}"#,
        r#"{"property":1}"#,
        r#"{"op":"s_within","args":[{"property":"geom"},{"type":"Circle"}]}"#,
    ] {
        assert!(from_json(bad, &w.scope()).is_err(), "{bad}");
    }
}

#[test]
fn limits_hold_in_both_encodings() {
    let w = World::new();
    let deep = format!("{}nb_vides=1{}", "(".repeat(400), ")".repeat(400));
    assert_eq!(w.error(&deep), Cql2Error::Depth { limit: 64 });
    assert_eq!(w.error(&format!("{}nb_vides=1", "NOT ".repeat(100_000))), Cql2Error::Depth { limit: 64 });
    let minus = format!("nb_vides = {}1", "-(".repeat(100_000));
    assert_eq!(w.error(&minus), Cql2Error::Depth { limit: 64 });
    let wide = vec!["nb_vides=1"; 5000].join(" OR ");
    assert_eq!(w.error(&wide), Cql2Error::Size { what: Reason::Expressions, limit: 2000 });
    let line = vec!["0 0"; 2000].join(",");
    let long = format!("S_CROSSES(geom, LINESTRING({line}))");
    assert_eq!(w.error(&long), Cql2Error::Size { what: Reason::Positions, limit: 1000 });
    let nested = format!("{}true{}", r#"{"op":"not","args":["#.repeat(30), "]}".repeat(30));
    assert!(from_json(&nested, &w.scope()).is_ok());
    assert_eq!(from_json(&nested, &Scope { depth: 20, ..w.scope() }), Err(Cql2Error::Depth { limit: 20 }));
    let very = format!("{}true{}", r#"{"op":"not","args":["#.repeat(100_000), "]}".repeat(100_000));
    assert!(from_json(&very, &w.scope()).is_err());
    // A null test of many ORs inside each other grows without bound: it is refused.
    let mut grown = "nb_vides=1".to_owned();
    for _ in 0..20 {
        grown = format!("({grown} OR nb_loues=1) IS NULL");
    }
    assert_eq!(w.error(&grown), Cql2Error::Size { what: Reason::Expressions, limit: 2000 });
}
