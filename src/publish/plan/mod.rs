//! What is withheld so that nothing about fewer units than the threshold can be derived (rule G1, "maille élémentaire").
//!
//! Pure functions: in go units by residence, the zones that count them, and what is known already; out come decisions.
//!
//! The territory is cut by all shown zonings at once. A **cell** is the set of residences that exactly the same shown zone
//! rows count. A shown zone minus its shown residences is a sum of whole cell remainders, and every statistic that can be
//! derived linearly from shown rows is constant on cells; so it is enough that each remainder by itself may be known:
//!
//! > **G1**: in each cell the residences that are not shown hold nothing, or at least `threshold` units (and dwellings) in
//! > at least `residences` residences, none of them over `dominance` of the units; and this still holds after the residences
//! > of any single landlord (corporate group, two of them, named coalition: [`Attackers`]) are removed.
//!
//! Unions of disjoint remainders that hold G1 hold it too, so merging cells (by withholding a zone row) never breaks one.
//!
//! The rows of all vintages are one system: a cell is what no row of any vintage tells apart (`batch`, `series`).
//!
//! Single categories of a family that is shown are guarded by a second rule (`categories`, G2).

mod batch;
mod categories;
mod cells;
mod exact;
mod exposed;
mod frozen;
mod output;
mod outside;
mod rebuild;
mod repair;
mod rule;
mod search;
mod series;
mod themes;
mod timeline;
mod views;

pub use categories::{Doubt, Mask, masks};
pub use repair::plan;
pub use rule::{Attackers, Member, Parameters, holds, landlord};
pub use series::{Outcome, Series};
pub use themes::{
    Archived, Count, Entry, Frozen, Known, Ledger, Line, Price, RESIDENCE, Shown, Theme, Unresolved, VintageInput,
    ZoneEntry, scale_name,
};
pub use views::{CategoryCell, CategoryPart};

/// Why a row is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Motif {
    /// It is under the threshold itself.
    Primaire,
    /// It, or another row with it, would let a figure under the threshold be derived.
    Secondaire,
    /// It was withheld before: in an earlier vintage, or in an earlier publication of this one.
    Collant,
    /// The residence is withheld in the stock.
    Parc,
}

impl Motif {
    /// Name in `plan.ligne`.
    pub fn name(self) -> &'static str {
        match self {
            Motif::Primaire => "primaire",
            Motif::Secondaire => "secondaire",
            Motif::Collant => "collant",
            Motif::Parc => "parc",
        }
    }
}

/// What is decided about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Shown.
    Show,
    /// Withheld.
    Withhold(Motif),
}

impl Decision {
    /// Whether the row is shown.
    pub fn shown(self) -> bool {
        self == Decision::Show
    }
}

/// A residence in one theme (or family) and vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residence {
    /// Units of the theme or family.
    pub units: u32,
    /// Dwellings.
    pub dwellings: u32,
    /// Landlord; `None`: not known.
    pub landlord: Option<u32>,
    /// Zones that count it: numbers in [`Problem::zones`], at most one of each scale (commune, commune associée, IRIS, QPV),
    /// then those of another zoning that cuts the same residences at another time.
    pub zones: [Option<u32>; 8],
    /// Part of the territory that figures keep apart whatever zones are shown; 0 where there is one part only.
    pub part: u32,
    /// `Some`: withheld, whatever else.
    pub withheld: Option<Motif>,
    /// Shown already, or decided elsewhere: it cannot be withheld here.
    pub fixed: bool,
    /// Anyone may know its figures: it is in no remainder, even if it is withheld from now on.
    pub known: bool,
    /// What is lost when it is withheld.
    pub cost: u64,
}

/// Place of each scale in [`Residence::zones`].
pub const COMMUNE: usize = 0;
/// Commune associée.
pub const ASSOCIEE: usize = 1;
/// IRIS.
pub const IRIS: usize = 2;
/// Priority neighbourhood.
pub const QPV: usize = 3;

/// A zone row in one theme (or family) and vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// [`COMMUNE`], [`ASSOCIEE`], [`IRIS`] or [`QPV`].
    pub scale: usize,
    /// Units lost when it is withheld.
    pub units: u32,
    /// `Some`: withheld, whatever else.
    pub withheld: Option<Motif>,
    /// It cannot be withheld here.
    pub fixed: bool,
    /// Anyone may know its figures, even if it is withheld from now on.
    pub known: bool,
}

/// One theme (or family) in one vintage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Residences.
    pub residences: Vec<Residence>,
    /// Zones.
    pub zones: Vec<Zone>,
}

/// The decisions, in the order of the problem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Of residences.
    pub residences: Vec<Decision>,
    /// Of zones.
    pub zones: Vec<Decision>,
    /// Cells that break G1 and that nothing that may still be withheld can mend (known rows, fixed rows).
    pub unresolved: usize,
}
