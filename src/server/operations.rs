//! The operations port: plain HTTP on loopback. `/health/live`, `/health/ready`, `/metrics`.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Whether the server can answer data requests now: `Err` says what is missing.
pub type Ready = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// Serves the operations port on a thread of its own until the returned guard is dropped: who asks whether the server lives
/// does not stand in the queue of its downloads.
///
/// # Errors
/// The system gives no thread.
pub fn start(
    listener: TcpListener,
    ready: Ready,
    metrics: Option<PrometheusHandle>,
) -> std::io::Result<oneshot::Sender<()>> {
    let listener = listener.into_std()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (guard, ended) = oneshot::channel();
    std::thread::Builder::new().name("operations".to_owned()).spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            tokio::select! {
                () = serve(listener, ready, metrics) => {}
                _ = ended => {}
            }
        });
    })?;
    Ok(guard)
}

async fn serve(listener: TcpListener, ready: Ready, metrics: Option<PrometheusHandle>) {
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
