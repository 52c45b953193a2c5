//! Nothing that was ever published gives away what was not: former publications, whether still held or not, are subtracted
//! from later ones. Files are corrected, residences moved and sold, parameters changed; what a client could read of each
//! publication is kept, and the attack here uses that alone.

use crate::Case;
use crate::corrections::{SOURCES, keys, source};
use crate::observer::{Seen, start, surrogates};
use crate::portal::Portal;
use crate::worlds::World;
use seuil::db::{Role, Which};
use std::collections::HashMap;

pub const CASES: &[Case] = &[
    ("the_same_files_again_change_nothing", again),
    ("a_corrected_vintage_does_not_reveal_the_correction", corrected),
    ("what_moves_or_goes_reveals_nothing", moved),
    ("what_was_pruned_is_still_known", pruned),
    ("a_correction_that_is_counted_is_found", planted),
];

/// Rows of the archive.
fn archive_size(world: &World) -> Vec<i64> {
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM plan.{table}");
        world.sql(Which::Source, Role::Publisher, &sql)[0][0].clone().expect("count").parse().expect("count")
    };
    ["archive_parc", "archive_occupation", "archive_attributions", "archive_compte"].map(count).to_vec()
}

fn again(portal: &'static Portal) {
    let (world, mut attacker, first) = start(portal, "registre1");
    let size = archive_size(&world);
    assert!(size.iter().all(|n| *n > 0), "{size:?}");
    let all: Vec<&str> = SOURCES.iter().map(|(n, _)| *n).collect();
    source(portal, 2023).import(&world, &all);
    world.publish().expect("publication");
    let second = attacker.learns_nothing(&world, "the same files");
    assert_eq!(first.zones.len(), second.zones.len());
    assert!(first.zones.iter().all(|(k, r)| second.zones.get(k).is_some_and(|o| o.values == r.values)));
    assert!(first.residences.iter().all(|(k, r)| second.residences.get(k).is_some_and(|o| o.values == r.values)));
    // Nothing changed: the archive has nothing to add.
    assert_eq!(archive_size(&world), size);
}

fn corrected(portal: &'static Portal) {
    let (world, mut attacker, first) = start(portal, "registre2");
    let hidden = keys(&world, "parc", 2023, "l.statut = 'secret' AND u.unites[1] BETWEEN 4 AND 10", 24);
    let shown = keys(&world, "parc", 2023, "l.statut = 'diffuse' AND u.unites[1] > 20", 6);
    let edge = keys(&world, "parc", 2023, "l.statut = 'diffuse' AND u.unites[1] BETWEEN 11 AND 20", 4);
    let tenants = keys(&world, "occupation", 2023, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 30", 20);
    let mut files = source(portal, 2023);
    for (n, key) in hidden.iter().enumerate() {
        match n % 4 {
            0 => files.cut("rpls", key, 2),
            1 => files.set("rpls", key, "NBPIECE", "5"),
            2 => files.grow(key, 1),
            // Over the threshold.
            _ => files.grow(key, 12),
        }
    }
    files.cut("rpls", &shown[0], 15);
    files.set("rpls", &shown[1], "NBPIECE", "2");
    files.grow(&shown[2], 3);
    edge.iter().for_each(|key| files.cut("rpls", key, 7));
    tenants.iter().for_each(|key| files.cut("occupation", key, 2));
    tenants.iter().take(6).for_each(|key| files.set("occupation", key, "PCT_PLAFOND", "15"));
    files.cut("occupation", &shown[0], 14);
    files.import(&world, &["rpls", "residences", "occupation"]);
    world.publish().expect("a correction of what is published is published");
    let second = attacker.learns_nothing(&world, "a corrected vintage");
    // What was shown is corrected, what was not stays so.
    let ids: HashMap<String, String> = surrogates(&world);
    let of = |seen: &Seen, key: &str| seen.dwellings(2023, &ids[key]);
    assert_eq!(of(&second, &shown[0]), Some(15.0));
    assert!(of(&first, &edge[0]).is_some() && edge.iter().all(|k| of(&second, k).is_none()));
    assert!(hidden.iter().all(|k| of(&second, k).is_none()));
    // The same correction of the newest vintage, then both taken back.
    let mut newest = source(portal, 2024);
    hidden.iter().take(8).for_each(|key| newest.cut("rpls", key, 3));
    edge.iter().take(2).for_each(|key| newest.cut("rpls", key, 5));
    newest.import(&world, &["rpls"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "a corrected newest vintage");
    source(portal, 2023).import(&world, &["rpls", "residences", "occupation"]);
    source(portal, 2024).import(&world, &["rpls"]);
    world.publish().expect("publication");
    let last = attacker.learns_nothing(&world, "the first files again");
    assert_eq!(of(&last, &edge[0]), of(&first, &edge[0]));
}

fn moved(portal: &'static Portal) {
    let (world, mut attacker, _) = start(portal, "registre3");
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 10", 18);
    let shown = keys(&world, "parc", 2024, "l.statut = 'diffuse'", 12);
    let mut files = source(portal, 2024);
    let landlord = files.first("residences", &shown[4], "SIREN_BAILLEUR");
    // To other IRIS; pulled down; sold.
    for (n, key) in hidden.iter().enumerate() {
        match n % 3 {
            0 => files.place(key, &shown[n % shown.len()]),
            1 => files.cut("residences", key, 0),
            _ => files.set("residences", key, "SIREN_BAILLEUR", &landlord),
        }
    }
    files.place(&shown[0], &hidden[2]);
    files.place(&shown[1], &shown[7]);
    files.cut("residences", &shown[2], 0);
    files.cut("residences", &shown[3], 0);
    files.import(&world, &["residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "residences moved and sold");
    // And the next time they are where they were.
    source(portal, 2024).import(&world, &["residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "residences moved back");
}

fn pruned(portal: &'static Portal) {
    let (mut world, mut attacker, _) = start(portal, "registre5");
    world.config.server.grace = 0;
    let mut files = source(portal, 2024);
    let shown = keys(&world, "parc", 2024, "l.statut = 'diffuse' AND u.unites[1] > 20", 2);
    files.cut("rpls", &shown[0], 12);
    files.import(&world, &["rpls"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "before pruning");
    assert!(!world.prune().is_empty());
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 3 AND 10", 12);
    hidden.iter().for_each(|key| files.cut("rpls", key, 1));
    hidden.iter().take(4).for_each(|key| files.place(key, &shown[1]));
    files.import(&world, &["rpls", "residences"]);
    world.publish().expect("publication");
    attacker.learns_nothing(&world, "after pruning");
}

fn planted(portal: &'static Portal) {
    let (mut world, ..) = start(portal, "registre6");
    world.config.server.grace = 0;
    let all: Vec<&str> = SOURCES.iter().map(|(n, _)| *n).collect();
    source(portal, 2024).import(&world, &all);
    world.publish().expect("publication");
    assert!(!world.prune().is_empty());
    let hidden = keys(&world, "parc", 2024, "l.statut = 'secret' AND u.unites[1] BETWEEN 4 AND 10", 6);
    let mut files = source(portal, 2024);
    hidden.iter().for_each(|key| files.cut("rpls", key, 2));
    files.import(&world, &["rpls"]);
    world.candidate().expect("a candidate");
    // Had it counted what the new files say.
    let changed = world.sql(
        Which::Source,
        Role::Owner,
        "WITH c AS (UPDATE travail.compte SET etat = -etat WHERE etat < 0 AND theme = 'parc' RETURNING id) \
         , d AS (DELETE FROM plan.etape WHERE etape IN ('preuve') RETURNING 1) SELECT count(*) FROM c",
    );
    assert_ne!(changed, [[Some("0".to_owned())]]);
    let refused = world.publish().expect_err("the correction is given away").to_string();
    assert!(refused.contains("derives"), "{refused}");
}
