//! Filter Encoding 2.0 (OGC 09-026r2), 1.1 (04-095) and 1.0 (02-059) ▶ [`super::Filter`].
//!
//! The three versions share element names or differ only in a few; one reader knows them all. Names are looked up in the
//! layer of a restricted catalogue: what is not granted is unknown. A filter's size is limited while it is read.

mod compare;
mod curve;
mod expression;
mod geometry;
mod id;
mod spatial;
mod temporal;
#[cfg(test)]
mod tests;
pub mod xml;

pub(in crate::filter) use compare::nothing;
pub use compare::{COMPARISONS, TESTS, like_pattern};
pub(in crate::filter) use expression::Operand;
pub use expression::typed;
pub use geometry::{GEOMETRIES, read_geometry, read_position_list};
pub use id::{escape_id, read_id};
pub use spatial::{MEASURES, RELATIONS, metres};
pub(in crate::filter) use temporal::against_instant;
pub use temporal::{Instant, TEMPORAL, read_instant};

use super::Filter;
use crate::catalogue::{Catalogue, Field, Layer};
use crate::config::Limits;
use crate::error::{Error, NameKind, Reason};
use crate::geo::{Axes, Crs};
use std::cell::Cell;
use xml::{Element, XmlLimits};

/// Prefixes that a request binds outside the filter (`NAMESPACES` of KVP).
pub type Prefixes = Vec<(String, String)>;

/// How names of coordinate reference systems are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisRule {
    /// By the spelling of the name (WFS 1.1 and 2.0).
    Spelling,
    /// East/north, however it is spelled (WFS 1.0, GML 2).
    EastNorth,
}

/// What a filter is read against.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The layer it chooses from.
    pub layer: &'a Layer,
    /// The catalogue the layer stands in: other layers' identifiers, the namespace.
    pub catalogue: &'a Catalogue,
    /// Limits of the configuration.
    pub limits: &'a Limits,
    /// Prefixes bound outside the filter.
    pub prefixes: &'a [(String, String)],
    /// How names of CRS are read.
    pub axes: AxisRule,
}

/// Names a FES property can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Property<'a> {
    /// A field.
    Field(&'a Field),
    /// The geometry (also by `gml:boundedBy`).
    Geometry,
    /// `@gml:id`.
    Id,
    /// A property that every GML feature may have and none here has: `gml:name`, `gml:description`, ...
    Absent,
}

/// A filter under way: the scene, and what is left of the limits.
pub struct Reader<'a> {
    scene: Scene<'a>,
    nodes: Cell<usize>,
    positions: Cell<usize>,
}

/// Name of the parameter at fault in errors.
const PARAMETER: &str = "FILTER";

pub(crate) fn wrong(value: &str, reason: Reason) -> Error {
    Error::invalid(PARAMETER, value, reason)
}

/// Limits of the XML that can hold a filter.
pub fn xml_limits(limits: &Limits) -> XmlLimits {
    XmlLimits {
        depth: limits.depth,
        // Every position may be an element of its own, next to the operators.
        elements: limits.filter_nodes + limits.filter_positions,
        bytes: limits.body_bytes,
    }
}

/// Reads the text of a filter (parameter `FILTER` of KVP) into elements.
///
/// # Errors
/// [`Error::Invalid`] when it is not acceptable XML or not a filter.
pub fn parse(text: &str, limits: &Limits) -> Result<Element, Error> {
    let element = Element::parse(text.trim().as_bytes(), xml_limits(limits)).map_err(|e| wrong(text, e.into()))?;
    match element.name.as_str() {
        "Filter" => Ok(element),
        other => Err(wrong(other, Reason::RootFilter)),
    }
}

/// Reads a `Filter` element.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Unknown`] for properties that the layer does not show, [`Error::Limit`], [`Error::Crs`],
/// [`Error::Processing`] for what is well formed and has no meaning here.
pub fn read(filter: &Element, scene: Scene<'_>) -> Result<Filter, Error> {
    let reader = Reader::new(scene);
    let children: Vec<&Element> = filter.children.iter().filter(|c| c.name != "AbstractAdhocQueryExpression").collect();
    match children.as_slice() {
        [] => Err(wrong("Filter", Reason::NoOperator)),
        // Several identifiers stand side by side (09-026r2 §7.11), nothing else does.
        many if many.iter().all(|c| is_identifier(&c.name)) => reader.identifiers(many.iter().copied()),
        [one] => reader.predicate(one, 0),
        [_, second, ..] => Err(wrong(&second.name, Reason::Combine)),
    }
}

fn is_identifier(name: &str) -> bool {
    matches!(name, "ResourceId" | "FeatureId" | "GmlObjectId")
}

impl<'a> Reader<'a> {
    /// A reader with the limits of the scene.
    pub(in crate::filter) fn new(scene: Scene<'a>) -> Reader<'a> {
        let Limits { filter_nodes, filter_positions, .. } = scene.limits;
        Reader { scene, nodes: Cell::new(*filter_nodes), positions: Cell::new(*filter_positions) }
    }

    /// What the filter is read against.
    pub(in crate::filter) fn scene(&self) -> &Scene<'a> {
        &self.scene
    }

    /// Counts one operator or operand.
    pub(in crate::filter) fn node(&self) -> Result<(), Error> {
        let left = self.nodes.get().checked_sub(1);
        let limit = self.scene.limits.filter_nodes as u64;
        self.nodes.set(left.ok_or(Error::Limit { what: PARAMETER, asked: limit + 1, limit })?);
        Ok(())
    }

    /// Counts positions of geometry.
    pub(in crate::filter) fn count_positions(&self, n: usize) -> Result<(), Error> {
        let left = self.positions.get().checked_sub(n);
        let limit = self.scene.limits.filter_positions as u64;
        self.positions.set(left.ok_or(Error::Limit { what: "positions", asked: limit + n as u64, limit })?);
        Ok(())
    }

    fn predicate(&self, e: &Element, depth: usize) -> Result<Filter, Error> {
        self.node()?;
        if depth >= self.scene.limits.depth {
            let limit = self.scene.limits.depth as u64;
            return Err(Error::Limit { what: "depth", asked: limit + 1, limit });
        }
        match e.name.as_str() {
            "And" | "Or" => {
                if e.children.is_empty() {
                    return Err(wrong(&e.name, Reason::NoOperator));
                }
                let parts: Vec<Filter> =
                    e.children.iter().map(|c| self.predicate(c, depth + 1)).collect::<Result<_, _>>()?;
                Ok(if e.name == "And" { Filter::And(parts) } else { Filter::Or(parts) })
            }
            "Not" => match e.children.as_slice() {
                [one] => Ok(Filter::Not(Box::new(self.predicate(one, depth + 1)?))),
                _ => Err(wrong(&e.name, Reason::OneOperator)),
            },
            name if is_identifier(name) => self.identifiers(std::iter::once(e)),
            name if name.starts_with("PropertyIs") => self.comparison(e),
            name if spatial::is_operator(name) => self.spatial(e),
            name if temporal::operator(name).is_some() => self.temporal(e),
            "Function" => Err(wrong("Function", Reason::TruthFunction)),
            other => Err(wrong(other, Reason::UnknownOperator)),
        }
    }

    /// `ResourceId` (2.0), `FeatureId` (1.0, 1.1), `GmlObjectId` (1.1). An identifier of another type is an error, one of
    /// no type chooses nothing (09-025r2 §7.9.2.4.1).
    fn identifiers<'e>(&self, elements: impl Iterator<Item = &'e Element>) -> Result<Filter, Error> {
        let mut ids = Vec::new();
        for e in elements {
            self.node()?;
            let id = e.attribute("rid").or_else(|| e.attribute("fid")).or_else(|| e.attribute("id"));
            let id = id.ok_or_else(|| wrong(&e.name, Reason::AddAttribute("rid".into())))?;
            for attribute in ["startDate", "endDate", "version", "previousRid"] {
                // Features have one version (ImplementsVersionNav is FALSE): a date or a version chooses nothing else.
                if e.attribute(attribute).is_some() && attribute != "version" {
                    return Err(Error::option(attribute, Reason::Remove));
                }
            }
            ids.extend(own_id(self.scene.catalogue, self.scene.layer, id)?);
        }
        Ok(Filter::Ids(ids))
    }

    /// Resolves a property reference: `nom`, `seuil:nom`, `seuil:parc_iris/seuil:nom`, `*/nom`, `./nom`, `nom[1]`,
    /// `@gml:id` (minimum XPath of 09-026r2 §7.4.4).
    fn property(&self, e: &Element) -> Result<Property<'a>, Error> {
        let path = e.trimmed();
        resolve_property(path, &self.scene, |prefix| e.resolve(prefix).map(str::to_owned))
    }
}

/// The identifier of a feature inside its layer, out of a `gml:id`; `None` when no layer has such an identifier.
///
/// # Errors
/// [`Error::Invalid`] with parameter `RESOURCEID` when it belongs to another layer.
pub fn own_id(catalogue: &Catalogue, layer: &Layer, id: &str) -> Result<Option<String>, Error> {
    match read_id(catalogue, id.trim()) {
        None => Ok(None),
        Some((found, own)) if found.id == layer.id => Ok(Some(own)),
        Some((found, _)) => {
            let reason = Reason::OtherType(found.name.as_str().into(), layer.name.as_str().into());
            Err(Error::invalid("RESOURCEID", id, reason))
        }
    }
}

/// Resolves a property reference in the layer of a scene; `bound` gives the namespace of a prefix.
///
/// # Errors
/// [`Error::Unknown`] when the layer shows no such property.
pub fn resolve_property<'a>(
    path: &str,
    scene: &Scene<'a>,
    bound: impl Fn(&str) -> Option<String>,
) -> Result<Property<'a>, Error> {
    let unknown = || Error::unknown(NameKind::Property, path);
    let own = &scene.catalogue.service.namespace;
    let namespace = |prefix: &str| {
        let outside = || scene.prefixes.iter().find(|(p, _)| p == prefix).map(|(_, uri)| uri.clone());
        bound(prefix).or_else(outside)
    };
    let path = path.trim();
    // Steps before the last one may only name the feature itself.
    let last = match path.rsplit_once('/') {
        None => path,
        Some((before, last)) => {
            let itself = |step: &str| {
                let local = step.rsplit_once(':').map_or(step, |(_, l)| l);
                matches!(step, "" | "." | "*") || local == scene.layer.name
            };
            if !before.split('/').all(itself) {
                return Err(unknown());
            }
            last
        }
    };
    let last = last.strip_prefix("child::").unwrap_or(last);
    let attribute = last.strip_prefix('@').or_else(|| last.strip_prefix("attribute::"));
    if let Some(name) = attribute {
        return match name.rsplit_once(':').map_or(name, |(_, l)| l) {
            "id" | "fid" => Ok(Property::Id),
            _ => Err(unknown()),
        };
    }
    // Every property occurs once: the first is the only one.
    let last = last.strip_suffix("[1]").or_else(|| last.strip_suffix("[position()=1]")).unwrap_or(last);
    let (prefix, local) = last.split_once(':').unwrap_or(("", last));
    let uri = if prefix.is_empty() { None } else { namespace(prefix) };
    let gml = match &uri {
        Some(uri) => uri.starts_with("http://www.opengis.net/gml"),
        None => prefix == "gml",
    };
    if gml {
        return match local {
            "boundedBy" => Ok(Property::Geometry),
            "id" => Ok(Property::Id),
            "name" | "description" | "identifier" | "descriptionReference" | "location" | "metaDataProperty" => {
                Ok(Property::Absent)
            }
            _ => Err(unknown()),
        };
    }
    if uri.is_some_and(|uri| uri != *own) {
        return Err(unknown());
    }
    if local == scene.layer.geometry_column {
        return Ok(Property::Geometry);
    }
    scene.layer.field(local).map(Property::Field).ok_or_else(unknown)
}

/// Reads the name of a CRS.
///
/// # Errors
/// [`Error::Crs`].
pub fn read_crs(name: &str, rule: AxisRule) -> Result<(Crs, Axes), Error> {
    let (crs, form) = Crs::parse(name).ok_or_else(|| Error::Crs { name: crate::error::printable(name) })?;
    match rule {
        AxisRule::Spelling => Ok((crs, form.wfs_axes(crs))),
        AxisRule::EastNorth => Ok((crs, Axes::EastNorth)),
    }
}

/// CRS of the data of a layer, which coordinates without a name are in.
pub fn default_crs(layer: &Layer) -> (Crs, Axes) {
    let crs = Crs::from_epsg(layer.srid).unwrap_or(Crs::Lambert93);
    (crs, crs.authority_axes())
}
