//! Residences and zones under one numbering over all vintages of a theme.

use super::VintageInput;
use std::collections::HashMap;

/// Inputs of all vintages and who is who in them.
pub(super) struct Timeline<'a> {
    pub inputs: &'a [VintageInput],
    ids: Vec<&'a str>,
    numbered: HashMap<&'a str, u32>,
    /// By vintage and entry: number of the residence.
    numbers: Vec<Vec<u32>>,
    /// By vintage and residence: its entry.
    entries: Vec<Vec<u32>>,
    /// (scale, code).
    zones: Vec<(usize, &'a str)>,
    /// By vintage: number over all vintages of each zone, and back.
    globals: Vec<Vec<u32>>,
    locals: Vec<Vec<u32>>,
    /// By vintage: where residences lie that are not in it, and where a point of an earlier vintage (index, residence) lies.
    places: Vec<HashMap<u32, Zones>>,
    former: Vec<HashMap<(usize, u32), Zones>>,
}

/// Zones that count a point, by scale.
type Zones = [Option<u32>; 4];

/// No entry, no place.
const NONE: u32 = u32::MAX;

/// Places in a list of numbers, by number.
fn inverse(numbers: &[u32], n: usize) -> Vec<u32> {
    let mut places = vec![NONE; n];
    for (place, number) in numbers.iter().enumerate() {
        places[*number as usize] = place as u32;
    }
    places
}

/// How much a unit lost in the newest vintage counts beside one lost in another.
const NEWEST: u64 = 4;

impl<'a> Timeline<'a> {
    pub fn new(inputs: &'a [VintageInput]) -> Timeline<'a> {
        let mut time = Timeline {
            inputs,
            ids: Vec::new(),
            numbered: HashMap::new(),
            numbers: Vec::new(),
            entries: Vec::new(),
            zones: Vec::new(),
            globals: Vec::new(),
            locals: Vec::new(),
            places: Vec::new(),
            former: Vec::new(),
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
            // Residences that are counted and gone from the imports.
            let mut gone: Vec<&str> = input.frozen.iter().flat_map(|f| f.names()).collect();
            gone.sort_unstable();
            for id in gone {
                residences.entry(id).or_insert_with(|| {
                    time.ids.push(id);
                    time.ids.len() as u32 - 1
                });
            }
            time.numbers.push(numbers);
            let mut globals = Vec::with_capacity(input.zones.len());
            for z in &input.zones {
                globals.push(*zones.entry((z.scale, &z.id)).or_insert_with(|| {
                    time.zones.push((z.scale, &z.id));
                    time.zones.len() as u32 - 1
                }));
            }
            time.globals.push(globals);
        }
        time.entries = time.numbers.iter().map(|numbers| inverse(numbers, time.ids.len())).collect();
        time.locals = time.globals.iter().map(|globals| inverse(globals, time.zones.len())).collect();
        for input in inputs {
            let known = |id: &String| residences.get(id.as_str()).copied();
            time.places.push(input.places.iter().filter_map(|(id, z)| Some((known(id)?, *z))).collect());
            let vintage = |v: i32| inputs.iter().position(|i| i.vintage == v);
            let former = input.former.iter();
            time.former.push(former.filter_map(|((v, id), z)| Some(((vintage(*v)?, known(id)?), *z))).collect());
        }

        time.numbered = residences;
        time
    }

    /// Number of a residence.
    pub fn numbered(&self, id: &str) -> Option<u32> {
        self.numbered.get(id).copied()
    }

    /// Number of the residence of an entry.
    pub fn number(&self, v: usize, entry: usize) -> u32 {
        self.numbers[v][entry]
    }

    /// Entry of a residence in a vintage.
    pub fn entry(&self, v: usize, id: u32) -> Option<usize> {
        self.entries[v].get(id as usize).filter(|e| **e != NONE).map(|e| *e as usize)
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
        self.locals[v].get(g as usize).filter(|z| **z != NONE).map_or(usize::MAX, |z| *z as usize)
    }

    /// Units of a residence in a vintage.
    pub fn units(&self, v: usize, id: u32, n: usize) -> u32 {
        self.entry(v, id).and_then(|e| self.inputs[v].residences[e].units.get(n).copied()).unwrap_or(0)
    }

    /// Zones of the vintage `v` in which the point lies that a residence had in the vintage `state`.
    pub fn local_place(&self, v: usize, id: u32, state: usize) -> [Option<u32>; 4] {
        if state != v
            && let Some(zones) = self.former[v].get(&(state, id))
        {
            return *zones;
        }
        if let Some(e) = self.entry(v, id) {
            return self.inputs[v].residences[e].zones;
        }
        if let Some(zones) = self.places[v].get(&id) {
            return *zones;
        }
        // Nothing says where it lies now: where its zones of then are.
        let Some(e) = self.entry(state, id) else { return [None; 4] };
        self.inputs[state].residences[e].zones.map(|z| {
            let z = self.local(v, self.global(state, z? as usize));
            (z != usize::MAX).then_some(z as u32)
        })
    }

    /// The same, numbered over all vintages.
    pub fn place(&self, v: usize, id: u32, state: usize) -> [Option<u32>; 4] {
        self.local_place(v, id, state).map(|z| z.map(|z| self.global(v, z as usize)))
    }

    /// Whether a residence stands elsewhere than in an earlier vintage.
    pub fn moved(&self, v: usize, id: u32, state: usize) -> bool {
        state != v && self.former[v].contains_key(&(state, id))
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
