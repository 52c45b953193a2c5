//! What an attacker can derive from published rows, given what he knows.
//!
//! The attacker reads every published row of every vintage of every publication that was ever shown, knows the zone codes,
//! the units (dwellings, households, allocations) and the landlord of every residence, and may be a landlord who subtracts
//! his own, or landlords who do so together (`who`). All rows are one system of sums (`system`), looked at under several
//! suppositions. First the figures of a residence are taken not to change between vintages ([`Figures::Lasting`]: year of building, rooms, energy labels), which makes differences of vintages as
//! good as differences of zones, and a residence shown once known for ever. Then, of the stock, they are taken to last as long
//! as its dwellings are as many, and to be others when it has grown ([`Figures::Sized`]). Then they are taken to be new in each vintage
//! ([`Figures::Renewed`]: tenants, rents), so that what was counted at one time may be subtracted from itself later and leave
//! the change of what was renewed. Nothing here is shared with the planner: cells, groups and sums are made anew from the
//! public rows.
//!
//! Rows that share no unknown with others, directly or through others, tell nothing about these: each such part of the system
//! is attacked by itself, by those who own something in it.

use super::algebra::{Search, derivable};
use super::system::{Figures, Group, Part, System, Time, parts, system};
use super::who::{Attacker, Landlords};
use std::collections::{BTreeSet, HashMap};

/// The rule that a derived sum must meet. The numbers are those published with the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Units below which nothing may be known.
    pub threshold: u64,
    /// Residences below which nothing may be known.
    pub residences: usize,
    /// Largest share of one residence, 0..1.
    pub dominance: f64,
    /// Which landlords attack, and with whom.
    pub attackers: crate::config::Attacker,
}

/// Something that gives a figure away.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Finding {
    /// Theme.
    pub theme: String,
    /// `exact`, `below_threshold`, `few_residences`, `dominance`, `too_complex`; of a category `interval`, `incoherent`.
    pub kind: &'static str,
    /// Who attacks: empty for anybody, else landlords.
    pub attacker: String,
    /// Units of the derived sum that the attacker did not know.
    pub units: u64,
    /// Residences whose sum is derived; `id@vintage` where figures are taken to be new in each vintage, `id (units)` where
    /// they are when it has grown.
    pub residences: Vec<String>,
    /// Zones whose rows, added and subtracted, give it (those that touch the residences).
    pub zones: Vec<String>,
}

/// Findings of one attacker that are told; more are as good as these.
const FINDINGS: usize = 1000;

/// All findings of a theme over all times.
pub fn attack(theme: &str, times: &[Time], rule: &Rule, landlords: &Landlords) -> Vec<Finding> {
    let mut findings = one_way(theme, times, rule, landlords, Figures::Lasting);
    if times.len() > 1 {
        // Of the stock alone: as many households may be others.
        if theme == "parc" {
            findings.extend(one_way(theme, times, rule, landlords, Figures::Sized));
        }
        findings.extend(one_way(theme, times, rule, landlords, Figures::Renewed));
    }
    findings
}

fn one_way(theme: &str, times: &[Time], rule: &Rule, landlords: &Landlords, figures: Figures) -> Vec<Finding> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let system = system(times, figures, &mut numbers);
    let mut names: Vec<&str> = vec![""; numbers.len()];
    for (name, n) in &numbers {
        names[*n as usize] = name;
    }
    let mut findings = Vec::new();
    for part in parts(&system) {
        let there: BTreeSet<u32> = part.groups.iter().flat_map(|g| &g.members).filter_map(|m| m.2).collect();
        let there: Vec<(u32, &str)> = there.into_iter().map(|n| (n, names[n as usize])).collect();
        findings.extend(attack_as(theme, &Attacker::anybody(), &part, &system, rule, figures));
        for attacker in landlords.attackers(&rule.attackers, &there) {
            findings.extend(attack_as(theme, &attacker, &part, &system, rule, figures));
        }
    }
    findings.sort_by(|a, b| a.attacker.cmp(&b.attacker));
    findings
}

/// What is left of groups for one attacker: his own residences are no unknowns.
fn attack_as(
    theme: &str,
    attacker: &Attacker<'_>,
    part: &Part<'_>,
    system: &System<'_>,
    rule: &Rule,
    figures: Figures,
) -> Vec<Finding> {
    let members = |g: usize| part.groups[g].members.iter().filter(|m| !m.2.is_some_and(|l| attacker.owns(l)));
    let left: Vec<Vec<u64>> = (0..part.groups.len()).map(|g| members(g).map(|m| m.1).collect()).collect();
    let large = |(units, g): (&Vec<u64>, &&Group<'_>)| !units.is_empty() && (g.known || fault(units, rule).is_none());
    let big: Vec<bool> = left.iter().zip(&part.groups).map(large).collect();
    if left.iter().zip(&big).all(|(units, big)| *big || units.is_empty()) {
        return Vec::new();
    }
    // Groups that are all his own are in no sum that he looks for.
    let rows: Vec<Vec<usize>> =
        part.rows.iter().map(|row| row.iter().copied().filter(|g| !left[*g].is_empty()).collect()).collect();
    let describe = |kind, union: &[usize]| Finding {
        theme: theme.to_owned(),
        kind,
        attacker: attacker.name(),
        units: union.iter().flat_map(|g| &left[*g]).sum(),
        residences: union
            .iter()
            .flat_map(|g| members(*g))
            .map(|((id, state), ..)| match figures {
                Figures::Lasting => (*id).to_owned(),
                Figures::Sized => format!("{id} ({state})"),
                Figures::Renewed => format!("{id}@{state}"),
            })
            .collect(),
        zones: union
            .iter()
            .flat_map(|g| &part.groups[*g].rows)
            .map(|r| system.rows[*r as usize].to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    let wrong = |groups: &[usize]| {
        let units: Vec<u64> = groups.iter().flat_map(|g| left[*g].iter().copied()).collect();
        if units.is_empty() { None } else { fault(&units, rule) }
    };
    match derivable(&rows, &part.former, &big) {
        Search::TooMany { .. } => {
            let small: Vec<usize> = (0..left.len()).filter(|g| !big[*g] && !left[*g].is_empty()).collect();
            vec![describe("too_complex", &small)]
        }
        // What is added and what is subtracted must each be enough: else the difference tells of few units, or of a change.
        Search::All(sums) => sums
            .iter()
            .filter_map(|sum| {
                let kind = wrong(&sum.added).or_else(|| wrong(&sum.subtracted))?;
                Some(describe(kind, &[sum.added.as_slice(), &sum.subtracted].concat()))
            })
            .take(FINDINGS)
            .collect(),
    }
}

/// What is wrong with knowing the sum over residences of these units; `None` when it may be known.
fn fault(units: &[u64], rule: &Rule) -> Option<&'static str> {
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
    use super::super::system::Residence;
    use super::*;
    use std::sync::Arc;

    fn rule(alone: bool, pairs: bool) -> Rule {
        let attackers = crate::config::Attacker { alone, groups: alone, pairs, ..crate::config::Attacker::default() };
        Rule { threshold: 11, residences: 2, dominance: 0.85, attackers }
    }

    /// Landlords attack, each by himself.
    fn alone(times: &[Time]) -> Vec<Finding> {
        attack("parc", times, &rule(true, false), &Landlords::default())
    }

    fn texts(list: &[&str]) -> Vec<Arc<str>> {
        list.iter().map(|z| Arc::from(*z)).collect()
    }

    fn residence(id: &str, zones: &[&str], published: bool, units: u64, landlord: &str) -> Residence {
        Residence {
            id: Arc::from(id),
            zones: texts(zones).into(),
            published,
            state: 2024,
            units,
            landlord: Some(Arc::from(landlord)),
        }
    }

    fn time(residences: Vec<Residence>, zones: &[&str]) -> Time {
        Time { name: "2024".into(), vintage: 2024, residences, zones: texts(zones), ..Time::default() }
    }

    const A: &[&str] = &["iris:1", "commune:1"];
    const B: &[&str] = &["iris:2", "commune:1"];

    #[test]
    fn one_hidden_residence_in_a_published_iris_is_exact() {
        let t = time(vec![residence("x", A, false, 6, "l"), residence("y", A, true, 40, "m")], &["iris:1"]);
        let found = alone(&[t]);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x"] && f.attacker.is_empty()), "{found:?}");
    }

    #[test]
    fn enough_hidden_together_is_safe() {
        let t = time(
            vec![residence("x", A, false, 6, "l"), residence("y", A, false, 9, "m"), residence("z", A, false, 8, "n")],
            &["iris:1", "commune:1"],
        );
        assert_eq!(alone(&[t]), []);
    }

    #[test]
    fn a_commune_minus_its_other_iris_gives_the_hidden_iris() {
        let rest = [("a", 9), ("b", 9), ("c", 9)].map(|(id, n)| residence(id, A, false, n, id));
        let mut all = rest.to_vec();
        all.push(residence("x", B, false, 4, "q"));
        all.push(residence("w", B, false, 3, "r"));
        // IRIS 2 is withheld, but commune 1 minus IRIS 1 is IRIS 2: seven units.
        let found = alone(&[time(all.clone(), &["iris:1", "commune:1"])]);
        assert!(found.iter().any(|f| f.kind == "below_threshold" && f.units == 7), "{found:?}");
        // With the commune withheld too, nothing is left to subtract from.
        assert_eq!(alone(&[time(all, &["iris:1"])]), []);
    }

    #[test]
    fn a_landlord_subtracts_his_own() {
        let t = time(
            vec![residence("x", A, false, 6, "l"), residence("y", A, false, 9, "m"), residence("z", A, false, 4, "m")],
            &["iris:1"],
        );
        let found = alone(std::slice::from_ref(&t));
        assert!(found.iter().all(|f| f.attacker == "m") && found.iter().any(|f| f.residences == ["x"]), "{found:?}");
        assert_eq!(attack("parc", &[t], &rule(false, false), &Landlords::default()), []);
    }

    #[test]
    fn two_vintages_are_subtracted() {
        let old =
            vec![residence("a", A, false, 9, "k"), residence("b", A, false, 9, "l"), residence("c", A, false, 9, "m")];
        let mut new = old.clone();
        new.push(residence("x", A, false, 5, "n"));
        let found = alone(&[time(old.clone(), &["iris:1"]), time(new.clone(), &["iris:1"])]);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x"]), "{found:?}");
        // Not yet counted in the zone's figures, it cannot be subtracted out.
        if let Some(x) = new.last_mut() {
            x.state = 0;
        }
        assert_eq!(alone(&[time(old, &["iris:1"]), time(new, &["iris:1"])]), []);
    }

    #[test]
    fn a_residence_shown_once_is_known_for_good() {
        let first =
            vec![residence("a", A, true, 12, "k"), residence("b", A, false, 7, "l"), residence("c", A, true, 20, "m")];
        let second =
            vec![residence("a", A, false, 10, "k"), residence("b", A, false, 7, "l"), residence("c", A, true, 20, "m")];
        // At the second time a and b are hidden together (17 units), but a was shown at the first.
        let found = alone(&[time(first, &[]), time(second, &["iris:1"])]);
        assert!(found.iter().any(|f| f.residences == ["b"]), "{found:?}");
    }

    #[test]
    fn what_a_residence_was_before_it_grew_is_told_by_those_that_stay() {
        let stay = [("a", 9), ("b", 9), ("c", 9)].map(|(id, n)| residence(id, A, false, n, id));
        let with = |published, units, state| {
            let mut all: Vec<Residence> = stay.to_vec();
            all.iter_mut().for_each(|r| r.state = state);
            all.push(Residence { state, ..residence("x", A, published, units, "n") });
            Time { vintage: state, ..time(all, &["iris:1"]) }
        };
        // Five dwellings that nobody may know, then thirty that are shown: the others are the same in both.
        let found = alone(&[with(false, 5, 2023), with(true, 30, 2024)]);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x (5)"]), "{found:?}");
        // Withheld still, with the figures of then.
        let mut later = with(false, 5, 2023);
        later.vintage = 2024;
        assert_eq!(alone(&[with(false, 5, 2023), later]), []);
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
        let found = alone(&[time(all, &["iris:1", "qpv:1"])]);
        assert!(found.iter().any(|f| f.kind == "below_threshold" && f.units == 9), "{found:?}");
    }

    #[test]
    fn a_dominant_residence_is_found() {
        let t = time(
            vec![residence("x", A, false, 90, "l"), residence("y", A, false, 6, "m"), residence("z", A, false, 7, "n")],
            &["iris:1"],
        );
        let found = attack("parc", &[t], &rule(false, false), &Landlords::default());
        assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), ["dominance"]);
    }

    /// A table of a third party by commune: all residences, published here or not.
    fn outside(residences: &[Residence], zones: &[&str]) -> Time {
        let all = residences.iter().map(|r| Residence {
            published: false,
            zones: r.zones.iter().map(|z| Arc::from(format!("marge:{z}"))).collect::<Vec<_>>().into(),
            ..r.clone()
        });
        Time { former: true, outside: true, ..time(all.collect(), zones) }
    }

    #[test]
    fn a_table_of_a_third_party_is_subtracted_from() {
        let all = vec![
            residence("x", A, false, 6, "l"),
            residence("y", A, true, 40, "m"),
            residence("a", B, false, 9, "k"),
            residence("b", B, false, 9, "l"),
            residence("c", B, false, 9, "n"),
        ];
        // Commune and IRIS 1 are withheld; IRIS 2 and the residence that is shown leave x of the commune's known total.
        let found = alone(&[time(all.clone(), &["iris:2"]), outside(&all, &["marge:commune:1"])]);
        assert!(found.iter().any(|f| f.kind == "exact" && f.residences == ["x@2024"]), "{found:?}");
        // With IRIS 2 withheld as well x is one of four.
        assert_eq!(alone(&[time(all.clone(), &[]), outside(&all, &["marge:commune:1"])]), []);
    }

    #[test]
    fn what_third_parties_give_away_by_themselves_is_no_finding() {
        let all = vec![
            residence("x", A, false, 6, "l"),
            residence("y", B, true, 40, "m"),
            residence("a", B, false, 9, "k"),
            residence("b", B, false, 9, "l"),
            residence("c", B, false, 9, "n"),
        ];
        // The commune minus the part of it that is IRIS 2 gives x, whether y is shown or not.
        let tables = outside(&all, &["marge:commune:1", "marge:iris:2"]);
        assert_eq!(alone(&[time(all.clone(), &[]), tables.clone()]), []);
        // A residence less of those that are left: with it they may be known, without it not.
        let mut more = all.clone();
        more[2].published = true;
        more[3].published = true;
        let found = alone(&[time(more, &[]), tables]);
        assert!(found.iter().any(|f| f.residences == ["c@2024"]), "{found:?}");
    }

    #[test]
    fn two_landlords_together_subtract_more_than_either() {
        let t = time(
            vec![residence("x", A, false, 9, "l"), residence("y", A, false, 9, "m"), residence("z", A, false, 9, "n")],
            &["iris:1"],
        );
        assert_eq!(alone(std::slice::from_ref(&t)), []);
        let pairs = attack("parc", std::slice::from_ref(&t), &rule(true, true), &Landlords::default());
        let who: Vec<&str> = pairs.iter().map(|f| f.attacker.as_str()).collect();
        assert_eq!(who, ["l + m", "l + n", "m + n"]);
        assert!(pairs.iter().all(|f| f.kind == "exact"), "{pairs:?}");
        // One group, or a coalition that is named, is found without any pair.
        let grouped = Landlords::of(&[("l", "", "G"), ("m", "Maison M", "G")]);
        let by_group = attack("parc", std::slice::from_ref(&t), &rule(true, false), &grouped);
        assert_eq!(by_group.iter().map(|f| f.attacker.as_str()).collect::<Vec<_>>(), ["G"]);
        assert_eq!(by_group[0].residences, ["z"]);
        let mut named = rule(true, false);
        named.attackers.groups = false;
        named.attackers.coalitions = vec![vec!["Maison M".to_owned(), "n".to_owned()]];
        let by_name = attack("parc", &[t], &named, &grouped);
        assert_eq!(by_name.iter().map(|f| f.residences[0].as_str()).collect::<Vec<_>>(), ["x"]);
    }
}
