//! Outlines of communes, and of communes associées, which name the commune that they belong to.

use super::contours::{Attributes, Zone};
use super::copy::Target;
use super::driver::Output;
use super::error::Reject;
use super::fields::Fields;
use super::keys::Keys;
use super::table::columns;

columns! {
    INSEE_COM = "INSEE_COM" ["INSEE", "CODE_INSEE", "CODGEO", "DEPCOM", "COM", "CODE"] required;
    NOM = "NOM" ["NOM_COM", "NOM_COMMUNE", "LIBELLE", "LIBGEO", "LIB_COM", "NAME"] required;
    SIREN = "SIREN" ["SIREN_COM", "CODE_SIREN"];
    CHEF_LIEU = "INSEE_CHEF_LIEU" ["CHEF_LIEU", "COMPARENT", "INSEE_CHEF", "COM_PARENT"];
    NB_RP = "NB_RP" ["RESIDENCES_PRINCIPALES", "RP"];
    TX_SRU = "TX_SRU" ["TAUX_SRU"];
}

/// What is written, in this order.
pub(super) const TARGETS: &[Target] = &[Target {
    relation: "ref.commune",
    columns: &["insee_com", "nom", "siren", "insee_chef_lieu", "nb_rp", "tx_sru", "geom"],
}];

/// Communes.
pub(super) struct Communes {
    keys: Keys,
}

impl Communes {
    /// No commune seen yet.
    pub fn new() -> Self {
        Communes { keys: Keys::new() }
    }
}

impl Zone for Communes {
    const COLUMNS: &'static [super::table::Column] = COLUMNS;

    fn zone(&mut self, f: &Attributes<'_>, outline: &[Vec<u8>], out: &mut Output) -> Result<(), Reject> {
        let code = f.required(INSEE_COM, f.commune(INSEE_COM)?)?;
        let name = f.required(NOM, f.text(NOM, 100)?)?;
        let siren = f.identifier(SIREN)?;
        let chef_lieu = f.commune(CHEF_LIEU)?;
        let nb_rp = f.int(NB_RP, 0..=10_000_000, &[])?;
        let tx_sru = f.float(TX_SRU, 0.0..=100.0, &[])?;
        if !self.keys.add(code) {
            return Err(f.reject(INSEE_COM, "this commune is an earlier feature already"));
        }
        out.table(0)
            .row()
            .text(Some(code))
            .text(Some(&name))
            .text(siren)
            .text(chef_lieu)
            .int4(nb_rp)
            .float8(tx_sru)
            .multipolygon(outline);
        Ok(())
    }
}
