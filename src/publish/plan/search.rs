//! Which zone rows to withhold: local search over the units lost.
//!
//! The price of a plan is that of the zone rows withheld plus, for each broken cell, that of the cheapest residences that
//! mend it, or far more when none do. From nothing withheld, steps are taken that lower the price: withhold the zones of a
//! cell (alone, with a sibling, with a whole commune), show a row again, exchange a row for a sibling of it. Exchanges find
//! what a greedy choice misses, above all that several IRIS withheld for one reason mend each other for nothing. Where no step
//! helps any more, neighbourhoods are rebuilt (`rebuild`).

use super::cells::{Cell, Change, Key, derivable};
use super::repair::{Repair, SECONDARY};
use super::{COMMUNE, Decision, IRIS};
use std::collections::{BinaryHeap, HashSet};

/// Price of a cell that no residence of it can mend: more than any row.
const HOPELESS: u64 = 1 << 40;
/// Rounds of improvement.
const ROUNDS: usize = 12;
/// Siblings that are tried in exchange for a row, the cheapest first.
const EXCHANGES: usize = 40;

/// By how much a step raises the price: units, and cells that become hopeless (below zero: that cease to be).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Raise {
    hopeless: i64,
    units: i64,
}

impl Raise {
    fn of(raise: i64) -> Raise {
        let hopeless = (raise + (HOPELESS / 2) as i64).div_euclid(HOPELESS as i64);
        Raise { hopeless, units: raise - hopeless * HOPELESS as i64 }
    }

    /// Whether it is worth taking, and more so than another step. Hopeless cells must be mended, but not two at any price
    /// where each can be mended by itself for less: what counts is the price of one.
    fn better(self, than: Option<Raise>) -> bool {
        match (self.hopeless, than) {
            (1.., _) => false,
            (0, None) => self.units < 0,
            (0, Some(t)) => t.hopeless == 0 && self.units < t.units,
            (_, None) => true,
            (_, Some(t)) if t.hopeless == 0 => true,
            (_, Some(t)) => self.units * -t.hopeless < t.units * -self.hopeless,
        }
    }
}

impl Repair<'_> {
    /// Decides which zone rows are withheld; cells that residences can mend are left for them.
    pub fn search(&mut self) {
        for _ in 0..ROUNDS {
            let broken = self.cells.broken.iter().copied().collect();
            let mut better = self.close_for_cells(broken) < 0;
            better |= self.show_again(self.closed_here()) < 0;
            better |= self.exchange();
            if !better && !self.rebuild() {
                break;
            }
        }
    }

    /// What it costs to leave a cell to its residences.
    fn mending(&mut self, cell: &Cell) -> u64 {
        if self.cells.cell_holds(cell) {
            return 0;
        }
        let mut name: Vec<u32> = cell.hidden.clone();
        name.sort_unstable();
        name.push(u32::MAX);
        let from = name.len();
        name.extend(&cell.open);
        name[from..].sort_unstable();
        if let Some(cost) = self.mending.get(&name) {
            return *cost;
        }
        let cost = self.by_residences(cell).map_or(HOPELESS, |(cost, _)| cost);
        self.mending.insert(name, cost);
        cost
    }

    /// What the cells cost now that withholding these zone rows would touch.
    fn saving(&mut self, zones: &[u32]) -> i64 {
        let touched = self.cells.touched(zones);
        touched.iter().map(|key| self.mending_at(key) as i64).sum()
    }

    /// What it costs to leave a broken cell as it is to its residences.
    pub fn mending_at(&mut self, key: &Key) -> u64 {
        if !self.cells.broken.contains(key) {
            return 0;
        }
        if let Some(cost) = self.standing.get(key) {
            return *cost;
        }
        let cost = self.cells.cells.get(key).cloned().map_or(0, |cell| self.mending(&cell));
        self.standing.insert(*key, cost);
        cost
    }

    /// Makes a change true.
    pub fn make(&mut self, change: Change, zones: &[u32], decision: Decision) {
        for key in change.gone.iter().chain(change.come.keys()) {
            self.standing.remove(key);
        }
        for z in zones {
            let zone = &self.cells.problem.zones[*z as usize];
            if decision == SECONDARY && zone.withheld.is_none() {
                self.closed.insert((zone.units, *z));
            } else {
                self.closed.remove(&(zone.units, *z));
            }
            self.changed.insert(*z);
        }
        self.cells.apply(change, zones, decision);
    }

    /// By how much a change of zones raises the price of cells.
    pub fn raise(&mut self, change: &Change) -> i64 {
        let mut raise = 0i64;
        for (key, cell) in &change.come {
            if derivable(key) {
                raise += self.mending(cell) as i64;
            }
        }
        for key in &change.gone {
            raise -= self.mending_at(key) as i64;
        }
        raise
    }

    /// Withholds zone rows for these broken cells, and for those that it makes, where that is cheaper than their residences;
    /// returns by how much the price rises.
    pub fn close_for_cells(&mut self, cells: Vec<Key>) -> i64 {
        let mut price = 0;
        let mut seen: HashSet<Key> = HashSet::new();
        // The dearest first: what is withheld for them may mend others for nothing. What has changed since it was put
        // here is skipped: it was put here again.
        let mut queue: BinaryHeap<(u64, Key)> = BinaryHeap::new();
        self.cells.news = cells;
        loop {
            for key in std::mem::take(&mut self.cells.news) {
                if self.cells.broken.contains(&key) {
                    queue.push((self.mending_at(&key), key));
                }
            }
            let Some((cost, key)) = queue.pop() else { return price };
            if seen.contains(&key) || !self.cells.broken.contains(&key) || self.mending_at(&key) != cost {
                continue;
            }
            let mut best: Option<(Raise, Vec<u32>, Change)> = None;
            let qpvs: Vec<u32> =
                [super::QPV, super::QPV + 4].iter().filter(|s| key[**s] > 0).map(|s| key[*s] - 1).collect();
            let qpvs: Vec<u32> = qpvs.into_iter().filter(|z| self.closable(*z)).collect();
            for set in self.options(key).into_iter().flatten() {
                for with in [&[][..], &qpvs] {
                    if with.is_empty() && set.is_empty() {
                        continue;
                    }
                    let mut set = set.clone();
                    set.extend(with);
                    let cost = self.cost(&set) as i64;
                    // No more can be gained than the cells that it touches cost now.
                    let bound = Raise::of(cost - self.saving(&set));
                    if !bound.better(best.as_ref().map(|(b, ..)| *b)) {
                        continue;
                    }
                    let change = self.cells.closing(&set);
                    let raise = Raise::of(cost + self.raise(&change));
                    if raise.better(best.as_ref().map(|(b, ..)| *b)) {
                        best = Some((raise, set, change));
                    }
                    if qpvs.is_empty() {
                        break;
                    }
                }
            }
            match best {
                Some((raise, set, change)) => {
                    price += raise.units + raise.hopeless * HOPELESS as i64;
                    self.make(change, &set, SECONDARY);
                    self.cells.news.push(key);
                }
                None => {
                    seen.insert(key);
                }
            }
        }
    }

    /// Zone rows withheld here, the dearest first.
    pub fn closed_here(&self) -> Vec<u32> {
        self.closed.iter().rev().map(|(_, z)| *z).collect()
    }

    /// Shows those of some rows again whose cells cost less than they do; returns by how much the price rises.
    pub fn show_again(&mut self, zones: Vec<u32>) -> i64 {
        let mut price = 0;
        for z in zones {
            let change = self.cells.opening(z);
            let raise = self.raise(&change) - self.cost(&[z]) as i64;
            if raise < 0 {
                self.make(change, &[z], Decision::Show);
                price += raise;
            }
        }
        price
    }

    /// Shows a row again and withholds a sibling instead.
    fn exchange(&mut self) -> bool {
        let mut any = false;
        for z in self.closed_here() {
            let scale = self.cells.problem.zones[z as usize].scale;
            let other = |s: &u32| *s != z && self.closable(*s);
            let siblings: Vec<u32> = match scale {
                IRIS => {
                    let list = self.siblings.get(&z).and_then(|place| self.iris.get(place));
                    list.into_iter().flatten().copied().filter(other).take(EXCHANGES).collect()
                }
                COMMUNE => self.free_communes().map(|(_, c, _)| *c).filter(other).take(EXCHANGES).collect(),
                _ => continue,
            };
            let own = self.cost(&[z]) as i64;
            let opened = self.cells.opening(z).gone;
            let freed: i64 = opened.iter().map(|k| self.mending_at(k) as i64).sum();
            for s in siblings {
                if self.cost(&[s]) as i64 - self.saving(&[s]) - freed >= own {
                    continue;
                }
                let change = self.cells.closing(&[s]);
                let first = self.cost(&[s]) as i64 + self.raise(&change);
                self.make(change, &[s], SECONDARY);
                let change = self.cells.opening(z);
                if first + self.raise(&change) < self.cost(&[z]) as i64 {
                    self.make(change, &[z], Decision::Show);
                    any = true;
                    break;
                }
                let back = self.cells.opening(s);
                self.make(back, &[s], Decision::Show);
            }
        }
        any
    }
}
