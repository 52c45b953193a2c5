//! Metadata records (ISO 19139) at `/metadata/{id}.xml`: one of the service, one of each layer that the client sees.

use super::{Answer, Call, Context, ExceptionStyle, Failure, Reply, Request, Site, template};
use crate::catalogue::{Keyword, Layer, Service, Text};
use crate::convention::Operation;
use crate::error::{Error, Result};
use crate::filter::instant::write_instant;
use crate::geo::{Crs, Envelope};
use crate::query::Query;
use crate::store::{Fetched, LayerFacts};
use http::Method;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use std::sync::LazyLock;

/// Identifier of the record of the service; no layer is called so (the check of the catalogue aside, its record wins).
pub const SERVICE: &str = "service";

const TEMPLATE: &str = "iso19139.xml";

static TEMPLATES: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(|| template::xml(&[(TEMPLATE, include_str!("../../capabilities/templates/iso19139.xml"))]));

/// Address of the record of a layer: in the organisation's own catalogue when one is configured, else here.
pub fn address(base: &str, service: &Service, id: &str) -> String {
    match service.metadata_url.as_str() {
        "" => format!("{base}/metadata/{id}.xml"),
        own => own.replace("{id}", &format!("{}-{id}", service.prefix)),
    }
}

/// Reads a request for a record.
///
/// # Errors
/// A [`Failure`] as problem document: no such record for this client.
pub fn parse(request: &Request, site: &Site) -> std::result::Result<Call, Failure> {
    let exceptions = ExceptionStyle::Problem { html: false };
    let reply = understand(request, site).map_err(|error| Failure { error, exceptions: exceptions.clone() })?;
    Ok(Call {
        query: Query::Capabilities,
        // Whoever may see anything may read what it is.
        operation: site.operations.first().copied().unwrap_or(Operation::Wms),
        name: ("metadata", "record"),
        data: false,
        reading: None,
        reply: Box::new(reply),
        exceptions,
    })
}

fn understand(request: &Request, site: &Site) -> Result<Record> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Err(Error::Method { method: request.method.to_string(), allow: "GET, HEAD" });
    }
    let unknown = || Error::NotFound { path: request.path.clone() };
    let ([_, name] | [_, _, name]) = request.segments.as_slice() else { return Err(unknown()) };
    if request.segments.get(request.segments.len() - 2).is_none_or(|s| s != "metadata") {
        return Err(unknown());
    }
    let id = name.strip_suffix(".xml").ok_or_else(unknown)?;
    match site.catalogue.layer(id) {
        Some(_) => Ok(Record { id: id.to_owned() }),
        None if id == SERVICE => Ok(Record { id: id.to_owned() }),
        None => Err(unknown()),
    }
}

struct Record {
    id: String,
}

impl Reply for Record {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let Fetched::Facts { layers: facts, published, rule, .. } = fetched else { return Err(Error::Internal) };
        let catalogue = &context.site.catalogue;
        let published = write_instant(published);
        let values = match catalogue.layer(&self.id) {
            Some(layer) => of_layer(layer, facts.iter().find(|f| f.layer == layer.id), &published, &rule, context),
            None => of_service(&facts, &published, context),
        };
        let xml = template::fill(&TEMPLATES, TEMPLATE, values)?;
        Ok(Answer::ok("application/xml; charset=utf-8", xml.into_bytes()))
    }
}

/// A text in the language of the record, and in the other one (`gmd:PT_FreeText`).
fn both(context: &Context, say: impl Fn(bool) -> String) -> [String; 2] {
    [say(context.french), say(!context.french)]
}

fn pair(context: &Context, text: &Text) -> [String; 2] {
    both(context, |french| text.get(french).to_owned())
}

fn words(context: &Context, keywords: &[Keyword]) -> Vec<[String; 2]> {
    keywords.iter().map(|k| both(context, |french| k.get(french).to_owned())).collect()
}

/// What both kinds of record say.
fn common(id: &str, published: &str, context: &Context) -> Value {
    let (service, french) = (&context.site.catalogue.service, context.french);
    let terms = &context.site.terms;
    let constraints = |french| match terms.constraints(french) {
        "" => if french { "aucune condition" } else { "no conditions apply" }.to_owned(),
        text => text.to_owned(),
    };
    let fees = |french| match (terms.fees(french), french) {
        ("", true) => "Redevance : aucune.".to_owned(),
        ("", false) => "Fees: none.".to_owned(),
        (text, true) => format!("Redevance : {text}"),
        (text, false) => format!("Fees: {text}"),
    };
    let access = |french| match (terms.convention.is_empty(), french) {
        (true, true) => "Accès par certificat.".to_owned(),
        (true, false) => "Access by certificate.".to_owned(),
        (false, true) => format!("Convention {} ({}), jusqu'au {}.", terms.convention, terms.partner, terms.until),
        (false, false) => format!("Convention {} ({}), until {}.", terms.convention, terms.partner, terms.until),
    };
    let (language, other) = if french { ("fre", "eng") } else { ("eng", "fre") };
    context! {
        id => id,
        prefix => &service.prefix,
        namespace => &service.namespace,
        provider => Value::from(Serde(&service.provider)),
        language => language,
        other => other,
        published => published,
        constraints => both(context, constraints),
        access => both(context, access),
        fees => both(context, fees),
        secrecy => pair(context, &service.secrecy),
    }
}

fn corners(extent: Option<Envelope>) -> Option<[String; 4]> {
    // Outwards, as in the capabilities.
    let (down, up) =
        (|v: f64| format!("{:.5}", (v * 1e5).floor() / 1e5), |v: f64| format!("{:.5}", (v * 1e5).ceil() / 1e5));
    extent.filter(|e| !e.is_empty()).map(|e| [down(e.min[0]), down(e.min[1]), up(e.max[0]), up(e.max[1])])
}

/// Services by name, each with its address and what protocol it speaks.
fn services(context: &Context) -> Vec<Value> {
    let base = &context.base_url;
    let wfs = context.site.operations.contains(&Operation::Wfs);
    let mut all = vec![(format!("{base}/wms?SERVICE=WMS&REQUEST=GetCapabilities"), "OGC:WMS", "WMS")];
    if wfs {
        all.push((format!("{base}/wfs?SERVICE=WFS&REQUEST=GetCapabilities"), "OGC:WFS", "WFS"));
        all.push((format!("{base}/"), "OGC API - Features", "OGC API"));
    }
    all.into_iter().map(|(url, protocol, name)| context! { url => url, protocol => protocol, name => name }).collect()
}

/// Whose data, and how they were made: each as a sentence.
fn origin(service: &Service, french: bool) -> String {
    match (service.attribution.get(french), service.lineage.get(french)) {
        ("", how) => how.to_owned(),
        (by, "") => by.to_owned(),
        (by, how) => format!("{}. {how}", by.trim_end_matches('.')),
    }
}

fn of_layer(layer: &Layer, facts: Option<&LayerFacts>, published: &str, rule: &Text, context: &Context) -> Value {
    let (service, base) = (&context.site.catalogue.service, &context.base_url);
    let mut online = services(context);
    if context.site.operations.contains(&Operation::Wfs) {
        let url = format!("{base}/collections/{}", layer.name);
        online.push(context! { url => url, protocol => "WWW:LINK-1.0-http--link", name => layer.name.as_str() });
    }
    let vintages = facts.map(|f| f.vintages.as_slice()).unwrap_or_default();
    let lineage = |french| {
        let spoken = match vintages {
            [] => String::new(),
            [one] => format!("{} {one}. ", if french { "Millésime" } else { "Vintage" }),
            [first, .., last] => format!("{} {first} – {last}. ", if french { "Millésimes" } else { "Vintages" }),
        };
        format!("{spoken}{} {}", origin(service, french), rule.get(french)).trim().to_owned()
    };
    context! {
        ..context! {
            level => if vintages.len() > 1 { "series" } else { "dataset" },
            service => Value::from(false),
            operates_on => Vec::<Value>::new(),
            title => pair(context, &layer.title),
            abstract => pair(context, &layer.summary),
            keywords => words(context, if layer.keywords.is_empty() { &service.keywords } else { &layer.keywords }),
            crs => Crs::ALL.map(Crs::uri),
            extent => corners(facts.and_then(|f| f.extent_84)),
            begin => vintages.first().map(|v| format!("{v:04}-01-01")),
            end => vintages.last().map(|v| format!("{v:04}-12-31")),
            online => online,
            lineage => both(context, lineage),
        },
        ..common(&layer.name, published, context)
    }
}

fn of_service(facts: &[LayerFacts], published: &str, context: &Context) -> Value {
    let catalogue = &context.site.catalogue;
    let service = &catalogue.service;
    let extent = facts.iter().filter_map(|f| f.extent_84).fold(Envelope::EMPTY, |mut all, e| {
        all.merge(&e);
        all
    });
    let layers = catalogue.layers().iter();
    let operates_on: Vec<Value> = layers
        .map(|l| context! { id => l.name.as_str(), url => address(&context.base_url, service, &l.name) })
        .collect();
    let lineage = |french| origin(service, french);
    let operations: Vec<Value> =
        services(context).into_iter().map(|s| context! { name => "GetCapabilities", ..s }).collect();
    context! {
        ..context! {
            level => "service",
            service => operations,
            operates_on => operates_on,
            title => pair(context, &service.title),
            abstract => pair(context, &service.summary),
            keywords => words(context, &service.keywords),
            crs => Vec::<String>::new(),
            extent => corners(Some(extent)),
            begin => Value::from(()),
            end => Value::from(()),
            online => services(context),
            lineage => both(context, lineage),
        },
        ..common(SERVICE, published, context)
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::filter::fes::xml::{Element, XmlLimits};
    use crate::protocol::ogcapi::testing;

    const LIMITS: XmlLimits = XmlLimits { depth: 64, elements: 100_000, bytes: 10_000_000 };

    fn text<'e>(e: &'e Element, path: &[&str]) -> &'e str {
        match path.split_first() {
            None => &e.text,
            Some((name, rest)) => text(e.child(name).unwrap_or_else(|| panic!("{name} in {}", e.name)), rest),
        }
    }

    fn record(target: &str) -> Element {
        let answer = testing::answer(target, testing::facts(&testing::site())).unwrap();
        assert_eq!(answer.content_type, "application/xml; charset=utf-8");
        Element::parse(&testing::body(answer), LIMITS).unwrap()
    }

    #[test]
    fn a_layer_says_what_it_is_and_on_which_terms() {
        for target in ["/metadata/parc_iris.xml", "/ogc/metadata/parc_iris.xml"] {
            let root = record(target);
            assert_eq!((root.name.as_str(), &*root.namespace), ("MD_Metadata", "http://www.isotc211.org/2005/gmd"));
            assert_eq!(text(&root, &["fileIdentifier", "CharacterString"]), "seuil-parc_iris");
            let data = root.child("identificationInfo").unwrap().child("MD_DataIdentification").unwrap();
            let legal = data.child("resourceConstraints").unwrap().child("MD_LegalConstraints").unwrap();
            assert_eq!(text(legal, &["useLimitation", "CharacterString"]), "Usage interne");
            let lineage =
                ["dataQualityInfo", "DQ_DataQuality", "lineage", "LI_Lineage", "statement", "CharacterString"];
            assert!(text(&root, &lineage).ends_with("Règle G1"), "{}", text(&root, &lineage));
            let west = [
                "extent",
                "EX_Extent",
                "geographicElement",
                "EX_GeographicBoundingBox",
                "westBoundLongitude",
                "Decimal",
            ];
            assert!((2.0..4.0).contains(&text(data, &west).parse::<f64>().unwrap()));
        }
    }

    #[test]
    fn texts_are_there_in_both_languages_from_one_definition() {
        let title = |target: &str| {
            let root = record(target);
            let citation = root.child("identificationInfo").unwrap().child("MD_DataIdentification").unwrap();
            let title =
                citation.child("citation").unwrap().child("CI_Citation").unwrap().child("title").unwrap().clone();
            let other = text(&title, &["PT_FreeText", "textGroup", "LocalisedCharacterString"]).to_owned();
            let locale = ["locale", "PT_Locale", "languageCode", "LanguageCode"];
            (text(&title, &["CharacterString"]).to_owned(), other, text(&root, &locale).to_owned())
        };
        let site = testing::site();
        let layer = &site.catalogue.layer("parc_iris").unwrap().title;
        assert_ne!(layer.fr, layer.en);
        let french = title("/metadata/parc_iris.xml");
        assert_eq!(french, (layer.fr.clone(), layer.en.clone(), "eng".to_owned()));
    }

    #[test]
    fn the_service_operates_on_what_the_client_sees() {
        let root = record("/metadata/service.xml");
        let service = root.child("identificationInfo").unwrap().child("SV_ServiceIdentification").unwrap();
        assert_eq!(service.all("operatesOn").count(), testing::site().catalogue.layers().len());
        assert_eq!(service.all("containsOperations").count(), 3);
    }

    #[test]
    fn what_a_client_does_not_see_has_no_record() {
        for target in ["/metadata/nothing.xml", "/metadata/parc_iris", "/metadata", "/metadata/x/parc_iris.xml"] {
            assert!(
                matches!(testing::answer(target, testing::facts(&testing::site())), Err(Error::NotFound { .. })),
                "{target}"
            );
        }
    }
}
