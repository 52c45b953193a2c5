//! Communes whose sums third parties publish: known rows that cannot be withheld.
//!
//! A third party counts the whole stock of a commune as it stands in the vintage. So its row tells the sum of what is not shown
//! there, and less what our rows count of it, the sum of what these do not count with the figures of the vintage (small stock
//! that waits, figures that are frozen) less what they count instead. Both must hold the rule. Where the whole commune does
//! not hold it the table gives it away by itself: then nothing of ours adds to it, no row that touches the commune is shown.

use super::batch::{Move, Now, Part, Place, Stock};
use super::frozen::Past;
use super::rule::{Member, Parameters, holds, shared};
use super::series::{Series, Track};
use super::timeline::Timeline;
use super::{COMMUNE, Decision, Motif, Plan, Problem};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Communes known from outside in a theme or family, as numbered over all vintages.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// By vintage.
    vintages: Vec<BTreeSet<u32>>,
    /// Known in some vintage and guarded.
    known: HashSet<u32>,
    /// Communes of which nothing is shown, and all zones that touch them.
    sunk: HashSet<u32>,
    touched: HashSet<u32>,
    /// Guarded ones where nothing mends: to be sunk.
    troubled: BTreeSet<u32>,
}

impl Outside {
    pub fn new(time: &Timeline<'_>, p: &Parameters, n: usize) -> Outside {
        let mut outside = Outside::default();
        for (v, input) in time.inputs.iter().enumerate() {
            let communes: BTreeSet<u32> = input.margins.iter().map(|z| time.global(v, *z as usize)).collect();
            let mut members: BTreeMap<u32, Vec<Member>> = communes.iter().map(|c| (*c, Vec::new())).collect();
            for e in input.residences.iter().filter(|_| !communes.is_empty()) {
                let commune = e.zones[COMMUNE].map(|z| time.global(v, z as usize));
                let units = e.units.get(n).copied().unwrap_or(0);
                if let Some(list) = commune.and_then(|c| members.get_mut(&c)) {
                    list.push(Member { units, dwellings: e.dwellings, landlord: e.landlord });
                }
            }
            outside.troubled.extend(members.into_iter().filter(|(_, m)| !holds(p, m.iter().copied())).map(|(c, _)| c));
            outside.known.extend(&communes);
            outside.vintages.push(communes);
        }
        outside.sink(time, n);
        outside
    }

    /// Gives up on what nothing mends; false when there is none.
    pub fn sink(&mut self, time: &Timeline<'_>, n: usize) -> bool {
        let troubled = std::mem::take(&mut self.troubled);
        for c in &troubled {
            self.known.remove(c);
            self.sunk.insert(*c);
        }
        for (v, input) in time.inputs.iter().enumerate().filter(|_| !troubled.is_empty()) {
            for e in input.residences.iter().filter(|e| e.units.get(n).is_some_and(|u| *u > 0)) {
                let zones = e.zones.iter().flatten().map(|z| time.global(v, *z as usize));
                if e.zones[COMMUNE].is_some_and(|z| troubled.contains(&time.global(v, z as usize))) {
                    self.touched.extend(zones);
                }
            }
        }
        !troubled.is_empty()
    }

    /// Whether a commune is known from outside, and guarded.
    pub fn knows(&self, zone: u32) -> bool {
        self.known.contains(&zone)
    }

    /// Whether nothing of a commune may be shown: it is in no row, and in no remainder.
    pub fn buries(&self, commune: u32) -> bool {
        self.sunk.contains(&commune)
    }

    /// Whether a zone counts residences of such a commune.
    pub fn touches(&self, zone: u32) -> bool {
        self.touched.contains(&zone)
    }

    /// A guarded commune whose table counts this vintage.
    pub fn guards(&self, v: usize, commune: u32) -> bool {
        self.knows(commune) && self.vintages[v].contains(&commune)
    }

    /// Notes the communes that keep broken cells of a plan from merging with others; of what is in no row at all, the smallest.
    pub fn blame(&mut self, p: &Parameters, problem: &Problem, plan: &Plan, global: impl Fn(usize) -> u32) {
        let mut cells: BTreeMap<(Vec<u32>, u32), Vec<Member>> = BTreeMap::new();
        let hidden = problem.residences.iter().zip(&plan.residences).filter(|(r, d)| !d.shown() && !r.known);
        for (r, _) in hidden.filter(|(r, _)| r.units > 0) {
            let open = |z: &u32| plan.zones[*z as usize].shown() || problem.zones[*z as usize].known;
            let rows: Vec<u32> = r.zones.iter().flatten().copied().filter(open).collect();
            let member = Member { units: r.units, dwellings: r.dwellings, landlord: r.landlord };
            cells.entry((rows, r.part)).or_default().push(member);
        }
        for ((rows, part), _) in cells.into_iter().filter(|(_, members)| !holds(p, members.iter().copied())) {
            let known = |z: &u32| self.known.contains(z);
            if rows.is_empty() && part == 0 {
                let all = problem.zones.iter().enumerate().map(|(z, zone)| (zone.units, global(z)));
                self.troubled.extend(all.filter(|(_, z)| known(z)).min().map(|(_, z)| z));
            } else {
                let rows: Vec<u32> = rows.into_iter().map(|z| global(z as usize)).filter(known).collect();
                self.troubled.extend(rows);
            }
        }
    }
}

/// What is not shown of a commune, and what may still be withheld there (entry, what is lost).
type Rest = (Vec<Member>, Vec<(usize, Member)>);

impl Series<'_> {
    /// Advances ([`Self::advance`]), withholding more until what communes known from outside do not show holds.
    pub(super) fn guarded(
        &mut self,
        stock: &mut Stock,
        track: &Track,
        v: usize,
        decisions: &mut [Decision],
        held: &mut BTreeMap<u32, usize>,
        past: &Past,
    ) -> BTreeSet<u32> {
        loop {
            let ids = || held.keys().copied().collect();
            if self.time.inputs[v].margins.is_empty() {
                return self.advance(stock, track, v, decisions, ids(), past);
            }
            let mut trial = stock.clone();
            let shown = self.advance(&mut trial, track, v, decisions, ids(), past);
            let again: HashSet<usize> = shown.iter().filter_map(|id| held.get(id).copied()).collect();
            let visible = |e: usize| decisions[e].shown() || again.contains(&e);
            // The oldest vintage is planned as a whole.
            let needs = if v == 0 { BTreeSet::new() } else { self.outside_needs(v, track.n, track.name, visible) };
            if needs.is_empty() {
                *stock = trial;
                return shown;
            }
            held.retain(|_, e| !needs.contains(e));
            for e in needs.into_iter().filter(|e| !again.contains(e)) {
                decisions[e] = Decision::Withhold(Motif::Secondaire);
            }
        }
    }

    /// Residences (entries) of a vintage to withhold so that what is not shown in communes known from outside holds.
    pub(super) fn outside_needs(
        &mut self,
        v: usize,
        n: usize,
        family: &str,
        shown: impl Fn(usize) -> bool,
    ) -> BTreeSet<usize> {
        let mut rests: BTreeMap<u32, Rest> = BTreeMap::new();
        for (e, entry) in self.time.inputs[v].residences.iter().enumerate() {
            let units = entry.units.get(n).copied().unwrap_or(0);
            let commune = entry.zones[COMMUNE].map(|z| self.time.global(v, z as usize));
            let Some(c) = commune.filter(|c| units > 0 && self.outside.guards(v, *c)) else { continue };
            let member = Member { units, dwellings: entry.dwellings, landlord: entry.landlord };
            let rest = rests.entry(c).or_default();
            if !shown(e) {
                rest.0.push(member);
            } else if !self.known(v, super::RESIDENCE, &entry.id, family).0 {
                rest.1.push((e, member));
            }
        }
        let mut needs = BTreeSet::new();
        for (c, (mut rest, mut free)) in rests {
            let p = &self.parameters;
            if holds(p, rest.iter().copied()) {
                continue;
            }
            free.sort_unstable_by_key(|(e, m)| (m.units, *e));
            let mends = |m: &Member| holds(p, rest.iter().copied().chain([*m]));
            if let Some((e, _)) = free.iter().find(|(_, m)| mends(m)) {
                needs.insert(*e);
                continue;
            }
            for (e, m) in free {
                needs.insert(e);
                rest.push(m);
                if holds(p, rest.iter().copied()) {
                    break;
                }
            }
            if !holds(p, rest.iter().copied()) {
                self.outside.troubled.insert(c);
            }
        }
        needs
    }

    /// Residences of communes known from outside that are not shown and that zone figures do not count at all, for the batch.
    pub(super) fn set_aside(&self, v: usize, stock: &mut Stock, aside: impl Iterator<Item = usize>, n: usize) {
        let input = &self.time.inputs[v];
        let guarded = self.outside.vintages.get(v).into_iter().flatten();
        stock.guarded = guarded.copied().filter(|c| self.outside.knows(*c)).collect();
        stock.aside = aside
            .filter_map(|e| {
                let entry = input.residences.get(e)?;
                let units = entry.units.get(n).copied().unwrap_or(0);
                let commune = self.time.global(v, entry.zones[COMMUNE]? as usize);
                let member = Member { units, dwellings: entry.dwellings, landlord: entry.landlord };
                self.outside.guards(v, commune).then_some((commune, member))
            })
            .collect();
    }
}

impl Stock {
    /// Moves without which enough is left that zones do not count as it stands, in a commune known from outside: all of a cell,
    /// the fewest units first. Where nothing is left, what they count of former vintages is told.
    pub(super) fn told_apart(
        &self,
        p: &Parameters,
        moves: &BTreeMap<u32, Move>,
        now: &BTreeMap<u32, Now>,
        shown: &BTreeSet<u32>,
        place: &impl Fn(u32, usize) -> Place,
    ) -> BTreeSet<u32> {
        if self.guarded.is_empty() {
            return BTreeSet::new();
        }
        let mut left: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
        let mut former: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
        for (id, c) in self.counted.iter().filter(|(_, c)| !c.known) {
            let commune = place(*id, c.state)[COMMUNE].checked_sub(1);
            if let Some(commune) = commune.filter(|_| !shown.contains(id) && !moves.contains_key(id)) {
                former.entry(commune).or_default().push(c.member());
            }
        }
        let mut renewed: BTreeMap<u32, BTreeMap<(Option<u32>, Place), Part>> = BTreeMap::new();
        for (commune, member) in &self.aside {
            left.entry(*commune).or_default().push(*member);
        }
        for (id, n) in now.iter().filter(|(id, _)| !shown.contains(id)) {
            let Some(commune) = n.outside else { continue };
            let member = Member { units: n.own.0, dwellings: n.own.1, landlord: n.landlord };
            if moves.contains_key(id) {
                let cell = (self.counted.get(id).map(|c| c.group), n.place);
                renewed.entry(commune).or_default().entry(cell).or_default().push((*id, member));
            } else {
                left.entry(commune).or_default().push(member);
            }
        }
        let mut wrong = BTreeSet::new();
        for commune in &self.guarded {
            let left = left.remove(commune).unwrap_or_default();
            let former = holds(p, former.remove(commune).unwrap_or_default());
            // Who owns all that is left sees what is counted of former vintages.
            let enough = |left: &[Member]| holds(p, left.iter().copied()) && (former || shared(p, left));
            if enough(&left) {
                continue;
            }
            let mut cells: Vec<Part> = renewed.remove(commune).unwrap_or_default().into_values().collect();
            cells.sort_by_key(|cell| cell.iter().map(|(_, m)| u64::from(m.units)).sum::<u64>());
            let mends = |cell: &&Part| {
                let all: Vec<Member> = left.iter().copied().chain(cell.iter().map(|(_, m)| *m)).collect();
                enough(&all)
            };
            let cell = cells.iter().find(mends).or(cells.first());
            wrong.extend(cell.into_iter().flatten().map(|(id, _)| *id));
        }
        wrong
    }
}
