//! `/portail`: the map page, and as JSON what its script needs to know.

use super::ask::{Ask, Page};
use super::collections::{fact, facts};
use super::links::links_json;
use super::resource::Plan;
use super::styles::legend_url;
use crate::catalogue::{Layer, Vintages};
use crate::convention::Operation;
use crate::error::Result;
use crate::filter::{CompareOp, Expr, Filter};
use crate::geo::Envelope;
use crate::protocol::Site;
use crate::query::{Query, Value as Datum};
use crate::render::legend;
use crate::store::LayerFacts;
use crate::style::{Condition, Style};
use serde_json::{Value, json};

/// Layers that are shown at first: the first of the stock, and the outlines of communes.
const INITIAL: [&str; 2] = ["parc_commune", "contour_commune"];

/// `/portail`
///
/// # Errors
/// None of its own.
pub fn portail(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Capabilities, "portail.html", |page, fetched, context| {
        Ok(document(page, &context.site, &facts(fetched)))
    }))
}

fn document(page: &Page, site: &Site, facts: &[LayerFacts]) -> Value {
    let catalogue = &site.catalogue;
    let mut extent = Envelope::EMPTY;
    for f in facts {
        if let Some(e) = &f.extent_2154 {
            extent.merge(e);
        }
    }
    // Pictures are what the map is made of: without them there is nothing to show.
    let drawn = site.operations.contains(&Operation::Wms);
    let layers = |group: &str| -> Vec<Value> {
        let own = catalogue.layers().iter().filter(|l| drawn && l.group == group);
        own.map(|l| layer(page, site, l, fact(facts, l))).collect()
    };
    let groups: Vec<Value> = catalogue
        .groups
        .iter()
        .map(|g| json!({ "id": g.name, "title": page.text(&g.title), "layers": layers(&g.name) }))
        .filter(|g| g["layers"].as_array().is_some_and(|l| !l.is_empty()))
        .collect();
    let newest = |l: &&LayerFacts| catalogue.layer_by_id(l.layer).is_some_and(|l| l.vintages == Vintages::Newest);
    let vintage = facts.iter().filter(newest).filter_map(|f| f.vintages.last()).max();
    let mut initial: Vec<&str> = INITIAL.into_iter().filter(|n| catalogue.layer(n).is_some()).collect();
    if !initial.iter().any(|n| !n.starts_with("contour")) {
        initial.extend(catalogue.layers().first().map(|l| l.name.as_str()));
    }
    json!({
        "title": page.text(&catalogue.service.title),
        "attribution": page.text(&catalogue.service.attribution),
        "vintage": vintage,
        "extent": if extent.is_empty() { Value::Null } else { json!([extent.min[0], extent.min[1], extent.max[0], extent.max[1]]) },
        "initial": initial,
        "groups": groups,
        "links": links_json(&page.own_links()),
    })
}

fn layer(page: &Page, site: &Site, layer: &Layer, facts: Option<&LayerFacts>) -> Value {
    let styles: Vec<Value> = site.styles.visible(layer).map(|s| style(page, layer, s)).collect();
    let geometry = match layer.geometry.dimension() {
        0 => "point",
        1 => "line",
        _ => "area",
    };
    json!({
        "id": layer.name,
        "title": page.text(&layer.title),
        "description": page.text(&layer.summary),
        "theme": layer.theme,
        "geometry": geometry,
        "count": facts.map(|f| f.count),
        "vintages": facts.map(|f| &f.vintages),
        "styles": styles,
    })
}

fn style(page: &Page, layer: &Layer, style: &Style) -> Value {
    let secret = |rule: &str| {
        let rules = style.passes.iter().flat_map(|p| &p.rules).filter(|r| r.name == rule);
        rules.into_iter().any(|r| matches!(&r.condition, Condition::Filter(f) if takes_withheld(f, layer)))
    };
    let classes: Vec<Value> = legend::entries(style, None, page.french)
        .into_iter()
        .map(|e| json!({ "title": e.title, "secret": secret(&e.name) }))
        .collect();
    json!({
        "id": style.name,
        "title": page.text(&style.title),
        "description": page.text(&style.summary),
        "legend": legend_url(page, layer, style),
        "classes": classes,
    })
}

/// Whether a condition takes withheld rows: `statut = 'secret'`, alone or among others.
fn takes_withheld(filter: &Filter, layer: &Layer) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|p| takes_withheld(p, layer)),
        Filter::Compare { op: CompareOp::Eq, left: Expr::Field(f), right: Expr::Literal(Datum::Text(t)), .. } => {
            Some(*f) == layer.status && t == "secret"
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing::{answer, body, facts, json, site};

    #[test]
    fn the_page_knows_groups_styles_and_the_class_of_withheld_rows() {
        let doc = json("/portail?f=json");
        assert_eq!(doc["initial"], serde_json::json!(["parc_commune", "contour_commune"]));
        assert_eq!(doc["vintage"], 2024);
        let parc = &doc["groups"][0];
        let commune = parc["layers"].as_array().unwrap().iter().find(|l| l["id"] == "parc_commune").unwrap();
        let style = &commune["styles"][0];
        assert!(style["legend"].as_str().unwrap().contains("REQUEST=GetLegendGraphic"));
        let secret: Vec<_> = style["classes"].as_array().unwrap().iter().filter(|c| c["secret"] == true).collect();
        assert_eq!(secret.len(), 1, "{style}");
    }

    #[test]
    fn the_page_is_html_by_default_and_holds_no_script_of_its_own() {
        let page = answer("/portail", facts(&site())).unwrap();
        assert!(page.content_type.starts_with("text/html"));
        let policy = page.headers.iter().find(|h| h.0 == "content-security-policy").unwrap();
        assert!(policy.1.to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
        let page = String::from_utf8(body(page)).unwrap();
        assert!(page.contains("src=\"/static/portail.js\"") && page.contains("data-root=\"\""), "{page}");
    }
}
