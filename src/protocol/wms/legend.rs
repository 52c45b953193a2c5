//! GetLegendGraphic (SLD profile of WMS, 05-078r4 §12) and the legend as JSON.

use super::map;
use super::params::{LegendFormat, Params};
use crate::catalogue::Layer;
use crate::error::{Error, NameKind, Result};
use crate::geo::GeometryKind;
use crate::protocol::{Answer, Context, Reply, Site};
use crate::query::LegendQuery;
use crate::render::legend::{self, Entry, Look};
use crate::store::Fetched;
use crate::style::Style;
use serde_json::json;
use std::sync::Arc;

/// Sides of a symbol box at most, pixels.
const SIDE: u32 = 512;

/// Writes a legend.
pub struct LegendReply {
    layer: (String, GeometryKind),
    style: Arc<Style>,
    format: LegendFormat,
    query: LegendQuery,
    look: Look,
}

impl LegendReply {
    /// Reads GetLegendGraphic.
    ///
    /// # Errors
    /// Those of its parameters.
    pub fn parse(p: &Params<'_>, site: &Site) -> Result<(LegendQuery, LegendReply)> {
        p.no_foreign_styles()?;
        let name = p.need("LAYER")?;
        let layer: &Layer =
            site.catalogue.layer(map::local(site, name)).ok_or_else(|| Error::unknown(NameKind::Layer, name))?;
        let style = map::style(site, layer, p.get("STYLE").unwrap_or_default())?;
        let format = p.legend_format()?;
        let side = |name: &'static str| -> Result<Option<u32>> {
            match p.get(name) {
                None => Ok(None),
                Some(_) => p.count(name).map(|v| Some(v.min(SIDE))),
            }
        };
        let scale = match p.get("SCALE") {
            None => None,
            Some(v) => Some(v.parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0).ok_or_else(|| {
                p.wrong("SCALE", v, "un dénominateur d'échelle est attendu", "a scale denominator is needed")
            })?),
        };
        let query = LegendQuery {
            layer: layer.id,
            style: Some(style.name.clone()),
            rule: p.get("RULE").map(str::to_owned),
            width: side("WIDTH")?,
            height: side("HEIGHT")?,
            scale,
            french: p.request.french,
        };
        if let Some(rule) = &query.rule
            && legend::one(&style, rule, true).is_none()
        {
            return Err(p.wrong("RULE", rule, "cette règle n'existe pas dans le style", "the style has no such rule"));
        }
        let picture = match format {
            LegendFormat::Picture(f) => f,
            LegendFormat::Json => crate::render::Format::Png,
        };
        let look = Look {
            width: query.width,
            height: query.height,
            scale: (p.dpi() * 0.28 / 25.4) as f32,
            background: if p.transparent()? { None } else { Some(p.background()?) },
            format: picture,
        };
        let reply =
            LegendReply { layer: (layer.name.clone(), layer.geometry), style, format, query: query.clone(), look };
        Ok((query, reply))
    }
}

impl Reply for LegendReply {
    fn answer(self: Box<Self>, _fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error> {
        let (name, kind) = &self.layer;
        let french = self.query.french;
        let entries = match &self.query.rule {
            Some(rule) => legend::one(&self.style, rule, french).into_iter().collect(),
            None => legend::entries(&self.style, self.query.scale, french),
        };
        match self.format {
            LegendFormat::Json => {
                let document = as_json(name, &self.style, &entries, &context.base_url, french);
                Ok(Answer::ok("application/json", document.to_string().into_bytes()))
            }
            LegendFormat::Picture(format) => {
                let media = if format == crate::render::Format::Jpeg { "image/jpeg" } else { "image/png" };
                // A single class is a symbol without words: clients write the words themselves.
                let picture = match (&self.query.rule, entries.first()) {
                    (Some(_), Some(entry)) => legend::icon(entry, *kind, &self.look)?,
                    _ => legend::picture(self.style.title.get(french), &entries, *kind, &self.look)?,
                };
                Ok(Answer::ok(media, picture))
            }
        }
    }
}

/// Classes of a legend for pages and scripts.
pub fn as_json(layer: &str, style: &Style, entries: &[Entry], base: &str, french: bool) -> serde_json::Value {
    let rules: Vec<serde_json::Value> = entries
        .iter()
        .map(|e| {
            let mut rule = json!({
                "name": e.name,
                "title": e.title,
                "icon": format!(
                    "{base}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&FORMAT=image/png&TRANSPARENT=TRUE\
                     &LAYER={layer}&STYLE={}&RULE={}",
                    style.name, e.name
                ),
            });
            if e.scales.0 > 0.0 {
                rule["minScaleDenominator"] = e.scales.0.into();
            }
            if e.scales.1.is_finite() {
                rule["maxScaleDenominator"] = e.scales.1.into();
            }
            rule
        })
        .collect();
    json!({ "Legend": [{
        "layerName": layer,
        "styleName": style.name,
        "title": style.title.get(french),
        "abstract": style.summary.get(french),
        "rules": rules,
    }] })
}

#[cfg(test)]
mod tests {
    use crate::error::{Error, NameKind};
    use crate::protocol::wms::testing::{self, site, world};

    const BASE: &str = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic";

    #[test]
    fn the_whole_style_or_one_class() {
        let size = |query: &str| {
            let (answer, body) = testing::answer(&format!("{BASE}&{query}"), &world());
            assert_eq!(answer.content_type, "image/png");
            let number = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
            (number(16), number(20))
        };
        // As QGIS asks.
        let whole = size("layer=parc_commune&format=image/png&STYLE=default&sld_version=1.1.0&TRANSPARENT=true");
        assert!(whole.0 > 150 && whole.1 > 100, "{whole:?}");
        let rule = "LAYER=parc_commune&FORMAT=image/png&RULE=secret&WIDTH=30&HEIGHT=18";
        assert_eq!(size(rule), (30, 18));
        let large = size("LAYER=parc_commune&FORMAT=image/png&DPI=181.43");
        assert!(large.0.abs_diff(2 * whole.0) < 8);
    }

    #[test]
    fn as_json_it_names_every_class() {
        let (_, body) = testing::answer(&format!("{BASE}&LAYER=parc_residence&FORMAT=application/json"), &world());
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let rules = json["Legend"][0]["rules"].as_array().unwrap();
        assert!(rules.iter().any(|r| r["title"] == "Secret statistique"));
        assert!(rules[0]["icon"].as_str().unwrap().starts_with("https://portail.example/wms?"));
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let error = |q: &str| testing::parse(&format!("{BASE}&{q}"), site()).err().map(|f| f.error);
        let format = "FORMAT=image/png";
        assert_eq!(error(format), Some(Error::Missing { name: "LAYER" }));
        assert_eq!(error("LAYER=nul&FORMAT=image/png"), Some(Error::unknown(NameKind::Layer, "nul")));
        assert_eq!(error("LAYER=parc_iris&STYLE=nul&FORMAT=image/png"), Some(Error::unknown(NameKind::Style, "nul")));
        let rule = error("LAYER=parc_iris&RULE=nul&FORMAT=image/png");
        assert!(matches!(rule, Some(Error::Invalid { name, .. }) if name == "RULE"));
    }
}
