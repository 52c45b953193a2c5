//! Distinct values of a column, sorted, with the bytes they are written with.

use super::NULL;
use crate::catalogue::FieldKind;
use crate::query::Value;
use std::cmp::Ordering;

/// Distinct values, ascending, from code 1 on, with their encodings. Code 0 is NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct Dictionary {
    kind: FieldKind,
    values: Vec<Value>,
    json: Arena,
    /// XML character data; `None` when it is the JSON text without its quotes, as for all but text with special characters.
    xml: Option<Arena>,
}

/// Bytes that may be read beyond every string that a dictionary gives, so that it can be copied in blocks.
/// Most values are shorter, so that copying one takes no branch that the processor guesses wrong.
pub const BLOCK: usize = 32;

/// A byte string, and whatever lies behind it: at least [`BLOCK`] bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Padded<'a> {
    /// Begins with the string.
    pub bytes: &'a [u8],
    /// Its length.
    pub len: usize,
}

/// Byte strings end to end, by code; the one of NULL first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arena {
    bytes: Vec<u8>,
    /// Where each begins, and where the last one ends.
    starts: Vec<u32>,
}

impl Arena {
    fn new(null: &[u8], values: usize) -> Arena {
        let mut bytes = Vec::with_capacity(null.len() + values * 8 + BLOCK);
        bytes.extend_from_slice(null);
        let mut starts = Vec::with_capacity(values + 2);
        starts.extend([0, bytes.len() as u32]);
        Arena { bytes, starts }
    }

    fn close(&mut self) {
        self.starts.push(self.bytes.len() as u32);
    }

    fn pad(mut self) -> Arena {
        self.bytes.resize(self.bytes.len() + BLOCK, 0);
        self.bytes.shrink_to_fit();
        self
    }

    #[inline]
    fn padded(&self, code: u32) -> Padded<'_> {
        let code = code as usize;
        let (start, end) = match self.starts.get(code..code + 2) {
            Some(&[start, end]) => (start as usize, end as usize),
            _ => (0, 0),
        };
        Padded { bytes: self.bytes.get(start..).unwrap_or_default(), len: end - start }
    }

    fn get(&self, code: u32) -> &[u8] {
        let Padded { bytes, len } = self.padded(code);
        bytes.get(..len).unwrap_or_default()
    }
}

/// Orders two values of one column: text by bytes, numbers numerically, NaN last as in PostgreSQL.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Int(a), Value::Int(b)) | (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Int(a), Value::Double(b)) => (*a as f64).total_cmp(b),
        (Value::Double(a), Value::Int(b)) => a.total_cmp(&(*b as f64)),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn rank(v: &Value) -> u8 {
    match v {
        Value::Int(_) | Value::Double(_) => 0,
        Value::DateTime(_) => 1,
        Value::Text(_) => 2,
    }
}

/// A double in the one form that is stored: no negative zero, one NaN.
pub fn canonical(v: f64) -> f64 {
    if v == 0.0 {
        0.0
    } else if v.is_nan() {
        f64::NAN
    } else {
        v
    }
}

impl Dictionary {
    /// Makes a dictionary of distinct values in ascending order ([`compare`]) and writes their encodings.
    pub fn new(kind: FieldKind, values: Vec<Value>) -> Dictionary {
        let mut json = Arena::new(b"null", values.len());
        let mut plain = true;
        for value in &values {
            match value {
                Value::Text(t) => plain &= push_json_text(t, &mut json.bytes),
                Value::Int(n) => json.bytes.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
                Value::Double(d) => {
                    plain &= d.is_finite();
                    push_json_double(*d, &mut json.bytes);
                }
                Value::DateTime(ms) => {
                    json.bytes.push(b'"');
                    push_date_time(*ms, &mut json.bytes);
                    json.bytes.push(b'"');
                }
            }
            json.close();
        }
        let xml = (!plain).then(|| {
            let mut xml = Arena::new(b"", values.len());
            for (code, value) in (1..).zip(&values) {
                match value {
                    Value::Text(t) => push_xml_text(t, &mut xml.bytes),
                    // xsd:double has a lexical form for these, JSON has none.
                    Value::Double(d) if d.is_nan() => xml.bytes.extend_from_slice(b"NaN"),
                    Value::Double(d) if d.is_infinite() => {
                        xml.bytes.extend_from_slice(if *d > 0.0 { b"INF" } else { b"-INF" });
                    }
                    _ => xml.bytes.extend_from_slice(unquoted(json.get(code))),
                }
                xml.close();
            }
            xml.pad()
        });
        Dictionary { kind, values, json: json.pad(), xml }
    }

    /// A hash that is equal for equal dictionaries.
    pub fn fingerprint(&self, hasher: &impl std::hash::BuildHasher) -> u64 {
        hasher.hash_one((self.values.len(), &self.json.bytes))
    }

    /// Type of the values.
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    /// The values, ascending; `values()[code - 1]`.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Number of distinct values; also the highest code.
    pub fn len(&self) -> u32 {
        self.values.len() as u32
    }

    /// True when every cell is NULL.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Value of a code; `None` is NULL.
    pub fn value(&self, code: u32) -> Option<&Value> {
        code.checked_sub(1).and_then(|i| self.values.get(i as usize))
    }

    /// JSON bytes of a code (strings quoted and escaped); `null` for NULL.
    pub fn json(&self, code: u32) -> &[u8] {
        self.json.get(code)
    }

    /// XML character data of a code (escaped for text and for attribute values in double quotes); empty for NULL.
    pub fn xml(&self, code: u32) -> &[u8] {
        match (&self.xml, code) {
            (_, NULL) => &[],
            (Some(xml), _) => xml.get(code),
            (None, _) => unquoted(self.json.get(code)),
        }
    }

    /// [`Dictionary::json`], to be copied in blocks.
    #[inline]
    pub fn json_padded(&self, code: u32) -> Padded<'_> {
        self.json.padded(code)
    }

    /// [`Dictionary::xml`] of a value, to be copied in blocks; `null` for NULL, which has no XML form.
    #[inline]
    pub fn xml_padded(&self, code: u32) -> Padded<'_> {
        let json = match &self.xml {
            Some(xml) => return xml.padded(code),
            None => self.json.padded(code),
        };
        match json {
            Padded { bytes: [b'"', inner @ ..], len } if len >= 2 => Padded { bytes: inner, len: len - 2 },
            plain => plain,
        }
    }

    /// Code of a value, `None` when it does not occur. Numbers are compared numerically whatever their type.
    pub fn code_of(&self, value: &Value) -> Option<u32> {
        self.values.binary_search_by(|v| compare(v, value)).ok().map(|i| i as u32 + 1)
    }

    /// Code of a value written as text (identifiers are text or whole numbers); `None` when it does not occur.
    pub fn code_of_text(&self, text: &str) -> Option<u32> {
        match self.kind {
            FieldKind::Text => {
                let found = self.values.binary_search_by(|v| match v {
                    Value::Text(t) => t.as_bytes().cmp(text.as_bytes()),
                    _ => Ordering::Less,
                });
                found.ok().map(|i| i as u32 + 1)
            }
            FieldKind::Int | FieldKind::Long => {
                let n: i64 = text.parse().ok()?;
                // Only the form that is written names a feature: no `+1`, no `007`.
                (itoa::Buffer::new().format(n) == text).then(|| self.code_of(&Value::Int(n))).flatten()
            }
            FieldKind::Double | FieldKind::DateTime => None,
        }
    }
}

fn unquoted(json: &[u8]) -> &[u8] {
    match json {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// Writes a JSON string (RFC 8259 §7). True when the text between the quotes is also its XML form.
pub fn push_json_text(text: &str, out: &mut Vec<u8>) -> bool {
    let mut plain = true;
    out.push(b'"');
    for b in text.bytes() {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1F => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
            _ => {
                plain &= !matches!(b, b'&' | b'<' | b'>' | 0x7F | 0xEF);
                out.push(b);
                continue;
            }
        }
        plain = false;
    }
    out.push(b'"');
    plain
}

/// Writes a number as JSON: the shortest form that reads back to the same double, `12.0` for 12: clients that guess types
/// from the first features (GDAL, QGIS) must not take a share for a whole number and cut the next ones. `null` when it has
/// no form.
pub fn push_json_double(v: f64, out: &mut Vec<u8>) {
    if v.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(v).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes text as XML character data, also fit for attribute values in double quotes. Characters that XML 1.0 does not
/// allow (§2.2) become U+FFFD.
pub fn push_xml_text(text: &str, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '"' => out.extend_from_slice(b"&quot;"),
            '\r' => out.extend_from_slice(b"&#13;"),
            '\n' => out.extend_from_slice(b"&#10;"),
            '\t' => out.extend_from_slice(b"&#9;"),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => out.extend_from_slice("\u{FFFD}".as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Writes an instant as `2024-01-01T00:00:00Z`, with a fraction only when there is one.
pub fn push_date_time(ms: i64, out: &mut Vec<u8>) {
    // Instants outside the years -9999 to 9999 have no form in xsd:dateTime that clients read; they are cut to it.
    let limit = if ms < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(limit);
    out.extend_from_slice(instant.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[&str]) -> Dictionary {
        Dictionary::new(FieldKind::Text, values.iter().map(|t| Value::Text((*t).into())).collect())
    }

    #[test]
    fn codes_follow_the_order_of_bytes() {
        let d = text(&["Lille", "Zuydcoote", "a", "é"]);
        assert_eq!(d.code_of_text("Lille"), Some(1));
        assert_eq!(d.code_of(&Value::Text("é".into())), Some(4));
        assert_eq!(d.code_of_text("lille"), None);
        assert_eq!((d.json(0), d.xml(0), d.value(0)), (&b"null"[..], &b""[..], None));
        assert_eq!((d.json(4), d.xml(4)), ("\"é\"".as_bytes(), "é".as_bytes()));
    }

    #[test]
    fn special_characters_are_escaped_in_both_forms() {
        let d = text(&["A \"B\" & <C>\\\n\u{1}", "plain"]);
        assert_eq!(d.json(1), br#""A \"B\" & <C>\\\n\u0001""#);
        assert_eq!(d.xml(1), "A &quot;B&quot; &amp; &lt;C&gt;\\&#10;\u{FFFD}".as_bytes());
        assert_eq!((d.json(2), d.xml(2)), (&b"\"plain\""[..], &b"plain"[..]));
        let back: String = serde_json::from_slice(d.json(1)).unwrap();
        assert_eq!(back, "A \"B\" & <C>\\\n\u{1}");
    }

    #[test]
    fn numbers_read_back_to_the_same_double() {
        for v in [0.1, 12.0, -3.5, 1e300, 123_456_789.125, 26.578, 1e15, f64::MIN_POSITIVE] {
            let mut out = Vec::new();
            push_json_double(v, &mut out);
            assert_eq!(serde_json::from_slice::<f64>(&out).unwrap(), v, "{}", String::from_utf8_lossy(&out));
        }
        let mut out = Vec::new();
        push_json_double(12.0, &mut out);
        assert_eq!(out, b"12.0", "the first features of a layer tell clients its types");
        let d = Dictionary::new(FieldKind::Double, vec![Value::Double(1.5), Value::Double(f64::NAN)]);
        assert_eq!((d.json(2), d.xml(2)), (&b"null"[..], &b"NaN"[..]));
        assert_eq!(d.code_of(&Value::Double(1.5)), Some(1));
    }

    #[test]
    fn instants_are_written_as_xsd_date_time() {
        for (ms, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_704_067_200_000, "2024-01-01T00:00:00Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
        ] {
            let mut out = Vec::new();
            push_date_time(ms, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}
