//! A theme over its vintages: the theme itself, then each family of figures with a denominator of its own.
//!
//! Withholding is sticky: a residence withheld in a vintage stays withheld in the later ones, and a row withheld in an
//! earlier publication stays withheld, so that two publications or two vintages cannot be subtracted row by row.

use super::rule::Parameters;
use super::{ASSOCIEE, COMMUNE, Decision, IRIS, Motif, Plan, Problem, QPV, Residence, Zone, plan};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Units of its own: `units[n]`.
    Own(usize),
    /// Splits `units[base]` of a zone row by whether residences lie in a QPV; `units[n]` are those that do.
    Split { base: usize, inside: usize },
    /// A figure of the stock: shown where the stock's row is; `units[n]`.
    Stock(usize),
}

impl Kind {
    /// Place of its units.
    fn units(self) -> usize {
        match self {
            Kind::Own(n) | Kind::Stock(n) => n,
            Kind::Split { base, .. } => base,
        }
    }
}

/// A theme and its families, named by their denominators. The order of units is that of the view `stat.unites`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Stock: dwellings.
    Parc,
    /// Occupation: households that answered.
    Occupation,
    /// Allocations of 36 months.
    Attributions,
}

impl Theme {
    /// All, the stock first: the others depend on it.
    pub const ALL: [Theme; 3] = [Theme::Parc, Theme::Occupation, Theme::Attributions];

    /// Name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Parc => "parc",
            Theme::Occupation => "occupation",
            Theme::Attributions => "attributions",
        }
    }

    /// Denominators of its families.
    pub fn family_names(self) -> impl Iterator<Item = &'static str> {
        self.families().iter().map(|(name, _)| *name)
    }

    /// Denominators of its families, each with its place among the units.
    pub fn family_units(self) -> impl Iterator<Item = (&'static str, usize)> {
        self.families().iter().map(|(name, kind)| {
            (
                *name,
                match kind {
                    Kind::Own(n) | Kind::Stock(n) => *n,
                    Kind::Split { inside, .. } => *inside,
                },
            )
        })
    }

    fn families(self) -> &'static [(&'static str, Kind)] {
        match self {
            Theme::Parc => &[
                ("nb_offerts", Kind::Own(1)),
                ("nb_offerts_1an", Kind::Own(2)),
                ("nb_surface", Kind::Own(3)),
                ("nb_loyer", Kind::Own(4)),
                ("nb_dpe", Kind::Own(5)),
                ("nb_en_qpv", Kind::Split { base: 0, inside: 6 }),
            ],
            Theme::Occupation => &[
                ("nb_revenu_connu", Kind::Own(1)),
                ("nb_age_connu", Kind::Own(2)),
                ("nb_adultes", Kind::Own(3)),
                ("nb_entree_connue", Kind::Own(4)),
                ("nb_loues", Kind::Stock(5)),
            ],
            Theme::Attributions => &[
                ("nb_delai_connu", Kind::Own(1)),
                ("nb_revenu_connu", Kind::Own(2)),
                ("nb_rc_qpv", Kind::Split { base: 2, inside: 3 }),
            ],
        }
    }
}

/// A residence of a vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Surrogate.
    pub id: String,
    /// Landlord.
    pub landlord: Option<u32>,
    /// Dwellings in the vintage of the stock that stands for this one; 0: not in it.
    pub dwellings: u32,
    /// Zones that count it: numbers in [`VintageInput::zones`], by scale.
    pub zones: [Option<u32>; 4],
    /// Units of the theme and its families; empty: none at all.
    pub units: Vec<u32>,
}

/// A zone of a vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneEntry {
    /// Place of its scale in [`Entry::zones`].
    pub scale: usize,
    /// Official code.
    pub id: String,
}

/// What is planned for one vintage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VintageInput {
    /// Vintage.
    pub vintage: i32,
    /// Vintage of the stock that stands for it.
    pub stock: i32,
    /// Residences that the figures of the theme count, or that the stock maps.
    pub residences: Vec<Entry>,
    /// Zones.
    pub zones: Vec<ZoneEntry>,
}

/// What the ledger holds of a row: publications before this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// It was shown once.
    pub shown: bool,
    /// It was withheld once.
    pub hidden: bool,
    /// Families that were shown once.
    pub families_shown: HashSet<String>,
    /// Families that were withheld once.
    pub families_hidden: HashSet<String>,
}

impl Known {
    /// Adds what a publication said of a row. `units` are the row's own, in the order of the theme; a row without any hid
    /// nothing when it was withheld.
    pub fn record(&mut self, theme: Theme, status: &str, families: &[String], units: Option<&[u32]>) {
        let some = |n: usize| units.is_none_or(|u| u.get(n).is_some_and(|u| *u > 0));
        self.shown |= status != "secret";
        self.hidden |= status == "secret" && some(0);
        if status != "diffuse" {
            return;
        }
        for (name, kind) in theme.families() {
            if families.iter().any(|f| f == name) {
                self.families_shown.insert((*name).to_owned());
            } else if some(kind.units()) {
                self.families_hidden.insert((*name).to_owned());
            }
        }
    }
}

/// The ledger of a theme: (vintage, scale, id) ▶ what is known. Communes associées stand under [`COMMUNE`], residences
/// under [`RESIDENCE`].
pub type Ledger = HashMap<(i32, usize, String), Known>;

/// Scale of residences in [`Ledger`] and [`Line`].
pub const RESIDENCE: usize = 4;

/// A line of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Scale; [`RESIDENCE`] for residences.
    pub scale: usize,
    /// Surrogate or official code.
    pub id: String,
    /// `diffuse`, `secret`, `non_disponible` or `sans_objet`.
    pub status: &'static str,
    /// Why it is withheld.
    pub motif: Option<Motif>,
    /// Families that are shown.
    pub families: Vec<&'static str>,
}

/// Rows and units of a scale: in all, shown, and withheld by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Price {
    /// Rows that have units.
    pub rows: u64,
    /// Their units.
    pub units: u64,
    /// Rows under the threshold themselves.
    pub primary_rows: u64,
    /// Their units.
    pub primary_units: u64,
    /// Rows withheld so that others cannot be derived (sticky ones and those withheld in the stock included).
    pub secondary_rows: u64,
    /// Their units.
    pub secondary_units: u64,
}

/// Plans a theme, vintage after vintage.
pub struct Series<'a> {
    theme: Theme,
    parameters: Parameters,
    ledger: &'a Ledger,
    /// Residences that the plan shows in the stock, by vintage of the stock; `None`: this is the stock.
    stock: Option<&'a HashMap<i32, Shown>>,
    /// Residences withheld so far, by family; the theme itself under `""`.
    sticky: HashMap<&'static str, HashSet<String>>,
    /// What is shown, for the other themes.
    pub shown: HashMap<i32, Shown>,
    /// Price by (family, vintage, scale); the theme itself under `""`.
    pub prices: BTreeMap<(&'static str, i32, usize), Price>,
    /// Cells that nothing mends.
    pub unresolved: Vec<Unresolved>,
}

/// Cells that nothing mends: family (the theme itself: empty), vintage, how many.
pub type Unresolved = (&'static str, i32, usize);

/// Rows that are shown: (scale, id).
pub type Shown = HashSet<(usize, String)>;

impl<'a> Series<'a> {
    /// A theme before its oldest vintage.
    pub fn new(
        theme: Theme,
        parameters: Parameters,
        ledger: &'a Ledger,
        stock: Option<&'a HashMap<i32, Shown>>,
    ) -> Series<'a> {
        Series {
            theme,
            parameters,
            ledger,
            stock,
            sticky: HashMap::new(),
            shown: HashMap::new(),
            prices: BTreeMap::new(),
            unresolved: Vec::new(),
        }
    }

    /// Plans one vintage; vintages come in ascending order.
    pub fn plan(&mut self, input: &VintageInput) -> Vec<Line> {
        self.stick_from_ledger(input.vintage);
        let theme_plan = self.plan_theme(input);
        let mut families: Vec<(&'static str, Plan)> = Vec::new();
        for (name, kind) in self.theme.families() {
            let plan = match kind {
                Kind::Own(n) => self.plan_family(input, &theme_plan, name, *n),
                Kind::Split { base, inside } => {
                    let base_plan = match base {
                        0 => &theme_plan,
                        n => {
                            families.iter().find(|(f, _)| self.name_of(*n) == Some(*f)).map_or(&theme_plan, |(_, p)| p)
                        }
                    };
                    self.plan_split(input, base_plan, name, *base, *inside)
                }
                Kind::Stock(n) => self.plan_stock(input, &theme_plan, *n),
            };
            families.push((name, plan));
        }
        self.remember(input, &theme_plan, &families);
        self.lines(input, &theme_plan, &families)
    }

    fn name_of(&self, n: usize) -> Option<&'static str> {
        self.theme.families().iter().find(|(_, k)| *k == Kind::Own(n)).map(|(f, _)| *f)
    }

    /// Residences that a former publication withheld, in vintages up to this one.
    fn stick_from_ledger(&mut self, vintage: i32) {
        for ((v, scale, id), known) in self.ledger {
            if *v > vintage || *scale != RESIDENCE {
                continue;
            }
            if known.hidden {
                self.sticky.entry("").or_default().insert(id.clone());
            }
            for (name, _) in self.theme.families() {
                if known.families_hidden.contains(*name) {
                    self.sticky.entry(name).or_default().insert(id.clone());
                }
            }
        }
    }

    fn known(&self, vintage: i32, scale: usize, id: &str, family: &str) -> (bool, bool) {
        // HashMap keys own their text; one look-up a row is cheap beside the rest.
        let scale = if scale == ASSOCIEE { COMMUNE } else { scale };
        let Some(k) = self.ledger.get(&(vintage, scale, id.to_owned())) else { return (false, false) };
        if family.is_empty() {
            (k.shown, k.hidden)
        } else {
            (k.families_shown.contains(family), k.families_hidden.contains(family))
        }
    }

    fn stuck(&self, family: &'static str, id: &str) -> bool {
        self.sticky.get(family).is_some_and(|s| s.contains(id))
    }

    /// Sums of a unit and of dwellings by zone; dwellings of residences with units only.
    fn sums(input: &VintageInput, n: usize) -> Vec<(u32, u32)> {
        let mut sums = vec![(0u32, 0u32); input.zones.len()];
        for e in &input.residences {
            let units = e.units.get(n).copied().unwrap_or(0);
            if units > 0 {
                for z in e.zones.iter().flatten() {
                    let s = &mut sums[*z as usize];
                    s.0 += units;
                    s.1 += e.dwellings;
                }
            }
        }
        sums
    }

    fn plan_theme(&mut self, input: &VintageInput) -> Plan {
        let t = self.parameters.threshold;
        let stock_shown = self.stock.and_then(|s| s.get(&input.stock));
        let residences = input
            .residences
            .iter()
            .map(|e| {
                let units = e.units.first().copied().unwrap_or(0);
                let (known, _) = self.known(input.vintage, RESIDENCE, &e.id, "");
                let in_stock =
                    self.stock.is_none() || stock_shown.is_some_and(|s| s.contains(&(RESIDENCE, e.id.clone())));
                let withheld = if e.dwellings < t || (units > 0 && units < t) {
                    Some(Motif::Primaire)
                } else if !in_stock {
                    Some(Motif::Parc)
                } else {
                    self.stuck("", &e.id).then_some(Motif::Collant)
                };
                residence(e, units, withheld, known)
            })
            .collect();
        let zones = self.zones(input, "", 0, |_| false);
        self.solve(input, "", Problem { residences, zones })
    }

    /// Zone rows of a unit: primary threshold, ledger, and what another plan withholds already.
    fn zones(&self, input: &VintageInput, family: &'static str, n: usize, closed: impl Fn(usize) -> bool) -> Vec<Zone> {
        let t = self.parameters.threshold;
        Self::sums(input, n)
            .into_iter()
            .enumerate()
            .map(|(z, (units, dwellings))| {
                let entry = &input.zones[z];
                let (known, hidden) = self.known(input.vintage, entry.scale, &entry.id, family);
                let withheld = if units > 0 && (units < t || dwellings < t) {
                    Some(Motif::Primaire)
                } else if closed(z) {
                    Some(Motif::Secondaire)
                } else {
                    hidden.then_some(Motif::Collant)
                };
                Zone { scale: entry.scale, units, withheld, fixed: false, known }
            })
            .collect()
    }

    fn plan_family(&mut self, input: &VintageInput, theme: &Plan, name: &'static str, n: usize) -> Plan {
        let t = self.parameters.threshold;
        let residences = input
            .residences
            .iter()
            .zip(&theme.residences)
            .map(|(e, d)| {
                let units = e.units.get(n).copied().unwrap_or(0);
                let (known, _) = self.known(input.vintage, RESIDENCE, &e.id, name);
                let withheld = match d {
                    Decision::Withhold(m) => Some(*m),
                    Decision::Show if units < t => Some(Motif::Primaire),
                    Decision::Show => self.stuck(name, &e.id).then_some(Motif::Collant),
                };
                residence(e, units, withheld, known)
            })
            .collect();
        let zones = self.zones(input, name, n, |z| !theme.zones[z].shown());
        self.solve(input, name, Problem { residences, zones })
    }

    /// A zone row that says how many of its units lie in a QPV cuts it in two. Both parts must be nothing or over the
    /// threshold, and the rule must hold in each part with the zones that say it. Residences are decided already.
    fn plan_split(
        &mut self,
        input: &VintageInput,
        base_plan: &Plan,
        name: &'static str,
        base: usize,
        inside: usize,
    ) -> Plan {
        let t = self.parameters.threshold;
        let residences = input
            .residences
            .iter()
            .zip(&base_plan.residences)
            .map(|(e, d)| {
                let withheld = match d {
                    Decision::Withhold(m) => Some(*m),
                    Decision::Show => None,
                };
                let mut r = residence(e, e.units.get(base).copied().unwrap_or(0), withheld, false);
                r.part = 1 + u32::from(e.zones[QPV].is_some());
                r.fixed = true;
                r
            })
            .collect();
        let all = Self::sums(input, base);
        let within = Self::sums(input, inside);
        let mut zones = self.zones(input, name, base, |z| !base_plan.zones[z].shown());
        for (z, zone) in zones.iter_mut().enumerate() {
            let (inside, outside) = (within[z].0, all[z].0 - within[z].0.min(all[z].0));
            let small = |n: u32| n > 0 && n < t;
            if zone.scale == QPV {
                // A QPV lies in itself: nothing is split, and its row is decided already.
                zone.fixed = true;
                zone.withheld = (!base_plan.zones[z].shown()).then_some(Motif::Secondaire);
            } else if zone.withheld.is_none() && (small(inside) || small(outside)) {
                zone.withheld = Some(Motif::Primaire);
            }
        }
        self.solve(input, name, Problem { residences, zones })
    }

    /// Figures of the stock inside another theme: where the stock's row is shown.
    fn plan_stock(&mut self, input: &VintageInput, theme: &Plan, n: usize) -> Plan {
        let t = self.parameters.threshold;
        let empty = Shown::new();
        let stock = self.stock.and_then(|s| s.get(&input.stock)).unwrap_or(&empty);
        let decide = |own: &Decision, units: u32, scale: usize, id: &str| match own {
            Decision::Withhold(m) => Decision::Withhold(*m),
            Decision::Show if units < t => Decision::Withhold(Motif::Primaire),
            Decision::Show if stock.contains(&(scale, id.to_owned())) => Decision::Show,
            Decision::Show => Decision::Withhold(Motif::Parc),
        };
        let sums = Self::sums(input, n);
        Plan {
            residences: input
                .residences
                .iter()
                .zip(&theme.residences)
                .map(|(e, d)| decide(d, e.units.get(n).copied().unwrap_or(0), RESIDENCE, &e.id))
                .collect(),
            zones: input
                .zones
                .iter()
                .enumerate()
                .map(|(z, e)| decide(&theme.zones[z], sums[z].0, e.scale, &e.id))
                .collect(),
            unresolved: 0,
        }
    }

    fn solve(&mut self, input: &VintageInput, family: &'static str, problem: Problem) -> Plan {
        let plan = plan(&problem, self.parameters);
        if plan.unresolved > 0 {
            self.unresolved.push((family, input.vintage, plan.unresolved));
        }
        let mut count = |scale: usize, units: u32, decision: Decision| {
            if units == 0 {
                return;
            }
            let p = self.prices.entry((family, input.vintage, scale)).or_default();
            p.rows += 1;
            p.units += u64::from(units);
            match decision {
                Decision::Show => {}
                Decision::Withhold(Motif::Primaire) => {
                    p.primary_rows += 1;
                    p.primary_units += u64::from(units);
                }
                Decision::Withhold(_) => {
                    p.secondary_rows += 1;
                    p.secondary_units += u64::from(units);
                }
            }
        };
        for (r, d) in problem.residences.iter().zip(&plan.residences) {
            count(RESIDENCE, r.units, *d);
        }
        for (z, d) in problem.zones.iter().zip(&plan.zones) {
            count(z.scale, z.units, *d);
        }
        plan
    }

    fn remember(&mut self, input: &VintageInput, theme: &Plan, families: &[(&'static str, Plan)]) {
        let mut shown = Shown::new();
        for (e, d) in input.residences.iter().zip(&theme.residences) {
            if d.shown() {
                shown.insert((RESIDENCE, e.id.clone()));
            } else if e.units.first().is_some_and(|u| *u > 0) {
                self.sticky.entry("").or_default().insert(e.id.clone());
            }
        }
        for (e, d) in input.zones.iter().zip(&theme.zones) {
            if d.shown() {
                shown.insert((e.scale, e.id.clone()));
            }
        }
        self.shown.insert(input.vintage, shown);
        for ((name, plan), (_, kind)) in families.iter().zip(self.theme.families()) {
            let Kind::Own(n) = kind else { continue };
            for (e, d) in input.residences.iter().zip(&plan.residences) {
                if !d.shown() && e.units.get(*n).is_some_and(|u| *u > 0) {
                    self.sticky.entry(name).or_default().insert(e.id.clone());
                }
            }
        }
    }

    fn lines(&self, input: &VintageInput, theme: &Plan, families: &[(&'static str, Plan)]) -> Vec<Line> {
        let mut lines = Vec::with_capacity(input.residences.len() + input.zones.len());
        for (n, e) in input.residences.iter().enumerate() {
            let d = theme.residences[n];
            let units = e.units.first().copied().unwrap_or(0);
            let families = || {
                let shown = families
                    .iter()
                    .zip(self.theme.families())
                    .filter(|((_, p), (_, kind))| p.residences[n].shown() && !matches!(kind, Kind::Split { .. }));
                shown.map(|((f, _), _)| *f).collect()
            };
            lines.push(self.line(RESIDENCE, &e.id, d, units, self.let_dwellings(e) > 0, families));
        }
        // A zone without units may say so only when none of its residences is withheld in the stock.
        let secret = self.with_secret_residences(input);
        let lets = Self::sums(input, 5);
        let sums = Self::sums(input, 0);
        for (n, e) in input.zones.iter().enumerate() {
            let units = sums[n].0;
            let mut d = theme.zones[n];
            if units == 0 && d.shown() && secret[n] {
                d = Decision::Withhold(Motif::Primaire);
            }
            let families = || families.iter().filter(|(_, p)| p.zones[n].shown()).map(|(f, _)| *f).collect();
            lines.push(self.line(e.scale, &e.id, d, units, self.theme == Theme::Occupation && lets[n].0 > 0, families));
        }
        lines
    }

    fn let_dwellings(&self, e: &Entry) -> u32 {
        if self.theme == Theme::Occupation { e.units.get(5).copied().unwrap_or(0) } else { 0 }
    }

    /// Zones that count a residence which the stock withholds.
    fn with_secret_residences(&self, input: &VintageInput) -> Vec<bool> {
        let mut secret = vec![false; input.zones.len()];
        let own = self.shown.get(&input.vintage);
        let shown = self.stock.map_or(own, |s| s.get(&input.stock));
        for e in &input.residences {
            if !shown.is_some_and(|s| s.contains(&(RESIDENCE, e.id.clone()))) {
                for z in e.zones.iter().flatten() {
                    secret[*z as usize] = true;
                }
            }
        }
        secret
    }

    fn line(
        &self,
        scale: usize,
        id: &str,
        decision: Decision,
        units: u32,
        not_available: bool,
        families: impl Fn() -> Vec<&'static str>,
    ) -> Line {
        let (status, motif, families) = match decision {
            Decision::Withhold(m) => ("secret", Some(m), Vec::new()),
            Decision::Show if units == 0 && not_available => ("non_disponible", None, Vec::new()),
            Decision::Show if units == 0 => ("sans_objet", None, Vec::new()),
            Decision::Show => ("diffuse", None, families()),
        };
        Line { scale, id: id.to_owned(), status, motif, families }
    }
}

fn residence(e: &Entry, units: u32, withheld: Option<Motif>, known: bool) -> Residence {
    Residence {
        units,
        dwellings: e.dwellings,
        landlord: e.landlord,
        zones: e.zones,
        part: 0,
        withheld,
        fixed: false,
        known,
    }
}

/// Name of a scale in the database.
pub fn scale_name(scale: usize) -> &'static str {
    match scale {
        RESIDENCE => "residence",
        IRIS => "iris",
        QPV => "qpv",
        _ => "commune",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ASSOCIEE, COMMUNE};
    use super::*;
    use proptest::prelude::*;

    const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, landlord_view: true };

    /// Three vintages of a small stock: residences that stay, grow, come and go.
    fn vintages() -> impl Strategy<Value = Vec<VintageInput>> {
        let residence = (0u32..3, 0u32..3, any::<bool>(), 1u32..40, 0u32..4, 0u32..12, 0u32..40, 0usize..3);
        prop::collection::vec(residence, 5..80).prop_map(|list| {
            let mut zones: Vec<ZoneEntry> = (0..3).map(|c| ZoneEntry { scale: COMMUNE, id: format!("c{c}") }).collect();
            zones.push(ZoneEntry { scale: ASSOCIEE, id: "a0".into() });
            zones.extend((0..9).map(|i| ZoneEntry { scale: IRIS, id: format!("i{i}") }));
            zones.push(ZoneEntry { scale: QPV, id: "q".into() });
            (0..3usize)
                .map(|v| VintageInput {
                    vintage: 2022 + v as i32,
                    stock: 2022 + v as i32,
                    zones: zones.clone(),
                    residences: list
                        .iter()
                        .enumerate()
                        .filter(|(_, r)| r.7 <= v)
                        .map(|(n, (c, i, q, size, landlord, change, known, _))| {
                            let size = size + if v == 2 { change / 4 } else { 0 };
                            let known = (*known).min(size);
                            Entry {
                                id: format!("r{n}"),
                                landlord: Some(*landlord),
                                dwellings: size,
                                zones: [
                                    Some(*c),
                                    (*c == 0 && *i == 1).then_some(3),
                                    Some(4 + c * 3 + i),
                                    (*q && *c < 2).then_some(13),
                                ],
                                units: vec![
                                    size,
                                    size / 2,
                                    known,
                                    size,
                                    known,
                                    size - size / 3,
                                    if *q && *c < 2 { size } else { 0 },
                                ],
                            }
                        })
                        .collect(),
                })
                .collect()
        })
    }

    fn run(inputs: &[VintageInput], ledger: &Ledger) -> (Vec<Vec<Line>>, Vec<Unresolved>) {
        let mut series = Series::new(Theme::Parc, P, ledger, None);
        let lines = inputs.iter().map(|i| series.plan(i)).collect();
        (lines, series.unresolved)
    }

    fn record(inputs: &[VintageInput], lines: &[Vec<Line>]) -> Ledger {
        let mut ledger = Ledger::new();
        for (input, lines) in inputs.iter().zip(lines) {
            for l in lines {
                let scale = if l.scale == ASSOCIEE { COMMUNE } else { l.scale };
                let families: Vec<String> = l.families.iter().map(|f| (*f).to_owned()).collect();
                let units = input.residences.iter().find(|r| r.id == l.id).map(|r| r.units.as_slice());
                let known = ledger.entry((input.vintage, scale, l.id.clone())).or_default();
                known.record(Theme::Parc, l.status, &families, units);
            }
        }
        ledger
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]

        #[test]
        fn publishing_again_changes_nothing(inputs in vintages()) {
            let (first, unresolved) = run(&inputs, &Ledger::new());
            prop_assert_eq!(unresolved, []);
            let (second, unresolved) = run(&inputs, &record(&inputs, &first));
            prop_assert_eq!(unresolved, []);
            for (a, b) in first.iter().flatten().zip(second.iter().flatten()) {
                prop_assert_eq!((&a.id, a.status, &a.families), (&b.id, b.status, &b.families));
            }
        }

        #[test]
        fn what_was_withheld_stays_withheld(inputs in vintages()) {
            let (lines, _) = run(&inputs, &Ledger::new());
            let mut hidden: HashSet<&str> = HashSet::new();
            for l in lines.iter().flatten().filter(|l| l.scale == RESIDENCE) {
                prop_assert!(l.status != "diffuse" || !hidden.contains(l.id.as_str()));
                if l.status == "secret" {
                    hidden.insert(&l.id);
                }
            }
        }

        #[test]
        fn what_is_shown_is_over_the_threshold(inputs in vintages()) {
            let (lines, _) = run(&inputs, &Ledger::new());
            for (input, lines) in inputs.iter().zip(&lines) {
                for l in lines.iter().filter(|l| l.scale == RESIDENCE && l.status == "diffuse") {
                    let r = input.residences.iter().find(|r| r.id == l.id).unwrap();
                    prop_assert!(r.units[0] >= 11 && r.dwellings >= 11);
                    for (name, kind) in Theme::Parc.families() {
                        prop_assert!(!l.families.contains(name) || r.units[kind.units()] >= 11);
                    }
                }
            }
        }
    }
}
