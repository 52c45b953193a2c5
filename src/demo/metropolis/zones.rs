//! The zones of a metropolis, wherever they come from: invented or read from real outlines.

use super::dissolve::Outline;
use crate::geo::{Envelope, Position};

/// A commune.
#[derive(Debug, Clone)]
pub struct Commune {
    /// INSEE code.
    pub insee: String,
    /// Name.
    pub name: String,
    /// SIREN.
    pub siren: String,
    /// Dwellings that its stock should hold on 1 January of the newest vintage.
    pub stock: u32,
    /// Main residences.
    pub main_residences: u32,
    /// Share of social dwellings in the prefect's inventory, %; communes under the law's size have none.
    pub tx_sru: Option<f64>,
    /// EPSG:2154.
    pub outline: Outline,
    /// What the commune is there for.
    pub role: Role,
}

/// Cases that are properties of a whole commune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing particular.
    Ordinary,
    /// No social dwelling.
    Empty,
    /// So few dwellings that even the total is withheld.
    Tiny,
    /// Passes from 5 over 8 to exactly 11 dwellings in the three vintages.
    Crossing,
}

/// A commune associée: overlaps its commune.
#[derive(Debug, Clone)]
pub struct Associee {
    /// INSEE code.
    pub insee: String,
    /// Name.
    pub name: String,
    /// Index of the commune it belongs to.
    pub commune: usize,
    /// Main residences.
    pub main_residences: u32,
    /// EPSG:2154.
    pub outline: Outline,
}

/// An IRIS.
#[derive(Debug, Clone)]
pub struct Iris {
    /// Nine characters: commune + 4.
    pub code: String,
    /// Name.
    pub name: String,
    /// `H`, `A`, `D`, `Z`.
    pub kind: char,
    /// Index of the commune.
    pub commune: usize,
    /// Index of the commune associée, if it lies in one.
    pub associee: Option<usize>,
    /// Relative share in the stock of its commune.
    pub weight: f64,
    /// 0 (at ease) to 1 (fragile): drives incomes, vacancy, mobility.
    pub fragility: f64,
    /// True when a planted case needs the IRIS alone: no other residence is put there.
    pub reserved: bool,
    /// EPSG:2154.
    pub outline: Outline,
    /// Its box.
    pub envelope: Envelope,
}

/// A priority district (QPV) of one generation.
#[derive(Debug, Clone)]
pub struct Quartier {
    /// Eight characters.
    pub code: String,
    /// Name.
    pub name: String,
    /// 2015 or 2024.
    pub generation: i32,
    /// Communes it lies in, largest part first.
    pub communes: Vec<usize>,
    /// EPSG:2154.
    pub outline: Outline,
    /// Its box.
    pub envelope: Envelope,
}

/// The zones of one metropolis.
#[derive(Debug)]
pub struct Territory {
    /// Département, two characters.
    pub department: String,
    /// Communes; IRIS of one commune stand together.
    pub communes: Vec<Commune>,
    /// Communes associées.
    pub associees: Vec<Associee>,
    /// IRIS.
    pub iris: Vec<Iris>,
    /// QPV of both generations.
    pub quartiers: Vec<Quartier>,
    /// Pairs of (IRIS, IRIS, position): a vertex of the border of exactly these two, inside one commune, off any QPV.
    pub limits: Vec<(usize, usize, Position)>,
}

impl Territory {
    /// Index of the QPV of a generation at a position.
    pub fn quartier_at(&self, generation: i32, p: Position) -> Option<usize> {
        self.quartiers
            .iter()
            .position(|q| q.generation == generation && q.envelope.contains(p) && q.outline.contains(p))
    }

    /// Index of the IRIS at a position.
    pub fn iris_at(&self, p: Position) -> Option<usize> {
        self.iris.iter().position(|i| i.envelope.contains(p) && i.outline.contains(p))
    }

    /// Indices of the IRIS of a commune.
    pub fn iris_of(&self, commune: usize) -> impl Iterator<Item = usize> + '_ {
        self.iris.iter().enumerate().filter(move |(_, i)| i.commune == commune).map(|(i, _)| i)
    }
}
