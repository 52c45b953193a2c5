//! Features of a collection (17-069r4 §7.15, §7.16): the request side.

use super::ask::Ask;
use super::features::{Listing, one};
use super::negotiate::Format;
use super::params::{self, FilterLang};
use super::resource::Plan;
use super::table;
use super::time::Interval;
use crate::catalogue::{Field, FieldId, FieldKind, Layer};
use crate::convention::Operation;
use crate::error::{Error, NameKind, Reason, Result};
use crate::filter::cql2::{self, Scope};
use crate::filter::{CompareOp, Expr, Filter, TemporalOp};
use crate::geo::{Axes, Crs, Envelope};
use crate::query::{Page, Query, Select, SortKey, Value};

/// `/collections/{collectionId}/items`
///
/// # Errors
/// The request's own.
pub fn features(ask: &Ask) -> Result<Plan> {
    let layer = ask.layer()?;
    let crs = ask.get(&params::CRS)?.unwrap_or(Crs::Crs84);
    let limit = ask.get(&params::LIMIT)?.unwrap_or_else(|| params::default_limit(ask.site));
    // Pages for people stay short: their links lead on with the same length.
    let limit = if ask.page.offer.format == Format::Html { limit.min(table::ROWS as u64) } else { limit };
    let offset = ask.get(&params::OFFSET)?.unwrap_or(0);
    let skip = ask.get(&params::SKIP_GEOMETRY)?.unwrap_or(false);
    let select = Select {
        layer: layer.id,
        fields: fields(ask, layer)?,
        // Tables show no geometry; the map of the page fetches it by itself.
        geometry: !skip && ask.page.offer.format != Format::Html,
        filter: filter(ask, layer)?,
        order: order(ask, layer)?,
        page: Page { start: offset, count: Some(limit), publication: ask.get(&params::PUBLICATION)? },
        crs,
    };
    let listing = Listing { page: ask.page.clone(), layer: layer.id, limit, offset };
    let query = Query::Features(vec![select]);
    Ok(Plan { query, operation: Operation::Wfs, data: true, reply: Box::new(listing) })
}

/// `/collections/{collectionId}/items/{featureId}`
///
/// # Errors
/// The request's own.
pub fn feature(ask: &Ask) -> Result<Plan> {
    let layer = ask.layer()?;
    let id = ask.variable("featureId")?.to_owned();
    let select = Select {
        layer: layer.id,
        fields: fields(ask, layer)?,
        geometry: true,
        filter: Filter::Ids(vec![id.clone()]),
        order: Vec::new(),
        page: Page::ALL,
        crs: ask.get(&params::CRS)?.unwrap_or(Crs::Crs84),
    };
    Ok(one(ask.page.clone(), select, id))
}

fn known<'l>(layer: &'l Layer, name: &str) -> Result<&'l Field> {
    layer.field(name).ok_or_else(|| Error::unknown(NameKind::Property, name))
}

/// Fields to hand out, in the catalogue's order.
fn fields(ask: &Ask, layer: &Layer) -> Result<Vec<FieldId>> {
    let Some(names) = ask.get(&params::PROPERTIES)? else { return Ok(layer.fields.iter().map(|f| f.id).collect()) };
    let wanted: Vec<FieldId> = names.iter().map(|n| known(layer, n).map(|f| f.id)).collect::<Result<_>>()?;
    Ok(layer.fields.iter().map(|f| f.id).filter(|f| wanted.contains(f)).collect())
}

fn order(ask: &Ask, layer: &Layer) -> Result<Vec<SortKey>> {
    let keys = ask.get(&params::SORTBY)?.unwrap_or_default();
    keys.into_iter()
        .map(|(name, descending)| known(layer, &name).map(|f| SortKey { field: Some(f.id), descending }))
        .collect()
}

/// All conditions, joined by AND (19-079r2 `/req/filter/mixing-expressions`). Only parameters of the resource occur.
///
/// # Errors
/// Those of the parameters.
pub fn filter(ask: &Ask, layer: &Layer) -> Result<Filter> {
    let mut all = Filter::All;
    let bbox_crs = ask.get(&params::BBOX_CRS)?.unwrap_or(Crs::Crs84);
    if let Some(numbers) = ask.get(&params::BBOX)? {
        all = all.and(bbox(numbers, bbox_crs)?);
    }
    if let Some(interval) = ask.get(&params::DATETIME)? {
        // A layer without a date is not restricted (17-069r4 §7.15.4: features without time are selected).
        if let Some(date) = layer.date {
            all = all.and(interval_filter(date, interval));
        }
    }
    for (name, value) in &ask.request.query {
        let parameter = ask.resource.params.iter().any(|p| p.name() == name);
        if let (false, Some(field)) = (parameter, layer.field(name)) {
            all = all.and(equals(field, value)?);
        }
    }
    let crs = ask.get(&params::FILTER_CRS)?.unwrap_or(Crs::Crs84);
    let lang = ask.get(&params::FILTER_LANG)?.unwrap_or(FilterLang::Text);
    let filter = ask.get(&params::FILTER)?.map(|text| ("filter", text, lang));
    let clause = ask.get(&params::QUERY)?.map(|text| ("query", text, FilterLang::Text));
    for (name, text, lang) in filter.into_iter().chain(clause) {
        let limits = &ask.site.limits;
        let scope =
            Scope { layer, crs, depth: limits.depth, nodes: limits.filter_nodes, positions: limits.filter_positions };
        let read = match lang {
            FilterLang::Text => cql2::from_text(&text, &scope),
            FilterLang::Json => cql2::from_json(&text, &scope),
        };
        all = all.and(read.map_err(|e| Error::invalid(name, &text, e.into()))?);
    }
    Ok(all)
}

fn bbox(numbers: [f64; 4], crs: Crs) -> Result<Filter> {
    let [a, b, c, d] = numbers;
    let [west, south, east, north] = match crs.authority_axes() {
        Axes::EastNorth => [a, b, c, d],
        Axes::NorthEast => [b, a, d, c],
    };
    let shown = format!("{a},{b},{c},{d}");
    let part = |west: f64, east: f64| {
        Envelope::new(west, south, east, north)
            .map(|envelope| Filter::BBox { envelope, crs })
            .ok_or_else(|| Error::invalid("bbox", &shown, Reason::Corners))
    };
    if crs.is_geographic() && west > east {
        // A box over the antimeridian (17-069r4 §7.15.3) is two boxes.
        return Ok(Filter::Or(vec![part(west, 180.0)?, part(-180.0, east)?]));
    }
    part(west, east)
}

fn interval_filter(field: FieldId, interval: Interval) -> Filter {
    Filter::Temporal { op: TemporalOp::AnyInteracts, field, begin: interval.begin, end: interval.end }
}

/// `name=value` (17-069r4 §7.15.5).
fn equals(field: &Field, text: &str) -> Result<Filter> {
    let wrong = |what: Reason| Error::invalid(field.name.clone(), text, what);
    let value = match field.kind {
        FieldKind::Text => Value::Text(text.to_owned()),
        FieldKind::Int | FieldKind::Long => Value::Int(text.parse().map_err(|_| wrong(Reason::WholeNumber))?),
        FieldKind::Double => {
            Value::Double(text.parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(|| wrong(Reason::Number))?)
        }
        FieldKind::DateTime => {
            let interval = super::time::read_interval(text).map_err(wrong)?;
            return Ok(interval_filter(field.id, interval));
        }
    };
    let (left, right) = (Expr::Field(field.id), Expr::Literal(value));
    Ok(Filter::Compare { op: CompareOp::Eq, left, right, match_case: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ogcapi::testing::{parse, site};

    fn select(target: &str) -> Result<Select> {
        match parse(target).map_err(|f| f.error)?.query {
            Query::Features(mut parts) => Ok(parts.remove(0)),
            Query::Feature(part) => Ok(part),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_plain_request() {
        let s = select("/collections/parc_iris/items").unwrap();
        let site = site();
        let layer = site.catalogue.layer("parc_iris").unwrap();
        assert_eq!((s.layer, s.fields.len(), s.geometry, s.crs), (layer.id, layer.fields.len(), true, Crs::Crs84));
        assert_eq!(s.page, Page { start: 0, count: Some(100), publication: None });
        assert_eq!(s.filter, Filter::All);
        // The alias prefix leads to the same.
        assert_eq!(select("/ogc/collections/parc_iris/items").unwrap(), s);
    }

    #[test]
    fn a_limit_over_the_maximum_is_brought_down() {
        assert_eq!(select("/collections/parc_iris/items?limit=99999999999").unwrap().page.count, Some(1_000_000));
        for bad in ["0", "-1", "ten", "", "1.5"] {
            assert!(select(&format!("/collections/parc_iris/items?limit={bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn boxes_follow_the_axes_of_their_crs() {
        let bbox = |t: &str| select(&format!("/collections/parc_iris/items?{t}")).map(|s| s.filter);
        let envelope = Envelope::new(3.0, 50.0, 3.1, 50.1).unwrap();
        assert_eq!(bbox("bbox=3,50,3.1,50.1"), Ok(Filter::BBox { envelope, crs: Crs::Crs84 }));
        assert_eq!(bbox("bbox=3,50,-10,3.1,50.1,20"), Ok(Filter::BBox { envelope, crs: Crs::Crs84 }));
        let uri = "http://www.opengis.net/def/crs/EPSG/0/4326";
        assert_eq!(bbox(&format!("bbox=50,3,50.1,3.1&bbox-crs={uri}")), Ok(Filter::BBox { envelope, crs: Crs::Wgs84 }));
        assert!(matches!(bbox("bbox=170,50,-170,51"), Ok(Filter::Or(parts)) if parts.len() == 2));
        for bad in [
            "bbox=1,2,3",
            "bbox=1,2,3,x",
            "bbox=3,51,4,50",
            "bbox=1,2,3,4,5",
            "bbox=NaN,1,2,3",
            "bbox=3,50,3.1,50.1&bbox-crs=urn:x",
        ] {
            assert!(bbox(bad).is_err(), "{bad}");
        }
        let lambert = "http://www.opengis.net/def/crs/EPSG/0/2154";
        assert!(bbox(&format!("bbox=700001,7000000,700000,7000001&bbox-crs={lambert}")).is_err());
    }

    #[test]
    fn unknown_parameters_are_refused_and_properties_filter() {
        assert_eq!(
            select("/collections/parc_iris/items?unknown=1").unwrap_err(),
            Error::UnknownParameter { name: "unknown".into() }
        );
        let f = select("/collections/parc_iris/items?insee_com=59350&nb_logements=12").unwrap().filter;
        assert!(matches!(f, Filter::And(parts) if parts.len() == 2));
        assert!(select("/collections/parc_iris/items?nb_logements=douze").is_err());
        assert!(select("/collections/parc_iris/items?limit=1&limit=2").is_err());
        // A layer that does not exist is told as such, whatever the parameters.
        let e = select("/collections/nothing/items?unknown=1").unwrap_err();
        assert_eq!(e, Error::unknown(NameKind::Collection, "nothing"));
    }

    #[test]
    fn a_where_clause_of_arcgis_is_a_filter() {
        let filter = |q: &str| select(&format!("/collections/parc_iris/items?{q}")).map(|s| s.filter);
        let clause = "nb_logements%20>%20100%20AND%20nom%20LIKE%20'L%25'";
        assert_eq!(filter(&format!("query={clause}")), filter(&format!("filter={clause}")));
        assert!(matches!(filter(&format!("query={clause}&filter=statut='diffuse'")), Ok(Filter::And(_))));
        assert!(filter("query=drop%20table").is_err());
    }

    #[test]
    fn properties_and_order_name_known_fields() {
        let s = select("/collections/parc_iris/items?properties=statut,id&sortby=-nb_logements,+nom").unwrap();
        let site = site();
        let layer = site.catalogue.layer("parc_iris").unwrap();
        let id = |n: &str| layer.field(n).unwrap().id;
        assert_eq!(s.fields, vec![id("id"), id("statut")]);
        assert_eq!(
            s.order,
            vec![
                SortKey { field: Some(id("nb_logements")), descending: true },
                SortKey { field: Some(id("nom")), descending: false }
            ]
        );
        assert!(select("/collections/parc_iris/items?sortby=nothing").is_err());
        assert!(select("/collections/parc_iris/items?properties=nothing").is_err());
    }

    #[test]
    fn a_date_restricts_layers_that_have_one() {
        let f = select("/collections/parc_iris_evolution/items?datetime=2024-01-01T00:00:00Z").unwrap().filter;
        assert!(
            matches!(f, Filter::Temporal { op: TemporalOp::AnyInteracts, begin: Some(b), end: Some(e), .. } if b == e)
        );
        assert!(select("/collections/parc_iris/items?datetime=demain").is_err());
    }
}
