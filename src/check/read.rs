//! Reads the public layers, and the file of what the attacker knows.

use super::CheckError;
use super::past::{Past, distinct};
use super::system::{Residence, Time};
use futures_util::{TryStreamExt, pin_mut};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::Client;

/// What the attacker knows of one residence at one time, in one theme or family of indicators.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Units.
    pub units: u64,
    /// Landlord.
    pub landlord: Option<Arc<str>>,
    /// Vintage whose figures of it zone figures include; 0: they include none. Figures of a vintage that are not those of a
    /// former publication have a number of their own.
    pub state: i32,
    /// Zones that include it, as `scale:code`, where they are not those of its row on the map, or it has none.
    pub zones: Arc<[Arc<str>]>,
}

/// Knowledge by (theme or `theme/denominator`), then by vintage and published identifier.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Knowledge {
    rows: BTreeMap<String, HashMap<(i32, Arc<str>), Known>>,
    /// Of former publications.
    past: BTreeMap<String, Past>,
    /// What a landlord knows of its own, by subject: the names of figures, and those of a residence and vintage of figures.
    own: HashMap<String, Own>,
    /// By subject and vintage: residences that rows of third parties count, named by their zones.
    outside: BTreeMap<String, BTreeMap<i32, Vec<Residence>>>,
    texts: Texts,
}

/// Figures by name of residences that zone rows count.
#[derive(Debug, Clone, Default, PartialEq)]
struct Own {
    names: Vec<String>,
    figures: HashMap<(i32, Arc<str>), Box<[i32]>>,
}

/// Texts that come again and again, each held once.
#[derive(Debug, Clone, Default, PartialEq)]
struct Texts {
    texts: HashSet<Arc<str>>,
    lists: HashSet<Arc<[Arc<str>]>>,
}

impl Texts {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn list(&mut self, list: Vec<Arc<str>>) -> Arc<[Arc<str>]> {
        if let Some(known) = self.lists.get(list.as_slice()) {
            return Arc::clone(known);
        }
        let new: Arc<[Arc<str>]> = list.into();
        self.lists.insert(Arc::clone(&new));
        new
    }
}

impl Knowledge {
    /// Reads `theme;millesime;id;unites;bailleur;compte;zones`, one line a residence, vintage and theme. A theme is `parc`,
    /// `occupation`, `attributions`, or with a denominator of its own `parc/nb_dpe`; `compte` is the vintage whose figures
    /// of the residence are in the zone figures of `millesime`, 0 when none are; `zones` the zones that count it, `scale:code`
    /// with blanks between, where they are not those that its row on the map says (the column may be missing).
    ///
    /// Two more columns may follow, `publication;montre`: a line with a publication tells of a former one, whether `serving`
    /// still holds it or not, and holds for later ones until one of them has lines of that vintage itself; `montre` is 1 when
    /// the row was shown. There `id` may be a zone row that was shown, `scale:code`. Other lines tell of the publication that is
    /// examined, and of former ones of which no line tells.
    ///
    /// Columns after these name figures of the theme: what the landlord knows of a residence that zone rows count and no row of
    /// its own shows, as the rows of `compte` count it.
    ///
    /// A line whose publication is `marge` tells of a sum that a third party has published of the stock as it stands: `zones`
    /// names the rows that count the residence, with its figures of the vintage.
    ///
    /// # Errors
    /// [`CheckError::Knowledge`] with the line.
    pub fn read(path: &Path) -> Result<Knowledge, CheckError> {
        let wrong = |line: u64, reason: String| CheckError::Knowledge { path: path.to_owned(), line, reason };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b';').from_path(path).map_err(|e| wrong(0, e.to_string()))?;
        let names: Vec<String> =
            reader.headers().map_err(|e| wrong(1, e.to_string()))?.iter().skip(9).map(str::to_owned).collect();
        let mut knowledge = Knowledge::default();
        let texts = &mut knowledge.texts;
        let mut record = csv::StringRecord::new();
        // Lines of a theme stand together.
        let (mut subject, mut rows) = (String::new(), HashMap::new());
        let mut line = 1;
        while reader.read_record(&mut record).map_err(|e| wrong(line + 1, e.to_string()))? {
            line += 1;
            let field = |i: usize, name: &str| {
                record.get(i).map(str::trim).ok_or_else(|| wrong(line, format!("column {name} is missing")))
            };
            let number = |i: usize, name: &str| {
                field(i, name)?.parse::<u64>().map_err(|_| wrong(line, format!("column {name} is no number")))
            };
            let theme = field(0, "theme")?;
            if theme != subject {
                let next = knowledge.rows.remove(theme).unwrap_or_default();
                knowledge
                    .rows
                    .insert(std::mem::replace(&mut subject, theme.to_owned()), std::mem::replace(&mut rows, next));
            }
            let millesime = number(1, "millesime")? as i32;
            let id = texts.text(field(2, "id")?);
            let landlord = Some(field(4, "bailleur")?).filter(|l| !l.is_empty()).map(|l| texts.text(l));
            let zones = record.get(6).unwrap_or_default().split_whitespace().map(|z| texts.text(z)).collect();
            let zones = texts.list(zones);
            let known = Known { units: number(3, "unites")?, landlord, state: number(5, "compte")? as i32, zones };
            if record.get(7) == Some("marge") {
                let all = knowledge.outside.entry(subject.clone()).or_default().entry(millesime).or_default();
                let Known { units, landlord, zones, .. } = known;
                all.push(Residence { id, zones, published: false, state: millesime, units, landlord });
                continue;
            }
            let Some(publication) = record.get(7).filter(|p| !p.is_empty()) else {
                if record.get(9).is_some_and(|f| !f.is_empty()) {
                    let figures: Result<Box<[i32]>, _> = record.iter().skip(9).map(str::parse).collect();
                    let figures = figures.map_err(|_| wrong(line, "a figure is no number".to_owned()))?;
                    let own = knowledge.own.entry(subject.clone()).or_default();
                    if own.names.is_empty() {
                        own.names.clone_from(&names);
                    }
                    own.figures.insert((known.state, Arc::clone(&id)), figures);
                }
                rows.insert((millesime, id), known);
                continue;
            };
            let publication =
                publication.parse().map_err(|_| wrong(line, "column publication is no number".to_owned()))?;
            let epoch = knowledge.past.entry(subject.clone()).or_default().begin(millesime, publication);
            if id.contains(':') {
                epoch.zones.push(id);
            } else {
                epoch.rows.insert(id, (known, record.get(8) == Some("1")));
            }
        }
        knowledge.rows.insert(subject, rows);
        knowledge.rows.retain(|_, rows| !rows.is_empty());
        Ok(knowledge)
    }

    /// Themes and families in it.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    pub(super) fn get(&self, subject: &str, millesime: i32, id: &str) -> Option<&Known> {
        self.rows.get(subject)?.get(&(millesime, Arc::from(id)))
    }

    /// What the landlord of a residence knows of it, by name, with the figures of a vintage; `None`: not told.
    pub(super) fn own(&self, subject: &str, columns: &[&str], state: i32, id: &str) -> Option<Vec<i64>> {
        let own = self.own.get(subject)?;
        let figures = own.figures.get(&(state, Arc::from(id)))?;
        let figure = |c: &&str| Some(i64::from(*figures.get(own.names.iter().position(|n| n == c)?)?));
        columns.iter().map(figure).collect()
    }

    /// What is known of a subject in one vintage.
    pub(super) fn of(&self, subject: &str, millesime: i32) -> impl Iterator<Item = (&str, &Known)> {
        let all = self.rows.get(subject).into_iter().flatten();
        all.filter(move |((v, _), _)| *v == millesime).map(|((_, id), known)| (&**id, known))
    }
}

/// Everything that is held of a subject (`parc`, `parc/nb_dpe`), as times: one for each vintage of each publication.
///
/// A residence that the knowledge does not name counts as one unit of nobody: the attacker is never thought to know less.
///
/// `publication` is the one that is examined.
pub async fn times(
    client: &Client,
    publication: i64,
    subject: &str,
    knowledge: &Knowledge,
) -> Result<Vec<Time>, CheckError> {
    let nothing = Past::default();
    let past = knowledge.past.get(subject).unwrap_or(&nothing);
    let examined = publication;
    let at = |millesime: i32, publication: i64| past.at(millesime, publication).filter(|_| publication != examined);
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
    let none = HashMap::new();
    let known = knowledge.rows.get(subject).unwrap_or(&none);
    let mut texts = knowledge.texts.clone();
    let mut times: BTreeMap<(i32, i64), Time> = BTreeMap::new();
    let mut mapped: HashMap<(i32, i64), HashSet<Arc<str>>> = HashMap::new();
    let wrong = |source| CheckError::Read { what: format!("{theme}_residence"), source };
    let sql = format!(
        "SELECT publication, millesime, id, {shown} AS montre, insee_com, insee_associee, code_iris, code_qp \
         FROM pub.{theme}_residence"
    );
    let rows = client.query_raw(&sql, [0i32; 0]).await.map_err(wrong)?;
    pin_mut!(rows);
    let mut places = Places::default();
    while let Some(row) = rows.try_next().await.map_err(wrong)? {
        let (publication, millesime): (i64, i32) = (row.get(0), row.get(1));
        let id = texts.text(row.get(2));
        let k = match at(millesime, publication) {
            Some(epoch) => epoch.rows.get(&id).map(|(known, _)| known),
            None => known.get(&(millesime, Arc::clone(&id))),
        };
        let zones = match k.filter(|k| !k.zones.is_empty()) {
            Some(k) => Arc::clone(&k.zones),
            None => places.zones([Some(row.get(4)), row.get(5), Some(row.get(6)), row.get(7)], &mut texts),
        };
        mapped.entry((millesime, publication)).or_default().insert(Arc::clone(&id));
        let time = times.entry((millesime, publication)).or_default();
        if time.name.is_empty() {
            time.name = format!("{millesime} (publication {publication})");
            time.vintage = millesime;
            time.former = publication != examined;
        }
        time.residences.push(Residence {
            id,
            zones,
            published: row.get(3),
            state: k.map_or(millesime, |k| k.state),
            units: k.map_or(1, |k| k.units),
            landlord: k.and_then(|k| k.landlord.clone()),
        });
    }
    // What is counted and not on the map.
    let unmapped = |id: &Arc<str>, k: &Known| Residence {
        id: Arc::clone(id),
        zones: Arc::clone(&k.zones),
        published: false,
        state: k.state,
        units: k.units,
        landlord: k.landlord.clone(),
    };
    for ((millesime, id), k) in known.iter().filter(|(_, k)| k.state != 0) {
        for ((_, publication), time) in times.range_mut((*millesime, i64::MIN)..=(*millesime, i64::MAX)) {
            let there = mapped.get(&(*millesime, *publication)).is_some_and(|ids| ids.contains(id));
            if !there && at(*millesime, *publication).is_none() {
                time.residences.push(unmapped(id, k));
            }
        }
    }
    for ((millesime, publication), time) in &mut times {
        let there = mapped.get(&(*millesime, *publication));
        for (id, (k, _)) in at(*millesime, *publication).into_iter().flat_map(|e| &e.rows) {
            if k.state != 0 && !there.is_some_and(|ids| ids.contains(id)) {
                time.residences.push(unmapped(id, k));
            }
        }
    }
    for scale in ["commune", "iris", "qpv"] {
        let rows = client
            .query(&format!("SELECT publication, millesime, id FROM pub.{theme}_{scale} WHERE {shown}"), &[])
            .await
            .map_err(|source| CheckError::Read { what: format!("{theme}_{scale}"), source })?;
        for row in rows {
            let (publication, millesime, id): (i64, i32, &str) = (row.get(0), row.get(1), row.get(2));
            if let Some(time) = times.get_mut(&(millesime, publication)) {
                time.zones.push(texts.text(&format!("{scale}:{id}")));
            }
        }
    }
    // A publication that is held has rows in every theme: those of other vintages need not be.
    let held: BTreeSet<i64> = times.keys().map(|(_, publication)| *publication).collect();
    times.extend(past.dropped(&held));
    let mut times = distinct(times.into_values().collect());
    for (vintage, residences) in knowledge.outside.get(subject).into_iter().flatten() {
        let zones: BTreeSet<&Arc<str>> = residences.iter().flat_map(|r| r.zones.iter()).collect();
        times.push(Time {
            name: format!("{vintage} (tables de tiers)"),
            vintage: *vintage,
            former: true,
            outside: true,
            residences: residences.clone(),
            zones: zones.into_iter().map(Arc::clone).collect(),
        });
    }
    Ok(times)
}

/// Lists of zones by the codes that a row on the map names.
#[derive(Default)]
struct Places {
    lists: HashMap<String, Arc<[Arc<str>]>>,
    key: String,
}

impl Places {
    /// Commune, commune associée, IRIS, QPV.
    fn zones(&mut self, codes: [Option<&str>; 4], texts: &mut Texts) -> Arc<[Arc<str>]> {
        self.key.clear();
        for code in codes {
            self.key.push_str(code.unwrap_or_default());
            self.key.push(' ');
        }
        if let Some(known) = self.lists.get(&self.key) {
            return Arc::clone(known);
        }
        let scales = ["commune", "commune", "iris", "qpv"].into_iter().zip(codes);
        let list = scales.filter_map(|(scale, code)| Some(texts.text(&format!("{scale}:{}", code?)))).collect();
        let list = texts.list(list);
        self.lists.insert(self.key.clone(), Arc::clone(&list));
        list
    }
}
