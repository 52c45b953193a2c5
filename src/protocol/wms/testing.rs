//! What the tests of this room share.

use crate::catalogue::load_embedded;
use crate::config::Limits;
use crate::convention::{Operation, Terms};
use crate::protocol::{Answer, Body, Call, Context, Failure, Progress, Request, Site};
use crate::query::{InfoQuery, MapQuery, Query};
use crate::store::fixture::{Fixture, Row, World};
use crate::store::{Fetched, LayerFacts, Rows};
use crate::style::Stylebook;
use std::sync::Arc;

/// A GET of `/wms` with a query string.
pub fn request(query: &str) -> Request {
    let decode =
        |t: &str| percent_encoding::percent_decode_str(&t.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
    Request {
        method: http::Method::GET,
        path: "/wms".to_owned(),
        segments: vec!["wms".to_owned()],
        query: pairs.map(|(k, v)| (decode(k), decode(v))).collect(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        base_url: "https://portail.example".to_owned(),
        french: true,
    }
}

/// The portal's whole catalogue with all operations.
pub fn site() -> Site {
    let catalogue = Arc::new(load_embedded().unwrap());
    Site {
        styles: Arc::new(Stylebook::load_embedded(&catalogue).unwrap()),
        catalogue,
        operations: [Operation::Wms, Operation::Wfs, Operation::Tuiles, Operation::Export].into(),
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
        update_sequence: "1700000000000.00000000000000aa".into(),
    }
}

/// A commune, two residences inside it (one withheld), a second commune without any.
pub fn world() -> World {
    Fixture::new()
        .rows(
            "parc_commune",
            [
                Row::new("59350").set("nom", "Lille").set("densite_rpls", 12.0).square(700_000.0, 7_060_000.0, 900.0),
                Row::new("59355").secret().square(700_900.0, 7_060_000.0, 100.0),
            ],
        )
        .rows(
            "parc_residence",
            [
                Row::new("a")
                    .set("nom", "Résidence <des> Tilleuls")
                    .set("nb_logements", 40)
                    .point(700_505.0, 7_060_505.0),
                Row::new("b").secret().point(700_205.0, 7_060_205.0),
                Row::new("c").set("nb_logements", 11).point(700_905.0, 7_060_905.0),
            ],
        )
        .build()
}

/// Parses a query string.
pub fn parse(query: &str, site: Site) -> Result<Call, Failure> {
    crate::protocol::wms::parse(&request(query), &site)
}

/// Facts of every layer of a site; `parc_commune` has an extent, the others have no rows.
pub fn facts(site: &Site) -> Fetched {
    let envelope = |a, b, c, d| crate::geo::Envelope::new(a, b, c, d);
    let layers = site.catalogue.layers().iter().map(|l| {
        let some = l.name.starts_with("parc_commune");
        LayerFacts {
            layer: l.id,
            count: if some { 95 } else { 0 },
            extent_2154: envelope(685_000.0, 7_044_000.0, 719_000.0, 7_078_000.0).filter(|_| some),
            extent_84: envelope(2.788, 50.499, 3.272, 50.795).filter(|_| some),
            extent_3857: envelope(310_358.0, 6_531_000.0, 364_237.0, 6_583_000.0).filter(|_| some),
            vintages: if some { vec![2022, 2023, 2024] } else { Vec::new() },
        }
    });
    Fetched::Facts { publication: 7, published: 1_700_000_000_000, rule: Default::default(), layers: layers.collect() }
}

/// All rows of the layers of a map: more than a store gives.
fn rows(map: &MapQuery, world: &World, only: Option<&InfoQuery>) -> Vec<Rows> {
    let asked = map.layers.iter().filter(|l| only.is_none_or(|i| i.layers.contains(&l.layer)));
    let name = |l: &crate::query::MapLayer| world.catalogue.layer_by_id(l.layer).unwrap().name.clone();
    asked.map(|l| world.rows(&name(l))).collect()
}

/// Answers a query string with the rows of a world.
pub fn answer(query: &str, world: &World) -> (Answer, Vec<u8>) {
    answer_for(query, world, site())
}

/// The same for a site.
pub fn answer_for(query: &str, world: &World, site: Site) -> (Answer, Vec<u8>) {
    let call = parse(query, site.clone()).unwrap_or_else(|f| panic!("{query}: {}", f.error));
    let fetched = match &call.query {
        Query::Map(m) => Fetched::Layers(rows(m, world, None)),
        Query::Info(i) => Fetched::Layers(rows(&i.map, world, Some(i))),
        _ => facts(&site),
    };
    let context = Context {
        site: Arc::new(site),
        base_url: "https://portail.example".to_owned(),
        download: "t-1".to_owned(),
        now: 1_700_000_000_000,
        french: true,
    };
    let mut answer = call.reply.answer(fetched, &context).unwrap();
    let body = std::mem::replace(&mut answer.body, Body::Bytes(bytes::Bytes::new()));
    let bytes = match body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Producer(mut producer) => {
            let mut out = Vec::new();
            while producer.step(&mut out).unwrap() == Progress::More {}
            out
        }
    };
    (answer, bytes)
}
