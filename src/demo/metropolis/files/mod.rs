//! Writers of the files, each in the layout that its real producer uses.

pub mod outlines;
pub mod sink;
pub mod tables;

use super::amenities::amenities;
use super::dwellings::dwellings;
use super::residences::{Stock, stock};
use super::zones::Territory;
use super::{Frame, Plan, VINTAGES, cases, rng};
use sink::Sink;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tables::{Context, Demand, Tables};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system said no.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// GDAL said no.
    #[error("{path}: {source}")]
    Gdal {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: gdal::errors::GdalError,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Communes, without communes associées.
    pub communes: usize,
    /// IRIS.
    pub iris: usize,
    /// QPV of both generations.
    pub quartiers: usize,
    /// Residences and lone dwellings that stand in any vintage.
    pub residences: usize,
    /// Dwellings of the newest vintage.
    pub dwellings: u64,
}

/// Writes all files of `territories` into a folder that only its owner may read. `progress` hears the residences that
/// are written and how many there will be, about.
///
/// # Errors
/// [`FileError`].
pub fn write(
    folder: &Path,
    plan: &Plan,
    territories: &mut [(Frame, Territory)],
    progress: &dyn Fn(u64, u64),
) -> Result<Summary, FileError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io { path, source }
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))?;
    outlines::write(folder, territories.iter().map(|t| &t.1))?;
    let mut tables = Tables::new(folder)?;
    let mut landlords = Sink::new(folder.join("bailleurs.csv"), false, "SIREN;NOM;FAMILLE;GROUPE")?;
    let mut equipment = VINTAGES
        .iter()
        .map(|year| {
            let header = "AN;REG;DEP;DEPCOM;DCIRIS;TYPEQU;LAMBERT_X;LAMBERT_Y";
            Sink::new(folder.join(format!("equipements_{year}.csv")), false, header)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut summary = Summary::default();
    let mut done = 0;
    let expected: u64 = territories.iter().map(|t| u64::from(t.0.points)).sum();
    for (frame, territory) in territories.iter_mut() {
        let stock = stock(plan.seed, frame, territory);
        for l in &stock.landlords {
            landlords.line(|o| {
                o.text(&l.siren).text(&l.name).text(l.family).text(&l.group);
            })?;
        }
        residences(plan, frame, territory, &stock, &mut tables, &mut |n| progress(done + n, expected.max(done + n)))?;
        done += stock.residences.len() as u64;
        for a in amenities(plan.seed, frame, territory) {
            let iris = &territory.iris[a.iris];
            for (sink, year) in equipment.iter_mut().zip(VINTAGES).skip(a.since) {
                sink.line(|l| {
                    l.int(year).int(32).text(&frame.department).text(&territory.communes[iris.commune].insee);
                    l.text(&iris.code).text(a.kind).real(a.at[0], 1).real(a.at[1], 1);
                })?;
            }
        }
        summary.communes += territory.communes.len();
        summary.iris += territory.iris.len();
        summary.quartiers += territory.quartiers.len();
        summary.residences += stock.residences.len();
        summary.dwellings += stock.residences.iter().map(|r| u64::from(r.size(2))).sum::<u64>();
        if frame.tile == 0 {
            let path = folder.join("cas.json");
            let text = format!("{:#}\n", cases::json(plan, frame, territory, &stock));
            std::io::Write::write_all(&mut sink::create(&path)?, text.as_bytes()).map_err(io(&path))?;
        }
    }
    tables.finish()?;
    landlords.finish()?;
    equipment.into_iter().try_for_each(Sink::finish)?;
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(io(&path))?;
    }
    Ok(summary)
}

fn residences(
    plan: &Plan,
    frame: &Frame,
    territory: &Territory,
    stock: &Stock,
    tables: &mut Tables,
    progress: &mut dyn FnMut(u64),
) -> Result<(), FileError> {
    let context = Context { frame, territory, landlords: &stock.landlords };
    let mut demand = Demand::new(territory);
    let mut r = rng(plan.seed, frame.tile, "dwellings");
    for (residence, n) in stock.residences.iter().zip(1..) {
        let fragility = territory.iris[residence.iris].fragility;
        let first_number = (u64::from(frame.tile) * 1_000_000 + u64::from(residence.number)) * 16_384;
        let all = dwellings(&mut r, residence, fragility, first_number);
        tables.residence(&mut r, &context, residence, &all, &mut demand)?;
        if n % 256 == 0 {
            progress(n);
        }
    }
    tables.demands(&mut r, territory, &demand)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::metropolis::Origin;
    use std::collections::{HashMap, HashSet};
    use std::io::Read;

    fn small(seed: u64) -> (tempfile::TempDir, Summary) {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { seed, scale: 0.05, ..Plan::default() };
        let summary =
            crate::demo::metropolis::write(&folder.path().join("source"), &plan, &Origin::Invented, &|_, _| {})
                .unwrap();
        (folder, summary)
    }

    fn text(folder: &Path, name: &str) -> String {
        let bytes = std::fs::read(folder.join("source").join(name)).unwrap();
        if !name.ends_with(".gz") {
            return String::from_utf8(bytes).unwrap();
        }
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
        String::from_utf8(out).unwrap_or_else(|e| encoding_rs::WINDOWS_1252.decode(e.as_bytes()).0.into_owned())
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let ((one, _), (two, _), (other, _)) = (small(5), small(5), small(6));
        for name in
            ["rpls_2024.csv.gz", "residences_2023.csv", "occupation_2022.csv", "attributions_2024.csv", "cas.json"]
        {
            assert!(text(one.path(), name) == text(two.path(), name), "{name}");
            assert!(text(one.path(), name) != text(other.path(), name), "{name}");
        }
    }

    #[test]
    fn only_the_owner_may_read() {
        let (folder, _) = small(1);
        let source = folder.path().join("source");
        assert_eq!(std::fs::metadata(&source).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in std::fs::read_dir(&source).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn tables_fit_each_other() {
        let (folder, summary) = small(1);
        for year in VINTAGES {
            let rpls = text(folder.path(), &format!("rpls_{year}.csv.gz"));
            let header: Vec<&str> = rpls.lines().next().unwrap().split(';').collect();
            assert_eq!(header.len(), 43);
            let column = |n: &str| header.iter().position(|h| *h == n).unwrap();
            let (ident, mode, depcom) = (column("IDENT_REP"), column("MODE"), column("DEPCOM"));
            let mut modes: HashMap<String, String> = HashMap::new();
            for line in rpls.lines().skip(1) {
                let fields: Vec<&str> = line.split(';').collect();
                assert_eq!(fields.len(), 43, "{line}");
                assert!(modes.insert(fields[ident].to_owned(), fields[mode].to_owned()).is_none());
                assert!(fields[depcom].starts_with("59") && !["59355", "59298"].contains(&fields[depcom]));
            }
            if year == 2024 {
                assert_eq!(modes.len() as u64, summary.dwellings);
            }
            let residences = text(folder.path(), &format!("residences_{year}.csv"));
            let dwellings: HashSet<&str> = residences.lines().skip(1).map(|l| l.split(';').nth(7).unwrap()).collect();
            assert!(dwellings.len() == modes.len() && dwellings.iter().all(|d| modes.contains_key(*d)));
            for line in text(folder.path(), &format!("occupation_{year}.csv")).lines().skip(1) {
                let fields: Vec<&str> = line.split(';').collect();
                assert_eq!(fields.len(), 13);
                assert_eq!(modes[fields[0]], "1");
            }
            for line in text(folder.path(), &format!("attributions_{year}.csv")).lines().skip(1) {
                let date = line.split(';').nth(2).unwrap();
                assert!(format!("{}-01-01", year - 3).as_str() <= date && date < format!("{year}-01-01").as_str());
            }
        }
    }

    #[test]
    fn cases_hold_in_the_files() {
        let (folder, _) = small(1);
        let cases: serde_json::Value = serde_json::from_str(&text(folder.path(), "cas.json")).unwrap();
        let key = |case: &str| cases["cas"][case]["residences"][0]["id_residence"].as_str().unwrap().to_owned();
        let residences = text(folder.path(), "residences_2024.csv");
        let dwellings = |case: &str| -> HashSet<String> {
            let key = key(case);
            let of = residences.lines().filter(|l| l.starts_with(&format!("{key};")));
            of.map(|l| l.split(';').nth(7).unwrap().to_owned()).collect()
        };
        let rpls = text(folder.path(), "rpls_2024.csv.gz");
        let field = |case: &str, place: usize| -> Vec<String> {
            let own = dwellings(case);
            let of = rpls.lines().filter(|l| own.contains(l.split(';').nth(38).unwrap()));
            of.map(|l| l.split(';').nth(place).unwrap().to_owned()).collect()
        };
        assert_eq!(field("vacante", 39), vec!["2"; 20]);
        assert_eq!(field("vide", 39), vec!["3"; 26]);
        assert_eq!(field("dpe_nul", 33), vec![""; 18]);
        let occupation = text(folder.path(), "occupation_2024.csv");
        let of = |case: &str| -> Vec<&str> {
            let own = dwellings(case);
            occupation.lines().filter(|l| own.contains(l.split(';').next().unwrap())).collect()
        };
        let nine = of("occupation_12_9");
        assert_eq!((nine.len(), nine.iter().filter(|l| l.split(';').nth(1) == Some("1")).count()), (12, 9));
        let incomes = of("revenus_8");
        assert_eq!((incomes.len(), incomes.iter().filter(|l| l.split(';').nth(6) != Some("")).count()), (20, 8));
        for year in VINTAGES {
            let own = dwellings("attributions_4");
            let file = text(folder.path(), &format!("attributions_{year}.csv"));
            assert_eq!(file.lines().filter(|l| own.contains(l.split(';').nth(1).unwrap())).count(), 4, "{year}");
        }
    }
}
