//! Problem documents (RFC 9457) for OGC API, and the same as a page for people.

use super::{status, text};
use crate::error::{Error, NameKind};
use crate::portal;
use crate::protocol::Answer;
use http::StatusCode;
use serde_json::json;

/// Media type of a problem document.
pub const MEDIA: &str = "application/problem+json";

/// Writes an error as a problem document, or as a page.
pub fn answer(error: &Error, html: bool, french: bool, base: &str) -> Answer {
    let status = problem_status(error);
    let detail = text(error, french);
    let title = status.canonical_reason().unwrap_or_default();
    // `about:blank`: the status says what kind of problem it is (RFC 9457 §4.2.1).
    let document = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let page = html.then(|| portal::bare("error.html", french, base, &document)).and_then(Result::ok);
    let made = match page {
        Some(page) => Answer::ok("text/html; charset=utf-8", page),
        None => Answer::ok(MEDIA, document.to_string()),
    };
    Answer { status, ..made }
}

/// In OGC API a style is a resource of its own: one that does not exist is not found.
fn problem_status(error: &Error) -> StatusCode {
    match error {
        Error::Unknown { kind: NameKind::Style, .. } => StatusCode::NOT_FOUND,
        _ => status(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Body;

    fn body(answer: Answer) -> String {
        let Body::Bytes(bytes) = answer.body else { panic!("not ready") };
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_problem_is_told_as_json_or_as_a_page() {
        let error = Error::unknown(NameKind::Collection, "<b>x</b>");
        let told = answer(&error, false, true, "");
        assert_eq!((told.status, told.content_type.as_str()), (StatusCode::NOT_FOUND, MEDIA));
        let document: serde_json::Value = serde_json::from_str(&body(told)).unwrap();
        assert_eq!(document["status"], 404);
        assert!(document["detail"].as_str().unwrap().contains("<b>x</b>"));
        let page = body(answer(&error, true, true, "https://cartes.exemple.fr/seuil"));
        assert!(
            page.contains("href=\"&#x2f;seuil/whoami\"") && page.contains("href=\"&#x2f;seuil/static/seuil.css\""),
            "{page}"
        );
        assert!(page.contains("&lt;b&gt;x&lt;") && !page.contains("<b>x"), "{page}");
    }

    #[test]
    fn an_unknown_style_is_not_found() {
        assert_eq!(answer(&Error::unknown(NameKind::Style, "x"), false, false, "").status, StatusCode::NOT_FOUND);
        assert_eq!(
            answer(&Error::UnknownParameter { name: "x".into() }, false, false, "").status,
            StatusCode::BAD_REQUEST
        );
    }
}
