//! The current publication in memory, immutable.
//!
//! Columns are dictionaries: each distinct value stands once, with its JSON and XML bytes already made; a cell is a code.
//! Dictionaries are sorted, so that comparing codes compares values (text by bytes, `COLLATE "C"`). Geometry stands once
//! per zone vintage and is shared by all tables on it; so are dictionaries that hold the same values.

use super::dictionary::Dictionary;
use super::geometry::GeometryTable;
use crate::catalogue::{FieldId, FieldKind, Text};
use crate::query::Value;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// A publication in memory.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Number of the publication; 0 for plain views without publications.
    pub publication: i64,
    /// When it was made current, milliseconds since 1970.
    pub published: i64,
    /// In words, the rule and parameters of disclosure control that made it, as stored with it; empty when it names none.
    pub rule: Text,
    /// Until when, as it was loaded, a former publication could still be read (milliseconds since 1970); 0: there was none.
    pub former_until: i64,
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
#[derive(Debug)]
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
    /// Rows of each vintage, newest first; one block of all rows when there are no vintages.
    blocks: Vec<Range<u32>>,
    /// Feature ▶ where its rows begin in `feature_rows`.
    feature_start: Vec<u32>,
    /// Rows by feature, ascending inside each.
    feature_rows: Vec<u32>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Type.
    pub kind: FieldKind,
    /// A code a row.
    pub cells: Cells,
    /// What the codes mean.
    pub dictionary: Arc<Dictionary>,
}

/// Codes of a column, as narrow as its dictionary allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cells {
    /// Fewer than 256 distinct values.
    Byte(#[serde(with = "super::keep::bytes")] Vec<u8>),
    /// Fewer than 65,536 distinct values.
    Short(Vec<u16>),
    /// More.
    Long(Vec<u32>),
}

impl Cells {
    /// Packs codes of which the highest is `highest`.
    pub fn pack(codes: impl Iterator<Item = u32>, highest: u32) -> Cells {
        match highest {
            0..=0xFF => Cells::Byte(codes.map(|c| c as u8).collect()),
            0x100..=0xFFFF => Cells::Short(codes.map(|c| c as u16).collect()),
            _ => Cells::Long(codes.collect()),
        }
    }

    /// Appends a code; the cells widen when it does not fit.
    pub fn push(&mut self, code: u32) {
        match self {
            Cells::Byte(v) => match u8::try_from(code) {
                Ok(c) => v.push(c),
                Err(_) => {
                    *self = Cells::Short(v.iter().map(|c| u16::from(*c)).collect());
                    self.push(code);
                }
            },
            Cells::Short(v) => match u16::try_from(code) {
                Ok(c) => v.push(c),
                Err(_) => {
                    *self = Cells::Long(v.iter().map(|c| u32::from(*c)).collect());
                    self.push(code);
                }
            },
            Cells::Long(v) => v.push(code),
        }
    }

    /// Code of a row.
    pub fn get(&self, row: u32) -> u32 {
        match self {
            Cells::Byte(v) => u32::from(v[row as usize]),
            Cells::Short(v) => u32::from(v[row as usize]),
            Cells::Long(v) => v[row as usize],
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Cells::Byte(v) => v.len(),
            Cells::Short(v) => v.len(),
            Cells::Long(v) => v.len(),
        }
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The highest code that occurs; 0 when there are no rows.
    pub fn highest(&self) -> u32 {
        match self {
            Cells::Byte(v) => v.iter().max().map_or(0, |c| u32::from(*c)),
            Cells::Short(v) => v.iter().max().map_or(0, |c| u32::from(*c)),
            Cells::Long(v) => v.iter().max().copied().unwrap_or(0),
        }
    }
}

impl Column {
    /// Code of a row; [`super::NULL`] is NULL. Greater codes are greater values.
    pub fn code(&self, row: u32) -> u32 {
        self.cells.get(row)
    }

    /// Value of a row; `None` is NULL.
    pub fn value(&self, row: u32) -> Option<&Value> {
        self.dictionary.value(self.code(row))
    }

    /// JSON bytes of a row's value (strings quoted and escaped); `null` for NULL.
    pub fn json(&self, row: u32) -> &[u8] {
        self.dictionary.json(self.code(row))
    }

    /// XML character data of a row's value (escaped); empty for NULL.
    pub fn xml(&self, row: u32) -> &[u8] {
        self.dictionary.xml(self.code(row))
    }
}

/// The parts of a [`Table`], before its indexes are made.
#[derive(Debug)]
pub struct TableParts {
    /// Relation name.
    pub relation: String,
    /// Columns by `FieldId`, rows sorted by (vintage descending, key ascending by bytes).
    pub columns: Vec<Column>,
    /// Field with the identifier.
    pub key: FieldId,
    /// Field with the integer identifier.
    pub object_id: Option<FieldId>,
    /// Field with the vintage.
    pub vintage: Option<FieldId>,
    /// Row ▶ feature of the geometry.
    pub geometry_row: Vec<u32>,
}

impl Table {
    /// Joins columns and geometry, and makes the indexes from vintage to rows and from geometry to rows.
    pub fn new(parts: TableParts, geometry: Arc<GeometryTable>) -> Table {
        let rows = parts.geometry_row.len() as u32;
        let mut blocks = Vec::new();
        if let Some(vintage) = parts.vintage {
            let column = &parts.columns[vintage.0 as usize];
            let mut start = 0;
            for row in 1..=rows {
                if row == rows || column.code(row) != column.code(start) {
                    blocks.push(start..row);
                    start = row;
                }
            }
        }
        if blocks.is_empty() {
            blocks.push(0..rows);
        }
        // Counting sort of the rows by feature.
        let mut feature_start = vec![0u32; geometry.len() + 1];
        for feature in &parts.geometry_row {
            feature_start[*feature as usize + 1] += 1;
        }
        for f in 1..feature_start.len() {
            feature_start[f] += feature_start[f - 1];
        }
        let mut next = feature_start.clone();
        let mut feature_rows = vec![0u32; rows as usize];
        for (row, feature) in parts.geometry_row.iter().enumerate() {
            let at = &mut next[*feature as usize];
            feature_rows[*at as usize] = row as u32;
            *at += 1;
        }
        Table {
            relation: parts.relation,
            columns: parts.columns,
            key: parts.key,
            object_id: parts.object_id,
            vintage: parts.vintage,
            geometry,
            geometry_row: parts.geometry_row,
            blocks,
            feature_start,
            feature_rows,
        }
    }

    /// Number of rows, all vintages.
    pub fn len(&self) -> u32 {
        self.geometry_row.len() as u32
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.geometry_row.is_empty()
    }

    /// Rows of each vintage, newest first; one block of all rows when there are no vintages.
    pub fn blocks(&self) -> &[Range<u32>] {
        &self.blocks
    }

    /// How many rows belong to the newest vintage.
    pub fn newest(&self) -> u32 {
        self.blocks.first().map_or(0, |b| b.end)
    }

    /// Rows on a feature of the geometry table, ascending.
    pub fn rows_of(&self, feature: u32) -> &[u32] {
        let f = feature as usize;
        &self.feature_rows[self.feature_start[f] as usize..self.feature_start[f + 1] as usize]
    }

    /// Row inside a block whose key has a code; rows of a block are sorted by key.
    pub fn row_of_key(&self, block: &Range<u32>, code: u32) -> Option<u32> {
        let keys = &self.columns[self.key.0 as usize].cells;
        let (mut low, mut high) = (block.start, block.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match keys.get(middle).cmp(&code) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

impl LayerData {
    /// Column of a field.
    pub fn column(&self, field: FieldId) -> &Column {
        &self.table.columns[field.0 as usize]
    }

    /// Feature of `table.geometry` of a row.
    pub fn feature(&self, row: u32) -> u32 {
        self.table.geometry_row[row as usize]
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

    /// The row of a feature identifier (as [`LayerData::feature_id`] writes it); `None` when there is none.
    pub fn find(&self, id: &str) -> Option<u32> {
        let key = |text: &str| self.column(self.table.key).dictionary.code_of_text(text);
        if !self.evolution {
            return self.table.row_of_key(self.table.blocks.first()?, key(id)?);
        }
        let (id, vintage) = id.rsplit_once('.')?;
        let (code, column) = (key(id)?, self.column(self.table.vintage?));
        let vintage = column.dictionary.code_of_text(vintage)?;
        let block = self.table.blocks.iter().find(|b| !b.is_empty() && column.code(b.start) == vintage)?;
        self.table.row_of_key(block, code)
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
