//! Which sums can be derived from published sums: exact linear algebra over a prime field.
//!
//! Unknowns are groups of residences that no published zone tells apart; a published zone row is a sum of groups. Every
//! sum that can be derived linearly is a vector of the row space. An attacker gains from a vector of zeros and ones whose
//! ones name few units, and from a difference of two such sums. With every group that is large enough by itself forced to
//! zero, what remains of the row space is tiny or nothing, and is looked through completely.

use super::sets::Sets;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// 2^61 - 1: a rank modulo this prime equals the rational rank but for a chance below 10^-12 on such matrices, and a
/// fault would only hide that a vector is *not* in the row space, which leads to a finding too many, never to one too few.
const P: u64 = (1 << 61) - 1;

fn mul(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let folded = (product & u128::from(P)) as u64 + (product >> 61) as u64;
    if folded >= P { folded - P } else { folded }
}

fn sub(a: u64, b: u64) -> u64 {
    if a >= b { a - b } else { a + P - b }
}

fn add(a: u64, b: u64) -> u64 {
    sub(a, sub(0, b))
}

fn inverse(a: u64) -> u64 {
    // Fermat: a^(p-2).
    let (mut base, mut exponent, mut result) = (a, P - 2, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(result, base);
        }
        base = mul(base, base);
        exponent >>= 1;
    }
    result
}

/// A sum that can be derived: small groups added, small groups subtracted, ascending group numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// Groups with coefficient 1.
    pub added: Vec<usize>,
    /// Groups with coefficient -1.
    pub subtracted: Vec<usize>,
}

/// How a search for derivable sums ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Every derivable sum and difference of small groups (of a difference one of the two signs).
    All(Vec<Sum>),
    /// More combinations than may be looked through: to be treated as a finding.
    TooMany {
        /// Dimension of the space left.
        dimension: usize,
    },
}

/// Combinations of at most this many independent sums are looked through.
const DIMENSIONS: usize = 11;

/// All sums and differences of small groups that can be derived from the rows.
///
/// `rows`: for each published sum the groups in it (ascending). `big[g]`: the group is large enough by itself; sums that
/// contain it are of no use to an attacker and are left out.
///
/// A combination of rows is of use when its coefficients cancel at each big group. These conditions are few and simple (rows
/// that nest, rows that cross) and are solved first; what the solutions leave of small groups is looked through.
///
/// `given`: for each row whether it is given anyway. What these alone tell is left out as far as no other row adds to it.
pub fn derivable(rows: &[Vec<usize>], given: &[bool], big: &[bool]) -> Search {
    let mut sums = Vec::new();
    // Nothing is added to them.
    if !given.contains(&false) {
        return Search::All(sums);
    }
    // What the given rows tell by themselves.
    let before = match given.contains(&true) {
        true => {
            let only: Vec<Vec<usize>> =
                rows.iter().zip(given).map(|(r, g)| if *g { r.clone() } else { Vec::new() }).collect();
            leftover(&only, big)
        }
        false => Vec::new(),
    };
    for part in components(leftover(rows, big)) {
        if !before.is_empty() {
            let there: BTreeSet<usize> = part.iter().flat_map(|v| v.keys().copied()).collect();
            let inside = before.iter().filter(|v| v.keys().all(|g| there.contains(g)));
            if rank(inside.cloned().collect()) == rank(part.clone()) {
                continue;
            }
        }
        match look(part) {
            Search::All(found) => sums.extend(found),
            many => return many,
        }
    }
    sums.sort();
    sums.dedup();
    Search::All(sums)
}

/// What the combinations of rows that cancel at every big group leave of small ones.
fn leftover(rows: &[Vec<usize>], big: &[bool]) -> Vec<BTreeMap<usize, u64>> {
    let free = solutions(rows, big);
    // What each free combination leaves of small groups.
    let mut left: Vec<BTreeMap<usize, u64>> = Vec::new();
    for combination in free {
        let mut sum: BTreeMap<usize, u64> = BTreeMap::new();
        for (row, coefficient) in combination {
            for g in rows[row].iter().filter(|g| !big[**g]) {
                let v = sum.entry(*g).or_default();
                *v = add(*v, coefficient);
            }
        }
        sum.retain(|_, v| *v != 0);
        if !sum.is_empty() {
            left.push(sum);
        }
    }
    left
}

/// Dimension of the space that vectors span.
fn rank(vectors: Vec<BTreeMap<usize, u64>>) -> usize {
    let groups: BTreeSet<usize> = vectors.iter().flat_map(|v| v.keys().copied()).collect();
    let row = |v: &BTreeMap<usize, u64>| groups.iter().map(|g| v.get(g).copied().unwrap_or(0)).collect();
    eliminate(&mut vectors.iter().map(row).collect()).len()
}

/// A basis of the combinations of rows (row, coefficient) that cancel at every big group.
fn solutions(rows: &[Vec<usize>], big: &[bool]) -> Vec<Vec<(usize, u64)>> {
    let mut at: Vec<Vec<usize>> = vec![Vec::new(); big.len()];
    for (n, row) in rows.iter().enumerate() {
        for g in row {
            at[*g].push(n);
        }
    }
    // Rows with few groups are eliminated first: that keeps conditions short.
    let size = |row: usize| (rows[row].len(), row);
    let mut conditions: Vec<BTreeMap<(usize, usize), u64>> =
        at.iter().zip(big).filter(|(_, b)| **b).map(|(rows, _)| rows.iter().map(|r| (size(*r), 1)).collect()).collect();
    conditions.sort_unstable();
    conditions.dedup();
    // Solved conditions by their first row: that row's coefficient is minus the rest.
    let mut solved: BTreeMap<(usize, usize), BTreeMap<(usize, usize), u64>> = BTreeMap::new();
    for mut condition in conditions {
        while let Some((first, factor)) = condition.iter().next().map(|(k, v)| (*k, *v)) {
            let Some(known) = solved.get(&first) else {
                let scale = inverse(factor);
                condition.values_mut().for_each(|v| *v = mul(*v, scale));
                solved.insert(first, condition);
                break;
            };
            for (k, v) in known {
                let w = condition.entry(*k).or_default();
                *w = sub(*w, mul(factor, *v));
                if *w == 0 {
                    condition.remove(k);
                }
            }
        }
    }
    // From the last row to the first: each coefficient in terms of the free ones.
    let mut terms: HashMap<usize, BTreeMap<usize, u64>> = HashMap::new();
    let mut order: Vec<(usize, usize)> = (0..rows.len()).filter(|n| !rows[*n].is_empty()).map(size).collect();
    order.sort_unstable();
    let mut free: BTreeMap<usize, Vec<(usize, u64)>> = BTreeMap::new();
    for key in order.into_iter().rev() {
        let mut own: BTreeMap<usize, u64> = BTreeMap::new();
        match solved.get(&key) {
            None => {
                own.insert(key.1, 1);
            }
            Some(condition) => {
                for (other, v) in condition.iter().skip(1) {
                    for (f, c) in &terms[&other.1] {
                        let w = own.entry(*f).or_default();
                        *w = sub(*w, mul(*v, *c));
                    }
                }
                own.retain(|_, v| *v != 0);
            }
        }
        for (f, c) in &own {
            free.entry(*f).or_default().push((key.1, *c));
        }
        terms.insert(key.1, own);
    }
    free.into_values().collect()
}

/// Vectors that share groups, directly or through others.
fn components(vectors: Vec<BTreeMap<usize, u64>>) -> Vec<Vec<BTreeMap<usize, u64>>> {
    let mut sets = Sets::new(vectors.len());
    let mut first: HashMap<usize, usize> = HashMap::new();
    for (n, v) in vectors.iter().enumerate() {
        for g in v.keys() {
            sets.join(n, *first.entry(*g).or_insert(n));
        }
    }
    let mut parts: BTreeMap<usize, Vec<BTreeMap<usize, u64>>> = BTreeMap::new();
    for (n, v) in vectors.into_iter().enumerate() {
        parts.entry(sets.root(n)).or_default().push(v);
    }
    parts.into_values().collect()
}

/// Looks through all combinations of vectors whose entries are 0, 1 and -1.
fn look(vectors: Vec<BTreeMap<usize, u64>>) -> Search {
    let groups: Vec<usize> =
        vectors.iter().flat_map(|v| v.keys().copied()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut matrix: Vec<Vec<u64>> =
        vectors.iter().map(|v| groups.iter().map(|g| v.get(g).copied().unwrap_or(0)).collect()).collect();
    let basis = eliminate(&mut matrix).len();
    if basis > DIMENSIONS {
        return Search::TooMany { dimension: basis };
    }
    let mut found = Vec::new();
    // The reduced form has ones at pivots and zeros elsewhere in their columns, so the coefficient of a basis row is the
    // vector's own entry at its pivot: 0, 1 or -1. Of a vector and its negative the one is looked at whose first
    // coefficient is 1.
    let mut digits = vec![0u8; basis];
    while let Some(place) = digits.iter().position(|d| *d < 2) {
        digits[place] += 1;
        digits[..place].fill(0);
        if digits.iter().find(|d| **d > 0) == Some(&2) {
            // A plain sum counts with the sign that makes it one; a vector that begins with -1 is the negative of another.
            continue;
        }
        let mut sum = vec![0u64; groups.len()];
        for (digit, row) in digits.iter().zip(&matrix) {
            match digit {
                1 => sum.iter_mut().zip(row).for_each(|(s, r)| *s = add(*s, *r)),
                2 => sum.iter_mut().zip(row).for_each(|(s, r)| *s = sub(*s, *r)),
                _ => {}
            }
        }
        if sum.iter().all(|v| *v <= 1 || *v == P - 1) {
            let of = |value: u64| sum.iter().zip(&groups).filter(|(v, _)| **v == value).map(|(_, g)| *g).collect();
            found.push(Sum { added: of(1), subtracted: of(P - 1) });
        }
    }
    Search::All(found)
}

/// Reduced row echelon form; the pivot column of each remaining row.
fn eliminate(matrix: &mut Vec<Vec<u64>>) -> Vec<usize> {
    let columns = matrix.first().map_or(0, Vec::len);
    let mut pivots = Vec::new();
    let mut at = 0;
    for column in 0..columns {
        let Some(found) = (at..matrix.len()).find(|r| matrix[*r][column] != 0) else { continue };
        matrix.swap(at, found);
        let scale = inverse(matrix[at][column]);
        for v in matrix[at][column..].iter_mut().filter(|v| **v != 0) {
            *v = mul(*v, scale);
        }
        let pivot = matrix[at].clone();
        let filled: Vec<usize> = (column..columns).filter(|c| pivot[*c] != 0).collect();
        for (r, row) in matrix.iter_mut().enumerate() {
            if r != at && row[column] != 0 {
                let factor = row[column];
                for c in &filled {
                    row[*c] = sub(row[*c], mul(factor, pivot[*c]));
                }
            }
        }
        pivots.push(column);
        at += 1;
        if at == matrix.len() {
            break;
        }
    }
    matrix.truncate(at);
    pivots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(rows: &[&[usize]], big: &[bool]) -> Vec<Vec<usize>> {
        let rows: Vec<Vec<usize>> = rows.iter().map(|r| r.to_vec()).collect();
        match derivable(&rows, &vec![false; rows.len()], big) {
            Search::All(found) => found.into_iter().filter(|s| s.subtracted.is_empty()).map(|s| s.added).collect(),
            many => panic!("{many:?}"),
        }
    }

    #[test]
    fn a_difference_of_nested_zones_is_found() {
        // Commune {0,1,2}, IRIS {0,1}: what is left is group 2.
        assert_eq!(all(&[&[0, 1, 2], &[0, 1]], &[true, true, false]), [[2]]);
        // With group 2 large there is nothing to gain.
        assert!(all(&[&[0, 1, 2], &[0, 1]], &[true, true, true]).is_empty());
        // With group 1 small as well, {2} alone is still all that can be derived without group 0.
        assert_eq!(all(&[&[0, 1, 2], &[0, 1]], &[true, false, false]), [[2]]);
    }

    #[test]
    fn a_chain_of_overlaps_is_found() {
        // A = {0,1}, B = {1,2}, C = {0,2}: every single group is half of a sum of differences.
        assert_eq!(all(&[&[0, 1], &[1, 2], &[0, 2]], &[true, true, false]), [[2]]);
        // Without C nothing is.
        assert!(all(&[&[0, 1], &[1, 2]], &[true, true, false]).is_empty());
    }

    #[test]
    fn what_given_rows_tell_is_left_out_unless_others_add_to_it() {
        let tell = |rows: &[&[usize]], given: &[bool], big: &[bool]| {
            let rows: Vec<Vec<usize>> = rows.iter().map(|r| r.to_vec()).collect();
            match derivable(&rows, given, big) {
                Search::All(found) => found.len(),
                many => panic!("{many:?}"),
            }
        };
        // Group 1 is told by the first two rows; the third says it again.
        let rows: &[&[usize]] = &[&[0, 1], &[0], &[0, 1], &[2, 3]];
        assert_eq!(tell(rows, &[true, true, false, false], &[true, false, true, true]), 0);
        assert_eq!(tell(rows, &[true, false, true, false], &[true, false, true, true]), 1);
        // Another row tells group 3: that is new.
        let rows: &[&[usize]] = &[&[0, 1], &[0], &[2, 3], &[2]];
        assert_eq!(tell(rows, &[true, true, true, false], &[true, false, true, false]), 1);
        // Nothing but given rows.
        assert_eq!(tell(&[&[0, 1], &[0]], &[true, true], &[true, false]), 0);
        // What is small and told as one is taken apart.
        assert!(tell(&[&[1, 2], &[1]], &[true, false], &[true, false, false]) > 0);
    }

    #[test]
    fn separate_components_do_not_disturb_each_other() {
        let found = all(&[&[0, 1], &[0], &[2, 3], &[2]], &[true, false, true, false]);
        assert_eq!(found, [[1], [3]]);
    }

    proptest! {
        /// Against brute force over all unions and rational elimination in floating point on tiny systems.
        #[test]
        fn agrees_with_brute_force(rows in prop::collection::vec(prop::collection::btree_set(0usize..6, 1..5), 1..6), big in prop::collection::vec(any::<bool>(), 6)) {
            let rows: Vec<Vec<usize>> = rows.into_iter().map(|r| r.into_iter().collect()).collect();
            let rank = |extra: Option<u32>| {
                let mut m: Vec<Vec<f64>> = rows.iter().map(|r| (0..6).map(|g| f64::from(u8::from(r.contains(&g)))).collect()).collect();
                if let Some(mask) = extra {
                    m.push((0..6).map(|g| f64::from((mask >> g) & 1)).collect());
                }
                let mut rank = 0;
                for c in 0..6 {
                    let Some(p) = (rank..m.len()).find(|r| m[*r][c].abs() > 1e-9) else { continue };
                    m.swap(rank, p);
                    let pivot = m[rank].clone();
                    for (r, row) in m.iter_mut().enumerate() {
                        if r != rank {
                            let f = row[c] / pivot[c];
                            for (x, y) in row.iter_mut().zip(&pivot) { *x -= f * y; }
                        }
                    }
                    rank += 1;
                }
                rank
            };
            let base = rank(None);
            let expected: std::collections::BTreeSet<Vec<usize>> = (1u32..64)
                .filter(|mask| (0..6).all(|g| (mask >> g) & 1 == 0 || !big[g]))
                .filter(|mask| rank(Some(*mask)) == base)
                .map(|mask| (0..6).filter(|g| (mask >> g) & 1 == 1).collect())
                .collect();
            let found = all(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), &big);
            // Unions over several components are unions of found ones: compare what is generated.
            let mut closure: std::collections::BTreeSet<Vec<usize>> = found.iter().cloned().collect();
            loop {
                let before = closure.len();
                let list: Vec<Vec<usize>> = closure.iter().cloned().collect();
                for a in &list { for b in &list {
                    if a.iter().all(|g| !b.contains(g)) {
                        let mut u = a.clone(); u.extend(b); u.sort_unstable(); closure.insert(u);
                    }
                } }
                if closure.len() == before { break; }
            }
            prop_assert_eq!(closure, expected);
        }
    }
}
