//! Families of categories as the public layers show them: what is left of each zone row for hidden residences.

use super::CheckError;
use super::attack::Finding;
use super::families::{FAMILIES, Family, Residence, Row, residences, rows};
use super::interval::{Cell, Doubt, Seen, System, narrow};
use super::read::Knowledge;
use super::sets::Sets;
use super::who::{Attacker, Landlords};
use crate::config;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio_postgres::Client;

/// What is told too narrowly by the candidate, in each family of a subject, all vintages together: figures that were not
/// renewed are in the rows of several.
pub async fn findings(
    client: &Client,
    publication: i64,
    subject: &str,
    knowledge: &Arc<Knowledge>,
    doubt: Doubt,
    who: &Arc<(config::Attacker, Arc<Landlords>)>,
) -> Result<Vec<Finding>, CheckError> {
    let mut findings = Vec::new();
    for family in FAMILIES.iter().filter(|f| f.subject == subject) {
        let residences = residences(client, publication, family).await?;
        let rows = rows(client, publication, family).await?;
        let knowledge = Arc::clone(knowledge);
        let who = Arc::clone(who);
        let work = move || attack(family, &residences, rows, &knowledge, doubt, &who.0, &who.1);
        findings.extend(tokio::task::spawn_blocking(work).await.map_err(|_| CheckError::Interrupted)?);
    }
    Ok(findings)
}

fn attack(
    family: &Family,
    residences: &HashMap<(i32, String), Residence>,
    mut rows: Vec<Row>,
    knowledge: &Knowledge,
    doubt: Doubt,
    who: &config::Attacker,
    landlords: &Landlords,
) -> Vec<Finding> {
    let mut places: HashMap<(i32, &str), Vec<Place>> = HashMap::new();
    for (n, row) in rows.iter().enumerate() {
        places.entry((row.vintage, &row.zone)).or_default().push((n, row.part));
    }
    let vintages: BTreeSet<i32> = rows.iter().map(|r| r.vintage).collect();
    let rows_of = |vintage: i32, zones: &[Arc<str>]| {
        let inside = zones.iter().any(|z| z.starts_with("qpv:"));
        let all = zones.iter().flat_map(|z| places.get(&(vintage, &**z)).into_iter().flatten());
        let mut list: Vec<usize> = all.filter(|(_, part)| part.is_none_or(|p| p == inside)).map(|(n, _)| *n).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    let mut told: Vec<(Vec<usize>, &Vec<i64>)> = Vec::new();
    // Unknown: a residence, and the vintage of its figures.
    let mut unknowns: BTreeMap<(&str, i32), Counted<'_>> = BTreeMap::new();
    let mut hide = |list: Vec<usize>, units: u64, id, state, landlord| {
        if units > 0 && !list.is_empty() {
            unknowns.entry((id, state)).or_insert((units, Vec::new(), landlord)).1.extend(list);
        }
    };
    for ((vintage, id), r) in residences.iter().filter(|((v, _), _)| vintages.contains(v)) {
        let known = knowledge.get(family.subject, *vintage, id);
        let zones = known.map(|k| &*k.zones).filter(|z| !z.is_empty()).unwrap_or(&r.zones);
        let list = rows_of(*vintage, zones);
        match (&r.says, known) {
            (Some(says), _) => told.push((list, says)),
            (None, None) => hide(list, 1, id.as_str(), *vintage, None),
            (None, Some(k)) => {
                // Counted with the figures of a vintage in which it is shown: they are known.
                match residences.get(&(k.state, id.clone())).and_then(|then| then.says.as_ref()) {
                    Some(says) => told.push((list, says)),
                    None if k.state != 0 => hide(list, k.units, id, k.state, k.landlord.as_deref()),
                    None => {}
                }
            }
        }
    }
    // What is counted and not on the map.
    for vintage in &vintages {
        for (id, k) in knowledge.of(family.subject, *vintage) {
            if k.state == 0 || residences.contains_key(&(*vintage, id.to_owned())) {
                continue;
            }
            let list = rows_of(*vintage, &k.zones);
            match residences.get(&(k.state, id.to_owned())).and_then(|then| then.says.as_ref()) {
                Some(says) => told.push((list, says)),
                None => hide(list, k.units, id, k.state, k.landlord.as_deref()),
            }
        }
    }
    for (list, says) in told {
        for n in list {
            for (left, value) in rows[n].says.iter_mut().zip(says) {
                *left = left.map(|l| l - value);
            }
        }
    }
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut cells: BTreeMap<Vec<usize>, Hidden<'_>> = BTreeMap::new();
    for ((id, state), (units, mut list, landlord)) in unknowns {
        list.sort_unstable();
        list.dedup();
        let n = numbers.len() as u32;
        let landlord = landlord.map(|l| *numbers.entry(l).or_insert(n));
        let figures = landlord.and_then(|_| knowledge.own(family.subject, family.columns, state, id));
        cells.entry(list).or_default().push(Unknown { id, state, units, landlord, figures });
    }
    let mut names: Vec<&str> = vec![""; numbers.len()];
    numbers.iter().for_each(|(name, n)| names[*n as usize] = name);
    let mut findings = Vec::new();
    for part in parts(cells, rows.len()) {
        let there: BTreeSet<u32> = part.iter().flat_map(|(_, hidden)| hidden).filter_map(|u| u.landlord).collect();
        let there: Vec<(u32, &str)> = there.into_iter().map(|n| (n, names[n as usize])).collect();
        let mut attackers = vec![Attacker::anybody()];
        attackers.extend(landlords.attackers(who, &there));
        let mut seen = Seen::default();
        for attacker in attackers {
            let system = system(family, &part, &rows, &attacker);
            findings.extend(narrow(&system, doubt, &mut seen).into_iter().map(|n| {
                let cell = part.get(n.cell);
                let column = family.columns.get(n.category).copied().unwrap_or_default();
                Finding {
                    theme: format!("{} {column}", family.subject),
                    kind: n.kind,
                    attacker: attacker.name(),
                    units: system.cells.get(n.cell).map_or(0, |c| c.units),
                    residences: cell.iter().flat_map(|c| &c.1).map(|u| format!("{}@{}", u.id, u.state)).collect(),
                    zones: cell
                        .iter()
                        .flat_map(|c| &c.0)
                        .map(|r| format!("{}@{}", rows[*r].zone, rows[*r].vintage))
                        .collect(),
                }
            }));
        }
    }
    findings
}

/// A row of a zone, and the part of it that the row tells of.
type Place = (usize, Option<bool>);

/// Units, the rows that count them, the landlord.
type Counted<'a> = (u64, Vec<usize>, Option<&'a str>);

/// Figures of a residence that no row of its own shows.
struct Unknown<'a> {
    id: &'a str,
    state: i32,
    units: u64,
    landlord: Option<u32>,
    /// What its landlord knows, by category.
    figures: Option<Vec<i64>>,
}

type Hidden<'a> = Vec<Unknown<'a>>;

/// Cells with the rows that count them, in parts that have no row in common.
fn parts<'a>(cells: BTreeMap<Vec<usize>, Hidden<'a>>, rows: usize) -> Vec<Vec<(Vec<usize>, Hidden<'a>)>> {
    let mut sets = Sets::new(rows);
    for list in cells.keys() {
        list.iter().for_each(|row| sets.join(*row, list[0]));
    }
    let mut parts: BTreeMap<usize, Vec<(Vec<usize>, Hidden<'a>)>> = BTreeMap::new();
    for (list, hidden) in cells {
        parts.entry(sets.root(list[0])).or_default().push((list, hidden));
    }
    parts.into_values().collect()
}

/// What is unknown of a part to one attacker: what he knows as his own is taken out of cells and rows.
fn system(family: &Family, part: &[(Vec<usize>, Hidden<'_>)], rows: &[Row], attacker: &Attacker<'_>) -> System {
    let all: BTreeSet<usize> = part.iter().flat_map(|(list, _)| list).copied().collect();
    let numbers: HashMap<usize, usize> = all.iter().enumerate().map(|(n, row)| (*row, n)).collect();
    let mut says: Vec<Vec<Option<i64>>> = all.iter().map(|row| rows[*row].says.clone()).collect();
    let mut cells = Vec::with_capacity(part.len());
    for (list, hidden) in part {
        let mut cell = Cell { rows: list.iter().map(|r| numbers[r]).collect(), ..Cell::default() };
        for u in hidden {
            let own = u.figures.as_ref().filter(|_| u.landlord.is_some_and(|l| attacker.owns(l)));
            match own {
                None => {
                    cell.units += u.units;
                    cell.largest = cell.largest.max(u.units);
                }
                Some(figures) => {
                    for row in &cell.rows {
                        says[*row].iter_mut().zip(figures).for_each(|(left, n)| *left = left.map(|l| l - n));
                    }
                }
            }
        }
        cells.push(cell);
    }
    System { cells, rows: says, categories: family.columns.len(), whole: family.whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBT: Doubt = Doubt { units: 3, zeros_safe: false };

    fn knowledge(lines: &str) -> Knowledge {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("theme;millesime;id;unites;bailleur;compte;zones\n{lines}")).unwrap();
        Knowledge::read(file.path()).unwrap()
    }

    fn residence(zones: &[&str], says: Option<i64>) -> Residence {
        Residence { zones: zones.iter().map(|z| Arc::from(*z)).collect(), says: says.map(|n| vec![n]) }
    }

    fn row(zone: &str, part: Option<bool>, says: Option<i64>) -> Row {
        Row { vintage: 2024, zone: zone.to_owned(), part, says: vec![says] }
    }

    fn family(column: &str) -> &'static Family {
        FAMILIES.iter().find(|f| f.columns == [column]).unwrap()
    }

    fn attack_all(
        family: &Family,
        there: &HashMap<(i32, String), Residence>,
        rows: Vec<Row>,
        knowledge: &Knowledge,
    ) -> Vec<Finding> {
        let who = config::Attacker { pairs: false, ..config::Attacker::default() };
        let landlords = Landlords::of(&[("1", "A", "G"), ("2", "B", ""), ("3", "C", "G")]);
        attack(family, there, rows, knowledge, DOUBT, &who, &landlords)
    }

    const A: &[&str] = &["iris:1", "commune:1"];
    const Q: &[&str] = &["iris:1", "commune:1", "qpv:1"];

    #[test]
    fn what_a_row_leaves_to_hidden_residences_is_judged() {
        let k = knowledge("occupation;2024;a;30;;2024;\noccupation;2024;x;9;;2024;\noccupation;2024;y;8;;2024;\n");
        let there: HashMap<(i32, String), Residence> =
            [("a", Some(20)), ("x", None), ("y", None)].map(|(id, n)| ((2024, id.to_owned()), residence(A, n))).into();
        let found = |says| attack_all(family("nb_apl"), &there, vec![row("iris:1", None, says)], &k);
        let narrow = found(Some(21));
        assert_eq!(narrow.len(), 1);
        let mut ids = narrow[0].residences.clone();
        ids.sort();
        assert_eq!(
            (narrow[0].kind, narrow[0].units, ids),
            ("interval", 17, vec!["x@2024".to_owned(), "y@2024".to_owned()])
        );
        assert_eq!(found(Some(26)), []);
        assert_eq!(found(None), []);
    }

    #[test]
    fn a_residence_counted_as_it_was_shown_once_is_subtracted() {
        let k =
            knowledge("occupation;2024;x;9;;2024;\noccupation;2024;y;8;;2024;\noccupation;2024;z;12;;2023;iris:1\n");
        let mut there: HashMap<(i32, String), Residence> =
            ["x", "y", "z"].map(|id| ((2024, id.to_owned()), residence(A, None))).into();
        let rows = || vec![row("iris:1", None, Some(8))];
        assert_eq!(attack_all(family("nb_apl"), &there, rows(), &k), []);
        there.insert((2023, "z".to_owned()), residence(A, Some(6)));
        let found = attack_all(family("nb_apl"), &there, rows(), &k);
        assert_eq!(found.iter().map(|f| f.units).collect::<Vec<_>>(), [17]);
    }

    #[test]
    fn figures_that_stand_in_two_vintages_are_told_by_either() {
        let line = |vintage, state| format!("occupation;{vintage};x;9;;{state};\noccupation;{vintage};y;8;;{state};\n");
        let there: HashMap<(i32, String), Residence> = [(2023, "x"), (2023, "y"), (2024, "x"), (2024, "y")]
            .map(|(vintage, id)| ((vintage, id.to_owned()), residence(A, None)))
            .into();
        let found = |state, says: [Option<i64>; 2]| {
            let k = knowledge(&(line(2023, 2023) + &line(2024, state)));
            let rows = [2023, 2024].into_iter().zip(says).map(|(vintage, n)| Row { vintage, ..row("iris:1", None, n) });
            attack_all(family("nb_apl"), &there, rows.collect(), &k)
        };
        assert_eq!(found(2024, [Some(8), None]), []);
        assert_eq!(found(2023, [None, None]), []);
        // Withheld in the first vintage, and told by the second, which counts the same.
        let told = found(2023, [None, Some(1)]);
        assert_eq!(told.iter().map(|f| f.residences.clone()).collect::<Vec<_>>(), [["x@2023", "y@2023"]]);
        assert_eq!(told[0].zones, ["iris:1@2023", "iris:1@2024"]);
        // Two answers for one question.
        assert_eq!(found(2023, [Some(8), Some(9)])[0].kind, "incoherent");
    }

    #[test]
    fn a_landlord_subtracts_its_own() {
        let there: HashMap<(i32, String), Residence> =
            ["x", "y", "z"].map(|id| ((2024, id.to_owned()), residence(A, None))).into();
        // Of 26 households 9 have it, of which landlord 1 knows 4 and its group 8.
        let found = |own: [&str; 3]| {
            let line = |(id, who, n)| format!("occupation;2024;{id};{n};{who};2024;;;");
            let lines: Vec<String> = [("x", 1, 5), ("y", 3, 9), ("z", 2, 12)].map(line).into();
            let lines: String = lines.iter().zip(own).map(|(l, own)| format!("{l};{own}\n")).collect();
            let file = tempfile::NamedTempFile::new().unwrap();
            let header = "theme;millesime;id;unites;bailleur;compte;zones;publication;montre;nb_apl\n";
            std::fs::write(file.path(), format!("{header}{lines}")).unwrap();
            let k = Knowledge::read(file.path()).unwrap();
            attack_all(family("nb_apl"), &there, vec![row("iris:1", None, Some(9))], &k)
        };
        let told = found(["4", "4", "1"]);
        let told: Vec<(&str, u64)> = told.iter().map(|f| (f.attacker.as_str(), f.units)).collect();
        assert_eq!(told, [("G", 12)]);
        assert_eq!(found(["3", "3", "3"]), []);
        // Whose figures are not told subtracts nothing.
        assert_eq!(found(["", "", ""]), []);
    }

    #[test]
    fn parts_inside_a_qpv_tell_the_rest() {
        let lines: String = [("x", 9), ("y", 8), ("v", 9), ("w", 9)]
            .map(|(id, n)| format!("attributions/nb_revenu_connu;2024;{id};{n};;2024;\n"))
            .concat();
        let k = knowledge(&lines);
        let there: HashMap<(i32, String), Residence> = [("x", A), ("y", A), ("v", Q), ("w", Q)]
            .map(|(id, zones)| ((2024, id.to_owned()), residence(zones, None)))
            .into();
        let whole = || row("iris:1", None, Some(9));
        let found = |rows| attack_all(family("nb_q1"), &there, rows, &k).len();
        assert_eq!(found(vec![whole()]), 0);
        // Outside there is one: the row says so, or says that all others are inside.
        assert_eq!(found(vec![whole(), row("iris:1", Some(false), Some(1))]), 1);
        assert_eq!(found(vec![whole(), row("iris:1", Some(true), Some(8))]), 1);
    }
}
