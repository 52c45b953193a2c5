//! One line of text: shaping, and drawing out of cached coverage masks.
//!
//! A glyph is rasterised once for each size and quarter of a pixel, its rim (halo) likewise; a label is then put together
//! out of masks, 27 times cheaper than outlines.

use super::canvas::Canvas;
use crate::style::Color;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use swash::scale::{Render, ScaleContext, Source};
use swash::shape::ShapeContext;
use swash::zeno::{Cap, Format, Join, Stroke, Vector};
use swash::{FontRef, GlyphId};

/// DejaVu Sans, the one font that is shipped (licence beside it).
const FONT: &[u8] = include_bytes!("../../styles/fonts/DejaVuSans.ttf");

/// Height of capitals of this font in ems; its OS/2 table is too old to tell.
const CAP_HEIGHT: f32 = 0.729;

/// Sub-pixel places along the line.
const PHASES: f32 = 4.0;

/// Bytes of masks kept; clients choose the resolution, so their number has no natural bound.
const MASK_BYTES: usize = 16 * 1024 * 1024;

/// How much of each pixel is covered.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Columns from the origin to the mask.
    pub left: i32,
    /// Rows from the mask's upper edge down to the origin.
    pub top: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Rows from the top, 255 is covered.
    pub alpha: Vec<u8>,
}

/// A shaped line of text, lengths in pixels of the picture.
#[derive(Debug, Clone)]
pub struct Line {
    glyphs: Vec<(GlyphId, f32)>,
    face: Face,
    /// Length.
    pub width: f32,
    /// Height of capitals above the baseline.
    pub cap_height: f32,
    /// Depth of descenders below the baseline.
    pub descent: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Face {
    /// Eighths of a pixel.
    size: u16,
    bold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    face: Face,
    glyph: GlyphId,
    phase: u8,
    /// Rim in eighths of a pixel; 0: the glyph itself.
    rim: u16,
}

#[derive(Default)]
struct Engine {
    shape: ShapeContext,
    scale: ScaleContext,
    masks: HashMap<Key, Arc<Coverage>>,
    bytes: usize,
}

fn engine() -> MutexGuard<'static, Engine> {
    static ENGINE: OnceLock<Mutex<Engine>> = OnceLock::new();
    // What a panicking thread left behind is a cache: whole entries or none.
    ENGINE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn font() -> Option<FontRef<'static>> {
    FontRef::from_index(FONT, 0)
}

impl Face {
    fn new(size: f32, bold: bool) -> Face {
        Face { size: (size * 8.0).round().clamp(8.0, 8000.0) as u16, bold }
    }

    fn pixels(self) -> f32 {
        f32::from(self.size) / 8.0
    }

    /// The bold face is the plain one with thicker stems.
    fn weight(self) -> f32 {
        if self.bold { self.pixels() * 0.045 } else { 0.0 }
    }
}

impl Line {
    /// Shapes a text of a font height in pixels of the picture.
    pub fn new(text: &str, size: f32, bold: bool) -> Line {
        let face = Face::new(size, bold);
        let mut line = Line { glyphs: Vec::new(), face, width: 0.0, cap_height: 0.0, descent: 0.0 };
        let Some(font) = font() else { return line };
        let metrics = font.metrics(&[]).scale(face.pixels());
        line.cap_height = CAP_HEIGHT * face.pixels();
        line.descent = metrics.descent;
        let mut engine = engine();
        let mut shaper = engine.shape.builder(font).size(face.pixels()).build();
        // Control characters have no shape.
        shaper.add_str(&text.replace(|c: char| c.is_control(), " "));
        shaper.shape_with(|cluster| {
            for glyph in cluster.glyphs {
                line.glyphs.push((glyph.id, line.width + glyph.x));
                line.width += glyph.advance + face.weight();
            }
        });
        line
    }

    /// Draws the line, its baseline beginning at `(x, y)`. `rim`: radius in pixels, colour, opacity.
    pub fn draw(&self, canvas: &mut Canvas, x: f64, y: f64, paint: (Color, f32), rim: Option<(f32, Color, f32)>) {
        let base = y.round() as i32;
        let placed: Vec<(GlyphId, u8, i32)> = self
            .glyphs
            .iter()
            .map(|(glyph, offset)| {
                let q = ((x + f64::from(*offset)) * f64::from(PHASES)).round() as i32;
                (*glyph, q.rem_euclid(PHASES as i32) as u8, q.div_euclid(PHASES as i32))
            })
            .collect();
        let masks = |rim: u16| -> Vec<(Arc<Coverage>, i32)> {
            let mut engine = engine();
            placed
                .iter()
                .filter_map(|(glyph, phase, column)| {
                    Some((engine.mask(Key { face: self.face, glyph: *glyph, phase: *phase, rim })?, *column))
                })
                .collect()
        };
        if let Some((radius, color, opacity)) = rim {
            let radius = (radius * 8.0).round().clamp(0.0, 800.0) as u16;
            if radius > 0 {
                // The rims of neighbours overlap: joined first, so that a translucent one does not show the joints.
                if let Some(whole) = join(&masks(radius)) {
                    canvas.cover(&whole, whole.left, base - whole.top, color, opacity);
                }
            }
        }
        for (mask, column) in masks(0) {
            canvas.cover(&mask, column + mask.left, base - mask.top, paint.0, paint.1);
        }
    }
}

/// One mask of many: the most of each pixel. The result's `left` counts from column 0 of the canvas.
fn join(masks: &[(Arc<Coverage>, i32)]) -> Option<Coverage> {
    let solid = || masks.iter().filter(|(m, _)| m.width > 0 && m.height > 0);
    let left = solid().map(|(m, x)| x + m.left).min()?;
    let right = solid().map(|(m, x)| x + m.left + m.width as i32).max()?;
    let top = solid().map(|(m, _)| m.top).max()?;
    let bottom = solid().map(|(m, _)| m.top - m.height as i32).min()?;
    let (width, height) = ((right - left) as u32, (top - bottom) as u32);
    let mut whole = Coverage { left, top, width, height, alpha: vec![0; width as usize * height as usize] };
    for (m, x) in solid() {
        let (dx, dy) = ((x + m.left - left) as usize, (top - m.top) as usize);
        for (row, source) in m.alpha.chunks_exact(m.width as usize).enumerate() {
            let from = (dy + row) * width as usize + dx;
            let target = whole.alpha.get_mut(from..from + source.len())?;
            target.iter_mut().zip(source).for_each(|(t, s)| *t = (*t).max(*s));
        }
    }
    Some(whole)
}

impl Engine {
    fn mask(&mut self, key: Key) -> Option<Arc<Coverage>> {
        if let Some(known) = self.masks.get(&key) {
            return Some(Arc::clone(known));
        }
        let mut scaler = self.scale.builder(font()?).size(key.face.pixels()).hint(false).build();
        let mut render = Render::new(&[Source::Outline]);
        render.format(Format::Alpha).offset(Vector::new(f32::from(key.phase) / PHASES, 0.0));
        if key.face.bold {
            render.embolden(key.face.weight());
        }
        let mut stroke = Stroke::new(f32::from(key.rim) / 4.0);
        stroke.join(Join::Round).cap(Cap::Round);
        if key.rim > 0 {
            render.style(stroke);
        }
        let image = render.render(&mut scaler, key.glyph);
        // A blank has no outline, and that is kept too.
        let mask = Arc::new(image.map_or_else(Coverage::default, |image| Coverage {
            left: image.placement.left,
            top: image.placement.top,
            width: image.placement.width,
            height: image.placement.height,
            alpha: image.data,
        }));
        if self.bytes >= MASK_BYTES {
            self.masks.clear();
            self.bytes = 0;
        }
        // A blank weighs its place in the table.
        self.bytes += mask.alpha.len() + size_of::<(Key, Coverage)>();
        self.masks.insert(key, Arc::clone(&mask));
        Some(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_grows_with_size_and_text() {
        let short = Line::new("Lomme", 10.0, false);
        let long = Line::new("Lomme-Délivrance", 10.0, false);
        let large = Line::new("Lomme", 20.0, false);
        assert!(short.width > 25.0 && long.width > 2.0 * short.width);
        assert!((large.width - 2.0 * short.width).abs() < 0.5);
        assert!(Line::new("Lomme", 10.0, true).width > short.width);
        assert_eq!(Line::new("", 10.0, false).width, 0.0);
    }

    #[test]
    fn the_rim_surrounds_the_glyphs() {
        let paint = |rim| {
            let mut canvas = Canvas::new(80, 30, None).unwrap();
            Line::new("Hé", 16.0, false).draw(&mut canvas, 10.0, 20.0, (Color::default(), 1.0), rim);
            canvas.finish().data.chunks_exact(4).map(|p| p[3]).collect::<Vec<_>>()
        };
        let (plain, rimmed) = (paint(None), paint(Some((2.0, Color::from_rgb(0xff_ffff), 1.0))));
        let covered = |a: &[u8]| a.iter().filter(|a| **a > 200).count();
        assert!(covered(&plain) > 30);
        assert!(covered(&rimmed) > 3 * covered(&plain));
        assert!(plain.iter().zip(&rimmed).all(|(p, r)| r >= p), "the rim leaves no hole");
    }
}
