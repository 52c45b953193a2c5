//! Landlords: one line each, with the corporate group that it belongs to. Disclosure control takes the landlords of a group
//! for one that knows the residences of all of them.

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use super::value;
use std::borrow::Cow;

columns! {
    SIREN = "SIREN" ["SIREN_BAILLEUR"] required;
    NOM = "NOM" ["NOM_BAILLEUR", "BAILLEUR"];
    FAMILLE = "FAMILLE";
    GROUPE = "GROUPE" ["NOM_GROUPE"] required;
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] =
    &[Target { relation: "ref.bailleur", columns: &["siren", "nom", "famille", "groupe"] }];

/// The layout of landlords.
pub(super) struct Bailleurs {
    keys: Keys,
}

impl Bailleurs {
    /// No landlord seen yet.
    pub fn new() -> Self {
        Bailleurs { keys: Keys::new() }
    }
}

/// SIREN, name, family, group; a blank group: it is in none.
type Line<'a> = (&'a str, Option<Cow<'a, str>>, Option<Cow<'a, str>>, Option<Cow<'a, str>>);

fn parse<'a>(row: &'a Row<'_>) -> Result<Line<'a>, Reject> {
    let siren = row.required(SIREN, row.identifier(SIREN)?)?;
    let siren = value::siren(siren.as_bytes())
        .ok_or_else(|| row.reject(SIREN, "not a SIREN: nine digits, the last a check digit"))?;
    Ok((siren, row.text(NOM, 200)?, row.text(FAMILLE, 60)?, row.text(GROUPE, 200)?))
}

impl Layout for Bailleurs {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let (siren, name, family, group) = parse(row)?;
        if !self.keys.add(siren) {
            return Err(row.reject(SIREN, "this landlord is on an earlier line already"));
        }
        out.table(0).row().text(Some(siren)).text(name.as_deref()).text(family.as_deref()).text(group.as_deref());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn landlords() {
        let text = "SIREN;NOM;FAMILLE;GROUPE\n200093201;A;oph;Groupe B\n200093201;A;;\n200093202;A;;\n;A;;\n";
        let got = t::parse(text.as_bytes(), COLUMNS, |r| parse(r).map(|(_, _, _, g)| g.map(Cow::into_owned)));
        assert_eq!(got[0], Ok(Some("Groupe B".to_owned())));
        assert_eq!(got[1], Ok(None));
        let why: Vec<_> = got[2..].iter().map(|r| r.as_ref().unwrap_err().reason.as_str()).collect();
        assert_eq!(why, ["not a SIREN: nine digits, the last a check digit", "missing"]);
    }
}
