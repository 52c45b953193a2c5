//! Cells of a family of categories, as different attackers see them.

use std::collections::{BTreeMap, BTreeSet};

/// What no shown row tells apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryCell {
    /// Shown rows that count it, ascending.
    pub rows: Vec<u32>,
    /// By landlord; `None`: residences of unknown landlords.
    pub parts: BTreeMap<Option<u32>, CategoryPart>,
}

/// Residences of a cell that one landlord owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryPart {
    /// Units of the largest.
    pub largest: u32,
    /// Units by category: those that rows show, then, where they do not add up to all units, the rest.
    pub counts: Vec<u32>,
}

impl CategoryPart {
    /// Puts another part to it.
    pub fn add(&mut self, other: &CategoryPart) {
        self.largest = self.largest.max(other.largest);
        self.counts.resize(other.counts.len().max(self.counts.len()), 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Units in all.
    pub fn units(&self) -> u32 {
        self.counts.iter().sum()
    }
}

/// A cell as different attackers see it.
pub(super) struct Views {
    /// All of it.
    pub anybody: CategoryPart,
    /// What is not theirs, by number of an attacker who owns something in it.
    pub others: BTreeMap<usize, CategoryPart>,
    /// By category: units that whoever owns most of them does not own.
    pub strange: Vec<u32>,
}

impl Views {
    /// Of a cell with so many categories, for attackers who are sets of landlords.
    pub fn of(cell: &CategoryCell, width: usize, parties: &[BTreeSet<u32>]) -> Views {
        let without = |party: Option<&BTreeSet<u32>>| {
            let mut rest = CategoryPart { largest: 0, counts: vec![0; width] };
            let others = cell.parts.iter().filter(|(l, _)| !l.is_some_and(|l| party.is_some_and(|p| p.contains(&l))));
            others.for_each(|(_, part)| rest.add(part));
            rest
        };
        let anybody = without(None);
        let owns = |p: &BTreeSet<u32>| cell.parts.keys().flatten().any(|l| p.contains(l));
        let there = parties.iter().enumerate().filter(|(_, p)| owns(p));
        let others: BTreeMap<usize, CategoryPart> = there.map(|(n, p)| (n, without(Some(p)))).collect();
        let strange = |c: usize| others.values().map(|v| v.counts[c]).min().unwrap_or(anybody.counts[c]);
        let strange = (0..width).map(strange).collect();
        Views { anybody, others, strange }
    }

    /// As an attacker sees it; `None`: anybody.
    pub fn of_party(&self, party: Option<usize>) -> &CategoryPart {
        party.and_then(|p| self.others.get(&p)).unwrap_or(&self.anybody)
    }
}
