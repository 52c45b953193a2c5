//! GetMap (06-042 §7.3).

use super::params::Params;
use crate::catalogue::{Layer, Vintages};
use crate::error::{Error, NameKind, Result};
use crate::filter::fes::read_instant;
use crate::filter::{Filter, TemporalOp};
use crate::protocol::{Answer, Context, Reply, Site};
use crate::query::{MapLayer, MapQuery};
use crate::render::{self, Format};
use crate::store::Fetched;
use crate::style::Style;
use std::sync::Arc;

/// Least and greatest scale denominator at which a layer is drawn.
pub type Scales = (Option<f64>, Option<f64>);

/// A map understood: what is asked, and the styles that its layers are drawn in, in the same order.
pub struct Understood {
    /// The question.
    pub query: MapQuery,
    /// Styles, and the scales at which the layer is drawn.
    pub styles: Vec<(Arc<Style>, Scales)>,
}

/// Reads the parameters that GetMap and GetFeatureInfo share.
///
/// # Errors
/// Those of its parameters.
pub fn understand(p: &Params<'_>, site: &Site) -> Result<Understood> {
    p.no_foreign_styles()?;
    let layers = layers(p, site, "LAYERS")?;
    let styles = styles(p, site, &layers)?;
    let crs = p.crs()?;
    let envelope = p.bbox(crs)?;
    let (width, height) = (p.count("WIDTH")?, p.count("HEIGHT")?);
    let limit = |what, asked: u64, limit: u64| {
        if asked > limit { Err(Error::Limit { what, asked, limit }) } else { Ok(()) }
    };
    limit("WIDTH", width.into(), site.limits.image_side.into())?;
    limit("HEIGHT", height.into(), site.limits.image_side.into())?;
    limit("WIDTH x HEIGHT", u64::from(width) * u64::from(height), site.limits.image_pixels)?;
    let map_layers = layers
        .iter()
        .zip(&styles)
        .map(|(layer, style)| {
            Ok(MapLayer { layer: layer.id, style: Some(style.name.clone()), filter: time(p, layer)? })
        })
        .collect::<Result<_>>()?;
    let query = MapQuery {
        layers: map_layers,
        crs,
        envelope,
        width,
        height,
        dpi: p.dpi(),
        background: p.background()?,
        transparent: p.transparent()?,
    };
    let styles = layers.iter().zip(styles).map(|(l, style)| (style, l.scale_range)).collect();
    Ok(Understood { query, styles })
}

/// Layers named by a parameter, bottom first.
///
/// # Errors
/// [`Error::Missing`], [`Error::Unknown`], [`Error::Limit`].
pub fn layers<'s>(p: &Params<'_>, site: &'s Site, name: &'static str) -> Result<Vec<&'s Layer>> {
    let names: Vec<&str> = p.need(name)?.split(',').map(str::trim).collect();
    if names.len() > site.limits.layers {
        return Err(Error::Limit { what: name, asked: names.len() as u64, limit: site.limits.layers as u64 });
    }
    names
        .into_iter()
        .map(|n| site.catalogue.layer(local(site, n)).ok_or_else(|| Error::unknown(NameKind::Layer, n)))
        .collect()
}

/// A layer name without the namespace prefix that some clients put before it.
pub fn local<'n>(site: &Site, name: &'n str) -> &'n str {
    match name.split_once(':') {
        Some((prefix, local)) if prefix == site.catalogue.service.prefix => local,
        _ => name,
    }
}

/// Styles of the layers: as many as layers, empty ones meaning the default; or none at all (§7.3.3.4).
fn styles(p: &Params<'_>, site: &Site, layers: &[&Layer]) -> Result<Vec<Arc<Style>>> {
    let value = p.get("STYLES").unwrap_or_default();
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    if !value.is_empty() && names.len() != layers.len() {
        return Err(p.wrong(
            "STYLES",
            value,
            "il faut autant de styles que de couches, ou aucun",
            "as many styles as layers are needed, or none",
        ));
    }
    layers.iter().enumerate().map(|(i, layer)| style(site, layer, names.get(i).copied().unwrap_or_default())).collect()
}

/// A style of a layer by name; empty or `default`: its default.
///
/// # Errors
/// [`Error::Unknown`] when it does not exist for this client.
pub fn style(site: &Site, layer: &Layer, name: &str) -> Result<Arc<Style>> {
    let asked = (!name.eq_ignore_ascii_case("default")).then_some(name);
    site.styles.get(layer, asked).cloned().ok_or_else(|| Error::unknown(NameKind::Style, name))
}

/// `TIME` for layers with all vintages (annex C): an instant or `begin/end`; the newest vintage when nothing is said.
///
/// # Errors
/// [`Error::Invalid`].
pub fn time(p: &Params<'_>, layer: &Layer) -> Result<Filter> {
    let (Vintages::All, Some(field), Some(value)) = (layer.vintages, layer.date, p.get("TIME")) else {
        return Ok(Filter::All);
    };
    if value.eq_ignore_ascii_case("current") || value.eq_ignore_ascii_case("default") {
        return Ok(Filter::All);
    }
    let wrong = || {
        p.wrong(
            "TIME",
            value,
            "une année ou une date est attendue, par exemple 2024 ou 2023-01-01/2024-12-31",
            "a year or a date is needed, such as 2024 or 2023-01-01/2024-12-31",
        )
    };
    let (begin, end) = match value.split_once('/') {
        Some((begin, end)) => (read_instant(begin).ok_or_else(wrong)?, read_instant(end).ok_or_else(wrong)?),
        None => read_instant(value).map(|i| (i, i)).ok_or_else(wrong)?,
    };
    if begin.begin > end.end {
        return Err(wrong());
    }
    Ok(Filter::Temporal { op: TemporalOp::AnyInteracts, field, begin: Some(begin.begin), end: Some(end.end) })
}

/// Whether a layer is drawn at a scale denominator.
pub fn in_range((least, most): Scales, denominator: f64) -> bool {
    least.is_none_or(|l| l <= denominator) && most.is_none_or(|m| denominator < m)
}

/// Writes the map.
pub struct MapReply {
    understood: Understood,
    format: Format,
}

impl MapReply {
    /// A map understood elsewhere.
    pub fn new(understood: Understood, format: Format) -> MapReply {
        MapReply { understood, format }
    }

    /// Reads GetMap.
    ///
    /// # Errors
    /// Those of its parameters.
    pub fn parse(p: &Params<'_>, site: &Site) -> Result<(MapQuery, MapReply)> {
        let format = p.map_format()?;
        let understood = understand(p, site)?;
        Ok((understood.query.clone(), MapReply { understood, format }))
    }
}

impl Reply for MapReply {
    fn answer(self: Box<Self>, fetched: Fetched, _context: &Context) -> std::result::Result<Answer, Error> {
        let Fetched::Layers(parts) = fetched else { return Err(Error::Internal) };
        let Understood { query, styles } = self.understood;
        let denominator = render::denominator(&query);
        let features = parts.iter().map(|p| p.rows.len() as u64).sum();
        let layers = parts
            .into_iter()
            .zip(styles)
            .filter(|(_, (_, range))| in_range(*range, denominator))
            .map(|(rows, (style, _))| render::MapLayer { rows, style })
            .collect();
        let map = render::Map::new(&query, layers, self.format)?;
        Ok(Answer::produced(self.format.media_type(), features, Box::new(map)))
    }
}

#[cfg(test)]
mod tests {
    use crate::error::{Error, NameKind};
    use crate::filter::Filter;
    use crate::protocol::wms::testing::{self, site, world};
    use crate::query::Query;

    const BASE: &str = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&CRS=EPSG:2154&BBOX=700000,7060000,701000,7061000\
                        &WIDTH=100&HEIGHT=100&FORMAT=image/png";

    fn map(more: &str) -> Result<crate::query::MapQuery, Error> {
        match testing::parse(&format!("{BASE}&{more}"), site()).map(|c| c.query) {
            Ok(Query::Map(m)) => Ok(m),
            Ok(other) => panic!("{other:?}"),
            Err(f) => Err(f.error),
        }
    }

    #[test]
    fn styles_are_none_or_one_a_layer() {
        let styles = |more: &str| map(more).map(|m| m.layers.into_iter().filter_map(|l| l.style).collect::<Vec<_>>());
        let two = "LAYERS=parc_iris,contour_commune";
        let default = Ok(vec!["parc_iris".to_owned(), "contour_commune".to_owned()]);
        for given in ["", "&STYLES=", "&STYLES=,", "&STYLES=default,", "&styles=parc_iris,contour_commune"] {
            assert_eq!(styles(&format!("{two}{given}")), default, "{given}");
        }
        assert_eq!(styles(&format!("{two}&STYLES=parc_iris_dpe,")).unwrap()[0], "parc_iris_dpe");
        assert!(matches!(styles(&format!("{two}&STYLES=a,b,c")), Err(Error::Invalid { name, .. }) if name == "STYLES"));
        let unknown = |name: &str| Err(Error::unknown(NameKind::Style, name));
        assert_eq!(styles(&format!("{two}&STYLES=nul,")), unknown("nul"));
        assert_eq!(styles(&format!("{two}&STYLES=parc_commune,")), unknown("parc_commune"));
    }

    #[test]
    fn a_name_that_is_not_granted_does_not_exist() {
        let mut site = site();
        site.catalogue = std::sync::Arc::new(
            site.catalogue.restricted(|l| l.name.starts_with("parc"), |_, f| f.sensitive.is_none()),
        );
        let error = |more: &str, site| testing::parse(&format!("{BASE}&{more}"), site).err().map(|f| f.error);
        let layer = Error::unknown(NameKind::Layer, "occupation_iris");
        assert_eq!(error("LAYERS=occupation_iris&STYLES=", site.clone()), Some(layer));
        let style = Error::unknown(NameKind::Style, "parc_iris_loyer");
        assert_eq!(error("LAYERS=parc_iris&STYLES=parc_iris_loyer", site), Some(style));
    }

    #[test]
    fn sizes_are_limited() {
        let error = |more: &str| map(&format!("LAYERS=parc_iris&{more}")).unwrap_err();
        // The first of two equal parameters counts: BASE is cut for these.
        let big = BASE.replace("WIDTH=100", "WIDTH=100000");
        let parsed = testing::parse(&format!("{big}&LAYERS=parc_iris"), site());
        assert!(matches!(parsed.err().map(|f| f.error), Some(Error::Limit { what: "WIDTH", .. })));
        let zero = BASE.replace("HEIGHT=100", "HEIGHT=0");
        let parsed = testing::parse(&format!("{zero}&LAYERS=parc_iris"), site());
        assert!(matches!(parsed.err().map(|f| f.error), Some(Error::Invalid { name, .. }) if name == "HEIGHT"));
        let many = vec!["parc_iris"; 60].join(",");
        assert!(matches!(map(&format!("LAYERS={many}")).unwrap_err(), Error::Limit { what: "LAYERS", .. }));
        assert!(matches!(error("BGCOLOR=blanc"), Error::Invalid { .. }));
    }

    #[test]
    fn time_is_for_layers_with_all_vintages() {
        let filter = |more: &str| map(more).map(|m| m.layers[0].filter.clone());
        assert_eq!(filter("LAYERS=parc_iris&TIME=2023"), Ok(Filter::All));
        assert_eq!(filter("LAYERS=parc_iris_evolution"), Ok(Filter::All));
        assert_eq!(filter("LAYERS=parc_iris_evolution&TIME=current"), Ok(Filter::All));
        let Ok(Filter::Temporal { begin, end, .. }) = filter("LAYERS=parc_iris_evolution&TIME=2023") else { panic!() };
        assert_eq!((begin, end), (Some(1_672_531_200_000), Some(1_704_067_199_999)));
        for wrong in ["demain", "2024/2023", "2024-13"] {
            let error = filter(&format!("LAYERS=parc_iris_evolution&TIME={wrong}")).unwrap_err();
            assert!(matches!(error, Error::Invalid { name, .. } if name == "TIME"));
        }
    }

    #[test]
    fn a_map_is_drawn() {
        let (answer, body) = testing::answer(&format!("{BASE}&LAYERS=parc_commune,parc_residence&STYLES="), &world());
        assert_eq!((answer.content_type.as_str(), answer.features), ("image/png", 5));
        assert!(body.starts_with(b"\x89PNG"));
    }
}
