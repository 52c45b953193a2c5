//! Hard leaves of filters as SQL: the relations that PostGIS decides. Pure.
//!
//! PostGIS says only *which* rows; it is asked for keys of one publication, and knows nothing of territories. As in the
//! snapshot, a relation is evaluated in the CRS of the literal on the coordinates that are handed out there: transformed,
//! then rounded by way of their decimal text.

use super::spatial::decides;
use crate::catalogue::{Layer, LayerId};
use crate::error::{Error, Reason, Result};
use crate::filter::{Filter, SpatialOp};
use crate::geo::{Crs, Envelope, Geometry, GeometryKind, Position, Transform};
use crate::query::{Query, TileQuery};

/// Whether a node of a filter is a leaf that PostGIS must decide, for a layer of a kind.
pub fn is_hard(filter: &Filter, kind: GeometryKind) -> bool {
    match filter {
        Filter::Spatial { op, geometry, .. } => !decides(kind, *op, geometry),
        _ => false,
    }
}

/// The hard leaves of a filter, from left to right.
pub fn hard_leaves(filter: &Filter, kind: GeometryKind) -> Vec<&Filter> {
    fn walk<'a>(filter: &'a Filter, kind: GeometryKind, out: &mut Vec<&'a Filter>) {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|p| walk(p, kind, out)),
            Filter::Not(inner) => walk(inner, kind, out),
            leaf if is_hard(leaf, kind) => out.push(leaf),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(filter, kind, &mut out);
    out
}

/// The filters of a query, each with its layer, in the order in which the store answers them.
pub fn filters(query: &Query) -> Vec<(LayerId, &Filter)> {
    match query {
        Query::Features(parts) | Query::Count(parts) => parts.iter().map(|s| (s.layer, &s.filter)).collect(),
        Query::Feature(part) => vec![(part.layer, &part.filter)],
        Query::Tile(TileQuery { layers, filter, .. }) => layers.iter().map(|(l, _)| (*l, filter)).collect(),
        Query::Map(map) => map.layers.iter().map(|l| (l.layer, &l.filter)).collect(),
        Query::Info(info) => {
            let asked = info.map.layers.iter().filter(|l| info.layers.contains(&l.layer));
            asked.map(|l| (l.layer, &l.filter)).collect()
        }
        Query::Legend(_) | Query::Describe(_) | Query::Capabilities => Vec::new(),
    }
}

/// A statement that selects the keys for which a hard leaf is true.
///
/// Parameters: `$1` the literal as EWKB (bytea), `$2` to `$5` a box in the CRS of the column that holds it (min x, min y,
/// max x, max y), and for relations with publications `$6` the publication (bigint). Columns: the key as text and, where
/// there are vintages, the vintage as bigint.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// SQL text; holds names of the catalogue and nothing of the request.
    pub text: String,
    /// `$1`.
    pub literal: Vec<u8>,
    /// `$2` to `$5`.
    pub bounds: Envelope,
    /// Whether there is a `$6`.
    pub publication: bool,
}

/// Makes the statement of a hard leaf.
///
/// # Errors
/// [`Error::Processing`] for a literal that PostGIS has no relation for, [`Error::Internal`] for a leaf that is not hard.
pub fn statement(layer: &Layer, leaf: &Filter) -> Result<Statement> {
    let Filter::Spatial { op, geometry, crs } = leaf else { return Err(Error::Internal) };
    let function = match op {
        SpatialOp::Equals => "ST_Equals",
        SpatialOp::Touches => "ST_Touches",
        SpatialOp::Within => "ST_Within",
        SpatialOp::Overlaps => "ST_Overlaps",
        SpatialOp::Crosses => "ST_Crosses",
        SpatialOp::Contains => "ST_Contains",
        // Always decided by the snapshot.
        SpatialOp::Intersects | SpatialOp::Disjoint => return Err(Error::Internal),
    };
    if matches!(geometry, Geometry::Collection(_)) {
        return Err(Error::Processing { name: "FILTER".into(), reason: Reason::NoRelation });
    }
    let srid = crs.epsg().unwrap_or(4326);
    let column = identifier(&layer.geometry_column);
    // Rounded in the CRS of the data too: what was snapped to a grid in floating point is not yet the double of its decimals.
    let placed = if srid == layer.srid { column.clone() } else { format!("ST_Transform({column}, {srid})") };
    let shape = format!("ST_GeomFromText(ST_AsText({placed}, {}), {srid})", crs.decimals());
    let mut literal = Vec::new();
    ewkb(geometry, srid, &mut literal)?;
    let name =
        |id: crate::catalogue::FieldId| layer.field_by_id(id).map(|f| identifier(&f.name)).ok_or(Error::Internal);
    let mut keys = format!("{}::text", name(layer.key)?);
    if let Some(vintage) = layer.vintage {
        keys.push_str(&format!(", {}::bigint", name(vintage)?));
    }
    let publication = layer.publication_column.as_deref();
    let mut text = format!(
        "SELECT {keys} FROM {} WHERE {column} && ST_MakeEnvelope($2, $3, $4, $5, {}) AND {function}({shape}, $1::bytea::geometry)",
        relation(&layer.relation),
        layer.srid
    );
    if let Some(p) = publication {
        text.push_str(&format!(" AND {} = $6", identifier(p)));
    }
    let bounds = bounds(geometry, *crs, layer.srid);
    Ok(Statement { text, literal, bounds, publication: publication.is_some() })
}

/// A schema-qualified relation, quoted.
pub fn relation(name: &str) -> String {
    name.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

/// A name as a quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A box round a literal in the CRS of the column; the whole plane where it has no image there.
fn bounds(geometry: &Geometry, crs: Crs, srid: u32) -> Envelope {
    let mut b = Envelope::EMPTY;
    positions(geometry, &mut |p| b.add(p));
    let everywhere = Envelope { min: [-1e12; 2], max: [1e12; 2] };
    let to = Crs::from_epsg(srid).and_then(|to| Transform::between(crs, to));
    let slack = if Crs::from_epsg(srid).is_some_and(Crs::is_geographic) { 1e-6 } else { 0.1 };
    to.and_then(|t| t.envelope(&b)).map_or(everywhere, |b| b.buffered(slack))
}

fn positions(geometry: &Geometry, f: &mut impl FnMut(Position)) {
    match geometry {
        Geometry::Point(p) => f(*p),
        Geometry::MultiPoint(line) | Geometry::LineString(line) => line.iter().for_each(|p| f(*p)),
        Geometry::MultiLineString(lines) | Geometry::Polygon(lines) => lines.iter().flatten().for_each(|p| f(*p)),
        Geometry::MultiPolygon(polygons) => polygons.iter().flatten().flatten().for_each(|p| f(*p)),
        Geometry::Collection(members) => members.iter().for_each(|m| positions(m, f)),
        Geometry::Envelope(e) => {
            f(e.min);
            f(e.max);
        }
    }
}

/// Writes EWKB, little endian. A box without inside becomes the line or the point that it is.
fn ewkb(geometry: &Geometry, srid: u32, out: &mut Vec<u8>) -> Result<()> {
    const SRID: u32 = 0x2000_0000;
    let head = |kind: u32, srid: Option<u32>, out: &mut Vec<u8>| {
        out.push(1);
        out.extend((kind | if srid.is_some() { SRID } else { 0 }).to_le_bytes());
        out.extend(srid.into_iter().flat_map(u32::to_le_bytes));
    };
    let count = |n: usize, out: &mut Vec<u8>| out.extend((n as u32).to_le_bytes());
    let path = |path: &[Position], out: &mut Vec<u8>| {
        count(path.len(), out);
        path.iter().flatten().for_each(|v| out.extend(v.to_le_bytes()));
    };
    let rings = |rings: &[Vec<Position>], out: &mut Vec<u8>| {
        count(rings.len(), out);
        rings.iter().for_each(|r| path(r, out));
    };
    match geometry {
        Geometry::Point(p) => {
            head(1, Some(srid), out);
            p.iter().for_each(|v| out.extend(v.to_le_bytes()));
        }
        Geometry::LineString(line) => {
            head(2, Some(srid), out);
            path(line, out);
        }
        Geometry::Polygon(r) => {
            head(3, Some(srid), out);
            rings(r, out);
        }
        Geometry::MultiPoint(points) => {
            head(4, Some(srid), out);
            count(points.len(), out);
            for p in points {
                head(1, None, out);
                p.iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
        }
        Geometry::MultiLineString(lines) => {
            head(5, Some(srid), out);
            count(lines.len(), out);
            for line in lines {
                head(2, None, out);
                path(line, out);
            }
        }
        Geometry::MultiPolygon(polygons) => {
            head(6, Some(srid), out);
            count(polygons.len(), out);
            for p in polygons {
                head(3, None, out);
                rings(p, out);
            }
        }
        Geometry::Envelope(e) => match (e.width() > 0.0, e.height() > 0.0) {
            (true, true) => {
                let ring = [e.min, [e.max[0], e.min[1]], e.max, [e.min[0], e.max[1]], e.min];
                ewkb(&Geometry::Polygon(vec![ring.to_vec()]), srid, out)?;
            }
            (false, false) => ewkb(&Geometry::Point(e.min), srid, out)?,
            _ => ewkb(&Geometry::LineString(vec![e.min, e.max]), srid, out)?,
        },
        Geometry::Collection(_) => return Err(Error::Internal),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::load_embedded;
    use crate::geo::wkb::Flat;

    fn touches(geometry: Geometry, crs: Crs) -> Filter {
        Filter::Spatial { op: SpatialOp::Touches, geometry, crs }
    }

    #[test]
    fn a_statement_names_the_catalogue_and_binds_the_request() {
        let catalogue = load_embedded().unwrap();
        let line = Geometry::LineString(vec![[700_000.0, 7_050_000.0], [701_000.0, 7_052_000.0]]);
        let s = statement(catalogue.layer("parc_iris").unwrap(), &touches(line.clone(), Crs::Lambert93)).unwrap();
        assert_eq!(
            s.text,
            "SELECT \"id\"::text, \"millesime\"::bigint FROM \"pub\".\"parc_iris\" WHERE \"geom\" && \
             ST_MakeEnvelope($2, $3, $4, $5, 2154) AND \
             ST_Touches(ST_GeomFromText(ST_AsText(\"geom\", 2), 2154), $1::bytea::geometry) AND \"publication\" = $6"
        );
        assert_eq!(s.bounds, Envelope { min: [700_000.0, 7_050_000.0], max: [701_000.0, 7_052_000.0] }.buffered(0.1));
        let mut back = Flat::default();
        back.read(&s.literal).unwrap();
        assert_eq!((back.srid, back.dimension, back.positions.len()), (Some(2154), Some(1), 2));
    }

    #[test]
    fn other_crs_are_compared_as_handed_out() {
        let catalogue = load_embedded().unwrap();
        let square = Geometry::Envelope(Envelope { min: [3.0, 50.5], max: [3.1, 50.6] });
        let s = statement(catalogue.layer("parc_iris").unwrap(), &touches(square, Crs::Wgs84)).unwrap();
        let shape = "ST_GeomFromText(ST_AsText(ST_Transform(\"geom\", 4326), 7), 4326)";
        assert!(s.text.contains(&format!("ST_Touches({shape}, $1::bytea::geometry)")), "{}", s.text);
        assert!(s.bounds.contains([700_000.0, 7_050_000.0]) && s.bounds.width() < 10_000.0, "{:?}", s.bounds);
    }

    #[test]
    fn hard_leaves_are_listed_from_left_to_right() {
        let line = |x: f64| Geometry::LineString(vec![[x, 0.0], [x, 1.0]]);
        let easy = Filter::Spatial { op: SpatialOp::Intersects, geometry: line(0.0), crs: Crs::Lambert93 };
        let filter = Filter::And(vec![
            Filter::Not(Box::new(touches(line(1.0), Crs::Lambert93))),
            Filter::Or(vec![easy, touches(line(2.0), Crs::Lambert93)]),
        ]);
        let found = hard_leaves(&filter, GeometryKind::MultiPolygon);
        assert_eq!(found, [&touches(line(1.0), Crs::Lambert93), &touches(line(2.0), Crs::Lambert93)]);
        assert!(hard_leaves(&filter, GeometryKind::Point).is_empty());
    }

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(relation("pub.a\"; drop table x; --"), "\"pub\".\"a\"\"; drop table x; --\"");
    }
}
