//! Tests of whole series of vintages.

use super::super::{ASSOCIEE, COMMUNE, Entry, IRIS, Ledger, Line, Member, Parameters, QPV, RESIDENCE, Theme};
use super::super::{Unresolved, VintageInput, ZoneEntry, holds};
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, landlord_view: true };

/// Shown rows (vintage, zone) that count a residence.
type Signature = Vec<(i32, String)>;

/// Three vintages of a small stock: residences that stay, grow, come and go.
fn vintages() -> impl Strategy<Value = Vec<VintageInput>> {
    let residence = (
        0u32..3,
        0u32..3,
        any::<bool>(),
        1u32..40,
        0u32..4,
        0u32..12,
        0u32..40,
        // In which vintages it is there.
        prop_oneof![6 => Just(7u8), 4 => 1u8..8],
    );
    prop::collection::vec(residence, 5..80).prop_map(|list| {
        let mut zones: Vec<ZoneEntry> = (0..3).map(|c| ZoneEntry { scale: COMMUNE, id: format!("c{c}") }).collect();
        zones.push(ZoneEntry { scale: ASSOCIEE, id: "a0".into() });
        zones.extend((0..9).map(|i| ZoneEntry { scale: IRIS, id: format!("i{i}") }));
        zones.push(ZoneEntry { scale: QPV, id: "q".into() });
        (0..3usize)
            .map(|v| VintageInput {
                vintage: 2022 + v as i32,
                stock: 2022 + v as i32,
                zones: zones.clone(),
                places: HashMap::new(),
                former: HashMap::new(),
                residences: list
                    .iter()
                    .enumerate()
                    .filter(|(_, r)| r.7 >> v & 1 == 1)
                    .map(|(n, (c, i, q, size, landlord, change, known, ..))| {
                        let size = size + if v == 2 { change / 4 } else { 0 };
                        let known = (*known).min(size);
                        Entry {
                            id: format!("r{n}"),
                            landlord: Some(*landlord),
                            dwellings: size,
                            zones: [
                                Some(*c),
                                (*c == 0 && *i == 1).then_some(3),
                                Some(4 + c * 3 + i),
                                (*q && *c < 2).then_some(13),
                            ],
                            units: vec![
                                size,
                                size / 2,
                                known,
                                size,
                                known,
                                size - size / 3,
                                if *q && *c < 2 { size } else { 0 },
                            ],
                        }
                    })
                    .collect(),
            })
            .collect()
    })
}

fn run(inputs: &[VintageInput], ledger: &Ledger) -> (Vec<Vec<Line>>, Vec<Unresolved>) {
    let out = Series::plan(Theme::Parc, P, ledger, None, inputs);
    (out.lines.into_iter().map(|(_, lines)| lines).collect(), out.unresolved)
}

fn record(inputs: &[VintageInput], lines: &[Vec<Line>]) -> Ledger {
    let mut ledger = Ledger::new();
    for (input, lines) in inputs.iter().zip(lines) {
        for l in lines {
            let scale = if l.scale == ASSOCIEE { COMMUNE } else { l.scale };
            let families: Vec<String> = l.families.iter().map(|f| (*f).to_owned()).collect();
            let units = input.residences.iter().find(|r| r.id == l.id).map(|r| r.units.as_slice());
            let known = ledger.entry((input.vintage, scale, l.id.clone())).or_default();
            known.record(Theme::Parc, l.status, &families, units);
        }
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn publishing_again_changes_nothing(inputs in vintages()) {
        let (first, unresolved) = run(&inputs, &Ledger::new());
        prop_assert_eq!(unresolved, []);
        let (second, unresolved) = run(&inputs, &record(&inputs, &first));
        prop_assert_eq!(unresolved, []);
        for (a, b) in first.iter().flatten().zip(second.iter().flatten()) {
            prop_assert_eq!((&a.id, a.status, &a.families), (&b.id, b.status, &b.families));
        }
    }

    #[test]
    fn what_was_withheld_stays_withheld(inputs in vintages()) {
        let (lines, _) = run(&inputs, &Ledger::new());
        let mut hidden: HashSet<&str> = HashSet::new();
        for l in lines.iter().flatten().filter(|l| l.scale == RESIDENCE) {
            prop_assert!(l.status != "diffuse" || !hidden.contains(l.id.as_str()));
            if l.status == "secret" {
                hidden.insert(&l.id);
            }
        }
    }

    /// What no shown row of any vintage tells apart is nothing, or may be known: the theme itself.
    #[test]
    fn nothing_small_is_told_apart_over_all_vintages(inputs in vintages()) {
        let out = Series::plan(Theme::Parc, P, &Ledger::new(), None, &inputs);
        prop_assert_eq!(&out.unresolved, &[]);
        let mut shown: HashSet<&str> = HashSet::new();
        for (_, lines) in &out.lines {
            shown.extend(lines.iter().filter(|l| l.scale == RESIDENCE && l.status == "diffuse").map(|l| l.id.as_str()));
        }
        let mut cells: BTreeMap<&str, (Signature, u32, u32, Option<u32>)> = BTreeMap::new();
        for ((input, (_, lines)), (_, counts)) in inputs.iter().zip(&out.lines).zip(&out.counts) {
            let open = |z: u32| {
                let zone = &input.zones[z as usize];
                lines.iter().any(|l| l.scale == zone.scale && l.id == zone.id && l.status == "diffuse")
            };
            let exception = |id: &str| counts.iter().find(|c| c.family.is_empty() && c.id == id);
            let mut count = |id: &str, state: i32, zones: [Option<u32>; 4]| {
                let then = inputs.iter().find(|i| i.vintage == state).unwrap();
                let entry = then.residences.iter().find(|r| r.id == id).unwrap();
                let id = entry.id.as_str();
                if shown.contains(id) || entry.units[0] == 0 {
                    return;
                }
                let cell = cells.entry(id).or_insert((Vec::new(), u32::MAX, u32::MAX, entry.landlord));
                cell.0.extend(zones.iter().flatten().filter(|z| open(**z)).map(|z| (input.vintage, input.zones[*z as usize].id.clone())));
                cell.1 = cell.1.min(entry.units[0]);
                cell.2 = cell.2.min(entry.dwellings);
            };
            for e in &input.residences {
                match exception(&e.id) {
                    None => count(&e.id, input.vintage, e.zones),
                    Some(c) => { if let Some(s) = c.state { count(&e.id, s, c.zones) } }
                }
            }
            for c in counts.iter().filter(|c| c.family.is_empty() && !input.residences.iter().any(|r| r.id == c.id)) {
                if let Some(s) = c.state { count(&c.id, s, c.zones) }
            }
        }
        let mut groups: BTreeMap<Signature, Vec<Member>> = BTreeMap::new();
        for (mut signature, units, dwellings, landlord) in cells.into_values() {
            signature.sort();
            groups.entry(signature).or_default().push(Member { units, dwellings, landlord });
        }
        for (signature, members) in groups {
            prop_assert!(signature.is_empty() || holds(&P, members.iter().copied()), "{signature:?}: {members:?}");
        }
    }

    #[test]
    fn what_is_shown_is_over_the_threshold(inputs in vintages()) {
        let (lines, _) = run(&inputs, &Ledger::new());
        for (input, lines) in inputs.iter().zip(&lines) {
            for l in lines.iter().filter(|l| l.scale == RESIDENCE && l.status == "diffuse") {
                let r = input.residences.iter().find(|r| r.id == l.id).unwrap();
                prop_assert!(r.units[0] >= 11 && r.dwellings >= 11);
                for (name, kind) in Theme::Parc.families() {
                    prop_assert!(!l.families.contains(name) || r.units[kind.units()] >= 11);
                }
            }
        }
    }
}
