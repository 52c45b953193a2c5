//! From labelled cells to outlines: arcs shared by neighbours, smoothed and displaced once, then stitched to rings.
//!
//! Every zoning of a metropolis (IRIS, communes, both generations of QPV) is stitched from the same arcs, so that
//! zones that touch share exactly the same vertices.

use super::mesh::{Mesh, OUTSIDE};
use crate::geo::{Envelope, Position};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{HashMap, HashSet};

/// A polygon: closed rings (first position = last), the outer one first and counter-clockwise, holes clockwise.
pub type Polygon = Vec<Vec<Position>>;

/// Polygons of one zone, EPSG:2154, metres, to the centimetre.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Disjoint polygons.
    pub polygons: Vec<Polygon>,
}

impl Outline {
    /// Area, square metres.
    pub fn area(&self) -> f64 {
        self.polygons.iter().flatten().map(|ring| signed_area(ring)).sum()
    }

    /// Extent.
    pub fn envelope(&self) -> Envelope {
        let mut envelope = Envelope::EMPTY;
        self.polygons.iter().filter_map(|p| p.first()).flatten().for_each(|p| envelope.add(*p));
        envelope
    }

    /// True when the position lies inside (even-odd; the border belongs to either side).
    pub fn contains(&self, [x, y]: Position) -> bool {
        let mut inside = false;
        for ring in self.polygons.iter().flatten() {
            for edge in ring.windows(2) {
                let ([ax, ay], [bx, by]) = (edge[0], edge[1]);
                if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                    inside = !inside;
                }
            }
        }
        inside
    }

    /// Number of vertices, closing ones included.
    pub fn vertices(&self) -> usize {
        self.polygons.iter().flatten().map(Vec::len).sum()
    }
}

/// Twice-halved cross sum, relative to the first vertex to keep the digits: positive when counter-clockwise.
pub fn signed_area(ring: &[Position]) -> f64 {
    let Some(o) = ring.first() else { return 0.0 };
    ring.windows(2).map(|w| (w[0][0] - o[0]) * (w[1][1] - o[1]) - (w[1][0] - o[0]) * (w[0][1] - o[1])).sum::<f64>()
        / 2.0
}

/// A border line between two labels, ending where three labels meet (or closed).
struct Arc {
    start: u32,
    end: u32,
    left: u32,
    right: u32,
    line: Vec<Position>,
}

/// The border lines of one labelling.
pub struct Arrangement {
    arcs: Vec<Arc>,
}

impl Arrangement {
    /// Finds the borders between different labels, smooths and densifies them. `labels` holds one label a cell.
    pub fn new(mesh: &Mesh, labels: &[u32], rng: &mut ChaCha8Rng) -> Arrangement {
        // From each corner: (other corner, label left, label right) of the visible edges that leave it.
        let mut leaving: HashMap<u32, Vec<(u32, u32, u32)>> = HashMap::new();
        for (i, cell) in mesh.cells.iter().enumerate() {
            for side in 0..6 {
                let (a, b) = (cell.corners[side], cell.corners[(side + 1) % 6]);
                let n = cell.neighbours[side];
                let (left, right) = (labels[i], if n == OUTSIDE { OUTSIDE } else { labels[n as usize] });
                if left != right {
                    leaving.entry(a).or_default().push((b, left, right));
                    if n == OUTSIDE {
                        leaving.entry(b).or_default().push((a, right, left));
                    }
                }
            }
        }
        let mut corners: Vec<u32> = leaving.keys().copied().collect();
        corners.sort_unstable();
        for edges in leaving.values_mut() {
            edges.sort_unstable();
        }
        let node = |c: u32| leaving[&c].len() == 3;
        let mut seen: HashSet<(u32, u32)> = HashSet::new();
        let mut arcs = Vec::new();
        let mut trace = |start: u32, first: (u32, u32, u32)| {
            let (mut at, left, right) = first;
            if seen.contains(&(start, at)) {
                return;
            }
            let mut chain = vec![start, at];
            while at != start && !node(at) {
                let back = chain[chain.len() - 2];
                let Some(next) = leaving[&at].iter().map(|e| e.0).find(|c| *c != back) else { break };
                chain.push(next);
                at = next;
            }
            for w in chain.windows(2) {
                seen.insert((w[0], w[1]));
                seen.insert((w[1], w[0]));
            }
            let line = displace(&smooth(mesh, &chain, !node(start)), rng);
            arcs.push(Arc { start, end: at, left, right, line });
        };
        // First what hangs between nodes, then what is left: islands without a node.
        for c in corners.iter().copied().filter(|c| node(*c)) {
            leaving[&c].iter().for_each(|e| trace(c, *e));
        }
        for c in corners.iter().copied().filter(|c| !node(*c)) {
            leaving[&c].iter().for_each(|e| trace(c, *e));
        }
        Arrangement { arcs }
    }

    /// Outlines of the `count` zones of a zoning that names the zone of a label (`None`: of no zone).
    pub fn outlines(&self, count: usize, zone: impl Fn(u32) -> Option<usize>) -> Vec<Outline> {
        let side = |label: u32| if label == OUTSIDE { None } else { zone(label) };
        let mut pieces: Vec<Vec<(u32, u32, usize, bool)>> = vec![Vec::new(); count];
        for (i, arc) in self.arcs.iter().enumerate() {
            let (left, right) = (side(arc.left), side(arc.right));
            if left == right {
                continue;
            }
            if let Some(z) = left {
                pieces[z].push((arc.start, arc.end, i, true));
            }
            if let Some(z) = right {
                pieces[z].push((arc.end, arc.start, i, false));
            }
        }
        pieces.iter().map(|p| self.stitch(p)).collect()
    }

    /// A vertex in the middle of each border between two zones that `wanted` accepts by their labels.
    pub fn limits(
        &self,
        zone: impl Fn(u32) -> usize,
        wanted: impl Fn(u32, u32) -> bool,
    ) -> Vec<(usize, usize, Position)> {
        self.arcs
            .iter()
            .filter(|a| a.left != OUTSIDE && a.right != OUTSIDE && zone(a.left) != zone(a.right))
            .filter(|a| wanted(a.left, a.right))
            .map(|a| (zone(a.left), zone(a.right), a.line[a.line.len() / 2]))
            .collect()
    }

    /// Joins directed arcs to rings, holes to the ring around them.
    fn stitch(&self, pieces: &[(u32, u32, usize, bool)]) -> Outline {
        let from: HashMap<u32, usize> = pieces.iter().enumerate().map(|(i, p)| (p.0, i)).collect();
        let mut used = vec![false; pieces.len()];
        let (mut outers, mut holes) = (Vec::new(), Vec::new());
        for first in 0..pieces.len() {
            let (mut at, mut ring) = (first, Vec::new());
            while !used[at] {
                used[at] = true;
                let (_, end, arc, forward) = pieces[at];
                let line = &self.arcs[arc].line;
                if forward {
                    ring.extend(line.iter().take(line.len() - 1));
                } else {
                    ring.extend(line.iter().rev().take(line.len() - 1));
                }
                let Some(next) = from.get(&end) else { break };
                at = *next;
            }
            if let Some(p) = ring.first().copied() {
                ring.push(p);
                if signed_area(&ring) > 0.0 { outers.push(vec![ring]) } else { holes.push(ring) }
            }
        }
        let mut outline = Outline { polygons: outers };
        for hole in holes {
            let around = outline
                .polygons
                .iter()
                .enumerate()
                .filter(|(_, p)| Outline { polygons: vec![vec![p[0].clone()]] }.contains(hole[0]))
                .min_by(|a, b| signed_area(&a.1[0]).total_cmp(&signed_area(&b.1[0])))
                .map(|(i, _)| i);
            if let Some(i) = around {
                outline.polygons[i].push(hole);
            }
        }
        outline
    }
}

/// Takes the zigzag of the lattice out of a chain of corners; its ends stay (all move when it is a closed island).
fn smooth(mesh: &Mesh, chain: &[u32], island: bool) -> Vec<Position> {
    let mut line: Vec<Position> = chain.iter().map(|c| mesh.corners[*c as usize]).collect();
    let last = line.len() - 1;
    for _ in 0..2 {
        let before = line.clone();
        let mean = |a: Position, b: Position, c: Position| [0, 1].map(|i| 0.25 * a[i] + 0.5 * b[i] + 0.25 * c[i]);
        for i in 1..last {
            line[i] = mean(before[i - 1], before[i], before[i + 1]);
        }
        if island {
            line[0] = mean(before[last - 1], before[0], before[1]);
            line[last] = line[0];
        }
    }
    line
}

/// Angles (tangent) of the displacement of the midpoint, level by level: their sum, about 25 degrees, bounds the angle
/// between the line and its chord, so that lines that meet at 60 degrees or more never cross.
const LEVELS: [f64; 2] = [0.26, 0.17];

/// Midpoint displacement; positions are rounded to the centimetre.
fn displace(line: &[Position], rng: &mut ChaCha8Rng) -> Vec<Position> {
    let mut line = line.to_vec();
    for tangent in LEVELS {
        let mut finer = Vec::with_capacity(line.len() * 2);
        for w in line.windows(2) {
            let (a, b) = (w[0], w[1]);
            let t = rng.random_range(-tangent..tangent) / 2.0;
            finer.push(a);
            finer.push([(a[0] + b[0]) / 2.0 - (b[1] - a[1]) * t, (a[1] + b[1]) / 2.0 + (b[0] - a[0]) * t]);
        }
        finer.extend(line.last());
        line = finer;
    }
    line.iter().map(|p| p.map(|v| (v * 100.0).round() / 100.0)).collect()
}
