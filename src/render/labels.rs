//! Placing labels: the layer on top first, large areas before small ones, none over another, none cut by the border.

use super::canvas::Canvas;
use super::text::Line;
use super::view::Place;
use crate::style::Label;
use std::time::Instant;

/// A label that would like to be drawn.
pub struct Candidate {
    /// Text.
    pub text: String,
    /// How it is written.
    pub label: Label,
    /// Pixels of the picture per pixel of 0.28 mm.
    pub scale: f32,
    /// Place of its layer in the map, bottom first.
    pub layer: usize,
    /// Larger is placed earlier: area or size of the feature.
    pub weight: f64,
    /// Row, to settle ties.
    pub row: u32,
    /// Where.
    pub at: Place,
    /// Width of the feature there, in pixels.
    pub room: f64,
}

/// A label may be this much wider than its area.
const OVERHANG: f64 = 1.6;

/// Side of a cell of the grid that finds neighbours, in pixels.
const CELL: f64 = 64.0;

/// Labels of one picture.
pub struct Labels {
    candidates: Vec<Candidate>,
    sorted: bool,
    next: usize,
    width: f64,
    height: f64,
    columns: usize,
    /// Boxes (left, top, right, bottom) by cell.
    taken: Vec<Vec<[f64; 4]>>,
}

impl Labels {
    /// No labels yet, for a picture of this size.
    pub fn new(width: u32, height: u32) -> Labels {
        let cells = |v: u32| (f64::from(v) / CELL) as usize + 1;
        let columns = cells(width);
        Labels {
            candidates: Vec::new(),
            sorted: false,
            next: 0,
            width: f64::from(width),
            height: f64::from(height),
            columns,
            taken: vec![Vec::new(); columns * cells(height)],
        }
    }

    /// Adds a candidate.
    pub fn add(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    /// Places and draws until the clock says stop; true when all are done.
    pub fn draw(&mut self, canvas: &mut Canvas, until: Instant) -> bool {
        if !self.sorted {
            self.candidates
                .sort_by(|a, b| b.layer.cmp(&a.layer).then(b.weight.total_cmp(&a.weight)).then(a.row.cmp(&b.row)));
            self.sorted = true;
        }
        while self.next < self.candidates.len() {
            self.place(self.next, canvas);
            self.next += 1;
            if self.next.is_multiple_of(8) && Instant::now() >= until {
                return self.next == self.candidates.len();
            }
        }
        true
    }

    fn place(&mut self, i: usize, canvas: &mut Canvas) {
        let c = &self.candidates[i];
        let line = Line::new(&c.text, c.label.size * c.scale, c.label.bold);
        if f64::from(line.width) > c.room * OVERHANG {
            return;
        }
        let (width, height) = (f64::from(line.width), f64::from(line.cap_height));
        let scale = f64::from(c.scale);
        // SE: the anchor is a share of the label's box, from its lower left corner; displacement goes right and up.
        let x = c.at.0 - width * f64::from(c.label.anchor.0) + f64::from(c.label.displacement.0) * scale;
        let y = c.at.1 + height * f64::from(c.label.anchor.1) - f64::from(c.label.displacement.1) * scale;
        let pad = c.label.halo.map_or(1.0, |h| f64::from(h.0)) * scale;
        let area = [x - pad, y - height - pad, x + width + pad, y + f64::from(line.descent) + pad];
        if area[0] < 0.0 || area[1] < 0.0 || area[2] > self.width || area[3] > self.height || self.meets(&area) {
            return;
        }
        let rim = c.label.halo.map(|(radius, color, opacity)| (radius * c.scale, color, opacity));
        line.draw(canvas, x, y, (c.label.color, c.label.opacity), rim);
        for cell in self.cells(&area) {
            self.taken[cell].push(area);
        }
    }

    fn meets(&self, a: &[f64; 4]) -> bool {
        self.cells(a)
            .into_iter()
            .flat_map(|c| &self.taken[c])
            .any(|b| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3])
    }

    fn cells(&self, a: &[f64; 4]) -> Vec<usize> {
        let span = |low: f64, high: f64, limit: usize| {
            let cell = |v: f64| ((v / CELL).max(0.0) as usize).min(limit.saturating_sub(1));
            cell(low)..=cell(high)
        };
        let rows = self.taken.len() / self.columns.max(1);
        let columns = span(a[0], a[2], self.columns);
        span(a[1], a[3], rows).flat_map(|r| columns.clone().map(move |c| r * self.columns + c)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{Color, Piece};
    use std::time::Duration;

    fn candidate(text: &str, at: Place, weight: f64) -> Candidate {
        let label = Label {
            pieces: vec![Piece::Literal(text.into())],
            size: 12.0,
            bold: false,
            color: Color::default(),
            opacity: 1.0,
            halo: None,
            anchor: (0.5, 0.5),
            displacement: (0.0, 0.0),
        };
        Candidate { text: text.into(), label, scale: 1.0, layer: 0, weight, row: 0, at, room: f64::INFINITY }
    }

    fn painted(candidates: Vec<Candidate>) -> Vec<u8> {
        let mut canvas = Canvas::new(200, 100, None).unwrap();
        let mut labels = Labels::new(200, 100);
        candidates.into_iter().for_each(|c| labels.add(c));
        while !labels.draw(&mut canvas, Instant::now() + Duration::from_secs(1)) {}
        canvas.finish().data
    }

    #[test]
    fn the_heavier_label_wins_whatever_the_order() {
        let alone = painted(vec![candidate("Lille", (100.0, 50.0), 2.0)]);
        let both = || [candidate("Lille", (100.0, 50.0), 2.0), candidate("Loos", (105.0, 52.0), 1.0)];
        assert!(alone.iter().any(|v| *v > 0));
        assert_eq!(painted(both().into()), alone);
        assert_eq!(painted(both().into_iter().rev().collect()), alone);
    }

    #[test]
    fn no_label_is_cut_by_the_border_or_overflows_its_area() {
        assert!(painted(vec![candidate("Lille", (198.0, 50.0), 1.0)]).iter().all(|v| *v == 0));
        let narrow = Candidate { room: 10.0, ..candidate("Villeneuve-d'Ascq", (100.0, 50.0), 1.0) };
        assert!(painted(vec![narrow]).iter().all(|v| *v == 0));
    }
}
