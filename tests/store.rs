//! The snapshot against PostGIS, and the store's life beside a database that changes, stops and comes back.

use crate::Case;
use crate::portal::Portal;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seuil::catalogue::{Catalogue, FieldKind, Vintages, load_dir, load_embedded};
use seuil::config::{Config, Database};
use seuil::convention::{Access, Convention, Operation, Scoped};
use seuil::db::{Role, Which};
use seuil::demo::cluster::Cluster;
use seuil::error::Error;
use seuil::filter::{CompareOp, Expr, Filter, SpatialOp};
use seuil::geo::{Crs, Envelope, Geometry, Position, Transform};
use seuil::query::{Page, Query, Select, Value};
use seuil::store::{Fetched, Rows, Store, StoreError, StoredCrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    ("filters_on_columns_agree_with_postgresql", columns),
    ("spatial_relations_agree_with_postgis", relations),
    ("faults_of_views_are_told_all_at_once", faults),
    ("a_publication_is_swapped_on_notice_and_the_former_one_held", swap),
    ("without_postgresql_the_local_snapshot_serves", away),
];

/// Authority over everything, and a store on a database.
struct Ask {
    runtime: tokio::runtime::Runtime,
    store: Arc<Store>,
    catalogue: Arc<Catalogue>,
    convention: Convention,
}

impl Ask {
    fn open(database: Database, catalogue: Catalogue, state: &Path) -> Result<Ask, StoreError> {
        let catalogue = Arc::new(catalogue);
        let mut config = Config { database, ..Config::default() };
        config.server.state = state.to_owned();
        config.server.poll = 1;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(&config, Arc::clone(&catalogue)))?;
        let access = Access {
            scope_id: 1,
            catalogue: Arc::clone(&catalogue),
            territory: None,
            operations: [Operation::Wfs].into_iter().collect(),
        };
        let convention =
            Convention { id: "essai".into(), access: Arc::new(access), terms: Arc::default(), places: None };
        Ok(Ask { runtime, store, catalogue, convention })
    }

    fn scoped(&self, layer: &str, filter: Filter, publication: Option<i64>) -> Scoped {
        let layer = self.catalogue.layer(layer).expect("layer");
        let select = Select {
            layer: layer.id,
            fields: layer.fields.iter().map(|f| f.id).collect(),
            geometry: true,
            filter,
            order: Vec::new(),
            page: Page { publication, ..Page::ALL },
            crs: Crs::Lambert93,
        };
        self.convention.scope(Query::Features(vec![select])).expect("scope")
    }

    fn rows(&self, layer: &str, filter: Filter, publication: Option<i64>) -> Result<Rows, Error> {
        let scoped = self.scoped(layer, filter, publication);
        let prepared = self.runtime.block_on(self.store.prepare(&scoped))?;
        match self.store.select(&scoped, prepared)? {
            Fetched::Features(mut rows) => Ok(rows.remove(0)),
            other => panic!("{other:?}"),
        }
    }

    /// Identifiers, sorted by bytes.
    fn ids(&self, layer: &str, filter: Filter) -> Result<Vec<String>, Error> {
        let rows = self.rows(layer, filter, None)?;
        let mut ids: Vec<String> = Vec::new();
        for row in &rows.rows {
            ids.push(String::new());
            rows.data().feature_id(*row, ids.last_mut().unwrap());
        }
        ids.sort();
        Ok(ids)
    }
}

fn of_portal(portal: &Portal, state: &Path) -> Ask {
    Ask::open(portal.config.database.clone(), load_embedded().unwrap(), state).expect("store")
}

/// Identifiers for which a condition is true in PostgreSQL: newest vintage, or `id.millesime` of all.
fn truth(portal: &Portal, ask: &Ask, layer: &str, condition: &str) -> Vec<String> {
    let layer = ask.catalogue.layer(layer).unwrap();
    let publication = ask.store.current().publication;
    let (id, newest) = match layer.vintages {
        Vintages::All => ("id || '.' || millesime", String::new()),
        Vintages::Newest => (
            "id",
            format!(
                "AND millesime = (SELECT max(millesime) FROM {} WHERE publication = {publication})",
                layer.relation
            ),
        ),
    };
    let sql =
        format!("SELECT {id} FROM {} WHERE publication = {publication} {newest} AND ({condition})", layer.relation);
    let rows = portal.sql(Which::Serving, Role::Server, &sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut ids: Vec<String> = rows.into_iter().map(|r| r[0].clone().expect("id")).collect();
    ids.sort();
    ids
}

fn quoted(v: &Value) -> String {
    match v {
        Value::Text(t) => format!("('{}' COLLATE \"C\")", t.replace('\'', "''")),
        Value::Int(n) => n.to_string(),
        Value::Double(d) => format!("{d:?}::float8"),
        Value::DateTime(ms) => format!("to_timestamp({ms} / 1000.0)"),
    }
}

/// A random condition on columns, as a filter and as SQL. Literals are values that occur, so that equality happens.
fn condition(rng: &mut ChaCha8Rng, ask: &Ask, layer: &str, depth: u32) -> (Filter, String) {
    let known = ask.catalogue.layer(layer).unwrap();
    if depth > 0 && rng.random_bool(0.6) {
        let (a, b) = (condition(rng, ask, layer, depth - 1), condition(rng, ask, layer, depth - 1));
        return match rng.random_range(0..3) {
            0 => (Filter::And(vec![a.0, b.0]), format!("({} AND {})", a.1, b.1)),
            1 => (Filter::Or(vec![a.0, b.0]), format!("({} OR {})", a.1, b.1)),
            _ => (Filter::Not(Box::new(a.0)), format!("(NOT {})", a.1)),
        };
    }
    let field = &known.fields[rng.random_range(0..known.fields.len())];
    let data = &ask.store.current().layers[known.id.0 as usize];
    let values = data.column(field.id).dictionary.values();
    let any = |rng: &mut ChaCha8Rng| match values.len() {
        0 => match field.kind {
            FieldKind::Text => Value::Text("x".into()),
            FieldKind::DateTime => Value::DateTime(0),
            FieldKind::Double => Value::Double(1.0),
            _ => Value::Int(1),
        },
        n => values[rng.random_range(0..n)].clone(),
    };
    let expr = Expr::Field(field.id);
    let name = match field.kind {
        FieldKind::Text => format!("({} COLLATE \"C\")", field.name),
        _ => field.name.clone(),
    };
    match rng.random_range(0..5) {
        0 => (Filter::IsNull(expr), format!("({} IS NULL)", field.name)),
        1 => {
            let list: Vec<Value> = (0..3).map(|_| any(rng)).collect();
            let text = list.iter().map(quoted).collect::<Vec<_>>().join(", ");
            (Filter::In { expr, list, match_case: true }, format!("({name} IN ({text}))"))
        }
        2 => {
            let (a, b) = (any(rng), any(rng));
            let text = format!("({name} BETWEEN {} AND {})", quoted(&a), quoted(&b));
            (Filter::Between { expr, lower: Expr::Literal(a), upper: Expr::Literal(b) }, text)
        }
        3 if field.kind == FieldKind::Text => {
            let text = match any(rng) {
                Value::Text(t) => t,
                other => panic!("{other:?}"),
            };
            let mut pattern: String = text.chars().take(rng.random_range(0..6)).collect();
            pattern = pattern.replace(['%', '_', '\\'], "");
            pattern.push_str(["%", "_%", "%e%", "", "%_"][rng.random_range(0..5)]);
            let sql = format!("({} LIKE '{}')", field.name, pattern.replace('\'', "''"));
            (Filter::Like { expr, pattern, match_case: true }, sql)
        }
        _ => {
            use CompareOp::*;
            let (op, sign) =
                [(Eq, "="), (Ne, "<>"), (Lt, "<"), (Le, "<="), (Gt, ">"), (Ge, ">=")][rng.random_range(0..6)];
            let v = any(rng);
            let text = format!("({name} {sign} {})", quoted(&v));
            (Filter::Compare { op, left: expr, right: Expr::Literal(v), match_case: true }, text)
        }
    }
}

fn columns(portal: &'static Portal) {
    let state = tempfile::tempdir().unwrap();
    let ask = of_portal(portal, state.path());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut some = 0;
    for n in 0..240 {
        let layer =
            ["parc_residence", "occupation_iris_evolution", "parc_commune_evolution", "environnement_residence"][n % 4];
        let (filter, sql) = condition(&mut rng, &ask, layer, 3);
        let found = ask.ids(layer, filter.clone()).unwrap_or_else(|e| panic!("{filter:?}: {e}"));
        let expected = truth(portal, &ask, layer, &sql);
        assert_eq!(found, expected, "{layer}: {sql}");
        some += usize::from(!found.is_empty());
    }
    assert!(some > 60, "the filters hardly ever find anything: {some}");
}

/// A literal near some data.
fn literal(rng: &mut ChaCha8Rng, near: &[Position]) -> Geometry {
    let somewhere = |rng: &mut ChaCha8Rng, spread: f64| -> Position {
        let p = near[rng.random_range(0..near.len())];
        // Every third one is exactly on a vertex of the data.
        if rng.random_range(0..3) == 0 {
            return p;
        }
        p.map(|v| v + rng.random_range(-spread..spread))
    };
    match rng.random_range(0..4) {
        0 => Geometry::Point(somewhere(rng, 1.0)),
        1 => Geometry::LineString((0..3).map(|_| somewhere(rng, 3000.0)).collect()),
        2 => {
            let mut ring: Vec<Position> = (0..3).map(|_| somewhere(rng, 4000.0)).collect();
            ring.push(ring[0]);
            Geometry::Polygon(vec![ring])
        }
        _ => {
            let mut e = Envelope::EMPTY;
            e.add(somewhere(rng, 4000.0));
            e.add(somewhere(rng, 4000.0));
            Geometry::Envelope(e)
        }
    }
}

fn moved(geometry: &Geometry, to: &Transform) -> Geometry {
    let p = |p: &Position| to.position(*p).expect("inside");
    let line = |l: &Vec<Position>| l.iter().map(p).collect::<Vec<_>>();
    match geometry {
        Geometry::Point(q) => Geometry::Point(p(q)),
        Geometry::LineString(l) => Geometry::LineString(line(l)),
        Geometry::Polygon(r) => Geometry::Polygon(r.iter().map(line).collect()),
        Geometry::Envelope(e) => {
            let mut out = Envelope::EMPTY;
            out.add(p(&e.min));
            out.add(p(&e.max));
            Geometry::Envelope(out)
        }
        other => panic!("{other:?}"),
    }
}

fn wkt(geometry: &Geometry) -> String {
    let path =
        |points: &[Position]| points.iter().map(|p| format!("{:?} {:?}", p[0], p[1])).collect::<Vec<_>>().join(",");
    match geometry {
        Geometry::Point(p) => format!("POINT({})", path(&[*p])),
        Geometry::LineString(l) => format!("LINESTRING({})", path(l)),
        Geometry::Polygon(r) => format!("POLYGON(({}))", path(&r[0])),
        Geometry::Envelope(e) => {
            format!("POLYGON(({}))", path(&[e.min, [e.max[0], e.min[1]], e.max, [e.min[0], e.max[1]], e.min]))
        }
        other => panic!("{other:?}"),
    }
}

fn relations(portal: &'static Portal) {
    use SpatialOp::*;
    let state = tempfile::tempdir().unwrap();
    let ask = of_portal(portal, state.path());
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut some = 0;
    for n in 0..400 {
        let layer = ["parc_residence", "parc_iris", "contour_commune", "contour_qpv"][n % 4];
        let known = ask.catalogue.layer(layer).unwrap();
        let snapshot = ask.store.current();
        let near = snapshot.layers[known.id.0 as usize].table.geometry.positions(StoredCrs::Lambert93);
        let geometry = literal(&mut rng, near);
        // Another CRS for every other literal: no longer on the vertices, which are rounded there.
        let (crs, geometry) = match n / 4 % 6 {
            3 => (Crs::Wgs84, moved(&geometry, &Transform::between(Crs::Lambert93, Crs::Wgs84).unwrap())),
            4 => (Crs::Cc50, moved(&geometry, &Transform::between(Crs::Lambert93, Crs::Cc50).unwrap())),
            5 => (Crs::WebMercator, moved(&geometry, &Transform::between(Crs::Lambert93, Crs::WebMercator).unwrap())),
            _ => (Crs::Lambert93, geometry),
        };
        let srid = crs.epsg().unwrap();
        let shape = match crs {
            Crs::Lambert93 => "ST_GeomFromText(ST_AsText(geom, 2), 2154)".to_owned(),
            _ => format!("ST_GeomFromText(ST_AsText(ST_Transform(geom, {srid}), {}), {srid})", crs.decimals()),
        };
        let literal = format!("ST_GeomFromText('{}', {srid})", wkt(&geometry));
        let (filter, sql) = match rng.random_range(0..10) {
            8 => {
                let metres = rng.random_range(0.0..2000.0);
                let within = rng.random_bool(0.5);
                let sql = format!("ST_DWithin(geom, ST_Transform({literal}, 2154), {metres:?}) = {within}");
                (Filter::Distance { within, geometry: geometry.clone(), crs, metres }, sql)
            }
            9 => match &geometry {
                Geometry::Envelope(e) => {
                    (Filter::BBox { envelope: *e, crs }, format!("ST_Intersects({shape}, {literal})"))
                }
                _ => continue,
            },
            op => {
                let (op, name) = [
                    (Equals, "Equals"),
                    (Disjoint, "Disjoint"),
                    (Touches, "Touches"),
                    (Within, "Within"),
                    (Overlaps, "Overlaps"),
                    (Crosses, "Crosses"),
                    (Intersects, "Intersects"),
                    (Contains, "Contains"),
                ][op];
                (Filter::Spatial { op, geometry: geometry.clone(), crs }, format!("ST_{name}({shape}, {literal})"))
            }
        };
        let found = ask.ids(layer, filter.clone()).unwrap_or_else(|e| panic!("{filter:?}: {e}"));
        let expected = truth(portal, &ask, layer, &sql);
        assert_eq!(found, expected, "{layer}: {sql}");
        some += usize::from(!found.is_empty());
    }
    assert!(some > 100, "the relations hardly ever hold: {some}");
}

/// A cluster of its own with a registry of publications and one relation, and the catalogue that names it.
pub struct Own {
    pub folder: tempfile::TempDir,
    cluster: Option<Cluster>,
    pub database: Database,
}

pub const CATALOGUE: &str = r#"
[service]
title = { fr = "Essai", en = "Test" }
abstract = { fr = "Essai", en = "Test" }
keywords = []
attribution = { fr = "", en = "" }
prefix = "essai"
namespace = "urn:seuil:essai"
[service.provider]
name = ""
site = ""
contact = ""
position = ""
email = ""
phone = ""
address = ""
city = ""
postcode = ""
country = ""
[[group]]
name = "essai"
title = { fr = "Essai", en = "Test" }
[[layer]]
name = "lieu"
title = { fr = "Lieux", en = "Places" }
abstract = { fr = "Lieux", en = "Places" }
theme = "autre"
scale = "autre"
geometry = "point"
relation = "pub.lieu"
publication_column = "publication"
field = [
  { name = "code", kind = "text", nullable = false, title = { fr = "Code", en = "Code" } },
  { name = "nom", kind = "text", title = { fr = "Nom", en = "Name" } },
  { name = "valeur", kind = "double", title = { fr = "Valeur", en = "Value" } },
]
key = "code"
styles = ["lieu"]
group = "essai"
"#;

const SCHEMA: &str = "
CREATE EXTENSION postgis;
CREATE SCHEMA registre; CREATE SCHEMA pub;
CREATE TABLE registre.publication (id bigint PRIMARY KEY, etat text, courante_depuis timestamptz, fin_grace timestamptz,
    parametres jsonb NOT NULL DEFAULT '{}');
CREATE TABLE pub.lieu (publication bigint, code text, nom text, valeur numeric(8,2), geom geometry(Point, 2154));
CREATE ROLE seuil_server;
INSERT INTO registre.publication VALUES (1, 'courante', '2024-01-01T00:00Z');
INSERT INTO pub.lieu SELECT 1, 'a' || n, 'Lieu', n * 1.25, ST_SetSRID(ST_MakePoint(700000 + n, 7050000), 2154)
    FROM generate_series(1, 50) n;";

impl Own {
    pub fn start() -> Own {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(&folder.path().join("cluster")).expect("cluster");
        let mut own = Own { folder, cluster: Some(cluster), database: Database::default() };
        own.sql_in("postgres", "CREATE DATABASE essai").unwrap();
        own.database = own.cluster.as_ref().unwrap().database();
        let user = own.cluster.as_ref().unwrap().admin().user;
        own.database.serving = format!("{} user={user}", own.cluster.as_ref().unwrap().string("essai"));
        own.sql(SCHEMA).unwrap();
        own.sql(include_str!("../sql/serving/V203__lecture.sql")).unwrap();
        std::fs::create_dir_all(own.folder.path().join("capabilities")).unwrap();
        std::fs::write(own.folder.path().join("capabilities/catalogue.toml"), CATALOGUE).unwrap();
        own
    }

    pub fn sql(&self, sql: &str) -> Result<(), String> {
        self.sql_in("essai", sql)
    }

    fn sql_in(&self, dbname: &str, sql: &str) -> Result<(), String> {
        let cluster = self.cluster.as_ref().expect("cluster runs");
        let mut database = cluster.database();
        database.serving = format!("{} user={}", cluster.string(dbname), cluster.admin().user);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = seuil::db::connect(&database, Which::Serving, Role::Owner).await.map_err(|e| e.to_string())?;
            client.batch_execute(sql).await.map_err(|e| seuil::db::explain(&e))
        })
    }

    fn catalogue(&self) -> Catalogue {
        load_dir(&self.folder.path().join("capabilities")).expect("catalogue")
    }

    fn open(&self) -> Result<Ask, StoreError> {
        Ask::open(self.database.clone(), self.catalogue(), &self.folder.path().join("state"))
    }

    fn stop(&mut self) {
        self.cluster.take().expect("cluster runs").stop().expect("stop");
    }

    fn restart(&mut self) {
        self.cluster = Some(Cluster::start(&self.folder.path().join("cluster")).expect("cluster"));
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            let _ = cluster.destroy();
        }
    }
}

#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn faults(_: &'static Portal) {
    let own = Own::start();
    own.sql("INSERT INTO pub.lieu VALUES (1, 'a1', 'Double', 1, ST_SetSRID(ST_MakePoint(0, 0), 2154))").unwrap();
    own.sql("ALTER TABLE pub.lieu DROP nom, ALTER valeur TYPE text").unwrap();
    own.sql("ALTER TABLE pub.lieu ALTER geom TYPE geometry USING ST_SetSRID(geom, 0)").unwrap();
    let text = match own.open() {
        Err(e @ StoreError::Faults(_)) => e.to_string(),
        other => panic!("{:?}", other.map(|_| "started").map_err(|e| e.to_string())),
    };
    for part in [
        "pub.lieu.nom: the catalogue names this field",
        "pub.lieu.valeur: the catalogue says Double, the column is text",
        "pub.lieu.geom: has no SRID: ST_SetSRID(geom, 2154)",
        "pub.lieu: has no unique key: (code) = (a1) occurs 2 times",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    own.sql("DROP TABLE pub.lieu").unwrap();
    let text = own.open().err().expect("no relation").to_string();
    assert!(text.contains("pub.lieu: does not exist"), "{text}");
    own.sql("UPDATE registre.publication SET etat = 'retiree'").unwrap();
    assert!(matches!(own.open().err(), Some(StoreError::NoPublication { wanted: None })));
}

fn swap(_: &'static Portal) {
    let own = Own::start();
    let ask = own.open().expect("store");
    assert_eq!(ask.rows("lieu", Filter::All, None).unwrap().matched, 50);
    let valeur = ask.rows("lieu", Filter::Ids(vec!["a7".into()]), None).unwrap();
    assert_eq!(valeur.data().table.columns[2].json(valeur.rows[0]), b"8.75");
    let publish = "UPDATE registre.publication SET etat = 'ancienne'; \
                   INSERT INTO pub.lieu SELECT 2, code, nom, valeur, geom FROM pub.lieu WHERE code < 'a3'; \
                   INSERT INTO registre.publication VALUES (2, 'courante', '2025-01-01T00:00Z'); \
                   NOTIFY seuil_publication";
    own.sql(publish).unwrap();
    let begun = Instant::now();
    // Answers go on all the while, each from one publication or the other.
    eventually("the new publication", || {
        let rows = ask.rows("lieu", Filter::All, None).unwrap();
        assert_eq!(rows.matched, if rows.snapshot.publication == 1 { 50 } else { 22 });
        rows.snapshot.publication == 2
    });
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(ask.rows("lieu", Filter::All, Some(1)).unwrap().matched, 50, "a reading goes on in its publication");
    assert_eq!(ask.rows("lieu", Filter::All, Some(3)).err(), Some(Error::Expired));
    // Rolled back: the former one is current again, as it was.
    own.sql(
        "UPDATE registre.publication SET etat = 'ancienne' WHERE id = 2; \
         UPDATE registre.publication SET etat = 'courante', courante_depuis = now() WHERE id = 1; \
         NOTIFY seuil_publication",
    )
    .unwrap();
    eventually("the way back", || ask.store.current().publication == 1);
    assert_eq!(ask.rows("lieu", Filter::All, Some(2)).unwrap().matched, 22);
    // Without a notice the poll finds it, and a publication that does not fit leaves the old one in place.
    own.sql(
        "INSERT INTO pub.lieu VALUES (3, 'x', '', 1, ST_SetSRID(ST_MakePoint(0, 0), 2154)), \
         (3, 'x', '', 1, ST_SetSRID(ST_MakePoint(0, 0), 2154)); \
         UPDATE registre.publication SET etat = 'ancienne'; \
         INSERT INTO registre.publication VALUES (3, 'courante', now())",
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(ask.store.current().publication, 1);
    own.sql("UPDATE pub.lieu SET publication = 4, code = code || ctid WHERE publication = 3").unwrap();
    own.sql("UPDATE registre.publication SET id = 4 WHERE id = 3").unwrap();
    eventually("the poll", || ask.store.current().publication == 4);
    // A server that was started later loads a former publication when a reading asks for it.
    let second = Ask::open(own.database.clone(), own.catalogue(), &own.folder.path().join("second")).expect("store");
    let first = second.rows("lieu", Filter::All, Some(2));
    assert!(matches!(first, Err(Error::Unavailable { .. })), "{:?}", first.err());
    eventually("the former publication", || second.rows("lieu", Filter::All, Some(2)).is_ok_and(|r| r.matched == 22));
}

fn away(_: &'static Portal) {
    let mut own = Own::start();
    let file = own.folder.path().join("state").join(seuil::store::keep::FILE);
    let ask = own.open().expect("store");
    eventually("the local snapshot", || file.exists());
    own.stop();
    assert_eq!(ask.rows("lieu", Filter::All, None).unwrap().matched, 50, "the snapshot goes on answering");
    // Another server starts on the file alone.
    let other = own.open().expect("starts without PostgreSQL");
    assert_eq!(other.rows("lieu", Filter::All, None).unwrap().matched, 50);
    assert!(matches!(other.rows("lieu", Filter::All, Some(9)), Err(Error::Unavailable { .. })));
    own.restart();
    own.sql(
        "UPDATE registre.publication SET etat = 'ancienne'; \
         INSERT INTO pub.lieu SELECT 2, code, nom, valeur, geom FROM pub.lieu WHERE code = 'a1'; \
         INSERT INTO registre.publication VALUES (2, 'courante', now())",
    )
    .unwrap();
    for ask in [&ask, &other] {
        eventually("the database that is back", || ask.store.current().publication == 2);
        assert_eq!(ask.rows("lieu", Filter::All, None).unwrap().matched, 1);
    }
    eventually("the new local snapshot", || {
        seuil::store::keep::read(&own.folder.path().join("state"), &own.catalogue())
            .is_ok_and(|s| s.is_some_and(|s| s.publication == 2))
    });
    // A damaged file is refused, and the database serves.
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(own.open().expect("store").rows("lieu", Filter::All, None).unwrap().matched, 1);
    own.stop();
    std::fs::write(&file, b"damaged").unwrap();
    assert!(matches!(own.open().err(), Some(StoreError::Database(_))), "nothing to start from");
}
