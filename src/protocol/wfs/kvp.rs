//! Key-value requests (09-025r2 §6.2.5, tables 5 to 10; 04-094 §14; 02-058 §13) ▶ [`Operation`].

use super::request::*;
use super::version::Version;
use crate::config::Limits;
use crate::error::{Error, Reason, Result};
use crate::filter::fes;
use crate::filter::fes::Prefixes;

/// Parameters of a request; names without case. An empty value counts as absent, as clients send `PROPERTYNAME=`.
pub(super) struct Kvp<'a> {
    pairs: &'a [(String, String)],
}

impl<'a> Kvp<'a> {
    pub fn new(pairs: &'a [(String, String)]) -> Self {
        Kvp { pairs }
    }

    /// Value as it stands, also when empty.
    fn raw(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Value that is not empty.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        // Also looks past an empty first value: QGIS sends TYPENAMES and TYPENAME, others repeat a name.
        let mut found = self.pairs.iter().filter(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
        found.find(|v| !v.is_empty())
    }

    fn first_of(&self, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
        names.iter().find_map(|n| self.get(n).map(|v| (*n, v)))
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.get(name).map(commas).unwrap_or_default()
    }
}

/// Elements between commas, without blanks round them; empty ones dropped.
fn commas(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// `(a)(b)` ▶ `a`, `b`; anything else is one group (09-025r2 §6.2.5.3).
fn groups(text: &str) -> Vec<&str> {
    match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inside) => inside.split(")(").collect(),
        None => vec![text],
    }
}

/// The operation that the parameters ask for.
pub(super) fn read(kvp: &Kvp, version: Version, limits: &Limits) -> Result<Operation> {
    match kvp.raw("SERVICE").map(str::trim) {
        None | Some("") => return Err(Error::Missing { name: "SERVICE" }),
        Some(s) if s.eq_ignore_ascii_case("WFS") => {}
        Some(s) => return Err(Error::invalid("SERVICE", s, Reason::Service("WFS".into()))),
    }
    let name = kvp.get("REQUEST").ok_or(Error::Missing { name: "REQUEST" })?;
    let reader = Reader { kvp, version, limits, prefixes: prefixes(kvp)? };
    match name.to_ascii_lowercase().as_str() {
        "getcapabilities" => Ok(Operation::GetCapabilities(GetCapabilities {
            sections: kvp.list("SECTIONS"),
            update_sequence: kvp.get("UPDATESEQUENCE").map(str::to_owned),
        })),
        "describefeaturetype" => Ok(Operation::DescribeFeatureType(DescribeFeatureType {
            types: reader.types()?.into_iter().flatten().collect(),
            format: kvp.get("OUTPUTFORMAT").map(str::to_owned),
        })),
        "getfeature" => Ok(Operation::GetFeature(GetFeature {
            presentation: reader.presentation()?,
            queries: reader.expressions()?,
        })),
        "getpropertyvalue" if version.is_2() => reader.property_value(),
        "liststoredqueries" if version.is_2() => Ok(Operation::ListStoredQueries),
        "describestoredqueries" if version.is_2() => {
            let ids = kvp.first_of(&["STOREDQUERY_ID", "STOREDQUERYID"]);
            Ok(Operation::DescribeStoredQueries(ids.map(|(_, v)| commas(v)).unwrap_or_default()))
        }
        _ => Err(not_offered(name)),
    }
}

/// The error for an operation by name: known and not offered, or not known at all.
pub(super) fn not_offered(name: &str) -> Error {
    match Operation::NOT_OFFERED.iter().find(|n| n.eq_ignore_ascii_case(name)) {
        Some(known) => Error::Operation { name: (*known).to_owned() },
        None => Error::Operation { name: crate::error::printable(name) },
    }
}

/// `NAMESPACES=xmlns(p,uri),xmlns(uri)` of 2.0, `NAMESPACE=xmlns(p=uri)` of 1.1.
fn prefixes(kvp: &Kvp) -> Result<Prefixes> {
    let Some((name, text)) = kvp.first_of(&["NAMESPACES", "NAMESPACE"]) else { return Ok(Vec::new()) };
    let wrong = || Error::invalid(name, text, Reason::Namespaces);
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let inside = rest.strip_prefix("xmlns(").ok_or_else(wrong)?;
        let (binding, after) = inside.split_once(')').ok_or_else(wrong)?;
        let (prefix, uri) = binding.split_once([',', '=']).unwrap_or(("", binding));
        found.push((prefix.trim().to_owned(), uri.trim().to_owned()));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Ok(found)
}

struct Reader<'a> {
    kvp: &'a Kvp<'a>,
    version: Version,
    limits: &'a Limits,
    prefixes: Prefixes,
}

/// Parameters that are no arguments of a stored query.
const RESERVED: [&str; 21] = [
    "SERVICE",
    "VERSION",
    "REQUEST",
    "NAMESPACES",
    "NAMESPACE",
    "STOREDQUERY_ID",
    "STARTINDEX",
    "COUNT",
    "MAXFEATURES",
    "OUTPUTFORMAT",
    "RESULTTYPE",
    "RESOLVE",
    "RESOLVEDEPTH",
    "RESOLVETIMEOUT",
    "RESOLVEPATH",
    "VALUEREFERENCE",
    "PUBLICATION",
    "ACCEPTVERSIONS",
    "HANDLE",
    "SRSNAME",
    "STOREDQUERYID",
];

impl Reader<'_> {
    fn type_name(&self, name: &str) -> TypeName {
        let prefix = name.split_once(':').map_or("", |(p, _)| p);
        let bound = self.prefixes.iter().find(|(p, _)| p == prefix).map(|(_, uri)| uri.clone());
        TypeName { name: name.trim().to_owned(), namespace: bound }
    }

    /// Groups of type names: one group a query.
    fn types(&self) -> Result<Vec<Vec<TypeName>>> {
        let Some((_, text)) = self.kvp.first_of(&["TYPENAMES", "TYPENAME"]) else { return Ok(Vec::new()) };
        let group = |g: &str| commas(g).iter().map(|n| self.type_name(n)).collect::<Vec<_>>();
        Ok(groups(text).into_iter().map(group).collect())
    }

    fn number(&self, names: &[&'static str]) -> Result<Option<u64>> {
        let Some((name, text)) = self.kvp.first_of(names) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Error::invalid(name, text, Reason::Count))
    }

    fn presentation(&self) -> Result<Presentation> {
        for name in ["RESOLVE", "RESOLVEDEPTH", "RESOLVETIMEOUT"] {
            if let Some(value) = self.kvp.get(name) {
                check_resolve(name, value)?;
            }
        }
        Ok(Presentation {
            start: self.number(&["STARTINDEX"])?.unwrap_or(0),
            // 1.x says MAXFEATURES, 2.0 COUNT; each is understood everywhere.
            count: self.number(&["COUNT", "MAXFEATURES"])?,
            hits: match self.kvp.get("RESULTTYPE") {
                None => false,
                Some(value) => read_result_type(value)?,
            },
            format: self.kvp.get("OUTPUTFORMAT").map(str::to_owned),
            publication: match self.kvp.get("PUBLICATION") {
                None => None,
                Some(text) => {
                    let number = text.parse::<i64>().ok().filter(|n| *n > 0);
                    Some(number.ok_or_else(|| Error::invalid("PUBLICATION", text, Reason::PositiveCount))?)
                }
            },
        })
    }

    fn property_value(&self) -> Result<Operation> {
        let value = self.kvp.raw("VALUEREFERENCE").ok_or(Error::Missing { name: "VALUEREFERENCE" })?;
        if let Some(path) = self.kvp.get("RESOLVEPATH") {
            return Err(Error::invalid("RESOLVEPATH", path, Reason::NoReferences));
        }
        let mut queries = self.expressions()?;
        let query = match (queries.pop(), queries.is_empty()) {
            (Some(query), true) => query,
            _ => return Err(Error::invalid("TYPENAMES", "", Reason::OneQuery)),
        };
        let presentation = self.presentation()?;
        Ok(Operation::GetPropertyValue(GetPropertyValue { presentation, query, value: value.trim().to_owned() }))
    }

    fn expressions(&self) -> Result<Vec<Expression>> {
        if let Some((_, id)) = self.kvp.first_of(&["STOREDQUERY_ID", "STOREDQUERYID"]) {
            let arguments = self.kvp.pairs.iter();
            let arguments = arguments.filter(|(k, _)| !RESERVED.iter().any(|r| r.eq_ignore_ascii_case(k)));
            let arguments = arguments.cloned().collect();
            return Ok(vec![Expression::Stored(Stored { id: id.to_owned(), arguments })]);
        }
        if let Some(language) = self.kvp.get("FILTER_LANGUAGE")
            && !language.eq_ignore_ascii_case("urn:ogc:def:queryLanguage:OGC-FES:Filter")
            && !language.to_ascii_lowercase().contains("ogc-fes:filter")
        {
            return Err(Error::invalid(
                "FILTER_LANGUAGE",
                language,
                Reason::Needed("urn:ogc:def:queryLanguage:OGC-FES:Filter".into()),
            ));
        }
        if self.kvp.get("ALIASES").is_some() {
            return Err(Error::option("ALIASES", Reason::Joins));
        }
        let mut types = self.types()?;
        if !self.version.is_2() {
            // 1.x: a list of types is a list of queries.
            types = types.into_iter().flatten().map(|t| vec![t]).collect();
        }
        if types.iter().any(|t| t.len() > 1) {
            return Err(Error::option("TYPENAMES", Reason::Joins));
        }
        let types: Vec<TypeName> = types.into_iter().flatten().collect();
        let predicates = self.predicates(types.len())?;
        if types.is_empty() {
            return match predicates.as_slice() {
                // Identifiers name their types themselves.
                [Predicate::Ids(ids)] => Ok(vec![Expression::Adhoc(Box::new(Adhoc {
                    predicate: Predicate::Ids(ids.clone()),
                    ..self.presented(0, 1)?
                }))]),
                _ if self.version.is_2() => Err(Error::Missing { name: "TYPENAMES" }),
                _ => Err(Error::Missing { name: "TYPENAME" }),
            };
        }
        let count = types.len();
        let each = types.into_iter().zip(predicates).enumerate();
        each.map(|(n, (name, predicate))| {
            Ok(Expression::Adhoc(Box::new(Adhoc { type_name: Some(name), predicate, ..self.presented(n, count)? })))
        })
        .collect()
    }

    /// The parts of query number `n` that say what is handed out.
    fn presented(&self, n: usize, count: usize) -> Result<Adhoc> {
        let properties = self.group("PROPERTYNAME", n, count)?.map(commas);
        let sort = self.group("SORTBY", n, count)?.map(read_sort).transpose()?.unwrap_or_default();
        Ok(Adhoc {
            srs_name: self.group("SRSNAME", n, count)?.map(str::to_owned),
            // `*` and nothing both mean every property.
            properties: properties.filter(|p| !p.is_empty() && !p.iter().any(|p| p == "*")),
            sort,
            prefixes: self.prefixes.clone(),
            ..Adhoc::default()
        })
    }

    /// Group number `n` of a parameter; a single group counts for every query.
    fn group(&self, name: &'static str, n: usize, count: usize) -> Result<Option<&str>> {
        let Some(text) = self.kvp.get(name) else { return Ok(None) };
        let groups = groups(text);
        match groups.len() {
            1 => Ok(Some(groups[0].trim()).filter(|g| !g.is_empty())),
            len if len == count => Ok(Some(groups[n].trim()).filter(|g| !g.is_empty())),
            _ => Err(Error::invalid(name, text, Reason::Groups(count))),
        }
    }

    /// One predicate for each of `count` queries (one when no type is named).
    fn predicates(&self, count: usize) -> Result<Vec<Predicate>> {
        const FORMS: [&str; 5] = ["FILTER", "RESOURCEID", "FEATUREID", "BBOX", "CQL_FILTER"];
        let given: Vec<&str> = FORMS.into_iter().filter(|n| self.kvp.get(n).is_some()).collect();
        if let [first, second, ..] = given.as_slice() {
            return Err(Error::invalid(
                *second,
                self.kvp.get(second).unwrap_or_default(),
                Reason::Excludes((*first).to_owned()),
            ));
        }
        let wanted = count.max(1);
        let Some(name) = given.first().copied() else { return Ok(vec![Predicate::All; wanted]) };
        let text = self.kvp.get(name).unwrap_or_default();
        let mut made = match name {
            "FILTER" => {
                let mut all = Vec::new();
                for filter in filters(text) {
                    let filter = fes::parse(filter, self.limits)?;
                    all.push(Predicate::Filter(filter));
                }
                all
            }
            "RESOURCEID" | "FEATUREID" => groups(text).into_iter().map(|g| Predicate::Ids(commas(g))).collect(),
            "BBOX" => vec![Predicate::Bbox(text.to_owned())],
            _ => text.split(';').map(|c| Predicate::Cql(c.trim().to_owned())).collect(),
        };
        if made.len() == 1 && wanted > 1 {
            made = vec![made[0].clone(); wanted];
        }
        match made.len() == wanted {
            true => Ok(made),
            false => Err(Error::invalid(name, text, Reason::Groups(wanted))),
        }
    }
}

/// `(<Filter/>)(<Filter/>)` ▶ each one. Text inside may hold `)(`, so only a bracket before a tag begins a filter.
fn filters(text: &str) -> Vec<&str> {
    match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inside) if inside.trim_start().starts_with('<') => {
            let mut all = Vec::new();
            let mut rest = inside;
            while let Some(at) = rest.find(">)(<") {
                all.push(&rest[..=at]);
                rest = &rest[at + 3..];
            }
            all.push(rest);
            all
        }
        _ => vec![text],
    }
}

/// `nom ASC, seuil:nb_logements DESC`; also `A` and `D` of 1.1 clients, and `nom+D`.
fn read_sort(text: &str) -> Result<Vec<(String, bool)>> {
    let wrong = || Error::invalid("SORTBY", text, Reason::Sort);
    let key = |key: &str| {
        let mut parts = key.split([' ', '+']).filter(|p| !p.is_empty());
        let name = parts.next().ok_or_else(wrong)?.to_owned();
        let descending = match parts.next().map(str::to_ascii_uppercase).as_deref() {
            None | Some("ASC" | "A") => false,
            Some("DESC" | "D") => true,
            Some(_) => return Err(wrong()),
        };
        parts.next().map_or(Ok((name, descending)), |_| Err(wrong()))
    };
    commas(text).iter().map(|k| key(k)).collect()
}

/// Values of `RESOLVE`: nothing refers to anything here, so that local resolution is none.
pub(super) const RESOLVE: [&str; 2] = ["none", "local"];

/// Checks a resolve parameter (09-025r2 §7.6.4).
pub(super) fn check_resolve(name: &str, value: &str) -> Result<()> {
    match name.to_ascii_lowercase().as_str() {
        "resolve" if RESOLVE.iter().any(|r| r.eq_ignore_ascii_case(value)) => Ok(()),
        "resolve" if ["remote", "all"].iter().any(|r| r.eq_ignore_ascii_case(value)) => {
            Err(Error::option(name, Reason::Instead(RESOLVE.join(", "))))
        }
        "resolvedepth" if value == "*" || value.parse::<u32>().is_ok() => Ok(()),
        "resolvetimeout" if value.parse::<u32>().is_ok() => Ok(()),
        "resolve" => Err(Error::invalid(name, value, Reason::OneOf(RESOLVE.join(", ")))),
        _ => Err(Error::invalid(name, value, Reason::Count)),
    }
}

/// Values of `RESULTTYPE`.
pub(super) const RESULT_TYPES: [&str; 2] = ["results", "hits"];

/// Reads `RESULTTYPE`: true for hits.
pub(super) fn read_result_type(value: &str) -> Result<bool> {
    match RESULT_TYPES.iter().position(|r| r.eq_ignore_ascii_case(value)) {
        Some(n) => Ok(n == 1),
        None => Err(Error::invalid("RESULTTYPE", value, Reason::OneOf(RESULT_TYPES.join(", ")))),
    }
}
