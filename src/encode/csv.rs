//! CSV (RFC 4180): one line a feature, for spreadsheets and statistics packages.

use super::number::fixed;
use super::positions::Positions;
use super::{Encoder, Features, Producer};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::geo::{Axes, GeometryKind};
use crate::query::Value;
use crate::store::{GeometryTable, Rows};

/// How CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// `,` (RFC 4180) or `;` (what French spreadsheets read).
    pub delimiter: u8,
    /// Byte order mark, by which spreadsheets know UTF-8.
    pub mark: bool,
}

/// Writes one table. Several parts share the columns of the first.
pub struct Csv {
    style: Style,
    names: Vec<String>,
    columns: Vec<usize>,
    positions: Option<Positions>,
    point: bool,
}

impl Csv {
    /// A table of this part's fields. Points have columns `x` and `y` (longitude and latitude for degrees), other
    /// geometry a column `geom` with WKT.
    ///
    /// # Errors
    /// [`Error::Crs`] when the CRS cannot be computed, [`Error::Internal`] when the layer is not in the catalogue.
    pub fn new(catalogue: &Catalogue, rows: &Rows, style: Style) -> Result<Csv, Error> {
        let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
        let fields = || rows.fields.iter().filter_map(|id| layer.field_by_id(*id));
        let point = layer.geometry == GeometryKind::Point;
        let mut names: Vec<String> = fields().map(|f| f.name.clone()).collect();
        if rows.geometry {
            let more: &[&str] = if point { &["x", "y"] } else { &["geom"] };
            names.extend(more.iter().map(|n| (*n).to_owned()));
        }
        Ok(Csv {
            style,
            names,
            columns: fields().map(|f| usize::from(f.id.0)).collect(),
            positions: rows.geometry.then(|| Positions::new(rows.crs, Axes::EastNorth)).transpose()?,
            point,
        })
    }

    /// The body of this part, made in quanta.
    pub fn produce(self, rows: Rows) -> Box<dyn Producer> {
        Box::new(Features::new(self, vec![rows]))
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) {
        let special = |b: u8| b == self.style.delimiter || matches!(b, b'"' | b'\n' | b'\r');
        if text.bytes().any(special) {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.style.mark {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        for (n, name) in self.names.iter().enumerate() {
            if n > 0 {
                out.push(self.style.delimiter);
            }
            self.text(name, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn row(&mut self, rows: &Rows, row: u32, _first: bool, out: &mut Vec<u8>) {
        let data = rows.data();
        let mut first = true;
        let mut separate = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut first) {
                out.push(self.style.delimiter);
            }
        };
        for column in &self.columns {
            separate(out);
            let column = &data.table.columns[*column];
            match column.value(row) {
                None => {}
                Some(Value::Text(text)) => self.text(text, out),
                // Numbers and instants: the same bytes as in XML.
                Some(_) => out.extend_from_slice(column.xml(row)),
            }
        }
        if let Some(positions) = &self.positions {
            separate(out);
            let (table, feature) = (&data.table.geometry, data.feature(row));
            if self.point {
                let [x, y] = positions.get(table, table.feature_positions(feature).start);
                fixed(x, positions.decimals(), out);
                out.push(self.style.delimiter);
                fixed(y, positions.decimals(), out);
            } else {
                // WKT holds commas.
                out.push(b'"');
                wkt(positions, table, feature, out);
                out.push(b'"');
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// Well-known text (OGC 06-103r4 §7).
fn wkt(positions: &Positions, table: &GeometryTable, feature: u32, out: &mut Vec<u8>) {
    let name: &[u8] = match table.kind {
        GeometryKind::Point => b"POINT",
        GeometryKind::MultiPoint => b"MULTIPOINT(",
        GeometryKind::MultiLineString => b"MULTILINESTRING(",
        GeometryKind::MultiPolygon => b"MULTIPOLYGON(",
    };
    out.extend_from_slice(name);
    let list = |ring: u32, out: &mut Vec<u8>| {
        out.push(b'(');
        for (n, at) in table.ring(ring).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            let [x, y] = positions.get(table, at);
            fixed(x, positions.decimals(), out);
            out.push(b' ');
            fixed(y, positions.decimals(), out);
        }
        out.push(b')');
    };
    for (n, rings) in table.parts(feature).enumerate() {
        if n > 0 {
            out.push(b',');
        }
        if table.kind == GeometryKind::MultiPolygon {
            out.push(b'(');
            for (n, ring) in rings.enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                list(ring, out);
            }
            out.push(b')');
        } else {
            rings.take(1).for_each(|ring| list(ring, out));
        }
    }
    if table.kind != GeometryKind::Point {
        out.push(b')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Progress;
    use crate::store::fixture::metropolis;

    fn table(layer: &str, style: Style) -> (Vec<String>, Vec<Vec<String>>) {
        let world = metropolis();
        let rows = world.rows(layer);
        let mut producer = Csv::new(&world.catalogue, &rows, style).unwrap().produce(rows);
        let mut out = Vec::new();
        while producer.step(&mut out).unwrap() == Progress::More {}
        let mut reader = csv::ReaderBuilder::new().delimiter(style.delimiter).from_reader(out.as_slice());
        let head = reader.headers().unwrap().iter().map(str::to_owned).collect();
        (head, reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect())
    }

    #[test]
    fn reads_back() {
        let (head, lines) = table("parc_residence", Style { delimiter: b';', mark: false });
        assert_eq!((head[0].as_str(), &head[head.len() - 2..]), ("id", ["x".to_owned(), "y".to_owned()].as_slice()));
        let at = |name: &str| head.iter().position(|h| h == name).unwrap();
        let withheld: Vec<_> = lines.iter().filter(|l| l[at("statut")] == "secret").collect();
        assert!(!withheld.is_empty() && withheld.iter().all(|l| l[at("nb_logements")].is_empty()));
        let (head, lines) = table("parc_commune", Style { delimiter: b',', mark: true });
        // The reader takes the mark off again.
        assert_eq!(head[0], "id");
        assert!(lines[0][head.len() - 1].starts_with("MULTIPOLYGON((("));
    }
}
