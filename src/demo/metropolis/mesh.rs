//! The fine mesh that every outline is dissolved from: hexagonal cells inside an irregular border.
//!
//! Three cells meet at every corner. A border between groups of cells therefore never touches itself in a point: every
//! ring that is dissolved is simple, whatever the assignment of cells.

use crate::geo::Position;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::f64::consts::TAU;

/// No neighbour: the edge lies on the border of the metropolis.
pub const OUTSIDE: u32 = u32::MAX;

/// One hexagon.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Corners, counter-clockwise, as indices of [`Mesh::corners`].
    pub corners: [u32; 6],
    /// Neighbour across the edge from corner `i` to corner `i + 1`; [`OUTSIDE`] on the border.
    pub neighbours: [u32; 6],
    /// Centre, EPSG:2154, metres.
    pub centre: Position,
}

/// Cells and the corners they share.
#[derive(Debug)]
pub struct Mesh {
    /// EPSG:2154, metres.
    pub corners: Vec<Position>,
    /// All connected.
    pub cells: Vec<Cell>,
    /// Side of a regular cell, metres.
    pub side: f64,
}

/// Offsets of the corners of a hexagon on the lattice of half-widths (x) and half-sides (y).
const CORNERS: [(i32, i32); 6] = [(1, -1), (1, 1), (0, 2), (-1, 1), (-1, -1), (0, -2)];
/// Offsets of the neighbours' centres on the same lattice; the `i`-th lies across the edge from corner `i` to `i + 1`.
const NEIGHBOURS: [(i32, i32); 6] = [(2, 0), (1, 3), (-1, 3), (-2, 0), (-1, -3), (1, -3)];

impl Mesh {
    /// Covers an irregular blob that fills the box `[min x, min y, max x, max y]` (EPSG:2154) with cells of a side.
    pub fn new(rng: &mut ChaCha8Rng, bounds: [f64; 4], side: f64) -> Mesh {
        let [min_x, min_y, max_x, max_y] = bounds;
        let centre = [(min_x + max_x) / 2.0, (min_y + max_y) / 2.0];
        let half = [(max_x - min_x) / 2.0 - 1.5 * side, (max_y - min_y) / 2.0 - 1.5 * side];
        let border = Border::new(rng);
        let warp = Warp::new(rng, half[0].min(half[1]));
        let (ux, uy) = (side * 3f64.sqrt() / 2.0, side / 2.0);
        let (columns, rows) = ((half[0] / ux).ceil() as i32 + 2, (half[1] / uy).ceil() as i32 + 3);

        let mut inside: HashMap<(i32, i32), bool> = HashMap::new();
        for row in -(rows / 3)..=rows / 3 {
            for column in -columns..=columns {
                if (column + row) % 2 == 0 {
                    let key = (column, 3 * row);
                    let at = [f64::from(key.0) * ux / half[0], f64::from(key.1) * uy / half[1]];
                    inside.insert(key, border.contains(at));
                }
            }
        }
        // The blob is star-shaped; its cells may still leave a lone one at a tip. What hangs together with the middle stays.
        let mut order = vec![(0, 0)];
        let mut ids: HashMap<(i32, i32), u32> = HashMap::from([((0, 0), 0)]);
        let mut next = 0;
        while next < order.len() {
            let (x, y) = order[next];
            next += 1;
            for (dx, dy) in NEIGHBOURS {
                let key = (x + dx, y + dy);
                if inside.get(&key) == Some(&true) && !ids.contains_key(&key) {
                    ids.insert(key, order.len() as u32);
                    order.push(key);
                }
            }
        }

        let mut corner_ids: HashMap<(i32, i32), u32> = HashMap::new();
        let mut corners = Vec::new();
        let mut cells = Vec::with_capacity(order.len());
        for (x, y) in order {
            let cell_corners = CORNERS.map(|(dx, dy)| {
                let key = (x + dx, y + dy);
                *corner_ids.entry(key).or_insert_with(|| {
                    // Jitter under a fifth of the side keeps every cell convex enough for its edges' displacement.
                    let (angle, r) = (rng.random_range(0.0..TAU), side * 0.19 * rng.random_range(0f64..1.0).sqrt());
                    let p = [
                        centre[0] + f64::from(key.0) * ux + r * angle.cos(),
                        centre[1] + f64::from(key.1) * uy + r * angle.sin(),
                    ];
                    corners.push(warp.apply(p, centre));
                    corners.len() as u32 - 1
                })
            });
            let neighbours = NEIGHBOURS.map(|(dx, dy)| ids.get(&(x + dx, y + dy)).copied().unwrap_or(OUTSIDE));
            cells.push(Cell { corners: cell_corners, neighbours, centre: [0.0; 2] });
        }
        fit(&mut corners, bounds, side);
        for cell in &mut cells {
            for corner in cell.corners {
                for (c, v) in cell.centre.iter_mut().zip(corners[corner as usize]) {
                    *c += v / 6.0;
                }
            }
        }
        Mesh { corners, cells, side }
    }

    /// Neighbours of a cell that exist.
    pub fn around(&self, cell: u32) -> impl Iterator<Item = u32> + '_ {
        self.cells[cell as usize].neighbours.iter().copied().filter(|n| *n != OUTSIDE)
    }

    /// Position of a cell's centre.
    pub fn centre(&self, cell: u32) -> Position {
        self.cells[cell as usize].centre
    }
}

/// Moves and stretches the corners so that their extent is the box less room for the displacement of edges.
fn fit(corners: &mut [Position], [min_x, min_y, max_x, max_y]: [f64; 4], side: f64) {
    let margin = 0.35 * side;
    for (axis, (low, high)) in
        [(min_x + margin, max_x - margin), (min_y + margin, max_y - margin)].into_iter().enumerate()
    {
        let least = corners.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
        let most = corners.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max);
        let factor = (high - low) / (most - least).max(1.0);
        for p in corners.iter_mut() {
            p[axis] = low + (p[axis] - least) * factor;
        }
    }
}

/// A star-shaped blob in the square from -1 to 1.
struct Border {
    harmonics: Vec<(f64, f64, f64)>,
    greatest: f64,
}

impl Border {
    fn new(rng: &mut ChaCha8Rng) -> Border {
        let harmonics: Vec<(f64, f64, f64)> = (2..=17)
            .map(|k| {
                let k = f64::from(k);
                (k, 0.22 / k.powf(0.9) * rng.random_range(0.4..1.0), rng.random_range(0.0..TAU))
            })
            .collect();
        let mut border = Border { harmonics, greatest: 1.0 };
        border.greatest = (0..720).map(|i| border.radius(f64::from(i) * TAU / 720.0)).fold(0.0, f64::max);
        border
    }

    fn radius(&self, angle: f64) -> f64 {
        (1.0 + self.harmonics.iter().map(|(k, a, phase)| a * (k * angle + phase).cos()).sum::<f64>()) / self.greatest
    }

    fn contains(&self, [x, y]: Position) -> bool {
        x.hypot(y) <= self.radius(y.atan2(x)).max(0.4)
    }
}

/// A smooth deformation that hides the directions of the lattice.
struct Warp {
    waves: Vec<(Position, f64, Position)>,
}

impl Warp {
    fn new(rng: &mut ChaCha8Rng, extent: f64) -> Warp {
        let waves = (0..7)
            .map(|_| {
                let length = extent * rng.random_range(0.35..0.9);
                let direction = rng.random_range(0.0..TAU);
                let push = rng.random_range(0.0..TAU);
                // The gradient of the sum stays under 0.4: the map folds nowhere.
                let amplitude = 0.055 * length / TAU;
                (
                    [direction.cos() * TAU / length, direction.sin() * TAU / length],
                    rng.random_range(0.0..TAU),
                    [amplitude * push.cos(), amplitude * push.sin()],
                )
            })
            .collect();
        Warp { waves }
    }

    fn apply(&self, p: Position, centre: Position) -> Position {
        let d = [p[0] - centre[0], p[1] - centre[1]];
        let mut out = p;
        for (k, phase, push) in &self.waves {
            let s = (k[0] * d[0] + k[1] * d[1] + phase).sin();
            out[0] += push[0] * s;
            out[1] += push[1] * s;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn neighbours_know_each_other_and_share_an_edge() {
        let mesh = Mesh::new(&mut ChaCha8Rng::seed_from_u64(3), [0.0, 0.0, 6000.0, 5000.0], 120.0);
        assert!(mesh.cells.len() > 300, "{}", mesh.cells.len());
        for (i, cell) in mesh.cells.iter().enumerate() {
            for side in 0..6 {
                let n = cell.neighbours[side];
                if n == OUTSIDE {
                    continue;
                }
                let other = &mesh.cells[n as usize];
                assert_eq!(other.neighbours[(side + 3) % 6], i as u32);
                assert_eq!(cell.corners[side], other.corners[(side + 4) % 6]);
                assert_eq!(cell.corners[(side + 1) % 6], other.corners[(side + 3) % 6]);
            }
        }
    }

    #[test]
    fn fills_its_box() {
        let bounds = [685_037.0, 7_044_719.0, 719_290.0, 7_077_567.0];
        let mesh = Mesh::new(&mut ChaCha8Rng::seed_from_u64(1), bounds, 300.0);
        let least = mesh.corners.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min);
        let most = mesh.corners.iter().map(|p| p[1]).fold(f64::NEG_INFINITY, f64::max);
        assert!((least - bounds[0]).abs() < 150.0 && (most - bounds[3]).abs() < 150.0);
    }
}
