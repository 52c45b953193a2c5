//! What zone figures count of residences that are not shown, vintage after vintage: small stock enters and leaves in batches.
//!
//! Two vintages are subtracted like two zones. So what no row tells apart at any vintage is a cell, and G1 must hold for
//! each: what enters the figures of a cell at a vintage, what leaves them, and what stays when something leaves. What does
//! not hold waits: zone figures go on counting the **frozen** figures of the vintage at which a residence entered, and
//! do not count yet what would enter. Everything is compared with what zone figures count now, not with last year's stock.
//!
//! A residence that stays is counted with its figures of the new vintage when all that is so renewed in its cell holds G1;
//! else a change of one residence would be read off the difference. One whose known facts changed (dwellings, point)
//! leaves with its old figures and enters with its new ones, both in batches, or stays as it was.
//!
//! A residence that was withheld and need not be any more is shown when that gives away nothing of what was counted with
//! it: then it is known, and what is left of its cell must hold by itself, as it was counted and as it is. Where its known
//! facts changed, its row does not tell what was counted of it: that leaves like any other, in a batch.

use super::rule::{Member, Parameters, holds};
use std::collections::{BTreeMap, BTreeSet};

/// Zones of a residence in one vintage and those of later vintages that differ, number + 1 or 0 where the row is not shown;
/// then 1 inside a QPV.
pub(super) type Place = [u32; 9];

/// A residence that zone figures count although its own row is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Index of the vintage whose figures are counted.
    pub state: usize,
    /// Units and dwellings counted.
    pub own: (u32, u32),
    /// The least that was ever counted of it since it entered.
    pub least: (u32, u32),
    /// Landlord at that state.
    pub landlord: Option<u32>,
    /// Residences that no row so far tells apart share a number.
    pub group: u32,
    /// Its figures are public: it was shown at that state.
    pub known: bool,
    /// The figures are those that the archive holds of that state.
    pub archived: bool,
    /// Zones that count it, where the archive says so.
    pub here: Option<[Option<u32>; 4]>,
    /// Its group breaks the rule and was given away before the rule was what it is: nothing more is lost.
    pub sunk: bool,
}

impl Counted {
    /// A residence that was shown in vintage `state` and is not any more: its public figures go on being counted.
    pub fn public(state: usize, own: (u32, u32), landlord: Option<u32>) -> Counted {
        Counted { known: true, ..Counted::new(state, own, landlord) }
    }

    /// A residence that enters.
    pub fn new(state: usize, own: (u32, u32), landlord: Option<u32>) -> Counted {
        let (group, known, archived, here, sunk) = (NEW, false, false, None, false);
        Counted { state, own, least: own, landlord, group, known, archived, here, sunk }
    }

    /// What is to be protected of it.
    pub fn member(&self) -> Member {
        Member { units: self.least.0, dwellings: self.least.1, landlord: self.landlord }
    }
}

/// A residence of the vintage that is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// Units and dwellings.
    pub own: (u32, u32),
    /// Landlord.
    pub landlord: Option<u32>,
    /// Zones.
    pub place: Place,
    /// Its commune, where a third party publishes the commune's sum of this vintage.
    pub outside: Option<u32>,
    /// Facts that anyone may know differ from those of the state that is counted.
    pub changed: bool,
}

/// What zone figures count of residences that are not shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Stock {
    /// By residence.
    pub counted: BTreeMap<u32, Counted>,
    /// Communes whose sum of the vintage a third party publishes.
    pub guarded: BTreeSet<u32>,
    /// By such a commune: residences that are not shown and never counted.
    pub aside: Vec<(u32, Member)>,
    /// Residences that have left, with the group that each left in: what comes back splits it.
    pub gone: BTreeMap<u32, (u32, Member)>,
    groups: u32,
}

/// Group of those that entered in the vintage under way.
const NEW: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Enter,
    Leave,
    Swap,
    Renew,
}

/// Residences of a part of a cell, with what is to be protected of each.
pub(super) type Part = Vec<(u32, Member)>;

impl Stock {
    /// The oldest vintage: all that is not shown is counted. The plan of that vintage has made it hold.
    pub fn begin(&mut self, now: &BTreeMap<u32, Now>) {
        for (id, n) in now {
            self.counted.insert(*id, entered(0, n));
        }
    }

    /// A later vintage (index `v`): makes every move that may be known, and lets the others wait. `place` tells where the
    /// point of a counted residence lies in the zoning of this vintage. Of the residences in `may_show` (all of them are
    /// among `now`) those are shown that can be; they are returned.
    pub fn advance(
        &mut self,
        p: &Parameters,
        v: usize,
        now: &BTreeMap<u32, Now>,
        may_show: BTreeSet<u32>,
        place: impl Fn(u32, usize) -> Place,
    ) -> BTreeSet<u32> {
        self.counted.values_mut().for_each(|c| c.here = None);
        // What is public and gone leaves without a word.
        self.counted.retain(|id, c| !c.known || now.contains_key(id));
        let mut shown = may_show;
        let moves = loop {
            let moves = self.settled(p, now, &shown, &place);
            let exposing = self.exposing(p, now, &moves, &shown, &place);
            if exposing.is_empty() {
                break moves;
            }
            shown.retain(|id| !exposing.contains(id));
        };
        for id in &shown {
            self.counted.remove(id);
            self.gone.remove(id);
        }
        let mut left: BTreeMap<(u32, Place), u32> = BTreeMap::new();
        for (id, m) in moves {
            match (m, now.get(&id)) {
                (Move::Enter, Some(n)) => {
                    let mut c = entered(v, n);
                    // What comes back is told apart from what is new, and from what it left with.
                    if let Some((group, before)) = self.gone.remove(&id) {
                        c.group = group;
                        c.least = least(c.least, (before.units, before.dwellings));
                    }
                    self.counted.insert(id, c);
                }
                (Move::Swap, Some(n)) => {
                    self.counted.insert(id, entered(v, n));
                }
                (Move::Renew, Some(n)) => {
                    if let Some(c) = self.counted.get_mut(&id) {
                        c.least = least(c.least, n.own);
                        (c.state, c.own, c.archived) = (v, n.own, false);
                    }
                }
                (Move::Leave, _) | (_, None) => {
                    if let Some(c) = self.counted.remove(&id) {
                        let group = *left.entry((c.group, place(id, c.state))).or_insert_with(|| {
                            self.groups += 1;
                            self.groups
                        });
                        self.gone.insert(id, (group, c.member()));
                    }
                }
            }
        }
        shown
    }

    /// A former publication showed it: whatever is counted of it, it protects nothing.
    pub fn reveal(&mut self, id: u32) {
        self.counted.remove(&id);
        self.gone.remove(&id);
    }

    /// The moves that may be made together when these residences are shown.
    fn settled(
        &self,
        p: &Parameters,
        now: &BTreeMap<u32, Now>,
        shown: &BTreeSet<u32>,
        place: &impl Fn(u32, usize) -> Place,
    ) -> BTreeMap<u32, Move> {
        let mut moves = self.proposals(now);
        moves.retain(|id, _| !shown.contains(id));
        loop {
            let mut wrong = self.wrong(p, &moves, now, shown, place);
            if wrong.is_empty() {
                wrong = self.told_apart(p, &moves, now, shown, place);
            }
            if wrong.is_empty() {
                return moves;
            }
            wrong.iter().for_each(|id| {
                moves.remove(id);
            });
        }
    }

    /// A vintage that was published before: what zones count is what they counted, and groups follow.
    pub fn impose(&mut self, then: BTreeMap<u32, Counted>, place: impl Fn(u32, usize) -> Place) {
        let mut left: BTreeMap<(u32, Place), u32> = BTreeMap::new();
        let before = std::mem::take(&mut self.counted);
        for (id, c) in before.iter().filter(|(id, c)| !c.known && !then.contains_key(id)) {
            let group = *left.entry((c.group, place(*id, c.state))).or_insert_with(|| {
                self.groups += 1;
                self.groups
            });
            self.gone.insert(*id, (group, c.member()));
        }
        for (id, mut c) in then {
            if let Some(old) = before.get(&id).filter(|old| !old.known) {
                // Another number of dwellings: it left and entered.
                if old.state == c.state || old.own.1 == c.own.1 {
                    (c.group, c.least) = (old.group, least(old.least, c.own));
                }
            } else if let Some((group, member)) = self.gone.remove(&id) {
                (c.group, c.least) = (group, least(c.least, (member.units, member.dwellings)));
            }
            self.counted.insert(id, c);
        }
    }

    /// After the last vintage that was published before: groups that break the rule as it is now were given away already.
    pub fn sink(&mut self, p: &Parameters) {
        let mut groups: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
        for c in self.counted.values().filter(|c| !c.known) {
            groups.entry(c.group).or_default().push(c.member());
        }
        groups.retain(|_, members| !holds(p, members.iter().copied()));
        self.counted.values_mut().filter(|c| !c.known).for_each(|c| c.sunk = groups.contains_key(&c.group));
    }

    /// Numbers anew what rows tell apart from this vintage on.
    pub fn regroup(&mut self, place: impl Fn(u32, &Counted) -> Place) {
        let mut numbers: BTreeMap<(u32, Place), u32> = BTreeMap::new();
        for (id, c) in self.counted.iter_mut().filter(|(_, c)| !c.known) {
            let key = (c.group, place(*id, c));
            c.group = *numbers.entry(key).or_insert_with(|| {
                self.groups += 1;
                self.groups
            });
        }
    }

    fn proposals(&self, now: &BTreeMap<u32, Now>) -> BTreeMap<u32, Move> {
        let mut moves = BTreeMap::new();
        for (id, n) in now {
            match self.counted.get(id) {
                None => moves.insert(*id, Move::Enter),
                Some(c) if c.known => None,
                // A new landlord does not make the old one forget: it stays with the one that counted it.
                Some(c) if c.landlord != n.landlord => None,
                Some(_) if n.changed => moves.insert(*id, Move::Swap),
                Some(_) => moves.insert(*id, Move::Renew),
            };
        }
        for (id, c) in &self.counted {
            if !c.known && !now.contains_key(id) {
                moves.insert(*id, Move::Leave);
            }
        }
        moves
    }

    /// Moves that may not be made together with the others.
    fn wrong(
        &self,
        p: &Parameters,
        moves: &BTreeMap<u32, Move>,
        now: &BTreeMap<u32, Now>,
        shown: &BTreeSet<u32>,
        place: &impl Fn(u32, usize) -> Place,
    ) -> BTreeSet<u32> {
        let mut enter: BTreeMap<(Option<u32>, Place), Part> = BTreeMap::new();
        let mut leave: BTreeMap<(u32, Place), Part> = BTreeMap::new();
        // What stays: with the least of it; renewed, before and after.
        let mut stay: BTreeMap<(u32, Place), (Part, Part, Part)> = BTreeMap::new();
        let mut leavers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let renewed = |n: &Now| Member { units: n.own.0, dwellings: n.own.1, landlord: n.landlord };
        for (id, m) in moves {
            if let (Move::Enter, Some(n)) = (m, now.get(id)) {
                let back = self.gone.get(id).map(|(group, _)| *group);
                enter.entry((back, n.place)).or_default().push((*id, renewed(n)));
            }
        }
        // Of those that left together, what does not come back.
        let mut away: BTreeMap<u32, (Part, Vec<u32>)> = BTreeMap::new();
        for (id, (group, member)) in self.gone.iter().filter(|(id, _)| !shown.contains(id)) {
            let part = away.entry(*group).or_default();
            if moves.contains_key(id) { part.1.push(*id) } else { part.0.push((*id, *member)) }
        }
        // What changes protects nothing that comes or goes: of figures that last it is the same before and after.
        let mut swap: BTreeMap<(u32, Place, Place), (Part, Part)> = BTreeMap::new();
        for (id, c) in self.counted.iter().filter(|(id, c)| !c.known && !shown.contains(id)) {
            let key = (c.group, place(*id, c.state));
            match (moves.get(id), now.get(id)) {
                (Some(Move::Leave), _) => {
                    leave.entry(key).or_default().push((*id, c.member()));
                    leavers.entry(c.group).or_default().push(*id);
                }
                (Some(Move::Swap), Some(n)) => {
                    let part = swap.entry((key.0, key.1, n.place)).or_default();
                    part.0.push((*id, c.member()));
                    part.1.push((*id, renewed(n)));
                    leavers.entry(c.group).or_default().push(*id);
                }
                (Some(Move::Renew), Some(n)) => {
                    let part = stay.entry(key).or_default();
                    let (units, dwellings) = least(c.least, n.own);
                    part.0.push((*id, Member { units, dwellings, ..c.member() }));
                    part.1.push((*id, Member { units: c.own.0, dwellings: c.own.1, ..c.member() }));
                    part.2.push((*id, renewed(n)));
                }
                _ => stay.entry(key).or_default().0.push((*id, c.member())),
            }
        }
        let fails = |part: &Part| !holds(p, part.iter().map(|(_, m)| *m));
        let mut wrong = BTreeSet::new();
        for part in enter.values().chain(leave.values()).filter(|part| fails(part)) {
            wrong.extend(part.iter().map(|(id, _)| *id));
        }
        for (_, back) in away.values().filter(|(rest, back)| !back.is_empty() && fails(rest)) {
            wrong.extend(back);
        }
        for (before, after) in swap.values().filter(|(before, after)| fails(before) || fails(after)) {
            wrong.extend(before.iter().chain(after).map(|(id, _)| *id));
        }
        for ((group, _), (all, before, after)) in &stay {
            let left = leavers.get(group).map_or(&[][..], Vec::as_slice);
            let renews = !after.is_empty();
            if (!left.is_empty() || renews) && fails(all) {
                wrong.extend(left);
                wrong.extend(after.iter().map(|(id, _)| *id));
            }
            if renews && (fails(after) || (before.len() < all.len() && fails(before))) {
                wrong.extend(after.iter().map(|(id, _)| *id));
            }
        }
        wrong
    }
}

fn entered(v: usize, n: &Now) -> Counted {
    Counted::new(v, n.own, n.landlord)
}

/// The smaller units and the smaller dwellings.
pub(super) fn least(a: (u32, u32), b: (u32, u32)) -> (u32, u32) {
    (a.0.min(b.0), a.1.min(b.1))
}

#[cfg(test)]
mod tests {
    use super::super::Attackers;
    use super::*;

    const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, attackers: Attackers::ALONE };
    const HERE: Place = [1, 0, 2, 0, 0, 0, 0, 0, 0];

    fn now(list: &[(u32, u32, u32)]) -> BTreeMap<u32, Now> {
        let now = |units: u32, landlord| Now {
            own: (units, units),
            landlord: Some(landlord),
            place: HERE,
            outside: None,
            changed: false,
        };
        list.iter().map(|(id, units, landlord)| (*id, now(*units, *landlord))).collect()
    }

    fn after(vintages: &[BTreeMap<u32, Now>]) -> Stock {
        let mut stock = Stock::default();
        for (v, now) in vintages.iter().enumerate() {
            if v == 0 {
                stock.begin(now);
            } else {
                stock.advance(&P, v, now, BTreeSet::new(), |_, _| HERE);
            }
            stock.regroup(|_, _| HERE);
        }
        stock
    }

    fn states(stock: &Stock) -> Vec<(u32, usize)> {
        stock.counted.iter().map(|(id, c)| (*id, c.state)).collect()
    }

    const BASE: [(u32, u32, u32); 4] = [(1, 7, 1), (2, 7, 1), (3, 7, 2), (4, 7, 2)];

    #[test]
    fn a_lone_newcomer_waits_for_company() {
        let mut second = BASE.to_vec();
        second.push((5, 6, 3));
        let mut third = second.clone();
        third.push((6, 6, 3));
        let stock = after(&[now(&BASE), now(&second)]);
        assert_eq!(states(&stock), [(1, 1), (2, 1), (3, 1), (4, 1)]);
        // Both of one landlord: nobody else sees them apart, and that landlord knows them.
        let stock = after(&[now(&BASE), now(&second), now(&third)]);
        assert_eq!(states(&stock), [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2)]);
    }

    #[test]
    fn what_leaves_alone_stays_frozen() {
        let stock = after(&[now(&BASE), now(&BASE[..3])]);
        // The three that stay are renewed by themselves: landlord 1 would see the 7 of landlord 2 change.
        assert_eq!(states(&stock), [(1, 0), (2, 0), (3, 0), (4, 0)]);
        let more = [(1, 7, 1), (2, 7, 1), (3, 7, 2), (4, 7, 2), (7, 7, 2)];
        let stock = after(&[now(&more), now(&more[..4])]);
        assert_eq!(states(&stock), [(1, 1), (2, 1), (3, 1), (4, 1), (7, 0)]);
    }

    #[test]
    fn a_change_is_made_in_a_batch_or_not_at_all() {
        let mut second = now(&BASE);
        if let Some(n) = second.get_mut(&1) {
            (n.own, n.changed) = ((6, 6), true);
        }
        let stock = after(&[now(&BASE), second.clone()]);
        assert_eq!(stock.counted[&1].own, (7, 7));
        if let Some(n) = second.get_mut(&2) {
            (n.own, n.changed) = ((8, 8), true);
        }
        let stock = after(&[now(&BASE), second]);
        assert_eq!((stock.counted[&1].own, stock.counted[&2].own), ((6, 6), (8, 8)));
        assert_ne!(stock.counted[&1].group, stock.counted[&3].group);
    }

    #[test]
    fn what_comes_back_may_not_leave_few_behind() {
        let mut first = BASE.to_vec();
        first.extend([(5, 6, 3), (6, 6, 4), (7, 6, 5), (8, 5, 6)]);
        let mut third = BASE.to_vec();
        third.extend([(5, 6, 3), (6, 6, 4), (7, 6, 5)]);
        // 5 to 8 leave together; were 5 to 7 counted again, 8 would be what left for good.
        let stock = after(&[now(&first), now(&BASE), now(&third)]);
        assert_eq!(stock.counted.len(), 4);
        let stock = after(&[now(&first), now(&BASE), now(&first)]);
        assert_eq!(stock.counted.len(), 8);
    }

    #[test]
    fn what_grew_is_shown_when_what_it_was_may_be_told() {
        let mut first = BASE.to_vec();
        first.extend([(5, 10, 3), (6, 6, 4), (7, 6, 5), (8, 6, 6)]);
        let show = |gone: &[u32]| {
            let mut stock = after(&[now(&first)]);
            let mut second = now(&first);
            second.retain(|id, _| !gone.contains(id));
            if let Some(n) = second.get_mut(&5) {
                (n.own, n.changed) = ((30, 30), true);
            }
            stock.advance(&P, 1, &second, BTreeSet::from([5]), |_, _| HERE).into_iter().collect::<Vec<u32>>()
        };
        // The cell before and after differ by the ten dwellings it had.
        assert_eq!(show(&[]), [0; 0]);
        // Those that leave with it hide them.
        assert_eq!(show(&[6, 7, 8]), [5]);
    }

    #[test]
    fn what_was_withheld_is_shown_when_the_rest_holds() {
        let show = |first: &[(u32, u32, u32)], second: &[(u32, u32, u32)], ids: &[u32]| {
            let mut stock = after(&[now(first)]);
            let shown = stock.advance(&P, 1, &now(second), ids.iter().copied().collect(), |_, _| HERE);
            assert!(shown.iter().all(|id| !stock.counted.contains_key(id)));
            shown.into_iter().collect::<Vec<u32>>()
        };
        let mut first = BASE.to_vec();
        first.extend([(5, 10, 3), (6, 9, 3)]);
        let mut second = BASE.to_vec();
        second.extend([(5, 12, 3), (6, 11, 3)]);
        // The base holds by itself and is renewed as a whole: nobody reads 5 and 6 of then off the difference.
        assert_eq!(show(&first, &second, &[5, 6]), [5, 6]);
        // Without the second of landlord 2, landlord 1 would see the 7 that is left: one must stay, the smaller.
        let rest = [BASE[0], BASE[1], BASE[2]];
        let with = |more: [(u32, u32, u32); 2]| [&rest[..], &more].concat();
        assert_eq!(show(&with([(5, 10, 2), (6, 9, 2)]), &with([(5, 12, 2), (6, 11, 2)]), &[5, 6]), [5]);
        // What stays as it was (the base does not hold when 4 is gone: it is not renewed) would tell of 5 alone.
        let gone: Vec<_> = second.iter().copied().filter(|r| r.0 != 4 && r.0 != 6).collect();
        let lone: Vec<_> = first.iter().copied().filter(|r| r.0 != 6).collect();
        assert_eq!(show(&lone, &gone, &[5]), [0; 0]);
    }

    #[test]
    fn chains_are_compared_with_what_is_counted() {
        // 5 and 6 enter together at the second vintage; at the third 6 would leave alone, and what entered would be 5.
        let mut second = BASE.to_vec();
        second.extend([(5, 6, 3), (6, 6, 4), (7, 6, 5)]);
        let third: Vec<_> = second.iter().copied().filter(|r| r.0 != 6).collect();
        let stock = after(&[now(&BASE), now(&second), now(&third)]);
        assert!(stock.counted.contains_key(&6));
        let none_of_it: Vec<_> = second.iter().copied().filter(|r| r.0 < 5).collect();
        let stock = after(&[now(&BASE), now(&second), now(&none_of_it)]);
        assert_eq!(stock.counted.len(), 4);
    }
}
