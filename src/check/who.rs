//! Who attacks beside anybody: landlords alone, corporate groups, any two of them, coalitions that are named.

use super::CheckError;
use crate::config;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// What is known of landlords: names and corporate groups, by SIREN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Landlords {
    names: HashMap<String, String>,
    groups: HashMap<String, String>,
}

/// Landlords who put together what they know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attacker<'a> {
    /// As numbered in the part of the system that is attacked, ascending.
    landlords: Vec<u32>,
    names: Vec<&'a str>,
}

impl<'a> Attacker<'a> {
    /// Who owns nothing.
    pub fn anybody() -> Attacker<'a> {
        Attacker { landlords: Vec::new(), names: Vec::new() }
    }

    pub fn owns(&self, landlord: u32) -> bool {
        self.landlords.binary_search(&landlord).is_ok()
    }

    /// Name in reports.
    pub fn name(&self) -> String {
        self.names.join(" + ")
    }

    fn with(&self, other: &Attacker<'a>) -> Attacker<'a> {
        let landlords: BTreeSet<u32> = self.landlords.iter().chain(&other.landlords).copied().collect();
        let names = self.names.iter().chain(&other.names).copied().collect();
        Attacker { landlords: landlords.into_iter().collect(), names }
    }
}

impl Landlords {
    /// Columns of a file of landlords, one line a landlord.
    pub const HEADER: [&str; 3] = ["bailleur", "nom", "groupe"];

    /// Reads one.
    ///
    /// # Errors
    /// [`CheckError::Knowledge`] with the line.
    pub fn read(path: &Path) -> Result<Landlords, CheckError> {
        let wrong = |line: u64, reason: String| CheckError::Knowledge { path: path.to_owned(), line, reason };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b';').from_path(path).map_err(|e| wrong(0, e.to_string()))?;
        let mut landlords = Landlords::default();
        for (n, record) in reader.records().enumerate() {
            let record = record.map_err(|e| wrong(n as u64 + 2, e.to_string()))?;
            let field = |i: usize| record.get(i).unwrap_or_default().trim();
            landlords.add(field(0), field(1), field(2));
        }
        Ok(landlords)
    }

    fn add(&mut self, siren: &str, name: &str, group: &str) {
        if !name.is_empty() {
            self.names.insert(siren.to_owned(), name.to_owned());
        }
        if !group.is_empty() {
            self.groups.insert(siren.to_owned(), group.to_owned());
        }
    }

    /// Of (SIREN, name, group).
    #[cfg(test)]
    pub fn of(list: &[(&str, &str, &str)]) -> Landlords {
        let mut landlords = Landlords::default();
        for (siren, name, group) in list {
            landlords.add(siren, name, group);
        }
        landlords
    }

    /// The group of a landlord; one that is in none is a group by itself.
    fn group<'a>(&'a self, siren: &'a str) -> &'a str {
        self.groups.get(siren).map_or(siren, String::as_str)
    }

    /// Whether a name in a coalition (SIREN, name, or group) means a landlord.
    fn means(&self, name: &str, siren: &str) -> bool {
        name == siren || self.names.get(siren).is_some_and(|n| n == name) || self.group(siren) == name
    }

    /// Those who attack where these landlords (number, SIREN) own something, each set of landlords once.
    pub(super) fn attackers<'a>(&'a self, who: &config::Attacker, there: &[(u32, &'a str)]) -> Vec<Attacker<'a>> {
        let alone = || there.iter().map(|(n, siren)| Attacker { landlords: vec![*n], names: vec![*siren] });
        let mut list: Vec<Attacker<'a>> = Vec::new();
        if who.alone {
            list.extend(alone());
        }
        if who.groups {
            let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            for (n, siren) in there {
                groups.entry(self.group(siren)).or_default().push(*n);
            }
            list.extend(groups.into_iter().map(|(name, landlords)| Attacker { landlords, names: vec![name] }));
        }
        if who.pairs {
            let base: Vec<Attacker<'a>> = if list.is_empty() { alone().collect() } else { list.clone() };
            for (n, a) in base.iter().enumerate() {
                list.extend(base[n + 1..].iter().map(|b| a.with(b)));
            }
        }
        for coalition in &who.coalitions {
            let own: Vec<&(u32, &str)> =
                there.iter().filter(|(_, siren)| coalition.iter().any(|name| self.means(name, siren))).collect();
            list.push(Attacker {
                landlords: own.iter().map(|(n, _)| *n).collect(),
                names: own.iter().map(|(_, siren)| *siren).collect(),
            });
        }
        let mut seen: BTreeSet<Vec<u32>> = BTreeSet::new();
        list.retain(|a| !a.landlords.is_empty() && seen.insert(a.landlords.clone()));
        list
    }
}
