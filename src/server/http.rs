//! HTTP/1.1 and 2 over TLS: connections, limits, the request as the protocols see it, envelope headers, drain.

use super::tls::{self, Tls};
use crate::compute::ResponseBody;
use crate::error::{Error, Reason, Refusal};
use crate::protocol::{ExceptionStyle, Request};
use crate::service::{Client, Service, error_response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Accepts connections until `stop` turns true, then lets running answers end (at most 30 s).
pub async fn serve(listener: TcpListener, service: Arc<Service>, tls: Arc<Tls>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(service.config.limits.connections));
    let drain = hyper_util::server::graceful::GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        let (stream, address) = match accepted {
            Ok(pair) => pair,
            Err(e) => {
                // Out of descriptors: give closing connections a moment.
                tracing::error!(error = %e, "accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics::counter!("seuil_connections_refused_total").increment(1);
            continue;
        };
        let (service, tls) = (Arc::clone(&service), Arc::clone(&tls));
        let watcher = drain.watcher();
        tokio::spawn(async move {
            let _place = place;
            connection(stream, address, service, &tls, watcher).await;
        });
    }
    drop(listener);
    tokio::select! {
        () = drain.shutdown() => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => tracing::warn!("running answers cut off after 30 s"),
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    service: Arc<Service>,
    tls: &Tls,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let material = tls.current();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&material.config));
    let limits = service.config.limits.clone();
    let patience = Duration::from_secs(limits.request_seconds);
    let stream = match tokio::time::timeout(patience, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(e)) => {
            metrics::counter!("seuil_handshakes_failed_total").increment(1);
            tracing::warn!(address = %address, reason = %e, "TLS handshake refused");
            return;
        }
        Err(_) => {
            tracing::debug!(address = %address, "TLS handshake timed out");
            return;
        }
    };
    let peer = tls::peer(&material, stream.get_ref().1.peer_certificates()).map(Arc::new);
    let client = Arc::new(Client { peer, address: address.ip() });
    // Told when the reader of a body has stalled: the whole connection is given up.
    let (stalled, mut give_up) = watch::channel(false);
    let stalled = Arc::new(stalled);
    let handler = hyper::service::service_fn(move |request| {
        let (service, client, stalled) = (Arc::clone(&service), Arc::clone(&client), Arc::clone(&stalled));
        async move {
            let response = handle(&service, &client, request).await;
            let patience = Duration::from_secs(service.config.limits.write_seconds);
            let stall = response.body().stalled(patience);
            tokio::spawn(async move {
                tokio::select! {
                    () = stall => { let _ = stalled.send(true); }
                    () = stalled.closed() => {}
                }
            });
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(limits.header_bytes.max(8192))
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_bytes as u32)
        .max_concurrent_streams(64)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    let connection = builder.serve_connection(TokioIo::new(stream), handler).into_owned();
    tokio::select! {
        ended = watcher.watch(connection) => {
            if let Err(e) = ended {
                tracing::debug!(address = %address, error = %e, "connection ended");
            }
        }
        _ = give_up.wait_for(|s| *s) => {
            tracing::info!(address = %address, "reader stalled; connection closed");
        }
    }
}

async fn handle(service: &Service, client: &Client, request: http::Request<Incoming>) -> Response<ResponseBody> {
    let (parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let head = parts.method == Method::HEAD;
    let french = speaks_french(&parts.headers, parts.uri.query().unwrap_or_default());
    let html = parts.headers.get(header::ACCEPT).is_some_and(|v| v.as_bytes().windows(9).any(|w| w == b"text/html"));
    let fallback = ExceptionStyle::Problem { html };
    let mut response = if parts.method == Method::OPTIONS {
        preflight(&parts.headers)
    } else if !matches!(parts.method, Method::GET | Method::HEAD | Method::POST) {
        // Without an identity there is one answer to everything.
        let error = match &client.peer {
            Some(_) => Error::Method { method: crate::error::printable(parts.method.as_str()), allow: ALLOWED },
            None => Error::Refused(Refusal::NoCertificate),
        };
        error_response(&error, &fallback, french, "")
    } else {
        let limit = service.config.limits.body_bytes;
        let patience = Duration::from_secs(service.config.limits.request_seconds);
        match tokio::time::timeout(patience, receive(body, limit)).await {
            Ok(Ok(body)) => match understand(parts, body, &service.config.server.public_url, french) {
                Ok(request) => service.answer(request, client).await,
                Err(error) => error_response(&error, &fallback, french, ""),
            },
            Ok(Err(error)) => error_response(&error, &fallback, french, ""),
            Err(_) => error_response(&Error::invalid("body", "", Reason::BodyLate), &fallback, french, ""),
        }
    };
    envelope(response.headers_mut(), origin.as_ref());
    if head {
        let (mut parts, body) = response.into_parts();
        let (body, length) = body.without_content();
        if let Some(length) = length {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response = Response::from_parts(parts, body);
    }
    response
}

/// Reads a request's body. One that is too long is read on a little and thrown away: a client that is still writing would
/// see a broken connection instead of the answer.
async fn receive(mut body: Incoming, limit: usize) -> Result<Bytes, Error> {
    let (mut kept, mut seen) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::invalid("body", "", Reason::BodyBroken))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= limit {
            kept.extend_from_slice(&data);
        } else if seen > limit.saturating_mul(8) {
            break;
        }
    }
    if seen > limit {
        return Err(Error::Limit { what: "body", asked: seen as u64, limit: limit as u64 });
    }
    Ok(kept.into())
}

const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";

/// The request as the protocols see it.
fn understand(parts: http::request::Parts, body: Bytes, public_url: &str, french: bool) -> Result<Request, Error> {
    let path = parts.uri.path().to_owned();
    let decode = |s: &str| {
        percent_decode_str(s)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Error::invalid("URL", s, Reason::PercentEncoding))
    };
    let segments = path.split('/').filter(|s| !s.is_empty()).map(decode).collect::<Result<Vec<_>, _>>()?;
    let query = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| {
            let (k, v) = p.split_once('=').unwrap_or((p, ""));
            Ok((decode(&k.replace('+', " "))?, decode(&v.replace('+', " "))?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let base_url = if public_url.is_empty() {
        let host = parts
            .uri
            .authority()
            .map(|a| a.as_str())
            .or_else(|| parts.headers.get(header::HOST).and_then(|h| h.to_str().ok()))
            .filter(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b)))
            .ok_or_else(|| Error::invalid("Host", "", Reason::HostNeeded))?;
        format!("https://{host}")
    } else {
        public_url.trim_end_matches('/').to_owned()
    };
    Ok(Request { method: parts.method, path, segments, query, headers: parts.headers, body, base_url, french })
}

/// French unless English is preferred: `LANGUAGE`/`lang` parameter first, then `Accept-Language`.
fn speaks_french(headers: &HeaderMap, query: &str) -> bool {
    let asked = query
        .split('&')
        .filter_map(|p| p.split_once('='))
        .find(|(k, _)| k.eq_ignore_ascii_case("language") || k.eq_ignore_ascii_case("lang"));
    if let Some((_, v)) = asked {
        return !v.to_ascii_lowercase().starts_with("en");
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let quality = |tag: &str| {
        accepted
            .split(',')
            .filter_map(|item| {
                let mut parts = item.split(';').map(str::trim);
                let name = parts.next()?.to_ascii_lowercase();
                let q = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
                (name == tag || name.starts_with(&format!("{tag}-"))).then_some(q)
            })
            .fold(0.0f32, f32::max)
    };
    // French is the service's own language: who accepts it, or anything (`en,*`, as QGIS sends), gets it.
    quality("fr") > 0.0 || accepted.contains('*') || quality("en") == 0.0
}

/// Answers a CORS preflight: no data, so no certificate is needed.
fn preflight(asked: &HeaderMap) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(ALLOWED));
    if asked.contains_key(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Accept, Accept-Language, If-None-Match"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Headers that every answer carries.
fn envelope(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    if let Some(origin) = origin {
        // With credentials the origin must be named; `*` is not allowed (Fetch standard, CORS protocol and credentials).
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "Link, ETag, Content-Crs, Content-Disposition, OGC-NumberMatched, OGC-NumberReturned, RateLimit, \
                 Retry-After, Sunset",
            ),
        );
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin, Accept, Accept-Encoding, Accept-Language"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    // Answers belong to one certificate: no shared cache may keep them, and a private one must ask again each time.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=0, must-revalidate"));
    }
    let html = headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    if html && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
                 object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str) -> http::request::Parts {
        http::Request::builder().uri(uri).header("host", "portail.example:8443").body(()).unwrap().into_parts().0
    }

    #[test]
    fn reads_paths_and_parameters() {
        let r = understand(
            parts("/collections/parc%5Firis/items?bbox=1,2,3,4&f=json&nom=L%27Isle+d%C3%A9"),
            Bytes::new(),
            "",
            true,
        )
        .unwrap();
        assert_eq!(r.segments, ["collections", "parc_iris", "items"]);
        assert_eq!(r.param("nom"), Some("L'Isle dé"));
        assert_eq!(r.base_url, "https://portail.example:8443");
        assert!(understand(parts("/wfs?x=%FF"), Bytes::new(), "", true).is_err());
        let r = understand(parts("/"), Bytes::new(), "https://cartes.example/hlm/", true).unwrap();
        assert_eq!(r.base_url, "https://cartes.example/hlm");
    }

    #[test]
    fn a_hostile_host_does_not_get_into_links() {
        let mut p = parts("/");
        p.headers.insert("host", HeaderValue::from_static("x\"><script>"));
        assert!(understand(p, Bytes::new(), "", true).is_err());
    }

    #[test]
    fn french_is_the_default() {
        let says = |accept: &str, query: &str| {
            let mut h = HeaderMap::new();
            h.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap());
            speaks_french(&h, query)
        };
        assert!(
            says("", "")
                && says("fr-FR,fr;q=0.9,en;q=0.8", "")
                && says("de", "")
                && says("en,*", "")
                && says("en", "LANGUAGE=fre")
        );
        assert!(!says("en-GB,en;q=0.9", "") && !says("fr", "lang=en"));
    }
}
