//! Instants as filters and parameters write them: dates and RFC 3339 date-times. Milliseconds since 1970, UTC.

use crate::error::Reason;

/// Last millisecond of a day, counted from its first.
const DAY: i64 = 86_400_000 - 1;

/// Reads an instant: its first and last millisecond. They differ for a date without time, which means the whole day, UTC.
///
/// # Errors
/// What would have been right.
pub fn read_instant(text: &str) -> Result<(i64, i64), Reason> {
    if let (10, Ok(date)) = (text.len(), text.parse::<jiff::civil::Date>()) {
        let first =
            date.to_zoned_datetime(jiff::tz::TimeZone::UTC).map_err(|_| Reason::Instant)?.timestamp().as_millisecond();
        return Ok((first, first + DAY));
    }
    // RFC 3339 writes a T between date and time, and always an offset; jiff reads more forms than that.
    let plausible = text.len() >= 20 && text.as_bytes().get(10).is_some_and(|c| matches!(c, b'T' | b't'));
    match text.parse::<jiff::Timestamp>() {
        Ok(t) if plausible => Ok((t.as_millisecond(), t.as_millisecond())),
        _ => Err(Reason::Instant),
    }
}

/// Writes an instant as RFC 3339 in UTC.
pub fn write_instant(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map(|t| t.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_and_timestamps() {
        let y2024 = 1_704_067_200_000;
        assert_eq!(read_instant("2024-01-01T00:00:00Z"), Ok((y2024, y2024)));
        assert_eq!(read_instant("2024-01-01T01:00:00.5+01:00"), Ok((y2024 + 500, y2024 + 500)));
        assert_eq!(read_instant("2024-01-01"), Ok((y2024, y2024 + DAY)));
        assert_eq!(write_instant(y2024), "2024-01-01T00:00:00Z");
        for bad in ["", "2024", "2024-13-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "hier"] {
            assert!(read_instant(bad).is_err(), "{bad}");
        }
    }
}
