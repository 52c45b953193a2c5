//! The operations port: plain HTTP on loopback. `/health/live`, `/health/ready`, `/metrics`.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Whether the server can answer data requests now: `Err` says what is missing.
pub type Ready = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// Serves the operations port for ever.
pub async fn serve(listener: TcpListener, ready: Ready, metrics: Option<PrometheusHandle>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (ready, metrics) = (Arc::clone(&ready), metrics.clone());
        tokio::spawn(async move {
            let handler = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let (status, body) = match request.uri().path() {
                    "/health/live" => (StatusCode::OK, "live\n".to_owned()),
                    "/health/ready" => match ready() {
                        Ok(text) => (StatusCode::OK, text),
                        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
                    },
                    "/metrics" => (StatusCode::OK, metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default()),
                    _ => (StatusCode::NOT_FOUND, "/health/live, /health/ready, /metrics\n".to_owned()),
                };
                let mut response = Response::new(Full::new(Bytes::from(body)));
                *response.status_mut() = status;
                async move { Ok::<_, Infallible>(response) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(std::time::Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), handler)
                .await;
        });
    }
}
