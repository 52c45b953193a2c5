//! Boxes with sides parallel to the axes.

use super::Position;
use serde::{Deserialize, Serialize};

/// A closed box, `[x, y]` order, in the units of the CRS it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Lower corner.
    pub min: Position,
    /// Upper corner.
    pub max: Position,
}

impl Envelope {
    /// The box that holds nothing and grows to the first position it is given.
    pub const EMPTY: Envelope = Envelope { min: [f64::INFINITY; 2], max: [f64::NEG_INFINITY; 2] };

    /// A box from its four bounds; `None` if one is not finite or a lower bound exceeds its upper bound.
    pub fn new(min_x: f64, min_y: f64, max_x: f64, max_y: f64) -> Option<Envelope> {
        let all_finite = [min_x, min_y, max_x, max_y].iter().all(|v| v.is_finite());
        (all_finite && min_x <= max_x && min_y <= max_y)
            .then_some(Envelope { min: [min_x, min_y], max: [max_x, max_y] })
    }

    /// True when no position was ever added.
    pub fn is_empty(&self) -> bool {
        self.min[0] > self.max[0] || self.min[1] > self.max[1]
    }

    /// Grows to hold a position.
    pub fn add(&mut self, p: Position) {
        for (i, v) in p.into_iter().enumerate() {
            self.min[i] = self.min[i].min(v);
            self.max[i] = self.max[i].max(v);
        }
    }

    /// Grows to hold another box.
    pub fn merge(&mut self, other: &Envelope) {
        if !other.is_empty() {
            self.add(other.min);
            self.add(other.max);
        }
    }

    /// True when the boxes share at least a point (borders count).
    pub fn intersects(&self, other: &Envelope) -> bool {
        self.min[0] <= other.max[0]
            && other.min[0] <= self.max[0]
            && self.min[1] <= other.max[1]
            && other.min[1] <= self.max[1]
    }

    /// True when the position lies inside or on the border.
    pub fn contains(&self, p: Position) -> bool {
        self.min[0] <= p[0] && p[0] <= self.max[0] && self.min[1] <= p[1] && p[1] <= self.max[1]
    }

    /// Width, in units of the CRS.
    pub fn width(&self) -> f64 {
        self.max[0] - self.min[0]
    }

    /// Height, in units of the CRS.
    pub fn height(&self) -> f64 {
        self.max[1] - self.min[1]
    }

    /// The same box grown by a distance on every side.
    pub fn buffered(&self, d: f64) -> Envelope {
        Envelope { min: [self.min[0] - d, self.min[1] - d], max: [self.max[0] + d, self.max[1] + d] }
    }
}
