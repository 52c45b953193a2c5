//! GML geometry of every form that clients send ▶ [`Geometry`].
//!
//! GML 2.1.2 (`Box`, `coordinates`, `outerBoundaryIs`), 3.1.1 and 3.2 (`Envelope`, `pos`, `posList`, curves of segments,
//! surfaces of patches, aggregates). Arcs and circles become line strings; curves that need calculus are refused.

use super::curve::{arc_string, circle, circle_by_centre};
use super::xml::Element;
use super::{Reader, read_crs, wrong};
use crate::error::{Error, Reason};
use crate::geo::{Axes, Crs, Envelope, Geometry, Position};

/// How the coordinates of an element are to be read; inherited by what stands inside.
#[derive(Debug, Clone, Copy)]
struct Frame {
    crs: Crs,
    axes: Axes,
    dimension: usize,
}

/// Geometry elements that a filter may hold (with prefix `gml`), those of GML 3 first.
pub const GEOMETRIES: [&str; 24] = [
    "Envelope",
    "Point",
    "LineString",
    "LinearRing",
    "Ring",
    "Curve",
    "OrientableCurve",
    "CompositeCurve",
    "Polygon",
    "Surface",
    "OrientableSurface",
    "PolyhedralSurface",
    "TriangulatedSurface",
    "Tin",
    "CompositeSurface",
    "MultiPoint",
    "MultiCurve",
    "MultiSurface",
    "MultiGeometry",
    "Rectangle",
    "Triangle",
    "Box",
    "MultiLineString",
    "MultiPolygon",
];

/// True for names of geometry elements.
pub(super) fn is_geometry(name: &str) -> bool {
    GEOMETRIES.contains(&name)
}

/// Reads a geometry element that stands alone (a stored query's argument, a test).
///
/// # Errors
/// [`Error::Invalid`], [`Error::Crs`], [`Error::Limit`].
pub fn read_geometry(e: &Element, scene: super::Scene<'_>) -> Result<(Geometry, Crs), Error> {
    Reader::new(scene).geometry(e, super::default_crs(scene.layer))
}

impl Reader<'_> {
    /// Reads a geometry; `default` is used where no `srsName` is given.
    pub(super) fn geometry(&self, e: &Element, default: (Crs, Axes)) -> Result<(Geometry, Crs), Error> {
        let frame = Frame { crs: default.0, axes: default.1, dimension: 2 };
        // An aggregate may name its CRS on its members alone.
        let frame = match e.attribute("srsName") {
            Some(_) => frame,
            None => match first_crs(e) {
                Some(name) => self.named(frame, name)?,
                None => frame,
            },
        };
        let (geometry, crs) = self.any(e, frame)?;
        if crs != frame.crs && e.attribute("srsName").is_none() {
            return Err(wrong(&e.name, Reason::MixedCrs));
        }
        Ok((geometry, crs))
    }

    fn named(&self, frame: Frame, name: &str) -> Result<Frame, Error> {
        let (crs, axes) = read_crs(name, self.scene.axes)?;
        Ok(Frame { crs, axes, ..frame })
    }

    fn frame(&self, e: &Element, outer: Frame) -> Result<Frame, Error> {
        let mut frame = match e.attribute("srsName") {
            Some(name) => self.named(outer, name)?,
            None => outer,
        };
        if let Some(d) = e.attribute("srsDimension").or_else(|| e.attribute("dimension")) {
            frame.dimension = match d.trim() {
                "2" => 2,
                "3" => 3,
                other => return Err(wrong(other, Reason::OneOf("2, 3".into()))),
            };
        }
        Ok(frame)
    }

    fn any(&self, e: &Element, outer: Frame) -> Result<(Geometry, Crs), Error> {
        let frame = self.frame(e, outer)?;
        let members = |names: &[&str]| members(e, names);
        let geometry = match e.name.as_str() {
            "Envelope" | "Box" => Geometry::Envelope(self.envelope(e, frame)?),
            "Point" => match self.positions(e, frame)?.as_slice() {
                [one] => Geometry::Point(*one),
                _ => return Err(wrong("Point", Reason::OnePosition)),
            },
            "LineString" | "Curve" | "OrientableCurve" | "CompositeCurve" | "LinearRing" | "Ring" => {
                Geometry::LineString(self.line(e, outer)?)
            }
            "Polygon" | "Rectangle" | "Triangle" | "PolygonPatch" => Geometry::Polygon(self.polygon(e, outer)?),
            "Surface"
            | "OrientableSurface"
            | "PolyhedralSurface"
            | "TriangulatedSurface"
            | "Tin"
            | "CompositeSurface" => {
                let mut polygons = self.surface(e, outer)?;
                match polygons.len() {
                    1 => Geometry::Polygon(polygons.remove(0)),
                    _ => Geometry::MultiPolygon(polygons),
                }
            }
            "MultiPoint" => {
                let points = members(&["pointMember", "pointMembers"]);
                let points = points.iter().map(|p| match self.any(p, frame)?.0 {
                    Geometry::Point(p) => Ok(p),
                    _ => Err(wrong("MultiPoint", Reason::PointsOnly)),
                });
                Geometry::MultiPoint(points.collect::<Result<_, Error>>()?)
            }
            "MultiCurve" | "MultiLineString" => {
                let lines = members(&["curveMember", "curveMembers", "lineStringMember"]);
                Geometry::MultiLineString(lines.iter().map(|l| self.line(l, frame)).collect::<Result<_, _>>()?)
            }
            "MultiSurface" | "MultiPolygon" => {
                let mut polygons = Vec::new();
                for s in members(&["surfaceMember", "surfaceMembers", "polygonMember"]) {
                    polygons.extend(self.surface(s, frame)?);
                }
                Geometry::MultiPolygon(polygons)
            }
            "MultiGeometry" => {
                let inside = members(&["geometryMember", "geometryMembers"]);
                Geometry::Collection(inside.iter().map(|g| Ok(self.any(g, frame)?.0)).collect::<Result<_, Error>>()?)
            }
            other => return Err(wrong(other, Reason::UnknownGeometry)),
        };
        let empty = match &geometry {
            Geometry::MultiPoint(p) => p.is_empty(),
            Geometry::MultiLineString(l) => l.is_empty(),
            Geometry::MultiPolygon(p) => p.is_empty(),
            Geometry::Collection(g) => g.is_empty(),
            _ => false,
        };
        if empty {
            return Err(wrong(&e.name, Reason::EmptyGeometry));
        }
        Ok((geometry, frame.crs))
    }

    fn envelope(&self, e: &Element, frame: Frame) -> Result<Envelope, Error> {
        let corners = match (e.child("lowerCorner"), e.child("upperCorner")) {
            (Some(a), Some(b)) => {
                let mut corners = self.list(a, frame)?;
                corners.extend(self.list(b, frame)?);
                corners
            }
            _ => self.positions(e, frame)?,
        };
        let [a, b] = corners.as_slice() else { return Err(wrong(&e.name, Reason::TwoCorners)) };
        Envelope::new(a[0], a[1], b[0], b[1]).ok_or_else(|| wrong(&e.name, Reason::Corners))
    }

    /// Positions of a curve of any kind.
    fn line(&self, e: &Element, outer: Frame) -> Result<Vec<Position>, Error> {
        let frame = self.frame(e, outer)?;
        let joined = |parts: Vec<Vec<Position>>| {
            let mut line: Vec<Position> = Vec::new();
            for part in parts {
                let skip = usize::from(line.last().is_some() && line.last() == part.first());
                line.extend(part.into_iter().skip(skip));
            }
            line
        };
        let line = match e.name.as_str() {
            "LineString" | "LinearRing" => self.positions(e, frame)?,
            "Curve" => {
                let segments =
                    e.child("segments").ok_or_else(|| wrong("Curve", Reason::AddElement("segments".into())))?;
                joined(segments.children.iter().map(|s| self.segment(s, frame)).collect::<Result<_, _>>()?)
            }
            "CompositeCurve" | "Ring" => {
                let members = e.all("curveMember").flat_map(|m| m.children.iter());
                joined(members.map(|c| self.line(c, frame)).collect::<Result<_, _>>()?)
            }
            "OrientableCurve" => {
                let base = e.child("baseCurve").and_then(|b| b.children.first());
                let mut line =
                    self.line(base.ok_or_else(|| wrong(&e.name, Reason::AddElement("baseCurve".into())))?, frame)?;
                if e.attribute("orientation") == Some("-") {
                    line.reverse();
                }
                line
            }
            other => return Err(wrong(other, Reason::CurveNeeded)),
        };
        if line.len() < 2 {
            return Err(wrong(&e.name, Reason::TwoPositions));
        }
        Ok(line)
    }

    fn segment(&self, e: &Element, frame: Frame) -> Result<Vec<Position>, Error> {
        let frame = self.frame(e, frame)?;
        let number = |name: &str| {
            let text = e.child(name).map(Element::trimmed).unwrap_or_default();
            text.parse::<f64>()
                .ok()
                .filter(|v| v.is_finite())
                .ok_or_else(|| wrong(&e.name, Reason::NumberOf(name.to_owned())))
        };
        let bad = |reason: Reason| wrong(&e.name, reason);
        let made = match e.name.as_str() {
            // A geodesic differs from the straight line by less than the data's precision at this extent.
            "LineStringSegment" | "Geodesic" | "GeodesicString" => return self.positions(e, frame),
            "Arc" | "ArcString" => arc_string(&self.positions(e, frame)?).ok_or_else(|| bad(Reason::OddPositions))?,
            "Circle" => circle(&self.positions(e, frame)?).ok_or_else(|| bad(Reason::ThreePositions))?,
            "CircleByCenterPoint" | "ArcByCenterPoint" => {
                let centre =
                    self.positions(e, frame)?.first().copied().ok_or_else(|| bad(Reason::AddElement("pos".into())))?;
                let radius = number("radius")?;
                let angles = match e.name.as_str() {
                    "ArcByCenterPoint" => Some((number("startAngle")?, number("endAngle")?)),
                    _ => None,
                };
                circle_by_centre(centre, radius, angles).ok_or_else(|| bad(Reason::Radius))?
            }
            other => return Err(wrong(other, Reason::CurveSegment)),
        };
        self.count_positions(made.len())?;
        Ok(made)
    }

    /// Rings of a polygon, the outer one first.
    fn polygon(&self, e: &Element, outer: Frame) -> Result<Vec<Vec<Position>>, Error> {
        let frame = self.frame(e, outer)?;
        let ring = |boundary: &Element| {
            let inside = boundary.children.first().ok_or_else(|| wrong(&boundary.name, Reason::RingNeeded))?;
            let ring = self.line(inside, frame)?;
            if ring.len() < 4 || ring.first() != ring.last() {
                return Err(wrong(&inside.name, Reason::Ring));
            }
            Ok(ring)
        };
        let exterior = e.child("exterior").or_else(|| e.child("outerBoundaryIs"));
        let mut rings = vec![ring(exterior.ok_or_else(|| wrong(&e.name, Reason::OuterBoundary))?)?];
        for hole in e.children.iter().filter(|c| matches!(c.name.as_str(), "interior" | "innerBoundaryIs")) {
            rings.push(ring(hole)?);
        }
        Ok(rings)
    }

    /// Polygons of a surface of any kind.
    fn surface(&self, e: &Element, outer: Frame) -> Result<Vec<Vec<Vec<Position>>>, Error> {
        let frame = self.frame(e, outer)?;
        let inside: Vec<&Element> = match e.name.as_str() {
            "Polygon" | "PolygonPatch" | "Rectangle" | "Triangle" => return Ok(vec![self.polygon(e, outer)?]),
            "Surface" | "PolyhedralSurface" | "TriangulatedSurface" | "Tin" => {
                let patches = e
                    .children
                    .iter()
                    .filter(|c| matches!(c.name.as_str(), "patches" | "polygonPatches" | "trianglePatches"));
                patches.flat_map(|p| p.children.iter()).collect()
            }
            "CompositeSurface" => e.all("surfaceMember").flat_map(|m| m.children.iter()).collect(),
            "OrientableSurface" => e.child("baseSurface").map(|b| b.children.iter().collect()).unwrap_or_default(),
            other => return Err(wrong(other, Reason::SurfaceNeeded)),
        };
        if inside.is_empty() {
            return Err(wrong(&e.name, Reason::EmptyGeometry));
        }
        let mut polygons = Vec::new();
        for patch in inside {
            polygons.extend(self.surface(patch, frame)?);
        }
        Ok(polygons)
    }

    /// Positions that stand directly in an element: `pos`, `posList`, `coordinates`, `coord`, `pointProperty`.
    fn positions(&self, e: &Element, frame: Frame) -> Result<Vec<Position>, Error> {
        let mut all = Vec::new();
        for child in &e.children {
            match child.name.as_str() {
                "pos" | "posList" => all.extend(self.list(child, frame)?),
                "coordinates" => all.extend(self.coordinates(child, frame)?),
                "coord" => {
                    let axis = |name: &str| child.child(name).map(Element::trimmed).unwrap_or_default();
                    all.push(position(axis("X"), axis("Y"), frame.axes)?);
                    self.count_positions(1)?;
                }
                "pointProperty" | "pointRep" => {
                    for point in &child.children {
                        match self.any(point, frame)?.0 {
                            Geometry::Point(p) => all.push(p),
                            _ => return Err(wrong(&point.name, Reason::PointNeeded)),
                        }
                    }
                }
                _ => {}
            }
        }
        match all.is_empty() {
            true => Err(wrong(&e.name, Reason::Coordinates)),
            false => Ok(all),
        }
    }

    fn list(&self, e: &Element, frame: Frame) -> Result<Vec<Position>, Error> {
        let frame = self.frame(e, frame)?;
        let list = read_position_list(&e.text, frame.dimension, frame.axes)?;
        self.count_positions(list.len())?;
        Ok(list)
    }

    /// GML 2 `coordinates`, with its own separators.
    fn coordinates(&self, e: &Element, frame: Frame) -> Result<Vec<Position>, Error> {
        let separator = |name: &str, default: char| match e.attribute(name) {
            None => Ok(default),
            Some(given) => {
                let mut chars = given.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(c),
                    _ => Err(wrong(given, Reason::OneCharacter(name.to_owned()))),
                }
            }
        };
        let (cs, ts, decimal) = (separator("cs", ',')?, separator("ts", ' ')?, separator("decimal", '.')?);
        let is_between = |c: char| c == ts || (ts == ' ' && c.is_whitespace());
        let mut all = Vec::new();
        for tuple in e.text.split(is_between).filter(|t| !t.trim().is_empty()) {
            let number = |t: Option<&str>| t.unwrap_or_default().trim().replace(decimal, ".");
            let mut parts = tuple.split(cs);
            all.push(position(&number(parts.next()), &number(parts.next()), frame.axes)?);
        }
        self.count_positions(all.len())?;
        Ok(all)
    }
}

/// What stands inside the member properties of an aggregate.
fn members<'e>(e: &'e Element, names: &[&str]) -> Vec<&'e Element> {
    let own = e.children.iter().filter(|c| names.contains(&c.name.as_str()));
    own.flat_map(|c| c.children.iter()).collect()
}

/// The first `srsName` inside an element.
fn first_crs(e: &Element) -> Option<&str> {
    e.attribute("srsName").or_else(|| e.children.iter().find_map(first_crs))
}

fn position(a: &str, b: &str, axes: Axes) -> Result<Position, Error> {
    let number =
        |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(|| wrong(text, Reason::Number));
    let (a, b) = (number(a)?, number(b)?);
    Ok(match axes {
        Axes::EastNorth => [a, b],
        Axes::NorthEast => [b, a],
    })
}

/// Numbers with white space between ▶ positions, `[x, y]`; a third coordinate is dropped.
///
/// # Errors
/// [`Error::Invalid`].
pub fn read_position_list(text: &str, dimension: usize, axes: Axes) -> Result<Vec<Position>, Error> {
    let numbers: Vec<&str> = text.split_whitespace().collect();
    // A position of three numbers without srsDimension is common and cannot mean anything else.
    let dimension = if numbers.len() == 3 { 3 } else { dimension };
    if numbers.is_empty() || !numbers.len().is_multiple_of(dimension) {
        return Err(wrong(text.trim(), Reason::PositionNumbers(dimension)));
    }
    numbers.chunks(dimension).map(|c| position(c[0], c[1], axes)).collect()
}
