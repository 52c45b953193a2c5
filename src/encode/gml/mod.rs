//! GML 3.2 (OGC 07-036, simple features SF-0 of 10-100r3), GML 3.1.1 (03-105r1) and GML 2.1.2 (02-069).
//!
//! Every tag is made once; a row is copied together out of tags, the snapshot's ready XML bytes and coordinates. What
//! stands round the features (collection, members) is given by the protocol as a [`Frame`].

mod geometry;

pub use geometry::{GeometryWriter, property_type};

use super::row::{Blocks, Cell, Piece, TOGETHER};
use super::{Encoder, positions::Positions};
use crate::catalogue::{Catalogue, Layer, LayerId};
use crate::error::Error;
use crate::filter::fes::escape_id;
use crate::geo::{Axes, Envelope};
use crate::store::{LayerData, NULL, Rows, StoredCrs};
use std::collections::HashSet;

/// Which GML is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// GML 3.2.1, namespace `http://www.opengis.net/gml/3.2`.
    V32,
    /// GML 3.1.1, namespace `http://www.opengis.net/gml`.
    V31,
    /// GML 2.1.2, namespace `http://www.opengis.net/gml`.
    V2,
}

impl Dialect {
    /// Namespace URI.
    pub fn namespace(self) -> &'static str {
        match self {
            Dialect::V32 => "http://www.opengis.net/gml/3.2",
            Dialect::V31 | Dialect::V2 => "http://www.opengis.net/gml",
        }
    }
}

/// What stands round the features. The root element must bind the prefixes `gml`, `xsi` and that of the features.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Everything before the first part.
    pub head: Vec<u8>,
    /// Before and after each part, one pair a part; empty: nothing.
    pub parts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Attributes (each with a blank before it) of every feature element: namespaces, when the feature is the root.
    pub root: String,
    /// Before a feature.
    pub member_open: Vec<u8>,
    /// After a feature.
    pub member_close: Vec<u8>,
    /// Before and after the identifier of a feature that stands in the document already; `None`: it is written again.
    pub reference: Option<(Vec<u8>, Vec<u8>)>,
    /// Everything after the last part.
    pub tail: Vec<u8>,
}

/// How the coordinates of one part are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// Value of `srsName`.
    pub srs_name: String,
    /// Axis order that this spelling means.
    pub axes: Axes,
}

/// Writes features as GML.
pub struct Gml {
    frame: Frame,
    dialect: Dialect,
    parts: Vec<Part>,
    current: usize,
    seen: Option<HashSet<(LayerId, u32)>>,
    id: String,
    scratch: String,
}

/// Tags of one part.
struct Part {
    /// `<p:layer gml:id="layer.`
    open: Vec<u8>,
    /// `</p:layer>`
    close: Vec<u8>,
    fields: Vec<FieldTags>,
    geometry: Option<GeometryWriter>,
    layer: String,
}

struct FieldTags {
    column: usize,
    open: Piece,
    close: Piece,
    nil: Piece,
}

impl Gml {
    /// An encoder for these parts; `spellings` has one entry a part.
    ///
    /// # Errors
    /// [`Error::Crs`] when a CRS cannot be computed, [`Error::Internal`] when a part's layer is not in the catalogue.
    pub fn new(
        catalogue: &Catalogue,
        parts: &[Rows],
        spellings: &[Spelling],
        dialect: Dialect,
        frame: Frame,
    ) -> Result<Gml, Error> {
        let prefix = &catalogue.service.prefix;
        let mut made = Vec::with_capacity(parts.len());
        for (rows, spelling) in parts.iter().zip(spellings) {
            let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
            made.push(Part::new(prefix, layer, rows, spelling, dialect, &frame.root)?);
        }
        let mut layers = HashSet::new();
        let repeated = parts.iter().any(|p| !layers.insert(p.layer));
        let seen = (repeated && frame.reference.is_some()).then(HashSet::new);
        Ok(Gml { frame, dialect, parts: made, current: 0, seen, id: String::new(), scratch: String::new() })
    }
}

impl Part {
    fn new(
        prefix: &str,
        layer: &Layer,
        rows: &Rows,
        spelling: &Spelling,
        dialect: Dialect,
        root: &str,
    ) -> Result<Part, Error> {
        let name = &layer.name;
        let attribute = if dialect == Dialect::V2 { "fid" } else { "gml:id" };
        let fields = rows.fields.iter().filter_map(|id| layer.field_by_id(*id)).map(|f| FieldTags {
            column: usize::from(f.id.0),
            open: Piece::new(format!("<{prefix}:{}>", f.name)),
            close: Piece::new(format!("</{prefix}:{}>", f.name)),
            nil: Piece::new(format!("<{prefix}:{} xsi:nil=\"true\"/>", f.name)),
        });
        let fields = fields.collect();
        let geometry = match rows.geometry {
            true => {
                let positions = Positions::new(rows.crs, spelling.axes)?;
                let element = format!("{prefix}:{}", layer.geometry_column);
                Some(GeometryWriter::new(&element, layer.geometry, positions, &spelling.srs_name, dialect))
            }
            false => None,
        };
        let open = format!("<{prefix}:{name}{root} {attribute}=\"").into_bytes();
        let close = format!("</{prefix}:{name}>").into_bytes();
        Ok(Part { open, close, fields, geometry, layer: name.clone() })
    }
}

impl Encoder for Gml {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.head);
    }

    fn part(&mut self, _part: &Rows, out: &mut Vec<u8>) {
        if let Some((open, _)) = self.frame.parts.get(self.current) {
            out.extend_from_slice(open);
        }
    }

    fn row(&mut self, rows: &Rows, row: u32, _first: bool, out: &mut Vec<u8>) {
        let Some(part) = self.parts.get(self.current) else { return };
        let data = rows.data();
        self.id.clear();
        write_id(&part.layer, data, row, &mut self.scratch, &mut self.id);
        if let (Some(seen), Some((before, after))) = (&mut self.seen, &self.frame.reference)
            && !seen.insert((rows.layer, row))
        {
            out.extend_from_slice(before);
            out.extend_from_slice(self.id.as_bytes());
            out.extend_from_slice(after);
            return;
        }
        out.extend_from_slice(&self.frame.member_open);
        out.extend_from_slice(&part.open);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(b"\">");
        let mut cells = [Cell::default(); TOGETHER];
        for fields in part.fields.chunks(TOGETHER) {
            for (cell, field) in cells.iter_mut().zip(fields) {
                let column = &data.table.columns[field.column];
                let code = column.code(row);
                *cell = Cell::new(code, column.dictionary.xml_padded(code));
            }
            for (cell, field) in cells.iter().zip(fields) {
                if cell.code == NULL {
                    out.put(field.nil.padded());
                } else {
                    out.put(field.open.padded());
                    out.put_cell(cell);
                    out.put(field.close.padded());
                }
            }
        }
        if let Some(geometry) = &part.geometry {
            let feature = data.table.geometry_row[row as usize];
            let id = (self.dialect == Dialect::V32).then_some(self.id.as_str());
            geometry.write(&data.table.geometry, feature, id, out);
        }
        out.extend_from_slice(&part.close);
        out.extend_from_slice(&self.frame.member_close);
    }

    fn part_end(&mut self, _part: &Rows, out: &mut Vec<u8>) {
        if let Some((_, close)) = self.frame.parts.get(self.current) {
            out.extend_from_slice(close);
        }
        self.current += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.tail);
    }
}

/// Appends the `gml:id` of a row, `layer.identifier`: an NCName, stable, read back by `filter::fes::read_id`. `scratch`
/// is overwritten.
pub fn write_id(layer: &str, data: &LayerData, row: u32, scratch: &mut String, out: &mut String) {
    out.push_str(layer);
    out.push('.');
    scratch.clear();
    data.feature_id(row, scratch);
    escape_id(scratch, out);
}

/// Box of the rows of a part in its CRS and axis order, as it goes on the wire; `None` when it holds no position.
///
/// # Errors
/// [`Error::Crs`] when the CRS cannot be computed.
pub fn bounds(rows: &Rows, axes: Axes) -> Result<Option<Envelope>, Error> {
    let table = &rows.data().table;
    let features = rows.rows.iter().map(|row| table.geometry_row[*row as usize]);
    let mut envelope = Envelope::EMPTY;
    match StoredCrs::of(rows.crs) {
        // Boxes of features are kept: an outline has hundreds of positions.
        Some(stored) => {
            features.for_each(|f| envelope.merge(&table.geometry.envelope(stored, f)));
            if axes == Axes::NorthEast && !envelope.is_empty() {
                let ([x, y], [right, top]) = (envelope.min, envelope.max);
                envelope = Envelope { min: [y, x], max: [top, right] };
            }
        }
        None => {
            let positions = Positions::new(rows.crs, axes)?;
            for feature in features {
                for n in table.geometry.feature_positions(feature) {
                    envelope.add(positions.get(&table.geometry, n));
                }
            }
        }
    }
    Ok((!envelope.is_empty()).then_some(envelope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Crs;
    use crate::store::fixture::metropolis;

    #[test]
    fn bounds_are_those_of_every_position_written() {
        let world = metropolis();
        for layer in ["parc_commune", "parc_residence"] {
            for (crs, axes) in [
                (Crs::Lambert93, Axes::EastNorth),
                (Crs::Wgs84, Axes::NorthEast),
                (Crs::Crs84, Axes::EastNorth),
                (Crs::WebMercator, Axes::EastNorth),
                (Crs::Cc50, Axes::EastNorth),
            ] {
                let mut rows = world.rows_in(layer, crs);
                rows.rows.truncate(2);
                let positions = Positions::new(crs, axes).unwrap();
                let table = &rows.data().table;
                let mut expected = Envelope::EMPTY;
                for row in &rows.rows {
                    for n in table.geometry.feature_positions(table.geometry_row[*row as usize]) {
                        expected.add(positions.get(&table.geometry, n));
                    }
                }
                assert_eq!(bounds(&rows, axes).unwrap(), Some(expected), "{layer} {crs:?}");
            }
        }
    }
}
