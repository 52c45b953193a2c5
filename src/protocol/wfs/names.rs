//! Names of a request looked up in the catalogue of the client's convention.

use super::request::TypeName;
use crate::catalogue::{Catalogue, FieldId, Layer};
use crate::error::{Error, NameKind, Result, printable};
use crate::filter::fes::{AxisRule, Property, Scene, default_crs, resolve_property};
use crate::geo::{Axes, Crs};

/// A feature type by name: with the catalogue's prefix, another one bound to its namespace, or none at all.
pub(super) fn layer<'a>(catalogue: &'a Catalogue, name: &TypeName) -> Result<&'a Layer> {
    let unknown = || Error::unknown(NameKind::FeatureType, &name.name);
    // schema-element(t) means t and all that is substitutable for it: t alone here (09-026r2 §7.4.4).
    let plain = name.name.strip_prefix("schema-element(").and_then(|n| n.strip_suffix(')')).unwrap_or(&name.name);
    let local = plain.rsplit_once(':').map_or(plain, |(_, l)| l).trim();
    if name.namespace.as_ref().is_some_and(|ns| *ns != catalogue.service.namespace && !ns.is_empty()) {
        return Err(unknown());
    }
    catalogue.layer(local).ok_or_else(unknown)
}

/// The fields and whether the geometry, that a list of property names asks for; all without a list.
pub(super) fn projection(scene: &Scene<'_>, names: Option<&[String]>) -> Result<(Vec<FieldId>, bool)> {
    let Some(names) = names else {
        return Ok((scene.layer.fields.iter().map(|f| f.id).collect(), true));
    };
    let (mut fields, mut geometry) = (Vec::new(), false);
    for name in names {
        match resolve_property(name, scene, |_| None)? {
            Property::Field(f) => fields.push(f.id),
            Property::Geometry => geometry = true,
            Property::Id | Property::Absent => {}
        }
    }
    fields.sort();
    fields.dedup();
    Ok((fields, geometry))
}

/// The CRS of `SRSNAME` and its axis order on the wire, and the name to write; the layer's own without a name.
pub(super) fn crs(name: Option<&str>, layer: &Layer, rule: AxisRule) -> Result<(Crs, Axes, String)> {
    match name.map(str::trim).filter(|n| !n.is_empty()) {
        None => {
            let (crs, axes) = default_crs(layer);
            let written = match rule {
                AxisRule::Spelling => crs.urn(),
                // Not `http://www.opengis.net/gml/srs/epsg.xml#2154`, which GDAL takes for a document to download, and refuses.
                AxisRule::EastNorth => crs.short(),
            };
            Ok((crs, if rule == AxisRule::EastNorth { Axes::EastNorth } else { axes }, written))
        }
        Some(name) => {
            let (crs, axes) = crate::filter::fes::read_crs(name, rule)?;
            Ok((crs, axes, printable(name)))
        }
    }
}
