//! Temporal operators (09-026r2 §7.9), and instants and periods as GML and ISO 8601 write them.

use super::xml::Element;
use super::{Property, Reader, wrong};
use crate::catalogue::FieldKind;
use crate::error::{Error, Reason};
use crate::filter::{CompareOp, Expr, Filter, TemporalOp};
use crate::query::Value;
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// What an instant covers, milliseconds since 1970, both ends included: one millisecond, or a year or month where no day
/// is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// First millisecond.
    pub begin: i64,
    /// Last millisecond.
    pub end: i64,
}

/// Relations of a dateTime property with a time.
pub const TEMPORAL: [(&str, TemporalOp); 14] = [
    ("After", TemporalOp::After),
    ("Before", TemporalOp::Before),
    ("Begins", TemporalOp::Begins),
    ("BegunBy", TemporalOp::BegunBy),
    ("TContains", TemporalOp::Contains),
    ("During", TemporalOp::During),
    ("TEquals", TemporalOp::Equals),
    ("TOverlaps", TemporalOp::Overlaps),
    ("Meets", TemporalOp::Meets),
    ("OverlappedBy", TemporalOp::OverlappedBy),
    ("MetBy", TemporalOp::MetBy),
    ("Ends", TemporalOp::Ends),
    ("EndedBy", TemporalOp::EndedBy),
    ("AnyInteracts", TemporalOp::AnyInteracts),
];

/// The operator of an element name.
pub(super) fn operator(name: &str) -> Option<TemporalOp> {
    TEMPORAL.iter().find(|(n, _)| *n == name).map(|(_, op)| *op)
}

/// The same relation seen from the other operand.
fn inverse(op: TemporalOp) -> TemporalOp {
    match op {
        TemporalOp::After => TemporalOp::Before,
        TemporalOp::Before => TemporalOp::After,
        TemporalOp::Begins => TemporalOp::BegunBy,
        TemporalOp::BegunBy => TemporalOp::Begins,
        TemporalOp::Contains => TemporalOp::During,
        TemporalOp::During => TemporalOp::Contains,
        TemporalOp::EndedBy => TemporalOp::Ends,
        TemporalOp::Ends => TemporalOp::EndedBy,
        TemporalOp::Meets => TemporalOp::MetBy,
        TemporalOp::MetBy => TemporalOp::Meets,
        TemporalOp::Overlaps => TemporalOp::OverlappedBy,
        TemporalOp::OverlappedBy => TemporalOp::Overlaps,
        same @ (TemporalOp::Equals | TemporalOp::AnyInteracts) => same,
    }
}

impl Reader<'_> {
    pub(super) fn temporal(&self, e: &Element) -> Result<Filter, Error> {
        let op = operator(&e.name).ok_or_else(|| wrong(&e.name, Reason::UnknownOperator))?;
        let [a, b] = e.children.as_slice() else { return Err(wrong(&e.name, Reason::TwoOperands)) };
        let is_property = |e: &Element| matches!(e.name.as_str(), "ValueReference" | "PropertyName");
        let (property, literal, op) = match (is_property(a), is_property(b)) {
            (true, false) => (a, b, op),
            (false, true) => (b, a, inverse(op)),
            _ => return Err(wrong(&e.name, Reason::TimeNeeded)),
        };
        let field = match self.property(property)? {
            Property::Field(f) if f.kind == FieldKind::DateTime => f.id,
            Property::Absent => return Ok(Filter::Ids(Vec::new())),
            _ => return Err(wrong(property.trimmed(), Reason::DateProperty)),
        };
        self.node()?;
        let literal = match (literal.name.as_str(), literal.children.first()) {
            ("Literal", Some(inside)) => inside,
            _ => literal,
        };
        if literal.name == "TimePeriod" {
            let (begin, end) = period_element(literal)?;
            return Ok(Filter::Temporal { op, field, begin, end });
        }
        let instant = match instant_element(literal)? {
            Some(i) => i,
            None => match literal.trimmed().split_once('/') {
                // A period as ISO 8601 writes it.
                Some((from, to)) => {
                    let (begin, end) = (bound(from)?, bound(to)?);
                    return Ok(Filter::Temporal { op, field, begin: begin.map(|i| i.begin), end: end.map(|i| i.end) });
                }
                None => {
                    read_instant(literal.trimmed()).ok_or_else(|| wrong(literal.trimmed(), Reason::InstantOrPeriod))?
                }
            },
        };
        Ok(against_instant(op, field, instant))
    }
}

fn bound(text: &str) -> Result<Option<Instant>, Error> {
    match text.trim() {
        "" | ".." => Ok(None),
        other => read_instant(other).map(Some).ok_or_else(|| wrong(other, Reason::Instant)),
    }
}

/// A relation with an instant. A year or month equals what lies inside it.
pub(in crate::filter) fn against_instant(op: TemporalOp, field: crate::catalogue::FieldId, instant: Instant) -> Filter {
    if instant.begin != instant.end && op == TemporalOp::Equals {
        let compare = |op, at| Filter::Compare {
            op,
            left: Expr::Field(field),
            right: Expr::Literal(Value::DateTime(at)),
            match_case: true,
        };
        return Filter::And(vec![compare(CompareOp::Ge, instant.begin), compare(CompareOp::Le, instant.end)]);
    }
    Filter::Temporal { op, field, begin: Some(instant.begin), end: Some(instant.end) }
}

/// The instant of `TimeInstant` or `timePosition`; `None` for other elements.
///
/// # Errors
/// [`Error::Invalid`] when the time cannot be read.
pub(super) fn instant_element(e: &Element) -> Result<Option<Instant>, Error> {
    let position = match e.name.as_str() {
        "TimeInstant" => {
            e.child("timePosition").ok_or_else(|| wrong(&e.name, Reason::AddElement("timePosition".into())))?
        }
        "timePosition" => e,
        _ => return Ok(None),
    };
    let text = position.trimmed();
    read_instant(text).map(Some).ok_or_else(|| wrong(text, Reason::Instant))
}

/// Begin and end of a `TimePeriod`; `None` where it is open.
fn period_element(e: &Element) -> Result<(Option<i64>, Option<i64>), Error> {
    let end = |position: &str, property: &str| -> Result<Option<Instant>, Error> {
        let inside = || e.child(property).and_then(|p| p.child("TimeInstant")).and_then(|i| i.child("timePosition"));
        let at = e.child(position).or_else(inside);
        let at = at.ok_or_else(|| wrong(&e.name, Reason::AddElement(position.to_owned())))?;
        match (at.attribute("indeterminatePosition"), at.trimmed()) {
            (Some("unknown" | "before" | "after"), "") => Ok(None),
            (Some("now"), "") => Ok(Some(now())),
            (_, text) => bound(text),
        }
    };
    let (begin, end) = (end("beginPosition", "begin")?, end("endPosition", "end")?);
    let (begin, end) = (begin.map(|i| i.begin), end.map(|i| i.end));
    match (begin, end) {
        (Some(a), Some(b)) if a > b => Err(wrong(&e.name, Reason::EndsFirst)),
        both => Ok(both),
    }
}

fn now() -> Instant {
    let now = Timestamp::now().as_millisecond();
    Instant { begin: now, end: now }
}

/// Reads `2024`, `2024-07`, `2024-07-01`, `2024-07-01Z`, `2024-07-01T12:00:00`, with `Z` or an offset. A day without a
/// time is its first instant (as xsd:date is cast to xsd:dateTime), a time without a zone is UTC.
pub fn read_instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    let exact = |ms: i64| Some(Instant { begin: ms, end: ms });
    if let Ok(t) = text.parse::<Timestamp>() {
        return exact(t.as_millisecond());
    }
    let utc = |d: DateTime| Some(TimeZone::UTC.to_timestamp(d).ok()?.as_millisecond());
    if text.contains(['T', 't', ' ']) {
        return exact(utc(text.parse::<DateTime>().ok()?)?);
    }
    let span = |first: Date, next: Date| {
        Some(Instant { begin: utc(first.at(0, 0, 0, 0))?, end: utc(next.at(0, 0, 0, 0))? - 1 })
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i16>().ok()).flatten();
    match text.len() {
        4 => {
            let first = Date::new(digits(text)?, 1, 1).ok()?;
            span(first, first.checked_add(1.year()).ok()?)
        }
        7 => {
            let (year, month) = text.split_once('-')?;
            let first = Date::new(digits(year)?, i8::try_from(digits(month)?).ok()?, 1).ok()?;
            span(first, first.checked_add(1.month()).ok()?)
        }
        10 => exact(utc(text.parse::<Date>().ok()?.at(0, 0, 0, 0))?),
        // xsd:date with a zone.
        11.. => {
            let (day, zone) = text.split_at_checked(10)?;
            exact(format!("{day}T00:00:00{zone}").parse::<Timestamp>().ok()?.as_millisecond())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_every_precision() {
        let at = |t: &str| t.parse::<Timestamp>().unwrap().as_millisecond();
        for (text, begin, end) in [
            ("2024-07-01T12:00:00Z", "2024-07-01T12:00:00Z", "2024-07-01T12:00:00Z"),
            ("2024-07-01T12:00:00+02:00", "2024-07-01T10:00:00Z", "2024-07-01T10:00:00Z"),
            ("2024-07-01T12:00:00.5", "2024-07-01T12:00:00.5Z", "2024-07-01T12:00:00.5Z"),
            ("2024-07-01", "2024-07-01T00:00:00Z", "2024-07-01T00:00:00Z"),
            ("2024-07-01Z", "2024-07-01T00:00:00Z", "2024-07-01T00:00:00Z"),
            ("2024-07-01+02:00", "2024-06-30T22:00:00Z", "2024-06-30T22:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z"),
            ("2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(read_instant(text), Some(Instant { begin: at(begin), end: at(end) }), "{text}");
        }
        for bad in ["", "x", "20240", "2024-13", "2024-02-30", "+024", "2024-07-01Tx", "é024-07-01xy"] {
            assert_eq!(read_instant(bad), None, "{bad}");
        }
    }
}
