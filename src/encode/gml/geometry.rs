//! Geometry of a feature as a GML property, all tags made beforehand.

use super::Dialect;
use crate::encode::number::fixed;
use crate::encode::positions::Positions;
use crate::geo::GeometryKind;
use crate::store::GeometryTable;

/// Name of the XML schema type of a geometry property (prefix `gml`).
pub fn property_type(kind: GeometryKind, dialect: Dialect) -> &'static str {
    match (kind, dialect) {
        (GeometryKind::Point, _) => "gml:PointPropertyType",
        (GeometryKind::MultiPoint, _) => "gml:MultiPointPropertyType",
        (GeometryKind::MultiLineString, Dialect::V2) => "gml:MultiLineStringPropertyType",
        (GeometryKind::MultiLineString, _) => "gml:MultiCurvePropertyType",
        (GeometryKind::MultiPolygon, Dialect::V2) => "gml:MultiPolygonPropertyType",
        (GeometryKind::MultiPolygon, _) => "gml:MultiSurfacePropertyType",
    }
}

/// Names of a geometry kind in a dialect: aggregate, member property, member.
fn names(kind: GeometryKind, dialect: Dialect) -> (&'static str, &'static str, &'static str) {
    match (kind, dialect) {
        (GeometryKind::Point, _) => ("", "", "gml:Point"),
        (GeometryKind::MultiPoint, _) => ("gml:MultiPoint", "gml:pointMember", "gml:Point"),
        (GeometryKind::MultiLineString, Dialect::V2) => {
            ("gml:MultiLineString", "gml:lineStringMember", "gml:LineString")
        }
        (GeometryKind::MultiLineString, _) => ("gml:MultiCurve", "gml:curveMember", "gml:LineString"),
        (GeometryKind::MultiPolygon, Dialect::V2) => ("gml:MultiPolygon", "gml:polygonMember", "gml:Polygon"),
        (GeometryKind::MultiPolygon, _) => ("gml:MultiSurface", "gml:surfaceMember", "gml:Polygon"),
    }
}

/// Writes `<p:geom>...</p:geom>`.
pub struct GeometryWriter {
    kind: GeometryKind,
    dialect: Dialect,
    positions: Positions,
    /// `<p:geom>`, and `</p:geom>`.
    element: (String, String),
    aggregate: &'static str,
    property: &'static str,
    member: &'static str,
    /// ` srsName="..." srsDimension="2"`
    reference: String,
}

impl GeometryWriter {
    /// A writer for a geometry property of this qualified name; empty: the geometry alone.
    pub fn new(element: &str, kind: GeometryKind, positions: Positions, srs_name: &str, dialect: Dialect) -> Self {
        let (aggregate, property, member) = names(kind, dialect);
        let mut reference = String::from(" srsName=\"");
        crate::filter::fes::xml::escape(srs_name, &mut reference);
        reference.push('"');
        if dialect != Dialect::V2 {
            reference.push_str(" srsDimension=\"2\"");
        }
        let element = match element {
            "" => Default::default(),
            name => (format!("<{name}>"), format!("</{name}>")),
        };
        GeometryWriter { kind, dialect, positions, element, aggregate, property, member, reference }
    }

    /// Writes the geometry of a feature; `id` is the feature's `gml:id`, from which those of its geometry are made
    /// (`_g.` before it: no feature identifier begins so), or `None` where GML demands none.
    pub fn write(&self, table: &GeometryTable, feature: u32, id: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.element.0.as_bytes());
        if self.aggregate.is_empty() {
            for rings in table.parts(feature).take(1) {
                self.member(table, rings, id, None, out);
            }
        } else {
            self.open(self.aggregate, id, None, true, out);
            for (n, rings) in table.parts(feature).enumerate() {
                tag(b"<", self.property, out);
                self.member(table, rings, id, Some(n), out);
                tag(b"</", self.property, out);
            }
            tag(b"</", self.aggregate, out);
        }
        out.extend_from_slice(self.element.1.as_bytes());
    }

    /// Start tag of a geometry; only the outermost carries `srsName`.
    fn open(&self, name: &str, id: Option<&str>, number: Option<usize>, outermost: bool, out: &mut Vec<u8>) {
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        if let Some(id) = id {
            out.extend_from_slice(b" gml:id=\"_g");
            if let Some(n) = number {
                out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            }
            out.push(b'.');
            out.extend_from_slice(id.as_bytes());
            out.push(b'"');
        }
        if outermost {
            out.extend_from_slice(self.reference.as_bytes());
        }
        out.push(b'>');
    }

    fn member(
        &self,
        table: &GeometryTable,
        rings: std::ops::Range<u32>,
        id: Option<&str>,
        number: Option<usize>,
        out: &mut Vec<u8>,
    ) {
        self.open(self.member, id, number, number.is_none(), out);
        match (self.kind, self.dialect) {
            (GeometryKind::MultiPolygon, dialect) => {
                let (outer, inner) = match dialect {
                    Dialect::V2 => ("gml:outerBoundaryIs", "gml:innerBoundaryIs"),
                    _ => ("gml:exterior", "gml:interior"),
                };
                for (n, ring) in rings.enumerate() {
                    let name = if n == 0 { outer } else { inner };
                    tag(b"<", name, out);
                    out.extend_from_slice(b"<gml:LinearRing>");
                    self.list("gml:posList", table, table.ring(ring), out);
                    out.extend_from_slice(b"</gml:LinearRing>");
                    tag(b"</", name, out);
                }
            }
            (GeometryKind::MultiLineString, _) => {
                for ring in rings.take(1) {
                    self.list("gml:posList", table, table.ring(ring), out);
                }
            }
            (GeometryKind::Point | GeometryKind::MultiPoint, _) => {
                for ring in rings.take(1) {
                    self.list("gml:pos", table, table.ring(ring), out);
                }
            }
        }
        tag(b"</", self.member, out);
    }

    fn list(&self, name: &str, table: &GeometryTable, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        let (name, between) = match self.dialect {
            Dialect::V2 => ("gml:coordinates", b','),
            _ => (name, b' '),
        };
        tag(b"<", name, out);
        let decimals = self.positions.decimals();
        for (n, at) in range.enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            let [a, b] = self.positions.get(table, at);
            fixed(a, decimals, out);
            out.push(between);
            fixed(b, decimals, out);
        }
        tag(b"</", name, out);
    }
}

fn tag(open: &[u8], name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(open);
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}
