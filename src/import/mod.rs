//! Files ▶ `source`: one file a kind of source. All or nothing per file and vintage.
//!
//! A file is read once, as a stream, on a thread of its own; its rows go by binary COPY into the tables of a new lot. Lot,
//! rows and indexes are one transaction: after any error nothing of it is there, and a second import of the same vintage
//! is a new version beside the first.

mod attributions;
mod bailleurs;
mod communes;
mod contours;
mod copy;
mod demandes;
mod driver;
mod equipements;
mod error;
mod fields;
mod iris;
mod keys;
mod layout;
mod lines;
pub mod lots;
mod marges;
mod occupation;
pub mod progress;
mod qpv;
mod rejects;
mod residences;
mod rpls;
mod table;
mod value;

pub use error::{ImportError, Reject};
pub use progress::Progress;

use crate::config::Config;
use crate::publish::plan::Theme;
use contours::{Contours, Zone};
use driver::{Job, Reader};
use layout::{Csv, Layout};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where EPSG:2154 is used: eastings, metres (area of use of the EPSG registry, rounded outwards).
const AREA_X: RangeInclusive<f64> = -380_000.0..=1_330_000.0;
/// Where EPSG:2154 is used: northings, metres.
const AREA_Y: RangeInclusive<f64> = 6_000_000.0..=7_240_000.0;

/// The kinds of files that are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Outlines of communes (and communes associées).
    Communes,
    /// Outlines of IRIS.
    Iris,
    /// Outlines of the priority neighbourhoods (QPV).
    Qpv,
    /// Dwellings of the social stock (RPLS).
    Rpls,
    /// Households (OPS), one line a let dwelling.
    Occupation,
    /// Allocations (SNE).
    Attributions,
    /// Demands for social housing by commune (SNE).
    Demandes,
    /// Amenities (BPE of INSEE and the metropolis's own).
    Equipements,
    /// The metropolis's key dwelling ▶ residence, with landlord and position.
    Residences,
    /// Landlords and their corporate groups: who may put together what it knows.
    Bailleurs,
    /// Open tables of the SDES by commune or EPCI: what others have published already.
    Marges,
}

impl Source {
    /// All of them, in the order in which a metropolis loads them.
    pub const ALL: [Source; 11] = [
        Source::Communes,
        Source::Iris,
        Source::Qpv,
        Source::Rpls,
        Source::Residences,
        Source::Occupation,
        Source::Attributions,
        Source::Demandes,
        Source::Equipements,
        Source::Bailleurs,
        Source::Marges,
    ];

    /// Name in commands and in `import.lot`.
    pub fn name(self) -> &'static str {
        match self {
            Source::Communes => "communes",
            Source::Iris => "iris",
            Source::Qpv => "qpv",
            Source::Rpls => "rpls",
            Source::Occupation => "occupation",
            Source::Attributions => "attributions",
            Source::Demandes => "demandes",
            Source::Equipements => "equipements",
            Source::Residences => "residences",
            Source::Bailleurs => "bailleurs",
            Source::Marges => "marges",
        }
    }
}

/// Character encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Encodage {
    /// UTF-8 until the first byte that cannot be; then, when nothing before it was beyond ASCII, Latin-1.
    #[default]
    Auto,
    /// UTF-8, with or without byte order mark.
    #[value(name = "utf-8")]
    Utf8,
    /// Latin-1, read as its superset Windows-1252.
    #[value(name = "latin-1")]
    Latin1,
}

/// How a file is to be read, where the file itself does not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Encoding of a text file.
    pub encodage: Encodage,
    /// Layer of a geographic file that has several.
    pub layer: Option<String>,
    /// CRS of a geographic file that names none, e.g. `EPSG:2154`.
    pub crs: Option<String>,
    /// Theme whose figures a table of a third party sums.
    pub theme: Theme,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Number of the lot.
    pub lot: i64,
    /// Version within its source and vintage, from 1.
    pub version: i32,
    /// Lines (without header) or features read.
    pub lines: u64,
    /// Rows written, over all tables of the source.
    pub rows: u64,
    /// Lines or features rejected.
    pub rejects: u64,
    /// Where the rejects are listed; `None` when there are none.
    pub reject_report: Option<PathBuf>,
    /// How long it took.
    pub duration: Duration,
}

/// Imports one file as the newest version of `millesime`. Connects to `source` as `seuil_importer`.
///
/// # Errors
/// [`ImportError`]; nothing of the file is kept then.
pub async fn run(
    config: &Config,
    source: Source,
    file: &Path,
    millesime: i32,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<Report, ImportError> {
    let year = i16::try_from(millesime)
        .ok()
        .filter(|m| (1990..=2100).contains(m))
        .ok_or(ImportError::Millesime { millesime })?;
    let (targets, reader): (_, Box<dyn Reader>) = match source {
        Source::Rpls => (rpls::TARGETS, csv(rpls::Rpls::new(year), options)),
        Source::Residences => (residences::TARGETS, csv(residences::Residences::new(year), options)),
        Source::Occupation => (occupation::TARGETS, csv(occupation::Occupation::new(year), options)),
        Source::Attributions => (attributions::TARGETS, csv(attributions::Attributions::new(year), options)),
        Source::Demandes => (demandes::TARGETS, csv(demandes::Demandes::new(), options)),
        Source::Equipements => (equipements::TARGETS, csv(equipements::Equipements, options)),
        Source::Bailleurs => (bailleurs::TARGETS, csv(bailleurs::Bailleurs::new(), options)),
        Source::Marges => (marges::TARGETS, csv(marges::Marges::new(options.theme), options)),
        Source::Communes => (communes::TARGETS, contours(communes::Communes::new(), options)),
        Source::Iris => (iris::TARGETS, contours(iris::Iris::new(), options)),
        Source::Qpv => (qpv::TARGETS, contours(qpv::Qpv::new(), options)),
    };
    let job = Job { config, source, file, millesime, targets, progress: Arc::clone(&progress) };
    let result = driver::run(job, reader).await;
    progress.end();
    result
}

fn contours<Z: Zone>(zone: Z, options: &Options) -> Box<dyn Reader> {
    Box::new(Contours { zone, options: options.clone() })
}

fn csv<L: Layout>(layout: L, options: &Options) -> Box<dyn Reader> {
    Box::new(Csv { layout, encodage: options.encodage })
}
