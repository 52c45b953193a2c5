//! From rows to tables: dictionaries, shared geometry, the order of rows. Used by the loader and by hand-made snapshots.

use super::NULL;
use super::dictionary::{Dictionary, canonical, compare};
use super::geometry::{GeometryTable, Shapes};
use super::snapshot::{Cells, Column, Table, TableParts};
use crate::catalogue::{FieldId, FieldKind, Layer};
use crate::geo::wkb::{Flat, WkbError};
use crate::geo::{Crs, GeometryKind, Position, Transform, transform};
use crate::query::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// What is wrong with the rows of a relation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A geometry cannot be read.
    #[error("{relation}: {source}")]
    Geometry {
        /// Relation.
        relation: String,
        /// Why.
        source: WkbError,
    },
    /// A geometry is of another kind than the catalogue says.
    #[error("{relation}: a geometry is not of kind {kind:?}")]
    Kind {
        /// Relation.
        relation: String,
        /// Kind of the catalogue.
        kind: GeometryKind,
    },
    /// A geometry carries another SRID than the catalogue says.
    #[error("{relation}: a geometry has SRID {found}, the catalogue says {expected}")]
    Srid {
        /// Relation.
        relation: String,
        /// SRID of the geometry.
        found: u32,
        /// SRID of the catalogue.
        expected: u32,
    },
    /// Coordinates cannot be transformed.
    #[error("{relation}: SRID {srid} cannot be transformed to EPSG:2154, 3857 and 4326")]
    Transform {
        /// Relation.
        relation: String,
        /// SRID of the geometry.
        srid: u32,
    },
    /// The key is not unique.
    #[error("{relation}: the key {key:?} occurs twice{}", vintage.map(|v| format!(" in vintage {v}")).unwrap_or_default())]
    Key {
        /// Relation.
        relation: String,
        /// A key that occurs twice.
        key: String,
        /// In which vintage.
        vintage: Option<i64>,
    },
    /// A key, vintage or geometry is NULL.
    #[error("{relation}: {field} is NULL in a row")]
    Null {
        /// Relation.
        relation: String,
        /// Column.
        field: String,
    },
    /// More rows or positions than a `u32` counts.
    #[error("{relation}: too large")]
    Size {
        /// Relation.
        relation: String,
    },
}

/// Collects the cells of a column.
#[derive(Debug)]
pub struct ColumnBuilder {
    kind: FieldKind,
    /// Codes in order of appearance, from 1 on.
    codes: Cells,
    values: Vec<Value>,
    text: HashMap<Box<str>, u32>,
    numbers: HashMap<u64, u32>,
}

impl ColumnBuilder {
    fn new(kind: FieldKind) -> Self {
        ColumnBuilder {
            kind,
            codes: Cells::Byte(Vec::new()),
            values: Vec::new(),
            text: HashMap::new(),
            numbers: HashMap::new(),
        }
    }

    /// NULL.
    pub fn null(&mut self) {
        self.codes.push(NULL);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        let code = match self.text.get(text) {
            Some(code) => *code,
            None => {
                self.values.push(Value::Text(text.to_owned()));
                let code = self.values.len() as u32;
                self.text.insert(text.into(), code);
                code
            }
        };
        self.codes.push(code);
    }

    /// A whole number.
    pub fn int(&mut self, n: i64) {
        self.number(n as u64, Value::Int(n));
    }

    /// A double.
    pub fn double(&mut self, v: f64) {
        let v = canonical(v);
        self.number(v.to_bits(), Value::Double(v));
    }

    /// An instant, milliseconds since 1970.
    pub fn date_time(&mut self, ms: i64) {
        self.number(ms as u64, Value::DateTime(ms));
    }

    /// Any value.
    pub fn value(&mut self, value: Option<&Value>) {
        match value {
            None => self.null(),
            Some(Value::Text(t)) => self.text(t),
            Some(Value::Int(n)) if self.kind == FieldKind::Double => self.double(*n as f64),
            Some(Value::Int(n)) => self.int(*n),
            Some(Value::Double(v)) => self.double(*v),
            Some(Value::DateTime(ms)) => self.date_time(*ms),
        }
    }

    fn number(&mut self, bits: u64, value: Value) {
        let next = self.values.len() as u32 + 1;
        let code = *self.numbers.entry(bits).or_insert(next);
        if code == next {
            self.values.push(value);
        }
        self.codes.push(code);
    }

    /// Sorts the distinct values.
    fn sorted(mut self) -> Sorted {
        drop((std::mem::take(&mut self.text), std::mem::take(&mut self.numbers)));
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        order.sort_unstable_by(|a, b| compare(&self.values[*a as usize], &self.values[*b as usize]));
        let mut rank = vec![NULL; self.values.len() + 1];
        let mut values = Vec::with_capacity(self.values.len());
        for (n, old) in order.iter().enumerate() {
            rank[*old as usize + 1] = n as u32 + 1;
            values.push(std::mem::replace(&mut self.values[*old as usize], Value::Int(0)));
        }
        Sorted { kind: self.kind, codes: self.codes, rank, values }
    }
}

/// A column with its values sorted.
struct Sorted {
    kind: FieldKind,
    codes: Cells,
    /// Code in order of appearance ▶ code in order of values.
    rank: Vec<u32>,
    values: Vec<Value>,
}

impl Sorted {
    fn code(&self, row: u32) -> u32 {
        self.rank[self.codes.get(row) as usize]
    }

    fn value(&self, row: u32) -> Option<&Value> {
        self.code(row).checked_sub(1).and_then(|i| self.values.get(i as usize))
    }
}

/// Collects the rows of a relation: for each row one value a column, then the geometry.
#[derive(Debug)]
pub struct TableBuilder {
    relation: String,
    /// Columns by `FieldId`.
    pub columns: Vec<ColumnBuilder>,
    /// Names of the columns, and whether NULL may stand in them.
    names: Vec<(String, bool)>,
    key: FieldId,
    object_id: Option<FieldId>,
    vintage: Option<FieldId>,
    kind: GeometryKind,
    srid: u32,
    hashers: [RandomState; 2],
    /// Features of this relation by the hash of their bytes, in order of appearance.
    seen: HashMap<(u64, u64), u32>,
    feature_of_row: Vec<u32>,
    feature_parts: Vec<u32>,
    part_rings: Vec<u32>,
    ring_positions: Vec<u32>,
    positions: Vec<Position>,
    flat: Flat,
}

impl TableBuilder {
    /// Begins a relation as a layer of the full catalogue describes it.
    pub fn new(layer: &Layer, pool: &Pool) -> Self {
        TableBuilder {
            relation: layer.relation.clone(),
            columns: layer.fields.iter().map(|f| ColumnBuilder::new(f.kind)).collect(),
            names: layer.fields.iter().map(|f| (f.name.clone(), f.nullable)).collect(),
            key: layer.key,
            object_id: layer.object_id,
            vintage: layer.vintage,
            kind: layer.geometry,
            srid: layer.srid,
            hashers: pool.hashers.clone(),
            seen: HashMap::new(),
            feature_of_row: Vec::new(),
            feature_parts: vec![0],
            part_rings: vec![0],
            ring_positions: vec![0],
            positions: Vec::new(),
            flat: Flat::default(),
        }
    }

    /// The geometry of the row whose values were pushed before, as (E)WKB. Equal bytes are stored once.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn geometry(&mut self, wkb: &[u8]) -> Result<(), BuildError> {
        let hash = (self.hashers[0].hash_one(wkb), self.hashers[1].hash_one(wkb));
        let next = self.seen.len() as u32;
        let feature = *self.seen.entry(hash).or_insert(next);
        if feature == next {
            self.shape(wkb)?;
        }
        self.feature_of_row.push(feature);
        Ok(())
    }

    fn shape(&mut self, wkb: &[u8]) -> Result<(), BuildError> {
        let relation = || self.relation.clone();
        self.flat.read(wkb).map_err(|source| BuildError::Geometry { relation: relation(), source })?;
        match self.flat.srid {
            Some(found) if found != self.srid => {
                return Err(BuildError::Srid { relation: relation(), found, expected: self.srid });
            }
            _ => {}
        }
        let fits = match self.kind {
            GeometryKind::Point => self.flat.dimension == Some(0) && self.flat.parts.len() == 1,
            kind => self.flat.dimension.is_none_or(|d| d == kind.dimension()),
        };
        if !fits {
            return Err(BuildError::Kind { relation: relation(), kind: self.kind });
        }
        if self.flat.parts.is_empty() {
            return Err(BuildError::Null { relation: relation(), field: "geometry".into() });
        }
        if self.positions.len() + self.flat.positions.len() > u32::MAX as usize {
            return Err(BuildError::Size { relation: relation() });
        }
        let append = |ends: &mut Vec<u32>, lengths: &[u32]| {
            let mut end = ends.last().copied().unwrap_or(0);
            ends.extend(lengths.iter().map(|n| {
                end += n;
                end
            }));
        };
        append(&mut self.ring_positions, &self.flat.rings);
        append(&mut self.part_rings, &self.flat.parts);
        append(&mut self.feature_parts, &[self.flat.parts.len() as u32]);
        self.positions.extend_from_slice(&self.flat.positions);
        Ok(())
    }

    /// Sorts, packs and joins all of it.
    ///
    /// # Errors
    /// [`BuildError`]: a key that is NULL or occurs twice, coordinates that cannot be transformed.
    pub fn finish(mut self, pool: &mut Pool) -> Result<Table, BuildError> {
        let mut columns: Vec<Option<ColumnBuilder>> = std::mem::take(&mut self.columns).into_iter().map(Some).collect();
        let mut take = |f: FieldId| columns.get_mut(f.0 as usize).and_then(Option::take).map(ColumnBuilder::sorted);
        let mut keys = take(self.key);
        let mut vintages = self.vintage.and_then(take);
        let order = self.order(keys.as_ref(), vintages.as_ref())?;
        let mut packed = Vec::with_capacity(columns.len());
        // One column after the other, so that at most one stands twice in memory.
        for (n, column) in columns.iter_mut().enumerate() {
            let sorted = match column.take() {
                Some(builder) => Some(builder.sorted()),
                None if n == self.key.0 as usize => keys.take(),
                None => vintages.take(),
            };
            let Some(sorted) = sorted else { continue };
            let (name, nullable) = &self.names[n];
            if !nullable && order.iter().any(|r| sorted.code(*r) == NULL) {
                return Err(BuildError::Null { relation: self.relation.clone(), field: name.clone() });
            }
            let cells = Cells::pack(order.iter().map(|r| sorted.code(*r)), sorted.values.len() as u32);
            let dictionary = pool.dictionary(Dictionary::new(sorted.kind, sorted.values));
            packed.push(Column { kind: sorted.kind, cells, dictionary });
        }
        let parts = TableParts {
            relation: self.relation.clone(),
            columns: packed,
            key: self.key,
            object_id: self.object_id,
            vintage: self.vintage,
            geometry_row: Vec::new(),
        };
        let (geometry, numbers) = self.share(pool)?;
        let row = |r: &u32| numbers[self.feature_of_row[*r as usize] as usize];
        let geometry_row = order.iter().map(row).collect();
        Ok(Table::new(TableParts { geometry_row, ..parts }, geometry))
    }

    /// Rows by (vintage descending, key); faults of the key.
    fn order(&self, keys: Option<&Sorted>, vintages: Option<&Sorted>) -> Result<Vec<u32>, BuildError> {
        let rows = self.feature_of_row.len() as u32;
        let name = |field: FieldId| self.names.get(field.0 as usize).map(|n| n.0.clone()).unwrap_or_default();
        let null = |field| BuildError::Null { relation: self.relation.clone(), field: name(field) };
        let keys = keys.ok_or_else(|| null(self.key))?;
        if (0..rows).any(|r| keys.code(r) == NULL) {
            return Err(null(self.key));
        }
        if let (Some(sorted), Some(field)) = (vintages, self.vintage)
            && (0..rows).any(|r| sorted.code(r) == NULL)
        {
            return Err(null(field));
        }
        let place = |r: &u32| (std::cmp::Reverse(vintages.map_or(0, |v| v.code(*r))), keys.code(*r));
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_unstable_by_key(place);
        match order.windows(2).find(|w| place(&w[0]) == place(&w[1])) {
            None => Ok(order),
            Some(pair) => {
                let key = match keys.value(pair[0]) {
                    Some(Value::Text(t)) => t.clone(),
                    Some(Value::Int(n)) => n.to_string(),
                    other => format!("{other:?}"),
                };
                let vintage = match vintages.and_then(|v| v.value(pair[0])) {
                    Some(Value::Int(n)) => Some(*n),
                    _ => None,
                };
                Err(BuildError::Key { relation: self.relation.clone(), key, vintage })
            }
        }
    }

    /// A geometry table that holds this relation's features: one that another relation brought, or a new one; and this
    /// relation's features as features of that table.
    fn share(&mut self, pool: &mut Pool) -> Result<(Arc<GeometryTable>, Vec<u32>), BuildError> {
        let kept = pool.tables.iter().find(|t| {
            // A table of which this relation would use less than half is not worth searching through.
            (t.kind, t.srid) == (self.kind, self.srid)
                && t.features.len() <= self.seen.len() * 2
                && self.seen.keys().all(|h| t.features.contains_key(h))
        });
        let mut numbers = vec![0; self.seen.len()];
        if let Some(kept) = kept {
            for (hash, feature) in &self.seen {
                numbers[*feature as usize] = kept.features.get(hash).copied().unwrap_or(0);
            }
            return Ok((Arc::clone(&kept.table), numbers));
        }
        let shapes = self.transformed()?;
        let table = Arc::new(GeometryTable::new(shapes));
        numbers.iter_mut().enumerate().for_each(|(i, n)| *n = i as u32);
        let features = std::mem::take(&mut self.seen);
        pool.tables.push(Kept { kind: self.kind, srid: self.srid, features, table: Arc::clone(&table) });
        Ok((table, numbers))
    }

    fn transformed(&mut self) -> Result<Shapes, BuildError> {
        let fault = || BuildError::Transform { relation: self.relation.clone(), srid: self.srid };
        let mut native = std::mem::take(&mut self.positions);
        // Data in a CRS that is handed out are rounded in it first: the other coordinates belong to what clients read.
        if let Some(crs) = Crs::from_epsg(self.srid) {
            rounded(&mut native, crs);
        }
        let to = |crs: Crs| {
            let mut positions = native.clone();
            Transform::from_srid(self.srid, crs).ok_or_else(fault)?.apply(&mut positions);
            rounded(&mut positions, crs);
            if positions.iter().flatten().all(|v| v.is_finite()) { Ok(positions) } else { Err(fault()) }
        };
        Ok(Shapes {
            kind: self.kind,
            lambert93: to(Crs::Lambert93)?,
            web_mercator: to(Crs::WebMercator)?,
            degrees: to(Crs::Crs84)?,
            feature_parts: std::mem::take(&mut self.feature_parts),
            part_rings: std::mem::take(&mut self.part_rings),
            ring_positions: std::mem::take(&mut self.ring_positions),
        })
    }
}

fn rounded(positions: &mut [Position], crs: Crs) {
    positions.iter_mut().flatten().for_each(|v| *v = transform::round(*v, crs.decimals()));
}

/// What the tables of one snapshot share.
#[derive(Debug, Default)]
pub struct Pool {
    hashers: [RandomState; 2],
    tables: Vec<Kept>,
    dictionaries: HashMap<u64, Vec<Arc<Dictionary>>>,
}

#[derive(Debug)]
struct Kept {
    kind: GeometryKind,
    srid: u32,
    features: HashMap<(u64, u64), u32>,
    table: Arc<GeometryTable>,
}

impl Pool {
    /// The dictionary, or an equal one that is there already.
    pub fn dictionary(&mut self, dictionary: Dictionary) -> Arc<Dictionary> {
        let same = self.dictionaries.entry(dictionary.fingerprint(&self.hashers[0])).or_default();
        if let Some(found) = same.iter().find(|d| ***d == dictionary) {
            return Arc::clone(found);
        }
        let shared = Arc::new(dictionary);
        same.push(Arc::clone(&shared));
        shared
    }
}
