//! `Error` ▶ the exception of the protocol that was spoken, with a text that tells the user what to do.
//!
//! One file a form: `wms` (`ServiceExceptionReport`, also as a picture), `ows` (`ExceptionReport`), `problem`
//! (RFC 9457). What they share stands here and in [`texts`]: the HTTP status that fits an error where the protocol leaves
//! the choice, the sentence for the user, and the reason phrase of HTTP/1.1, which is all that QGIS shows of most refusals.

mod ows;
mod problem;
pub mod texts;
mod wms;

use super::{Answer, ExceptionStyle};
use crate::error::{Error, NameKind, Refusal};
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};

pub use texts::{reason, text};

/// Writes an error in the form of the protocol that was spoken. `base`: the address that the client knows the server by.
pub fn answer(error: &Error, style: &ExceptionStyle, french: bool, base: &str) -> Answer {
    let mut answer = match style {
        ExceptionStyle::Wms { version, image } => wms::answer(error, version, image.as_ref(), french),
        ExceptionStyle::Ows { version, handle, cql } => {
            let error = error.clone().filtered_by(if *cql { "CQL_FILTER" } else { "FILTER" });
            ows::answer(&error, *version, handle.as_deref(), french)
        }
        ExceptionStyle::Problem { html } => problem::answer(error, *html, french, base),
    };
    answer.headers.extend(headers(error));
    answer
}

/// The HTTP status of an error where the protocol does not prescribe one.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unknown { kind: NameKind::Collection | NameKind::Feature | NameKind::TileMatrixSet, .. }
        | Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Operation { .. } | Error::Option { .. } => StatusCode::NOT_IMPLEMENTED,
        Error::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Error::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
        Error::Expired => StatusCode::GONE,
        Error::Refused(Refusal::RegistryStale) | Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Refused(_) => StatusCode::FORBIDDEN,
        Error::Quota { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Headers that belong to an error in every protocol: `Retry-After`, `Allow`.
fn headers(error: &Error) -> Option<(HeaderName, HeaderValue)> {
    match error {
        Error::Quota { retry_after } | Error::Unavailable { retry_after, .. } => {
            // Rounded up, and never 0: a client that waits as told must not be refused again for a fraction.
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            Some((RETRY_AFTER, HeaderValue::from(seconds.max(1))))
        }
        Error::Refused(Refusal::RegistryStale) => Some((RETRY_AFTER, HeaderValue::from_static("60"))),
        Error::Method { allow, .. } => HeaderValue::from_str(allow).ok().map(|v| (http::header::ALLOW, v)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn retry_after_is_whole_seconds_rounded_up() {
        let style = ExceptionStyle::Problem { html: false };
        let quota = |ms| Error::Quota { retry_after: Duration::from_millis(ms) };
        for (ms, header) in [(0, "1"), (1000, "1"), (1001, "2")] {
            let answer = answer(&quota(ms), &style, true, "");
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers, vec![(RETRY_AFTER, HeaderValue::from_static(header))]);
        }
    }
}
