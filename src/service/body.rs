//! Bodies: the first quantum made, hashed, compressed.

use super::mark;
use crate::convention::BodyHash;
use crate::encode::{Producer, Progress, QUANTUM};
use crate::error::{Error, Result};
use crate::protocol::{Answer, Body};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::io::Write;
use std::sync::{Arc, OnceLock};

/// Where the hash of a body appears when the body is whole; `None` for what is not hashed.
pub(super) type Digest = Option<Arc<OnceLock<BodyHash>>>;

/// An answer whose first quantum is made: small bodies are whole.
pub(super) struct Made {
    pub status: StatusCode,
    pub content_type: String,
    pub headers: Vec<(header::HeaderName, HeaderValue)>,
    pub body: Body,
    pub gzipped: bool,
    pub features: u64,
    /// Hash of the body before compression, once its last byte is made.
    pub digest: Digest,
}

/// Makes the first quantum of a body, compressed when the client reads gzip. Runs on the pool.
///
/// Bodies of data are hashed as they are made, before compression: that is what a client keeps, so `b3sum` of a file finds
/// its access record. BLAKE3, which anybody can make again too: 5.6 GB/s on one core (AVX-512), where SHA-256 reaches 1.4
/// even with the processor's own instructions and was a third of what a large download costs.
///
/// `mark`: the terms, of an answer that is recorded; pictures get them here, other formats have them already.
pub(super) fn make(answer: Answer, gzip: bool, mark: Option<String>) -> Result<Made> {
    let Answer { status, content_type, headers, body, features } = answer;
    let compressible = gzip && compresses(&content_type);
    let digest: Digest = mark.is_some().then(Arc::default);
    let body = match (body, mark.filter(|_| content_type.starts_with("image/"))) {
        (Body::Bytes(bytes), Some(text)) => Body::Bytes(mark::put(bytes.into(), &text).into()),
        (Body::Producer(producer), Some(text)) => Body::Producer(Box::new(mark::Marked::new(producer, text))),
        (body, None) => body,
    };
    let whole = |bytes: &[u8]| {
        if let Some(cell) = &digest {
            let _ = cell.set(blake3::hash(bytes).into());
        }
    };
    let (body, gzipped) = match body {
        Body::Bytes(bytes) => {
            whole(&bytes);
            match compressible && bytes.len() > 1024 {
                true => (Body::Bytes(squeeze(&bytes)?.into()), true),
                false => (Body::Bytes(bytes), false),
            }
        }
        Body::Producer(mut producer) => {
            let mut first = Vec::with_capacity(QUANTUM + QUANTUM / 4);
            match producer.step(&mut first)? {
                Progress::Done => {
                    whole(&first);
                    match compressible && first.len() > 1024 {
                        true => (Body::Bytes(squeeze(&first)?.into()), true),
                        false => (Body::Bytes(first.into()), false),
                    }
                }
                Progress::More => {
                    let rest: Box<dyn Producer> = match &digest {
                        Some(cell) => {
                            let mut hasher = Box::new(blake3::Hasher::new());
                            hasher.update(&first);
                            Box::new(Hashed { rest: producer, hasher, cell: Arc::clone(cell) })
                        }
                        None => producer,
                    };
                    match compressible {
                        true => (Body::Producer(Box::new(Gzip::new(first, rest))), true),
                        false => (Body::Producer(Box::new(Primed { first, rest })), false),
                    }
                }
            }
        }
    };
    Ok(Made { status, content_type, headers, body, gzipped, features, digest })
}

/// Hashes what another producer makes.
struct Hashed {
    rest: Box<dyn Producer>,
    hasher: Box<blake3::Hasher>,
    cell: Arc<OnceLock<BodyHash>>,
}

impl Producer for Hashed {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
        let before = out.len();
        let progress = self.rest.step(out)?;
        self.hasher.update(out.get(before..).unwrap_or_default());
        if progress == Progress::Done {
            let _ = self.cell.set(self.hasher.finalize().into());
        }
        Ok(progress)
    }
}

/// A producer whose first quantum is made.
struct Primed {
    first: Vec<u8>,
    rest: Box<dyn Producer>,
}

impl Producer for Primed {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
        if self.first.is_empty() {
            return self.rest.step(out);
        }
        out.append(&mut self.first);
        Ok(Progress::More)
    }
}

/// Compresses what another producer makes, level 1: the fastest level costs five times what the encoding does, the
/// next ones twenty.
struct Gzip {
    first: Vec<u8>,
    rest: Box<dyn Producer>,
    encoder: Option<GzEncoder<Vec<u8>>>,
    raw: Vec<u8>,
}

impl Gzip {
    fn new(first: Vec<u8>, rest: Box<dyn Producer>) -> Gzip {
        Gzip { first, rest, encoder: Some(GzEncoder::new(Vec::new(), Compression::new(1))), raw: Vec::new() }
    }
}

impl Producer for Gzip {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let progress = if self.first.is_empty() {
            self.rest.step(&mut raw)?
        } else {
            raw = std::mem::take(&mut self.first);
            Progress::More
        };
        let Some(encoder) = self.encoder.as_mut() else { return Ok(Progress::Done) };
        encoder.write_all(&raw).map_err(|_| Error::Internal)?;
        self.raw = raw;
        match progress {
            Progress::More => out.append(encoder.get_mut()),
            Progress::Done => {
                let tail = self.encoder.take().map(GzEncoder::finish).transpose().map_err(|_| Error::Internal)?;
                out.extend(tail.unwrap_or_default());
            }
        }
        Ok(progress)
    }
}

fn squeeze(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(1));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|_| Error::Internal)
}

fn compresses(content_type: &str) -> bool {
    let c = content_type.to_ascii_lowercase();
    // Compressed already, though its type speaks of XML.
    !c.contains("openxmlformats")
        && (c.starts_with("text/")
            || ["json", "xml", "javascript", "mapbox-vector-tile", "openapi", "gml"].iter().any(|t| c.contains(t)))
}

/// Gives a file of features its name, with the identifier of the download: the one mark that a CSV can carry.
pub(super) fn name(headers: &mut HeaderMap, stem: &str) {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let extension = match kind.split(';').next().unwrap_or_default().trim() {
        "text/csv" => "csv",
        "application/zip" => "zip",
        t if t == spreadsheet => "xlsx",
        "application/geo+json" | "application/json" => "geojson",
        t if t.starts_with("application/gml+xml") || t.starts_with("text/xml") => "gml",
        _ => return,
    };
    // Many layers make no longer a name.
    let stem: String = match stem.len() {
        0..=120 => stem.to_owned(),
        _ => format!("seuil_{}", stem.rsplit('_').next().unwrap_or_default()),
    };
    super::set(headers, header::CONTENT_DISPOSITION, &format!("inline; filename=\"{stem}.{extension}\""));
}

pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(
        |item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next().is_some_and(|n| n.eq_ignore_ascii_case("gzip"))
                && !parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    struct Parts(u32);

    impl Producer for Parts {
        fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress> {
            out.extend_from_slice(format!("part {} ", self.0).repeat(500).as_bytes());
            self.0 -= 1;
            Ok(if self.0 == 0 { Progress::Done } else { Progress::More })
        }
    }

    fn drain(body: Body) -> Vec<u8> {
        match body {
            Body::Bytes(b) => b.to_vec(),
            Body::Producer(mut p) => {
                let mut out = Vec::new();
                while p.step(&mut out).unwrap() == Progress::More {}
                out
            }
        }
    }

    #[test]
    fn a_compressed_stream_reads_back() {
        for parts in [1, 2, 7] {
            let answer = || Answer::produced("application/json", 0, Box::new(Parts(parts)));
            let made = make(answer(), false, Some(String::new())).unwrap();
            let digest = made.digest.unwrap();
            let plain = drain(made.body);
            let hash: BodyHash = blake3::hash(&plain).into();
            assert_eq!(digest.get(), Some(&hash));
            let made = make(answer(), true, Some(String::new())).unwrap();
            assert!(made.gzipped);
            let digest = made.digest.clone().unwrap();
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(drain(made.body).as_slice()).read_to_end(&mut read).unwrap();
            assert_eq!(plain, read);
            assert_eq!(digest.get(), Some(&hash), "the hash is that of the body before compression");
        }
    }

    #[test]
    fn gzip_is_used_only_where_accepted() {
        let accepts = |v: &str| {
            let mut h = HeaderMap::new();
            h.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(v).unwrap());
            accepts_gzip(&h)
        };
        assert!(accepts("gzip, deflate") && accepts("br;q=1.0, gzip;q=0.8"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("identity"));
    }
}
