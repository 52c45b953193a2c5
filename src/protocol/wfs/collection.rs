//! What stands round the features: the feature collections of WFS 2.0, 1.1 and 1.0.

use super::describe;
use super::version::Version;
use crate::encode::gml::{Dialect, Frame, Spelling, bounds};
use crate::encode::number::fixed;
use crate::error::Result;
use crate::filter::fes::xml::escape;
use crate::filter::instant::write_instant;
use crate::geo::Envelope;
use crate::protocol::Context;
use crate::store::Rows;

/// Namespace of XML Schema instances.
pub(super) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Figures and links of a collection.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub matched: u64,
    pub returned: u64,
    pub next: Option<String>,
    pub previous: Option<String>,
}

/// What the frames of one answer share.
pub(super) struct Setting<'a> {
    pub context: &'a Context,
    pub version: Version,
    pub dialect: Dialect,
    /// Names of the layers, each once.
    pub layers: Vec<&'a str>,
    pub tally: Tally,
}

/// Terms of the convention as an XML comment; empty when the client is under none.
pub(super) fn terms(context: &Context) -> String {
    let terms = &context.site.terms;
    if terms.convention.is_empty() {
        return String::new();
    }
    let text = match context.french {
        true => format!("{} Téléchargement {}.", terms.constraints_fr, context.download),
        false => format!("{} Download {}.", terms.constraints_en, context.download),
    };
    // Two hyphens end a comment.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("<!-- {} -->\n", text.replace("--", "- -").trim_end_matches('-'))
}

/// Namespace declarations of the feature types and of what their elements use.
fn namespaces(setting: &Setting<'_>) -> String {
    let service = &setting.context.site.catalogue.service;
    let mut out =
        format!(" xmlns:gml=\"{}\" xmlns:xsi=\"{XSI}\" xmlns:{}=\"", setting.dialect.namespace(), service.prefix);
    escape(&service.namespace, &mut out);
    out.push('"');
    out
}

/// ` xsi:schemaLocation="..."` with the schema of the collection (if any) and that of the feature types.
fn schema_location(setting: &Setting<'_>, collection: Option<(&str, &str)>) -> String {
    let catalogue = &setting.context.site.catalogue;
    let version = match setting.dialect {
        Dialect::V32 if setting.version.is_2() => setting.version,
        Dialect::V32 => Version::V200,
        Dialect::V31 => Version::V110,
        Dialect::V2 => Version::V100,
    };
    let mut out = String::from(" xsi:schemaLocation=\"");
    if let Some((namespace, location)) = collection {
        out.push_str(&format!("{namespace} {location} "));
    }
    // GML's own too: a validator meets its elements before those of the feature types, which import it.
    out.push_str(&format!("{} {} ", setting.dialect.namespace(), describe::gml_schema(setting.dialect)));
    let base = &setting.context.base_url;
    escape(&catalogue.service.namespace, &mut out);
    out.push(' ');
    escape(&describe::address(base, version, setting.dialect, catalogue, &setting.layers), &mut out);
    out.push('"');
    out
}

/// Attributes that a feature needs when it is the root itself (GetFeatureById).
pub(super) fn root_attributes(setting: &Setting<'_>) -> String {
    format!("{}{}", namespaces(setting), schema_location(setting, None))
}

/// The frame of a collection of these parts.
pub(super) fn frame(setting: &Setting<'_>, parts: &[Rows], spellings: &[Spelling]) -> Result<Frame> {
    match setting.dialect {
        Dialect::V32 => frame_2(setting, parts, spellings),
        _ => frame_1(setting, parts, spellings),
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// ` timeStamp=... numberMatched=...` of 09-025r2 §7.7.
pub(super) fn figures(tally: &Tally, now: i64) -> String {
    let mut out = format!(
        " timeStamp=\"{}\" numberMatched=\"{}\" numberReturned=\"{}\"",
        write_instant(now),
        tally.matched,
        tally.returned
    );
    for (name, link) in [("next", &tally.next), ("previous", &tally.previous)] {
        if let Some(link) = link {
            out.push_str(&format!(" {name}=\""));
            escape(link, &mut out);
            out.push('"');
        }
    }
    out
}

/// Start tag of a WFS 2.0 root element, and the terms.
pub(super) fn open_2(setting: &Setting<'_>, root: &str) -> String {
    let schema = ("http://www.opengis.net/wfs/2.0", "http://schemas.opengis.net/wfs/2.0/wfs.xsd");
    let location = if setting.layers.is_empty() {
        format!(" xsi:schemaLocation=\"{} {}\"", schema.0, schema.1)
    } else {
        schema_location(setting, Some(schema))
    };
    format!(
        "{DECLARATION}<wfs:{root} xmlns:wfs=\"{}\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"{}{location}{}>\n{}",
        schema.0,
        namespaces(setting),
        figures(&setting.tally, setting.context.now),
        terms(setting.context)
    )
}

fn frame_2(setting: &Setting<'_>, parts: &[Rows], spellings: &[Spelling]) -> Result<Frame> {
    let mut head = open_2(setting, "FeatureCollection").into_bytes();
    let mut frame = Frame {
        member_open: b"<wfs:member>".to_vec(),
        member_close: b"</wfs:member>\n".to_vec(),
        reference: Some((b"<wfs:member xlink:href=\"#".to_vec(), b"\"/>\n".to_vec())),
        tail: b"</wfs:FeatureCollection>\n".to_vec(),
        ..Frame::default()
    };
    match (parts, spellings) {
        ([one], [spelling]) => head.extend(bounded_by("wfs:boundedBy", one, spelling)?),
        _ => {
            // Several queries: a collection each (09-025r2 §11.3.3.5).
            for (rows, spelling) in parts.iter().zip(spellings) {
                let tally = Tally { matched: rows.matched, returned: rows.rows.len() as u64, ..Tally::default() };
                let figures = figures(&tally, setting.context.now);
                let mut open = format!("<wfs:member><wfs:FeatureCollection{figures}>\n").into_bytes();
                open.extend(bounded_by("wfs:boundedBy", rows, spelling)?);
                frame.parts.push((open, b"</wfs:FeatureCollection></wfs:member>\n".to_vec()));
            }
        }
    }
    frame.head = head;
    Ok(frame)
}

fn frame_1(setting: &Setting<'_>, parts: &[Rows], spellings: &[Spelling]) -> Result<Frame> {
    let old = setting.dialect == Dialect::V2;
    let location = if old {
        "http://schemas.opengis.net/wfs/1.0.0/WFS-basic.xsd"
    } else {
        "http://schemas.opengis.net/wfs/1.1.0/wfs.xsd"
    };
    let figures = match old {
        true => String::new(),
        false => format!(
            " timeStamp=\"{}\" numberOfFeatures=\"{}\"",
            write_instant(setting.context.now),
            setting.tally.returned
        ),
    };
    let mut head = format!(
        "{DECLARATION}<wfs:FeatureCollection xmlns:wfs=\"http://www.opengis.net/wfs\"{}{}{figures}>\n{}",
        namespaces(setting),
        schema_location(setting, Some(("http://www.opengis.net/wfs", location))),
        terms(setting.context)
    )
    .into_bytes();
    // One envelope has one CRS: that of the first part.
    let mut bound = match (parts, spellings) {
        ([rows], [spelling]) if old => box_2(rows, spelling)?,
        ([rows], [spelling]) => bounded_by("gml:boundedBy", rows, spelling)?,
        _ => Vec::new(),
    };
    if old && bound.is_empty() {
        // GML 2 demands the element, and knows how to say that it is not known.
        bound = b"<gml:boundedBy><gml:null>unknown</gml:null></gml:boundedBy>\n".to_vec();
    }
    head.extend(bound);
    Ok(Frame {
        head,
        member_open: b"<gml:featureMember>".to_vec(),
        member_close: b"</gml:featureMember>\n".to_vec(),
        tail: b"</wfs:FeatureCollection>\n".to_vec(),
        ..Frame::default()
    })
}

fn numbers(envelope: &Envelope, decimals: u8, between: u8) -> [Vec<u8>; 2] {
    [envelope.min, envelope.max].map(|[a, b]| {
        let mut out = Vec::new();
        fixed(a, decimals, &mut out);
        out.push(between);
        fixed(b, decimals, &mut out);
        out
    })
}

fn bounded_by(element: &str, rows: &Rows, spelling: &Spelling) -> Result<Vec<u8>> {
    let Some(envelope) = bounds(rows, spelling.axes)? else { return Ok(Vec::new()) };
    let [lower, upper] = numbers(&envelope, rows.crs.decimals(), b' ');
    let mut name = String::new();
    escape(&spelling.srs_name, &mut name);
    let mut out =
        format!("<{element}><gml:Envelope srsName=\"{name}\" srsDimension=\"2\"><gml:lowerCorner>").into_bytes();
    out.extend(lower);
    out.extend_from_slice(b"</gml:lowerCorner><gml:upperCorner>");
    out.extend(upper);
    out.extend_from_slice(format!("</gml:upperCorner></gml:Envelope></{element}>\n").as_bytes());
    Ok(out)
}

fn box_2(rows: &Rows, spelling: &Spelling) -> Result<Vec<u8>> {
    let Some(envelope) = bounds(rows, spelling.axes)? else { return Ok(Vec::new()) };
    let [lower, upper] = numbers(&envelope, rows.crs.decimals(), b',');
    let mut name = String::new();
    escape(&spelling.srs_name, &mut name);
    let mut out = format!("<gml:boundedBy><gml:Box srsName=\"{name}\"><gml:coordinates>").into_bytes();
    out.extend(lower);
    out.push(b' ');
    out.extend(upper);
    out.extend_from_slice(b"</gml:coordinates></gml:Box></gml:boundedBy>\n");
    Ok(out)
}
