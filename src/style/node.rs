//! An element of a style file together with its place, so that every complaint names file and place.

use super::StyleError;
use crate::filter::fes::xml::Element;

/// Namespaces of style files.
pub mod ns {
    /// SLD 1.1 (05-078r4).
    pub const SLD: &str = "http://www.opengis.net/sld";
    /// SE 1.1 (05-077r4).
    pub const SE: &str = "http://www.opengis.net/se";
    /// Filter 1.1 (04-095).
    pub const OGC: &str = "http://www.opengis.net/ogc";
    /// Filter 2.0 (09-026r2).
    pub const FES: &str = "http://www.opengis.net/fes/2.0";
}

/// An element and where it stands.
#[derive(Clone)]
pub struct Node<'a> {
    /// The element.
    pub element: &'a Element,
    file: &'a str,
    place: String,
}

impl<'a> Node<'a> {
    /// The root of a file.
    pub fn root(file: &'a str, element: &'a Element) -> Node<'a> {
        Node { element, file, place: format!("/{}", element.name) }
    }

    /// Local name.
    pub fn name(&self) -> &'a str {
        &self.element.name
    }

    /// Character data, trimmed.
    pub fn text(&self) -> &'a str {
        self.element.trimmed()
    }

    /// A complaint about this element.
    pub fn wrong(&self, what: impl Into<String>) -> StyleError {
        StyleError::Element { file: self.file.to_owned(), place: self.place.clone(), what: what.into() }
    }

    /// The children; an element or attribute that is not among the known ones is an error, never passed over: a style
    /// that is half understood draws a wrong map.
    pub fn children(&self, known: &[&str], attributes: &[&str]) -> Result<Vec<Node<'a>>, StyleError> {
        if let Some((name, _)) =
            self.element.attributes.iter().find(|(n, _)| n != "schemaLocation" && !attributes.contains(&n.as_str()))
        {
            return Err(self.wrong(format!("attribute {name:?} is not understood")));
        }
        let mut seen: Vec<(&str, usize)> = Vec::new();
        let mut out = Vec::with_capacity(self.element.children.len());
        for child in &self.element.children {
            let count = match seen.iter_mut().find(|(n, _)| *n == child.name) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    seen.push((&child.name, 1));
                    1
                }
            };
            let place = format!("{}/{}[{count}]", self.place, child.name);
            let node = Node { element: child, file: self.file, place };
            if ![ns::SLD, ns::SE, ns::OGC, ns::FES].contains(&&*child.namespace) {
                return Err(node.wrong(format!("namespace {:?} is not understood", child.namespace)));
            }
            if !known.contains(&child.name.as_str()) {
                return Err(node.wrong(format!("element is not understood; here may stand: {}", known.join(", "))));
            }
            out.push(node);
        }
        Ok(out)
    }

    /// The text of an element that holds nothing but text.
    pub fn leaf(&self) -> Result<&'a str, StyleError> {
        self.children(&[], &["name"])?;
        Ok(self.text())
    }

    /// The number that an element holds, within bounds.
    pub fn number(&self, lowest: f64, highest: f64) -> Result<f64, StyleError> {
        self.number_in(self.text(), lowest, highest)
    }

    /// A number out of some text of this element, within bounds.
    pub fn number_in(&self, text: &str, lowest: f64, highest: f64) -> Result<f64, StyleError> {
        let n: f64 = text.trim().parse().map_err(|_| self.wrong(format!("{text:?} is not a number")))?;
        if !(lowest..=highest).contains(&n) {
            return Err(self.wrong(format!("{n} is not between {lowest} and {highest}")));
        }
        Ok(n)
    }
}
