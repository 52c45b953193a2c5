//! The snapshot as a local file, so that a server starts without PostgreSQL.
//!
//! The file is one header and one body: magic and version, length and CRC-32 of the body, then the body in `postcard`.
//! Dictionaries and geometries that tables share are written once. Indexes and encodings are made anew when it is read. It is
//! written beside its place, flushed, and renamed into place: there is never half a file. A file that does not check, that is
//! of another version or was made for another catalogue is refused with a reason, and the server goes on without it.

use super::dictionary::Dictionary;
use super::geometry::{GeometryTable, Shapes};
use super::load::{Publication, assemble};
use super::snapshot::{Cells, Column, Snapshot, Table, TableParts};
use crate::catalogue::{Catalogue, FieldId, FieldKind, Text};
use crate::query::Value;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Name of the file in the server's state directory.
pub const FILE: &str = "publication.seuil";

/// First bytes of the file; the last one counts versions of the format.
const MAGIC: [u8; 8] = *b"SEUIL\0\0\x02";

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// It cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It is none of ours, or of another version.
    #[error("not a snapshot of this version")]
    Version,
    /// It is cut off, or its content has changed.
    #[error("the checksum does not fit")]
    Checksum,
    /// Its body cannot be read.
    #[error("{0}")]
    Body(#[from] postcard::Error),
    /// It was made for another catalogue.
    #[error("made for another catalogue")]
    Catalogue,
    /// Its parts do not fit each other.
    #[error("inconsistent: {0}")]
    Inconsistent(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Body {
    publication: i64,
    published: i64,
    rule: Text,
    former_until: i64,
    /// What of the catalogue the columns depend on.
    catalogue: Vec<(String, Vec<(String, FieldKind)>)>,
    dictionaries: Vec<(FieldKind, Vec<Value>)>,
    geometries: Vec<Shapes>,
    tables: Vec<KeptTable>,
}

#[derive(Serialize, Deserialize)]
struct KeptTable {
    relation: String,
    /// Cells and number of the dictionary.
    columns: Vec<(Cells, u32)>,
    key: FieldId,
    object_id: Option<FieldId>,
    vintage: Option<FieldId>,
    geometry: u32,
    geometry_row: Vec<u32>,
}

/// Relations, and name and type of their columns.
fn shape(catalogue: &Catalogue) -> Vec<(String, Vec<(String, FieldKind)>)> {
    let mut out: Vec<(String, Vec<(String, FieldKind)>)> = Vec::new();
    for layer in catalogue.layers() {
        if out.iter().all(|(relation, _)| *relation != layer.relation) {
            out.push((layer.relation.clone(), layer.fields.iter().map(|f| (f.name.clone(), f.kind)).collect()));
        }
    }
    out
}

/// Number of a shared part; parts that were not met before are appended.
fn number<T>(parts: &mut Vec<Arc<T>>, part: &Arc<T>) -> u32 {
    match parts.iter().position(|p| Arc::ptr_eq(p, part)) {
        Some(n) => n as u32,
        None => {
            parts.push(Arc::clone(part));
            parts.len() as u32 - 1
        }
    }
}

/// Writes a snapshot into a directory.
///
/// # Errors
/// [`KeepError`]; the former file is then still there.
pub fn write(dir: &Path, catalogue: &Catalogue, snapshot: &Snapshot) -> Result<(), KeepError> {
    let mut dictionaries: Vec<Arc<Dictionary>> = Vec::new();
    let mut geometries: Vec<Arc<GeometryTable>> = Vec::new();
    let mut tables: Vec<KeptTable> = Vec::new();
    for layer in &snapshot.layers {
        let table = &layer.table;
        if tables.iter().any(|t| t.relation == table.relation) {
            continue;
        }
        let column = |c: &Column| (c.cells.clone(), number(&mut dictionaries, &c.dictionary));
        tables.push(KeptTable {
            relation: table.relation.clone(),
            columns: table.columns.iter().map(column).collect(),
            key: table.key,
            object_id: table.object_id,
            vintage: table.vintage,
            geometry: number(&mut geometries, &table.geometry),
            geometry_row: table.geometry_row.clone(),
        });
    }
    let body = Body {
        publication: snapshot.publication,
        published: snapshot.published,
        rule: snapshot.rule.clone(),
        former_until: snapshot.former_until,
        catalogue: shape(catalogue),
        dictionaries: dictionaries.iter().map(|d| (d.kind(), d.values().to_vec())).collect(),
        geometries: geometries.iter().map(|g| g.shapes().clone()).collect(),
        tables,
    };
    let bytes = postcard::to_stdvec(&body)?;
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&MAGIC)?;
    file.write_all(&(bytes.len() as u64).to_le_bytes())?;
    file.write_all(&crc32fast::hash(&bytes).to_le_bytes())?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(dir.join(FILE)).map_err(|e| e.error)?;
    // The rename itself is durable only when the directory is.
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// Reads the snapshot of a directory; `None` when there is no file.
///
/// # Errors
/// [`KeepError`]: the file is there and cannot be used.
pub fn read(dir: &Path, catalogue: &Catalogue) -> Result<Option<Snapshot>, KeepError> {
    let mut file = match File::open(dir.join(FILE)) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let mut head = [0; 20];
    file.read_exact(&mut head).map_err(|_| KeepError::Version)?;
    let (magic, rest) = head.split_at(8);
    if magic != MAGIC {
        return Err(KeepError::Version);
    }
    let (length, crc) = rest.split_at(8);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if length != (bytes.len() as u64).to_le_bytes() || crc != crc32fast::hash(&bytes).to_le_bytes() {
        return Err(KeepError::Checksum);
    }
    let body: Body = postcard::from_bytes(&bytes)?;
    drop(bytes);
    if body.catalogue != shape(catalogue) {
        return Err(KeepError::Catalogue);
    }
    restore(body, catalogue).map(Some)
}

fn restore(body: Body, catalogue: &Catalogue) -> Result<Snapshot, KeepError> {
    let dictionaries: Vec<_> =
        body.dictionaries.into_iter().map(|(kind, values)| Arc::new(Dictionary::new(kind, values))).collect();
    let mut geometries = Vec::with_capacity(body.geometries.len());
    for shapes in body.geometries {
        if !shapes.is_consistent() {
            return Err(KeepError::Inconsistent("geometry"));
        }
        geometries.push(Arc::new(GeometryTable::new(shapes)));
    }
    let mut tables: HashMap<String, Arc<Table>> = HashMap::new();
    for kept in body.tables {
        let geometry = geometries.get(kept.geometry as usize).ok_or(KeepError::Inconsistent("geometry number"))?;
        let rows = kept.geometry_row.len();
        if kept.geometry_row.iter().any(|f| *f as usize >= geometry.len()) {
            return Err(KeepError::Inconsistent("feature number"));
        }
        let mut columns = Vec::with_capacity(kept.columns.len());
        for (cells, dictionary) in kept.columns {
            let dictionary = dictionaries.get(dictionary as usize).ok_or(KeepError::Inconsistent("dictionary"))?;
            if cells.len() != rows || cells.highest() > dictionary.len() {
                return Err(KeepError::Inconsistent("cells"));
            }
            columns.push(Column { kind: dictionary.kind(), cells, dictionary: Arc::clone(dictionary) });
        }
        let named = [Some(kept.key), kept.object_id, kept.vintage];
        if named.into_iter().flatten().any(|f| f.0 as usize >= columns.len()) {
            return Err(KeepError::Inconsistent("field number"));
        }
        let parts = TableParts {
            relation: kept.relation.clone(),
            columns,
            key: kept.key,
            object_id: kept.object_id,
            vintage: kept.vintage,
            geometry_row: kept.geometry_row,
        };
        tables.insert(kept.relation, Arc::new(Table::new(parts, Arc::clone(geometry))));
    }
    let publication = Publication { id: body.publication, since: body.published };
    let snapshot = assemble(catalogue, publication, (body.rule, body.former_until), &tables);
    if snapshot.layers.len() != catalogue.layers().len() {
        return Err(KeepError::Inconsistent("a relation is missing"));
    }
    Ok(snapshot)
}

/// Writes a byte vector as one run of bytes, not as a sequence of numbers.
pub mod bytes {
    use serde::de::{SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    /// For `#[serde(with = ...)]`.
    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    /// For `#[serde(with = ...)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, v: &[u8]) -> Result<Vec<u8>, E> {
                Ok(v.to_vec())
            }

            fn visit_byte_buf<E>(self, v: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(v)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut out = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1 << 20));
                while let Some(b) = seq.next_element()? {
                    out.push(b);
                }
                Ok(out)
            }
        }
        d.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, metropolis};

    #[test]
    fn reads_back_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let world = metropolis();
        assert!(read(dir.path(), &world.catalogue).unwrap().is_none());
        write(dir.path(), &world.catalogue, &world.snapshot).unwrap();
        let back = read(dir.path(), &world.catalogue).unwrap().unwrap();
        assert_eq!((back.publication, back.published), (world.snapshot.publication, world.snapshot.published));
        assert_eq!(back.layers.len(), world.snapshot.layers.len());
        for (a, b) in back.layers.iter().zip(&world.snapshot.layers) {
            assert_eq!((a.len, a.evolution, &a.table.geometry_row), (b.len, b.evolution, &b.table.geometry_row));
            assert_eq!(a.table.geometry.shapes(), b.table.geometry.shapes());
            assert_eq!(a.table.blocks(), b.table.blocks());
            for (x, y) in a.table.columns.iter().zip(&b.table.columns) {
                assert_eq!((x.kind, &x.cells, &x.dictionary), (y.kind, &y.cells, &y.dictionary));
            }
        }
        let geometry = |n: usize| &back.layers[n].table.geometry;
        assert!(Arc::ptr_eq(geometry(1), geometry(5)), "parc_iris and occupation_iris share their outlines");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_bad_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let world = Fixture::new().build();
        write(dir.path(), &world.catalogue, &world.snapshot).unwrap();
        let path = dir.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(dir.path(), &world.catalogue).err().map(|e| e.to_string())
        };
        for at in [20, good.len() / 2, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            assert_eq!(refused(&bytes).as_deref(), Some("the checksum does not fit"));
        }
        assert_eq!(refused(&good[..good.len() - 3]).as_deref(), Some("the checksum does not fit"));
        assert_eq!(refused(b"").as_deref(), Some("not a snapshot of this version"));
        assert_eq!(refused(&[&[b'X'][..], &good[1..]].concat()).as_deref(), Some("not a snapshot of this version"));
        assert_eq!(refused(&good), None);
        let part = world.catalogue.restricted(|_| true, |_, f| f.name != "nb_plai");
        assert!(matches!(read(dir.path(), &part), Err(KeepError::Catalogue)));
    }
}
