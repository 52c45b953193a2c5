//! The tree of layers in the capabilities (06-042 §7.2.4.6).

use super::params::Version;
use super::xml::Xml;
use crate::catalogue::{Keyword, Layer, Vintages};
use crate::convention::Operation;
use crate::geo::{Axes, Crs, Envelope, Transform};
use crate::protocol::{Context, metadata};
use crate::render::legend::{self, Look};
use crate::store::LayerFacts;
use crate::style::Style;

/// Where nothing lies yet: metropolitan France, degrees.
const FRANCE: Envelope = Envelope { min: [-5.5, 41.2], max: [9.8, 51.2] };

/// Writes the root layer, its groups and their layers.
pub fn tree(xml: &mut Xml, facts: &[LayerFacts], context: &Context) {
    let site = &context.site;
    let catalogue = &site.catalogue;
    let french = context.french;
    xml.open("Layer", &[]);
    xml.leaf("Title", catalogue.service.title.get(french));
    xml.leaf("Abstract", catalogue.service.summary.get(french));
    for crs in offered() {
        xml.leaf(xml.version.crs_parameter(), &crs.short());
    }
    let all = facts.iter().filter_map(|f| f.extent_84).fold(Envelope::EMPTY, |mut all, e| {
        all.merge(&e);
        all
    });
    geographic(xml, if all.is_empty() { &FRANCE } else { &all });
    xml.open("Attribution", &[]);
    xml.leaf("Title", catalogue.service.attribution.get(french));
    xml.resource(&catalogue.service.provider.site);
    xml.close();
    for group in &catalogue.groups {
        xml.open("Layer", &[]);
        xml.leaf("Title", group.title.get(french));
        for layer in catalogue.layers().iter().filter(|l| l.group == group.name) {
            self::layer(xml, layer, facts.iter().find(|f| f.layer == layer.id), context);
        }
        xml.close();
    }
    xml.close();
}

/// CRS of pictures, the geographic ones that a view service in France must offer among them.
fn offered() -> [Crs; 7] {
    Crs::ALL
}

fn layer(xml: &mut Xml, layer: &Layer, facts: Option<&LayerFacts>, context: &Context) {
    let french = context.french;
    xml.open("Layer", &[("queryable", "1"), ("opaque", "0")]);
    xml.leaf("Name", &layer.name);
    xml.leaf("Title", layer.title.get(french));
    xml.leaf("Abstract", layer.summary.get(french));
    // Layers without keywords of their own are found by those of the service.
    let own = if layer.keywords.is_empty() { &context.site.catalogue.service.keywords } else { &layer.keywords };
    xml.keywords(&Keyword::all(own, french));
    if let Some(f) = facts {
        boxes(xml, f);
        if layer.vintages == Vintages::All && layer.date.is_some() {
            time(xml, &f.vintages);
        }
    }
    let kind = if xml.version == Version::V130 { "ISO19115:2003" } else { "TC211" };
    xml.open("MetadataURL", &[("type", kind)]);
    xml.leaf("Format", "text/xml");
    xml.resource(&metadata::address(&context.base_url, &context.site.catalogue.service, &layer.name));
    xml.close();
    if context.site.operations.contains(&Operation::Wfs) {
        xml.open("DataURL", &[]);
        xml.leaf("Format", "text/html");
        xml.resource(&format!("{}/collections/{}", context.base_url, layer.name));
        xml.close();
    }
    for style in context.site.styles.visible(layer) {
        self::style(xml, layer, style, context);
    }
    scales(xml, layer);
    xml.close();
}

/// The box in degrees.
fn geographic(xml: &mut Xml, e: &Envelope) {
    let [west, south] = e.min.map(|v| decimal(v, 7));
    let [east, north] = e.max.map(|v| decimal(v, 7));
    match xml.version {
        Version::V130 => {
            xml.open("EX_GeographicBoundingBox", &[]);
            xml.leaf("westBoundLongitude", &west);
            xml.leaf("eastBoundLongitude", &east);
            xml.leaf("southBoundLatitude", &south);
            xml.leaf("northBoundLatitude", &north);
            xml.close();
        }
        Version::V111 => {
            xml.empty("LatLonBoundingBox", &[("minx", &west), ("miny", &south), ("maxx", &east), ("maxy", &north)]);
        }
    }
}

/// The boxes in every CRS. A layer without features inherits that of the service.
fn boxes(xml: &mut Xml, facts: &LayerFacts) {
    if let Some(e) = &facts.extent_84 {
        geographic(xml, &with_area(*e, Crs::Crs84));
    }
    for crs in offered() {
        let Some(e) = extent(facts, crs) else { continue };
        let e = with_area(e, crs);
        let (a, b) = match xml.version.axes(crs) {
            Axes::EastNorth => (e.min, e.max),
            Axes::NorthEast => ([e.min[1], e.min[0]], [e.max[1], e.max[0]]),
        };
        let n = crs.decimals();
        let name = xml.version.crs_parameter();
        let [minx, miny, maxx, maxy] = [a[0], a[1], b[0], b[1]].map(|v| decimal(v, n));
        let attributes = [(name, crs.short()), ("minx", minx), ("miny", miny), ("maxx", maxx), ("maxy", maxy)];
        let attributes: Vec<(&str, &str)> = attributes.iter().map(|(k, v)| (*k, v.as_str())).collect();
        xml.empty("BoundingBox", &attributes);
    }
}

fn extent(facts: &LayerFacts, crs: Crs) -> Option<Envelope> {
    match crs {
        Crs::Lambert93 => facts.extent_2154,
        Crs::WebMercator => facts.extent_3857,
        Crs::Rgf93 | Crs::Etrs89 | Crs::Wgs84 | Crs::Crs84 => facts.extent_84,
        Crs::Cc50 => Transform::between(Crs::Lambert93, crs)?.envelope(&facts.extent_2154?),
    }
}

/// The box of a single point, or of points on a line, grown by a metre or so: a client cannot zoom to no area.
fn with_area(e: Envelope, crs: Crs) -> Envelope {
    let least = if crs.is_geographic() { 1e-5 } else { 1.0 };
    if e.width() < least || e.height() < least { e.buffered(least) } else { e }
}

fn decimal(v: f64, places: u8) -> String {
    format!("{v:.*}", usize::from(places))
}

/// The vintages as a dimension (annex C); the newest is the default.
fn time(xml: &mut Xml, vintages: &[i32]) {
    let Some(newest) = vintages.last() else { return };
    let newest = newest.to_string();
    let all = vintages.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
    match xml.version {
        Version::V130 => {
            let attributes = [("name", "time"), ("units", "ISO8601"), ("default", newest.as_str()), ("current", "1")];
            xml.with("Dimension", &attributes, &all);
        }
        Version::V111 => {
            xml.empty("Dimension", &[("name", "time"), ("units", "ISO8601")]);
            xml.with("Extent", &[("name", "time"), ("default", &newest)], &all);
        }
    }
}

fn style(xml: &mut Xml, layer: &Layer, style: &Style, context: &Context) {
    let french = context.french;
    xml.open("Style", &[]);
    xml.leaf("Name", &style.name);
    xml.leaf("Title", style.title.get(french));
    if !style.summary.fr.is_empty() {
        xml.leaf("Abstract", style.summary.get(french));
    }
    let look = Look::default();
    let (width, height) = legend::extent(style.title.get(french), &legend::entries(style, None, french), &look);
    xml.open("LegendURL", &[("width", &width.to_string()), ("height", &height.to_string())]);
    xml.leaf("Format", "image/png");
    xml.resource(&format!(
        "{}/wms?SERVICE=WMS&VERSION={}&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER={}&STYLE={}",
        context.base_url,
        xml.version.name(),
        layer.name,
        style.name
    ));
    xml.close();
    xml.close();
}

/// Scales at which the layer is drawn.
fn scales(xml: &mut Xml, layer: &Layer) {
    let (least, most) = layer.scale_range;
    match xml.version {
        Version::V130 => {
            least.into_iter().for_each(|v| xml.leaf("MinScaleDenominator", &v.to_string()));
            most.into_iter().for_each(|v| xml.leaf("MaxScaleDenominator", &v.to_string()));
        }
        Version::V111 if least.is_some() || most.is_some() => {
            // 1.1.1 §7.1.4.5.8: the diagonal of a pixel in metres.
            let hint = |v: f64| (v * 0.000_28 * std::f64::consts::SQRT_2).to_string();
            let (min, max) = (hint(least.unwrap_or(0.0)), hint(most.unwrap_or(1e10)));
            xml.empty("ScaleHint", &[("min", &min), ("max", &max)]);
        }
        Version::V111 => {}
    }
}
