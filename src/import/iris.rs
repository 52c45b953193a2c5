//! Outlines of IRIS (Contours…IRIS of INSEE and IGN, or the metropolis's own edition).

use super::contours::{Attributes, Zone};
use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::table::columns;
use super::value;

columns! {
    CODE_IRIS = "CODE_IRIS" ["DCOMIRIS", "CODEIRIS", "IRIS_CODE", "DCIRIS", "CODE"] required;
    INSEE_COM = "INSEE_COM" ["CODE_INSEE", "DEPCOM", "INSEE", "COM"];
    INSEE_ASSOCIEE = "INSEE_ASSOCIEE" ["INSEE_ASSO", "COM_ASSOCIEE"];
    NOM = "NOM_IRIS" ["NOM", "LIB_IRIS", "LIBELLE", "LIBIRIS"];
    TYP_IRIS = "TYP_IRIS" ["TYPE_IRIS", "TYPIRIS"];
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] = &[Target {
    relation: "ref.iris",
    columns: &["code_iris", "insee_com", "insee_associee", "nom", "typ_iris", "geom"],
}];

/// IRIS.
pub(super) struct Iris {
    keys: Keys,
}

impl Iris {
    /// No IRIS seen yet.
    pub fn new() -> Self {
        Iris { keys: Keys::new() }
    }
}

impl Zone for Iris {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn zone(&mut self, f: &Attributes<'_>, outline: &[Vec<u8>], out: &mut Output) -> Result<(), Reject> {
        let code = f.required(CODE_IRIS, f.raw(CODE_IRIS))?;
        let code =
            value::iris(code).ok_or_else(|| f.reject(CODE_IRIS, "not a code of 9 characters (commune, 4 digits)"))?;
        let commune = f.commune(INSEE_COM)?.unwrap_or(&code[..5]);
        if commune != &code[..5] {
            return Err(f.reject(INSEE_COM, format!("the IRIS {code} lies in {}", &code[..5])));
        }
        let associee = f.commune(INSEE_ASSOCIEE)?;
        let name = f.text(NOM, 100)?;
        let kind = f.show(TYP_IRIS).to_uppercase();
        if !matches!(kind.as_str(), "" | "H" | "A" | "D" | "Z") {
            return Err(f.reject(TYP_IRIS, "none of H, A, D, Z"));
        }
        if !self.keys.add(code) {
            return Err(f.reject(CODE_IRIS, "this IRIS is an earlier feature already"));
        }
        out.table(0)
            .row()
            .text(Some(code))
            .text(Some(commune))
            .text(associee)
            .text(name.as_deref())
            .text(Some(kind.as_str()).filter(|k| !k.is_empty()))
            .multipolygon(outline);
        Ok(())
    }
}
