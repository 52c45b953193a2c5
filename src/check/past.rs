//! What former publications showed and counted, as the file of knowledge tells it: also of those whose rows are dropped.

use super::read::Known;
use super::system::{Residence, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A vintage from a publication on, until another one says otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Epoch {
    /// By published identifier: what is known of it, and whether its row was shown.
    pub rows: HashMap<Arc<str>, (Known, bool)>,
    /// Zone rows that were shown, as `scale:code`.
    pub zones: Vec<Arc<str>>,
}

/// By vintage and publication.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past(BTreeMap<(i32, i64), Epoch>);

impl Past {
    /// The epoch that begins with a publication.
    pub fn begin(&mut self, vintage: i32, publication: i64) -> &mut Epoch {
        self.0.entry((vintage, publication)).or_default()
    }

    /// What a publication showed and counted of a vintage.
    pub fn at(&self, vintage: i32, publication: i64) -> Option<&Epoch> {
        self.0.range((vintage, i64::MIN)..=(vintage, publication)).next_back().map(|(_, e)| e)
    }

    /// Times of the publications that are not held any more.
    pub fn dropped(&self, held: &BTreeSet<i64>) -> Vec<((i32, i64), Time)> {
        let gone = self.0.iter().filter(|((_, publication), _)| !held.contains(publication));
        gone.map(|((vintage, publication), epoch)| ((*vintage, *publication), epoch.time(*vintage, *publication)))
            .collect()
    }
}

impl Epoch {
    fn time(&self, vintage: i32, publication: i64) -> Time {
        let residence = |(id, (known, shown)): (&Arc<str>, &(Known, bool))| Residence {
            id: Arc::clone(id),
            zones: Arc::clone(&known.zones),
            published: *shown,
            state: known.state,
            units: known.units,
            landlord: known.landlord.clone(),
        };
        Time {
            name: format!("{vintage} (publication {publication})"),
            vintage,
            former: true,
            outside: false,
            residences: self.rows.iter().map(residence).collect(),
            zones: self.zones.clone(),
        }
    }
}

/// What makes two times of a vintage tell the same: rows that are shown, and what is counted of those that are not.
type Told<'a> = (BTreeSet<&'a str>, BTreeMap<&'a str, Option<Counted<'a>>>);

/// Vintage of the figures, units, and the shown rows that count them.
type Counted<'a> = (i32, u64, BTreeSet<&'a str>);

fn told(time: &Time) -> Told<'_> {
    let zones: BTreeSet<&str> = time.zones.iter().map(|z| &**z).collect();
    let mut residences = BTreeMap::new();
    for r in &time.residences {
        if r.published {
            residences.insert(&*r.id, None);
        } else if r.state != 0 && r.units > 0 {
            let rows = r.zones.iter().map(|z| &**z).filter(|z| zones.contains(z)).collect();
            residences.insert(&*r.id, Some((r.state, r.units, rows)));
        }
    }
    (zones, residences)
}

/// Leaves out times that tell nothing that an earlier one in the list of the same vintage does not: equal ones add no equation.
pub fn distinct(times: Vec<Time>) -> Vec<Time> {
    let mut by_vintage: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (n, time) in times.iter().enumerate() {
        by_vintage.entry(time.vintage).or_default().push(n);
    }
    let mut keep: BTreeSet<usize> = BTreeSet::new();
    for list in by_vintage.values() {
        let mut seen: Vec<Told<'_>> = Vec::new();
        for n in list {
            // One alone needs no comparison.
            let own = if list.len() > 1 { told(&times[*n]) } else { Told::default() };
            if !seen.contains(&own) {
                seen.push(own);
                keep.insert(*n);
            }
        }
    }
    times.into_iter().enumerate().filter(|(n, _)| keep.contains(n)).map(|(_, t)| t).collect()
}

#[cfg(test)]
mod tests {
    use super::super::attack::{Rule, attack};
    use super::super::who::Landlords;
    use super::*;

    fn known(units: u64, state: i32) -> Known {
        Known { units, landlord: None, state, zones: [Arc::from("iris:1")].into() }
    }

    /// A dropped publication counts these residences in IRIS 1, the one examined those.
    fn found(before: &[(&str, u64)], now: &[(&str, u64, i32)], threshold: u64) -> Vec<String> {
        let mut past = Past::default();
        let epoch = past.begin(2024, 1);
        epoch.zones.push(Arc::from("iris:1"));
        epoch.rows.extend(before.iter().map(|(id, units)| (Arc::from(*id), (known(*units, 2024), false))));
        let mut times: Vec<Time> = past.dropped(&BTreeSet::from([2])).into_iter().map(|(_, t)| t).collect();
        let mut now_epoch = Epoch { zones: vec![Arc::from("iris:1")], ..Epoch::default() };
        now_epoch.rows.extend(now.iter().map(|(id, units, state)| (Arc::from(*id), (known(*units, *state), false))));
        times.push(Time { former: false, ..now_epoch.time(2024, 2) });
        let attackers = crate::config::Attacker { alone: false, pairs: false, ..crate::config::Attacker::default() };
        let rule = Rule { threshold, residences: 2, dominance: 0.85, attackers };
        let found = attack("parc", &times, &rule, &Landlords::default());
        found.into_iter().map(|f| f.residences.join(" ")).collect()
    }

    const BEFORE: &[(&str, u64)] = &[("a", 6), ("b", 6), ("c", 6)];

    #[test]
    fn what_a_dropped_publication_counted_is_subtracted() {
        assert_eq!(found(BEFORE, &[("a", 6, 2024), ("b", 6, 2024), ("c", 6, 2024)], 11), [""; 0]);
        assert!(found(BEFORE, &[("a", 6, 2024), ("b", 6, 2024)], 11).contains(&"c".to_owned()));
        // The same residence with corrected figures: their difference is told.
        let corrected = found(BEFORE, &[("a", 5, 22024), ("b", 6, 2024), ("c", 6, 2024)], 11);
        assert!(corrected.iter().any(|f| f.contains("a@2024") && f.contains("a@22024")), "{corrected:?}");
    }

    #[test]
    fn what_was_given_away_before_is_no_finding() {
        // 18 units may not be known any more; they are since the first publication.
        assert_eq!(found(BEFORE, &[("a", 6, 2024), ("b", 6, 2024), ("c", 6, 2024)], 20), [""; 0]);
        assert!(!found(BEFORE, &[("a", 6, 2024), ("b", 6, 2024)], 20).is_empty());
    }
}
