//! One query on one snapshot: each kind of `Query` and what it is answered with.

use super::caches::Caches;
use super::select::{self, Request, Selection};
use super::{Fetched, LayerFacts, Rows, Snapshot, Store, facts, territory};
use crate::catalogue::{FieldId, Layer, LayerId};
use crate::convention::Scoped;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::geo::{Crs, Envelope};
use crate::query::{Query, Select};
use fixedbitset::FixedBitSet;
use std::sync::Arc;

/// A query in execution.
pub struct Reader<'a> {
    /// The store, for its catalogue and caches.
    pub store: &'a Store,
    /// What is asked, and by whom.
    pub scoped: &'a Scoped,
    /// The snapshot that answers.
    pub snapshot: Arc<Snapshot>,
    /// For each filter of the query, rows for its hard leaves.
    pub hard: Vec<Vec<Vec<u32>>>,
    /// For each `Select`, the selection that was kept from a page before.
    pub kept: Vec<Option<Arc<Selection>>>,
}

impl Reader<'_> {
    /// The answer.
    ///
    /// # Errors
    /// Those of the query's meaning.
    pub fn answer(&self) -> Result<Fetched> {
        match self.scoped.query() {
            Query::Features(parts) => Ok(Fetched::Features(self.features(parts)?)),
            Query::Feature(part) => Ok(Fetched::Features(self.features(std::slice::from_ref(part))?)),
            Query::Count(parts) => {
                let count = |(n, part)| self.selected(n, part).map(|s| s.count());
                Ok(Fetched::Count(parts.iter().enumerate().map(count).collect::<Result<_>>()?))
            }
            Query::Tile(tile) => {
                let box_ = select::buffered_tile(&tile.envelope);
                let layers = tile.layers.iter().enumerate();
                let rows = layers.map(|(n, (layer, fields))| {
                    self.pictured(n, *layer, fields.clone(), &tile.filter, &box_, tile.crs, tile.newest)
                });
                Ok(Fetched::Layers(rows.collect::<Result<_>>()?))
            }
            Query::Map(map) => {
                let layers = map.layers.iter().map(|l| (l.layer, &l.filter));
                self.picture(layers, &map.search(), map.crs)
            }
            Query::Info(info) => {
                let asked = info.map.layers.iter().filter(|l| info.layers.contains(&l.layer));
                self.picture(asked.map(|l| (l.layer, &l.filter)), &info.search(), info.map.crs)
            }
            Query::Legend(_) | Query::Describe(_) | Query::Capabilities => Ok(Fetched::Facts {
                publication: self.snapshot.publication,
                published: self.snapshot.published,
                rule: self.snapshot.rule.clone(),
                layers: self.facts()?,
            }),
        }
    }

    fn features(&self, parts: &[Select]) -> Result<Vec<Rows>> {
        let part = |(n, part)| self.selected(n, part).map(|s| select::page(&self.snapshot, part, &s));
        parts.iter().enumerate().map(part).collect()
    }

    /// Rows of a `Select` before paging, kept for the pages to come.
    fn selected(&self, n: usize, part: &Select) -> Result<Arc<Selection>> {
        if let Some(Some(kept)) = self.kept.get(n) {
            return Ok(Arc::clone(kept));
        }
        let scope = self.scoped.access().scope_id;
        let trivial = part.filter == Filter::All && part.order.is_empty();
        let key = if trivial {
            None
        } else {
            Caches::key(self.snapshot.publication, scope, part.layer, &part.filter, &part.order)
        };
        let caches = &self.store.caches;
        if let Some(found) = key.as_ref().and_then(|k| caches.selection(k, &part.filter, &part.order)) {
            return Ok(found);
        }
        let data = select::data(&self.snapshot, part.layer)?;
        let mask = self.mask(part.layer)?;
        let selection = Arc::new(select::select(&Request {
            data,
            len: data.len,
            mask: mask.as_deref(),
            filter: &part.filter,
            hard: self.hard(n),
            order: &part.order,
        })?);
        if let Some(key) = key {
            caches.keep(key, &part.filter, &part.order, &selection);
        }
        Ok(selection)
    }

    fn picture<'f>(
        &self,
        layers: impl Iterator<Item = (LayerId, &'f Filter)>,
        search: &Envelope,
        crs: Crs,
    ) -> Result<Fetched> {
        let rows = layers.enumerate().map(|(n, (id, filter))| {
            let layer = self.visible(id)?;
            let data = select::data(&self.snapshot, id)?;
            let newest = !select::speaks_of_time(data, filter, layer.date);
            let fields = layer.fields.iter().map(|f| f.id).collect();
            self.pictured(n, id, fields, filter, search, crs, newest)
        });
        Ok(Fetched::Layers(rows.collect::<Result<_>>()?))
    }

    #[allow(clippy::too_many_arguments)]
    fn pictured(
        &self,
        n: usize,
        layer: LayerId,
        fields: Vec<FieldId>,
        filter: &Filter,
        search: &Envelope,
        crs: Crs,
        newest: bool,
    ) -> Result<Rows> {
        let data = select::data(&self.snapshot, layer)?;
        let mask = self.mask(layer)?;
        let filter = filter.clone().and(Filter::BBox { envelope: *search, crs });
        let selection = select::select(&Request {
            data,
            len: select::pictured(data, newest),
            mask: mask.as_deref(),
            filter: &filter,
            hard: self.hard(n),
            order: &[],
        })?;
        Ok(select::whole(&self.snapshot, layer, fields, crs, &selection))
    }

    fn hard(&self, n: usize) -> &[Vec<u32>] {
        self.hard.get(n).map_or(&[], Vec::as_slice)
    }

    /// The layer as the client sees it.
    fn visible(&self, id: LayerId) -> Result<&Layer> {
        self.scoped.access().catalogue.layer_by_id(id).ok_or(Error::Internal)
    }

    /// Rows of a layer's table that the client's territory shows; `None`: all.
    fn mask(&self, id: LayerId) -> Result<Option<Arc<FixedBitSet>>> {
        let access = self.scoped.access();
        let Some(territory) = &access.territory else { return Ok(None) };
        let key = (self.snapshot.publication, access.scope_id, id);
        if let Some(mask) = self.store.caches.masks.get(&key) {
            return Ok(Some(mask));
        }
        // The column that decides need not be one that the client sees.
        let layer = self.store.catalogue.layer_by_id(id).ok_or(Error::Internal)?;
        let mask = Arc::new(territory::mask(select::data(&self.snapshot, id)?, layer, territory));
        self.store.caches.masks.insert(key, Arc::clone(&mask));
        Ok(Some(mask))
    }

    fn facts(&self) -> Result<Arc<[LayerFacts]>> {
        let access = self.scoped.access();
        let key = (self.snapshot.publication, access.scope_id);
        if let Some(facts) = self.store.caches.facts.get(&key) {
            return Ok(facts);
        }
        let mut all = Vec::new();
        for layer in access.catalogue.layers() {
            select::data(&self.snapshot, layer.id)?;
            let mask = self.mask(layer.id)?;
            all.push(facts::of_layer(&self.snapshot, layer, mask.as_deref()));
        }
        let all: Arc<[LayerFacts]> = all.into();
        self.store.caches.facts.insert(key, Arc::clone(&all));
        Ok(all)
    }
}
