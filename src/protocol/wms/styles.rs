//! GetStyles (SLD profile of WMS, 05-078r4 §11.2): the styles themselves, as one SLD document.

use super::map;
use super::params::Params;
use crate::catalogue::LayerId;
use crate::error::{Error, Result};
use crate::filter::fes::xml::{Element, XmlLimits, escape};
use crate::protocol::{Answer, Context, Reply, Site};
use crate::store::Fetched;

/// Writes the styles of some layers.
pub struct StylesReply {
    layers: Vec<LayerId>,
}

/// The documents are the server's own.
const LIMITS: XmlLimits = XmlLimits { depth: 64, elements: 50_000, bytes: 4 * 1024 * 1024 };

impl StylesReply {
    /// Reads GetStyles.
    ///
    /// # Errors
    /// Those of its parameters.
    pub fn parse(p: &Params<'_>, site: &Site) -> Result<(Vec<LayerId>, StylesReply)> {
        let layers: Vec<LayerId> = map::layers(p, site, "LAYERS")?.iter().map(|l| l.id).collect();
        Ok((layers.clone(), StylesReply { layers }))
    }
}

impl Reply for StylesReply {
    fn answer(self: Box<Self>, _fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error> {
        let site = &context.site;
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<StyledLayerDescriptor version=\"1.1.0\" \
             xmlns=\"http://www.opengis.net/sld\" xmlns:se=\"http://www.opengis.net/se\">\n",
        );
        for layer in self.layers.iter().filter_map(|l| site.catalogue.layer_by_id(*l)) {
            out.push_str("<NamedLayer><se:Name>");
            escape(&layer.name, &mut out);
            out.push_str("</se:Name>\n");
            for style in site.styles.visible(layer) {
                let document = site.styles.document(layer, &style.name).ok_or(Error::Internal)?;
                let root = Element::parse(document.as_bytes(), LIMITS).map_err(|_| Error::Internal)?;
                let user = root.child("NamedLayer").and_then(|l| l.child("UserStyle")).ok_or(Error::Internal)?;
                user.write(&mut out);
                out.push('\n');
            }
            out.push_str("</NamedLayer>\n");
        }
        out.push_str("</StyledLayerDescriptor>\n");
        Ok(Answer::ok("application/vnd.ogc.sld+xml", out.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wms::testing::{self, site, world};

    #[test]
    fn styles_are_given_that_the_client_may_see() {
        let mut part = site();
        part.catalogue = std::sync::Arc::new(part.catalogue.restricted(|_| true, |_, f| f.sensitive.is_none()));
        let query = "SERVICE=WMS&VERSION=1.1.1&REQUEST=GetStyles&LAYERS=parc_iris";
        let names = |site| {
            let (_, body) = testing::answer_for(query, &world(), site);
            let root = Element::parse(&body, LIMITS).unwrap();
            let layer = root.child("NamedLayer").unwrap();
            let name = |s: &Element| s.child("Name").unwrap().trimmed().to_owned();
            layer.all("UserStyle").map(name).collect::<Vec<_>>()
        };
        let all = site().catalogue.layer("parc_iris").unwrap().styles.clone();
        assert_eq!(names(site()), all);
        assert!(!names(part).contains(&"parc_iris_loyer".to_owned()));
    }
}
