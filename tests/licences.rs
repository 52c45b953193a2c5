//! Every dependency's licence is one that the product may ship with; `ARCHITECTURE.md` says why each is there.

use std::collections::HashSet;
use std::process::Command;

/// Licences that ask no more than a notice, or (MPL-2.0) publication of changes to the library itself.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "IJG",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub fn every_dependency_is_explained() {
    let metadata = metadata();
    let us = metadata["packages"].as_array().expect("packages").iter().find(|p| p["name"] == env!("CARGO_PKG_NAME"));
    let text = include_str!("../ARCHITECTURE.md");
    let (_, table) = text.split_once("## Dependencies").expect("the section on dependencies");
    let named: HashSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|crates| crates.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')))
        .collect();
    let direct = us.expect("ourselves")["dependencies"].as_array().expect("dependencies");
    let silent: Vec<&str> =
        direct.iter().filter_map(|d| d["name"].as_str()).filter(|name| !named.contains(name)).collect();
    assert!(direct.len() > 40 && silent.is_empty(), "ARCHITECTURE.md does not say why: {silent:?}");
}

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo metadata");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub fn every_licence_is_acceptable() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100);
    let mut faults = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !acceptable(licence) {
            faults.push(format!("{name}: {licence:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(!acceptable("GPL-3.0") && !acceptable("MIT AND AGPL-3.0") && acceptable("GPL-2.0 OR MIT"));
}

/// SPDX expressions as crates write them: `OR` (also `/`) of `AND` of licences, parentheses around either.
fn acceptable(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    // Without parentheses `A AND B OR C` is read as each `AND` part having to hold one accepted `OR` choice: stricter
    // than SPDX's precedence, never laxer.
    !flat.trim().is_empty() && flat.split(" AND ").all(|part| part.split(" OR ").any(|l| ACCEPTED.contains(&l.trim())))
}
