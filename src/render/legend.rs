//! Legends: the classes of a style as a structure, and as a picture.

use super::Format;
use super::canvas::{Canvas, Pen};
use super::marks;
use super::picture::Encoding;
use super::text::Line;
use crate::encode::{Producer, Progress};
use crate::error::Error;
use crate::geo::GeometryKind;
use crate::style::{Color, Fill, Graphic, Rule, Style, Symbolizer};
use std::collections::HashSet;
use tiny_skia::PathBuilder;

/// A class of a legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name of the rule: what `RULE` takes.
    pub name: String,
    /// Text.
    pub title: String,
    /// Scale denominators at which the class is drawn.
    pub scales: (f64, f64),
    /// Field conditions and symbols, for drawing.
    symbolizers: Vec<Symbolizer>,
}

/// Classes of a style in the order of its legend: one for each title, as drawn at a scale, or nearest when none is given.
pub fn entries(style: &Style, scale: Option<f64>, french: bool) -> Vec<Entry> {
    let rules = || style.passes.iter().flat_map(|p| &p.rules).filter(|r| !r.title.fr.is_empty());
    let mut chosen: Vec<&Rule> = match scale {
        Some(scale) => rules().filter(|r| r.applies_at(scale)).collect(),
        None => {
            // Without a scale each class stands once, as it looks from nearest.
            let mut all: Vec<&Rule> = rules().collect();
            all.sort_by(|a, b| a.scales.0.total_cmp(&b.scales.0));
            let mut seen = HashSet::new();
            let kept: HashSet<*const Rule> =
                all.into_iter().filter(|r| seen.insert(&r.title.fr)).map(std::ptr::from_ref).collect();
            rules().filter(|r| kept.contains(&std::ptr::from_ref(*r))).collect()
        }
    };
    let mut seen = HashSet::new();
    chosen.retain(|r| seen.insert(&r.title.fr));
    // What holds no value comes last: the reader looks for values first.
    chosen.sort_by_key(|r| !r.name.starts_with("classe"));
    chosen.into_iter().map(|r| entry(r, french)).collect()
}

/// One class of a style by the name or a title of its rule.
pub fn one(style: &Style, rule: &str, french: bool) -> Option<Entry> {
    let rules = || style.passes.iter().flat_map(|p| &p.rules);
    rules()
        .find(|r| r.name == rule)
        .or_else(|| rules().find(|r| r.title.fr == rule || r.title.en == rule))
        .map(|r| entry(r, french))
}

fn entry(rule: &Rule, french: bool) -> Entry {
    Entry {
        name: rule.name.clone(),
        title: rule.title.get(french).to_owned(),
        scales: rule.scales,
        symbolizers: rule.symbolizers.clone(),
    }
}

/// How a legend is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Width of a symbol box in pixels of 0.28 mm; `None`: as needed.
    pub width: Option<u32>,
    /// Height of a symbol box; `None`: as needed.
    pub height: Option<u32>,
    /// Pixels of the picture per pixel of 0.28 mm.
    pub scale: f32,
    /// Background, `0xRRGGBB`; `None`: transparent.
    pub background: Option<u32>,
    /// Encoding.
    pub format: Format,
}

impl Default for Look {
    fn default() -> Self {
        Look { width: None, height: None, scale: 1.0, background: Some(0xff_ffff), format: Format::Png }
    }
}

const TEXT: f32 = 11.0;
const GAP: f32 = 4.0;
const INK: Color = Color { r: 0x26, g: 0x26, b: 0x26 };

/// A legend laid out: lines of text, boxes of symbols, lengths in pixels of the picture.
struct Layout {
    heading: Option<Line>,
    lines: Vec<Line>,
    boxes: Vec<(f32, f32)>,
    column: f32,
    top: f32,
    width: f32,
    height: f32,
}

impl Layout {
    fn new(heading: &str, entries: &[Entry], look: &Look) -> Layout {
        let s = look.scale;
        let lines: Vec<Line> = entries.iter().map(|e| Line::new(&e.title, TEXT * s, false)).collect();
        let heading = (!heading.is_empty()).then(|| Line::new(heading, TEXT * s, true));
        let boxes: Vec<(f32, f32)> = entries.iter().map(|e| size(e, look)).collect();
        let column = boxes.iter().map(|b| b.0).fold(0.0, f32::max);
        let text = lines.iter().map(|l| l.width).fold(0.0, f32::max);
        let top = if heading.is_some() { (TEXT * 1.3 + 2.0 * GAP) * s } else { GAP * s };
        let title = heading.as_ref().map_or(0.0, |h| h.width);
        let width = (column + 2.0 * GAP * s + text).max(title) + 2.0 * GAP * s;
        let height = top + boxes.iter().map(|b| row(b.1, s)).sum::<f32>();
        Layout { heading, lines, boxes, column, top, width, height }
    }
}

/// Height of a line of the legend whose symbol is this high.
fn row(symbol: f32, scale: f32) -> f32 {
    symbol.max(TEXT * 1.3 * scale) + GAP * scale
}

/// Width and height in pixels of the picture that [`picture`] makes.
pub fn extent(heading: &str, entries: &[Entry], look: &Look) -> (u32, u32) {
    let layout = Layout::new(heading, entries, look);
    (layout.width.ceil() as u32, layout.height.ceil() as u32)
}

/// The picture of a legend: a heading and a line for each class.
///
/// # Errors
/// [`Error::Limit`] when there is no memory for it.
pub fn picture(heading: &str, entries: &[Entry], kind: GeometryKind, look: &Look) -> Result<Vec<u8>, Error> {
    let s = look.scale;
    let layout = Layout::new(heading, entries, look);
    let mut canvas = canvas(layout.width, layout.height, look)?;
    if let Some(heading) = &layout.heading {
        heading.draw(&mut canvas, f64::from(GAP * s), f64::from(GAP * s + TEXT * s), (INK, 1.0), None);
    }
    let mut y = layout.top;
    for ((entry, line), b) in entries.iter().zip(&layout.lines).zip(&layout.boxes) {
        let h = row(b.1, s);
        let middle = y + (h - GAP * s) / 2.0;
        let left = GAP * s + (layout.column - b.0) / 2.0;
        symbol(&mut canvas, entry, kind, (left, middle - b.1 / 2.0, b.0, b.1), s);
        let x = f64::from(GAP * s + layout.column + 2.0 * GAP * s);
        line.draw(&mut canvas, x, f64::from(middle + line.cap_height / 2.0), (INK, 1.0), None);
        y += h;
    }
    encode(canvas, look)
}

/// The picture of one symbol without text, `WIDTH` by `HEIGHT` when given.
///
/// # Errors
/// [`Error::Limit`] when there is no memory for it.
pub fn icon(entry: &Entry, kind: GeometryKind, look: &Look) -> Result<Vec<u8>, Error> {
    let (w, h) = size(entry, look);
    let mut canvas = canvas(w, h, look)?;
    symbol(&mut canvas, entry, kind, (0.0, 0.0, w, h), look.scale);
    encode(canvas, look)
}

fn canvas(width: f32, height: f32, look: &Look) -> Result<Canvas, Error> {
    let (w, h) = (width.ceil() as u32, height.ceil() as u32);
    let background = match (look.background, look.format) {
        (None, Format::Jpeg) => Some(0xff_ffff),
        (background, _) => background,
    };
    Canvas::new(w.max(1), h.max(1), background.map(Color::from_rgb)).ok_or(Error::Limit {
        what: "pixels",
        asked: u64::from(w) * u64::from(h),
        limit: 0,
    })
}

fn encode(canvas: Canvas, look: &Look) -> Result<Vec<u8>, Error> {
    let mut encoding = Encoding::new(canvas.finish(), look.format);
    let mut out = Vec::new();
    while encoding.step(&mut out)? == Progress::More {}
    Ok(out)
}

/// Size of a symbol's box in pixels of the picture: what was asked, else what the mark needs, at least 24 by 14.
fn size(entry: &Entry, look: &Look) -> (f32, f32) {
    let mark = |s: &Symbolizer| match s {
        Symbolizer::Point(g) => 2.0 * (marks::radius(g, typical(g)) + 1.0),
        _ => 0.0,
    };
    let need = entry.symbolizers.iter().map(mark).fold(0.0, f32::max);
    (
        look.width.map_or(need.max(24.0), |w| w as f32) * look.scale,
        look.height.map_or(need.max(14.0), |h| h as f32) * look.scale,
    )
}

/// The size at which a mark of varying size is shown: half of its largest.
fn typical(g: &Graphic) -> f32 {
    match g.size.field() {
        Some(_) => (g.size.largest() / 2.0).max(6.0),
        None => g.size.largest(),
    }
}

fn symbol(canvas: &mut Canvas, entry: &Entry, kind: GeometryKind, (x, y, w, h): (f32, f32, f32, f32), scale: f32) {
    let area = || {
        let inset = scale;
        let mut b = PathBuilder::new();
        let (x0, y0, x1, y1) = (x + inset, y + inset, x + w - inset, y + h - inset);
        b.move_to(x0, y0);
        b.line_to(x1, y0);
        b.line_to(x1, y1);
        b.line_to(x0, y1);
        b.close();
        b.finish()
    };
    let line = || {
        let mut b = PathBuilder::new();
        b.move_to(x + scale, y + h - 2.0 * scale);
        b.line_to(x + w * 0.4, y + h * 0.35);
        b.line_to(x + w * 0.6, y + h * 0.65);
        b.line_to(x + w - scale, y + 2.0 * scale);
        b.finish()
    };
    for s in &entry.symbolizers {
        match s {
            Symbolizer::Polygon { fill, stroke } if kind.dimension() == 2 => {
                let Some(path) = area() else { continue };
                match fill {
                    Some(Fill::Solid(color, opacity)) => canvas.fill(&path, *color, *opacity),
                    Some(Fill::Pattern(graphic)) => {
                        if let Some(tile) = marks::tile(graphic, scale, (0.0, 0.0)) {
                            canvas.hatch(&path, &tile);
                        }
                    }
                    None => {}
                }
                if let Some(stroke) = stroke {
                    canvas.outline(&path, &Pen::new(stroke, scale));
                } else if fill.is_some() {
                    // A pale class must be seen on white paper.
                    canvas.outline(&path, &Pen::new(&rim(), scale));
                }
            }
            Symbolizer::Polygon { stroke: Some(stroke), .. } | Symbolizer::Line(stroke) => {
                if let Some(path) = line() {
                    canvas.outline(&path, &Pen::new(stroke, scale));
                }
            }
            Symbolizer::Point(g) => {
                // A box smaller than the mark shows the mark as large as it fits.
                let fit = (w.min(h) / (2.0 * marks::radius(g, typical(g)) * scale)).min(1.0);
                marks::draw(canvas, g, x + w / 2.0, y + h / 2.0, typical(g) * scale * fit, scale);
            }
            Symbolizer::Text(label) => {
                let sample = Line::new("Aa", label.size.min(h / scale) * scale, label.bold);
                let (tx, ty) = (x + (w - sample.width) / 2.0, y + (h + sample.cap_height) / 2.0);
                sample.draw(canvas, f64::from(tx), f64::from(ty), (label.color, label.opacity), None);
            }
            Symbolizer::Polygon { .. } => {}
        }
    }
}

fn rim() -> crate::style::Stroke {
    crate::style::Stroke {
        color: Color { r: 0x9a, g: 0x9a, b: 0x9a },
        opacity: 1.0,
        width: 0.5,
        dashes: Vec::new(),
        cap: crate::style::Cap::Butt,
        join: crate::style::Join::Mitre,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::load_embedded;
    use crate::style::Stylebook;

    #[test]
    fn each_class_stands_once_values_first() {
        let catalogue = load_embedded().unwrap();
        let book = Stylebook::load_embedded(&catalogue).unwrap();
        let style = book.get(catalogue.layer("parc_residence").unwrap(), None).unwrap();
        let titles = |scale| entries(style, scale, true).into_iter().map(|e| (e.name, e.title)).collect::<Vec<_>>();
        let near = titles(None);
        assert_eq!(near[0], ("classe_1".into(), "Moins de 20 logements".into()));
        assert!(near.iter().any(|(name, title)| name == "secret" && title == "Secret statistique"));
        assert_eq!(near.len(), near.iter().map(|e| &e.1).collect::<HashSet<_>>().len());
        let far = titles(Some(200_000.0));
        assert_eq!(far.len(), near.len());
        assert!(far.iter().all(|(name, _)| name.ends_with("_loin")));
        assert_eq!(one(style, "secret", false).unwrap().title, "Withheld (statistical confidentiality)");
        assert!(one(style, "Secret statistique", true).is_some());
        assert!(one(style, "autre", true).is_none());
    }

    #[test]
    fn every_legend_can_be_drawn() {
        let catalogue = load_embedded().unwrap();
        let book = Stylebook::load_embedded(&catalogue).unwrap();
        for layer in catalogue.layers() {
            for style in book.visible(layer) {
                let all = entries(style, None, true);
                assert!(!all.is_empty(), "{}", style.name);
                let png = picture(&style.title.fr, &all, layer.geometry, &Look::default()).unwrap();
                assert!(png.starts_with(b"\x89PNG"));
                let look = Look { width: Some(20), height: Some(20), ..Look::default() };
                let png = icon(&all[0], layer.geometry, &look).unwrap();
                assert_eq!(png[16..24], [0, 0, 0, 20, 0, 0, 0, 20], "IHDR holds the size asked");
            }
        }
    }
}
