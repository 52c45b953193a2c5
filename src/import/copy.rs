//! Rows in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format").

use bytes::{BufMut, Bytes, BytesMut};
use jiff::civil::Date;

/// Signature, flags, length of header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Day 0 of PostgreSQL.
const EPOCH: Date = Date::constant(2000, 1, 1);
/// EPSG:2154 in extended WKB.
const SRID: u32 = 2154;
const EWKB_SRID: u32 = 0x2000_0000;

/// A table that a source fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// Schema and relation, e.g. `prive.logement`.
    pub relation: &'static str,
    /// Columns in the order in which rows are written, without `lot`, which comes first.
    pub columns: &'static [&'static str],
}

/// Rows for one table, encoded.
pub(super) struct Tuples {
    buffer: BytesMut,
    columns: i16,
    lot: i64,
    rows: u64,
}

impl Tuples {
    /// No row yet.
    pub fn new(target: &Target, lot: i64) -> Self {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        buffer.put_slice(HEADER);
        Tuples { buffer, columns: target.columns.len() as i16 + 1, lot, rows: 0 }
    }

    /// Begins a row; one value for each column has to follow.
    pub fn row(&mut self) -> &mut Self {
        self.rows += 1;
        self.buffer.put_i16(self.columns);
        let lot = self.lot;
        self.int8(lot)
    }

    /// Rows begun so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes not yet taken.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Takes what is encoded so far.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Writes the trailer and takes the rest.
    pub fn end(&mut self) -> Bytes {
        self.buffer.put_i16(-1);
        self.take()
    }

    fn null(&mut self) -> &mut Self {
        self.buffer.put_i32(-1);
        self
    }

    /// `int8`.
    pub fn int8(&mut self, value: i64) -> &mut Self {
        self.buffer.put_i32(8);
        self.buffer.put_i64(value);
        self
    }

    /// `int4`.
    pub fn int4(&mut self, value: Option<i32>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(4);
        self.buffer.put_i32(value);
        self
    }

    /// `int2`.
    pub fn int2(&mut self, value: Option<i16>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(2);
        self.buffer.put_i16(value);
        self
    }

    /// `float8`.
    pub fn float8(&mut self, value: Option<f64>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(8);
        self.buffer.put_f64(value);
        self
    }

    /// `boolean`.
    pub fn boolean(&mut self, value: Option<bool>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(1);
        self.buffer.put_u8(u8::from(value));
        self
    }

    /// `text`.
    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(value.len() as i32);
        self.buffer.put_slice(value.as_bytes());
        self
    }

    /// `date`.
    pub fn date(&mut self, value: Option<Date>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.buffer.put_i32(4);
        self.buffer.put_i32(EPOCH.duration_until(value).as_hours() as i32 / 24);
        self
    }

    /// `geometry(Point, 2154)`; metres, easting and northing.
    pub fn point(&mut self, [x, y]: [f64; 2]) -> &mut Self {
        self.buffer.put_i32(25);
        self.buffer.put_u8(1);
        self.buffer.put_u32_le(1 | EWKB_SRID);
        self.buffer.put_u32_le(SRID);
        self.buffer.put_f64_le(x);
        self.buffer.put_f64_le(y);
        self
    }

    /// `geometry(MultiPolygon, 2154)`, of the WKB of its polygons.
    pub fn multipolygon(&mut self, polygons: &[Vec<u8>]) -> &mut Self {
        let length = 13 + polygons.iter().map(Vec::len).sum::<usize>();
        self.buffer.put_i32(length as i32);
        self.buffer.put_u8(1);
        self.buffer.put_u32_le(6 | EWKB_SRID);
        self.buffer.put_u32_le(SRID);
        self.buffer.put_u32_le(polygons.len() as u32);
        for polygon in polygons {
            self.buffer.put_slice(polygon);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_every_type_has_the_bytes_of_the_format() {
        let target = Target { relation: "x.y", columns: &["a", "b", "c"] };
        let mut t = Tuples::new(&target, 7);
        t.row().text(Some("é")).int2(None).boolean(Some(true));
        assert_eq!(t.rows(), 1);
        let mut expected = HEADER.to_vec();
        expected.extend([0, 4]);
        expected.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
        expected.extend([0, 0, 0, 2, 0xc3, 0xa9]);
        expected.extend([0xff, 0xff, 0xff, 0xff]);
        expected.extend([0, 0, 0, 1, 1]);
        expected.extend([0xff, 0xff]);
        assert_eq!(t.end(), expected);
        assert_eq!(t.len(), 0);
    }

    #[test]
    fn days_since_2000() {
        let target = Target { relation: "x.y", columns: &["a"] };
        for (date, days) in
            [(Date::constant(2000, 1, 1), 0), (Date::constant(1999, 12, 31), -1), (Date::constant(2024, 3, 1), 8826)]
        {
            let mut t = Tuples::new(&target, 1);
            t.date(Some(date));
            let bytes = t.take();
            assert_eq!(bytes[bytes.len() - 4..], i32::to_be_bytes(days));
        }
    }
}
