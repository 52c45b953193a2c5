//! The files of a data team, corrected before they are imported again: dwellings and residences that come, go, change or move,
//! limits of zones that are drawn anew.

use crate::portal::Portal;
use crate::twin::table::Table;
use crate::worlds::World;
use seuil::db::{Role, Which};
use seuil::import::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Keys of residences of a theme and vintage by a condition on `l` (line of the plan), `u` (units of the theme) and `m` (row
/// of the stock), smallest identifiers first.
pub fn keys(world: &World, theme: &str, year: i32, condition: &str, limit: usize) -> Vec<String> {
    let sql = format!(
        "SELECT i.cle FROM plan.ligne l JOIN plan.ident i ON i.id = l.id \
         JOIN stat.unites u ON u.theme = l.theme AND u.millesime = l.millesime AND u.echelle = 'residence' AND u.id = l.id \
         WHERE l.publication = (SELECT max(publication) FROM plan.publication WHERE etat = 'publiee') \
         AND l.theme = '{theme}' AND l.millesime = {year} AND l.echelle = 'residence' AND {condition} \
         ORDER BY l.id LIMIT {limit}"
    );
    let keys: Vec<String> =
        world.sql(Which::Source, Role::Publisher, &sql).into_iter().filter_map(|r| r[0].clone()).collect();
    assert_eq!(keys.len(), limit, "{condition}");
    keys
}

/// The source files of a vintage, to be corrected.
pub struct Vintage {
    pub year: i32,
    tables: BTreeMap<&'static str, Table>,
}

pub const SOURCES: [(&str, Source); 4] = [
    ("rpls", Source::Rpls),
    ("residences", Source::Residences),
    ("occupation", Source::Occupation),
    ("attributions", Source::Attributions),
];

impl Vintage {
    pub fn read(folder: &Path, year: i32) -> Vintage {
        let mut tables = BTreeMap::new();
        for (name, _) in SOURCES {
            let suffix = if name == "rpls" { "csv.gz" } else { "csv" };
            tables.insert(name, Table::read(&folder.join(format!("{name}_{year}.{suffix}"))));
        }
        Vintage { year, tables }
    }

    fn table(&mut self, name: &str) -> &mut Table {
        self.tables.get_mut(name).expect("table")
    }

    /// Dwellings of a residence.
    fn dwellings(&self, key: &str) -> Vec<Vec<u8>> {
        let table = &self.tables["residences"];
        let (home, dwelling) = (table.column("ID_RESIDENCE"), table.column("IDENT_REP"));
        table.rows.iter().filter(|r| r[home] == key.as_bytes()).map(|r| r[dwelling].clone()).collect()
    }

    /// Takes dwellings of a residence out of a file, all but `keep` of them.
    pub fn cut(&mut self, name: &str, key: &str, keep: usize) {
        let gone: BTreeSet<Vec<u8>> = self.dwellings(key).into_iter().skip(keep).collect();
        let table = self.table(name);
        let dwelling = table.column("IDENT_REP");
        table.rows.retain(|r| !gone.contains(&r[dwelling]));
    }

    /// Adds dwellings like the first one.
    pub fn grow(&mut self, key: &str, more: usize) {
        let first = self.dwellings(key)[0].clone();
        for name in ["rpls", "residences"] {
            let table = self.table(name);
            let dwelling = table.column("IDENT_REP");
            let like = table.rows.iter().find(|r| r[dwelling] == first).expect("dwelling").clone();
            for n in 0..more {
                let mut new = like.clone();
                new[dwelling] = [first.as_slice(), format!("X{n}").as_bytes()].concat();
                table.rows.push(new);
            }
        }
    }

    /// Makes a residence of its own of some dwellings of one.
    pub fn split(&mut self, key: &str, dwellings: usize) -> String {
        let new = format!("{key}B");
        let table = self.table("residences");
        let home = table.column("ID_RESIDENCE");
        for r in table.rows.iter_mut().filter(|r| r[home] == key.as_bytes()).take(dwellings) {
            r[home] = new.as_bytes().to_vec();
        }
        new
    }

    /// Gives all dwellings of a residence another value.
    pub fn set(&mut self, name: &str, key: &str, column: &str, value: &str) {
        let own: BTreeSet<Vec<u8>> = self.dwellings(key).into_iter().collect();
        let table = self.table(name);
        let (dwelling, column) = (table.column("IDENT_REP"), table.column(column));
        for r in table.rows.iter_mut().filter(|r| own.contains(&r[dwelling])) {
            r[column] = value.as_bytes().to_vec();
        }
    }

    /// A value of a residence.
    pub fn first(&self, name: &str, key: &str, column: &str) -> String {
        let own = self.dwellings(key);
        let table = &self.tables[name];
        let (dwelling, column) = (table.column("IDENT_REP"), table.column(column));
        let row = table.rows.iter().find(|r| r[dwelling] == own[0]).expect("dwelling");
        String::from_utf8(row[column].clone()).expect("text")
    }

    /// Puts a residence beside another.
    pub fn place(&mut self, key: &str, beside: &str) {
        let table = self.table("residences");
        let [home, x, y] = ["ID_RESIDENCE", "X", "Y"].map(|c| table.column(c));
        let at = table.rows.iter().find(|r| r[home] == beside.as_bytes()).map(|r| [r[x].clone(), r[y].clone()]);
        let [to_x, to_y] = at.expect("residence");
        for r in table.rows.iter_mut().filter(|r| r[home] == key.as_bytes()) {
            (r[x], r[y]) = (to_x.clone(), to_y.clone());
        }
    }

    pub fn import(&self, world: &World, names: &[&str]) {
        let folder = tempfile::tempdir().expect("folder");
        for (name, source) in SOURCES.into_iter().filter(|(n, _)| names.contains(n)) {
            let file = folder.path().join(format!("{name}_{}.csv", self.year));
            self.tables[name].write(&file);
            world.import(source, &file, self.year);
        }
    }
}

pub fn source(portal: &Portal, year: i32) -> Vintage {
    Vintage::read(&portal.dir.join("source"), year)
}

/// Moves limits of IRIS of a world: where these residences are the nearest to another IRIS of their context, all that is as near
/// goes over to it. Returns how many limits moved.
pub fn move_iris(world: &World, keys: &[String]) -> usize {
    let list: Vec<String> = keys.iter().map(|k| format!("'{k}'")).collect();
    let near = world.sql(
        Which::Source,
        Role::Publisher,
        &format!(
            "WITH l AS (SELECT lot FROM import.courant WHERE source = 'iris' ORDER BY millesime DESC LIMIT 1)
             SELECT r.code_iris, n.code_iris, n.d
             FROM (SELECT DISTINCT cle, code_iris, geom FROM travail.residence WHERE cle IN ({})) r
             CROSS JOIN LATERAL (SELECT i.code_iris, ST_Distance(i.geom, r.geom) AS d FROM ref.iris i JOIN l USING (lot)
                                 WHERE i.code_iris <> r.code_iris ORDER BY 2 LIMIT 1) n
             WHERE n.d < 600 ORDER BY n.d, r.cle",
            list.join(", ")
        ),
    );
    // Each IRIS is in one pair only.
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut pairs = Vec::new();
    for row in near {
        let [from, to, distance] = [0, 1, 2].map(|n: usize| row[n].clone().expect("text"));
        if !taken.contains(&from) && !taken.contains(&to) {
            taken.extend([from.clone(), to.clone()]);
            pairs.push(format!("('{from}', '{to}', {distance}::float8)"));
        }
    }
    assert!(!pairs.is_empty(), "no residence is near another IRIS");
    let sql = format!(
        "WITH l AS (SELECT lot FROM import.courant WHERE source = 'iris' ORDER BY millesime DESC LIMIT 1),
         i AS (SELECT i.* FROM ref.iris i JOIN l USING (lot)), p (a, b, d) AS (VALUES {}),
         bande AS (SELECT p.a, p.b, ST_Intersection(x.geom, ST_Buffer(y.geom, p.d + 5)) AS geom
                   FROM p JOIN i x ON x.code_iris = p.a JOIN i y ON y.code_iris = p.b)
         SELECT i.code_iris, i.insee_com, i.insee_associee, i.nom, i.typ_iris,
                coalesce(ST_Difference(i.geom, c.geom), ST_Union(i.geom, v.geom), i.geom) AS geom
         FROM i LEFT JOIN bande c ON c.a = i.code_iris LEFT JOIN bande v ON v.b = i.code_iris",
        pairs.join(", ")
    );
    import_outlines(world, Source::Iris, 2022, &sql);
    pairs.len()
}

/// Every second QPV of the newer generation grows, the others shrink.
pub fn move_qpv(world: &World) {
    let sql = "SELECT q.code_qp, q.nom, ST_Buffer(q.geom, CASE WHEN row_number() OVER (ORDER BY q.code_qp) % 2 = 0 THEN 90 ELSE -60 END) AS geom
               FROM ref.qpv q JOIN import.courant c USING (lot) WHERE c.source = 'qpv' AND q.generation = 2024";
    import_outlines(world, Source::Qpv, 2024, sql);
}

/// Imports outlines that a query draws.
fn import_outlines(world: &World, source: Source, year: i32, sql: &str) {
    let sql = format!(
        "SELECT json_build_object('type', 'FeatureCollection', 'crs', json_build_object('type', 'name', 'properties',
                    json_build_object('name', 'urn:ogc:def:crs:EPSG::2154')), 'features', json_agg(json_build_object(
                    'type', 'Feature', 'properties', to_jsonb(z) - 'geom',
                    'geometry', ST_AsGeoJSON(ST_Multi(ST_CollectionExtract(ST_MakeValid(z.geom), 3)), 9, 0)::json)))
         FROM ({sql}) z"
    );
    let rows = world.sql(Which::Source, Role::Publisher, &sql);
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("contours.geojson");
    std::fs::write(&file, rows[0][0].as_ref().expect("outlines")).expect("file");
    world.import(source, &file, year);
}
