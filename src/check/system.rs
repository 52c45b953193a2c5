//! What is published, as sums of unknowns, by what is supposed of figures from one vintage to the next.

use super::sets::Sets;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What the attacker supposes of figures from one vintage to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// They stay as they are.
    Lasting,
    /// They stay as they are while the residence has as many units.
    Sized,
    /// They are all new.
    Renewed,
}

/// One residence at one time, as the public layer shows it, with what the attacker knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Residence {
    /// Published identifier.
    pub id: Arc<str>,
    /// Zones that count it, as `scale:code`.
    pub zones: Arc<[Arc<str>]>,
    /// Whether its own row is published with data.
    pub published: bool,
    /// Vintage whose figures of it zone figures of this time include; 0: none.
    pub state: i32,
    /// Units counted, known to the attacker.
    pub units: u64,
    /// Landlord.
    pub landlord: Option<Arc<str>>,
}

/// Everything published of one theme at one time: one vintage of one publication.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Time {
    /// Name for the report, e.g. `2024 (publication 3)`.
    pub name: String,
    /// Vintage.
    pub vintage: i32,
    /// It was published before: what such times alone tell cannot be taken back and is no finding.
    pub former: bool,
    /// A third party publishes it: sums of the whole stock as it stands in the vintage, whatever is shown here.
    pub outside: bool,
    /// All residences on the map or counted.
    pub residences: Vec<Residence>,
    /// Zone rows published with data, as `scale:code`.
    pub zones: Vec<Arc<str>>,
}

/// An unknown: a residence, and what tells its figures from those of other vintages ([`Figures`]).
pub type Unknown<'a> = (&'a str, i32);

/// A published row: time and zone.
pub type Row = u32;

/// What the attacker faces: unknowns that no published row at any time tells apart.
pub struct System<'a> {
    /// Name of each row, for the report.
    pub rows: Vec<&'a str>,
    /// Whether a row was published before.
    pub former: Vec<bool>,
    /// The unknowns.
    pub groups: Vec<Group<'a>>,
}

/// Unknowns in the same rows.
pub struct Group<'a> {
    /// These rows, ascending.
    pub rows: Vec<Row>,
    /// With units and landlord.
    pub members: Vec<(Unknown<'a>, u64, Option<u32>)>,
    /// The publication examined shows it: it is in sums of third parties alone.
    pub known: bool,
}

/// Groups and rows that hang together.
pub struct Part<'s> {
    /// Its groups.
    pub groups: Vec<&'s Group<'s>>,
    /// For each row of the part the groups in it, ascending.
    pub rows: Vec<Vec<usize>>,
    /// Whether a row was published before.
    pub former: Vec<bool>,
}

/// The system in parts that have no row in common.
pub fn parts<'s>(system: &'s System<'s>) -> Vec<Part<'s>> {
    let mut sets = Sets::new(system.rows.len());
    for group in &system.groups {
        group.rows.iter().for_each(|row| sets.join(*row as usize, group.rows[0] as usize));
    }
    let mut by_root: BTreeMap<usize, Vec<&Group<'_>>> = BTreeMap::new();
    for group in &system.groups {
        by_root.entry(sets.root(group.rows[0] as usize)).or_default().push(group);
    }
    let part = |groups: Vec<&'s Group<'s>>| {
        let numbers: BTreeSet<Row> = groups.iter().flat_map(|g| g.rows.iter().copied()).collect();
        let former = numbers.iter().map(|r| system.former[*r as usize]).collect();
        let numbers: HashMap<Row, usize> = numbers.into_iter().zip(0..).collect();
        let mut rows = vec![Vec::new(); numbers.len()];
        for (g, group) in groups.iter().enumerate() {
            group.rows.iter().for_each(|r| rows[numbers[r]].push(g));
        }
        Part { groups, rows, former }
    };
    by_root.into_values().map(part).collect()
}

/// Residences that the publication examined shows, by the rows of third parties that count them.
type Stripped<'a> = BTreeMap<Vec<Row>, Vec<(Unknown<'a>, u64, Option<u32>)>>;

/// The unknowns of some times under a supposition; landlords are numbered.
pub fn system<'a>(times: &'a [Time], figures: Figures, landlords: &mut HashMap<&'a str, u32>) -> System<'a> {
    // Sums of third parties are compared with the figures of their own vintage.
    let times: Vec<&Time> = times.iter().filter(|t| !t.outside || figures == Figures::Renewed).collect();
    // Of what a former publication showed nothing says how large it was, but what still counts it.
    let mut sizes: HashMap<Unknown<'_>, u64> = HashMap::new();
    if figures == Figures::Sized {
        let counted = times.iter().flat_map(|t| &t.residences).filter(|r| !r.published && r.state != 0 && r.units > 0);
        sizes.extend(counted.map(|r| ((&*r.id, r.state), r.units)));
    }
    let state = |s: i32, r: &Residence, former: bool| match figures {
        Figures::Lasting => 0,
        Figures::Sized => {
            let size = if former { sizes.get(&(&*r.id, s)).copied().unwrap_or(r.units) } else { r.units };
            i32::try_from(size).unwrap_or(i32::MAX)
        }
        Figures::Renewed => s,
    };
    let mut known: HashSet<Unknown<'_>> = HashSet::new();
    // Of these, known before.
    let mut before: HashSet<Unknown<'_>> = HashSet::new();
    for time in &times {
        let known = if time.former { &mut before } else { &mut known };
        let shown = time.residences.iter().filter(|r| r.published);
        known.extend(shown.map(|r| (&*r.id, state(time.vintage, r, time.former))));
    }
    known.extend(&before);
    let (mut rows, mut former) = (Vec::new(), Vec::new());
    let mut stripped = Stripped::new();
    let mut facts: BTreeMap<Unknown<'_>, (u64, Option<u32>, Vec<Row>)> = BTreeMap::new();
    for time in &times {
        let mut shown: HashMap<&str, Row> = HashMap::new();
        for zone in &time.zones {
            shown.insert(zone, rows.len() as Row);
            rows.push(&**zone);
            former.push(time.former);
        }
        for r in &time.residences {
            let unknown = (&*r.id, state(r.state, r, false));
            // Without a unit it adds nothing to the sums of this time.
            if r.published || r.state == 0 || r.units == 0 {
                continue;
            }
            let mut number = |l: &'a str| {
                let n = landlords.len() as u32;
                *landlords.entry(l).or_insert(n)
            };
            if time.outside && known.contains(&unknown) {
                if !before.contains(&unknown) {
                    let signature = r.zones.iter().filter_map(|z| shown.get(&**z).copied()).collect();
                    stripped.entry(signature).or_default().push((unknown, r.units, r.landlord.as_deref().map(number)));
                }
                continue;
            }
            if known.contains(&unknown) {
                // A former row without what is shown only now says more than it did.
                if time.former && !before.contains(&unknown) {
                    r.zones.iter().filter_map(|z| shown.get(&**z)).for_each(|row| former[*row as usize] = false);
                }
                continue;
            }
            let landlord = r.landlord.as_deref().map(&mut number);
            let fact = facts.entry(unknown).or_insert((r.units, landlord, Vec::new()));
            // The least that was ever counted of it: what is to be protected.
            fact.0 = fact.0.min(r.units);
            fact.2.extend(r.zones.iter().filter_map(|z| shown.get(&**z)));
        }
    }
    let mut groups: BTreeMap<Vec<Row>, Group<'_>> = BTreeMap::new();
    for (unknown, (units, landlord, mut signature)) in facts {
        if signature.is_empty() {
            continue;
        }
        signature.sort_unstable();
        signature.dedup();
        let new = || Group { rows: signature.clone(), members: Vec::new(), known: false };
        let group = groups.entry(signature.clone()).or_insert_with(new);
        group.members.push((unknown, units, landlord));
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    // What is shown of a sum of third parties is a row of its own: without it their sums tell what they tell anyway.
    for (mut signature, members) in stripped.into_iter().filter(|(rows, _)| !rows.is_empty()) {
        signature.push(rows.len() as Row);
        rows.push("");
        former.push(false);
        groups.push(Group { rows: signature, members, known: true });
    }
    System { rows, former, groups }
}
