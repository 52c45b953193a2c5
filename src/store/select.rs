//! From a query to the rows that it shows, in order, a page at a time.

use super::eval::Evaluator;
use super::spatial::{self, Relation};
use super::truth::Domain;
use super::{LayerData, NULL, Rows, Snapshot};
use crate::catalogue::LayerId;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::geo::tms::{TILE_BUFFER, TILE_EXTENT};
use crate::geo::{Crs, Envelope};
use crate::query::{Page, Select, SortKey};
use fixedbitset::FixedBitSet;
use std::sync::Arc;

/// The rows that a filter selects, before paging.
#[derive(Debug, Clone)]
pub enum Selection {
    /// The first so many rows of the table, in its own order.
    Prefix(u32),
    /// Rows in a set, in the table's own order; and how many.
    Set(FixedBitSet, u32),
    /// Rows in this order.
    List(Vec<u32>),
}

impl Selection {
    /// How many rows.
    pub fn count(&self) -> u64 {
        match self {
            Selection::Prefix(n) | Selection::Set(_, n) => u64::from(*n),
            Selection::List(rows) => rows.len() as u64,
        }
    }

    /// Bytes in memory.
    pub fn weight(&self) -> u32 {
        let bytes = match self {
            Selection::Prefix(_) => 0,
            Selection::Set(set, _) => set.len() / 8,
            Selection::List(rows) => rows.len() * 4,
        };
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// Rows of a page. The cost grows with the page, not with the number of rows before it (a set is skipped 64 rows a step).
    pub fn page(&self, page: &Page) -> Vec<u32> {
        let start = page.start.min(self.count());
        let end = page.count.map_or(self.count(), |n| start.saturating_add(n).min(self.count()));
        match self {
            Selection::Prefix(_) => (start as u32..end as u32).collect(),
            Selection::List(rows) => rows[start as usize..end as usize].to_vec(),
            Selection::Set(set, _) => {
                let mut skip = start as usize;
                let mut from = 0;
                for (n, word) in set.as_slice().iter().enumerate() {
                    from = n * usize::BITS as usize;
                    let here = word.count_ones() as usize;
                    if skip < here {
                        break;
                    }
                    skip -= here;
                }
                let wanted = (end - start) as usize;
                let rest = (from..set.len()).filter(|r| set.contains(*r));
                rest.skip(skip).take(wanted).map(|r| r as u32).collect()
            }
        }
    }
}

/// What a selection is made from.
pub struct Request<'a> {
    /// The layer's data.
    pub data: &'a LayerData,
    /// How many rows of the table take part.
    pub len: u32,
    /// Rows that the client's territory shows; `None`: all.
    pub mask: Option<&'a FixedBitSet>,
    /// Which features.
    pub filter: &'a Filter,
    /// Rows for its hard leaves.
    pub hard: &'a [Vec<u32>],
    /// Sort keys.
    pub order: &'a [SortKey],
}

/// Rows that a request selects.
///
/// # Errors
/// Those of the filter's meaning.
pub fn select(request: &Request<'_>) -> Result<Selection> {
    let selection = filtered(request)?;
    if request.order.is_empty() {
        return Ok(selection);
    }
    let rows = selection.page(&Page::ALL);
    Ok(Selection::List(sorted(request.data, rows, request.order)))
}

fn filtered(request: &Request<'_>) -> Result<Selection> {
    let Request { data, len, mask, filter, hard, .. } = *request;
    if *filter == Filter::All {
        return Ok(match mask {
            None => Selection::Prefix(len),
            Some(mask) => {
                let mut set = FixedBitSet::with_capacity_and_blocks(len as usize, mask.as_slice().iter().copied());
                clip(&mut set, len);
                counted(set)
            }
        });
    }
    // The hard leaf lists stay as they are: the narrowing only says where the rest of the filter is looked at.
    let domain = match narrow(data, len, filter)? {
        Some(rows) => Domain::List(match mask {
            None => rows,
            Some(mask) => rows.into_iter().filter(|r| mask.contains(*r as usize)).collect(),
        }),
        None => Domain::All(len),
    };
    let mut yes = match (&domain, filter) {
        // The narrowing was exact and the whole of the filter.
        (Domain::List(_), Filter::BBox { .. } | Filter::Ids(_)) => domain.every(),
        _ => Evaluator::new(data, &domain, hard).eval(filter)?.yes,
    };
    match domain {
        Domain::List(rows) => Ok(Selection::List(yes.ones().map(|i| rows[i]).collect())),
        Domain::All(_) => {
            if let Some(mask) = mask {
                yes.intersect_with(mask);
            }
            Ok(counted(yes))
        }
    }
}

/// Clears what lies beyond the last row: a mask covers the whole table.
fn clip(set: &mut FixedBitSet, len: u32) {
    let rest = len as usize % usize::BITS as usize;
    if let (Some(last), true) = (set.as_mut_slice().last_mut(), rest > 0) {
        *last &= (1usize << rest) - 1;
    }
}

fn counted(set: FixedBitSet) -> Selection {
    let n = set.count_ones(..) as u32;
    Selection::Set(set, n)
}

/// Rows that can satisfy a filter, where an index tells: a box or identifiers, alone or in a top-level conjunction. `None`:
/// all of them.
fn narrow(data: &LayerData, len: u32, filter: &Filter) -> Result<Option<Vec<u32>>> {
    match filter {
        Filter::BBox { envelope, crs } => {
            let relation = Relation::of_box(data, envelope, *crs)?;
            Ok(Some(spatial::rows(&data.table, len, relation.features())))
        }
        Filter::Ids(ids) => {
            let mut rows: Vec<u32> = ids.iter().filter_map(|id| data.find(id)).filter(|r| *r < len).collect();
            rows.sort_unstable();
            rows.dedup();
            Ok(Some(rows))
        }
        Filter::And(parts) => {
            let mut best: Option<Vec<u32>> = None;
            for part in parts {
                if let Some(rows) = narrow(data, len, part)?
                    && best.as_ref().is_none_or(|b| rows.len() < b.len())
                {
                    best = Some(rows);
                }
            }
            // A list of most of the rows is slower to go through than all of them.
            Ok(best.filter(|rows| rows.len() < len as usize / 2))
        }
        _ => Ok(None),
    }
}

/// Rows sorted by keys, then in the table's own order. Codes are ranks, so each key is a counting sort.
fn sorted(data: &LayerData, mut rows: Vec<u32>, order: &[SortKey]) -> Vec<u32> {
    let table = &data.table;
    for key in order.iter().rev() {
        match key.field {
            Some(field) => rows = by_column(data, rows, field.0 as usize, key.descending),
            None => {
                // The identifier of `_evolution` layers is the key, then the vintage.
                if let (true, Some(vintage)) = (data.evolution, table.vintage) {
                    rows = by_column(data, rows, vintage.0 as usize, key.descending);
                }
                rows = by_column(data, rows, table.key.0 as usize, key.descending);
            }
        }
    }
    rows
}

fn by_column(data: &LayerData, rows: Vec<u32>, column: usize, descending: bool) -> Vec<u32> {
    let column = &data.table.columns[column];
    let highest = column.dictionary.len();
    // NULL comes last ascending and first descending, as in PostgreSQL.
    let rank = |row: u32| match (column.code(row), descending) {
        (NULL, false) => highest,
        (NULL, true) => 0,
        (code, false) => code - 1,
        (code, true) => highest + 1 - code,
    };
    if rows.len() < highest as usize / 4 {
        let mut rows = rows;
        rows.sort_by_key(|r| rank(*r));
        return rows;
    }
    let mut starts = vec![0u32; highest as usize + 2];
    rows.iter().for_each(|r| starts[rank(*r) as usize + 1] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut out = vec![0; rows.len()];
    for row in rows {
        let at = &mut starts[rank(row) as usize];
        out[*at as usize] = row;
        *at += 1;
    }
    out
}

/// How many rows of a layer take part in a picture or tile: of `_evolution` layers the newest vintage alone, unless the
/// filter speaks of time.
pub fn pictured(data: &LayerData, newest: bool) -> u32 {
    if newest { data.len.min(data.table.newest()) } else { data.len }
}

/// Whether a filter says which vintage it wants.
pub fn speaks_of_time(data: &LayerData, filter: &Filter, date: Option<crate::catalogue::FieldId>) -> bool {
    let mut found = false;
    filter.fields(&mut |f| found |= Some(f) == data.table.vintage || Some(f) == date);
    found
}

/// Box of a tile grown by the buffer in which its geometry is kept.
pub fn buffered_tile(envelope: &Envelope) -> Envelope {
    envelope.buffered(envelope.width() * f64::from(TILE_BUFFER) / f64::from(TILE_EXTENT))
}

/// Rows of a `Select`.
pub fn page(snapshot: &Arc<Snapshot>, select: &Select, selection: &Selection) -> Rows {
    Rows {
        snapshot: Arc::clone(snapshot),
        layer: select.layer,
        rows: selection.page(&select.page),
        matched: selection.count(),
        fields: select.fields.clone(),
        geometry: select.geometry,
        crs: select.crs,
        start: select.page.start,
    }
}

/// All rows of a selection, for a tile or picture.
pub fn whole(
    snapshot: &Arc<Snapshot>,
    layer: LayerId,
    fields: Vec<crate::catalogue::FieldId>,
    crs: Crs,
    selection: &Selection,
) -> Rows {
    Rows {
        snapshot: Arc::clone(snapshot),
        layer,
        rows: selection.page(&Page::ALL),
        matched: selection.count(),
        fields,
        geometry: true,
        crs,
        start: 0,
    }
}

/// The data of a layer.
///
/// # Errors
/// [`Error::Internal`] when the snapshot does not hold it.
pub fn data(snapshot: &Snapshot, layer: LayerId) -> Result<&LayerData> {
    snapshot.layers.get(layer.0 as usize).ok_or(Error::Internal)
}
