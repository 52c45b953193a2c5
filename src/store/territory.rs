//! Which rows of a table a territory shows.

use super::snapshot::Table;
use super::truth::Domain;
use super::{LayerData, NULL};
use crate::catalogue::{Layer, Scale};
use crate::convention::Territory;
use crate::query::Value;
use fixedbitset::FixedBitSet;
use std::collections::HashSet;

/// Rows of a layer's table that a territory shows, all vintages. The scale of the layer says which column decides: the key
/// for communes, IRIS and QPV, `code_iris` and `code_qp` for residences. A layer of no such scale shows nothing to a
/// limited territory: what cannot be placed is not seen.
pub fn mask(data: &LayerData, layer: &Layer, territory: &Territory) -> FixedBitSet {
    let table = &data.table;
    let column = |name: &str| layer.field(name).map(|f| f.id.0 as usize);
    let key = table.key.0 as usize;
    match layer.scale {
        Scale::Commune => rows(table, key, &territory.communes),
        Scale::Iris => rows(table, key, &territory.iris),
        Scale::Qpv => rows(table, key, &territory.qpv),
        Scale::Residence => {
            let by = |name: &str, codes: &HashSet<String>| match column(name) {
                Some(c) if !codes.is_empty() => rows(table, c, codes),
                _ => FixedBitSet::with_capacity(table.len() as usize),
            };
            let mut set = by("code_iris", &territory.residence_iris);
            set.union_with(&by("code_qp", &territory.residence_qpv));
            set
        }
        Scale::Autre => FixedBitSet::with_capacity(table.len() as usize),
    }
}

fn rows(table: &Table, column: usize, codes: &HashSet<String>) -> FixedBitSet {
    let Some(column) = table.columns.get(column) else { return FixedBitSet::with_capacity(table.len() as usize) };
    let mut shown = vec![false];
    shown.extend(column.dictionary.values().iter().map(|v| matches!(v, Value::Text(t) if codes.contains(t))));
    Domain::All(table.len()).cells(&column.cells, |code| code != NULL && shown[code as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::metropolis;

    #[test]
    fn each_scale_is_decided_by_its_own_column() {
        let world = metropolis();
        let set = |codes: &[&str]| codes.iter().map(|c| (*c).to_owned()).collect::<HashSet<_>>();
        let territory = Territory {
            communes: set(&["59355"]),
            iris: set(&["593552701", "593552702"]),
            qpv: set(&[]),
            residence_iris: set(&["593552701"]),
            residence_qpv: set(&["QN05901M"]),
        };
        let shown = |name: &str| {
            let layer = world.catalogue.layer(name).unwrap();
            let data = &world.snapshot.layers[layer.id.0 as usize];
            let mut ids: Vec<String> = Vec::new();
            for row in mask(data, layer, &territory).ones().filter(|r| *r < data.len as usize) {
                ids.push(String::new());
                data.feature_id(row as u32, ids.last_mut().unwrap());
            }
            ids
        };
        assert_eq!(shown("parc_commune"), ["59355"]);
        assert_eq!(shown("parc_commune_evolution"), ["59355.2024", "59355.2023"]);
        assert_eq!(shown("contour_iris"), ["593552701", "593552702"]);
        assert!(shown("occupation_qpv").is_empty());
        // On IRIS 593552701: columns 4 and 5 of lines 0 and 1; in the QPV: columns 3 and 4 of lines 1 and 2.
        assert_eq!(shown("parc_residence"), ["r04", "r05", "r11", "r12", "r13", "r19", "r20"]);
    }
}
