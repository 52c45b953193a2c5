//! WMTS 1.0 (OGC 07-057r7): the same maps as WMS, cut into tiles; by key-value pairs and by paths.
//!
//! `/wmts?SERVICE=WMTS&REQUEST=GetTile&...`, `/wmts/1.0.0/WMTSCapabilities.xml`,
//! `/wmts/1.0.0/{Layer}/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png`.

mod capabilities;
mod tile;

use super::wms::params::{Params, Version};
use super::{Call, ExceptionStyle, Failure, OwsVersion, Reply, Request, Site};
use crate::convention::Operation;
use crate::error::{Error, Result};
use crate::query::Query;
use http::Method;

/// Reads a request of this protocol.
///
/// # Errors
/// A [`Failure`] in the protocol's own exception form.
pub fn parse(request: &Request, site: &Site) -> std::result::Result<Call, Failure> {
    let exceptions = ExceptionStyle::Ows { version: OwsVersion::Wmts10, handle: None, cql: false };
    match understand(request, site) {
        Ok((name, query, reply)) => Ok(Call {
            data: matches!(query, Query::Map(_) | Query::Info(_)),
            query,
            operation: Operation::Wms,
            name: ("wmts", name),
            reply,
            reading: None,
            exceptions,
        }),
        Err(error) => Err(Failure { error, exceptions }),
    }
}

type Meaning = (&'static str, Query, Box<dyn Reply>);

fn understand(request: &Request, site: &Site) -> Result<Meaning> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Err(Error::Method { method: request.method.to_string(), allow: "GET, HEAD, OPTIONS" });
    }
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [_] => by_keys(request, site),
        [_, "1.0.0", "WMTSCapabilities.xml"] => Ok(capabilities()),
        [_, "1.0.0", layer, style, set, matrix, row, column] => {
            let missing = || Error::NotFound { path: crate::error::printable(&request.path) };
            let (column, extension) = column.rsplit_once('.').ok_or_else(missing)?;
            let format = match extension {
                "png" => "image/png",
                "jpg" | "jpeg" => "image/jpeg",
                _ => return Err(missing()),
            };
            let path =
                [("LAYER", layer), ("STYLE", style), ("TILEMATRIXSET", set), ("TILEMATRIX", matrix), ("TILEROW", row)];
            let named = path.into_iter().map(|(name, value)| (name, *value));
            let all = named.chain([("TILECOL", column), ("FORMAT", format)]);
            // The same names as in the query, so that one reader serves both.
            let mut query: Vec<_> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            query.extend(request.query.iter().cloned());
            let request = Request { query, ..request.clone() };
            tile::tile(&params(&request), site)
        }
        _ => Err(Error::NotFound { path: crate::error::printable(&request.path) }),
    }
}

fn params(request: &Request) -> Params<'_> {
    Params { request, version: Version::V130 }
}

fn capabilities() -> Meaning {
    ("GetCapabilities", Query::Capabilities, Box::new(capabilities::CapabilitiesReply))
}

fn by_keys(request: &Request, site: &Site) -> Result<Meaning> {
    let p = params(request);
    let operation = p.need("REQUEST")?;
    let service = p.need("SERVICE")?;
    if !service.eq_ignore_ascii_case("WMTS") {
        return Err(p.wrong("SERVICE", service, "WMTS est attendu à cette adresse", "WMTS is needed at this address"));
    }
    let version = if operation.eq_ignore_ascii_case("GetCapabilities") { "ACCEPTVERSIONS" } else { "VERSION" };
    if let Some(asked) = p.get(version)
        && asked.split(',').all(|v| v.trim() != "1.0.0")
    {
        return Err(Error::Version { asked: crate::error::printable(asked) });
    }
    if operation.eq_ignore_ascii_case("GetCapabilities") {
        if p.get("UPDATESEQUENCE").is_some_and(|asked| asked > site.update_sequence.as_str()) {
            let asked = crate::error::printable(p.get("UPDATESEQUENCE").unwrap_or_default());
            return Err(Error::UpdateSequence { asked, current: false });
        }
        Ok(capabilities())
    } else if operation.eq_ignore_ascii_case("GetTile") {
        tile::tile(&p, site)
    } else if operation.eq_ignore_ascii_case("GetFeatureInfo") {
        tile::info(&p, site)
    } else {
        Err(Error::Operation { name: crate::error::printable(operation) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wms::testing;

    fn request(target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        Request { path: path.to_owned(), segments, ..testing::request(query) }
    }

    fn error(target: &str) -> Error {
        match parse(&request(target), &testing::site()) {
            Ok(call) => panic!("{target} was understood as {:?}", call.name),
            Err(failure) => failure.error,
        }
    }

    fn map(target: &str) -> crate::query::MapQuery {
        match parse(&request(target), &testing::site()).map(|c| c.query) {
            Ok(Query::Map(m)) => m,
            Ok(other) => panic!("{other:?}"),
            Err(f) => panic!("{}", f.error),
        }
    }

    const KEYS: &str =
        "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=parc_iris&STYLE=parc_iris&FORMAT=image/png";

    #[test]
    fn keys_and_paths_ask_the_same() {
        let by_keys = map(&format!("{KEYS}&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=10&TILEROW=344&TILECOL=520"));
        let by_path = map("/wmts/1.0.0/parc_iris/parc_iris/WebMercatorQuad/10/344/520.png");
        assert_eq!(by_keys, by_path);
        assert_eq!((by_keys.width, by_keys.height), (256, 256));
        // The tile of Lille.
        assert!(by_keys.envelope.contains([340_775.7, 6_556_850.8]));
        let lambert = map(&format!("{KEYS}&TILEMATRIXSET=LAMB93&TILEMATRIX=10&TILEROW=94&TILECOL=13"));
        assert!(lambert.envelope.contains([704_340.0, 7_059_700.0]), "{:?}", lambert.envelope);
    }

    #[test]
    fn what_lies_outside_is_named() {
        let tile = |matrix: &str, row: &str, column: &str| {
            error(&format!("{KEYS}&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX={matrix}&TILEROW={row}&TILECOL={column}"))
        };
        let out = |axis, value: &str| Error::TileOutOfRange { axis, value: value.into(), last: 1 };
        assert_eq!(tile("1", "2", "0"), out("TileRow", "2"));
        assert_eq!(tile("1", "0", "7"), out("TileCol", "7"));
        assert!(matches!(tile("1", "x", "0"), Error::Invalid { name, .. } if name == "TileRow"));
        assert!(matches!(tile("99", "0", "0"), Error::Invalid { name, .. } if name == "TileMatrix"));
        assert!(matches!(
            error(&format!("{KEYS}&TILEMATRIXSET=chat&TILEMATRIX=1&TILEROW=0&TILECOL=0")),
            Error::Unknown { .. }
        ));
        assert!(matches!(error("/wmts/1.0.0/chat/x/WebMercatorQuad/1/0/0.png"), Error::Unknown { .. }));
        assert!(matches!(error("/wmts/1.0.0/parc_iris/parc_iris/WebMercatorQuad/1/0/0.gif"), Error::NotFound { .. }));
        assert_eq!(error("/wmts?SERVICE=WMTS&REQUEST=GetChat"), Error::Operation { name: "GetChat".into() });
        assert_eq!(error("/wmts?REQUEST=GetTile"), Error::Missing { name: "SERVICE" });
    }
}
