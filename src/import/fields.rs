//! The fields of one line or feature, read as what they have to be; what they cannot be is a reject that says why.

use super::error::Reject;
use super::lines::Text;
use super::value;
use jiff::civil::Date;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Fields, named by the index of their column in the layout.
pub(super) trait Fields {
    /// The bytes of a field, trimmed; `None` when it is empty or the file has no such column.
    fn raw(&self, column: usize) -> Option<&[u8]>;
    /// Name of a column as the file has it; empty when it has not.
    fn name(&self, column: usize) -> &str;
    /// Encoding of the bytes.
    fn encoding(&self) -> Text;

    /// A field as it is to be shown.
    fn show(&self, column: usize) -> Cow<'_, str> {
        self.raw(column).map_or(Cow::Borrowed(""), |b| value::decode(b, self.encoding()))
    }

    /// A reject of this line because of this column.
    fn reject(&self, column: usize, reason: impl Into<String>) -> Reject {
        Reject::new(self.name(column), &self.show(column), reason)
    }

    /// A value that has to be there.
    fn required<T>(&self, column: usize, value: Option<T>) -> Result<T, Reject> {
        value.ok_or_else(|| self.reject(column, "missing"))
    }

    /// Text of at most `longest` characters, without control characters; line ends inside become spaces.
    fn text(&self, column: usize, longest: usize) -> Result<Option<Cow<'_, str>>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        let mut text = value::decode(bytes, self.encoding());
        if text.contains(['\n', '\r', '\t']) {
            text = Cow::Owned(text.replace(['\n', '\r', '\t'], " "));
        }
        if text.chars().any(char::is_control) {
            return Err(self.reject(column, "control characters"));
        }
        if text.chars().count() > longest {
            return Err(self.reject(column, format!("longer than {longest} characters")));
        }
        Ok(Some(text))
    }

    /// A whole number; `2038.0` and `2038,0` are whole numbers too. Values of `missing` are none.
    fn int<T: TryFrom<i64>>(
        &self,
        column: usize,
        range: RangeInclusive<i64>,
        missing: &[i64],
    ) -> Result<Option<T>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        let Some(n) = value::int(bytes) else { return Err(self.reject(column, "not a whole number")) };
        if missing.contains(&n) {
            return Ok(None);
        }
        if !range.contains(&n) {
            return Err(self.reject(column, format!("not between {} and {}", range.start(), range.end())));
        }
        T::try_from(n).map(Some).map_err(|_| self.reject(column, "too large"))
    }

    /// A number with decimal point or comma.
    fn float(&self, column: usize, range: RangeInclusive<f64>, missing: &[f64]) -> Result<Option<f64>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        let Some(n) = value::float(bytes) else { return Err(self.reject(column, "not a number")) };
        if missing.contains(&n) {
            return Ok(None);
        }
        if !range.contains(&n) {
            return Err(self.reject(column, format!("not between {} and {}", range.start(), range.end())));
        }
        Ok(Some(n))
    }

    /// A date: `2024-01-31`, `31/01/2024` or `20240131`, from 1900 to `last` (a year).
    fn date(&self, column: usize, last: i16) -> Result<Option<Date>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        let Some(date) = value::date(bytes) else { return Err(self.reject(column, "not a date")) };
        if !(1900..=last).contains(&date.year()) {
            return Err(self.reject(column, format!("not between 1900 and {last}")));
        }
        Ok(Some(date))
    }

    /// Yes or no: `1`/`0`, `O`/`N`, `oui`/`non`, `true`/`false`.
    fn boolean(&self, column: usize) -> Result<Option<bool>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        match value::boolean(bytes) {
            Some(b) => Ok(Some(b)),
            None => Err(self.reject(column, "neither yes nor no (1, 0, O, N)")),
        }
    }

    /// INSEE code of a commune.
    fn commune(&self, column: usize) -> Result<Option<&str>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        match value::commune(bytes) {
            Some(code) => Ok(Some(code)),
            None if bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit) => {
                Err(self.reject(column, "4 digits: a spreadsheet has dropped the leading zero"))
            }
            None => Err(self.reject(column, "not an INSEE code of 5 characters")),
        }
    }

    /// An identifier: letters, digits, `-`, `_`, `.`, `/`; at most 40 characters.
    fn identifier(&self, column: usize) -> Result<Option<&str>, Reject> {
        let Some(bytes) = self.raw(column) else { return Ok(None) };
        value::identifier(bytes).map(Some).ok_or_else(|| self.reject(column, "not an identifier"))
    }
}
