//! Schools, doctors, shops, stops: what residences are near to.

use super::residences::Builder;
use super::zones::Territory;
use super::{Frame, choose, rng};
use crate::geo::Position;
use rand::RngExt;

/// One amenity, in the terms of INSEE's permanent database of amenities (BPE).
#[derive(Debug, Clone)]
pub struct Amenity {
    /// Type, e.g. `C109`; the metropolis's own: `TC` (stop of tram, metro or bus), `PARC`.
    pub kind: &'static str,
    /// Index of the IRIS.
    pub iris: usize,
    /// EPSG:2154, metres.
    pub at: Position,
    /// First vintage that has it.
    pub since: usize,
}

/// Type, main residences for one of it.
const KINDS: [(&str, f64); 13] = [
    ("C108", 3200.0),
    ("C109", 1500.0),
    ("C201", 6200.0),
    ("D265", 520.0),
    ("D307", 1450.0),
    ("B104", 17_000.0),
    ("B105", 3000.0),
    ("B201", 2400.0),
    ("A206", 4200.0),
    ("E107", 16_000.0),
    ("TC", 190.0),
    ("PARC", 1300.0),
    ("F121", 2600.0),
];

/// Invents the amenities of a metropolis: each commune has its share, where people live.
pub fn amenities(seed: u64, frame: &Frame, territory: &mut Territory) -> Vec<Amenity> {
    let weights: Vec<(usize, Vec<usize>, Vec<f64>)> = (0..territory.communes.len())
        .map(|c| {
            let zones: Vec<usize> = territory.iris_of(c).collect();
            let weights = zones.iter().map(|i| if territory.iris[*i].kind == 'D' { 0.1 } else { 1.0 }).collect();
            (c, zones, weights)
        })
        .collect();
    let mut builder = Builder::places(territory, frame, rng(seed, frame.tile, "amenities"));
    let mut all = Vec::new();
    for (commune, zones, weights) in weights.iter().filter(|w| !w.1.is_empty()) {
        let main_residences = f64::from(builder.territory.communes[*commune].main_residences);
        for (kind, for_each) in KINDS {
            let count = (main_residences / for_each + builder.r.random::<f64>()) as u32;
            for _ in 0..count {
                let iris = zones[choose(&mut builder.r, weights)];
                let at = builder.point(iris);
                let since = if builder.r.random_bool(0.03) { builder.r.random_range(1..3) } else { 0 };
                all.push(Amenity { kind, iris, at, since });
            }
        }
    }
    all
}
