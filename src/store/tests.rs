//! The whole of selection against a naive evaluator, and its edges.

use super::fixture::{Fixture, Row, World, metropolis};
use super::{Fetched, Prepared, Rows};
use crate::catalogue::{FieldId, FieldKind};
use crate::convention::Territory;
use crate::error::Error;
use crate::filter::{CompareOp, Expr, Filter, SpatialOp, TemporalOp};
use crate::geo::{Crs, Envelope, Geometry, Transform};
use crate::query::{Page, Query, Select, SortKey, Value};
use proptest::prelude::*;
use std::sync::LazyLock;

static WORLD: LazyLock<World> = LazyLock::new(metropolis);

fn ask(world: &World, layer: &str, filter: Filter) -> Select {
    let layer = world.catalogue.layer(layer).unwrap();
    let fields = layer.fields.iter().map(|f| f.id).collect();
    Select { layer: layer.id, fields, geometry: true, filter, order: vec![], page: Page::ALL, crs: Crs::Lambert93 }
}

fn fetch(world: &World, select: Select) -> Result<Rows, Error> {
    let scoped = world.everything(Query::Features(vec![select]));
    match world.store().select(&scoped, Prepared::default())? {
        Fetched::Features(mut parts) => Ok(parts.remove(0)),
        other => panic!("{other:?}"),
    }
}

fn ids(rows: &Rows) -> Vec<String> {
    let mut out = Vec::new();
    for row in &rows.rows {
        let mut id = String::new();
        rows.data().feature_id(*row, &mut id);
        out.push(id);
    }
    out
}

fn field(layer: &str, name: &str) -> FieldId {
    WORLD.catalogue.layer(layer).unwrap().field(name).unwrap().id
}

/// The value of a filter in one row, by the book.
fn naive(rows: &Rows, row: u32, filter: &Filter) -> Option<bool> {
    let data = rows.data();
    let value = |e: &Expr| -> Option<Value> {
        match e {
            Expr::Field(f) => data.column(*f).value(row).cloned(),
            Expr::Literal(v) => Some(v.clone()),
            Expr::Id => {
                let mut id = String::new();
                data.feature_id(row, &mut id);
                Some(Value::Text(id))
            }
            _ => unreachable!("not generated"),
        }
    };
    let lower = |v: Value, match_case: bool| match v {
        Value::Text(t) if !match_case => {
            let plain = |c: char| match c {
                'é' | 'É' | 'è' | 'ê' => 'e',
                'î' | 'Î' => 'i',
                c => c.to_ascii_lowercase(),
            };
            Value::Text(t.chars().map(plain).collect())
        }
        v => v,
    };
    let order = |a: &Value, b: &Value| match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (a, b) => number(a).partial_cmp(&number(b)).unwrap(),
    };
    match filter {
        Filter::All => Some(true),
        Filter::And(parts) => {
            let parts: Vec<_> = parts.iter().map(|p| naive(rows, row, p)).collect();
            if parts.contains(&Some(false)) { Some(false) } else { (!parts.contains(&None)).then_some(true) }
        }
        Filter::Or(parts) => {
            let parts: Vec<_> = parts.iter().map(|p| naive(rows, row, p)).collect();
            if parts.contains(&Some(true)) { Some(true) } else { (!parts.contains(&None)).then_some(false) }
        }
        Filter::Not(inner) => naive(rows, row, inner).map(|b| !b),
        Filter::Compare { op, left, right, match_case } => {
            let (a, b) = (lower(value(left)?, *match_case), lower(value(right)?, *match_case));
            let o = order(&a, &b);
            Some(match op {
                CompareOp::Eq => o.is_eq(),
                CompareOp::Ne => o.is_ne(),
                CompareOp::Lt => o.is_lt(),
                CompareOp::Le => o.is_le(),
                CompareOp::Gt => o.is_gt(),
                CompareOp::Ge => o.is_ge(),
            })
        }
        Filter::Between { expr, lower, upper } => {
            let (v, a, b) = (value(expr)?, value(lower)?, value(upper)?);
            Some(order(&a, &v).is_le() && order(&v, &b).is_le())
        }
        Filter::In { expr, list, match_case } => {
            let v = lower(value(expr)?, *match_case);
            Some(list.iter().any(|x| order(&lower(x.clone(), *match_case), &v).is_eq()))
        }
        Filter::IsNull(e) => Some(value(e).is_none()),
        Filter::Ids(list) => {
            let Some(Value::Text(id)) = value(&Expr::Id) else { unreachable!() };
            Some(list.contains(&id))
        }
        // The squares and points of the metropolis are their own boxes in EPSG:2154.
        Filter::BBox { envelope, .. } => {
            let b = data.table.geometry.envelope(super::StoredCrs::Lambert93, data.feature(row));
            Some(b.intersects(envelope))
        }
        Filter::Temporal { op: TemporalOp::After, field, end, .. } => match data.column(*field).value(row)? {
            Value::DateTime(t) => Some(end.is_some_and(|e| *t > e)),
            _ => unreachable!(),
        },
        other => unreachable!("{other:?}"),
    }
}

fn number(v: &Value) -> f64 {
    match v {
        Value::Int(n) => *n as f64,
        Value::Double(d) => *d,
        other => panic!("{other:?}"),
    }
}

fn literal(layer: &'static str, name: &'static str) -> BoxedStrategy<Value> {
    match WORLD.catalogue.layer(layer).unwrap().field(name).unwrap().kind {
        FieldKind::Text => prop_oneof![
            Just("Lille"),
            Just("lille"),
            Just("ÎLOT N° 3"),
            Just("Résidence n° 7"),
            Just("residence N° 7"),
            Just(""),
            Just("r07"),
            Just("593552702"),
            Just("secret"),
            Just("zzz"),
            Just("59355.2023"),
            Just("r07.2024"),
        ]
        .prop_map(|t| Value::Text(t.into()))
        .boxed(),
        FieldKind::DateTime => (1_672_531_199_999i64..1_704_067_200_002).prop_map(Value::DateTime).boxed(),
        _ => prop_oneof![
            (90i64..350).prop_map(Value::Int),
            (0u32..60).prop_map(|n| Value::Double(f64::from(n) / 2.0)),
            Just(Value::Int(2023)),
        ]
        .boxed(),
    }
}

fn op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::*;
    prop_oneof![Just(Eq), Just(Ne), Just(Lt), Just(Le), Just(Gt), Just(Ge)]
}

fn leaf(layer: &'static str, names: &'static [&'static str]) -> BoxedStrategy<Filter> {
    let name = proptest::sample::select(names);
    let expr = move |name| Expr::Field(field(layer, name));
    prop_oneof![
        (name.clone(), op(), any::<bool>(), any::<bool>()).prop_flat_map(move |(name, op, match_case, flip)| {
            literal(layer, name).prop_map(move |v| {
                let (left, right) = (expr(name), Expr::Literal(v));
                let (left, right) = if flip { (right, left) } else { (left, right) };
                Filter::Compare { op, left, right, match_case }
            })
        }),
        (name.clone(), any::<bool>()).prop_flat_map(move |(name, match_case)| {
            proptest::collection::vec(literal(layer, name), 0..4).prop_map(move |list| Filter::In {
                expr: expr(name),
                list,
                match_case,
            })
        }),
        name.clone().prop_flat_map(move |name| {
            (literal(layer, name), literal(layer, name)).prop_map(move |(a, b)| Filter::Between {
                expr: expr(name),
                lower: Expr::Literal(a),
                upper: Expr::Literal(b),
            })
        }),
        name.prop_map(move |name| Filter::IsNull(expr(name))),
        (op(), literal(layer, "id")).prop_map(|(op, v)| Filter::Compare {
            op,
            left: Expr::Id,
            right: Expr::Literal(v),
            match_case: true
        }),
        (0i32..12, 0i32..12, 0i32..6, 0i32..6).prop_map(|(x, y, w, h)| {
            let min = [699_500.0 + 500.0 * f64::from(x), 7_049_500.0 + 500.0 * f64::from(y)];
            let max = [min[0] + 500.0 * f64::from(w), min[1] + 500.0 * f64::from(h)];
            Filter::BBox { envelope: Envelope { min, max }, crs: Crs::Lambert93 }
        }),
        proptest::collection::vec(
            prop_oneof![
                Just("r03"),
                Just("r07.2023"),
                Just("r07.2024"),
                Just("593500102"),
                Just("593500102.2023"),
                Just("x")
            ],
            0..4
        )
        .prop_map(|ids| Filter::Ids(ids.into_iter().map(str::to_owned).collect())),
        (1_672_531_199_999i64..1_704_067_200_002).prop_map(move |t| Filter::Temporal {
            op: TemporalOp::After,
            field: field(layer, "date_reference"),
            begin: Some(t),
            end: Some(t),
        }),
    ]
    .boxed()
}

fn tree(layer: &'static str, names: &'static [&'static str]) -> impl Strategy<Value = Filter> {
    leaf(layer, names).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    })
}

fn agrees(layer: &str, filter: Filter, start: u64, count: Option<u64>) -> Result<(), TestCaseError> {
    let all = WORLD.rows(layer);
    let expected: Vec<u32> = all.rows.iter().copied().filter(|r| naive(&all, *r, &filter) == Some(true)).collect();
    let found = fetch(&WORLD, ask(&WORLD, layer, filter.clone())).unwrap();
    prop_assert_eq!(&found.rows, &expected);
    prop_assert_eq!(found.matched, expected.len() as u64);
    let page = Page { start, count, publication: None };
    let part = fetch(&WORLD, Select { page, ..ask(&WORLD, layer, filter) }).unwrap();
    let expected: Vec<u32> =
        expected.into_iter().skip(start as usize).take(count.map_or(usize::MAX, |n| n as usize)).collect();
    prop_assert_eq!(part.rows, expected);
    Ok(())
}

const RESIDENCE: &[&str] = &["id", "nom", "nb_logements", "tx_vacance", "statut", "code_iris", "code_qp", "millesime"];
const IRIS: &[&str] = &["id", "nom", "nb_menages", "part_isoles", "statut", "insee_associee", "date_reference"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn residences_agree_with_the_book(
        filter in tree("parc_residence_evolution", RESIDENCE), start in 0u64..50, count in proptest::option::of(0u64..30)
    ) {
        agrees("parc_residence_evolution", filter.clone(), start, count)?;
        agrees("parc_residence", filter, start, count)?;
    }

    #[test]
    fn zones_agree_with_the_book(filter in tree("occupation_iris_evolution", IRIS), start in 0u64..20) {
        agrees("occupation_iris_evolution", filter.clone(), start, None)?;
        agrees("occupation_iris", filter, start, Some(5))?;
    }

    #[test]
    fn orders_are_total_and_pages_fit_together(
        keys in proptest::collection::vec((proptest::sample::select(RESIDENCE), any::<bool>()), 1..3),
        by_id in proptest::option::of(any::<bool>()), size in 1u64..20,
    ) {
        let layer = "parc_residence_evolution";
        let mut order: Vec<SortKey> =
            keys.iter().map(|(n, d)| SortKey { field: Some(field(layer, n)), descending: *d }).collect();
        order.extend(by_id.map(|descending| SortKey { field: None, descending }));
        let whole = fetch(&WORLD, Select { order: order.clone(), ..ask(&WORLD, layer, Filter::All) }).unwrap();
        let data = whole.data();
        // PostgreSQL: NULL is greater than everything.
        for pair in whole.rows.windows(2) {
            let by_keys = order.iter().map(|key| {
                let value = |row| match key.field {
                    Some(f) => data.column(f).value(row).cloned(),
                    None => {
                        let mut id = String::new();
                        data.feature_id(row, &mut id);
                        Some(Value::Text(id))
                    }
                };
                let o = match (value(pair[0]), value(pair[1])) {
                    (None, None) => std::cmp::Ordering::Equal,
                    (None, _) => std::cmp::Ordering::Greater,
                    (_, None) => std::cmp::Ordering::Less,
                    (Some(Value::Text(a)), Some(Value::Text(b))) => a.cmp(&b),
                    (Some(a), Some(b)) => number(&a).total_cmp(&number(&b)),
                };
                if key.descending { o.reverse() } else { o }
            }).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal);
            prop_assert!(by_keys.is_lt() || (by_keys.is_eq() && pair[0] < pair[1]), "{:?} {:?}", pair, order);
        }
        let mut joined = Vec::new();
        for start in (0..).step_by(size as usize).take_while(|s| *s < whole.matched) {
            let page = Page { start, count: Some(size), publication: None };
            let part = fetch(&WORLD, Select { order: order.clone(), page, ..ask(&WORLD, layer, Filter::All) }).unwrap();
            prop_assert_eq!(part.matched, whole.matched);
            joined.extend(part.rows);
        }
        prop_assert_eq!(joined, whole.rows);
    }
}

#[test]
fn a_territory_hides_rows_from_every_kind_of_answer() {
    let set = |codes: &[&str]| codes.iter().map(|c| (*c).to_owned()).collect();
    let territory = || {
        Some(Territory {
            communes: set(&["59355"]),
            iris: set(&["593552701"]),
            residence_iris: set(&["593552701"]),
            ..Territory::default()
        })
    };
    let store = WORLD.store();
    let select = |q: Query| store.select(&WORLD.within(7, territory(), q), Prepared::default()).unwrap();
    let everything = Filter::Or(vec![Filter::IsNull(Expr::Id), Filter::Not(Box::new(Filter::IsNull(Expr::Id)))]);
    for filter in [Filter::All, everything] {
        let Fetched::Count(n) = select(Query::Count(vec![ask(&WORLD, "parc_residence", filter)])) else { panic!() };
        assert_eq!(n, [4]);
    }
    let Fetched::Features(none) =
        select(Query::Feature(ask(&WORLD, "parc_residence", Filter::Ids(vec!["r00".into()]))))
    else {
        panic!()
    };
    assert_eq!((none[0].rows.len(), none[0].matched), (0, 0));
    let Fetched::Facts { layers, .. } = select(Query::Capabilities) else { panic!() };
    let facts =
        |name: &str| layers.iter().find(|f| f.layer == WORLD.catalogue.layer(name).unwrap().id).unwrap().clone();
    let communes = facts("parc_commune");
    assert_eq!((communes.count, &communes.vintages[..]), (1, &[2024][..]));
    assert_eq!(communes.extent_2154, Envelope::new(704_000.0, 7_050_000.0, 708_000.0, 7_054_000.0));
    assert!(communes.extent_84.unwrap().width() < 0.06 && communes.extent_3857.unwrap().width() > 6000.0);
    assert_eq!((facts("parc_qpv").count, facts("parc_qpv").extent_84), (0, None));
    assert_eq!(facts("parc_residence_evolution").vintages, [2023, 2024]);
    assert_eq!(facts("parc_residence_evolution").count, 8);
}

#[test]
fn a_box_in_any_crs_finds_what_was_handed_out() {
    for crs in Crs::ALL {
        for layer in ["parc_residence", "parc_iris"] {
            let all = WORLD.rows(layer);
            let to = Transform::between(Crs::Lambert93, crs).unwrap();
            for row in &all.rows {
                // The position as a client reads it: rounded to the decimals that are written.
                let data = all.data();
                let first = data.table.geometry.feature_positions(data.feature(*row)).start;
                let mut p = to.position(data.table.geometry.lambert93[first]).unwrap();
                p.iter_mut().for_each(|v| *v = crate::geo::transform::round(*v, crs.decimals()));
                let filter = Filter::BBox { envelope: Envelope { min: p, max: p }, crs };
                let found = fetch(&WORLD, ask(&WORLD, layer, filter)).unwrap();
                assert!(found.rows.contains(row), "{layer} {row} {crs:?} {p:?}");
                let beside = Envelope { min: [p[0] - 1e-6, p[1] - 1e-6], max: [p[0] - 5e-7, p[1] - 5e-7] };
                if layer == "parc_residence" && !crs.is_geographic() {
                    let filter = Filter::BBox { envelope: beside, crs };
                    assert!(fetch(&WORLD, ask(&WORLD, layer, filter)).unwrap().rows.is_empty());
                }
            }
            let world = Envelope { min: [-1e9, -1e9], max: [1e9, 1e9] };
            let filter = Filter::BBox { envelope: world, crs };
            assert_eq!(fetch(&WORLD, ask(&WORLD, layer, filter)).unwrap().rows, all.rows);
        }
    }
}

#[test]
fn spatial_relations_of_points_and_areas() {
    let polygon = |points: &[[f64; 2]]| Geometry::Polygon(vec![points.to_vec()]);
    // A triangle with its hypotenuse through r01 (701500, 7050500) and a corner on r00.
    let triangle = polygon(&[
        [700_500.0, 7_050_500.0],
        [703_000.0, 7_050_500.0],
        [700_500.0, 7_053_000.0],
        [700_500.0, 7_050_500.0],
    ]);
    let spatial = |op, geometry: &Geometry| Filter::Spatial { op, geometry: geometry.clone(), crs: Crs::Lambert93 };
    let found = |layer: &str, f: Filter| ids(&fetch(&WORLD, ask(&WORLD, layer, f)).unwrap());
    assert_eq!(
        found("parc_residence", spatial(SpatialOp::Intersects, &triangle)),
        ["r00", "r01", "r02", "r08", "r09", "r16"]
    );
    assert_eq!(found("parc_residence", spatial(SpatialOp::Within, &triangle)), ["r09"]);
    assert_eq!(found("parc_residence", spatial(SpatialOp::Touches, &triangle)), ["r00", "r01", "r02", "r08", "r16"]);
    assert_eq!(found("parc_residence", spatial(SpatialOp::Disjoint, &triangle)).len(), 18);
    let point = Geometry::Point([704_000.0, 7_051_000.0]);
    assert_eq!(found("parc_commune", spatial(SpatialOp::Intersects, &point)), ["59350", "59355"]);
    assert_eq!(found("parc_commune", spatial(SpatialOp::Touches, &point)), ["59350", "59355"]);
    assert_eq!(found("parc_qpv", spatial(SpatialOp::Contains, &point)), Vec::<String>::new());
    assert_eq!(found("parc_qpv", spatial(SpatialOp::Touches, &point)), ["QN05901M"]);
    assert_eq!(
        found("parc_qpv", spatial(SpatialOp::Contains, &Geometry::Point([704_000.0, 7_052_000.0]))),
        ["QN05901M"]
    );
    // Wholly inside one commune, touching no border; and a ring round another, which it does not enter.
    let small = polygon(&[
        [709_000.0, 7_051_000.0],
        [709_100.0, 7_051_000.0],
        [709_000.0, 7_051_100.0],
        [709_000.0, 7_051_000.0],
    ]);
    assert_eq!(found("parc_commune", spatial(SpatialOp::Intersects, &small)), ["59643"]);
    let line = Geometry::LineString(vec![[699_000.0, 7_049_999.99], [713_000.0, 7_049_999.99]]);
    assert!(found("parc_commune", spatial(SpatialOp::Intersects, &line)).is_empty());
    let near = |metres| Filter::Distance { within: true, geometry: line.clone(), crs: Crs::Lambert93, metres };
    assert!(found("parc_commune", near(0.005)).is_empty());
    assert_eq!(found("parc_commune", near(0.02)).len(), 3);
    assert_eq!(found("parc_residence", near(500.02)), ["r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07"]);
    let beyond = Filter::Distance { within: false, geometry: line, crs: Crs::Lambert93, metres: 1600.0 };
    assert_eq!(found("parc_residence", beyond).len(), 8);
    let box_ = Geometry::Envelope(Envelope { min: [700_000.0, 7_050_000.0], max: [704_000.0, 7_052_000.0] });
    assert_eq!(found("parc_iris", spatial(SpatialOp::Within, &box_)), ["593500101", "593500102"]);
    // What PostGIS must decide is refused without its answer, never guessed.
    assert_eq!(
        fetch(&WORLD, ask(&WORLD, "parc_iris", spatial(SpatialOp::Overlaps, &triangle))).err(),
        Some(Error::Internal)
    );
}

#[test]
fn expressions_and_functions() {
    let layer = "parc_residence";
    let f = |name| Box::new(Expr::Field(field(layer, name)));
    let compare = |left, op, right| Filter::Compare { op, left, right, match_case: true };
    let found = |filter| fetch(&WORLD, ask(&WORLD, layer, filter)).map(|r| r.matched);
    let minus = Expr::Arithmetic(f("nb_logements"), '-', f("nb_loues"));
    // Sixteen of twenty-four residences have data; the difference is 7 in each.
    assert_eq!(found(compare(minus.clone(), CompareOp::Eq, Expr::Literal(Value::Int(7)))), Ok(16));
    assert_eq!(found(Filter::Not(Box::new(compare(minus, CompareOp::Eq, Expr::Literal(Value::Int(7)))))), Ok(0));
    let plain = |name| Expr::Function("accenti".into(), vec![Expr::Function("casei".into(), vec![*f(name)])]);
    assert_eq!(found(compare(plain("nom"), CompareOp::Eq, Expr::Literal(Value::Text("residence n° 7".into())))), Ok(1));
    let zero = Expr::Arithmetic(f("nb_logements"), '/', Box::new(Expr::Literal(Value::Int(0))));
    assert_eq!(found(Filter::IsNull(zero)), Ok(24), "a division by zero gives nothing away");
    for bad in [
        compare(*f("nb_logements"), CompareOp::Eq, Expr::Literal(Value::Text("x".into()))),
        compare(Expr::Function("pg_sleep".into(), vec![]), CompareOp::Eq, Expr::Literal(Value::Int(1))),
        compare(Expr::Function("casei".into(), vec![*f("nb_loues")]), CompareOp::Eq, Expr::Literal(Value::Int(1))),
        Filter::Like { expr: *f("nb_logements"), pattern: "1%".into(), match_case: true },
    ] {
        assert!(matches!(found(bad), Err(Error::Processing { .. })));
    }
    let like = |pattern: &str, match_case| Filter::Like { expr: *f("nom"), pattern: pattern.into(), match_case };
    assert_eq!(found(like("RESIDENCE N° 1_", false)), Ok(7), "10, 11, 13, 14, 16, 17, 19 have names");
    assert_eq!(found(like("RESIDENCE N° 1_", true)), Ok(0));
}

#[test]
fn pictures_show_the_newest_vintage_unless_asked() {
    let layer = WORLD.catalogue.layer("parc_residence_evolution").unwrap();
    let map = |filter| crate::query::MapQuery {
        layers: vec![crate::query::MapLayer { layer: layer.id, style: None, filter }],
        crs: Crs::Lambert93,
        envelope: Envelope { min: [700_000.0, 7_050_000.0], max: [712_000.0, 7_054_000.0] },
        width: 300,
        height: 100,
        dpi: 90.714,
        background: 0,
        transparent: true,
    };
    let count = |filter| match WORLD.store().select(&WORLD.everything(Query::Map(map(filter))), Prepared::default()) {
        Ok(Fetched::Layers(rows)) => rows[0].rows.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(Filter::All), 24);
    let vintage = Expr::Field(layer.vintage.unwrap());
    let all =
        Filter::Compare { op: CompareOp::Ge, left: vintage, right: Expr::Literal(Value::Int(2000)), match_case: true };
    assert_eq!(count(all), 48);
}

#[test]
fn selections_are_kept_for_their_own_scope_and_publication() {
    let store = WORLD.store();
    let filter = Filter::IsNull(Expr::Field(field("parc_residence", "code_qp")));
    let query = || Query::Count(vec![ask(&WORLD, "parc_residence", filter.clone())]);
    let one = Some(Territory { residence_iris: ["593552701".to_owned()].into(), ..Territory::default() });
    for _ in 0..2 {
        let all = store.select(&WORLD.everything(query()), Prepared::default()).unwrap();
        let part = store.select(&WORLD.within(9, one.clone(), query()), Prepared::default()).unwrap();
        match (all, part) {
            (Fetched::Count(a), Fetched::Count(b)) => assert_eq!((a, b), (vec![20], vec![3])),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn keys_and_geometry_of_the_rows_are_checked() {
    let world = || Fixture::new();
    let twice = std::panic::catch_unwind(|| {
        world()
            .rows(
                "parc_iris",
                [Row::new("593500101").square(0.0, 0.0, 1.0), Row::new("593500101").square(0.0, 0.0, 1.0)],
            )
            .build()
    });
    let text = twice.err().and_then(|e| e.downcast_ref::<String>().cloned()).unwrap_or_default();
    assert!(text.contains("593500101") && text.contains("2024"), "{text}");
}
