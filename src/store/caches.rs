//! What is computed once for a publication and a scope: territories, facts, selections that are paged through.

use super::LayerFacts;
use super::select::Selection;
use crate::catalogue::LayerId;
use crate::filter::Filter;
use crate::query::SortKey;
use fixedbitset::FixedBitSet;
use moka::sync::Cache;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

/// Bytes that masks may hold, and as much again for selections.
const BYTES: u64 = 64 << 20;

/// Filters longer than this (their description, in bytes) are not kept: a client sends such a filter once.
const LONGEST: usize = 4096;

/// The caches of a store. Keys begin with (publication, scope), so nothing is ever given to another scope, and a new
/// publication finds nothing of the old one.
#[derive(Debug)]
pub struct Caches {
    /// Rows of a layer's table that a territory shows.
    pub masks: Cache<(i64, u64, LayerId), Arc<FixedBitSet>>,
    /// Facts of all layers of a scope.
    pub facts: Cache<(i64, u64), Arc<[LayerFacts]>>,
    selections: Cache<SelectionKey, Arc<Kept>>,
}

/// What a selection was made of. The hash of filter and order only finds it: equality is checked on themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectionKey {
    publication: i64,
    scope: u64,
    layer: LayerId,
    hash: u64,
}

#[derive(Debug)]
struct Kept {
    filter: Filter,
    order: Vec<SortKey>,
    selection: Arc<Selection>,
}

impl Caches {
    /// Empty ones.
    pub fn new() -> Caches {
        let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(128);
        Caches {
            masks: Cache::builder()
                .max_capacity(BYTES)
                .weigher(move |_, set: &Arc<FixedBitSet>| size(set.len() / 8))
                .build(),
            facts: Cache::builder()
                .max_capacity(BYTES / 16)
                .weigher(move |_, facts: &Arc<[LayerFacts]>| size(facts.len() * size_of::<LayerFacts>()))
                .build(),
            selections: Cache::builder()
                .max_capacity(BYTES)
                .weigher(move |_, kept: &Arc<Kept>| kept.selection.weight().saturating_add(LONGEST as u32))
                .build(),
        }
    }

    /// The key of a selection; `None` when its filter is too long to be kept.
    pub fn key(
        publication: i64,
        scope: u64,
        layer: LayerId,
        filter: &Filter,
        order: &[SortKey],
    ) -> Option<SelectionKey> {
        let mut digest = Digest { hasher: DefaultHasher::new(), length: 0 };
        std::fmt::write(&mut digest, format_args!("{filter:?}{order:?}")).ok()?;
        Some(SelectionKey { publication, scope, layer, hash: digest.hasher.finish() })
    }

    /// A selection that was made of the same filter and order.
    pub fn selection(&self, key: &SelectionKey, filter: &Filter, order: &[SortKey]) -> Option<Arc<Selection>> {
        let kept = self.selections.get(key)?;
        (kept.filter == *filter && kept.order == order).then(|| Arc::clone(&kept.selection))
    }

    /// Keeps a selection.
    pub fn keep(&self, key: SelectionKey, filter: &Filter, order: &[SortKey], selection: &Arc<Selection>) {
        let kept = Kept { filter: filter.clone(), order: order.to_vec(), selection: Arc::clone(selection) };
        self.selections.insert(key, Arc::new(kept));
    }
}

struct Digest {
    hasher: DefaultHasher,
    length: usize,
}

impl std::fmt::Write for Digest {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.length += s.len();
        if self.length > LONGEST {
            return Err(std::fmt::Error);
        }
        self.hasher.write(s.as_bytes());
        Ok(())
    }
}
