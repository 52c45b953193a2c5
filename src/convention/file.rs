//! Convention files: readable TOML that goes through review before it is drafted.

use super::deed::Deed;
use super::territory::Zones;
use std::path::Path;

/// What is wrong with a convention file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a convention: unknown or missing key, unknown word, impossible day. The text shows the line.
    #[error("{path}: {fault}")]
    Syntax {
        /// Which file.
        path: String,
        /// Where and why.
        fault: Box<toml::de::Error>,
    },
    /// Everything is in its place, and does not make sense.
    #[error("{path}:\n  - {}", problems.join("\n  - "))]
    Problems {
        /// Which file.
        path: String,
        /// What is wrong, each a sentence.
        problems: Vec<String>,
    },
}

/// A convention file that was read and found good.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it says.
    pub deed: Deed,
    /// Its text, word for word: what is reviewed is what is kept.
    pub text: String,
}

/// Reads a file.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path, zones: Option<&Zones>) -> Result<Draft, FileError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Read { path: shown.clone(), source })?;
    parse(&shown, &text, zones)
}

/// Reads a text. `zones`: those of the current publication, when there is one.
///
/// # Errors
/// [`FileError::Syntax`], [`FileError::Problems`].
pub fn parse(name: &str, text: &str, zones: Option<&Zones>) -> Result<Draft, FileError> {
    let deed: Deed =
        toml::from_str(text).map_err(|e| FileError::Syntax { path: name.to_owned(), fault: Box::new(e) })?;
    let mut problems = deed.problems();
    if let Some(zones) = zones.filter(|z| !z.is_empty()) {
        problems.extend(zones.unknown(&deed.territoire));
    }
    if problems.is_empty() {
        Ok(Draft { deed, text: text.to_owned() })
    } else {
        Err(FileError::Problems { path: name.to_owned(), problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::territory::tests::metropolis;

    const GOOD: &str = r#"
id = "lomme"
debut = 2026-01-01
fin = 2028-12-31
finalites = ["diagnostic_partage", "preparation_calaeol"]
themes = ["parc", "occupation"]
echelles = ["commune", "iris", "residence"]
operations = ["wms", "wfs"]
diffusion_ulterieure = "interne"
duree_conservation = 365
destruction_fin = true

[partenaire]
nom = "Commune associée de Lomme"
famille = "commune_associee"
insee = "59355"

[territoire]
communes = ["59355"]

[contacts]
referent = "Service habitat"
incident = "incident@lomme.invalid"
"#;

    fn fault(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        parse("lomme.toml", &GOOD.replace(from, to), Some(&metropolis())).unwrap_err().to_string()
    }

    #[test]
    fn a_good_file_is_read_and_its_text_kept() {
        let draft = parse("lomme.toml", GOOD, Some(&metropolis())).unwrap();
        assert_eq!(draft.deed.fin, jiff::civil::date(2028, 12, 31));
        assert_eq!(draft.text, GOOD);
        assert_eq!(draft.deed.until_french(), "31/12/2028");
        let json = serde_json::to_string(&draft.deed).unwrap();
        assert_eq!(serde_json::from_str::<Deed>(&json).unwrap(), draft.deed);
    }

    #[test]
    fn a_fee_is_read_out_of_the_text_that_was_signed() {
        let text = format!("{GOOD}\n[redevance]\nfr = \"300 € par an\"\nen = \"300 euros a year\"\n");
        let draft = parse("lomme.toml", &text, None).unwrap();
        assert_eq!(draft.deed.redevance.as_ref().map(|f| f.fr.as_str()), Some("300 € par an"));
        assert_eq!(super::super::deed::Fee::of_text(&draft.text), draft.deed.redevance);
        assert_eq!(super::super::deed::Fee::of_text(GOOD), None);
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let cases = [
            ("id = \"lomme\"", "id = \"Lomme!\"", "id \"Lomme!\""),
            ("fin = 2028-12-31", "fin = 2028-02-30", "line 4"),
            ("fin = 2028-12-31", "fin = \"31/12/2028\"", "31/12/2028 is not a day"),
            ("fin = 2028-12-31", "fin = 2028-12-31T12:00:00Z", "is not a day"),
            ("fin = 2028-12-31", "fin = 2025-12-31", "comes before debut"),
            ("\"diagnostic_partage\"", "\"curiosite\"", "unknown variant `curiosite`"),
            ("destruction_fin = true", "destruction_fin = true\ndestructon = 1", "unknown field `destructon`"),
            ("[\"59355\"]", "[\"5935\"]", "five characters"),
            (
                "[\"59355\"]",
                "[\"59356\"]",
                "commune 59356 is unknown in the current publication (near: 59350 Commune 59350, 59355",
            ),
            ("communes = [\"59355\"]", "", "name communes, iris or qpv"),
            ("communes = [\"59355\"]", "communes = [\"59355\"]\ntout = true", "contradict"),
            ("[\"wms\", \"wfs\"]", "[\"wms\", \"wms\"]", "operations names something twice"),
            ("duree_conservation = 365\n", "", "missing field `duree_conservation`"),
            ("[contacts]", "[redevance]\nfr = \"\"\nen = \"x\"\n\n[contacts]", "redevance: say it in fr and en"),
            ("[\"parc\", \"occupation\"]", "[\"contour\"]", "contour is no theme"),
        ];
        for (from, to, expected) in cases {
            let said = fault(from, to);
            assert!(said.contains(expected), "{to}: {said}");
            assert!(said.starts_with("lomme.toml"), "{said}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = GOOD.replace("\"lomme\"", "\"LOMME\"").replace("nom = \"Commune associée de Lomme\"", "nom = \" \"");
        let FileError::Problems { problems, .. } = parse("x", &text, None).unwrap_err() else { panic!() };
        assert_eq!(problems.len(), 2);
    }
}
