//! Outlines of the priority neighbourhoods. The code tells the generation: QP of decree 2014-1750 (2015), QN of decree
//! 2023-1314 (2024).

use super::contours::{Attributes, Zone};
use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::table::columns;
use super::value;

columns! {
    CODE_QP = "CODE_QP" ["CODE_QPV", "CODE_QUARTIER", "QPV", "QP", "CODE"] required;
    NOM = "LIB_QP" ["NOM_QP", "NOM_QPV", "NOM", "LIBELLE", "LIB_QPV"];
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] =
    &[Target { relation: "ref.qpv", columns: &["code_qp", "nom", "generation", "geom"] }];

/// Priority neighbourhoods.
pub(super) struct Qpv {
    keys: Keys,
}

impl Qpv {
    /// No neighbourhood seen yet.
    pub fn new() -> Self {
        Qpv { keys: Keys::new() }
    }
}

impl Zone for Qpv {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn zone(&mut self, f: &Attributes<'_>, outline: &[Vec<u8>], out: &mut Output) -> Result<(), Reject> {
        let code = f.required(CODE_QP, f.raw(CODE_QP))?;
        let (code, generation) = value::quartier(code)
            .ok_or_else(|| f.reject(CODE_QP, "not a code of 8 characters that begins with QP or QN"))?;
        let name = f.text(NOM, 150)?;
        if !self.keys.add(code) {
            return Err(f.reject(CODE_QP, "this neighbourhood is an earlier feature already"));
        }
        out.table(0).row().text(Some(code)).text(name.as_deref()).int4(Some(generation)).multipolygon(outline);
        Ok(())
    }
}
