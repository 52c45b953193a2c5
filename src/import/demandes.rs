//! SNE: demands by commune on 31 December of the vintage, and those that have waited abnormally long.

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};

columns! {
    INSEE_COM = "INSEE_COM" ["DEPCOM", "CODGEO", "CODE_INSEE"] required;
    NB_DEMANDES = "NB_DEMANDES" required;
    NB_DELAI_ANORMAL = "NB_DELAI_ANORMAL" required;
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] =
    &[Target { relation: "prive.demande", columns: &["insee_com", "nb_demandes", "nb_delai_anormal"] }];

/// The layout of demands.
pub(super) struct Demandes {
    keys: Keys,
}

impl Demandes {
    /// No commune seen yet.
    pub fn new() -> Self {
        Demandes { keys: Keys::new() }
    }
}

fn parse<'a>(row: &'a Row<'_>) -> Result<(&'a str, i32, i32), Reject> {
    let commune = row.required(INSEE_COM, row.commune(INSEE_COM)?)?;
    let all: i32 = row.required(NB_DEMANDES, row.int(NB_DEMANDES, 0..=10_000_000, &[])?)?;
    let late: i32 = row.required(NB_DELAI_ANORMAL, row.int(NB_DELAI_ANORMAL, 0..=10_000_000, &[])?)?;
    if late > all {
        return Err(row.reject(NB_DELAI_ANORMAL, format!("more than the {all} demands")));
    }
    Ok((commune, all, late))
}

impl Layout for Demandes {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let (commune, all, late) = parse(row)?;
        if !self.keys.add(commune) {
            return Err(row.reject(INSEE_COM, "this commune is on an earlier line already"));
        }
        out.table(0).row().text(Some(commune)).int4(Some(all)).int4(Some(late));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn demands() {
        let text = "INSEE_COM;NB_DEMANDES;NB_DELAI_ANORMAL\n59350;100;10\n59350;10;11\n59350;-1;0\n59350;;0\n";
        let got = t::parse(text.as_bytes(), COLUMNS, |r| parse(r).map(|(_, a, b)| (a, b)));
        assert_eq!(got[0], Ok((100, 10)));
        let why: Vec<_> = got[1..].iter().map(|r| r.as_ref().unwrap_err().reason.as_str()).collect();
        assert_eq!(why, ["more than the 10 demands", "not between 0 and 10000000", "missing"]);
    }
}
