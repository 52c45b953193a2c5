//! `/whoami`: who the client is, what it may see, for which purpose, until when.

use super::ask::{Ask, Page};
use super::links::{Link, links_json, segment};
use super::resource::Plan;
use crate::catalogue::{Layer, Sensitive};
use crate::convention::Operation;
use crate::error::Result;
use crate::protocol::Site;
use crate::query::Query;
use serde_json::{Value, json};

/// `/whoami`
///
/// # Errors
/// None of its own.
pub fn whoami(ask: &Ask) -> Result<Plan> {
    Ok(ask.describe(Query::Describe(Vec::new()), "whoami.html", |page, _, context| Ok(document(page, &context.site))))
}

fn document(page: &Page, site: &Site) -> Value {
    let terms = &site.terms;
    let layers: Vec<Value> = site.catalogue.layers().iter().map(|l| layer(page, l)).collect();
    let operations: Vec<Value> = site
        .operations
        .iter()
        .map(|o| {
            let (name, text) = match o {
                Operation::Wms => ("wms", ["Cartes, légendes, interrogation", "Maps, legends, identify"]),
                Operation::Wfs => ("wfs", ["Entités (WFS, OGC API)", "Features (WFS, OGC API)"]),
                Operation::Tuiles => ("tuiles", ["Tuiles vectorielles", "Vector tiles"]),
                Operation::Export => ("export", ["Téléchargement de fichiers", "Downloads of files"]),
            };
            json!({ "id": name, "title": page.say(&text) })
        })
        .collect();
    let mut links = page.own_links();
    let title = ["Collections", "Collections"];
    links.push(Link::new("data", "application/json", page.say(&title), page.url("/collections?f=json")));
    json!({
        "convention": terms.convention,
        "partner": terms.partner,
        "purposes": terms.purposes,
        "until": terms.until,
        "constraints": terms.constraints(page.french),
        "operations": operations,
        "layers": layers,
        "publication": site.publication,
        "links": links_json(&links),
    })
}

fn layer(page: &Page, layer: &Layer) -> Value {
    let sensitive: Vec<&str> = [(Sensitive::SirenBailleur, "siren_bailleur"), (Sensitive::Loyer, "loyer")]
        .into_iter()
        .filter(|(kind, _)| layer.fields.iter().any(|f| f.sensitive == Some(*kind)))
        .map(|s| s.1)
        .collect();
    json!({
        "id": layer.name,
        "title": page.text(&layer.title),
        "properties": layer.fields.len(),
        "sensitive": sensitive,
        "href": page.url(&format!("/collections/{}", segment(&layer.name))),
    })
}

#[cfg(test)]
mod tests {
    use crate::protocol::ogcapi::testing::{answer, body, facts, json, site};

    #[test]
    fn the_client_learns_what_it_may_see() {
        let doc = json("/whoami");
        assert_eq!((&doc["convention"], &doc["until"]), (&"essai".into(), &"2030-12-31".into()));
        let layers = doc["layers"].as_array().unwrap();
        assert_eq!(layers.len(), site().catalogue.layers().len());
        let residence = layers.iter().find(|l| l["id"] == "parc_residence").unwrap();
        assert_eq!(residence["sensitive"], serde_json::json!(["siren_bailleur", "loyer"]));
        let page = body(answer("/whoami?f=html", facts(&site())).unwrap());
        let page = String::from_utf8(page).unwrap();
        // What comes out of a registry is text, whatever it holds.
        assert!(page.contains("Ville d&#x27;Essai") && page.contains("2030-12-31"));
    }
}
