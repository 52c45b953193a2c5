//! Families of categories as the public layers show them: what is left of each zone row for hidden residences.

use super::CheckError;
use super::attack::Finding;
use super::interval::{Cell, Doubt, System, narrow};
use super::read::Knowledge;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio_postgres::Client;

/// Categories that share a denominator.
struct Family {
    subject: &'static str,
    columns: &'static [&'static str],
    /// Whether they add up to the denominator.
    whole: bool,
    /// The row says the same apart for what lies outside and inside QPV: (column, denominator); the second counts the others.
    split: Option<[(&'static str, &'static str); 2]>,
}

const fn one(subject: &'static str, columns: &'static [&'static str]) -> Family {
    Family { subject, columns, whole: false, split: None }
}

/// As the catalogue has them. Of the stock none: dwellings are open data.
const FAMILIES: &[Family] = &[
    Family {
        subject: "occupation",
        columns: &["nb_isoles", "nb_couples_sans_enf", "nb_couples_enf", "nb_monoparentales", "nb_autres_menages"],
        whole: true,
        split: None,
    },
    one("occupation", &["nb_3enf_plus"]),
    one("occupation", &["nb_apl"]),
    Family {
        subject: "occupation/nb_revenu_connu",
        columns: &["nb_moins_20", "nb_20_40", "nb_40_60", "nb_60_100", "nb_plus_100"],
        whole: true,
        split: None,
    },
    Family {
        subject: "occupation/nb_age_connu",
        columns: &["nb_tit_moins_30", "nb_tit_30_64", "nb_tit_65_plus"],
        whole: true,
        split: None,
    },
    one("occupation/nb_adultes", &["nb_emploi_stable", "nb_emploi_precaire", "nb_sans_emploi"]),
    one("occupation/nb_entree_connue", &["nb_emm_recents"]),
    one("attributions", &["nb_dalo"]),
    one("attributions", &["nb_prioritaires"]),
    one("attributions", &["nb_mutations"]),
    one("attributions", &["nb_action_logement"]),
    Family {
        subject: "attributions/nb_revenu_connu",
        columns: &["nb_q1"],
        whole: false,
        split: Some([("nb_q1_hors_qpv", "nb_rc_hors_qpv"), ("nb_q2_q4_qpv", "nb_rc_qpv")]),
    },
];

/// A residence of the candidate in one vintage.
struct Residence {
    zones: Vec<Arc<str>>,
    /// What it shows, by category; `None`: nothing.
    says: Option<Vec<i64>>,
}

/// A zone row of the candidate, or its part outside or inside QPV.
struct Row {
    zone: String,
    /// `None`: all of it; else whether the part inside QPV.
    part: Option<bool>,
    says: Vec<Option<i64>>,
}

/// What is told too narrowly by the candidate, in each family of a subject and each vintage.
pub async fn findings(
    client: &Client,
    publication: i64,
    subject: &str,
    knowledge: &Arc<Knowledge>,
    doubt: Doubt,
) -> Result<Vec<Finding>, CheckError> {
    let mut findings = Vec::new();
    for family in FAMILIES.iter().filter(|f| f.subject == subject) {
        let residences = residences(client, publication, family).await?;
        let vintages = rows(client, publication, family).await?;
        let knowledge = Arc::clone(knowledge);
        let work = move || -> Vec<Finding> {
            let one = |(vintage, rows)| attack(family, vintage, &residences, rows, &knowledge, doubt);
            vintages.into_iter().flat_map(one).collect()
        };
        findings.extend(tokio::task::spawn_blocking(work).await.map_err(|_| CheckError::Interrupted)?);
    }
    Ok(findings)
}

fn attack(
    family: &Family,
    vintage: i32,
    residences: &HashMap<(i32, String), Residence>,
    mut rows: Vec<Row>,
    knowledge: &Knowledge,
    doubt: Doubt,
) -> Vec<Finding> {
    let mut places: HashMap<&str, Vec<(usize, Option<bool>)>> = HashMap::new();
    for (n, row) in rows.iter().enumerate() {
        places.entry(&row.zone).or_default().push((n, row.part));
    }
    let rows_of = |zones: &[Arc<str>]| {
        let inside = zones.iter().any(|z| z.starts_with("qpv:"));
        let all = zones.iter().flat_map(|z| places.get(&**z).into_iter().flatten());
        let mut list: Vec<usize> = all.filter(|(_, part)| part.is_none_or(|p| p == inside)).map(|(n, _)| *n).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    let mut told: Vec<(Vec<usize>, &Vec<i64>)> = Vec::new();
    let mut cells: BTreeMap<Vec<usize>, (Cell, Vec<&str>)> = BTreeMap::new();
    let mut hide = |zones: &[Arc<str>], units: u64, id| {
        let list = rows_of(zones);
        if units > 0 && !list.is_empty() {
            let (cell, ids) = cells.entry(list).or_default();
            cell.units += units;
            cell.largest = cell.largest.max(units);
            ids.push(id);
        }
    };
    for ((_, id), r) in residences.iter().filter(|((v, _), _)| *v == vintage) {
        let known = knowledge.get(family.subject, vintage, id);
        let zones = known.map(|k| &*k.zones).filter(|z| !z.is_empty()).unwrap_or(&r.zones);
        match (&r.says, known) {
            (Some(says), _) => told.push((rows_of(zones), says)),
            (None, None) => hide(zones, 1, id.as_str()),
            (None, Some(k)) => {
                // Counted with the figures of a vintage in which it is shown: they are known.
                match residences.get(&(k.state, id.clone())).and_then(|then| then.says.as_ref()) {
                    Some(says) => told.push((rows_of(zones), says)),
                    None if k.state != 0 => hide(zones, k.units, id),
                    None => {}
                }
            }
        }
    }
    // What is counted and not on the map.
    for (id, k) in knowledge.of(family.subject, vintage) {
        if k.state == 0 || residences.contains_key(&(vintage, id.to_owned())) {
            continue;
        }
        match residences.get(&(k.state, id.to_owned())).and_then(|then| then.says.as_ref()) {
            Some(says) => told.push((rows_of(&k.zones), says)),
            None => hide(&k.zones, k.units, id),
        }
    }
    for (list, says) in told {
        for n in list {
            for (left, value) in rows[n].says.iter_mut().zip(says) {
                *left = left.map(|l| l - value);
            }
        }
    }
    let (cells, ids): (Vec<Cell>, Vec<Vec<&str>>) =
        cells.into_iter().map(|(rows, (cell, ids))| (Cell { rows, ..cell }, ids)).unzip();
    let names: Vec<String> = rows.iter().map(|r| r.zone.clone()).collect();
    let system = System {
        cells,
        rows: rows.into_iter().map(|r| r.says).collect(),
        categories: family.columns.len(),
        whole: family.whole,
    };
    narrow(&system, doubt)
        .into_iter()
        .map(|n| {
            let cell = system.cells.get(n.cell);
            let column = family.columns.get(n.category).copied().unwrap_or_default();
            Finding {
                theme: format!("{} {column} {vintage}", family.subject),
                kind: n.kind,
                attacker: String::new(),
                units: cell.map_or(0, |c| c.units),
                residences: ids.get(n.cell).into_iter().flatten().map(|id| (*id).to_owned()).collect(),
                zones: cell.into_iter().flat_map(|c| &c.rows).map(|r| names[*r].clone()).collect(),
            }
        })
        .collect()
}

/// What the subject's rows must have to show the family.
fn condition(family: &Family) -> String {
    match family.subject.split_once('/') {
        Some((_, units)) => format!("statut = 'diffuse' AND {units} IS NOT NULL"),
        None => "statut = 'diffuse'".to_owned(),
    }
}

fn theme(family: &Family) -> &'static str {
    family.subject.split_once('/').map_or(family.subject, |(theme, _)| theme)
}

async fn residences(
    client: &Client,
    publication: i64,
    family: &Family,
) -> Result<HashMap<(i32, String), Residence>, CheckError> {
    let table = format!("{}_residence", theme(family));
    let rows = client
        .query(
            &format!(
                "SELECT millesime, id, {}, insee_com, insee_associee, code_iris, code_qp, {} FROM pub.{table} WHERE publication = $1",
                condition(family),
                family.columns.join(", ")
            ),
            &[&publication],
        )
        .await
        .map_err(|source| CheckError::Read { what: table, source })?;
    let mut list = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut zones = Vec::with_capacity(4);
        for (n, scale) in ["commune", "commune", "iris", "qpv"].into_iter().enumerate() {
            zones.extend(row.get::<_, Option<String>>(3 + n).map(|code| Arc::from(format!("{scale}:{code}"))));
        }
        // A residence shows all its categories or none; one that showed a part would be a residence that hides.
        let says: Option<Vec<i64>> =
            (0..family.columns.len()).map(|n| row.get::<_, Option<i32>>(7 + n).map(i64::from)).collect();
        let says = says.filter(|_| row.get(2));
        list.insert((row.get(0), row.get(1)), Residence { zones, says });
    }
    Ok(list)
}

/// Zone rows that show the family, by vintage.
async fn rows(client: &Client, publication: i64, family: &Family) -> Result<BTreeMap<i32, Vec<Row>>, CheckError> {
    let mut all: BTreeMap<i32, Vec<Row>> = BTreeMap::new();
    let split = match family.split {
        Some([(outside, _), (inside, units)]) => {
            // Inside, the others are counted: units less them are the category.
            format!(", {outside}, {units} - {inside}, nb_rc_hors_qpv IS NOT NULL, {units} IS NOT NULL")
        }
        None => String::new(),
    };
    for scale in ["commune", "iris", "qpv"] {
        let table = format!("{}_{scale}", theme(family));
        let rows = client
            .query(
                &format!(
                    "SELECT millesime, id, {}{split} FROM pub.{table} WHERE publication = $1 AND {}",
                    family.columns.join(", "),
                    condition(family)
                ),
                &[&publication],
            )
            .await
            .map_err(|source| CheckError::Read { what: table, source })?;
        for row in rows {
            let says = |n: usize| row.get::<_, Option<i32>>(n).map(i64::from);
            let list = all.entry(row.get(0)).or_default();
            let zone = format!("{scale}:{}", row.get::<_, &str>(1));
            let end = 2 + family.columns.len();
            if family.split.is_some() {
                for (inside, n) in [(false, end), (true, end + 1)] {
                    if row.get::<_, bool>(n + 2) {
                        list.push(Row { zone: zone.clone(), part: Some(inside), says: vec![says(n)] });
                    }
                }
            }
            list.push(Row { zone, part: None, says: (2..end).map(says).collect() });
        }
    }
    Ok(all)
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
        Row { zone: zone.to_owned(), part, says: vec![says] }
    }

    fn family(column: &str) -> &'static Family {
        FAMILIES.iter().find(|f| f.columns == [column]).unwrap()
    }

    const A: &[&str] = &["iris:1", "commune:1"];
    const Q: &[&str] = &["iris:1", "commune:1", "qpv:1"];

    #[test]
    fn what_a_row_leaves_to_hidden_residences_is_judged() {
        let k = knowledge("occupation;2024;a;30;;2024;\noccupation;2024;x;9;;2024;\noccupation;2024;y;8;;2024;\n");
        let there: HashMap<(i32, String), Residence> =
            [("a", Some(20)), ("x", None), ("y", None)].map(|(id, n)| ((2024, id.to_owned()), residence(A, n))).into();
        let found = |says| attack(family("nb_apl"), 2024, &there, vec![row("iris:1", None, says)], &k, DOUBT);
        let narrow = found(Some(21));
        assert_eq!(narrow.len(), 1);
        let mut ids = narrow[0].residences.clone();
        ids.sort();
        assert_eq!((narrow[0].kind, narrow[0].units, ids), ("interval", 17, vec!["x".to_owned(), "y".to_owned()]));
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
        assert_eq!(attack(family("nb_apl"), 2024, &there, rows(), &k, DOUBT), []);
        there.insert((2023, "z".to_owned()), residence(A, Some(6)));
        let found = attack(family("nb_apl"), 2024, &there, rows(), &k, DOUBT);
        assert_eq!(found.iter().map(|f| f.units).collect::<Vec<_>>(), [17]);
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
        let found = |rows| attack(family("nb_q1"), 2024, &there, rows, &k, DOUBT).len();
        assert_eq!(found(vec![whole()]), 0);
        // Outside there is one: the row says so, or says that all others are inside.
        assert_eq!(found(vec![whole(), row("iris:1", Some(false), Some(1))]), 1);
        assert_eq!(found(vec![whole(), row("iris:1", Some(true), Some(8))]), 1);
    }
}
