//! A style as MapLibre style (version 8) over the vector tiles of its layer.
//!
//! The SLD file stays the source: rules become layers, conditions become expressions. What MapLibre has no form for without
//! pictures (hatches, other marks than circles) takes the nearest plain form; labels are left to the map pictures, since
//! they would need a font server.

use super::ask::Page;
use super::links::segment;
use crate::catalogue::{FieldId, Layer};
use crate::filter::{CompareOp, Expr, Filter};
use crate::protocol::Site;
use crate::query::Value as Datum;
use crate::style::{Condition, Curve, Fill, Graphic, Rule, Size, Stroke, Style, Symbolizer};
use serde_json::{Map, Value, json};

/// Scale denominator of zoom 0, tiles of 512 pixels of 0.28 mm as MapLibre counts them.
const ZOOM_0: f64 = 559_082_264.028_717_8 / 2.0;

/// The whole style document.
pub fn document(page: &Page, site: &Site, layer: &Layer, style: &Style) -> Value {
    let tiles = page.url(&format!("/collections/{}/tiles/WebMercatorQuad?f=tilejson", segment(&layer.name)));
    json!({
        "version": 8,
        "name": style.name,
        "metadata": { "title": page.text(&style.title), "collection": layer.name },
        "sources": {
            "seuil": { "type": "vector", "url": tiles, "attribution": page.text(&site.catalogue.service.attribution) },
        },
        "layers": layers(layer, style),
    })
}

/// Layers of all rules, bottom first.
fn layers(layer: &Layer, style: &Style) -> Vec<Value> {
    let mut out = Vec::new();
    for pass in &style.passes {
        // `Else` takes what no filter of the pass took.
        let taken: Vec<Value> = pass
            .rules
            .iter()
            .filter_map(|r| match &r.condition {
                Condition::Filter(f) => expression(f, layer),
                _ => None,
            })
            .collect();
        for rule in &pass.rules {
            let filter = match &rule.condition {
                Condition::Always => None,
                Condition::Filter(f) => match expression(f, layer) {
                    Some(e) => Some(e),
                    // A condition that cannot be said is no reason to paint everything.
                    None => continue,
                },
                Condition::Else => {
                    let any = [&[json!("any")], taken.as_slice()].concat();
                    Some(json!(["!", any]))
                }
            };
            for symbolizer in &rule.symbolizers {
                for (kind, paint) in paints(symbolizer, layer) {
                    let id = format!("{}-{}", rule.name, out.len());
                    out.push(finish(id, kind, paint, filter.clone(), rule, layer));
                }
            }
        }
    }
    out
}

fn finish(id: String, kind: &str, paint: Value, filter: Option<Value>, rule: &Rule, layer: &Layer) -> Value {
    let mut made = json!({ "id": id, "type": kind, "source": "seuil", "source-layer": layer.name });
    let (min, max) = rule.scales;
    if max.is_finite() && max > 0.0 {
        made["minzoom"] = json!(zoom(max));
    }
    if min > 0.0 {
        made["maxzoom"] = json!(zoom(min));
    }
    if let Some(filter) = filter {
        made["filter"] = filter;
    }
    made["paint"] = paint;
    if !rule.title.fr.is_empty() {
        made["metadata"] = json!({ "legend": rule.title });
    }
    made
}

fn zoom(denominator: f64) -> f64 {
    ((ZOOM_0 / denominator).log2() * 100.0).round() / 100.0
}

/// MapLibre layers of a symbolizer: kind and paint properties.
fn paints(symbolizer: &Symbolizer, layer: &Layer) -> Vec<(&'static str, Value)> {
    let mut out = Vec::new();
    match symbolizer {
        Symbolizer::Polygon { fill, stroke } => {
            match fill {
                Some(Fill::Solid(color, opacity)) => {
                    out.push(("fill", json!({ "fill-color": color.hex(), "fill-opacity": opacity, "fill-antialias": stroke.is_none() })));
                }
                // A hatch as a veil of its colour.
                Some(Fill::Pattern(graphic)) => {
                    let color =
                        graphic.stroke.as_ref().map(|s| s.color).or(graphic.fill.map(|f| f.0)).unwrap_or_default();
                    out.push(("fill", json!({ "fill-color": color.hex(), "fill-opacity": 0.25 })));
                }
                None => {}
            }
            out.extend(stroke.iter().map(|s| ("line", line(s))));
        }
        Symbolizer::Line(stroke) => out.push(("line", line(stroke))),
        Symbolizer::Point(graphic) => out.push(("circle", circle(graphic, layer))),
        Symbolizer::Text(_) => {}
    }
    out
}

fn line(stroke: &Stroke) -> Value {
    let mut paint =
        json!({ "line-color": stroke.color.hex(), "line-width": stroke.width, "line-opacity": stroke.opacity });
    if !stroke.dashes.is_empty() && stroke.width > 0.0 {
        // Dashes are counted in widths of the line.
        let dashes: Vec<f32> = stroke.dashes.iter().map(|d| d / stroke.width).collect();
        paint["line-dasharray"] = json!(dashes);
    }
    paint
}

fn circle(graphic: &Graphic, layer: &Layer) -> Value {
    let mut paint = Map::new();
    paint.insert("circle-radius".into(), radius(&graphic.size, layer));
    match graphic.fill {
        Some((color, opacity)) => {
            paint.insert("circle-color".into(), json!(color.hex()));
            paint.insert("circle-opacity".into(), json!(opacity));
        }
        None => {
            paint.insert("circle-opacity".into(), json!(0));
        }
    }
    if let Some(stroke) = &graphic.stroke {
        paint.insert("circle-stroke-color".into(), json!(stroke.color.hex()));
        paint.insert("circle-stroke-width".into(), json!(stroke.width));
        paint.insert("circle-stroke-opacity".into(), json!(stroke.opacity));
    }
    Value::Object(paint)
}

/// Half the height of a mark.
fn radius(size: &Size, layer: &Layer) -> Value {
    let scaled = match size {
        Size::Constant(size) => return json!(size / 2.0),
        Size::Scaled(scaled) => scaled,
    };
    let fallback = scaled.fallback / 2.0;
    let Some(field) = layer.field_by_id(scaled.field) else { return json!(fallback) };
    let datum = json!(["to-number", ["get", field.name]]);
    let curve = match &scaled.curve {
        Curve::Linear(points) => {
            let mut e = vec![json!("interpolate"), json!(["linear"]), datum];
            for (x, y) in points {
                e.extend([json!(x), json!(y / 2.0)]);
            }
            e
        }
        Curve::Steps(first, steps) => {
            let mut e = vec![json!("step"), datum, json!(first / 2.0)];
            for (x, y) in steps {
                e.extend([json!(x), json!(y / 2.0)]);
            }
            e
        }
    };
    json!(["case", ["has", field.name], curve, fallback])
}

/// A filter as expression; `None` when MapLibre has no form for it.
fn expression(filter: &Filter, layer: &Layer) -> Option<Value> {
    let name = |f: &FieldId| layer.field_by_id(*f).map(|f| f.name.as_str());
    let all = |parts: &[Filter], word: &str| -> Option<Value> {
        let mut e = vec![json!(word)];
        for part in parts {
            e.push(expression(part, layer)?);
        }
        Some(json!(e))
    };
    match filter {
        Filter::All => Some(json!(true)),
        Filter::And(parts) => all(parts, "all"),
        Filter::Or(parts) => all(parts, "any"),
        Filter::Not(inner) => Some(json!(["!", expression(inner, layer)?])),
        Filter::IsNull(Expr::Field(f)) => Some(json!(["!", ["has", name(f)?]])),
        Filter::Compare { op, left: Expr::Field(f), right: Expr::Literal(v), match_case: true } => {
            let word = match op {
                CompareOp::Eq => "==",
                CompareOp::Ne => "!=",
                CompareOp::Lt => "<",
                CompareOp::Le => "<=",
                CompareOp::Gt => ">",
                CompareOp::Ge => ">=",
            };
            compared(name(f)?, word, v)
        }
        Filter::Between { expr: Expr::Field(f), lower: Expr::Literal(a), upper: Expr::Literal(b) } => {
            let name = name(f)?;
            Some(json!(["all", compared(name, ">=", a)?, compared(name, "<=", b)?]))
        }
        Filter::In { expr: Expr::Field(f), list, match_case: true } => {
            let list: Option<Vec<Value>> = list.iter().map(literal).collect();
            Some(json!(["in", ["get", name(f)?], ["literal", list?]]))
        }
        _ => None,
    }
}

/// A comparison that is false, not an error, where the property is absent.
fn compared(name: &str, word: &str, datum: &Datum) -> Option<Value> {
    let typed = match datum {
        Datum::Text(_) => json!(["to-string", ["get", name]]),
        _ => json!(["to-number", ["get", name]]),
    };
    Some(json!(["all", ["has", name], [word, typed, literal(datum)?]]))
}

fn literal(datum: &Datum) -> Option<Value> {
    match datum {
        Datum::Text(t) => Some(json!(t)),
        Datum::Int(n) => Some(json!(n)),
        Datum::Double(v) => Some(json!(v)),
        Datum::DateTime(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ogcapi::testing::{json, site};
    use crate::style::Scaled;

    fn with<'a>(doc: &'a Value, rule: &str) -> Vec<&'a Value> {
        doc["layers"].as_array().unwrap().iter().filter(|l| l["id"].as_str().unwrap().starts_with(rule)).collect()
    }

    #[test]
    fn rules_become_layers_over_the_tiles() {
        let doc = json("/styles/parc_iris?f=maplibre");
        assert_eq!(doc["version"], 8);
        let url = doc["sources"]["seuil"]["url"].as_str().unwrap();
        assert!(url.starts_with("https://portail.example/collections/parc_iris/tiles/WebMercatorQuad"), "{url}");
        let secret = with(&doc, "secret");
        assert!(!secret.is_empty());
        for l in secret {
            assert_eq!(
                l["filter"],
                serde_json::json!(["all", ["has", "statut"], ["==", ["to-string", ["get", "statut"]], "secret"]])
            );
            assert_eq!(l["source-layer"], "parc_iris");
        }
        assert!(with(&doc, "classe").iter().any(|l| l["type"] == "fill"));
    }

    #[test]
    fn every_style_of_the_portal_has_a_form() {
        for style in json("/styles")["styles"].as_array().unwrap() {
            let id = style["id"].as_str().unwrap();
            let doc = json(&format!("/styles/{id}?f=maplibre"));
            assert!(!doc["layers"].as_array().unwrap().is_empty(), "{id}");
        }
    }

    #[test]
    fn a_size_that_follows_a_field_is_an_expression() {
        let site = site();
        let layer = site.catalogue.layer("parc_residence").unwrap();
        let field = layer.field("nb_logements").unwrap().id;
        let size = |curve| Size::Scaled(Scaled { field, fallback: 3.0, curve });
        assert_eq!(
            radius(&size(Curve::Linear(vec![(10.0, 4.0), (110.0, 24.0)])), layer),
            serde_json::json!([
                "case",
                ["has", "nb_logements"],
                ["interpolate", ["linear"], ["to-number", ["get", "nb_logements"]], 10.0, 2.0, 110.0, 12.0],
                1.5
            ])
        );
        let steps = radius(&size(Curve::Steps(5.0, vec![(30.0, 9.0)])), layer);
        assert_eq!(steps[2], serde_json::json!(["step", ["to-number", ["get", "nb_logements"]], 2.5, 30.0, 4.5]));
    }

    #[test]
    fn scales_become_zooms() {
        // 1 : 60 000 is zoom 12.19 where tiles have 512 pixels.
        assert_eq!(zoom(60_000.0), 12.19);
        let doc = json("/styles/parc_residence?f=maplibre");
        let near = with(&doc, "secret-")[0];
        assert_eq!((&near["minzoom"], &near["maxzoom"]), (&12.19.into(), &Value::Null));
    }
}
