//! Reads the public layers, and the file of what the attacker knows.

use super::CheckError;
use super::attack::{Residence, Time};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use tokio_postgres::Client;

/// What the attacker knows of one residence at one time, in one theme or family of indicators.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Units.
    pub units: u64,
    /// Landlord.
    pub landlord: Option<String>,
    /// Vintage whose figures of it zone figures include; 0: they include none.
    pub state: i32,
    /// Zones that include it, as `scale:code`, where they are not those of its row on the map, or it has none.
    pub zones: Vec<String>,
}

/// Knowledge by (theme or `theme/denominator`, vintage, published identifier).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Knowledge {
    rows: BTreeMap<String, HashMap<(i32, String), Known>>,
}

impl Knowledge {
    /// Reads `theme;millesime;id;unites;bailleur;compte;zones`, one line a residence, vintage and theme. A theme is `parc`,
    /// `occupation`, `attributions`, or with a denominator of its own `parc/nb_dpe`; `compte` is the vintage whose figures
    /// of the residence are in the zone figures of `millesime`, 0 when none are; `zones` the zones that count it, `scale:code`
    /// with blanks between, where they are not those that its row on the map says (the column may be missing).
    ///
    /// # Errors
    /// [`CheckError::Knowledge`] with the line.
    pub fn read(path: &Path) -> Result<Knowledge, CheckError> {
        let wrong = |line: u64, reason: String| CheckError::Knowledge { path: path.to_owned(), line, reason };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b';').from_path(path).map_err(|e| wrong(0, e.to_string()))?;
        let mut knowledge = Knowledge::default();
        for (n, record) in reader.records().enumerate() {
            let line = n as u64 + 2;
            let record = record.map_err(|e| wrong(line, e.to_string()))?;
            let field = |i: usize, name: &str| {
                record.get(i).map(str::trim).ok_or_else(|| wrong(line, format!("column {name} is missing")))
            };
            let number = |i: usize, name: &str| {
                field(i, name)?.parse::<u64>().map_err(|_| wrong(line, format!("column {name} is no number")))
            };
            let theme = field(0, "theme")?.to_owned();
            let millesime = number(1, "millesime")? as i32;
            let id = field(2, "id")?.to_owned();
            let landlord = Some(field(4, "bailleur")?.to_owned()).filter(|l| !l.is_empty());
            let zones = record.get(6).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            let known = Known { units: number(3, "unites")?, landlord, state: number(5, "compte")? as i32, zones };
            knowledge.rows.entry(theme).or_default().insert((millesime, id), known);
        }
        Ok(knowledge)
    }

    /// Themes and families in it.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    fn get(&self, subject: &str, millesime: i32, id: &str) -> Option<&Known> {
        self.rows.get(subject)?.get(&(millesime, id.to_owned()))
    }
}

/// Everything that is held of a subject (`parc`, `parc/nb_dpe`), as times: one for each vintage of each publication.
///
/// A residence that the knowledge does not name counts as one unit of nobody: the attacker is never thought to know less.
pub async fn times(client: &Client, subject: &str, knowledge: &Knowledge) -> Result<Vec<Time>, CheckError> {
    let (theme, denominator) = match subject.split_once('/') {
        Some((theme, denominator)) => (theme, Some(denominator)),
        None => (subject, None),
    };
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain(theme) || !denominator.is_none_or(plain) {
        return Err(CheckError::Subject { subject: subject.to_owned() });
    }
    let shown = match denominator {
        Some(column) => format!("statut = 'diffuse' AND {column} IS NOT NULL"),
        None => "statut = 'diffuse'".to_owned(),
    };
    let mut times: BTreeMap<(i32, i64), Time> = BTreeMap::new();
    let mut mapped: HashMap<i32, HashSet<String>> = HashMap::new();
    let rows = client
        .query(
            &format!(
                "SELECT publication, millesime, id, {shown} AS montre, insee_com, insee_associee, code_iris, code_qp \
                 FROM pub.{theme}_residence ORDER BY publication, millesime, id"
            ),
            &[],
        )
        .await
        .map_err(|source| CheckError::Read { what: format!("{theme}_residence"), source })?;
    for row in rows {
        let (publication, millesime, id): (i64, i32, String) = (row.get(0), row.get(1), row.get(2));
        let mut zones =
            vec![format!("commune:{}", row.get::<_, String>(4)), format!("iris:{}", row.get::<_, String>(6))];
        zones.extend(row.get::<_, Option<String>>(5).map(|c| format!("commune:{c}")));
        zones.extend(row.get::<_, Option<String>>(7).map(|c| format!("qpv:{c}")));
        let known = knowledge.get(subject, millesime, &id);
        if let Some(k) = known.filter(|k| !k.zones.is_empty()) {
            zones.clone_from(&k.zones);
        }
        mapped.entry(millesime).or_default().insert(id.clone());
        let time = times.entry((millesime, publication)).or_default();
        time.name = format!("{millesime} (publication {publication})");
        time.vintage = millesime;
        time.residences.push(Residence {
            id,
            zones,
            published: row.get(3),
            state: known.map_or(millesime, |k| k.state),
            units: known.map_or(1, |k| k.units),
            landlord: known.and_then(|k| k.landlord.clone()),
        });
    }
    // What is counted and not on the map.
    for ((millesime, id), k) in knowledge.rows.get(subject).into_iter().flatten() {
        if k.state == 0 || mapped.get(millesime).is_some_and(|ids| ids.contains(id)) {
            continue;
        }
        for (_, time) in times.range_mut((*millesime, i64::MIN)..=(*millesime, i64::MAX)) {
            time.residences.push(Residence {
                id: id.clone(),
                zones: k.zones.clone(),
                published: false,
                state: k.state,
                units: k.units,
                landlord: k.landlord.clone(),
            });
        }
    }
    for scale in ["commune", "iris", "qpv"] {
        let rows = client
            .query(&format!("SELECT publication, millesime, id FROM pub.{theme}_{scale} WHERE {shown}"), &[])
            .await
            .map_err(|source| CheckError::Read { what: format!("{theme}_{scale}"), source })?;
        for row in rows {
            let (publication, millesime, id): (i64, i32, String) = (row.get(0), row.get(1), row.get(2));
            if let Some(time) = times.get_mut(&(millesime, publication)) {
                time.zones.push(format!("{scale}:{id}"));
            }
        }
    }
    Ok(times.into_values().collect())
}
