//! How narrowly the number of units in a category can be told: bounds by linear programming.
//!
//! The attacker subtracts what published residences say from what published zone rows say, and knows how many units each
//! hidden residence has. What no row tells apart is a cell: within it, any household may be of any residence. So a residence of
//! `r` units in a cell of `n` has at most as many in a category as the cell may have, and at least `r` less what the cell may
//! have outside it. Unknowns are the units of each cell in each category; they are not negative, they add up to `n`, and to
//! what each row says where it says something.
//!
//! Most unknowns follow from one row less others inside it. The rest falls into small parts, each a linear program.

use super::sets::Sets;
use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What must stay in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// Units that must be possible in a category and outside it.
    pub units: u64,
    /// Whether it may be known that a category is, or may be, empty.
    pub zeros_safe: bool,
}

/// Units that no row tells apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many.
    pub units: u64,
    /// Those of its largest residence.
    pub largest: u64,
    /// Rows that count it.
    pub rows: Vec<usize>,
}

/// Cells and what rows say of them, in one family of categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// Cells.
    pub cells: Vec<Cell>,
    /// For each row, by category: units of its cells; `None`: withheld.
    pub rows: Vec<Vec<Option<i64>>>,
    /// Categories that rows may say.
    pub categories: usize,
    /// Whether they add up to all units.
    pub whole: bool,
}

/// A category of a cell that leaves too little doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrow {
    /// Place in [`System::cells`].
    pub cell: usize,
    /// Category.
    pub category: usize,
    /// `interval`, `incoherent` (what is published contradicts what is known), `too_complex`.
    pub kind: &'static str,
}

/// Unknowns added up, ascending, and their sum.
type Equation = (Vec<usize>, i64);

/// What is published contradicts what is known.
struct Incoherent;

/// No part may have more unknowns, and no family may take longer: either counts as a finding.
const UNKNOWNS: usize = 20_000;
const TIME: Duration = Duration::from_secs(60);
const EPSILON: f64 = 1e-6;

/// A cell, its units and those of its largest residence.
type Size = (usize, u64, u64);

/// What was found already of the same cells by somebody else: parts that are the same to both need no second look.
#[derive(Debug, Default)]
pub struct Seen {
    parts: BTreeSet<(Vec<Equation>, Vec<Size>)>,
    found: Vec<Narrow>,
}

/// Categories that are known too well, and were not known so in what was `seen`.
pub fn narrow(system: &System, doubt: Doubt, seen: &mut Seen) -> Vec<Narrow> {
    if doubt.units == 0 {
        return Vec::new();
    }
    let width = system.categories + usize::from(!system.whole);
    let mut attack = Attack { system, doubt, width, begun: Instant::now(), found: Vec::new() };
    let count = system.cells.len() * width;
    let mut equations: Vec<Equation> = Vec::new();
    for (k, cell) in system.cells.iter().enumerate() {
        equations.push(((k * width..(k + 1) * width).collect(), cell.units as i64));
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); system.rows.len()];
    for (k, cell) in system.cells.iter().enumerate() {
        cell.rows.iter().for_each(|r| members[*r].push(k));
    }
    for (cells, says) in members.iter().zip(&system.rows).filter(|(cells, _)| !cells.is_empty()) {
        for (c, value) in says.iter().enumerate() {
            equations.extend(value.map(|v| (cells.iter().map(|k| k * width + c).collect(), v)));
        }
    }
    let mut fixed: Vec<Option<i64>> = vec![None; count];
    if reduce(&mut equations, &mut fixed).is_err() {
        return vec![Narrow { cell: 0, category: 0, kind: "incoherent" }];
    }
    for (v, value) in fixed.iter().enumerate() {
        if let Some(value) = value {
            attack.known(v, *value);
        }
    }
    // Equations of each part: all their unknowns are of one.
    let mut own: BTreeMap<usize, Vec<&Equation>> = BTreeMap::new();
    let parts = parts(&equations, &fixed);
    let of: BTreeMap<usize, usize> =
        parts.iter().enumerate().flat_map(|(n, p)| p.iter().map(move |v| (*v, n))).collect();
    for equation in &equations {
        if let Some(n) = equation.0.first().and_then(|v| of.get(v)) {
            own.entry(*n).or_default().push(equation);
        }
    }
    for (n, part) in parts.iter().enumerate() {
        let own = own.remove(&n).unwrap_or_default();
        let cells: BTreeSet<usize> = part.iter().map(|v| v / width).collect();
        let cells = cells.into_iter().map(|k| (k, system.cells[k].units, system.cells[k].largest)).collect();
        let mut same: Vec<Equation> = own.iter().map(|e| (*e).clone()).collect();
        same.sort_unstable();
        if seen.parts.insert((same, cells)) {
            attack.part(part, &own);
        }
    }
    attack.found.retain(|n| !seen.found.contains(n));
    attack.found.sort_by_key(|n| (n.cell, n.category));
    seen.found.extend(&attack.found);
    attack.found
}

/// Takes equations out of those that contain them, and fixes unknowns that one equation tells, as long as anything changes.
fn reduce(equations: &mut Vec<Equation>, fixed: &mut [Option<i64>]) -> Result<(), Incoherent> {
    loop {
        let mut changed = false;
        for (unknowns, sum) in equations.iter_mut() {
            unknowns.retain(|v| match fixed[*v] {
                Some(value) => {
                    *sum -= value;
                    false
                }
                None => true,
            });
            if *sum < 0 || (unknowns.is_empty() && *sum != 0) {
                return Err(Incoherent);
            }
            if unknowns.len() == 1 || (*sum == 0 && !unknowns.is_empty()) {
                let value = *sum;
                unknowns.drain(..).for_each(|v| fixed[v] = Some(value));
                *sum = 0;
                changed = true;
            }
        }
        equations.retain(|(unknowns, _)| !unknowns.is_empty());
        changed |= nest(equations);
        if !changed {
            return Ok(());
        }
    }
}

/// Takes each equation out of the larger ones that contain it.
fn nest(equations: &mut [Equation]) -> bool {
    equations.sort_by_key(|(unknowns, _)| unknowns.len());
    let mut at: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (n, (unknowns, _)) in equations.iter().enumerate() {
        unknowns.iter().for_each(|v| {
            at.entry(*v).or_default().insert(n);
        });
    }
    let mut changed = false;
    for small in 0..equations.len() {
        let (inner, sum) = equations[small].clone();
        let Some(first) = inner.iter().min_by_key(|v| at.get(v).map_or(0, BTreeSet::len)) else { continue };
        let candidates: Vec<usize> = at.get(first).into_iter().flatten().copied().filter(|n| *n != small).collect();
        for n in candidates {
            let (outer, total) = &mut equations[n];
            if outer.len() < inner.len() || !inner.iter().all(|v| outer.binary_search(v).is_ok()) {
                continue;
            }
            outer.retain(|v| inner.binary_search(v).is_err());
            *total -= sum;
            changed = true;
            for v in &inner {
                if let Some(list) = at.get_mut(v) {
                    list.remove(&n);
                }
            }
        }
    }
    changed
}

/// Unknowns that equations tie to each other, directly or through others.
fn parts(equations: &[Equation], fixed: &[Option<i64>]) -> Vec<Vec<usize>> {
    let mut sets = Sets::new(fixed.len());
    for (unknowns, _) in equations {
        unknowns.iter().for_each(|v| sets.join(*v, unknowns[0]));
    }
    let mut lists: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for v in (0..fixed.len()).filter(|v| fixed[*v].is_none()) {
        lists.entry(sets.root(v)).or_default().push(v);
    }
    lists.into_values().collect()
}

struct Attack<'a> {
    system: &'a System,
    doubt: Doubt,
    width: usize,
    begun: Instant,
    found: Vec<Narrow>,
}

/// Whether some state of affairs with enough units in, and outside, a category explains what is published.
#[derive(Clone, Copy, Default)]
struct Possible {
    inside: bool,
    outside: bool,
}

impl Attack<'_> {
    fn cell(&self, v: usize) -> (&Cell, f64) {
        let cell = &self.system.cells[v / self.width];
        (cell, self.doubt.units.min(cell.largest) as f64)
    }

    fn find(&mut self, v: usize, kind: &'static str) {
        let narrow = Narrow { cell: v / self.width, category: v % self.width, kind };
        if !self.found.contains(&narrow) {
            self.found.push(narrow);
        }
    }

    /// Whether rows may say this category; the rest that they never say is not guarded.
    fn guarded(&self, v: usize) -> bool {
        v % self.width < self.system.categories
    }

    fn known(&mut self, v: usize, value: i64) {
        if !self.guarded(v) {
            return;
        }
        let (cell, d) = self.cell(v);
        let (inside, outside) = (value as f64, cell.units as f64 - value as f64);
        let zero = value == 0 && self.doubt.zeros_safe;
        if (inside < d && !zero) || outside < d {
            self.find(v, "interval");
        }
    }

    /// Bounds of the unknowns of one part.
    fn part(&mut self, part: &[usize], own: &[&Equation]) {
        let names: BTreeMap<usize, usize> = part.iter().enumerate().map(|(n, v)| (*v, n)).collect();
        let mut seen = vec![Possible::default(); part.len()];
        if part.len() > UNKNOWNS {
            return self.find(part[0], "too_complex");
        }
        // States of affairs that each serve as many categories as can be, while they serve any.
        let mut left = usize::MAX;
        loop {
            let open =
                (0..part.len()).filter(|n| self.guarded(part[*n]) && !(seen[*n].inside && seen[*n].outside)).count();
            if open == 0 || open >= left {
                break;
            }
            let Some(point) = self.many(part, own, &names, &seen) else {
                return self.find(part[0], if left == usize::MAX { "incoherent" } else { "too_complex" });
            };
            left = open;
            self.look(part, &point, &mut seen);
        }
        for (n, v) in part.iter().enumerate() {
            if !self.guarded(*v) {
                continue;
            }
            if !seen[n].inside {
                let Some(most) = self.best(part, own, &names, n, 1.0, &mut seen) else {
                    return self.find(*v, "too_complex");
                };
                if most[n] < self.cell(*v).1 - EPSILON {
                    let empty = self.doubt.zeros_safe
                        && self.best(part, own, &names, n, -1.0, &mut seen).is_some_and(|least| least[n] < EPSILON);
                    if !empty {
                        self.find(*v, "interval");
                    }
                }
            }
            if !seen[n].outside {
                let Some(least) = self.best(part, own, &names, n, -1.0, &mut seen) else {
                    return self.find(*v, "too_complex");
                };
                let (cell, d) = self.cell(*v);
                if cell.units as f64 - least[n] < d - EPSILON {
                    self.find(*v, "interval");
                }
            }
        }
    }

    /// A state of affairs with as much as can be of what was not seen to be possible.
    fn many(
        &self,
        part: &[usize],
        own: &[&Equation],
        names: &BTreeMap<usize, usize>,
        seen: &[Possible],
    ) -> Option<Vec<f64>> {
        if self.begun.elapsed() > TIME {
            return None;
        }
        let mut lp = Problem::new(OptimizationDirection::Maximize);
        let unknowns = self.unknowns(&mut lp, part, own, names, |_| 0.0);
        for ((v, x), seen) in part.iter().zip(&unknowns).zip(seen).filter(|((v, _), _)| self.guarded(**v)) {
            let (cell, d) = self.cell(*v);
            if !seen.inside {
                let inside = lp.add_var(1.0, (0.0, d));
                lp.add_constraint([(inside, 1.0), (*x, -1.0)], ComparisonOp::Le, 0.0);
            }
            if !seen.outside {
                let outside = lp.add_var(1.0, (0.0, d));
                lp.add_constraint([(outside, 1.0), (*x, 1.0)], ComparisonOp::Le, cell.units as f64);
            }
        }
        solve(lp, &unknowns, own, names)
    }

    /// Notes what a state of affairs shows to be possible.
    fn look(&self, part: &[usize], point: &[f64], seen: &mut [Possible]) {
        for ((v, x), seen) in part.iter().zip(point).zip(seen) {
            let (cell, d) = self.cell(*v);
            seen.inside |= *x >= d - EPSILON;
            seen.outside |= cell.units as f64 - x >= d - EPSILON;
        }
    }

    /// The state of affairs with most (or least) of one unknown; `None`: none was found, or time is over.
    fn best(
        &self,
        part: &[usize],
        own: &[&Equation],
        names: &BTreeMap<usize, usize>,
        n: usize,
        sign: f64,
        seen: &mut [Possible],
    ) -> Option<Vec<f64>> {
        if self.begun.elapsed() > TIME {
            return None;
        }
        let mut lp = Problem::new(OptimizationDirection::Maximize);
        let unknowns = self.unknowns(&mut lp, part, own, names, |m| if m == n { sign } else { 0.0 });
        let point = solve(lp, &unknowns, own, names)?;
        self.look(part, &point, seen);
        Some(point)
    }

    fn unknowns(
        &self,
        lp: &mut Problem,
        part: &[usize],
        own: &[&Equation],
        names: &BTreeMap<usize, usize>,
        objective: impl Fn(usize) -> f64,
    ) -> Vec<Variable> {
        let unknowns: Vec<Variable> = part
            .iter()
            .enumerate()
            .map(|(n, v)| lp.add_var(objective(n), (0.0, self.cell(*v).0.units as f64)))
            .collect();
        for (list, sum) in own {
            let terms: Vec<(Variable, f64)> =
                list.iter().filter_map(|v| names.get(v)).map(|n| (unknowns[*n], 1.0)).collect();
            lp.add_constraint(&terms, ComparisonOp::Eq, *sum as f64);
        }
        unknowns
    }
}

/// The best state of affairs that the solver finds in time. It is not trusted: what it says is gone through here, so that a
/// fault of it leads to a finding too many, never to one too few.
fn solve(
    mut lp: Problem,
    unknowns: &[Variable],
    own: &[&Equation],
    names: &BTreeMap<usize, usize>,
) -> Option<Vec<f64>> {
    lp.set_time_limit(TIME);
    let solution = lp.solve().ok()?.into_solution().ok()?;
    let point: Vec<f64> = unknowns.iter().map(|v| solution.var_value(*v)).collect();
    let holds = own.iter().all(|(list, sum)| {
        let total: f64 = list.iter().filter_map(|v| names.get(v)).map(|n| point[*n]).sum();
        (total - *sum as f64).abs() < EPSILON
    });
    (holds && point.iter().all(|x| *x > -EPSILON)).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBT: Doubt = Doubt { units: 3, zeros_safe: false };
    const SAFE: Doubt = Doubt { units: 3, zeros_safe: true };

    fn cell(units: u64, rows: &[usize]) -> Cell {
        Cell { units, largest: 8, rows: rows.to_vec() }
    }

    fn system(cells: Vec<Cell>, rows: &[&[i64]], whole: bool) -> System {
        let rows: Vec<Vec<Option<i64>>> =
            rows.iter().map(|r| r.iter().map(|v| Some(*v).filter(|v| *v >= 0)).collect()).collect();
        System { cells, categories: rows[0].len(), rows, whole }
    }

    fn found(system: &System, doubt: Doubt) -> Vec<(usize, usize)> {
        narrow(system, doubt, &mut Seen::default())
            .iter()
            .map(|n| {
                assert_eq!(n.kind, "interval");
                (n.cell, n.category)
            })
            .collect()
    }

    /// Withheld.
    const X: i64 = -1;

    #[test]
    fn a_rare_category_of_a_shown_row_is_found() {
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[1, 9, 10]], true), DOUBT), [(0, 0)]);
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[4, 6, 10]], true), DOUBT), []);
        // Nearly all of them.
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[18]], false), DOUBT), [(0, 0)]);
    }

    #[test]
    fn one_category_withheld_alone_is_the_rest_of_the_others() {
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[X, 9, 10]], true), DOUBT), [(0, 0)]);
        // With a partner it may be anything from 0 to 11.
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[X, X, 9]], true), DOUBT), []);
    }

    #[test]
    fn a_row_above_gives_back_what_one_row_withholds() {
        let cells = || vec![cell(20, &[0, 2]), cell(20, &[1, 2])];
        let rows: [&[i64]; 3] = [&[X, X, 10], &[7, 6, 7], &[8, 15, 17]];
        assert_eq!(found(&system(cells(), &rows, true), DOUBT), [(0, 0)]);
        let rows: [&[i64]; 3] = [&[X, X, 10], &[X, X, 7], &[8, 15, 17]];
        assert_eq!(found(&system(cells(), &rows, true), DOUBT), []);
    }

    #[test]
    fn bounds_follow_from_several_rows() {
        // Row 2 says that both cells together have two: neither has three.
        let cells = vec![cell(20, &[0, 2]), cell(20, &[1, 2])];
        let rows: [&[i64]; 3] = [&[X, X, 10], &[X, X, 7], &[2, 21, 17]];
        assert_eq!(found(&system(cells, &rows, true), DOUBT), [(0, 0), (1, 0)]);
    }

    #[test]
    fn zeros_may_be_safe() {
        let none = system(vec![cell(20, &[0])], &[&[0]], false);
        assert_eq!(found(&none, DOUBT), [(0, 0)]);
        assert_eq!(found(&none, SAFE), []);
        // Of two cells that have two together either may have none.
        let two = system(vec![cell(20, &[0, 2]), cell(20, &[1, 2])], &[&[X], &[X], &[2]], false);
        assert_eq!(found(&two, SAFE), []);
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[2]], false), SAFE), [(0, 0)]);
        assert_eq!(found(&system(vec![cell(20, &[0])], &[&[20]], false), SAFE), [(0, 0)]);
    }

    #[test]
    fn residences_of_one_unit_have_no_more_doubt_to_lose() {
        let mut ones = system(vec![cell(20, &[0])], &[&[1]], false);
        ones.cells[0].largest = 1;
        assert_eq!(found(&ones, DOUBT), []);
    }

    #[test]
    fn what_contradicts_itself_proves_nothing() {
        let kinds = |s: &System| narrow(s, DOUBT, &mut Seen::default()).iter().map(|n| n.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&system(vec![cell(20, &[0])], &[&[9, 9, 9]], true)), ["incoherent"]);
        let cells = vec![cell(20, &[0, 2]), cell(20, &[1, 2])];
        assert_eq!(kinds(&system(cells, &[&[9], &[9], &[19]], false)), ["incoherent"]);
    }
}
