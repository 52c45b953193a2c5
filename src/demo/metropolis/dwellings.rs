//! Dwellings of a residence and what happened in them since 2018: tenancies, vacancy, works, allocations.

use super::calendar::{Day, day};
use super::calibration::{
    ANSWERS, DPE, MOBILITY, OTHER_OCCUPATION, REGISTERED, ROOMS_FLAT, ROOMS_HOUSE, SURFACE, period,
};
use super::households::{Household, household};
use super::residences::{Residence, Special};
use super::{VINTAGES, choose, normal};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How a tenancy is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Let to a household.
    Let,
    /// Taken by an association.
    Association,
    /// Occupied with or without counterpart.
    Otherwise,
    /// Temporary accommodation.
    Temporary,
}

/// An allocation as the national register (SNE) has it.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// Number of the demand, stable over files.
    pub number: u64,
    /// Day of the allocation.
    pub day: Day,
    /// Day of the demand.
    pub asked: Day,
    /// Quartile of income; `None` when unknown.
    pub quartile: Option<u8>,
    /// Enforceable right to housing.
    pub dalo: bool,
    /// Priority household.
    pub priority: bool,
    /// Comes from another social dwelling.
    pub transfer: bool,
    /// Contingent, 1 to 7.
    pub reserved_by: u8,
}

/// One tenancy.
#[derive(Debug, Clone)]
pub struct Tenancy {
    /// First day.
    pub from: Day,
    /// Day after the last; far away when it goes on.
    pub to: Day,
    /// Kind.
    pub kind: Use,
    /// Who lives there; for [`Use::Let`].
    pub household: Option<Household>,
    /// How they came; for those in the register.
    pub allocation: Option<Allocation>,
}

/// A dwelling.
#[derive(Debug, Clone)]
pub struct Dwelling {
    /// Number within the residence, from 0.
    pub number: u32,
    /// Main rooms, 1 to 9.
    pub rooms: u8,
    /// Habitable surface, m2.
    pub surface: f32,
    /// Code of the financing.
    pub financing: u8,
    /// Energy and greenhouse labels; `None` when there is none.
    pub labels: Option<(u8, u8)>,
    /// Rent of 2024, EUR/m2.
    pub rent: f32,
    /// Floor.
    pub floor: u32,
    /// Tenancies in the order of time.
    pub tenancies: Vec<Tenancy>,
    /// Empty or withheld from letting in this span: (first day, day after the last, code of occupation 2 or 3).
    pub closed: Option<(Day, Day, u8)>,
}

/// State of a dwelling on the day of a vintage.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// `MODE` of RPLS.
    pub mode: u8,
    /// Months without tenant, for vacant ones.
    pub vacant: Option<i32>,
    /// The tenancy that runs.
    pub tenancy: Option<&'a Tenancy>,
}

/// A day that no tenancy sees.
const NEVER: Day = i32::MAX;

/// The first day that is simulated.
fn horizon() -> Day {
    day(2018, 7, 1)
}

/// 1 January of a vintage.
pub fn reference(vintage: usize) -> Day {
    day(VINTAGES[vintage], 1, 1)
}

impl Dwelling {
    /// State on 1 January of a vintage.
    pub fn at(&self, vintage: usize) -> State<'_> {
        let now = reference(vintage);
        let running = self.tenancies.iter().find(|t| t.from <= now && now < t.to);
        if let Some(t) = running {
            let mode = match t.kind {
                Use::Let => 1,
                Use::Association => 4,
                Use::Otherwise => 5,
                Use::Temporary => 6,
            };
            return State { mode, vacant: None, tenancy: Some(t) };
        }
        let since = self.tenancies.iter().filter(|t| t.to <= now).map(|t| t.to).max().unwrap_or(now - 60);
        let mode = match self.closed {
            Some((from, to, mode)) if from <= now && now < to => mode,
            _ => 2,
        };
        State { mode, vacant: Some(((now - since) / 30).clamp(0, 240)), tenancy: None }
    }
}

/// Traits that the dwellings of a residence share.
struct Traits {
    period: usize,
    financing: u8,
    rent: f64,
    mobility: f64,
    answers: f64,
    fragility: f64,
    works: Option<(Day, Day, u8)>,
    works_share: f64,
}

fn traits(r: &mut ChaCha8Rng, residence: &Residence, fragility: f64) -> Traits {
    let financing = match residence.built {
        i32::MIN..1945 => [50, 52, 99, 11][choose(r, &[0.35, 0.3, 0.2, 0.15])],
        1945..1977 => [52, 51, 53, 54, 99][choose(r, &[0.70, 0.18, 0.03, 0.06, 0.03])],
        1977..2000 => [12, 11, 15, 49][choose(r, &[0.82, 0.08, 0.04, 0.06])],
        _ => [13, 10, 14, 16, 17][choose(r, &[0.60, 0.20, 0.13, 0.05, 0.02])],
    };
    let rent = match financing {
        10 | 11 => 5.0,
        14 | 15 | 17 => 8.3,
        16 => 9.4,
        13 => 6.1,
        12 => 5.9,
        _ => 5.1,
    } * (0.10 * normal(r)).exp();
    // Great works: the residence, or most of it, stands empty for a year or two.
    let old = residence.built < 1980 && residence.size(2) > 10;
    let works = r.random_bool(if old { 0.07 } else { 0.01 }).then(|| {
        let from = r.random_range(day(2020, 1, 1)..day(2023, 11, 1));
        (from, from + r.random_range(300..1100), 3)
    });
    Traits {
        period: period(residence.built),
        financing,
        rent,
        mobility: MOBILITY * (0.35 * normal(r)).exp() * (0.85 + 0.35 * fragility),
        answers: (ANSWERS + 0.06 * normal(r)).clamp(0.3, 0.99),
        fragility,
        works,
        works_share: r.random_range(0.5..1.0),
    }
}

/// Invents the dwellings of a residence. `fragility` is that of its neighbourhood, 0 to 1.
pub fn dwellings(r: &mut ChaCha8Rng, residence: &Residence, fragility: f64, first_number: u64) -> Vec<Dwelling> {
    let shared = traits(r, residence, fragility);
    let count = residence.present.iter().map(|p| p.1).max().unwrap_or(0);
    let mut all: Vec<Dwelling> = (0..count).map(|n| dwelling(r, residence, &shared, n)).collect();
    for d in &mut all {
        live(r, residence, &shared, d, first_number + u64::from(d.number) * 16);
    }
    all
}

fn dwelling(r: &mut ChaCha8Rng, residence: &Residence, shared: &Traits, number: u32) -> Dwelling {
    let rooms = choose(r, if residence.houses { &ROOMS_HOUSE } else { &ROOMS_FLAT });
    let extra = if rooms == 4 { choose(r, &[0.8, 0.16, 0.04]) } else { 0 };
    let surface = (SURFACE[rooms] + extra as f64 * 14.0) * (0.10 * normal(r)).exp();
    let labels = (residence.special != Special::NoLabel)
        .then(|| choose(r, &DPE[shared.period]))
        .filter(|l| *l < 7)
        .map(|l| (l as u8, (l as i32 + choose(r, &[0.1, 0.55, 0.35]) as i32 - 1).clamp(0, 6) as u8));
    Dwelling {
        number,
        rooms: (rooms + 1 + extra) as u8,
        surface: (surface.max(12.0) * 2.0).round() as f32 / 2.0,
        // Mixed programmes have some very social dwellings among ordinary ones.
        financing: if shared.financing == 13 && r.random_bool(0.22) { 10 } else { shared.financing },
        labels,
        rent: (shared.rent * (0.06 * normal(r)).exp()) as f32,
        floor: if residence.houses { 0 } else { number / 4 % 14 },
        tenancies: Vec::new(),
        closed: shared.works.filter(|_| r.random_bool(shared.works_share)),
    }
}

/// Lets time pass in a dwelling.
fn live(r: &mut ChaCha8Rng, residence: &Residence, shared: &Traits, d: &mut Dwelling, number: u64) {
    let newest = reference(2);
    let mut mobility = shared.mobility;
    match residence.special {
        Special::Vacant => d.closed = Some((day(2023, 6, 1) + (d.number % 90) as i32, NEVER, 2)),
        Special::Empty => d.closed = Some((day(2023, 3, 1), NEVER, 3)),
        Special::NineAnswers | Special::EightIncomes | Special::FewAllocations => {
            d.closed = None;
            mobility = 0.0;
        }
        _ => {}
    }
    // A lone dwelling now and then stands empty for sale or works.
    if d.closed.is_none() && residence.special == Special::None && r.random_bool(0.05) {
        let from = r.random_range(day(2019, 6, 1)..newest);
        d.closed = Some((from, if r.random_bool(0.5) { NEVER } else { from + r.random_range(200..900) }, 3));
    }
    let ready = day(residence.built, 1, 1) + r.random_range(0..330);
    let mut from = if ready > horizon() {
        ready
    } else {
        let years = if mobility > 0.0 { -(1.0 - r.random::<f64>()).ln() / 0.085 } else { r.random_range(4.0..15.0) };
        (horizon() - (years * 365.25) as Day).max(ready)
    };
    let mut serial = 0;
    while from < newest {
        if let Some((shut, open, _)) = d.closed
            && from >= shut
            && from < open
        {
            if open == NEVER {
                return;
            }
            from = open + r.random_range(5..60);
            continue;
        }
        let stay = if mobility > 0.0 { -(1.0 - r.random::<f64>()).ln() / mobility } else { 200.0 };
        // The tenancy that runs at the begin of the simulation lasts into it.
        let mut to = from.max(horizon()) + ((stay * 365.25) as Day).clamp(25, 200 * 365);
        if let Some((shut, _, _)) = d.closed
            && from < shut
        {
            to = to.min(shut);
        }
        d.tenancies.push(tenancy(r, shared, d, from, to, number + serial));
        serial += 1;
        from = to + if r.random_bool(0.12) { r.random_range(90..420) } else { r.random_range(3..55) };
    }
    adjust(r, residence, shared, d, number);
}

fn tenancy(r: &mut ChaCha8Rng, shared: &Traits, d: &Dwelling, from: Day, to: Day, number: u64) -> Tenancy {
    let [association, otherwise, temporary] = OTHER_OCCUPATION;
    let kind = [Use::Let, Use::Association, Use::Otherwise, Use::Temporary]
        [choose(r, &[1.0 - association - otherwise - temporary, association, otherwise, temporary])];
    if kind != Use::Let {
        return Tenancy { from, to, kind, household: None, allocation: None };
    }
    let household = household(r, d.rooms, from, shared.fragility, shared.answers);
    let registered = from > horizon() && r.random_bool(REGISTERED);
    let allocation = registered.then(|| allocation(r, &household, from, number));
    Tenancy { from, to, kind, household: Some(household), allocation }
}

fn allocation(r: &mut ChaCha8Rng, household: &Household, from: Day, number: u64) -> Allocation {
    let day = from - r.random_range(15..75);
    let wait = (16.5f64.ln() + 0.85 * normal(r)).exp().clamp(0.3, 150.0);
    let quartile = match household.ceiling {
        c if c < 28.0 => 1,
        c if c < 45.0 => 2,
        c if c < 68.0 => 3,
        _ => 4,
    };
    Allocation {
        number: 590_000_000_000 + number,
        day,
        asked: day - (wait * 30.4) as Day,
        quartile: r.random_bool(0.96).then_some(quartile),
        dalo: r.random_bool(0.05),
        priority: r.random_bool(0.40),
        transfer: r.random_bool(0.27),
        reserved_by: 1 + choose(r, &[0.05, 0.20, 0.17, 0.14, 0.03, 0.02, 0.39]) as u8,
    }
}

/// Gives the planted cases exactly what they are about.
fn adjust(r: &mut ChaCha8Rng, residence: &Residence, shared: &Traits, d: &mut Dwelling, number: u64) {
    match residence.special {
        Special::NineAnswers | Special::EightIncomes => {
            let Some(t) = d.tenancies.last_mut() else { return };
            t.kind = Use::Let;
            let mut h = household(r, d.rooms, t.from, shared.fragility, 1.0);
            h.silent = [false; 3];
            if residence.special == Special::NineAnswers {
                h.answers = [d.number < 9; 3];
            } else {
                h.silent[1] = d.number >= 8;
            }
            t.household = Some(h);
            t.allocation = None;
        }
        Special::FewAllocations if d.number < 4 => {
            // One move in 2021, inside the 36 months before every vintage.
            let from = day(2021, 6 + d.number as i32, 10);
            if let Some(t) = d.tenancies.last_mut() {
                t.to = from - 20;
            }
            let h = household(r, d.rooms, from, shared.fragility, shared.answers);
            let allocation = Some(allocation(r, &h, from, number + 9));
            d.tenancies.push(Tenancy { from, to: NEVER, kind: Use::Let, household: Some(h), allocation });
        }
        _ => {}
    }
}
