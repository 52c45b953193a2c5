//! A small element tree: what a request's XML becomes before anyone gives it a meaning.
//!
//! A request is untrusted: DOCTYPE is refused outright (so no entity can be declared, no file or URL named), depth and
//! number of elements are limited, references are resolved only if XML itself defines them.

use crate::error::Reason;
use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, ResolveResult};
use std::collections::HashSet;
use std::sync::Arc;

/// Limits of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlLimits {
    /// Elements inside each other.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Bytes.
    pub bytes: usize,
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not UTF-8.
    #[error("the document is not UTF-8")]
    Encoding,
    /// Not well formed.
    #[error("not well formed at byte {at}: {what}")]
    Syntax {
        /// Byte offset.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// A document type declaration.
    #[error("a document type declaration is not accepted")]
    Doctype,
    /// A reference to an entity that XML does not define.
    #[error("entity &{name}; is not accepted")]
    Entity {
        /// Its name.
        name: String,
    },
    /// Deeper than allowed.
    #[error("elements are nested deeper than {limit}")]
    Depth {
        /// Elements inside each other, allowed.
        limit: usize,
    },
    /// More elements or bytes than allowed.
    #[error("the document holds more than {limit} {what}")]
    Size {
        /// What is counted.
        what: Reason,
        /// How many are allowed.
        limit: usize,
    },
    /// No element at all.
    #[error("the document is empty")]
    Empty,
}

impl From<XmlError> for Reason {
    fn from(error: XmlError) -> Reason {
        match error {
            XmlError::Encoding => Reason::NotUtf8,
            XmlError::Syntax { at, what } => Reason::NotWellFormed(at, what),
            XmlError::Doctype => Reason::Doctype,
            XmlError::Entity { name } => Reason::Entity(name),
            XmlError::Depth { limit } => Reason::TooDeep(limit),
            XmlError::Size { what, limit } => Reason::TooMany(limit, Box::new(what)),
            XmlError::Empty => Reason::Empty,
        }
    }
}

/// Prefixes in scope, each once: prefix (empty: default namespace) and URI.
pub type Scope = Arc<Vec<(Arc<str>, Arc<str>)>>;

/// An element with everything inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Namespace URI; empty when there is none (or the prefix was not declared: old clients forget it).
    pub namespace: Arc<str>,
    /// Local name.
    pub name: String,
    /// Attributes by local name, namespace declarations left out.
    pub attributes: Vec<(String, String)>,
    /// Elements inside.
    pub children: Vec<Element>,
    /// Character data inside, joined, as it stands.
    pub text: String,
    /// Prefixes in scope: for names that stand in text and attributes.
    pub scope: Scope,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn parse(document: &[u8], limits: XmlLimits) -> Result<Element, XmlError> {
        if document.len() > limits.bytes {
            return Err(XmlError::Size { what: Reason::Bytes, limit: limits.bytes });
        }
        let text = std::str::from_utf8(document).map_err(|_| XmlError::Encoding)?;
        Builder::new(limits).read(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Value of an attribute by local name; case matters.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// First child with a local name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// Children with a local name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// Character data without the white space round it.
    pub fn trimmed(&self) -> &str {
        self.text.trim()
    }

    /// Namespace that a prefix stands for here; the empty prefix is the default namespace.
    pub fn resolve(&self, prefix: &str) -> Option<&str> {
        self.scope.iter().find(|(p, _)| &**p == prefix).map(|(_, uri)| &**uri)
    }

    /// Writes the element as a document that stands alone (used to carry a filter in a link).
    pub fn write(&self, out: &mut String) {
        // Prefixes that only occur in text are declared once, at the top.
        let bindings: Vec<_> = self.scope.iter().filter(|(p, _)| !p.is_empty()).cloned().collect();
        self.write_inside(out, "", &bindings);
    }

    fn write_inside(&self, out: &mut String, default: &str, bindings: &[(Arc<str>, Arc<str>)]) {
        out.push('<');
        out.push_str(&self.name);
        if &*self.namespace != default {
            attribute(out, "xmlns", &self.namespace);
        }
        for (prefix, uri) in bindings {
            attribute(out, &format!("xmlns:{prefix}"), uri);
        }
        for (name, value) in &self.attributes {
            attribute(out, name, value);
        }
        out.push('>');
        escape(&self.text, out);
        for child in &self.children {
            // A child declares again what it bound itself.
            let own: Vec<_> =
                child.scope.iter().filter(|b| !b.0.is_empty() && !self.scope.contains(b)).cloned().collect();
            child.write_inside(out, &self.namespace, &own);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(value, out);
    out.push('"');
}

/// Appends text with the five characters of XML escaped; characters that XML 1.0 forbids are dropped.
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
}

struct Builder {
    limits: XmlLimits,
    elements: usize,
    open: Vec<Element>,
    /// Every prefix and namespace seen, so that each stands in memory once.
    names: HashSet<Arc<str>>,
}

/// Attributes of one element and prefixes in scope, at most: more is an attack on our time.
const NAMES: usize = 64;

impl Builder {
    fn new(limits: XmlLimits) -> Self {
        Builder { limits, elements: 0, open: Vec::new(), names: HashSet::new() }
    }

    fn read(mut self, text: &str) -> Result<Element, XmlError> {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut root = None;
        loop {
            let at = reader.buffer_position();
            let wrong = |what: String| XmlError::Syntax { at, what };
            let event = reader.read_event().map_err(|e| wrong(e.to_string()))?;
            match event {
                Event::Start(start) => {
                    if root.is_some() {
                        return Err(wrong("a second root element".into()));
                    }
                    let element = self.element(&reader, &start, at)?;
                    self.open.push(element);
                }
                Event::Empty(start) => {
                    if root.is_some() {
                        return Err(wrong("a second root element".into()));
                    }
                    let element = self.element(&reader, &start, at)?;
                    self.close(element, &mut root);
                }
                Event::End(_) => match self.open.pop() {
                    Some(element) => self.close(element, &mut root),
                    None => return Err(wrong("an end tag without a start tag".into())),
                },
                Event::Text(t) => self.text(&t.xml10_content(), at)?,
                Event::CData(t) => self.text(&t.xml10_content(), at)?,
                Event::GeneralRef(r) => {
                    let resolved = match r.resolve_char_ref() {
                        Ok(Some(c)) => c.to_string(),
                        Ok(None) => match &*r {
                            "amp" => "&".into(),
                            "lt" => "<".into(),
                            "gt" => ">".into(),
                            "quot" => "\"".into(),
                            "apos" => "'".into(),
                            name => return Err(XmlError::Entity { name: name.chars().take(40).collect() }),
                        },
                        Err(e) => return Err(wrong(e.to_string())),
                    };
                    self.text(&resolved, at)?;
                }
                Event::DocType(_) => return Err(XmlError::Doctype),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match self.open.pop() {
            Some(e) => Err(XmlError::Syntax { at: text.len() as u64, what: format!("<{}> is not closed", e.name) }),
            None => root.ok_or(XmlError::Empty),
        }
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(XmlError::Syntax { at, what: "text outside the root element".into() }),
        }
        Ok(())
    }

    fn close(&mut self, element: Element, root: &mut Option<Element>) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => *root = Some(element),
        }
    }

    fn element(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart, at: u64) -> Result<Element, XmlError> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(XmlError::Size { what: Reason::Elements, limit: self.limits.elements });
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::Depth { limit: self.limits.depth });
        }
        let wrong = |what: String| XmlError::Syntax { at, what };
        let (namespace, local) = reader.resolver().resolve_element(start.name());
        let namespace = match namespace {
            ResolveResult::Bound(ns) => self.name(ns.as_ref()),
            _ => self.name(""),
        };
        let name = local.as_ref().to_owned();
        let mut scope = self.open.last().map(|e| Arc::clone(&e.scope)).unwrap_or_default();
        let mut attributes = Vec::new();
        for a in start.attributes() {
            let a = a.map_err(|e| wrong(e.to_string()))?;
            let value = a.normalized_value(XmlVersion::Implicit1_0).map_err(|e| wrong(e.to_string()))?;
            match a.key.as_namespace_binding() {
                Some(PrefixDeclaration::Default) => self.bind(&mut scope, "", &value),
                Some(PrefixDeclaration::Named(prefix)) => self.bind(&mut scope, prefix, &value),
                None => attributes.push((a.key.local_name().as_ref().to_owned(), value.into_owned())),
            }
            if attributes.len() > NAMES || scope.len() > NAMES {
                return Err(XmlError::Size { what: Reason::AttributesOrPrefixes, limit: NAMES });
            }
        }
        Ok(Element { namespace, name, attributes, children: Vec::new(), text: String::new(), scope })
    }

    fn bind(&mut self, scope: &mut Scope, prefix: &str, uri: &str) {
        let uri = self.name(uri);
        if scope.iter().any(|(p, u)| &**p == prefix && *u == uri) {
            return;
        }
        let prefix = self.name(prefix);
        let scope = Arc::make_mut(scope);
        match scope.iter_mut().find(|(p, _)| *p == prefix) {
            Some(known) => known.1 = uri,
            None => scope.push((prefix, uri)),
        }
    }

    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.names.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: XmlLimits = XmlLimits { depth: 8, elements: 20, bytes: 4096 };

    fn read(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes(), LIMITS)
    }

    #[test]
    fn reads_names_text_and_references() {
        let e = read(
            "<?xml version='1.0'?><a xmlns='urn:a' xmlns:b='urn:b'><b:c d='1&amp;2'>x &lt; <![CDATA[<y>]]> &#233;</b:c></a>",
        )
        .unwrap();
        assert_eq!((&*e.namespace, e.name.as_str()), ("urn:a", "a"));
        let c = e.child("c").unwrap();
        assert_eq!((&*c.namespace, c.attribute("d")), ("urn:b", Some("1&2")));
        assert_eq!(c.text, "x < <y> é");
        assert_eq!((c.resolve("b"), c.resolve(""), c.resolve("z")), (Some("urn:b"), Some("urn:a"), None));
    }

    #[test]
    fn refuses_what_is_hostile() {
        assert_eq!(read("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), Err(XmlError::Doctype));
        assert!(matches!(read("<a>&x;</a>"), Err(XmlError::Entity { .. })));
        assert_eq!(read(&("<a>".repeat(9) + &"</a>".repeat(9))), Err(XmlError::Depth { limit: 8 }));
        assert!(matches!(read(&format!("<a>{}</a>", "<b/>".repeat(20))), Err(XmlError::Size { .. })));
        assert!(matches!(
            read(&format!("<a>{}</a>", " ".repeat(5000))),
            Err(XmlError::Size { what: Reason::Bytes, .. })
        ));
        assert_eq!(read("  "), Err(XmlError::Empty));
        let many: String = (0..70).map(|n| format!(" xmlns:p{n}='urn:p'")).collect();
        assert!(matches!(read(&format!("<a{many}/>")), Err(XmlError::Size { .. })));
        for bad in ["<a><b></a>", "<a", "<a/><a/>", "x<a/>", "</a>", "<a b='1' b='2'/>", "<a>"] {
            assert!(matches!(read(bad), Err(XmlError::Syntax { .. })), "{bad}");
        }
    }

    #[test]
    fn writes_what_reads_back_the_same() {
        let text = "<f:Filter xmlns:f='urn:f' xmlns:s='urn:s'><f:A x='&lt;'>s:p</f:A><B xmlns:t='urn:t'>t:q &amp;</B></f:Filter>";
        let e = read(text).unwrap();
        let mut out = String::new();
        e.write(&mut out);
        let again = read(&out).unwrap();
        assert_eq!(again.child("A").unwrap().resolve("s"), Some("urn:s"));
        assert_eq!(again.child("B").unwrap().resolve("t"), Some("urn:t"));
        assert_eq!(&*again.child("A").unwrap().namespace, "urn:f");
        assert_eq!(&*again.child("B").unwrap().namespace, "");
        assert_eq!(again.child("B").unwrap().text, "t:q &");
    }
}
