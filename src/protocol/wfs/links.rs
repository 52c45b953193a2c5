//! Addresses of this service: pages of a result, schemas.

use super::request::{Adhoc, Expression, GetFeature, GetPropertyValue, Predicate, Presentation, TypeName};
use super::version::Version;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a value of a query string as it is; brackets and commas stay readable.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'/')
    .remove(b'(')
    .remove(b')');

/// `base/wfs?K=v&...`
pub(super) fn address(base: &str, pairs: &[(&str, String)]) -> String {
    let mut url = format!("{base}/wfs");
    for (n, (key, value)) in pairs.iter().enumerate() {
        url.push(if n == 0 { '?' } else { '&' });
        url.push_str(&utf8_percent_encode(key, PLAIN).to_string());
        url.push('=');
        url.push_str(&utf8_percent_encode(value, PLAIN).to_string());
    }
    url
}

/// Longest address worth giving: longer ones fail in proxies.
const LONGEST: usize = 8000;

/// Address of the page that begins at `start`, as GET, whatever form the request had; `None` when it cannot be said in an
/// address of bearable length.
pub(super) fn page(
    base: &str,
    version: Version,
    request: Request<'_>,
    start: u64,
    count: u64,
    publication: i64,
) -> Option<String> {
    let mut pairs: Vec<(&str, String)> = vec![("SERVICE", "WFS".into()), ("VERSION", version.number().into())];
    let presentation = match request {
        Request::Features(r) => {
            pairs.push(("REQUEST", "GetFeature".into()));
            expressions(&r.queries.iter().collect::<Vec<_>>(), &mut pairs)?;
            &r.presentation
        }
        Request::Values(r) => {
            pairs.push(("REQUEST", "GetPropertyValue".into()));
            pairs.push(("VALUEREFERENCE", r.value.clone()));
            expressions(&[&r.query], &mut pairs)?;
            &r.presentation
        }
    };
    let Presentation { format, .. } = presentation;
    if let Some(format) = format {
        pairs.push(("OUTPUTFORMAT", format.clone()));
    }
    pairs.push(("STARTINDEX", start.to_string()));
    pairs.push(("COUNT", count.to_string()));
    if publication > 0 {
        pairs.push(("PUBLICATION", publication.to_string()));
    }
    let url = address(base, &pairs);
    (url.len() <= LONGEST).then_some(url)
}

/// A request that has pages.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    Features(&'a GetFeature),
    Values(&'a GetPropertyValue),
}

/// Writes query expressions as KVP; `None` when they mix what KVP cannot hold together.
fn expressions<'a>(queries: &[&'a Expression], pairs: &mut Vec<(&'a str, String)>) -> Option<()> {
    if let [Expression::Stored(stored)] = queries {
        pairs.push(("STOREDQUERY_ID", stored.id.clone()));
        pairs.extend(stored.arguments.iter().map(|(k, v)| (k.as_str(), v.clone())));
        return Some(());
    }
    let queries: Option<Vec<&Adhoc>> = queries
        .iter()
        .map(|q| match q {
            Expression::Adhoc(a) => Some(a.as_ref()),
            Expression::Stored(_) => None,
        })
        .collect();
    let queries = queries?;
    let several = queries.len() > 1;
    let mut grouped = |name: &'static str, groups: Vec<String>| {
        if groups.iter().all(String::is_empty) {
            return;
        }
        let value = match several {
            true => groups.iter().map(|g| format!("({g})")).collect(),
            false => groups.concat(),
        };
        pairs.push((name, value));
    };
    let types: Vec<&TypeName> = queries.iter().filter_map(|q| q.type_name.as_ref()).collect();
    if types.len() == queries.len() {
        grouped("TYPENAMES", types.iter().map(|t| t.name.clone()).collect());
    }
    grouped("SRSNAME", queries.iter().map(|q| q.srs_name.clone().unwrap_or_default()).collect());
    let list = |p: &Option<Vec<String>>| p.as_ref().map(|p| p.join(",")).unwrap_or_default();
    grouped("PROPERTYNAME", queries.iter().map(|q| list(&q.properties)).collect());
    let sort = |s: &[(String, bool)]| {
        let keys: Vec<String> =
            s.iter().map(|(name, descending)| format!("{name} {}", if *descending { "DESC" } else { "ASC" })).collect();
        keys.join(",")
    };
    grouped("SORTBY", queries.iter().map(|q| sort(&q.sort)).collect());
    let mut names: Vec<(String, String)> = Vec::new();
    let mut forms: Vec<(&'static str, String)> = Vec::new();
    for q in &queries {
        names.extend(q.prefixes.iter().cloned());
        forms.push(match &q.predicate {
            Predicate::All => ("", String::new()),
            Predicate::Filter(element) => {
                let mut xml = String::new();
                element.write(&mut xml);
                ("FILTER", xml)
            }
            Predicate::Ids(ids) => ("RESOURCEID", ids.join(",")),
            Predicate::Bbox(text) => ("BBOX", text.clone()),
            Predicate::Cql(text) => ("CQL_FILTER", text.clone()),
            Predicate::Equal(_) => return None,
        });
    }
    names.extend(types.iter().filter_map(|t| {
        let prefix = t.name.split_once(':').map_or("", |(p, _)| p);
        t.namespace.clone().map(|uri| (prefix.to_owned(), uri))
    }));
    names.sort();
    names.dedup();
    let form = forms.iter().map(|(name, _)| *name).find(|n| !n.is_empty());
    if let Some(form) = form {
        // KVP has one kind of predicate for all queries.
        if forms.iter().any(|(name, _)| *name != form) {
            return None;
        }
        match form {
            "CQL_FILTER" => {
                let texts: Vec<String> = forms.into_iter().map(|(_, t)| t).collect();
                pairs.push((form, texts.join(";")));
            }
            "BBOX" if forms.iter().all(|(_, t)| *t == forms[0].1) => pairs.push((form, forms[0].1.clone())),
            "BBOX" => return None,
            _ => grouped_predicates(form, forms, several, pairs),
        }
    }
    if !names.is_empty() {
        let bound: Vec<String> = names.iter().map(|(p, uri)| format!("xmlns({p},{uri})")).collect();
        pairs.push(("NAMESPACES", bound.join(",")));
    }
    Some(())
}

fn grouped_predicates(
    form: &'static str,
    forms: Vec<(&'static str, String)>,
    several: bool,
    pairs: &mut Vec<(&str, String)>,
) {
    let value = match several {
        true => forms.iter().map(|(_, t)| format!("({t})")).collect(),
        false => forms.into_iter().map(|(_, t)| t).collect::<String>(),
    };
    pairs.push((form, value));
}
