//! Which categories of zone rows are withheld so that none of a hidden residence can be told (rule G2).
//!
//! Pure functions: in go the cells of a family of categories (income bands, say) and the rows that show it; out come masks.
//!
//! A cell is what no shown row tells apart of residences that are not shown ([`super::cells`]); its size is known. Whoever
//! subtracts published residences from zone rows may know how many of a cell are in each category. G1 makes the cell large
//! enough; yet if all but one of its households are in one category, so is nearly every household of each residence.
//!
//! > **G2**: of a cell of `n` units, at least `doubt` may be in any category, and at least `doubt` may be outside it, as far as
//! > anyone can tell (fewer where no residence of the cell has as many).
//!
//! Where the true figures do not leave that doubt, another state of affairs must be as good an explanation of all that is
//! published: units change category in the cell, and change back in another cell. Rows that count both cells say the same
//! as before; rows that count only one of them withhold both categories. Such an exchange is looked for at the least cost
//! for each need. What is withheld besides only adds explanations, so an exchange that was found stays good.

use std::collections::{BTreeMap, BTreeSet};

/// Parameters of G2. They are published with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// Units that must be possible in a category and outside it.
    pub units: u32,
    /// Whether it may be known that a category is empty.
    pub zeros_safe: bool,
}

/// What no shown row tells apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryCell {
    /// Shown rows that count it, ascending.
    pub rows: Vec<u32>,
    /// Units of its largest residence.
    pub largest: u32,
    /// Units by category: those that rows show, then, where they do not add up to all units, the rest.
    pub counts: Vec<u32>,
}

impl CategoryCell {
    fn units(&self) -> u32 {
        self.counts.iter().sum()
    }
}

/// Categories withheld, a bit for each.
pub type Mask = u32;

/// What has to be possible of a cell besides the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    cell: u32,
    category: usize,
    /// Units to be added to the category (else taken from it).
    up: bool,
}

/// An exchange of categories: `cell` gains in one and loses in the other, `other` the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exchange {
    gain: usize,
    lose: usize,
    other: Option<u32>,
}

struct Search<'a> {
    doubt: Doubt,
    /// Categories that rows show; a cell may have one more.
    shown: usize,
    costs: &'a [u64],
    cells: &'a [CategoryCell],
    by_row: Vec<Vec<u32>>,
    masks: Vec<Mask>,
}

/// Masks of the rows, in their order. `costs`: what a category of a row costs. `before`: what stays withheld whatever is
/// found. `shown`: how many categories rows show.
pub fn masks(doubt: Doubt, shown: usize, costs: &[u64], before: Vec<Mask>, cells: &[CategoryCell]) -> Vec<Mask> {
    let mut by_row = vec![Vec::new(); costs.len()];
    for (k, cell) in cells.iter().enumerate() {
        for row in &cell.rows {
            by_row[*row as usize].push(k as u32);
        }
    }
    let kept = before.clone();
    let mut search = Search { doubt, shown, costs, cells, by_row, masks: before };
    // Needs that are dear by themselves first: what they withhold serves the others.
    let mut needs: Vec<(u64, Need)> = search
        .needs()
        .into_iter()
        .map(|n| (search.cheapest(n, u64::MAX).map_or(0, |(cost, _)| cost), n))
        .filter(|(cost, _)| *cost > 0)
        .collect();
    needs.sort_by_key(|(cost, n)| (std::cmp::Reverse(*cost), n.cell, n.category, n.up));
    let mut chosen: Vec<(Need, Exchange)> = Vec::new();
    for (_, need) in needs {
        if let Some((_, exchange)) = search.cheapest(need, u64::MAX) {
            search.withhold(need, exchange);
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
        for (k, cell) in self.cells.iter().enumerate().filter(|(_, c)| !c.rows.is_empty()) {
            let (d, n) = (self.doubt.units.min(cell.largest), cell.units());
            for (category, count) in cell.counts[..self.shown].iter().copied().enumerate() {
                if count < d && !(count == 0 && self.doubt.zeros_safe) {
                    needs.push(Need { cell: k as u32, category, up: true });
                }
                if n - count < d {
                    needs.push(Need { cell: k as u32, category, up: false });
                }
            }
        }
        needs
    }

    /// The cheapest exchange that meets a need, under a cost.
    fn cheapest(&self, need: Need, under: u64) -> Option<(u64, Exchange)> {
        let cell = &self.cells[need.cell as usize];
        let d = self.doubt.units.min(cell.largest);
        let (c, count) = (need.category, cell.counts[need.category]);
        let mut best: Option<(u64, Exchange)> = None;
        let partners = |best: &mut Option<(u64, Exchange)>, up: bool, units: u32| {
            for p in (0..cell.counts.len()).filter(|p| *p != c) {
                let (gain, lose) = if up { (c, p) } else { (p, c) };
                if cell.counts[lose] < units {
                    continue;
                }
                let alone = Exchange { gain, lose, other: None };
                let near = cell.rows.iter().flat_map(|r| &self.by_row[*r as usize]).copied();
                let with = near
                    .filter(|k| *k != need.cell && self.cells[*k as usize].counts[gain] >= units)
                    .map(|k| Exchange { gain, lose, other: Some(k) });
                for exchange in std::iter::once(alone).chain(with) {
                    let limit = best.map_or(under, |(cost, _)| cost);
                    if limit == 0 {
                        return;
                    }
                    let cost = self.cost(need, exchange, limit);
                    if cost < limit {
                        *best = Some((cost, exchange));
                    }
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
            partners(&mut best, false, d - (cell.units() - count));
        }
        best
    }

    /// Rows that count one of the two cells only.
    fn apart(&self, cell: u32, other: Option<u32>) -> impl Iterator<Item = u32> {
        let a = &self.cells[cell as usize].rows;
        let b: &[u32] = other.map_or(&[], |k| &self.cells[k as usize].rows);
        let own = a.iter().filter(|r| b.binary_search(r).is_err());
        let its = b.iter().filter(|r| a.binary_search(r).is_err());
        own.chain(its).copied()
    }

    fn bits(&self, exchange: Exchange) -> Mask {
        [exchange.gain, exchange.lose].into_iter().filter(|c| *c < self.shown).map(|c| 1 << c).sum()
    }

    /// What an exchange costs beyond what is withheld already; `limit` when it costs that or more.
    fn cost(&self, need: Need, exchange: Exchange, limit: u64) -> u64 {
        let bits = self.bits(exchange);
        let mut cost = 0;
        for row in self.apart(need.cell, exchange.other) {
            let new = (bits & !self.masks[row as usize]).count_ones();
            cost += u64::from(new) * self.costs[row as usize];
            if cost >= limit {
                return limit;
            }
        }
        cost
    }

    fn withhold(&mut self, need: Need, exchange: Exchange) {
        let bits = self.bits(exchange);
        let rows: Vec<u32> = self.apart(need.cell, exchange.other).collect();
        for row in rows {
            self.masks[row as usize] |= bits;
        }
    }

    /// Shows again what every need can do without, the dearest first.
    fn show_again(&mut self, chosen: &mut [(Need, Exchange)], kept: &[Mask]) {
        let mut users: BTreeMap<(u32, usize), BTreeSet<usize>> = BTreeMap::new();
        for (n, (need, exchange)) in chosen.iter().enumerate() {
            self.use_of(*need, *exchange, |key| {
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
                self.use_of(need, chosen[n].1, |key| {
                    if let Some(list) = users.get_mut(&key) {
                        list.remove(&n);
                    }
                });
                chosen[n].1 = exchange;
                self.use_of(need, exchange, |key| {
                    users.entry(key).or_default().insert(n);
                });
            }
        }
    }

    /// Withheld categories of rows that an exchange needs.
    fn use_of(&self, need: Need, exchange: Exchange, mut each: impl FnMut((u32, usize))) {
        for row in self.apart(need.cell, exchange.other) {
            for c in [exchange.gain, exchange.lose].into_iter().filter(|c| *c < self.shown) {
                each((row, c));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROTECT: Doubt = Doubt { units: 3, zeros_safe: false };
    const SAFE: Doubt = Doubt { units: 3, zeros_safe: true };

    fn cell(rows: &[u32], counts: &[u32]) -> CategoryCell {
        CategoryCell { rows: rows.to_vec(), largest: 8, counts: counts.to_vec() }
    }

    fn run(doubt: Doubt, shown: usize, costs: &[u64], cells: &[CategoryCell]) -> Vec<Mask> {
        masks(doubt, shown, costs, vec![0; costs.len()], cells)
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
    fn what_was_withheld_stays_so() {
        let cells = [cell(&[0], &[5, 5])];
        assert_eq!(masks(PROTECT, 1, &[10], vec![1], &cells), [1]);
    }

    proptest! {
        /// With the masks, every need is met at no further cost.
        #[test]
        fn every_need_is_met(counts in prop::collection::vec(prop::collection::vec(0u32..9, 4), 1..8), safe in any::<bool>()) {
            let cells: Vec<CategoryCell> = counts
                .iter()
                .enumerate()
                .map(|(k, c)| {
                    let mut c = c.clone();
                    c[k % 4] += 12;
                    let row = (k / 2) as u32;
                    let mut rows = vec![row, 4];
                    if k % 3 == 0 { rows.push(5); }
                    CategoryCell { rows, largest: 8, counts: c }
                })
                .collect();
            let costs = [10, 11, 12, 13, 100, 20];
            let doubt = Doubt { units: 3, zeros_safe: safe };
            for shown in [3, 4] {
                let found = masks(doubt, shown, &costs, vec![0; 6], &cells);
                let mut by_row = vec![Vec::new(); 6];
                for (k, c) in cells.iter().enumerate() {
                    c.rows.iter().for_each(|r| by_row[*r as usize].push(k as u32));
                }
                let search = Search { doubt, shown, costs: &costs, cells: &cells, by_row, masks: found };
                for need in search.needs() {
                    prop_assert!(search.cheapest(need, 1).is_some(), "{need:?} {:?}", search.masks);
                }
            }
        }
    }
}
