//! Days of Europe/Paris.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::sync::OnceLock;

/// The time zone that conventions are judged in. The system's own rules count; those compiled in, and at last the present
/// rule spelled out, serve machines without a time zone database: a missing package never shifts a last day.
pub fn paris() -> &'static TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| {
        TimeZone::get("Europe/Paris")
            .or_else(|_| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3"))
            .unwrap_or(TimeZone::UTC)
    })
}

/// First instant of a day in Europe/Paris, milliseconds since 1970.
pub fn begin_of(day: Date) -> i64 {
    // Paris never skips a midnight; `to_timestamp` would take the first instant after one.
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    let outside = if day.year() < 1970 { i64::MIN } else { i64::MAX };
    paris().to_timestamp(midnight).map_or(outside, jiff::Timestamp::as_millisecond)
}

/// First instant after a day in Europe/Paris, milliseconds since 1970: a last day lasts until here.
pub fn end_of(day: Date) -> i64 {
    day.tomorrow().map_or(i64::MAX, begin_of)
}

/// The day in Europe/Paris at an instant (milliseconds since 1970).
pub fn day_at(millis: i64) -> Option<Date> {
    Some(paris().to_datetime(jiff::Timestamp::from_millisecond(millis).ok()?).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn utc(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn days_are_those_of_paris_in_winter_and_summer() {
        assert_eq!(begin_of(date(2026, 1, 1)), utc("2025-12-31T23:00:00Z"));
        assert_eq!(begin_of(date(2026, 7, 1)), utc("2026-06-30T22:00:00Z"));
        assert_eq!(end_of(date(2025, 12, 31)), begin_of(date(2026, 1, 1)));
    }

    #[test]
    fn the_days_of_the_change_have_23_and_25_hours() {
        let hours = |d: Date| (end_of(d) - begin_of(d)) / 3_600_000;
        assert_eq!((hours(date(2026, 3, 29)), hours(date(2026, 10, 25)), hours(date(2026, 10, 26))), (23, 25, 24));
        // The last day of a convention that ends on the day of the change lasts its 25 hours.
        assert_eq!(end_of(date(2026, 10, 25)), utc("2026-10-25T23:00:00Z"));
        assert_eq!(day_at(utc("2026-10-25T22:59:59.999Z")), Some(date(2026, 10, 25)));
        assert_eq!(day_at(utc("2026-10-25T23:00:00Z")), Some(date(2026, 10, 26)));
    }

    #[test]
    fn the_rule_spelled_out_is_that_of_today() {
        let spelled = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for hour in 0..24 * 366 {
            let t = jiff::Timestamp::from_second(1_767_225_600 + hour * 3600).unwrap();
            assert_eq!(spelled.to_offset(t), paris().to_offset(t), "{t}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_fault() {
        assert_eq!(end_of(Date::MAX), i64::MAX);
        assert!(begin_of(Date::MIN) < 0);
    }
}
