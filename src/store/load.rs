//! A publication out of PostgreSQL, in one REPEATABLE READ transaction: binary rows, decoded straight into columns.

use super::build::{Pool, TableBuilder};
use super::decode::{Decoder, Raw};
use super::sql::{identifier, relation};
use super::{LayerData, Snapshot, StoreError, Table, check};
use crate::catalogue::{Catalogue, FieldKind, Layer, Text, Vintages};
use crate::db::DbError;
use futures_util::TryStreamExt;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use tokio_postgres::{Client, IsolationLevel, Transaction};

/// A publication as the registry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// Number; 0 for plain views.
    pub id: i64,
    /// When it became current, milliseconds since 1970.
    pub since: i64,
}

/// Whether a catalogue names relations with publications.
pub fn has_publications(catalogue: &Catalogue) -> bool {
    catalogue.layers().iter().any(|l| l.publication_column.is_some())
}

/// The statement that finds the current publication.
const CURRENT: &str = "SELECT id, (extract(epoch FROM courante_depuis) * 1000)::bigint FROM registre.publication \
                       WHERE etat = 'courante'";

/// The statement that finds a publication in its grace time (row security shows no other).
pub const READABLE: &str = "SELECT id, (extract(epoch FROM courante_depuis) * 1000)::bigint FROM registre.publication \
                        WHERE id = $1 AND etat IN ('courante', 'ancienne')";

/// The statement that says by which rule a publication was made (`parametres.texte`: its words in both languages), and until
/// when a former one is readable.
const RULE: &str = "SELECT coalesce(parametres #>> '{texte,fr}', ''), coalesce(parametres #>> '{texte,en}', ''), \
                    (SELECT (extract(epoch FROM max(fin_grace)) * 1000)::bigint FROM registre.publication \
                     WHERE etat = 'ancienne') FROM registre.publication WHERE id = $1";

/// The current publication; `None` when there is none.
///
/// # Errors
/// [`DbError`].
pub async fn current(client: &Client) -> Result<Option<Publication>, DbError> {
    let found = client.query_opt(CURRENT, &[]).await;
    let found = found.map_err(|source| DbError::Statement { doing: "finding the current publication", source })?;
    Ok(found.map(|r| Publication { id: r.get(0), since: r.get(1) }))
}

/// Loads a publication (`None`: the current one) with the views that belong to none.
///
/// # Errors
/// [`StoreError`]: no such publication, views that do not fit the catalogue, rows that cannot be used.
pub async fn load(client: &mut Client, catalogue: &Catalogue, wanted: Option<i64>) -> Result<Snapshot, StoreError> {
    let begun = std::time::Instant::now();
    let doing = |doing| move |source| DbError::Statement { doing, source };
    let tx = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await;
    let tx = tx.map_err(doing("beginning to load a publication"))?;
    let (mut rule, mut former) = (Text::default(), 0);
    let publication = if has_publications(catalogue) {
        let found = match wanted {
            None => tx.query_opt(CURRENT, &[]).await,
            Some(id) => tx.query_opt(READABLE, &[&id]).await,
        };
        let found = found.map_err(doing("finding a publication"))?;
        let publication = found.map(|r| Publication { id: r.get(0), since: r.get(1) });
        let publication = publication.ok_or(StoreError::NoPublication { wanted })?;
        let said = tx.query_opt(RULE, &[&publication.id]).await.map_err(doing("reading the rule of a publication"))?;
        if let Some(r) = said {
            rule = Text { fr: r.get(0), en: r.get(1) };
            former = r.get::<_, Option<i64>>(2).unwrap_or(0);
        }
        publication
    } else {
        Publication { id: 0, since: jiff::Timestamp::now().as_millisecond() }
    };
    let faults = check::faults(&tx, catalogue, publication.id).await?;
    if !faults.is_empty() {
        return Err(StoreError::Faults(faults));
    }
    let mut pool = Pool::default();
    let mut tables: HashMap<&str, Arc<Table>> = HashMap::new();
    for layer in catalogue.layers() {
        if !tables.contains_key(layer.relation.as_str()) {
            let table = read(&tx, layer, publication.id, &mut pool).await?;
            tables.insert(&layer.relation, Arc::new(table));
        }
    }
    tx.commit().await.map_err(doing("ending to load a publication"))?;
    let snapshot = assemble(catalogue, publication, (rule, former), &tables);
    tracing::info!(
        publication = publication.id,
        rows = tables.values().map(|t| u64::from(t.len())).sum::<u64>(),
        millis = begun.elapsed().as_millis() as u64,
        "publication loaded"
    );
    Ok(snapshot)
}

/// Joins tables to layers; `said`: [`Snapshot::rule`] and [`Snapshot::former_until`].
pub fn assemble<K>(
    catalogue: &Catalogue,
    publication: Publication,
    (rule, former_until): (Text, i64),
    tables: &HashMap<K, Arc<Table>>,
) -> Snapshot
where
    K: std::borrow::Borrow<str> + std::hash::Hash + Eq,
{
    let layer = |layer: &Layer| {
        let table = Arc::clone(tables.get(layer.relation.as_str())?);
        let evolution = layer.vintages == Vintages::All;
        let len = if evolution { table.len() } else { table.newest() };
        Some(LayerData { table, len, evolution })
    };
    let layers = catalogue.layers().iter().filter_map(layer).collect();
    Snapshot { publication: publication.id, published: publication.since, rule, former_until, layers }
}

async fn read(tx: &Transaction<'_>, layer: &Layer, publication: i64, pool: &mut Pool) -> Result<Table, StoreError> {
    let failed = |source| DbError::Statement { doing: "reading a relation", source };
    let mut columns: Vec<String> = layer.fields.iter().map(|f| identifier(&f.name)).collect();
    columns.push(identifier(&layer.geometry_column));
    let condition = match &layer.publication_column {
        Some(column) => format!(" WHERE {} = {publication}", identifier(column)),
        None => String::new(),
    };
    let sql = format!("SELECT {} FROM {}{condition}", columns.join(", "), relation(&layer.relation));
    let statement = tx.prepare(&sql).await.map_err(failed)?;
    let unfit = |column: &str| StoreError::Value { relation: layer.relation.clone(), column: column.to_owned() };
    let mut decoders: Vec<(Decoder, FieldKind)> = Vec::with_capacity(layer.fields.len());
    for (field, column) in layer.fields.iter().zip(statement.columns()) {
        let decoder = Decoder::of(field.kind, column.type_().name()).ok_or_else(|| unfit(&field.name))?;
        decoders.push((decoder, field.kind));
    }
    let geometry = decoders.len();
    let mut builder = TableBuilder::new(layer, pool);
    let rows = tx.query_raw(&statement, std::iter::empty::<i32>()).await.map_err(failed)?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        for (i, (decoder, kind)) in decoders.iter().enumerate() {
            let column = &mut builder.columns[i];
            match row.try_get::<_, Option<Raw<'_>>>(i).map_err(failed)? {
                None => column.null(),
                Some(Raw(bytes)) if decoder.push(bytes, *kind, column) => {}
                Some(_) => return Err(unfit(&layer.fields[i].name)),
            }
        }
        match row.try_get::<_, Option<Raw<'_>>>(geometry).map_err(failed)? {
            Some(Raw(wkb)) => builder.geometry(wkb)?,
            None => return Err(unfit(&layer.geometry_column)),
        }
    }
    Ok(builder.finish(pool)?)
}
