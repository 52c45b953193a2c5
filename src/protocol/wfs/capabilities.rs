//! GetCapabilities: one template a version, filled from the tables that the parser reads too.

use super::format::Format;
use super::inspire;
use super::kvp::{RESOLVE, RESULT_TYPES};
use super::plan::offered;
use super::request::GetCapabilities;
use super::version::Version;
use crate::catalogue::{Keyword, Layer};
use crate::error::{Error, Reason, Result};
use crate::filter::expr::FUNCTIONS;
use crate::filter::fes::{COMPARISONS, GEOMETRIES, MEASURES, RELATIONS, TEMPORAL, TESTS};
use crate::protocol::{Answer, Context, Reply, Site, metadata, template};
use crate::store::{Fetched, LayerFacts};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Sections of the document (09-025r2 §8.3.1).
const SECTIONS: [&str; 5] =
    ["ServiceIdentification", "ServiceProvider", "OperationsMetadata", "FeatureTypeList", "Filter_Capabilities"];

/// Conformance of the service (09-025r2 table 13): what is offered, and what is not.
const CONFORMANCE: [(&str, bool); 15] = [
    ("ImplementsBasicWFS", true),
    ("ImplementsTransactionalWFS", false),
    ("ImplementsLockingWFS", false),
    ("KVPEncoding", true),
    ("XMLEncoding", true),
    ("SOAPEncoding", false),
    ("ImplementsInheritance", false),
    ("ImplementsRemoteResolve", false),
    ("ImplementsResultPaging", true),
    ("ImplementsStandardJoins", false),
    ("ImplementsSpatialJoins", false),
    ("ImplementsTemporalJoins", false),
    ("ImplementsFeatureVersioning", false),
    ("ManageStoredQueries", false),
    ("PagingIsTransactionSafe", true),
];

/// Conformance of filters (09-026r2 table 8).
const FILTERS: [(&str, bool); 15] = [
    ("ImplementsQuery", true),
    ("ImplementsAdHocQuery", true),
    ("ImplementsFunctions", true),
    ("ImplementsResourceId", true),
    ("ImplementsMinStandardFilter", true),
    ("ImplementsStandardFilter", true),
    ("ImplementsMinSpatialFilter", true),
    ("ImplementsSpatialFilter", true),
    ("ImplementsMinTemporalFilter", true),
    ("ImplementsTemporalFilter", true),
    ("ImplementsVersionNav", false),
    ("ImplementsSorting", true),
    ("ImplementsExtendedOperators", false),
    ("ImplementsMinimumXPath", true),
    ("ImplementsSchemaElementFunc", false),
];

static TEMPLATES: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    template::xml(&[
        ("wfs-2.0.xml", include_str!("../../../capabilities/templates/wfs-2.0.xml")),
        ("wfs-1.1.xml", include_str!("../../../capabilities/templates/wfs-1.1.xml")),
        ("wfs-1.0.xml", include_str!("../../../capabilities/templates/wfs-1.0.xml")),
    ])
});

/// Answers GetCapabilities.
pub(super) struct CapabilitiesReply {
    version: Version,
    /// Sections to write.
    sections: Vec<&'static str>,
}

/// Reads the request.
pub(super) fn plan(request: GetCapabilities, version: Version, site: &Site) -> Result<CapabilitiesReply> {
    let mut sections = SECTIONS.to_vec();
    if !request.sections.is_empty() && !request.sections.iter().any(|s| s.eq_ignore_ascii_case("All")) {
        for asked in &request.sections {
            if !SECTIONS.iter().any(|s| s.eq_ignore_ascii_case(asked)) {
                return Err(Error::invalid("SECTIONS", asked, Reason::OneOf(format!("{}, All", SECTIONS.join(", ")))));
            }
        }
        sections.retain(|s| request.sections.iter().any(|asked| asked.eq_ignore_ascii_case(s)));
    }
    if let Some(asked) = &request.update_sequence {
        match order(asked, &site.update_sequence) {
            Ordering::Greater => {
                return Err(Error::UpdateSequence { asked: crate::error::printable(asked), current: false });
            }
            // The client's copy is current: the document without its sections says so (06-121r3 §7.3.4).
            Ordering::Equal if version.is_2() => sections.clear(),
            _ => {}
        }
    }
    Ok(CapabilitiesReply { version, sections })
}

/// How an update sequence relates to the server's. The moment of publication stands before the point; what follows names
/// the client's rights: with other rights the copy is not current.
fn order(asked: &str, own: &str) -> Ordering {
    match moment(asked).cmp(&moment(own)) {
        _ if asked.trim() == own => Ordering::Equal,
        // What is no number was never ours.
        Ordering::Less if moment(asked).is_none() => Ordering::Greater,
        Ordering::Equal => Ordering::Less,
        other => other,
    }
}

/// The moment in an update sequence.
fn moment(sequence: &str) -> Option<u64> {
    sequence.trim().split('.').next()?.parse().ok()
}

impl Reply for CapabilitiesReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let Fetched::Facts { layers: facts, .. } = fetched else { return Err(Error::Internal) };
        let site = &context.site;
        let (service, french) = (&site.catalogue.service, context.french);
        let sections: BTreeMap<&str, bool> = SECTIONS.iter().map(|s| (*s, self.sections.contains(s))).collect();
        let types: Vec<Value> =
            site.catalogue.layers().iter().map(|l| feature_type(l, &facts, self.version, context)).collect();
        let offered: Vec<&str> = Version::OFFERED.iter().map(|v| v.number()).collect();
        let values = context! {
            version => self.version.number(),
            update_sequence => match self.version {
                // A whole number in 1.0.
                Version::V100 => moment(&site.update_sequence).unwrap_or_default().to_string(),
                _ => site.update_sequence.clone(),
            },
            prefix => &service.prefix,
            namespace => &service.namespace,
            sections => sections,
            title => service.title.get(french),
            abstract => service.summary.get(french),
            keywords => Value::from(Serde(&Keyword::all(&service.keywords, french))),
            provider => Value::from(Serde(&service.provider)),
            versions => offered.clone(),
            fees => or_none(site.terms.fees(french)),
            constraints => or_none(site.terms.constraints(french)),
            url => format!("{}/wfs", context.base_url),
            inspire => site.inspire.then(|| inspire::extension(context)),
            operations => operations(self.version, &offered),
            service_constraints => service_constraints(site),
            count_default => site.limits.features,
            types => types,
            formats => Format::listed(self.version),
            world => [-180, -90, 180, 90],
            filter_constraints => FILTERS.iter().map(|(n, yes)| (*n, upper(*yes))).collect::<Vec<_>>(),
            comparisons => COMPARISONS.iter().map(|(n, _)| *n).chain(TESTS).collect::<Vec<_>>(),
            geometries => GEOMETRIES[..19].to_vec(),
            spatial => MEASURES.into_iter().chain(RELATIONS.iter().map(|(n, _)| *n)).collect::<Vec<_>>(),
            temporal => temporal(site, &facts),
            functions => FUNCTIONS.iter().map(|f| f.name).collect::<Vec<_>>(),
        };
        let (name, media) = match self.version {
            Version::V100 => ("wfs-1.0.xml", "text/xml; charset=utf-8"),
            Version::V110 => ("wfs-1.1.xml", "text/xml; charset=utf-8"),
            _ => ("wfs-2.0.xml", "application/xml; charset=utf-8"),
        };
        let xml = template::fill(&TEMPLATES, name, values)?;
        Ok(Answer::ok(media, xml.into_bytes()))
    }
}

/// Temporal operators to list. All are understood for every client; two reasons leave one out. The schema of FES 2.0.2
/// forgot `AnyInteracts`. And a listed operator must find something in every type (ets-wfs20 1.25 tests it so): where a
/// type holds a single vintage, nothing lies before or after its date.
fn temporal(site: &Site, facts: &[LayerFacts]) -> Vec<&'static str> {
    let dated = |f: &&LayerFacts| site.catalogue.layer_by_id(f.layer).is_some_and(|l| l.date.is_some());
    let several = facts.iter().filter(dated).all(|f| f.vintages.len() > 1);
    let listed = |n: &&str| *n != "AnyInteracts" && (several || !matches!(*n, "After" | "Before"));
    TEMPORAL.iter().map(|(n, _)| *n).filter(listed).collect()
}

fn upper(yes: bool) -> &'static str {
    if yes { "TRUE" } else { "FALSE" }
}

/// The word that OWS reserves for no fees and no constraints (06-121r3 table 11).
fn or_none(text: &str) -> &str {
    if text.is_empty() { "NONE" } else { text }
}

fn service_constraints(site: &Site) -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = CONFORMANCE.iter().map(|(n, yes)| (*n, upper(*yes).to_owned())).collect();
    all.push(("CountDefault", site.limits.features.to_string()));
    // All pages of a reading come from one publication, which lives on for so long once it was replaced.
    all.push(("ResponseCacheTimeout", site.grace.to_string()));
    all
}

/// Operations with the values that their parameters take.
fn operations(version: Version, versions: &[&str]) -> Vec<Value> {
    let parameter = |name: &str, values: &[&str], default: Option<&str>| {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        context! { name => name.to_owned(), values => values, default => default.map(str::to_owned) }
    };
    let schemas = Format::schemas(version);
    let formats = Format::listed(version);
    let capabilities = vec![
        parameter("AcceptVersions", versions, None),
        parameter("AcceptFormats", &["text/xml", "application/xml"], None),
        parameter("Sections", &[&SECTIONS[..], &["All"]].concat(), None),
    ];
    let describe = vec![parameter("outputFormat", &schemas, schemas.first().copied())];
    let results = parameter("resultType", &RESULT_TYPES, Some(RESULT_TYPES[0]));
    let feature = vec![results.clone(), parameter("outputFormat", &formats, formats.first().copied())];
    let mut all = vec![
        context! { name => "GetCapabilities", parameters => capabilities },
        context! { name => "DescribeFeatureType", parameters => describe },
    ];
    if !version.is_2() {
        all.push(context! { name => "GetFeature", parameters => feature });
        return all;
    }
    let resolve = parameter("resolve", &RESOLVE, Some(RESOLVE[0]));
    let values = vec![results, parameter("outputFormat", &schemas, schemas.first().copied()), resolve.clone()];
    all.push(context! { name => "GetFeature", parameters => [feature, vec![resolve]].concat() });
    all.push(context! { name => "GetPropertyValue", parameters => values });
    all.push(context! { name => "ListStoredQueries", parameters => Vec::<Value>::new() });
    all.push(context! { name => "DescribeStoredQueries", parameters => Vec::<Value>::new() });
    all
}

fn feature_type(layer: &Layer, facts: &[LayerFacts], version: Version, context: &Context) -> Value {
    let french = context.french;
    let extent = facts.iter().find(|f| f.layer == layer.id).and_then(|f| f.extent_84).filter(|e| !e.is_empty());
    // Outwards, to about a metre: a box must hold what it bounds.
    let down = |v: f64| format!("{:.5}", (v * 1e5).floor() / 1e5);
    let up = |v: f64| format!("{:.5}", (v * 1e5).ceil() / 1e5);
    let extent = extent.map(|e| [down(e.min[0]), down(e.min[1]), up(e.max[0]), up(e.max[1])]);
    let crs: Vec<String> = offered(layer).into_iter().map(|c| c.urn()).collect();
    context! {
        name => &layer.name,
        title => layer.title.get(french),
        abstract => layer.summary.get(french),
        keywords => Value::from(Serde(&Keyword::all(&layer.keywords, french))),
        crs => crs,
        srs => if version == Version::V100 { offered(layer)[0].short() } else { String::new() },
        extent => extent,
        metadata => metadata::address(&context.base_url, &context.site.catalogue.service, &layer.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_sequences_compare_by_their_moment() {
        let own = "1700000000000.00000000000000aa";
        assert_eq!(order("1700000000000.00000000000000aa", own), Ordering::Equal);
        assert_eq!(order("1700000000000.00000000000000bb", own), Ordering::Less);
        assert_eq!(order("900000000000.00000000000000aa", own), Ordering::Less);
        assert_eq!(order("1700000000001.00", own), Ordering::Greater);
        assert_eq!(order("demain", own), Ordering::Greater);
    }
}
