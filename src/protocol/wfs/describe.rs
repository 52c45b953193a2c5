//! DescribeFeatureType: a GML application schema out of the restricted catalogue.
//!
//! Types are written as GML's simple features profile wants and as ArcGIS, GDAL, QGIS and ogc-client read them:
//! `complexType/complexContent/extension/sequence/element`, built-in types with the prefix `xsd`. Every element has
//! `minOccurs="0"`, so that an answer with chosen properties is valid as it is; what can be NULL is `nillable`.

use super::format::Format;
use super::request::DescribeFeatureType;
use super::version::Version;
use super::{links, names};
use crate::catalogue::{Catalogue, FieldKind, Layer, LayerId};
use crate::encode::gml::{Dialect, property_type};
use crate::error::{Error, Result};
use crate::filter::fes::xml::escape;
use crate::protocol::{Answer, Context, Reply, Site};
use crate::store::Fetched;

/// Answers DescribeFeatureType.
pub(super) struct DescribeReply {
    pub layers: Vec<LayerId>,
    pub dialect: Dialect,
}

/// Reads the request: the layers and the dialect of the schema.
pub(super) fn plan(request: &DescribeFeatureType, version: Version, site: &Site) -> Result<DescribeReply> {
    let Format::Gml(dialect) = Format::find(request.format.as_deref(), version)? else {
        return Err(Error::Format { name: request.format.clone().unwrap_or_default() });
    };
    let mut layers = Vec::new();
    for name in &request.types {
        let id = names::layer(&site.catalogue, name)?.id;
        if !layers.contains(&id) {
            layers.push(id);
        }
    }
    if request.types.is_empty() {
        layers.extend(site.catalogue.layers().iter().map(|l| l.id));
    }
    Ok(DescribeReply { layers, dialect })
}

impl Reply for DescribeReply {
    fn answer(self: Box<Self>, _fetched: Fetched, context: &Context) -> Result<Answer> {
        let catalogue = &context.site.catalogue;
        let layers: Vec<&Layer> = self.layers.iter().filter_map(|id| catalogue.layer_by_id(*id)).collect();
        let media = match self.dialect {
            Dialect::V32 => "application/gml+xml; version=3.2; charset=utf-8",
            Dialect::V31 => "text/xml; subtype=gml/3.1.1; charset=utf-8",
            Dialect::V2 => "text/xml; charset=utf-8",
        };
        Ok(Answer::ok(media, schema(catalogue, &layers, self.dialect).into_bytes()))
    }
}

/// Where the schema of GML itself lies.
pub(super) fn gml_schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::V32 => "http://schemas.opengis.net/gml/3.2.1/gml.xsd",
        Dialect::V31 => "http://schemas.opengis.net/gml/3.1.1/base/gml.xsd",
        Dialect::V2 => "http://schemas.opengis.net/gml/2.1.2/feature.xsd",
    }
}

fn schema(catalogue: &Catalogue, layers: &[&Layer], dialect: Dialect) -> String {
    let prefix = &catalogue.service.prefix;
    let mut namespace = String::new();
    escape(&catalogue.service.namespace, &mut namespace);
    let gml = dialect.namespace();
    let location = gml_schema(dialect);
    let abstract_type = "gml:AbstractFeatureType";
    let group = match dialect {
        Dialect::V32 => "gml:AbstractFeature",
        Dialect::V31 | Dialect::V2 => "gml:_Feature",
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:gml=\"{gml}\" \
         xmlns:{prefix}=\"{namespace}\" targetNamespace=\"{namespace}\" elementFormDefault=\"qualified\">\n  \
         <xsd:import namespace=\"{gml}\" schemaLocation=\"{location}\"/>\n"
    );
    for layer in layers {
        let name = &layer.name;
        xml.push_str(&format!(
            "  <xsd:element name=\"{name}\" type=\"{prefix}:{name}Type\" substitutionGroup=\"{group}\"/>\n  \
             <xsd:complexType name=\"{name}Type\">\n    <xsd:complexContent>\n      \
             <xsd:extension base=\"{abstract_type}\">\n        <xsd:sequence>\n"
        ));
        for field in &layer.fields {
            let kind = if Some(field.id) == layer.object_id { "xsd:int" } else { xsd_type(field.kind) };
            let nillable = if field.nullable { " nillable=\"true\"" } else { "" };
            xml.push_str(&format!(
                "          <xsd:element name=\"{}\" type=\"{kind}\" minOccurs=\"0\"{nillable}/>\n",
                field.name
            ));
        }
        xml.push_str(&format!(
            "          <xsd:element name=\"{}\" type=\"{}\" minOccurs=\"0\"/>\n",
            layer.geometry_column,
            property_type(layer.geometry, dialect)
        ));
        xml.push_str(
            "        </xsd:sequence>\n      </xsd:extension>\n    </xsd:complexContent>\n  </xsd:complexType>\n",
        );
    }
    xml.push_str("</xsd:schema>\n");
    xml
}

/// Built-in type of a field. Whole numbers are `xsd:integer`: clients read it like `xsd:int` and `xsd:long`, and it is the
/// only one that the official suite (ets-wfs20 1.25) can compare. The integer identifier alone is `xsd:int`, which says
/// that it fits 32 bits.
fn xsd_type(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "xsd:string",
        FieldKind::Int | FieldKind::Long => "xsd:integer",
        FieldKind::Double => "xsd:double",
        FieldKind::DateTime => "xsd:dateTime",
    }
}

/// Address of the schema of some layers: what `xsi:schemaLocation` names.
pub(super) fn address(
    base: &str,
    version: Version,
    dialect: Dialect,
    catalogue: &Catalogue,
    layers: &[&str],
) -> String {
    let names: Vec<String> = layers.iter().map(|l| format!("{}:{l}", catalogue.service.prefix)).collect();
    let mut pairs = vec![
        ("SERVICE", "WFS".to_owned()),
        ("VERSION", version.number().to_owned()),
        ("REQUEST", "DescribeFeatureType".to_owned()),
        (if version.is_2() { "TYPENAMES" } else { "TYPENAME" }, names.join(",")),
    ];
    if dialect != version.dialect() {
        pairs.push(("OUTPUTFORMAT", Format::Gml(dialect).short().to_owned()));
    }
    links::address(base, &pairs)
}
