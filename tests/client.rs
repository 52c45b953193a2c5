//! A client with a certificate: HTTP/1.1 over mutual TLS.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::Path;
use std::sync::Arc;

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// HTTP/1.1 reason phrase when it is not the usual one: what QGIS shows.
    pub reason: String,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {} {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// A PNG without the chunk after its header that names convention and download: equal pictures are equal bytes.
    pub fn picture(&self) -> Vec<u8> {
        match self.body.get(33..41) {
            Some(&[a, b, c, d, b'i', b'T', b'X', b't']) => {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                [&self.body[..33], &self.body[33 + 12 + length..]].concat()
            }
            _ => self.body.clone(),
        }
    }

    /// Panics unless the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{} {}", self.reason, self.text());
        self
    }
}

/// What came of an answer.
#[derive(Debug)]
pub struct Received {
    pub status: u16,
    /// Identifier of the download, out of the file's name.
    pub download: Option<String>,
    pub body: Vec<u8>,
    /// Whether the end was reached.
    pub complete: bool,
}

/// One identity at one server.
pub struct Client {
    address: String,
    /// What the header `Host` says.
    host: String,
    tls: Arc<rustls::ClientConfig>,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// `identity`: certificate chain and key, PEM.
    pub fn new(address: &str, ca: &Path, identity: Option<(&Path, &Path)>) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        for der in CertificateDer::pem_file_iter(ca).expect("CA file") {
            roots.add(der.expect("CA")).expect("CA");
        }
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let tls = match identity {
            Some((chain, key)) => {
                let chain =
                    CertificateDer::pem_file_iter(chain).expect("chain").map(|c| c.expect("certificate")).collect();
                let key = PrivateKeyDer::from_pem_file(key).expect("key");
                builder.with_client_auth_cert(chain, key).expect("identity")
            }
            None => builder.with_no_client_auth(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        Client { address: address.to_owned(), host: address.to_owned(), tls: Arc::new(tls), runtime }
    }

    /// The same, naming the server by another host.
    pub fn named(self, host: &str) -> Client {
        Client { host: host.to_owned(), ..self }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], Vec::new())
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers, Vec::new())
    }

    pub fn post(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.request("POST", path, &[("content-type", content_type)], body.into())
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        self.try_request(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// One request on a connection of its own.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let mut sender = self.connect().await?;
            Ok(exchange(&mut sender, &self.host, method, path, headers, body).await?)
        })
    }

    /// One request on a connection of its own, read piece by piece: what came counts, also when it breaks off. `window`: size
    /// of the socket's receive buffer. `pace` is told the bytes so far before each piece.
    pub fn receive(
        &self,
        path: &str,
        window: Option<u32>,
        mut pace: impl FnMut(usize),
    ) -> Result<Received, Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let mut sender = self.connect_with(window).await?;
            let request = http::Request::get(path).header("host", &self.host).body(Full::new(Bytes::new()))?;
            let (parts, mut stream) = sender.send_request(request).await?.into_parts();
            let name = parts.headers.get("content-disposition").and_then(|v| v.to_str().ok()).unwrap_or_default();
            let stem = name.split('"').nth(1).and_then(|n| n.split('.').next());
            let download = stem.and_then(|s| s.rsplit('_').next()).map(str::to_owned);
            let mut received = Received { status: parts.status.as_u16(), download, body: Vec::new(), complete: false };
            loop {
                pace(received.body.len());
                match stream.frame().await {
                    Some(Ok(frame)) => received.body.extend(frame.into_data().unwrap_or_default()),
                    Some(Err(_)) => return Ok(received),
                    None => {
                        received.complete = true;
                        return Ok(received);
                    }
                }
            }
        })
    }

    /// A connection that stays open for many requests, one after the other.
    pub fn line(&self) -> Line<'_> {
        let sender = self.runtime.block_on(self.connect()).expect("connection");
        Line { client: self, sender }
    }

    async fn connect(&self) -> Result<Sender, Box<dyn std::error::Error>> {
        self.connect_with(None).await
    }

    async fn connect_with(&self, window: Option<u32>) -> Result<Sender, Box<dyn std::error::Error>> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        if let Some(window) = window {
            socket.set_recv_buffer_size(window)?;
        }
        let tcp = socket.connect(self.address.parse()?).await?;
        tcp.set_nodelay(true)?;
        let tls = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls))
            .connect(ServerName::try_from("localhost")?, tcp)
            .await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

/// An open connection.
pub struct Line<'a> {
    client: &'a Client,
    sender: Sender,
}

impl Line<'_> {
    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let body = body.as_bytes().to_vec();
        let (host, sender) = (&self.client.host, &mut self.sender);
        let answer = self.client.runtime.block_on(async {
            sender.ready().await?;
            exchange(sender, host, method, path, headers, body).await
        });
        answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }
}

async fn exchange(
    sender: &mut Sender,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, hyper::Error> {
    let mut request = http::Request::builder().method(method).uri(path).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).expect("request");
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    let reason = parts
        .extensions
        .get::<hyper::ext::ReasonPhrase>()
        .map(|r| String::from_utf8_lossy(r.as_bytes()).into_owned())
        .unwrap_or_default();
    Ok(Answer { status: parts.status.as_u16(), reason, headers: parts.headers, body })
}
