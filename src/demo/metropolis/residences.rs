//! Residences: where they stand, how big they are and how they change between vintages.

use super::calibration::{PERIODS, PERIODS_OUT, PERIODS_QPV};
use super::cases::{self, Case};
use super::names::{self, Landlord};
use super::zones::{Role, Territory};
use super::{Frame, VINTAGES, choose, normal, rng};
use crate::geo::Position;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What a planted case asks of the dwellings of a residence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Special {
    /// Nothing.
    #[default]
    None,
    /// No dwelling has an energy label.
    NoLabel,
    /// Every dwelling is offered and vacant at the newest vintage.
    Vacant,
    /// Every dwelling is empty for works at the newest vintage.
    Empty,
    /// Every dwelling is let; exactly nine households answer.
    NineAnswers,
    /// Every household answers, eight of them with their income.
    EightIncomes,
    /// Four allocations in the 36 months before each vintage.
    FewAllocations,
}

/// A residence, or a dwelling that stands alone. Arrays hold one value a vintage.
#[derive(Debug, Clone)]
pub struct Residence {
    /// Unique in its metropolis.
    pub number: u32,
    /// Index of the commune.
    pub commune: usize,
    /// Index of the IRIS at the newest vintage.
    pub iris: usize,
    /// Whether it lies in a QPV of the generation 2015, of 2024.
    pub qpv: [bool; 2],
    /// EPSG:2154, metres.
    pub at: [Position; 3],
    /// Name; empty for a dwelling that stands alone.
    pub name: [String; 3],
    /// Index of the landlord.
    pub landlord: [usize; 3],
    /// True for `logement_isole`.
    pub alone: bool,
    /// True for houses, false for flats.
    pub houses: bool,
    /// Year of completion.
    pub built: i32,
    /// Dwellings present at each vintage: a range of numbers; sold ones leave at its begin, new ones join at its end.
    pub present: [(u32, u32); 3],
    /// What a planted case asks.
    pub special: Special,
}

impl Residence {
    /// Dwellings at a vintage.
    pub fn size(&self, vintage: usize) -> u32 {
        let (from, to) = self.present[vintage];
        to.saturating_sub(from)
    }

    /// The metropolis's own key.
    pub fn key(&self, frame: &Frame) -> String {
        format!("R{}{:06}", frame.department, self.number)
    }
}

/// All residences of a metropolis, with the cases planted among them.
pub struct Stock {
    /// Residences.
    pub residences: Vec<Residence>,
    /// Landlords.
    pub landlords: Vec<Landlord>,
    /// Cases and who plays them.
    pub cases: Vec<Case>,
}

/// Social dwellings of an IRIS (some two thousand inhabitants, five at most) that takes no more while others can.
const FULL: u32 = 1400;
/// Share of the small points after the first that stand alone, beside other small stock.
const ALONE: f64 = 0.15;

/// Small points of one landlord, built together.
struct Programme {
    iris: usize,
    at: Position,
    landlord: usize,
    houses: bool,
    built: i32,
    /// First vintage that has it.
    from: usize,
    name: String,
    /// Dwellings to come.
    left: u32,
}

/// Places residences until every commune has its stock.
pub struct Builder<'a> {
    /// Zones.
    pub territory: &'a mut Territory,
    /// Where and how big.
    pub frame: &'a Frame,
    /// Stream of its own.
    pub r: ChaCha8Rng,
    /// What stands so far.
    pub residences: Vec<Residence>,
    landlords: Vec<Landlord>,
    /// Share of the ground of each IRIS that lies in a QPV of 2024.
    pub in_qpv: Vec<f64>,
}

/// Invents the stock of a metropolis.
pub fn stock(seed: u64, frame: &Frame, territory: &mut Territory) -> Stock {
    let mut builder = Builder {
        landlords: names::landlords(frame.tile),
        ..Builder::places(territory, frame, rng(seed, frame.tile, "residences"))
    };
    builder.survey();
    let cases = cases::plant(&mut builder);
    for commune in 0..builder.territory.communes.len() {
        builder.fill(commune);
    }
    Stock { residences: builder.residences, landlords: builder.landlords, cases }
}

impl<'a> Builder<'a> {
    /// A builder that only finds places.
    pub fn places(territory: &'a mut Territory, frame: &'a Frame, r: ChaCha8Rng) -> Builder<'a> {
        Builder { territory, frame, r, residences: Vec::new(), landlords: Vec::new(), in_qpv: Vec::new() }
    }

    /// Measures how much of each IRIS lies in a QPV.
    fn survey(&mut self) {
        self.in_qpv = (0..self.territory.iris.len())
            .map(|iris| {
                let hits = (0..60)
                    .filter(|_| {
                        let p = self.point(iris);
                        self.territory.quartier_at(2024, p).is_some()
                    })
                    .count();
                hits as f64 / 60.0
            })
            .collect();
    }

    /// A position inside an IRIS, to the centimetre.
    pub fn point(&mut self, iris: usize) -> Position {
        let zone = &self.territory.iris[iris];
        let e = zone.envelope;
        let mut p = e.min;
        for _ in 0..2000 {
            p = [self.r.random_range(e.min[0]..=e.max[0]), self.r.random_range(e.min[1]..=e.max[1])];
            p = p.map(|v| (v * 100.0).round() / 100.0);
            if zone.outline.contains(p) {
                return p;
            }
        }
        // A sliver that chance cannot hit: its first vertex lies on its border.
        zone.outline.polygons.first().and_then(|r| r.first()).and_then(|r| r.first()).copied().unwrap_or(p)
    }

    /// A position inside an IRIS and in or out of the QPV of 2024, if one is found.
    pub fn point_where(&mut self, iris: usize, inside: bool) -> Position {
        let mut p = self.point(iris);
        for _ in 0..150 {
            if self.territory.quartier_at(2024, p).is_some() == inside {
                break;
            }
            p = self.point(iris);
        }
        p
    }

    /// Adds a residence of `size` dwellings that stays as it is in all vintages; the caller may change it afterwards.
    pub fn add(&mut self, iris: usize, at: Position, size: u32) -> &mut Residence {
        let commune = self.territory.iris[iris].commune;
        let qpv = [2015, 2024].map(|g| self.territory.quartier_at(g, at).is_some());
        let r = &mut self.r;
        let houses = r.random_bool(match size {
            1 => 0.85,
            2..=10 => 0.7,
            _ => 0.125,
        });
        let period = choose(r, if qpv[1] { &PERIODS_QPV } else { &PERIODS_OUT });
        let built = r.random_range(PERIODS[period].0..=PERIODS[period].1);
        let alone = size == 1 && r.random_bool(0.92);
        let name = if alone { String::new() } else { names::estate(r) };
        // Each commune has its habitual landlord; small ones hardly any other.
        let faithful = if self.territory.communes[commune].stock < 250 { 0.8 } else { 0.3 };
        let landlord = if r.random_bool(faithful) {
            (commune * 7 + 3) % self.landlords.len()
        } else {
            ((self.landlords.len() as f64) * r.random::<f64>().powf(1.7)) as usize
        };
        self.residences.push(Residence {
            number: self.residences.len() as u32 + 1,
            commune,
            iris,
            qpv,
            at: [at; 3],
            name: [name.clone(), name.clone(), name],
            landlord: [landlord; 3],
            alone,
            houses,
            built,
            present: [(0, size); 3],
            special: Special::None,
        });
        let last = self.residences.len() - 1;
        &mut self.residences[last]
    }

    /// Draws the size of a residence: single dwellings, small groups, and a long tail.
    fn size(&mut self) -> u32 {
        // With more points, houses are mapped alone and the rest is fewer: the dwellings stay the same.
        let points = f64::from(self.frame.points);
        let others = ((self.frame.dwellings - points) / 20.1).clamp(0.0, points);
        let r = &mut self.r;
        if !r.random_bool((others / points.max(1.0)).clamp(0.0, 1.0)) {
            return 1;
        }
        if r.random_bool(0.464) {
            let geometric = (1.0 - r.random::<f64>()).ln() / (1.0f64 - 0.22).ln();
            return (1 + geometric as u32).min(10);
        }
        loop {
            let size = (19f64.ln() + 0.85 * normal(r)).exp();
            if (11.0..=600.0).contains(&size) {
                return size as u32;
            }
        }
    }

    /// Adds residences to a commune until its stock of the newest vintage is exactly met.
    ///
    /// Small points are mostly parts of one programme: by address nine points in ten are under eleven dwellings, by programme
    /// two in ten, with two dwellings in a hundred. So they come in clusters of one landlord, built at one time; few are
    /// truly alone, and those stand where small stock stands already.
    fn fill(&mut self, commune: usize) {
        let (role, stock) = (self.territory.communes[commune].role, self.territory.communes[commune].stock);
        let planted: u32 = self.residences.iter().filter(|r| r.commune == commune).map(|r| r.size(2)).sum();
        let mut left = stock.saturating_sub(planted);
        if role != Role::Ordinary || left == 0 {
            return;
        }
        let zones: Vec<usize> = self.territory.iris_of(commune).filter(|i| !self.territory.iris[*i].reserved).collect();
        // Where an IRIS lies nearly all in a QPV, or nearly all out of it, the rest of it holds no stock.
        let weight = |i: &usize, inside: bool| {
            let part = if inside { self.in_qpv[*i] } else { 1.0 - self.in_qpv[*i] };
            self.territory.iris[*i].weight * if part < 0.15 { 0.0 } else { part }
        };
        let inner: Vec<f64> = zones.iter().map(|i| weight(i, true)).collect();
        let outer: Vec<f64> = zones.iter().map(|i| weight(i, false)).collect();
        let share = match (commune, inner.iter().sum::<f64>() > 0.0, outer.iter().sum::<f64>() > 0.0) {
            (_, false, _) => 0.0,
            (_, _, false) => 1.0,
            (0, ..) => 0.535,
            (1, ..) => 0.82,
            (2, ..) => 0.42,
            _ => self.r.random_range(0.25..0.75),
        };
        if zones.is_empty() {
            return;
        }
        let mut programme: Option<Programme> = None;
        // Small points so far: where one that is alone may stand.
        let mut small: Vec<usize> = Vec::new();
        let mut filled = vec![0u32; self.territory.iris.len()];
        while left > 0 {
            let size = self.size().min(left);
            left -= size;
            let inside = self.r.random_bool((share * if size < 11 { 0.4 } else { 1.16f64 }).min(0.97));
            let place = |b: &mut Self, filled: &[u32], inside: bool| {
                let inside = inside && share > 0.0 || share >= 1.0;
                let weights = if inside { &inner } else { &outer };
                let room: Vec<f64> =
                    weights.iter().zip(&zones).map(|(w, i)| if filled[*i] < FULL { *w } else { 0.0 }).collect();
                let weights = if room.iter().sum::<f64>() > 0.0 { &room } else { weights };
                let iris = zones[choose(&mut b.r, weights)];
                (iris, b.point_where(iris, inside))
            };
            if size > 10 {
                let (iris, at) = place(self, &filled, inside);
                filled[iris] += size;
                self.add(iris, at, size);
                let index = self.residences.len() - 1;
                self.evolve(index);
                continue;
            }
            if !small.is_empty() && self.r.random_bool(ALONE) {
                let near = small[self.r.random_range(0..small.len())];
                let (iris, centre) = (self.residences[near].iris, self.residences[near].at[2]);
                let landlord = self.residences[near].landlord[2];
                let at = self.beside(iris, centre, 400.0);
                let faithful = self.r.random_bool(0.8);
                let residence = self.add(iris, at, size);
                if faithful {
                    residence.landlord = [landlord; 3];
                }
                small.push(self.residences.len() - 1);
                continue;
            }
            // The last dwellings of a commune join the programme under way: it is not cut short.
            if programme.as_ref().is_none_or(|p| p.left == 0 && left > 24) {
                let (iris, at) = place(self, &filled, inside);
                programme = Some(self.programme(iris, at));
            }
            if let Some(p) = &mut programme {
                p.left = p.left.saturating_sub(size);
                filled[p.iris] += size;
                let (iris, centre, landlord, houses, built, from) =
                    (p.iris, p.at, p.landlord, p.houses, p.built, p.from);
                let name = p.name.clone();
                let at = self.beside(iris, centre, 130.0);
                let residence = self.add(iris, at, size);
                residence.landlord = [landlord; 3];
                residence.houses = houses;
                residence.built = built;
                residence.present[..from].fill((0, 0));
                if !residence.alone {
                    residence.name = [name.clone(), name.clone(), name];
                }
                small.push(self.residences.len() - 1);
                let index = self.residences.len() - 1;
                if from == 0 && self.r.random_bool(0.35) {
                    self.evolve(index);
                }
            }
        }
        // What was demolished is no more in the newest stock: it comes on top.
        for _ in 0..(f64::from(stock) / 9000.0 + self.r.random_range(0.0..0.8)) as u32 {
            let (inside, size) = (share > 0.0, self.r.random_range(24..70));
            let iris = zones[choose(&mut self.r, if inside { &inner } else { &outer })];
            let at = self.point_where(iris, inside);
            let residence = self.add(iris, at, size);
            residence.built = residence.built.clamp(1955, 1978);
            residence.houses = false;
            residence.present[2] = (size, size);
            if size % 2 == 0 {
                residence.present[1] = (size / 2, size);
            }
        }
    }

    /// Begins a programme of small points: an estate of houses, or stairs of small buildings.
    fn programme(&mut self, iris: usize, at: Position) -> Programme {
        let commune = self.territory.iris[iris].commune;
        let qpv = self.territory.quartier_at(2024, at).is_some();
        let landlord = self.landlord_of(iris, commune);
        let r = &mut self.r;
        let left = loop {
            let size = (24f64.ln() + 0.7 * normal(r)).exp();
            if (14.0..=200.0).contains(&size) {
                break size as u32;
            }
        };
        let period = choose(r, if qpv { &PERIODS_QPV } else { &PERIODS_OUT });
        let fate: f64 = r.random();
        let from = if fate < 0.014 { 2 } else { usize::from(fate < 0.030) };
        let built = match from {
            0 => r.random_range(PERIODS[period].0..=PERIODS[period].1),
            vintage => VINTAGES[vintage] - 1,
        };
        Programme { iris, at, landlord, houses: r.random_bool(0.72), built, from, name: names::estate(r), left }
    }

    /// The landlord of a small programme: one of the two of its neighbourhood, seldom another.
    fn landlord_of(&mut self, iris: usize, commune: usize) -> usize {
        let all = self.landlords.len();
        let habit = [(commune * 7 + 3) % all, (commune * 7 + iris * 5 + 1) % all];
        match self.r.random::<f64>() {
            x if x < 0.5 => habit[0],
            x if x < 0.85 => habit[1],
            _ => ((all as f64) * self.r.random::<f64>().powf(1.7)) as usize,
        }
    }

    /// A position within `reach` metres of another, in the same IRIS and on the same side of QPV limits.
    fn beside(&mut self, iris: usize, centre: Position, reach: f64) -> Position {
        let side = |b: &Self, p: Position| [2015, 2024].map(|g| b.territory.quartier_at(g, p));
        let there = side(self, centre);
        for n in 0..40 {
            let reach = reach / f64::from(1 + n / 8);
            let p = [0, 1].map(|i| centre[i] + self.r.random_range(-reach..reach));
            let p = p.map(|v| (v * 100.0).round() / 100.0);
            if self.territory.iris[iris].outline.contains(p) && side(self, p) == there {
                return p;
            }
        }
        centre
    }

    /// Lets a residence of the newest vintage have a past: completed lately, grown, sold in part, renamed.
    fn evolve(&mut self, index: usize) {
        let r = &mut self.r;
        let residence = &mut self.residences[index];
        let size = residence.size(2);
        let fate: f64 = r.random();
        if fate < 0.030 {
            // Completed in one of the two years between the vintages.
            let vintage = 1 + usize::from(fate < 0.016);
            residence.built = VINTAGES[vintage] - 1;
            residence.present[..vintage].fill((0, 0));
        } else if fate < 0.045 {
            // A few dwellings bought.
            let before = size.saturating_sub(r.random_range(1..5)).max(1);
            let vintage = r.random_range(1..3);
            residence.present[..vintage].fill((0, before));
        } else if fate < 0.065 && size > 1 {
            // One or two sold, in one of the years.
            let sold = r.random_range(1..3);
            let vintage = r.random_range(1..3);
            residence.present.iter_mut().for_each(|p| *p = (sold, size + sold));
            residence.present[..vintage].fill((0, size + sold));
        } else if fate < 0.075 && !residence.alone {
            let name = names::estate(r);
            let vintage = r.random_range(1..3);
            residence.name[vintage..].fill(name);
        } else if fate < 0.080 {
            let landlord = r.random_range(0..self.landlords.len());
            residence.landlord[2] = landlord;
        }
    }
}
