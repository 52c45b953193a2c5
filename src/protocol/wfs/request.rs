//! A request as WFS means it, whether it came as KVP or XML: names not yet looked up, geometry not yet read.

use crate::filter::fes::Prefixes;
use crate::filter::fes::xml::Element;

/// An operation with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    GetCapabilities(GetCapabilities),
    DescribeFeatureType(DescribeFeatureType),
    GetFeature(GetFeature),
    GetPropertyValue(GetPropertyValue),
    ListStoredQueries,
    DescribeStoredQueries(Vec<String>),
}

impl Operation {
    /// Operations of WFS that are known and not offered (transactions, locking, stored-query management).
    pub const NOT_OFFERED: [&'static str; 5] =
        ["Transaction", "LockFeature", "GetFeatureWithLock", "CreateStoredQuery", "DropStoredQuery"];
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GetCapabilities {
    /// `SECTIONS`; empty: all.
    pub sections: Vec<String>,
    /// `UPDATESEQUENCE`.
    pub update_sequence: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DescribeFeatureType {
    /// Type names; empty: all.
    pub types: Vec<TypeName>,
    /// `OUTPUTFORMAT`.
    pub format: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GetFeature {
    pub presentation: Presentation,
    pub queries: Vec<Expression>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GetPropertyValue {
    pub presentation: Presentation,
    pub query: Expression,
    /// `VALUEREFERENCE`.
    pub value: String,
}

/// Standard presentation and resolve parameters (09-025r2 §7.6.3, §7.6.4).
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Presentation {
    pub start: u64,
    pub count: Option<u64>,
    /// `RESULTTYPE=hits`.
    pub hits: bool,
    /// `OUTPUTFORMAT`.
    pub format: Option<String>,
    /// `PUBLICATION`: the publication that a paged reading began with (vendor parameter, in our own links).
    pub publication: Option<i64>,
}

/// A query expression (09-025r2 §7.9).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Adhoc(Box<Adhoc>),
    Stored(Stored),
}

impl Default for Expression {
    fn default() -> Self {
        Expression::Adhoc(Box::default())
    }
}

/// A name of a feature type and what its prefix stands for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TypeName {
    pub name: String,
    /// Namespace of its prefix, when the request binds it.
    pub namespace: Option<String>,
}

/// An ad hoc query on one feature type.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Adhoc {
    /// Feature type; `None`: it follows from the identifiers.
    pub type_name: Option<TypeName>,
    pub srs_name: Option<String>,
    /// Properties to hand out; `None`: all.
    pub properties: Option<Vec<String>>,
    pub predicate: Predicate,
    /// Prefixes that the request binds outside its XML (`NAMESPACES`).
    pub prefixes: Prefixes,
    /// Property and whether descending.
    pub sort: Vec<(String, bool)>,
}

/// Which features, as the request says it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Predicate {
    #[default]
    All,
    /// `fes:Filter` or `ogc:Filter`.
    Filter(Element),
    /// `RESOURCEID`, `FEATUREID`.
    Ids(Vec<String>),
    /// `BBOX`.
    Bbox(String),
    /// `CQL_FILTER`.
    Cql(String),
    /// Fields and the values they must have: what a stored query of the house asks.
    Equal(Vec<(String, String)>),
}

/// An invocation of a stored query.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stored {
    pub id: String,
    /// Arguments, names as received.
    pub arguments: Vec<(String, String)>,
}
