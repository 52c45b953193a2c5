//! Marks: well-known shapes as paths, as ready sprites, as pattern tiles.
//!
//! A map shows the same few symbols thousands of times: each is drawn once for each of 16 sub-pixel places and then
//! copied, which is nine times cheaper than drawing paths.

use super::canvas::{Canvas, Pen, Tile};
use crate::style::{Color, Graphic, Mark, Stroke};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use tiny_skia::{Path, PathBuilder, Pixmap, Transform};

/// A drawn mark: premultiplied RGBA.
pub struct Sprite {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Bytes, rows from the top.
    pub pixels: Vec<u8>,
}

/// Sub-pixel places in each direction; of large marks nobody sees the difference.
fn phases(size: u16) -> i32 {
    if size <= 24 * 8 { 4 } else { 1 }
}

/// What a sprite looks like; lengths in 1/8 pixel.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    mark: Mark,
    size: u16,
    rotation: i16,
    fill: Option<(Color, u8)>,
    stroke: Option<(Color, u8, u16)>,
    phase: (u8, u8),
}

/// Sprites made so far, by all requests.
#[derive(Default)]
struct Shared {
    sprites: HashMap<Key, Arc<Sprite>>,
    bytes: usize,
}

fn shared() -> &'static Mutex<Shared> {
    static SHARED: OnceLock<Mutex<Shared>> = OnceLock::new();
    SHARED.get_or_init(Mutex::default)
}

/// Bytes of sprites kept for all requests; clients choose the resolution, so their number has no natural bound.
const SHARED_BYTES: usize = 32 * 1024 * 1024;

/// Half of the largest extent of a mark, border included, in pixels of 0.28 mm.
pub fn radius(graphic: &Graphic, size: f32) -> f32 {
    let border = graphic.stroke.as_ref().map_or(0.0, |s| s.width / 2.0);
    // Corners of squares, triangles and stars reach farther than half their height.
    let corner = match graphic.mark {
        Mark::Circle | Mark::HorLine => 1.0,
        _ => std::f32::consts::SQRT_2,
    };
    size / 2.0 * corner + border
}

/// A graphic ready to be stamped at one resolution.
pub struct Stamp {
    key: Key,
    graphic: Graphic,
    scale: f32,
    /// By size and phase.
    own: HashMap<(u16, (u8, u8)), Arc<Sprite>>,
}

impl Stamp {
    /// Prepares a graphic; `scale` is pixels of the picture per pixel of 0.28 mm.
    pub fn new(graphic: &Graphic, scale: f32) -> Stamp {
        let byte = |o: f32| (o * 255.0).round() as u8;
        let key = Key {
            mark: graphic.mark,
            size: 0,
            rotation: graphic.rotation.round() as i16,
            fill: graphic.fill.map(|(c, o)| (c, byte(o))),
            stroke: graphic.stroke.as_ref().map(|s| (s.color, byte(s.opacity), eighths(s.width * scale))),
            phase: (0, 0),
        };
        Stamp { key, graphic: graphic.clone(), scale, own: HashMap::new() }
    }

    /// Stamps the mark with a size in pixels of 0.28 mm, centred at a place of the canvas.
    pub fn draw(&mut self, canvas: &mut Canvas, x: f64, y: f64, size: f32) {
        // Sizes go by quarters of a pixel, so that interpolated sizes share sprites.
        let size = eighths((size * self.scale * 4.0).round() / 4.0);
        if size == 0 || !x.is_finite() || !y.is_finite() {
            return;
        }
        let phases = phases(size);
        let place = |v: f64| {
            let q = (v.clamp(-1e6, 1e6) * f64::from(phases)).round() as i32;
            (q.div_euclid(phases), q.rem_euclid(phases) as u8)
        };
        let ((px, fx), (py, fy)) = (place(x), place(y));
        let sprite = match self.own.get(&(size, (fx, fy))) {
            Some(known) => known,
            None => {
                let key = Key { size, phase: (fx, fy), ..self.key.clone() };
                let Some(new) = sprite(&key, &self.graphic, self.scale) else { return };
                self.own.entry((size, (fx, fy))).or_insert(new)
            }
        };
        let half = (sprite.width / 2) as i32;
        canvas.stamp(sprite, px - half, py - half);
    }
}

fn eighths(v: f32) -> u16 {
    (v * 8.0).round().clamp(0.0, 65_535.0) as u16
}

fn sprite(key: &Key, graphic: &Graphic, scale: f32) -> Option<Arc<Sprite>> {
    if let Some(known) = shared().lock().ok().and_then(|s| s.sprites.get(key).cloned()) {
        return Some(known);
    }
    let size = f32::from(key.size) / 8.0;
    let reach = radius(graphic, size / scale) * scale;
    // The centre of the mark lies at the corner of the middle pixel, moved by the phase.
    let half = reach.ceil() as u32 + 1;
    let side = 2 * half + 1;
    let mut canvas = Canvas::new(side, side, None)?;
    let at = |phase: u8| half as f32 + f32::from(phase) / phases(key.size) as f32;
    draw(&mut canvas, graphic, at(key.phase.0), at(key.phase.1), size, scale);
    let pixels = canvas.finish();
    let new = Arc::new(Sprite { width: pixels.width, height: pixels.height, pixels: pixels.data });
    if let Ok(mut all) = shared().lock() {
        if all.bytes >= SHARED_BYTES {
            *all = Shared::default();
        }
        all.bytes += new.pixels.len();
        all.sprites.insert(key.clone(), Arc::clone(&new));
    }
    Some(new)
}

/// Draws a mark by paths. `size` is in pixels of the canvas.
pub fn draw(canvas: &mut Canvas, graphic: &Graphic, x: f32, y: f32, size: f32, scale: f32) {
    let Some(path) = path(graphic.mark, x, y, size, graphic.rotation) else { return };
    if let (Some((color, opacity)), false) = (graphic.fill, graphic.mark == Mark::HorLine) {
        canvas.fill(&path, color, opacity);
    }
    if let Some(stroke) = &graphic.stroke {
        canvas.outline(&path, &Pen::new(stroke, scale));
    }
}

fn path(mark: Mark, x: f32, y: f32, size: f32, rotation: f32) -> Option<Path> {
    let mut b = PathBuilder::new();
    let r = size / 2.0;
    let polygon = |b: &mut PathBuilder, points: &[(f32, f32)]| {
        for (i, (px, py)) in points.iter().enumerate() {
            if i == 0 { b.move_to(px * r, py * r) } else { b.line_to(px * r, py * r) }
        }
        b.close();
    };
    match mark {
        Mark::Circle => b.push_circle(0.0, 0.0, r),
        Mark::Square => polygon(&mut b, &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]),
        Mark::Triangle => polygon(&mut b, &[(0.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]),
        Mark::Star => {
            let points: Vec<(f32, f32)> = (0..10)
                .map(|i| {
                    let angle = std::f32::consts::PI * (i as f32 / 5.0);
                    let radius = if i % 2 == 0 { 1.0 } else { 0.4 };
                    (radius * angle.sin(), -radius * angle.cos())
                })
                .collect();
            polygon(&mut b, &points);
        }
        Mark::Cross => {
            let t = 0.2;
            polygon(
                &mut b,
                &[
                    (-t, -1.0),
                    (t, -1.0),
                    (t, -t),
                    (1.0, -t),
                    (1.0, t),
                    (t, t),
                    (t, 1.0),
                    (-t, 1.0),
                    (-t, t),
                    (-1.0, t),
                    (-1.0, -t),
                    (-t, -t),
                ],
            );
        }
        Mark::X => {
            for (dx, dy) in [(1.0, 1.0), (1.0, -1.0)] {
                b.move_to(-r * dx, -r * dy);
                b.line_to(r * dx, r * dy);
            }
        }
        Mark::HorLine => {
            b.move_to(-r, 0.0);
            b.line_to(r, 0.0);
        }
    }
    b.finish()?.transform(Transform::from_rotate(rotation).post_translate(x, y))
}

/// The tile of a pattern. `corner` is the place of the picture's upper left corner on the pattern's endless plane, in
/// pixels, so that patterns of neighbouring pictures meet.
pub fn tile(graphic: &Graphic, scale: f32, corner: (f64, f64)) -> Option<Tile> {
    let size = graphic.size.largest() * scale;
    let pixmap =
        if graphic.mark == Mark::HorLine { hatching(graphic, size, scale)? } else { repeated(graphic, size, scale)? };
    let origin = |c: f64, side: u32| -(c.rem_euclid(f64::from(side)).round() as f32);
    let at = (origin(corner.0, pixmap.width()), origin(corner.1, pixmap.height()));
    Some(Tile::new(pixmap, at))
}

fn repeated(graphic: &Graphic, size: f32, scale: f32) -> Option<Pixmap> {
    let side = (size * 2.0).round().max(2.0);
    let mut canvas = Canvas::new(side as u32, side as u32, None)?;
    draw(&mut canvas, graphic, side / 2.0, side / 2.0, size, scale);
    into_pixmap(canvas)
}

/// Parallel lines. A tile repeats only if its lines meet at its borders, so the angle is one of four.
fn hatching(graphic: &Graphic, spacing: f32, scale: f32) -> Option<Pixmap> {
    let stroke: &Stroke = graphic.stroke.as_ref()?;
    let quarter = (graphic.rotation / 45.0).round() as i32;
    let side = if quarter % 2 == 0 { spacing } else { spacing * std::f32::consts::SQRT_2 }.round().max(2.0);
    let mut canvas = Canvas::new(side as u32, side as u32, None)?;
    let mut b = PathBuilder::new();
    // Three lines: neighbours reach into the tile with their width.
    for n in [-1.0, 0.0, 1.0] {
        let (from, to) = match quarter.rem_euclid(4) {
            0 => ((-side, side * (n + 0.5)), (2.0 * side, side * (n + 0.5))),
            // Clockwise on a plane with y down: 45 degrees falls to the right.
            1 => ((-side + n * side, -side), (2.0 * side + n * side, 2.0 * side)),
            2 => ((side * (n + 0.5), -side), (side * (n + 0.5), 2.0 * side)),
            _ => ((-side + n * side, 2.0 * side), (2.0 * side + n * side, -side)),
        };
        b.move_to(from.0, from.1);
        b.line_to(to.0, to.1);
    }
    canvas.outline(&b.finish()?, &Pen::new(stroke, scale));
    into_pixmap(canvas)
}

fn into_pixmap(canvas: Canvas) -> Option<Pixmap> {
    let p = canvas.finish();
    Pixmap::from_vec(p.data, tiny_skia::IntSize::from_wh(p.width, p.height)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{Cap, Join, Size};

    fn graphic(mark: Mark) -> Graphic {
        let stroke = Stroke {
            color: Color::default(),
            opacity: 1.0,
            width: 1.0,
            dashes: vec![],
            cap: Cap::Butt,
            join: Join::Mitre,
        };
        Graphic {
            mark,
            fill: Some((Color { r: 200, g: 0, b: 0 }, 1.0)),
            stroke: Some(stroke),
            size: Size::Constant(9.0),
            rotation: 0.0,
        }
    }

    #[test]
    fn a_stamped_mark_is_the_drawn_one() {
        for (_, mark) in Mark::NAMES {
            let g = graphic(mark);
            let mut stamped = Canvas::new(40, 40, None).unwrap();
            Stamp::new(&g, 1.0).draw(&mut stamped, 20.25, 19.5, 9.0);
            let mut drawn = Canvas::new(40, 40, None).unwrap();
            draw(&mut drawn, &g, 20.25, 19.5, 9.0, 1.0);
            let (a, b) = (stamped.finish().data, drawn.finish().data);
            let largest = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(largest <= Some(2), "{mark:?}: {largest:?}");
            assert!(b.iter().any(|v| *v > 0), "{mark:?} is empty");
        }
    }

    #[test]
    fn a_mark_stays_inside_its_radius() {
        for (_, mark) in Mark::NAMES {
            let g = graphic(mark);
            let mut canvas = Canvas::new(41, 41, None).unwrap();
            draw(&mut canvas, &g, 20.5, 20.5, 9.0, 1.0);
            let reach = radius(&g, 9.0) + 1.0;
            let data = canvas.finish().data;
            for (i, p) in data.chunks_exact(4).enumerate().filter(|(_, p)| p[3] > 0) {
                let (dx, dy) = ((i % 41) as f32 - 20.0, (i / 41) as f32 - 20.0);
                assert!(dx.hypot(dy) <= reach + 0.71, "{mark:?} {dx} {dy} {p:?}");
            }
        }
    }

    #[test]
    fn hatching_meets_at_the_borders_of_the_tile() {
        for rotation in [0.0, 45.0, 90.0, 135.0] {
            let g = Graphic { rotation, ..graphic(Mark::HorLine) };
            let t = hatching(&g, 6.0, 1.0).unwrap();
            let sum: u32 = t.pixels().iter().map(|p| u32::from(p.alpha())).sum();
            // One line of width 1 through a tile covers side * length of the line.
            let side = t.width() as f32;
            let expected = if rotation % 90.0 == 0.0 { side } else { side * std::f32::consts::SQRT_2 };
            assert!((sum as f32 / 255.0 - expected).abs() < 0.12 * expected, "{rotation}: {sum} {expected}");
        }
    }
}
