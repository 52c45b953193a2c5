//! Which of the residences that were withheld may not be shown yet: what showing them would tell of what was counted with them.

use super::batch::{Move, Now, Part, Place, Stock, least};
use super::rule::{Member, Parameters, holds};
use std::collections::{BTreeMap, BTreeSet};

/// What showing residences of a group tells of it.
#[derive(Default)]
struct Exposed {
    /// To be shown, by place.
    shown: BTreeMap<Place, Part>,
    /// As counted until now: what is shown, leaves or is renewed.
    out: Part,
    /// What stays, by place, with the least of it.
    stay: BTreeMap<Place, Part>,
    /// Of what is shown, by place, that of which something else was counted.
    other: BTreeMap<Place, Part>,
    /// What leaves, by place.
    leave: BTreeMap<Place, Part>,
    /// Some of it stays with the figures that are counted.
    frozen: bool,
}

/// Of the residences to be shown the one to keep back: the smallest that mends the rest, else the smallest.
fn cheapest(p: &Parameters, shown: &Part, rest: &Part) -> Option<u32> {
    let mends = |m: &Member| holds(p, rest.iter().map(|(_, m)| *m).chain([*m]));
    let mut list: Vec<(bool, u32, u32)> = shown.iter().map(|(id, m)| (!mends(m), m.units, *id)).collect();
    list.sort_unstable();
    list.first().map(|(.., id)| *id)
}

impl Stock {
    /// Of the residences to be shown, some without which less would be given away; empty when nothing is.
    pub fn exposing(
        &self,
        p: &Parameters,
        now: &BTreeMap<u32, Now>,
        moves: &BTreeMap<u32, Move>,
        shown: &BTreeSet<u32>,
        place: &impl Fn(u32, usize) -> Place,
    ) -> BTreeSet<u32> {
        let fails = |part: &Part| !holds(p, part.iter().map(|(_, m)| *m));
        let groups: BTreeSet<u32> = shown.iter().filter_map(|id| self.counted.get(id).map(|c| c.group)).collect();
        let mut exposing = BTreeSet::new();
        let mut parts: BTreeMap<u32, Exposed> = BTreeMap::new();
        for (id, c) in self.counted.iter().filter(|(_, c)| !c.known && groups.contains(&c.group)) {
            let group = parts.entry(c.group).or_default();
            let counted = Member { units: c.own.0, dwellings: c.own.1, ..c.member() };
            let here = place(*id, c.state);
            match (moves.get(id), now.get(id)) {
                _ if shown.contains(id) => {
                    group.shown.entry(here).or_default().push((*id, c.member()));
                    group.out.push((*id, counted));
                    if now.get(id).is_some_and(|n| n.changed) {
                        group.other.entry(here).or_default().push((*id, c.member()));
                    }
                }
                (Some(Move::Leave), _) => {
                    group.leave.entry(here).or_default().push((*id, c.member()));
                    group.out.push((*id, counted));
                }
                (Some(Move::Swap), _) => group.out.push((*id, counted)),
                (Some(Move::Renew), Some(n)) => {
                    let (units, dwellings) = least(c.least, n.own);
                    group.out.push((*id, counted));
                    group.stay.entry(here).or_default().push((*id, Member { units, dwellings, ..c.member() }));
                }
                _ => {
                    group.frozen = true;
                    group.stay.entry(here).or_default().push((*id, c.member()));
                }
            }
        }
        for group in parts.values() {
            // Figures that are new each time: what goes is told by what stays as it was.
            if group.frozen && fails(&group.out) {
                exposing.extend(group.shown.values().flatten().map(|(id, _)| *id));
                continue;
            }
            // What was counted of those that are others now is told together with what leaves.
            for (here, part) in &group.other {
                let all = part.iter().chain(group.leave.get(here).into_iter().flatten());
                if !holds(p, all.map(|(_, m)| *m)) {
                    exposing.extend(part.iter().map(|(id, _)| *id));
                }
            }
            // Figures that last: what is shown is known for ever, and the rest of its cell is what is left.
            for (here, rest) in group.stay.iter().filter(|(_, rest)| fails(rest)) {
                match group.shown.get(here) {
                    Some(part) => exposing.extend(cheapest(p, part, rest)),
                    None => exposing.extend(group.shown.values().flatten().map(|(id, _)| *id)),
                }
            }
        }
        // Of those that left together, what is left is told by one that is shown now.
        let mut away: BTreeMap<u32, (Part, Part)> = BTreeMap::new();
        for (id, (group, member)) in &self.gone {
            let part = away.entry(*group).or_default();
            if shown.contains(id) {
                part.1.push((*id, *member));
            } else if !moves.contains_key(id) {
                part.0.push((*id, *member));
            }
        }
        for (rest, part) in away.values().filter(|(rest, part)| !part.is_empty() && fails(rest)) {
            exposing.extend(cheapest(p, part, rest));
        }
        exposing
    }
}
