//! Mapbox vector tiles, version 2.1, from the snapshot's dictionaries.
//!
//! A value is written once a tile: its place among the layer's values is remembered by its code, so nothing is hashed.
//! Geometry is clipped to the tile and a margin, and rounded to the tile's grid; neighbours share their vertices before
//! and so after rounding.

use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::geo::tms::{TILE_BUFFER as MARGIN, TILE_EXTENT as EXTENT};
use crate::geo::{Envelope, GeometryKind, Position};
use crate::query::Value;
use crate::store::{NULL, Rows, StoredCrs};
use std::cell::RefCell;

/// The box whose features belong into a tile: the tile with its margin.
fn reach(tile: &Envelope) -> Envelope {
    tile.buffered(tile.width() * f64::from(MARGIN) / f64::from(EXTENT))
}

/// Writes a tile of these layers (one part each, fields and rows as chosen). Layers without features are left out; an
/// empty tile is no bytes.
///
/// `tile`: box of the tile in the parts' CRS, which must be one that the snapshot keeps (3857, 2154, degrees).
///
/// # Errors
/// [`Error::Crs`] for another CRS, [`Error::Internal`] when a layer is not in the catalogue.
pub fn tile(catalogue: &Catalogue, parts: &[Rows], tile: &Envelope) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for rows in parts {
        layer(catalogue, rows, tile, &mut out)?;
    }
    Ok(out)
}

/// Places of values by code, for the columns of one layer in turn. Stamped with an epoch, so that it is never cleared.
#[derive(Default)]
struct Places {
    epoch: u32,
    places: Vec<(u32, u32)>,
}

thread_local! {
    static PLACES: RefCell<Places> = RefCell::default();
}

fn layer(catalogue: &Catalogue, rows: &Rows, tile: &Envelope, out: &mut Vec<u8>) -> Result<(), Error> {
    let layer = catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
    let crs = StoredCrs::of(rows.crs).ok_or_else(|| Error::Crs { name: rows.crs.short() })?;
    let data = rows.data();
    let fields: Vec<_> = rows.fields.iter().filter_map(|id| layer.field_by_id(*id)).collect();
    let columns: Vec<_> = fields.iter().map(|f| data.column(f.id)).collect();
    // Where each column's codes begin among the places.
    let mut starts = Vec::with_capacity(columns.len());
    let mut total = 0usize;
    for column in &columns {
        starts.push(total);
        total += column.dictionary.len() as usize + 1;
    }
    PLACES.with_borrow_mut(|scratch| {
        scratch.epoch = scratch.epoch.wrapping_add(1);
        if scratch.epoch == 0 {
            scratch.places.clear();
            scratch.epoch = 1;
        }
        if scratch.places.len() < total {
            scratch.places.resize(total, (0, 0));
        }
        let mut grid = Grid::new(data.table.geometry.kind, tile);
        let (mut features, mut values, mut count) = (Vec::new(), Vec::new(), 0u32);
        let (mut tags, mut commands, mut feature) = (Vec::new(), Vec::new(), Vec::new());
        let mut message = Vec::new();
        for row in &rows.rows {
            commands.clear();
            let table = &data.table.geometry;
            let positions = table.positions(crs);
            grid.write(
                table.parts(data.feature(*row)).map(|rings| rings.map(|r| &positions[table.ring(r)])),
                &mut commands,
            );
            if commands.is_empty() {
                continue;
            }
            tags.clear();
            for (n, column) in columns.iter().enumerate() {
                let code = column.code(*row);
                // A null has no form in a tile: the property is absent, and `statut` says why.
                if code == NULL {
                    continue;
                }
                let place = &mut scratch.places[starts[n] + code as usize];
                if place.0 != scratch.epoch {
                    *place = (scratch.epoch, count);
                    count += 1;
                    if let Some(value) = column.dictionary.value(code) {
                        push_value(value, &mut message, &mut values);
                    }
                }
                varint(n as u64, &mut tags);
                varint(u64::from(place.1), &mut tags);
            }
            feature.clear();
            field_varint(1, data.object_id(*row), &mut feature);
            field_bytes(2, &tags, &mut feature);
            field_varint(3, grid.geometry_type, &mut feature);
            field_bytes(4, &commands, &mut feature);
            field_bytes(2, &feature, &mut features);
        }
        if features.is_empty() {
            return;
        }
        let mut body = Vec::with_capacity(features.len() + values.len() + 1024);
        field_varint(15, 2, &mut body);
        field_bytes(1, layer.name.as_bytes(), &mut body);
        body.extend_from_slice(&features);
        for field in &fields {
            field_bytes(3, field.name.as_bytes(), &mut body);
        }
        body.extend_from_slice(&values);
        field_varint(5, u64::from(EXTENT), &mut body);
        field_bytes(3, &body, out);
    });
    Ok(())
}

/// A `Value` message as field 4 of a layer; `message` is overwritten.
fn push_value(value: &Value, message: &mut Vec<u8>, out: &mut Vec<u8>) {
    message.clear();
    match value {
        Value::Text(text) => field_bytes(1, text.as_bytes(), message),
        Value::Int(n) if *n >= 0 => field_varint(5, *n as u64, message),
        Value::Int(n) => field_varint(6, zigzag(*n), message),
        Value::Double(d) => {
            message.push(3 << 3 | 1);
            message.extend_from_slice(&d.to_le_bytes());
        }
        Value::DateTime(ms) => {
            let mut text = Vec::new();
            crate::store::dictionary::push_date_time(*ms, &mut text);
            field_bytes(1, &text, message);
        }
    }
    field_bytes(4, message, out);
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn field_varint(field: u32, n: u64, out: &mut Vec<u8>) {
    varint(u64::from(field << 3), out);
    varint(n, out);
}

fn field_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    varint(u64::from(field << 3 | 2), out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// From positions to drawing commands (specification §4.3).
struct Grid {
    kind: GeometryKind,
    geometry_type: u64,
    tile: Envelope,
    scale: Position,
    reach: Envelope,
    cursor: [i64; 2],
    points: Vec<[i64; 2]>,
}

impl Grid {
    fn new(kind: GeometryKind, tile: &Envelope) -> Grid {
        let extent = f64::from(EXTENT);
        Grid {
            kind,
            geometry_type: u64::from(kind.dimension()) + 1,
            tile: *tile,
            scale: [extent / tile.width(), extent / tile.height()],
            reach: reach(tile),
            cursor: [0, 0],
            points: Vec::new(),
        }
    }

    fn place(&self, p: Position) -> [i64; 2] {
        [
            ((p[0] - self.tile.min[0]) * self.scale[0]).round() as i64,
            ((self.tile.max[1] - p[1]) * self.scale[1]).round() as i64,
        ]
    }

    fn write<'a>(&mut self, parts: impl Iterator<Item = impl Iterator<Item = &'a [Position]>>, commands: &mut Vec<u8>) {
        self.cursor = [0, 0];
        match self.kind {
            GeometryKind::Point | GeometryKind::MultiPoint => {
                let mut points = std::mem::take(&mut self.points);
                points.clear();
                let all = parts.flatten().flatten();
                points.extend(all.filter(|p| self.reach.contains(**p)).map(|p| self.place(*p)));
                if !points.is_empty() {
                    varint(1 | (points.len() as u64) << 3, commands);
                    for p in &points {
                        self.step(*p, commands);
                    }
                }
                self.points = points;
            }
            GeometryKind::MultiLineString => {
                for line in parts.flat_map(|rings| rings.take(1)) {
                    for piece in clip_line(line, &self.reach) {
                        self.path(&piece, false, commands);
                    }
                }
            }
            GeometryKind::MultiPolygon => {
                for rings in parts {
                    for (n, ring) in rings.enumerate() {
                        let drawn = self.ring(ring, n == 0, commands);
                        if n == 0 && !drawn {
                            // Holes of a polygon that vanished vanish with it.
                            break;
                        }
                    }
                }
            }
        }
    }

    fn step(&mut self, p: [i64; 2], commands: &mut Vec<u8>) {
        varint(zigzag(p[0] - self.cursor[0]), commands);
        varint(zigzag(p[1] - self.cursor[1]), commands);
        self.cursor = p;
    }

    fn path(&mut self, line: &[Position], close: bool, commands: &mut Vec<u8>) -> bool {
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        for p in line {
            let q = self.place(*p);
            if points.last() != Some(&q) {
                points.push(q);
            }
        }
        let drawn = self.draw(&points, close, commands);
        self.points = points;
        drawn
    }

    fn draw(&mut self, points: &[[i64; 2]], close: bool, commands: &mut Vec<u8>) -> bool {
        if points.len() < if close { 3 } else { 2 } {
            return false;
        }
        varint(1 | 1 << 3, commands);
        self.step(points[0], commands);
        varint(2 | (points.len() as u64 - 1) << 3, commands);
        for p in &points[1..] {
            self.step(*p, commands);
        }
        if close {
            varint(7 | 1 << 3, commands);
        }
        true
    }

    /// A ring, clipped and wound as the specification demands: outer rings have positive area with y downwards.
    fn ring(&mut self, ring: &[Position], outer: bool, commands: &mut Vec<u8>) -> bool {
        let clipped;
        let inside = ring.iter().all(|p| self.reach.contains(*p));
        let ring = if inside {
            ring
        } else {
            clipped = clip_ring(ring, &self.reach);
            &clipped
        };
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        for p in ring {
            let q = self.place(*p);
            match points.as_slice() {
                // Out and back by the same way: rounding has closed a narrow place.
                [.., a, _] if *a == q => _ = points.pop(),
                [.., last] if *last == q => {}
                _ => points.push(q),
            }
        }
        while points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        let twice: i64 = (0..points.len())
            .map(|i| {
                let (a, b) = (points[i], points[(i + 1) % points.len()]);
                a[0] * b[1] - b[0] * a[1]
            })
            .sum();
        let drawn = twice != 0 && {
            if (twice > 0) != outer {
                points.reverse();
            }
            self.draw(&points, true, commands)
        };
        self.points = points;
        drawn
    }
}

/// Sutherland and Hodgman's clipping of a closed ring to a box; the result is not closed.
fn clip_ring(ring: &[Position], to: &Envelope) -> Vec<Position> {
    let mut points = ring.to_vec();
    if points.first() == points.last() {
        points.pop();
    }
    for (axis, bound, keep_less) in
        [(0, to.min[0], false), (0, to.max[0], true), (1, to.min[1], false), (1, to.max[1], true)]
    {
        let inside = |p: &Position| if keep_less { p[axis] <= bound } else { p[axis] >= bound };
        let mut kept = Vec::with_capacity(points.len() + 8);
        for i in 0..points.len() {
            let (a, b) = (points[i], points[(i + 1) % points.len()]);
            if inside(&a) {
                kept.push(a);
            }
            if inside(&a) != inside(&b) {
                let t = (bound - a[axis]) / (b[axis] - a[axis]);
                let mut cut = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
                cut[axis] = bound;
                kept.push(cut);
            }
        }
        points = kept;
    }
    points
}

/// The pieces of a line inside a box (Liang and Barsky).
fn clip_line(line: &[Position], to: &Envelope) -> Vec<Vec<Position>> {
    let mut pieces: Vec<Vec<Position>> = Vec::new();
    let mut open = false;
    for pair in line.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let (mut from, mut until) = (0.0f64, 1.0f64);
        let d = [b[0] - a[0], b[1] - a[1]];
        let mut visible = true;
        for axis in 0..2 {
            for (p, q) in [(-d[axis], a[axis] - to.min[axis]), (d[axis], to.max[axis] - a[axis])] {
                if p == 0.0 {
                    visible &= q >= 0.0;
                } else if p < 0.0 {
                    from = from.max(q / p);
                } else {
                    until = until.min(q / p);
                }
            }
        }
        if !visible || from > until {
            open = false;
            continue;
        }
        let at = |t: f64| [a[0] + t * d[0], a[1] + t * d[1]];
        match pieces.last_mut() {
            Some(piece) if open && from == 0.0 => piece.push(at(until)),
            _ => pieces.push(vec![at(from), at(until)]),
        }
        open = until == 1.0;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Crs;
    use crate::store::fixture::metropolis;

    /// The tile of WebMercatorQuad at a zoom that holds the first position of these rows.
    fn around(rows: &Rows, zoom: u32) -> Envelope {
        let p = rows.data().table.geometry.web_mercator[0];
        let world = 40_075_016.685_578_49;
        let side = world / f64::from(1u32 << zoom);
        let (x, y) = (((p[0] + world / 2.0) / side).floor(), ((p[1] + world / 2.0) / side).floor());
        let min = [x * side - world / 2.0, y * side - world / 2.0];
        Envelope { min, max: [min[0] + side, min[1] + side] }
    }

    /// Fields of a message; the integration tests read tiles back with GDAL.
    fn walk(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let read = |b: &mut &[u8]| {
            let (mut n, mut shift) = (0u64, 0);
            loop {
                let x = b[0];
                *b = &b[1..];
                n |= u64::from(x & 0x7F) << shift;
                if x < 0x80 {
                    return n;
                }
                shift += 7;
            }
        };
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = read(&mut bytes);
            let field = (key >> 3) as u32;
            match key & 7 {
                0 => fields.push((field, read(&mut bytes).to_le_bytes().to_vec())),
                1 => {
                    fields.push((field, bytes[..8].to_vec()));
                    bytes = &bytes[8..];
                }
                2 => {
                    let n = read(&mut bytes) as usize;
                    fields.push((field, bytes[..n].to_vec()));
                    bytes = &bytes[n..];
                }
                other => panic!("wire type {other}"),
            }
        }
        fields
    }

    #[test]
    fn a_tile_has_its_layers_features_and_values_once() {
        let world = metropolis();
        let rows = [world.rows_in("parc_residence", Crs::WebMercator), world.rows_in("parc_commune", Crs::WebMercator)];
        let bytes = tile(&world.catalogue, &rows, &around(&rows[0], 8)).unwrap();
        let layers = walk(&bytes);
        assert_eq!(layers.len(), 2);
        let first = walk(&layers[0].1);
        let of = |n: u32| first.iter().filter(move |(f, _)| *f == n).map(|(_, b)| b.clone()).collect::<Vec<_>>();
        assert_eq!(of(1), [b"parc_residence".to_vec()]);
        assert_eq!(of(2).len(), rows[0].rows.len());
        let values = of(4);
        let mut distinct = values.clone();
        distinct.sort();
        distinct.dedup();
        // Equal values of different columns may stand twice, those of one column never.
        assert!(values.len() < rows[0].rows.len() * of(3).len());
        assert!(distinct.iter().any(|v| v.ends_with(b"secret")));
        let ids: Vec<Vec<u8>> = of(2).iter().map(|f| walk(f)[0].1.clone()).collect();
        let expected: Vec<Vec<u8>> =
            rows[0].rows.iter().map(|r| rows[0].data().object_id(*r).to_le_bytes().to_vec()).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_far_tile_is_no_bytes() {
        let world = metropolis();
        let rows = [world.rows_in("parc_residence", Crs::WebMercator)];
        let far = Envelope::new(-1e7, -1e7, -0.9e7, -0.9e7).unwrap();
        assert!(tile(&world.catalogue, &rows, &far).unwrap().is_empty());
    }

    #[test]
    fn rings_are_clipped_and_wound() {
        let tile = Envelope::new(0.0, 0.0, 4096.0, 4096.0).unwrap();
        let mut grid = Grid::new(GeometryKind::MultiPolygon, &tile);
        for ring in [
            vec![[-9e9, -9e9], [9e9, -9e9], [9e9, 9e9], [-9e9, 9e9], [-9e9, -9e9]],
            vec![[-9e9, -9e9], [-9e9, 9e9], [9e9, 9e9], [9e9, -9e9], [-9e9, -9e9]],
        ] {
            let mut commands = Vec::new();
            assert!(grid.ring(&ring, true, &mut commands));
            // Four corners at the margin, whichever way round the ring came.
            assert_eq!(commands[0], 9);
            assert_eq!(grid.points.len(), 4);
            let m = i64::from(MARGIN);
            assert!(grid.points.iter().flatten().all(|v| *v == -m || *v == 4096 + m), "{:?}", grid.points);
            let twice: i64 = (0..4)
                .map(|i| {
                    grid.points[i][0] * grid.points[(i + 1) % 4][1] - grid.points[(i + 1) % 4][0] * grid.points[i][1]
                })
                .sum();
            assert!(twice > 0);
        }
    }

    #[test]
    fn lines_are_cut_into_pieces() {
        let to = Envelope::new(0.0, 0.0, 10.0, 10.0).unwrap();
        let pieces = clip_line(&[[-5.0, 5.0], [5.0, 5.0], [5.0, 15.0], [8.0, 15.0], [8.0, 5.0]], &to);
        assert_eq!(pieces, [vec![[0.0, 5.0], [5.0, 5.0], [5.0, 10.0]], vec![[8.0, 10.0], [8.0, 5.0]]]);
    }
}
