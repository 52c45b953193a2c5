//! Which sums can be derived from published sums: exact linear algebra over a prime field.
//!
//! Unknowns are groups of residences that no published zone tells apart; a published zone row is a sum of groups. Every
//! sum that can be derived linearly is a vector of the row space. An attacker gains from a vector of zeros and ones whose
//! ones name few units. With every group that is large enough by itself forced to zero, what remains of the row space is
//! tiny or nothing, and is looked through completely.

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

/// How a search for derivable sums ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Every derivable union of small groups, each as ascending group numbers.
    All(Vec<Vec<usize>>),
    /// More combinations than may be looked through: to be treated as a finding.
    TooMany {
        /// Dimension of the space left.
        dimension: usize,
    },
}

/// Combinations of at most this many independent sums are looked through.
const DIMENSIONS: usize = 16;

/// All unions of small groups that can be derived from the rows.
///
/// `rows`: for each published sum the groups in it (ascending). `big[g]`: the group is large enough by itself; unions that
/// contain it are of no use to an attacker and are left out.
pub fn derivable(rows: &[Vec<usize>], big: &[bool]) -> Search {
    let mut unions = Vec::new();
    for component in components(rows, big.len()) {
        if component.groups.iter().all(|g| big[*g]) {
            continue;
        }
        match search(rows, &component, big) {
            Search::All(found) => unions.extend(found),
            many => return many,
        }
    }
    unions.sort();
    unions.dedup();
    Search::All(unions)
}

struct Component {
    rows: Vec<usize>,
    groups: Vec<usize>,
}

/// Rows that share groups, directly or through others.
fn components(rows: &[Vec<usize>], groups: usize) -> Vec<Component> {
    let mut parent: Vec<usize> = (0..groups).collect();
    fn root(parent: &mut [usize], mut g: usize) -> usize {
        while parent[g] != g {
            parent[g] = parent[parent[g]];
            g = parent[g];
        }
        g
    }
    for row in rows {
        for pair in row.windows(2) {
            let (a, b) = (root(&mut parent, pair[0]), root(&mut parent, pair[1]));
            parent[a] = b;
        }
    }
    let mut by_root: std::collections::BTreeMap<usize, Component> = std::collections::BTreeMap::new();
    let of = |map: &mut std::collections::BTreeMap<usize, Component>, r: usize| {
        map.entry(r).or_insert_with(|| Component { rows: Vec::new(), groups: Vec::new() });
    };
    for g in 0..groups {
        let r = root(&mut parent, g);
        of(&mut by_root, r);
        if let Some(c) = by_root.get_mut(&r) {
            c.groups.push(g);
        }
    }
    for (n, row) in rows.iter().enumerate() {
        if let Some(first) = row.first() {
            let r = root(&mut parent, *first);
            if let Some(c) = by_root.get_mut(&r) {
                c.rows.push(n);
            }
        }
    }
    by_root.into_values().collect()
}

fn search(rows: &[Vec<usize>], component: &Component, big: &[bool]) -> Search {
    // Columns: big groups first, so that elimination clears them before it reaches the small ones.
    let mut order = component.groups.clone();
    order.sort_by_key(|g| !big[*g]);
    let bigs = order.iter().filter(|g| big[**g]).count();
    let place: std::collections::HashMap<usize, usize> = order.iter().enumerate().map(|(i, g)| (*g, i)).collect();
    let mut seen = std::collections::HashSet::new();
    let mut matrix: Vec<Vec<u64>> = component
        .rows
        .iter()
        .map(|n| &rows[*n])
        .filter(|row| seen.insert((*row).clone()))
        .map(|row| {
            let mut dense = vec![0; order.len()];
            for g in row {
                dense[place[g]] = 1;
            }
            dense
        })
        .collect();
    let pivots = eliminate(&mut matrix);
    // Rows whose pivot lies among the small groups vanish on all big ones: a basis of what is of use.
    let basis: Vec<(usize, &Vec<u64>)> =
        pivots.iter().enumerate().filter(|(_, p)| **p >= bigs).map(|(r, p)| (*p, &matrix[r])).collect();
    if basis.is_empty() {
        return Search::All(Vec::new());
    }
    if basis.len() > DIMENSIONS {
        return Search::TooMany { dimension: basis.len() };
    }
    let mut found = Vec::new();
    for choice in 1u32..(1 << basis.len()) {
        // The reduced form has ones at pivots and zeros elsewhere in their columns, so the coefficient of a basis row is
        // the vector's own entry at its pivot: zero or one.
        let mut sum = vec![0u64; order.len()];
        for (bit, (_, row)) in basis.iter().enumerate() {
            if choice >> bit & 1 == 1 {
                for (s, r) in sum.iter_mut().zip(row.iter()) {
                    *s = sub(*s, sub(0, *r));
                }
            }
        }
        if sum.iter().all(|v| *v <= 1) {
            let mut union: Vec<usize> = sum.iter().zip(&order).filter(|(v, _)| **v == 1).map(|(_, g)| *g).collect();
            union.sort_unstable();
            found.push(union);
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
        match derivable(&rows, big) {
            Search::All(found) => found,
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
            let found = match derivable(&rows, &big) { Search::All(f) => f, many => panic!("{many:?}") };
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
