//! The cells of a problem: residences grouped by the shown zone rows that count them.

use super::rule::{Member, Parameters, holds};
use super::{Decision, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// Name of a cell: for each place the number of the shown zone + 1, or 0; then the part.
pub(super) type Key = [u32; 9];

/// Place of the part in a key.
pub(super) const PART: usize = 8;

/// Whether a cell is in some shown row, or all of it is one part: else nothing says how what is left divides into parts.
pub(super) fn derivable(key: &Key) -> bool {
    key[PART] == 0 || key[..PART].iter().any(|z| *z > 0)
}

/// Residences of a cell, by whether they are in its remainder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// Not shown and not known.
    pub hidden: Vec<u32>,
    /// Shown or known.
    pub open: Vec<u32>,
}

/// Decisions under way and the cells they make. Residences without units are in no cell.
pub(super) struct Cells<'a> {
    pub problem: &'a Problem,
    pub parameters: Parameters,
    pub residences: Vec<Decision>,
    pub zones: Vec<Decision>,
    pub cells: BTreeMap<Key, Cell>,
    /// Cells by zone that is part of their name.
    by_zone: Vec<BTreeSet<Key>>,
    /// Residences of each zone (with units).
    pub members: Vec<Vec<u32>>,
    /// Cells that break the rule.
    pub broken: BTreeSet<Key>,
    /// Cells found to break it since somebody last took these.
    pub news: Vec<Key>,
}

/// What a change would do: cells that go and cells that come.
pub(super) struct Change {
    pub gone: Vec<Key>,
    pub come: BTreeMap<Key, Cell>,
    /// Of those that come, how many break the rule.
    pub broken: usize,
}

impl<'a> Cells<'a> {
    pub fn new(problem: &'a Problem, parameters: Parameters) -> Cells<'a> {
        let decide = |w: Option<super::Motif>| w.map_or(Decision::Show, Decision::Withhold);
        let mut c = Cells {
            problem,
            parameters,
            residences: problem.residences.iter().map(|r| decide(r.withheld)).collect(),
            zones: problem.zones.iter().map(|z| decide(z.withheld)).collect(),
            cells: BTreeMap::new(),
            by_zone: vec![BTreeSet::new(); problem.zones.len()],
            members: vec![Vec::new(); problem.zones.len()],
            broken: BTreeSet::new(),
            news: Vec::new(),
        };
        for (n, r) in problem.residences.iter().enumerate() {
            if r.units == 0 {
                continue;
            }
            for z in r.zones.iter().flatten() {
                c.members[*z as usize].push(n as u32);
            }
            let key = c.key(n as u32, &[]);
            let open = c.is_open(n as u32);
            let cell = c.cells.entry(key).or_default();
            if open { cell.open.push(n as u32) } else { cell.hidden.push(n as u32) }
        }
        let keys: Vec<Key> = c.cells.keys().copied().collect();
        for key in keys {
            c.index(key);
        }
        c
    }

    /// Whether anyone may know the figures of a residence.
    fn is_open(&self, r: u32) -> bool {
        self.residences[r as usize].shown() || self.problem.residences[r as usize].known
    }

    /// Whether anyone may know the figures of a zone.
    pub fn zone_is_open(&self, z: u32) -> bool {
        self.zones[z as usize].shown() || self.problem.zones[z as usize].known
    }

    /// Name of a residence's cell, with some closed zones taken as open.
    fn key(&self, r: u32, opened: &[u32]) -> Key {
        let residence = &self.problem.residences[r as usize];
        let mut key = [0; 9];
        for (k, z) in key.iter_mut().zip(residence.zones) {
            if let Some(z) = z
                && (opened.contains(&z) || self.zone_is_open(z))
            {
                *k = z + 1;
            }
        }
        key[PART] = residence.part;
        key
    }

    pub fn member(&self, r: u32) -> Member {
        let r = &self.problem.residences[r as usize];
        Member { units: r.units, dwellings: r.dwellings, landlord: r.landlord }
    }

    /// Whether a cell holds the rule.
    pub fn cell_holds(&self, cell: &Cell) -> bool {
        holds(&self.parameters, cell.hidden.iter().map(|r| self.member(*r)))
    }

    /// Enters a cell into the indexes.
    fn index(&mut self, key: Key) {
        for z in key[..PART].iter().filter(|z| **z > 0) {
            self.by_zone[*z as usize - 1].insert(key);
        }
        if derivable(&key) && self.cells.get(&key).is_some_and(|c| !self.cell_holds(c)) {
            self.broken.insert(key);
            self.news.push(key);
        } else {
            self.broken.remove(&key);
        }
    }

    fn unindex(&mut self, key: Key) {
        for z in key[..PART].iter().filter(|z| **z > 0) {
            self.by_zone[*z as usize - 1].remove(&key);
        }
        self.broken.remove(&key);
    }

    /// Cells that withholding these zone rows would touch.
    pub fn touched(&self, zones: &[u32]) -> BTreeSet<Key> {
        let mut touched: BTreeSet<Key> = BTreeSet::new();
        for z in zones {
            touched.extend(&self.by_zone[*z as usize]);
        }
        let there: Vec<Key> = touched.iter().map(|key| self.merged(*key, zones)).collect();
        touched.extend(there.into_iter().filter(|k| self.cells.contains_key(k)));
        touched
    }

    /// Name of a cell when these zone rows are withheld.
    fn merged(&self, key: Key, zones: &[u32]) -> Key {
        let mut to = key;
        for k in to[..PART].iter_mut().filter(|k| **k > 0 && zones.contains(&(**k - 1))) {
            // A known row stays known: closing it merges nothing.
            if !self.problem.zones[*k as usize - 1].known {
                *k = 0;
            }
        }
        to
    }

    /// Cells that more rows count than those in the name of this one, and these too; none for a cell in no row.
    pub fn inside<'b>(&'b self, key: &'b Key) -> impl Iterator<Item = &'b Key> {
        let rows = key[..PART].iter().filter(|z| **z > 0).map(|z| &self.by_zone[*z as usize - 1]);
        let few = rows.min_by_key(|cells| cells.len()).into_iter().flatten();
        few.filter(move |other| {
            *other != key && other[PART] == key[PART] && other.iter().zip(key).all(|(o, k)| *k == 0 || o == k)
        })
    }

    /// What withholding these zone rows would do.
    pub fn closing(&self, zones: &[u32]) -> Change {
        let mut gone: BTreeSet<Key> = BTreeSet::new();
        for z in zones {
            gone.extend(&self.by_zone[*z as usize]);
        }
        let mut come: BTreeMap<Key, Cell> = BTreeMap::new();
        for key in &gone {
            let to = self.merged(*key, zones);
            self.pour(*key, come.entry(to).or_default());
        }
        // Cells that are there already under a name that comes.
        let there: Vec<Key> =
            come.keys().filter(|k| !gone.contains(*k) && self.cells.contains_key(*k)).copied().collect();
        for key in there {
            if let Some(cell) = come.get_mut(&key) {
                self.pour(key, cell);
            }
            gone.insert(key);
        }
        self.change(gone, come)
    }

    fn pour(&self, key: Key, into: &mut Cell) {
        if let Some(cell) = self.cells.get(&key) {
            into.hidden.extend(&cell.hidden);
            into.open.extend(&cell.open);
        }
    }

    /// What showing this zone row again would do.
    pub fn opening(&self, zone: u32) -> Change {
        let gone: BTreeSet<Key> = self.members[zone as usize].iter().map(|r| self.key(*r, &[])).collect();
        let mut come: BTreeMap<Key, Cell> = BTreeMap::new();
        for key in &gone {
            let Some(cell) = self.cells.get(key) else { continue };
            for (list, open) in [(&cell.hidden, false), (&cell.open, true)] {
                for r in list {
                    let to = come.entry(self.key(*r, &[zone])).or_default();
                    if open { to.open.push(*r) } else { to.hidden.push(*r) }
                }
            }
        }
        self.change(gone, come)
    }

    fn change(&self, gone: BTreeSet<Key>, come: BTreeMap<Key, Cell>) -> Change {
        let broken = come.iter().filter(|(k, c)| derivable(k) && !self.cell_holds(c)).count();
        Change { gone: gone.into_iter().collect(), come, broken }
    }

    /// Makes a change of zones true.
    pub fn apply(&mut self, change: Change, zones: &[u32], decision: Decision) {
        for z in zones {
            self.zones[*z as usize] = decision;
        }
        for key in change.gone {
            self.cells.remove(&key);
            self.unindex(key);
        }
        let keys: Vec<Key> = change.come.keys().copied().collect();
        self.cells.extend(change.come);
        for key in keys {
            self.index(key);
        }
    }

    /// Decides anew about residences of one cell.
    pub fn decide(&mut self, key: Key, residences: &[u32], decision: Decision) {
        for r in residences {
            self.residences[*r as usize] = decision;
        }
        let opens: Vec<bool> = residences.iter().map(|r| self.is_open(*r)).collect();
        if let Some(cell) = self.cells.get_mut(&key) {
            cell.hidden.retain(|r| !residences.contains(r));
            cell.open.retain(|r| !residences.contains(r));
            for (r, open) in residences.iter().zip(opens) {
                if open { cell.open.push(*r) } else { cell.hidden.push(*r) }
            }
        }
        self.index(key);
    }

    /// Name of the cell a residence is in now.
    pub fn cell_of(&self, r: u32) -> Key {
        self.key(r, &[])
    }
}
