//! A theme over all its vintages: the theme itself, then each family of figures with a denominator of its own.
//!
//! The oldest vintage is planned with the zonings of all vintages at once, so that what it withholds also holds where a
//! later zoning cuts it anew. What is withheld there stays withheld. In each later vintage zone figures take in and leave
//! out unpublished stock in batches (`batch`); cells that a zoning cuts all the same are mended by zone rows.

use super::batch::{Counted, Now, Place, Stock};
use super::frozen::Past;
use super::outside::Outside;
use super::rule::Parameters;
use super::themes::Kind;
use super::timeline::Timeline;
use super::{
    ASSOCIEE, COMMUNE, Count, Decision, Ledger, Line, Motif, Plan, Price, Problem, QPV, RESIDENCE, Residence, Shown,
    Theme, Unresolved, VintageInput, Zone, plan,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is decided of a theme.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Lines of the plan, by vintage.
    pub lines: Vec<(i32, Vec<Line>)>,
    /// What zone figures count otherwise than as it stands, by vintage.
    pub counts: Vec<(i32, Vec<Count>)>,
    /// What is shown, for the other themes.
    pub shown: HashMap<i32, Shown>,
    /// Price by (family, vintage, scale); the theme itself under `""`.
    pub prices: BTreeMap<(&'static str, i32, usize), Price>,
    /// Cells that nothing mends.
    pub unresolved: Vec<Unresolved>,
}

/// A theme, its families and what is known before.
pub struct Series<'a> {
    pub(super) theme: Theme,
    pub(super) parameters: Parameters,
    pub(super) ledger: &'a Ledger,
    /// Rows that the plan shows in the stock, by vintage of the stock; `None`: this is the stock.
    pub(super) stock: Option<&'a HashMap<i32, Shown>>,
    pub(super) time: Timeline<'a>,
    /// What third parties publish of the track under way.
    pub(super) outside: Outside,
    pub(super) out: Outcome,
}

/// Decisions on a unit, vintage by vintage.
pub(super) struct Track {
    pub name: &'static str,
    /// Place of its units.
    pub n: usize,
    /// Of residences, in the order of the input.
    pub residences: Vec<Vec<Decision>>,
    /// Of zones, in the order of the input.
    pub zones: Vec<Vec<Decision>>,
    /// Zones withheld at all vintages so that cells merge: numbers over all vintages.
    pub(super) closed: HashSet<u32>,
    /// What zone figures count of residences that are not shown.
    pub counted: Vec<BTreeMap<u32, Counted>>,
    /// Units and dwellings that zone figures count.
    pub sums: Vec<Vec<(u32, u32)>>,
}

impl<'a> Series<'a> {
    /// Plans a theme; `inputs` in ascending order of vintages.
    pub fn plan(
        theme: Theme,
        parameters: Parameters,
        ledger: &'a Ledger,
        stock: Option<&'a HashMap<i32, Shown>>,
        inputs: &'a [VintageInput],
    ) -> Outcome {
        let time = Timeline::new(inputs);
        let mut series =
            Series { theme, parameters, ledger, stock, time, outside: Outside::default(), out: Outcome::default() };
        if !inputs.is_empty() {
            series.run();
        }
        series.out
    }

    fn run(&mut self) {
        let theme = self.track("", Kind::Own(0), None);
        self.remember(&theme);
        let mut tracks: Vec<Track> = Vec::new();
        let mut splits: Vec<(&'static str, Vec<Vec<Decision>>)> = Vec::new();
        for (name, kind) in self.theme.families() {
            match kind {
                Kind::Own(_) | Kind::Stock(_) => tracks.push(self.track(name, *kind, Some(&theme))),
                Kind::Split { base, inside } => {
                    let base = tracks.iter().find(|t| t.n == *base).unwrap_or(&theme);
                    splits.push((name, self.split(base, name, *inside)));
                }
            }
        }
        for v in 0..self.time.inputs.len() {
            let lines = self.lines(v, &theme, &tracks, &splits);
            let counts = self.counts(v, &theme, &tracks);
            self.out.lines.push((self.time.inputs[v].vintage, lines));
            self.out.counts.push((self.time.inputs[v].vintage, counts));
        }
    }

    pub(super) fn known(&self, v: usize, scale: usize, id: &str, family: &str) -> (bool, bool) {
        if self.ledger.is_empty() {
            return (false, false);
        }
        let scale = if scale == ASSOCIEE { COMMUNE } else { scale };
        let key = (self.time.inputs[v].vintage, scale, id.to_owned());
        let Some(k) = self.ledger.get(&key) else { return (false, false) };
        if family.is_empty() {
            (k.shown, k.hidden)
        } else {
            (k.families_shown.contains(family), k.families_hidden.contains(family))
        }
    }

    /// Whether the stock shows a row (its own plan and other themes' beside).
    pub(super) fn in_stock(&self, v: usize, scale: usize, id: &str) -> bool {
        self.stock.is_none_or(|s| {
            s.get(&self.time.inputs[v].stock).is_some_and(|shown| shown.contains(&(scale, id.to_owned())))
        })
    }

    /// Why a residence is withheld, whatever the plan finds: the rule itself, the theme, the stock, the ledger.
    pub(super) fn withheld(
        &self,
        v: usize,
        e: usize,
        track: (&'static str, Kind),
        theme: Option<&Track>,
    ) -> Option<Motif> {
        let t = self.parameters.threshold;
        let (name, kind) = track;
        let entry = &self.time.inputs[v].residences[e];
        let units = entry.units.get(kind.units()).copied().unwrap_or(0);
        match theme {
            Some(theme) => match theme.residences[v][e] {
                Decision::Withhold(m) => return Some(m),
                Decision::Show if units < t => return Some(Motif::Primaire),
                Decision::Show => {}
            },
            None if entry.dwellings < t || (units > 0 && units < t) => return Some(Motif::Primaire),
            None => {}
        }
        if (theme.is_none() || matches!(kind, Kind::Stock(_))) && !self.in_stock(v, RESIDENCE, &entry.id) {
            return Some(Motif::Parc);
        }
        let (shown, hidden) = self.known(v, RESIDENCE, &entry.id, name);
        let buried =
            units > 0 && entry.zones[COMMUNE].is_some_and(|z| self.outside.buries(self.time.global(v, z as usize)));
        if buried && !shown {
            return Some(Motif::Secondaire);
        }
        (hidden && !shown).then_some(Motif::Collant)
    }

    /// Plans the theme (`within`: `None`) or a family within it; once more where what third parties publish leaves no way.
    fn track(&mut self, name: &'static str, kind: Kind, within: Option<&Track>) -> Track {
        self.outside = Outside::new(&self.time, &self.parameters, kind.units());
        loop {
            let before = (self.out.unresolved.clone(), self.out.prices.clone());
            let track = self.attempt(name, kind, within);
            if !self.outside.sink(&self.time, kind.units()) {
                self.outside = Outside::default();
                return track;
            }
            (self.out.unresolved, self.out.prices) = before;
        }
    }

    fn attempt(&mut self, name: &'static str, kind: Kind, within: Option<&Track>) -> Track {
        let n = kind.units();
        let mut track = Track {
            name,
            n,
            residences: Vec::new(),
            zones: Vec::new(),
            closed: HashSet::new(),
            counted: Vec::new(),
            sums: Vec::new(),
        };
        let first = self.first(&mut track, kind, within);
        let mut stock = Stock::default();
        let mut hidden: HashSet<u32> = HashSet::new();
        let past = self.past(name);
        let last = self.frozen_until();
        for v in 0..self.time.inputs.len() {
            if last.is_some_and(|last| v <= last) {
                self.published(v, &mut track, &mut stock, (kind, within), &past);
                let counted = track.counted[v].iter().filter(|(_, c)| !c.known).map(|(id, _)| *id);
                hidden.extend(counted);
                hidden.extend(self.withheld_with_units(v, &track));
                if last == Some(v) {
                    stock.sink(&self.parameters);
                }
                continue;
            }
            let input = &self.time.inputs[v];
            let mut decisions = Vec::with_capacity(input.residences.len());
            // Withheld for no other reason than that it was before.
            let mut held: BTreeMap<u32, usize> = BTreeMap::new();
            for e in 0..input.residences.len() {
                let id = self.time.number(v, e);
                let withheld = self.withheld(v, e, (name, kind), within).or_else(|| {
                    let secondary = v == 0 && first.residences.get(e).is_some_and(|d| !d.shown());
                    secondary.then_some(Motif::Secondaire)
                });
                let withheld = withheld.or_else(|| {
                    if !hidden.contains(&id) {
                        return None;
                    }
                    // A former publication shows it.
                    if self.shown_once(v, id, name) {
                        stock.reveal(id);
                        hidden.remove(&id);
                        return None;
                    }
                    held.insert(id, e);
                    Some(Motif::Collant)
                });
                decisions.push(withheld.map_or(Decision::Show, Decision::Withhold));
            }
            for id in self.guarded(&mut stock, &track, v, &mut decisions, &mut held, &past) {
                hidden.remove(&id);
                if let Some(e) = held.get(&id) {
                    decisions[*e] = Decision::Show;
                }
            }
            track.residences.push(decisions);
            hidden.extend(self.withheld_with_units(v, &track));
            track.sums.push(self.sums(v, &track, &stock.counted));
            let zones = self.zones(v, &track, kind, within, &stock);
            self.count_prices(v, &track, &zones);
            track.zones.push(zones);
            self.regroup(v, &track, &mut stock);
            track.counted.push(stock.counted.clone());
        }
        track
    }

    /// Numbers anew what the rows of a vintage tell apart.
    pub(super) fn regroup(&self, v: usize, track: &Track, stock: &mut Stock) {
        let closed = |g: u32| track.zones[v].get(self.time.local(v, g)).is_some_and(|d| !d.shown());
        let open = |z: &u32| !closed(*z) || self.zone_known(v, *z, track.name);
        stock.regroup(|id, c| {
            // Later zonings cut when their rows are there.
            let zones = self.zones_of(v, id, c).map(|z| z.map(|z| self.time.global(v, z as usize)));
            let mut place = [0; 9];
            for (p, z) in place.iter_mut().zip(zones) {
                *p = z.filter(open).map_or(0, |z| z + 1);
            }
            place
        });
    }

    /// Residences of a vintage that are not shown and have units.
    fn withheld_with_units(&self, v: usize, track: &Track) -> Vec<u32> {
        let entries = self.time.inputs[v].residences.iter().zip(&track.residences[v]).enumerate();
        let units = |e: &super::Entry| e.units.get(track.n).is_some_and(|u| *u > 0);
        entries.filter(|(_, (e, d))| !d.shown() && units(e)).map(|(n, _)| self.time.number(v, n)).collect()
    }

    fn zone_known(&self, v: usize, g: u32, family: &str) -> bool {
        let (scale, id) = self.time.zone(g);
        self.known(v, scale, id, family).0 || self.outside.knows(g)
    }

    /// Where a residence stands in the zoning of a vintage, leaving out zones that are withheld.
    pub(super) fn place(&self, v: usize, id: u32, state: usize, closed: impl Fn(u32) -> bool) -> Place {
        let zones = self.time.ahead(v, id, state);
        let mut place = [0; 9];
        for (p, z) in place.iter_mut().zip(zones) {
            if let Some(z) = z.filter(|z| !closed(*z)) {
                *p = z + 1;
            }
        }
        place[8] = u32::from(zones[QPV].is_some());
        place
    }

    /// What zone figures count from this vintage on. Of the residences withheld before and not for their own sake now those
    /// that can be shown are returned.
    pub(super) fn advance(
        &self,
        stock: &mut Stock,
        track: &Track,
        v: usize,
        decisions: &[Decision],
        held: BTreeSet<u32>,
        past: &Past,
    ) -> BTreeSet<u32> {
        let (input, n) = (&self.time.inputs[v], track.n);
        let closed = |g: u32| track.closed.contains(&g) && !self.outside.knows(g);
        let mut aside: Vec<usize> = Vec::new();
        let mut now = BTreeMap::new();
        for (e, d) in decisions.iter().enumerate() {
            let entry = &input.residences[e];
            let units = entry.units.get(n).copied().unwrap_or(0);
            let id = self.time.number(v, e);
            let before = (0..v).rev().find_map(|w| Some((w, self.time.entry(w, id)?)));
            let shown = |w: usize, e: usize| {
                track.residences[w][e].shown() && self.time.inputs[w].residences[e].units.get(n).is_some_and(|u| *u > 0)
            };
            if d.shown() || units == 0 {
                continue;
            }
            // Shown in an earlier vintage: its public figures go on being counted, or nothing of it is.
            if (0..v).any(|w| self.time.entry(w, id).is_some_and(|e| shown(w, e)))
                || self.shown_once(v, id, track.name)
                || past.shown.contains(&id)
            {
                if let Some((w, e)) = before.filter(|(w, e)| shown(*w, *e)) {
                    let old = &self.time.inputs[w].residences[e];
                    let own = (old.units.get(n).copied().unwrap_or(0), old.dwellings);
                    stock.counted.insert(id, Counted::public(w, own, old.landlord));
                } else if let Some(c) = stock.counted.get_mut(&id) {
                    c.known = true;
                } else {
                    aside.push(e);
                    continue;
                }
            }
            let changed = stock.counted.get(&id).is_some_and(|c| {
                self.time.moved(v, id, c.state) || (self.theme == Theme::Parc && c.own.1 != entry.dwellings)
            });
            let place = self.place(v, id, v, closed);
            let outside = entry.zones[COMMUNE].map(|z| self.time.global(v, z as usize));
            let outside = outside.filter(|c| self.outside.guards(v, *c));
            now.insert(id, Now { own: (units, entry.dwellings), landlord: entry.landlord, place, outside, changed });
        }
        self.set_aside(v, stock, aside.into_iter(), n);
        if v == 0 {
            stock.begin(&now);
            return BTreeSet::new();
        }
        // What shows nothing (no units) is in no cell.
        let held = held.into_iter().filter(|id| now.contains_key(id)).collect();
        stock.advance(&self.parameters, v, &now, held, |id, state| self.place(v, id, state, closed))
    }

    /// Whether a former publication showed this row, in this vintage.
    fn shown_once(&self, v: usize, id: u32, family: &str) -> bool {
        self.known(v, RESIDENCE, self.time.id(id), family).0
    }

    /// Units and dwellings that zone figures count: of residences that are shown, and of the unpublished stock.
    pub(super) fn sums(&self, v: usize, track: &Track, counted: &BTreeMap<u32, Counted>) -> Vec<(u32, u32)> {
        let input = &self.time.inputs[v];
        let mut sums = vec![(0u32, 0u32); input.zones.len()];
        let mut add = |zones: &[Option<u32>; 4], own: (u32, u32)| {
            for z in zones.iter().flatten() {
                if let (Some(s), true) = (sums.get_mut(*z as usize), own.0 > 0) {
                    s.0 += own.0;
                    s.1 += own.1;
                }
            }
        };
        for (e, d) in input.residences.iter().zip(&track.residences[v]) {
            if d.shown() {
                add(&e.zones, (e.units.get(track.n).copied().unwrap_or(0), e.dwellings));
            }
        }
        for (id, c) in counted {
            add(&self.zones_of(v, *id, c), c.own);
        }
        sums
    }

    /// The oldest vintage, under the zonings of all: which residences are withheld, and which zones at all vintages.
    fn first(&mut self, track: &mut Track, kind: Kind, within: Option<&Track>) -> Plan {
        let (t, n) = (self.parameters.threshold, track.n);
        let input = &self.time.inputs[0];
        let mut residences: Vec<Residence> = (0..input.residences.len())
            .map(|e| {
                let entry = &input.residences[e];
                let id = self.time.number(0, e);
                let withheld = self.withheld(0, e, (track.name, kind), within);
                let buried = entry.zones[COMMUNE].is_some_and(|z| self.outside.buries(self.time.global(0, z as usize)));
                let units = entry.units.get(n).copied().filter(|_| !buried).unwrap_or(0);
                let mut r = residence(units, entry.dwellings, entry.landlord);
                r.zones = self.time.ahead(0, id, 0);
                r.withheld = withheld;
                r.known = self.known(0, RESIDENCE, &entry.id, track.name).0;
                r.cost = self.time.cost(id, n, t);
                r
            })
            .collect();
        if input.frozen.is_some() {
            residences = self.first_frozen(track.name, n);
        }
        let sums = self.time.sums(n);
        let zones = (0..self.time.zones())
            .map(|g| {
                let (scale, id) = self.time.zone(g);
                let at = |v: usize| sums[v][g as usize];
                let all = 0..self.time.inputs.len();
                let small = all.clone().all(|v| at(v).0 < t || at(v).1 < t);
                let known = all.clone().any(|v| self.zone_known(v, g, track.name));
                let theme_closed = within.is_some_and(|w| w.closed.contains(&g))
                    || (matches!(kind, Kind::Stock(_)) && all.clone().all(|v| !self.in_stock(v, scale, id)))
                    || (self.outside.touches(g) && !known);
                let frozen = all.clone().any(|v| self.time.inputs[v].frozen.is_some());
                let hidden = all
                    .clone()
                    .filter(|v| !frozen || self.time.inputs[*v].frozen.is_some())
                    .filter(|v| !frozen || self.time.inputs[*v].zones.get(self.time.local(*v, g)).is_some())
                    .all(|v| self.known(v, scale, id, track.name).1);
                Zone {
                    scale,
                    units: self.time.zone_cost(|v| at(v).0),
                    withheld: if small && all.clone().any(|v| at(v).0 > 0) {
                        Some(Motif::Primaire)
                    } else if theme_closed {
                        Some(Motif::Secondaire)
                    } else {
                        hidden.then_some(Motif::Collant)
                    },
                    fixed: false,
                    known,
                }
            })
            .collect();
        let problem = Problem { residences, zones };
        let plan = plan(&problem, self.parameters.clone());
        if plan.unresolved > 0 && input.frozen.is_none() {
            self.outside.blame(&self.parameters, &problem, &plan, |z| z as u32);
        }
        // What was given away before is in no zone row that can still be withheld.
        if plan.unresolved > 0 && input.frozen.is_none() {
            self.out.unresolved.push((track.name, input.vintage, plan.unresolved));
        }
        track.closed = (0u32..).zip(&plan.zones).filter(|(_, d)| !d.shown()).map(|(g, _)| g).collect();
        plan
    }

    /// Zone rows of a vintage: their own threshold, what merges cells, what the theme withholds, and what else is needed.
    fn zones(&mut self, v: usize, track: &Track, kind: Kind, within: Option<&Track>, stock: &Stock) -> Vec<Decision> {
        let t = self.parameters.threshold;
        let input = &self.time.inputs[v];
        // A family that counts some of the theme's units may not seem to count more, for want of a batch.
        let part = !matches!(track.name, "nb_adultes" | "nb_loues");
        let zones = (0..input.zones.len())
            .map(|z| {
                let entry = &input.zones[z];
                let (units, dwellings) = track.sums[v][z];
                let (known, hidden) = self.known(v, entry.scale, &entry.id, track.name);
                let secondary = track.closed.contains(&self.time.global(v, z))
                    || within.is_some_and(|w| !w.zones[v][z].shown() || (part && units > w.sums[v][z].0))
                    || (matches!(kind, Kind::Stock(_)) && !self.in_stock(v, entry.scale, &entry.id));
                let withheld = if units > 0 && (units < t || dwellings < t) {
                    Some(Motif::Primaire)
                } else if secondary {
                    Some(Motif::Secondaire)
                } else {
                    hidden.then_some(Motif::Collant)
                };
                let known = known || self.outside.knows(self.time.global(v, z));
                Zone { scale: entry.scale, units, withheld, fixed: false, known }
            })
            .collect();
        let sunk = self.sunk(v, stock);
        let residences = stock
            .counted
            .iter()
            .filter(|(_, c)| !c.known && !sunk.contains(&c.group))
            .map(|(id, c)| {
                let m = c.member();
                let mut r = residence(m.units, m.dwellings, m.landlord);
                r.zones[..4].copy_from_slice(&self.zones_of(v, *id, c));
                r.withheld = Some(Motif::Secondaire);
                if r.zones[COMMUNE].is_some_and(|z| self.outside.buries(self.time.global(v, z as usize))) {
                    r.units = 0;
                }
                // At the oldest vintage rows alone tell residences apart.
                r.part = if v == 0 { 0 } else { c.group };
                r
            })
            .collect();
        let problem = Problem { residences, zones };
        let plan = plan(&problem, self.parameters.clone());
        if plan.unresolved > 0 {
            self.out.unresolved.push((track.name, input.vintage, plan.unresolved));
            let (time, p) = (&self.time, &self.parameters);
            self.outside.blame(p, &problem, &plan, |z| time.global(v, z));
        }
        plan.zones
    }

    /// A zone row that says how many of its units lie in a QPV cuts it in two. Both parts must be nothing or over the
    /// threshold, and the rule must hold in each part with the zones that say it. Residences are decided already.
    fn split(&mut self, base: &Track, name: &'static str, inside: usize) -> Vec<Vec<Decision>> {
        let t = self.parameters.threshold;
        let mut decisions = Vec::new();
        for v in 0..self.time.inputs.len() {
            let input = &self.time.inputs[v];
            let mut within = vec![0u32; input.zones.len()];
            let mut add = |zones: &[Option<u32>; 4], units: u32| {
                for z in zones.iter().flatten() {
                    within[*z as usize] += units;
                }
            };
            for (e, d) in input.residences.iter().zip(&base.residences[v]) {
                if d.shown() {
                    add(&e.zones, e.units.get(inside).copied().unwrap_or(0));
                }
            }
            let mut residences = Vec::new();
            for (id, c) in &base.counted[v] {
                let zones = self.zones_of(v, *id, c);
                let in_qpv = zones[QPV].is_some();
                add(&zones, if in_qpv { c.own.0 } else { 0 });
                if c.known {
                    continue;
                }
                let m = c.member();
                let mut r = residence(m.units, m.dwellings, m.landlord);
                r.zones[..4].copy_from_slice(&zones);
                r.withheld = Some(Motif::Secondaire);
                r.part = 1 + u32::from(in_qpv);
                residences.push(r);
            }
            let zones = (0..input.zones.len())
                .map(|z| {
                    let entry = &input.zones[z];
                    let units = base.sums[v][z].0;
                    let (known, hidden) = self.known(v, entry.scale, &entry.id, name);
                    let small = |n: u32| n > 0 && n < t;
                    let cut = small(within[z]) || small(units.saturating_sub(within[z]));
                    let withheld = match base.zones[v][z] {
                        Decision::Withhold(_) => Some(Motif::Secondaire),
                        // A QPV lies in itself: nothing is split.
                        Decision::Show if entry.scale == QPV => None,
                        Decision::Show if cut => Some(Motif::Primaire),
                        Decision::Show => hidden.then_some(Motif::Collant),
                    };
                    Zone { scale: entry.scale, units, withheld, fixed: entry.scale == QPV, known }
                })
                .collect();
            let problem = Problem { residences, zones };
            let plan = match self.frozen_until() {
                Some(last) if v <= last => self.split_published(v, name, problem),
                _ => plan(&problem, self.parameters.clone()),
            };
            if plan.unresolved > 0 {
                self.out.unresolved.push((name, input.vintage, plan.unresolved));
            }
            for (z, d) in plan.zones.iter().enumerate() {
                self.price(v, name, input.zones[z].scale, base.sums[v][z].0, *d);
            }
            decisions.push(plan.zones);
        }
        decisions
    }

    fn price(&mut self, v: usize, family: &'static str, scale: usize, units: u32, decision: Decision) {
        if units == 0 {
            return;
        }
        let p = self.out.prices.entry((family, self.time.inputs[v].vintage, scale)).or_default();
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
    }

    pub(super) fn count_prices(&mut self, v: usize, track: &Track, zones: &[Decision]) {
        for e in 0..self.time.inputs[v].residences.len() {
            let units = self.time.inputs[v].residences[e].units.get(track.n).copied().unwrap_or(0);
            self.price(v, track.name, RESIDENCE, units, track.residences[v][e]);
        }
        for (z, d) in zones.iter().enumerate() {
            self.price(v, track.name, self.time.inputs[v].zones[z].scale, track.sums[v][z].0, *d);
        }
    }

    /// Rows of the theme that are shown, for the other themes.
    fn remember(&mut self, theme: &Track) {
        for (v, input) in self.time.inputs.iter().enumerate() {
            let mut shown = Shown::new();
            for (e, d) in input.residences.iter().zip(&theme.residences[v]) {
                if d.shown() {
                    shown.insert((RESIDENCE, e.id.clone()));
                }
            }
            for (e, d) in input.zones.iter().zip(&theme.zones[v]) {
                if d.shown() {
                    shown.insert((e.scale, e.id.clone()));
                }
            }
            self.out.shown.insert(input.vintage, shown);
        }
    }
}

pub(super) fn residence(units: u32, dwellings: u32, landlord: Option<u32>) -> Residence {
    Residence {
        units,
        dwellings,
        landlord,
        zones: [None; 8],
        part: 0,
        withheld: None,
        fixed: false,
        known: false,
        cost: u64::from(units),
    }
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
