//! Links: in JSON bodies and in `Link` headers.

use http::{HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

/// What must be escaped in a path segment (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What must be escaped in a query key or value.
const QUERY: &AsciiSet = &SEGMENT.remove(b'/').add(b'&').add(b'+').add(b'=').add(b'\'');

/// Escapes a path segment.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Writes a query string with its question mark; empty when there are no parameters.
pub fn query_string<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.extend(utf8_percent_encode(key, QUERY));
        out.push('=');
        out.extend(utf8_percent_encode(value, QUERY));
    }
    out
}

/// A link (RFC 8288; JSON form of 17-069r4 §7.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Relation type.
    pub rel: String,
    /// Media type of what it leads to.
    pub media: String,
    /// Text for humans.
    pub title: String,
    /// Where it leads.
    pub href: String,
    /// True when `href` holds variables in braces.
    pub templated: bool,
}

impl Link {
    /// A plain link.
    pub fn new(rel: &str, media: &str, title: impl Into<String>, href: impl Into<String>) -> Link {
        Link { rel: rel.into(), media: media.into(), title: title.into(), href: href.into(), templated: false }
    }

    /// A link whose address holds variables.
    pub fn template(rel: &str, media: &str, title: impl Into<String>, href: impl Into<String>) -> Link {
        Link { templated: true, ..Link::new(rel, media, title, href) }
    }

    /// JSON form.
    pub fn json(&self) -> Value {
        let mut v = json!({ "rel": self.rel, "type": self.media, "title": self.title, "href": self.href });
        if self.templated {
            v["templated"] = json!(true);
        }
        v
    }

    /// `Link` header; `None` when the address cannot stand in one.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        // Titles may hold letters outside ASCII, which a header cannot: they stay in the body.
        let text = format!("<{}>; rel=\"{}\"; type=\"{}\"", self.href, self.rel, self.media);
        HeaderValue::from_str(&text).ok().map(|v| (header::LINK, v))
    }
}

/// JSON form of several links.
pub fn links_json(links: &[Link]) -> Value {
    Value::Array(links.iter().map(Link::json).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_be_read_otherwise() {
        assert_eq!(segment("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
        assert_eq!(
            query_string([("filter", "a = 'b&c' + 1"), ("f", "json")]),
            "?filter=a%20%3D%20%27b%26c%27%20%2B%201&f=json"
        );
        assert_eq!(query_string([]), "");
    }
}
