//! GetTile and GetFeatureInfo (07-057r7 §7.2, §7.3).

use super::Meaning;
use crate::catalogue::Layer;
use crate::error::{Error, NameKind, Result};
use crate::geo::TileMatrixSet;
use crate::protocol::Site;
use crate::protocol::wms::info::{self, InfoReply};
use crate::protocol::wms::map::{self, MapReply, Understood};
use crate::protocol::wms::params::{INFO_FORMATS, Params};
use crate::query::{InfoQuery, MapLayer, MapQuery, Query};
use crate::render::Format;

/// Reads GetTile.
///
/// # Errors
/// Those of its parameters.
pub fn tile(p: &Params<'_>, site: &Site) -> Result<Meaning> {
    let format = p.map_format()?;
    let (_, understood) = understand(p, site, format)?;
    let query = understood.query.clone();
    Ok(("GetTile", Query::Map(query), Box::new(MapReply::new(understood, format))))
}

/// Reads GetFeatureInfo.
///
/// # Errors
/// Those of its parameters.
pub fn info(p: &Params<'_>, site: &Site) -> Result<Meaning> {
    let (layer, understood) = understand(p, site, Format::Png)?;
    let asked = p.need("INFOFORMAT")?;
    let known = INFO_FORMATS.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
    let format = known.ok_or_else(|| Error::Format { name: crate::error::printable(asked) })?.1;
    let (i, j) = info::pixel(p, understood.query.width, understood.query.height)?;
    let query = InfoQuery {
        map: understood.query.clone(),
        layers: vec![layer.id],
        i,
        j,
        count: site.limits.info_features,
        tolerance: info::TOLERANCE,
    };
    Ok(("GetFeatureInfo", Query::Info(query.clone()), Box::new(InfoReply::new(query, understood, format))))
}

/// The map that a tile is.
fn understand<'s>(p: &Params<'_>, site: &'s Site, format: Format) -> Result<(&'s Layer, Understood)> {
    let name = p.need("LAYER")?;
    let layer = site.catalogue.layer(map::local(site, name)).ok_or_else(|| Error::unknown(NameKind::Layer, name))?;
    let style = map::style(site, layer, p.get("STYLE").unwrap_or_default())?;
    let set = p.need("TILEMATRIXSET")?;
    let set = TileMatrixSet::get(set).ok_or_else(|| Error::unknown(NameKind::TileMatrixSet, set))?;
    let level = p.need("TILEMATRIX")?;
    let matrix = set.matrix_by_id(level).ok_or_else(|| {
        p.wrong("TileMatrix", level, "ce niveau n'existe pas dans la grille", "the set has no such level")
    })?;
    let number = |key: &'static str, axis: &'static str, count: u32| -> Result<u32> {
        let value = p.need(key)?;
        // A number too large to read lies outside like any other.
        let whole = value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse().unwrap_or(u32::MAX));
        let n =
            whole.ok_or_else(|| p.wrong(axis, value, "un nombre entier est attendu", "a whole number is needed"))?;
        if n < count {
            Ok(n)
        } else {
            Err(Error::TileOutOfRange { axis, value: crate::error::printable(value), last: count - 1 })
        }
    };
    let row = number("TILEROW", "TileRow", matrix.height)?;
    let column = number("TILECOL", "TileCol", matrix.width)?;
    let envelope = matrix.tile(row, column).ok_or(Error::Internal)?;
    let query = MapQuery {
        layers: vec![MapLayer { layer: layer.id, style: Some(style.name.clone()), filter: map::time(p, layer)? }],
        crs: set.crs,
        envelope,
        width: matrix.tile_size,
        height: matrix.tile_size,
        // Scale denominators of tile matrices are those of pixels of 0.28 mm.
        dpi: 25.4 / 0.28,
        background: 0xff_ffff,
        transparent: format != Format::Jpeg,
    };
    Ok((layer, Understood { query, styles: vec![(style, layer.scale_range)] }))
}
