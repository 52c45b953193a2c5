//! WMS 1.3.0 (OGC 06-042) and 1.1.1 (01-068r3).
//!
//! No style, data or address that a request names is ever read: styles are the server's own.

mod capabilities;
pub(super) mod info;
mod layers;
mod legend;
pub(super) mod map;
pub(super) mod params;
mod sheet;
mod styles;
#[cfg(test)]
pub(super) mod testing;
pub(super) mod xml;

pub use legend::as_json as legend_json;

use super::{Call, ExceptionStyle, Failure, Reply, Request, Site};
use crate::convention::Operation;
use crate::error::{Error, Result};
use crate::query::Query;
use http::Method;
use params::{Params, Version};

/// Reads a request of this protocol.
///
/// # Errors
/// A [`Failure`] in the protocol's own exception form.
pub fn parse(request: &Request, site: &Site) -> std::result::Result<Call, Failure> {
    let version = version_of(request);
    let p = Params { request, version };
    let is = |name: &str| p.get("REQUEST").is_some_and(|r| r.eq_ignore_ascii_case(name));
    let image = if is("GetMap") { p.error_picture(site.limits.image_pixels) } else { None };
    let exceptions = ExceptionStyle::Wms { version: version.name(), image };
    match understand(&p, site) {
        Ok(understood) => Ok(Call {
            query: understood.query,
            operation: Operation::Wms,
            name: ("wms", understood.name),
            data: understood.data,
            reply: understood.reply,
            reading: None,
            exceptions,
        }),
        Err(error) => Err(Failure { error, exceptions }),
    }
}

/// The version spoken: negotiated for GetCapabilities, named for the rest; where it is not named, the parameters that only
/// one version has tell it.
fn version_of(request: &Request) -> Version {
    let asked = request.kvp("VERSION").or_else(|| request.kvp("WMTVER")).filter(|v| !v.trim().is_empty());
    match asked {
        None if request.kvp("SRS").is_some() && request.kvp("CRS").is_none() => Version::V111,
        asked => Version::negotiate(asked),
    }
}

struct Meaning {
    query: Query,
    name: &'static str,
    data: bool,
    reply: Box<dyn Reply>,
}

fn understand(p: &Params<'_>, site: &Site) -> Result<Meaning> {
    if p.request.segments.len() > 1 {
        return Err(Error::NotFound { path: crate::error::printable(&p.request.path) });
    }
    if p.request.method != Method::GET && p.request.method != Method::HEAD {
        return Err(Error::Method { method: p.request.method.to_string(), allow: "GET, HEAD, OPTIONS" });
    }
    let operation = p.need("REQUEST")?;
    let is = |name: &str| operation.eq_ignore_ascii_case(name);
    match p.get("SERVICE") {
        Some(s) if !s.eq_ignore_ascii_case("WMS") => {
            return Err(p.wrong("SERVICE", s, "WMS est attendu à cette adresse", "WMS is needed at this address"));
        }
        // Obligatory for GetCapabilities alone (§7.2.3.3).
        None if is("GetCapabilities") => return Err(Error::Missing { name: "SERVICE" }),
        _ => {}
    }
    let described = |name, query, reply| Meaning { query, name, data: false, reply };
    if is("GetCapabilities") {
        let reply = capabilities::CapabilitiesReply::parse(p, site)?;
        return Ok(described("GetCapabilities", Query::Capabilities, Box::new(reply)));
    }
    check_version(p, is("GetMap") || is("GetFeatureInfo"))?;
    if is("GetMap") {
        let (query, reply) = map::MapReply::parse(p, site)?;
        Ok(Meaning { query: Query::Map(query), name: "GetMap", data: true, reply: Box::new(reply) })
    } else if is("GetFeatureInfo") {
        let (query, reply) = info::InfoReply::parse(p, site)?;
        Ok(Meaning { query: Query::Info(query), name: "GetFeatureInfo", data: true, reply: Box::new(reply) })
    } else if is("GetLegendGraphic") {
        let (query, reply) = legend::LegendReply::parse(p, site)?;
        Ok(described("GetLegendGraphic", Query::Legend(query), Box::new(reply)))
    } else if is("GetStyles") {
        let (layers, reply) = styles::StylesReply::parse(p, site)?;
        Ok(described("GetStyles", Query::Describe(layers), Box::new(reply)))
    } else {
        Err(Error::Operation { name: crate::error::printable(operation) })
    }
}

/// Other operations than GetCapabilities name a version that is offered (§6.9.2). Maps and identify must (§7.3.3.2,
/// §7.4.3.2); of the others those that leave it out are served as their other parameters tell.
fn check_version(p: &Params<'_>, needed: bool) -> Result<()> {
    match p.get("VERSION").or_else(|| p.get("WMTVER")) {
        None if needed => Err(Error::Missing { name: "VERSION" }),
        None | Some("1.3.0" | "1.1.1" | "1.1.0" | "1.3" | "1.1") => Ok(()),
        Some(other) => Err(Error::Version { asked: crate::error::printable(other) }),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{self, site};
    use super::*;

    fn failure(query: &str) -> Failure {
        match testing::parse(query, site()) {
            Ok(call) => panic!("{query} was understood as {:?}", call.name),
            Err(failure) => failure,
        }
    }

    #[test]
    fn requests_that_are_none_are_told_why() {
        for (query, error) in [
            ("", Error::Missing { name: "REQUEST" }),
            ("REQUEST=GetCapabilities", Error::Missing { name: "SERVICE" }),
            ("SERVICE=WMS&REQUEST=GetChat", Error::Operation { name: "GetChat".into() }),
            ("SERVICE=WMS&REQUEST=GetMap", Error::Missing { name: "VERSION" }),
            ("SERVICE=WMS&REQUEST=GetFeatureInfo", Error::Missing { name: "VERSION" }),
            ("SERVICE=WMS&VERSION=1.0.0&REQUEST=GetMap", Error::Version { asked: "1.0.0".into() }),
            ("SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap", Error::Missing { name: "FORMAT" }),
        ] {
            assert_eq!(failure(query).error, error, "{query}");
        }
        assert!(matches!(failure("SERVICE=WFS&REQUEST=GetMap").error, Error::Invalid { .. }));
    }

    #[test]
    fn exceptions_take_the_form_asked() {
        let style = |query: &str| failure(query).exceptions;
        let map = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&WIDTH=40&HEIGHT=30&FORMAT=image/jpeg";
        let ExceptionStyle::Wms { version, image: Some(image) } = style(&format!("{map}&EXCEPTIONS=INIMAGE")) else {
            panic!("a picture was asked for")
        };
        assert_eq!((version, image.blank, image.width, image.height), ("1.3.0", false, 40, 30));
        assert_eq!(image.format, crate::render::Format::Jpeg);
        let old = map.replace("1.3.0", "1.1.1");
        let blank = style(&format!("{old}&EXCEPTIONS=application/vnd.ogc.se_blank"));
        assert!(matches!(blank, ExceptionStyle::Wms { version: "1.1.1", image: Some(i) } if i.blank));
        assert!(matches!(style(&format!("{map}&EXCEPTIONS=XML")), ExceptionStyle::Wms { image: None, .. }));
        // A picture of absurd size is not made for an error either.
        let huge = map.replace("WIDTH=40", "WIDTH=4000000000");
        assert!(matches!(style(&format!("{huge}&EXCEPTIONS=BLANK")), ExceptionStyle::Wms { image: None, .. }));
    }
}
