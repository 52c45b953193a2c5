//! Invents the zones of one metropolis: communes, IRIS and QPV as groups of cells of one mesh.

use super::dissolve::{Arrangement, Outline};
use super::growth::{blob, distance, nearby, scatter, seeds, share};
use super::mesh::Mesh;
use super::names;
use super::zones::{Associee, Commune, Iris, Quartier, Role, Territory};
use super::{Frame, rng};
use crate::geo::Position;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Side of a cell, metres: 18,000 cells in a whole metropolis, 8 in a dense IRIS.
const SIDE: f64 = 120.0;
/// Index of the central commune.
const CENTRE: usize = 0;

/// Cells of the zones before they are dissolved.
struct Sketch {
    mesh: Mesh,
    bounds: [f64; 4],
    commune: Vec<usize>,
    communes: Vec<Commune>,
    associee: Vec<Option<usize>>,
    iris: Vec<usize>,
    zones: Vec<Iris>,
    /// For each QPV: cells of the generation 2015, cells of 2024.
    quartiers: Vec<(Vec<u32>, Vec<u32>)>,
}

/// Invents the zones of a metropolis.
pub fn territory(seed: u64, frame: &Frame) -> Territory {
    let mut r = rng(seed, frame.tile, "mesh");
    let mesh = Mesh::new(&mut r, frame.bounds, SIDE);
    let mut sketch = Sketch {
        commune: Vec::new(),
        communes: Vec::new(),
        associee: vec![None; mesh.cells.len()],
        iris: Vec::new(),
        zones: Vec::new(),
        quartiers: Vec::new(),
        bounds: frame.bounds,
        mesh,
    };
    sketch.draw_communes(&mut rng(seed, frame.tile, "communes"), frame);
    if frame.tile == 0 {
        sketch.draw_associees(&mut rng(seed, frame.tile, "associees"));
    }
    sketch.draw_iris(&mut rng(seed, frame.tile, "iris"), frame);
    sketch.draw_quartiers(&mut rng(seed, frame.tile, "qpv"), frame);
    sketch.dissolve(&mut rng(seed, frame.tile, "borders"), frame)
}

/// Stock of the commune of rank `x` (0: the centre) in a metropolis of 141,000 dwellings: a few cities, then a tail.
fn stock_of_rank(x: f64) -> f64 {
    match x {
        x if x < 0.5 => 33_000.0,
        x if x < 1.5 => 15_500.0,
        x if x < 2.5 => 13_000.0,
        x if x < 3.5 => 12_500.0,
        x => 4_900.0 * (-(x - 4.0) / 14.0).exp(),
    }
}

impl Sketch {
    /// A position given on the scale -1 to 1 of the box.
    fn at(&self, x: f64, y: f64) -> Position {
        let [min_x, min_y, max_x, max_y] = self.bounds;
        [min_x + (x + 1.0) / 2.0 * (max_x - min_x), min_y + (y + 1.0) / 2.0 * (max_y - min_y)]
    }

    /// Distance to the nearest city centre, in half-widths of the box.
    fn remoteness(&self, p: Position) -> f64 {
        let half = (self.bounds[2] - self.bounds[0]) / 2.0;
        [self.at(0.0, -0.05), self.at(0.5, 0.5), self.at(0.42, -0.1)]
            .into_iter()
            .map(|pole| distance(pole, p) / half)
            .fold(f64::INFINITY, f64::min)
    }

    fn nearest_cell(&self, p: Position) -> u32 {
        (0..self.mesh.cells.len() as u32)
            .min_by(|a, b| distance(self.mesh.centre(*a), p).total_cmp(&distance(self.mesh.centre(*b), p)))
            .unwrap_or(0)
    }

    fn draw_communes(&mut self, r: &mut ChaCha8Rng, frame: &Frame) {
        let count = frame.communes;
        let middle = self.nearest_cell(self.at(0.0, -0.05));
        let spread = |c: u32| match distance(self.mesh.centre(c), self.mesh.centre(middle)) {
            d if d < 1.0 => 1.5,
            _ => 0.62 + 0.75 * self.remoteness(self.mesh.centre(c)),
        };
        let chosen = scatter(&self.mesh, r, middle, count, spread);
        // Cities take more ground than villages of the same spacing.
        let mut rank: Vec<usize> = (1..chosen.len()).collect();
        let mut score: Vec<f64> = chosen.iter().map(|c| self.remoteness(self.mesh.centre(*c))).collect();
        for s in &mut score {
            *s += r.random_range(0.0..0.35);
        }
        rank.sort_by(|a, b| score[*a].total_cmp(&score[*b]));
        let mut order = vec![CENTRE];
        order.extend(rank);
        let speeds: Vec<(u32, f64)> = order
            .iter()
            .zip(0..)
            .map(|(c, rank)| {
                (
                    chosen[*c],
                    if rank == 0 {
                        1.7
                    } else if rank < 4 {
                        1.35
                    } else {
                        r.random_range(0.8..1.2)
                    },
                )
            })
            .collect();
        let regions = share(&self.mesh, r, &speeds, |_| true);
        self.commune = regions.into_iter().map(|c| c.unwrap_or(CENTRE)).collect();

        let names = names::communes(r, order.len());
        let mut numbers: Vec<u32> = (1..700).filter(|n| ![350, 355, 298].contains(n)).collect();
        numbers.shuffle(r);
        numbers.truncate(order.len());
        numbers.sort_unstable();
        numbers.shuffle(r);
        let stretch = 95.0 / order.len() as f64;
        let ideal: Vec<f64> = (0..order.len()).map(|k| stock_of_rank(k as f64 * stretch)).collect();
        let factor = frame.dwellings / ideal.iter().sum::<f64>();
        let last = order.len() - 1;
        let full = order.len() >= 40;
        for (k, name) in names.into_iter().enumerate() {
            let (role, stock) = match last - k {
                0 => (Role::Empty, 0),
                1 if full => (Role::Empty, 0),
                1 | 2 if (full && last - k == 2) || !full && last - k == 1 => (Role::Tiny, 4),
                n if n == if full { 3 } else { 2 } => (Role::Crossing, 11),
                _ => (Role::Ordinary, ((ideal[k] * factor * r.random_range(0.85..1.15)).round() as u32).max(12)),
            };
            let ratio = match k {
                0..4 => r.random_range(0.26..0.38),
                _ => (0.30 * (-(k as f64) * stretch / 45.0).exp() * r.random_range(0.6..1.3)).max(0.02),
            };
            let main_residences = match role {
                Role::Ordinary => (f64::from(stock) / ratio / frame.density).round() as u32,
                _ => r.random_range(250..900),
            };
            let tx_sru =
                (main_residences > 1500).then(|| (ratio * r.random_range(98.0..112.0) * 100.0).round() / 100.0);
            let (insee, name) = match (k, frame.tile) {
                (0, 0) => ("59350".to_owned(), "Lille".to_owned()),
                _ => (format!("{}{:03}", frame.department, numbers[k]), name),
            };
            let siren = names::siren(frame.tile * 1000 + k as u32);
            let outline = Outline::default();
            self.communes.push(Commune { insee, name, siren, stock, main_residences, tx_sru, outline, role });
        }
    }

    /// Lomme in the west of the centre, Hellemmes in its east.
    fn draw_associees(&mut self, r: &mut ChaCha8Rng) {
        let cells: Vec<u32> = self.cells_of(CENTRE);
        let x = |c: &u32| self.mesh.centre(*c)[0];
        let mut sorted = cells.clone();
        sorted.sort_by(|a, b| x(a).total_cmp(&x(b)));
        let (west, east) = (sorted[sorted.len() / 8], sorted[sorted.len() * 15 / 16]);
        let middle = self.nearest_cell(self.at(0.03, -0.05));
        let inside: HashSet<u32> = cells.into_iter().collect();
        let parts = share(&self.mesh, r, &[(middle, 1.9), (west, 1.0), (east, 0.7)], |c| inside.contains(&c));
        for (cell, part) in parts.into_iter().enumerate() {
            self.associee[cell] = part.and_then(|p| p.checked_sub(1));
        }
    }

    fn cells_of(&self, commune: usize) -> Vec<u32> {
        (0..self.mesh.cells.len() as u32).filter(|c| self.commune[*c as usize] == commune).collect()
    }

    fn draw_iris(&mut self, r: &mut ChaCha8Rng, frame: &Frame) {
        let total: f64 = self.communes.iter().map(|c| f64::from(c.main_residences)).sum();
        self.iris = vec![0; self.mesh.cells.len()];
        for commune in 0..self.communes.len() {
            let cells = self.cells_of(commune);
            let share = f64::from(self.communes[commune].main_residences) / total;
            let wanted = (share * frame.iris as f64).round() as usize;
            let wanted = if wanted < 3 { 1 } else { wanted.min(cells.len() / 5) };
            // The centre's communes associées count their IRIS apart.
            let parts: &[(Option<usize>, f64)] = match (commune, frame.tile) {
                (CENTRE, 0) => &[(None, 0.80), (Some(0), 0.12), (Some(1), 0.08)],
                _ => &[(None, 1.0)],
            };
            for (associee, part) in parts {
                let own: Vec<u32> = cells.iter().copied().filter(|c| self.associee[*c as usize] == *associee).collect();
                let count =
                    ((wanted as f64 * part).round() as usize).clamp(if associee.is_some() { 2 } else { 1 }, own.len());
                self.draw_iris_of(r, commune, *associee, &own, count);
            }
        }
    }

    fn draw_iris_of(
        &mut self,
        r: &mut ChaCha8Rng,
        commune: usize,
        associee: Option<usize>,
        cells: &[u32],
        count: usize,
    ) {
        let weight = |c: u32| (-2.5 * self.remoteness(self.mesh.centre(c))).exp();
        let mut chosen = seeds(&self.mesh, r, cells, count, weight);
        // Codes run along the ground: neighbours in number are near on the map.
        chosen.sort_by_key(|c| {
            let p = self.mesh.centre(*c);
            let band = ((p[1] - self.bounds[1]) / 1500.0) as i64;
            (band, ((p[0] * if band % 2 == 0 { 1.0 } else { -1.0 }) * 10.0) as i64)
        });
        let starts: Vec<(u32, f64)> = chosen.iter().map(|c| (*c, r.random_range(0.85..1.15))).collect();
        let inside: HashSet<u32> = cells.iter().copied().collect();
        let regions = share(&self.mesh, r, &starts, |c| inside.contains(&c));
        let first = self.zones.len();
        for cell in cells {
            self.iris[*cell as usize] = first + regions[*cell as usize].unwrap_or(0);
        }
        let quarters = names::quarters(r, count);
        for (i, quarter) in quarters.into_iter().enumerate() {
            // Lomme has the quarters 27 to 30 of Lille, Hellemmes 24 to 26.
            let group = match associee {
                Some(0) => 27 + i % 4,
                Some(_) => 24 + i % 3,
                None => 1 + i / 6,
            };
            let number = match associee {
                Some(0) => 1 + i / 4,
                Some(_) => 1 + i / 3,
                None => 1 + i % 6,
            };
            let whole = count == 1 && associee.is_none();
            let kind = match r.random_range(0..100) {
                _ if whole => 'Z',
                0..5 if count > 4 => 'A',
                5..7 if count > 4 => 'D',
                _ => 'H',
            };
            // Log-normal weights, sigma 1.3, as residences fall on real IRIS; no IRIS holds them all.
            let weight =
                (1.3 * super::normal(r).clamp(-2.4, 1.5)).exp() * if matches!(kind, 'A' | 'D') { 0.004 } else { 1.0 };
            self.zones.push(Iris {
                code: if whole {
                    format!("{}0000", self.communes[commune].insee)
                } else {
                    format!("{}{group:02}{number:02}", self.communes[commune].insee)
                },
                name: if whole { self.communes[commune].name.clone() } else { quarter },
                kind,
                commune,
                associee,
                weight,
                fragility: (0.45 + 0.2 * super::normal(r)).clamp(0.02, 0.85),
                reserved: false,
                outline: Outline::default(),
                envelope: crate::geo::Envelope::EMPTY,
            });
        }
    }

    fn draw_quartiers(&mut self, r: &mut ChaCha8Rng, frame: &Frame) {
        let mut taken: HashSet<u32> = HashSet::new();
        let count = frame.quartiers;
        let several = if count > 12 { 5 } else { 2 };
        for i in 0..count {
            let spans = match i {
                0 => 4,
                1 if several > 2 => 3,
                i if i < several => 2,
                _ => 1,
            };
            let size = if spans > 2 { r.random_range(26..36) } else { r.random_range(9..26) };
            let cells = if spans > 1 {
                self.across(r, spans, size, &taken)
            } else {
                (0..400).find_map(|_| self.within(r, size, i, &taken))
            };
            if let Some(cells) = cells {
                // One QPV in three has another outline in the former generation: a shorter or longer growth.
                let cut = match i % 3 {
                    0 if i > 0 => cells.len() - (cells.len() / 5).max(2),
                    _ => cells.len(),
                };
                let (old, new) = if i % 2 == 0 {
                    (cells[..cut].to_vec(), cells.clone())
                } else {
                    (cells.clone(), cells[..cut].to_vec())
                };
                for c in &cells {
                    taken.insert(*c);
                    taken.extend(self.mesh.around(*c));
                }
                self.quartiers.push((old, new));
            }
        }
        // The last two exist in one generation alone.
        if self.quartiers.len() > 5 {
            let n = self.quartiers.len();
            self.quartiers[n - 1].0.clear();
            self.quartiers[n - 2].1.clear();
        }
        for (old, new) in &self.quartiers {
            let cells: BTreeSet<u32> = old.iter().chain(new).copied().collect();
            for iris in cells.iter().map(|c| self.iris[*c as usize]).collect::<BTreeSet<_>>() {
                let zone = &mut self.zones[iris];
                zone.fragility = (zone.fragility + 0.25).clamp(0.5, 0.98);
                if matches!(zone.kind, 'A' | 'D') {
                    zone.kind = 'H';
                    zone.weight = 1.0;
                }
            }
        }
    }

    /// Tries to grow a QPV inside one commune, from a cell that chance picks.
    fn within(&self, r: &mut ChaCha8Rng, size: usize, rank: usize, taken: &HashSet<u32>) -> Option<Vec<u32>> {
        let start = r.random_range(0..self.mesh.cells.len() as u32);
        let home = self.commune[start as usize];
        let place = |q: &(Vec<u32>, Vec<u32>)| q.1.first().or(q.0.first()).map(|c| self.commune[*c as usize]);
        let crowded = self.quartiers.iter().filter(|q| place(q) == Some(home)).count();
        // The big cities have several, of the others each at most one.
        let allowance = [8, 4, 4, 3].get(home).copied().unwrap_or(1);
        if taken.contains(&start)
            || home > 3 + rank
            || crowded >= allowance
            || self.communes[home].role != Role::Ordinary
        {
            return None;
        }
        let cells = blob(&self.mesh, r, start, size, |c| !taken.contains(&c) && self.commune[c as usize] == home);
        (cells.len() == size).then_some(cells)
    }

    /// Grows a QPV over exactly `spans` communes, at least two cells in each, where so many meet most closely.
    fn across(&self, r: &mut ChaCha8Rng, spans: usize, size: usize, taken: &HashSet<u32>) -> Option<Vec<u32>> {
        const WIDEST: usize = 400;
        let ordinary = |c: u32| self.communes[self.commune[c as usize]].role == Role::Ordinary;
        let mut seen = vec![u32::MAX; self.mesh.cells.len()];
        let mut search = |most: usize, mark: u32| -> Vec<(usize, u32, Vec<usize>)> {
            (0..self.mesh.cells.len() as u32)
                .filter(|c| ordinary(*c) && !taken.contains(c))
                .filter(|c| self.mesh.around(*c).any(|n| self.commune[n as usize] != self.commune[*c as usize]))
                .filter_map(|start| {
                    let mut met = Vec::new();
                    let free = |c| ordinary(c) && !taken.contains(&c);
                    nearby(&self.mesh, start, most, free, (seen.as_mut_slice(), mark + start), |n, cell| {
                        let commune = self.commune[cell as usize];
                        if !met.contains(&commune) {
                            met.push(commune);
                        }
                        (met.len() == spans).then(|| (n, start, met.clone()))
                    })
                })
                .collect()
        };
        let mut meetings = search(100, 0);
        if meetings.is_empty() {
            meetings = search(WIDEST, self.mesh.cells.len() as u32);
        }
        meetings.sort_unstable();
        // Not always the very closest meeting for those over two communes: they would lie in a heap.
        if spans == 2 && meetings.len() > 8 {
            let skip = r.random_range(0..meetings.len() / 3);
            meetings.rotate_left(skip);
        }
        meetings.into_iter().take(50).find_map(|(_, start, communes)| {
            (size..WIDEST).step_by(6).find_map(|size| {
                let cells = blob(&self.mesh, r, start, size, |c| {
                    !taken.contains(&c) && communes.contains(&self.commune[c as usize])
                });
                let parts = |commune: &usize| cells.iter().filter(|c| self.commune[**c as usize] == *commune).count();
                communes.iter().all(|c| parts(c) >= 2).then_some(cells)
            })
        })
    }

    /// Turns groups of cells into outlines.
    fn dissolve(self, r: &mut ChaCha8Rng, frame: &Frame) -> Territory {
        let Sketch { mesh, commune, mut communes, associee, iris, mut zones, quartiers, .. } = self;
        let mut former: HashMap<u32, usize> = HashMap::new();
        let mut current: HashMap<u32, usize> = HashMap::new();
        for (i, (old, new)) in quartiers.iter().enumerate() {
            former.extend(old.iter().map(|c| (*c, i)));
            current.extend(new.iter().map(|c| (*c, i)));
        }
        // One label for each combination of zones.
        let mut ids: HashMap<(usize, Option<usize>, Option<usize>), u32> = HashMap::new();
        let mut combinations = Vec::new();
        let labels: Vec<u32> = (0..mesh.cells.len())
            .map(|c| {
                let cell = c as u32;
                let combination = (iris[c], former.get(&cell).copied(), current.get(&cell).copied());
                *ids.entry(combination).or_insert_with(|| {
                    combinations.push((combination, commune[c], associee[c]));
                    combinations.len() as u32 - 1
                })
            })
            .collect();
        let arrangement = Arrangement::new(&mesh, &labels, r);
        let of = |label: u32| &combinations[label as usize];
        let outlines = arrangement.outlines(zones.len(), |l| Some(of(l).0.0));
        for (zone, outline) in zones.iter_mut().zip(outlines) {
            zone.envelope = outline.envelope();
            zone.outline = outline;
        }
        let outlines = arrangement.outlines(communes.len(), |l| Some(of(l).1));
        for (c, outline) in communes.iter_mut().zip(outlines) {
            c.outline = outline;
        }
        let associees = match frame.tile {
            0 => arrangement
                .outlines(2, |l| of(l).2)
                .into_iter()
                .zip([("59355", "Lomme", 0.11), ("59298", "Hellemmes", 0.07)])
                .map(|(outline, (insee, name, part))| Associee {
                    insee: insee.to_owned(),
                    name: name.to_owned(),
                    commune: CENTRE,
                    main_residences: (f64::from(communes[CENTRE].main_residences) * part) as u32,
                    outline,
                })
                .collect(),
            _ => Vec::new(),
        };
        let mut districts = Vec::new();
        for (generation, cells) in [
            (2015, quartiers.iter().map(|q| &q.0).collect::<Vec<_>>()),
            (2024, quartiers.iter().map(|q| &q.1).collect::<Vec<_>>()),
        ] {
            let outlines =
                arrangement.outlines(cells.len(), |l| if generation == 2015 { of(l).0.1 } else { of(l).0.2 });
            for (i, outline) in outlines.into_iter().enumerate().filter(|(i, _)| !cells[*i].is_empty()) {
                let mut parts: HashMap<usize, usize> = HashMap::new();
                cells[i].iter().for_each(|c| *parts.entry(commune[*c as usize]).or_default() += 1);
                let mut parts: Vec<(usize, usize)> = parts.into_iter().collect();
                parts.sort_by_key(|(c, n)| (std::cmp::Reverse(*n), *c));
                let department = &frame.department;
                districts.push(Quartier {
                    code: match generation {
                        2015 => format!("QP0{department}{:03}", i + 1),
                        _ => format!("QN0{department}{:02}{}", 65 + i, if i % 9 == 8 { 'N' } else { 'M' }),
                    },
                    name: names::district(i),
                    generation,
                    communes: parts.into_iter().map(|p| p.0).collect(),
                    envelope: outline.envelope(),
                    outline,
                });
            }
        }
        let limits = arrangement.limits(
            |l| of(l).0.0,
            |a, b| {
                let (a, b) = (of(a), of(b));
                a.1 == b.1 && a.0.1.is_none() && a.0.2.is_none() && b.0.1.is_none() && b.0.2.is_none()
            },
        );
        Territory {
            department: frame.department.clone(),
            communes,
            associees,
            iris: zones,
            quartiers: districts,
            limits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::metropolis::Plan;

    fn town() -> (Frame, Territory) {
        let frame = Plan { scale: 0.05, ..Plan::default() }.frames().remove(0);
        let territory = territory(7, &frame);
        (frame, territory)
    }

    /// Directed edges of outlines, to the centimetre.
    fn edges<'a>(outlines: impl Iterator<Item = &'a Outline>) -> HashMap<[[i64; 2]; 2], usize> {
        let mut count = HashMap::new();
        for ring in outlines.flat_map(|o| o.polygons.iter().flatten()) {
            for w in ring.windows(2) {
                let edge = [w[0], w[1]].map(|p| p.map(|v| (v * 100.0).round() as i64));
                *count.entry(edge).or_insert(0) += 1;
            }
        }
        count
    }

    /// Edges that no zone has from the other side: the border of all zones together.
    fn border(edges: &HashMap<[[i64; 2]; 2], usize>) -> HashSet<[[i64; 2]; 2]> {
        edges.keys().filter(|[a, b]| !edges.contains_key(&[*b, *a])).copied().collect()
    }

    #[test]
    fn neighbours_share_every_vertex() {
        let (_, t) = town();
        let iris = edges(t.iris.iter().map(|i| &i.outline));
        let communes = edges(t.communes.iter().map(|c| &c.outline));
        assert!(iris.values().chain(communes.values()).all(|n| *n == 1), "an edge has two zones on one side");
        assert_eq!(border(&iris), border(&communes));
        assert!(communes.keys().all(|e| iris.contains_key(e)), "a border of communes is one of IRIS");
        let inner = communes.keys().filter(|[a, b]| communes.contains_key(&[*b, *a])).count();
        assert!(inner > 500, "{inner}");
    }

    #[test]
    fn zones_cover_without_gap_or_overlap() {
        let (_, t) = town();
        for (i, c) in t.communes.iter().enumerate() {
            let parts: f64 = t.iris_of(i).map(|z| t.iris[z].outline.area()).sum();
            assert!((parts - c.outline.area()).abs() < 0.5, "{}: {parts} {}", c.insee, c.outline.area());
        }
        for outline in t.iris.iter().map(|i| &i.outline).chain(t.quartiers.iter().map(|q| &q.outline)) {
            let wkb = crate::demo::metropolis::files::outlines::wkb(outline);
            assert!(gdal::vector::Geometry::from_wkb(&wkb).unwrap().is_valid());
            assert!(outline.area() > 20_000.0);
        }
        let lille = &t.communes[0];
        for a in &t.associees {
            let parts: f64 = t
                .iris
                .iter()
                .filter(|i| i.associee.is_some_and(|n| t.associees[n].insee == a.insee))
                .map(|i| i.outline.area())
                .sum();
            assert!((parts - a.outline.area()).abs() < 0.5 && a.outline.area() < lille.outline.area() / 2.0);
        }
    }

    #[test]
    fn codes_are_unique_and_well_formed() {
        let (_, t) = town();
        let iris: HashSet<&str> = t.iris.iter().map(|i| i.code.as_str()).collect();
        assert_eq!(iris.len(), t.iris.len());
        for i in &t.iris {
            assert!(i.code.len() == 9 && i.code.starts_with(&t.communes[i.commune].insee));
            let quarter: u32 = i.code[5..7].parse().unwrap();
            match i.associee.map(|a| t.associees[a].insee.as_str()) {
                Some("59355") => assert!((27..=30).contains(&quarter)),
                Some(_) => assert!((24..=26).contains(&quarter)),
                None => assert!(quarter < 24),
            }
        }
        let quartiers: HashSet<&str> = t.quartiers.iter().map(|q| q.code.as_str()).collect();
        assert_eq!(quartiers.len(), t.quartiers.len());
        assert!(t.quartiers.iter().all(|q| q.code.len() == 8));
        assert!(t.quartiers.iter().any(|q| q.communes.len() == 4 && q.generation == 2024));
    }

    #[test]
    fn generations_of_qpv_differ_for_some() {
        let (_, t) = town();
        let of = |generation| t.quartiers.iter().filter(|q| q.generation == generation).collect::<Vec<_>>();
        let (old, new) = (of(2015), of(2024));
        let same = old.iter().filter(|o| new.iter().any(|n| n.outline == o.outline)).count();
        assert!(same > 0 && same < old.len(), "{same} of {}", old.len());
    }

    #[test]
    fn a_whole_metropolis_has_the_real_numbers() {
        let frame = Plan::default().frames().remove(0);
        let t = territory(1, &frame);
        assert_eq!(t.communes.len(), 95);
        assert!((450..560).contains(&t.iris.len()), "{}", t.iris.len());
        assert_eq!(t.quartiers.iter().filter(|q| q.generation == 2024).count(), 26);
        let vertices: usize = t.iris.iter().map(|i| i.outline.vertices()).sum();
        assert!((80..250).contains(&(vertices / t.iris.len())));
        let [min_x, min_y, max_x, max_y] = frame.bounds;
        for c in &t.communes {
            let e = c.outline.envelope();
            assert!(e.min[0] >= min_x && e.min[1] >= min_y && e.max[0] <= max_x && e.max[1] <= max_y);
        }
    }
}
