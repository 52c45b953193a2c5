//! Lines of the spool: `<hash> <JSON>`, each chained to the one before.
//!
//! The hash is SHA-256 over the hash of the line before (32 bytes) and the JSON text. It is checksum and chain at once:
//! no line can be changed, removed or put in later without all following ones showing it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A hash of the chain.
pub(super) type Hash = [u8; 32];

/// A line, read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Line {
    /// Number, unique in its instance.
    pub n: u64,
    /// Content.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line says. Keys are the columns of `journal`; `le` is in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "nature", rename_all = "lowercase")]
pub(super) enum Entry {
    /// First line of a segment.
    Segment(Head),
    /// An access begins.
    Acces(Begin),
    /// An access ended.
    Fin {
        le: i64,
        #[serde(flatten)]
        end: End,
    },
    /// Requests were refused.
    Refus(Refusals),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub le: i64,
    pub instance: String,
    /// Hash of the line before, hexadecimal.
    pub precedent: String,
    /// Accesses that have begun in earlier segments and not ended.
    pub ouverts: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub le: i64,
    pub convention: String,
    pub serie: String,
    pub adresse: String,
    pub finalite: String,
    pub protocole: String,
    pub operation: String,
    pub couches: Vec<String>,
    pub emprise: Option<[f64; 4]>,
    pub publication: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct End {
    pub acces: u64,
    pub issue: String,
    pub objets: Option<u64>,
    pub octets: Option<u64>,
    pub duree_ms: Option<u64>,
    /// Hash of the body, `blake3:` and hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corps: Option<String>,
    /// SHA-256 of the body, hexadecimal: only in lines that older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Refusals {
    pub le: i64,
    pub motif: String,
    pub convention: Option<String>,
    pub serie: Option<String>,
    pub sujet: Option<String>,
    pub adresse: String,
    pub chemin: String,
    pub nombre: u64,
}

/// The JSON of an entry, still without its number: the writer, which gives numbers, has no time for more.
pub(super) fn body(entry: &Entry) -> String {
    // Serialising these types cannot fail: no maps with other than text keys, no own implementations.
    serde_json::to_string(entry).unwrap_or_default()
}

/// Appends a line; gives its hash.
pub(super) fn write(out: &mut Vec<u8>, before: &Hash, n: u64, body: &str) -> Hash {
    let start = out.len();
    out.resize(start + 65, b' ');
    out.extend_from_slice(b"{\"n\":");
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
    out.push(b',');
    out.extend_from_slice(body.get(1..).unwrap_or("}").as_bytes());
    let hash = chain(before, &out[start + 65..]);
    // The slice has exactly 64 bytes: encoding 32 cannot fail.
    let _ = hex::encode_to_slice(hash, &mut out[start..start + 64]);
    out.push(b'\n');
    hash
}

pub(super) fn chain(before: &Hash, text: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(text);
    sha.finalize().into()
}

/// A line with its text, as it goes into the database.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub line: Line,
    pub text: String,
    pub hash: Hash,
}

/// A segment, read as far as it is whole.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub lines: Vec<Kept>,
    /// Bytes of the whole lines.
    pub length: usize,
    /// What ended the reading early: torn, changed or foreign lines.
    pub fault: Option<String>,
}

/// The bytes without the zeros that were written ahead.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    &bytes[..end]
}

/// Reads a segment and checks the chain inside it; the first line says what came before.
pub(super) fn read(bytes: &[u8]) -> Segment {
    let bytes = without_zeros(bytes);
    let mut segment = Segment::default();
    let mut before: Option<Hash> = None;
    while segment.length < bytes.len() {
        match next(&bytes[segment.length..], before.as_ref(), segment.lines.last().map(|k| k.line.n)) {
            Ok((kept, length)) => {
                before = Some(kept.hash);
                segment.length += length;
                segment.lines.push(kept);
            }
            Err(reason) => {
                segment.fault = Some(format!("byte {}: {reason}", segment.length));
                break;
            }
        }
    }
    segment
}

fn next(rest: &[u8], before: Option<&Hash>, last: Option<u64>) -> Result<(Kept, usize), String> {
    let end = rest.iter().position(|b| *b == b'\n').ok_or("the line does not end")?;
    let line = &rest[..end];
    let (head, text) = line.split_at_checked(65).ok_or("the line is too short")?;
    let mut hash = [0; 32];
    hex::decode_to_slice(&head[..64], &mut hash).map_err(|e| format!("hash: {e}"))?;
    let read: Line = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    let before = match (before, &read.entry) {
        (Some(before), _) => *before,
        (None, Entry::Segment(first)) => {
            let mut before = [0; 32];
            hex::decode_to_slice(&first.precedent, &mut before).map_err(|e| format!("precedent: {e}"))?;
            before
        }
        (None, _) => return Err("the first line is not that of a segment".to_owned()),
    };
    if chain(&before, text) != hash {
        return Err("the hash does not fit".to_owned());
    }
    if last.is_some_and(|last| read.n != last + 1) {
        return Err(format!("number {} does not follow", read.n));
    }
    let text = String::from_utf8(text.to_vec()).map_err(|e| e.to_string())?;
    Ok((Kept { line: read, text, hash }, end + 1))
}
