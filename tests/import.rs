//! Imports against a real database: all or nothing, versions beside each other, nobody changes what is complete.

use crate::Case;
use crate::portal::Portal;
use seuil::config::Config;
use seuil::db::migrate::{Admin, migrate};
use seuil::db::{Role, Which};
use seuil::import::{self, Encodage, ImportError, Options, Report, Source, lots, progress::Silent};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const CASES: &[Case] = &[
    ("a_second_import_is_a_version_beside_the_first", a_second_import_is_a_version_beside_the_first),
    ("every_table_takes_what_its_file_says", every_table_takes_what_its_file_says),
    ("encodings_and_compression_change_no_row", encodings_and_compression_change_no_row),
    ("a_file_that_fails_leaves_nothing", a_file_that_fails_leaves_nothing),
    ("an_import_broken_off_leaves_nothing", an_import_broken_off_leaves_nothing),
    ("outlines_in_any_crs_and_format_are_the_same", outlines_in_any_crs_and_format_are_the_same),
    ("roles_have_least_privilege", roles_have_least_privilege),
    ("migrating_twice_changes_nothing", migrating_twice_changes_nothing),
];

const RPLS: &str = "DEPCOM;LIBCOM;TYPECONST;NBPIECE;SURFHAB;CONSTRUCT;LOCAT;PATRIMOINE;ORIGINE;FINAN;DPEENERGIE;DPESERRE;QPV;\
    IDENT_REP;MODE;DUREE_VACANCE;BAIL;LOYERPRINC";

/// Databases of this test alone in the cluster of the demonstration, and a folder for files.
struct Sandbox {
    config: Config,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Sandbox {
    fn new(portal: &Portal, name: &str) -> Sandbox {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = portal.config.clone();
        config.import.reports = folder.path().join("reports");
        let sql = "SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY oid LIMIT 1";
        let superuser = portal.sql(Which::Source, Role::Owner, sql).expect("superuser")[0][0].clone().expect("name");
        for (text, which) in [(&mut config.database.source, "source"), (&mut config.database.serving, "serving")] {
            let mut parts: Vec<String> =
                text.split_whitespace().filter(|p| !p.starts_with("dbname=")).map(str::to_owned).collect();
            parts.push(format!("dbname=import_{name}_{which}"));
            *text = parts.join(" ");
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
        let admin = Admin { user: superuser, password: None };
        runtime.block_on(migrate(&config.database, Some(&admin))).expect("migration");
        Sandbox { config, folder, runtime }
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("file");
        path
    }

    fn import(&self, source: Source, file: &Path, options: &Options) -> Result<Report, ImportError> {
        self.wait(import::run(&self.config, source, file, 2024, options, Arc::new(Silent)))
    }

    fn load(&self, source: Source, name: &str, text: &str) -> Report {
        self.import(source, &self.file(name, text), &Options::default()).expect("import")
    }

    /// Rows as text, columns joined by `|`, NULL empty.
    fn rows(&self, role: Role, sql: &str) -> Result<Vec<String>, String> {
        self.wait(async {
            let client =
                seuil::db::connect(&self.config.database, Which::Source, role).await.map_err(|e| e.to_string())?;
            let messages = client.simple_query(sql).await.map_err(|e| seuil::db::explain(&e))?;
            Ok(messages
                .iter()
                .filter_map(|m| match m {
                    tokio_postgres::SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|i| row.get(i).unwrap_or_default()).collect::<Vec<_>>().join("|"))
                    }
                    _ => None,
                })
                .collect())
        })
    }

    fn read(&self, sql: &str) -> Vec<String> {
        self.rows(Role::Publisher, sql).expect("query")
    }

    /// Every lot and every table: what must not change when an import fails.
    fn state(&self) -> Vec<String> {
        self.read(
            "SELECT 'lot', lot::text FROM import.lot UNION ALL SELECT 'table', oid::regclass::text FROM pg_class
             WHERE relkind = 'r' AND relnamespace IN ('ref'::regnamespace, 'prive'::regnamespace) ORDER BY 1, 2",
        )
    }
}

/// `n` dwellings, numbered from 1.
fn dwellings(n: u32) -> String {
    let mut text = format!("{RPLS}\n");
    for i in 1..=n {
        text.push_str(&format!("59350;LILLE É;C;3;64.5;1965;1965;1965;1;13;D;E;2;59{i:08};1;;2019-07-01;412,35\n"));
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(bytes).expect("gzip");
    e.finish().expect("gzip")
}

fn a_second_import_is_a_version_beside_the_first(portal: &'static Portal) {
    let s = Sandbox::new(portal, "versions");
    let first = s.load(Source::Rpls, "rpls.csv", &dwellings(3));
    let second = s.load(Source::Rpls, "rpls.csv", &dwellings(5));
    assert_eq!((first.version, second.version, second.rows), (1, 2, 5));
    let count = |lot: i64| s.read(&format!("SELECT count(*) FROM prive.logement WHERE lot = {lot}"));
    assert_eq!((count(first.lot), count(second.lot)), (vec!["3".to_owned()], vec!["5".to_owned()]));
    let current = || s.read("SELECT lot FROM import.courant WHERE source = 'rpls' AND millesime = 2024");
    assert_eq!(current(), [second.lot.to_string()]);

    // A lot that a publication uses stays, the newest one only goes when that is asked for.
    let used = format!("INSERT INTO import.emploi VALUES (7, {})", first.lot);
    s.rows(Role::Publisher, &used).expect("emploi");
    let why = |lot, current| s.wait(lots::purge(&s.config, lot, current)).expect_err("purge").to_string();
    assert!(why(first.lot, true).contains("used by publication 7"));
    assert!(why(second.lot, false).contains("newest version"));
    assert_eq!(s.wait(lots::purge(&s.config, second.lot, true)).expect("purge"), 5);
    assert_eq!((current(), count(second.lot)), (vec![first.lot.to_string()], vec!["0".to_owned()]));
    assert!(why(second.lot, true).contains("purged already"));
    assert!(s.rows(Role::Publisher, &format!("INSERT INTO import.emploi VALUES (8, {})", second.lot)).is_err());
    let listed = s.wait(lots::list(&s.config)).expect("list");
    let shown: Vec<_> = listed.iter().map(|l| (l.state.as_str(), l.current, l.publications.as_slice())).collect();
    assert_eq!(shown, [("complet", true, &[7_i64][..]), ("purge", false, &[])]);
    // The number of the purged version is not given again.
    assert_eq!(s.load(Source::Rpls, "rpls.csv", &dwellings(1)).version, 3);
}

fn every_table_takes_what_its_file_says(portal: &'static Portal) {
    let s = Sandbox::new(portal, "tables");
    s.load(Source::Rpls, "rpls.csv", &dwellings(1));
    let row = "59350|C|3|64.5|1965|13|D|1|2019-07-01|412.35";
    let sql = "SELECT insee_com, typeconst, nbpiece, surfhab, construct, finan, dpeenergie, mode, bail, loyer FROM prive.logement";
    assert_eq!(s.read(sql), [row]);

    let report = s.load(
        Source::Residences,
        "residences.csv",
        "ID_RESIDENCE;NOM_RESIDENCE;SIREN_BAILLEUR;NOM_BAILLEUR;NATURE;X;Y;IDENT_REP;CLASSE_QUALIF;DATE_QUALIF\n\
         R1;Les Lilas;200093201;Habitat;residence;704000.5;7059000;1;paisible;2023-05-23\n\
         R1;Les Lilas;200093201;Habitat;residence;704000.5;7059000;2;paisible;2023-05-23\n\
         R2;;;;logement_isole;704100;7059100;3;;\n",
    );
    assert_eq!((report.lines, report.rows, report.rejects), (3, 5, 0));
    let sql = "SELECT id_residence, nom, siren_bailleur, nature, date_qualification, ST_AsEWKT(geom) FROM prive.residence ORDER BY 1";
    assert_eq!(
        s.read(sql),
        [
            "R1|Les Lilas|200093201|residence|2023-05-23|SRID=2154;POINT(704000.5 7059000)",
            "R2|||logement_isole||SRID=2154;POINT(704100 7059100)"
        ]
    );
    assert_eq!(
        s.read("SELECT ident_rep, id_residence FROM prive.residence_logement ORDER BY 1"),
        ["1|R1", "2|R1", "3|R2"]
    );

    s.load(
        Source::Occupation,
        "occupation.csv",
        "IDENT_REP;REPONDANT;NB_PERS;TYPE_MENAGE;NB_ENFANTS;AGE_TITULAIRE;PCT_PLAFOND;NB_ADULTES;NB_STABLE;NB_PRECAIRE;NB_SANS_EMPLOI;APL;ENTREE\n\
         1;1;3;MONO;2;41;38.5;1;1;0;0;1;2015-03-01\n2;0;;;;;;;;;;;\n",
    );
    let sql =
        "SELECT ident_rep, repondant, nb_pers, type_menage, pct_plafond, apl, entree FROM prive.menage ORDER BY 1";
    assert_eq!(s.read(sql), ["1|t|3|MONO|38.5|t|2015-03-01", "2|f|||||"]);

    s.load(
        Source::Attributions,
        "attributions.csv",
        "NUM_UNIQUE;IDENT_REP;DATE_ATTRIBUTION;DATE_DEMANDE;QUARTILE;DALO;PRIORITAIRE;MUTATION;RESERVATAIRE\n\
         N1;1;2023-06-15;2020-01-02;1;0;1;0;3\n",
    );
    let sql = "SELECT num_unique, ident_rep, date_attribution, date_demande, quartile, dalo, prioritaire, reservataire FROM prive.attribution";
    assert_eq!(s.read(sql), ["N1|1|2023-06-15|2020-01-02|1|f|t|3"]);

    s.load(Source::Demandes, "demandes.csv", "INSEE_COM;NB_DEMANDES;NB_DELAI_ANORMAL\n59350;100;10\n");
    assert_eq!(s.read("SELECT insee_com, nb_demandes, nb_delai_anormal FROM prive.demande"), ["59350|100|10"]);

    s.load(
        Source::Equipements,
        "equipements.csv",
        "AN;REG;DEP;DEPCOM;DCIRIS;TYPEQU;LAMBERT_X;LAMBERT_Y\n2024;32;59;59350;593500101;C109;704000.5;7059000\n",
    );
    assert_eq!(
        s.read("SELECT typequ, insee_com, ST_AsText(geom) FROM ref.equipement"),
        ["C109|59350|POINT(704000.5 7059000)"]
    );

    s.load(
        Source::Bailleurs,
        "bailleurs.csv",
        "SIREN;NOM;FAMILLE;GROUPE\n200093201;Habitat;oph;Groupe Nord\n356000000;Logis;;\n",
    );
    assert_eq!(
        s.read("SELECT siren, nom, famille, groupe FROM ref.bailleur ORDER BY 1"),
        ["200093201|Habitat|oph|Groupe Nord", "356000000|Logis||"]
    );

    // A blank figure was withheld by its publisher: it is there, without a value.
    s.load(Source::Marges, "marges.csv", "DEPCOM_ARM;LIBCOM;nb_loues;nb_ls\n59350;Lille;30;33\n59643;Warneton;;4\n");
    assert_eq!(
        s.read("SELECT echelle, code, champ, valeur FROM ref.marge ORDER BY 2, 3"),
        ["commune|59350|nb_loues|30", "commune|59350|nb_ls|33", "commune|59643|nb_loues|", "commune|59643|nb_ls|4"]
    );
}

fn encodings_and_compression_change_no_row(portal: &'static Portal) {
    let s = Sandbox::new(portal, "encodings");
    let text = "ID_RESIDENCE;NOM_RESIDENCE;NATURE;X;Y;IDENT_REP\nR1;Cité des Œillets;residence;704000;7059000;1\n";
    let (latin1, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
    assert!(!lost);
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let files = [
        ("utf8.csv", text.as_bytes().to_vec(), Encodage::Auto),
        ("bom.csv", marked, Encodage::Auto),
        ("latin1.csv", latin1.to_vec(), Encodage::Auto),
        ("latin1.csv.gz", gzip(&latin1), Encodage::Latin1),
        ("crlf.csv", text.replace('\n', "\r\n").into_bytes(), Encodage::Utf8),
        ("packed.bin", gzip(text.as_bytes()), Encodage::Utf8),
    ];
    for (name, bytes, encodage) in files {
        let options = Options { encodage, ..Options::default() };
        let report = s.import(Source::Residences, &s.file(name, bytes), &options).expect(name);
        let rows = s.read(&format!("SELECT nom FROM prive.residence WHERE lot = {}", report.lot));
        assert_eq!(rows, ["Cité des Œillets"], "{name}");
    }
}

fn a_file_that_fails_leaves_nothing(portal: &'static Portal) {
    let s = Sandbox::new(portal, "nothing");
    s.load(Source::Rpls, "good.csv", &dwellings(10));
    let before = s.state();
    let good = dwellings(20_000);
    let packed = gzip(good.as_bytes());
    let doubled = format!("{good}{}", &good[RPLS.len() + 1..]);
    let absurd = good.replace(";64.5;", ";64500;");
    type Judge = fn(&ImportError) -> bool;
    let files: [(&str, Vec<u8>, Judge); 9] = [
        ("half.csv.gz", packed[..packed.len() / 2].to_vec(), |e| matches!(e, ImportError::Truncated { .. })),
        ("cut.csv", good.as_bytes()[..good.len() - 40].to_vec(), |e| matches!(e, ImportError::CutLine { .. })),
        ("comma.csv", good.replace(';', ",").into_bytes(), |e| matches!(e, ImportError::Delimiter { found: ',', .. })),
        ("empty.csv", vec![], |e| matches!(e, ImportError::Empty { .. })),
        ("header.csv", format!("{RPLS}\n").into_bytes(), |e| matches!(e, ImportError::Empty { .. })),
        ("few.csv", b"DEPCOM;LIBCOM\n59350;X\n".to_vec(), |e| matches!(e, ImportError::Columns { .. })),
        ("utf16.csv", b"\xff\xfeD\0E\0".to_vec(), |e| matches!(e, ImportError::Kind { .. })),
        (
            "doubled.csv",
            doubled.into_bytes(),
            |e| matches!(e, ImportError::TooManyRejects { first, .. } if first.contains("earlier line")),
        ),
        (
            "absurd.csv",
            absurd.into_bytes(),
            |e| matches!(e, ImportError::TooManyRejects { first, .. } if first.contains("SURFHAB")),
        ),
    ];
    for (name, bytes, expected) in files {
        let error = s.import(Source::Rpls, &s.file(name, bytes), &Options::default()).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
        assert_eq!(s.state(), before, "{name}");
    }
    // Few enough rejects are listed, and the rest is there.
    let text = format!("{}59350;X;C;3;64.5;2965;;;;13;;;;A;1;;;\n", dwellings(200));
    let report = s.load(Source::Rpls, "one.csv", &text);
    assert_eq!((report.lines, report.rows, report.rejects), (201, 200, 1));
    let listed = std::fs::read_to_string(report.reject_report.expect("report")).expect("report");
    assert_eq!(listed, "line;column;value;reason\n202;CONSTRUCT;2965;not between 1000 and 2025\n");
}

fn an_import_broken_off_leaves_nothing(portal: &'static Portal) {
    let s = Sandbox::new(portal, "broken");
    let before = s.state();
    let file = s.file("big.csv", dwellings(200_000));
    s.wait(async {
        let config = s.config.clone();
        let task = tokio::spawn(async move {
            import::run(&config, Source::Rpls, &file, 2024, &Options::default(), Arc::new(Silent)).await
        });
        // Long enough to be in the midst of it on any machine, short enough not to be over.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
    });
    // The lock of the vintage goes with the transaction.
    let again = s.load(Source::Rpls, "small.csv", &dwellings(2));
    assert_eq!((again.version, again.rows), (1, 2));
    assert_eq!(s.state().len(), before.len() + 2);
}

fn outlines_in_any_crs_and_format_are_the_same(portal: &'static Portal) {
    use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
    use gdal::vector::{Geometry, LayerAccess, LayerOptions, OGRFieldType};
    let s = Sandbox::new(portal, "outlines");
    // A bow tie (made valid: two triangles) and a square.
    let outlines = [
        ("59350", "Lille", "POLYGON ((700000 7060000,701000 7061000,701000 7060000,700000 7061000,700000 7060000))"),
        (
            "59009",
            "Villeneuve",
            "POLYGON ((710000 7060000,711000 7060000,711000 7061000,710000 7061000,710000 7060000))",
        ),
    ];
    let write = |name: &str, driver: &str, epsg: u32| {
        let mut lambert = SpatialRef::from_epsg(2154).expect("2154");
        let mut srs = SpatialRef::from_epsg(epsg).expect("crs");
        lambert.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        let path = s.folder.path().join(name);
        let driver = gdal::DriverManager::get_driver_by_name(driver).expect("driver");
        let mut data = driver.create_vector_only(&path).expect("file");
        let transform = CoordTransform::new(&lambert, &srs).expect("transformation");
        let options = LayerOptions {
            name: "communes",
            srs: Some(&srs),
            ty: gdal::vector::OGRwkbGeometryType::wkbPolygon,
            options: None,
        };
        let layer = data.create_layer(options).expect("layer");
        layer
            .create_defn_fields(&[("INSEE_COM", OGRFieldType::OFTString), ("NOM_COM", OGRFieldType::OFTString)])
            .expect("fields");
        for (code, nom, wkt) in outlines {
            let mut feature = gdal::vector::Feature::new(layer.defn()).expect("feature");
            feature.set_field_string(0, code).expect("field");
            feature.set_field_string(1, nom).expect("field");
            feature
                .set_geometry(Geometry::from_wkt(wkt).expect("wkt").transform(&transform).expect("transform"))
                .expect("geometry");
            feature.create(&layer).expect("feature");
        }
        data.close().expect("close");
        path
    };
    let gpkg = write("a.gpkg", "GPKG", 2154);
    let shape = write("b.shp", "ESRI Shapefile", 3950);
    let json = write("c.geojson", "GeoJSON", 4326);
    let gml = write("d.gml", "GML", 4171);
    let packed = s.file("e.geojson.gz", gzip(&std::fs::read(&json).expect("json")));
    for (path, tolerance) in [(gpkg, 0.0), (shape, 1e-3), (json, 0.1), (gml, 0.1), (packed, 0.1)] {
        let report = s.import(Source::Communes, &path, &Options::default()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let rows = s.read(&format!(
            "SELECT insee_com, nom, GeometryType(geom), ST_NumGeometries(geom), ST_IsValid(geom),
                    abs(ST_Area(geom) - CASE insee_com WHEN '59350' THEN 500000 ELSE 1000000 END) <= 1000 * {tolerance},
                    abs(ST_XMin(geom) - CASE insee_com WHEN '59350' THEN 700000 ELSE 710000 END) <= {tolerance}
             FROM ref.commune WHERE lot = {} ORDER BY 1",
            report.lot
        ));
        assert_eq!(rows, ["59009|Villeneuve|MULTIPOLYGON|1|t|t|t", "59350|Lille|MULTIPOLYGON|2|t|t|t"], "{path:?}");
    }
    // Longitude and latitude exchanged, no outline, a line: each a reject with its reason.
    let bad = s.file(
        "bad.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"code":"59001","nom":"A"},"geometry":{"type":"Polygon","coordinates":[[[50,3],[50.1,3],[50,3.1],[50,3]]]}},
        {"type":"Feature","properties":{"code":"59002","nom":"B"},"geometry":null},
        {"type":"Feature","properties":{"code":"59003","nom":"C"},"geometry":{"type":"LineString","coordinates":[[3,50],[3.1,50.1]]}}]}"#,
    );
    let before = s.state();
    let Err(ImportError::TooManyRejects { rejects: 3, report: Some(report), .. }) =
        s.import(Source::Communes, &bad, &Options::default())
    else {
        panic!("three rejects");
    };
    let listed = std::fs::read_to_string(report).expect("report");
    for why in ["outside the area of Lambert-93", "missing", "not a polygon"] {
        assert!(listed.contains(why), "{why}: {listed}");
    }
    assert_eq!(s.state(), before);
}

fn roles_have_least_privilege(portal: &'static Portal) {
    let s = Sandbox::new(portal, "roles");
    let lot = s.load(Source::Rpls, "rpls.csv", &dwellings(2)).lot;
    let refused = |role: Role, sql: &str| {
        let error = s.rows(role, sql).expect_err(sql);
        assert!(error.contains("permission denied"), "{role:?}, {sql}: {error}");
    };
    for role in [Role::Server, Role::Checker, Role::Drafter, Role::Signer] {
        refused(role, "SELECT 1");
    }
    let leaf = format!("prive.logement_{lot}");
    for sql in [
        "SELECT * FROM prive.logement".to_owned(),
        format!("SELECT * FROM {leaf}"),
        format!("INSERT INTO {leaf} (lot, ident_rep, insee_com) VALUES ({lot}, 'x', '59350')"),
        format!("UPDATE {leaf} SET loyer = 0"),
        format!("DELETE FROM {leaf}"),
        format!("TRUNCATE {leaf}"),
        "UPDATE import.lot SET etat = 'chargement'".to_owned(),
        "INSERT INTO import.emploi VALUES (1, 1)".to_owned(),
    ] {
        refused(Role::Importer, &sql);
    }
    for sql in ["DELETE FROM prive.logement", "UPDATE import.lot SET lignes = 0", "SELECT import.purger(1, true)"] {
        refused(Role::Publisher, sql);
    }
    assert_eq!(s.read("SELECT count(*) FROM prive.logement"), ["2"]);
    // Not even the owner changes a complete lot.
    for sql in [
        "UPDATE prive.logement SET loyer = 0".to_owned(),
        "DELETE FROM prive.logement".to_owned(),
        format!("INSERT INTO prive.logement (lot, ident_rep, insee_com) VALUES ({lot}, 'x', '59350')"),
    ] {
        assert!(s.rows(Role::Owner, &sql).expect_err(&sql).contains("is complete"));
    }
    assert!(s.rows(Role::Owner, "UPDATE import.lot SET lignes = 0").expect_err("record").contains("does not change"));
}

fn migrating_twice_changes_nothing(portal: &'static Portal) {
    let s = Sandbox::new(portal, "twice");
    let again = s.wait(migrate(&s.config.database, None)).expect("as owner");
    assert_eq!(again, seuil::db::migrate::Migrated::default());
    let mut elsewhere = s.config.database.clone();
    elsewhere.source = elsewhere.source.replace("dbname=import_twice_source", "dbname=import_nowhere");
    let error = s.wait(migrate(&elsewhere, None)).expect_err("no such database").to_string();
    assert!(error.contains("CREATE DATABASE") && error.contains("import_nowhere"), "{error}");
}
