//! Features for the reader: field names, units and codes in words. A withheld row shows its codes and status alone.

use crate::catalogue::{Field, FieldKind, Layer};
use crate::protocol::Context;
use crate::query::Value;
use crate::store::Rows;

/// What GetFeatureInfo shows.
pub struct Sheet {
    sections: Vec<Section>,
    attribution: String,
    french: bool,
}

struct Section {
    layer: String,
    name: String,
    features: Vec<Vec<(String, String)>>,
}

impl Sheet {
    /// The features of these rows.
    pub fn of(found: &[Rows], context: &Context) -> Sheet {
        let french = context.french;
        let catalogue = &context.site.catalogue;
        let section = |rows: &Rows| {
            let layer = catalogue.layer_by_id(rows.layer)?;
            let features = rows.rows.iter().map(|row| feature(layer, rows, *row, french)).collect();
            Some(Section { layer: layer.title.get(french).to_owned(), name: layer.name.clone(), features })
        };
        let attribution = catalogue.service.attribution.get(french).to_owned();
        Sheet { sections: found.iter().filter_map(section).collect(), attribution, french }
    }

    fn nothing(&self) -> &'static str {
        if self.french { "Aucun objet à cet endroit." } else { "Nothing at this place." }
    }

    /// Lines of text.
    pub fn text(&self) -> String {
        if self.sections.is_empty() {
            return format!("{}\n", self.nothing());
        }
        let mut out = String::new();
        for section in &self.sections {
            for feature in &section.features {
                out.push_str(&format!("{} ({})\n", section.layer, section.name));
                let colon = if self.french { " :" } else { ":" };
                for (label, value) in feature {
                    out.push_str(&format!("  {label}{colon} {value}\n"));
                }
                out.push('\n');
            }
        }
        out.push_str(&self.attribution);
        out.push('\n');
        out
    }

    /// A page that stands alone: no script, nothing fetched.
    pub fn html(&self) -> String {
        let escape = |t: &str| quick_xml::escape::escape(t.to_owned()).into_owned();
        let language = if self.french { "fr" } else { "en" };
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>GetFeatureInfo</title>\n\
             <style>body{{font:13px sans-serif;margin:8px}}h2{{font-size:14px;margin:10px 0 4px}}\
             table{{border-collapse:collapse;margin-bottom:8px}}th,td{{border:1px solid #ccc;padding:2px 6px;\
             text-align:left;vertical-align:top}}th{{background:#f3f3f3;font-weight:normal}}</style></head><body>\n"
        );
        if self.sections.is_empty() {
            out.push_str(&format!("<p>{}</p>\n", self.nothing()));
        }
        for section in &self.sections {
            out.push_str(&format!("<h2>{}</h2>\n", escape(&section.layer)));
            for feature in &section.features {
                out.push_str("<table>\n");
                for (label, value) in feature {
                    out.push_str(&format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(label), escape(value)));
                }
                out.push_str("</table>\n");
            }
        }
        out.push_str(&format!("<p><small>{}</small></p>\n</body></html>\n", escape(&self.attribution)));
        out
    }
}

fn feature(layer: &Layer, rows: &Rows, row: u32, french: bool) -> Vec<(String, String)> {
    let data = rows.data();
    let value = |field: &Field| data.column(field.id).value(row);
    let published =
        layer.status.is_none_or(|s| matches!(data.column(s).value(row), Some(Value::Text(t)) if t == "diffuse"));
    let shown = layer.fields.iter().filter_map(|field| {
        let text = match value(field) {
            Some(v) => words(field, v, french),
            // A published row tells which of its indicators are not; any other row holds none to tell of.
            None if published && field.denominator.is_some() => {
                if french {
                    "non diffusé".to_owned()
                } else {
                    "not published".to_owned()
                }
            }
            None => return None,
        };
        Some((field.title.get(french).to_owned(), text))
    });
    shown.collect()
}

/// A value in words.
fn words(field: &Field, value: &Value, french: bool) -> String {
    let plain = match value {
        Value::Text(t) => t.clone(),
        Value::Int(n) => n.to_string(),
        Value::Double(d) if french => d.to_string().replace('.', ","),
        Value::Double(d) => d.to_string(),
        Value::DateTime(ms) => {
            let day = jiff::Timestamp::from_millisecond(*ms).map(|t| t.strftime("%Y-%m-%d").to_string());
            day.unwrap_or_default()
        }
    };
    if let Some((_, meaning)) = field.codes.iter().find(|(code, _)| *code == plain) {
        return meaning.get(french).to_owned();
    }
    let number = matches!(field.kind, FieldKind::Int | FieldKind::Long | FieldKind::Double);
    match &field.unit {
        Some(unit) if number => format!("{plain} {unit}"),
        _ => plain,
    }
}
