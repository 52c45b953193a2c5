//! Styles: list, and each as SLD 1.1 (what the server draws with) and as MapLibre style (for vector tiles).

use super::ask::{Ask, Page, Write};
use super::links::{Link, links_json, segment};
use super::maplibre;
use super::negotiate::{Format, MAPLIBRE, SLD};
use super::resource::Plan;
use crate::catalogue::Layer;
use crate::convention::Operation;
use crate::error::{Error, NameKind, Result};
use crate::protocol::{Answer, Context, Site};
use crate::query::Query;
use crate::store::Fetched;
use crate::style::Style;
use serde_json::{Value, json};
use std::sync::Arc;

/// Every style that the client has, with the first layer that it belongs to.
fn all(site: &Site) -> Vec<(&Layer, &Arc<Style>)> {
    let mut found: Vec<(&Layer, &Arc<Style>)> = Vec::new();
    for layer in site.catalogue.layers() {
        for style in site.styles.visible(layer) {
            if !found.iter().any(|(_, s)| s.name == style.name) {
                found.push((layer, style));
            }
        }
    }
    found
}

fn find<'s>(site: &'s Site, name: &str) -> Result<(&'s Layer, &'s Arc<Style>)> {
    all(site).into_iter().find(|(_, s)| s.name == name).ok_or_else(|| Error::unknown(NameKind::Style, name))
}

/// `/styles`
///
/// # Errors
/// None of its own.
pub fn list(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Describe(Vec::new()), "styles.html", |page, _, context| {
        let site = &context.site;
        let styles: Vec<Value> =
            all(site).into_iter().map(|(layer, style)| summary(page, site, layer, style)).collect();
        Ok(json!({ "styles": styles, "links": links_json(&page.own_links()) }))
    }))
}

fn summary(page: &Page, site: &Site, layer: &Layer, style: &Style) -> Value {
    json!({
        "id": style.name,
        "title": page.text(&style.title),
        "description": page.text(&style.summary),
        "collection": layer.name,
        "links": links_json(&links(page, site, layer, style)),
    })
}

/// Stylesheets, legend and layer of a style.
fn links(page: &Page, site: &Site, layer: &Layer, style: &Style) -> Vec<Link> {
    let base = page.url(&format!("/styles/{}", segment(&style.name)));
    let title = page.text(&style.title);
    let mut links = vec![Link::new("stylesheet", SLD.media, format!("{title} (SLD 1.1)"), format!("{base}?f=sld"))];
    if site.operations.contains(&Operation::Tuiles) {
        links.push(Link::new(
            "stylesheet",
            MAPLIBRE.media,
            format!("{title} (MapLibre)"),
            format!("{base}?f=maplibre"),
        ));
    }
    if site.operations.contains(&Operation::Wms) {
        let legend = ["Légende", "Legend"];
        links.push(Link::new("preview", "image/png", page.say(&legend), legend_url(page, layer, style)));
    }
    let href = page.url(&format!("/collections/{}?f=json", segment(&layer.name)));
    links.push(Link::new("collection", "application/json", page.text(&layer.title), href));
    links
}

/// Address of a style's legend picture.
pub fn legend_url(page: &Page, layer: &Layer, style: &Style) -> String {
    format!(
        "{}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&SLD_VERSION=1.1.0&FORMAT=image/png&LAYER={}&STYLE={}&LANGUAGE={}",
        page.root.strip_suffix("/ogc").unwrap_or(&page.root),
        segment(&layer.name),
        segment(&style.name),
        if page.french { "fre" } else { "eng" },
    )
}

/// `/styles/{styleId}`
///
/// # Errors
/// [`Error::Unknown`] when the style does not exist for the client.
pub fn one(ask: &Ask) -> Result<Plan> {
    let name = ask.variable("styleId")?.to_owned();
    find(ask.site, &name)?;
    match ask.page.offer.format {
        Format::Sld => {
            let page = ask.page.clone();
            let reply = Write(move |_: Fetched, context: &Context| {
                let (layer, style) = find(&context.site, &name)?;
                let document = context.site.styles.document(layer, &style.name);
                let document = document.ok_or_else(|| Error::unknown(NameKind::Style, &name))?;
                Ok(Answer::ok(page.offer.media, document.as_bytes().to_vec()))
            });
            let operation = ask.site.operations.first().copied().unwrap_or(Operation::Wms);
            Ok(Plan { query: Query::Describe(Vec::new()), operation, data: false, reply: Box::new(reply) })
        }
        _ => Ok(ask.describe(Query::Describe(Vec::new()), "style.html", move |page, _, context| {
            let site = &context.site;
            let (layer, style) = find(site, &name)?;
            if page.offer.format == Format::MapLibre {
                return Ok(maplibre::document(page, site, layer, style));
            }
            let mut document = summary(page, site, layer, style);
            let own = page.own_links();
            if let (Some(links), Value::Array(own)) = (document["links"].as_array_mut(), links_json(&own)) {
                links.splice(0..0, own);
            }
            Ok(document)
        })),
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::protocol::ogcapi::testing::{answer, body, facts, json, parse, site};

    #[test]
    fn styles_are_listed_with_their_stylesheets() {
        let doc = json("/styles");
        let styles = doc["styles"].as_array().unwrap();
        let iris = styles.iter().find(|s| s["id"] == "parc_iris").unwrap();
        assert_eq!(iris["collection"], "parc_iris");
        let types: Vec<&str> = iris["links"].as_array().unwrap().iter().filter_map(|l| l["type"].as_str()).collect();
        assert!(types.contains(&"application/vnd.ogc.sld+xml;version=1.1"));
        assert!(types.contains(&"application/vnd.mapbox.style+json"));
        let ids: std::collections::HashSet<&str> = styles.iter().filter_map(|s| s["id"].as_str()).collect();
        assert_eq!(ids.len(), styles.len());
    }

    #[test]
    fn a_style_is_given_as_sld_and_not_when_unknown() {
        let sld = answer("/styles/parc_iris?f=sld", facts(&site())).unwrap();
        assert_eq!(sld.content_type, "application/vnd.ogc.sld+xml;version=1.1");
        assert!(String::from_utf8(body(sld)).unwrap().contains("<se:Name>parc_iris</se:Name>"));
        assert!(matches!(parse("/styles/nothing").map_err(|f| f.error), Err(Error::Unknown { .. })));
    }
}
