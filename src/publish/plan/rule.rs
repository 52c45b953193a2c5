//! Whether a set of residences may be known as a sum.

/// Parameters of G1. They are published with the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Units and dwellings at least.
    pub threshold: u32,
    /// Share of the units that the largest residence may hold, 0..1.
    pub dominance: f64,
    /// Residences at least.
    pub residences: u32,
    /// Whether it must also hold for a landlord who subtracts its own residences.
    pub landlord_view: bool,
}

/// Units that must lie outside the largest residence, whatever the dominance share allows.
const BESIDES_LARGEST: u64 = 3;

impl From<&crate::config::Secrecy> for Parameters {
    fn from(s: &crate::config::Secrecy) -> Self {
        Parameters {
            threshold: s.threshold,
            dominance: s.dominance,
            residences: s.residences,
            landlord_view: s.landlord_view,
        }
    }
}

/// A residence of a remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Units; members without any do not count.
    pub units: u32,
    /// Dwellings.
    pub dwellings: u32,
    /// Landlord; `None`: not known.
    pub landlord: Option<u32>,
}

/// Sums of some residences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    units: u64,
    dwellings: u64,
    count: u64,
    largest: u64,
}

impl Sums {
    fn add(&mut self, m: &Member) {
        self.units += u64::from(m.units);
        self.dwellings += u64::from(m.dwellings);
        self.count += 1;
        self.largest = self.largest.max(u64::from(m.units));
    }

    /// What is left when a part is removed; `largest` of the rest is told by the caller.
    fn without(&self, part: &Sums, largest: u64) -> Sums {
        Sums {
            units: self.units - part.units,
            dwellings: self.dwellings - part.dwellings,
            count: self.count - part.count,
            largest,
        }
    }

    fn holds(&self, p: &Parameters) -> bool {
        self.count == 0
            || (self.units >= u64::from(p.threshold)
                && self.dwellings >= u64::from(p.threshold)
                && self.count >= u64::from(p.residences)
                && self.largest as f64 <= p.dominance * self.units as f64
                && (p.residences < 2 || self.units - self.largest >= BESIDES_LARGEST))
    }
}

/// Whether G1 holds for a remainder: it is empty, or large and spread enough, for everyone and for every landlord in it.
///
/// Residences of unknown landlords are taken as each of another one, and also as all of one.
pub fn holds(p: &Parameters, members: impl IntoIterator<Item = Member>) -> bool {
    Remainder::new(members).holds(p, &[])
}

/// A remainder by landlord, to which residences can be added on trial.
#[derive(Debug, Clone, Default)]
pub(super) struct Remainder {
    all: Sums,
    /// By landlord, ascending.
    landlords: Vec<(u32, Sums)>,
    /// Residences of unknown landlords.
    unknown: Vec<Member>,
}

impl Remainder {
    pub fn new(members: impl IntoIterator<Item = Member>) -> Remainder {
        let mut remainder = Remainder::default();
        for m in members {
            remainder.add(&m);
        }
        remainder
    }

    /// Adds a residence.
    pub fn add(&mut self, m: &Member) {
        if m.units == 0 {
            return;
        }
        self.all.add(m);
        match m.landlord {
            None => self.unknown.push(*m),
            Some(l) => match self.landlords.binary_search_by_key(&l, |(l, _)| *l) {
                Ok(n) => self.landlords[n].1.add(m),
                Err(n) => {
                    let mut s = Sums::default();
                    s.add(m);
                    self.landlords.insert(n, (l, s));
                }
            },
        }
    }

    /// Whether G1 holds with these residences added.
    pub fn holds(&self, p: &Parameters, more: &[Member]) -> bool {
        if !more.is_empty() {
            // Most that are tried are too few for anyone.
            let mut all = self.all;
            more.iter().filter(|m| m.units > 0).for_each(|m| all.add(m));
            if !all.holds(p) {
                return false;
            }
            let mut with = self.clone();
            more.iter().for_each(|m| with.add(m));
            return with.holds(p, &[]);
        }
        if !self.all.holds(p) {
            return false;
        }
        if !p.landlord_view {
            return true;
        }
        let unknown = self.unknown.iter().map(|m| {
            let mut s = Sums::default();
            s.add(m);
            s
        });
        let parts: Vec<Sums> = self.landlords.iter().map(|(_, s)| *s).chain(unknown).collect();
        // Largest residence of the rest: the largest of the landlords, or the second when that one is removed.
        let (mut first, mut second) = ((usize::MAX, 0), 0);
        for (n, s) in parts.iter().enumerate() {
            if s.largest > first.1 {
                second = first.1;
                first = (n, s.largest);
            } else {
                second = second.max(s.largest);
            }
        }
        let rest = |n: usize, s: &Sums| self.all.without(s, if n == first.0 { second } else { first.1 });
        if !parts.iter().enumerate().all(|(n, s)| rest(n, s).holds(p)) {
            return false;
        }
        if self.unknown.len() < 2 {
            return true;
        }
        let mut one = Sums::default();
        self.unknown.iter().for_each(|m| one.add(m));
        let largest = self.landlords.iter().map(|(_, s)| s.largest).max().unwrap_or(0);
        self.all.without(&one, largest).holds(p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, landlord_view: true };
    const OPEN: Parameters = Parameters { landlord_view: false, ..P };

    fn m(units: u32, landlord: u32) -> Member {
        Member { units, dwellings: units, landlord: Some(landlord) }
    }

    #[test]
    fn nothing_holds_and_so_does_enough() {
        assert!(holds(&P, []));
        assert!(holds(&P, [m(0, 1)]));
        assert!(!holds(&P, [m(20, 1)]), "a single residence is its own figure");
        assert!(holds(&P, [m(6, 1), m(6, 1)]));
        assert!(!holds(&P, [m(5, 1), m(5, 1)]));
    }

    #[test]
    fn one_residence_may_not_hold_nearly_all() {
        assert!(!holds(&P, [m(86, 1), m(14, 1)]));
        assert!(holds(&P, [m(85, 1), m(15, 1)]));
        // 2 besides the largest, though 9 of 11 is 82 %.
        assert!(!holds(&P, [m(9, 1), m(2, 1)]));
    }

    #[test]
    fn a_landlord_subtracts_its_own() {
        let set = [m(6, 1), m(6, 1), m(5, 2)];
        assert!(holds(&OPEN, set));
        assert!(!holds(&P, set), "landlord 1 is left with the 5 of landlord 2");
        assert!(holds(&P, [m(6, 1), m(6, 1), m(6, 2), m(6, 2)]));
        // Three landlords: whoever subtracts sees 12 in two residences.
        assert!(holds(&P, [m(6, 1), m(6, 2), m(6, 3)]));
    }

    #[test]
    fn dwellings_count_too() {
        let a = |dwellings| Member { units: 12, dwellings, landlord: Some(1) };
        assert!(!holds(&P, [a(5), a(5)]));
        assert!(holds(&P, [a(5), a(6)]));
    }

    #[test]
    fn unknown_landlords_may_be_many_or_one() {
        let u = |units| Member { units, dwellings: units, landlord: None };
        assert!(!holds(&P, [u(6), u(30)]), "the owner of the 30 sees the 6");
        // Were the two unknown ones of one landlord, it would see the 6 of landlord 1.
        assert!(!holds(&P, [u(10), u(10), m(6, 1)]));
        assert!(holds(&P, [u(10), u(10), m(6, 1), m(6, 1)]));
    }
}
