//! Values as PostgreSQL sends them in binary.

use super::build::ColumnBuilder;
use crate::catalogue::FieldKind;
use std::error::Error as StdError;
use tokio_postgres::types::{FromSql, Type};

/// The bytes of a column, whatever its type: decoded by [`Decoder`], which was chosen once for the column.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// How the bytes of a column become values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// UTF-8.
    Text,
    /// `char(n)`: UTF-8 padded with blanks.
    Padded,
    /// `int2`.
    Int2,
    /// `int4`.
    Int4,
    /// `int8`.
    Int8,
    /// `float4`.
    Float4,
    /// `float8`.
    Float8,
    /// `numeric`.
    Numeric,
    /// `timestamptz` and `timestamp` (taken as UTC): microseconds since 2000-01-01.
    Timestamp,
    /// `date`: days since 2000-01-01.
    Date,
}

/// Milliseconds from 1970-01-01 to 2000-01-01.
const EPOCH: i64 = 946_684_800_000;

impl Decoder {
    /// How values of a PostgreSQL type become values of a field; `None`: the type does not fit the field.
    pub fn of(kind: FieldKind, name: &str) -> Option<Decoder> {
        use Decoder::*;
        Some(match (kind, name) {
            (FieldKind::Text, "text" | "varchar" | "name") => Text,
            (FieldKind::Text, "bpchar") => Padded,
            (FieldKind::Int | FieldKind::Long, "int2") => Int2,
            (FieldKind::Int | FieldKind::Long, "int4") => Int4,
            (FieldKind::Long, "int8") => Int8,
            (FieldKind::Double, "int2") => Int2,
            (FieldKind::Double, "int4") => Int4,
            (FieldKind::Double, "int8") => Int8,
            (FieldKind::Double, "float4") => Float4,
            (FieldKind::Double, "float8") => Float8,
            (FieldKind::Double, "numeric") => Numeric,
            (FieldKind::DateTime, "timestamptz" | "timestamp") => Timestamp,
            (FieldKind::DateTime, "date") => Date,
            _ => return None,
        })
    }

    /// The types that fit a field, for the administrator.
    pub fn fitting(kind: FieldKind) -> &'static str {
        match kind {
            FieldKind::Text => "text, varchar, char",
            FieldKind::Int => "int2, int4",
            FieldKind::Long => "int2, int4, int8",
            FieldKind::Double => "int2, int4, int8, float4, float8, numeric",
            FieldKind::DateTime => "timestamptz, timestamp, date",
        }
    }

    /// Appends a value to a column. False: the bytes are not of the type.
    pub fn push(self, bytes: &[u8], kind: FieldKind, out: &mut ColumnBuilder) -> bool {
        let whole = |n: i64, out: &mut ColumnBuilder| match kind {
            FieldKind::Double => out.double(n as f64),
            _ => out.int(n),
        };
        match self {
            Decoder::Text | Decoder::Padded => {
                let Ok(text) = std::str::from_utf8(bytes) else { return false };
                out.text(if self == Decoder::Padded { text.trim_end_matches(' ') } else { text });
            }
            Decoder::Int2 => match bytes.try_into() {
                Ok(b) => whole(i16::from_be_bytes(b).into(), out),
                Err(_) => return false,
            },
            Decoder::Int4 => match bytes.try_into() {
                Ok(b) => whole(i32::from_be_bytes(b).into(), out),
                Err(_) => return false,
            },
            Decoder::Int8 => match bytes.try_into() {
                Ok(b) => whole(i64::from_be_bytes(b), out),
                Err(_) => return false,
            },
            Decoder::Float4 => match bytes.try_into() {
                // By way of the shortest decimal: 12.3 as float4 is 12.3, not 12.300000190734863.
                Ok(b) => {
                    let v = f32::from_be_bytes(b);
                    let text = v.is_finite().then(|| zmij::Buffer::new().format_finite(v).parse().ok());
                    out.double(text.flatten().unwrap_or(f64::from(v)));
                }
                Err(_) => return false,
            },
            Decoder::Float8 => match bytes.try_into() {
                Ok(b) => out.double(f64::from_be_bytes(b)),
                Err(_) => return false,
            },
            Decoder::Numeric => match numeric(bytes) {
                Some(v) => out.double(v),
                None => return false,
            },
            Decoder::Timestamp => match bytes.try_into().map(i64::from_be_bytes) {
                Ok(i64::MAX) => out.date_time(i64::MAX),
                Ok(i64::MIN) => out.date_time(i64::MIN),
                Ok(micros) => out.date_time(micros.div_euclid(1000) + EPOCH),
                Err(_) => return false,
            },
            Decoder::Date => match bytes.try_into().map(i32::from_be_bytes) {
                Ok(days) => out.date_time(i64::from(days) * 86_400_000 + EPOCH),
                Err(_) => return false,
            },
        }
        true
    }
}

/// The double nearest to a `numeric`: digits of base 10,000, a weight, a sign and a scale (`numeric_send`).
fn numeric(bytes: &[u8]) -> Option<f64> {
    let word = |i: usize| Some(u16::from_be_bytes([*bytes.get(2 * i)?, *bytes.get(2 * i + 1)?]));
    let (count, weight, sign) = (word(0)?, word(1)? as i16, word(2)?);
    match sign {
        0xC000 => return Some(f64::NAN),
        0xD000 => return Some(f64::INFINITY),
        0xF000 => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let mut mantissa: u64 = 0;
    let mut exact = true;
    for i in 0..usize::from(count) {
        let digit = u64::from(word(4 + i)?);
        match mantissa.checked_mul(10_000).and_then(|m| m.checked_add(digit)) {
            Some(m) => mantissa = m,
            None => exact = false,
        }
    }
    // The value is mantissa × 10,000^(weight - count + 1).
    let exponent = (i32::from(weight) - i32::from(count) + 1) * 4;
    let v = if exact && mantissa < 1 << 53 && (-22..=22).contains(&exponent) {
        // Both factors are exact doubles, so the one rounding gives the nearest double.
        let power = 10f64.powi(exponent.abs());
        if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power }
    } else {
        let mut text = String::new();
        for i in 0..usize::from(count) {
            text.push_str(&format!("{:04}", word(4 + i)?));
        }
        format!("{text}e{exponent}").parse().ok()?
    };
    Some(if sign == 0x4000 { -v } else { v })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_become_the_nearest_double() {
        // As `numeric_send` gives them: count, weight, sign, scale, digits.
        let send = |words: &[u16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        for (words, v) in [
            (&[2, 0, 0, 1, 12, 5000][..], 12.5),
            (&[1, 0, 0x4000, 0, 7], -7.0),
            (&[0, 0, 0, 2], 0.0),
            (&[1, 1, 0, 0, 3], 30_000.0),
            (&[2, -1i16 as u16, 0, 7, 1234, 5670], 0.123_456_7),
            (&[3, 0, 0, 6, 26, 5780, 1000], 26.578_01),
            (&[6, 0, 0, 20, 26, 5782, 8182, 8459, 452, 3536], 26.578_281_828_459_045),
            (&[1, -80i16 as u16, 0, 320, 1], 1e-320),
        ] {
            assert_eq!(numeric(&send(words)), Some(v), "{words:?}");
        }
        assert!(numeric(&send(&[0, 0, 0xC000, 0])).unwrap().is_nan());
        assert_eq!(numeric(&send(&[2, 0, 0, 0, 1])), None, "a digit is missing");
    }
}
