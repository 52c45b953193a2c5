//! Sets of rows, and SQL's three truth values over them.

use super::snapshot::Cells;
use fixedbitset::FixedBitSet;

/// The rows that a filter is evaluated on, numbered from 0: all up to a length, or a list.
#[derive(Debug, Clone)]
pub enum Domain {
    /// Rows 0 to n - 1.
    All(u32),
    /// Some rows, ascending.
    List(Vec<u32>),
}

impl Domain {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Domain::All(n) => *n as usize,
            Domain::List(rows) => rows.len(),
        }
    }

    /// Place of a row, if it is in.
    pub fn place(&self, row: u32) -> Option<usize> {
        match self {
            Domain::All(n) => (row < *n).then_some(row as usize),
            Domain::List(rows) => rows.binary_search(&row).ok(),
        }
    }

    /// The set of places whose row satisfies a test.
    pub fn set(&self, mut test: impl FnMut(u32) -> bool) -> FixedBitSet {
        match self {
            Domain::All(n) => pack(*n as usize, |i| test(i as u32)),
            Domain::List(rows) => pack(rows.len(), |i| test(rows[i])),
        }
    }

    /// The set of places whose cell satisfies a test of its code.
    pub fn cells(&self, cells: &Cells, test: impl Fn(u32) -> bool) -> FixedBitSet {
        match self {
            Domain::List(rows) => pack(rows.len(), |i| test(cells.get(rows[i]))),
            Domain::All(n) => match cells {
                Cells::Byte(v) => pack(*n as usize, |i| test(u32::from(v[i]))),
                Cells::Short(v) => pack(*n as usize, |i| test(u32::from(v[i]))),
                Cells::Long(v) => pack(*n as usize, |i| test(v[i])),
            },
        }
    }

    /// The set of places of some rows; rows that are not in are left out.
    pub fn of_rows(&self, rows: impl IntoIterator<Item = u32>) -> FixedBitSet {
        let mut set = FixedBitSet::with_capacity(self.len());
        rows.into_iter().filter_map(|r| self.place(r)).for_each(|i| set.insert(i));
        set
    }

    /// The empty set.
    pub fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.len())
    }

    /// The set of all places.
    pub fn every(&self) -> FixedBitSet {
        let mut set = self.none();
        set.insert_range(..);
        set
    }
}

/// Packs answers into a set, a word at a time.
fn pack(len: usize, mut test: impl FnMut(usize) -> bool) -> FixedBitSet {
    const WORD: usize = usize::BITS as usize;
    let mut words = Vec::with_capacity(len.div_ceil(WORD));
    let mut i = 0;
    while i < len {
        let end = (i + WORD).min(len);
        let mut word = 0usize;
        for (bit, place) in (i..end).enumerate() {
            word |= usize::from(test(place)) << bit;
        }
        words.push(word);
        i = end;
    }
    FixedBitSet::with_capacity_and_blocks(len, words)
}

/// Where a predicate is true and where it is unknown; elsewhere it is false. The sets do not overlap.
#[derive(Debug, Clone)]
pub struct Truth {
    /// True.
    pub yes: FixedBitSet,
    /// Unknown; `None`: nowhere.
    pub unknown: Option<FixedBitSet>,
}

impl Truth {
    /// A predicate that is never unknown.
    pub fn known(yes: FixedBitSet) -> Truth {
        Truth { yes, unknown: None }
    }

    /// With unknown places.
    pub fn new(yes: FixedBitSet, unknown: FixedBitSet) -> Truth {
        Truth { yes, unknown: (!unknown.is_clear()).then_some(unknown) }
    }

    /// Not: unknown stays unknown.
    pub fn not(mut self) -> Truth {
        self.yes.toggle_range(..);
        if let Some(unknown) = &self.unknown {
            self.yes.difference_with(unknown);
        }
        self
    }

    /// And: false where one is false, true where both are true.
    pub fn and(self, other: Truth) -> Truth {
        let (a, b) = (self.possible(), other.possible());
        let mut yes = self.yes;
        yes.intersect_with(&other.yes);
        if self.unknown.is_none() && other.unknown.is_none() {
            return Truth::known(yes);
        }
        let mut unknown = a;
        unknown.intersect_with(&b);
        unknown.difference_with(&yes);
        Truth::new(yes, unknown)
    }

    /// Or: true where one is true, false where both are false.
    pub fn or(self, other: Truth) -> Truth {
        let mut yes = self.yes;
        yes.union_with(&other.yes);
        let unknown = match (self.unknown, other.unknown) {
            (None, None) => return Truth::known(yes),
            (Some(mut a), Some(b)) => {
                a.union_with(&b);
                a
            }
            (Some(a), None) | (None, Some(a)) => a,
        };
        let mut unknown = unknown;
        unknown.difference_with(&yes);
        Truth::new(yes, unknown)
    }

    /// Where it is not false.
    fn possible(&self) -> FixedBitSet {
        let mut set = self.yes.clone();
        if let Some(unknown) = &self.unknown {
            set.union_with(unknown);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nine pairs of truth values: place 3a + b holds (a, b), 0 false, 1 true, 2 unknown.
    fn sides() -> (Truth, Truth) {
        let side = |f: fn(usize) -> usize| {
            let domain = Domain::All(9);
            Truth::new(domain.set(|r| f(r as usize) == 1), domain.set(|r| f(r as usize) == 2))
        };
        (side(|i| i / 3), side(|i| i % 3))
    }

    fn values(t: &Truth) -> Vec<u8> {
        (0..9)
            .map(
                |i| if t.yes.contains(i) { 1 } else { 2 * u8::from(t.unknown.as_ref().is_some_and(|u| u.contains(i))) },
            )
            .collect()
    }

    #[test]
    fn tables_are_those_of_sql() {
        let (a, b) = sides();
        assert_eq!(values(&a.clone().and(b.clone())), [0, 0, 0, 0, 1, 2, 0, 2, 2]);
        assert_eq!(values(&a.clone().or(b)), [0, 1, 2, 1, 1, 1, 2, 1, 2]);
        assert_eq!(values(&a.not()), [1, 1, 1, 0, 0, 0, 2, 2, 2]);
    }

    #[test]
    fn domains_number_their_rows() {
        let list = Domain::List(vec![3, 70, 71]);
        assert_eq!((list.len(), list.place(71), list.place(4)), (3, Some(2), None));
        assert_eq!(list.of_rows([70, 5]).ones().collect::<Vec<_>>(), [1]);
        let all = Domain::All(130);
        assert_eq!(all.every().count_ones(..), 130);
        assert_eq!(all.set(|r| r % 64 == 1).ones().collect::<Vec<_>>(), [1, 65, 129]);
    }
}
