//! A style after reading: everything resolved, nothing left to look up while drawing.
//!
//! Lengths are pixels of 0.28 mm (SE 1.1, OGC 05-077r4 §10.1: the default unit), scaled by the renderer to the picture's
//! resolution.

use crate::catalogue::{FieldId, Text};
use crate::filter::Filter;
use std::collections::BTreeSet;

/// A colour, without opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Color> {
        let hex = text.trim().strip_prefix('#')?;
        if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(hex, 16).ok().map(Color::from_rgb)
    }

    /// Out of `0xRRGGBB`.
    pub fn from_rgb(rgb: u32) -> Color {
        Color { r: (rgb >> 16) as u8, g: (rgb >> 8) as u8, b: rgb as u8 }
    }

    /// `#rrggbb`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

/// A style of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// Name: the file's, and the `UserStyle`'s inside it.
    pub name: String,
    /// Human name.
    pub title: Text,
    /// What the map shows, source of the classes.
    pub summary: Text,
    /// Layers of paint, bottom first.
    pub passes: Vec<Pass>,
    /// Every field that a class, a size or a label shows. A client that may not see one of them does not have the style.
    pub fields: BTreeSet<FieldId>,
}

/// A `FeatureTypeStyle`: all features are painted by one pass before the next one begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pass {
    /// Rules in order; all that apply to a feature are painted.
    pub rules: Vec<Rule>,
}

/// A `Rule`: which features, at which scales, how.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Name, unique in the style (`RULE` of GetLegendGraphic).
    pub name: String,
    /// Human name: the text beside its symbol in a legend. Empty: not in the legend.
    pub title: Text,
    /// Which features.
    pub condition: Condition,
    /// Scale denominators: applies when `min <= scale < max` (SE §10.2).
    pub scales: (f64, f64),
    /// What is painted, in order.
    pub symbolizers: Vec<Symbolizer>,
}

impl Rule {
    /// Whether the rule applies at a scale denominator.
    pub fn applies_at(&self, scale: f64) -> bool {
        self.scales.0 <= scale && scale < self.scales.1
    }
}

/// Which features a rule takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All.
    Always,
    /// Those for which the filter is true.
    Filter(Filter),
    /// Those that no filter of the same pass (and scale) took.
    Else,
}

/// One kind of paint.
#[derive(Debug, Clone, PartialEq)]
pub enum Symbolizer {
    /// Inside and border of areas.
    Polygon {
        /// Inside.
        fill: Option<Fill>,
        /// Border.
        stroke: Option<Stroke>,
    },
    /// Lines, and borders of areas.
    Line(Stroke),
    /// A mark on points, or inside areas.
    Point(Graphic),
    /// A label.
    Text(Box<Label>),
}

/// How the inside is painted.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    /// One colour.
    Solid(Color, f32),
    /// A mark repeated on a grid (`GraphicFill`). The cell is as large as the mark.
    Pattern(Graphic),
}

/// Ends of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)]
pub enum Cap {
    #[default]
    Butt,
    Round,
    Square,
}

/// Corners of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)]
pub enum Join {
    Mitre,
    Round,
    #[default]
    Bevel,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub color: Color,
    /// Opacity, 0 to 1.
    pub opacity: f32,
    /// Width in pixels.
    pub width: f32,
    /// Dashes and gaps in pixels; empty: unbroken.
    pub dashes: Vec<f32>,
    /// Ends.
    pub cap: Cap,
    /// Corners.
    pub join: Join,
}

/// Well-known marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// `circle`
    Circle,
    /// `square`
    Square,
    /// `triangle`, apex up.
    Triangle,
    /// `star`, five points.
    Star,
    /// `cross`, upright.
    Cross,
    /// `x`, diagonal.
    X,
    /// `horline`: a horizontal line through the middle; in patterns a hatch.
    HorLine,
}

impl Mark {
    /// Name in SE files, and what it means.
    pub const NAMES: [(&'static str, Mark); 7] = [
        ("circle", Mark::Circle),
        ("square", Mark::Square),
        ("triangle", Mark::Triangle),
        ("star", Mark::Star),
        ("cross", Mark::Cross),
        ("x", Mark::X),
        ("horline", Mark::HorLine),
    ];
}

/// A mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Graphic {
    /// Shape.
    pub mark: Mark,
    /// Inside.
    pub fill: Option<(Color, f32)>,
    /// Border.
    pub stroke: Option<Stroke>,
    /// Height in pixels, border not counted.
    pub size: Size,
    /// Clockwise turn in degrees.
    pub rotation: f32,
}

/// Size of a mark in pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Size {
    /// The same for all features.
    Constant(f32),
    /// A function of a field.
    Scaled(Scaled),
}

/// A function of a field (`se:Interpolate`, `se:Categorize`: SE 1.1 §11.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Scaled {
    /// Field.
    pub field: FieldId,
    /// Result where the field is NULL.
    pub fallback: f32,
    /// Shape of the function.
    pub curve: Curve,
}

/// Shape of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    /// Straight lines between points (data, value), ascending; constant outside.
    Linear(Vec<(f64, f32)>),
    /// Steps: a first value, then (threshold, value); a datum equal to the threshold belongs to the upper class
    /// (`thresholdBelongsTo="succeeding"`, the default of SE).
    Steps(f32, Vec<(f64, f32)>),
}

impl Scaled {
    /// The result for a datum.
    pub fn of(&self, datum: Option<f64>) -> f32 {
        let Some(x) = datum.filter(|x| x.is_finite()) else { return self.fallback };
        match &self.curve {
            Curve::Steps(first, steps) => steps.iter().rev().find(|(t, _)| x >= *t).map_or(*first, |(_, value)| *value),
            Curve::Linear(points) => {
                let after = points.partition_point(|(p, _)| *p <= x);
                match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
                    (Some(a), Some(b)) => a.1 + (b.1 - a.1) * ((x - a.0) / (b.0 - a.0)) as f32,
                    (Some(end), None) | (None, Some(end)) => end.1,
                    (None, None) => self.fallback,
                }
            }
        }
    }

    /// Largest result.
    pub fn largest(&self) -> f32 {
        let results: Vec<f32> = match &self.curve {
            Curve::Linear(points) => points.iter().map(|p| p.1).collect(),
            Curve::Steps(first, steps) => steps.iter().map(|s| s.1).chain([*first]).collect(),
        };
        results.into_iter().fold(self.fallback, f32::max)
    }
}

impl Size {
    /// Largest size.
    pub fn largest(&self) -> f32 {
        match self {
            Size::Constant(s) => *s,
            Size::Scaled(f) => f.largest(),
        }
    }

    /// Field that the size shows, if any.
    pub fn field(&self) -> Option<FieldId> {
        match self {
            Size::Constant(_) => None,
            Size::Scaled(f) => Some(f.field),
        }
    }
}

/// A piece of a label's text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// Value of a field. A label with a NULL in it is not drawn.
    Field(FieldId),
}

/// A label.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Text.
    pub pieces: Vec<Piece>,
    /// Height of the font in pixels.
    pub size: f32,
    /// Bold face.
    pub bold: bool,
    /// Colour.
    pub color: Color,
    /// Opacity, 0 to 1.
    pub opacity: f32,
    /// Rim: radius in pixels, colour, opacity.
    pub halo: Option<(f32, Color, f32)>,
    /// Which point of the text lies on the place: 0 left/bottom to 1 right/top.
    pub anchor: (f32, f32),
    /// Shift in pixels, right and up.
    pub displacement: (f32, f32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_read_and_write() {
        assert_eq!(Color::parse("#0a10ff"), Some(Color { r: 10, g: 16, b: 255 }));
        assert_eq!(Color::parse("#0a10ff").map(Color::hex).as_deref(), Some("#0a10ff"));
        for wrong in ["0a10ff", "#0a10f", "#0a10fg", "#+a10ff", ""] {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn interpolation_is_constant_outside_and_straight_inside() {
        let f = Scaled { field: FieldId(0), fallback: 3.0, curve: Curve::Linear(vec![(10.0, 4.0), (110.0, 24.0)]) };
        assert_eq!(f.of(None), 3.0);
        assert_eq!(f.of(Some(f64::NAN)), 3.0);
        assert_eq!((f.of(Some(0.0)), f.of(Some(10.0)), f.of(Some(60.0)), f.of(Some(1e9))), (4.0, 4.0, 14.0, 24.0));
        assert_eq!(f.largest(), 24.0);
    }

    #[test]
    fn a_datum_on_the_threshold_belongs_to_the_upper_class() {
        let f = Scaled { field: FieldId(0), fallback: 0.0, curve: Curve::Steps(5.0, vec![(30.0, 8.0), (80.0, 12.0)]) };
        assert_eq!((f.of(Some(29.9)), f.of(Some(30.0)), f.of(Some(80.0))), (5.0, 8.0, 12.0));
    }
}
