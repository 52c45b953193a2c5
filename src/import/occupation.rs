//! OPS, the survey of who lives in social housing: one line a let dwelling, answered or not (CCH R442-14).

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use jiff::civil::Date;

columns! {
    IDENT_REP = "IDENT_REP" ["IDENT_RPLS", "NUMLOGT", "ID_RPLS"] required;
    REPONDANT = "REPONDANT" required;
    NB_PERS = "NB_PERS" required;
    TYPE_MENAGE = "TYPE_MENAGE" required;
    NB_ENFANTS = "NB_ENFANTS" required;
    AGE_TITULAIRE = "AGE_TITULAIRE" required;
    PCT_PLAFOND = "PCT_PLAFOND" required;
    NB_ADULTES = "NB_ADULTES" required;
    NB_STABLE = "NB_STABLE" required;
    NB_PRECAIRE = "NB_PRECAIRE" required;
    NB_SANS_EMPLOI = "NB_SANS_EMPLOI" required;
    APL = "APL" required;
    ENTREE = "ENTREE" required;
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] = &[Target {
    relation: "prive.menage",
    columns: &[
        "ident_rep",
        "repondant",
        "nb_pers",
        "type_menage",
        "nb_enfants",
        "age_titulaire",
        "pct_plafond",
        "nb_adultes",
        "nb_stable",
        "nb_precaire",
        "nb_sans_emploi",
        "apl",
        "entree",
    ],
}];

/// One household.
#[derive(Debug, PartialEq)]
struct Household<'a> {
    ident_rep: &'a str,
    answered: bool,
    persons: Option<i16>,
    kind: Option<&'static str>,
    children: Option<i16>,
    age: Option<i16>,
    ceiling: Option<f64>,
    adults: Option<i16>,
    stable: Option<i16>,
    precarious: Option<i16>,
    unemployed: Option<i16>,
    apl: Option<bool>,
    since: Option<Date>,
}

/// The layout of the survey.
pub(super) struct Occupation {
    millesime: i16,
    keys: Keys,
}

impl Occupation {
    /// For one vintage.
    pub fn new(millesime: i16) -> Self {
        Occupation { millesime, keys: Keys::new() }
    }
}

fn parse<'a>(row: &'a Row<'_>, millesime: i16) -> Result<Household<'a>, Reject> {
    let kind = row.show(TYPE_MENAGE);
    let kind = if kind.is_empty() {
        None
    } else {
        let known = ["ISOLE", "COUPLE", "COUPLE_ENF", "MONO", "AUTRE"];
        let found = known.into_iter().find(|k| k.eq_ignore_ascii_case(&kind));
        Some(found.ok_or_else(|| row.reject(TYPE_MENAGE, format!("none of {}", known.join(", "))))?)
    };
    let h = Household {
        ident_rep: row.required(IDENT_REP, row.identifier(IDENT_REP)?)?,
        answered: row.required(REPONDANT, row.boolean(REPONDANT)?)?,
        persons: row.int(NB_PERS, 1..=40, &[])?,
        kind,
        children: row.int(NB_ENFANTS, 0..=30, &[])?,
        age: row.int(AGE_TITULAIRE, 15..=120, &[])?,
        ceiling: row.float(PCT_PLAFOND, 0.0..=2000.0, &[])?,
        adults: row.int(NB_ADULTES, 0..=40, &[])?,
        stable: row.int(NB_STABLE, 0..=40, &[])?,
        precarious: row.int(NB_PRECAIRE, 0..=40, &[])?,
        unemployed: row.int(NB_SANS_EMPLOI, 0..=40, &[])?,
        apl: row.boolean(APL)?,
        since: row.date(ENTREE, millesime + 1)?,
    };
    // Counts of one household have to fit each other, or shares over them pass 100 %.
    if let (Some(persons), Some(children)) = (h.persons, h.children)
        && children >= persons
    {
        return Err(row.reject(NB_ENFANTS, format!("not fewer than the {persons} persons of the household")));
    }
    if let (Some(persons), Some(adults)) = (h.persons, h.adults)
        && adults > persons
    {
        return Err(row.reject(NB_ADULTES, format!("more than the {persons} persons of the household")));
    }
    let working = h.stable.unwrap_or(0) + h.precarious.unwrap_or(0) + h.unemployed.unwrap_or(0);
    if let Some(adults) = h.adults
        && working > adults
    {
        return Err(row.reject(NB_STABLE, format!("{working} in or out of work, more than the {adults} adults")));
    }
    Ok(h)
}

impl Layout for Occupation {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let h = parse(row, self.millesime)?;
        if !self.keys.add(h.ident_rep) {
            return Err(row.reject(IDENT_REP, "the household of this dwelling is on an earlier line already"));
        }
        out.table(0)
            .row()
            .text(Some(h.ident_rep))
            .boolean(Some(h.answered))
            .int2(h.persons)
            .text(h.kind)
            .int2(h.children)
            .int2(h.age)
            .float8(h.ceiling)
            .int2(h.adults)
            .int2(h.stable)
            .int2(h.precarious)
            .int2(h.unemployed)
            .boolean(h.apl)
            .date(h.since);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn households() {
        let text = "IDENT_REP;REPONDANT;NB_PERS;TYPE_MENAGE;NB_ENFANTS;AGE_TITULAIRE;PCT_PLAFOND;NB_ADULTES;NB_STABLE;NB_PRECAIRE;NB_SANS_EMPLOI;APL;ENTREE\n\
            1;1;3;MONO;2;41;38.5;1;1;0;0;1;2015-03-01\n\
            2;0;;;;;;;;;;;\n\
            3;1;3;FAMILLE;2;41;38.5;1;1;0;0;1;2015-03-01\n\
            4;1;3;MONO;3;41;38.5;1;1;0;0;1;2015-03-01\n\
            5;1;1;ISOLE;0;410;38.5;1;1;0;0;1;2015-03-01\n\
            6;1;2;COUPLE;0;41;38.5;2;2;1;0;1;2015-03-01\n\
            7;peut-être;2;COUPLE;0;41;38.5;2;2;0;0;1;2015-03-01\n";
        let got = t::parse(text.as_bytes(), COLUMNS, |r| parse(r, 2024).map(|h| (h.answered, h.kind, h.ceiling)));
        assert_eq!(got[0], Ok((true, Some("MONO"), Some(38.5))));
        assert_eq!(got[1], Ok((false, None, None)));
        let why: Vec<_> = got[2..].iter().map(|r| r.as_ref().unwrap_err().to_string()).collect();
        assert_eq!(why[0], "TYPE_MENAGE = \"FAMILLE\": none of ISOLE, COUPLE, COUPLE_ENF, MONO, AUTRE");
        assert_eq!(why[1], "NB_ENFANTS = \"3\": not fewer than the 3 persons of the household");
        assert_eq!(why[2], "AGE_TITULAIRE = \"410\": not between 15 and 120");
        assert_eq!(why[3], "NB_STABLE = \"2\": 3 in or out of work, more than the 2 adults");
        assert_eq!(why[4], "REPONDANT = \"peut-être\": neither yes nor no (1, 0, O, N)");
    }
}
