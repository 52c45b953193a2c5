//! Which categories of zone rows are withheld so that none of a hidden residence can be told (rule G2).
//!
//! Pure functions: in go the cells of a family of categories (income bands, say) and the rows that show it; out come masks.
//!
//! A cell is what no shown row tells apart of residences that are not shown ([`super::cells`]); its size is known. Whoever
//! subtracts published residences from zone rows may know how many of a cell are in each category. G1 makes the cell large
//! enough; yet if all but one of its households are in one category, so is nearly every household of each residence.
//!
//! > **G2**: of a cell of `n` units, at least `doubt` may be in any category, and at least `doubt` may be outside it, as far as
//! > anyone can tell (fewer where no residence of the cell has as many); and the same of what is left of the cell when a
//! > landlord, a corporate group, or a named coalition removes what it knows as its own.
//!
//! Where the true figures do not leave that doubt, another state of affairs must be as good an explanation of all that is
//! published: units change category in the cell, and change back in another cell. Rows that count both cells say the same
//! as before; rows that count only one of them withhold both categories. Such an exchange is looked for at the least cost
//! for each need. What is withheld besides only adds explanations, so an exchange that was found stays good.

use super::rule::Attackers;
use super::views::{CategoryCell, Views};
use std::collections::{BTreeMap, BTreeSet};

/// Parameters of G2. They are published with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// Units that must be possible in a category and outside it.
    pub units: u32,
    /// Whether it may be known that a category is empty.
    pub zeros_safe: bool,
}

/// Categories withheld, a bit for each.
pub type Mask = u32;

/// What has to be possible of a cell besides the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    cell: u32,
    /// To whom; `None`: anybody.
    party: Option<usize>,
    category: usize,
    /// Units to be added to the category (else taken from it).
    up: bool,
}

/// An exchange of categories: `cell` gains in one and loses in the other, `others` the reverse: one cell, or one for each
/// vintage whose rows count `cell`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exchange {
    gain: usize,
    lose: usize,
    others: Vec<u32>,
}

struct Search<'a> {
    doubt: Doubt,
    /// Categories that rows show; a cell may have one more.
    shown: usize,
    costs: &'a [u64],
    vintages: &'a [i32],
    cells: &'a [CategoryCell],
    /// The vintage of all rows that count a cell, if it is one.
    spans: Vec<Option<i32>>,
    views: Vec<Views>,
    by_row: Vec<Vec<u32>>,
    masks: Vec<Mask>,
}

/// Masks of the rows, in their order. `costs`: what a category of a row costs. `vintages`: of rows. `before`: what stays withheld whatever is
/// found. `shown`: how many categories rows show. Of the attackers pairs are not looked at.
pub fn masks(
    doubt: Doubt,
    attackers: &Attackers,
    shown: usize,
    costs: &[u64],
    vintages: &[i32],
    before: Vec<Mask>,
    cells: &[CategoryCell],
) -> Vec<Mask> {
    if doubt.units == 0 {
        return before;
    }
    let landlords: BTreeSet<u32> = cells.iter().flat_map(|c| c.parts.keys().copied().flatten()).collect();
    let parties = attackers.parties(&landlords);
    let width = cells.iter().flat_map(|c| c.parts.values()).map(|p| p.counts.len()).max().unwrap_or(shown);
    let views = cells.iter().map(|c| Views::of(c, width, &parties)).collect();
    let mut by_row = vec![Vec::new(); costs.len()];
    for (k, cell) in cells.iter().enumerate() {
        for row in &cell.rows {
            by_row[*row as usize].push(k as u32);
        }
    }
    let kept = before.clone();
    let spans = cells.iter().map(|c| span(&c.rows, vintages)).collect();
    let mut search = Search { doubt, shown, costs, vintages, cells, spans, views, by_row, masks: before };
    // Needs that are dear by themselves first: what they withhold serves the others.
    let mut needs: Vec<(u64, Need)> = search
        .needs()
        .into_iter()
        .map(|n| (search.cheapest(n, u64::MAX).map_or(0, |(cost, _)| cost), n))
        .filter(|(cost, _)| *cost > 0)
        .collect();
    needs.sort_by_key(|(cost, n)| (std::cmp::Reverse(*cost), n.party, n.cell, n.category, n.up));
    let mut chosen: Vec<(Need, Exchange)> = Vec::new();
    for (_, need) in needs {
        if let Some((_, exchange)) = search.cheapest(need, u64::MAX) {
            search.withhold(need, &exchange);
            chosen.push((need, exchange));
        }
    }
    search.show_again(&mut chosen, &kept);
    search.masks
}

impl Search<'_> {
    /// What the truth leaves too little doubt of.
    fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for (k, views) in self.views.iter().enumerate().filter(|(k, _)| !self.cells[*k].rows.is_empty()) {
            let others = views.others.iter().map(|(p, v)| (Some(*p), v));
            for (party, view) in std::iter::once((None, &views.anybody)).chain(others) {
                let (d, n) = (self.doubt.units.min(view.largest), view.units());
                for (category, count) in view.counts[..self.shown].iter().copied().enumerate() {
                    let need = |up| Need { cell: k as u32, party, category, up };
                    if count < d && !(count == 0 && self.doubt.zeros_safe) {
                        needs.push(need(true));
                    }
                    if n - count < d {
                        needs.push(need(false));
                    }
                }
            }
        }
        needs
    }

    /// The cheapest exchange that meets a need, under a cost.
    fn cheapest(&self, need: Need, under: u64) -> Option<(u64, Exchange)> {
        let rows = &self.cells[need.cell as usize].rows;
        let view = self.views[need.cell as usize].of_party(need.party);
        let d = self.doubt.units.min(view.largest);
        let (c, count) = (need.category, view.counts[need.category]);
        let mut best: Option<(u64, Exchange)> = None;
        // Who owns nothing in the cell may own much of the other one.
        let there = |k: u32, gain: usize| {
            let views = &self.views[k as usize];
            need.party.map_or(views.strange[gain], |_| views.of_party(need.party).counts[gain])
        };
        let mut near: Vec<u32> = rows.iter().flat_map(|r| &self.by_row[*r as usize]).copied().collect();
        near.sort_unstable();
        near.dedup();
        near.retain(|k| *k != need.cell);
        let partners = |best: &mut Option<(u64, Exchange)>, up: bool, units: u32| {
            for p in (0..view.counts.len()).filter(|p| *p != c) {
                let (gain, lose) = if up { (c, p) } else { (p, c) };
                if view.counts[lose] < units {
                    continue;
                }
                let limit = best.as_ref().map_or(under, |(cost, _)| *cost);
                if limit == 0 {
                    return;
                }
                let with: Vec<u32> = near.iter().copied().filter(|k| there(*k, gain) >= units).collect();
                if let Some((cost, others)) = self.others(rows, &with, self.bits(gain, lose), limit) {
                    *best = Some((cost, Exchange { gain, lose, others }));
                }
            }
        };
        if need.up {
            partners(&mut best, true, d - count);
            // Where a zero gives nothing away, it is enough that there may be none.
            if self.doubt.zeros_safe && count > 0 {
                partners(&mut best, false, count);
            }
        } else {
            partners(&mut best, false, d - (view.units() - count));
        }
        best
    }

    /// The cheapest cells, of some, to change the other way round, under a cost: one, or one for each vintage of the rows.
    fn others(&self, rows: &[u32], with: &[u32], bits: Mask, under: u64) -> Option<(u64, Vec<u32>)> {
        let mut vintages: Vec<i32> = rows.iter().map(|r| self.vintages[*r as usize]).collect();
        vintages.sort_unstable();
        vintages.dedup();
        let (mut total, mut all) = (0, Vec::new());
        for vintage in vintages {
            let own = rows.iter().copied().filter(|r| self.vintages[*r as usize] == vintage);
            let own: Vec<u32> = own.collect();
            let mut best = (self.cost(&own, &[], bits, under - total), None);
            for k in with.iter().filter(|k| self.spans[**k as usize] == Some(vintage)) {
                if best.0 == 0 {
                    break;
                }
                let cost = self.cost(&own, &self.cells[*k as usize].rows, bits, best.0);
                if cost < best.0 {
                    best = (cost, Some(*k));
                }
            }
            total += best.0;
            all.extend(best.1);
            if total >= under {
                total = under;
                break;
            }
        }
        let mut best = (total < under).then_some((total, all));
        for k in with.iter().filter(|k| self.spans[**k as usize].is_none()) {
            let limit = best.as_ref().map_or(under, |(cost, _)| *cost);
            if limit == 0 {
                break;
            }
            let cost = self.cost(rows, &self.cells[*k as usize].rows, bits, limit);
            if cost < limit {
                best = Some((cost, vec![*k]));
            }
        }
        best
    }

    /// Rows in one of two lists only.
    fn apart<'r>(a: &'r [u32], b: &'r [u32]) -> impl Iterator<Item = u32> + 'r {
        let own = a.iter().filter(move |r| b.binary_search(r).is_err());
        let its = b.iter().filter(move |r| a.binary_search(r).is_err());
        own.chain(its).copied()
    }

    /// Rows that must withhold for an exchange.
    fn touched(&self, need: Need, exchange: &Exchange) -> Vec<u32> {
        let others = exchange.others.iter().flat_map(|k| &self.cells[*k as usize].rows);
        let mut theirs: Vec<u32> = others.copied().collect();
        theirs.sort_unstable();
        Self::apart(&self.cells[need.cell as usize].rows, &theirs).collect()
    }

    fn bits(&self, gain: usize, lose: usize) -> Mask {
        [gain, lose].into_iter().filter(|c| *c < self.shown).map(|c| 1 << c).sum()
    }

    /// What it costs beyond what is withheld already to withhold where two lists of rows differ; `limit` when that or more.
    fn cost(&self, a: &[u32], b: &[u32], bits: Mask, limit: u64) -> u64 {
        let mut cost = 0;
        for row in Self::apart(a, b) {
            let new = (bits & !self.masks[row as usize]).count_ones();
            cost += u64::from(new) * self.costs[row as usize];
            if cost >= limit {
                return limit;
            }
        }
        cost
    }

    fn withhold(&mut self, need: Need, exchange: &Exchange) {
        let bits = self.bits(exchange.gain, exchange.lose);
        for row in self.touched(need, exchange) {
            self.masks[row as usize] |= bits;
        }
    }

    /// Shows again what every need can do without, the dearest first.
    fn show_again(&mut self, chosen: &mut [(Need, Exchange)], kept: &[Mask]) {
        let mut users: BTreeMap<(u32, usize), BTreeSet<usize>> = BTreeMap::new();
        for (n, (need, exchange)) in chosen.iter().enumerate() {
            self.use_of(*need, exchange, |key| {
                users.entry(key).or_default().insert(n);
            });
        }
        let mut masked: Vec<(u32, usize)> = (0u32..)
            .zip(self.masks.iter().zip(kept))
            .flat_map(|(row, (m, k))| (0..self.shown).filter(move |c| m & !k & (1 << c) != 0).map(move |c| (row, c)))
            .collect();
        masked.sort_by_key(|(row, c)| (std::cmp::Reverse(self.costs[*row as usize]), *row, *c));
        for key in masked {
            self.masks[key.0 as usize] &= !(1 << key.1);
            let needs: Vec<usize> = users.get(&key).into_iter().flatten().copied().collect();
            let others: Vec<Option<Exchange>> =
                needs.iter().map(|n| self.cheapest(chosen[*n].0, 1).map(|(_, e)| e)).collect();
            if others.iter().any(Option::is_none) {
                self.masks[key.0 as usize] |= 1 << key.1;
                continue;
            }
            for (n, exchange) in needs.into_iter().zip(others.into_iter().flatten()) {
                let need = chosen[n].0;
                self.use_of(need, &chosen[n].1, |key| {
                    if let Some(list) = users.get_mut(&key) {
                        list.remove(&n);
                    }
                });
                self.use_of(need, &exchange, |key| {
                    users.entry(key).or_default().insert(n);
                });
                chosen[n].1 = exchange;
            }
        }
    }

    /// Withheld categories of rows that an exchange needs.
    fn use_of(&self, need: Need, exchange: &Exchange, mut each: impl FnMut((u32, usize))) {
        for row in self.touched(need, exchange) {
            for c in [exchange.gain, exchange.lose].into_iter().filter(|c| *c < self.shown) {
                each((row, c));
            }
        }
    }
}

/// The vintage of rows, if it is one.
fn span(rows: &[u32], vintages: &[i32]) -> Option<i32> {
    let first = vintages[*rows.first()? as usize];
    rows.iter().all(|r| vintages[*r as usize] == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::super::views::CategoryPart;
    use super::*;
    use proptest::prelude::*;

    const PROTECT: Doubt = Doubt { units: 3, zeros_safe: false };
    const SAFE: Doubt = Doubt { units: 3, zeros_safe: true };

    fn cell(rows: &[u32], counts: &[u32]) -> CategoryCell {
        owned(rows, &[(None, counts)])
    }

    /// Residences of at most 8 units, of some landlords.
    fn owned(rows: &[u32], parts: &[(Option<u32>, &[u32])]) -> CategoryCell {
        let part = |(l, counts): &(Option<u32>, &[u32])| (*l, CategoryPart { largest: 8, counts: counts.to_vec() });
        CategoryCell { rows: rows.to_vec(), parts: parts.iter().map(part).collect() }
    }

    fn run(doubt: Doubt, shown: usize, costs: &[u64], cells: &[CategoryCell]) -> Vec<Mask> {
        masks(doubt, &Attackers::ALONE, shown, costs, &vec![2024; costs.len()], vec![0; costs.len()], cells)
    }

    #[test]
    fn doubt_enough_withholds_nothing() {
        assert_eq!(run(PROTECT, 3, &[1, 5], &[cell(&[0, 1], &[5, 4, 3]), cell(&[1], &[4, 4, 4])]), [0, 0]);
    }

    #[test]
    fn a_rare_category_is_withheld_with_a_partner_and_a_sibling() {
        // Row 2 counts both cells: rows 0 and 1 withhold, it does not.
        let cells = [cell(&[0, 2], &[1, 9, 9]), cell(&[1, 2], &[6, 9, 9])];
        let masks = run(PROTECT, 3, &[10, 10, 1000], &cells);
        assert!(masks[0] & 1 == 1 && masks[0].count_ones() == 2 && masks[0] == masks[1] && masks[2] == 0, "{masks:?}");
    }

    #[test]
    fn without_a_sibling_the_row_above_withholds_too() {
        let masks = run(PROTECT, 3, &[10, 1000], &[cell(&[0, 1], &[1, 9, 9])]);
        assert!(masks[0] == masks[1] && masks[0].count_ones() == 2, "{masks:?}");
    }

    #[test]
    fn one_figure_of_a_family_that_does_not_add_up_needs_no_partner() {
        let cells = [cell(&[0, 2], &[1, 20]), cell(&[1, 2], &[6, 20])];
        assert_eq!(run(PROTECT, 1, &[10, 10, 1000], &cells), [1, 1, 0]);
        // Nearly all of them is as bad as nearly none.
        let cells = [cell(&[0, 2], &[20, 1]), cell(&[1, 2], &[9, 9])];
        assert_eq!(run(PROTECT, 1, &[10, 10, 1000], &cells), [1, 1, 0]);
    }

    #[test]
    fn zeros_may_be_safe() {
        let cells = [cell(&[0, 2], &[0, 20]), cell(&[1, 2], &[6, 20])];
        assert_eq!(run(SAFE, 1, &[10, 10, 1000], &cells), [0, 0, 0]);
        assert_eq!(run(PROTECT, 1, &[10, 10, 1000], &cells), [1, 1, 0]);
        // All of them in one category is never safe.
        let cells = [cell(&[0, 2], &[20, 0]), cell(&[1, 2], &[6, 20])];
        assert_eq!(run(SAFE, 1, &[10, 10, 1000], &cells), [1, 1, 0]);
    }

    #[test]
    fn rows_that_cross_serve_each_other() {
        // Row 0 is cut by row 1: withholding in row 1 alone is enough.
        let cells = [cell(&[0, 1], &[1, 20]), cell(&[0], &[6, 20])];
        assert_eq!(run(PROTECT, 1, &[10, 10], &cells), [0, 1]);
    }

    #[test]
    fn what_two_vintages_count_changes_with_one_cell_of_each() {
        // Cell 0 stands in both vintages with the same figures, beside what is renewed: no row has to withhold.
        let cells = [cell(&[0, 1], &[1, 20]), cell(&[0], &[6, 20]), cell(&[1], &[7, 20])];
        let run =
            |cells: &[CategoryCell]| masks(PROTECT, &Attackers::ALONE, 1, &[10, 10], &[2023, 2024], vec![0; 2], cells);
        assert_eq!(run(&cells), [0, 0]);
        // Without one of these its row withholds, as it tells the same as the other.
        assert_eq!(run(&cells[..2]), [0, 1]);
        assert_eq!(run(&cells[..1]), [1, 1]);
    }

    #[test]
    fn what_was_withheld_stays_so() {
        let cells = [cell(&[0], &[5, 5])];
        assert_eq!(masks(PROTECT, &Attackers::NOBODY, 1, &[10], &[2024], vec![1], &cells), [1]);
    }

    #[test]
    fn a_landlord_may_not_know_what_the_others_have() {
        // Four in all, three of them of landlord 1: it sees one of 14 that are not its own.
        let parts: &[(Option<u32>, &[u32])] = &[(Some(1), &[3, 4]), (Some(2), &[1, 13])];
        let sibling = |landlord| owned(&[1, 2], &[(Some(landlord), &[6, 20])]);
        assert_eq!(run(PROTECT, 1, &[10, 10, 1000], &[owned(&[0, 2], parts), sibling(3)]), [1, 1, 0]);
        let nobody = |cells: &[CategoryCell]| {
            masks(PROTECT, &Attackers::NOBODY, 1, &[10, 10, 1000], &[2024; 3], vec![0; 3], cells)
        };
        assert_eq!(nobody(&[owned(&[0, 2], parts), sibling(3)]), [0, 0, 0]);
        // What changes in the other cell may not be its own: the row above withholds instead.
        let masks = run(PROTECT, 1, &[10, 10, 1000], &[owned(&[0, 2], parts), sibling(1)]);
        assert_eq!([masks[0], masks[2]], [1, 1]);
        // One of 20: nobody may see through the exchange, so it is not with a cell of a single landlord.
        let masks = run(PROTECT, 1, &[10, 10, 1000], &[cell(&[0, 2], &[1, 20]), sibling(1)]);
        assert_eq!([masks[0], masks[2]], [1, 1]);
    }

    proptest! {
        /// With the masks, every need is met at no further cost.
        #[test]
        fn every_need_is_met(counts in prop::collection::vec((prop::collection::vec(0u32..9, 4), 0u32..3, 0u32..5), 1..8), safe in any::<bool>()) {
            let cells: Vec<CategoryCell> = counts
                .iter()
                .enumerate()
                .map(|(k, (c, landlord, own))| {
                    let mut c = c.clone();
                    c[k % 4] += 12;
                    let theirs: Vec<u32> = c.iter().map(|n| n * own / 8).collect();
                    c.iter_mut().zip(&theirs).for_each(|(n, t)| *n -= t);
                    let row = (k / 2) as u32;
                    let mut rows = vec![row, 4];
                    if k % 3 == 0 { rows.push(5); }
                    owned(&rows, &[(None, &c), (Some(*landlord), &theirs)])
                })
                .collect();
            let costs = [10, 11, 12, 13, 100, 20];
            let vintages = [2023, 2023, 2023, 2023, 2023, 2024];
            let doubt = Doubt { units: 3, zeros_safe: safe };
            for shown in [3, 4] {
                let found = masks(doubt, &Attackers::ALONE, shown, &costs, &vintages, vec![0; 6], &cells);
                let mut by_row = vec![Vec::new(); 6];
                for (k, c) in cells.iter().enumerate() {
                    c.rows.iter().for_each(|r| by_row[*r as usize].push(k as u32));
                }
                let parties: Vec<BTreeSet<u32>> = (0..3).map(|l| BTreeSet::from([l])).collect();
                let views = cells.iter().map(|c| Views::of(c, 4, &parties)).collect();
                let spans = cells.iter().map(|c| span(&c.rows, &vintages)).collect();
                let search = Search { doubt, shown, costs: &costs, vintages: &vintages, cells: &cells, spans, views, by_row, masks: found };
                for need in search.needs() {
                    prop_assert!(search.cheapest(need, 1).is_some(), "{need:?} {:?}", search.masks);
                }
            }
        }
    }
}
