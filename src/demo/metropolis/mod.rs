//! The synthetic metropolis: zones, residences, dwellings, households and allocations that look like the real ones and
//! are nobody's.
//!
//! Everything follows from the seed: each part draws from its own stream, named by metropolis and purpose, so that a
//! change in one part leaves the others as they are.

pub mod amenities;
pub mod calendar;
pub mod calibration;
pub mod cases;
pub mod dissolve;
pub mod dwellings;
pub mod files;
pub mod growth;
pub mod households;
pub mod invent;
pub mod mesh;
pub mod names;
pub mod real;
pub mod residences;
pub mod zones;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Vintages: the state on 1 January of these years.
pub const VINTAGES: [i32; 3] = [2022, 2023, 2024];

/// What to invent.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// 1: a metropolis of 140,000 dwellings; 40: France's social stock; under 1: a small town for tests.
    pub scale: f64,
    /// Mapped points of a whole metropolis; 11,500 residences, or 40,000 when each house is mapped alone.
    pub points: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { seed: 1, scale: 1.0, points: 11_500 }
    }
}

/// Where one metropolis lies and how big it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Number of the metropolis, 0 first.
    pub tile: u32,
    /// Département, two characters.
    pub department: String,
    /// Box, EPSG:2154: min x, min y, max x, max y.
    pub bounds: [f64; 4],
    /// Communes.
    pub communes: usize,
    /// IRIS, about.
    pub iris: usize,
    /// QPV of both generations together.
    pub quartiers: usize,
    /// Mapped points.
    pub points: u32,
    /// Dwellings of the newest vintage, about.
    pub dwellings: f64,
    /// Dwellings for the ground that the metropolis has, relative to scale 1.
    pub density: f64,
}

/// Box of the metropolis of Lille, EPSG:2154.
const BOUNDS: [f64; 4] = [685_037.0, 7_044_719.0, 719_290.0, 7_077_567.0];
/// Dwellings of a whole metropolis.
const DWELLINGS: f64 = 141_000.0;
/// Départements of the further metropolises.
const DEPARTMENTS: [&str; 64] = [
    "59", "62", "80", "60", "02", "08", "51", "76", "27", "14", "50", "61", "28", "78", "95", "77", "10", "52", "55",
    "54", "57", "67", "68", "88", "70", "25", "39", "21", "89", "45", "41", "37", "72", "53", "35", "22", "29", "56",
    "44", "49", "85", "79", "86", "36", "18", "58", "71", "01", "69", "42", "03", "63", "23", "87", "16", "17", "33",
    "24", "19", "15", "43", "07", "26", "38",
];

impl Plan {
    /// The metropolises: whole ones, and a smaller one for what is left of the scale.
    pub fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut left = self.scale.clamp(0.01, DEPARTMENTS.len() as f64);
        while left > 0.009 {
            frames.push(self.frame(frames.len() as u32, left.min(1.0)));
            left -= 1.0;
        }
        frames
    }

    fn frame(&self, tile: u32, part: f64) -> Frame {
        // A town of a twentieth still needs room for every case: its ground is an eighth.
        let ground = part.max(0.126);
        let [min_x, min_y, max_x, max_y] = BOUNDS;
        let centre = [(min_x + max_x) / 2.0, (min_y + max_y) / 2.0];
        let half = [(max_x - min_x) / 2.0 * ground.sqrt(), (max_y - min_y) / 2.0 * ground.sqrt()];
        // Further metropolises lie south of the first, eight in a row.
        let (column, row) = match tile {
            0 => (0.0, 0.0),
            n => (f64::from((n - 1) % 8) - 3.0, -1.0 - f64::from((n - 1) / 8)),
        };
        let shift = [column * 36_000.0, row * 35_000.0];
        Frame {
            tile,
            department: DEPARTMENTS[tile as usize % DEPARTMENTS.len()].to_owned(),
            bounds: [
                centre[0] - half[0] + shift[0],
                centre[1] - half[1] + shift[1],
                centre[0] + half[0] + shift[0],
                centre[1] + half[1] + shift[1],
            ],
            communes: ((95.0 * ground).round() as usize).max(12),
            iris: (515.0 * ground).round() as usize,
            quartiers: ((27.0 * ground).round() as usize).max(6),
            points: (f64::from(self.points) * part).round() as u32,
            dwellings: DWELLINGS * part,
            density: part / ground,
        }
    }
}

/// Where the zones come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Invented.
    Invented,
    /// Real outlines and commune totals in a folder.
    Outlines(PathBuf),
}

/// Why no metropolis was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetropolisError {
    /// Files could not be written.
    #[error(transparent)]
    Files(#[from] files::FileError),
    /// Outlines could not be used.
    #[error(transparent)]
    Outlines(#[from] real::RealError),
}

/// Invents everything, or everything below real outlines and totals, and writes it as files (see [`files::write`]).
///
/// # Errors
/// [`MetropolisError`].
pub fn write(
    folder: &Path,
    plan: &Plan,
    origin: &Origin,
    progress: &dyn Fn(u64, u64),
) -> Result<files::Summary, MetropolisError> {
    let mut territories: Vec<(Frame, zones::Territory)> = match origin {
        Origin::Outlines(outlines) => vec![real::territory(outlines, plan)?],
        Origin::Invented => plan
            .frames()
            .into_iter()
            .map(|frame| {
                let territory = invent::territory(plan.seed, &frame);
                (frame, territory)
            })
            .collect(),
    };
    Ok(files::write(folder, plan, &mut territories, progress)?)
}

/// The stream of random numbers of one purpose.
pub fn rng(seed: u64, tile: u32, purpose: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(tile.to_le_bytes());
    hash.update(purpose.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A standard normal deviate (Box-Muller).
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let u: f64 = 1.0 - rng.random::<f64>();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Draws an index with probabilities proportional to weights; the last one when all are zero.
pub fn choose(rng: &mut ChaCha8Rng, weights: &[f64]) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (i, w) in weights.iter().enumerate() {
        if left < *w {
            return i;
        }
        left -= w;
    }
    weights.len().saturating_sub(1)
}
