//! Families of categories, and what the public layers show of them.

use super::CheckError;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::Client;

/// Categories that share a denominator.
pub struct Family {
    /// Theme, or theme and denominator, as the file of knowledge names it.
    pub subject: &'static str,
    /// Columns.
    pub columns: &'static [&'static str],
    /// Whether they add up to the denominator.
    pub whole: bool,
    /// The row says the same apart for what lies outside and inside QPV: (column, denominator); the second counts the others.
    pub split: Option<[(&'static str, &'static str); 2]>,
}

const fn one(subject: &'static str, columns: &'static [&'static str]) -> Family {
    Family { subject, columns, whole: false, split: None }
}

/// As the catalogue has them. Of the stock none: dwellings are open data.
pub const FAMILIES: &[Family] = &[
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
pub struct Residence {
    /// As `scale:code`.
    pub zones: Vec<Arc<str>>,
    /// What it shows, by category; `None`: nothing.
    pub says: Option<Vec<i64>>,
}

/// A zone row of the candidate in one vintage, or its part outside or inside QPV.
pub struct Row {
    /// Vintage.
    pub vintage: i32,
    /// `scale:code`.
    pub zone: String,
    /// `None`: all of it; else whether the part inside QPV.
    pub part: Option<bool>,
    /// By category; `None`: withheld.
    pub says: Vec<Option<i64>>,
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

/// Residences of the candidate by vintage and identifier.
pub async fn residences(
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

/// Zone rows that show the family.
pub async fn rows(client: &Client, publication: i64, family: &Family) -> Result<Vec<Row>, CheckError> {
    let mut all: Vec<Row> = Vec::new();
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
            let vintage = row.get(0);
            let zone = format!("{scale}:{}", row.get::<_, &str>(1));
            let end = 2 + family.columns.len();
            if family.split.is_some() {
                for (inside, n) in [(false, end), (true, end + 1)] {
                    if row.get::<_, bool>(n + 2) {
                        all.push(Row { vintage, zone: zone.clone(), part: Some(inside), says: vec![says(n)] });
                    }
                }
            }
            all.push(Row { vintage, zone, part: None, says: (2..end).map(says).collect() });
        }
    }
    Ok(all)
}
