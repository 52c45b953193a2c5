//! What a request asks of the store: expressions ▶ selections.

use super::names;
use super::request::{Adhoc, Expression, Predicate, Presentation, TypeName};
use super::stored;
use super::version::Version;
use crate::catalogue::Layer;
use crate::encode::gml::Spelling;
use crate::error::{Error, NameKind, Reason, Result};
use crate::filter::fes::{self, AxisRule, Property, Scene, default_crs, read_crs, resolve_property};
use crate::filter::{CompareOp, Expr, Filter, ecql};
use crate::geo::{Axes, Crs, Envelope};
use crate::protocol::Site;
use crate::query::{Page, Select, SortKey};

/// One selection and how it is written.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub select: Select,
    pub spelling: Spelling,
    /// Name of the layer.
    pub layer: String,
}

/// The selections of a request.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub parts: Vec<Part>,
    /// True for `GetFeatureById`: the feature itself is the answer, and its absence an error.
    pub single: Option<String>,
    /// First feature of the answer, over all parts.
    pub start: u64,
    /// Features at most, over all parts.
    pub count: u64,
}

/// Resolves query expressions in the catalogue of the convention.
pub(super) fn plan(queries: &[Expression], shown: &Presentation, version: Version, site: &Site) -> Result<Plan> {
    let planner = Planner { version, site };
    let mut parts = Vec::new();
    let mut single = None;
    for query in queries {
        match query {
            Expression::Adhoc(adhoc) => parts.extend(planner.adhoc(adhoc)?),
            Expression::Stored(stored) => {
                let made = stored::invoke(stored, site)?;
                if made.single {
                    let id = stored.arguments.iter().find(|(k, _)| k.eq_ignore_ascii_case("id"));
                    single = Some(id.map(|(_, v)| v.clone()).unwrap_or_default());
                }
                for adhoc in &made.queries {
                    parts.extend(planner.adhoc(adhoc)?);
                }
            }
        }
    }
    // COUNT counts over the whole result, in the order of the queries (09-025r2 §7.6.3.5).
    let count = shown.count.unwrap_or(u64::MAX).min(site.limits.features);
    let several = parts.len() > 1;
    for part in &mut parts {
        part.select.page = match several {
            false => Page { start: shown.start, count: Some(count), publication: shown.publication },
            // What a part gives depends on how many the parts before it hold: cut when that is known.
            true => Page { start: 0, count: Some(shown.start.saturating_add(count)), publication: shown.publication },
        };
    }
    Ok(Plan { parts, single, start: shown.start, count })
}

struct Planner<'a> {
    version: Version,
    site: &'a Site,
}

impl Planner<'_> {
    fn axes(&self) -> AxisRule {
        if self.version == Version::V100 { AxisRule::EastNorth } else { AxisRule::Spelling }
    }

    fn adhoc(&self, adhoc: &Adhoc) -> Result<Vec<Part>> {
        match (&adhoc.type_name, &adhoc.predicate) {
            (Some(name), _) => Ok(vec![self.part(names::layer(&self.site.catalogue, name)?, adhoc)?]),
            (None, Predicate::Ids(ids)) => self.by_identifiers(ids, adhoc),
            (None, _) => Err(Error::Missing { name: "TYPENAMES" }),
        }
    }

    /// Identifiers without a type: one part for each type they name, in the order of their first occurrence.
    fn by_identifiers(&self, ids: &[String], adhoc: &Adhoc) -> Result<Vec<Part>> {
        let mut types: Vec<(&Layer, Vec<String>)> = Vec::new();
        for id in ids {
            // An identifier of no type is one that no feature has.
            let Some((layer, _)) = fes::read_id(&self.site.catalogue, id.trim()) else { continue };
            match types.iter_mut().find(|(l, _)| l.id == layer.id) {
                Some((_, known)) => known.push(id.clone()),
                None => types.push((layer, vec![id.clone()])),
            }
        }
        let each = types.into_iter().map(|(layer, ids)| {
            let own = Adhoc {
                type_name: Some(TypeName { name: layer.name.clone(), namespace: None }),
                predicate: Predicate::Ids(ids),
                ..adhoc.clone()
            };
            self.part(layer, &own)
        });
        each.collect()
    }

    fn part(&self, layer: &Layer, adhoc: &Adhoc) -> Result<Part> {
        let site = self.site;
        let scene = Scene {
            layer,
            catalogue: &site.catalogue,
            limits: &site.limits,
            prefixes: &adhoc.prefixes,
            axes: self.axes(),
        };
        let (crs, axes, srs_name) = names::crs(adhoc.srs_name.as_deref(), layer, self.axes())?;
        let (fields, geometry) =
            names::projection(&scene, adhoc.properties.as_deref()).map_err(|e| e.inside("PROPERTYNAME"))?;
        let filter = match &adhoc.predicate {
            Predicate::All => Filter::All,
            Predicate::Filter(element) => fes::read(element, scene).map_err(|e| e.inside("FILTER"))?,
            Predicate::Bbox(text) => self.bbox(text, layer).map_err(|e| e.inside("BBOX"))?,
            Predicate::Cql(text) => ecql::read(text, scene).map_err(|e| e.inside("CQL_FILTER"))?,
            Predicate::Equal(pairs) => pairs.iter().try_fold(Filter::All, |all, (name, value)| {
                let field = layer.field(name).ok_or_else(|| Error::unknown(NameKind::Property, name))?;
                let (left, right) = (Expr::Field(field.id), Expr::Literal(fes::typed(value, field.kind)?));
                Ok(all.and(Filter::Compare { op: CompareOp::Eq, left, right, match_case: true }))
            })?,
            Predicate::Ids(ids) => {
                let own = ids.iter().map(|id| fes::own_id(&site.catalogue, layer, id));
                Filter::Ids(own.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
            }
        };
        let order = adhoc.sort.iter().map(|(name, descending)| {
            let field = match resolve_property(name, &scene, |_| None).map_err(|e| e.inside("SORTBY"))? {
                Property::Field(f) => Some(f.id),
                Property::Id => None,
                Property::Geometry | Property::Absent => {
                    return Err(Error::invalid("SORTBY", name, Reason::Sortable));
                }
            };
            Ok(SortKey { field, descending: *descending })
        });
        let order = order.collect::<Result<_>>()?;
        let select = Select { layer: layer.id, fields, geometry, filter, order, page: Page::ALL, crs };
        Ok(Part { select, spelling: Spelling { srs_name, axes }, layer: layer.name.clone() })
    }

    /// `BBOX=a,b,c,d[,crs]` (06-121r3 §10.2.3). Without a CRS: the data's own.
    fn bbox(&self, text: &str, layer: &Layer) -> Result<Filter> {
        let wrong = |reason: Reason| Error::invalid("BBOX", text, reason);
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let (numbers, crs) = match parts.len() {
            4 => (parts.as_slice(), None),
            5.. => (&parts[..4], Some(parts[4..].join(","))),
            _ => return Err(wrong(Reason::FourNumbers)),
        };
        let (crs, axes) = match crs.as_deref() {
            None => match self.axes() {
                AxisRule::Spelling => default_crs(layer),
                AxisRule::EastNorth => (default_crs(layer).0, Axes::EastNorth),
            },
            // Six numbers: a box with heights is no box of flat data.
            Some(name) if name.split(',').count() > 1 => return Err(wrong(Reason::FourNumbers)),
            Some(name) => read_crs(name, self.axes())?,
        };
        let number = |n: &str| n.parse::<f64>().ok().filter(|v| v.is_finite());
        let numbers: Option<Vec<f64>> = numbers.iter().map(|n| number(n)).collect();
        let Some([a, b, c, d]) = numbers.as_deref() else { return Err(wrong(Reason::FourNumbers)) };
        let envelope = match axes {
            Axes::EastNorth => Envelope::new(*a, *b, *c, *d),
            Axes::NorthEast => Envelope::new(*b, *a, *d, *c),
        };
        let envelope = envelope.ok_or_else(|| wrong(Reason::Corners))?;
        Ok(Filter::BBox { envelope, crs })
    }
}

/// The property of GetPropertyValue.
pub(super) enum Wanted {
    Field(crate::catalogue::FieldId),
    Geometry,
    Id,
    /// Known to GML, never there.
    Absent,
}

/// Resolves a value reference in a layer.
pub(super) fn wanted(value: &str, part: &Part, site: &Site) -> Result<Wanted> {
    if value.trim().is_empty() {
        return Err(Error::invalid("VALUEREFERENCE", value, Reason::ValueReference));
    }
    let layer = site.catalogue.layer_by_id(part.select.layer).ok_or(Error::Internal)?;
    let scene =
        Scene { layer, catalogue: &site.catalogue, limits: &site.limits, prefixes: &[], axes: AxisRule::Spelling };
    match resolve_property(value, &scene, |_| None) {
        Ok(Property::Field(f)) => Ok(Wanted::Field(f.id)),
        Ok(Property::Geometry) => Ok(Wanted::Geometry),
        Ok(Property::Id) => Ok(Wanted::Id),
        Ok(Property::Absent) => Ok(Wanted::Absent),
        Err(Error::Unknown { kind: NameKind::Property, .. }) => {
            Err(Error::invalid("VALUEREFERENCE", value, Reason::NoSuchProperty))
        }
        Err(other) => Err(other),
    }
}

/// CRS that every feature type offers, the data's own first.
pub(super) fn offered(layer: &Layer) -> Vec<Crs> {
    let own = default_crs(layer).0;
    std::iter::once(own).chain(Crs::ALL.into_iter().filter(|c| *c != own)).collect()
}
