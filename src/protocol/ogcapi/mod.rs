//! OGC API Features (17-069r4, 18-058r1, 19-079r2, 23-058r1), Tiles (20-057), Styles.
//!
//! [`RESOURCES`] is the one table of what exists: the router, the check of parameters and the OpenAPI document read it.

mod ask;
mod collections;
mod features;
mod items;
mod landing;
mod links;
mod maplibre;
mod negotiate;
mod openapi;
mod params;
mod portail;
mod resource;
mod schema;
mod shapes;
mod statics;
mod styles;
mod table;
#[cfg(test)]
pub(super) mod testing;
mod tile;
mod tiles;
mod time;
mod tms;
mod whoami;

use super::{Call, ExceptionStyle, Failure, Reading, Request, Site};
use crate::error::{Error, Result};
use crate::query::Query;
use ask::Ask;
use http::Method;
use resource::{RESOURCES, Resource, find};

/// Reads a request of this protocol.
///
/// # Errors
/// A [`Failure`] as RFC 9457 problem document or as a page.
pub fn parse(request: &Request, site: &Site) -> std::result::Result<Call, Failure> {
    let exceptions = ExceptionStyle::Problem { html: negotiate::prefers_html(request) };
    understand(request, site)
        .map(|(resource, plan)| Call {
            reading: reading(request, &plan.query),
            query: plan.query,
            operation: plan.operation,
            name: ("ogcapi", resource.id),
            data: plan.data,
            reply: plan.reply,
            exceptions: exceptions.clone(),
        })
        .map_err(|error| Failure { error, exceptions })
}

/// The page that a list of features is.
fn reading(request: &Request, query: &Query) -> Option<Reading> {
    let Query::Features(parts) = query else { return None };
    let page = parts.first()?.page;
    let accept = request.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let form = request.param("f").unwrap_or(accept).to_owned();
    Some(Reading { start: page.start, count: page.count?, form })
}

fn understand(request: &Request, site: &Site) -> Result<(&'static Resource, resource::Plan)> {
    // The alias prefix is kept in links, so that a client configured with it stays below it.
    let (prefix, segments) = match request.segments.split_first() {
        Some((first, rest)) if first == "ogc" => ("/ogc", rest),
        _ => ("", &request.segments[..]),
    };
    let (resource, path) = find(RESOURCES, segments).ok_or_else(|| Error::NotFound { path: request.path.clone() })?;
    if request.method != Method::GET && request.method != Method::HEAD {
        return Err(Error::Method { method: request.method.to_string(), allow: "GET, HEAD" });
    }
    let ask = Ask::new(request, site, resource, path, format!("{}{prefix}", request.base_url))?;
    let plan = (resource.plan)(&ask)?;
    Ok((resource, plan))
}
