//! What the tests of this room share.

use crate::catalogue::load_embedded;
use crate::config::Limits;
use crate::convention::{Operation, Terms};
use crate::protocol::{Answer, Body, Call, Context, Failure, Progress, Request, Site};
use crate::store::{Fetched, LayerFacts};
use crate::style::Stylebook;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// A GET of a path with a query string.
pub fn request(target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decode =
        |t: &str| percent_encoding::percent_decode_str(&t.replace('+', " ")).decode_utf8().unwrap().into_owned();
    Request {
        method: Method::GET,
        path: path.to_owned(),
        segments: path.split('/').filter(|s| !s.is_empty()).map(decode).collect(),
        query: query
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (decode(k), decode(v)))
            .collect(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        base_url: "https://portail.example".to_owned(),
        french: true,
    }
}

/// The portal's whole catalogue with all operations.
pub fn site() -> Site {
    static SITE: LazyLock<Site> = LazyLock::new(whole_site);
    SITE.clone()
}

fn whole_site() -> Site {
    let catalogue = load_embedded().unwrap();
    let styles = Stylebook::load_embedded(&catalogue).unwrap();
    Site {
        catalogue: Arc::new(catalogue),
        operations: [Operation::Wms, Operation::Wfs, Operation::Tuiles, Operation::Export].into(),
        styles: Arc::new(styles),
        limits: Limits::default(),
        terms: Arc::new(Terms {
            convention: "essai".into(),
            partner: "Ville d'Essai".into(),
            purposes: "Observation".into(),
            until: "2030-12-31".into(),
            constraints_fr: "Usage interne".into(),
            constraints_en: "Internal use".into(),
            fees_fr: "Participation aux frais : 500 € par an".into(),
            fees_en: "500 euros a year".into(),
            id: 0,
        }),
        publication: 7,
        grace: 3600,
        inspire: false,
        update_sequence: "7.0".into(),
    }
}

/// Facts of every layer, invented.
pub fn facts(site: &Site) -> Fetched {
    let envelope = crate::geo::Envelope::new(2.8, 50.5, 3.3, 50.8);
    Fetched::Facts {
        publication: 7,
        published: 1_700_000_000_000,
        rule: crate::catalogue::Text { fr: "Règle G1".into(), en: "Rule G1".into() },
        layers: site
            .catalogue
            .layers()
            .iter()
            .map(|l| LayerFacts {
                layer: l.id,
                count: 95,
                extent_2154: envelope,
                extent_84: envelope,
                extent_3857: envelope,
                vintages: vec![2022, 2023, 2024],
            })
            .collect(),
    }
}

/// Parses a request of the whole site.
pub fn parse(target: &str) -> Result<Call, Failure> {
    crate::protocol::parse(&request(target), &site())
}

/// Answers a request with what a store would fetch.
pub fn answer(target: &str, fetched: Fetched) -> Result<Answer, crate::error::Error> {
    let call = parse(target).map_err(|f| f.error)?;
    call.reply.answer(fetched, &context())
}

/// Context of an answer.
pub fn context() -> Context {
    Context {
        site: Arc::new(site()),
        base_url: "https://portail.example".to_owned(),
        download: "t-1".to_owned(),
        now: 1_700_000_000_000,
        french: true,
    }
}

/// Whole body of an answer.
pub fn body(answer: Answer) -> Vec<u8> {
    match answer.body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Producer(mut producer) => {
            let mut out = Vec::new();
            while producer.step(&mut out).unwrap() == Progress::More {}
            out
        }
    }
}

/// A described resource as JSON.
pub fn json(target: &str) -> Value {
    let answer = answer(target, facts(&site())).unwrap_or_else(|e| panic!("{target}: {e}"));
    serde_json::from_slice(&body(answer)).unwrap()
}
