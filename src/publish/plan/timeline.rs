//! Residences and zones under one numbering over all vintages of a theme.

use super::VintageInput;
use std::collections::HashMap;

/// Inputs of all vintages and who is who in them.
pub(super) struct Timeline<'a> {
    pub inputs: &'a [VintageInput],
    ids: Vec<&'a str>,
    /// By vintage and entry: number of the residence.
    numbers: Vec<Vec<u32>>,
    /// By vintage: entry of a residence.
    entries: Vec<HashMap<u32, usize>>,
    /// (scale, code).
    zones: Vec<(usize, &'a str)>,
    /// By vintage: number over all vintages of each zone, and back.
    globals: Vec<Vec<u32>>,
    locals: Vec<HashMap<u32, usize>>,
}

/// How much a unit lost in the newest vintage counts beside one lost in another.
const NEWEST: u64 = 4;

impl<'a> Timeline<'a> {
    pub fn new(inputs: &'a [VintageInput]) -> Timeline<'a> {
        let mut time = Timeline {
            inputs,
            ids: Vec::new(),
            numbers: Vec::new(),
            entries: Vec::new(),
            zones: Vec::new(),
            globals: Vec::new(),
            locals: Vec::new(),
        };
        let mut residences: HashMap<&str, u32> = HashMap::new();
        let mut zones: HashMap<(usize, &str), u32> = HashMap::new();
        for input in inputs {
            let mut numbers = Vec::with_capacity(input.residences.len());
            for e in &input.residences {
                numbers.push(*residences.entry(&e.id).or_insert_with(|| {
                    time.ids.push(&e.id);
                    time.ids.len() as u32 - 1
                }));
            }
            time.entries.push(numbers.iter().enumerate().map(|(e, n)| (*n, e)).collect());
            time.numbers.push(numbers);
            let mut globals = Vec::with_capacity(input.zones.len());
            for z in &input.zones {
                globals.push(*zones.entry((z.scale, &z.id)).or_insert_with(|| {
                    time.zones.push((z.scale, &z.id));
                    time.zones.len() as u32 - 1
                }));
            }
            time.locals.push(globals.iter().enumerate().map(|(z, g)| (*g, z)).collect());
            time.globals.push(globals);
        }
        time
    }

    /// Number of the residence of an entry.
    pub fn number(&self, v: usize, entry: usize) -> u32 {
        self.numbers[v][entry]
    }

    /// Entry of a residence in a vintage.
    pub fn entry(&self, v: usize, id: u32) -> Option<usize> {
        self.entries[v].get(&id).copied()
    }

    /// Surrogate.
    pub fn id(&self, id: u32) -> &'a str {
        self.ids[id as usize]
    }

    /// How many zones there are over all vintages.
    pub fn zones(&self) -> u32 {
        self.zones.len() as u32
    }

    /// Scale and code of a zone.
    pub fn zone(&self, g: u32) -> (usize, &'a str) {
        self.zones[g as usize]
    }

    /// Number over all vintages of a zone of one.
    pub fn global(&self, v: usize, z: usize) -> u32 {
        self.globals[v][z]
    }

    /// Place in a vintage of a zone; one past the end when it is not there.
    pub fn local(&self, v: usize, g: u32) -> usize {
        self.locals[v].get(&g).copied().unwrap_or(usize::MAX)
    }

    /// Units of a residence in a vintage.
    pub fn units(&self, v: usize, id: u32, n: usize) -> u32 {
        self.entry(v, id).and_then(|e| self.inputs[v].residences[e].units.get(n).copied()).unwrap_or(0)
    }

    /// Zones of the vintage `v` in which the point lies that a residence had in the vintage `state`.
    pub fn local_place(&self, v: usize, id: u32, state: usize) -> [Option<u32>; 4] {
        let input = &self.inputs[v];
        let name = self.id(id);
        if state != v
            && let Some(zones) = input.former.get(&(self.inputs[state].vintage, name.to_owned()))
        {
            return *zones;
        }
        if let Some(e) = self.entry(v, id) {
            return input.residences[e].zones;
        }
        if let Some(zones) = input.places.get(name) {
            return *zones;
        }
        // Nothing says where it lies now: where its zones of then are.
        let Some(e) = self.entry(state, id) else { return [None; 4] };
        self.inputs[state].residences[e].zones.map(|z| {
            let g = self.global(state, z? as usize);
            self.locals[v].get(&g).map(|z| *z as u32)
        })
    }

    /// The same, numbered over all vintages.
    pub fn place(&self, v: usize, id: u32, state: usize) -> [Option<u32>; 4] {
        self.local_place(v, id, state).map(|z| z.map(|z| self.global(v, z as usize)))
    }

    /// Whether a residence stands elsewhere than in an earlier vintage.
    pub fn moved(&self, v: usize, id: u32, state: usize) -> bool {
        state != v && self.inputs[v].former.contains_key(&(self.inputs[state].vintage, self.id(id).to_owned()))
    }

    /// All zones that count, from a vintage on, the point that a residence had in the vintage `state`: of that vintage, then
    /// the first of each scale that differs later.
    pub fn ahead(&self, v: usize, id: u32, state: usize) -> [Option<u32>; 8] {
        let mut all = [None; 8];
        let first = self.place(v, id, state);
        all[..4].copy_from_slice(&first);
        for later in v + 1..self.inputs.len() {
            for (scale, zone) in self.place(later, id, state).into_iter().enumerate() {
                if zone.is_some() && zone != first[scale] && all[4 + scale].is_none() {
                    all[4 + scale] = zone;
                }
            }
        }
        all
    }

    /// Units that are lost when a residence is withheld, the newest vintage above all.
    pub fn cost(&self, id: u32, n: usize, threshold: u32) -> u64 {
        let last = self.inputs.len() - 1;
        let lost = |v: usize| Some(self.units(v, id, n)).filter(|u| *u >= threshold).unwrap_or(0);
        weigh(last, lost)
    }

    /// The same for a zone.
    pub fn zone_cost(&self, units: impl Fn(usize) -> u32) -> u32 {
        u32::try_from(weigh(self.inputs.len() - 1, units)).unwrap_or(u32::MAX)
    }

    /// Own units and dwellings of every zone, by vintage.
    pub fn sums(&self, n: usize) -> Vec<Vec<(u32, u32)>> {
        let mut sums = vec![vec![(0, 0); self.zones.len()]; self.inputs.len()];
        for (v, input) in self.inputs.iter().enumerate() {
            for e in &input.residences {
                let units = e.units.get(n).copied().unwrap_or(0);
                if units > 0 {
                    for z in e.zones.iter().flatten() {
                        let s = &mut sums[v][self.global(v, *z as usize) as usize];
                        s.0 += units;
                        s.1 += e.dwellings;
                    }
                }
            }
        }
        sums
    }
}

fn weigh(last: usize, units: impl Fn(usize) -> u32) -> u64 {
    (0..last).map(|v| u64::from(units(v))).sum::<u64>() + NEWEST * u64::from(units(last))
}
