//! The rasteriser behind a few calls: fill, hatch, stroke, stamp, mask, finish.
//!
//! Coordinates are pixels, x to the right, y down, pixel centres at halves. Only this file and `marks` know the
//! rasteriser's types, so that another one can take its place.

use super::marks::Sprite;
use super::text::Coverage;
use crate::style::{Cap, Color, Join, Stroke};
use tiny_skia::{
    FillRule, FilterQuality, LineCap, LineJoin, Paint, Path, Pattern, Pixmap, Shader, SpreadMode, StrokeDash, Transform,
};

/// Where everything is painted.
pub struct Canvas {
    pixmap: Pixmap,
    opaque: bool,
}

/// A finished picture: rows from the top, four bytes a pixel, premultiplied red, green, blue, alpha.
pub struct Pixels {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Bytes.
    pub data: Vec<u8>,
    /// True when there was a background: every pixel is opaque.
    pub opaque: bool,
}

/// A line, its lengths scaled to the picture's resolution and its settings translated.
pub struct Pen {
    stroke: tiny_skia::Stroke,
    color: Color,
    opacity: f32,
}

impl Pen {
    /// Prepares a stroke; `scale` is pixels of the picture per pixel of 0.28 mm.
    pub fn new(s: &Stroke, scale: f32) -> Pen {
        let stroke = tiny_skia::Stroke {
            width: s.width * scale,
            miter_limit: 4.0,
            line_cap: match s.cap {
                Cap::Butt => LineCap::Butt,
                Cap::Round => LineCap::Round,
                Cap::Square => LineCap::Square,
            },
            line_join: match s.join {
                Join::Mitre => LineJoin::Miter,
                Join::Round => LineJoin::Round,
                Join::Bevel => LineJoin::Bevel,
            },
            dash: StrokeDash::new(s.dashes.iter().map(|d| d * scale).collect(), 0.0),
        };
        Pen { stroke, color: s.color, opacity: s.opacity }
    }
}

/// A tile that is repeated inside an area.
pub struct Tile {
    pixmap: Pixmap,
    /// Place of the tile's corner, so that patterns of neighbouring pictures meet.
    origin: (f32, f32),
}

impl Tile {
    /// Makes a tile out of a drawing.
    pub(super) fn new(pixmap: Pixmap, origin: (f32, f32)) -> Tile {
        Tile { pixmap, origin }
    }
}

fn paint(color: Color, opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color.r, color.g, color.b, (opacity * 255.0).round() as u8);
    paint
}

impl Canvas {
    /// An empty canvas; `None` when a side is 0 or the picture does not fit into memory. No background: transparent.
    pub fn new(width: u32, height: u32, background: Option<Color>) -> Option<Canvas> {
        let mut pixmap = Pixmap::new(width, height)?;
        if let Some(c) = background {
            pixmap.fill(tiny_skia::Color::from_rgba8(c.r, c.g, c.b, 255));
        }
        Some(Canvas { pixmap, opaque: background.is_some() })
    }

    /// Fills an area; rings inside rings are holes.
    pub fn fill(&mut self, path: &Path, color: Color, opacity: f32) {
        self.pixmap.fill_path(path, &paint(color, opacity), FillRule::EvenOdd, Transform::identity(), None);
    }

    /// Fills an area with a repeated tile.
    pub fn hatch(&mut self, path: &Path, tile: &Tile) {
        let place = Transform::from_translate(tile.origin.0, tile.origin.1);
        let shader: Shader<'_> =
            Pattern::new(tile.pixmap.as_ref(), SpreadMode::Repeat, FilterQuality::Nearest, 1.0, place);
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        self.pixmap.fill_path(path, &paint, FillRule::EvenOdd, Transform::identity(), None);
    }

    /// Draws a line as the area it covers: exact, where [`Canvas::stroke`] draws thin lines as hairlines, which is
    /// quicker but makes oblique ones lighter.
    pub fn outline(&mut self, path: &Path, pen: &Pen) {
        let area = match &pen.stroke.dash {
            Some(dash) => path.dash(dash, 1.0).and_then(|p| p.stroke(&pen.stroke, 1.0)),
            None => path.stroke(&pen.stroke, 1.0),
        };
        if let Some(area) = area {
            let paint = paint(pen.color, pen.opacity);
            self.pixmap.fill_path(&area, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Draws a line.
    pub fn stroke(&mut self, path: &Path, pen: &Pen) {
        if pen.stroke.width > 0.0 {
            let paint = paint(pen.color, pen.opacity);
            self.pixmap.stroke_path(path, &paint, &pen.stroke, Transform::identity(), None);
        }
    }

    /// Copies a ready mark; `(x, y)` is the pixel of its upper left corner.
    pub fn stamp(&mut self, sprite: &Sprite, x: i32, y: i32) {
        let Some((columns, rows)) = self.overlap(x, y, sprite.width, sprite.height) else { return };
        let width = self.pixmap.width() as usize;
        let data = self.pixmap.data_mut();
        for row in rows {
            let from = (row * sprite.width + columns.start) as usize * 4;
            let to = ((y + row as i32) as usize * width + (x + columns.start as i32) as usize) * 4;
            let length = columns.len() * 4;
            let (Some(source), Some(target)) = (sprite.pixels.get(from..from + length), data.get_mut(to..to + length))
            else {
                return;
            };
            for (s, t) in source.chunks_exact(4).zip(target.chunks_exact_mut(4)) {
                match s[3] {
                    0 => {}
                    255 => t.copy_from_slice(s),
                    a => {
                        let rest = 255 - u32::from(a);
                        for (s, t) in s.iter().zip(t) {
                            *t = s.saturating_add(divide_255(u32::from(*t) * rest));
                        }
                    }
                }
            }
        }
    }

    /// Paints a colour through a coverage mask; `(x, y)` is the pixel of its upper left corner.
    pub fn cover(&mut self, mask: &Coverage, x: i32, y: i32, color: Color, opacity: f32) {
        let Some((columns, rows)) = self.overlap(x, y, mask.width, mask.height) else { return };
        let width = self.pixmap.width() as usize;
        let data = self.pixmap.data_mut();
        let opacity = (opacity * 256.0).round() as u32;
        let rgb = [color.r, color.g, color.b].map(u32::from);
        for row in rows {
            let from = (row * mask.width + columns.start) as usize;
            let to = ((y + row as i32) as usize * width + (x + columns.start as i32) as usize) * 4;
            let (Some(source), Some(target)) =
                (mask.alpha.get(from..from + columns.len()), data.get_mut(to..to + columns.len() * 4))
            else {
                return;
            };
            for (s, t) in source.iter().zip(target.chunks_exact_mut(4)) {
                if *s == 0 {
                    continue;
                }
                let a = (u32::from(*s) * opacity) >> 8;
                let rest = 255 - a;
                for (c, t) in rgb.iter().zip(t.iter_mut()) {
                    *t = divide_255(c * a + u32::from(*t) * rest);
                }
                t[3] = divide_255(255 * a + u32::from(t[3]) * rest);
            }
        }
    }

    /// Columns and rows of a rectangle that lie inside the canvas.
    fn overlap(&self, x: i32, y: i32, w: u32, h: u32) -> Option<(std::ops::Range<u32>, std::ops::Range<u32>)> {
        let part = |at: i32, length: u32, limit: u32| {
            let first = at.min(0).unsigned_abs();
            let last = (i64::from(limit) - i64::from(at)).clamp(0, i64::from(length)) as u32;
            (first < last).then_some(first..last)
        };
        Some((part(x, w, self.pixmap.width())?, part(y, h, self.pixmap.height())?))
    }

    /// The picture.
    pub fn finish(self) -> Pixels {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        Pixels { width, height, data: self.pixmap.take(), opaque: self.opaque }
    }
}

/// `v / 255`, rounded, for `v` up to 255 * 255.
fn divide_255(v: u32) -> u8 {
    let v = v + 128;
    ((v + (v >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(canvas: &Canvas, x: u32, y: u32) -> [u8; 4] {
        let p = canvas.pixmap.pixel(x, y).unwrap();
        [p.red(), p.green(), p.blue(), p.alpha()]
    }

    #[test]
    fn division_is_exact() {
        for v in 0..=255 * 255 {
            assert_eq!(u32::from(divide_255(v)), (v * 2 + 255) / 510, "{v}");
        }
    }

    #[test]
    fn stamps_are_cut_at_the_border_and_blend() {
        let white = Color::from_rgb(0xff_ffff);
        let sprite = Sprite { width: 3, height: 3, pixels: [128, 0, 0, 128].repeat(9) };
        for (x, y) in [(-2, -2), (7, 7), (-3, 0), (0, 8), (i32::MIN, 0), (i32::MAX, i32::MAX)] {
            let mut canvas = Canvas::new(8, 8, Some(white)).unwrap();
            canvas.stamp(&sprite, x, y);
            let painted = (0..64).filter(|i| pixel(&canvas, i % 8, i / 8) != [255; 4]).count();
            assert_eq!(painted, usize::from((x, y) == (-2, -2) || (x, y) == (7, 7)), "{x} {y}");
        }
        let mut canvas = Canvas::new(8, 8, Some(white)).unwrap();
        canvas.stamp(&sprite, 0, 0);
        assert_eq!(pixel(&canvas, 0, 0), [255, 127, 127, 255]);
    }

    #[test]
    fn coverage_blends_onto_transparent() {
        let mask = Coverage { left: 0, top: 0, width: 1, height: 1, alpha: vec![255] };
        let mut canvas = Canvas::new(1, 1, None).unwrap();
        canvas.cover(&mask, 0, 0, Color { r: 200, g: 100, b: 0 }, 0.5);
        // 0.5 is 128/256, of 255 that is 127.
        assert_eq!(pixel(&canvas, 0, 0), [100, 50, 0, 127]);
    }
}
