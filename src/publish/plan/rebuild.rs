//! Takes zone rows that are withheld apart, a neighbourhood at a time, and withholds anew without one of them: what a search
//! by single steps does not find, because every way there is dearer at first.

use super::cells::Key;
use super::repair::Repair;
use super::{COMMUNE, Decision};
use std::collections::BTreeSet;

impl Repair<'_> {
    /// Rebuilds round every row that is withheld here; true when anything became cheaper.
    pub fn rebuild(&mut self) -> bool {
        let mut any = false;
        for zone in self.closed_here() {
            if !self.cells.zones[zone as usize].shown() {
                any |= self.rebuild_without(zone);
            }
        }
        any
    }

    fn rebuild_without(&mut self, zone: u32) -> bool {
        let before: BTreeSet<u32> = self.closed_here().into_iter().collect();
        let here = self.communes_of(zone);
        let near: Vec<u32> = before.iter().copied().filter(|z| !self.communes_of(*z).is_disjoint(&here)).collect();
        let far: BTreeSet<u32> = before.iter().copied().filter(|z| !near.contains(z)).collect();
        let mut region: BTreeSet<Key> = BTreeSet::new();
        let mut price = 0;
        for z in near {
            let change = self.cells.opening(z);
            price += self.raise(&change) - self.cost(&[z]) as i64;
            region.extend(change.come.keys());
            self.make(change, &[z], Decision::Show);
        }
        self.barred = Some(zone);
        price += self.close_for_cells(Some(&mut region));
        self.barred = None;
        loop {
            let again: Vec<u32> = self.closed_here().into_iter().filter(|z| !far.contains(z)).collect();
            let gain = self.show_again(again);
            price += gain;
            if gain == 0 {
                break;
            }
        }
        if price < 0 {
            return true;
        }
        let after: BTreeSet<u32> = self.closed_here().into_iter().collect();
        for z in after.difference(&before) {
            let change = self.cells.opening(*z);
            self.make(change, &[*z], Decision::Show);
        }
        let again: Vec<u32> = before.difference(&after).copied().collect();
        let change = self.cells.closing(&again);
        self.make(change, &again, super::repair::SECONDARY);
        false
    }

    /// Communes of the residences that a zone row counts.
    fn communes_of(&self, zone: u32) -> BTreeSet<u32> {
        let residences = &self.cells.problem.residences;
        self.cells.members[zone as usize].iter().filter_map(|r| residences[*r as usize].zones[COMMUNE]).collect()
    }
}
