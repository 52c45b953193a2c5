//! Days as whole numbers (0: 1 January 1970): millions of them are drawn and written.

/// A day.
pub type Day = i32;

/// Day of a date of the Gregorian calendar.
pub fn day(year: i32, month: i32, date: i32) -> Day {
    // Years begin in March: the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and date of a day.
pub fn date(day: Day) -> (i32, i32, i32) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i32::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_calendar() {
        let mut expected = jiff::civil::date(1899, 12, 30);
        let first = day(1899, 12, 30);
        for n in first..first + 60_000 {
            let (y, m, d) = date(n);
            assert_eq!((y, m, d), (i32::from(expected.year()), i32::from(expected.month()), i32::from(expected.day())));
            assert_eq!(day(y, m, d), n);
            expected = expected.tomorrow().unwrap();
        }
        assert_eq!(day(1970, 1, 1), 0);
    }
}
