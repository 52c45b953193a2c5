//! Who lives in a dwelling: one household a tenancy, seen as the survey of occupation sees it.

use super::calendar::Day;
use super::calibration::HOUSEHOLDS;
use super::{choose, normal};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Composition of a household, as coded by the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One person.
    Single,
    /// A couple without children.
    Couple,
    /// A couple with children.
    Family,
    /// One parent.
    OneParent,
    /// Other.
    Other,
}

impl Kind {
    /// Code of the survey.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Single => "ISOLE",
            Kind::Couple => "COUPLE",
            Kind::Family => "COUPLE_ENF",
            Kind::OneParent => "MONO",
            Kind::Other => "AUTRE",
        }
    }
}

/// A household.
#[derive(Debug, Clone)]
pub struct Household {
    /// Composition.
    pub kind: Kind,
    /// Children.
    pub children: u8,
    /// Persons.
    pub persons: u8,
    /// Year of birth of the holder of the lease.
    pub born: i32,
    /// Income, % of the PLUS ceiling.
    pub ceiling: f32,
    /// Adults of working age.
    pub adults: u8,
    /// Of them in stable, precarious and no employment.
    pub work: [u8; 3],
    /// Receives housing allowance.
    pub allowance: bool,
    /// Whether it answers the survey, at each vintage.
    pub answers: [bool; 3],
    /// What it leaves out when it answers: age, income, activity.
    pub silent: [bool; 3],
}

/// Invents the household that moves into a dwelling of `rooms` rooms on a day.
pub fn household(r: &mut ChaCha8Rng, rooms: u8, since: Day, fragility: f64, answers: f64) -> Household {
    let kind = match choose(r, &HOUSEHOLDS[usize::from(rooms.clamp(1, 5)) - 1]) {
        0 => Kind::Single,
        1 => Kind::Couple,
        2 => Kind::Family,
        3 => Kind::OneParent,
        _ => Kind::Other,
    };
    let children = match kind {
        Kind::Family => 1 + choose(r, &[0.30, 0.36, 0.21, 0.09, 0.04]) as u8,
        Kind::OneParent => 1 + choose(r, &[0.50, 0.30, 0.14, 0.06]) as u8,
        Kind::Other => choose(r, &[0.6, 0.3, 0.1]) as u8,
        _ => 0,
    };
    let grown: u8 = match kind {
        Kind::Single | Kind::OneParent => 1,
        Kind::Couple | Kind::Family => 2,
        Kind::Other => r.random_range(2..4),
    };
    let year = super::calendar::date(since).0;
    // The holder's age on moving in; families are younger than couples without children.
    let age = match kind {
        Kind::Family | Kind::OneParent => 35.0 + 8.0 * normal(r),
        Kind::Couple => 44.0 + 15.0 * normal(r),
        _ => 40.0 + 15.0 * normal(r),
    };
    let age = age.clamp(19.0, 84.0) as i32;
    let ceiling = ((3.95 - 0.75 * (fragility - 0.45)) + 0.80 * normal(r)).exp().clamp(4.0, 260.0) as f32;
    let mut work = [0u8; 3];
    for _ in 0..grown {
        let stable = 0.44 - 0.30 * (fragility - 0.45);
        let place = choose(r, &[stable, 0.14, 0.17 + 0.2 * (fragility - 0.2), 0.22]);
        if let Some(w) = work.get_mut(place) {
            *w += 1;
        }
    }
    Household {
        kind,
        children,
        persons: grown + children,
        born: year - age,
        ceiling: (ceiling * 10.0).round() / 10.0,
        adults: grown,
        work,
        allowance: r.random_bool(if ceiling < 60.0 { 0.72 } else { 0.12 }),
        answers: [0, 1, 2].map(|_| r.random_bool(answers)),
        silent: [0.02, 0.05, 0.04].map(|p| r.random_bool(p)),
    }
}
