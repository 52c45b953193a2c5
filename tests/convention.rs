//! Conventions, certificates and access records against a real database: who may do what, what takes effect when.

use crate::Case;
use crate::desk::{Desk, access, now, registration, sample, spooled};
use crate::portal::Portal;
use seuil::catalogue::{Catalogue, load_embedded};
use seuil::convention::acts::{self, Act, Registration};
use seuil::convention::file::{self};
use seuil::convention::record::{self, Refused};
use seuil::convention::words::Purpose;
use seuil::convention::{Close, ConventionError, Holder, Recorder, report, samples};
use seuil::db::Role;
use seuil::error::Refusal;
use seuil::pki::Issued;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

pub const CASES: &[Case] = &[
    ("who_drafted_may_not_sign", who_drafted_may_not_sign),
    ("history_is_never_rewritten", history_is_never_rewritten),
    ("a_draft_changes_nothing_until_it_is_signed", a_draft_changes_nothing_until_it_is_signed),
    ("each_state_allows_its_own_acts", each_state_allows_its_own_acts),
    ("a_certificate_is_registered_for_what_the_convention_allows", certificates),
    ("changes_take_effect_within_a_second", changes_take_effect_within_a_second),
    ("territories_follow_the_publication", territories_follow_the_publication),
    ("records_are_moved_once_and_chained", records_are_moved_once_and_chained),
    ("servers_may_insert_records_and_nothing_else", servers_may_insert_records_and_nothing_else),
    ("the_samples_are_established_once", the_samples_are_established_once),
];

fn refused<T>(outcome: Result<T, ConventionError>, word: &str) {
    let text = outcome.err().expect("was allowed").to_string();
    assert!(text.contains(word), "{text}");
}

fn who_drafted_may_not_sign(portal: &'static Portal) {
    let desk = Desk::new(portal, "four_eyes");
    desk.draft(&sample("lille", "lille"));
    // The drafter's role cannot sign at all, nor the signer's draft.
    refused(desk.wait(acts::sign(&desk.role(Role::Drafter), "lille", None, None)), "permission denied");
    refused(desk.wait(acts::draft(&desk.role(Role::Signer), &sample("mel", "mel"))), "permission denied");
    // A person who holds both roles, and hides behind either of them.
    let admin = desk.login(&desk.superuser);
    desk.ask(&admin, "DROP ROLE IF EXISTS convention_test_both").expect("role");
    desk.ask(&admin, "CREATE ROLE convention_test_both LOGIN IN ROLE seuil_drafter, seuil_signer").expect("role");
    // The cluster's map lets no unknown login in: a superuser becomes that person, `session_user` included.
    let both = desk.login(&desk.superuser);
    desk.ask(&both, "SET SESSION AUTHORIZATION convention_test_both").expect("login");
    desk.wait(acts::draft(&both, &sample("mel", "mel"))).expect("draft");
    refused(desk.wait(acts::sign(&both, "mel", None, None)), "may not sign");
    desk.ask(&both, "SET ROLE seuil_signer").expect("set role");
    refused(desk.wait(acts::sign(&both, "mel", None, None)), "may not sign");
    let forged = "INSERT INTO convention.acte (convention, nature, par) VALUES ('mel', 'signature', 'somebody')";
    assert!(desk.ask(&both, forged).expect_err("forged").contains("may not sign"));
    assert_eq!(desk.sign("mel").expect("signature"), 1);
    let by = desk.wait(acts::history(&desk.role(Role::Drafter), "mel")).expect("history");
    let by: Vec<&str> = by.iter().map(|e| e.by.as_str()).collect();
    assert_eq!(by, ["convention_test_both", "seuil_signer"]);
    drop(both);
    desk.ask(&admin, "DROP ROLE convention_test_both").expect("role");
}

fn history_is_never_rewritten(portal: &'static Portal) {
    let desk = Desk::new(portal, "history");
    desk.signed("lille");
    desk.register(&registration("lille", &desk.issue())).expect("registered");
    for role in [Role::Owner, Role::Drafter, Role::Signer, Role::Server, Role::Auditor] {
        let client = desk.role(role);
        for sql in [
            "UPDATE convention.version SET fin = '2099-01-01'",
            "DELETE FROM convention.acte",
            "TRUNCATE convention.revocation",
            "UPDATE convention.certificat SET finalite = 'politique_habitat'",
        ] {
            assert!(desk.ask(&client, sql).is_err(), "{role:?}: {sql}");
        }
    }
    for sql in [
        "INSERT INTO convention.version SELECT * FROM convention.version",
        "INSERT INTO convention.acte (convention, nature) VALUES ('lille', 'suspension')",
        "INSERT INTO convention.revocation (ca, cle) SELECT ca, cle FROM convention.certificat",
    ] {
        for role in [Role::Server, Role::Auditor, Role::Publisher] {
            assert!(desk.ask(&desk.role(role), sql).expect_err(sql).contains("permission denied"));
        }
    }
}

fn a_draft_changes_nothing_until_it_is_signed(portal: &'static Portal) {
    let desk = Desk::new(portal, "versions");
    desk.signed("lille");
    let in_force = || {
        let all = desk.wait(acts::list(&desk.role(Role::Drafter))).expect("list");
        (all[0].version, all[0].deed.clone())
    };
    let first = in_force();
    assert_eq!(first.1, sample("lille", "lille").deed, "what is read back is what was drafted");
    let mut second = sample("lille", "lille");
    second.deed.themes.truncate(1);
    desk.draft(&second);
    assert_eq!(in_force(), first);
    refused(desk.wait(acts::sign(&desk.role(Role::Signer), "lille", Some(1), None)), "not the newest draft");
    assert_eq!(desk.sign("lille").expect("signature"), 2);
    assert_eq!(in_force(), (2, second.deed));
    refused(desk.sign("lille"), "signed already");
}

fn each_state_allows_its_own_acts(portal: &'static Portal) {
    let desk = Desk::new(portal, "states");
    refused(desk.act("lille", Act::Suspend), "is unknown");
    desk.draft(&sample("lille", "lille"));
    for act in [Act::Suspend, Act::Resume, Act::Terminate] {
        refused(desk.act("lille", act), "in state projet");
    }
    desk.sign("lille").expect("signature");
    refused(desk.act("lille", Act::Resume), "in state signee");
    desk.act("lille", Act::Suspend).expect("suspension");
    refused(desk.act("lille", Act::Suspend), "in state suspendue");
    desk.draft(&sample("lille", "lille"));
    refused(desk.sign("lille"), "is suspended");
    desk.act("lille", Act::Resume).expect("resumption");
    desk.act("lille", Act::Terminate).expect("termination");
    refused(desk.act("lille", Act::Resume), "in state resiliee");
    // A new version may be signed after the end: a new contract.
    assert_eq!(desk.sign("lille").expect("signature"), 2);
}

fn certificates(portal: &'static Portal) {
    let desk = Desk::new(portal, "certificates");
    desk.signed("lille");
    desk.signed("vue-seule");
    let issued = desk.issue();
    let wanted = registration("lille", &issued);
    let refuse = |change: &dyn Fn(&mut Registration), word: &str| {
        let mut other = wanted.clone();
        change(&mut other);
        refused(desk.register(&other), word);
    };
    refuse(&|r| r.convention = "nobody".into(), "is unknown");
    refuse(&|r| r.purpose = Purpose::PilotageAttributions, "not one of convention lille");
    refuse(&|r| r.public_url = Some("http://portail.invalid".into()), "check constraint");
    refuse(
        &|r| {
            r.convention = "vue-seule".into();
            r.public_url = Some("https://portail.invalid".into());
        },
        "no onward display",
    );
    desk.register(&wanted).expect("registered");
    // The same key for the same convention: the newer line counts.
    let url = Some("https://portail.invalid/logement".to_owned());
    desk.register(&Registration { public_url: url.clone(), ..wanted.clone() }).expect("registered again");
    let drafter = desk.role(Role::Drafter);
    let held = desk.wait(acts::certificates(&drafter, "lille")).expect("certificates");
    assert_eq!((held.len(), &held[0].public_url), (1, &url));
    refuse(&|r| r.convention = "vue-seule".into(), "is registered with convention lille");
    desk.wait(acts::revoke(&drafter, &issued.peer.issuer, &issued.peer.key, "lost")).expect("revoked");
    refuse(&|_| {}, "was revoked");
    refused(desk.wait(acts::revoke(&drafter, &[0; 32], &[0; 32], "x")), "no such certificate");
    let listed = desk.wait(acts::revoked(&drafter, &desk.authority.key())).expect("revoked");
    assert_eq!(listed.iter().map(|r| &r.serial).collect::<Vec<_>>(), [&issued.peer.serial]);
    assert!(desk.authority.crl(&listed, 30, now()).expect("list").contains("X509 CRL"));
}

fn catalogue() -> Arc<Catalogue> {
    Arc::new(load_embedded().expect("catalogue"))
}

/// Waits until a certificate is answered so; gives how long it took.
fn until(holder: &Holder, issued: &Issued, wanted: Option<Refusal>) -> Duration {
    let begun = Instant::now();
    loop {
        if holder.identify(Some(&issued.peer), now()).err() == wanted {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{wanted:?} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn changes_take_effect_within_a_second(portal: &'static Portal) {
    let desk = Desk::new(portal, "effect");
    let holder = desk.wait(Holder::open(&desk.config, catalogue())).expect("registry");
    let issued = desk.issue();
    assert_eq!(holder.identify(Some(&issued.peer), now()).expect_err("unknown"), Refusal::NotRegistered);
    desk.draft(&sample("lille", "lille"));
    desk.register(&registration("lille", &issued)).expect("registered");
    until(&holder, &issued, Some(Refusal::NotYetInForce { id: "lille".into() }));
    desk.sign("lille").expect("signature");
    let mut slowest = until(&holder, &issued, None);
    for _ in 0..20 {
        desk.act("lille", Act::Suspend).expect("suspension");
        slowest = slowest.max(until(&holder, &issued, Some(Refusal::Suspended { id: "lille".into() })));
        desk.act("lille", Act::Resume).expect("resumption");
        slowest = slowest.max(until(&holder, &issued, None));
    }
    let drafter = desk.role(Role::Drafter);
    desk.wait(acts::revoke(&drafter, &issued.peer.issuer, &issued.peer.key, "lost")).expect("revoked");
    slowest = slowest.max(until(&holder, &issued, Some(Refusal::CertificateRevoked)));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // The connection that listens is cut: it comes back by itself and what happened in between is seen.
    let admin = desk.login(&desk.superuser);
    let other = desk.issue();
    desk.ask(&admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'seuil_server' AND datname = current_database()").expect("cut");
    desk.register(&registration("lille", &other)).expect("registered");
    until(&holder, &other, None);
    assert!(holder.age().expect("age") < Duration::from_secs(15));
}

fn territories_follow_the_publication(portal: &'static Portal) {
    let desk = Desk::new(portal, "territory");
    desk.signed("lille");
    let issued = desk.issue();
    desk.register(&registration("lille", &issued)).expect("registered");
    let holder = desk.wait(Holder::open(&desk.config, catalogue())).expect("registry");
    let sight = || {
        let identity = holder.identify(Some(&issued.peer), now()).expect("known");
        let territory = identity.convention.access.territory.clone().expect("a territory");
        let mut communes: Vec<String> = territory.communes.into_iter().collect();
        communes.sort();
        (holder.current().publication(), communes, territory.residence_iris.len())
    };
    assert_eq!(sight(), (None, Vec::new(), 0), "nothing published: nothing seen");
    let owner = desk.role(Role::Owner);
    for sql in [
        "INSERT INTO registre.publication (etat, courante_depuis, parametres, lots) VALUES ('courante', now(), '{}', '{}')",
        "CREATE TABLE pub.zone_p1 PARTITION OF pub.zone FOR VALUES IN (1)",
        "INSERT INTO pub.zone VALUES (1, 'commune', '59350', 'Lille', '59350', NULL),
             (1, 'commune', '59355', 'Lomme', '59350', '59355'), (1, 'commune', '59360', 'Loos', '59360', NULL),
             (1, 'iris', '593500101', NULL, '59350', NULL), (1, 'iris', '593502701', NULL, '59350', '59355'),
             (1, 'iris', '593600101', NULL, '59360', NULL)",
        "SELECT pg_notify('seuil_publication', '1')",
    ] {
        desk.ask(&owner, sql).expect(sql);
    }
    let begun = Instant::now();
    while holder.current().publication() != Some(1) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(sight(), (Some(1), vec!["59350".into(), "59355".into()], 2));
    // Drafts are checked against it.
    let zones = desk.wait(acts::zones(&desk.role(Role::Drafter))).expect("zones");
    let text = samples::FILES.iter().find(|f| f.0 == "lille").expect("sample").1.replace("[\"59350\"]", "[\"59351\"]");
    let said = file::parse("x", &text, Some(&zones)).expect_err("unknown commune").to_string();
    assert!(said.contains("59351 is unknown") && said.contains("59350 Lille"), "{said}");
}

fn records_are_moved_once_and_chained(portal: &'static Portal) {
    let desk = Desk::new(portal, "records");
    desk.signed("lille");
    let state = desk.config.server.state.clone();
    let recorder = desk.wait(Recorder::open_spool(&desk.config)).expect("spool");
    let mut ids = Vec::new();
    for n in 0..30 {
        let permit = desk.wait(recorder.open(access("lille"))).expect("permit");
        ids.push(permit.download.clone());
        permit.close(Close { features: n, bytes: 100 * n, outcome: "complete", millis: 3 });
        if n % 10 == 9 {
            // A copy of the finished segment is put back later: it must not be counted twice.
            desk.wait(recorder.flush());
        }
    }
    recorder.refused(Refused {
        reason: "suspended".into(),
        convention: Some("lille".into()),
        serial: None,
        subject: None,
        address: "192.0.2.1".parse().expect("address"),
        path: "/wfs".into(),
    });
    desk.wait(recorder.flush());
    let auditor = desk.role(Role::Auditor);
    let count =
        |what: &str| desk.ask(&auditor, &format!("SELECT count(*) FROM journal.{what}")).expect(what)[0].clone();
    let begun = Instant::now();
    while spooled(&state).len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "segments are not moved");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((count("acces"), count("fin"), count("refus")), ("30".into(), "30".into(), "1".into()));
    let (instance, sequence) = ids[3].split_once('-').expect("identifier");
    let found = desk.ask(
        &auditor,
        &format!(
            "SELECT concat_ws(' ', a.convention, host(a.adresse), a.couches, a.emprise[1], f.objets, f.issue)
             FROM journal.acces a JOIN journal.fin f ON (f.instance, f.acces) = (a.instance, a.sequence)
             WHERE a.instance = '{instance}' AND a.sequence = {sequence}"
        ),
    );
    let expected = "lille 2001:db8::7 {parc_iris,contour_iris} 700000.25 3 complete";
    assert_eq!(found.expect("trace"), [expected]);
    follow_chain(&desk, &auditor);
    // The same lines again, as after a crash between commit and removal.
    let again: Vec<String> = desk
        .ask(&auditor, "SELECT encode(empreinte, 'hex') || ' ' || ligne FROM journal.ligne ORDER BY sequence")
        .expect("lines");
    let before = (count("segment"), count("acces"), count("fin"));
    rewrite_segments(&state, &again);
    desk.wait(recorder.open(access("lille"))).expect("permit").close(Close {
        features: 0,
        bytes: 0,
        outcome: "complete",
        millis: 1,
    });
    desk.wait(recorder.flush());
    let begun = Instant::now();
    while spooled(&state).len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "segments are not moved");
        std::thread::sleep(Duration::from_millis(20));
    }
    let after: Vec<u64> =
        [count("segment"), count("acces"), count("fin")].iter().map(|c| c.parse().expect("n")).collect();
    let before: Vec<u64> = [before.0, before.1, before.2].iter().map(|c| c.parse().expect("n")).collect();
    assert_eq!(after, [before[0] + 1, before[1] + 1, before[2] + 1]);
    follow_chain(&desk, &auditor);
    monthly_report(&desk, &auditor);
}

fn follow_chain(desk: &Desk, auditor: &Client) {
    let lines = desk
        .wait(auditor.query("SELECT sequence, ligne, empreinte FROM journal.ligne ORDER BY instance, sequence", &[]))
        .expect("lines");
    let lines: Vec<(u64, String, Vec<u8>)> =
        lines.iter().map(|r| (r.get::<_, i64>(0).unsigned_abs(), r.get(1), r.get(2))).collect();
    let followed = record::verify(lines.iter().map(|(n, text, hash)| (*n, text.as_str(), hash.as_slice())));
    assert_eq!(followed, Ok(lines.len() as u64));
}

/// Writes segment files as they were before they were moved.
fn rewrite_segments(state: &Path, lines: &[String]) {
    let mut path = None;
    for line in lines {
        if line.contains("\"nature\":\"segment\"") {
            let start = line.find("\"n\":").expect("number") + 4;
            let n: u64 = line[start..].split(',').next().expect("number").parse().expect("number");
            path = Some(state.join("spool").join(format!("{n:020}.seg")));
        }
        let path = path.as_ref().expect("first line");
        let mut text = std::fs::read_to_string(path).unwrap_or_default();
        text.push_str(line);
        text.push('\n');
        std::fs::write(path, text).expect("segment");
    }
}

fn monthly_report(desk: &Desk, auditor: &Client) {
    let month = jiff::Timestamp::now().in_tz("Europe/Paris").expect("zone").strftime("%Y-%m").to_string();
    let made = desk.wait(report::make(auditor, "lille", &month)).expect("report");
    assert_eq!((made.total.requests, made.total.features, made.total.bytes), (31, 435, 43_500));
    assert_eq!(made.layers.iter().map(|l| l.requests).collect::<Vec<_>>(), [31, 31]);
    assert_eq!((made.refusals[0].what.as_str(), made.refusals[0].requests), ("suspended", 1));
    assert_eq!(made.users[0].detail, "diagnostic_partage");
    assert!(made.html().expect("page").contains("43500"));
    assert!(desk.wait(report::make(auditor, "nobody", &month)).is_err());
    assert!(desk.wait(report::make(auditor, "lille", "2026-13")).is_err());
}

fn servers_may_insert_records_and_nothing_else(portal: &'static Portal) {
    let desk = Desk::new(portal, "insert_only");
    let server = desk.role(Role::Server);
    for sql in [
        "SELECT * FROM journal.acces",
        "SELECT * FROM journal.ligne",
        "UPDATE journal.fin SET objets = 0",
        "DELETE FROM journal.segment",
        "TRUNCATE journal.refus",
        "SELECT journal.purger('2030-01-01')",
        "CREATE TABLE journal.x ()",
    ] {
        assert!(desk.ask(&server, sql).expect_err(sql).contains("denied"), "{sql}");
    }
    let owner = desk.role(Role::Owner);
    desk.ask(&server, "SELECT journal.preparer('2026-03-15')").expect("partition");
    desk.ask(&server, "SELECT journal.preparer('2026-03-01')").expect("the same again");
    assert!(desk.ask(&server, "SELECT journal.preparer('2999-01-01')").is_err());
    let insert = "INSERT INTO journal.fin (instance, sequence, ferme_le, acces, issue, ligne, empreinte)
         VALUES ('0123456789abcdef', 2, '2026-03-31T23:59:59Z', 1, 'complete', '', '')";
    desk.ask(&server, insert).expect("insert");
    assert!(desk.ask(&owner, "DELETE FROM journal.fin").expect_err("owner").contains("insert-only"));
    assert_eq!(desk.ask(&owner, "SELECT journal.purger('2026-03-31')").expect("purge").len(), 0);
    assert_eq!(desk.ask(&owner, "SELECT journal.purger('2026-04-01')").expect("purge").len(), 3);
    let segment = |first: u64, last: u64, hash: &str| {
        let sql = format!(
            "INSERT INTO journal.segment (instance, sequence, dernier, ligne, empreinte)
             VALUES ('0123456789abcdef', {first}, {last}, '', decode(repeat('{hash}', 32), 'hex'))"
        );
        desk.ask(&server, &sql)
    };
    segment(1, 9, "ab").expect("segment");
    segment(1, 9, "ab").expect("the same again");
    for (first, last) in [(1, 9), (9, 12), (5, 6), (1, 5)] {
        assert!(segment(first, last, "cd").expect_err("overlap").contains("overlap"), "{first} {last}");
    }
    segment(10, 10, "cd").expect("the next");
    assert_eq!(desk.ask(&owner, "SELECT count(*) FROM journal.segment").expect("count"), ["2"]);
}

fn the_samples_are_established_once(portal: &'static Portal) {
    let desk = Desk::new(portal, "samples");
    let pki = desk.folder.path().join("pki");
    let (drafter, signer) = (desk.role(Role::Drafter), desk.role(Role::Signer));
    let count = || {
        let sql =
            "SELECT concat_ws(' ', (SELECT count(*) FROM convention.version), (SELECT count(*) FROM convention.acte),
                   (SELECT count(*) FROM convention.certificat))";
        desk.ask(&drafter, sql).expect("count")
    };
    let establish = || desk.wait(samples::establish(&drafter, &signer, &desk.authority, &pki, now()));
    establish().expect("samples");
    let first = count();
    assert_eq!(first, ["11 12 11"]);
    establish().expect("samples");
    assert_eq!(count(), first);
    let states = desk.ask(&drafter, "SELECT statut || ' ' || count(*) FROM convention.etat GROUP BY statut ORDER BY 1");
    assert_eq!(states.expect("states"), ["expiree 1", "signee 9", "suspendue 1"]);
    for name in ["client.pem", "client.key", "client.p12", "client-ancien.p12"] {
        assert!(pki.join("lomme").join(name).exists(), "{name}");
    }
    // What OpenSSL reads, QGIS reads.
    for name in ["client.p12", "client-ancien.p12"] {
        let mut command = std::process::Command::new("openssl");
        command
            .args(["pkcs12", "-legacy", "-nokeys", "-passin", "pass:seuil", "-in"])
            .arg(pki.join("lomme").join(name));
        let Ok(read) = command.output() else { return };
        let text = String::from_utf8_lossy(&read.stdout);
        assert!(read.status.success() && text.matches("BEGIN CERTIFICATE").count() == 2, "{name}: {text}");
    }
}
