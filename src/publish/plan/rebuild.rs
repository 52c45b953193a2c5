//! Takes zone rows that are withheld apart, a neighbourhood at a time, and withholds anew without one of them: what a search
//! by single steps does not find, because every way there is dearer at first.

use super::Decision;
use super::cells::Key;
use super::repair::Repair;
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
        let is_closed = |s: &Self, z: u32| s.closed.contains(&(s.cells.problem.zones[z as usize].units, z));
        let communes = &self.communes_of[zone as usize];
        let rows = communes.iter().filter_map(|c| self.rows_of.get(c)).flatten().copied();
        let near: BTreeSet<u32> = rows.filter(|z| is_closed(self, *z)).collect();
        let mut region: Vec<Key> = Vec::new();
        let mut price = 0;
        self.changed.clear();
        for z in &near {
            let change = self.cells.opening(*z);
            price += self.raise(&change) - self.cost(&[*z]) as i64;
            region.extend(change.come.keys());
            self.make(change, &[*z], Decision::Show);
        }
        self.barred = Some(zone);
        price += self.close_for_cells(region);
        self.barred = None;
        loop {
            // The dearest first. Rows that were withheld elsewhere are left alone.
            let mut again: Vec<(u32, u32)> =
                self.changed.iter().map(|z| (self.cells.problem.zones[*z as usize].units, *z)).collect();
            again.retain(|z| self.closed.contains(z));
            again.sort_unstable_by(|a, b| b.cmp(a));
            let gain = self.show_again(again.into_iter().map(|(_, z)| z).collect());
            price += gain;
            if gain == 0 {
                break;
            }
        }
        if price < 0 {
            return true;
        }
        let changed = std::mem::take(&mut self.changed);
        for z in changed.iter().filter(|z| !near.contains(*z)) {
            if is_closed(self, *z) {
                let change = self.cells.opening(*z);
                self.make(change, &[*z], Decision::Show);
            }
        }
        let again: Vec<u32> = near.iter().copied().filter(|z| !is_closed(self, *z)).collect();
        let change = self.cells.closing(&again);
        self.make(change, &again, super::repair::SECONDARY);
        false
    }
}
