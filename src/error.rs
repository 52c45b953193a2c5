//! What a request can end in, independent of the protocol that carried it.
//!
//! Every room below `protocol` reports with this enum; `protocol::exception` turns it once into the exception of the
//! protocol that was spoken (WMS 1.3.0 `ServiceExceptionReport`, OWS `ExceptionReport`, RFC 9457 problem document).

mod reason;

pub use reason::Reason;
use std::time::Duration;

/// The outcome of a request that gives no data. Holds data, never prose: the text is made at the edge.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter that the operation cannot do without is absent.
    #[error("parameter {name} is missing")]
    Missing {
        /// Parameter name as the protocol spells it, e.g. `BBOX`.
        name: &'static str,
    },
    /// A parameter holds a value that cannot be used.
    #[error("parameter {name}: {reason} (got {value:?})")]
    Invalid {
        /// Parameter name as the protocol spells it.
        name: String,
        /// The value as received, cut to a printable length.
        value: String,
        /// What would have been right, for the user.
        reason: Reason,
    },
    /// The body of the request cannot be read (not well-formed XML, not the operation it should be).
    #[error("the request cannot be read: {reason}")]
    Parsing {
        /// What is wrong and where, for the user.
        reason: Reason,
    },
    /// The request is well formed, names only what exists, and still cannot be carried out.
    #[error("{name}: {reason}")]
    Processing {
        /// Parameter or operator concerned.
        name: String,
        /// Why it cannot be carried out.
        reason: Reason,
    },
    /// A parameter that the operation does not define, where the standard demands a refusal (OGC API).
    #[error("unknown parameter {name}")]
    UnknownParameter {
        /// Parameter name as received.
        name: String,
    },
    /// A name that does not exist for this client: never existed, or lies outside its convention. Both are one case.
    #[error("{kind} {name:?} is unknown, or not in your convention: see /whoami")]
    Unknown {
        /// What was named.
        kind: NameKind,
        /// The name as received.
        name: String,
    },
    /// The operation exists in the standard and is not offered here.
    #[error("operation {name} is not offered")]
    Operation {
        /// Operation name as received.
        name: String,
    },
    /// An optional part of an operation that is not offered here (joins, locking, remote resolution).
    #[error("option {name} is not offered: {reason}")]
    Option {
        /// Parameter or element that asks for it.
        name: String,
        /// What to do instead.
        reason: Reason,
    },
    /// No version of the protocol is common to both sides.
    #[error("version {asked} is not offered")]
    Version {
        /// Version(s) as received.
        asked: String,
    },
    /// The client's `updateSequence` is newer than the server's.
    #[error("updateSequence {asked} is newer than the server's")]
    UpdateSequence {
        /// Value as received.
        asked: String,
        /// True when equal rather than newer (WMS `CurrentUpdateSequence`).
        current: bool,
    },
    /// The coordinate reference system is not offered.
    #[error("coordinate reference system {name} is not offered")]
    Crs {
        /// Name as received.
        name: String,
    },
    /// The output format is not offered for this operation.
    #[error("format {name} is not offered")]
    Format {
        /// Name as received.
        name: String,
    },
    /// The layer is not queryable (WMS `LayerNotQueryable`).
    #[error("layer {name} is not queryable")]
    NotQueryable {
        /// Layer name.
        name: String,
    },
    /// I or J lies outside the map (WMS `InvalidPoint`).
    #[error("point {i},{j} lies outside the map")]
    Point {
        /// Column as received.
        i: String,
        /// Row as received.
        j: String,
    },
    /// A row or column lies outside the tile matrix (WMTS `TileOutOfRange`).
    #[error("{axis} {value} lies outside the tile matrix, 0 to {last}")]
    TileOutOfRange {
        /// `TileRow` or `TileCol`.
        axis: &'static str,
        /// Value as received.
        value: String,
        /// Last row or column.
        last: u32,
    },
    /// A limit of the configuration would be passed.
    #[error("{what}: {asked} asked, {limit} allowed")]
    Limit {
        /// What is limited, e.g. `pixels`.
        what: &'static str,
        /// Amount asked for.
        asked: u64,
        /// Amount allowed.
        limit: u64,
    },
    /// The path names nothing (also: ungranted paths).
    #[error("nothing is here: {path}")]
    NotFound {
        /// Path as received.
        path: String,
    },
    /// HTTP method not usable on this path.
    #[error("method {method} is not allowed here")]
    Method {
        /// Method as received.
        method: String,
        /// Value of the `Allow` header.
        allow: &'static str,
    },
    /// None of the accepted media types can be made.
    #[error("none of the accepted media types can be made: {accept}")]
    NotAcceptable {
        /// `Accept` header as received.
        accept: String,
    },
    /// The publication that a paged reading began with is gone (`ResponseCacheExpired`).
    #[error("the publication this reading began with is no longer held; start again from the first page")]
    Expired,
    /// Identity or convention does not allow the request.
    #[error("{0}")]
    Refused(Refusal),
    /// Too many requests, features or places for this convention.
    #[error("quota of the convention used up; retry in {retry_after:?}")]
    Quota {
        /// When a retry makes sense.
        retry_after: Duration,
    },
    /// Something needed is away (PostGIS for a hard filter, spool full, pool full). Retrying later makes sense.
    #[error("{what} is unavailable; retry in {retry_after:?}")]
    Unavailable {
        /// What is away.
        what: &'static str,
        /// When a retry makes sense.
        retry_after: Duration,
    },
    /// A fault of ours. The details are in the log under this request's id, never in the answer.
    #[error("internal fault")]
    Internal,
}

/// What kind of thing a name was meant to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameKind {
    /// WMS layer.
    Layer,
    /// WFS feature type.
    FeatureType,
    /// OGC API collection.
    Collection,
    /// Style.
    Style,
    /// Property of a feature.
    Property,
    /// Stored query.
    StoredQuery,
    /// Feature identifier.
    Feature,
    /// Tile matrix set, tile matrix.
    TileMatrixSet,
}

impl std::fmt::Display for NameKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NameKind::Layer => "layer",
            NameKind::FeatureType => "feature type",
            NameKind::Collection => "collection",
            NameKind::Style => "style",
            NameKind::Property => "property",
            NameKind::StoredQuery => "stored query",
            NameKind::Feature => "feature",
            NameKind::TileMatrixSet => "tile matrix set",
        })
    }
}

/// Why an identity gets no data. Each has a text of its own in French and English (`protocol::exception`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The TLS client showed no certificate.
    #[error("no client certificate")]
    NoCertificate,
    /// The certificate comes from an accepted CA and no convention has registered it.
    #[error("certificate not registered with any convention")]
    NotRegistered,
    /// The certificate is past its validity, or not yet valid.
    #[error("certificate outside its validity")]
    CertificateExpired,
    /// The certificate was revoked (registry or CRL).
    #[error("certificate revoked")]
    CertificateRevoked,
    /// The issuing CA's CRL is too old to be relied on.
    #[error("revocation list expired")]
    CrlExpired,
    /// The convention is not signed (draft), or its first day has not come.
    #[error("convention {id} not in force yet")]
    NotYetInForce {
        /// Convention identifier.
        id: String,
    },
    /// The convention's last day (Europe/Paris) is over.
    #[error("convention {id} ended on {end}")]
    Ended {
        /// Convention identifier.
        id: String,
        /// Last day, ISO 8601.
        end: String,
    },
    /// The convention is suspended.
    #[error("convention {id} suspended")]
    Suspended {
        /// Convention identifier.
        id: String,
    },
    /// The convention was terminated.
    #[error("convention {id} terminated")]
    Terminated {
        /// Convention identifier.
        id: String,
    },
    /// The convention does not grant this operation (e.g. `vue-seule` and WFS).
    #[error("operation {operation} not in convention {id}")]
    Operation {
        /// Convention identifier.
        id: String,
        /// Operation family: `wms`, `wfs`, `tuiles`, `export`.
        operation: &'static str,
    },
    /// The registry could not be read for longer than `registry_max_age`.
    #[error("the registry of conventions cannot be consulted")]
    RegistryStale,
}

/// Result of a request's stages.
pub type Result<T> = std::result::Result<T, Error>;

/// Cuts a received value to a length that is safe to print back (120 characters) and drops control characters.
pub fn printable(value: &str) -> String {
    let mut out: String = value.chars().filter(|c| !c.is_control()).take(120).collect();
    if value.chars().count() > 120 {
        out.push('…');
    }
    out
}

impl Error {
    /// Shorthand for [`Error::Invalid`].
    pub fn invalid(name: impl Into<String>, value: &str, reason: Reason) -> Self {
        Error::Invalid { name: name.into(), value: printable(value), reason }
    }

    /// Shorthand for [`Error::Option`].
    pub fn option(name: impl Into<String>, reason: Reason) -> Self {
        Error::Option { name: name.into(), reason }
    }

    /// The same error, said of the parameter that held what was read: a name inside a filter is no parameter.
    pub fn inside(self, parameter: &str) -> Error {
        let (value, reason) = match self {
            Error::Unknown { kind: NameKind::Property, name } => (name, Reason::UnknownProperty),
            Error::Crs { name } => (name, Reason::UnknownCrs),
            Error::Limit { what: "depth", limit, .. } => (String::new(), Reason::TooDeep(limit as usize)),
            Error::Limit { what: "positions", limit, .. } => {
                (String::new(), Reason::TooMany(limit as usize, Box::new(Reason::Positions)))
            }
            Error::Limit { limit, .. } => {
                (String::new(), Reason::TooMany(limit as usize, Box::new(Reason::Expressions)))
            }
            other => return other,
        };
        Error::Invalid { name: parameter.to_owned(), value, reason }
    }

    /// The same error, said of the parameter that held the filter: those who apply it know it as `FILTER` only.
    pub fn filtered_by(self, parameter: &str) -> Error {
        match self {
            Error::Processing { name, reason } if name == "FILTER" => {
                Error::Processing { name: parameter.to_owned(), reason }
            }
            other => other,
        }
    }

    /// Shorthand for [`Error::Unknown`].
    pub fn unknown(kind: NameKind, name: &str) -> Self {
        Error::Unknown { kind, name: printable(name) }
    }
}
