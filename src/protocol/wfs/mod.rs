//! WFS 2.0 (OGC 09-025r2), 1.1 (04-094) and 1.0 (02-058), for reading.
//!
//! `kvp` and `xml` read a request into the same `request::Operation`; `plan` looks its names up in the catalogue of
//! the client's convention; one file an operation writes the answer.

mod capabilities;
mod collection;
mod describe;
mod features;
mod format;
mod inspire;
mod json;
mod kvp;
mod links;
mod names;
mod plan;
mod request;
mod stored;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod values;
mod version;
mod xml;

use super::{Call, ExceptionStyle, Failure, Reading, Reply, Request, Site};
use crate::convention;
use crate::error::{Error, Reason, Result, printable};
use crate::query::{Query, Select};
use format::Format;
use http::Method;
use request::Operation;
use version::Version;

/// Reads a request of this protocol.
///
/// # Errors
/// A [`Failure`] in the protocol's own exception form.
pub fn parse(request: &Request, site: &Site) -> std::result::Result<Call, Failure> {
    let style = |version: Version, handle, cql| ExceptionStyle::Ows { version: version.exceptions(), handle, cql };
    let failure = |version: Version, error: Error| Failure { error, exceptions: style(version, None, false) };
    let by_pairs = |pairs: &[(String, String)]| {
        let kvp = kvp::Kvp::new(pairs);
        let version = version(&kvp).map_err(|e| failure(Version::OFFERED[0], e))?;
        let cql = kvp.get("CQL_FILTER").is_some();
        Ok((version, None, cql, kvp::read(&kvp, version, &site.limits)))
    };
    let (version, handle, cql, operation) = match request.method {
        Method::GET | Method::HEAD => by_pairs(&request.query)?,
        // An HTML form posts the same pairs in the body.
        Method::POST if is_form(request) => {
            let body = std::str::from_utf8(&request.body);
            let body = body.map_err(|_| failure(Version::OFFERED[0], Error::Parsing { reason: Reason::NotUtf8 }))?;
            by_pairs(&form(body))?
        }
        Method::POST => {
            let document = xml::document(&request.body, &site.limits);
            let document = document.map_err(|e| failure(Version::OFFERED[0], e))?;
            let version = xml::version(&document).map_err(|e| failure(Version::OFFERED[0], e))?;
            let handle = document.attribute("handle").map(|h| printable(h).into());
            (version, handle, false, xml::read(&document, version, &site.catalogue.service.namespace))
        }
        _ => {
            let error = Error::Method { method: request.method.to_string(), allow: "GET, HEAD, POST, OPTIONS" };
            return Err(failure(Version::OFFERED[0], error));
        }
    };
    let exceptions = style(version, handle, cql);
    let made = operation.and_then(|o| call(o, version, exceptions.clone(), site));
    made.map_err(|error| Failure { error, exceptions })
}

fn is_form(request: &Request) -> bool {
    let media = request.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    media.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

/// Pairs of a form body (WHATWG URL §5.1).
fn form(body: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = body.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
    pairs.map(|(k, v)| (decode(k), decode(v))).collect()
}

/// The version of a KVP request. GetCapabilities negotiates, everything else says what it speaks.
fn version(kvp: &kvp::Kvp) -> Result<Version> {
    let asked = kvp.get("VERSION");
    let capabilities = kvp.get("REQUEST").is_none_or(|r| r.eq_ignore_ascii_case("GetCapabilities"));
    match capabilities {
        true => {
            let accepted: Vec<String> = kvp
                .get("ACCEPTVERSIONS")
                .map(|a| a.split(',').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect())
                .unwrap_or_default();
            Version::negotiate(&accepted, asked)
        }
        false => Version::of_request(asked),
    }
}

/// The page that an answer is; a single feature is none.
fn page(plan: &plan::Plan, version: Version, form: &str) -> Option<Reading> {
    let form = format!("{} {form}", version.number());
    plan.single.is_none().then_some(Reading { start: plan.start, count: plan.count, form })
}

/// What an operation asks of the store, and how it is answered.
fn call(operation: Operation, version: Version, exceptions: ExceptionStyle, site: &Site) -> Result<Call> {
    let mut reading = None;
    let (name, data, query, reply): (&'static str, bool, Query, Box<dyn Reply>) = match operation {
        Operation::GetCapabilities(request) => {
            let reply = capabilities::plan(request, version, site)?;
            ("GetCapabilities", false, Query::Capabilities, Box::new(reply))
        }
        Operation::DescribeFeatureType(request) => {
            let reply = describe::plan(&request, version, site)?;
            ("DescribeFeatureType", false, Query::Describe(reply.layers.clone()), Box::new(reply))
        }
        Operation::ListStoredQueries => {
            ("ListStoredQueries", false, Query::Describe(Vec::new()), Box::new(stored::ListReply))
        }
        Operation::DescribeStoredQueries(ids) => {
            stored::check(&ids, site)?;
            ("DescribeStoredQueries", false, Query::Describe(Vec::new()), Box::new(stored::DescribeReply { ids }))
        }
        Operation::GetFeature(request) => {
            let plan = plan::plan(&request.queries, &request.presentation, version, site)?;
            let format = Format::find(request.presentation.format.as_deref(), version)?;
            let selects: Vec<Select> = plan.parts.iter().map(|p| p.select.clone()).collect();
            if request.presentation.hits {
                let dialect = match format {
                    Format::Gml(dialect) => dialect,
                    _ => version.dialect(),
                };
                let reply = features::HitsReply { request, plan, version, dialect };
                ("GetFeature", true, Query::Count(selects), Box::new(reply))
            } else {
                reading = page(&plan, version, &format!("{format:?}"));
                let reply = features::FeatureReply { request, plan, version, format };
                ("GetFeature", true, Query::Features(selects), Box::new(reply))
            }
        }
        Operation::GetPropertyValue(request) => {
            let queries = std::slice::from_ref(&request.query);
            let mut plan = plan::plan(queries, &request.presentation, version, site)?;
            values::narrow(&mut plan, &request, site)?;
            let selects: Vec<Select> = plan.parts.iter().map(|p| p.select.clone()).collect();
            let query = match request.presentation.hits {
                true => Query::Count(selects),
                false => {
                    reading = page(&plan, version, &request.value);
                    Query::Features(selects)
                }
            };
            ("GetPropertyValue", true, query, Box::new(values::ValueReply { request, plan, version }))
        }
    };
    Ok(Call { query, operation: convention::Operation::Wfs, name: ("wfs", name), data, reading, reply, exceptions })
}
