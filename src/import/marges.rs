//! Open tables of the SDES by commune or EPCI: figures of the same stock that anybody knows. Disclosure control treats them
//! as published; a blank one was withheld by its publisher.

use super::copy::Target;
use super::driver::Output;
use super::error::{ImportError, Reject};
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use super::value;
use crate::publish::plan::Theme;
use std::path::Path;

columns! {
    COMMUNE = "DEPCOM_ARM" ["CODGEO", "INSEE_COM", "DEPCOM", "CODE_INSEE"];
    EPCI = "EPCI" ["EPCI_SIREN", "SIREN_EPCI", "EPCI_ARM", "CODE_EPCI"];
}

/// One row a figure.
pub(super) const TARGETS: &[Target] =
    &[Target { relation: "ref.marge", columns: &["theme", "echelle", "code", "champ", "valeur"] }];

/// The layout of margins.
pub(super) struct Marges {
    keys: Keys,
    /// Place in the file and name of each figure.
    figures: Vec<(usize, String)>,
    key: (usize, &'static str),
    theme: Theme,
}

impl Marges {
    /// The header is still to be read.
    pub fn new(theme: Theme) -> Self {
        Marges { keys: Keys::new(), figures: Vec::new(), key: (COMMUNE, "commune"), theme }
    }
}

/// Columns that name or classify a zone are no figures.
fn is_label(name: &str) -> bool {
    ["lib", "nom", "reg", "dep", "epci", "code", "siren", "annee", "millesime", "insee"]
        .iter()
        .any(|p| name.starts_with(p))
        && !matches!(name, "densite")
}

impl Layout for Marges {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn header(&mut self, path: &Path, header: &[String]) -> Result<(), ImportError> {
        let upper: Vec<String> = header.iter().map(|h| h.to_uppercase()).collect();
        let has = |i: usize| {
            let c = &COLUMNS[i];
            upper.iter().any(|h| h == c.name || c.aliases.contains(&h.as_str()))
        };
        // A table by commune also names the EPCI of each.
        self.key = match (has(COMMUNE), has(EPCI)) {
            (true, _) => (COMMUNE, "commune"),
            (false, true) => (EPCI, "epci"),
            (false, false) => {
                let missing = COLUMNS.iter().flat_map(|c| std::iter::once(c.name).chain(c.aliases.iter().copied()));
                return Err(ImportError::Columns {
                    path: path.to_owned(),
                    missing: vec![missing.collect::<Vec<_>>().join("|")],
                    found: header.to_vec(),
                });
            }
        };
        let keys: Vec<&str> =
            COLUMNS.iter().flat_map(|c| std::iter::once(c.name).chain(c.aliases.iter().copied())).collect();
        self.figures = header
            .iter()
            .enumerate()
            .map(|(i, name)| (i, name.to_lowercase()))
            .filter(|(i, name)| !name.is_empty() && !is_label(name) && !keys.contains(&upper[*i].as_str()))
            .collect();
        let mut names: Vec<&String> = self.figures.iter().map(|(_, n)| n).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
            return Err(ImportError::DuplicateColumn { path: path.to_owned(), column: twice[0].clone() });
        }
        if self.figures.is_empty() {
            return Err(ImportError::Empty { path: path.to_owned(), what: "column of figures" });
        }
        Ok(())
    }

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let (column, scale) = self.key;
        let code = if column == COMMUNE {
            row.required(column, row.commune(column)?)?
        } else {
            let code = row.required(column, row.identifier(column)?)?;
            value::siren(code.as_bytes()).ok_or_else(|| row.reject(column, "not a SIREN"))?
        };
        let mut values = Vec::with_capacity(self.figures.len());
        for (place, name) in &self.figures {
            let value = match row.at(*place) {
                None => None,
                Some(bytes) => Some(
                    value::float(bytes)
                        .ok_or_else(|| Reject::new(name, &String::from_utf8_lossy(bytes), "not a number"))?,
                ),
            };
            values.push(value);
        }
        if !self.keys.add(code) {
            return Err(row.reject(column, "this zone is on an earlier line already"));
        }
        for ((_, name), value) in self.figures.iter().zip(values) {
            out.table(0)
                .row()
                .text(Some(self.theme.name()))
                .text(Some(scale))
                .text(Some(code))
                .text(Some(name))
                .float8(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Result<Marges, ImportError> {
        let mut m = Marges::new(Theme::Parc);
        m.header(Path::new("x.csv"), &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())?;
        Ok(m)
    }

    #[test]
    fn figures_are_what_neither_names_nor_classifies() {
        let m = header(&["DEPCOM_ARM", "LIBCOM_DEP", "LIBCOM", "nb_loues", "Densite", "REG", "epci"]).unwrap();
        assert_eq!(m.figures, [(3, "nb_loues".to_owned()), (4, "densite".to_owned())]);
        assert_eq!(m.key.1, "commune");
        assert_eq!(header(&["EPCI", "LIBEPCI", "nb_ls"]).unwrap().key.1, "epci");
    }

    #[test]
    fn tables_without_key_or_figures() {
        assert!(matches!(header(&["LIBCOM", "nb_ls"]), Err(ImportError::Columns { .. })));
        assert!(matches!(header(&["DEPCOM", "LIBCOM"]), Err(ImportError::Empty { .. })));
        assert!(matches!(header(&["DEPCOM", "nb_ls", "NB_LS"]), Err(ImportError::DuplicateColumn { .. })));
    }
}
