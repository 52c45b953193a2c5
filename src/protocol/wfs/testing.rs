//! What the tests of this room share: a small metropolis, requests, answers as text.

use crate::config::Limits;
use crate::convention::{Operation, Terms};
use crate::error::Error;
use crate::protocol::{Answer, Body, Call, Context, ExceptionStyle, Progress, Request, Site, wfs};
use crate::query::{Query, Select};
use crate::store::fixture::{World, metropolis};
use crate::store::{Fetched, LayerFacts, Rows};
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::sync::Arc;

pub struct Bench {
    pub world: World,
    pub site: Arc<Site>,
}

/// A GET of `/wfs` with a query string.
pub fn get(query: &str) -> Request {
    let decode =
        |t: &str| percent_encoding::percent_decode_str(&t.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
    Request {
        method: Method::GET,
        path: "/wfs".into(),
        segments: vec!["wfs".into()],
        query: pairs.map(|(k, v)| (decode(k), decode(v))).collect(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        base_url: "https://portail.example".into(),
        french: true,
    }
}

/// A POST of a document.
pub fn post(body: &str) -> Request {
    Request { method: Method::POST, body: Bytes::from(body.to_owned()), ..get("") }
}

impl Bench {
    pub fn new() -> Bench {
        let world = metropolis();
        let terms = Terms {
            convention: "essai".into(),
            partner: "Ville d'Essai & Cie".into(),
            purposes: "Observation".into(),
            until: "2030-12-31".into(),
            constraints_fr: "Convention essai avec Ville d'Essai & Cie -- sans diffusion.".into(),
            constraints_en: "Convention essai with Ville d'Essai & Cie.".into(),
            fees_fr: "Participation aux frais : 500 € par an".into(),
            fees_en: "500 euros a year".into(),
            id: 0,
        };
        let site = Site {
            catalogue: Arc::clone(&world.catalogue),
            operations: [Operation::Wms, Operation::Wfs, Operation::Tuiles, Operation::Export].into(),
            styles: Arc::default(),
            limits: Limits::default(),
            terms: Arc::new(terms),
            publication: 7,
            grace: 3600,
            inspire: false,
            update_sequence: "7.0".into(),
        };
        Bench { world, site: Arc::new(site) }
    }

    pub fn parse(&self, request: &Request) -> Result<Call, Error> {
        wfs::parse(request, &self.site).map_err(|f| f.error)
    }

    /// The selections that a request asks for.
    pub fn selects(&self, request: &Request) -> Result<Vec<Select>, Error> {
        match self.parse(request)?.query {
            Query::Features(parts) | Query::Count(parts) => Ok(parts),
            other => panic!("{other:?}"),
        }
    }

    pub fn context(&self) -> Context {
        Context {
            site: Arc::clone(&self.site),
            base_url: "https://portail.example".into(),
            download: "t-1".into(),
            now: 1_700_000_000_000,
            french: true,
        }
    }

    /// What the store would fetch, identifiers being the only filter that it obeys.
    pub fn fetch(&self, query: &Query) -> Fetched {
        match query {
            Query::Features(parts) => Fetched::Features(parts.iter().map(|s| self.rows(s)).collect()),
            Query::Count(parts) => Fetched::Count(parts.iter().map(|s| self.rows(s).matched).collect()),
            _ => {
                let extent = crate::geo::Envelope::new(2.999_999, 50.5, 3.3, 50.8);
                let facts = |layer| LayerFacts {
                    layer,
                    count: 3,
                    extent_2154: extent,
                    extent_84: extent,
                    extent_3857: extent,
                    vintages: vec![2023, 2024],
                };
                let layers = self.site.catalogue.layers().iter().map(|l| facts(l.id)).collect();
                Fetched::Facts { publication: 7, published: 1_700_000_000_000, rule: Default::default(), layers }
            }
        }
    }

    fn rows(&self, select: &Select) -> Rows {
        let layer = self.world.catalogue.layer_by_id(select.layer).unwrap();
        let mut rows = self.world.rows_in(&layer.name, select.crs);
        if let crate::filter::Filter::Ids(ids) = &select.filter {
            rows.rows = ids.iter().filter_map(|id| rows.data().find(id)).collect();
        }
        rows.matched = rows.rows.len() as u64;
        let from = (select.page.start as usize).min(rows.rows.len());
        let to = from.saturating_add(select.page.count.unwrap_or(u64::MAX) as usize).min(rows.rows.len());
        rows.rows = rows.rows[from..to].to_vec();
        Rows { fields: select.fields.clone(), geometry: select.geometry, start: select.page.start, ..rows }
    }

    /// The answer to a request: status, media type, text. Errors are answered as the server does.
    pub fn answer(&self, request: &Request) -> (u16, String, String) {
        let made = match wfs::parse(request, &self.site) {
            Ok(call) => {
                let style = call.exceptions.clone();
                let fetched = self.fetch(&call.query);
                call.reply.answer(fetched, &self.context()).map_err(|e| (e, style))
            }
            Err(f) => Err((f.error, f.exceptions)),
        };
        let answer = made.unwrap_or_else(|(e, style): (Error, ExceptionStyle)| {
            crate::protocol::exception::answer(&e, &style, true, "")
        });
        let (status, media) = (answer.status.as_u16(), answer.content_type.clone());
        (status, media, text(answer))
    }

    /// How the server answers when the store refuses a request that was understood.
    pub fn refused(&self, request: &Request, error: &Error) -> String {
        let call = self.parse(request).unwrap();
        text(crate::protocol::exception::answer(error, &call.exceptions, true, ""))
    }

    /// The text of a successful answer to a GET.
    pub fn text(&self, query: &str) -> String {
        let (status, _, text) = self.answer(&get(query));
        assert_eq!(status, 200, "{query}: {text}");
        text
    }
}

fn text(answer: Answer) -> String {
    let bytes = match answer.body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Producer(mut producer) => {
            let mut out = Vec::new();
            while producer.step(&mut out).unwrap() == Progress::More {}
            out
        }
    };
    String::from_utf8(bytes).unwrap()
}
