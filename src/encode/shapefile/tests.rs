//! Written, read back with GDAL.

use super::*;
use crate::geo::{Crs, GeometryKind};
use crate::query::Value;
use crate::store::fixture::{World, metropolis};
use gdal::Dataset;
use gdal::vector::LayerAccess;

const NOW: i64 = 1_735_689_600_000;

fn bytes(world: &World, parts: Vec<Rows>) -> Vec<u8> {
    let notice = Notice {
        name: "LISEZMOI.txt".into(),
        text: "Conditions".into(),
        mark: "Téléchargement 18869f92141d2640-71".into(),
    };
    let mut producer = Shapefiles::new(&world.catalogue, parts, notice, NOW).unwrap();
    let mut out = Vec::new();
    while producer.step(&mut out).unwrap() == Progress::More {}
    out
}

/// The archive in a folder, and how GDAL is to open one of its files.
fn kept(archive: &[u8], name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.zip"), archive).unwrap();
    let path = format!("/vsizip/{}/a.zip/{name}", folder.path().display());
    (folder, path)
}

#[test]
fn every_cell_and_every_position_reads_back() {
    let world = metropolis();
    for (layer, crs) in [
        ("parc_residence", Crs::Lambert93),
        ("parc_iris", Crs::Cc50),
        ("contour_commune", Crs::Etrs89),
        ("parc_commune", Crs::WebMercator),
    ] {
        let rows = world.rows_in(layer, crs);
        let (_folder, path) = kept(&bytes(&world, vec![rows.clone()]), &format!("{layer}.shp"));
        let dataset = Dataset::open(&path).unwrap();
        let mut read = dataset.layer(0).unwrap();
        assert_eq!(read.feature_count(), rows.rows.len() as u64);
        let declared = world.catalogue.layer(layer).unwrap();
        let names = dbf::names(declared);
        let data = rows.data();
        let positions = Positions::new(crs, Axes::EastNorth).unwrap();
        for (feature, row) in read.features().zip(&rows.rows) {
            for (field, name) in declared.fields.iter().zip(&names) {
                let at = feature.field_index(name).unwrap();
                let value = data.table.columns[usize::from(field.id.0)].value(*row);
                let told = format!("{layer} {} {row}", field.name);
                match value {
                    None => assert_eq!(feature.field_as_string(at).unwrap().filter(|t| !t.is_empty()), None, "{told}"),
                    Some(Value::Text(t)) => {
                        assert_eq!(feature.field_as_string(at).unwrap().as_deref(), Some(t.as_str()), "{told}");
                    }
                    Some(Value::Int(n)) => assert_eq!(feature.field_as_integer64(at).unwrap(), Some(*n), "{told}"),
                    Some(Value::Double(d)) => assert_eq!(feature.field_as_double(at).unwrap(), Some(*d), "{told}"),
                    Some(Value::DateTime(ms)) => {
                        let day = crate::filter::instant::write_instant(*ms)[..10].replace('-', "/");
                        assert_eq!(feature.field_as_string(at).unwrap(), Some(day), "{told}");
                    }
                }
            }
            let (table, number) = (&data.table.geometry, data.feature(*row));
            let shape = feature.geometry().unwrap().envelope();
            let mut wanted = Envelope::EMPTY;
            table.feature_positions(number).for_each(|p| wanted.add(positions.rounded(table, p)));
            assert_eq!(([shape.MinX, shape.MinY], [shape.MaxX, shape.MaxY]), (wanted.min, wanted.max), "{layer} {row}");
            if table.kind == GeometryKind::MultiPolygon {
                // Holes that were taken for islands would make it larger.
                let area: f64 = table
                    .parts(number)
                    .flat_map(|part| part.enumerate().map(|(n, r)| (n, table.ring(r))).collect::<Vec<_>>())
                    .map(|(n, ring)| {
                        let at: Vec<_> = ring.map(|p| positions.rounded(table, p)).collect();
                        let [x0, y0] = at[0];
                        let cross = |w: &[[f64; 2]]| (w[0][0] - x0) * (w[1][1] - y0) - (w[1][0] - x0) * (w[0][1] - y0);
                        let size = (at.windows(2).map(cross).sum::<f64>() / 2.0).abs();
                        if n == 0 { size } else { -size }
                    })
                    .sum();
                let read = feature.geometry().unwrap().area();
                assert!((read - area).abs() <= area * 1e-9, "{layer} {row}: {read} {area}");
            }
        }
    }
}

#[test]
fn short_names_are_unique_and_the_whole_name_is_told() {
    let world = metropolis();
    for layer in world.catalogue.layers() {
        let names = dbf::names(layer);
        assert!(names.iter().all(|n| n.len() <= 10 && !n.is_empty()), "{names:?}");
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), layer.fields.len(), "{}: {names:?}", layer.name);
        let guide = Part::new(layer, world.rows(&layer.name), layer.name.clone()).unwrap().guide;
        for (short, field) in names.iter().zip(&layer.fields) {
            assert!(guide.contains(&format!("\r\n{short};{};", field.name)), "{guide}");
        }
    }
}

#[test]
fn the_terms_are_found_without_unpacking() {
    let world = metropolis();
    let archive = bytes(&world, vec![world.rows("parc_commune"), world.rows("parc_commune"), world.rows("parc_iris")]);
    let told = "Téléchargement 18869f92141d2640-71".as_bytes();
    assert!(archive.windows(told.len()).any(|w| w == told));
    let mut read = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
    let names: Vec<String> = read.file_names().map(|n| n.unwrap().into_owned()).collect();
    for stem in ["parc_commune", "parc_commune_2", "parc_iris"] {
        for extension in ["shp", "shx", "dbf", "cpg", "prj", "champs.csv"] {
            assert!(names.contains(&format!("{stem}.{extension}")), "{names:?}");
        }
    }
    for n in 0..read.len() {
        // Checks each checksum too.
        let mut file = read.by_index(n).unwrap();
        std::io::copy(&mut file, &mut std::io::sink()).unwrap();
        assert_eq!(file.last_modified().map(|t| t.year()), Some(2025));
    }
}

#[test]
fn without_geometry_there_is_a_table_alone_and_empty_parts_are_files_too() {
    let world = metropolis();
    let table = Rows { geometry: false, fields: Vec::new(), ..world.rows("parc_commune") };
    let empty = Rows { rows: Vec::new(), ..world.rows("parc_residence") };
    let archive = bytes(&world, vec![table.clone(), empty]);
    let names = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
    assert!(!names.file_names().any(|n| ["parc_commune.shp", "parc_commune.prj"].contains(&&*n.unwrap())));
    let (_folder, path) = kept(&archive, "parc_commune.dbf");
    let dataset = Dataset::open(&path).unwrap();
    let mut read = dataset.layer(0).unwrap();
    assert_eq!(read.feature_count(), table.rows.len() as u64);
    assert!(read.features().all(|f| f.field_as_string(0).unwrap().is_some_and(|t| t.starts_with("59"))));
    let (_folder, path) = kept(&archive, "parc_residence.shp");
    assert_eq!(Dataset::open(&path).unwrap().layer(0).unwrap().feature_count(), 0);
}
