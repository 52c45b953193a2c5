//! SE/SLD files ▶ resolved rules. `styles/` is the only source of maps, legends and what QGIS loads.

/// All styles, resolved against the catalogue.
#[derive(Debug, Default)]
pub struct Stylebook {}
