//! Vintages that were published before: **frozen** for the stock that they do not show.
//!
//! What zone rows counted of residences that were not shown stays counted, with the archived figures, in the archived zones,
//! whatever is imported now; what is new and not shown is not counted. A residence that was shown and is not any more stays
//! counted with the figures that were shown. Zone rows are shown when they were. So the remainders of the vintage are the same
//! in all its publications, and a difference of two of them is explained by shown rows. What the archive does not hold enters
//! with the next vintage that is new, in batches compared with the frozen stock.
//!
//! A vintage that is new and older than one that was published shows residences, and no zone row: it could only tell apart
//! what was counted together.

use super::batch::{Counted, Stock};
use super::output::Says;
use super::series::{Series, Track, residence};
use super::themes::Kind;
use super::{Decision, Frozen, Motif, Plan, Problem, QPV, RESIDENCE, Residence, Theme};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What former publications showed and withheld of residences, over all vintages.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Shown in some vintage.
    pub shown: HashSet<u32>,
    /// Withheld in some vintage, with units, and shown in none.
    pub hidden: HashSet<u32>,
}

impl Frozen {
    /// Residences that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.changed.keys().chain(self.counts.keys().map(|(_, id)| id)).map(String::as_str)
    }
}

impl Series<'_> {
    /// The newest vintage that was published before.
    pub(super) fn frozen_until(&self) -> Option<usize> {
        (0..self.time.inputs.len()).rev().find(|v| self.time.inputs[*v].frozen.is_some())
    }

    /// What the ledger says of residences in a theme or family.
    pub(super) fn past(&self, family: &'static str) -> Past {
        let mut past = Past::default();
        if self.frozen_until().is_none() {
            return past;
        }
        for ((_, _, id), k) in self.ledger.iter().filter(|((_, scale, _), _)| *scale == RESIDENCE) {
            let Some(n) = self.time.numbered(id) else { continue };
            let (shown, hidden) = match family {
                "" => (k.shown, k.hidden),
                _ => (k.families_shown.contains(family), k.families_hidden.contains(family) || (k.hidden && !k.shown)),
            };
            if shown {
                past.shown.insert(n);
            }
            if hidden {
                past.hidden.insert(n);
            }
        }
        past.hidden.retain(|id| !past.shown.contains(id));
        past
    }

    /// A vintage up to the newest that was published before.
    pub(super) fn published(
        &mut self,
        v: usize,
        track: &mut Track,
        stock: &mut Stock,
        (kind, within): (Kind, Option<&Track>),
        past: &Past,
    ) {
        let input = &self.time.inputs[v];
        let decisions: Vec<Decision> = (0..input.residences.len())
            .map(|e| {
                let new = !self.known(v, RESIDENCE, &input.residences[e].id, track.name).0;
                let buried = new && past.hidden.contains(&self.time.number(v, e));
                let withheld = self.withheld(v, e, (track.name, kind), within);
                let withheld = withheld.or(buried.then_some(Motif::Collant));
                withheld.map_or(Decision::Show, Decision::Withhold)
            })
            .collect();
        track.residences.push(decisions);
        if let Some(frozen) = &input.frozen {
            let then = self.counted_then(v, track, frozen);
            let closed = |g: u32| track.closed.contains(&g) && !self.outside.knows(g);
            stock.impose(then, |id, state| self.place(v, id, state, closed));
            track.counted.push(stock.counted.clone());
        } else {
            track.counted.push(BTreeMap::new());
        }
        track.sums.push(self.sums(v, track, &track.counted[v]));
        let zones = self.zones_published(v, track, kind, within);
        self.count_prices(v, track, &zones);
        track.zones.push(zones);
        if input.frozen.is_some() {
            self.regroup(v, track, stock);
            track.counted[v].clone_from(&stock.counted);
        }
    }

    /// What zone rows of a vintage published before count of residences that are not shown now.
    fn counted_then(&self, v: usize, track: &Track, frozen: &Frozen) -> BTreeMap<u32, Counted> {
        let input = &self.time.inputs[v];
        let ids: BTreeSet<&str> = input.residences.iter().map(|e| e.id.as_str()).chain(frozen.names()).collect();
        let mut counted = BTreeMap::new();
        for name in ids {
            let Some(id) = self.time.numbered(name) else { continue };
            let entry = self.time.entry(v, id);
            if entry.is_some_and(|e| track.residences[v][e].shown()) || !self.was_counted(v, id) {
                continue;
            }
            let once = self.known(v, RESIDENCE, name, track.name).0;
            // What was shown and is gone leaves: anyone may subtract it.
            if once && entry.is_none() {
                continue;
            }
            let Some(says) =
                self.said(v, id, track.name, frozen).filter(|_| !once).unwrap_or_else(|| self.stands(v, id))
            else {
                continue;
            };
            let (units, dwellings, landlord) = self.figures(&says, id, track.n);
            if units == 0 {
                continue;
            }
            let shown_there = |w: usize| {
                let now = self.time.entry(w, id).is_some_and(|e| track.residences.get(w).is_some_and(|d| d[e].shown()));
                now || self.known(w, RESIDENCE, name, track.name).0
            };
            let mut c = Counted::new(says.state, (units, dwellings), landlord);
            c.known = once || (says.state != v && shown_there(says.state));
            (c.archived, c.here) = (says.archived, Some(says.zones));
            counted.insert(id, c);
        }
        counted
    }

    /// What the archive says of a residence; `None`: nothing but what stands; `Some(None)`: it is not counted.
    fn said(&self, v: usize, id: u32, family: &'static str, frozen: &Frozen) -> Option<Option<Says>> {
        let name = self.time.id(id);
        let of = |family| frozen.counts.get(&(family, name.to_owned()));
        // A theme that was shown says nothing of a family that was not.
        let theme = || of("").filter(|_| !self.known(v, RESIDENCE, name, "").0);
        let count = of(family).or_else(theme)?;
        Some(count.and_then(|(vintage, zones)| {
            let state = self.time.inputs.iter().position(|i| i.vintage == vintage)?;
            Some(Says { state, archived: self.differs(state, id), zones })
        }))
    }

    /// A residence with the vintage's own figures, as archived where the imports of now say something else.
    fn stands(&self, v: usize, id: u32) -> Option<Says> {
        let input = &self.time.inputs[v];
        let changed = input.frozen.as_ref().and_then(|f| f.changed.get(self.time.id(id)));
        let zones = match changed {
            Some(a) if a.units.is_empty() => return None,
            Some(a) => a.zones,
            None => input.residences.get(self.time.entry(v, id)?)?.zones,
        };
        Some(Says { state: v, archived: changed.is_some(), zones })
    }

    /// Whether the archive holds something else of a residence than the imports of now.
    pub(super) fn differs(&self, v: usize, id: u32) -> bool {
        self.time.inputs[v].frozen.as_ref().is_some_and(|f| f.changed.contains_key(self.time.id(id)))
    }

    /// Whether a former publication had a row of a residence in this vintage, or counted it.
    pub(super) fn was_counted(&self, v: usize, id: u32) -> bool {
        let input = &self.time.inputs[v];
        let name = self.time.id(id);
        input.frozen.is_some() && self.ledger.contains_key(&(input.vintage, RESIDENCE, name.to_owned()))
            || input
                .frozen
                .as_ref()
                .is_some_and(|f| f.changed.contains_key(name) || f.counts.contains_key(&("", name.to_owned())))
    }

    /// Units, dwellings and landlord of what is counted.
    pub(super) fn figures(&self, says: &Says, id: u32, n: usize) -> (u32, u32, Option<u32>) {
        let input = &self.time.inputs[says.state];
        let archived = input.frozen.as_ref().filter(|_| says.archived).and_then(|f| f.changed.get(self.time.id(id)));
        if let Some(a) = archived {
            return (a.units.get(n).copied().unwrap_or(0), a.dwellings, a.landlord);
        }
        match self.time.entry(says.state, id).and_then(|e| input.residences.get(e)) {
            Some(e) => (e.units.get(n).copied().unwrap_or(0), e.dwellings, e.landlord),
            None => (0, 0, None),
        }
    }

    /// Vintage of what is counted, negative when it is archived.
    pub(super) fn signed(&self, says: &Says) -> i32 {
        let vintage = self.time.inputs[says.state].vintage;
        if says.archived { -vintage } else { vintage }
    }

    /// Zones of a vintage that count a residence which is not shown.
    pub(super) fn zones_of(&self, v: usize, id: u32, c: &Counted) -> [Option<u32>; 4] {
        c.here.unwrap_or_else(|| self.time.local_place(v, id, c.state))
    }

    /// Zone rows that were shown are shown when they hold the rule by themselves; no other row is.
    fn zones_published(&self, v: usize, track: &Track, kind: Kind, within: Option<&Track>) -> Vec<Decision> {
        let (input, t) = (&self.time.inputs[v], self.parameters.threshold);
        // A family that counts some of the theme's units may not seem to count more.
        let part = !matches!(track.name, "nb_adultes" | "nb_loues");
        (0..input.zones.len())
            .map(|z| {
                let entry = &input.zones[z];
                let (units, dwellings) = track.sums[v][z];
                let theme = within.is_some_and(|w| !w.zones[v][z].shown() || (part && units > w.sums[v][z].0));
                if units > 0 && (units < t || dwellings < t) {
                    Decision::Withhold(Motif::Primaire)
                } else if theme || (matches!(kind, Kind::Stock(_)) && !self.in_stock(v, entry.scale, &entry.id)) {
                    Decision::Withhold(Motif::Secondaire)
                } else if input.frozen.is_some() && self.known(v, entry.scale, &entry.id, track.name).0 {
                    Decision::Show
                } else {
                    Decision::Withhold(Motif::Collant)
                }
            })
            .collect()
    }

    /// The same of rows that say how many of their units lie in a QPV. A QPV lies in itself: nothing is split.
    pub(super) fn split_published(&self, v: usize, name: &'static str, problem: Problem) -> Plan {
        let input = &self.time.inputs[v];
        let decide = |(z, zone): (usize, &super::Zone)| match zone.withheld {
            Some(m) if m != Motif::Collant => Decision::Withhold(m),
            _ if zone.scale == QPV || self.known(v, zone.scale, &input.zones[z].id, name).0 => Decision::Show,
            _ => Decision::Withhold(Motif::Collant),
        };
        Plan { residences: Vec::new(), zones: problem.zones.iter().enumerate().map(decide).collect(), unresolved: 0 }
    }

    /// The frozen stock of the oldest vintage, under the zonings of all.
    pub(super) fn first_frozen(&self, family: &'static str, n: usize) -> Vec<Residence> {
        let Some(frozen) = self.time.inputs.first().and_then(|i| i.frozen.as_ref()) else { return Vec::new() };
        let names: BTreeSet<&str> =
            self.time.inputs[0].residences.iter().map(|e| e.id.as_str()).chain(frozen.names()).collect();
        let mut list = Vec::new();
        for name in names {
            let Some(id) = self.time.numbered(name) else { continue };
            let (shown, _) = self.known(0, RESIDENCE, name, family);
            if shown || !self.was_counted(0, id) {
                continue;
            }
            let says = self.said(0, id, family, frozen).unwrap_or_else(|| self.stands(0, id));
            let Some(says) = says else { continue };
            let (units, dwellings, landlord) = self.figures(&says, id, n);
            let mut r = residence(units, dwellings, landlord);
            r.zones = self.time.ahead(0, id, says.state);
            for (zone, here) in r.zones.iter_mut().zip(says.zones) {
                *zone = here.map(|z| self.time.global(0, z as usize));
            }
            r.withheld = Some(Motif::Collant);
            list.push(r);
        }
        list
    }

    /// Groups that were given away as a whole before, and that no zone row of this vintage takes apart.
    pub(super) fn sunk(&self, v: usize, stock: &Stock) -> BTreeSet<u32> {
        let mut places: BTreeMap<u32, (bool, [Option<u32>; 4])> = BTreeMap::new();
        for (id, c) in stock.counted.iter().filter(|(_, c)| !c.known) {
            let zones = self.zones_of(v, *id, c);
            let whole = places.entry(c.group).or_insert((true, zones));
            whole.0 &= c.sunk && whole.1 == zones;
        }
        places.into_iter().filter(|(_, (whole, _))| *whole).map(|(group, _)| group).collect()
    }
}

impl Theme {
    /// The name of a family as this program has it.
    pub fn family(self, name: &str) -> Option<&'static str> {
        if name.is_empty() { Some("") } else { self.family_names().find(|f| *f == name) }
    }
}
