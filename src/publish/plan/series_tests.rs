//! Tests of whole series of vintages.

use super::super::{
    ASSOCIEE, Attackers, COMMUNE, Entry, IRIS, Ledger, Line, Member, Parameters, QPV, RESIDENCE, Theme,
};
use super::super::{Unresolved, VintageInput, ZoneEntry, holds, landlord};
use super::*;
use crate::check as attack;
use crate::publish::plan::scale_name;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

const P: Parameters = Parameters { threshold: 11, dominance: 0.85, residences: 2, attackers: Attackers::ALONE };

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
                margins: HashSet::new(),
                frozen: None,
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

/// What an attacker reads of a plan, in the words of the proof.
fn times(inputs: &[VintageInput], out: &Outcome, family: &str, n: usize) -> Vec<attack::Time> {
    let entry = |vintage: i32, id: &str| {
        inputs.iter().find(|i| i.vintage == vintage).and_then(|i| i.residences.iter().find(|r| r.id == id))
    };
    let mut times = Vec::new();
    for ((input, (vintage, lines)), (_, counts)) in inputs.iter().zip(&out.lines).zip(&out.counts) {
        let name = |z: &u32| {
            let z = &input.zones[*z as usize];
            format!("{}:{}", scale_name(z.scale), z.id)
        };
        let shows = |l: &Line| l.status == "diffuse" && (family.is_empty() || l.families.contains(&family));
        let mut time = attack::Time { name: vintage.to_string(), vintage: *vintage, ..Default::default() };
        time.zones = lines
            .iter()
            .filter(|l| l.scale != RESIDENCE && shows(l))
            .map(|l| format!("{}:{}", scale_name(l.scale), l.id).into())
            .collect();
        let count = |id: &str| {
            let of = |f: &str| counts.iter().find(|c| c.family == f && c.id == id);
            of(family).or_else(|| of(""))
        };
        let mut add = |id: &str, published: bool, state: Option<i32>, zones: [Option<u32>; 4]| {
            let known = entry(state.unwrap_or(*vintage), id);
            time.residences.push(attack::Residence {
                id: id.into(),
                zones: zones.iter().flatten().map(|z| name(z).into()).collect(),
                published,
                state: state.unwrap_or(0),
                units: known.and_then(|e| e.units.get(n)).copied().map_or(0, u64::from),
                landlord: known.and_then(|e| e.landlord).map(|l| l.to_string().into()),
            });
        };
        for l in lines.iter().filter(|l| l.scale == RESIDENCE) {
            let zones = entry(*vintage, &l.id).map_or([None; 4], |e| e.zones);
            match count(&l.id).filter(|_| !shows(l)) {
                Some(c) => add(&l.id, false, c.state, if c.state.is_some() { c.zones } else { zones }),
                None => add(&l.id, shows(l), Some(*vintage), zones),
            }
        }
        let others: BTreeSet<&str> =
            counts.iter().filter(|c| c.family.is_empty() || c.family == family).map(|c| c.id.as_str()).collect();
        for id in others.into_iter().filter(|id| entry(*vintage, id).is_none()) {
            if let Some(c) = count(id).filter(|c| c.state.is_some()) {
                add(id, false, c.state, c.zones);
            }
        }
        times.push(time);
    }
    for input in inputs.iter().filter(|i| !i.margins.is_empty()) {
        let row = |c: &u32| std::sync::Arc::from(format!("marge:{c}"));
        let counted = |e: &Entry| {
            let zones: Vec<_> = e.zones[COMMUNE].filter(|c| input.margins.contains(c)).iter().map(row).collect();
            attack::Residence {
                id: e.id.as_str().into(),
                zones: zones.into(),
                published: false,
                state: input.vintage,
                units: u64::from(e.units[n]),
                landlord: e.landlord.map(|l| l.to_string().into()),
            }
        };
        times.push(attack::Time {
            name: "outside".into(),
            vintage: input.vintage,
            former: true,
            outside: true,
            residences: input.residences.iter().map(counted).collect(),
            zones: input.margins.iter().map(row).collect(),
        });
    }
    times
}

fn findings(inputs: &[VintageInput], out: &Outcome, attackers: &Attackers) -> Vec<attack::Finding> {
    let Attackers { alone, groups, pairs, .. } = *attackers;
    let attackers = crate::config::Attacker { alone, groups, pairs, ..crate::config::Attacker::default() };
    let rule = attack::Rule { threshold: 11, residences: 2, dominance: 0.85, attackers };
    let all: BTreeSet<u32> = inputs.iter().flat_map(|i| &i.residences).filter_map(|r| r.landlord).collect();
    let names: Vec<(String, String)> =
        all.into_iter().map(|l| (l.to_string(), format!("group {}", l & 0xffff))).collect();
    let names: Vec<(&str, &str, &str)> = names.iter().map(|(l, g)| (l.as_str(), "", g.as_str())).collect();
    let landlords = attack::Landlords::of(&names);
    let families = Theme::Parc.families().iter().filter(|(_, k)| matches!(k, Kind::Own(_)));
    let subjects = std::iter::once(("", 0)).chain(families.map(|(name, k)| (*name, k.units())));
    subjects.flat_map(|(name, n)| attack::attack(name, &times(inputs, out, name, n), &rule, &landlords)).collect()
}

/// A new residence waits in a commune whose sum a third party publishes: that sum minus the zone rows would be the newcomer.
#[test]
fn what_waits_in_a_commune_known_from_outside_is_not_told() {
    let zones: Vec<ZoneEntry> = [(COMMUNE, "c"), (IRIS, "i1"), (IRIS, "i2")]
        .into_iter()
        .map(|(scale, id)| ZoneEntry { scale, id: id.into() })
        .collect();
    let residence = |n: u32, units: u32, iris: u32, landlord: u32| Entry {
        id: format!("r{n}"),
        landlord: Some(landlord),
        dwellings: units,
        zones: [Some(0), None, Some(iris), None],
        units: vec![units, 0, 0, 0, 0, 0, 0],
    };
    let mut all: Vec<Entry> = (0..8).map(|n| residence(n, 7, 1 + n / 4, n / 2)).collect();
    let mut inputs = Vec::new();
    for vintage in [2022, 2023] {
        let (zones, margins) = (zones.clone(), HashSet::from([0]));
        inputs.push(VintageInput {
            vintage,
            stock: vintage,
            residences: all.clone(),
            zones,
            margins,
            ..Default::default()
        });
        all.push(residence(8, 5, 1, 9));
    }
    let out = Series::plan(Theme::Parc, P, &Ledger::new(), None, &inputs);
    assert_eq!((&out.unresolved[..], findings(&inputs, &out, &P.attackers)), (&[][..], Vec::new()));
    // Planned as if nobody knew, it would be.
    let mut blind = inputs.clone();
    blind.iter_mut().for_each(|i| i.margins.clear());
    let out = Series::plan(Theme::Parc, P, &Ledger::new(), None, &blind);
    let found = findings(&inputs, &out, &P.attackers);
    assert!(found.iter().any(|f| f.residences == ["r8@2023"]), "{found:?}");
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

    /// The independent attack on what is planned, over all vintages, the theme and its families.
    #[test]
    fn the_attack_finds_nothing(inputs in vintages()) {
        let out = Series::plan(Theme::Parc, P, &Ledger::new(), None, &inputs);
        prop_assert_eq!(&out.unresolved, &[]);
        prop_assert_eq!(findings(&inputs, &out, &P.attackers), []);
    }

    /// The same with what third parties publish of some communes, in some vintages.
    #[test]
    fn the_attack_with_tables_of_third_parties_finds_nothing(inputs in vintages(), tables in 1u32..512) {
        let mut inputs = inputs;
        for (v, input) in inputs.iter_mut().enumerate() {
            input.margins = (0..3).filter(|c| tables >> (3 * v as u32 + c) & 1 == 1).collect();
        }
        let out = Series::plan(Theme::Parc, P, &Ledger::new(), None, &inputs);
        prop_assert_eq!(&out.unresolved, &[]);
        prop_assert_eq!(findings(&inputs, &out, &P.attackers), []);
    }

    /// The same with landlords in groups and in pairs.
    #[test]
    fn the_attack_by_several_landlords_finds_nothing(inputs in vintages(), alone: bool, groups: bool, pairs: bool) {
        let mut inputs = inputs;
        for r in inputs.iter_mut().flat_map(|i| &mut i.residences) {
            r.landlord = r.landlord.and_then(|l| landlord(l as usize % 3, l as usize / 3));
        }
        let p = Parameters { attackers: Attackers { alone, groups, pairs, coalitions: None }, ..P };
        let out = Series::plan(Theme::Parc, p.clone(), &Ledger::new(), None, &inputs);
        prop_assert_eq!(&out.unresolved, &[]);
        prop_assert_eq!(findings(&inputs, &out, &p.attackers), []);
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
