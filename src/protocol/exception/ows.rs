//! `ows:ExceptionReport` (OGC 06-121r3 §8, 09-025r2 §7.5 and table 3; WFS 1.1: 05-008 §8) and the
//! `ServiceExceptionReport` of WFS 1.0 (02-058 §8).

use super::{status, text};
use crate::error::{Error, NameKind};
use crate::protocol::{Answer, OwsVersion};
use http::StatusCode;
use quick_xml::escape::escape;

/// Writes an error as the protocol and version do. `handle`: the name that the client gave its request.
pub fn answer(error: &Error, version: OwsVersion, handle: Option<&str>, french: bool) -> Answer {
    let report = report(error, version, handle, french);
    Answer { status: http_status(error), ..Answer::ok("text/xml; charset=utf-8", report.into_bytes()) }
}

/// 09-025r2 annex D: most client errors are 400; what OWS calls not supported is 501; table 3 wants 403 for the two
/// failures that concern the state of the server, and 404 where a feature was asked for by its identifier.
fn http_status(error: &Error) -> StatusCode {
    match error {
        Error::Unknown { kind: NameKind::Feature, .. } => StatusCode::NOT_FOUND,
        Error::Unknown { .. } => StatusCode::BAD_REQUEST,
        Error::Processing { .. } | Error::Expired => StatusCode::FORBIDDEN,
        Error::Operation { .. } | Error::Option { .. } => StatusCode::NOT_IMPLEMENTED,
        other => status(other),
    }
}

/// The exception code of 09-025r2 table 3 and 06-121r3 table 27.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Missing { .. } => "MissingParameterValue",
        Error::Unknown { kind: NameKind::Feature, .. } | Error::NotFound { .. } => "NotFound",
        Error::Invalid { .. }
        | Error::Unknown { .. }
        | Error::UnknownParameter { .. }
        | Error::Crs { .. }
        | Error::Format { .. }
        | Error::NotAcceptable { .. }
        | Error::Limit { .. } => "InvalidParameterValue",
        Error::Operation { .. } | Error::Method { .. } => "OperationNotSupported",
        Error::Option { .. } => "OptionNotSupported",
        Error::Version { .. } => "VersionNegotiationFailed",
        Error::UpdateSequence { .. } => "InvalidUpdateSequence",
        Error::Parsing { .. } => "OperationParsingFailed",
        Error::Processing { .. } => "OperationProcessingFailed",
        Error::Expired => "ResponseCacheExpired",
        Error::Point { .. } => "PointIJOutOfRange",
        Error::TileOutOfRange { .. } => "TileOutOfRange",
        _ => "NoApplicableCode",
    }
}

/// What table 3 wants in `locator`: the handle of a request that could not be read or carried out, the operation, the
/// option, or the parameter; nothing where 06-121r3 table 27 says so (versions, `updateSequence`).
fn locator<'a>(error: &'a Error, version: OwsVersion, handle: Option<&'a str>) -> Option<&'a str> {
    let found = match error {
        Error::Parsing { .. } => handle,
        Error::Processing { name, .. } => handle.or(Some(name)),
        Error::Missing { name } => Some(*name),
        Error::Invalid { name, .. } | Error::UnknownParameter { name } => Some(name.as_str()),
        Error::Unknown { kind, .. } => match kind {
            NameKind::FeatureType => Some("TYPENAMES"),
            NameKind::Property => Some("FILTER"),
            NameKind::StoredQuery => Some("STOREDQUERY_ID"),
            NameKind::Feature => Some("RESOURCEID"),
            NameKind::Layer => Some("LAYER"),
            NameKind::Style => Some("STYLE"),
            NameKind::TileMatrixSet => Some("TILEMATRIXSET"),
            NameKind::Collection => None,
        },
        Error::Crs { .. } => Some("SRSNAME"),
        Error::Format { .. } => Some("OUTPUTFORMAT"),
        Error::Operation { name } | Error::Option { name, .. } => Some(name.as_str()),
        Error::TileOutOfRange { axis, .. } => Some(*axis),
        Error::Limit { what, .. } => Some(*what),
        _ => None,
    };
    // 1.x has other names for some parameters.
    match (found, version) {
        (Some("TYPENAMES"), OwsVersion::Wfs10 | OwsVersion::Wfs11) => Some("TYPENAME"),
        (Some("RESOURCEID"), OwsVersion::Wfs10 | OwsVersion::Wfs11) => Some("FEATUREID"),
        (found, _) => found,
    }
}

fn report(error: &Error, version: OwsVersion, handle: Option<&str>, french: bool) -> String {
    let text = text(error, french);
    let text = escape(&text);
    let code = code(error);
    let language = if french { "fr" } else { "en" };
    let named = |attribute: &str| match locator(error, version, handle) {
        Some(l) => format!(" {attribute}=\"{}\"", escape(l)),
        None => String::new(),
    };
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    if version == OwsVersion::Wfs10 {
        xml.push_str(
            "<ServiceExceptionReport version=\"1.2.0\" xmlns=\"http://www.opengis.net/ogc\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://www.opengis.net/ogc \
             http://schemas.opengis.net/wfs/1.0.0/OGC-exception.xsd\">\n",
        );
        let locator = named("locator");
        xml.push_str(&format!("  <ServiceException code=\"{code}\"{locator}>{text}</ServiceException>\n"));
        xml.push_str("</ServiceExceptionReport>\n");
        return xml;
    }
    let (namespace, schema, number, lang) = match version {
        OwsVersion::Wfs11 => (
            "http://www.opengis.net/ows",
            "http://schemas.opengis.net/ows/1.0.0/owsExceptionReport.xsd",
            "1.0.0",
            "language",
        ),
        OwsVersion::Wmts10 => (
            "http://www.opengis.net/ows/1.1",
            "http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd",
            "1.0.0",
            "xml:lang",
        ),
        _ => (
            "http://www.opengis.net/ows/1.1",
            "http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd",
            "2.0.0",
            "xml:lang",
        ),
    };
    xml.push_str(&format!(
        "<ows:ExceptionReport version=\"{number}\" {lang}=\"{language}\" xmlns:ows=\"{namespace}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"{namespace} {schema}\">\n"
    ));
    xml.push_str(&format!("  <ows:Exception exceptionCode=\"{code}\"{}>\n", named("locator")));
    xml.push_str(&format!("    <ows:ExceptionText>{text}</ows:ExceptionText>\n"));
    xml.push_str("  </ows:Exception>\n</ows:ExceptionReport>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Reason, Refusal};
    use crate::protocol::Body;

    fn written(error: &Error, version: OwsVersion) -> (u16, String) {
        let answer = answer(error, version, None, true);
        let Body::Bytes(bytes) = answer.body else { panic!("a ready body") };
        (answer.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn codes_status_and_locator_are_those_of_table_3() {
        for (error, status, code, locator) in [
            (Error::Missing { name: "SERVICE" }, 400, "MissingParameterValue", "SERVICE"),
            (Error::unknown(NameKind::FeatureType, "x"), 400, "InvalidParameterValue", "TYPENAMES"),
            (Error::unknown(NameKind::Feature, "x"), 404, "NotFound", "RESOURCEID"),
            (Error::Crs { name: "EPSG:1".into() }, 400, "InvalidParameterValue", "SRSNAME"),
            (Error::Operation { name: "Transaction".into() }, 501, "OperationNotSupported", "Transaction"),
            (Error::option("ALIASES", Reason::Joins), 501, "OptionNotSupported", "ALIASES"),
            (Error::Processing { name: "f".into(), reason: Reason::TooSlow }, 403, "OperationProcessingFailed", "f"),
        ] {
            let (got, xml) = written(&error, OwsVersion::Wfs20);
            assert_eq!(got, status, "{xml}");
            assert!(xml.contains(&format!("exceptionCode=\"{code}\" locator=\"{locator}\"")), "{xml}");
            assert!(
                xml.contains("version=\"2.0.0\" xml:lang=\"fr\" xmlns:ows=\"http://www.opengis.net/ows/1.1\""),
                "{xml}"
            );
        }
        for none in [Error::Version { asked: "9".into() }, Error::Parsing { reason: Reason::Empty }] {
            assert!(!written(&none, OwsVersion::Wfs20).1.contains("locator"), "{none}");
        }
        assert_eq!(written(&Error::Expired, OwsVersion::Wfs20).0, 403);
        assert!(written(&Error::Expired, OwsVersion::Wfs20).1.contains("ResponseCacheExpired"));
    }

    #[test]
    fn a_refusal_is_403_with_a_report() {
        let (status, xml) = written(&Error::Refused(Refusal::Suspended { id: "a<b".into() }), OwsVersion::Wfs20);
        assert_eq!(status, 403);
        assert!(xml.contains("<ows:ExceptionText>La convention a&lt;b est suspendue"), "{xml}");
    }

    #[test]
    fn older_versions_have_their_own_forms() {
        let error = Error::Missing { name: "TYPENAME" };
        let (_, xml) = written(&error, OwsVersion::Wfs10);
        assert!(xml.contains("<ServiceException code=\"MissingParameterValue\" locator=\"TYPENAME\">"), "{xml}");
        let (_, xml) = written(&error, OwsVersion::Wfs11);
        assert!(xml.contains("version=\"1.0.0\" language=\"fr\" xmlns:ows=\"http://www.opengis.net/ows\""), "{xml}");
        let (_, xml) = written(&error, OwsVersion::Wmts10);
        assert!(
            xml.contains("version=\"1.0.0\" xml:lang=\"fr\" xmlns:ows=\"http://www.opengis.net/ows/1.1\""),
            "{xml}"
        );
    }
}
