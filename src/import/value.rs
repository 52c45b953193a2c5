//! Fields ▶ values.

use super::lines::Text;
use jiff::civil::Date;
use std::borrow::Cow;

/// Text of a field.
pub(super) fn decode(bytes: &[u8], text: Text) -> Cow<'_, str> {
    match text {
        Text::Latin1 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        Text::Ascii | Text::Utf8 => String::from_utf8_lossy(bytes),
    }
}

/// A whole number, also when a spreadsheet has given it decimals (`2038.0`).
pub(super) fn int(bytes: &[u8]) -> Option<i64> {
    let (sign, digits) = match bytes {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, bytes),
    };
    let end = digits.iter().position(|b| matches!(b, b'.' | b',')).unwrap_or(digits.len());
    let (whole, decimals) = digits.split_at(end);
    let zeros = decimals.get(1..).is_none_or(|d| d.iter().all(|b| *b == b'0'));
    if whole.is_empty() || whole.len() > 15 || !whole.iter().all(u8::is_ascii_digit) || !zeros {
        return None;
    }
    Some(sign * whole.iter().fold(0_i64, |n, b| n * 10 + i64::from(b - b'0')))
}

/// A finite number with decimal point or comma.
pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    if bytes.len() > 40 || !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b',' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let n: f64 = if text.contains(',') { text.replace(',', ".").parse().ok()? } else { text.parse().ok()? };
    n.is_finite().then_some(n)
}

/// `2024-01-31`, `31/01/2024` or `20240131`.
pub(super) fn date(bytes: &[u8]) -> Option<Date> {
    let number = |b: &[u8]| -> Option<i16> {
        b.iter().try_fold(0_i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
    };
    let (y, m, d) = match bytes {
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        [d1, d2, b'/', m1, m2, b'/', y @ ..] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        [y @ .., m1, m2, d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    Date::new(number(y)?, i8::try_from(number(&m)?).ok()?, i8::try_from(number(&d)?).ok()?).ok()
}

/// Yes or no.
pub(super) fn boolean(bytes: &[u8]) -> Option<bool> {
    const YES: [&str; 7] = ["1", "o", "oui", "true", "vrai", "t", "y"];
    const NO: [&str; 6] = ["0", "n", "non", "false", "faux", "f"];
    let text = std::str::from_utf8(bytes).ok()?;
    if YES.iter().any(|y| y.eq_ignore_ascii_case(text)) {
        Some(true)
    } else if NO.iter().any(|n| n.eq_ignore_ascii_case(text)) {
        Some(false)
    } else {
        None
    }
}

/// INSEE code of a commune: two characters of department (2A, 2B), three digits.
pub(super) fn commune(bytes: &[u8]) -> Option<&str> {
    let good = bytes.len() == 5
        && bytes[0].is_ascii_digit()
        && (bytes[1].is_ascii_digit() || matches!(bytes[1], b'A' | b'B'))
        && bytes[2..].iter().all(u8::is_ascii_digit);
    if good { std::str::from_utf8(bytes).ok() } else { None }
}

/// Code of an IRIS: commune and four digits.
pub(super) fn iris(bytes: &[u8]) -> Option<&str> {
    let (head, tail) = bytes.split_at_checked(5)?;
    commune(head)?;
    if tail.len() == 4 && tail.iter().all(u8::is_ascii_digit) { std::str::from_utf8(bytes).ok() } else { None }
}

/// Code of a priority neighbourhood and the generation that it belongs to: QP, decree 2014-1750; QN, decree 2023-1314.
pub(super) fn quartier(bytes: &[u8]) -> Option<(&str, i32)> {
    let generation = match bytes.get(..2)? {
        b"QP" => 2015,
        b"QN" => 2024,
        _ => return None,
    };
    let good = bytes.len() == 8 && bytes[2..].iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if good { Some((std::str::from_utf8(bytes).ok()?, generation)) } else { None }
}

/// SIREN: nine digits of which the last is a check digit (Luhn).
pub(super) fn siren(bytes: &[u8]) -> Option<&str> {
    if bytes.len() != 9 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = bytes
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let n = u32::from(b - b'0') * if i % 2 == 1 { 2 } else { 1 };
            n / 10 + n % 10
        })
        .sum();
    if sum.is_multiple_of(10) { std::str::from_utf8(bytes).ok() } else { None }
}

/// An identifier of at most 40 characters.
pub(super) fn identifier(bytes: &[u8]) -> Option<&str> {
    let good = (1..=40).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    if good { std::str::from_utf8(bytes).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        for (text, n) in [("12", 12), ("-3", -3), ("2038.0", 2038), ("7,00", 7), ("007", 7), ("5.", 5)] {
            assert_eq!(int(text.as_bytes()), Some(n), "{text}");
        }
        for text in ["", "-", "1.5", "1e3", "12a", "0x1", "9999999999999999", ".0", "1.0.0"] {
            assert_eq!(int(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn decimal_numbers() {
        for (text, n) in [("12", 12.0), ("-3,5", -3.5), ("1e3", 1000.0), ("65.20", 65.2)] {
            assert_eq!(float(text.as_bytes()), Some(n), "{text}");
        }
        for text in ["", "NaN", "inf", "1e999", "1,2,3", "1 000", "12 m", "é"] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn dates() {
        let expected = Date::constant(2024, 1, 31);
        for text in ["2024-01-31", "31/01/2024", "20240131"] {
            assert_eq!(date(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "2024-02-30", "30/02/2024", "31/1/2024", "2024-13-01", "01/1900", "24-01-31", "2024-01-3x"] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn codes() {
        assert_eq!(commune(b"2A004"), Some("2A004"));
        assert_eq!(commune(b"97411"), Some("97411"));
        for code in ["1004", "593500", "2C004", "5935O", "A9350"] {
            assert_eq!(commune(code.as_bytes()), None, "{code}");
        }
        assert_eq!(iris(b"593500101"), Some("593500101"));
        assert_eq!(iris(b"59350010"), None);
        assert_eq!(quartier(b"QP059012"), Some(("QP059012", 2015)));
        assert_eq!(quartier(b"QN05965M"), Some(("QN05965M", 2024)));
        assert_eq!(quartier(b"QX05965M"), None);
        assert_eq!(siren(b"200093201"), Some("200093201"));
        assert_eq!(siren(b"200093202"), None);
        assert_eq!(identifier("é".as_bytes()), None);
        assert_eq!(identifier(b"A-1.b/2_c"), Some("A-1.b/2_c"));
    }

    #[test]
    fn yes_and_no() {
        assert_eq!(boolean(b"Oui"), Some(true));
        assert_eq!(boolean(b"0"), Some(false));
        assert_eq!(boolean(b"2"), None);
    }
}
