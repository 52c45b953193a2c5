//! The other twin's source: the same files with what is not published moved about inside its remainders.
//!
//! A remainder is a set of residences that no published row tells apart: each is counted, with figures of the same vintages,
//! by exactly the same published rows. What its residences hold may change places without a published figure changing.

use super::table::Table;
use crate::worlds::World;
use seuil::db::{Role, Which};
use seuil::publish::plan::Theme;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// Vintages of the demonstration.
pub const YEARS: [i32; 3] = [2022, 2023, 2024];

type Key = (String, i32);
/// By surrogate.
type Of<T> = HashMap<String, T>;
/// Published rows that count something: vintage of the row, of the figures, zone.
type Rows = BTreeSet<(i32, i32, String)>;

/// Vintage of the figures counted, if any, and the zones that count them.
type Count = (Option<i32>, Vec<String>);

/// What a planner decided, as the source database holds it.
pub struct Decided {
    /// Surrogate of a key.
    ids: HashMap<String, String>,
    /// By theme and vintage: surrogates of residences that are shown or withheld, with their families.
    rows: HashMap<Key, Of<(bool, Vec<String>)>>,
    /// By theme and vintage: published zone rows `scale:code` with their families.
    zones: HashMap<Key, Of<Vec<String>>>,
    /// By theme and vintage: zones of each residence on the map.
    places: HashMap<Key, Of<Vec<String>>>,
    /// By theme, vintage and family: what zones count otherwise: vintage of the figures, zones.
    counts: HashMap<(String, i32, String), Of<Count>>,
    /// By theme and vintage: units of each residence.
    units: HashMap<Key, Of<u32>>,
}

/// Residences, with the vintage of their figures, that no published row of a theme tells apart and that are not shown.
pub struct Remainder {
    pub theme: &'static str,
    pub members: Vec<(String, i32, u32)>,
}

fn text(row: &[Option<String>], n: usize) -> String {
    row[n].clone().unwrap_or_default()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Decided {
    pub fn read(world: &World) -> Decided {
        let ask = |sql: &str| world.sql(Which::Source, Role::Publisher, sql);
        let year = |row: &[Option<String>], n: usize| text(row, n).parse::<i32>().expect("year");
        let mut decided = Decided {
            ids: ask("SELECT cle, id FROM plan.ident").iter().map(|r| (text(r, 0), text(r, 1))).collect(),
            rows: HashMap::new(),
            zones: HashMap::new(),
            places: HashMap::new(),
            counts: HashMap::new(),
            units: HashMap::new(),
        };
        for r in ask("SELECT theme, millesime, id, unites[1] FROM stat.unites WHERE echelle = 'residence'") {
            let units = text(&r, 3).parse().expect("units");
            decided.units.entry((text(&r, 0), year(&r, 1))).or_default().insert(text(&r, 2), units);
        }
        for r in ask("SELECT theme, millesime, echelle, id, statut, array_to_string(familles, ' ') FROM plan.ligne") {
            let key = (text(&r, 0), year(&r, 1));
            let (scale, id, shown, families) =
                (text(&r, 2), text(&r, 3), text(&r, 4) == "diffuse", words(&text(&r, 5)));
            if scale == "residence" {
                decided.rows.entry(key).or_default().insert(id, (shown, families));
            } else if shown {
                decided.zones.entry(key).or_default().insert(format!("{scale}:{id}"), families);
            }
        }
        let zones = "concat_ws(' ', 'commune:' || x.insee_com, 'commune:' || x.insee_associee, 'iris:' || x.code_iris, \
                     'qpv:' || x.code_qp)";
        let places = format!(
            "SELECT m.theme, m.millesime, x.id, {zones} FROM plan.millesime m JOIN travail.residence x USING (contexte)"
        );
        for r in ask(&places) {
            decided.places.entry((text(&r, 0), year(&r, 1))).or_default().insert(text(&r, 2), words(&text(&r, 3)));
        }
        let counts = format!("SELECT theme, millesime, famille, id, etat, {zones} FROM travail.compte x");
        for r in ask(&counts) {
            let state = r[4].as_ref().map(|s| s.parse().expect("year"));
            let key = (text(&r, 0), year(&r, 1), text(&r, 2));
            decided.counts.entry(key).or_default().insert(text(&r, 3), (state, words(&text(&r, 5))));
        }
        decided
    }

    fn shown(&self, theme: &str, year: i32, id: &str) -> bool {
        self.rows.get(&(theme.to_owned(), year)).and_then(|r| r.get(id)).is_some_and(|r| r.0)
    }

    /// Whether a family of a residence is shown.
    fn shows(&self, theme: &str, year: i32, id: &str, family: &str) -> bool {
        let row = self.rows.get(&(theme.to_owned(), year)).and_then(|r| r.get(id));
        row.is_some_and(|r| r.0 && (family.is_empty() || r.1.iter().any(|f| f == family)))
    }

    /// Every published row that counts a residence in a theme or family: vintage of the row, of the figures, zone; and whether
    /// it lies in a QPV, which zone rows say of their units.
    fn seen(&self, theme: &str, family: &str, id: &str) -> Rows {
        let mut seen = BTreeSet::new();
        for year in YEARS {
            let key = (theme.to_owned(), year);
            let own = self.places.get(&key).and_then(|p| p.get(id));
            let count = |f: &str| self.counts.get(&(theme.to_owned(), year, f.to_owned())).and_then(|c| c.get(id));
            let (state, zones) = match count(family).or_else(|| count("")) {
                Some((state, zones)) => (*state, Some(zones)),
                None => (own.map(|_| year), own),
            };
            let (Some(state), Some(zones)) = (state, zones) else { continue };
            let published = self.zones.get(&key);
            for zone in zones {
                let families = published.and_then(|p| p.get(zone));
                if families.is_some_and(|f| family.is_empty() || f.iter().any(|f| f == family)) {
                    seen.insert((year, state, zone.clone()));
                }
            }
            if zones.iter().any(|z| z.starts_with("qpv:")) {
                seen.insert((year, state, "in a QPV".to_owned()));
            }
        }
        seen
    }

    /// The same of a theme and all its families.
    fn seen_theme(&self, theme: Theme, id: &str) -> Vec<Rows> {
        let families = std::iter::once("").chain(theme.family_names());
        families.map(|f| self.seen(theme.name(), f, id)).collect()
    }
}

/// Files of all vintages.
pub struct Files {
    /// By name (`rpls`, `residences`, `occupation`, `attributions`) and vintage.
    pub tables: BTreeMap<(&'static str, i32), Table>,
}

/// The tables that are changed.
pub const NAMES: [&str; 4] = ["rpls", "residences", "occupation", "attributions"];

impl Files {
    pub fn read(folder: &Path) -> Files {
        let mut tables = BTreeMap::new();
        for name in NAMES {
            for year in YEARS {
                let suffix = if name == "rpls" { "csv.gz" } else { "csv" };
                tables.insert((name, year), Table::read(&folder.join(format!("{name}_{year}.{suffix}"))));
            }
        }
        Files { tables }
    }
}

/// What was moved.
#[derive(Debug, Default)]
pub struct Moved {
    /// Residences whose whole content lies elsewhere now, by key: where it came from.
    pub residences: BTreeMap<String, String>,
    /// Rows exchanged inside residences that stay, by table.
    pub rows: BTreeMap<&'static str, usize>,
    /// (theme, vintage, residence) whose content is not what it was.
    touched: HashSet<(String, i32, String)>,
}

/// The files of the other twin. Residences in `stay` keep their content together.
pub fn change(decided: &Decided, files: &mut Files, stay: &HashSet<String>) -> Moved {
    let mut moved = Moved::default();
    exchange_residences(decided, files, stay, &mut moved);
    for year in YEARS {
        let homes = homes(files, year);
        exchange_rows(decided, files, year, &homes, &mut moved);
    }
    moved
}

/// Key of the residence of each dwelling, after residences were exchanged.
fn homes(files: &Files, year: i32) -> HashMap<Vec<u8>, String> {
    let table = &files.tables[&("residences", year)];
    let (home, dwelling) = (table.column("ID_RESIDENCE"), table.column("IDENT_REP"));
    table.rows.iter().map(|r| (r[dwelling].clone(), String::from_utf8(r[home].clone()).expect("key"))).collect()
}

/// Residences that are withheld everywhere and that nothing tells apart: each takes the content of the next, dwellings,
/// name, landlord and all. Point and surrogate stay.
fn exchange_residences(decided: &Decided, files: &mut Files, stay: &HashSet<String>, moved: &mut Moved) {
    /// Place of a residence in a vintage's file.
    type Place = (Vec<u8>, Vec<u8>);
    let mut places: BTreeMap<String, BTreeMap<i32, Place>> = BTreeMap::new();
    for year in YEARS {
        let table = &files.tables[&("residences", year)];
        let [home, x, y] = ["ID_RESIDENCE", "X", "Y"].map(|c| table.column(c));
        for r in &table.rows {
            let key = String::from_utf8(r[home].clone()).expect("key");
            places.entry(key).or_default().insert(year, (r[x].clone(), r[y].clone()));
        }
    }
    let mut groups: BTreeMap<_, Vec<&String>> = BTreeMap::new();
    for (key, at) in &places {
        let Some(id) = decided.ids.get(key) else { continue };
        let shown = Theme::ALL.iter().any(|t| YEARS.iter().any(|y| decided.shown(t.name(), *y, id)));
        let still = at.values().collect::<BTreeSet<_>>().len() == 1;
        if shown || !still || stay.contains(key) {
            continue;
        }
        let there: Vec<i32> = at.keys().copied().collect();
        let seen: Vec<_> = Theme::ALL.iter().flat_map(|t| decided.seen_theme(*t, id)).collect();
        groups.entry((there, seen)).or_default().push(key);
    }
    let mut target: HashMap<&str, &str> = HashMap::new();
    for group in groups.values().filter(|g| g.len() > 1) {
        for (n, key) in group.iter().enumerate() {
            target.insert(key, group[(n + 1) % group.len()]);
        }
    }
    for year in YEARS {
        let table = files.tables.get_mut(&("residences", year)).expect("table");
        let [home, x, y] = ["ID_RESIDENCE", "X", "Y"].map(|c| table.column(c));
        for r in &mut table.rows {
            let key = String::from_utf8(r[home].clone()).expect("key");
            let Some(to) = target.get(key.as_str()) else { continue };
            let at = &places[*to][&year];
            (r[home], r[x], r[y]) = (to.as_bytes().to_vec(), at.0.clone(), at.1.clone());
            moved.residences.insert((*to).to_owned(), key);
            for theme in Theme::ALL {
                moved.touched.insert((theme.name().to_owned(), year, decided.ids[*to].clone()));
            }
        }
    }
}

/// How rows of a table are told apart by what the plan counts, and which columns are exchanged.
struct Exchange {
    theme: Theme,
    /// Denominator of the family that is withheld; empty: the theme.
    family: &'static str,
    table: &'static str,
    /// Columns that change places; empty: the whole row but for its dwelling.
    columns: &'static [&'static str],
    /// What must be alike in both rows, so that no denominator changes.
    kind: fn(&Table, &[Vec<u8>]) -> Vec<u8>,
}

fn known(table: &Table, row: &[Vec<u8>], columns: &[&str]) -> Vec<u8> {
    columns.iter().map(|c| u8::from(!row[table.column(c)].is_empty())).collect()
}

/// Denominators of the stock: let or offered, for a year, surface, rent, label; the year stands for the second.
fn dwelling(table: &Table, row: &[Vec<u8>]) -> Vec<u8> {
    let mut kind = known(table, row, &["SURFHAB", "LOYERPRINC", "DPEENERGIE"]);
    for c in ["MODE", "CONSTRUCT", "LOCAT", "PATRIMOINE"] {
        kind.push(b';');
        kind.extend(&row[table.column(c)]);
    }
    kind
}

fn household(table: &Table, row: &[Vec<u8>]) -> Vec<u8> {
    let mut kind = known(table, row, &["NB_PERS", "PCT_PLAFOND", "AGE_TITULAIRE", "ENTREE"]);
    for c in ["REPONDANT", "NB_ADULTES"] {
        kind.push(b';');
        kind.extend(&row[table.column(c)]);
    }
    kind
}

fn allocation(table: &Table, row: &[Vec<u8>]) -> Vec<u8> {
    let mut kind = known(table, row, &["DATE_DEMANDE", "QUARTILE"]);
    kind.extend(&row[table.column("DATE_ATTRIBUTION")][..4]);
    kind
}

const EXCHANGES: [Exchange; 9] = [
    Exchange { theme: Theme::Parc, family: "", table: "rpls", columns: &[], kind: dwelling },
    Exchange { theme: Theme::Parc, family: "nb_loyer", table: "rpls", columns: &["LOYERPRINC"], kind: dwelling },
    Exchange { theme: Theme::Parc, family: "nb_dpe", table: "rpls", columns: &["DPEENERGIE"], kind: dwelling },
    Exchange { theme: Theme::Occupation, family: "", table: "occupation", columns: &[], kind: household },
    Exchange {
        theme: Theme::Occupation,
        family: "nb_revenu_connu",
        table: "occupation",
        columns: &["PCT_PLAFOND"],
        kind: household,
    },
    Exchange {
        theme: Theme::Occupation,
        family: "nb_age_connu",
        table: "occupation",
        columns: &["AGE_TITULAIRE"],
        kind: household,
    },
    Exchange {
        theme: Theme::Occupation,
        family: "nb_adultes",
        table: "occupation",
        columns: &["NB_STABLE", "NB_PRECAIRE", "NB_SANS_EMPLOI"],
        kind: household,
    },
    Exchange { theme: Theme::Attributions, family: "", table: "attributions", columns: &[], kind: allocation },
    Exchange {
        theme: Theme::Attributions,
        family: "nb_revenu_connu",
        table: "attributions",
        columns: &["QUARTILE"],
        kind: allocation,
    },
];

fn exchange_rows(decided: &Decided, files: &mut Files, year: i32, homes: &HashMap<Vec<u8>, String>, moved: &mut Moved) {
    for e in &EXCHANGES {
        let table = files.tables.get_mut(&(e.table, year)).expect("table");
        let dwelling = table.column("IDENT_REP");
        let columns: Vec<usize> = match e.columns {
            // Where the dwelling is stays with it; who it is too.
            [] => (0..table.header.len())
                .filter(|c| {
                    let name = table.header[*c].as_str();
                    !["IDENT_REP", "REG", "DEP", "LIBDEP", "DEPCOM", "CODEPOSTAL", "LIBCOM", "NUM_UNIQUE", "QPV"]
                        .contains(&name)
                })
                .collect(),
            names => names.iter().map(|n| table.column(n)).collect(),
        };
        // Rows of a remainder by kind, each with its residence.
        let mut groups: BTreeMap<_, Vec<(&str, usize)>> = BTreeMap::new();
        let mut signatures: HashMap<&str, Vec<Rows>> = HashMap::new();
        for (n, row) in table.rows.iter().enumerate() {
            let Some(id) = homes.get(&row[dwelling]).and_then(|k| decided.ids.get(k)) else { continue };
            // A file of allocations serves three vintages, and later ones count its years too.
            let years = if e.table == "attributions" { &YEARS[..] } else { std::slice::from_ref(&year) };
            if years.iter().any(|y| decided.shows(e.theme.name(), *y, id, e.family)) {
                continue;
            }
            let seen = signatures.entry(id).or_insert_with(|| match e.family {
                "" => decided.seen_theme(e.theme, id),
                family => vec![decided.seen(e.theme.name(), family, id)],
            });
            groups.entry((seen.clone(), (e.kind)(table, row))).or_default().push((id, n));
        }
        for group in groups.values() {
            // Each row with one of another residence, the first that is left.
            let mut left = group.clone();
            while let Some((home, a)) = left.pop() {
                let other = left
                    .iter()
                    .position(|(h, b)| *h != home && columns.iter().any(|c| table.rows[a][*c] != table.rows[*b][*c]));
                let Some(other) = other else { continue };
                let (there, b) = left.swap_remove(other);
                for c in &columns {
                    let value = std::mem::take(&mut table.rows[a][*c]);
                    table.rows[a][*c] = std::mem::replace(&mut table.rows[b][*c], value);
                }
                *moved.rows.entry(e.table).or_default() += 2;
                for id in [home, there] {
                    moved.touched.insert((e.theme.name().to_owned(), year, id.to_owned()));
                }
            }
        }
    }
}

impl Decided {
    /// Surrogate of a residence's key.
    pub fn id(&self, key: &str) -> &str {
        &self.ids[key]
    }

    /// Keys of residences that lines of the plan name, and of those in the zones they name.
    pub fn keys_in(&self, lines: &[&String]) -> Vec<String> {
        let mut named = HashSet::new();
        for line in lines {
            let line: serde_json::Value = serde_json::from_str(line).expect("line");
            let id = line["id"].as_str().expect("id").to_owned();
            match line["echelle"].as_str() {
                Some(scale) if scale != "residence" => named.insert(format!("{scale}:{id}")),
                _ => named.insert(id),
            };
        }
        let places: Vec<_> = self.places.values().collect();
        let inside =
            |id: &String| places.iter().any(|p| p.get(id).is_some_and(|z| z.iter().any(|z| named.contains(z))));
        self.ids.iter().filter(|(_, id)| named.contains(*id) || inside(id)).map(|(key, _)| key.clone()).collect()
    }
}

/// All remainders of the themes, with what is counted in at least one published row.
pub fn remainders(decided: &Decided) -> Vec<Remainder> {
    let mut all = Vec::new();
    for theme in Theme::ALL {
        let theme = theme.name();
        let mut groups: BTreeMap<_, Vec<(String, i32, u32)>> = BTreeMap::new();
        let ids: BTreeSet<&String> = decided.ids.values().collect();
        for id in ids {
            let mut rows: BTreeMap<i32, Vec<(i32, String)>> = BTreeMap::new();
            for (year, state, zone) in decided.seen(theme, "", id) {
                rows.entry(state).or_default().push((year, zone));
            }
            for (state, rows) in rows {
                let units = decided.units.get(&(theme.to_owned(), state)).and_then(|u| u.get(id)).copied().unwrap_or(0);
                let counted = rows.iter().any(|(_, zone)| zone != "in a QPV");
                if units > 0 && counted && !decided.shown(theme, state, id) {
                    groups.entry(rows).or_default().push((id.clone(), state, units));
                }
            }
        }
        all.extend(groups.into_values().map(|members| Remainder { theme, members }));
    }
    all
}

impl Moved {
    /// Whether what a remainder holds is distributed otherwise than it was.
    pub fn inside(&self, r: &Remainder) -> bool {
        r.members.iter().any(|(id, state, _)| self.touched.contains(&(r.theme.to_owned(), *state, id.clone())))
    }
}

/// How the twins differ: withheld residences whose number of dwellings is another, and whose counts are zero in one and not
/// in the other.
pub fn contrast(one: &World, two: &World) -> (usize, usize) {
    let read = |w: &World| {
        let sql = "SELECT id, to_jsonb(p)::text FROM travail.parc p WHERE echelle = 'residence' AND millesime = 2024";
        let rows = w.sql(Which::Source, Role::Publisher, sql);
        let json =
            |t: &Option<String>| serde_json::from_str::<serde_json::Value>(t.as_ref().expect("row")).expect("JSON");
        rows.iter().map(|r| (text(r, 0), json(&r[1]))).collect::<HashMap<_, _>>()
    };
    let (one, two) = (read(one), read(two));
    let both = || one.iter().filter_map(|(id, a)| Some((a.as_object()?, two.get(id)?.as_object()?)));
    let sizes = both().filter(|(a, b)| a["nb_logements"] != b["nb_logements"]).count();
    let zero = |v: &serde_json::Value| v.as_f64() == Some(0.0);
    let zeros = both().filter(|(a, b)| a.iter().any(|(k, v)| zero(v) != zero(&b[k]))).count();
    (sizes, zeros)
}
