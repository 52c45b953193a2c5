//! The pipeline of one request, in one function that reads like the design: see [`Service::answer`].

mod body;
mod counting;
mod mark;
mod reading;
mod tag;

use crate::compute::{Lane, Outcome, Pool, ResponseBody};
use crate::config::Config;
use crate::convention::words::Word;
use crate::convention::{Close, Holder, Identity, Open, Permit, Quotas, Recorder, Refused};
use crate::encode::Progress;
use crate::error::{Error, Refusal, Result};
use crate::geo::{Crs, Transform};
use crate::pki::Peer;
use crate::protocol::{self, Body, Call, Context, ExceptionStyle, Failure, OwsVersion, Request, Site};
use crate::query::Query;
use crate::store::{Fetched, Snapshot, Store};
use crate::style::Stylebook;
use body::{Made, accepts_gzip, make};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Everything a request needs. One for the process.
pub struct Service {
    /// Configuration.
    pub config: Config,
    /// Publications.
    pub store: Arc<Store>,
    /// Conventions and certificates, swapped as a whole.
    pub registry: Arc<Holder>,
    /// Access records.
    pub recorder: Arc<Recorder>,
    /// Where CPU is spent.
    pub pool: Pool,
    /// Styles.
    pub styles: Arc<Stylebook>,
    /// Semaphores of conventions, with the number of places they were made for.
    places: Mutex<HashMap<String, (usize, Arc<Semaphore>)>>,
    quotas: Quotas,
}

/// Who asks, from where.
#[derive(Debug, Clone)]
pub struct Client {
    /// Certificate, if one was shown.
    pub peer: Option<Arc<Peer>>,
    /// Address.
    pub address: IpAddr,
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What goes with the answer to the end of the body.
struct Holding {
    permit: Option<Permit>,
    features: u64,
    begun: Instant,
    _place: OwnedSemaphorePermit,
}

impl Service {
    /// Joins the rooms.
    pub fn new(
        config: Config,
        store: Arc<Store>,
        registry: Arc<Holder>,
        recorder: Arc<Recorder>,
        pool: Pool,
        styles: Arc<Stylebook>,
    ) -> Service {
        Service { config, store, registry, recorder, pool, styles, places: Mutex::default(), quotas: Quotas::default() }
    }

    /// Answers one request: the way of a request, from top to bottom.
    ///
    /// Never fails: an error is an answer in the protocol's own form.
    pub async fn answer(&self, mut request: Request, client: &Client) -> Response<ResponseBody> {
        let begun = Instant::now();
        let identity = match self.registry.identify(client.peer.as_deref(), now()) {
            Ok(identity) => identity,
            Err(refusal) => return self.refuse(&request, client, refusal),
        };
        if let Some(url) = &identity.public_url {
            request.base_url = url.trim_end_matches('/').to_owned();
        }
        let french = request.french;
        let base_url = request.base_url.clone();
        let path = &request.path.clone();
        let mut name = ("http", "unknown");
        let mut style = style_of(&request);
        let budget = self.quotas.request(&identity, now());
        let outcome = match &budget {
            Ok(_) => self.try_answer(request, client, &identity, begun, &mut name, &mut style).await,
            Err(error) => Err(error.clone()),
        };
        let mut response = outcome.unwrap_or_else(|error| {
            if error == Error::Internal {
                tracing::error!(convention = identity.convention.id, operation = name.1, "internal fault");
            }
            if let Error::Refused(refusal) = &error {
                self.recorder.refused(Refused::new(refusal, client.peer.as_deref(), client.address, path));
            }
            error_response(&error, &style, french, &base_url)
        });
        let headers = response.headers_mut();
        terms_headers(headers, &identity, &base_url);
        counting::headers(headers, &identity, budget.ok().flatten());
        let status = response.status().as_u16();
        let labels = [("protocol", name.0), ("operation", name.1)];
        metrics::counter!("seuil_requests_total", &labels).increment(1);
        metrics::histogram!("seuil_request_seconds", &labels).record(begun.elapsed().as_secs_f64());
        tracing::info!(
            target: "seuil::access",
            convention = identity.convention.id,
            protocol = name.0,
            operation = name.1,
            status,
            millis = begun.elapsed().as_millis() as u64,
            "answered"
        );
        response
    }

    async fn try_answer(
        &self,
        request: Request,
        client: &Client,
        identity: &Identity,
        begun: Instant,
        name: &mut (&'static str, &'static str),
        style: &mut ExceptionStyle,
    ) -> Result<Response<ResponseBody>> {
        let lane = lane_of(&identity.convention.id);
        let place = self.place(&identity.convention.id, identity.convention.places).await?;
        // Waiting took time: what has ended meanwhile has ended, what was changed counts.
        let identity = &self.standing(client, identity)?;
        let convention = Arc::clone(&identity.convention);

        let mut site = Arc::new(self.site(identity, &self.store.current()));
        let request = Arc::new(request);
        let parsed = {
            let (site, request) = (Arc::clone(&site), Arc::clone(&request));
            self.pool.run(lane, move || Ok(protocol::parse(&request, &site))).await?
        };
        let call: Call = parsed.map_err(|Failure { error, exceptions }| {
            *style = exceptions;
            error
        })?;
        *name = call.name;
        *style = call.exceptions.clone();
        if !convention.access.operations.contains(&call.operation) {
            let operation = call.operation.word();
            return Err(Error::Refused(Refusal::Operation { id: convention.id.clone(), operation }));
        }

        let reading = call.reading.as_ref().map(|r| (reading::key(r, &call, client), r.clone()));
        let pinned = match (&reading, call.query.publication()) {
            // A further page comes from the publication that the first one came from.
            (Some((key, page)), None) if page.start > 0 => self.store.reading(key).await?,
            (_, named) => named,
        };
        let mut tag = tag::of(&request, &site, identity);
        let current = pinned.is_none_or(|p| p == site.publication);
        if request.method != Method::POST && current && tag::not_modified(&request.headers, &tag) {
            return Ok(tag::put(Response::new(ResponseBody::full(Bytes::new())), StatusCode::NOT_MODIFIED, &tag));
        }

        let opening = call.data.then(|| self.opening(&call, &site, client, identity));
        let counted = counting::most(&call.query);
        let query = match pinned {
            Some(n) => call.query.of_publication(n),
            None => call.query,
        };
        let scoped = convention.scope(query)?;
        let prepared = self.store.prepare(&scoped).await?;
        // Tag, terms and record name the publication that the rows come from, also across a swap.
        if let Some(snapshot) = prepared.snapshot()
            && snapshot.publication != site.publication
        {
            site = Arc::new(self.site(identity, snapshot));
            tag = tag::of(&request, &site, identity);
        }
        let fetched: Fetched = {
            let store = Arc::clone(&self.store);
            self.pool.run(lane, move || store.select(&scoped, prepared)).await?
        };
        if let Some((key, page)) = &reading
            && let Some(publication) = reading::opens(page, pinned, &fetched)
        {
            self.store.open_reading(*key, publication);
        }
        if let Some(most) = counted {
            let keys = || counting::keys(&fetched, most);
            self.quotas.features(identity, counting::handed_out(&fetched, most), keys, now())?;
        }
        let layers = opening.as_ref().map(|o| o.layers.clone()).unwrap_or_default();
        let permit = match opening {
            Some(open) => Some(self.recorder.open(Open { publication: site.publication, ..open }).await?),
            None => None,
        };

        let context = Context {
            site,
            base_url: request.base_url.clone(),
            download: permit.as_ref().map(|p| p.download.clone()).unwrap_or_default(),
            now: now(),
            french: request.french,
        };
        let gzip = accepts_gzip(&request.headers);
        let reply = call.reply;
        // A record and its mark: what leaves with data says under which terms, and can be traced.
        let mark = permit.as_ref().map(|p| {
            let (fr, en) = (&context.site.terms.constraints_fr, &context.site.terms.constraints_en);
            match context.french {
                true => format!("{fr} Téléchargement {}.", p.download),
                false => format!("{en} Download {}.", p.download),
            }
        });
        let layers = if layers.is_empty() { "seuil".to_owned() } else { layers.join("-") };
        let file = permit.as_ref().map(|p| format!("{layers}_{}", p.download));
        let made = self.pool.run(lane, move || make(reply.answer(fetched, &context)?, gzip, mark)).await?;
        // The last look before the first byte leaves: the work above may have waited for its turn.
        if let Err(ended) = self.standing(client, identity) {
            if let Some(permit) = permit {
                let millis = begun.elapsed().as_millis() as u64;
                permit.close(Close { features: 0, bytes: 0, outcome: "revoked", millis });
            }
            return Err(ended);
        }
        let holding = Holding { permit, features: made.features, begun, _place: place };
        let mut response = self.respond(made, lane, holding, client, identity)?;
        if let Some(stem) = file {
            body::name(response.headers_mut(), &stem);
        }
        let cacheable = response.status() == StatusCode::OK && request.method != Method::POST;
        Ok(if cacheable { tag::put(response, StatusCode::OK, &tag) } else { response })
    }

    /// Who the client is now, if that is still the convention it was when the request came.
    fn standing(&self, client: &Client, before: &Identity) -> Result<Identity> {
        let identity = self.registry.identify(client.peer.as_deref(), now()).map_err(Error::Refused)?;
        if identity.convention.id != before.convention.id {
            return Err(Error::Refused(Refusal::NotRegistered));
        }
        Ok(identity)
    }

    /// Waits for one of the convention's places, not for ever.
    async fn place(&self, id: &str, places: Option<usize>) -> Result<OwnedSemaphorePermit> {
        let semaphore = {
            let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let places = places.unwrap_or(self.config.limits.places);
            let fresh = || (places, Arc::new(Semaphore::new(places)));
            let entry = all.entry(id.to_owned()).or_insert_with(fresh);
            if entry.0 != places {
                *entry = fresh();
            }
            Arc::clone(&entry.1)
        };
        match tokio::time::timeout(Duration::from_secs(10), semaphore.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Quota { retry_after: Duration::from_secs(5) }),
        }
    }

    fn site(&self, identity: &Identity, snapshot: &Snapshot) -> Site {
        let access = &identity.convention.access;
        // What the configuration adds to the capabilities and what the terms say count as changes too.
        let terms = &identity.convention.terms;
        let sight = access.scope_id ^ terms.id.rotate_left(1) ^ u64::from(self.config.server.inspire);
        Site {
            catalogue: Arc::clone(&access.catalogue),
            operations: access.operations.clone(),
            styles: Arc::clone(&self.styles),
            limits: self.config.limits.clone(),
            terms: Arc::clone(terms),
            publication: snapshot.publication,
            grace: self.config.server.grace,
            inspire: self.config.server.inspire,
            // Rises with any change of publication (rollback included: the moment, not the number, counts), of scope or
            // of configuration.
            update_sequence: format!("{}.{:016x}", snapshot.published, sight),
        }
    }

    fn opening(&self, call: &Call, site: &Site, client: &Client, identity: &Identity) -> Open {
        Open {
            convention: identity.convention.id.clone(),
            serial: identity.serial.clone(),
            address: client.address,
            purpose: identity.purpose.clone(),
            protocol: call.name.0,
            operation: call.name.1,
            layers: layers_of(&call.query)
                .into_iter()
                .filter_map(|l| site.catalogue.layer_by_id(l).map(|l| l.name.clone()))
                .collect(),
            envelope: envelope_of(&call.query),
            publication: site.publication,
        }
    }

    fn respond(
        &self,
        made: Made,
        lane: Lane,
        holding: Holding,
        client: &Client,
        identity: &Identity,
    ) -> Result<Response<ResponseBody>> {
        let mut body = match made.body {
            Body::Bytes(bytes) => ResponseBody::full(bytes),
            Body::Producer(producer) => ResponseBody::stream(&self.pool, lane, producer)?,
        };
        if holding.permit.is_some() {
            let (registry, peer) = (Arc::clone(&self.registry), client.peer.clone());
            let (id, version, scope) =
                (identity.convention.id.clone(), identity.version, identity.convention.access.scope_id);
            // Looked at before each chunk: a suspension, a revocation or a version that shows less breaks running
            // downloads off. (A new publication may change the scope of the same version; what runs may end.)
            body = body.while_valid(Box::new(move || {
                let stands = |i: Identity| {
                    i.convention.id == id && (i.version == version || i.convention.access.scope_id == scope)
                };
                registry.identify(peer.as_deref(), now()).is_ok_and(stands)
            }));
        }
        let digest = made.digest;
        let body = body.on_finish(Box::new(move |bytes, outcome| {
            if let Some(mut permit) = holding.permit {
                if let (Outcome::Complete, Some(hash)) = (outcome, digest.as_ref().and_then(|d| d.get())) {
                    permit.set_hash(*hash);
                }
                permit.close(Close {
                    features: holding.features,
                    bytes,
                    outcome: match outcome {
                        Outcome::Complete => "complete",
                        Outcome::Aborted => "aborted",
                        Outcome::Failed => "failed",
                        Outcome::Revoked => "revoked",
                    },
                    millis: holding.begun.elapsed().as_millis() as u64,
                });
            }
        }));
        let mut response = Response::new(body);
        *response.status_mut() = made.status;
        let headers = response.headers_mut();
        headers.extend(made.headers.into_iter().map(|(k, v)| (Some(k), v)).collect::<Vec<_>>().into_iter().fold(
            HeaderMap::new(),
            |mut map, (k, v)| {
                if let Some(k) = k {
                    map.append(k, v);
                }
                map
            },
        ));
        set(headers, header::CONTENT_TYPE, &made.content_type);
        if made.gzipped {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }

    fn refuse(&self, request: &Request, client: &Client, refusal: Refusal) -> Response<ResponseBody> {
        tracing::warn!(
            target: "seuil::access",
            address = %client.address,
            serial = client.peer.as_ref().map(|p| p.serial.as_str()).unwrap_or("-"),
            subject = client.peer.as_ref().map(|p| p.subject.as_str()).unwrap_or("-"),
            reason = %refusal,
            path = request.path,
            "refused"
        );
        metrics::counter!("seuil_refusals_total").increment(1);
        self.recorder.refused(Refused::new(&refusal, client.peer.as_deref(), client.address, &request.path));
        error_response(&Error::Refused(refusal), &style_of(request), request.french, &request.base_url)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// In which form a request that was not parsed is answered: what its path speaks.
fn style_of(request: &Request) -> ExceptionStyle {
    match request.segments.first().map(String::as_str) {
        Some("wms") => ExceptionStyle::Wms { version: "1.3.0", image: None },
        Some("wfs") => ExceptionStyle::Ows { version: OwsVersion::Wfs20, handle: None, cql: false },
        Some("wmts") => ExceptionStyle::Ows { version: OwsVersion::Wmts10, handle: None, cql: false },
        _ => {
            let accept = request.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
            ExceptionStyle::Problem { html: accept.contains("text/html") }
        }
    }
}

/// The answer to a request that failed, with the reason phrase that QGIS shows.
pub fn error_response(error: &Error, style: &ExceptionStyle, french: bool, base: &str) -> Response<ResponseBody> {
    let answer = protocol::exception::answer(error, style, french, base);
    let body = match answer.body {
        Body::Bytes(bytes) => bytes,
        Body::Producer(mut producer) => {
            let mut bytes = Vec::new();
            while let Ok(Progress::More) = producer.step(&mut bytes) {}
            bytes.into()
        }
    };
    let mut response = Response::new(ResponseBody::full(body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        headers.append(name, value);
    }
    set(headers, header::CONTENT_TYPE, &answer.content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if answer.status.is_client_error() || answer.status.is_server_error() {
        let reason = protocol::exception::reason(error);
        if let Ok(phrase) = hyper::ext::ReasonPhrase::try_from(reason.as_bytes()) {
            response.extensions_mut().insert(phrase);
        }
    }
    response
}

pub(crate) fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Terms travel with the data: in every answer, whatever its format.
fn terms_headers(headers: &mut HeaderMap, identity: &Identity, base_url: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!(
        "<{base_url}/whoami>; rel=\"license\"; title=\"convention {id}\", <{base_url}/whoami>; rel=\"terms-of-service\"",
        id = identity.convention.id
    )) {
        headers.append(header::LINK, value);
    }
}

fn lane_of(convention: &str) -> Lane {
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    convention.hash(&mut hasher);
    hasher.finish()
}

fn layers_of(query: &Query) -> Vec<crate::catalogue::LayerId> {
    match query {
        Query::Features(parts) | Query::Count(parts) => parts.iter().map(|s| s.layer).collect(),
        Query::Feature(part) => vec![part.layer],
        Query::Tile(t) => t.layers.iter().map(|l| l.0).collect(),
        Query::Map(m) => m.layers.iter().map(|l| l.layer).collect(),
        Query::Info(i) => i.layers.clone(),
        Query::Legend(l) => vec![l.layer],
        Query::Describe(layers) => layers.clone(),
        Query::Capabilities => Vec::new(),
    }
}

/// Box of a request in EPSG:2154, where it names one that can be said there (one of the whole world cannot).
fn envelope_of(query: &Query) -> Option<[f64; 4]> {
    let (crs, e) = match query {
        Query::Tile(t) => (t.crs, t.envelope),
        Query::Map(m) => (m.crs, m.envelope),
        Query::Info(i) => (i.map.crs, i.map.envelope),
        Query::Features(parts) | Query::Count(parts) => parts.iter().find_map(|s| match &s.filter {
            crate::filter::Filter::BBox { envelope, crs } => Some((*crs, *envelope)),
            crate::filter::Filter::And(all) => all.iter().find_map(|f| match f {
                crate::filter::Filter::BBox { envelope, crs } => Some((*crs, *envelope)),
                _ => None,
            }),
            _ => None,
        })?,
        _ => return None,
    };
    let e = match crs {
        Crs::Lambert93 => e,
        _ => Transform::between(crs, Crs::Lambert93)?.envelope(&e)?,
    };
    Some([e.min[0], e.min[1], e.max[0], e.max[1]])
}
