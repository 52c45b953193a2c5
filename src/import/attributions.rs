//! SNE: one line an allocation.

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use jiff::civil::Date;

columns! {
    NUM_UNIQUE = "NUM_UNIQUE" required;
    IDENT_REP = "IDENT_REP" ["IDENT_RPLS", "NUMLOGT", "ID_RPLS"] required;
    DATE_ATTRIBUTION = "DATE_ATTRIBUTION" required;
    DATE_DEMANDE = "DATE_DEMANDE" required;
    QUARTILE = "QUARTILE" required;
    DALO = "DALO" required;
    PRIORITAIRE = "PRIORITAIRE" required;
    MUTATION = "MUTATION" required;
    RESERVATAIRE = "RESERVATAIRE" required;
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] = &[Target {
    relation: "prive.attribution",
    columns: &[
        "num_unique",
        "ident_rep",
        "date_attribution",
        "date_demande",
        "quartile",
        "dalo",
        "prioritaire",
        "mutation",
        "reservataire",
    ],
}];

/// One allocation.
#[derive(Debug, PartialEq)]
struct Allocation<'a> {
    number: &'a str,
    ident_rep: &'a str,
    date: Date,
    asked: Option<Date>,
    quartile: Option<i16>,
    dalo: bool,
    priority: bool,
    transfer: bool,
    reserved_by: Option<i16>,
}

/// The layout of allocations.
pub(super) struct Attributions {
    millesime: i16,
    keys: Keys,
}

impl Attributions {
    /// For one vintage.
    pub fn new(millesime: i16) -> Self {
        Attributions { millesime, keys: Keys::new() }
    }
}

fn parse<'a>(row: &'a Row<'_>, millesime: i16) -> Result<Allocation<'a>, Reject> {
    let a = Allocation {
        number: row.required(NUM_UNIQUE, row.identifier(NUM_UNIQUE)?)?,
        ident_rep: row.required(IDENT_REP, row.identifier(IDENT_REP)?)?,
        date: row.required(DATE_ATTRIBUTION, row.date(DATE_ATTRIBUTION, millesime + 1)?)?,
        asked: row.date(DATE_DEMANDE, millesime + 1)?,
        quartile: row.int(QUARTILE, 1..=4, &[])?,
        dalo: row.required(DALO, row.boolean(DALO)?)?,
        priority: row.required(PRIORITAIRE, row.boolean(PRIORITAIRE)?)?,
        transfer: row.required(MUTATION, row.boolean(MUTATION)?)?,
        reserved_by: row.int(RESERVATAIRE, 1..=9, &[0])?,
    };
    if a.asked.is_some_and(|asked| asked > a.date) {
        return Err(row.reject(DATE_DEMANDE, format!("after the allocation of {}", a.date)));
    }
    Ok(a)
}

impl Layout for Attributions {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let a = parse(row, self.millesime)?;
        // A demand leaves the register with its allocation: a number comes once.
        if !self.keys.add(a.number) {
            return Err(row.reject(NUM_UNIQUE, "this demand is on an earlier line already"));
        }
        out.table(0)
            .row()
            .text(Some(a.number))
            .text(Some(a.ident_rep))
            .date(Some(a.date))
            .date(a.asked)
            .int2(a.quartile)
            .boolean(Some(a.dalo))
            .boolean(Some(a.priority))
            .boolean(Some(a.transfer))
            .int2(a.reserved_by);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn allocations() {
        let text = "NUM_UNIQUE;IDENT_REP;DATE_ATTRIBUTION;DATE_DEMANDE;QUARTILE;DALO;PRIORITAIRE;MUTATION;RESERVATAIRE\n\
            059000000000000001;5935000001;2023-06-15;2020-01-02;1;0;1;0;3\n\
            2;5935000001;2023-06-15;;;0;0;0;\n\
            3;5935000001;2023-06-15;2023-06-16;1;0;1;0;3\n\
            4;5935000001;;2023-06-16;1;0;1;0;3\n\
            5;5935000001;2023-06-15;2020-01-02;5;0;1;0;3\n";
        let got =
            t::parse(text.as_bytes(), COLUMNS, |r| parse(r, 2024).map(|a| (a.quartile, a.priority, a.reserved_by)));
        assert_eq!(got[0], Ok((Some(1), true, Some(3))));
        assert_eq!(got[1], Ok((None, false, None)));
        let why: Vec<_> = got[2..].iter().map(|r| r.as_ref().unwrap_err().to_string()).collect();
        assert_eq!(why[0], "DATE_DEMANDE = \"2023-06-16\": after the allocation of 2023-06-15");
        assert_eq!(why[1], "DATE_ATTRIBUTION = \"\": missing");
        assert_eq!(why[2], "QUARTILE = \"5\": not between 1 and 4");
    }
}
