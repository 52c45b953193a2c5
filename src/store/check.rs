//! Whether the views of the database are what the catalogue says: all faults at once, each with what to do.

use super::decode::Decoder;
use super::sql::{identifier, relation};
use crate::catalogue::{Catalogue, Layer};
use crate::db::DbError;
use tokio_postgres::Transaction;

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The relation, or the relation and its column.
    pub place: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Compares every relation of the catalogue with the database. `publication` says which rows of relations with publications
/// are looked at.
///
/// # Errors
/// [`DbError`] when the database cannot be asked; faults are no error here.
pub async fn faults(tx: &Transaction<'_>, catalogue: &Catalogue, publication: i64) -> Result<Vec<Fault>, DbError> {
    let mut faults = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for layer in catalogue.layers() {
        if !seen.contains(&layer.relation.as_str()) {
            seen.push(&layer.relation);
            Check { tx, layer, publication, faults: &mut faults }.run().await?;
        }
    }
    Ok(faults)
}

struct Check<'a, 'b> {
    tx: &'a Transaction<'b>,
    layer: &'a Layer,
    publication: i64,
    faults: &'a mut Vec<Fault>,
}

/// A column of a relation.
struct Attribute {
    name: String,
    type_name: String,
    /// SRID of the type modifier of a geometry column; 0: none.
    srid: i32,
}

fn failed(source: tokio_postgres::Error) -> DbError {
    DbError::Statement { doing: "comparing the views with the catalogue", source }
}

impl Check<'_, '_> {
    async fn run(mut self) -> Result<(), DbError> {
        let name = relation(&self.layer.relation);
        let found = self
            .tx
            .query_opt(
                "SELECT c.oid, has_table_privilege(c.oid, 'SELECT') FROM pg_class c WHERE c.oid = to_regclass($1)::oid",
                &[&name],
            )
            .await;
        let Some(row) = found.map_err(failed)? else {
            self.fault(None, "does not exist, or lies in a schema that this role may not use");
            return Ok(());
        };
        let (oid, readable): (u32, bool) = (row.get(0), row.get(1));
        if !readable {
            self.fault(None, "may not be read by this role: GRANT SELECT");
            return Ok(());
        }
        let attributes = self.attributes(oid).await?;
        let fields = self.fields(&attributes);
        let geometry = self.geometry(&attributes).await?;
        if fields {
            self.key(oid).await?;
        }
        if geometry && self.layer.publication_column.is_none() {
            self.extent().await?;
        }
        Ok(())
    }

    fn fault(&mut self, column: Option<&str>, what: impl Into<String>) {
        let place = match column {
            Some(column) => format!("{}.{column}", self.layer.relation),
            None => self.layer.relation.clone(),
        };
        self.faults.push(Fault { place, what: what.into() });
    }

    async fn attributes(&self, oid: u32) -> Result<Vec<Attribute>, DbError> {
        let rows = self
            .tx
            .query(
                "SELECT a.attname::text, t.typname::text, \
                 CASE WHEN t.typname = 'geometry' THEN postgis_typmod_srid(a.atttypmod) ELSE 0 END \
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
                 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped",
                &[&oid],
            )
            .await
            .map_err(failed)?;
        Ok(rows.iter().map(|r| Attribute { name: r.get(0), type_name: r.get(1), srid: r.get(2) }).collect())
    }

    /// Fields of the catalogue. True when key and vintage can be used.
    fn fields(&mut self, attributes: &[Attribute]) -> bool {
        let mut usable = true;
        for field in &self.layer.fields {
            let what = match attributes.iter().find(|a| a.name == field.name) {
                None => "the catalogue names this field, the relation has no such column".to_owned(),
                Some(a) if Decoder::of(field.kind, &a.type_name).is_none() => {
                    let fitting = Decoder::fitting(field.kind);
                    format!("the catalogue says {:?}, the column is {}: use {fitting}", field.kind, a.type_name)
                }
                Some(_) => continue,
            };
            usable &= field.id != self.layer.key && Some(field.id) != self.layer.vintage;
            self.fault(Some(&field.name), what);
        }
        if let Some(column) = &self.layer.publication_column
            && !attributes.iter().any(|a| a.name == *column && a.type_name == "int8")
        {
            usable = false;
            self.fault(Some(column), "the publication must be a column of type bigint");
        }
        usable
    }

    /// The geometry column: its type and SRID. True when it can be used.
    async fn geometry(&mut self, attributes: &[Attribute]) -> Result<bool, DbError> {
        let layer = self.layer;
        let column = &layer.geometry_column;
        let srid = match attributes.iter().find(|a| a.name == *column) {
            None => {
                self.fault(Some(column), "the relation has no such geometry column");
                return Ok(false);
            }
            Some(a) if a.type_name != "geometry" => {
                self.fault(Some(column), format!("is {}: a column of type geometry is needed", a.type_name));
                return Ok(false);
            }
            Some(a) => a.srid,
        };
        // A view may have lost the type modifier: then the rows tell.
        let found: Vec<i32> = if srid != 0 {
            vec![srid]
        } else {
            let geometry = identifier(column);
            let sql = format!(
                "SELECT DISTINCT ST_SRID({geometry}) FROM {} WHERE {geometry} IS NOT NULL {} LIMIT 5",
                relation(&layer.relation),
                self.condition(" AND")
            );
            self.tx.query(&sql, &[]).await.map_err(failed)?.iter().map(|r| r.get(0)).collect()
        };
        for srid in found {
            if srid == 0 {
                self.fault(Some(column), format!("has no SRID: ST_SetSRID({column}, {}) in the view", layer.srid));
            } else if srid != layer.srid as i32 {
                self.fault(Some(column), format!("has SRID {srid}, the catalogue says {}", layer.srid));
            }
        }
        Ok(true)
    }

    /// A unique key: an index that promises it, or the rows themselves.
    async fn key(&mut self, oid: u32) -> Result<(), DbError> {
        let layer = self.layer;
        let name = |id| layer.field_by_id(id).map(|f| f.name.clone()).unwrap_or_default();
        let mut columns = vec![name(layer.key)];
        columns.extend(layer.vintage.map(name));
        let mut allowed = columns.clone();
        allowed.extend(layer.publication_column.clone());
        let promised = self
            .tx
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique AND i.indpred IS NULL \
                 AND i.indexprs IS NULL AND (SELECT bool_and(a.attname::text = ANY($2)) FROM unnest(i.indkey) k \
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k))",
                &[&oid, &allowed],
            )
            .await
            .map_err(failed)?;
        if promised.get(0) {
            return Ok(());
        }
        let list = columns.iter().map(|c| identifier(c)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT concat_ws(', ', {list}), count(*) FROM {} WHERE true {} GROUP BY {list} HAVING count(*) > 1 LIMIT 1",
            relation(&layer.relation),
            self.condition(" AND")
        );
        if let Some(row) = self.tx.query_opt(&sql, &[]).await.map_err(failed)? {
            let (key, n): (String, i64) = (row.get(0), row.get(1));
            self.fault(None, format!("has no unique key: ({}) = ({key}) occurs {n} times", columns.join(", ")));
        }
        Ok(())
    }

    /// Something to see. (A relation of a publication may be empty: what a publication holds was decided when it was made.)
    async fn extent(&mut self) -> Result<(), DbError> {
        let geometry = identifier(&self.layer.geometry_column);
        let sql =
            format!("SELECT EXISTS (SELECT FROM {} WHERE NOT ST_IsEmpty({geometry}))", relation(&self.layer.relation));
        if !self.tx.query_one(&sql, &[]).await.map_err(failed)?.get::<_, bool>(0) {
            self.fault(None, "has no spatial extent: no row has a geometry");
        }
        Ok(())
    }

    fn condition(&self, before: &str) -> String {
        match &self.layer.publication_column {
            Some(column) => format!("{before} {} = {}", identifier(column), self.publication),
            None => String::new(),
        }
    }
}
