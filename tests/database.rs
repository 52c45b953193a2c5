//! Privileges and constraints of the two databases.

use crate::Case;
use crate::portal::Portal;
use seuil::db::{Role, Which};

pub const CASES: &[Case] = &[
    ("the_server_reaches_no_source", no_source),
    ("the_server_reads_no_candidate_and_writes_no_publication", server_reads_current_only),
    ("check_constraints_refuse_a_row_that_breaks_the_rule", constraints),
    ("drafter_and_signer_are_two", two_persons),
];

fn no_source(portal: &'static Portal) {
    let refused = portal.sql(Which::Source, Role::Server, "SELECT 1").expect_err("the server's role got into source");
    assert!(refused.contains("denied") || refused.contains("permission"), "{refused}");
}

fn server_reads_current_only(portal: &'static Portal) {
    let seen = portal
        .sql(Which::Serving, Role::Server, "SELECT DISTINCT publication FROM pub.parc_commune")
        .expect("the server reads publications");
    let current = portal
        .sql(Which::Serving, Role::Owner, "SELECT id FROM registre.publication WHERE etat = 'courante'")
        .expect("current");
    assert_eq!(seen, current);
    for statement in [
        "UPDATE pub.parc_commune SET statut = 'diffuse'",
        "DELETE FROM pub.parc_commune",
        "INSERT INTO registre.publication (parametres, lots) VALUES ('{}', '{}')",
        "SELECT registre.ouvrir('{\"seuil\": 11}', '{}')",
        "INSERT INTO convention.acte (convention, nature) VALUES ('suspendue', 'reprise')",
        "DELETE FROM journal.acces",
    ] {
        let refused = portal.sql(Which::Serving, Role::Server, statement);
        assert!(refused.is_err(), "{statement} was allowed");
    }
}

fn constraints(portal: &'static Portal) {
    // As the owner, past every grant: the constraints alone stand in the way. Rolled back in any case.
    let number = portal
        .sql(Which::Serving, Role::Owner, "SELECT id FROM registre.publication WHERE etat = 'courante'")
        .expect("current")[0][0]
        .clone()
        .expect("number");
    let table = format!("pub.parc_residence_p{number}");
    let withheld = format!("(SELECT id FROM {table} WHERE statut = 'secret' LIMIT 1)");
    let shown = format!("(SELECT id FROM {table} WHERE statut = 'diffuse' LIMIT 1)");
    for (what, statement) in [
        ("a number", format!("UPDATE {table} SET nb_logements = 40 WHERE id = {withheld}")),
        ("a name", format!("UPDATE {table} SET nom = 'x' WHERE id = {withheld}")),
        ("an owner", format!("UPDATE {table} SET siren_bailleur = '123456789' WHERE id = {withheld}")),
        ("ten dwellings", format!("UPDATE {table} SET nb_logements = 10 WHERE id = {shown}")),
    ] {
        let refused = portal.sql(Which::Serving, Role::Owner, &format!("BEGIN; {statement}; ROLLBACK"));
        let text = refused.expect_err(what);
        assert!(text.contains("check constraint"), "{what}: {text}");
    }
}

fn two_persons(portal: &'static Portal) {
    let act = "INSERT INTO convention.acte (convention, nature) VALUES ('suspendue', 'reprise')";
    let by_drafter = portal.sql(Which::Serving, Role::Drafter, act).expect_err("who drafts may not sign");
    assert!(by_drafter.contains("permission denied"), "{by_drafter}");
}
