//! Spatial operators (09-026r2 §7.8).

use super::geometry::is_geometry;
use super::xml::Element;
use super::{Property, Reader, default_crs, wrong};
use crate::error::{Error, Reason};
use crate::filter::{Filter, SpatialOp};
use crate::geo::Geometry;

/// Relations of the feature's geometry with a literal.
pub const RELATIONS: [(&str, SpatialOp); 8] = [
    ("Equals", SpatialOp::Equals),
    ("Disjoint", SpatialOp::Disjoint),
    ("Intersects", SpatialOp::Intersects),
    ("Touches", SpatialOp::Touches),
    ("Crosses", SpatialOp::Crosses),
    ("Within", SpatialOp::Within),
    ("Contains", SpatialOp::Contains),
    ("Overlaps", SpatialOp::Overlaps),
];

/// The other spatial operators.
pub const MEASURES: [&str; 3] = ["BBOX", "Beyond", "DWithin"];

/// True for the names of spatial operators.
pub(super) fn is_operator(name: &str) -> bool {
    relation(name).is_some() || MEASURES.contains(&name)
}

fn relation(name: &str) -> Option<SpatialOp> {
    RELATIONS.iter().find(|(n, _)| *n == name).map(|(_, op)| *op)
}

/// The same relation seen from the other operand.
fn inverse(op: SpatialOp) -> SpatialOp {
    match op {
        SpatialOp::Within => SpatialOp::Contains,
        SpatialOp::Contains => SpatialOp::Within,
        symmetric => symmetric,
    }
}

impl Reader<'_> {
    pub(super) fn spatial(&self, e: &Element) -> Result<Filter, Error> {
        let mut property = None;
        let mut literal = None;
        let mut distance = None;
        for (n, child) in e.children.iter().enumerate() {
            match child.name.as_str() {
                "ValueReference" | "PropertyName" if property.is_some() => {
                    return Err(Error::option(&e.name, Reason::PropertyAndGeometry));
                }
                "ValueReference" | "PropertyName" => property = Some((n, child)),
                "Distance" => distance = Some(child),
                "Literal" => literal = child.children.first().map(|inside| (n, inside)),
                name if is_geometry(name) => literal = Some((n, child)),
                "Function" => return Err(wrong("Function", Reason::GeometryFunction)),
                other => return Err(wrong(other, Reason::PropertyAndGeometry)),
            }
        }
        // Without a property BBOX means every geometry of the feature (§7.8.3.2), and there is one.
        match property {
            Some((_, name)) => match self.property(name)? {
                Property::Geometry => {}
                _ => return Err(wrong(name.trimmed(), Reason::GeometryProperty)),
            },
            None if e.name == "BBOX" => {}
            None => return Err(wrong(&e.name, Reason::PropertyNeeded)),
        }
        let (at, literal) = literal.ok_or_else(|| wrong(&e.name, Reason::GeometryNeeded))?;
        self.node()?;
        let (geometry, crs) = self.geometry(literal, default_crs(self.scene.layer))?;
        if e.name == "BBOX" {
            return match geometry {
                Geometry::Envelope(envelope) => Ok(Filter::BBox { envelope, crs }),
                // 1.x clients also send a polygon: its meaning is the box (04-095 §8).
                other => Ok(Filter::Spatial { op: SpatialOp::Intersects, geometry: other, crs }),
            };
        }
        if let Some(op) = relation(&e.name) {
            let flipped = property.is_some_and(|(n, _)| n > at);
            return Ok(Filter::Spatial { op: if flipped { inverse(op) } else { op }, geometry, crs });
        }
        let distance = distance.ok_or_else(|| wrong(&e.name, Reason::AddElement("Distance".into())))?;
        let unit = distance.attribute("uom").or_else(|| distance.attribute("units")).unwrap_or("m");
        let text = distance.trimmed();
        let number = text.parse::<f64>().ok().filter(|d| d.is_finite() && *d >= 0.0);
        let number = number.ok_or_else(|| wrong(text, Reason::Distance))?;
        let factor = metres(unit).ok_or_else(|| wrong(unit, Reason::Unit))?;
        Ok(Filter::Distance { within: e.name == "DWithin", geometry, crs, metres: number * factor })
    }
}

/// Metres in a unit of length: UCUM codes, names, EPSG urns, and the URIs of old GML.
pub fn metres(unit: &str) -> Option<f64> {
    let unit = unit.trim();
    let code = unit.rsplit([':', '/', '#']).next().unwrap_or(unit);
    Some(match code.to_ascii_lowercase().as_str() {
        "m" | "metre" | "metres" | "meter" | "meters" | "9001" => 1.0,
        "km" | "kilometre" | "kilometres" | "kilometer" | "kilometers" | "9036" => 1000.0,
        "cm" | "centimetre" | "centimeter" | "1033" => 0.01,
        "mm" | "millimetre" | "millimeter" | "1025" => 0.001,
        "[mi_i]" | "mi" | "mile" | "miles" | "statute miles" | "9093" => 1609.344,
        "[nmi_i]" | "nmi" | "nautical miles" | "nautical mile" | "9030" => 1852.0,
        "[ft_i]" | "ft" | "foot" | "feet" | "9002" => 0.3048,
        "[yd_i]" | "yd" | "yard" | "yards" | "9096" => 0.9144,
        "[in_i]" | "in" | "inch" | "inches" => 0.0254,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_length() {
        for (unit, expected) in [
            ("m", Some(1.0)),
            ("km", Some(1000.0)),
            ("urn:ogc:def:uom:EPSG::9001", Some(1.0)),
            ("http://www.opengis.net/def/uom/UCUM/0/km", Some(1000.0)),
            ("[mi_i]", Some(1609.344)),
            ("nautical miles", Some(1852.0)),
            ("deg", None),
            ("", None),
        ] {
            assert_eq!(metres(unit), expected, "{unit}");
        }
    }
}
