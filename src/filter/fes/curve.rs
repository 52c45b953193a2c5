//! Circular curve segments as line strings: at most 5 degrees between two positions (a chord then misses the arc by less
//! than a thousandth of the radius).

use crate::geo::Position;
use std::f64::consts::{PI, TAU};

const STEP: f64 = PI / 36.0;

/// Centre of the circle through three positions; `None` when they lie in line.
fn centre(a: Position, b: Position, c: Position) -> Option<Position> {
    // Relative to `a`, so that large coordinates lose no digits.
    let (bx, by, cx, cy) = (b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]);
    let d = 2.0 * (bx * cy - by * cx);
    let (b2, c2) = (bx * bx + by * by, cx * cx + cy * cy);
    if d.abs() <= 1e-12 * (b2 + c2) {
        return None;
    }
    Some([a[0] + (cy * b2 - by * c2) / d, a[1] + (bx * c2 - cx * b2) / d])
}

fn angle(centre: Position, p: Position) -> f64 {
    (p[1] - centre[1]).atan2(p[0] - centre[0])
}

/// Positions on a circle from one angle to another (radians, sign gives the direction), both ends included.
fn along(centre: Position, radius: f64, from: f64, sweep: f64) -> Vec<Position> {
    let steps = (sweep.abs() / STEP).ceil().max(1.0) as usize;
    let at = |n: usize| from + sweep * n as f64 / steps as f64;
    (0..=steps).map(|n| [centre[0] + radius * at(n).cos(), centre[1] + radius * at(n).sin()]).collect()
}

fn arc(a: Position, b: Position, c: Position) -> Vec<Position> {
    let Some(m) = centre(a, b, c) else { return vec![a, b, c] };
    let radius = (a[0] - m[0]).hypot(a[1] - m[1]);
    let (from, middle, to) = (angle(m, a), angle(m, b), angle(m, c));
    // Anticlockwise when the middle comes before the end that way.
    let forward = |angle: f64| (angle - from).rem_euclid(TAU);
    let sweep = if forward(middle) <= forward(to) { forward(to) } else { forward(to) - TAU };
    let mut line = along(m, radius, from, sweep);
    // The given ends exactly: rings must close.
    if let Some(first) = line.first_mut() {
        *first = a;
    }
    if let Some(last) = line.last_mut() {
        *last = c;
    }
    line
}

/// Arcs through positions 0-1-2, 2-3-4, ...
pub(super) fn arc_string(p: &[Position]) -> Option<Vec<Position>> {
    if p.len() < 3 || p.len().is_multiple_of(2) {
        return None;
    }
    let mut line = vec![p[0]];
    for w in p.windows(3).step_by(2) {
        line.extend(arc(w[0], w[1], w[2]).into_iter().skip(1));
    }
    Some(line)
}

/// The whole circle through three positions, from the first one on.
pub(super) fn circle(p: &[Position]) -> Option<Vec<Position>> {
    let &[a, b, c] = p else { return None };
    let m = centre(a, b, c)?;
    let mut line = along(m, (a[0] - m[0]).hypot(a[1] - m[1]), angle(m, a), TAU);
    line[0] = a;
    if let Some(last) = line.last_mut() {
        *last = a;
    }
    Some(line)
}

/// A circle, or an arc between two angles in degrees, round a centre.
pub(super) fn circle_by_centre(centre: Position, radius: f64, angles: Option<(f64, f64)>) -> Option<Vec<Position>> {
    if radius <= 0.0 {
        return None;
    }
    match angles {
        None => {
            let mut line = along(centre, radius, 0.0, TAU);
            let first = line[0];
            if let Some(last) = line.last_mut() {
                *last = first;
            }
            Some(line)
        }
        // Turning further than once round draws nothing new.
        Some((from, to)) => Some(along(centre, radius, from.to_radians(), (to - from).to_radians().clamp(-TAU, TAU))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_lie_on_their_circle_and_pass_their_middle() {
        let (a, b, c) = ([10.0, 0.0], [0.0, 10.0], [-10.0, 0.0]);
        for (points, top) in [([a, b, c], 10.0), ([a, [0.0, -10.0], c], -10.0)] {
            let line = arc_string(&points).unwrap();
            assert!(line.iter().all(|p| (p[0].hypot(p[1]) - 10.0).abs() < 1e-9));
            assert!(line.iter().any(|p| (p[1] - top).abs() < 1e-9), "{line:?}");
            assert_eq!((line[0], *line.last().unwrap()), (a, c));
        }
        let ring = circle(&[a, b, c]).unwrap();
        assert_eq!(ring.first(), ring.last());
        assert_eq!(ring.len(), 73);
        assert!(circle(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]).is_none());
        assert!(arc_string(&[a, b]).is_none());
    }

    #[test]
    fn straight_arcs_stay_straight() {
        assert_eq!(arc([0.0, 0.0], [1.0, 0.0], [2.0, 0.0]).len(), 3);
    }

    #[test]
    fn an_arc_round_a_centre() {
        let line = circle_by_centre([700_000.0, 7_050_000.0], 100.0, Some((0.0, 90.0))).unwrap();
        let last = line.last().unwrap();
        assert!((last[0] - 700_000.0).abs() < 1e-6 && (last[1] - 7_050_100.0).abs() < 1e-6);
        assert!(circle_by_centre([0.0, 0.0], -1.0, None).is_none());
    }
}
