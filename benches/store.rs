//! What the snapshot costs: loading, keeping, selecting, encoding.
//!
//!     SEUIL_BENCH_DATABASE="host=/run/postgresql dbname=serving" cargo bench --bench store
//!
//! Reads the current publication of a database that the embedded catalogue fits (or `SEUIL_BENCH_CAPABILITIES`, a directory).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use seuil::catalogue::{Catalogue, load_dir, load_embedded};
use seuil::config::Config;
use seuil::convention::{Access, Convention, Operation, Scoped};
use seuil::encode::geojson::{FeatureIds, GeoJson, Members};
use seuil::encode::{Progress, mvt};
use seuil::filter::{CompareOp, Expr, Filter, SpatialOp};
use seuil::geo::{Axes, Crs, Envelope, Geometry, TileMatrixSet, Transform};
use seuil::query::{Page, Query, Select, SortKey, TileQuery, Value};
use seuil::store::{Fetched, Rows, Store, keep};
use std::sync::Arc;
use std::time::Instant;

/// CPU time of the process, milliseconds (in ticks of ten).
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|n| n.parse::<f64>().unwrap() * 10.0).sum()
}

/// Resident memory, MB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The shortest of many runs: on a busy machine the one that was not interrupted.
fn best(name: &str, runs: usize, mut work: impl FnMut() -> usize) {
    let mut least = f64::INFINITY;
    let mut result = 0;
    for _ in 0..runs {
        let begun = Instant::now();
        result = work();
        least = least.min(begun.elapsed().as_secs_f64() * 1e3);
    }
    println!("{name:<58} {least:>9.3} ms   {result}");
}

struct Bench {
    store: Arc<Store>,
    catalogue: Arc<Catalogue>,
    access: Convention,
}

impl Bench {
    fn scoped(&self, query: Query) -> Scoped {
        self.access.scope(query).expect("scope")
    }

    fn rows(&self, query: Query) -> Vec<Rows> {
        match self.store.select(&self.scoped(query), Default::default()).expect("select") {
            Fetched::Features(rows) | Fetched::Layers(rows) => rows,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, layer: &str, filter: Filter, count: Option<u64>) -> Select {
        let layer = self.catalogue.layer(layer).expect("layer");
        Select {
            layer: layer.id,
            fields: layer.fields.iter().map(|f| f.id).collect(),
            geometry: true,
            filter,
            order: Vec::new(),
            page: Page { start: 0, count, publication: None },
            crs: Crs::Crs84,
        }
    }
}

fn main() {
    let Ok(database) = std::env::var("SEUIL_BENCH_DATABASE") else {
        println!("SEUIL_BENCH_DATABASE names no database: nothing measured");
        return;
    };
    let catalogue = match std::env::var_os("SEUIL_BENCH_CAPABILITIES") {
        Some(dir) => load_dir(dir.as_ref()).expect("catalogue"),
        None => load_embedded().expect("catalogue"),
    };
    let catalogue = Arc::new(catalogue);
    let state = tempfile::tempdir().expect("directory");
    let mut config = Config::default();
    config.database.serving = database;
    config.server.state = state.path().to_owned();
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let (before, begun, used) = (resident(), Instant::now(), cpu());
    let store = runtime.block_on(Store::open(&config, Arc::clone(&catalogue))).expect("store");
    println!(
        "open from PostgreSQL: {:.0} ms wall, {:.0} ms CPU of this process, {:.1} MB resident more",
        begun.elapsed().as_secs_f64() * 1e3,
        cpu() - used,
        resident() - before
    );
    let snapshot = store.current();
    let begun = Instant::now();
    keep::write(state.path(), &catalogue, &snapshot).expect("write");
    let size = std::fs::metadata(state.path().join(keep::FILE)).expect("file").len();
    println!("keep: written in {:.0} ms wall, {:.1} MB", begun.elapsed().as_secs_f64() * 1e3, size as f64 / 1e6);
    best("keep: read", 3, || keep::read(state.path(), &catalogue).expect("read").map_or(0, |s| s.layers.len()));

    let access = Access {
        scope_id: 1,
        catalogue: Arc::clone(&catalogue),
        territory: None,
        operations: [Operation::Wfs].into_iter().collect(),
    };
    let access = Convention { id: "banc".into(), access: Arc::new(access), terms: Arc::default(), places: None };
    let bench = Bench { store, catalogue, access };
    select(&bench);
    encode(&bench);
    runtime.shutdown_background();
}

fn select(bench: &Bench) {
    let layer = bench.catalogue.layer("parc_residence").expect("layer");
    let field = |name: &str| layer.field(name).expect("field").id;
    let extent =
        bench.store.current().layers[layer.id.0 as usize].table.geometry.extent(seuil::store::StoredCrs::Lambert93);
    let part = |share: f64| {
        let c = [(extent.min[0] + extent.max[0]) / 2.0, (extent.min[1] + extent.max[1]) / 2.0];
        let (w, h) = (extent.width() * share / 2.0, extent.height() * share / 2.0);
        Envelope { min: [c[0] - w, c[1] - h], max: [c[0] + w, c[1] + h] }
    };
    let number = |n| Expr::Literal(Value::Int(n));
    let greater = |n| Filter::Compare {
        op: CompareOp::Gt,
        left: Expr::Field(field("nb_logements")),
        right: number(n),
        match_case: true,
    };
    // A new number each time, so that no selection is found in the cache.
    let mut n = 0;
    let mut fresh = || {
        n += 1;
        f64::from(n) * 1e-9
    };
    let count = |q: Select| match bench.store.select(&bench.scoped(Query::Count(vec![q])), Default::default()).unwrap()
    {
        Fetched::Count(n) => n[0] as usize,
        other => panic!("{other:?}"),
    };
    best("count, box of a tenth in 2154", 100, || {
        let envelope = part(0.316 + fresh());
        count(bench.ask("parc_residence", Filter::BBox { envelope, crs: Crs::Lambert93 }, None))
    });
    best("count, box of a tenth in degrees", 100, || {
        let t = Transform::between(Crs::Lambert93, Crs::Crs84).unwrap();
        let b = part(0.316 + fresh());
        let envelope = Envelope { min: t.position(b.min).unwrap(), max: t.position(b.max).unwrap() };
        count(bench.ask("parc_residence", Filter::BBox { envelope, crs: Crs::Crs84 }, None))
    });
    best("count, IRIS in a box of a tenth, 3950", 100, || {
        let t = Transform::between(Crs::Lambert93, Crs::Cc50).unwrap();
        let b = part(0.316 + fresh());
        let envelope = Envelope { min: t.position(b.min).unwrap(), max: t.position(b.max).unwrap() };
        count(bench.ask("parc_iris", Filter::BBox { envelope, crs: Crs::Cc50 }, None))
    });
    best("count, comparison, all vintages", 100, || {
        count(bench.ask("parc_residence_evolution", greater((fresh() * 1e9) as i64), None))
    });
    best("count, points within a circle of 300 vertices", 100, || {
        let c = part(0.0).min;
        let r = extent.width() * (0.2 + fresh());
        let ring: Vec<_> = (0..=300)
            .map(|i| f64::from(i % 300) * std::f64::consts::TAU / 300.0)
            .map(|a| [c[0] + r * a.cos(), c[1] + r * a.sin()])
            .collect();
        let filter =
            Filter::Spatial { op: SpatialOp::Within, geometry: Geometry::Polygon(vec![ring]), crs: Crs::Lambert93 };
        count(bench.ask("parc_residence", filter, None))
    });
    best("page of 100 of a box of a tenth", 100, || {
        let filter = Filter::BBox { envelope: part(0.316 + fresh()), crs: Crs::Lambert93 };
        bench.rows(Query::Features(vec![bench.ask("parc_residence", filter, Some(100))]))[0].rows.len()
    });
    best("page of 100, all vintages sorted by two fields", 100, || {
        let mut q = bench.ask("parc_residence_evolution", greater((fresh() * 1e9) as i64), Some(100));
        let key = |name, descending| SortKey { field: Some(field(name)), descending };
        q.order = vec![key("nb_logements", true), key("code_iris", false)];
        bench.rows(Query::Features(vec![q]))[0].rows.len()
    });
    let mut q = bench.ask("parc_residence_evolution", greater(100), Some(100));
    q.order = vec![SortKey { field: Some(field("nom")), descending: false }];
    q.page.start = 5000;
    best("the same again, deep (kept)", 100, || bench.rows(Query::Features(vec![q.clone()]))[0].rows.len());
    best("facts of all layers", 1, || {
        match bench.store.select(&bench.scoped(Query::Capabilities), Default::default()) {
            Ok(Fetched::Facts { layers, .. }) => layers.len(),
            other => panic!("{other:?}"),
        }
    });
}

/// Bytes of a whole GeoJSON answer, written chunk by chunk as the server does.
fn geojson(bench: &Bench, rows: &[Rows]) -> usize {
    let all = GeoJson::collection(&bench.catalogue, rows, &[Axes::EastNorth], FeatureIds::Plain, Members::default());
    let mut producer = all.unwrap().produce(rows.to_vec());
    let (mut out, mut total) = (Vec::with_capacity(80 * 1024), 0);
    while producer.step(&mut out).unwrap() == Progress::More {
        total += out.len();
        out.clear();
    }
    total + out.len()
}

fn encode(bench: &Bench) {
    for crs in [Crs::Crs84, Crs::Lambert93, Crs::Cc50] {
        let mut q = bench.ask("parc_residence", Filter::All, Some(10_000));
        q.fields.truncate(41);
        q.crs = crs;
        let rows = bench.rows(Query::Features(vec![q]));
        best(&format!("GeoJSON, 10,000 points, 41 fields, {}", crs.short()), 100, || geojson(bench, &rows));
    }
    let rows = bench.rows(Query::Features(vec![bench.ask("parc_iris", Filter::All, None)]));
    best("GeoJSON, all IRIS", 100, || geojson(bench, &rows));
    let set = TileMatrixSet::get("WebMercatorQuad").expect("set");
    for (layer, fields, zoom) in [
        ("parc_residence", 41, 11),
        ("parc_residence", 4, 11),
        ("parc_iris", 5, 9),
        ("parc_iris", 5, 12),
        ("parc_commune", 5, 9),
    ] {
        let known = bench.catalogue.layer(layer).expect("layer");
        let table = &bench.store.current().layers[known.id.0 as usize].table;
        let extent = table.geometry.extent(seuil::store::StoredCrs::WebMercator);
        let centre = [(extent.min[0] + extent.max[0]) / 2.0, (extent.min[1] + extent.max[1]) / 2.0];
        let matrix = set.matrix(zoom).expect("matrix");
        let (row, _, column, _) = matrix.limits(&Envelope { min: centre, max: centre }).expect("inside");
        let envelope = matrix.tile(row, column).expect("tile");
        let fields = known.fields.iter().map(|f| f.id).take(fields).collect::<Vec<_>>();
        let n = fields.len();
        let query = TileQuery {
            layers: vec![(known.id, fields)],
            crs: Crs::WebMercator,
            envelope,
            zoom,
            filter: Filter::All,
            newest: true,
        };
        let rows = bench.rows(Query::Tile(query.clone()));
        let found = rows[0].rows.len();
        best(&format!("tile z{zoom}: select {layer}"), 100, || bench.rows(Query::Tile(query.clone()))[0].rows.len());
        best(&format!("tile z{zoom}: encode {found} of {layer}, {n} fields"), 100, || {
            mvt::tile(&bench.catalogue, &rows, &envelope).expect("tile").len()
        });
    }
}
