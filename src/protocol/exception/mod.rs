//! `Error` ▶ the exception of the protocol that was spoken, with a text that tells the user what to do.

use super::{Answer, ExceptionStyle};
use crate::error::Error;
use http::StatusCode;

/// Writes an error in the form of the protocol that was spoken.
pub fn answer(error: &Error, style: &ExceptionStyle, _french: bool) -> Answer {
    let _ = style;
    Answer { status: StatusCode::BAD_REQUEST, ..Answer::ok("text/plain; charset=utf-8", error.to_string()) }
}
