//! What an attacker can derive from published rows, given what he knows.
//!
//! The attacker reads every published row of every vintage of every publication that was ever shown, knows the zone codes,
//! the units (dwellings, households, allocations) and the landlord of every residence, and may be a landlord who subtracts
//! his own. He assumes that a residence's figures do not change between vintages, which makes differences of vintages as
//! good as differences of zones. Nothing here is shared with the planner: cells, groups and sums are made anew from the
//! public rows.

use super::algebra::{Search, derivable};
use std::collections::{BTreeMap, HashMap};

/// The rule that a derived sum must meet. The numbers are those published with the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Units below which nothing may be known.
    pub threshold: u64,
    /// Residences below which nothing may be known.
    pub residences: usize,
    /// Largest share of one residence, 0..1.
    pub dominance: f64,
    /// Whether landlords attack.
    pub landlords: bool,
}

/// One residence at one time, as the public layer shows it, with what the attacker knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Residence {
    /// Published identifier.
    pub id: String,
    /// Zones it stands in, as `scale:code`.
    pub zones: Vec<String>,
    /// Whether its own row is published with data.
    pub published: bool,
    /// Whether zone figures of this time include it.
    pub counted: bool,
    /// Units, known to the attacker.
    pub units: u64,
    /// Landlord.
    pub landlord: Option<String>,
}

/// Everything published of one theme at one time: one vintage of one publication.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Time {
    /// Name for the report, e.g. `2024 (publication 3)`.
    pub name: String,
    /// All residences on the map.
    pub residences: Vec<Residence>,
    /// Zone rows published with data, as `scale:code`.
    pub zones: Vec<String>,
}

/// Something that gives a figure away.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Finding {
    /// Theme.
    pub theme: String,
    /// `exact`, `below_threshold`, `few_residences`, `dominance`, `too_complex`.
    pub kind: &'static str,
    /// Who attacks: empty for anybody, else a landlord.
    pub attacker: String,
    /// Units of the derived sum that the attacker did not know.
    pub units: u64,
    /// Residences whose sum is derived.
    pub residences: Vec<String>,
    /// Zones whose rows, added and subtracted, give it (those that touch the residences).
    pub zones: Vec<String>,
}

/// Residences that no published row at any time tells apart.
struct Group<'a> {
    members: Vec<&'a str>,
    units: Vec<u64>,
    landlords: Vec<Option<&'a str>>,
}

/// All findings of a theme over all times.
pub fn attack(theme: &str, times: &[Time], rule: Rule) -> Vec<Finding> {
    // Signature: at each time the published zones whose figures hide the residence. Sorted maps keep reports stable.
    let mut signatures: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    let mut known: HashMap<&str, bool> = HashMap::new();
    let mut facts: HashMap<&str, (u64, Option<&str>)> = HashMap::new();
    for (t, time) in times.iter().enumerate() {
        let shown: std::collections::HashSet<&str> = time.zones.iter().map(String::as_str).collect();
        for r in &time.residences {
            // A row shown at any time gives the figures for all times.
            *known.entry(&r.id).or_default() |= r.published;
            let fact = facts.entry(&r.id).or_insert((r.units, r.landlord.as_deref()));
            // The least that it ever held: what is to be protected.
            fact.0 = fact.0.min(r.units);
            if !r.published && r.counted {
                let hidden_in = r.zones.iter().map(String::as_str).filter(|z| shown.contains(z)).map(|z| (t, z));
                signatures.entry(&r.id).or_default().extend(hidden_in);
            }
        }
    }
    let mut groups: BTreeMap<Vec<(usize, &str)>, Group<'_>> = BTreeMap::new();
    for (id, mut signature) in signatures {
        if signature.is_empty() || known.get(id).copied().unwrap_or_default() {
            continue;
        }
        signature.sort_unstable();
        signature.dedup();
        let (units, landlord) = facts[id];
        let group = groups.entry(signature).or_insert_with(|| Group {
            members: Vec::new(),
            units: Vec::new(),
            landlords: Vec::new(),
        });
        group.members.push(id);
        group.units.push(units);
        group.landlords.push(landlord);
    }
    let mut attackers: Vec<&str> = vec![""];
    if rule.landlords {
        let all: std::collections::BTreeSet<&str> =
            groups.values().flat_map(|g| g.landlords.iter().flatten().copied()).collect();
        attackers.extend(all);
    }
    let mut findings = Vec::new();
    for attacker in attackers {
        findings.extend(attack_as(theme, attacker, &groups, rule));
    }
    findings
}

/// What is left of groups for one attacker: his own residences are no unknowns.
fn attack_as(
    theme: &str,
    attacker: &str,
    groups: &BTreeMap<Vec<(usize, &str)>, Group<'_>>,
    rule: Rule,
) -> Vec<Finding> {
    struct Left<'a> {
        members: Vec<&'a str>,
        units: Vec<u64>,
        zones: Vec<&'a str>,
    }
    let mut left: Vec<Left<'_>> = Vec::new();
    let mut rows: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (signature, group) in groups {
        let mut own = Left { members: Vec::new(), units: Vec::new(), zones: Vec::new() };
        for ((id, units), landlord) in group.members.iter().zip(&group.units).zip(&group.landlords) {
            // Residences without a unit hold no figure to derive.
            if *units > 0 && (attacker.is_empty() || *landlord != Some(attacker)) {
                own.members.push(id);
                own.units.push(*units);
            }
        }
        if own.members.is_empty() {
            continue;
        }
        own.zones = signature.iter().map(|(_, z)| *z).collect();
        for key in signature {
            rows.entry(*key).or_default().push(left.len());
        }
        left.push(own);
    }
    let big: Vec<bool> = left.iter().map(|g| fault(&g.units, rule).is_none()).collect();
    let rows: Vec<Vec<usize>> = rows.into_values().collect();
    let describe = |kind, union: &[usize]| Finding {
        theme: theme.to_owned(),
        kind,
        attacker: attacker.to_owned(),
        units: union.iter().flat_map(|g| &left[*g].units).sum(),
        residences: union.iter().flat_map(|g| &left[*g].members).map(|m| (*m).to_owned()).collect(),
        zones: union
            .iter()
            .flat_map(|g| &left[*g].zones)
            .map(|z| (*z).to_owned())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    match derivable(&rows, &big) {
        Search::TooMany { .. } => {
            let small: Vec<usize> = (0..left.len()).filter(|g| !big[*g]).collect();
            vec![describe("too_complex", &small)]
        }
        Search::All(unions) => unions
            .iter()
            .filter_map(|union| {
                let units: Vec<u64> = union.iter().flat_map(|g| left[*g].units.iter().copied()).collect();
                fault(&units, rule).map(|kind| describe(kind, union))
            })
            .collect(),
    }
}

/// What is wrong with knowing the sum over residences of these units; `None` when it may be known.
fn fault(units: &[u64], rule: Rule) -> Option<&'static str> {
    let total: u64 = units.iter().sum();
    let largest = units.iter().copied().max().unwrap_or_default();
    if units.len() == 1 {
        return Some("exact");
    }
    if total < rule.threshold {
        return Some("below_threshold");
    }
    if units.len() < rule.residences {
        return Some("few_residences");
    }
    (largest as f64 > rule.dominance * total as f64).then_some("dominance")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { threshold: 11, residences: 2, dominance: 0.85, landlords: true };

    fn residence(id: &str, zones: &[&str], published: bool, units: u64, landlord: &str) -> Residence {
        Residence {
            id: id.to_owned(),
            zones: zones.iter().map(|z| (*z).to_owned()).collect(),
            published,
            counted: true,
            units,
            landlord: Some(landlord.to_owned()),
        }
    }

    fn time(residences: Vec<Residence>, zones: &[&str]) -> Time {
        Time { name: "2024".into(), residences, zones: zones.iter().map(|z| (*z).to_owned()).collect() }
    }

    const A: &[&str] = &["iris:1", "commune:1"];
    const B: &[&str] = &["iris:2", "commune:1"];

    #[test]
    fn one_hidden_residence_in_a_published_iris_is_exact() {
        let t = time(vec![residence("x", A, false, 6, "l"), residence("y", A, true, 40, "m")], &["iris:1"]);
        let found = attack("parc", &[t], RULE);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x"] && f.attacker.is_empty()), "{found:?}");
    }

    #[test]
    fn enough_hidden_together_is_safe() {
        let t = time(
            vec![residence("x", A, false, 6, "l"), residence("y", A, false, 9, "m"), residence("z", A, false, 8, "n")],
            &["iris:1", "commune:1"],
        );
        assert_eq!(attack("parc", &[t], RULE), []);
    }

    #[test]
    fn a_commune_minus_its_other_iris_gives_the_hidden_iris() {
        let rest = [("a", 9), ("b", 9), ("c", 9)].map(|(id, n)| residence(id, A, false, n, id));
        let mut all = rest.to_vec();
        all.push(residence("x", B, false, 4, "q"));
        all.push(residence("w", B, false, 3, "r"));
        // IRIS 2 is withheld, but commune 1 minus IRIS 1 is IRIS 2: seven units.
        let found = attack("parc", &[time(all.clone(), &["iris:1", "commune:1"])], RULE);
        assert!(found.iter().any(|f| f.kind == "below_threshold" && f.units == 7), "{found:?}");
        // With the commune withheld too, nothing is left to subtract from.
        assert_eq!(attack("parc", &[time(all, &["iris:1"])], RULE), []);
    }

    #[test]
    fn a_landlord_subtracts_his_own() {
        let t = time(
            vec![residence("x", A, false, 6, "l"), residence("y", A, false, 9, "m"), residence("z", A, false, 4, "m")],
            &["iris:1"],
        );
        let found = attack("parc", std::slice::from_ref(&t), RULE);
        assert!(found.iter().all(|f| f.attacker == "m") && found.iter().any(|f| f.residences == ["x"]), "{found:?}");
        assert_eq!(attack("parc", &[t], Rule { landlords: false, ..RULE }), []);
    }

    #[test]
    fn two_vintages_are_subtracted() {
        let old =
            vec![residence("a", A, false, 9, "k"), residence("b", A, false, 9, "l"), residence("c", A, false, 9, "m")];
        let mut new = old.clone();
        new.push(residence("x", A, false, 5, "n"));
        let found = attack("parc", &[time(old.clone(), &["iris:1"]), time(new.clone(), &["iris:1"])], RULE);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x"]), "{found:?}");
        // Not yet counted in the zone's figures, it cannot be subtracted out.
        if let Some(x) = new.last_mut() {
            x.counted = false;
        }
        assert_eq!(attack("parc", &[time(old, &["iris:1"]), time(new, &["iris:1"])], RULE), []);
    }

    #[test]
    fn a_residence_shown_once_is_known_for_good() {
        let first =
            vec![residence("a", A, true, 12, "k"), residence("b", A, false, 7, "l"), residence("c", A, true, 20, "m")];
        let second =
            vec![residence("a", A, false, 10, "k"), residence("b", A, false, 7, "l"), residence("c", A, true, 20, "m")];
        // At the second time a and b are hidden together (17 units), but a was shown at the first.
        let found = attack("parc", &[time(first, &[]), time(second, &["iris:1"])], RULE);
        assert!(found.iter().any(|f| f.residences == ["b"]), "{found:?}");
    }

    #[test]
    fn qpv_against_iris() {
        let q: &[&str] = &["iris:1", "commune:1", "qpv:1"];
        let all = vec![
            residence("a", A, false, 9, "k"),
            residence("b", A, false, 9, "l"),
            residence("c", A, false, 9, "m"),
            residence("x", q, false, 5, "n"),
            residence("y", q, false, 4, "o"),
        ];
        let found = attack("parc", &[time(all, &["iris:1", "qpv:1"])], RULE);
        assert!(found.iter().any(|f| f.kind == "below_threshold" && f.units == 9), "{found:?}");
    }

    #[test]
    fn a_dominant_residence_is_found() {
        let t = time(
            vec![residence("x", A, false, 90, "l"), residence("y", A, false, 6, "m"), residence("z", A, false, 7, "n")],
            &["iris:1"],
        );
        let found = attack("parc", &[t], Rule { landlords: false, ..RULE });
        assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), ["dominance"]);
    }
}
