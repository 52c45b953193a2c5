//! `ServiceExceptionReport` of WMS 1.3.0 (OGC 06-042 §7.3.4, annex E.2) and 1.1.1.

use super::{status, text};
use crate::error::{Error, NameKind};
use crate::protocol::{Answer, ErrorPicture};
use crate::render;
use http::StatusCode;

/// Writes an error as WMS does.
pub fn answer(error: &Error, version: &str, picture: Option<&ErrorPicture>, french: bool) -> Answer {
    if let Some(answer) = picture.and_then(|p| drawn(error, p, french)) {
        return answer;
    }
    let report = report(error, version, french);
    let media = if version == "1.3.0" { "text/xml; charset=utf-8" } else { "application/vnd.ogc.se_xml" };
    Answer { status: http_status(error), ..Answer::ok(media, report.into_bytes()) }
}

/// The error as a picture; what concerns the way to the service stays an error that a client can tell from a map.
fn drawn(error: &Error, picture: &ErrorPicture, french: bool) -> Option<Answer> {
    if http_status(error) != StatusCode::OK {
        return None;
    }
    let text = if picture.blank { String::new() } else { text(error, french) };
    let background = (!picture.transparent).then_some(picture.background);
    let bytes = render::message(&text, (picture.width, picture.height), background, picture.format).ok()?;
    Some(Answer::ok(picture.format.media_type(), bytes))
}

/// A service exception is a successful answer to HTTP: QGIS and the official suite read its text only with 200. What
/// concerns the way to the service (identity, load, faults) keeps its status.
fn http_status(error: &Error) -> StatusCode {
    match error {
        Error::Refused(_)
        | Error::Quota { .. }
        | Error::Unavailable { .. }
        | Error::Internal
        | Error::Method { .. }
        | Error::NotFound { .. } => status(error),
        _ => StatusCode::OK,
    }
}

/// The code of 06-042 table E.1 (1.1.1: table A.1), where there is one.
fn code(error: &Error, version: &str) -> Option<&'static str> {
    Some(match error {
        Error::Format { .. } => "InvalidFormat",
        Error::Crs { .. } if version == "1.3.0" => "InvalidCRS",
        Error::Crs { .. } => "InvalidSRS",
        Error::Unknown { kind: NameKind::Layer, .. } => "LayerNotDefined",
        Error::Unknown { kind: NameKind::Style, .. } => "StyleNotDefined",
        Error::NotQueryable { .. } => "LayerNotQueryable",
        Error::Point { .. } if version == "1.3.0" => "InvalidPoint",
        Error::UpdateSequence { current: true, .. } => "CurrentUpdateSequence",
        Error::UpdateSequence { current: false, .. } => "InvalidUpdateSequence",
        Error::Missing { name: "TIME" | "ELEVATION" } => "MissingDimensionValue",
        Error::Invalid { name, .. } if name == "TIME" || name == "ELEVATION" => "InvalidDimensionValue",
        Error::Operation { .. } => "OperationNotSupported",
        _ => return None,
    })
}

/// The parameter at fault, where there is one.
fn locator(error: &Error) -> Option<&str> {
    match error {
        Error::Missing { name } => Some(name),
        Error::Invalid { name, .. } | Error::UnknownParameter { name } => Some(name),
        _ => None,
    }
}

fn report(error: &Error, version: &str, french: bool) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    if version == "1.3.0" {
        xml.push_str(
            "<ServiceExceptionReport version=\"1.3.0\" xmlns=\"http://www.opengis.net/ogc\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://www.opengis.net/ogc \
             http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd\">\n",
        );
    } else {
        xml.push_str(
            "<!DOCTYPE ServiceExceptionReport SYSTEM \
             \"http://schemas.opengis.net/wms/1.1.1/exception_1_1_1.dtd\">\n\
             <ServiceExceptionReport version=\"1.1.1\">\n",
        );
    }
    xml.push_str("  <ServiceException");
    if let Some(code) = code(error, version) {
        xml.push_str(&format!(" code=\"{code}\""));
    }
    // 1.1.1 has no locator attribute.
    if let (Some(name), "1.3.0") = (locator(error), version) {
        xml.push_str(&format!(" locator=\"{}\"", quick_xml::escape::escape(name)));
    }
    xml.push_str(&format!(">{}</ServiceException>\n", quick_xml::escape::escape(text(error, french))));
    xml.push_str("</ServiceExceptionReport>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;
    use crate::protocol::Body;

    fn body(error: &Error, version: &str) -> String {
        let answer = answer(error, version, None, false);
        let Body::Bytes(bytes) = answer.body else { panic!("a ready body") };
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        let xml = body(&Error::Crs { name: "EPSG:1".into() }, "1.3.0");
        assert!(xml.contains("<ServiceException code=\"InvalidCRS\">"), "{xml}");
        assert!(body(&Error::Crs { name: "EPSG:1".into() }, "1.1.1").contains("code=\"InvalidSRS\""));
        assert!(body(&Error::unknown(NameKind::Layer, "x<y"), "1.3.0").contains("x&lt;y"));
        let xml = body(&Error::invalid("BBOX", "1,2", crate::error::Reason::FourNumbers), "1.3.0");
        assert!(xml.contains("<ServiceException locator=\"BBOX\">"), "{xml}");
    }

    #[test]
    fn an_error_can_be_a_picture() {
        let picture = ErrorPicture {
            blank: true,
            width: 20,
            height: 10,
            format: render::Format::Png,
            transparent: false,
            background: 0x0000ff,
        };
        let answer = |e: &Error| answer(e, "1.3.0", Some(&picture), true);
        let blank = answer(&Error::unknown(NameKind::Layer, "chat"));
        assert_eq!((blank.content_type.as_str(), blank.status), ("image/png", StatusCode::OK));
        let refused = answer(&Error::Refused(Refusal::NotRegistered));
        assert_eq!((refused.content_type.as_str(), refused.status), ("text/xml; charset=utf-8", StatusCode::FORBIDDEN));
    }

    #[test]
    fn service_exceptions_are_200_and_refusals_are_not() {
        let status = |e: &Error| answer(e, "1.3.0", None, true).status;
        assert_eq!(status(&Error::Missing { name: "BBOX" }), StatusCode::OK);
        assert_eq!(status(&Error::Refused(Refusal::NotRegistered)), StatusCode::FORBIDDEN);
        assert_eq!(status(&Error::Internal), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
