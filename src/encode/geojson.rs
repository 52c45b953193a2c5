//! GeoJSON (RFC 7946): collections as streams, single features.
//!
//! A row is copied together out of ready key bytes, the dictionaries' JSON bytes and coordinates. What stands round the
//! features (numbers, links, terms) is given by the protocol as ready members.

use super::number::fixed;
use super::positions::Positions;
use super::row::{Blocks, Cell, Piece, TOGETHER};
use super::{Encoder, Features, Producer};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::geo::{Axes, GeometryKind};
use crate::store::Rows;
use crate::store::dictionary::push_json_text;
use std::ops::Range;

/// How the `id` of a feature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureIds {
    /// As it is: OGC API Features.
    Plain,
    /// `layer.id`: WFS, where it is the resource identifier.
    WithLayer,
}

/// What stands round the features. Members are `"name":value`, comma-separated, without outer commas; empty: none.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// Before `features`.
    pub head: Vec<u8>,
    /// After `features`.
    pub tail: Vec<u8>,
}

/// Writes one `FeatureCollection`, or one `Feature`.
pub struct GeoJson {
    parts: Vec<Part>,
    current: Option<usize>,
    members: Members,
    single: bool,
    id: String,
}

struct Part {
    /// `{"type":"Feature","id":"` with the layer's prefix, if any.
    open: Vec<u8>,
    /// `"name":` or `,"name":` and the column.
    fields: Vec<(Piece, usize)>,
    positions: Option<Positions>,
}

impl GeoJson {
    /// A `FeatureCollection` of these parts; `axes` has one entry a part (RFC 7946 §4: longitude first; another CRS is
    /// written as the protocol's own rules say).
    ///
    /// # Errors
    /// [`Error::Crs`] when a CRS cannot be computed, [`Error::Internal`] when a layer is not in the catalogue.
    pub fn collection(
        catalogue: &Catalogue,
        parts: &[Rows],
        axes: &[Axes],
        ids: FeatureIds,
        members: Members,
    ) -> Result<GeoJson, Error> {
        let parts = parts.iter().zip(axes).map(|(rows, axes)| Part::new(catalogue, rows, *axes, ids));
        Ok(GeoJson {
            parts: parts.collect::<Result<_, _>>()?,
            current: None,
            members,
            single: false,
            id: String::new(),
        })
    }

    /// A single `Feature`: the first row of the part; `members.tail` follows its own members.
    ///
    /// # Errors
    /// As [`GeoJson::collection`].
    pub fn single(
        catalogue: &Catalogue,
        part: &Rows,
        axes: Axes,
        ids: FeatureIds,
        members: Members,
    ) -> Result<GeoJson, Error> {
        let one = GeoJson::collection(catalogue, std::slice::from_ref(part), &[axes], ids, members)?;
        Ok(GeoJson { single: true, ..one })
    }

    /// The body of these parts, made in quanta.
    pub fn produce(self, parts: Vec<Rows>) -> Box<dyn Producer> {
        Box::new(Features::new(self, parts))
    }
}

impl Part {
    fn new(catalogue: &Catalogue, rows: &Rows, axes: Axes, ids: FeatureIds) -> Result<Part, Error> {
        let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
        let mut open = br#"{"type":"Feature","id":""#.to_vec();
        if ids == FeatureIds::WithLayer {
            open.extend_from_slice(layer.name.as_bytes());
            open.push(b'.');
        }
        let fields = rows.fields.iter().filter_map(|id| layer.field_by_id(*id)).enumerate().map(|(n, f)| {
            let mut key = if n == 0 { Vec::new() } else { vec![b','] };
            push_json_text(&f.name, &mut key);
            key.push(b':');
            (Piece::new(key), usize::from(f.id.0))
        });
        let fields = fields.collect();
        let positions = rows.geometry.then(|| Positions::new(rows.crs, axes)).transpose()?;
        Ok(Part { open, fields, positions })
    }
}

impl Encoder for GeoJson {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.single {
            return;
        }
        out.extend_from_slice(br#"{"type":"FeatureCollection","#);
        if !self.members.head.is_empty() {
            out.extend_from_slice(&self.members.head);
            out.push(b',');
        }
        out.extend_from_slice(br#""features":["#);
    }

    fn part(&mut self, _part: &Rows, _out: &mut Vec<u8>) {
        self.current = Some(self.current.map_or(0, |n| n + 1));
    }

    fn row(&mut self, rows: &Rows, row: u32, first: bool, out: &mut Vec<u8>) {
        let Some(part) = self.current.and_then(|n| self.parts.get(n)) else { return };
        if !first && !self.single {
            out.extend_from_slice(b",\n");
        }
        let data = rows.data();
        out.extend_from_slice(&part.open);
        self.id.clear();
        data.feature_id(row, &mut self.id);
        push_inside(&self.id, out);
        out.extend_from_slice(br#"","geometry":"#);
        match &part.positions {
            Some(positions) => geometry(positions, &data.table.geometry, data.feature(row), out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(br#","properties":{"#);
        let mut cells = [Cell::default(); TOGETHER];
        for fields in part.fields.chunks(TOGETHER) {
            for (cell, (_, column)) in cells.iter_mut().zip(fields) {
                let column = &data.table.columns[*column];
                let code = column.code(row);
                *cell = Cell::new(code, column.dictionary.json_padded(code));
            }
            for (cell, (key, _)) in cells.iter().zip(fields) {
                out.put(key.padded());
                out.put_cell(cell);
            }
        }
        out.push(b'}');
        if self.single && !self.members.tail.is_empty() {
            out.push(b',');
            out.extend_from_slice(&self.members.tail);
        }
        out.push(b'}');
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.single {
            return;
        }
        out.push(b']');
        if !self.members.tail.is_empty() {
            out.push(b',');
            out.extend_from_slice(&self.members.tail);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Text inside quotes that are already written.
fn push_inside(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    push_json_text(text, out);
    out.remove(start);
    out.pop();
}

fn geometry(positions: &Positions, table: &crate::store::GeometryTable, feature: u32, out: &mut Vec<u8>) {
    let name: &[u8] = match table.kind {
        GeometryKind::Point => br#"{"type":"Point","coordinates":"#,
        GeometryKind::MultiPoint => br#"{"type":"MultiPoint","coordinates":["#,
        GeometryKind::MultiLineString => br#"{"type":"MultiLineString","coordinates":["#,
        GeometryKind::MultiPolygon => br#"{"type":"MultiPolygon","coordinates":["#,
    };
    out.extend_from_slice(name);
    let decimals = positions.decimals();
    let one = |at: usize, out: &mut Vec<u8>| {
        let [a, b] = positions.get(table, at);
        out.push(b'[');
        fixed(a, decimals, out);
        out.push(b',');
        fixed(b, decimals, out);
        out.push(b']');
    };
    let list = |range: Range<usize>, out: &mut Vec<u8>| {
        for (n, at) in range.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            one(at, out);
        }
    };
    if table.kind == GeometryKind::Point {
        one(table.feature_positions(feature).start, out);
        out.push(b'}');
        return;
    }
    for (n, rings) in table.parts(feature).enumerate() {
        if n > 0 {
            out.push(b',');
        }
        match table.kind {
            GeometryKind::MultiPolygon => {
                out.push(b'[');
                for (n, ring) in rings.enumerate() {
                    out.extend_from_slice(if n > 0 { b",[" } else { b"[" });
                    list(table.ring(ring), out);
                    out.push(b']');
                }
                out.push(b']');
            }
            GeometryKind::MultiLineString => {
                for ring in rings.take(1) {
                    out.push(b'[');
                    list(table.ring(ring), out);
                    out.push(b']');
                }
            }
            GeometryKind::Point | GeometryKind::MultiPoint => rings.take(1).for_each(|r| list(table.ring(r), out)),
        }
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Progress;
    use crate::geo::Crs;
    use crate::store::fixture::metropolis;

    fn text(mut producer: Box<dyn Producer>) -> serde_json::Value {
        let mut out = Vec::new();
        while producer.step(&mut out).unwrap() == Progress::More {}
        serde_json::from_slice(&out).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out)))
    }

    #[test]
    fn a_collection_reads_back() {
        let world = metropolis();
        let rows = world.rows_in("parc_residence", Crs::Crs84);
        let count = rows.rows.len();
        let members = Members { head: br#""numberMatched":3"#.to_vec(), tail: br#""x":[1]"#.to_vec() };
        let encoder = GeoJson::collection(
            &world.catalogue,
            std::slice::from_ref(&rows),
            &[Axes::EastNorth],
            FeatureIds::WithLayer,
            members,
        )
        .unwrap();
        let json = text(encoder.produce(vec![rows]));
        assert_eq!(json["features"].as_array().unwrap().len(), count);
        assert_eq!((json["numberMatched"].as_u64(), json["x"][0].as_u64()), (Some(3), Some(1)));
        let first = &json["features"][0];
        assert!(first["id"].as_str().unwrap().starts_with("parc_residence."));
        let [lon, lat] = [0, 1].map(|n| first["geometry"]["coordinates"][n].as_f64().unwrap());
        assert!((1.0..5.0).contains(&lon) && (49.0..52.0).contains(&lat), "{lon} {lat}");
        assert!(first["properties"]["statut"].is_string());
    }

    #[test]
    fn a_withheld_row_writes_nulls() {
        let world = metropolis();
        let rows = world.rows("parc_residence");
        let encoder = GeoJson::collection(
            &world.catalogue,
            std::slice::from_ref(&rows),
            &[Axes::EastNorth],
            FeatureIds::Plain,
            Members::default(),
        )
        .unwrap();
        let json = text(encoder.produce(vec![rows]));
        let withheld: Vec<_> =
            json["features"].as_array().unwrap().iter().filter(|f| f["properties"]["statut"] == "secret").collect();
        assert!(!withheld.is_empty());
        assert!(withheld.iter().all(|f| f["properties"]["nb_logements"].is_null() && f["properties"]["nom"].is_null()));
    }

    #[test]
    fn polygons_and_single_features() {
        let world = metropolis();
        let mut rows = world.rows("parc_commune");
        rows.rows.truncate(1);
        let members = Members { tail: br#""links":[]"#.to_vec(), ..Members::default() };
        let one = GeoJson::single(&world.catalogue, &rows, Axes::EastNorth, FeatureIds::Plain, members).unwrap();
        let json = text(one.produce(vec![rows]));
        assert_eq!((&json["type"], &json["geometry"]["type"]), (&"Feature".into(), &"MultiPolygon".into()));
        let ring = json["geometry"]["coordinates"][0][0].as_array().unwrap();
        assert_eq!(ring.first(), ring.last());
        assert!(json["links"].is_array());
    }
}
