//! Which representation a client gets: `f` first, then `Accept` (RFC 9110 §12.5.1), then the resource's own first one.

use crate::error::{Error, Reason, Result};
use crate::protocol::Request;
use http::header;

/// What a body can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON of the resource's own kind: GeoJSON for features, JSON Schema, OpenAPI.
    Json,
    /// HTML page.
    Html,
    /// Comma-separated values.
    Csv,
    /// Shapefiles in an archive.
    Shapefile,
    /// Workbook of Office Open XML.
    Xlsx,
    /// Mapbox vector tile.
    Mvt,
    /// TileJSON 3.
    TileJson,
    /// MapLibre style.
    MapLibre,
    /// SLD 1.1 with SE.
    Sld,
    /// A file as it is, whatever is accepted.
    Raw,
}

/// A representation that a resource has.
#[derive(Debug)]
pub struct Offer {
    /// Value of `f`.
    pub f: &'static str,
    /// Media type of the answer.
    pub media: &'static str,
    /// Further media types that, accepted, lead to it.
    pub also: &'static [&'static str],
    /// What it is.
    pub format: Format,
}

impl Offer {
    /// Media type without its character set.
    pub fn bare(&self) -> &'static str {
        self.media.split("; charset").next().unwrap_or(self.media)
    }
}

/// JSON document.
pub const JSON: Offer = Offer { f: "json", media: "application/json", also: &["text/json"], format: Format::Json };
/// HTML page.
pub const HTML: Offer =
    Offer { f: "html", media: "text/html; charset=utf-8", also: &["application/xhtml+xml"], format: Format::Html };
/// GeoJSON; `application/json` leads to it too, since clients that know nothing else of features ask so.
pub const GEOJSON: Offer = Offer {
    f: "json",
    media: "application/geo+json",
    also: &["application/json", "application/vnd.geo+json", "application/geojson"],
    format: Format::Json,
};
/// OpenAPI 3.0 document.
pub const OPENAPI: Offer = Offer {
    f: "json",
    media: "application/vnd.oai.openapi+json;version=3.0",
    also: &["application/openapi+json", "application/json"],
    format: Format::Json,
};
/// JSON Schema.
pub const SCHEMA: Offer =
    Offer { f: "json", media: "application/schema+json", also: &["application/json"], format: Format::Json };
/// Comma-separated values.
pub const CSV: Offer = Offer { f: "csv", media: "text/csv; charset=utf-8", also: &[], format: Format::Csv };

/// Shapefiles in an archive, under the name that GeoServer gives the format.
pub const SHAPEFILE: Offer =
    Offer { f: "shape-zip", media: "application/zip", also: &["application/x-shapefile"], format: Format::Shapefile };
/// Workbook of Office Open XML.
pub const XLSX: Offer = Offer {
    f: "xlsx",
    media: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    also: &[],
    format: Format::Xlsx,
};

/// Vector tile.
pub const MVT: Offer = Offer {
    f: "mvt",
    media: "application/vnd.mapbox-vector-tile",
    also: &["application/x-protobuf", "application/protobuf", "application/octet-stream"],
    format: Format::Mvt,
};
/// TileJSON.
pub const TILEJSON: Offer = Offer {
    f: "tilejson",
    media: "application/json",
    also: &["application/vnd.mapbox.tile+json"],
    format: Format::TileJson,
};
/// MapLibre style.
pub const MAPLIBRE: Offer = Offer {
    f: "maplibre",
    media: "application/vnd.mapbox.style+json",
    also: &["application/vnd.maplibre.style+json"],
    format: Format::MapLibre,
};
/// SLD 1.1.
pub const SLD: Offer = Offer {
    f: "sld",
    media: "application/vnd.ogc.sld+xml;version=1.1",
    also: &["application/vnd.ogc.se+xml", "application/xml", "text/xml"],
    format: Format::Sld,
};
/// A file as it is.
pub const RAW: Offer = Offer { f: "", media: "application/octet-stream", also: &["*/*"], format: Format::Raw };

/// Chooses among a resource's offers; the first one is what a client gets that has no wish.
///
/// # Errors
/// [`Error::Invalid`] for an unknown `f` (17-069r4 §7.5 asks 400 for invalid values), [`Error::NotAcceptable`] when no
/// accepted media type can be made.
pub fn choose(offers: &'static [Offer], request: &Request) -> Result<&'static Offer> {
    if let Some(f) = request.param("f") {
        return offers.iter().find(|o| o.f == f).ok_or_else(|| {
            let known: Vec<&str> = offers.iter().map(|o| o.f).collect();
            Error::invalid("f", f, Reason::OneOf(known.join(", ")))
        });
    }
    let accept: Vec<&str> = request.headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
    let accept = accept.join(",");
    if accept.trim().is_empty() || offers.iter().any(|o| o.format == Format::Raw) {
        return offers.first().ok_or(Error::Internal);
    }
    let ranges: Vec<(&str, f32)> = accept.split(',').map(range).collect();
    let mut best: Option<(f32, &'static Offer)> = None;
    for offer in offers {
        let quality = quality(offer, &ranges);
        if quality > 0.0 && best.is_none_or(|(q, _)| quality > q) {
            best = Some((quality, offer));
        }
    }
    best.map(|b| b.1).ok_or_else(|| Error::NotAcceptable { accept: crate::error::printable(&accept) })
}

/// True when the client would rather read a page than a document: how errors are shown.
pub fn prefers_html(request: &Request) -> bool {
    static EITHER: [Offer; 2] = [JSON, HTML];
    match request.param("f") {
        Some(f) => f == "html",
        None => choose(&EITHER, request).is_ok_and(|o| o.format == Format::Html),
    }
}

/// Media range without parameters, and its weight.
fn range(item: &str) -> (&str, f32) {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let q = parts
        .find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
        .map_or(1.0, |q| q.parse().unwrap_or(0.0));
    (name, q)
}

/// Weight of the most specific range that covers one of the offer's media types.
fn quality(offer: &Offer, ranges: &[(&str, f32)]) -> f32 {
    let bare = offer.media.split(';').next().unwrap_or_default();
    let mut found = (0, 0.0);
    for (range, q) in ranges {
        let specificity = if range.eq_ignore_ascii_case(bare) {
            4
        } else if offer.also.iter().any(|a| range.eq_ignore_ascii_case(a)) {
            3
        } else if range.strip_suffix("/*").is_some_and(|t| t != "*" && bare.split('/').next() == Some(t)) {
            2
        } else if *range == "*/*" {
            1
        } else {
            0
        };
        if specificity > found.0 {
            found = (specificity, *q);
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ogcapi::testing::request;

    static ITEMS: [Offer; 3] = [GEOJSON, HTML, CSV];

    fn chosen(accept: &str) -> Option<&'static str> {
        let mut r = request("/");
        r.headers.insert(header::ACCEPT, accept.parse().unwrap());
        choose(&ITEMS, &r).ok().map(|o| o.f)
    }

    #[test]
    fn accept_decides_when_f_is_absent() {
        for (accept, f) in [
            ("*/*", "json"),
            ("application/json", "json"),
            ("application/geo+json, application/json", "json"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
            ("text/csv", "csv"),
            ("text/*", "html"),
            ("text/html;q=0.1, text/csv;q=0.2", "csv"),
        ] {
            assert_eq!(chosen(accept), Some(f), "{accept}");
        }
        assert_eq!(chosen("image/png"), None);
        assert_eq!(chosen("text/html;q=0, image/png"), None);
    }

    #[test]
    fn f_is_stronger_and_unknown_values_are_refused() {
        let mut r = request("/?f=csv");
        r.headers.insert(header::ACCEPT, "text/html".parse().unwrap());
        assert_eq!(choose(&ITEMS, &r).unwrap().f, "csv");
        assert!(matches!(choose(&ITEMS, &request("/?f=docx")), Err(Error::Invalid { .. })));
        assert!(prefers_html(&request("/?f=html")) && !prefers_html(&request("/")));
    }
}
