//! GetFeatureInfo (06-042 §7.4): what lies under a pixel, as text, page, GeoJSON or GML.

use super::map::{self, Understood, in_range};
use super::params::{InfoFormat, Params};
use super::sheet::Sheet;
use crate::convention::Operation;
use crate::encode::geojson::{FeatureIds, GeoJson, Members};
use crate::encode::gml::{Dialect, Frame, Gml, Spelling};
use crate::encode::{Features, Producer};
use crate::error::{Error, Result};
use crate::geo::{Axes, Crs};
use crate::protocol::{Answer, Context, Reply, Site};
use crate::query::InfoQuery;
use crate::render;
use crate::store::{Fetched, Rows};

/// Pixels of 0.28 mm round the pixel asked that still count as it: fingers and mice are not that exact.
pub const TOLERANCE: f64 = 3.0;

/// Writes what was found.
pub struct InfoReply {
    query: InfoQuery,
    understood: Understood,
    format: InfoFormat,
}

impl InfoReply {
    /// A question understood elsewhere.
    pub fn new(query: InfoQuery, understood: Understood, format: InfoFormat) -> InfoReply {
        InfoReply { query, understood, format }
    }

    /// Reads GetFeatureInfo.
    ///
    /// # Errors
    /// Those of its parameters.
    pub fn parse(p: &Params<'_>, site: &Site) -> Result<(InfoQuery, InfoReply)> {
        let understood = map::understand(p, site)?;
        let asked = map::layers(p, site, "QUERY_LAYERS")?;
        let drawn = &understood.query.layers;
        if let Some(stray) = asked.iter().find(|l| drawn.iter().all(|d| d.layer != l.id)) {
            return Err(p.wrong(
                "QUERY_LAYERS",
                &stray.name,
                "une couche interrogée doit figurer dans LAYERS",
                "a layer that is queried must be among LAYERS",
            ));
        }
        let format = p.info_format()?;
        let (i, j) = pixel(p, understood.query.width, understood.query.height)?;
        let count = match p.get("FEATURE_COUNT") {
            None => 1,
            Some(_) => p.count("FEATURE_COUNT")?.min(site.limits.info_features),
        };
        let tolerance = p
            .get("BUFFER")
            .and_then(|b| b.parse::<f64>().ok())
            .filter(|b| b.is_finite() && *b >= 0.0)
            .map_or(TOLERANCE * understood.query.symbol_scale(), |b| b.min(50.0));
        let layers = asked.iter().map(|l| l.id).collect();
        let query = InfoQuery { map: understood.query.clone(), layers, i, j, count, tolerance };
        Ok((query.clone(), InfoReply { query, understood, format }))
    }
}

/// `I` and `J` (1.3.0) or `X` and `Y` (1.1.1), inside the picture.
///
/// # Errors
/// [`Error::Missing`], [`Error::Point`].
pub fn pixel(p: &Params<'_>, width: u32, height: u32) -> Result<(u32, u32)> {
    let read = |name: &'static str, old: &'static str| match (p.get(name), p.get(old)) {
        (Some(v), _) | (None, Some(v)) => Ok(v),
        (None, None) if p.version == super::params::Version::V111 => Err(Error::Missing { name: old }),
        (None, None) => Err(Error::Missing { name }),
    };
    let (i, j) = (read("I", "X")?, read("J", "Y")?);
    let inside = |v: &str, limit: u32| v.parse::<u32>().ok().filter(|v| *v < limit);
    inside(i, width).zip(inside(j, height)).ok_or_else(|| {
        let shown = crate::error::printable;
        Error::Point { i: shown(i), j: shown(j) }
    })
}

impl Reply for InfoReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error> {
        let Fetched::Layers(parts) = fetched else { return Err(Error::Internal) };
        let InfoReply { query, understood, format } = *self;
        let denominator = render::denominator(&query.map);
        // The store gives the layers asked, in the order of the map.
        let drawn = understood.query.layers.iter().zip(understood.styles);
        let asked = drawn.filter(|(layer, _)| query.layers.contains(&layer.layer)).map(|(_, style)| style);
        let mut found: Vec<Rows> = Vec::new();
        for (rows, (style, range)) in parts.into_iter().zip(asked) {
            if in_range(range, denominator) {
                let mut layer = render::MapLayer { rows, style };
                let hits = render::hits(&query, &layer)?;
                layer.rows.matched = hits.len() as u64;
                layer.rows.rows = hits;
                found.push(layer.rows);
            }
        }
        // The layer on top first.
        found.reverse();
        found.retain(|rows| !rows.rows.is_empty());
        let features = found.iter().map(|r| r.rows.len() as u64).sum();
        let answer = match format {
            InfoFormat::Text => Answer::ok("text/plain; charset=utf-8", Sheet::of(&found, context).text()),
            InfoFormat::Html => Answer::ok("text/html; charset=utf-8", Sheet::of(&found, context).html()),
            InfoFormat::Json => json(found, context)?,
            InfoFormat::Gml => gml(found, &query, context)?,
        };
        Ok(Answer { features, ..answer })
    }
}

/// Shapes are features: only who is granted features gets them, others get what the picture's point tells.
fn with_shapes(found: &mut [Rows], crs: Crs, context: &Context) {
    let granted = context.site.operations.contains(&Operation::Wfs);
    for rows in found {
        rows.geometry = granted;
        rows.crs = crs;
    }
}

fn json(mut found: Vec<Rows>, context: &Context) -> Result<Answer> {
    with_shapes(&mut found, Crs::Crs84, context);
    let axes = vec![Axes::EastNorth; found.len()];
    let count: usize = found.iter().map(|r| r.rows.len()).sum();
    let members = Members { head: format!("\"numberReturned\":{count}").into_bytes(), tail: Vec::new() };
    let encoder = GeoJson::collection(&context.site.catalogue, &found, &axes, FeatureIds::WithLayer, members)?;
    Ok(Answer::produced("application/json", 0, encoder.produce(found)))
}

fn gml(mut found: Vec<Rows>, query: &InfoQuery, context: &Context) -> Result<Answer> {
    // East before north in every CRS: this media type names no axis order, and clients of it know no other.
    with_shapes(&mut found, query.map.crs, context);
    let catalogue = &context.site.catalogue;
    let (prefix, namespace) = (&catalogue.service.prefix, &catalogue.service.namespace);
    let spelling = Spelling { srs_name: query.map.crs.short(), axes: Axes::EastNorth };
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wfs:FeatureCollection xmlns:wfs=\"http://www.opengis.net/wfs\" \
         xmlns:gml=\"http://www.opengis.net/gml\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:{prefix}=\"{namespace}\">\n"
    );
    let frame = Frame {
        head: head.into_bytes(),
        member_open: b"<gml:featureMember>".to_vec(),
        member_close: b"</gml:featureMember>\n".to_vec(),
        tail: b"</wfs:FeatureCollection>\n".to_vec(),
        ..Frame::default()
    };
    let spellings = vec![spelling; found.len()];
    let encoder = Gml::new(catalogue, &found, &spellings, Dialect::V31, frame)?;
    let producer: Box<dyn Producer> = Box::new(Features::new(encoder, found));
    Ok(Answer::produced("application/vnd.ogc.gml", 0, producer))
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::protocol::wms::testing::{self, site, world};

    const BASE: &str = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&CRS=EPSG:2154&WIDTH=100&HEIGHT=100\
                        &BBOX=700000,7060000,701000,7061000&STYLES=&FEATURE_COUNT=10";

    fn ask(more: &str) -> String {
        let (_, body) = testing::answer(&format!("{BASE}&{more}"), &world());
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn a_withheld_residence_says_that_it_is_and_nothing_else() {
        let at = "LAYERS=parc_residence&QUERY_LAYERS=parc_residence&I=20&J=79";
        let text = ask(&format!("{at}&INFO_FORMAT=text/plain"));
        assert!(text.contains("Statut de diffusion : Secret statistique"), "{text}");
        assert!(text.contains("Identifiant : b") && text.contains("Code IRIS"), "{text}");
        for word in ["Logements", "Nom", "SIREN", "Loyer", "non diffusé"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&ask(&format!("{at}&INFO_FORMAT=application/json"))).unwrap();
        let properties = &json["features"][0]["properties"];
        assert_eq!(properties["statut"], "secret");
        assert!(properties["nb_logements"].is_null() && properties["nom"].is_null());
    }

    #[test]
    fn a_published_residence_shows_its_data() {
        let at = "LAYERS=parc_commune,parc_residence&QUERY_LAYERS=parc_commune,parc_residence&I=50&J=49";
        let text = ask(&format!("{at}&INFO_FORMAT=text/plain"));
        assert!(text.contains("Logements : 40 logements"), "{text}");
        // The layer on top first.
        assert!(text.find("Parc social par résidence") < text.find("Parc social par commune"), "{text}");
        let html = ask(&format!("{at}&INFO_FORMAT=text/html"));
        assert!(html.contains("Résidence &lt;des&gt; Tilleuls") && !html.contains("<des>"), "{html}");
        let gml = ask(&format!("{at}&INFO_FORMAT=application/vnd.ogc.gml"));
        assert!(gml.contains("<seuil:nb_logements>40</seuil:nb_logements>"), "{gml}");
        let json: serde_json::Value =
            serde_json::from_str(&ask(&format!("{at}&INFO_FORMAT=application/json"))).unwrap();
        assert_eq!(json["features"].as_array().map(Vec::len), Some(2));
        assert!(json["features"][0]["geometry"].is_object());
    }

    #[test]
    fn who_is_granted_pictures_alone_gets_no_shapes() {
        let mut site = site();
        site.operations = [crate::convention::Operation::Wms].into();
        let at = "LAYERS=parc_residence&QUERY_LAYERS=parc_residence&I=50&J=49";
        let (_, body) = testing::answer_for(&format!("{BASE}&{at}&INFO_FORMAT=application/json"), &world(), site);
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(json["features"][0]["geometry"].is_null());
        assert_eq!(json["features"][0]["properties"]["nb_logements"], 40);
    }

    #[test]
    fn nothing_found_is_an_empty_answer() {
        let at = "LAYERS=parc_residence&QUERY_LAYERS=parc_residence&I=0&J=0";
        assert_eq!(ask(&format!("{at}&INFO_FORMAT=text/plain")), "Aucun objet à cet endroit.\n");
        let json: serde_json::Value =
            serde_json::from_str(&ask(&format!("{at}&INFO_FORMAT=application/json"))).unwrap();
        assert_eq!(json["features"].as_array().map(Vec::len), Some(0));
        assert!(ask(&format!("{at}&INFO_FORMAT=application/vnd.ogc.gml")).ends_with("</wfs:FeatureCollection>\n"));
    }

    #[test]
    fn points_and_layers_are_checked() {
        let error = |more: &str| testing::parse(&format!("{BASE}&{more}"), site()).err().map(|f| f.error);
        let layers = "LAYERS=parc_iris&QUERY_LAYERS=parc_iris&INFO_FORMAT=text/plain";
        for (i, j) in [("100", "0"), ("0", "-1"), ("a", "0")] {
            let expected = Error::Point { i: i.into(), j: j.into() };
            assert_eq!(error(&format!("{layers}&I={i}&J={j}")), Some(expected));
        }
        assert_eq!(error(&format!("{layers}&X=1&Y=1")), None);
        assert_eq!(error(layers), Some(Error::Missing { name: "I" }));
        let stray = "LAYERS=parc_iris&QUERY_LAYERS=parc_qpv&INFO_FORMAT=text/plain&I=1&J=1";
        assert!(matches!(error(stray), Some(Error::Invalid { name, .. }) if name == "QUERY_LAYERS"));
        let format = "LAYERS=parc_iris&QUERY_LAYERS=parc_iris&I=1&J=1&INFO_FORMAT=image/png";
        assert_eq!(error(format), Some(Error::Format { name: "image/png".into() }));
    }
}
