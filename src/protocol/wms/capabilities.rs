//! GetCapabilities (06-042 §7.2): what this client may ask, in 1.3.0 and 1.1.1.
//!
//! Layers of other conventions are not hidden: they are not there, because the catalogue of the site does not hold them.

use super::layers;
use super::params::{INFO_FORMATS, LEGEND_FORMATS, MAP_FORMATS, Params, Version, exception_formats};
use super::xml::{XLINK, Xml};
use crate::catalogue::Keyword;
use crate::error::{Error, Result};
use crate::protocol::{Answer, Context, Reply, Site};
use crate::store::Fetched;

/// Writes the capabilities.
pub struct CapabilitiesReply {
    version: Version,
}

impl CapabilitiesReply {
    /// Reads GetCapabilities.
    ///
    /// # Errors
    /// [`Error::UpdateSequence`] as table 4 of §7.2.3.5 says.
    pub fn parse(p: &Params<'_>, site: &Site) -> Result<CapabilitiesReply> {
        if let Some(asked) = p.get("UPDATESEQUENCE") {
            let shown = crate::error::printable(asked);
            if asked == site.update_sequence {
                return Err(Error::UpdateSequence { asked: shown, current: true });
            }
            // The moment of publication stands before the point; what follows names the client's rights.
            let moment = |s: &str| s.split('.').next().and_then(|n| n.parse::<i64>().ok());
            if moment(asked).is_none() || moment(asked) > moment(&site.update_sequence) {
                return Err(Error::UpdateSequence { asked: shown, current: false });
            }
        }
        Ok(CapabilitiesReply { version: p.version })
    }
}

impl Reply for CapabilitiesReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error> {
        let Fetched::Facts { layers: facts, .. } = fetched else { return Err(Error::Internal) };
        let mut xml = Xml::new(self.version);
        let media = match self.version {
            Version::V130 => {
                xml.open(
                    "WMS_Capabilities",
                    &[
                        ("version", "1.3.0"),
                        ("updateSequence", &context.site.update_sequence),
                        ("xmlns", "http://www.opengis.net/wms"),
                        ("xmlns:xlink", XLINK),
                        ("xmlns:sld", "http://www.opengis.net/sld"),
                        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
                        (
                            "xsi:schemaLocation",
                            "http://www.opengis.net/wms http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd \
                             http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd",
                        ),
                    ],
                );
                "text/xml; charset=utf-8"
            }
            Version::V111 => {
                xml.line(
                    "<!DOCTYPE WMT_MS_Capabilities SYSTEM \
                     \"http://schemas.opengis.net/wms/1.1.1/WMS_MS_Capabilities.dtd\">",
                );
                let attributes = [("version", "1.1.1"), ("updateSequence", context.site.update_sequence.as_str())];
                xml.open("WMT_MS_Capabilities", &attributes);
                "application/vnd.ogc.wms_xml"
            }
        };
        service(&mut xml, context);
        xml.open("Capability", &[]);
        requests(&mut xml, context);
        xml.open("Exception", &[]);
        for (name, _) in exception_formats(self.version) {
            xml.leaf("Format", name);
        }
        xml.close();
        if self.version == Version::V111 {
            let none = [("SupportSLD", "0"), ("UserLayer", "0"), ("UserStyle", "0"), ("RemoteWFS", "0")];
            xml.empty("UserDefinedSymbolization", &none);
        }
        layers::tree(&mut xml, &facts, context);
        xml.close();
        xml.close();
        Ok(Answer::ok(media, xml.finish()))
    }
}

fn service(xml: &mut Xml, context: &Context) {
    let french = context.french;
    let site = &context.site;
    let service = &site.catalogue.service;
    xml.open("Service", &[]);
    xml.leaf("Name", if xml.version == Version::V130 { "WMS" } else { "OGC:WMS" });
    xml.leaf("Title", service.title.get(french));
    xml.leaf("Abstract", service.summary.get(french));
    xml.keywords(&Keyword::all(&service.keywords, french));
    xml.resource(&context.base_url);
    let provider = &service.provider;
    xml.open("ContactInformation", &[]);
    xml.open("ContactPersonPrimary", &[]);
    xml.leaf("ContactPerson", &provider.contact);
    xml.leaf("ContactOrganization", &provider.name);
    xml.close();
    xml.leaf("ContactPosition", &provider.position);
    xml.open("ContactAddress", &[]);
    xml.leaf("AddressType", "postal");
    xml.leaf("Address", &provider.address);
    xml.leaf("City", &provider.city);
    xml.leaf("StateOrProvince", "");
    xml.leaf("PostCode", &provider.postcode);
    xml.leaf("Country", &provider.country);
    xml.close();
    if !provider.phone.is_empty() {
        xml.leaf("ContactVoiceTelephone", &provider.phone);
    }
    xml.leaf("ContactElectronicMailAddress", &provider.email);
    xml.close();
    // The word the standard reserves for it (§7.2.4.3).
    xml.leaf("Fees", or_none(site.terms.fees(french)));
    xml.leaf("AccessConstraints", or_none(site.terms.constraints(french)));
    if xml.version == Version::V130 {
        xml.leaf("LayerLimit", &site.limits.layers.to_string());
        xml.leaf("MaxWidth", &site.limits.image_side.to_string());
        xml.leaf("MaxHeight", &site.limits.image_side.to_string());
    }
    xml.close();
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn requests(xml: &mut Xml, context: &Context) {
    let address = format!("{}/wms?", context.base_url);
    // In 1.3.0 it is the profile's own element (05-078r4 §8).
    let legend = if xml.version == Version::V130 { "sld:GetLegendGraphic" } else { "GetLegendGraphic" };
    let capabilities = if xml.version == Version::V130 { "text/xml" } else { "application/vnd.ogc.wms_xml" };
    let operations: [(&str, Vec<&str>); 4] = [
        ("GetCapabilities", vec![capabilities]),
        ("GetMap", MAP_FORMATS.iter().map(|f| f.0).collect()),
        ("GetFeatureInfo", INFO_FORMATS.iter().map(|f| f.0).collect()),
        (legend, LEGEND_FORMATS.iter().map(|f| f.0).collect()),
    ];
    xml.open("Request", &[]);
    for (name, formats) in operations {
        xml.open(name, &[]);
        formats.iter().for_each(|f| xml.leaf("Format", f));
        ["DCPType", "HTTP", "Get"].iter().for_each(|n| xml.open(n, &[]));
        xml.resource(&address);
        (0..4).for_each(|_| xml.close());
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::filter::fes::xml::{Element, XmlLimits};
    use crate::protocol::Site;
    use crate::protocol::wms::testing::{self, site, world};
    use std::sync::Arc;

    const LIMITS: XmlLimits = XmlLimits { depth: 64, elements: 100_000, bytes: 10_000_000 };

    fn document(query: &str, site: Site) -> (String, Element) {
        let (answer, body) = testing::answer_for(query, &world(), site);
        // The reader refuses document types, rightly; 1.1.1 has one.
        let text = String::from_utf8(body).unwrap();
        let plain = text.lines().filter(|l| !l.starts_with("<!DOCTYPE")).collect::<Vec<_>>().join("\n");
        (answer.content_type, Element::parse(plain.as_bytes(), LIMITS).unwrap())
    }

    fn named<'e>(e: &'e Element, found: &mut Vec<&'e Element>) {
        if e.name == "Layer" && e.child("Name").is_some() {
            found.push(e);
        }
        e.children.iter().for_each(|c| named(c, found));
    }

    fn layers(root: &Element) -> Vec<&Element> {
        let mut found = Vec::new();
        named(root, &mut found);
        found
    }

    #[test]
    fn axes_of_boxes_follow_the_version() {
        let corner = |version: &str, attribute: &str, crs: &str| {
            let (_, root) = document(&format!("SERVICE=WMS&REQUEST=GetCapabilities&VERSION={version}"), site());
            let layers = layers(&root);
            let layer = layers.iter().find(|l| l.child("Name").unwrap().text == "parc_commune").unwrap();
            let boxes: Vec<_> = layer.all("BoundingBox").filter(|b| b.attribute(attribute) == Some(crs)).collect();
            assert_eq!(boxes.len(), 1, "one box a CRS");
            boxes[0].attribute("minx").unwrap().parse::<f64>().unwrap()
        };
        assert_eq!(corner("1.3.0", "CRS", "EPSG:4326"), 50.499);
        assert_eq!(corner("1.3.0", "CRS", "CRS:84"), 2.788);
        assert_eq!(corner("1.3.0", "CRS", "EPSG:2154"), 685_000.0);
        assert_eq!(corner("1.1.1", "SRS", "EPSG:4326"), 2.788);
        assert!((corner("1.3.0", "CRS", "EPSG:3950") - 1_685_000.0).abs() < 3000.0);
    }

    #[test]
    fn every_layer_and_style_of_the_client_stands_there_and_no_other() {
        let whole = site();
        let catalogue = whole.catalogue.restricted(|l| l.name.starts_with("parc"), |_, f| f.sensitive.is_none());
        let part = Site { catalogue: Arc::new(catalogue), ..whole.clone() };
        for (site, version) in [(whole, "1.3.0"), (part.clone(), "1.3.0"), (part, "1.1.1")] {
            let query = format!("SERVICE=WMS&REQUEST=GetCapabilities&VERSION={version}");
            let (_, root) = document(&query, site.clone());
            let names: Vec<_> = layers(&root).iter().map(|l| l.child("Name").unwrap().text.clone()).collect();
            let expected: Vec<_> = site
                .catalogue
                .groups
                .iter()
                .flat_map(|g| site.catalogue.layers().iter().filter(|l| l.group == g.name))
                .map(|l| l.name.clone())
                .collect();
            assert_eq!(names, expected);
            let mut styles = 0;
            for layer in layers(&root) {
                let known = site.catalogue.layer(&layer.child("Name").unwrap().text).unwrap();
                for style in layer.all("Style") {
                    let name = &style.child("Name").unwrap().text;
                    assert!(site.styles.get(known, Some(name)).is_some(), "{name}");
                    let legend = style.child("LegendURL").unwrap();
                    assert!(legend.attribute("width").unwrap().parse::<u32>().unwrap() > 20);
                    styles += 1;
                }
            }
            assert!(styles >= names.len());
        }
    }

    #[test]
    fn the_terms_stand_in_access_constraints() {
        let (media, root) = document("SERVICE=WMS&REQUEST=GetCapabilities", site());
        assert_eq!(media, "text/xml; charset=utf-8");
        assert_eq!(root.attribute("version"), Some("1.3.0"));
        let service = root.child("Service").unwrap();
        let text = &service.child("AccessConstraints").unwrap().text;
        assert_eq!(text, "Usage interne");
        assert_eq!(
            document("SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1", site()).0,
            "application/vnd.ogc.wms_xml"
        );
    }

    #[test]
    fn update_sequences_are_compared() {
        let ask = |value: &str| {
            let query = format!("SERVICE=WMS&REQUEST=GetCapabilities&UPDATESEQUENCE={value}");
            testing::parse(&query, site()).err().map(|f| f.error)
        };
        let wrong = |asked: &str, current| Some(Error::UpdateSequence { asked: asked.into(), current });
        assert_eq!(ask("1700000000000.00000000000000aa"), wrong("1700000000000.00000000000000aa", true));
        assert_eq!(ask("1800000000000.00"), wrong("1800000000000.00", false));
        assert_eq!(ask("demain"), wrong("demain", false));
        assert_eq!(ask("1600000000000.00000000000000aa"), None);
        // The same publication seen with other rights: the copy is not current.
        assert_eq!(ask("1700000000000.00000000000000bb"), None);
    }

    #[test]
    fn vintages_are_a_dimension() {
        let (_, root) = document("SERVICE=WMS&REQUEST=GetCapabilities", site());
        let layers = layers(&root);
        let dimension = |name: &str| {
            let layer = layers.iter().find(|l| l.child("Name").unwrap().text == name).unwrap();
            layer.child("Dimension").map(|d| (d.text.clone(), d.attribute("default").map(str::to_owned)))
        };
        assert_eq!(dimension("parc_commune_evolution"), Some(("2022,2023,2024".into(), Some("2024".into()))));
        assert_eq!(dimension("parc_commune"), None);
    }
}
