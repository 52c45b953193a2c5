//! What a found file says: identifiers of downloads anywhere in its bytes or its name; features through GDAL.

use crate::convention::{ConventionError, record};
use gdal::vector::LayerAccess;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Drivers that a found file may be opened with: none that follows addresses or other files' names in it.
const DRIVERS: [&str; 8] = ["GeoJSON", "GeoJSONSeq", "GML", "CSV", "GPKG", "ESRI Shapefile", "FlatGeobuf", "KML"];
/// Features that are kept, evenly spread over the file.
pub(super) const SAMPLE: usize = 200;

/// Identifiers and hashes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// (instance, sequence), in order of appearance, each once.
    pub downloads: Vec<(String, i64)>,
    /// As records name them: `blake3:...`, and `sha256:...` of older ones.
    pub hashes: [String; 2],
}

/// The features of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Number of features.
    pub features: usize,
    /// Names of the fields that hold something.
    pub fields: Vec<String>,
    /// A sample: field ▶ text.
    pub sample: Vec<BTreeMap<String, String>>,
    /// When the file was last written, milliseconds since 1970; 0 unknown.
    pub written: i64,
}

fn fault(path: &Path, reason: impl ToString) -> ConventionError {
    ConventionError::Trace { path: path.to_owned(), reason: reason.to_string() }
}

/// Looks through the bytes and the name of a file.
pub(super) fn marks(path: &Path) -> Result<Marks, ConventionError> {
    let mut file = std::fs::File::open(path).map_err(|e| fault(path, e))?;
    let mut found = Marks::default();
    downloads(path.file_name().unwrap_or_default().as_encoded_bytes(), &mut found.downloads);
    let (mut blake, mut sha) = (blake3::Hasher::new(), Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    // An identifier may lie across two reads: the end of one is looked at again with the next.
    let mut kept = 0;
    loop {
        let n = file.read(&mut buffer[kept..]).map_err(|e| fault(path, e))?;
        if n == 0 {
            break;
        }
        blake.update(&buffer[kept..kept + n]);
        sha.update(&buffer[kept..kept + n]);
        let end = kept + n;
        downloads(&buffer[..end], &mut found.downloads);
        kept = end.min(64);
        buffer.copy_within(end - kept..end, 0);
    }
    found.hashes = [record::named(&blake.finalize().into()), format!("sha256:{}", hex::encode(sha.finalize()))];
    Ok(found)
}

/// Finds `<16 hexadecimal digits>-<digits>` that stand alone.
fn downloads(bytes: &[u8], found: &mut Vec<(String, i64)>) {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    for at in (16..bytes.len()).filter(|i| bytes[*i] == b'-') {
        let instance = &bytes[at - 16..at];
        let alone = at == 16 || !(bytes[at - 17].is_ascii_alphanumeric() || bytes[at - 17] == b'-');
        let digits = bytes[at + 1..].iter().take(19).take_while(|b| b.is_ascii_digit()).count();
        let after = bytes.get(at + 1 + digits).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-');
        if !alone || !instance.iter().all(|b| hex(*b)) || digits == 0 || after {
            continue;
        }
        let (Ok(instance), Ok(number)) =
            (std::str::from_utf8(instance), std::str::from_utf8(&bytes[at + 1..at + 1 + digits]))
        else {
            continue;
        };
        if let Ok(sequence) = number.parse() {
            let one = (instance.to_owned(), sequence);
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
}

/// Reads the features of the first layer that has any.
pub(super) fn features(path: &Path) -> Result<Found, ConventionError> {
    // GDAL writes notes beside some files (.gfs): evidence stays as it is, a copy is read.
    let folder = tempfile::tempdir().map_err(|e| fault(path, e))?;
    let stem = path.file_stem().unwrap_or_default();
    let copied = |from: &Path| -> std::io::Result<std::path::PathBuf> {
        let to = folder.path().join(from.file_name().unwrap_or_default());
        std::fs::copy(from, &to).map(|_| to)
    };
    let copy = copied(path).map_err(|e| fault(path, e))?;
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp")) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for entry in std::fs::read_dir(folder).map_err(|e| fault(path, e))?.filter_map(Result::ok) {
            if entry.path() != path && entry.path().file_stem() == Some(stem) {
                copied(&entry.path()).map_err(|e| fault(path, e))?;
            }
        }
    }
    let gml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gml") || e.eq_ignore_ascii_case("xml"));
    let options: &[&str] = if gml { &["DOWNLOAD_SCHEMA=NO"] } else { &[] };
    let flags = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY,
        allowed_drivers: Some(&DRIVERS),
        open_options: Some(options),
        sibling_files: None,
    };
    let dataset = Dataset::open_ex(&copy, flags).map_err(|e| fault(path, e))?;
    let mut found = Found { written: written(path), ..Found::default() };
    for mut layer in dataset.layers() {
        let names: Vec<String> = layer.defn().fields().map(|f| f.name()).collect();
        let step = usize::try_from(layer.feature_count()).unwrap_or(0).div_ceil(SAMPLE).max(1);
        for (n, feature) in layer.features().enumerate() {
            found.features += 1;
            if n % step == 0 && found.sample.len() < SAMPLE {
                let value = |i: usize| feature.field_as_string(i).ok().flatten().filter(|v| !v.is_empty());
                let row = names.iter().enumerate().filter_map(|(i, name)| Some((name.clone(), value(i)?)));
                found.sample.push(row.collect());
            }
        }
        if found.features > 0 {
            found.fields = names;
            break;
        }
    }
    if found.features == 0 {
        return Err(fault(path, "no features in it"));
    }
    Ok(found)
}

fn written(path: &Path) -> i64 {
    let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = modified.and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_anywhere_and_nothing_else_is_taken_for_one() {
        let mut found = Vec::new();
        downloads(b"{\"download\":\"18869f92141d2640-71\"} 18869f92141d2640-71. x18869f92141d2640-72", &mut found);
        downloads(b"T\xc3\xa9l\xc3\xa9chargement 00112233445566aa-5. -->", &mut found);
        downloads(b"123e4567-e89b-12d3-a456-426614174000 18869f92141d2640-7a 18869F92141D2640-9", &mut found);
        assert_eq!(found, [("18869f92141d2640".to_owned(), 71), ("00112233445566aa".to_owned(), 5)]);
    }

    #[test]
    fn an_identifier_across_two_reads_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.bin");
        let mut bytes = vec![b' '; (1 << 20) - 10];
        bytes.extend_from_slice(b"18869f92141d2640-71 and more");
        std::fs::write(&path, &bytes).unwrap();
        let marks = marks(&path).unwrap();
        assert_eq!(marks.downloads, [("18869f92141d2640".to_owned(), 71)]);
        let sha = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        assert_eq!(marks.hashes, [format!("blake3:{}", blake3::hash(&bytes).to_hex()), sha]);
        let named = dir.path().join("parc_iris_18869f92141d2640-9.csv");
        std::fs::write(&named, "x").unwrap();
        assert_eq!(super::marks(&named).unwrap().downloads, [("18869f92141d2640".to_owned(), 9)]);
    }

    #[test]
    fn features_are_read_and_the_file_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.geojson");
        let text = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","id":"59350","geometry":null,"properties":{"id":"59350","nb_logements":40,"tx_vacance":1.5}},
            {"type":"Feature","id":"59009","geometry":null,"properties":{"id":"59009","nb_logements":null,"tx_vacance":null}}]}"#;
        std::fs::write(&path, text).unwrap();
        let found = features(&path).unwrap();
        assert_eq!((found.features, found.sample.len()), (2, 2));
        assert_eq!(found.sample[0]["nb_logements"], "40");
        assert!(!found.sample[1].contains_key("nb_logements"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
