//! Themes and their families of figures, what goes into the plan of a theme and what comes out.

use super::{IRIS, Motif, QPV};
use std::collections::{HashMap, HashSet};

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Units of its own: `units[n]`.
    Own(usize),
    /// Splits `units[base]` of a zone row by whether residences lie in a QPV; `units[n]` are those that do.
    Split { base: usize, inside: usize },
    /// A figure of the stock: shown only where the stock's row is; `units[n]`.
    Stock(usize),
}

impl Kind {
    /// Place of its units.
    pub(super) fn units(self) -> usize {
        match self {
            Kind::Own(n) | Kind::Stock(n) => n,
            Kind::Split { base, .. } => base,
        }
    }
}

/// A theme and its families, named by their denominators. The order of units is that of the view `stat.unites`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Theme {
    /// Stock: dwellings.
    #[default]
    Parc,
    /// Occupation: households that answered.
    Occupation,
    /// Allocations of 36 months.
    Attributions,
}

impl Theme {
    /// All, the stock first: the others depend on it.
    pub const ALL: [Theme; 3] = [Theme::Parc, Theme::Occupation, Theme::Attributions];

    /// Name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Parc => "parc",
            Theme::Occupation => "occupation",
            Theme::Attributions => "attributions",
        }
    }

    /// Denominators of its families.
    pub fn family_names(self) -> impl Iterator<Item = &'static str> {
        self.families().iter().map(|(name, _)| *name)
    }

    /// Denominators of its families, each with its place among the units.
    pub fn family_units(self) -> impl Iterator<Item = (&'static str, usize)> {
        self.families().iter().map(|(name, kind)| {
            (
                *name,
                match kind {
                    Kind::Own(n) | Kind::Stock(n) => *n,
                    Kind::Split { inside, .. } => *inside,
                },
            )
        })
    }

    pub(super) fn families(self) -> &'static [(&'static str, Kind)] {
        match self {
            Theme::Parc => &[
                ("nb_offerts", Kind::Own(1)),
                ("nb_offerts_1an", Kind::Own(2)),
                ("nb_surface", Kind::Own(3)),
                ("nb_loyer", Kind::Own(4)),
                ("nb_dpe", Kind::Own(5)),
                ("nb_en_qpv", Kind::Split { base: 0, inside: 6 }),
            ],
            Theme::Occupation => &[
                ("nb_revenu_connu", Kind::Own(1)),
                ("nb_age_connu", Kind::Own(2)),
                ("nb_adultes", Kind::Own(3)),
                ("nb_entree_connue", Kind::Own(4)),
                ("nb_loues", Kind::Stock(5)),
            ],
            Theme::Attributions => &[
                ("nb_delai_connu", Kind::Own(1)),
                ("nb_revenu_connu", Kind::Own(2)),
                ("nb_rc_qpv", Kind::Split { base: 2, inside: 3 }),
            ],
        }
    }
}

/// A residence of a vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Surrogate.
    pub id: String,
    /// Landlord.
    pub landlord: Option<u32>,
    /// Dwellings in the vintage of the stock that stands for this one; 0: not in it.
    pub dwellings: u32,
    /// Zones that count it: numbers in [`VintageInput::zones`], by scale.
    pub zones: [Option<u32>; 4],
    /// Units of the theme and its families; empty: none at all.
    pub units: Vec<u32>,
}

/// A zone of a vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneEntry {
    /// Place of its scale in [`Entry::zones`].
    pub scale: usize,
    /// Official code.
    pub id: String,
}

/// What is planned for one vintage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VintageInput {
    /// Vintage.
    pub vintage: i32,
    /// Vintage of the stock that stands for it.
    pub stock: i32,
    /// Residences that the figures of the theme count, or that the stock maps.
    pub residences: Vec<Entry>,
    /// Zones.
    pub zones: Vec<ZoneEntry>,
    /// Where residences stand that are in the zoning of this vintage, but not among `residences`.
    pub places: HashMap<String, [Option<u32>; 4]>,
    /// Where the point that a residence had in an earlier vintage lies in this one's zoning, for those that have moved since
    /// or are gone.
    pub former: HashMap<(i32, String), [Option<u32>; 4]>,
    /// Communes whose sums in this theme and vintage third parties publish: numbers in `zones`.
    pub margins: HashSet<u32>,
    /// `Some`: the vintage was published before; what it counted of residences that are not shown stays as it was.
    pub frozen: Option<Frozen>,
}

/// What a vintage that was published before counts, where the archive says something else than the imports of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frozen {
    /// Residences whose figures, landlord, zones or point are not what was counted or shown.
    pub changed: HashMap<String, Archived>,
    /// By family (the theme: empty) and residence: vintage of the figures counted and the zones that count them; `None`: not
    /// counted. A residence that is not here and was not shown is counted as it stands.
    pub counts: HashMap<(&'static str, String), Option<Then>>,
}

/// Vintage of the figures that were counted, and the zones that count them: numbers in [`VintageInput::zones`].
pub type Then = (i32, [Option<u32>; 4]);

/// A residence as it was counted or shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archived {
    /// Units of the theme and its families; empty: nothing of it was ever counted or shown.
    pub units: Vec<u32>,
    /// Dwellings.
    pub dwellings: u32,
    /// Landlord.
    pub landlord: Option<u32>,
    /// Zones: numbers in [`VintageInput::zones`].
    pub zones: [Option<u32>; 4],
}

/// What the ledger holds of a row: publications before this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// It was shown once.
    pub shown: bool,
    /// It was withheld once.
    pub hidden: bool,
    /// Families that were shown once.
    pub families_shown: HashSet<String>,
    /// Families that were withheld once.
    pub families_hidden: HashSet<String>,
}

impl Known {
    /// Adds what a publication said of a row. `units` are the row's own, in the order of the theme; a row without any hid
    /// nothing when it was withheld.
    pub fn record(&mut self, theme: Theme, status: &str, families: &[String], units: Option<&[u32]>) {
        let some = |n: usize| units.is_none_or(|u| u.get(n).is_some_and(|u| *u > 0));
        self.shown |= status != "secret";
        self.hidden |= status == "secret" && some(0);
        if status != "diffuse" {
            return;
        }
        for (name, kind) in theme.families() {
            if families.iter().any(|f| f == name) {
                self.families_shown.insert((*name).to_owned());
            } else if some(kind.units()) {
                self.families_hidden.insert((*name).to_owned());
            }
        }
    }
}

/// The ledger of a theme: (vintage, scale, id) ▶ what is known. Communes associées stand under [`super::COMMUNE`], residences
/// under [`RESIDENCE`].
pub type Ledger = HashMap<(i32, usize, String), Known>;

/// Scale of residences in [`Ledger`] and [`Line`].
pub const RESIDENCE: usize = 4;

/// A line of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Scale; [`RESIDENCE`] for residences.
    pub scale: usize,
    /// Surrogate or official code.
    pub id: String,
    /// `diffuse`, `secret`, `non_disponible` or `sans_objet`.
    pub status: &'static str,
    /// Why it is withheld.
    pub motif: Option<Motif>,
    /// Families that are shown.
    pub families: Vec<&'static str>,
}

/// Rows and units of a scale: in all, shown, and withheld by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Price {
    /// Rows that have units.
    pub rows: u64,
    /// Their units.
    pub units: u64,
    /// Rows under the threshold themselves.
    pub primary_rows: u64,
    /// Their units.
    pub primary_units: u64,
    /// Rows withheld so that others cannot be derived (sticky ones and those withheld in the stock included).
    pub secondary_rows: u64,
    /// Their units.
    pub secondary_units: u64,
}

/// A residence whose part in zone figures is not simply its own figures of the vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Denominator of the family; empty for the theme itself and all families that say nothing else.
    pub family: &'static str,
    /// Surrogate.
    pub id: String,
    /// Vintage whose figures zones count, negative: its archived figures; `None`: they count none.
    pub state: Option<i32>,
    /// Zones that count it: numbers in [`VintageInput::zones`].
    pub zones: [Option<u32>; 4],
}

/// Cells that nothing mends: family (the theme itself: empty), vintage, how many.
pub type Unresolved = (&'static str, i32, usize);

/// Rows that are shown: (scale, id).
pub type Shown = HashSet<(usize, String)>;

/// Name of a scale in the database.
pub fn scale_name(scale: usize) -> &'static str {
    match scale {
        RESIDENCE => "residence",
        IRIS => "iris",
        QPV => "qpv",
        _ => "commune",
    }
}
