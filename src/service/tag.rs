//! Entity tags: what an answer depends on.

use super::{accepts_gzip, set};
use crate::compute::ResponseBody;
use crate::convention::Identity;
use crate::protocol::{Request, Site};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::hash::{Hash, Hasher};

/// Key of an answer: publication, sight, convention (its terms are in the body) and the request. Weak: time stamps differ.
/// Answers to POST get none, so the body of a request has no part in it.
pub(super) fn of(request: &Request, site: &Site, identity: &Identity) -> String {
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    site.update_sequence.hash(&mut hasher);
    site.publication.hash(&mut hasher);
    identity.convention.id.hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    request.base_url.hash(&mut hasher);
    request.path.hash(&mut hasher);
    request.query.hash(&mut hasher);
    request.french.hash(&mut hasher);
    request.headers.get(header::ACCEPT).map(HeaderValue::as_bytes).hash(&mut hasher);
    accepts_gzip(&request.headers).hash(&mut hasher);
    format!("W/\"{:x}-{:016x}\"", site.publication, hasher.finish())
}

pub(super) fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|v| v.trim().trim_start_matches("W/") == tag.trim_start_matches("W/"))
}

/// An answer with its tag.
pub(super) fn put(mut response: Response<ResponseBody>, status: StatusCode, tag: &str) -> Response<ResponseBody> {
    *response.status_mut() = status;
    set(response.headers_mut(), header::ETAG, tag);
    response
}
