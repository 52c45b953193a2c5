//! Shares and rates that the invented stock follows: figures of the metropolis of Lille, RPLS 2019 and 2024, and of the
//! national surveys of occupation. Figures alone; no row of any file.

/// First and last year of a period of construction.
pub const PERIODS: [(i32, i32); 10] = [
    (1905, 1944),
    (1945, 1959),
    (1960, 1969),
    (1970, 1979),
    (1980, 1989),
    (1990, 1999),
    (2000, 2009),
    (2010, 2013),
    (2014, 2018),
    (2019, 2021),
];
/// Share of the periods outside QPV: what is left when [`PERIODS_QPV`] is taken out of the whole stock.
pub const PERIODS_OUT: [f64; 10] = [0.040, 0.075, 0.115, 0.155, 0.155, 0.125, 0.115, 0.085, 0.100, 0.035];
/// Share of the periods in QPV: the great estates.
pub const PERIODS_QPV: [f64; 10] = [0.012, 0.150, 0.270, 0.310, 0.090, 0.045, 0.040, 0.030, 0.040, 0.013];

/// Energy labels A to G, then none, by period.
pub const DPE: [[f64; 8]; 10] = [
    [0.006, 0.005, 0.050, 0.084, 0.264, 0.041, 0.020, 0.530],
    [0.001, 0.011, 0.062, 0.189, 0.447, 0.168, 0.049, 0.073],
    [0.000, 0.026, 0.178, 0.374, 0.316, 0.030, 0.008, 0.068],
    [0.000, 0.016, 0.290, 0.433, 0.173, 0.032, 0.006, 0.051],
    [0.005, 0.009, 0.210, 0.427, 0.180, 0.034, 0.010, 0.126],
    [0.004, 0.032, 0.319, 0.323, 0.116, 0.037, 0.006, 0.164],
    [0.000, 0.015, 0.415, 0.228, 0.119, 0.017, 0.002, 0.204],
    [0.072, 0.261, 0.310, 0.133, 0.030, 0.004, 0.001, 0.189],
    [0.151, 0.370, 0.055, 0.009, 0.001, 0.000, 0.000, 0.415],
    [0.310, 0.340, 0.020, 0.002, 0.000, 0.000, 0.000, 0.328],
];

/// Rooms 1 to 5 of flats.
pub const ROOMS_FLAT: [f64; 5] = [0.081, 0.281, 0.404, 0.196, 0.039];
/// Rooms 1 to 5 of houses.
pub const ROOMS_HOUSE: [f64; 5] = [0.010, 0.132, 0.154, 0.432, 0.271];
/// Mean habitable surface by rooms, m2.
pub const SURFACE: [f64; 5] = [29.0, 47.0, 64.0, 78.0, 95.0];

/// Share of a tenancy that is none of the ordinary kind: association, otherwise occupied, temporary accommodation.
pub const OTHER_OCCUPATION: [f64; 3] = [0.0135, 0.0390, 0.0010];
/// Tenancies that end, a year.
pub const MOBILITY: f64 = 0.077;
/// Share of the households that answer the survey.
pub const ANSWERS: f64 = 0.85;
/// Share of the ordinary tenancies that began with an allocation in the national register.
pub const REGISTERED: f64 = 0.74;
/// Demands under way for each allocation of a year.
pub const DEMANDS_PER_ALLOCATION: f64 = 5.2;

/// `ISOLE`, `COUPLE`, `COUPLE_ENF`, `MONO`, `AUTRE`, by rooms 1 to 5.
pub const HOUSEHOLDS: [[f64; 5]; 5] = [
    [0.90, 0.05, 0.01, 0.02, 0.02],
    [0.66, 0.14, 0.03, 0.14, 0.03],
    [0.33, 0.17, 0.16, 0.29, 0.05],
    [0.16, 0.15, 0.37, 0.26, 0.06],
    [0.09, 0.12, 0.52, 0.20, 0.07],
];

/// Index of the period of a year.
pub fn period(year: i32) -> usize {
    PERIODS.iter().position(|(_, last)| year <= *last).unwrap_or(PERIODS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one() {
        let tables = DPE.iter().map(|r| r.to_vec()).chain(HOUSEHOLDS.iter().map(|r| r.to_vec())).chain([
            PERIODS_OUT.to_vec(),
            PERIODS_QPV.to_vec(),
            ROOMS_FLAT.to_vec(),
            ROOMS_HOUSE.to_vec(),
        ]);
        for table in tables {
            assert!((table.iter().sum::<f64>() - 1.0).abs() < 0.005, "{table:?}");
        }
    }
}
