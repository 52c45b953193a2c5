//! XML requests of WFS 2.0, 1.1 and 1.0 ▶ [`Operation`].

use super::kvp::{check_resolve, not_offered, read_result_type};
use super::request::*;
use super::version::Version;
use crate::config::Limits;
use crate::error::{Error, Reason, Result};
use crate::filter::fes::xml::Element;
use crate::filter::fes::xml_limits;

/// Parses the body of a POST.
pub(super) fn document(body: &[u8], limits: &Limits) -> Result<Element> {
    // The operation stands round the filter: two levels more.
    let mut allowed = xml_limits(limits);
    allowed.depth += 2;
    Element::parse(body, allowed).map_err(|e| Error::Parsing { reason: e.into() })
}

/// The version a document speaks.
pub(super) fn version(root: &Element) -> Result<Version> {
    let namespace_2 = root.namespace.starts_with("http://www.opengis.net/wfs/2");
    let asked = root.attribute("version");
    if root.name == "GetCapabilities" {
        let accepted: Vec<String> = root
            .child("AcceptVersions")
            .map(|a| a.all("Version").map(|v| v.trimmed().to_owned()).collect())
            .unwrap_or_default();
        let own = if namespace_2 || root.namespace.is_empty() { None } else { Some("1.1.0") };
        return Version::negotiate(&accepted, asked.or(own));
    }
    match asked {
        None if namespace_2 || root.namespace.is_empty() => Ok(Version::V200),
        None => Ok(Version::V110),
        Some(_) => Version::of_request(asked),
    }
}

/// The operation of a document; `namespace` is that of the feature types.
pub(super) fn read(root: &Element, version: Version, namespace: &str) -> Result<Operation> {
    match root.attribute("service").map(str::trim) {
        // 1.x defaults it in its schema.
        None | Some("") if version.is_2() => return Err(Error::Missing { name: "service" }),
        None | Some("") => {}
        Some(s) if s.eq_ignore_ascii_case("WFS") => {}
        Some(s) => return Err(Error::invalid("service", s, Reason::Service("WFS".into()))),
    }
    let reader = Reader { root, version, namespace };
    match root.name.as_str() {
        "GetCapabilities" => {
            let sections = root.child("Sections");
            Ok(Operation::GetCapabilities(GetCapabilities {
                sections: sections
                    .map(|s| s.all("Section").map(|s| s.trimmed().to_owned()).collect())
                    .unwrap_or_default(),
                update_sequence: root.attribute("updateSequence").map(str::to_owned),
            }))
        }
        "DescribeFeatureType" => Ok(Operation::DescribeFeatureType(DescribeFeatureType {
            types: root.all("TypeName").map(|t| reader.type_name(t, t.trimmed())).collect(),
            format: root.attribute("outputFormat").map(str::to_owned),
        })),
        "GetFeature" => {
            let queries = reader.expressions()?;
            Ok(Operation::GetFeature(GetFeature { presentation: reader.presentation()?, queries }))
        }
        "GetPropertyValue" if version.is_2() => {
            let value = root.attribute("valueReference").ok_or(Error::Missing { name: "valueReference" })?;
            if let Some(path) = root.attribute("resolvePath") {
                return Err(Error::invalid("resolvePath", path, Reason::NoReferences));
            }
            let mut queries = reader.expressions()?;
            match (queries.pop(), queries.is_empty()) {
                (Some(query), true) => Ok(Operation::GetPropertyValue(GetPropertyValue {
                    presentation: reader.presentation()?,
                    query,
                    value: reader.property(root, value),
                })),
                _ => Err(Error::Parsing { reason: Reason::OneQuery }),
            }
        }
        "ListStoredQueries" if version.is_2() => Ok(Operation::ListStoredQueries),
        "DescribeStoredQueries" if version.is_2() => {
            Ok(Operation::DescribeStoredQueries(root.all("StoredQueryId").map(|i| i.trimmed().to_owned()).collect()))
        }
        "Envelope" => Err(Error::Operation { name: "SOAP".into() }),
        other => Err(not_offered(other)),
    }
}

struct Reader<'a> {
    root: &'a Element,
    version: Version,
    namespace: &'a str,
}

impl Reader<'_> {
    fn type_name(&self, scope: &Element, name: &str) -> TypeName {
        let inside = name.strip_prefix("schema-element(").unwrap_or(name);
        let prefix = inside.split_once(':').map_or("", |(p, _)| p);
        // Without a prefix the default namespace is that of WFS, which no client means.
        let namespace = if prefix.is_empty() { None } else { scope.resolve(prefix).map(str::to_owned) };
        TypeName { name: name.to_owned(), namespace }
    }

    /// A property name whose prefix need not be looked up again: without one for our own namespace, `gml:` for GML's.
    fn property(&self, scope: &Element, name: &str) -> String {
        let steps = name.trim().split('/').map(|step| {
            let (attribute, step) = step.strip_prefix('@').map_or(("", step), |s| ("@", s));
            let Some((prefix, local)) = step.split_once(':').filter(|(p, _)| !p.is_empty()) else {
                return format!("{attribute}{step}");
            };
            match scope.resolve(prefix) {
                Some(uri) if uri == self.namespace => format!("{attribute}{local}"),
                Some(uri) if uri.starts_with("http://www.opengis.net/gml") => format!("{attribute}gml:{local}"),
                // Another namespace: no name here matches.
                Some(uri) => format!("{attribute}{{{uri}}}{local}"),
                None => format!("{attribute}{step}"),
            }
        });
        steps.collect::<Vec<_>>().join("/")
    }

    fn number(&self, names: &[&str]) -> Result<Option<u64>> {
        let Some((name, text)) = names.iter().find_map(|n| self.root.attribute(n).map(|v| (*n, v))) else {
            return Ok(None);
        };
        text.trim().parse().map(Some).map_err(|_| Error::invalid(name, text, Reason::Count))
    }

    fn presentation(&self) -> Result<Presentation> {
        for name in ["resolve", "resolveDepth", "resolveTimeout"] {
            if let Some(value) = self.root.attribute(name) {
                check_resolve(name, value)?;
            }
        }
        Ok(Presentation {
            start: self.number(&["startIndex"])?.unwrap_or(0),
            count: self.number(&["count", "maxFeatures"])?,
            hits: self.root.attribute("resultType").map_or(Ok(false), read_result_type)?,
            format: self.root.attribute("outputFormat").map(str::to_owned),
            publication: None,
        })
    }

    fn expressions(&self) -> Result<Vec<Expression>> {
        let mut all = Vec::new();
        for e in &self.root.children {
            match e.name.as_str() {
                "Query" => all.extend(self.query(e)?.into_iter().map(|a| Expression::Adhoc(Box::new(a)))),
                "StoredQuery" => {
                    let id = e.attribute("id").ok_or(Error::Missing { name: "STOREDQUERY_ID" })?;
                    let mut arguments = Vec::new();
                    for p in e.all("Parameter") {
                        let name = p
                            .attribute("name")
                            .ok_or_else(|| Error::Parsing { reason: Reason::AddAttribute("name".into()) })?;
                        arguments.push((name.to_owned(), p.trimmed().to_owned()));
                    }
                    all.push(Expression::Stored(Stored { id: id.trim().to_owned(), arguments }));
                }
                other => return Err(Error::Parsing { reason: Reason::NotAQuery(crate::error::printable(other)) }),
            }
        }
        match all.is_empty() {
            true => Err(Error::Parsing { reason: Reason::NoQuery }),
            false => Ok(all),
        }
    }

    fn query(&self, e: &Element) -> Result<Vec<Adhoc>> {
        if e.attribute("aliases").is_some_and(|a| !a.trim().is_empty()) {
            return Err(Error::option("aliases", Reason::Joins));
        }
        if e.attribute("featureVersion").is_some_and(|v| !v.trim().is_empty()) {
            return Err(Error::option("featureVersion", Reason::Remove));
        }
        let names = e.attribute("typeNames").or_else(|| e.attribute("typeName"));
        let names = names.map(str::trim).filter(|n| !n.is_empty()).ok_or(Error::Missing { name: "typeNames" })?;
        let names: Vec<&str> = names.split([' ', '\t', '\n', '\r', ',']).filter(|n| !n.is_empty()).collect();
        if names.len() > 1 && self.version.is_2() {
            return Err(Error::option("typeNames", Reason::Joins));
        }
        let mut properties = Vec::new();
        let mut query = Adhoc { srs_name: e.attribute("srsName").map(str::to_owned), ..Adhoc::default() };
        for child in &e.children {
            match child.name.as_str() {
                "PropertyName" => {
                    for name in ["resolve", "resolveDepth", "resolveTimeout"] {
                        if let Some(value) = child.attribute(name) {
                            check_resolve(name, value)?;
                        }
                    }
                    properties.push(self.property(child, child.trimmed()));
                }
                "Filter" => query.predicate = Predicate::Filter(child.clone()),
                "SortBy" => {
                    for key in child.all("SortProperty") {
                        query.sort.push(self.sort_key(key)?);
                    }
                }
                other => return Err(Error::Parsing { reason: Reason::NotInQuery(crate::error::printable(other)) }),
            }
        }
        let every = properties.is_empty() || properties.iter().any(|p| p == "*");
        query.properties = (!every).then_some(properties);
        let each = names.iter().map(|n| Adhoc { type_name: Some(self.type_name(e, n)), ..query.clone() });
        Ok(each.collect())
    }

    fn sort_key(&self, key: &Element) -> Result<(String, bool)> {
        let name = key.child("ValueReference").or_else(|| key.child("PropertyName"));
        let name = name.ok_or_else(|| Error::Parsing { reason: Reason::AddElement("ValueReference".into()) })?;
        let descending = match key.child("SortOrder").map(Element::trimmed).unwrap_or("ASC") {
            order if order.eq_ignore_ascii_case("ASC") => false,
            order if order.eq_ignore_ascii_case("DESC") => true,
            order => return Err(Error::invalid("SortOrder", order, Reason::OneOf("ASC, DESC".into()))),
        };
        Ok((self.property(name, name.trimmed()), descending))
    }
}
