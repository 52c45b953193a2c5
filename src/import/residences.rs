//! The metropolis's own key: one line a dwelling, with the residence that it belongs to. RPLS has no such thing, and names
//! of programmes differ from owner to owner, so it is never rebuilt from names.

use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::layout::Layout;
use super::table::{Row, columns};
use super::value;
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};

columns! {
    ID_RESIDENCE = "ID_RESIDENCE" required;
    NOM_RESIDENCE = "NOM_RESIDENCE" ["NOM"];
    SIREN_BAILLEUR = "SIREN_BAILLEUR" ["SIREN"];
    NOM_BAILLEUR = "NOM_BAILLEUR" ["BAILLEUR"];
    NATURE = "NATURE" required;
    X = "X" ["X_2154", "X_L93", "LAMBERT_X"] required;
    Y = "Y" ["Y_2154", "Y_L93", "LAMBERT_Y"] required;
    IDENT_REP = "IDENT_REP" ["IDENT_RPLS", "NUMLOGT", "ID_RPLS"] required;
    CLASSE_QUALIF = "CLASSE_QUALIF" ["CLASSE_QUALIFICATION"];
    DATE_QUALIF = "DATE_QUALIF" ["DATE_QUALIFICATION"];
}

/// Dwellings are written as they come; residences, far fewer, when all are known.
pub(super) const TARGETS: &[Target] = &[
    Target { relation: "prive.residence_logement", columns: &["ident_rep", "id_residence"] },
    Target {
        relation: "prive.residence",
        columns: &[
            "id_residence",
            "nom",
            "siren_bailleur",
            "nom_bailleur",
            "nature",
            "classe_qualification",
            "date_qualification",
            "geom",
        ],
    },
];

/// What a line says of the residence.
#[derive(Debug, PartialEq)]
struct Residence<'a> {
    id: &'a str,
    name: Option<Cow<'a, str>>,
    siren: Option<&'a str>,
    landlord: Option<Cow<'a, str>>,
    kind: &'static str,
    class: Option<Cow<'a, str>>,
    class_date: Option<Date>,
    position: [f64; 2],
}

impl Hash for Residence<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.name, self.siren, &self.landlord, self.kind, &self.class, self.class_date).hash(state);
        self.position.map(f64::to_bits).hash(state);
    }
}

/// The layout of residences.
pub(super) struct Residences {
    millesime: i16,
    dwellings: Keys,
    /// What the first line of each residence said, in 64 bits.
    known: HashMap<u128, u64>,
    hasher: RandomState,
}

impl Residences {
    /// For one vintage.
    pub fn new(millesime: i16) -> Self {
        Residences { millesime, dwellings: Keys::new(), known: HashMap::new(), hasher: RandomState::new() }
    }
}

fn parse<'a>(row: &'a Row<'_>, millesime: i16) -> Result<Residence<'a>, Reject> {
    let nature = row.show(NATURE);
    let kind = ["residence", "logement_isole"]
        .into_iter()
        .find(|k| k.eq_ignore_ascii_case(&nature))
        .ok_or_else(|| row.reject(NATURE, "neither residence nor logement_isole"))?;
    let siren = match row.text(SIREN_BAILLEUR, 20)? {
        None => None,
        Some(_) => Some(siren(row)?),
    };
    Ok(Residence {
        id: row.required(ID_RESIDENCE, row.identifier(ID_RESIDENCE)?)?,
        name: row.text(NOM_RESIDENCE, 200)?,
        siren,
        landlord: row.text(NOM_BAILLEUR, 200)?,
        kind,
        class: row.text(CLASSE_QUALIF, 60)?,
        class_date: row.date(DATE_QUALIF, millesime + 1)?,
        position: position(row, X, Y)?,
    })
}

fn siren<'a>(row: &'a Row<'_>) -> Result<&'a str, Reject> {
    row.identifier(SIREN_BAILLEUR)?
        .and_then(|s| value::siren(s.as_bytes()))
        .ok_or_else(|| row.reject(SIREN_BAILLEUR, "not a SIREN: nine digits, the last a check digit"))
}

/// A position in EPSG:2154 that lies where Lambert-93 is used.
pub(super) fn position(row: &Row<'_>, x: usize, y: usize) -> Result<[f64; 2], Reject> {
    let [xs, ys] = [super::AREA_X, super::AREA_Y];
    let px = row.required(x, row.float(x, f64::MIN..=f64::MAX, &[])?)?;
    let py = row.required(y, row.float(y, f64::MIN..=f64::MAX, &[])?)?;
    if xs.contains(&px) && ys.contains(&py) {
        return Ok([px, py]);
    }
    let why = if xs.contains(&py) && ys.contains(&px) {
        "x and y are exchanged"
    } else {
        "outside the area of Lambert-93 (EPSG:2154, metres)"
    };
    Err(row.reject(if xs.contains(&px) { y } else { x }, why))
}

impl Layout for Residences {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn line(&mut self, row: &Row<'_>, out: &mut Output) -> Result<(), Reject> {
        let residence = parse(row, self.millesime)?;
        let ident_rep = row.required(IDENT_REP, row.identifier(IDENT_REP)?)?;
        let said = self.hasher.hash_one(&residence);
        let known = self.known.get(&self.dwellings.pack(residence.id)).copied();
        if known.is_some_and(|k| k != said) {
            return Err(row.reject(ID_RESIDENCE, "an earlier line describes this residence otherwise"));
        }
        if !self.dwellings.add(ident_rep) {
            return Err(row.reject(IDENT_REP, "this dwelling is on an earlier line already"));
        }
        out.table(0).row().text(Some(ident_rep)).text(Some(residence.id));
        if let Entry::Vacant(place) = self.known.entry(self.dwellings.pack(residence.id)) {
            place.insert(said);
            out.table(1)
                .row()
                .text(Some(residence.id))
                .text(residence.name.as_deref())
                .text(residence.siren)
                .text(residence.landlord.as_deref())
                .text(Some(residence.kind))
                .text(residence.class.as_deref())
                .date(residence.class_date)
                .point(residence.position);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests as t;
    use super::*;

    #[test]
    fn lines_of_residences() {
        let text = "ID_RESIDENCE;NOM_RESIDENCE;SIREN_BAILLEUR;NOM_BAILLEUR;NATURE;X;Y;IDENT_REP;CLASSE_QUALIF;DATE_QUALIF\n\
            R1;Les Lilas;200093201;Habitat;residence;700000.5;7060000;1;calme;2023-05-23\n\
            R1;Les Lilas;200093202;Habitat;residence;700000.5;7060000;1;;\n\
            R1;Les Lilas;;;immeuble;700000.5;7060000;1;;\n\
            R1;;;;logement_isole;7060000;700000;1;;\n\
            R1;;;;logement_isole;50.6;3.05;1;;\n\
            R1;;;;logement_isole;;7060000;1;;\n";
        let got: Vec<_> = t::parse(text.as_bytes(), COLUMNS, |r| {
            let p = parse(r, 2024)?;
            Ok((p.kind, p.position, p.class_date))
        });
        assert_eq!(got[0], Ok(("residence", [700000.5, 7060000.0], Some(Date::constant(2023, 5, 23)))));
        let why: Vec<_> = got[1..].iter().map(|r| r.as_ref().unwrap_err().to_string()).collect();
        assert!(why[0].starts_with("SIREN_BAILLEUR = \"200093202\": not a SIREN"));
        assert!(why[1].starts_with("NATURE = \"immeuble\": neither"));
        assert!(why[2].ends_with("x and y are exchanged"));
        assert!(why[3].contains("outside the area"));
        assert_eq!(why[4], "X = \"\": missing");
    }
}
