//! `.shp` and `.shx` (ESRI Shapefile Technical Description, July 1998): header, records, sizes known before.

use crate::encode::positions::Positions;
use crate::geo::{Envelope, GeometryKind};
use crate::store::GeometryTable;

/// Bytes of the header of both files.
pub(super) const HEADER: u64 = 100;

/// Shape type of a kind of geometry.
fn shape_type(kind: GeometryKind) -> u32 {
    match kind {
        GeometryKind::Point => 1,
        GeometryKind::MultiLineString => 3,
        GeometryKind::MultiPolygon => 5,
        GeometryKind::MultiPoint => 8,
    }
}

/// Bytes of a record's content.
pub(super) fn content(table: &GeometryTable, feature: u32) -> u64 {
    let points = table.feature_positions(feature).len() as u64;
    match table.kind {
        GeometryKind::Point => 20,
        GeometryKind::MultiPoint => 40 + 16 * points,
        GeometryKind::MultiLineString | GeometryKind::MultiPolygon => {
            let rings: u64 = table.parts(feature).map(|r| r.len() as u64).sum();
            44 + 4 * rings + 16 * points
        }
    }
}

/// Header of a file of `length` bytes in all.
pub(super) fn header(kind: GeometryKind, length: u64, extent: &Envelope, out: &mut Vec<u8>) {
    out.extend_from_slice(&9994u32.to_be_bytes());
    out.extend_from_slice(&[0; 20]);
    out.extend_from_slice(&words(length).to_be_bytes());
    out.extend_from_slice(&1000u32.to_le_bytes());
    out.extend_from_slice(&shape_type(kind).to_le_bytes());
    let extent = if extent.is_empty() { &Envelope { min: [0.0; 2], max: [0.0; 2] } } else { extent };
    put_box(extent, out);
    out.extend_from_slice(&[0; 32]);
}

/// A length in 16-bit words. Sizes are checked before anything is written.
fn words(bytes: u64) -> u32 {
    u32::try_from(bytes / 2).unwrap_or(u32::MAX)
}

fn put_box(envelope: &Envelope, out: &mut Vec<u8>) {
    let [x0, y0] = envelope.min;
    let [x1, y1] = envelope.max;
    [x0, y0, x1, y1].iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
}

/// A record of the index: where the shape begins, and its length.
pub(super) fn index(offset: u64, content: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&words(offset).to_be_bytes());
    out.extend_from_slice(&words(content).to_be_bytes());
}

/// A record: its number (from 1), its length, the shape.
pub(super) fn record(number: u32, table: &GeometryTable, feature: u32, positions: &Positions, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&words(content(table, feature)).to_be_bytes());
    out.extend_from_slice(&shape_type(table.kind).to_le_bytes());
    let range = table.feature_positions(feature);
    let put = |[x, y]: [f64; 2], out: &mut Vec<u8>| {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    };
    if table.kind == GeometryKind::Point {
        put(positions.rounded(table, range.start), out);
        return;
    }
    let mut envelope = Envelope::EMPTY;
    range.clone().for_each(|at| envelope.add(positions.rounded(table, at)));
    put_box(&envelope, out);
    if table.kind == GeometryKind::MultiPoint {
        out.extend_from_slice(&(range.len() as u32).to_le_bytes());
        range.for_each(|at| put(positions.rounded(table, at), out));
        return;
    }
    let rings: u32 = table.parts(feature).map(|r| r.len() as u32).sum();
    out.extend_from_slice(&rings.to_le_bytes());
    out.extend_from_slice(&(range.len() as u32).to_le_bytes());
    for ring in table.parts(feature).flatten() {
        out.extend_from_slice(&((table.ring(ring).start - range.start) as u32).to_le_bytes());
    }
    for part in table.parts(feature) {
        for (n, ring) in part.enumerate() {
            let at = table.ring(ring);
            // Outer rings go clockwise, holes the other way (page 8); lines go as they are.
            let turns =
                table.kind == GeometryKind::MultiPolygon && (area(table, at.clone(), positions) > 0.0) == (n == 0);
            match turns {
                true => at.rev().for_each(|p| put(positions.rounded(table, p), out)),
                false => at.for_each(|p| put(positions.rounded(table, p), out)),
            }
        }
    }
}

/// Twice the signed area of a ring: positive when it goes counter-clockwise.
fn area(table: &GeometryTable, ring: std::ops::Range<usize>, positions: &Positions) -> f64 {
    let [x0, y0] = positions.get(table, ring.start);
    // From the first position, so that large coordinates lose nothing.
    let mut before = [0.0, 0.0];
    let mut sum = 0.0;
    for at in ring {
        let [x, y] = positions.get(table, at);
        let next = [x - x0, y - y0];
        sum += before[0] * next[1] - next[0] * before[1];
        before = next;
    }
    sum
}
