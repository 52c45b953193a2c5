//! Amenities: INSEE's permanent base (BPE), one line each with a position in Lambert-93, and the metropolis's own in the
//! same layout (`TC` a stop, `PARC` a park).

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::layout::Layout;
use super::residences::position;
use super::table::{Row, columns};

columns! {
    DEPCOM = "DEPCOM" ["INSEE_COM"];
    TYPEQU = "TYPEQU" required;
    LAMBERT_X = "LAMBERT_X" ["LAMBERTX", "X"] required;
    LAMBERT_Y = "LAMBERT_Y" ["LAMBERTY", "Y"] required;
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] =
    &[Target { relation: "ref.equipement", columns: &["typequ", "insee_com", "geom"] }];

/// The layout of amenities.
pub(super) struct Equipements;

fn parse<'a>(row: &'a Row<'_>) -> Result<(&'a str, Option<&'a str>, [f64; 2]), Reject> {
    let kind = row.required(TYPEQU, row.identifier(TYPEQU)?)?;
    if kind.len() > 8 {
        return Err(row.reject(TYPEQU, "longer than 8 characters"));
    }
    Ok((kind, row.commune(DEPCOM)?, position(row, LAMBERT_X, LAMBERT_Y)?))
}

impl Layout for Equipements {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let (kind, commune, at) = parse(row)?;
        out.table(0).row().text(Some(kind)).text(commune).point(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn amenities() {
        let text = "AN;REG;DEP;DEPCOM;DCIRIS;TYPEQU;LAMBERT_X;LAMBERT_Y\n\
            2024;32;59;59350;593500101;C109;704000,5;7059000\n2024;32;59;59350;593500101;C109;;\n\
            2024;32;59;59350;593500101;;704000;7059000\n";
        let got =
            t::parse(text.as_bytes(), COLUMNS, |r| parse(r).map(|(k, c, p)| (k.to_owned(), c.map(str::to_owned), p)));
        assert_eq!(got[0], Ok(("C109".into(), Some("59350".into()), [704000.5, 7059000.0])));
        assert_eq!(got[1].as_ref().unwrap_err().to_string(), "LAMBERT_X = \"\": missing");
        assert_eq!(got[2].as_ref().unwrap_err().to_string(), "TYPEQU = \"\": missing");
    }
}
