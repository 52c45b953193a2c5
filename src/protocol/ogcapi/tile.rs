//! Tiles (20-057 §7).

use super::ask::{Ask, Write};
use super::items;
use super::params;
use super::resource::Plan;
use super::tiles::{MVT, Origin};
use super::tms;
use crate::convention::Operation;
use crate::encode::mvt;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::protocol::{Answer, Context};
use crate::query::{Query, TileQuery};
use crate::store::Fetched;
use bytes::Bytes;
use http::StatusCode;

/// `.../tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}`
///
/// # Errors
/// The request's own; [`Error::NotFound`] outside the tile matrix set (`/req/core/tc-error`).
pub fn tile(ask: &Ask) -> Result<Plan> {
    let origin = Origin::of(ask)?;
    let set = tms::of(ask)?;
    let outside = || Error::NotFound { path: ask.request.path.clone() };
    let matrix = set.matrix_by_id(ask.variable("tileMatrix")?).ok_or_else(outside)?;
    let row = params::TILE_ROW.parse(ask.variable("tileRow")?, ask.site)?;
    let column = params::TILE_COL.parse(ask.variable("tileCol")?, ask.site)?;
    let envelope = matrix.tile(row, column).ok_or_else(outside)?;
    let names = ask.get(&params::PROPERTIES)?;
    let mut layers = Vec::new();
    for id in &origin.layers {
        let layer = ask.site.catalogue.layer_by_id(*id).ok_or(Error::Internal)?;
        // Among several layers, those that maps do not draw at this scale are left out.
        let (min, max) = layer.scale_range;
        let scale = matrix.scale_denominator;
        let drawn = min.is_none_or(|m| scale >= m) && max.is_none_or(|m| scale < m);
        if !drawn && origin.layers.len() > 1 {
            continue;
        }
        let fields = layer.fields.iter().filter(|f| names.as_ref().is_none_or(|n| n.contains(&f.name)));
        layers.push((layer.id, fields.map(|f| f.id).collect()));
    }
    // One layer alone has a filter: fields of a filter are those of a layer.
    let alone = ask.resource.path.starts_with("/collections/");
    let filter = if alone { items::filter(ask, ask.layer()?)? } else { Filter::All };
    let dated = alone && ask.get(&params::DATETIME)?.is_some();
    let query = TileQuery { layers, crs: set.crs, envelope, zoom: matrix.level, filter, newest: !dated };
    let reply = Write(move |fetched: Fetched, context: &Context| {
        let Fetched::Layers(parts) = fetched else { return Err(Error::Internal) };
        let body = mvt::tile(&context.site.catalogue, &parts, &envelope)?;
        let features = parts.iter().map(|p| p.rows.len() as u64).sum();
        let empty = body.is_empty();
        let mut answer = Answer::ok(MVT, Bytes::from(body));
        answer.features = features;
        if empty {
            answer.status = StatusCode::NO_CONTENT;
        }
        Ok(answer)
    });
    Ok(Plan { query: Query::Tile(query), operation: Operation::Tuiles, data: true, reply: Box::new(reply) })
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::filter::{Filter, TemporalOp};
    use crate::geo::Crs;
    use crate::protocol::ogcapi::testing::{answer, body, parse};
    use crate::query::{Query, TileQuery};
    use crate::store::Fetched;
    use crate::store::fixture::metropolis;

    fn query(target: &str) -> Result<TileQuery, Error> {
        match parse(target).map_err(|f| f.error)?.query {
            Query::Tile(t) => Ok(t),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_tile_is_found_by_matrix_row_and_column() {
        let t = query("/collections/parc_iris/tiles/WebMercatorQuad/12/1377/2082").unwrap();
        assert_eq!((t.crs, t.zoom, t.layers.len(), t.newest), (Crs::WebMercator, 12, 1, true));
        assert!(t.envelope.contains([340_000.0, 6_557_000.0]), "{:?}", t.envelope);
        let t = query("/tiles/LAMB93/9/50/6?collections=parc_iris,contour_iris&properties=statut").unwrap();
        assert_eq!((t.crs, t.layers.len(), t.layers[0].1.len(), t.layers[1].1.len()), (Crs::Lambert93, 2, 1, 0));
    }

    #[test]
    fn out_of_range_is_not_found_and_nonsense_is_wrong() {
        for outside in ["12/4096/0", "12/0/4096", "25/0/0", "012/0/0", "x/0/0", "12/4294967295/0"] {
            let e = query(&format!("/tiles/WebMercatorQuad/{outside}"));
            assert!(matches!(e, Err(Error::NotFound { .. })), "{outside}: {e:?}");
        }
        for wrong in ["12/-1/0", "12/0/x", "12/1.5/0"] {
            assert!(matches!(query(&format!("/tiles/WebMercatorQuad/{wrong}")), Err(Error::Invalid { .. })), "{wrong}");
        }
        assert!(matches!(query("/tiles/Nothing/0/0/0"), Err(Error::Unknown { .. })));
    }

    #[test]
    fn a_collection_tile_takes_a_filter_and_a_date() {
        let base = "/collections/parc_iris_evolution/tiles/WebMercatorQuad/0/0/0";
        let t = query(&format!("{base}?datetime=2023-01-01T00:00:00Z")).unwrap();
        assert!(matches!(t.filter, Filter::Temporal { op: TemporalOp::AnyInteracts, .. }) && !t.newest);
        let t = query(&format!("{base}?filter=nb_logements>11")).unwrap();
        assert!(matches!(t.filter, Filter::Compare { .. }) && t.newest);
        assert!(query("/tiles/WebMercatorQuad/0/0/0?filter=nb_logements>11").is_err());
    }

    #[test]
    fn tiles_hold_features_and_empty_ones_have_no_content() {
        let world = metropolis();
        let target = "/collections/parc_commune/tiles/LAMB93/0/0/0";
        let rows = world.rows("parc_commune");
        let full = answer(target, Fetched::Layers(vec![rows.clone()])).unwrap();
        assert_eq!((full.status.as_u16(), full.features), (200, 3));
        assert!(!body(full).is_empty());
        let none = crate::store::Rows { rows: Vec::new(), ..rows };
        let empty = answer(target, Fetched::Layers(vec![none])).unwrap();
        assert_eq!(empty.status.as_u16(), 204);
        assert!(body(empty).is_empty());
    }
}
