//! Landlords of the stock and their corporate groups: numbers for the plan, coalitions, and the file of what they know.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::{self, Parameters};
use crate::config::Secrecy;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// A landlord.
#[derive(Debug, PartialEq, Eq)]
struct Landlord {
    siren: String,
    name: Option<String>,
    group: Option<String>,
    number: u32,
}

/// All landlords of the residences of a candidate, and those of the list that the metropolis imported.
pub(super) struct Landlords {
    list: Vec<Landlord>,
    numbers: HashMap<String, u32>,
}

impl Landlords {
    /// Reads them.
    pub async fn read(c: &Candidate<'_>) -> Result<Landlords, PublishError> {
        let rows = c
            .source
            .query(
                "WITH b AS (
                    SELECT t.siren, t.nom, t.groupe FROM ref.bailleur t JOIN import.emploi e ON e.lot = t.lot
                    WHERE e.publication = $1
                 ), s AS (SELECT siren_bailleur AS siren FROM travail.residence WHERE siren_bailleur IS NOT NULL
                       UNION SELECT siren_bailleur FROM travail.gele WHERE siren_bailleur IS NOT NULL)
                 SELECT siren, b.nom, b.groupe FROM s FULL JOIN b USING (siren) ORDER BY siren",
                &[&c.publication],
            )
            .await
            .map_err(PublishError::during("reading the landlords"))?;
        Landlords::of(rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))))
    }

    fn of(all: impl Iterator<Item = (String, Option<String>, Option<String>)>) -> Result<Landlords, PublishError> {
        // Members of each group so far; one in no group is a group by itself.
        let mut groups: BTreeMap<(bool, String), (usize, usize)> = BTreeMap::new();
        let mut list = Vec::new();
        for (siren, name, group) in all {
            let next = groups.len();
            let key = (group.is_some(), group.clone().unwrap_or_else(|| siren.clone()));
            let (place, members) = groups.entry(key).or_insert((next, 0));
            let number = plan::landlord(*place, *members).ok_or(PublishError::Landlords)?;
            *members += 1;
            list.push(Landlord { siren, name, group, number });
        }
        let numbers = list.iter().map(|l| (l.siren.clone(), l.number)).collect();
        Ok(Landlords { list, numbers })
    }

    /// Number of a landlord in the plan.
    pub fn number(&self, siren: &str) -> Option<u32> {
        self.numbers.get(siren).copied()
    }

    /// The parameters of the plan: coalitions are sets of numbers there.
    pub fn parameters(&self, secrecy: &Secrecy) -> Result<Parameters, PublishError> {
        let mut coalitions = Vec::new();
        for coalition in &secrecy.attacker.coalitions {
            let mut set = Vec::new();
            for name in coalition {
                let named =
                    |l: &&Landlord| l.siren == *name || l.name.as_ref() == Some(name) || l.group.as_ref() == Some(name);
                let before = set.len();
                set.extend(self.list.iter().filter(named).map(|l| l.number));
                if set.len() == before {
                    return Err(PublishError::Coalition { name: name.clone() });
                }
            }
            set.sort_unstable();
            set.dedup();
            coalitions.push(set);
        }
        Ok(Parameters::new(secrecy, coalitions))
    }

    /// The file of what is known of landlords, for the proof.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, PublishError> {
        let path = dir.join("bailleurs.csv");
        let wrong = |source| PublishError::File { path: path.clone(), source };
        let mut file = csv::WriterBuilder::new().delimiter(b';').from_path(&path).map_err(|e| wrong(e.into()))?;
        file.write_record(crate::check::Landlords::HEADER).map_err(|e| wrong(e.into()))?;
        for l in &self.list {
            let [name, group] = [&l.name, &l.group].map(|t| t.as_deref().unwrap_or_default());
            file.write_record([l.siren.as_str(), name, group]).map_err(|e| wrong(e.into()))?;
        }
        file.flush().map_err(wrong)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Attacker;

    fn landlords() -> Landlords {
        let one = |siren: &str, name: &str, group: Option<&str>| {
            (siren.to_owned(), Some(name.to_owned()), group.map(str::to_owned))
        };
        let list = [one("1", "A", Some("G")), one("2", "B", None), one("3", "C; \"D\"", Some("G"))];
        Landlords::of(list.into_iter()).unwrap()
    }

    #[test]
    fn coalitions_name_landlords_or_groups() {
        let l = landlords();
        assert_eq!(
            [l.number("1"), l.number("2"), l.number("3"), l.number("4")],
            [Some(0), Some(1), Some(0x1_0000), None]
        );
        let secrecy = |names: &[&str]| Secrecy {
            attacker: Attacker {
                coalitions: vec![names.iter().map(|n| (*n).to_owned()).collect()],
                ..Attacker::default()
            },
            ..Secrecy::default()
        };
        let sets = |names: &[&str]| l.parameters(&secrecy(names)).unwrap().attackers.coalitions.unwrap().to_vec();
        assert_eq!(sets(&["B", "1"]), [[0, 1]]);
        assert_eq!(sets(&["G"]), [[0, 0x1_0000]]);
        assert!(matches!(l.parameters(&secrecy(&["G", "E"])), Err(PublishError::Coalition { name }) if name == "E"));
    }

    #[test]
    fn the_proof_reads_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = landlords().write(dir.path()).unwrap();
        let read = crate::check::Landlords::read(&path).unwrap();
        assert_eq!(read, crate::check::Landlords::of(&[("1", "A", "G"), ("2", "B", ""), ("3", "C; \"D\"", "G")]));
    }
}
