//! The order of the rooms, held by reading the source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms, lowest first, in levels: a room imports its own level and lower ones.
const LEVELS: &[&[&str]] = &[
    &["error", "config", "geo"],
    &["catalogue", "query", "filter"],
    &["style", "db", "pki"],
    &["convention", "store", "cache"],
    &["encode", "render"],
    &["compute"],
    &["protocol", "portal"],
    &["service"],
    &["server"],
    &["import", "publish", "check", "demo"],
    &["cli"],
];

pub fn rooms_import_only_rooms_above_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let level = |room: &str| LEVELS.iter().position(|l| l.contains(&room));
    let mut faults = BTreeSet::new();
    let files = files(&root);
    assert!(files.len() > 50, "the source was not found");
    for file in files {
        let relative = file.strip_prefix(&root).expect("inside src").to_owned();
        let first = relative.iter().next().and_then(|s| s.to_str()).unwrap_or_default();
        let room = first.trim_end_matches(".rs");
        let Some(own) = level(room) else { continue };
        let text = std::fs::read_to_string(&file).expect("source file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for used in used_rooms(text) {
            match level(&used) {
                _ if used == room => {}
                Some(_) if room == "check" && used == "publish" => {
                    faults.insert(format!("{}: the proof shares code with the plan", relative.display()));
                }
                Some(l) if l <= own => {}
                Some(_) => {
                    faults.insert(format!("{} uses {used}, which lies above it", relative.display()));
                }
                None => {
                    faults.insert(format!("{} uses {used}, which is no room", relative.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).expect("src").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push(path);
        }
    }
    all
}

fn used_rooms(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    code.match_indices("crate::")
        .map(|(at, _)| code[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>())
        .filter(|name| !name.is_empty())
        .collect()
}
