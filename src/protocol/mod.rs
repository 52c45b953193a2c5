//! Bytes ▶ `Query`, outcome ▶ envelope, for each protocol. Pure: no I/O, no await, no connection, no SQL.
//!
//! A parser sees a [`Site`]: the catalogue **restricted to the client's convention**, so a name that is not granted does
//! not exist for it. The answer side turns what the store fetched into an [`Answer`].

pub mod exception;
mod files;
pub mod metadata;
pub mod ogcapi;
pub mod template;
pub mod wfs;
pub mod wms;
pub mod wmts;

use crate::catalogue::Catalogue;
use crate::config::Limits;
use crate::convention::{Operation, Terms};
use crate::error::Error;
use crate::query::Query;
use crate::store::Fetched;
use crate::style::Stylebook;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::sync::Arc;

/// A request as the protocols see it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path as received, e.g. `/collections/parc_commune/items`.
    pub path: String,
    /// Path segments, percent-decoded, empty ones dropped.
    pub segments: Vec<String>,
    /// Query parameters in order, percent-decoded (`+` is a blank).
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, within the limit of the configuration.
    pub body: Bytes,
    /// Base of every link in the answer, without trailing slash: the certificate's public URL, else the configured one,
    /// else `https://` + `Host`.
    pub base_url: String,
    /// True when texts for the user shall be French (`Accept-Language`, `LANGUAGE`, default).
    pub french: bool,
}

impl Request {
    /// First value of a parameter, name compared without case (KVP protocols: OGC 06-042 §6.8.1, 09-025r2 §6.2.5.2).
    pub fn kvp(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// First value of a parameter, name compared with case (OGC API).
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

/// What a parser may know.
#[derive(Debug, Clone)]
pub struct Site {
    /// What exists for this client.
    pub catalogue: Arc<Catalogue>,
    /// Operation families granted.
    pub operations: std::collections::BTreeSet<Operation>,
    /// Resolved styles.
    pub styles: Arc<Stylebook>,
    /// Limits of the configuration.
    pub limits: Limits,
    /// Terms of the convention that travel with the data.
    pub terms: Arc<Terms>,
    /// Number of the current publication (`updateSequence`, ETags).
    pub publication: i64,
    /// Seconds that a reading of several pages may go on after its publication was replaced.
    pub grace: u64,
    /// Whether WFS 2.0 carries INSPIRE's extension for download services.
    pub inspire: bool,
    /// Rises with any change of publication, of scope or of configuration.
    pub update_sequence: String,
}

/// A request understood: what is asked, and how its answer is written.
pub struct Call {
    /// What is asked of the store.
    pub query: Query,
    /// Operation family the convention must grant.
    pub operation: Operation,
    /// Protocol and operation, for the access record and metrics, e.g. `("wfs", "GetFeature")`.
    pub name: (&'static str, &'static str),
    /// Whether the answer holds data (needs an access record before its first byte) or only describes what exists.
    pub data: bool,
    /// Set when the answer is a page that others may follow.
    pub reading: Option<Reading>,
    /// Writes the answer.
    pub reply: Box<dyn Reply>,
    /// How errors are written.
    pub exceptions: ExceptionStyle,
}

/// A page of a paged reading: all its pages come from one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Features before the page, over all parts; 0 opens a new reading.
    pub start: u64,
    /// Features of the page at most.
    pub count: u64,
    /// What tells two readings of the same features apart: version and format.
    pub form: String,
}

/// Turns what was fetched into the answer of a protocol. Pure.
pub trait Reply: Send {
    /// Makes the answer. Large bodies are left to a [`Producer`].
    ///
    /// # Errors
    /// Those of the request's meaning that only show now, e.g. a feature that does not exist.
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> std::result::Result<Answer, Error>;
}

/// What the answer side knows besides the rows.
#[derive(Debug, Clone)]
pub struct Context {
    /// Same as the parser's.
    pub site: Arc<Site>,
    /// Base of links.
    pub base_url: String,
    /// Identifier of this download in the access record.
    pub download: String,
    /// Now, milliseconds since 1970 (timeStamp attributes).
    pub now: i64,
    /// Language of texts.
    pub french: bool,
}

/// An answer. Envelope headers that are the same for all protocols (CORS, cache, terms, security) are added by `server`.
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Media type.
    pub content_type: String,
    /// Further headers, e.g. `Link`, `Content-Crs`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body.
    pub body: Body,
    /// Features in the body, for the access record.
    pub features: u64,
}

/// A body.
pub enum Body {
    /// Ready.
    Bytes(Bytes),
    /// Made in quanta.
    Producer(Box<dyn Producer>),
}

impl Answer {
    /// A ready body with status 200.
    pub fn ok(content_type: impl Into<String>, body: impl Into<Bytes>) -> Answer {
        Answer {
            status: StatusCode::OK,
            content_type: content_type.into(),
            headers: Vec::new(),
            body: Body::Bytes(body.into()),
            features: 0,
        }
    }

    /// A body made in quanta, status 200.
    pub fn produced(content_type: impl Into<String>, features: u64, producer: Box<dyn Producer>) -> Answer {
        Answer { features, body: Body::Producer(producer), ..Answer::ok(content_type, Bytes::new()) }
    }
}

pub use crate::encode::{Producer, Progress};

/// How a failed request is answered: the exception form of the protocol that was spoken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExceptionStyle {
    /// WMS `ServiceExceptionReport` 1.3.0 or 1.1.1; with `image` the error goes into a picture (`INIMAGE`, `BLANK`).
    Wms {
        /// `1.3.0` or `1.1.1`.
        version: &'static str,
        /// Set when a picture was asked for.
        image: Option<ErrorPicture>,
    },
    /// OWS `ExceptionReport`, or the `ServiceExceptionReport` of WFS 1.0.
    Ows {
        /// Protocol and version spoken.
        version: OwsVersion,
        /// The name that the client gave its request, which some exceptions repeat (09-025r2 table 3).
        handle: Option<Box<str>>,
        /// Whether the filter stood in `CQL_FILTER`: what fails while it is applied is located there, else at `FILTER`.
        cql: bool,
    },
    /// Problem document (RFC 9457), as JSON or as an HTML page.
    Problem {
        /// True when the client prefers HTML.
        html: bool,
    },
}

/// A picture that takes the place of a map which cannot be drawn (OGC 06-042 §7.3.3.11).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorPicture {
    /// True for `BLANK` (nothing but background), false for `INIMAGE` (the text is drawn).
    pub blank: bool,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Encoding of the map that was asked for.
    pub format: crate::render::Format,
    /// Whether the background is transparent.
    pub transparent: bool,
    /// Background, `0xRRGGBB`.
    pub background: u32,
}

/// Protocols that answer errors in the forms of OWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwsVersion {
    /// WFS 2.0: OWS 1.1, `version="2.0.0"`.
    Wfs20,
    /// WFS 1.1: OWS 1.0, `version="1.0.0"`.
    Wfs11,
    /// WFS 1.0: `ServiceExceptionReport` 1.2.0.
    Wfs10,
    /// WMTS 1.0: OWS 1.1, `version="1.0.0"`.
    Wmts10,
}

/// A request that was not understood, and how to say so.
pub struct Failure {
    /// What is wrong.
    pub error: Error,
    /// In which form to say it.
    pub exceptions: ExceptionStyle,
}

/// Which protocol a path speaks, and what it makes of the request.
///
/// `/wms`, `/wfs`, `/wmts` are the KVP services; everything else below `/` is OGC API (landing page, collections, tiles,
/// styles, conformance, `/api`). `/ogc` is accepted as a prefix of the OGC API paths: some clients are configured so.
///
/// # Errors
/// A [`Failure`] in the form of the protocol that was spoken.
pub fn parse(request: &Request, site: &Site) -> Result<Call, Failure> {
    match request.segments.first().map(String::as_str) {
        Some("ogc") if request.segments.get(1).is_some_and(|s| s == "metadata") => metadata::parse(request, site),
        Some("wms") => wms::parse(request, site),
        Some("wfs") => wfs::parse(request, site),
        Some("wmts") => wmts::parse(request, site),
        Some("metadata") => metadata::parse(request, site),
        _ => ogcapi::parse(request, site),
    }
}
