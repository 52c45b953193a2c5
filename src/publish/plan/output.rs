//! What the plan of a theme says: a line for each row, and what zone figures count otherwise than as it stands.

use super::series::{Series, Track};
use super::{Count, Decision, Line, Motif, RESIDENCE, Theme};
use std::collections::{BTreeSet, HashMap};

/// Zone rows, by vintage, that may say how many of their units lie in a QPV.
pub(super) type Split = (&'static str, Vec<Vec<Decision>>);

/// What zones count of a residence: figures of a vintage (as archived), and which zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Says {
    pub state: usize,
    pub archived: bool,
    pub zones: [Option<u32>; 4],
}

impl Series<'_> {
    /// What zones count of residences otherwise than their own figures of the vintage.
    pub(super) fn counts(&self, v: usize, theme: &Track, tracks: &[Track]) -> Vec<Count> {
        let input = &self.time.inputs[v];
        let mut list = Vec::new();
        // What the theme's row of a residence says, families included unless they say otherwise.
        let mut base: HashMap<u32, Option<Says>> = HashMap::new();
        let mut count = |family: &'static str, id: u32, says: Option<Says>| {
            let zones = says.map_or([None; 4], |s| s.zones);
            list.push(Count { family, id: self.time.id(id).to_owned(), state: says.map(|s| self.signed(&s)), zones });
        };
        let counted = |track: &Track, id: u32| {
            let c = track.counted[v].get(&id)?;
            Some(Says { state: c.state, archived: c.archived, zones: self.zones_of(v, id, c) })
        };
        let own = |e: usize| Says { state: v, archived: false, zones: input.residences[e].zones };
        for (e, d) in input.residences.iter().enumerate().zip(&theme.residences[v]).map(|((e, _), d)| (e, d)) {
            let id = self.time.number(v, e);
            let units = input.residences[e].units.first().copied().unwrap_or(0);
            let counted = counted(theme, id);
            let as_it_stands = units == 0 && counted.is_none() && !self.differs(v, id);
            let says = if d.shown() || as_it_stands { Some(own(e)) } else { counted };
            base.insert(id, says);
            if says != Some(own(e)) {
                count("", id, says);
            }
        }
        for id in theme.counted[v].keys() {
            if self.time.entry(v, *id).is_none() {
                base.insert(*id, counted(theme, *id));
                count("", *id, counted(theme, *id));
            }
        }
        for track in tracks {
            let ids = base.keys().chain(track.counted[v].keys()).copied();
            let ids: BTreeSet<u32> = ids.collect();
            for id in ids {
                let shown = self.time.entry(v, id).filter(|e| track.residences[v][*e].shown());
                let says = shown.map(own).or_else(|| counted(track, id));
                let base = base.get(&id).copied().flatten();
                let empty = |s: Option<Says>| s.is_none_or(|s| self.figures(&s, id, track.n).0 == 0);
                if says != base && !(empty(says) && empty(base)) {
                    count(track.name, id, says);
                }
            }
        }
        list
    }

    /// Lines of a vintage.
    pub(super) fn lines(&self, v: usize, theme: &Track, tracks: &[Track], splits: &[Split]) -> Vec<Line> {
        let input = &self.time.inputs[v];
        let lets = tracks.iter().find(|t| t.name == "nb_loues" && self.theme == Theme::Occupation);
        let mut lines = Vec::with_capacity(input.residences.len() + input.zones.len());
        for (n, e) in input.residences.iter().enumerate() {
            let units = e.units.first().copied().unwrap_or(0);
            let families = || tracks.iter().filter(|t| t.residences[v][n].shown()).map(|t| t.name).collect();
            let not_available = lets.is_some_and(|t| e.units.get(t.n).is_some_and(|u| *u > 0));
            lines.push(line(RESIDENCE, &e.id, theme.residences[v][n], units, not_available, families));
        }
        // A zone without units may say so only when none of its residences is withheld in the stock, or waits.
        let secret = self.with_secret_residences(v, theme);
        for (n, e) in input.zones.iter().enumerate() {
            let units = theme.sums[v][n].0;
            let mut d = theme.zones[v][n];
            if units == 0 && d.shown() && secret[n] {
                d = Decision::Withhold(Motif::Primaire);
            }
            let families = || {
                let own = tracks.iter().filter(|t| t.zones[v][n].shown()).map(|t| t.name);
                own.chain(splits.iter().filter(|(_, z)| z[v][n].shown()).map(|(name, _)| *name)).collect()
            };
            lines.push(line(e.scale, &e.id, d, units, lets.is_some_and(|t| t.sums[v][n].0 > 0), families));
        }
        lines
    }

    /// Zones that count a residence which the stock withholds, or which this theme withholds with figures.
    fn with_secret_residences(&self, v: usize, theme: &Track) -> Vec<bool> {
        let input = &self.time.inputs[v];
        let mut secret = vec![false; input.zones.len()];
        let own = self.out.shown.get(&input.vintage);
        let shown = self.stock.map_or(own, |s| s.get(&input.stock));
        for (e, d) in input.residences.iter().zip(&theme.residences[v]) {
            let waits = !d.shown() && e.units.first().is_some_and(|u| *u > 0);
            if waits || !shown.is_some_and(|s| s.contains(&(RESIDENCE, e.id.clone()))) {
                for z in e.zones.iter().flatten() {
                    secret[*z as usize] = true;
                }
            }
        }
        secret
    }
}

fn line(
    scale: usize,
    id: &str,
    decision: Decision,
    units: u32,
    not_available: bool,
    families: impl Fn() -> Vec<&'static str>,
) -> Line {
    let (status, motif, families) = match decision {
        Decision::Withhold(m) => ("secret", Some(m), Vec::new()),
        Decision::Show if units == 0 && not_available => ("non_disponible", None, Vec::new()),
        Decision::Show if units == 0 => ("sans_objet", None, Vec::new()),
        Decision::Show => ("diffuse", None, families()),
    };
    Line { scale, id: id.to_owned(), status, motif, families }
}
