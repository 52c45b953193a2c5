//! Integration tests: one binary, one cluster, in through TLS only.
//!
//! `main` boots one demonstration at a small scale (it holds every must-have case), runs all tests against it, and stops
//! it. Filters and options are those of the usual test harness: `cargo test --test portal -- wfs`.

// A test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod client;
mod desk;
mod portal;

mod axes;
mod bad_input;
mod convention;
mod corrections;
mod database;
mod endurance;
mod exceptions;
mod identity;
mod import;
mod journal;
mod layering;
mod leaks;
mod ledger;
mod ledger_rules;
mod licences;
mod observer;
mod ogcapi;
mod paging;
mod requests;
mod secrecy;
mod store;
mod tiles;
mod twin;
mod wfs;
mod wms;
mod worlds;

use libtest_mimic::{Arguments, Conclusion, Trial};
use portal::Portal;

/// A test: name and body. A failed assertion fails it.
pub type Case = (&'static str, fn(&'static Portal));

fn main() {
    let arguments = Arguments::from_args();
    let rooms: &[(&str, &[Case])] = &[
        ("axes", axes::CASES),
        ("bad_input", bad_input::CASES),
        ("convention", convention::CASES),
        ("database", database::CASES),
        ("endurance", endurance::CASES),
        ("exceptions", exceptions::CASES),
        ("identity", identity::CASES),
        ("import", import::CASES),
        ("journal", journal::CASES),
        ("leaks", leaks::CASES),
        ("ledger", ledger::CASES),
        ("ledger_rules", ledger_rules::CASES),
        ("ogcapi", ogcapi::CASES),
        ("paging", paging::CASES),
        ("requests", requests::CASES),
        ("secrecy", secrecy::CASES),
        ("store", store::CASES),
        ("tiles", tiles::CASES),
        ("twin", twin::CASES),
        ("wfs", wfs::CASES),
        ("wms", wms::CASES),
    ];
    let repository: [(&str, fn()); 3] = [
        ("layering::rooms_import_only_rooms_above_them", layering::rooms_import_only_rooms_above_them),
        ("licences::every_dependency_is_explained", licences::every_dependency_is_explained),
        ("licences::every_licence_is_acceptable", licences::every_licence_is_acceptable),
    ];
    let repository = repository.map(|(name, body)| {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    });
    if arguments.list {
        // Listing must not boot a cluster.
        let names = rooms.iter().flat_map(|(room, cases)| cases.iter().map(move |(name, _)| format!("{room}::{name}")));
        let mut trials: Vec<Trial> = names.map(|name| Trial::test(name, || Ok(()))).collect();
        trials.extend(repository);
        libtest_mimic::run(&arguments, trials).exit();
    }
    let portal = Portal::boot();
    let mut trials: Vec<Trial> = rooms
        .iter()
        .flat_map(|(room, cases)| {
            cases.iter().map(move |(name, body)| {
                let body = *body;
                Trial::test(format!("{room}::{name}"), move || {
                    body(portal);
                    Ok(())
                })
            })
        })
        .collect();
    trials.extend(repository);
    let conclusion: Conclusion = libtest_mimic::run(&arguments, trials);
    portal.stop();
    conclusion.exit();
}
