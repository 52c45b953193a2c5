//! WMTS 1.0 (OGC 07-057r7).

use super::{Call, ExceptionStyle, Failure, Request, Site};
use crate::error::Error;

/// Reads a request of this protocol.
///
/// # Errors
/// A [`Failure`] in the protocol's own exception form.
pub fn parse(request: &Request, _site: &Site) -> Result<Call, Failure> {
    Err(Failure {
        error: Error::NotFound { path: request.path.clone() },
        exceptions: ExceptionStyle::Problem { html: false },
    })
}
