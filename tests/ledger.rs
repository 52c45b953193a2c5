//! Nothing that was ever published gives away what was not: former publications, whether still held or not, are subtracted
//! from later ones. Files are corrected, residences moved and sold, parameters changed; what a client could read of each
//! publication is kept, and the attack here uses that alone.

use crate::Case;
use crate::portal::Portal;
use crate::twin::table::Table;
use crate::worlds::World;
use serde_json::Value;
use seuil::db::{Role, Which};
use seuil::import::Source;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

pub const CASES: &[Case] = &[
    ("the_same_files_again_change_nothing", again),
    ("a_corrected_vintage_does_not_reveal_the_correction", corrected),
    ("what_moves_or_goes_reveals_nothing", moved),
    ("a_stricter_rule_reveals_nothing", parameters),
    ("what_was_pruned_is_still_known", pruned),
    ("a_correction_that_is_counted_is_found", planted),
];

const THEMES: [&str; 3] = ["parc", "occupation", "attributions"];

/// Sums that zone rows and residences both have; what depends on the place of a residence is left out.
fn additive(name: &str) -> bool {
    let sums = ["surface_totale", "loyer_total", "surface_loyer", "age_total", "anciennete_totale", "delai_total_mois"];
    (name.starts_with("nb_") && !name.contains("qpv") && !["nb_rp", "nb_demandes"].contains(&name))
        || sums.contains(&name)
}

/// A row as a client reads it.
struct Row {
    values: BTreeMap<String, f64>,
    zones: Vec<String>,
}

/// Theme, vintage, `scale:code` or identifier.
type Key = (&'static str, i64, String);

/// What a client can read of a publication.
struct Seen {
    zones: BTreeMap<Key, Row>,
    residences: HashMap<Key, Row>,
}

fn row(json: &Value) -> Row {
    let object = json.as_object().expect("row");
    let number = |(k, v): (&String, &Value)| Some((k.clone(), v.as_f64()?)).filter(|_| additive(k));
    let code = |(scale, column): (&str, &str)| Some(format!("{scale}:{}", object.get(column)?.as_str()?));
    let columns = [("commune", "insee_com"), ("commune", "insee_associee"), ("iris", "code_iris"), ("qpv", "code_qp")];
    Row { values: object.iter().filter_map(number).collect(), zones: columns.into_iter().filter_map(code).collect() }
}

impl Seen {
    /// Reads the current publication as the server does.
    fn current(world: &World) -> Seen {
        let mut seen = Seen { zones: BTreeMap::new(), residences: HashMap::new() };
        for theme in THEMES {
            for scale in ["commune", "iris", "qpv", "residence"] {
                let sql = format!(
                    "SELECT t.millesime, t.id, to_jsonb(t) - 'geom' FROM pub.{theme}_{scale} t \
                     JOIN registre.publication p ON p.id = t.publication AND p.etat = 'courante'"
                );
                for r in world.sql(Which::Serving, Role::Server, &sql) {
                    let text = |n: usize| r[n].clone().expect("text");
                    let json: Value = serde_json::from_str(&text(2)).expect("json");
                    let year = text(0).parse().expect("year");
                    if scale == "residence" {
                        seen.residences.insert((theme, year, text(1)), row(&json));
                    } else if json["statut"] == "diffuse" {
                        seen.zones.insert((theme, year, format!("{scale}:{}", text(1))), row(&json));
                    }
                }
            }
        }
        assert!(
            seen.zones.len() > 100 && seen.residences.len() > 1000,
            "{} {}",
            seen.zones.len(),
            seen.residences.len()
        );
        seen
    }
}

/// Keeps what was ever shown, and compares what shown rows leave of zone rows from one publication to the next.
#[derive(Default)]
struct Attacker {
    /// Last shown value of each figure of a residence, and the zones it stood in.
    shown: HashMap<(Key, String), (f64, Vec<String>)>,
    /// What was left of each zone row's figure.
    left: BTreeMap<(Key, String), f64>,
    /// Comparisons made.
    compared: usize,
}

impl Attacker {
    /// Reads a publication; figures of zone rows whose remainder is not what it was.
    fn reads(&mut self, seen: &Seen) -> Vec<String> {
        let mut sums: HashMap<(Key, String), f64> = HashMap::new();
        for (key, r) in &seen.residences {
            for (column, value) in &r.values {
                self.shown.insert((key.clone(), column.clone()), (*value, r.zones.clone()));
            }
        }
        // A residence on the map that is not shown any more may still be counted as it was shown.
        for ((key, column), (value, zones)) in &self.shown {
            if seen.residences.contains_key(key) {
                for zone in zones {
                    *sums.entry(((key.0, key.1, zone.clone()), column.clone())).or_default() += value;
                }
            }
        }
        let mut wrong = Vec::new();
        for (key, r) in &seen.zones {
            for (column, value) in &r.values {
                let at = (key.clone(), column.clone());
                let left = value - sums.get(&at).copied().unwrap_or(0.0);
                match self.left.get(&at) {
                    // Surfaces and rents are rounded row by row.
                    Some(before) if (left - before).abs() > if column.starts_with("nb_") { 1e-6 } else { 2.0 } => {
                        wrong.push(format!("{key:?} {column}: {before} was left, now {left}"));
                    }
                    Some(_) => self.compared += 1,
                    None => {
                        self.left.insert(at, left);
                    }
                }
            }
        }
        wrong
    }

    fn learns_nothing(&mut self, world: &World, what: &str) -> Seen {
        let seen = Seen::current(world);
        let before = self.compared;
        let wrong = self.reads(&seen);
        assert!(wrong.is_empty(), "{what}: {} figures, {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
        assert!(self.compared - before > 1000, "{what}: {} figures compared", self.compared - before);
        let findings = world.sql(
            Which::Serving,
            Role::Checker,
            "SELECT v.constats FROM registre.verdict v JOIN registre.publication p ON p.id = v.publication \
             WHERE p.etat = 'courante' AND v.controle = 'attaque' ORDER BY v.id DESC LIMIT 1",
        );
        assert_eq!(findings, [[Some("0".to_owned())]], "{what}");
        seen
    }
}

/// Keys of residences of a theme and vintage by a condition on `l` (line of the plan), `u` (units of the theme) and `m` (row
/// of the stock), smallest identifiers first.
fn keys(world: &World, theme: &str, year: i32, condition: &str, limit: usize) -> Vec<String> {
    let sql = format!(
        "SELECT i.cle FROM plan.ligne l JOIN plan.ident i ON i.id = l.id \
         JOIN stat.unites u ON u.theme = l.theme AND u.millesime = l.millesime AND u.echelle = 'residence' AND u.id = l.id \
         JOIN plan.publication p ON p.publication = l.publication AND p.etat = 'publiee' \
         WHERE l.theme = '{theme}' AND l.millesime = {year} AND l.echelle = 'residence' AND {condition} \
         ORDER BY l.id LIMIT {limit}"
    );
    let keys: Vec<String> =
        world.sql(Which::Source, Role::Publisher, &sql).into_iter().filter_map(|r| r[0].clone()).collect();
    assert_eq!(keys.len(), limit, "{condition}");
    keys
}

/// The source files of a vintage, to be corrected.
struct Vintage {
    year: i32,
    tables: BTreeMap<&'static str, Table>,
}

const SOURCES: [(&str, Source); 4] = [
    ("rpls", Source::Rpls),
    ("residences", Source::Residences),
    ("occupation", Source::Occupation),
    ("attributions", Source::Attributions),
];

impl Vintage {
    fn read(folder: &Path, year: i32) -> Vintage {
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
    fn cut(&mut self, name: &str, key: &str, keep: usize) {
        let gone: BTreeSet<Vec<u8>> = self.dwellings(key).into_iter().skip(keep).collect();
        let table = self.table(name);
        let dwelling = table.column("IDENT_REP");
        table.rows.retain(|r| !gone.contains(&r[dwelling]));
    }

    /// Adds dwellings like the first one.
    fn grow(&mut self, key: &str, more: usize) {
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

    /// Gives all dwellings of a residence another value.
    fn set(&mut self, name: &str, key: &str, column: &str, value: &str) {
        let own: BTreeSet<Vec<u8>> = self.dwellings(key).into_iter().collect();
        let table = self.table(name);
        let (dwelling, column) = (table.column("IDENT_REP"), table.column(column));
        for r in table.rows.iter_mut().filter(|r| own.contains(&r[dwelling])) {
            r[column] = value.as_bytes().to_vec();
        }
    }

    /// A value of a residence.
    fn first(&self, name: &str, key: &str, column: &str) -> String {
        let own = self.dwellings(key);
        let table = &self.tables[name];
        let (dwelling, column) = (table.column("IDENT_REP"), table.column(column));
        let row = table.rows.iter().find(|r| r[dwelling] == own[0]).expect("dwelling");
        String::from_utf8(row[column].clone()).expect("text")
    }

    /// Puts a residence beside another.
    fn place(&mut self, key: &str, beside: &str) {
        let table = self.table("residences");
        let [home, x, y] = ["ID_RESIDENCE", "X", "Y"].map(|c| table.column(c));
        let at = table.rows.iter().find(|r| r[home] == beside.as_bytes()).map(|r| [r[x].clone(), r[y].clone()]);
        let [to_x, to_y] = at.expect("residence");
        for r in table.rows.iter_mut().filter(|r| r[home] == key.as_bytes()) {
            (r[x], r[y]) = (to_x.clone(), to_y.clone());
        }
    }

    fn import(&self, world: &World, names: &[&str]) {
        let folder = tempfile::tempdir().expect("folder");
        for (name, source) in SOURCES.into_iter().filter(|(n, _)| names.contains(n)) {
            let file = folder.path().join(format!("{name}_{}.csv", self.year));
            self.tables[name].write(&file);
            world.import(source, &file, self.year);
        }
    }
}

fn source(portal: &Portal, year: i32) -> Vintage {
    Vintage::read(&portal.dir.join("source"), year)
}

/// A world with its first publication, and an attacker who has read it.
fn start(portal: &'static Portal, name: &str) -> (World, Attacker, Seen) {
    let world = World::copy(portal, World::first(portal), name);
    let mut attacker = Attacker::default();
    let seen = Seen::current(&world);
    assert!(attacker.reads(&seen).is_empty());
    (world, attacker, seen)
}

/// Rows of the archive.
fn archive_size(world: &World) -> Vec<i64> {
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM plan.{table}");
        world.sql(Which::Source, Role::Publisher, &sql)[0][0].clone().expect("count").parse().expect("count")
    };
    ["archive_parc", "archive_occupation", "archive_attributions", "archive_compte"].map(count).to_vec()
}

fn again(portal: &'static Portal) {
    let (world, mut attacker, first) = start(portal, "registre1");
    let size = archive_size(&world);
    assert!(size.iter().all(|n| *n > 0), "{size:?}");
    let all: Vec<&str> = SOURCES.iter().map(|(n, _)| *n).collect();
    source(portal, 2023).import(&world, &all);
    world.publish().expect("publication");
    let second = attacker.learns_nothing(&world, "the same files");
    assert_eq!(first.zones.len(), second.zones.len());
    assert!(first.zones.iter().all(|(k, r)| second.zones.get(k).is_some_and(|o| o.values == r.values)));
    assert!(first.residences.iter().all(|(k, r)| second.residences.get(k).is_some_and(|o| o.values == r.values)));
    // Nothing changed: the archive has nothing to add.
    assert_eq!(archive_size(&world), size);
}

fn corrected(portal: &'static Portal) {
    let (world, mut attacker, first) = start(portal, "registre2");
    let hidden = keys(&world, "parc", 2023, "l.statut = 'secret' AND u.unites[1] BETWEEN 4 AND 10", 24);
    let shown = keys(&world, "parc", 2023, "l.statut = 'diffuse' AND u.unites[1] > 20", 6);
    let edge = keys(&world, "parc", 2023, "l.statut = 'diffuse' AND u.unites[1] BETWEEN 11 AND 20", 4);
    let tenants = keys(&world, "occupation", 2023, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 30", 20);
    let mut files = source(portal, 2023);
    for (n, key) in hidden.iter().enumerate() {
        match n % 4 {
            0 => files.cut("rpls", key, 2),
            1 => files.set("rpls", key, "NBPIECE", "5"),
            2 => files.grow(key, 1),
            // Over the threshold.
            _ => files.grow(key, 12),
        }
    }
    files.cut("rpls", &shown[0], 15);
    files.set("rpls", &shown[1], "NBPIECE", "2");
    files.grow(&shown[2], 3);
    edge.iter().for_each(|key| files.cut("rpls", key, 7));
    tenants.iter().for_each(|key| files.cut("occupation", key, 2));
    tenants.iter().take(6).for_each(|key| files.set("occupation", key, "PCT_PLAFOND", "15"));
    files.cut("occupation", &shown[0], 14);
    files.import(&world, &["rpls", "residences", "occupation"]);
    world.publish().expect("a correction of what is published is published");
    let second = attacker.learns_nothing(&world, "a corrected vintage");
    // What was shown is corrected, what was not stays so.
    let ids: HashMap<String, String> = portal_ids(&world);
    let of =
        |seen: &Seen, key: &str| seen.residences[&("parc", 2023, ids[key].clone())].values.get("nb_logements").copied();
    assert_eq!(of(&second, &shown[0]), Some(15.0));
    assert!(of(&first, &edge[0]).is_some() && edge.iter().all(|k| of(&second, k).is_none()));
    assert!(hidden.iter().all(|k| of(&second, k).is_none()));
    // The same correction of the newest vintage, then both taken back.
    let mut newest = source(portal, 2024);
    hidden.iter().take(8).for_each(|key| newest.cut("rpls", key, 3));
    edge.iter().take(2).for_each(|key| newest.cut("rpls", key, 5));
    newest.import(&world, &["rpls"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "a corrected newest vintage");
    source(portal, 2023).import(&world, &["rpls", "residences", "occupation"]);
    source(portal, 2024).import(&world, &["rpls"]);
    world.publish().expect("publication");
    let last = attacker.learns_nothing(&world, "the first files again");
    assert_eq!(of(&last, &edge[0]), of(&first, &edge[0]));
}

/// Surrogates by key.
fn portal_ids(world: &World) -> HashMap<String, String> {
    let rows = world.sql(Which::Source, Role::Publisher, "SELECT cle, id FROM plan.ident");
    rows.into_iter().filter_map(|r| Some((r[0].clone()?, r[1].clone()?))).collect()
}

fn moved(portal: &'static Portal) {
    let (world, mut attacker, _) = start(portal, "registre3");
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 10", 18);
    let shown = keys(&world, "parc", 2024, "l.statut = 'diffuse'", 12);
    let mut files = source(portal, 2024);
    let landlord = files.first("residences", &shown[4], "SIREN_BAILLEUR");
    // To other IRIS; pulled down; sold.
    for (n, key) in hidden.iter().enumerate() {
        match n % 3 {
            0 => files.place(key, &shown[n % shown.len()]),
            1 => files.cut("residences", key, 0),
            _ => files.set("residences", key, "SIREN_BAILLEUR", &landlord),
        }
    }
    files.place(&shown[0], &hidden[2]);
    files.place(&shown[1], &shown[7]);
    files.cut("residences", &shown[2], 0);
    files.cut("residences", &shown[3], 0);
    files.import(&world, &["residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "residences moved and sold");
    // And the next time they are where they were.
    source(portal, 2024).import(&world, &["residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "residences moved back");
}

fn parameters(portal: &'static Portal) {
    let (mut world, mut attacker, first) = start(portal, "registre4");
    world.config.secrecy.threshold = 16;
    world.config.secrecy.dominance = 0.7;
    world.publish().expect("a stricter rule");
    let strict = attacker.learns_nothing(&world, "a stricter rule");
    assert!(strict.zones.len() < first.zones.len());
}

fn pruned(portal: &'static Portal) {
    let (mut world, mut attacker, _) = start(portal, "registre5");
    world.config.server.grace = 0;
    let mut files = source(portal, 2024);
    let shown = keys(&world, "parc", 2024, "l.statut = 'diffuse' AND u.unites[1] > 20", 2);
    files.cut("rpls", &shown[0], 12);
    files.import(&world, &["rpls"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "before pruning");
    assert!(!world.prune().is_empty());
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 10", 12);
    hidden.iter().for_each(|key| files.cut("rpls", key, 1));
    hidden.iter().take(4).for_each(|key| files.place(key, &shown[1]));
    files.import(&world, &["rpls", "residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "after pruning");
}

fn planted(portal: &'static Portal) {
    let (mut world, ..) = start(portal, "registre6");
    world.config.server.grace = 0;
    let all: Vec<&str> = SOURCES.iter().map(|(n, _)| *n).collect();
    source(portal, 2024).import(&world, &all);
    world.publish().expect("publication");
    assert!(!world.prune().is_empty());
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 4 AND 10", 6);
    let mut files = source(portal, 2024);
    hidden.iter().for_each(|key| files.cut("rpls", key, 2));
    files.import(&world, &["rpls"]);
    world.candidate().expect("a candidate");
    // Had it counted what the new files say.
    let changed = world.sql(
        Which::Source,
        Role::Owner,
        "WITH c AS (UPDATE travail.compte SET etat = -etat WHERE etat < 0 AND theme = 'parc' RETURNING id) \
         , d AS (DELETE FROM plan.etape WHERE etape IN ('preuve') RETURNING 1) SELECT count(*) FROM c",
    );
    assert_ne!(changed, [[Some("0".to_owned())]]);
    let refused = world.publish().expect_err("the correction is given away").to_string();
    assert!(refused.contains("derives"), "{refused}");
}
