//! Tables beside the outlines: dwellings by commune, names and population, whatever the exact columns are called.

use super::RealError;
use std::collections::HashMap;
use std::path::Path;

/// What tables say of a commune.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Social dwellings.
    pub dwellings: Option<u32>,
    /// Name.
    pub name: Option<String>,
    /// SIREN.
    pub siren: Option<String>,
    /// Commune it belongs to, of communes associées.
    pub parent: Option<String>,
    /// Inhabitants.
    pub population: Option<u32>,
}

const CODE: [&str; 6] = ["DEPCOM_ARM", "DEPCOM", "INSEE_COM", "CODGEO", "CODE_INSEE", "INSEE"];
const DWELLINGS: [&str; 3] = ["nb_ls", "nb_logements", "nb_lls"];
const NAME: [&str; 4] = ["nom_com", "libcom", "nom", "libelle"];
const SIREN: [&str; 1] = ["siren"];
const PARENT: [&str; 2] = ["chef_lieu", "insee_chef_lieu"];
const POPULATION: [&str; 3] = ["population", "pop", "pmun"];

/// Reads every `*.csv` of a folder that has a column of commune codes; later files (by name) fill what earlier ones left.
///
/// # Errors
/// [`RealError::Io`], [`RealError::Csv`].
pub fn read(folder: &Path) -> Result<HashMap<String, Facts>, RealError> {
    let io = |source| RealError::Io { path: folder.to_owned(), source };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(io)?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")))
        .collect();
    files.sort();
    let mut all = HashMap::new();
    for path in files {
        table(&path, &mut all)?;
    }
    Ok(all)
}

fn table(path: &Path, all: &mut HashMap<String, Facts>) -> Result<(), RealError> {
    let text = std::fs::read(path).map_err(|source| RealError::Io { path: path.to_owned(), source })?;
    let text =
        String::from_utf8(text).unwrap_or_else(|e| encoding_rs::WINDOWS_1252.decode(e.as_bytes()).0.into_owned());
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let doing = |source| RealError::Csv { path: path.to_owned(), source };
    let header = reader.headers().map_err(doing)?.clone();
    let column =
        |names: &[&str]| names.iter().find_map(|n| header.iter().position(|h| h.trim().eq_ignore_ascii_case(n)));
    let Some(code) = column(&CODE) else { return Ok(()) };
    let columns = [column(&DWELLINGS), column(&NAME), column(&SIREN), column(&PARENT), column(&POPULATION)];
    for record in reader.records() {
        let record = record.map_err(doing)?;
        let cell = |c: Option<usize>| {
            c.and_then(|c| record.get(c)).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let Some(code) = cell(Some(code)) else { continue };
        let facts: &mut Facts = all.entry(code).or_default();
        let number = |c| cell(c).and_then(|t| t.replace(',', ".").parse::<f64>().ok()).map(|n| n.max(0.0) as u32);
        facts.dwellings = facts.dwellings.or_else(|| number(columns[0]));
        facts.name = facts.name.take().or_else(|| cell(columns[1]));
        facts.siren = facts.siren.take().or_else(|| cell(columns[2]));
        facts.parent = facts.parent.take().or_else(|| cell(columns[3]));
        facts.population = facts.population.or_else(|| number(columns[4]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_any_columns_are_joined_by_code() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.csv", b"DEPCOM_ARM;LIBCOM;nb_ls\n59001;Ambremont;120\n59002;B\xe9;\n");
        write("b.csv", "insee_com,nom_com,chef_lieu,population\n59001,Autre,,3000\n59003,Ici,59001,\n".as_bytes());
        write("c.csv", b"champ;description\nnb_ls;dwellings\n");
        let all = read(folder.path()).unwrap();
        assert_eq!(all.len(), 3);
        let first = &all["59001"];
        assert_eq!(
            (first.dwellings, first.name.as_deref(), first.population),
            (Some(120), Some("Ambremont"), Some(3000))
        );
        assert_eq!(all["59002"].name.as_deref(), Some("Bé"));
        assert_eq!(all["59003"].parent.as_deref(), Some("59001"));
    }
}
