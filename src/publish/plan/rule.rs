//! Whether a set of residences may be known as a sum.

use crate::config::Secrecy;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Parameters of G1. They are published with the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Units and dwellings at least.
    pub threshold: u32,
    /// Share of the units that the largest residence may hold, 0..1.
    pub dominance: f64,
    /// Residences at least.
    pub residences: u32,
    /// Who may subtract residences of their own.
    pub attackers: Attackers,
}

/// Landlords for whom the rule must also hold. A landlord is a number: its lower half that of its corporate group, its
/// upper half its own within the group ([`landlord`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attackers {
    /// Each by itself.
    pub alone: bool,
    /// All of a group as one.
    pub groups: bool,
    /// Any two of these together.
    pub pairs: bool,
    /// Sets of landlords, ascending.
    pub coalitions: Option<Arc<[Vec<u32>]>>,
}

impl Attackers {
    /// No landlord looks.
    pub const NOBODY: Attackers = Attackers { alone: false, groups: false, pairs: false, coalitions: None };
    /// Each landlord by itself.
    pub const ALONE: Attackers = Attackers { alone: true, groups: false, pairs: false, coalitions: None };

    /// Sets of these landlords who look together, each once: by themselves, as groups, as named coalitions.
    pub(super) fn parties(&self, there: &BTreeSet<u32>) -> Vec<BTreeSet<u32>> {
        let mut parties: BTreeSet<BTreeSet<u32>> = BTreeSet::new();
        if self.alone {
            parties.extend(there.iter().map(|l| BTreeSet::from([*l])));
        }
        if self.groups {
            let of = |g: u32| there.iter().copied().filter(|l| group_of(*l) == g).collect();
            parties.extend(there.iter().map(|l| of(group_of(*l))));
        }
        let own = |c: &Vec<u32>| c.iter().copied().filter(|l| there.contains(l)).collect();
        parties.extend(self.coalitions.iter().flat_map(|all| all.iter()).map(own));
        parties.remove(&BTreeSet::new());
        parties.into_iter().collect()
    }
}

/// Number of the landlord `own` (0, 1, ...) of a group; `None` when there are too many.
pub fn landlord(group: usize, own: usize) -> Option<u32> {
    Some(u32::from(u16::try_from(group).ok()?) | u32::from(u16::try_from(own).ok()?) << 16)
}

fn group_of(landlord: u32) -> u32 {
    landlord & 0xffff
}

/// Units that must lie outside the largest residence, whatever the dominance share allows.
const BESIDES_LARGEST: u64 = 3;

impl Parameters {
    /// As configured; `coalitions` are the configured ones, resolved.
    pub fn new(s: &Secrecy, coalitions: Vec<Vec<u32>>) -> Parameters {
        Parameters {
            threshold: s.threshold,
            dominance: s.dominance,
            residences: s.residences,
            attackers: Attackers {
                alone: s.attacker.alone,
                groups: s.attacker.groups,
                pairs: s.attacker.pairs,
                coalitions: (!coalitions.is_empty()).then(|| coalitions.into()),
            },
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

/// Whether G1 holds for a remainder: it is empty, or large and spread enough, for everyone and for every attacker.
///
/// Residences of unknown landlords are taken as each of another one, and also as all of one.
pub fn holds(p: &Parameters, members: impl IntoIterator<Item = Member>) -> bool {
    Remainder::new(members).holds(p, &[])
}

/// Whether some of these residences are nobody's who looks: no attacker owns them all.
pub(super) fn shared(p: &Parameters, members: &[Member]) -> bool {
    let groups: BTreeSet<Option<u32>> = members.iter().map(|m| m.landlord.map(group_of)).collect();
    let a = &p.attackers;
    let together = if *a == Attackers::NOBODY { 0 } else { 1 + usize::from(a.pairs) };
    let others = |c: &[u32]| members.iter().any(|m| m.landlord.is_none_or(|l| c.binary_search(&l).is_err()));
    groups.len() > together && a.coalitions.iter().flat_map(|all| all.iter()).all(|c| others(c))
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
        let a = &p.attackers;
        if *a == Attackers::NOBODY {
            return true;
        }
        let parts = Parts::of(self);
        let (known, n) = (self.landlords.len(), parts.sums.len());
        let holds = |removed: &[usize]| parts.without(removed).holds(p);
        // Unknown landlords are taken as each of another one, and also as all of one.
        let unknown: Vec<usize> = (known..n).collect();
        let group = |i: &usize| group_of(self.landlords[*i].0);
        let mut by_group: Vec<usize> = Vec::new();
        if a.groups {
            by_group.extend(0..known);
            by_group.sort_by_key(group);
        }
        let groups = || by_group.chunk_by(|i, j| group(i) == group(j)).filter(|g| g.len() > 1 || !a.alone);
        if (a.alone && !(0..known).all(|i| holds(&[i]))) || !groups().all(holds) {
            return false;
        }
        if (a.alone || a.groups) && !(unknown.iter().all(|i| holds(&[*i])) && holds(&unknown)) {
            return false;
        }
        if a.pairs {
            let single = a.alone || !a.groups;
            let mut parties: Vec<Vec<usize>> = (0..if single { n } else { 0 }).map(|i| vec![i]).collect();
            parties.extend(groups().map(<[usize]>::to_vec));
            if !single {
                parties.extend(unknown.iter().map(|i| vec![*i]));
            }
            parties.push(unknown);
            for (i, one) in parties.iter().enumerate() {
                for other in &parties[i + 1..] {
                    let mut both = [one.as_slice(), other].concat();
                    both.sort_unstable();
                    both.dedup();
                    if !holds(&both) {
                        return false;
                    }
                }
            }
        }
        a.coalitions.iter().flat_map(|all| all.iter()).all(|coalition| {
            let own = |i: &usize| coalition.binary_search(&self.landlords[*i].0).is_ok();
            holds(&(0..known).filter(own).collect::<Vec<usize>>())
        })
    }
}

/// A remainder by landlord: known ones, then each residence of an unknown one.
struct Parts {
    all: Sums,
    sums: Vec<Sums>,
    /// Those with the largest residence first.
    order: Vec<usize>,
}

impl Parts {
    fn of(remainder: &Remainder) -> Parts {
        let unknown = remainder.unknown.iter().map(|m| {
            let mut s = Sums::default();
            s.add(m);
            s
        });
        let sums: Vec<Sums> = remainder.landlords.iter().map(|(_, s)| *s).chain(unknown).collect();
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_unstable_by_key(|i| std::cmp::Reverse(sums[*i].largest));
        Parts { all: remainder.all, sums, order }
    }

    /// What is left without some parts.
    fn without(&self, removed: &[usize]) -> Sums {
        let mut left = self.all;
        for i in removed {
            left = left.without(&self.sums[*i], 0);
        }
        let largest = self.order.iter().find(|i| !removed.contains(i)).map_or(0, |i| self.sums[*i].largest);
        Sums { largest, ..left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, attackers: Attackers::ALONE };
    const OPEN: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, attackers: Attackers::NOBODY };

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

    #[test]
    fn landlords_of_a_group_subtract_together() {
        let groups = Parameters { attackers: Attackers { groups: true, ..Attackers::ALONE }, ..P };
        let [a, b, c] = [(7, 0), (7, 1), (8, 0)].map(|(group, own)| landlord(group, own).unwrap());
        let set = [m(6, a), m(6, b), m(6, c)];
        assert!(holds(&P, set));
        assert!(!holds(&groups, set), "a and b see the 6 of c");
        assert!(holds(&groups, [m(6, a), m(6, b), m(6, c), m(6, c)]));
        // Each of the group is still one by itself: a alone sees the 6 of b.
        assert!(!holds(&groups, [m(6, a), m(6, b)]));
        let only = Parameters { attackers: Attackers { groups: true, ..Attackers::NOBODY }, ..P };
        assert!(holds(&only, [m(6, a), m(6, b)]), "one group sees its own alone");
        assert!(!holds(&only, [m(6, a), m(6, a), m(6, c)]), "one in no group is a group");
    }

    #[test]
    fn any_two_landlords_subtract_together() {
        let pairs = Parameters { attackers: Attackers { pairs: true, ..Attackers::ALONE }, ..P };
        assert!(!holds(&pairs, [m(6, 1), m(6, 2), m(6, 3)]));
        assert!(holds(&pairs, [m(6, 1), m(6, 2), m(6, 3), m(6, 4)]));
        let u = |units| Member { units, dwellings: units, landlord: None };
        assert!(!holds(&pairs, [m(6, 1), m(6, 2), u(6)]), "1 and 2 see the unknown one");
        assert!(holds(&pairs, [m(6, 1), m(6, 2), m(6, 3), m(6, 4), u(6)]));
    }

    #[test]
    fn coalitions_that_are_named_subtract_together() {
        let named = |list: &[&[u32]]| {
            let coalitions: Vec<Vec<u32>> = list.iter().map(|c| c.to_vec()).collect();
            Parameters { attackers: Attackers { coalitions: Some(coalitions.into()), ..Attackers::NOBODY }, ..P }
        };
        let set = [m(6, 1), m(6, 2), m(6, 3)];
        assert!(!holds(&named(&[&[4, 5], &[1, 3]]), set));
        assert!(holds(&named(&[&[1, 2, 3], &[4, 5]]), set), "together they own all of it");
    }
}
