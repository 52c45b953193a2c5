//! `gml:id`: `layer.identifier`, an NCName whatever the identifier holds, stable, and read back without loss.
//!
//! Characters that an NCName cannot hold are written `_xHHHH_`, and so is an underscore that would read as the begin of
//! such a run (the rule of ISO/IEC 9075-14 §9.1 for SQL identifiers in XML).

use crate::catalogue::{Catalogue, Layer};

/// Splits a `gml:id` into a layer and the feature identifier inside it; `None` when no layer of the catalogue begins it.
pub fn read_id<'a>(catalogue: &'a Catalogue, id: &str) -> Option<(&'a Layer, String)> {
    // The longest name wins: foreign catalogues may hold `a` and `a.b`.
    let starts = |l: &&Layer| id.strip_prefix(l.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let layer = catalogue.layers().iter().filter(starts).max_by_key(|l| l.name.len())?;
    Some((layer, unescape(&id[layer.name.len() + 1..])))
}

/// Appends an identifier as it stands in a `gml:id`, after `layer.`.
pub fn escape_id(plain: &str, out: &mut String) {
    if plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
        out.push_str(plain);
        return;
    }
    for (at, c) in plain.char_indices() {
        let keep = match c {
            '_' => !plain[at + 1..].starts_with('x'),
            '.' | '-' => true,
            // Letters of every script are name characters; marks and signs are not worth a table.
            c => c.is_ascii_alphanumeric() || (c > '\u{bf}' && c != '\u{d7}' && c != '\u{f7}' && c.is_alphabetic()),
        };
        match keep {
            true => out.push(c),
            false => out.push_str(&format!("_x{:04X}_", u32::from(c))),
        }
    }
}

fn unescape(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    let mut rest = id;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        let decoded = rest[at + 2..].split_once('_').and_then(|(hex, after)| {
            let code = (4..=6).contains(&hex.len()).then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
            char::from_u32(code).map(|c| (c, after))
        });
        match decoded {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::load_embedded;
    use proptest::prelude::*;

    #[test]
    fn the_usual_identifiers_stay_as_they_are() {
        let mut out = String::new();
        for id in ["59350", "QN05965M", "59350.2024", "7f3a-9c_1"] {
            out.clear();
            escape_id(id, &mut out);
            assert_eq!(out, id);
        }
    }

    #[test]
    fn reads_the_layer_and_the_rest() {
        let catalogue = load_embedded().unwrap();
        let read = |id| read_id(&catalogue, id).map(|(l, id)| (l.name.clone(), id));
        assert_eq!(read("parc_commune.59350"), Some(("parc_commune".into(), "59350".into())));
        assert_eq!(
            read("parc_iris_evolution.593500101.2024"),
            Some(("parc_iris_evolution".into(), "593500101.2024".into()))
        );
        assert_eq!(read("parc_commune"), None);
        assert_eq!(read("test-7f3a"), None);
        assert_eq!(read("inconnue.1"), None);
    }

    proptest! {
        #[test]
        fn every_identifier_reads_back(id in "\\PC*|[ _x0-9A-Fa-f.:/]*") {
            let mut out = String::new();
            escape_id(&id, &mut out);
            prop_assert_eq!(unescape(&out), id);
            prop_assert!(!out.contains(|c: char| c.is_whitespace() || c == ':' || c == '<' || c == '&' || c == '"'));
        }
    }
}
