//! Geometry literals: WKT (06-103r4) and `BBOX` in text, GeoJSON (RFC 7946) and `bbox` in JSON.
//!
//! Heights are read and dropped. Coordinates stay in the order of the wire; [`placed`] turns them to `[x, y]`.

use super::lex::Token;
use super::node::Budget;
use super::text::Reader;
use super::{Cql2Error, Result};
use crate::error::Reason;
use crate::geo::{Axes, Crs, Envelope, Geometry, Position};
use serde_json::Value;

/// Reads a geometry if `tag`, the next word in lower case, begins one.
pub fn wkt(reader: &mut Reader, tag: &str) -> Result<Option<Geometry>> {
    let known =
        ["point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"];
    if !known.contains(&tag) && tag != "bbox" {
        return Ok(None);
    }
    if !reader.opens_geometry() {
        return Ok(None);
    }
    reader.skip();
    reader.word("z");
    if tag == "bbox" {
        return bbox_text(reader).map(Some);
    }
    let geometry = match tag {
        "point" => Geometry::Point(enclosed(reader, position)?),
        "linestring" => Geometry::LineString(line(reader)?),
        "polygon" => Geometry::Polygon(list(reader, ring)?),
        "multipoint" => Geometry::MultiPoint(list(reader, |r| {
            // `MULTIPOINT (1 2, 3 4)` is the older spelling of 06-103r4.
            if matches!(r.peek(), Token::Sign("(")) { enclosed(r, position) } else { position(r) }
        })?),
        "multilinestring" => Geometry::MultiLineString(list(reader, line)?),
        "multipolygon" => Geometry::MultiPolygon(list(reader, |r| list(r, ring))?),
        _ => Geometry::Collection(list(reader, member)?),
    };
    Ok(Some(geometry))
}

fn member(reader: &mut Reader) -> Result<Geometry> {
    let Token::Word(word) = reader.peek().clone() else { return Err(reader.expected(Reason::GeometryNeeded)) };
    let tag = word.to_ascii_lowercase();
    if tag == "bbox" || tag == "geometrycollection" {
        return Err(reader.expected(Reason::SimpleGeometry));
    }
    reader.budget.enter()?;
    let found = wkt(reader, &tag)?.ok_or_else(|| reader.expected(Reason::GeometryNeeded))?;
    reader.budget.leave();
    Ok(found)
}

fn enclosed<T>(reader: &mut Reader, inner: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
    reader.need("(")?;
    let value = inner(reader)?;
    reader.need(")")?;
    Ok(value)
}

fn list<T>(reader: &mut Reader, inner: impl Fn(&mut Reader) -> Result<T>) -> Result<Vec<T>> {
    enclosed(reader, |reader| {
        let mut all = vec![inner(reader)?];
        while reader.sign(",") {
            all.push(inner(reader)?);
        }
        Ok(all)
    })
}

fn coordinate(reader: &mut Reader) -> Result<f64> {
    let negative = reader.sign("-");
    if !negative {
        reader.sign("+");
    }
    let value = match reader.peek() {
        Token::Int(n) => *n as f64,
        Token::Number(v) => *v,
        _ => return Err(reader.expected(Reason::Coordinate)),
    };
    reader.skip();
    Ok(if negative { -value } else { value })
}

fn position(reader: &mut Reader) -> Result<Position> {
    reader.budget.position()?;
    let p = [coordinate(reader)?, coordinate(reader)?];
    if matches!(reader.peek(), Token::Int(_) | Token::Number(_) | Token::Sign("-" | "+")) {
        coordinate(reader)?;
    }
    Ok(p)
}

fn line(reader: &mut Reader) -> Result<Vec<Position>> {
    let positions = list(reader, position)?;
    if positions.len() < 2 { Err(reader.expected(Reason::TwoPositions)) } else { Ok(positions) }
}

fn ring(reader: &mut Reader) -> Result<Vec<Position>> {
    let positions = list(reader, position)?;
    if closed(&positions) { Ok(positions) } else { Err(reader.expected(Reason::Ring)) }
}

fn closed(ring: &[Position]) -> bool {
    ring.len() >= 4 && ring.first() == ring.last()
}

fn bbox_text(reader: &mut Reader) -> Result<Geometry> {
    let numbers = list(reader, coordinate)?;
    bbox(&numbers).ok_or_else(|| reader.expected(Reason::FourOrSix))
}

/// A box as it stands on the wire; [`placed`] checks it, when the CRS is known.
fn bbox(numbers: &[f64]) -> Option<Geometry> {
    match *numbers {
        [a, b, c, d] | [a, b, _, c, d, _] => Some(Geometry::Envelope(Envelope { min: [a, b], max: [c, d] })),
        _ => None,
    }
}

/// Reads a GeoJSON geometry or a `bbox` object; `None` when the object is neither.
pub fn json(value: &Value, budget: &mut Budget) -> Result<Option<Geometry>> {
    if let Some(numbers) = value.get("bbox").filter(|_| value.get("type").is_none()) {
        let numbers: Option<Vec<f64>> = numbers.as_array().and_then(|a| a.iter().map(Value::as_f64).collect());
        let found = numbers.and_then(|n| bbox(&n));
        return found.map(Some).ok_or_else(|| wrong(Reason::FourOrSix));
    }
    let Some(kind) = value.get("type").and_then(Value::as_str) else { return Ok(None) };
    let coordinates = &value["coordinates"];
    let geometry = match kind {
        "Point" => Geometry::Point(json_position(coordinates, budget)?),
        "MultiPoint" => Geometry::MultiPoint(json_list(coordinates, budget, json_position)?),
        "LineString" => Geometry::LineString(json_line(coordinates, budget)?),
        "MultiLineString" => Geometry::MultiLineString(json_list(coordinates, budget, json_line)?),
        "Polygon" => Geometry::Polygon(json_list(coordinates, budget, json_ring)?),
        "MultiPolygon" => Geometry::MultiPolygon(json_list(coordinates, budget, |v, b| json_list(v, b, json_ring))?),
        "GeometryCollection" => {
            budget.enter()?;
            let members =
                json_list(&value["geometries"], budget, |v, b| json(v, b)?.ok_or_else(|| wrong(Reason::JsonMember)))?;
            budget.leave();
            Geometry::Collection(members)
        }
        _ => return Err(wrong(Reason::JsonGeometry(kind.to_owned()))),
    };
    Ok(Some(geometry))
}

fn wrong(what: Reason) -> Cql2Error {
    Cql2Error::Json { what }
}

fn json_list<T>(v: &Value, budget: &mut Budget, inner: impl Fn(&Value, &mut Budget) -> Result<T>) -> Result<Vec<T>> {
    match v.as_array() {
        Some(a) if !a.is_empty() => a.iter().map(|v| inner(v, budget)).collect(),
        _ => Err(wrong(Reason::JsonArrays)),
    }
}

fn json_position(v: &Value, budget: &mut Budget) -> Result<Position> {
    budget.position()?;
    match v.as_array().map(Vec::as_slice) {
        Some([x, y] | [x, y, _]) => match (x.as_f64(), y.as_f64()) {
            (Some(x), Some(y)) => Ok([x, y]),
            _ => Err(wrong(Reason::JsonNumbers)),
        },
        _ => Err(wrong(Reason::JsonPosition)),
    }
}

fn json_line(v: &Value, budget: &mut Budget) -> Result<Vec<Position>> {
    let line = json_list(v, budget, json_position)?;
    if line.len() < 2 { Err(wrong(Reason::TwoPositions)) } else { Ok(line) }
}

fn json_ring(v: &Value, budget: &mut Budget) -> Result<Vec<Position>> {
    let ring = json_list(v, budget, json_position)?;
    if closed(&ring) { Ok(ring) } else { Err(wrong(Reason::Ring)) }
}

/// Turns coordinates of the wire, in the order of the CRS's authority, to `[x, y]`, and checks boxes.
pub fn placed(geometry: &Geometry, crs: Crs) -> Result<Geometry> {
    let turned = match crs.authority_axes() {
        Axes::EastNorth => geometry.clone(),
        Axes::NorthEast => swapped(geometry),
    };
    let Geometry::Envelope(e) = turned else { return Ok(turned) };
    let ([west, south], [east, north]) = (e.min, e.max);
    if south > north || (west > east && !crs.is_geographic()) {
        return Err(Cql2Error::Type { what: Reason::Corners });
    }
    if west <= east {
        return Ok(turned);
    }
    // A box over the antimeridian is two boxes.
    let part = |west, east| Geometry::Envelope(Envelope { min: [west, south], max: [east, north] });
    Ok(Geometry::Collection(vec![part(west, 180.0), part(-180.0, east)]))
}

fn swapped(geometry: &Geometry) -> Geometry {
    let swap = |p: &Position| [p[1], p[0]];
    let many = |ps: &[Position]| ps.iter().map(swap).collect::<Vec<_>>();
    match geometry {
        Geometry::Point(p) => Geometry::Point(swap(p)),
        Geometry::MultiPoint(ps) => Geometry::MultiPoint(many(ps)),
        Geometry::LineString(ps) => Geometry::LineString(many(ps)),
        Geometry::MultiLineString(ls) => Geometry::MultiLineString(ls.iter().map(|l| many(l)).collect()),
        Geometry::Polygon(rs) => Geometry::Polygon(rs.iter().map(|r| many(r)).collect()),
        Geometry::MultiPolygon(ps) => {
            Geometry::MultiPolygon(ps.iter().map(|rs| rs.iter().map(|r| many(r)).collect()).collect())
        }
        Geometry::Collection(gs) => Geometry::Collection(gs.iter().map(swapped).collect()),
        Geometry::Envelope(e) => Geometry::Envelope(Envelope { min: swap(&e.min), max: swap(&e.max) }),
    }
}
