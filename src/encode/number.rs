//! Coordinates as text: fixed decimals, made of integers.

/// Appends a number with a fixed count of decimals (at most 9), rounded half away from zero: `701500.00`, `-3.0612345`.
/// Values are coordinates: finite, and far below 2^63 once scaled.
pub fn fixed(value: f64, decimals: u8, out: &mut Vec<u8>) {
    const POWERS: [u64; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    let decimals = usize::from(decimals.min(9));
    let power = POWERS[decimals];
    let scaled = (value * power as f64).round();
    // A float cast saturates; a negative zero becomes plain zero.
    let scaled = scaled as i64;
    if scaled < 0 {
        out.push(b'-');
    }
    let scaled = scaled.unsigned_abs();
    // All digits from one conversion; zeros before them when there are too few for one before the point.
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(scaled).as_bytes();
    if decimals == 0 {
        out.extend_from_slice(digits);
        return;
    }
    match digits.len().checked_sub(decimals) {
        Some(whole) if whole > 0 => {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
        _ => {
            out.extend_from_slice(b"0.");
            out.extend_from_slice(&b"000000000"[..decimals - digits.len()]);
            out.extend_from_slice(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_format_writes() {
        for (v, d) in [
            (701_500.0, 2),
            (701_500.126, 2),
            (-3.061_234_56, 7),
            (50.636_96, 7),
            (0.000_000_04, 7),
            (0.05, 1),
            (12.0, 0),
            (-0.001, 3),
        ] {
            let mut out = Vec::new();
            fixed(v, d, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{v:.0$}", usize::from(d)), "{v}");
        }
        let mut out = Vec::new();
        fixed(-0.000_000_01, 7, &mut out);
        assert_eq!(out, b"0.0000000", "no negative zero");
    }
}
