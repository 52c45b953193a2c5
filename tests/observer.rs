//! Who reads every publication as a client does, keeps what it read, and concludes from that alone: rows of one publication are
//! subtracted from those of another, of another vintage, of another zone. What it concludes is then compared with the source.

use crate::portal::Portal;
use crate::worlds::World;
use serde_json::Value;
use seuil::db::{Role, Which};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Themes, each with its units.
const THEMES: [(&str, &str); 3] =
    [("parc", "nb_logements"), ("occupation", "nb_menages"), ("attributions", "nb_attributions")];

/// Sums that zone rows and residences both have.
fn additive(name: &str) -> bool {
    let sums = ["surface_totale", "loyer_total", "surface_loyer", "age_total", "anciennete_totale", "delai_total_mois"];
    (name.starts_with("nb_") && !["nb_rp", "nb_demandes", "nb_equip_500m"].contains(&name)) || sums.contains(&name)
}

/// A row as a client reads it.
#[derive(Clone)]
pub struct Row {
    pub values: BTreeMap<String, f64>,
    pub zones: Vec<String>,
}

/// Theme, vintage, `scale:code` or identifier.
pub type Key = (&'static str, i64, String);

/// What a client can read of a publication.
#[derive(Clone)]
pub struct Seen {
    /// Those that are shown.
    pub zones: BTreeMap<Key, Row>,
    /// All that are on the map.
    pub residences: HashMap<Key, Row>,
}

fn row(json: &Value, residence: bool) -> Row {
    let object = json.as_object().expect("row");
    let number = |(k, v): (&String, &Value)| {
        Some((k.clone(), v.as_f64()?)).filter(|_| additive(k) && !(residence && k.contains("qpv")))
    };
    let code = |(scale, column): (&str, &str)| Some(format!("{scale}:{}", object.get(column)?.as_str()?));
    let columns = [("commune", "insee_com"), ("commune", "insee_associee"), ("iris", "code_iris"), ("qpv", "code_qp")];
    let mut values: BTreeMap<String, f64> = object.iter().filter_map(number).collect();
    let zones: Vec<String> = columns.into_iter().filter_map(code).collect();
    // What zone rows say of the part of them that lies in a QPV, and of the rest.
    if residence {
        let inside = f64::from(zones.iter().any(|z| z.starts_with("qpv:")));
        let of = |name: &str| values.get(name).copied();
        let parts = [
            ("nb_en_qpv", of("nb_logements").map(|n| n * inside)),
            ("nb_rc_qpv", of("nb_revenu_connu").map(|n| n * inside)),
            ("nb_rc_hors_qpv", of("nb_revenu_connu").map(|n| n * (1.0 - inside))),
            ("nb_q1_hors_qpv", of("nb_q1").map(|n| n * (1.0 - inside))),
            ("nb_q2_q4_qpv", of("nb_revenu_connu").zip(of("nb_q1")).map(|(n, q)| (n - q) * inside)),
        ];
        values.extend(parts.into_iter().filter_map(|(name, n)| Some((name.to_owned(), n?))));
    }
    Row { values, zones }
}

impl Seen {
    /// Reads the current publication as the server does.
    pub fn current(world: &World) -> Seen {
        let mut seen = Seen { zones: BTreeMap::new(), residences: HashMap::new() };
        for (theme, _) in THEMES {
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
                        seen.residences.insert((theme, year, text(1)), row(&json, true));
                    } else if json["statut"] == "diffuse" {
                        seen.zones.insert((theme, year, format!("{scale}:{}", text(1))), row(&json, false));
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

    /// Dwellings of a residence, where its row is shown.
    pub fn dwellings(&self, year: i64, id: &str) -> Option<f64> {
        self.residences.get(&("parc", year, id.to_owned()))?.values.get("nb_logements").copied()
    }
}

/// What is left of a zone row without the residences that were ever shown: a sum over those that are on its map and never were.
/// Whether the row counts just these the attacker can only suppose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sum {
    theme: &'static str,
    year: i64,
    zone: String,
    hidden: BTreeSet<String>,
    left: BTreeMap<String, i64>,
}

/// Units of a theme.
fn units(theme: &str) -> &'static str {
    THEMES.iter().find(|t| t.0 == theme).expect("theme").1
}

impl Sum {
    fn units(&self) -> i64 {
        self.left.get(units(self.theme)).copied().unwrap_or(0)
    }

    /// Units that the source has in its residences.
    fn total(&self, (theme, _, facts): &Truth) -> i64 {
        let of = |id: &String| facts.get(id)?.figures.get(units(theme)).copied();
        if *theme == self.theme { self.hidden.iter().filter_map(of).sum() } else { 0 }
    }

    /// What this one has and another has not.
    fn without(&self, other: &Sum) -> Sum {
        let left = self.left.iter().filter_map(|(c, n)| Some((c.clone(), n - other.left.get(c)?)));
        Sum {
            hidden: self.hidden.difference(&other.hidden).cloned().collect(),
            left: left.collect(),
            zone: format!("{} {} - {} {}", self.zone, self.year, other.zone, other.year),
            ..self.clone()
        }
    }
}

/// A residence in the source: landlord and figures.
#[derive(Clone, PartialEq)]
struct Fact {
    landlord: String,
    figures: BTreeMap<String, i64>,
}

/// Residences of a theme and vintage as the source had them when a publication was made.
type Truth = (&'static str, i64, HashMap<String, Fact>);

fn truths(world: &World) -> Vec<Truth> {
    let mut truths = Vec::new();
    for (theme, _) in THEMES {
        let sql = format!(
            "SELECT t.millesime, t.id, coalesce(r.siren_bailleur, ''), to_jsonb(t) FROM travail.{theme} t
             JOIN plan.millesime m ON m.theme = '{theme}' AND m.millesime = t.millesime
                  AND m.publication = (SELECT max(publication) FROM plan.publication WHERE etat = 'publiee')
             JOIN travail.residence r ON r.contexte = m.contexte AND r.id = t.id WHERE t.echelle = 'residence'"
        );
        let mut years: BTreeMap<String, HashMap<String, Fact>> = BTreeMap::new();
        for r in world.sql(Which::Source, Role::Publisher, &sql) {
            let [year, id, landlord, json] = [0, 1, 2, 3].map(|n: usize| r[n].clone().expect("text"));
            let json: Value = serde_json::from_str(&json).expect("json");
            let figures = json.as_object().expect("row").iter();
            let figures = figures.filter_map(|(k, v)| Some((k.clone(), v.as_i64()?))).collect();
            years.entry(year).or_default().insert(id, Fact { landlord, figures });
        }
        truths.extend(years.into_iter().map(|(year, facts)| (theme, year.parse().expect("year"), facts)));
    }
    truths
}

/// Units under which, and the share of one residence over which, nothing may be known.
#[derive(Clone, Copy)]
pub struct Rule(pub i64, pub f64);

impl Rule {
    fn breaks(self, units: &[i64]) -> bool {
        let sum: i64 = units.iter().sum();
        let largest = units.iter().max().copied().unwrap_or(0);
        sum > 0 && (sum < self.0 || units.len() < 2 || largest as f64 > self.1 * sum as f64)
    }
}

/// Keeps what was ever shown, and what it concluded.
#[derive(Default)]
pub struct Attacker {
    /// Last shown value of each figure of a residence, and the zones it stood in.
    shown: HashMap<(Key, String), (f64, Vec<String>)>,
    /// What was left of each zone row's figure.
    left: BTreeMap<(Key, String), f64>,
    /// Comparisons made.
    compared: usize,
    /// With the units that each truth has in their residences.
    sums: BTreeMap<Sum, Vec<i64>>,
    /// Those of the publication read last.
    fresh: Vec<Sum>,
    truths: Vec<Truth>,
    /// Residences whose sum it knows, whether it may or not.
    known: BTreeSet<(&'static str, BTreeSet<String>)>,
}

impl Attacker {
    /// Reads a publication; figures of zone rows whose remainder is not what it was.
    pub fn reads(&mut self, seen: &Seen) -> Vec<String> {
        // With how many residences were subtracted.
        let mut sums: HashMap<(Key, String), (f64, usize)> = HashMap::new();
        for (key, r) in &seen.residences {
            for (column, value) in &r.values {
                self.shown.insert((key.clone(), column.clone()), (*value, r.zones.clone()));
            }
        }
        // A residence on the map that is not shown any more may still be counted as it was shown.
        for ((key, column), (value, zones)) in &self.shown {
            if seen.residences.contains_key(key) {
                for zone in zones {
                    let sum = sums.entry(((key.0, key.1, zone.clone()), column.clone())).or_default();
                    *sum = (sum.0 + value, sum.1 + 1);
                }
            }
        }
        let mut wrong: BTreeMap<Key, Vec<(String, f64, f64)>> = BTreeMap::new();
        let mut lefts: BTreeMap<Key, BTreeMap<String, i64>> = BTreeMap::new();
        for (key, r) in &seen.zones {
            let units = units(key.0);
            let of = |column: &str| sums.get(&(key.clone(), column.to_owned())).copied().unwrap_or_default();
            for (column, value) in &r.values {
                let at = (key.clone(), column.clone());
                let left = value - of(column).0;
                match self.left.get(&at) {
                    // Surfaces and rents are rounded row by row.
                    Some(before) if (left - before).abs() > if column.starts_with("nb_") { 1e-6 } else { 2.0 } => {
                        wrong.entry(key.clone()).or_default().push((column.clone(), *before, left));
                    }
                    Some(_) => self.compared += 1,
                    None => {
                        self.left.insert(at, left);
                    }
                }
                // A figure that is not shown of every residence is a sum over others.
                if column.starts_with("nb_") && !column.contains("qpv") && of(column).1 == of(units).1 {
                    lefts.entry(key.clone()).or_default().insert(column.clone(), left.round() as i64);
                }
            }
        }
        self.suppose(seen, lefts);
        // Residences that were shown, are not any more, and are not counted any more: what left is public.
        wrong.retain(|key, diffs| {
            let hidden = seen.residences.iter().filter(|(k, r)| (k.0, k.1) == (key.0, key.1) && r.values.is_empty());
            let values = |(k, _): (&Key, &Row)| {
                let of = |column: &String| {
                    let (n, zones) = self.shown.get(&(k.clone(), column.clone()))?;
                    Some(*n).filter(|_| zones.contains(&key.2))
                };
                diffs.iter().map(|(column, ..)| of(column)).collect::<Option<Vec<f64>>>()
            };
            let gone: Vec<Vec<f64>> = hidden.filter_map(values).take(14).collect();
            let told = |choice: u32| {
                let chosen = || gone.iter().enumerate().filter(move |(n, _)| choice >> n & 1 == 1).map(|(_, v)| v);
                let sum = |c: usize| chosen().map(|v| v[c]).sum::<f64>();
                diffs.iter().enumerate().all(|(c, (_, before, left))| (before - left - sum(c)).abs() < 1e-6)
            };
            !(1u32..1 << gone.len()).any(told)
        });
        let say = |(key, diffs): (Key, Vec<(String, f64, f64)>)| {
            let one = move |(column, before, left)| format!("{key:?} {column}: {before} was left, now {left}");
            diffs.into_iter().map(one)
        };
        wrong.into_iter().flat_map(say).collect()
    }

    /// What the remainders of a publication are sums of, as far as its map tells.
    fn suppose(&mut self, seen: &Seen, lefts: BTreeMap<Key, BTreeMap<String, i64>>) {
        let ever: HashSet<&Key> = self.shown.keys().map(|(key, _)| key).collect();
        let mut hidden: HashMap<Key, BTreeSet<String>> = HashMap::new();
        for (key, r) in seen.residences.iter().filter(|(key, _)| !ever.contains(key)) {
            for zone in &r.zones {
                hidden.entry((key.0, key.1, zone.clone())).or_default().insert(key.2.clone());
            }
        }
        let all = lefts.into_iter().map(|(key, left)| {
            let hidden = hidden.remove(&key).unwrap_or_default();
            Sum { theme: key.0, year: key.1, zone: key.2, hidden, left }
        });
        let mut all: Vec<Sum> = all.collect();
        // A commune without its IRIS.
        let communes = all.iter().filter_map(|c| Some((c, format!("iris:{}", c.zone.strip_prefix("commune:")?))));
        let rests: Vec<Sum> = communes
            .map(|(c, prefix)| {
                let iris = |s: &&Sum| (s.theme, s.year) == (c.theme, c.year) && s.zone.starts_with(&prefix);
                let rest = all.iter().filter(iris).fold(c.clone(), |rest, s| rest.without(s));
                Sum { zone: format!("rest of {}", c.zone), ..rest }
            })
            .collect();
        all.extend(rests);
        self.fresh = all.into_iter().filter(|s| !self.sums.contains_key(s)).collect();
    }

    /// Subtracts what may be subtracted from the publication read last, and looks into the source whether what it supposes is
    /// so. What it knows now and did not, and may not by the rule.
    pub fn concludes(&mut self, world: &World, rule: Rule) -> Vec<String> {
        for truth in truths(world) {
            if !self.truths.contains(&truth) {
                self.truths.push(truth);
            }
        }
        let fresh = std::mem::take(&mut self.fresh);
        let mut found = Vec::new();
        for (sum, totals) in &mut self.sums {
            totals.extend(self.truths[totals.len()..].iter().map(|t| sum.total(t)));
        }
        for sum in fresh {
            let totals: Vec<i64> = self.truths.iter().map(|t| sum.total(t)).collect();
            for (other, others) in
                self.sums.iter().filter(|(o, _)| o.theme == sum.theme && (o.zone == sum.zone || o.year == sum.year))
            {
                // Most differences are none of residences that are known: their units say so.
                let units = sum.units() - other.units();
                if !totals.iter().zip(others).any(|(a, b)| a - b == units) {
                    continue;
                }
                if other.hidden.is_subset(&sum.hidden) {
                    found.push(sum.without(other));
                } else if sum.hidden.is_subset(&other.hidden) {
                    found.push(other.without(&sum));
                }
            }
            found.push(sum.clone());
            self.sums.insert(sum, totals);
        }
        found.iter().filter(|s| !s.hidden.is_empty()).filter_map(|s| self.checks(s, rule)).collect()
    }

    /// Whether a sum is over the residences it is thought to be over; what is wrong with knowing it.
    fn checks(&mut self, s: &Sum, rule: Rule) -> Option<String> {
        let units = units(s.theme);
        if s.left.len() < 6 || s.left.get(units).is_none_or(|n| *n <= 0) {
            return None;
        }
        let shown = |year: i64, id: &String| {
            let key = ((s.theme, year, id.clone()), units.to_owned());
            self.shown.contains_key(&key)
        };
        for (_, year, facts) in self.truths.iter().filter(|t| t.0 == s.theme) {
            let members: Vec<&Fact> = s.hidden.iter().filter_map(|id| facts.get(id)).collect();
            let is = |(column, n): (&String, &i64)| {
                members.iter().map(|f| f.figures.get(column).copied().unwrap_or(0)).sum::<i64>() == *n
            };
            if !s.left.iter().all(is) {
                continue;
            }
            // What was shown in that vintage is public, wherever it is counted.
            let counts = |id: &&String| facts.get(*id).is_some_and(|f| f.figures.get(units).is_some_and(|n| *n > 0));
            let rest: BTreeSet<String> =
                s.hidden.iter().filter(|id| !shown(*year, id)).filter(counts).cloned().collect();
            let members: Vec<&Fact> = rest.iter().filter_map(|id| facts.get(id)).collect();
            if !self.known.insert((s.theme, rest)) {
                return None;
            }
            let landlords: BTreeSet<&str> = members.iter().map(|f| f.landlord.as_str()).chain([""]).collect();
            return landlords.into_iter().find_map(|own| {
                let rest = members.iter().filter(|f| own.is_empty() || f.landlord != own);
                let rest: Vec<i64> = rest.filter_map(|f| f.figures.get(units).copied()).collect();
                let who = if own.is_empty() { "anybody" } else { own };
                rule.breaks(&rest).then(|| format!("{} {}: {who} knows {rest:?} of {:?}", s.theme, s.zone, s.hidden))
            });
        }
        None
    }

    /// Reads the current publication, and fails when that tells what may not be known.
    pub fn learns_nothing(&mut self, world: &World, what: &str) -> Seen {
        let seen = Seen::current(world);
        let before = self.compared;
        let wrong = self.reads(&seen);
        assert!(wrong.is_empty(), "{what}: {} figures, {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
        assert!(self.compared - before > 1000, "{what}: {} figures compared", self.compared - before);
        let secrecy = &world.config.secrecy;
        let wrong = self.concludes(world, Rule(i64::from(secrecy.threshold), secrecy.dominance));
        assert!(wrong.is_empty(), "{what}: {} sums, {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
        let findings = world.sql(
            Which::Serving,
            Role::Checker,
            "SELECT v.constats FROM registre.verdict v JOIN registre.publication p ON p.id = v.publication \
             WHERE p.etat = 'courante' AND v.controle = 'attaque' ORDER BY v.id DESC LIMIT 1",
        );
        assert_eq!(findings, [[Some("0".to_owned())]], "{what}");
        seen
    }

    /// How many sums it knows.
    pub fn knows(&self) -> usize {
        self.known.len()
    }
}

/// A world with its first publication, and an attacker who has read it.
pub fn start(portal: &'static Portal, name: &str) -> (World, Attacker, Seen) {
    let world = World::copy(portal, World::first(portal), name);
    let mut attacker = Attacker::default();
    let seen = Seen::current(&world);
    assert!(attacker.reads(&seen).is_empty());
    let secrecy = &world.config.secrecy;
    let wrong = attacker.concludes(&world, Rule(i64::from(secrecy.threshold), secrecy.dominance));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(attacker.knows() > 50, "{} sums", attacker.knows());
    (world, attacker, seen)
}

/// Surrogates by key.
pub fn surrogates(world: &World) -> HashMap<String, String> {
    let rows = world.sql(Which::Source, Role::Publisher, "SELECT cle, id FROM plan.ident");
    rows.into_iter().filter_map(|r| Some((r[0].clone()?, r[1].clone()?))).collect()
}
