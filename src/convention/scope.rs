//! Authority as a type.

use crate::catalogue::{Catalogue, FieldId, LayerId};
use crate::error::{Error, NameKind, Result};
use crate::filter::Filter;
use crate::query::{Query, Select};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Operation families a convention grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Pictures, legends and identify (WMS, WMTS, map tiles).
    Wms,
    /// Features (WFS, OGC API Features).
    Wfs,
    /// Vector tiles: export of geometry and attributes.
    Tuiles,
    /// Downloads of whole files.
    Export,
}

/// The zones whose rows a convention may see, resolved to codes. A residence is seen when its IRIS or its QPV is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Territory {
    /// Rows of the commune scale (communes and communes associées), by code.
    pub communes: HashSet<String>,
    /// Rows of the IRIS scale, by code.
    pub iris: HashSet<String>,
    /// Rows of the QPV scale, by code.
    pub qpv: HashSet<String>,
    /// Residences are seen when their `code_iris` is one of these, or
    pub residence_iris: HashSet<String>,
    /// when their `code_qp` is one of these (territories that name QPV).
    pub residence_qpv: HashSet<String>,
}

/// What one convention may see, compiled. Shared by all requests of the convention until the registry changes.
#[derive(Debug)]
pub struct Access {
    /// Equal for two conventions with equal sight: keys caches.
    pub scope_id: u64,
    /// The catalogue of what is granted.
    pub catalogue: Arc<Catalogue>,
    /// Zones; `None`: everything.
    pub territory: Option<Territory>,
    /// Operation families.
    pub operations: BTreeSet<Operation>,
}

/// A query that a convention allows. The store executes nothing else, and nothing else can be made into one.
#[derive(Debug, Clone)]
pub struct Scoped {
    query: Query,
    access: Arc<Access>,
}

impl Scoped {
    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What the convention may see.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }
}

impl Access {
    /// Joins a query with the authority to execute it.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the query names a layer or field that the restricted catalogue does not show. Parsers
    /// resolve names in that catalogue already; this is the second lock on the same door.
    pub(super) fn scope(self: &Arc<Self>, query: Query) -> Result<Scoped> {
        match &query {
            Query::Features(parts) | Query::Count(parts) => parts.iter().try_for_each(|s| self.check(s))?,
            Query::Feature(part) => self.check(part)?,
            Query::Tile(t) => t.layers.iter().try_for_each(|(l, fields)| {
                self.sees(*l, fields)?;
                self.sees(*l, &named(&t.filter))
            })?,
            Query::Map(m) => m.layers.iter().try_for_each(|l| self.sees(l.layer, &named(&l.filter)))?,
            Query::Info(i) => {
                i.map.layers.iter().try_for_each(|l| self.sees(l.layer, &named(&l.filter)))?;
                i.layers.iter().try_for_each(|l| self.sees(*l, &[]))?;
            }
            Query::Legend(l) => self.sees(l.layer, &[])?,
            Query::Describe(layers) => layers.iter().try_for_each(|l| self.sees(*l, &[]))?,
            Query::Capabilities => {}
        }
        Ok(Scoped { query, access: Arc::clone(self) })
    }

    fn check(&self, select: &Select) -> Result<()> {
        self.sees(select.layer, &select.fields)?;
        // What may not be read may not be asked about either: a filter or an order would tell it value by value.
        self.sees(select.layer, &named(&select.filter))?;
        let keys: Vec<FieldId> = select.order.iter().filter_map(|k| k.field).collect();
        self.sees(select.layer, &keys)
    }

    fn sees(&self, layer: LayerId, fields: &[FieldId]) -> Result<()> {
        let hidden = |n: u16| Error::unknown(NameKind::Layer, &format!("#{n}"));
        let known = self.catalogue.layer_by_id(layer).ok_or_else(|| hidden(layer.0))?;
        match fields.iter().find(|f| known.field_by_id(**f).is_none()) {
            Some(f) => Err(Error::unknown(NameKind::Property, &format!("#{}", f.0))),
            None => Ok(()),
        }
    }
}

/// Fields that a filter names.
fn named(filter: &Filter) -> Vec<FieldId> {
    let mut fields = Vec::new();
    filter.fields(&mut |f| fields.push(f));
    fields
}
