//! WMS 1.3.0 and 1.1.1 (OGC 06-042).

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
