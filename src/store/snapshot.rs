//! The current publication in memory, immutable.
//!
//! Columns are dictionaries: each distinct value stands once, with its JSON, XML and MVT bytes already made; a cell is a
//! `u32`. Dictionaries are sorted, so that comparing codes compares values (text by bytes, `COLLATE "C"`). Geometry stands
//! once per zone vintage and is shared by all layers on it.

use super::geometry::GeometryTable;
use crate::catalogue::{FieldId, FieldKind};
use crate::query::Value;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Code of NULL in every dictionary; its JSON bytes are `null`, its XML and MVT bytes are empty.
pub const NULL: u32 = 0;

/// A publication in memory.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Number of the publication; 0 for plain views without publications.
    pub publication: i64,
    /// When it was made current, milliseconds since 1970.
    pub published: i64,
    /// Data by `LayerId`.
    pub layers: Vec<LayerData>,
}

/// Data of one layer: a prefix of a table.
#[derive(Debug, Clone)]
pub struct LayerData {
    /// Table, shared by the layers of one relation (newest vintage and evolution).
    pub table: Arc<Table>,
    /// How many rows of the table belong to the layer: tables are sorted by (vintage descending, key), so the newest
    /// vintage is a prefix.
    pub len: u32,
    /// True when the feature id is `id.millesime`.
    pub evolution: bool,
}

/// A relation in memory.
#[derive(Debug, Clone)]
pub struct Table {
    /// Relation name.
    pub relation: String,
    /// Columns by `FieldId`.
    pub columns: Vec<Column>,
    /// Field with the identifier.
    pub key: FieldId,
    /// Field with the integer identifier.
    pub object_id: Option<FieldId>,
    /// Field with the vintage.
    pub vintage: Option<FieldId>,
    /// Geometry, shared between tables of one zone vintage.
    pub geometry: Arc<GeometryTable>,
    /// Row ▶ feature of `geometry`.
    pub geometry_row: Vec<u32>,
}

/// A column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// Type.
    pub kind: FieldKind,
    /// A code a row.
    pub cells: Vec<u32>,
    /// What the codes mean.
    pub dictionary: Dictionary,
}

/// Distinct values, ascending, from code 1 on, with their encodings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dictionary {
    /// Values; `values[code - 1]`.
    pub values: Vec<Value>,
    /// JSON bytes by code (strings quoted and escaped).
    pub json: Arena,
    /// XML character data by code (escaped).
    pub xml: Arena,
    /// MVT `Value` messages by code (without length prefix).
    pub mvt: Arena,
}

/// Byte strings end to end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Arena {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Default for Arena {
    fn default() -> Self {
        Arena { bytes: Vec::new(), ends: vec![0] }
    }
}

impl Arena {
    /// Appends a string; its number is the count before the call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u32);
    }

    /// String number `i`; empty when there is none.
    pub fn get(&self, i: u32) -> &[u8] {
        let i = i as usize;
        match (self.ends.get(i), self.ends.get(i + 1)) {
            (Some(a), Some(b)) => &self.bytes[*a as usize..*b as usize],
            _ => &[],
        }
    }
}

impl Column {
    /// Value of a row; `None` is NULL.
    pub fn value(&self, row: u32) -> Option<&Value> {
        self.dictionary.value(self.cells[row as usize])
    }
}

impl Dictionary {
    /// Value of a code; `None` is NULL.
    pub fn value(&self, code: u32) -> Option<&Value> {
        code.checked_sub(1).and_then(|i| self.values.get(i as usize))
    }
}

impl LayerData {
    /// Column of a field.
    pub fn column(&self, field: FieldId) -> &Column {
        &self.table.columns[field.0 as usize]
    }

    /// Writes the feature identifier of a row (without layer prefix) as plain text.
    pub fn feature_id(&self, row: u32, out: &mut String) {
        let push = |field: FieldId, out: &mut String| match self.column(field).value(row) {
            Some(Value::Text(t)) => out.push_str(t),
            Some(Value::Int(n)) => out.push_str(itoa::Buffer::new().format(*n)),
            _ => {}
        };
        push(self.table.key, out);
        if let (true, Some(v)) = (self.evolution, self.table.vintage) {
            out.push('.');
            push(v, out);
        }
    }

    /// Integer identifier of a row (`objectid`); row number + 1 when the layer has none.
    pub fn object_id(&self, row: u32) -> u64 {
        let value = self.table.object_id.and_then(|f| self.column(f).value(row));
        match value {
            Some(Value::Int(n)) => *n as u64,
            _ => u64::from(row) + 1,
        }
    }
}
