//! What is withheld is withheld in every protocol.

use crate::Case;
use crate::journal::seuil;
use crate::portal::Portal;
use crate::worlds::World;
use serde_json::Value;
use seuil::db::{Role, Which};
use seuil::import::Source;
use seuil::publish::PublishError;

pub const CASES: &[Case] = &[
    ("ten_dwellings_give_geometry_code_and_secret_only", ten),
    ("eleven_dwellings_give_their_data", eleven),
    ("a_theme_needs_eleven_of_its_own_units", own_units),
    ("a_family_needs_eleven_of_its_own_units", own_family),
    ("no_withheld_row_carries_a_value_in_any_layer", no_values),
    ("filters_and_sorts_say_nothing_of_withheld_rows", filters),
    ("names_of_withheld_residences_are_nowhere_in_serving", markers),
    ("the_publication_was_proved", proved),
    ("the_report_shows_what_is_lost_and_what_was_attacked", reported),
    ("the_metadata_of_each_layer_say_the_rule_and_its_parameters", ruled),
    ("a_category_withheld_is_null_and_named", categories),
    ("masks_that_are_lost_stop_the_publication", lost_masks),
    ("a_landlord_who_knows_its_own_tenants_is_guarded_against_when_asked", own_tenants),
    ("what_third_parties_publish_of_every_commune_is_guarded", outside),
];

/// What a withheld residence may carry: identifiers, zone codes, times, status.
const ALLOWED: &[&str] = &[
    "id",
    "objectid",
    "insee_com",
    "insee_associee",
    "insee_chef_lieu",
    "code_iris",
    "code_qp",
    "millesime",
    "date_reference",
    "millesime_geo",
    "statut",
];

/// A zone is public: its name is no secret.
const ALLOWED_FOR_ZONES: &[&str] = &["nom"];

fn item(portal: &Portal, layer: &str, id: &str) -> Value {
    portal.client("mel").get(&format!("/collections/{layer}/items/{id}?f=json")).expect(200).json()
}

fn carries_nothing(properties: &Value, zone: bool) {
    for (name, value) in properties.as_object().expect("properties") {
        let allowed = ALLOWED.contains(&name.as_str()) || (zone && ALLOWED_FOR_ZONES.contains(&name.as_str()));
        assert!(allowed || value.is_null(), "{name} = {value} on a withheld row: {properties}");
    }
}

fn place(feature: &Value) -> (f64, f64) {
    let c = &feature["geometry"]["coordinates"];
    (c[0].as_f64().expect("lon"), c[1].as_f64().expect("lat"))
}

fn ten(portal: &'static Portal) {
    let id = portal.case("taille_10");
    let client = portal.client("mel");
    for layer in ["parc_residence", "occupation_residence", "attributions_residence", "environnement_residence"] {
        let feature = item(portal, layer, &id);
        assert_eq!(feature["properties"]["statut"], "secret", "{layer}");
        assert!(feature["geometry"]["type"] == "Point");
        carries_nothing(&feature["properties"], false);
    }
    let gml = client
        .get(&format!("/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&RESOURCEID=parc_residence.{id}"))
        .expect(200)
        .text();
    assert!(
        gml.contains("<seuil:statut>secret</seuil:statut>") && gml.contains("<seuil:nb_logements xsi:nil=\"true\"/>")
    );
    assert!(!gml.contains("<seuil:nom>") && !gml.contains("<seuil:siren_bailleur>"));
    let info = info(portal, &item(portal, "parc_residence", &id));
    let properties = info
        .iter()
        .find(|f| f["properties"]["id"] == id.as_str())
        .unwrap_or_else(|| panic!("GetFeatureInfo does not find {id}"));
    assert_eq!(properties["properties"]["statut"], "secret");
    carries_nothing(&properties["properties"], false);
}

/// What GetFeatureInfo says at a residence.
fn info(portal: &Portal, feature: &Value) -> Vec<Value> {
    let (lon, lat) = place(feature);
    let d = 0.002;
    let path = format!(
        "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS=parc_residence&QUERY_LAYERS=parc_residence&STYLES=\
         &CRS=CRS:84&BBOX={},{},{},{}&WIDTH=401&HEIGHT=401&FORMAT=image/png&I=200&J=200&INFO_FORMAT=application/json&FEATURE_COUNT=20",
        lon - d,
        lat - d,
        lon + d,
        lat + d
    );
    let json = portal.client("mel").get(&path).expect(200).json();
    json["features"].as_array().expect("features").clone()
}

fn eleven(portal: &'static Portal) {
    // One of eleven dwellings may be withheld for the sake of others; those that are shown are shown whole.
    let page = portal.client("mel").get("/collections/parc_residence/items?f=json&nb_logements=11").expect(200).json();
    let feature = page["features"].get(0).expect("a residence of eleven dwellings is shown");
    assert_eq!(feature["properties"]["statut"], "diffuse", "{feature}");
    assert!(feature["properties"]["nom"].is_string() && feature["properties"]["nb_loues"].is_u64());
    let id = feature["properties"]["id"].as_str().expect("id");
    let info = info(portal, feature);
    assert!(info.iter().any(|f| f["properties"]["id"] == id && f["properties"]["nb_logements"] == 11), "{info:?}");
}

fn own_units(portal: &'static Portal) {
    let id = portal.case("occupation_12_9");
    assert_eq!(item(portal, "parc_residence", &id)["properties"]["statut"], "diffuse");
    let occupation = item(portal, "occupation_residence", &id);
    assert_eq!(occupation["properties"]["statut"], "secret", "9 answers are under the threshold");
    carries_nothing(&occupation["properties"], false);
    let id = portal.case("attributions_4");
    assert_eq!(item(portal, "attributions_residence", &id)["properties"]["statut"], "secret");
}

fn own_family(portal: &'static Portal) {
    let id = portal.case("revenus_8");
    let occupation = item(portal, "occupation_residence", &id);
    let p = &occupation["properties"];
    assert_eq!(p["statut"], "diffuse", "{p}");
    assert!(p["nb_menages"].as_u64().expect("households") >= 11);
    for field in ["nb_revenu_connu", "nb_moins_20", "part_moins_20", "nb_plus_100"] {
        assert!(p[field].is_null(), "{field} stands on 8 known incomes: {p}");
    }
}

fn no_values(portal: &'static Portal) {
    let client = portal.client("mel");
    let list = client.get("/collections?f=json").expect(200).json();
    let mut withheld = 0;
    for collection in list["collections"].as_array().expect("collections") {
        let id = collection["id"].as_str().expect("id");
        let all = client.get(&format!("/collections/{id}/items?f=json&limit=10000")).expect(200).json();
        for feature in all["features"].as_array().expect("features") {
            let p = &feature["properties"];
            match p["statut"].as_str() {
                Some("secret") => {
                    withheld += 1;
                    carries_nothing(p, !id.contains("residence"));
                }
                // A published row has its denominator at or over the threshold.
                Some("diffuse") => {
                    for field in ["nb_logements", "nb_menages", "nb_attributions"] {
                        if let Some(n) = p[field].as_u64() {
                            assert!(n >= 11, "{id}: {field} = {n}: {p}");
                        }
                    }
                }
                _ => {}
            }
        }
    }
    assert!(withheld > 500, "{withheld}");
}

fn matched(portal: &Portal, query: &str) -> u64 {
    let path = format!("/collections/parc_residence/items?f=json&limit=1&{query}");
    portal.client("mel").get(&path).expect(200).json()["numberMatched"].as_u64().expect("numberMatched")
}

fn filters(portal: &'static Portal) {
    let everything = matched(portal, "");
    let published = matched(portal, "statut=diffuse");
    // A withheld number is NULL: no comparison is true of it, nor is its negation (SQL's three-valued logic).
    assert_eq!(matched(portal, "filter=nb_logements%3C11"), 0);
    assert_eq!(matched(portal, "filter=nb_logements%3E%3D11"), published);
    assert_eq!(matched(portal, "filter=NOT%20(nb_logements%3E%3D11)"), 0);
    assert_eq!(matched(portal, "filter=nb_logements%20IS%20NULL"), everything - published);
    assert_eq!(matched(portal, "filter=nom%20LIKE%20%27%25%27%20AND%20statut%3D%27secret%27"), 0);
    // Sorted by a withheld value, withheld rows stand together at the end, in the order of their random identifiers.
    let sorted = portal
        .client("mel")
        .get("/collections/parc_residence/items?f=json&limit=10000&sortby=nb_logements")
        .expect(200)
        .json();
    let features = sorted["features"].as_array().expect("features");
    let tail: Vec<&str> = features
        .iter()
        .skip_while(|f| !f["properties"]["nb_logements"].is_null())
        .map(|f| f["id"].as_str().expect("id"))
        .collect();
    assert_eq!(tail.len() as u64, everything - published);
    assert!(tail.windows(2).all(|w| w[0] < w[1]));
}

/// Text of every table of a database, as the owner sees it.
fn dump(portal: &Portal) -> String {
    let tables = portal
        .sql(
            Which::Serving,
            Role::Owner,
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        )
        .expect("tables");
    let mut text = String::new();
    for table in tables.into_iter().flatten().flatten() {
        if let Ok(rows) = portal.sql(Which::Serving, Role::Owner, &format!("SELECT t::text FROM {table} t")) {
            for value in rows.into_iter().flatten().flatten() {
                text.push_str(&value);
                text.push('\n');
            }
        }
    }
    text
}

fn markers(portal: &'static Portal) {
    let text = dump(portal);
    assert!(text.contains("diffuse") && text.len() > 100_000, "the dump is empty");
    // Keys of the source are markers: every residence has one, and none may be here.
    let keys: Vec<&String> = portal.surrogates().keys().collect();
    assert!(keys.len() > 300);
    for key in keys {
        assert!(!text.contains(key.as_str()), "the source's key {key} is in serving");
    }
    // Names of residences, but for those that a published row or a zone bears.
    let shown: std::collections::HashSet<String> = portal
        .sql(
            Which::Serving,
            Role::Owner,
            "SELECT nom FROM pub.parc_residence WHERE nom IS NOT NULL UNION SELECT nom FROM pub.contour_iris WHERE nom IS NOT NULL \
             UNION SELECT nom FROM pub.contour_qpv WHERE nom IS NOT NULL UNION SELECT nom FROM pub.contour_commune",
        )
        .expect("names shown")
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let mut names = portal
        .sql(Which::Source, Role::Owner, "SELECT DISTINCT nom FROM prive.residence WHERE length(nom) > 8")
        .expect("names");
    names.retain(|n| n[0].as_ref().is_some_and(|n| !shown.iter().any(|s| s.contains(n.as_str()))));
    assert!(!names.is_empty());
    for name in names.into_iter().flatten().flatten() {
        assert!(!text.contains(&name), "the name {name:?} of a withheld residence is in serving");
    }
}

fn proved(portal: &'static Portal) {
    let verdicts = portal
        .sql(
            Which::Serving,
            Role::Checker,
            "SELECT v.constats FROM registre.verdict v JOIN registre.publication p ON p.id = v.publication \
             WHERE p.etat = 'courante' AND v.controle = 'attaque'",
        )
        .expect("verdicts");
    assert_eq!(verdicts, [[Some("0".to_owned())]]);
    // By landlords alone and in groups: the demonstration imports the list of them.
    let attackers = portal
        .sql(
            Which::Serving,
            Role::Checker,
            "SELECT v.rapport -> 'attaquants' ->> 'alone', v.rapport -> 'attaquants' ->> 'groups', v.rapport -> 'attaquants' ->> 'pairs', \
             p.parametres -> 'attaquants' ->> 'groupes' \
             FROM registre.verdict v JOIN registre.publication p ON p.id = v.publication \
             WHERE p.etat = 'courante' AND v.controle = 'attaque'",
        )
        .expect("attackers");
    assert_eq!(attackers, [["true", "true", "false", "true"].map(|w| Some(w.to_owned()))]);
    let groups = portal
        .sql(
            Which::Source,
            Role::Publisher,
            "SELECT count(*) > 1, count(DISTINCT groupe) < count(*) FROM ref.bailleur JOIN import.emploi USING (lot)",
        )
        .expect("landlords");
    assert_eq!(groups, [["t", "t"].map(|w| Some(w.to_owned()))]);
}

fn reported(portal: &'static Portal) {
    let folder = tempfile::tempdir().expect("folder");
    let (page, data) = (folder.path().join("r.html"), folder.path().join("r.json"));
    let [html, json] = [&page, &data].map(|p| p.to_str().expect("UTF-8").to_owned());
    let (good, said) = seuil(portal, &["publications", "report", "--html", &html, "--json", &json]);
    assert!(good, "{said}");
    let page = std::fs::read_to_string(page).expect("page");
    assert_eq!(page.matches("<svg").count(), 3, "a map for each theme");
    for class in ["d", "p", "s"] {
        assert!(page.contains(&format!("<path class=\"{class}\"")), "no IRIS of class {class}");
    }
    assert!(page.contains("Ce que l'attaquant sait et tente") && page.contains("Ce que coûte la protection"));
    let data: Value = serde_json::from_slice(&std::fs::read(data).expect("JSON")).expect("JSON");
    assert_eq!(data["preuve"]["constats"], serde_json::json!([]));
    assert!(data["publication"]["prices"].as_array().is_some_and(|p| p.len() > 9));
    let (good, said) = seuil(portal, &["publications", "report", "4711", "--html", &html]);
    assert!(!good && said.contains("publication 4711 never became current"), "{said}");
}

fn ruled(portal: &'static Portal) {
    let client = portal.client("mel");
    for layer in ["parc_commune", "occupation_iris", "attributions_residence"] {
        let record = client.get(&format!("/metadata/{layer}.xml")).expect(200).text();
        for words in ["seuil de 11 unités", "threshold of 11 units", "plus de 85 %", "règle G1"] {
            assert!(record.contains(words), "{layer} does not say {words:?}");
        }
    }
}

/// Categories of a theme's zone rows, each with its share and its denominator.
const CATEGORIES: &[(&str, &str, &str, &str)] = &[
    ("occupation", "nb_plus_100", "part_plus_100", "nb_revenu_connu"),
    ("occupation", "nb_moins_20", "part_moins_20", "nb_revenu_connu"),
    ("occupation", "nb_isoles", "part_isoles", "nb_menages"),
    ("occupation", "nb_tit_moins_30", "part_tit_moins_30", "nb_age_connu"),
    ("attributions", "nb_dalo", "part_dalo", "nb_attributions"),
    ("attributions", "nb_q1", "part_q1", "nb_revenu_connu"),
];

fn categories(portal: &'static Portal) {
    let client = portal.client("mel");
    let (mut shown, mut withheld) = (0, 0);
    let mut example = None;
    for (theme, column, share, units) in CATEGORIES {
        for scale in ["commune", "iris", "qpv"] {
            let layer = format!("{theme}_{scale}");
            let all = client.get(&format!("/collections/{layer}/items?f=json&limit=10000")).expect(200).json();
            for feature in all["features"].as_array().expect("features") {
                let p = &feature["properties"];
                let named = p["categories_masquees"].as_str().unwrap_or_default().split(' ').any(|c| c == *column);
                if p[units].is_null() {
                    assert!(p[column].is_null() && !named, "{p}");
                    continue;
                }
                assert_eq!(p[column].is_null(), named, "{column}: {p}");
                assert_eq!(p[share].is_null(), named, "{share}: {p}");
                if named {
                    withheld += 1;
                    example = Some((layer.clone(), feature["id"].as_str().expect("id").to_owned(), *column));
                } else {
                    shown += 1;
                }
            }
        }
    }
    assert!(withheld > 0 && shown > withheld, "{withheld} of {shown} withheld");
    // Said in GML as well: the value is nil, its name is listed.
    let (layer, id, column) = example.expect("a category withheld");
    let gml = client
        .get(&format!("/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&RESOURCEID={layer}.{id}"))
        .expect(200)
        .text();
    assert!(gml.contains(&format!("<seuil:{column} xsi:nil=\"true\"/>")), "{gml}");
    assert!(gml.contains("<seuil:categories_masquees>"), "{gml}");
    // The report says what it costs.
    let report = portal
        .sql(
            Which::Serving,
            Role::Checker,
            "SELECT sum((c ->> 'masquees')::int) > 0 AND bool_and((c ->> 'cellules')::int >= (c ->> 'masquees')::int)
             FROM registre.publication p, jsonb_array_elements(p.rapport -> 'categories') c WHERE p.etat = 'courante'",
        )
        .expect("report");
    assert_eq!(report, [[Some("t".to_owned())]]);
}

/// Masks that are lost on the way: categories that give something away, then categories that nobody judged.
fn lost_masks(portal: &'static Portal) {
    let world = World::copy(portal, World::naked(portal), "categories");
    let on_insert = |body: &str| {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION plan.fuite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
             CREATE OR REPLACE TRIGGER fuite BEFORE INSERT ON plan.masque FOR EACH ROW EXECUTE FUNCTION plan.fuite()"
        );
        world.sql(Which::Source, Role::Owner, &sql);
    };
    on_insert("NEW.colonnes := ''; RETURN NEW;");
    let refused = world.publish().expect_err("categories are given away");
    assert!(matches!(refused, PublishError::Refused { .. }), "{refused}");
    let kinds = world.sql(
        Which::Serving,
        Role::Checker,
        "SELECT DISTINCT f ->> 'kind' FROM registre.verdict v, jsonb_array_elements(v.rapport -> 'constats') f",
    );
    assert_eq!(kinds, [[Some("interval".to_owned())]]);
    // Without a mask no category is shown, and the database refuses rows that do not say why.
    on_insert("RETURN NULL;");
    let refused = world.publish_anew().expect_err("rows without masks");
    let shown = format!("{:?}", anyhow::Error::from(refused));
    assert!(shown.contains("categories"), "{shown}");
}

/// Landlords subtract their own tenants from categories: more is withheld, and too little is found.
fn own_tenants(portal: &'static Portal) {
    let mut world = World::copy(portal, World::first(portal), "locataires");
    world.config.secrecy.attacker.categories = true;
    let trigger = |sql: &str| world.sql(Which::Source, Role::Owner, sql);
    // What was enough against anybody: the masks of the publication before.
    trigger(
        "CREATE FUNCTION plan.comme_avant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             SELECT m.colonnes INTO NEW.colonnes FROM plan.masque m
             WHERE (m.theme, m.millesime, m.echelle, m.id) = (NEW.theme, NEW.millesime, NEW.echelle, NEW.id)
               AND m.publication < NEW.publication;
             RETURN NEW; END $$;
         CREATE TRIGGER comme_avant BEFORE INSERT ON plan.masque FOR EACH ROW EXECUTE FUNCTION plan.comme_avant()",
    );
    let refused = world.publish().expect_err("landlords know too much");
    assert!(matches!(refused, PublishError::Refused { .. }), "{refused}");
    let found = world.sql(
        Which::Serving,
        Role::Checker,
        "SELECT count(*) > 0, bool_and(f ->> 'kind' = 'interval' AND f ->> 'attacker' > '')
         FROM registre.verdict v, jsonb_array_elements(v.rapport -> 'constats') f",
    );
    assert_eq!(found, [["t", "t"].map(|t| Some(t.to_owned()))]);
    trigger("DROP TRIGGER comme_avant ON plan.masque");
    world.publish_anew().expect("publication");
    let masks = world.sql(
        Which::Source,
        Role::Publisher,
        "SELECT sum(cardinality(string_to_array(colonnes, ' ')))::text FROM plan.masque GROUP BY publication ORDER BY publication",
    );
    let masks: Vec<u64> = masks.iter().map(|r| r[0].as_deref().and_then(|n| n.parse().ok()).expect("masks")).collect();
    assert!(masks.last() > masks.first(), "{masks:?}");
    // Said with the publication.
    let words = world.sql(
        Which::Serving,
        Role::Server,
        "SELECT p.parametres -> 'texte' ->> 'fr' FROM registre.publication p WHERE p.etat = 'courante'",
    );
    assert!(words[0][0].as_deref().is_some_and(|w| w.contains("connaissant ses propres locataires")), "{words:?}");
}

/// Every commune is known from outside, in every vintage of the stock: a publication is found all the same, and proved with that.
fn outside(portal: &'static Portal) {
    let world = World::copy(portal, World::naked(portal), "marges");
    let read = |sql: &str| world.sql(Which::Source, Role::Publisher, sql);
    let communes = read("SELECT DISTINCT insee_com FROM ref.commune WHERE insee_chef_lieu IS NULL");
    let years = read("SELECT millesime FROM import.courant WHERE source = 'rpls'");
    let folder = tempfile::tempdir().expect("folder");
    for year in years.iter().map(|r| r[0].clone().expect("year")) {
        let mut text = "DEPCOM_ARM;LIBCOM;nb_loues\n".to_owned();
        for code in communes.iter().filter_map(|r| r[0].clone()) {
            text += &format!("{code};{code};12\n");
        }
        let file = folder.path().join(format!("marges_{year}.csv"));
        std::fs::write(&file, text).expect("file");
        world.import(Source::Marges, &file, year.parse().expect("year"));
    }
    world.publish().expect("publication");
    let told = world.sql(
        Which::Serving,
        Role::Checker,
        "SELECT v.constats, s ->> 'nom' FROM registre.verdict v, jsonb_array_elements(v.rapport -> 'sujets') s
         WHERE s ->> 'temps' LIKE '%tables de tiers%' AND s ->> 'nom' = 'parc'",
    );
    assert_eq!(told, [["0", "parc"].map(|t| Some(t.to_owned()))]);
}
