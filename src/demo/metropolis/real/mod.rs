//! Zones from real outlines and commune totals: synthetic dwellings that meet them.
//!
//! A folder holds outlines of communes, IRIS and QPV (file names with `commune`, `iris`, `qpv`) and tables with dwellings,
//! names and population by commune. Only outlines, codes, names and totals are taken; everything below them is invented.

mod layers;
mod totals;

use super::names;
use super::zones::{Associee, Commune, Iris, Quartier, Role, Territory};
use super::{BOUNDS, Frame, Plan, normal, rng};
use crate::geo::Envelope;
use gdal::errors::GdalError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use totals::Facts;

/// Persons in a main residence.
const PERSONS: f64 = 2.2;

/// What is wrong with a folder of outlines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealError {
    /// No file of a kind.
    #[error("{folder} has no outlines of {what}: a file with this word in its name (gpkg, shp, geojson, zip)")]
    NoFile {
        /// The folder.
        folder: PathBuf,
        /// `commune`, `iris` or `qpv`.
        what: &'static str,
    },
    /// A field without which nothing works.
    #[error("{path} has none of the fields {wanted}")]
    NoField {
        /// Which file.
        path: PathBuf,
        /// Its possible names.
        wanted: String,
    },
    /// No commune has a number of dwellings.
    #[error("no table in {folder} gives dwellings (nb_ls) for these communes")]
    NoTotals {
        /// The folder.
        folder: PathBuf,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table is damaged.
    #[error("{path}: {source}")]
    Csv {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// GDAL said no.
    #[error("{path}: {source}")]
    Gdal {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: GdalError,
    },
}

/// Reads the zones of a folder. The scale of the plan multiplies the totals.
///
/// # Errors
/// [`RealError`].
pub fn territory(folder: &Path, plan: &Plan) -> Result<(Frame, Territory), RealError> {
    let facts = totals::read(folder)?;
    let (communes_file, iris_file, qpv_file) =
        (layers::find(folder, "commune")?, layers::find(folder, "iris")?, layers::find(folder, "qpv")?);
    let doing = |path: &Path| {
        let path = path.to_owned();
        move |source| RealError::Gdal { path, source }
    };
    let mut r = rng(plan.seed, 0, "real");
    let mut communes = communes(&mut r, &communes_file, &facts, plan)?;
    if communes.iter().all(|c| c.stock == 0) {
        return Err(RealError::NoTotals { folder: folder.to_owned() });
    }
    // The generator takes the first for the centre, the next for big cities.
    communes.sort_by_key(|c| std::cmp::Reverse(c.stock));
    let index: HashMap<String, usize> = communes.iter().zip(0..).map(|(c, i)| (c.insee.clone(), i)).collect();
    let mut iris = iris(&mut r, &iris_file, &index)?;
    iris.sort_by(|a, b| (a.commune, &a.code).cmp(&(b.commune, &b.code)));
    let associees = associees(&mut iris, &communes, &facts).map_err(doing(&iris_file))?;
    let mut quartiers = Vec::new();
    for zone in layers::read(&qpv_file, &[&["code_qp", "codeqp", "code"], &["lib_qp", "nom_qp", "nom"]])? {
        if let [Some(code), name] = zone.fields.as_slice() {
            let name = name.clone().unwrap_or_else(|| code.clone());
            quartiers.push(quartier(&mut r, code, name, zone.outline, &communes));
        }
    }
    quartiers.sort_by(|a, b| a.code.cmp(&b.code));
    let former = former_generation(&quartiers).map_err(doing(&qpv_file))?;
    quartiers.extend(former);
    for zone in &mut iris {
        let inside = |q: &Quartier| {
            q.generation == 2024 && q.outline.polygons.iter().flatten().flatten().any(|p| zone.outline.contains(*p))
        };
        if quartiers.iter().any(inside) {
            zone.fragility = (zone.fragility + 0.25).clamp(0.5, 0.98);
        }
    }
    let dwellings: f64 = communes.iter().map(|c| f64::from(c.stock)).sum();
    let mut envelope = Envelope::EMPTY;
    communes.iter().for_each(|c| envelope.merge(&c.outline.envelope()));
    let department = communes.first().map_or("59", |c| &c.insee[..2]).to_owned();
    let bounds =
        if envelope.is_empty() { BOUNDS } else { [envelope.min[0], envelope.min[1], envelope.max[0], envelope.max[1]] };
    let frame = Frame {
        tile: 0,
        department: department.clone(),
        bounds,
        communes: communes.len(),
        iris: iris.len(),
        quartiers: quartiers.len(),
        points: (f64::from(plan.points) * dwellings / super::DWELLINGS).round() as u32,
        dwellings,
        density: plan.scale.min(1.0),
    };
    let limits = limits(&iris, &quartiers);
    Ok((frame, Territory { department, communes, associees, iris, quartiers, limits }))
}

fn communes(
    r: &mut ChaCha8Rng,
    path: &Path,
    facts: &HashMap<String, Facts>,
    plan: &Plan,
) -> Result<Vec<Commune>, RealError> {
    let fields: [&[&str]; 3] = [
        &["insee_com", "code_insee", "insee", "codgeo", "depcom", "code"],
        &["nom", "nom_com", "nom_commune", "libelle"],
        &["insee_chef_lieu", "chef_lieu"],
    ];
    let nothing = Facts::default();
    let zones = layers::read(path, &fields)?;
    Ok(zones
        .into_iter()
        .zip(0..)
        .filter_map(|(zone, n)| {
            let insee = zone.fields[0].clone().filter(|c| c.len() == 5)?;
            let facts = facts.get(&insee).unwrap_or(&nothing);
            // Outlines of communes associées are made of their IRIS.
            if facts.parent.is_some() || zone.fields[2].is_some() {
                return None;
            }
            let stock = (f64::from(facts.dwellings.unwrap_or(0)) * plan.scale).round() as u32;
            let main_residences = match facts.population {
                Some(p) => (f64::from(p) / PERSONS) as u32,
                None => (f64::from(stock) / 0.2) as u32 + r.random_range(300..900),
            };
            let tx_sru = (main_residences > 1500)
                .then(|| (f64::from(stock) / plan.scale / f64::from(main_residences) * 10_400.0).round() / 100.0);
            let name = zone.fields[1].clone().or(facts.name.clone()).unwrap_or_else(|| insee.clone());
            let role = match stock {
                0 => Role::Empty,
                4 => Role::Tiny,
                11 => Role::Crossing,
                _ => Role::Ordinary,
            };
            let siren = facts.siren.clone().unwrap_or_else(|| names::siren(n));
            Some(Commune { insee, name, siren, stock, main_residences, tx_sru, outline: zone.outline, role })
        })
        .collect())
}

fn iris(r: &mut ChaCha8Rng, path: &Path, communes: &HashMap<String, usize>) -> Result<Vec<Iris>, RealError> {
    let fields: [&[&str]; 3] = [
        &["code_iris", "dcomiris", "codeiris", "dciris"],
        &["nom_iris", "lib_iris", "nom"],
        &["typ_iris", "type_iris"],
    ];
    Ok(layers::read(path, &fields)?
        .into_iter()
        .filter_map(|zone| {
            let code = zone.fields[0].clone().filter(|c| c.len() == 9)?;
            let commune = *communes.get(&code[..5])?;
            let whole = code.ends_with("0000");
            let kind = zone.fields[2].as_ref().and_then(|t| t.chars().next()).filter(|k| "HADZ".contains(*k));
            let kind = kind.unwrap_or(if whole { 'Z' } else { 'H' });
            let weight = (1.3 * normal(r).clamp(-2.4, 1.5)).exp() * if matches!(kind, 'A' | 'D') { 0.004 } else { 1.0 };
            Some(Iris {
                name: zone.fields[1].clone().unwrap_or_else(|| code.clone()),
                kind,
                commune,
                associee: None,
                weight,
                fragility: (0.45 + 0.2 * normal(r)).clamp(0.02, 0.85),
                reserved: false,
                envelope: zone.outline.envelope(),
                outline: zone.outline,
                code,
            })
        })
        .collect())
}

/// Lomme and Hellemmes keep the quarters 27 to 30 and 24 to 26 of Lille's IRIS.
fn associees(
    iris: &mut [Iris],
    communes: &[Commune],
    facts: &HashMap<String, Facts>,
) -> Result<Vec<Associee>, GdalError> {
    let Some(lille) = communes.iter().position(|c| c.insee == "59350") else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (insee, name, quarters) in [("59355", "Lomme", 27..=30), ("59298", "Hellemmes", 24..=26)] {
        let own = |i: &Iris| i.commune == lille && i.code[5..7].parse::<u32>().is_ok_and(|q| quarters.contains(&q));
        if !iris.iter().any(own) {
            continue;
        }
        let outline = layers::union(iris.iter().filter(|i| own(i)).map(|i| &i.outline))?;
        let part = outline.area() / communes[lille].outline.area().max(1.0);
        let name = facts.get(insee).and_then(|f| f.name.clone()).unwrap_or_else(|| name.to_owned());
        let main_residences = (f64::from(communes[lille].main_residences) * part * 0.5) as u32;
        iris.iter_mut().filter(|i| own(i)).for_each(|i| i.associee = Some(all.len()));
        all.push(Associee { insee: insee.to_owned(), name, commune: lille, main_residences, outline });
    }
    Ok(all)
}

fn quartier(
    r: &mut ChaCha8Rng,
    code: &str,
    name: String,
    outline: super::dissolve::Outline,
    communes: &[Commune],
) -> Quartier {
    let envelope = outline.envelope();
    let mut parts: HashMap<usize, usize> = HashMap::new();
    for _ in 0..600 {
        let p = [r.random_range(envelope.min[0]..=envelope.max[0]), r.random_range(envelope.min[1]..=envelope.max[1])];
        if outline.contains(p) {
            let home = communes.iter().position(|c| c.outline.contains(p));
            home.into_iter().for_each(|c| *parts.entry(c).or_default() += 1);
        }
    }
    let mut parts: Vec<(usize, usize)> = parts.into_iter().collect();
    parts.sort_by_key(|(c, n)| (std::cmp::Reverse(*n), *c));
    let generation = if code.starts_with("QP") { 2015 } else { 2024 };
    let communes = parts.into_iter().map(|p| p.0).collect();
    Quartier { code: code.to_owned(), name, generation, communes, envelope, outline }
}

/// The generation 2015, where the folder has none: the present outlines, one in three drawn tighter, one in three wider.
fn former_generation(quartiers: &[Quartier]) -> Result<Vec<Quartier>, GdalError> {
    if quartiers.iter().any(|q| q.generation == 2015) {
        return Ok(Vec::new());
    }
    quartiers
        .iter()
        .zip(1..)
        .map(|(q, n)| {
            let outline = match n % 3 {
                0 => layers::grown(&q.outline, -40.0)?,
                1 => layers::grown(&q.outline, 60.0)?,
                _ => q.outline.clone(),
            };
            let department = q.code.get(3..5).unwrap_or("59");
            Ok(Quartier {
                code: format!("QP0{department}{n:03}"),
                generation: 2015,
                envelope: outline.envelope(),
                outline,
                ..q.clone()
            })
        })
        .collect()
}

/// Vertices that exactly two IRIS of one commune share, away from QPV.
fn limits(iris: &[Iris], quartiers: &[Quartier]) -> Vec<(usize, usize, crate::geo::Position)> {
    let mut owners: HashMap<[i64; 2], HashSet<usize>> = HashMap::new();
    for (i, zone) in iris.iter().enumerate() {
        for p in zone.outline.polygons.iter().flatten().flatten() {
            owners.entry(p.map(|v| (v * 100.0).round() as i64)).or_default().insert(i);
        }
    }
    let mut all: Vec<_> = owners
        .into_iter()
        .filter_map(|(p, zones)| {
            let mut zones: Vec<usize> = zones.into_iter().collect();
            zones.sort_unstable();
            let [a, b] = zones.as_slice() else { return None };
            let p = p.map(|v| v as f64 / 100.0);
            let free = quartiers.iter().all(|q| !q.envelope.contains(p));
            (free && iris[*a].commune == iris[*b].commune).then_some((*a, *b, p))
        })
        .collect();
    all.sort_by(|x, y| (x.0, x.1).cmp(&(y.0, y.1)).then(x.2[0].total_cmp(&y.2[0])).then(x.2[1].total_cmp(&y.2[1])));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::metropolis::{files, invent, residences};

    #[test]
    fn synthetic_dwellings_meet_the_totals_of_a_folder() {
        // The outlines of an invented town stand for real ones.
        let folder = tempfile::tempdir().unwrap();
        let town = Plan { scale: 0.05, ..Plan::default() }.frames().remove(0);
        let invented = invent::territory(4, &town);
        files::outlines::write(folder.path(), std::iter::once(&invented)).unwrap();
        let mut table = String::from("DEPCOM;LIBCOM;nb_ls\n");
        for (c, n) in invented.communes.iter().zip(0..) {
            let total = [3517, 911, 640, 402, 77, 12, 11, 4, 0][(n as usize).min(8)];
            table.push_str(&format!("{};{};{total}\n", c.insee, c.name));
        }
        std::fs::write(folder.path().join("totaux.csv"), &table).unwrap();
        let plan = Plan::default();
        let (frame, mut t) = territory(folder.path(), &plan).unwrap();
        assert_eq!((t.communes.len(), t.iris.len()), (invented.communes.len(), invented.iris.len()));
        assert_eq!(t.associees.len(), 2);
        let lomme = |t: &Territory| t.associees.iter().find(|a| a.insee == "59355").unwrap().outline.area();
        assert!((lomme(&t) - lomme(&invented)).abs() < 10.0);
        assert!(t.quartiers.iter().any(|q| q.generation == 2015) && !t.limits.is_empty());
        let stock = residences::stock(plan.seed, &frame, &mut t);
        for (i, c) in t.communes.iter().enumerate() {
            let held: u32 = stock.residences.iter().filter(|r| r.commune == i).map(|r| r.size(2)).sum();
            let wanted = table.lines().find(|l| l.starts_with(&c.insee)).unwrap().rsplit(';').next().unwrap();
            // The residences of the planted cases can alone pass the total of a small commune.
            assert!(held.to_string() == wanted || (held > c.stock && c.stock < 700), "{}: {held}, {wanted}", c.insee);
        }
    }

    #[test]
    fn a_folder_without_outlines_says_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let error = territory(folder.path(), &Plan::default()).unwrap_err();
        assert!(error.to_string().contains("no outlines of commune"), "{error}");
    }
}
