//! Which zone rows to withhold, exactly where that can be found out: branch and bound, a neighbourhood at a time.
//!
//! A neighbourhood is a set of rows whose cells can merge with one another's while the rows of communes stay as the search
//! left them: a commune with its IRIS and QPV, communes that a QPV links, all communes that are withheld. In it every row is
//! either withheld or shown, and the price is that of [`search`](super::search): the units of the rows withheld, and for
//! each broken cell what its cheapest residences cost. Not a linear programme: withholding a row merges cells, and
//! what a merged cell costs is no sum of what its parts cost.
//!
//! A broken cell costs its residences unless a row is withheld that changes it: one of its own, or one that keeps another
//! cell from merging into it. So a node branches on such a cell: the first of these rows is withheld; the first is shown and
//! the second withheld; ...; all are shown and the cell costs what it costs. The bound is a packing, the dual of that
//! covering problem: each broken cell takes at most what its residences cost out of the units of each of those rows, and all
//! cells together no more out of a row than it has.

use super::cells::{Change, Key, PART};
use super::repair::{Repair, SECONDARY};
use super::{COMMUNE, Decision};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Work on a neighbourhood, in cells looked at and residences that come into another cell; then the best that was found
/// stands. Solving the hardest of a metropolis takes a tenth of it.
const WORK: usize = 2_000_000;
/// Work on a whole problem.
const ALL_WORK: usize = 40_000_000;

/// How a neighbourhood is decided, on the way through its tree.
#[derive(Default)]
struct Walk {
    /// Rows that are neither withheld nor to stay shown.
    free: HashSet<u32>,
    /// Rows withheld, and their units.
    closed: Vec<u32>,
    units: u64,
    /// Broken cells of the neighbourhood.
    broken: BTreeSet<Key>,
    /// The least price found, and its rows.
    best: u64,
    rows: Vec<u32>,
    /// Work that may still be done.
    left: usize,
}

/// A broken cell at a node.
struct Need {
    /// What its residences cost.
    cost: u64,
    /// What it takes in the packing.
    taken: u64,
    /// Free rows of which one must be withheld for the cell to change.
    rows: Vec<u32>,
}

impl Repair<'_> {
    /// Decides each neighbourhood anew, at the least price; true when anything became cheaper.
    pub fn exact(&mut self) -> bool {
        let mut any = false;
        let mut left = ALL_WORK;
        for (rows, broken) in self.neighbourhoods() {
            let before: Vec<u32> = rows.iter().copied().filter(|z| self.is_closed(*z)).collect();
            let mut walk = Walk { free: rows.into_iter().collect(), broken, left: WORK.min(left), ..Walk::default() };
            let given = walk.left;
            walk.best = self.cost(&before) + self.mendings(&walk.broken);
            let price = walk.best;
            walk.rows.clone_from(&before);
            for z in &before {
                let change = self.cells.opening(*z);
                self.step_to(&mut walk, change, &[*z], Decision::Show);
            }
            self.descend(&mut walk);
            left -= given - walk.left;
            let rows = std::mem::take(&mut walk.rows);
            let change = self.cells.closing(&rows);
            self.step_to(&mut walk, change, &rows, SECONDARY);
            any |= walk.best < price;
        }
        any
    }

    /// Rows that belong together, with the broken cells among theirs.
    fn neighbourhoods(&self) -> Vec<(Vec<u32>, BTreeSet<Key>)> {
        let problem = self.cells.problem;
        // Rows by number, then communes whose row is known, then all other residences together.
        let zones = problem.zones.len();
        let mut leads: Vec<usize> = (0..2 * zones + 1).collect();
        let place = |r: u32| match problem.residences[r as usize].zones[COMMUNE] {
            Some(c) if self.cells.zone_is_open(c) => zones + c as usize,
            _ => 2 * zones,
        };
        let decided_here: Vec<bool> = (0..zones as u32)
            .map(|z| problem.zones[z as usize].scale != COMMUNE && (self.closable(z) || self.is_closed(z)))
            .collect();
        for z in (0..zones).filter(|z| decided_here[*z]) {
            for r in &self.cells.members[z] {
                let (a, b) = (lead(&mut leads, z), lead(&mut leads, place(*r)));
                leads[a.min(b)] = a.max(b);
            }
        }
        let mut all: BTreeMap<usize, (Vec<u32>, BTreeSet<Key>)> = BTreeMap::new();
        for z in (0..zones).filter(|z| decided_here[*z]) {
            all.entry(lead(&mut leads, z)).or_default().0.push(z as u32);
        }
        for key in &self.cells.broken {
            let cell = self.cells.cells.get(key);
            if let Some(r) = cell.and_then(|c| c.hidden.first().or(c.open.first())) {
                all.entry(lead(&mut leads, place(*r))).or_default().1.insert(*key);
            }
        }
        // Where no row is withheld and no cell broken there is nothing to decide.
        all.into_values()
            .filter(|(rows, broken)| {
                !rows.is_empty() && (!broken.is_empty() || rows.iter().any(|z| self.is_closed(*z)))
            })
            .collect()
    }

    fn is_closed(&self, z: u32) -> bool {
        self.closed.contains(&(self.cells.problem.zones[z as usize].units, z))
    }

    fn mendings(&mut self, broken: &BTreeSet<Key>) -> u64 {
        broken.iter().map(|key| self.mending_at(key)).sum()
    }

    /// What all broken cells cost.
    #[cfg(test)]
    fn price(&mut self) -> u64 {
        let broken = self.cells.broken.clone();
        self.mendings(&broken)
    }

    /// Makes a change true and follows which cells of the neighbourhood are broken.
    fn step_to(&mut self, walk: &mut Walk, change: Change, rows: &[u32], decision: Decision) {
        for key in &change.gone {
            walk.broken.remove(key);
        }
        let come: Vec<Key> = change.come.keys().copied().collect();
        let moved: usize = change.come.values().map(|c| c.hidden.len() + c.open.len()).sum();
        walk.left = walk.left.saturating_sub(moved);
        self.make(change, rows, decision);
        walk.broken.extend(come.into_iter().filter(|key| self.cells.broken.contains(key)));
    }

    /// Looks at a node and at what follows from it.
    fn descend(&mut self, walk: &mut Walk) {
        let mut shown: Vec<u32> = Vec::new();
        while walk.left > 0 {
            let needs = self.needs(walk);
            let looked: usize = needs.iter().map(|n| 1 + n.rows.len()).sum();
            walk.left = walk.left.saturating_sub(1 + looked);
            let price = walk.units + needs.iter().map(|n| n.cost).sum::<u64>();
            if price < walk.best {
                walk.best = price;
                walk.rows.clone_from(&walk.closed);
            }
            let bound = walk.units + needs.iter().map(|n| n.taken).sum::<u64>();
            if bound >= walk.best {
                break;
            }
            // The cell that decides most: what is bounded worst, by the fewest rows.
            let open = needs.into_iter().filter(|n| !n.rows.is_empty());
            let Some(need) = open.max_by_key(|n| (n.cost - n.taken, Reverse(n.rows.len()))) else { break };
            for z in need.rows {
                walk.free.remove(&z);
                shown.push(z);
                let units = self.cost(&[z]);
                if walk.left > 0 && walk.units + units < walk.best {
                    let change = self.cells.closing(&[z]);
                    walk.closed.push(z);
                    walk.units += units;
                    self.step_to(walk, change, &[z], SECONDARY);
                    self.descend(walk);
                    let change = self.cells.opening(z);
                    self.step_to(walk, change, &[z], Decision::Show);
                    walk.units -= units;
                    walk.closed.pop();
                }
            }
            // All are shown: the next turn of the loop.
        }
        walk.free.extend(shown);
    }

    /// The broken cells, each with the rows that could change it and what it takes from them.
    fn needs(&mut self, walk: &Walk) -> Vec<Need> {
        let mut needs: Vec<Need> = walk
            .broken
            .iter()
            .map(|key| Need { cost: self.mending_at(key), taken: 0, rows: self.changing(key, &walk.free) })
            .filter(|n| n.cost > 0)
            .collect();
        // Cells with few rows first: what they do not take nobody else can.
        needs.sort_by_key(|n| n.rows.len());
        let mut taken: HashMap<u32, u64> = HashMap::new();
        for need in &mut needs {
            let rest = |z: &u32| self.cost(&[*z]) - taken.get(z).copied().unwrap_or(0);
            need.taken = need.rows.iter().map(rest).min().map_or(need.cost, |rest| rest.min(need.cost));
            for z in &need.rows {
                *taken.entry(*z).or_default() += need.taken;
            }
        }
        needs
    }

    /// Free rows of which at least one must be withheld for this cell to become another, the cheapest first.
    fn changing(&self, key: &Key, free: &HashSet<u32>) -> Vec<u32> {
        let own = key[..PART].iter().filter(|z| **z > 0).map(|z| z - 1).filter(|z| free.contains(z));
        let mut rows: BTreeSet<u32> = own.collect();
        for other in self.cells.inside(key) {
            // What keeps it apart must be withheld whole: the dearest of its rows stands for all of them.
            let apart = || other[..PART].iter().zip(key).filter(|(o, k)| o != k).map(|(o, _)| o - 1);
            if apart().all(|z| free.contains(&z)) {
                rows.extend(apart().max_by_key(|z| self.cells.problem.zones[*z as usize].units));
            }
        }
        let mut rows: Vec<u32> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|z| (self.cells.problem.zones[*z as usize].units, *z));
        rows
    }
}

/// Who leads the set of a member.
fn lead(leads: &mut [usize], mut member: usize) -> usize {
    while leads[member] != member {
        leads[member] = leads[leads[member]];
        member = leads[member];
    }
    member
}

#[cfg(test)]
mod tests {
    use super::super::repair::tests::{P, problems};
    use super::super::{IRIS, Problem};
    use super::*;
    use proptest::prelude::*;

    /// The least price over every choice of rows other than those of communes, by trying them all.
    fn least(problem: &Problem) -> u64 {
        let mut repair = Repair::new(problem, P);
        let rows: Vec<u32> = (0..problem.zones.len() as u32)
            .filter(|z| problem.zones[*z as usize].scale != COMMUNE && repair.closable(*z) && repair.cost(&[*z]) > 0)
            .collect();
        assert!(rows.len() < 16);
        let mut best = u64::MAX;
        for choice in 0..1u32 << rows.len() {
            let chosen = rows.iter().enumerate().filter(|(n, _)| choice >> n & 1 == 1).map(|(_, z)| *z);
            let chosen: Vec<u32> = chosen.collect();
            let cost = repair.cost(&chosen);
            let change = repair.cells.closing(&chosen);
            repair.make(change, &chosen, SECONDARY);
            best = best.min(cost + repair.price());
            for z in chosen {
                let change = repair.cells.opening(z);
                repair.make(change, &[z], Decision::Show);
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// Against every choice there is, where communes are shown (their rows are not for this search).
        #[test]
        fn nothing_is_cheaper(problem in problems(40), searched in any::<bool>()) {
            let mut problem = problem;
            for z in &mut problem.zones {
                z.fixed |= z.scale == COMMUNE;
                z.withheld = z.withheld.filter(|_| z.scale != COMMUNE);
            }
            // Few enough rows to try every choice: seven IRIS, the QPV, the commune associée.
            let mut iris: Vec<usize> = (0..problem.zones.len()).filter(|z| problem.zones[*z].scale == IRIS).collect();
            iris.retain(|z| problem.zones[*z].withheld.is_none() && problem.zones[*z].units > 0);
            for z in iris.into_iter().skip(7) {
                problem.zones[z].fixed = true;
            }
            let mut repair = Repair::new(&problem, P);
            if searched {
                repair.search();
            }
            repair.exact();
            let rows: Vec<u32> = repair.closed_here();
            prop_assert!(rows.iter().all(|z| !repair.cells.zones[*z as usize].shown()));
            prop_assert_eq!(repair.cost(&rows) + repair.price(), least(&problem));
        }
    }
}
