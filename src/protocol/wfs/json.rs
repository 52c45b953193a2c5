//! GeoJSON and CSV of GetFeature, as GeoServer's clients and ArcGIS expect them.
//!
//! Coordinates are always easting or longitude first (RFC 7946 §4), whatever the spelling of `SRSNAME`: a collection in
//! metres says so by the member `crs` of the 2008 format, which GDAL, QGIS and OpenLayers read.

use super::collection::Tally;
use crate::encode::Producer;
use crate::encode::csv::{Csv, Style};
use crate::encode::geojson::{FeatureIds, GeoJson, Members};
use crate::error::{Error, Reason, Result};
use crate::filter::instant::write_instant;
use crate::geo::Axes;
use crate::protocol::Context;
use crate::store::Rows;
use serde_json::{Map, Value, json};

/// The features as GeoJSON; a single feature when `single`.
pub(super) fn geojson(parts: Vec<Rows>, tally: &Tally, single: bool, context: &Context) -> Result<Box<dyn Producer>> {
    let catalogue = &context.site.catalogue;
    let axes = vec![Axes::EastNorth; parts.len()];
    let terms = json!({
        "convention": context.site.terms.convention,
        "partner": context.site.terms.partner,
        "purposes": context.site.terms.purposes,
        "until": context.site.terms.until,
        "constraints": context.site.terms.constraints(context.french),
        "download": context.download,
    });
    if let (true, [one]) = (single, parts.as_slice()) {
        let around = Members { head: Vec::new(), tail: members(&Map::from_iter([("terms".to_owned(), terms)])) };
        let encoder = GeoJson::single(catalogue, one, Axes::EastNorth, FeatureIds::WithLayer, around)?;
        return Ok(encoder.produce(parts));
    }
    let mut head = Map::new();
    head.insert("timeStamp".into(), write_instant(context.now).into());
    head.insert("numberMatched".into(), tally.matched.into());
    head.insert("numberReturned".into(), tally.returned.into());
    if let Some(crs) = parts.first().map(|p| p.crs).filter(|c| !c.is_geographic()) {
        if parts.iter().any(|p| p.crs != crs) {
            return Err(Error::invalid("SRSNAME", &crs.short(), Reason::OneCrs));
        }
        head.insert("crs".into(), json!({ "type": "name", "properties": { "name": crs.urn() } }));
    }
    let link = |rel: &str, href: &Option<String>| {
        href.as_ref().map(|href| json!({ "rel": rel, "type": "application/geo+json", "href": href }))
    };
    let links: Vec<Value> = [link("next", &tally.next), link("prev", &tally.previous)].into_iter().flatten().collect();
    head.insert("links".into(), links.into());
    head.insert("terms".into(), terms);
    let around = Members { head: members(&head), tail: Vec::new() };
    Ok(GeoJson::collection(catalogue, &parts, &axes, FeatureIds::WithLayer, around)?.produce(parts))
}

/// Members of an object without its braces.
fn members(object: &Map<String, Value>) -> Vec<u8> {
    let text = Value::Object(object.clone()).to_string();
    let inside = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    inside.unwrap_or_default().as_bytes().to_vec()
}

/// The features as one table.
pub(super) fn csv(mut parts: Vec<Rows>, context: &Context) -> Result<Box<dyn Producer>> {
    match (parts.pop(), parts.is_empty()) {
        (Some(rows), true) => {
            let style = Style { delimiter: b',', mark: false };
            Ok(Csv::new(&context.site.catalogue, &rows, style)?.produce(rows))
        }
        _ => Err(Error::invalid("TYPENAMES", "", Reason::OneTable)),
    }
}
