//! The access record as the auditor meets it: proof, tampering, purge, trace, extract, destruction.

use crate::Case;
use crate::desk::{Desk, access, as_superuser_of, spooled};
use crate::portal::Portal;
use seuil::convention::audit::verify::{self, Verified};
use seuil::convention::audit::{destruction, incident, purge};
use seuil::convention::record::seal;
use seuil::convention::trace::{self, Trace};
use seuil::convention::{Close, Recorder};
use seuil::db::{Role, Which};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    ("a_whole_record_is_proved_and_a_changed_one_is_not", tampering),
    ("a_purge_is_verified_and_the_rest_still_proved", purged),
    ("a_download_is_traced_by_its_identifier_or_ranked", traced),
    ("a_record_with_an_older_hash_is_still_traced", older),
    ("an_incident_extract_names_who_is_concerned", extract),
    ("models_for_data_protection_say_what_is_in_force", models),
    ("a_certificate_of_destruction_is_taken_after_the_end", destroyed),
];

/// Records accesses and waits until they have been moved.
fn record(desk: &Desk, recorder: &Arc<Recorder>, count: u64) {
    for n in 0..count {
        let permit = desk.wait(recorder.open(access("lille"))).expect("permit");
        permit.close(Close { features: n, bytes: 100 * n, outcome: "complete", millis: 3 });
    }
    desk.wait(recorder.flush());
    let begun = Instant::now();
    while spooled(&desk.config.server.state).len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "segments are not moved");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn checked(desk: &Desk, keys: &[seal::PublicKey]) -> Verified {
    desk.wait(verify::run(&desk.role(Role::Auditor), keys)).expect("check")
}

/// Waits for the head that a server signs once everything is moved.
fn sealed(desk: &Desk) {
    let auditor = desk.role(Role::Auditor);
    let begun = Instant::now();
    while desk.ask(&auditor, "SELECT count(*) FROM journal.tete").expect("heads")[0] == "0" {
        assert!(begun.elapsed() < Duration::from_secs(30), "no head was signed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tampering(portal: &'static Portal) {
    let desk = Desk::new(portal, "tampering");
    desk.signed("lille");
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    record(&desk, &recorder, 10);
    sealed(&desk);
    record(&desk, &recorder, 5);
    let key = seal::read_public(&desk.config.server.state.join(seal::PUBLIC)).expect("public key");
    let good = checked(&desk, &[key]);
    assert!(good.good(), "{good:?}");
    let whole = &good.instances[0];
    assert_eq!((whole.faults, whole.sealed), (0, 1));
    assert!(whole.lines >= 32 && whole.covered > 0 && whole.covered < whole.lines, "{whole:?}");
    // Nobody vouches for the key: not proved.
    assert!(!checked(&desk, &[]).good());

    // The server may do nothing of this; a superuser who switches the triggers off can, and is found out.
    let forge = |sql: &str| {
        let sql = format!("SET session_replication_role = replica; {sql}; SET session_replication_role = origin");
        desk.wait(as_superuser_of(&desk, &sql));
    };
    let broken = |what: &str| {
        let found = checked(&desk, &[key]);
        assert!(!found.good(), "{what} was not found");
        found
    };
    forge("UPDATE journal.fin SET objets = objets + 1 WHERE objets = 3");
    let found = broken("a changed column");
    assert_eq!(found.columns.iter().map(|c| c.1).sum::<i64>(), 2, "{found:?}");
    forge("UPDATE journal.fin SET objets = objets - 1 WHERE objets = 4 AND ligne LIKE '%\"objets\":3,%'");
    assert!(checked(&desk, &[key]).good());

    forge("CREATE TABLE public.garde AS SELECT * FROM journal.acces WHERE sequence = (SELECT min(sequence) FROM journal.acces);
           UPDATE journal.acces SET convention = 'lomme', ligne = replace(ligne, 'lille', 'lomme')
           WHERE sequence = (SELECT min(sequence) FROM journal.acces)");
    let found = broken("a line that speaks of another convention");
    assert_eq!((found.instances[0].faults, found.columns[0].1), (1, 0), "{found:?}");
    forge("DELETE FROM journal.acces WHERE sequence = (SELECT min(sequence) FROM journal.acces)");
    let found = broken("a line that is gone");
    assert!(found.instances[0].broken[0].reason.contains("missing"), "{found:?}");
    forge("INSERT INTO journal.acces SELECT * FROM public.garde");
    assert!(checked(&desk, &[key]).good());

    // The whole record cut off after some line, no hole left: the signed head knows better.
    forge("DELETE FROM journal.acces; DELETE FROM journal.fin; DELETE FROM journal.segment WHERE sequence > 1");
    let found = broken("a record that was cut off");
    assert!(found.instances[0].broken.iter().any(|b| b.reason.contains("head")), "{found:?}");
}

fn purged(portal: &'static Portal) {
    let desk = Desk::new(portal, "purge");
    desk.signed("lille");
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    record(&desk, &recorder, 20);
    let key = seal::read_public(&desk.config.server.state.join(seal::PUBLIC)).expect("public key");
    let next_month = jiff::Timestamp::now().in_tz("UTC").expect("zone").date().last_of_month().tomorrow().expect("day");
    let mut owner = desk.role(Role::Owner);
    // A day of this month reaches no whole month: nothing goes.
    let this_month = next_month.yesterday().expect("day");
    assert_eq!(desk.wait(purge::records(&mut owner, this_month, false)).expect("purge").rows, 0);
    let dry = desk.wait(purge::records(&mut owner, next_month, true)).expect("purge");
    assert_eq!((dry.rows, dry.left), (40, 0));
    let done = desk.wait(purge::records(&mut owner, next_month, false)).expect("purge");
    assert_eq!((done.rows, done.left, done.partitions.len()), (40, 0, 3));
    let auditor = desk.role(Role::Auditor);
    assert_eq!(desk.ask(&auditor, "SELECT count(*) FROM journal.acces").expect("count"), ["0"]);
    // What is left is proved, and what went is on record; the server goes on.
    record(&desk, &recorder, 5);
    let found = checked(&desk, &[key]);
    assert!(found.good(), "{found:?}");
    assert_eq!(found.instances[0].purged, 40);
    // Without its own note, the same gap is a fault.
    desk.wait(as_superuser_of(&desk, "SET session_replication_role = replica; DELETE FROM journal.purge"));
    assert!(!checked(&desk, &[key]).good());
    // The server cannot purge.
    let server = desk.role(Role::Server);
    assert!(desk.ask(&server, "SELECT journal.purger('2100-01-01')").expect_err("purge").contains("denied"));
}

/// Runs a command of the program against the portal; gives what it printed, and whether it went well.
pub fn seuil(portal: &Portal, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_seuil"))
        .args(["--log", "warn", "--config"])
        .arg(portal.dir.join("seuil.toml"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

/// Waits until an access has been moved into the database with its end.
fn moved(portal: &Portal, download: &str) {
    let (instance, sequence) = download.split_once('-').expect("identifier");
    let sql = format!("SELECT count(*) FROM journal.fin WHERE instance = '{instance}' AND acces = {sequence}");
    let begun = Instant::now();
    while portal.sql(Which::Serving, Role::Auditor, &sql).expect("journal")[0][0].as_deref() != Some("1") {
        assert!(begun.elapsed() < Duration::from_secs(30), "{download} is not moved");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("file");
    path
}

/// A body was hashed with SHA-256 once: such ends are compared with their text, and found by the file's bytes.
fn older(portal: &'static Portal) {
    let desk = Desk::new(portal, "older");
    desk.signed("lille");
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    let bodies = ["a body of today", "a body of once"];
    for body in bodies {
        let mut permit = desk.wait(recorder.open(access("lille"))).expect("permit");
        permit.set_hash(blake3::hash(body.as_bytes()).into());
        permit.close(Close { features: 1, bytes: body.len() as u64, outcome: "complete", millis: 3 });
    }
    record(&desk, &recorder, 1);
    let corps = format!("blake3:{}", blake3::hash(bodies[1].as_bytes()).to_hex());
    let sha = hex::encode(Sha256::digest(bodies[1]));
    desk.wait(as_superuser_of(
        &desk,
        &format!(
            "SET session_replication_role = replica;
             UPDATE journal.fin SET corps = NULL, sha256 = decode('{sha}', 'hex'),
                 ligne = replace(ligne, '\"corps\":\"{corps}\"', '\"sha256\":\"{sha}\"') WHERE corps = '{corps}'"
        ),
    ));
    let auditor = desk.role(Role::Auditor);
    assert_eq!(desk.ask(&auditor, "SELECT count(*) FROM journal.fin WHERE sha256 IS NOT NULL").expect("ends"), ["1"]);
    assert!(checked(&desk, &[]).columns.iter().all(|c| c.1 == 0), "columns and text agree");
    let catalogue = seuil::catalogue::load_embedded().expect("catalogue");
    let folder = tempfile::tempdir().expect("folder");
    for (body, algorithm) in bodies.iter().zip(["blake3:", "sha256:"]) {
        let path = write(folder.path(), "a.bin", body);
        match desk.wait(trace::trace(&auditor, &catalogue, &path)).expect("trace") {
            Trace::Same(all) => {
                assert_eq!(all.len(), 1);
                assert!(all[0].hash.as_ref().is_some_and(|h| h.starts_with(algorithm)), "{all:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let forged =
        "SET session_replication_role = replica; UPDATE journal.fin SET corps = 'blake3:00' WHERE corps IS NOT NULL";
    desk.wait(as_superuser_of(&desk, forged));
    assert_eq!(checked(&desk, &[]).columns.iter().map(|c| c.1).sum::<i64>(), 1, "a changed hash is told");
}

fn traced(portal: &'static Portal) {
    let folder = tempfile::tempdir().expect("folder");
    let lomme = portal.client("lomme");
    let path = "/collections/parc_residence/items?f=json&limit=10000";
    let sent = lomme.get(path).expect(200);
    let json = sent.json();
    let download = json["terms"]["download"].as_str().expect("identifier").to_owned();
    assert!(sent.header("content-disposition").contains(&format!("parc_residence_{download}.geojson")));
    // Others look at the same layer: candidates that must rank below.
    portal.client("mel").get(path).expect(200);
    portal.client("lille").get("/collections/parc_iris/items?f=json&limit=10").expect(200);
    let gml = lomme
        .get("/wfs?service=WFS&version=2.0.0&request=GetFeature&typenames=parc_iris&srsname=EPSG:2154")
        .expect(200);
    let csv = lomme.get("/collections/parc_iris/items?f=csv").expect(200);
    let csv_name = csv.header("content-disposition").split('"').nth(1).expect("name").to_owned();
    assert!(csv_name.starts_with("parc_iris_") && csv_name.ends_with(".csv"), "{csv_name}");
    moved(portal, csv_name.trim_end_matches(".csv").trim_start_matches("parc_iris_"));
    moved(portal, &download);

    let trace = |path: &Path| seuil(portal, &["trace", path.to_str().expect("path")]);
    let file = write(folder.path(), "a.geojson", &sent.body);
    let (good, text) = trace(&file);
    assert!(good && text.contains(&download) && text.contains("convention lomme"), "{text}");
    assert!(text.contains("byte for byte, what was sent\n"), "{text}");
    let changed = write(folder.path(), "b.geojson", sent.text().replacen("59350", "59351", 1));
    let (_, text) = trace(&changed);
    assert!(text.contains(&download) && text.contains("is not, byte for byte"), "{text}");
    let (_, text) = trace(&write(folder.path(), "c.gml", &gml.body));
    assert!(text.contains("convention lomme") && text.contains("is, byte for byte"), "{text}");
    let map = lomme
        .get(
            "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:3857\
              &BBOX=320000,6540000,350000,6570000&WIDTH=64&HEIGHT=64&FORMAT=image/png",
        )
        .expect(200);
    let text = map.text();
    let map_id = text.split("chargement ").nth(1).and_then(|t| t.split('.').next()).expect("the picture has its mark");
    moved(portal, map_id);
    let (_, text) = trace(&write(folder.path(), "map.png", &map.body));
    assert!(text.contains(map_id) && text.contains("wms GetMap") && text.contains("is, byte for byte"), "{text}");
    // A box in another CRS is on record too.
    let (instance, sequence) = map_id.split_once('-').expect("identifier");
    let sql = format!(
        "SELECT emprise[1] > 600000 AND emprise[4] < 7200000 FROM journal.acces
         WHERE instance = '{instance}' AND sequence = {sequence}"
    );
    assert_eq!(portal.sql(Which::Serving, Role::Auditor, &sql).expect("box")[0][0].as_deref(), Some("t"));
    // A CSV carries its mark in its name; renamed, its bytes are still known.
    let (_, text) = trace(&write(folder.path(), &csv_name, &csv.body));
    assert!(text.contains("convention lomme") && text.contains("is, byte for byte"), "{text}");
    let (_, text) = trace(&write(folder.path(), "d.csv", &csv.body));
    assert!(text.contains("its bytes are those of") && text.contains("convention lomme"), "{text}");

    // Saved anew, as a desktop program does: no mark is left. Lomme's own download comes first, with its values proved.
    let features: Vec<&serde_json::Value> = json["features"].as_array().expect("features").iter().rev().collect();
    let plain = serde_json::json!({ "type": "FeatureCollection", "features": features });
    let (good, text) = trace(&write(folder.path(), "e.geojson", plain.to_string()));
    assert!(good && text.contains("no identifier in the file"), "{text}");
    let first = text.lines().position(|l| l.starts_with(" 1.00")).unwrap_or_else(|| panic!("no full fit: {text}"));
    assert!(text.lines().nth(first + 1).is_some_and(|l| l.contains("convention lomme")), "{text}");
    assert!(text.contains("need be it"), "{text}");
    let wholly = text.lines().filter(|l| l.starts_with(" 1.00")).count();
    let mel = text.lines().collect::<Vec<_>>();
    let below = mel.windows(2).filter(|w| w[1].contains("convention mel")).all(|w| !w[0].starts_with(" 1.00"));
    assert!(wholly >= 1 && below, "{text}");
    let (good, text) = trace(&write(folder.path(), "f.txt", "nothing at all"));
    assert!(!good && text.contains("f.txt"), "{text}");

    let (good, text) = seuil(portal, &["journal", "verify"]);
    assert!(good && text.contains("whole and unchanged"), "{text}");
}

fn extract(portal: &'static Portal) {
    let desk = Desk::new(portal, "incident");
    desk.signed("lille");
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    record(&desk, &recorder, 4);
    let now = jiff::Timestamp::now();
    let hour = jiff::SignedDuration::from_hours(1);
    let whole = incident::Scope { from: now - hour, to: now + hour, ..incident::Scope::default() };
    let auditor = desk.role(Role::Auditor);
    let made = desk.wait(incident::extract(&auditor, &whole)).expect("extract");
    assert_eq!(made.partners.len(), 1);
    let lille = &made.partners[0];
    assert_eq!((lille.requests, lille.features, lille.addresses.as_slice()), (4, 6, &["2001:db8::7".to_owned()][..]));
    assert!(lille.incident.contains("incident@") && lille.layers.contains(&"parc_iris".to_owned()));
    assert!(made.summary.contains("72 heures") && made.summary.contains("incident@lille.invalid"), "{}", made.summary);
    let csv = String::from_utf8(made.accesses).expect("UTF-8");
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.contains(";complete;3;300;3;"), "{csv}");
    let elsewhere = incident::Scope { address: Some("192.0.2.1".parse().expect("address")), ..whole };
    assert!(desk.wait(incident::extract(&auditor, &elsewhere)).expect("extract").partners.is_empty());
}

fn models(portal: &'static Portal) {
    let folder = tempfile::tempdir().expect("folder");
    let (good, text) = seuil(portal, &["convention", "modeles", "--out", folder.path().to_str().expect("path")]);
    assert!(good, "{text}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
    let register = read("registre-traitement.md");
    assert!(
        register.contains("| lomme | Commune associée de Lomme | signée | 2035-12-31 | diagnostic_partage, "),
        "{register}"
    );
    assert!(register.contains("journal : 365 jours") && register.contains("rien sous 11 unités"), "{register}");
    assert!(register.contains("| expiree |") && register.contains("| suspendue |"));
    // A list: no line of a table may be broken by an empty one.
    assert!(!register.contains("|\n\n| vue-seule"), "{register}");
    assert!(read("analyse-impact.md").contains("seuil de 11 unités"));
}

fn destroyed(portal: &'static Portal) {
    let desk = Desk::new(portal, "destruction");
    desk.signed("lomme");
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    record(&desk, &recorder, 1);
    let day = jiff::Timestamp::now().in_tz("Europe/Paris").expect("zone").date();
    let drafter = desk.role(Role::Drafter);
    let auditor = desk.role(Role::Auditor);
    let receive =
        |day| desk.wait(destruction::receive(&drafter, "lomme", day, "Le maire", "attestation.pdf", &[7; 32]));
    let early = receive(day).expect_err("it is still in force").to_string();
    assert!(early.contains("has not ended"), "{early}");
    assert!(desk.wait(destruction::owed(&auditor)).expect("list").is_empty());
    desk.act("lomme", seuil::convention::acts::Act::Terminate).expect("end");
    assert_eq!(desk.wait(destruction::owed(&auditor)).expect("list")[0][0], "lomme");
    let form = desk.wait(destruction::form(&auditor, "lomme")).expect("form");
    assert!(form.contains("Commune associée de Lomme") && form.contains("resiliee"), "{form}");
    assert!(receive(day.tomorrow().expect("day")).is_err());
    receive(day).expect("certificate");
    assert!(desk.wait(destruction::owed(&auditor)).expect("list").is_empty());
    let form = desk.wait(destruction::form(&auditor, "lomme")).expect("form");
    assert!(form.contains("attestation.pdf"), "{form}");
    let denied = desk.ask(&desk.role(Role::Owner), "DELETE FROM convention.destruction").expect_err("history");
    assert!(denied.contains("append-only"), "{denied}");
}
