//! GetCapabilities (07-057r7 §7.1).

use crate::catalogue::{Layer, Vintages};
use crate::error::Error;
use crate::geo::tms::TILE_MATRIX_SETS;
use crate::geo::{Axes, TileMatrixSet};
use crate::protocol::wms::params::{INFO_FORMATS, MAP_FORMATS, Version};
use crate::protocol::wms::xml::{XLINK, Xml};
use crate::protocol::{Answer, Context, Reply};
use crate::store::{Fetched, LayerFacts};

/// Writes the capabilities.
pub struct CapabilitiesReply;

impl Reply for CapabilitiesReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error> {
        let Fetched::Facts { layers: facts, .. } = fetched else { return Err(Error::Internal) };
        let catalogue = &context.site.catalogue;
        let mut xml = Xml::new(Version::V130);
        let attributes = [
            ("version", "1.0.0"),
            ("updateSequence", context.site.update_sequence.as_str()),
            ("xmlns", "http://www.opengis.net/wmts/1.0"),
            ("xmlns:ows", "http://www.opengis.net/ows/1.1"),
            ("xmlns:xlink", XLINK),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            (
                "xsi:schemaLocation",
                "http://www.opengis.net/wmts/1.0 http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd",
            ),
        ];
        xml.open("Capabilities", &attributes);
        service(&mut xml, context);
        operations(&mut xml, context);
        xml.open("Contents", &[]);
        for l in catalogue.layers() {
            layer(&mut xml, l, facts.iter().find(|f| f.layer == l.id), context);
        }
        for set in &TILE_MATRIX_SETS {
            matrix_set(&mut xml, set, context.french);
        }
        xml.close();
        let address = format!("{}/wmts/1.0.0/WMTSCapabilities.xml", context.base_url);
        xml.empty("ServiceMetadataURL", &[("xlink:href", &address)]);
        xml.close();
        Ok(Answer::ok("application/xml", xml.finish()))
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn service(xml: &mut Xml, context: &Context) {
    let french = context.french;
    let service = &context.site.catalogue.service;
    let terms = &context.site.terms;
    xml.open("ows:ServiceIdentification", &[]);
    xml.leaf("ows:Title", service.title.get(french));
    xml.leaf("ows:Abstract", service.summary.get(french));
    xml.open("ows:Keywords", &[]);
    service.keywords.iter().for_each(|k| xml.leaf("ows:Keyword", k.get(french)));
    xml.close();
    xml.leaf("ows:ServiceType", "OGC WMTS");
    xml.leaf("ows:ServiceTypeVersion", "1.0.0");
    xml.leaf("ows:Fees", or_none(terms.fees(french)));
    xml.leaf("ows:AccessConstraints", or_none(terms.constraints(french)));
    xml.close();
    let provider = &service.provider;
    xml.open("ows:ServiceProvider", &[]);
    xml.leaf("ows:ProviderName", &provider.name);
    xml.empty("ows:ProviderSite", &[("xlink:href", &provider.site)]);
    xml.open("ows:ServiceContact", &[]);
    xml.leaf("ows:IndividualName", &provider.contact);
    xml.leaf("ows:PositionName", &provider.position);
    xml.close();
    xml.close();
}

fn operations(xml: &mut Xml, context: &Context) {
    xml.open("ows:OperationsMetadata", &[]);
    let address = format!("{}/wmts?", context.base_url);
    for name in ["GetCapabilities", "GetTile", "GetFeatureInfo"] {
        xml.open("ows:Operation", &[("name", name)]);
        xml.open("ows:DCP", &[]);
        xml.open("ows:HTTP", &[]);
        xml.open("ows:Get", &[("xlink:href", &address)]);
        xml.open("ows:Constraint", &[("name", "GetEncoding")]);
        xml.open("ows:AllowedValues", &[]);
        xml.leaf("ows:Value", "KVP");
        (0..6).for_each(|_| xml.close());
    }
    xml.close();
}

fn layer(xml: &mut Xml, layer: &Layer, facts: Option<&LayerFacts>, context: &Context) {
    let french = context.french;
    xml.open("Layer", &[]);
    xml.leaf("ows:Title", layer.title.get(french));
    xml.leaf("ows:Abstract", layer.summary.get(french));
    if let Some(e) = facts.and_then(|f| f.extent_84) {
        xml.open("ows:WGS84BoundingBox", &[]);
        xml.leaf("ows:LowerCorner", &format!("{:.7} {:.7}", e.min[0], e.min[1]));
        xml.leaf("ows:UpperCorner", &format!("{:.7} {:.7}", e.max[0], e.max[1]));
        xml.close();
    }
    xml.leaf("ows:Identifier", &layer.name);
    for (i, style) in context.site.styles.visible(layer).enumerate() {
        let default: &[(&str, &str)] = if i == 0 { &[("isDefault", "true")] } else { &[] };
        xml.open("Style", default);
        xml.leaf("ows:Title", style.title.get(french));
        xml.leaf("ows:Identifier", &style.name);
        let legend = format!(
            "{}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER={}&STYLE={}",
            context.base_url, layer.name, style.name
        );
        xml.empty("LegendURL", &[("format", "image/png"), ("xlink:href", &legend)]);
        xml.close();
    }
    MAP_FORMATS.iter().for_each(|(name, _)| xml.leaf("Format", name));
    INFO_FORMATS.iter().for_each(|(name, _)| xml.leaf("InfoFormat", name));
    let vintages = facts.map(|f| f.vintages.as_slice()).unwrap_or_default();
    if let (Vintages::All, Some(newest)) = (layer.vintages, vintages.last()) {
        xml.open("Dimension", &[]);
        xml.leaf("ows:Identifier", "Time");
        xml.leaf("ows:UOM", "ISO8601");
        xml.leaf("Default", &newest.to_string());
        vintages.iter().for_each(|v| xml.leaf("Value", &v.to_string()));
        xml.close();
    }
    for set in &TILE_MATRIX_SETS {
        xml.open("TileMatrixSetLink", &[]);
        xml.leaf("TileMatrixSet", set.id);
        xml.close();
    }
    for (media, extension) in [("image/png", "png"), ("image/jpeg", "jpg")] {
        let template = format!(
            "{}/wmts/1.0.0/{}/{{Style}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}.{extension}",
            context.base_url, layer.name
        );
        xml.empty("ResourceURL", &[("format", media), ("resourceType", "tile"), ("template", &template)]);
    }
    xml.close();
}

fn matrix_set(xml: &mut Xml, set: &TileMatrixSet, french: bool) {
    xml.open("TileMatrixSet", &[]);
    xml.leaf("ows:Title", if french { set.title_fr } else { set.title_en });
    xml.leaf("ows:Identifier", set.id);
    xml.leaf("ows:SupportedCRS", &set.crs.urn());
    // The scale set of annex E.4 is that of this set alone: its levels are the same.
    if set.id == "WebMercatorQuad" {
        xml.leaf("WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible");
    }
    for m in set.matrices() {
        let [x, y] = m.origin;
        let corner = match set.crs.authority_axes() {
            Axes::EastNorth => [x, y],
            Axes::NorthEast => [y, x],
        };
        xml.open("TileMatrix", &[]);
        xml.leaf("ows:Identifier", &m.level.to_string());
        xml.leaf("ScaleDenominator", &m.scale_denominator.to_string());
        xml.leaf("TopLeftCorner", &format!("{} {}", corner[0], corner[1]));
        xml.leaf("TileWidth", &m.tile_size.to_string());
        xml.leaf("TileHeight", &m.tile_size.to_string());
        xml.leaf("MatrixWidth", &m.width.to_string());
        xml.leaf("MatrixHeight", &m.height.to_string());
        xml.close();
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::fes::xml::{Element, XmlLimits};
    use crate::protocol::wms::testing;
    use crate::protocol::{Body, Site};
    use std::sync::Arc;

    #[test]
    fn every_layer_with_its_styles_sets_and_templates() {
        let whole = testing::site();
        let catalogue = whole.catalogue.restricted(|l| l.name.starts_with("parc"), |_, f| f.sensitive.is_none());
        let site = Site { catalogue: Arc::new(catalogue), ..whole };
        let fetched = testing::facts(&site);
        let context = Context {
            site: Arc::new(site.clone()),
            base_url: "https://portail.example".to_owned(),
            download: String::new(),
            now: 0,
            french: true,
        };
        let answer = Box::new(CapabilitiesReply).answer(fetched, &context).unwrap();
        let Body::Bytes(bytes) = answer.body else { panic!("a ready body") };
        let limits = XmlLimits { depth: 20, elements: 100_000, bytes: 10_000_000 };
        let root = Element::parse(&bytes, limits).unwrap();
        let contents = root.child("Contents").unwrap();
        let name = |e: &Element| e.child("Identifier").unwrap().text.clone();
        let names: Vec<_> = contents.all("Layer").map(name).collect();
        assert_eq!(names, site.catalogue.layers().iter().map(|l| l.name.clone()).collect::<Vec<_>>());
        for layer in contents.all("Layer") {
            let defaults = layer.all("Style").filter(|s| s.attribute("isDefault") == Some("true")).count();
            assert_eq!((defaults, layer.all("TileMatrixSetLink").count()), (1, 3));
        }
        assert!(!contents.all("Layer").flat_map(|l| l.all("Style")).any(|s| name(s).contains("loyer")));
        let mercator = contents.all("TileMatrixSet").next().unwrap();
        assert_eq!(mercator.all("TileMatrix").count(), 25);
    }
}
