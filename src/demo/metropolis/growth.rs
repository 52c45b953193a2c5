//! Growing connected regions of cells.

use super::mesh::Mesh;
use crate::geo::Position;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Distance of two positions, metres.
pub fn distance(a: Position, b: Position) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// A positive cost as an ordered key.
fn key(cost: f64) -> u64 {
    cost.max(0.0).to_bits()
}

/// Shares out cells among seeds: each region is connected and grows at its own speed over ground of uneven resistance.
/// Gives the region of each cell for which `allowed` holds and that a seed can reach.
pub fn share(
    mesh: &Mesh,
    rng: &mut ChaCha8Rng,
    seeds: &[(u32, f64)],
    allowed: impl Fn(u32) -> bool,
) -> Vec<Option<usize>> {
    let resistance = ground(mesh, rng);
    let mut region = vec![None; mesh.cells.len()];
    let mut queue: BinaryHeap<Reverse<(u64, u32, usize)>> =
        seeds.iter().enumerate().map(|(i, s)| Reverse((0, s.0, i))).collect();
    while let Some(Reverse((cost, cell, seed))) = queue.pop() {
        if region[cell as usize].is_some() {
            continue;
        }
        region[cell as usize] = Some(seed);
        for next in mesh.around(cell) {
            if region[next as usize].is_none() && allowed(next) {
                let step = distance(mesh.centre(cell), mesh.centre(next)) * resistance[next as usize] / seeds[seed].1;
                queue.push(Reverse((key(f64::from_bits(cost) + step), next, seed)));
            }
        }
    }
    region
}

/// Resistance of the ground, about 1: hills and valleys a few cells wide, and a little noise, so that borders wind.
fn ground(mesh: &Mesh, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut field: Vec<f64> = (0..mesh.cells.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
    for _ in 0..3 {
        field = (0..mesh.cells.len() as u32)
            .map(|c| {
                let (sum, n) =
                    mesh.around(c).fold((field[c as usize], 1.0), |(s, n), o| (s + field[o as usize], n + 1.0));
                sum / n
            })
            .collect();
    }
    let spread = (field.iter().map(|v| v * v).sum::<f64>() / field.len().max(1) as f64).sqrt().max(1e-9);
    field.into_iter().map(|v| (0.45 * v / spread).exp() * rng.random_range(0.8..1.25)).collect()
}

/// Grows one compact blob from a cell; the cells come in the order of growth, so that every beginning of the list is
/// itself connected.
pub fn blob(mesh: &Mesh, rng: &mut ChaCha8Rng, start: u32, size: usize, allowed: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut cells = Vec::with_capacity(size);
    let mut cost: HashMap<u32, u64> = HashMap::from([(start, 0)]);
    let mut queue = BinaryHeap::from([Reverse((0u64, start))]);
    while let Some(Reverse((_, cell))) = queue.pop() {
        cells.push(cell);
        if cells.len() == size {
            break;
        }
        for next in mesh.around(cell) {
            if !cost.contains_key(&next) && allowed(next) {
                let c = key(distance(mesh.centre(start), mesh.centre(next)) * rng.random_range(0.6..1.5));
                cost.insert(next, c);
                queue.push(Reverse((c, next)));
            }
        }
    }
    cells
}

/// Visits cells ring by ring from a cell, at most `most` of them, until `found` says what was looked for. `seen` marks
/// the visited cells with `mark`; it is kept by the caller because clearing it would cost more than the visit.
pub fn nearby<T>(
    mesh: &Mesh,
    start: u32,
    most: usize,
    allowed: impl Fn(u32) -> bool,
    (seen, mark): (&mut [u32], u32),
    mut found: impl FnMut(usize, u32) -> Option<T>,
) -> Option<T> {
    let mut cells = vec![start];
    seen[start as usize] = mark;
    let mut next = 0;
    while next < cells.len().min(most) {
        let cell = cells[next];
        next += 1;
        if let Some(t) = found(next, cell) {
            return Some(t);
        }
        for n in mesh.around(cell) {
            if seen[n as usize] != mark && allowed(n) {
                seen[n as usize] = mark;
                cells.push(n);
            }
        }
    }
    None
}

/// Picks `count` cells with a spacing that varies from place to place (`spread`, relative); the first is `first`.
pub fn scatter(mesh: &Mesh, rng: &mut ChaCha8Rng, first: u32, count: usize, spread: impl Fn(u32) -> f64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..mesh.cells.len() as u32).filter(|c| *c != first).collect();
    order.shuffle(rng);
    let spread: Vec<f64> = (0..mesh.cells.len() as u32).map(spread).collect();
    let place = |unit: f64| {
        let mut chosen = vec![first];
        for cell in &order {
            let (here, room) = (mesh.centre(*cell), unit * spread[*cell as usize]);
            if chosen.iter().all(|c| distance(mesh.centre(*c), here) > room.max(unit * spread[*c as usize])) {
                chosen.push(*cell);
            }
        }
        chosen
    };
    let room = mesh.side * (2.6 * mesh.cells.len() as f64 / count.max(1) as f64).sqrt();
    let (mut low, mut high) = (0.25 * room, 4.0 * room);
    let mut best = place(low);
    for _ in 0..14 {
        let middle = (low * high).sqrt();
        let chosen = place(middle);
        if chosen.len() >= count {
            best = chosen;
            low = middle;
        } else {
            high = middle;
        }
    }
    best.truncate(count);
    best
}

/// Picks `count` seeds inside a set of cells and evens them out (Lloyd), weighted: heavier ground gets smaller parts.
pub fn seeds(mesh: &Mesh, rng: &mut ChaCha8Rng, cells: &[u32], count: usize, weight: impl Fn(u32) -> f64) -> Vec<u32> {
    let mut pool = cells.to_vec();
    pool.shuffle(rng);
    let mut chosen: Vec<u32> = pool.into_iter().take(count).collect();
    for _ in 0..6 {
        let mut sums = vec![([0.0; 2], 0.0); chosen.len()];
        for cell in cells {
            let p = mesh.centre(*cell);
            let nearest = (0..chosen.len())
                .min_by(|a, b| distance(mesh.centre(chosen[*a]), p).total_cmp(&distance(mesh.centre(chosen[*b]), p)));
            if let Some(n) = nearest {
                let w = weight(*cell);
                sums[n].0[0] += p[0] * w;
                sums[n].0[1] += p[1] * w;
                sums[n].1 += w;
            }
        }
        let mut taken: Vec<u32> = Vec::with_capacity(chosen.len());
        for ((sum, w), before) in sums.into_iter().zip(&chosen) {
            let target = if w > 0.0 { [sum[0] / w, sum[1] / w] } else { mesh.centre(*before) };
            let nearest = cells
                .iter()
                .copied()
                .filter(|c| !taken.contains(c))
                .min_by(|a, b| distance(mesh.centre(*a), target).total_cmp(&distance(mesh.centre(*b), target)));
            taken.extend(nearest);
        }
        chosen = taken;
    }
    chosen
}
