//! `.dbf` (dBase III+): columns as wide as what they hold, text in UTF-8 (`.cpg` says so), blanks where nothing is.

use crate::catalogue::{Field, FieldKind, Layer};
use crate::query::Value;
use crate::store::Table;

/// Bytes of text that a cell holds at most.
const LONGEST: usize = 254;
/// Decimals at most.
const DECIMALS: usize = 15;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A column and what was measured of it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Name in the file: at most 10 characters, unique.
    pub name: String,
    /// Name in the catalogue.
    pub field: String,
    /// Place in the table.
    column: usize,
    kind: FieldKind,
    /// Bytes before the point, or of text.
    whole: usize,
    decimals: usize,
    /// Whether a moment other than midnight occurs: then it is text.
    timed: bool,
    /// Whether a text was too long.
    pub cut: bool,
}

/// Names of at most 10 characters, unique, in the order of the fields: the whole name where it fits, else its beginning, with
/// a number where that is taken. What one layer calls a field follows from all its fields, not from those asked for.
pub(super) fn names(layer: &Layer) -> Vec<String> {
    let mut taken: Vec<String> = layer.fields.iter().filter(|f| f.name.len() <= 10).map(|f| f.name.clone()).collect();
    let short = |field: &Field| {
        if field.name.len() <= 10 {
            return field.name.clone();
        }
        let cut = |n: usize| field.name.chars().take(n).collect::<String>();
        let mut name = cut(10);
        let mut number = 1;
        while taken.contains(&name) {
            let tail = format!("_{number}");
            name = cut(10 - tail.len()) + &tail;
            number += 1;
        }
        taken.push(name.clone());
        name
    };
    layer.fields.iter().map(short).collect()
}

impl Column {
    pub fn new(name: String, field: &Field) -> Column {
        let column = usize::from(field.id.0);
        let (field, kind) = (field.name.clone(), field.kind);
        Column { name, field, column, kind, whole: 1, decimals: 0, timed: false, cut: false }
    }

    /// Widens the column to what a row holds.
    pub fn measure(&mut self, table: &Table, row: u32) {
        let cells = &table.columns[self.column];
        match cells.value(row) {
            None => {}
            Some(Value::Text(text)) => {
                self.cut |= text.len() > LONGEST;
                self.whole = self.whole.max(text.len().min(LONGEST));
            }
            Some(Value::DateTime(ms)) => self.timed |= ms.rem_euclid(DAY) != 0,
            Some(value) => {
                let mut spare = String::new();
                if let Some((whole, decimals)) = digits(value, cells.json(row), &mut spare) {
                    self.whole = self.whole.max(whole.len());
                    self.decimals = self.decimals.max(decimals.len());
                }
            }
        }
    }

    fn is_number(&self) -> bool {
        !matches!(self.kind, FieldKind::Text | FieldKind::DateTime)
    }

    /// Bytes of a cell.
    pub fn width(&self) -> usize {
        match (self.kind, self.timed, self.decimals) {
            (FieldKind::DateTime, true, _) => "2025-01-01T00:00:00.000Z".len(),
            (FieldKind::DateTime, false, _) => 8,
            (FieldKind::Text, _, _) | (_, _, 0) => self.whole,
            (_, _, decimals) => (self.whole + 1 + decimals).min(LONGEST),
        }
    }

    /// Bytes that a cell can have at most, whatever it holds.
    pub fn widest(&self) -> usize {
        match self.kind {
            FieldKind::Text => LONGEST,
            FieldKind::Int => 11,
            FieldKind::Long => 20,
            FieldKind::Double | FieldKind::DateTime => 40,
        }
    }

    /// The descriptor in the header.
    fn descriptor(&self, out: &mut Vec<u8>) {
        let mut bytes = [0u8; 32];
        for (to, from) in bytes.iter_mut().zip(self.name.bytes().take(10)) {
            *to = from;
        }
        bytes[11] = match (self.is_number(), self.kind, self.timed) {
            (true, _, _) => b'N',
            (_, FieldKind::DateTime, false) => b'D',
            _ => b'C',
        };
        bytes[16] = self.width() as u8;
        bytes[17] = if self.is_number() { self.decimals as u8 } else { 0 };
        out.extend_from_slice(&bytes);
    }

    /// The cell of a row.
    fn cell(&self, table: &Table, row: u32, out: &mut Vec<u8>) {
        let cells = &table.columns[self.column];
        let end = out.len() + self.width();
        match cells.value(row) {
            None => {}
            Some(Value::Text(text)) => out.extend_from_slice(cut(text, LONGEST).as_bytes()),
            Some(Value::DateTime(ms)) => {
                let iso = crate::filter::instant::write_instant(*ms);
                match self.timed {
                    true => out.extend_from_slice(cut(&iso, self.width()).as_bytes()),
                    false => out.extend(iso.bytes().take(10).filter(u8::is_ascii_digit)),
                }
            }
            Some(value) => {
                let mut spare = String::new();
                if let Some((whole, decimals)) = digits(value, cells.json(row), &mut spare) {
                    // Numbers stand on the right.
                    let point = usize::from(self.decimals > 0);
                    let blanks = self.width().saturating_sub(whole.len() + point + self.decimals);
                    out.resize(out.len() + blanks, b' ');
                    out.extend_from_slice(whole.as_bytes());
                    if point == 1 {
                        out.push(b'.');
                        out.extend_from_slice(decimals.as_bytes());
                        out.resize(out.len() + self.decimals - decimals.len(), b'0');
                    }
                }
            }
        }
        out.resize(end, b' ');
    }
}

/// A number as text, before and after the point; `None` for what is none (NaN).
fn digits<'a>(value: &Value, json: &'a [u8], spare: &'a mut String) -> Option<(&'a str, &'a str)> {
    let plain = std::str::from_utf8(json).ok().filter(|t| !t.is_empty() && t.bytes().all(is_plain));
    let text = match (plain, value) {
        (Some(text), _) => text,
        // Very large and very small numbers are written with an exponent, which dBase does not know.
        (None, Value::Double(d)) if d.is_finite() => {
            *spare = format!("{d:.DECIMALS$}");
            spare.trim_end_matches('0')
        }
        _ => return None,
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals = decimals.get(..decimals.len().min(DECIMALS)).unwrap_or_default();
    // `12.0` is 12.
    Some((whole, if decimals.bytes().all(|b| b == b'0') { "" } else { decimals }))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.' || byte == b'-'
}

/// The beginning of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
    &text[..end]
}

/// Bytes of a record.
pub(super) fn record_length(columns: &[Column]) -> usize {
    1 + columns.iter().map(Column::width).sum::<usize>()
}

/// Header of a table of so many rows; `now` is milliseconds since 1970.
pub(super) fn header(columns: &[Column], rows: usize, now: i64, out: &mut Vec<u8>) {
    let day = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(now).unwrap_or_default());
    let year = u8::try_from(day.year() - 1900).unwrap_or_default();
    out.extend_from_slice(&[3, year, day.month() as u8, day.day() as u8]);
    out.extend_from_slice(&(rows as u32).to_le_bytes());
    out.extend_from_slice(&((32 + 32 * columns.len() + 1) as u16).to_le_bytes());
    out.extend_from_slice(&(record_length(columns) as u16).to_le_bytes());
    out.extend_from_slice(&[0; 20]);
    columns.iter().for_each(|c| c.descriptor(out));
    out.push(0x0D);
}

/// The record of a row.
pub(super) fn record(columns: &[Column], table: &Table, row: u32, out: &mut Vec<u8>) {
    out.push(b' ');
    columns.iter().for_each(|c| c.cell(table, row, out));
}
