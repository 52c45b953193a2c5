//! Writing capabilities: elements, indented, every text escaped.

use super::params::Version;
use crate::filter::fes::xml::escape;

/// Namespace of links.
pub const XLINK: &str = "http://www.w3.org/1999/xlink";

/// Writes XML, indented.
pub struct Xml {
    /// Version written.
    pub version: Version,
    out: String,
    open: Vec<String>,
}

impl Xml {
    /// A document in a version's dialect of links.
    pub fn new(version: Version) -> Xml {
        Xml { version, out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), open: Vec::new() }
    }

    /// A line as it stands.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.out.extend(std::iter::repeat_n("  ", self.open.len()));
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push_str(end);
    }

    /// The document.
    pub fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">\n");
        self.open.push(name.to_owned());
    }

    /// Ends the innermost element.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out.extend(std::iter::repeat_n("  ", self.open.len()));
            self.out.push_str("</");
            self.out.push_str(&name);
            self.out.push_str(">\n");
        }
    }

    /// An element that holds nothing.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    /// An element that holds text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.with(name, &[], text);
    }

    /// An element with attributes that holds text.
    pub fn with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes, ">");
        escape(text, &mut self.out);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    /// `OnlineResource`.
    pub fn resource(&mut self, href: &str) {
        let mut attributes = vec![("xlink:type", "simple"), ("xlink:href", href)];
        if self.version == Version::V111 {
            attributes.insert(0, ("xmlns:xlink", XLINK));
        }
        self.empty("OnlineResource", &attributes);
    }

    /// `KeywordList`.
    pub fn keywords(&mut self, words: &[&str]) {
        if !words.is_empty() {
            self.open("KeywordList", &[]);
            words.iter().for_each(|w| self.leaf("Keyword", w));
            self.close();
        }
    }
}
