//! Instants and intervals of RFC 3339 as OGC API writes them (17-069r4 §7.15.4).

use crate::error::Reason;
use crate::filter::instant::read_instant;

/// An interval, milliseconds since 1970-01-01T00:00:00Z. An instant has equal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Begin; `None`: unbounded.
    pub begin: Option<i64>,
    /// End; `None`: unbounded.
    pub end: Option<i64>,
}

/// Reads `instant` or `begin/end`, where `..` and nothing are open ends. A date without time means the whole day, UTC.
///
/// # Errors
/// What would have been right.
pub fn read_interval(text: &str) -> Result<Interval, Reason> {
    let text = text.trim();
    match text.split_once('/') {
        None => {
            let (begin, end) = read_instant(text)?;
            Ok(Interval { begin: Some(begin), end: Some(end) })
        }
        Some((begin, end)) => {
            let begin = read_end(begin)?.map(|i| i.0);
            let end = read_end(end)?.map(|i| i.1);
            match (begin, end) {
                (None, None) => Err(Reason::OneBound),
                (Some(b), Some(e)) if b > e => Err(Reason::EndsFirst),
                _ => Ok(Interval { begin, end }),
            }
        }
    }
}

fn read_end(text: &str) -> Result<Option<(i64, i64)>, Reason> {
    match text.trim() {
        "" | ".." => Ok(None),
        instant => read_instant(instant).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_instants_and_intervals() {
        let t = |s: &str| read_interval(s).unwrap();
        let y2024 = 1_704_067_200_000;
        assert_eq!(t("2024-01-01T00:00:00Z"), Interval { begin: Some(y2024), end: Some(y2024) });
        assert_eq!(t("2024-01-01T01:00:00+01:00"), Interval { begin: Some(y2024), end: Some(y2024) });
        assert_eq!(t("2024-01-01"), Interval { begin: Some(y2024), end: Some(y2024 + 86_399_999) });
        for open in ["2024-01-01T00:00:00Z/..", "2024-01-01T00:00:00Z/"] {
            assert_eq!(t(open), Interval { begin: Some(y2024), end: None }, "{open}");
        }
        assert_eq!(t("../2024-01-01T00:00:00Z"), Interval { begin: None, end: Some(y2024) });
    }

    #[test]
    fn refuses_what_is_no_time() {
        for bad in
            ["", "..", "../..", "/", "2024", "2024-13-01", "2024-01-01T00:00:00", "hier", "2025-01-01/2024-01-01"]
        {
            assert!(read_interval(bad).is_err(), "{bad}");
        }
    }
}
