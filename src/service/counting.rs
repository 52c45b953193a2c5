//! What quotas count, and what answers say of them.

use super::{now, set};
use crate::convention::{Budget, Identity};
use crate::query::Query;
use crate::store::{Fetched, Rows};
use http::{HeaderMap, header};

/// What is left of the convention's requests (draft-ietf-httpapi-ratelimit-headers), and, in the last 30 days of
/// certificate or convention, when it ends (RFC 8594).
pub(super) fn headers(headers: &mut HeaderMap, identity: &Identity, budget: Option<Budget>) {
    if let Some(Budget { limit, remaining, reset }) = budget {
        set(headers, header::HeaderName::from_static("ratelimit-policy"), &format!("\"minute\";q={limit};w=60"));
        set(headers, header::HeaderName::from_static("ratelimit"), &format!("\"minute\";r={remaining};t={reset}"));
    }
    if identity.ends_soon(now()).is_some()
        && let Ok(end) = jiff::Timestamp::from_millisecond(identity.certificate_ends.min(identity.convention_ends))
        && let Ok(date) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&end)
    {
        set(headers, header::HeaderName::from_static("sunset"), &date);
    }
}

/// Features of each layer that the daily quota counts: none of a picture, of identify those that it shows at most.
pub(super) fn most(query: &Query) -> Option<usize> {
    match query {
        Query::Features(_) | Query::Feature(_) | Query::Tile(_) => Some(usize::MAX),
        Query::Info(info) => Some(info.count as usize),
        Query::Count(_) | Query::Map(_) | Query::Legend(_) | Query::Describe(_) | Query::Capabilities => None,
    }
}

fn parts(fetched: &Fetched) -> &[Rows] {
    match fetched {
        Fetched::Features(parts) | Fetched::Layers(parts) => parts,
        Fetched::Count(_) | Fetched::Facts { .. } => &[],
    }
}

pub(super) fn handed_out(fetched: &Fetched, most: usize) -> u64 {
    parts(fetched).iter().map(|p| p.rows.len().min(most) as u64).sum()
}

/// A number for each feature handed out, of layer and integer identifier.
pub(super) fn keys(fetched: &Fetched, most: usize) -> Vec<u64> {
    let key = |p: &Rows, row: u32| u64::from(p.layer.0) << 48 | p.data().object_id(row);
    parts(fetched).iter().flat_map(|p| p.rows.iter().take(most).map(move |r| key(p, *r))).collect()
}
