//! What exists of each layer for one client.

use super::{LayerData, LayerFacts, Snapshot, StoredCrs};
use crate::catalogue::Layer;
use crate::geo::Envelope;
use crate::query::Value;
use fixedbitset::FixedBitSet;

/// Facts of a layer whose visible rows are those of a mask (`None`: all).
pub fn of_layer(snapshot: &Snapshot, layer: &Layer, mask: Option<&FixedBitSet>) -> LayerFacts {
    let data = &snapshot.layers[layer.id.0 as usize];
    let shown = |row: &u32| mask.is_none_or(|m| m.contains(*row as usize));
    // A feature that carries rows of several vintages is measured once.
    let mut seen = FixedBitSet::with_capacity(data.table.geometry.len());
    let mut count = 0;
    let mut extents = [Envelope::EMPTY; 3];
    for row in (0..data.len).filter(shown) {
        count += 1;
        let feature = data.feature(row);
        if !seen.put(feature as usize) {
            for (extent, crs) in extents.iter_mut().zip(StoredCrs::ALL) {
                extent.merge(&data.table.geometry.envelope(crs, feature));
            }
        }
    }
    let [lambert, mercator, degrees] = extents.map(|e| (!e.is_empty()).then_some(e));
    LayerFacts {
        layer: layer.id,
        count,
        extent_2154: lambert,
        extent_84: degrees,
        extent_3857: mercator,
        vintages: vintages(data, shown),
    }
}

fn vintages(data: &LayerData, shown: impl Fn(&u32) -> bool) -> Vec<i32> {
    let Some(field) = data.table.vintage else { return Vec::new() };
    let blocks = data.table.blocks().iter().rev().filter(|b| b.start < data.len);
    let visible = blocks.filter_map(|b| b.clone().find(&shown));
    let value = |row| match data.column(field).value(row) {
        Some(Value::Int(n)) => i32::try_from(*n).ok(),
        _ => None,
    };
    visible.filter_map(value).collect()
}
