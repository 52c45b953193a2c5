//! The parameters: each is defined once, with name, texts, schema and reader. The parser, the OpenAPI document and the
//! HTML documentation all use this one definition.

use super::time::{Interval, read_interval};
use crate::catalogue::Text;
use crate::error::{Error, Reason, Result};
use crate::geo::Crs;
use crate::geo::tms::TILE_MATRIX_SETS;
use crate::protocol::{Request, Site};
use serde_json::{Value, json};

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the query string.
    Query,
    /// In the path.
    Path,
}

/// A parameter whose value is a `T`.
pub struct Param<T: 'static> {
    /// Name on the wire; compared with case (OGC 17-069r4 §7.5).
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// French and English description.
    pub text: [&'static str; 2],
    /// JSON schema (OpenAPI 3.0 dialect); depends on what exists for the client.
    pub schema: fn(&Site) -> Value,
    /// Reads a value; the error says what would have been right.
    pub read: fn(&str, &Site) -> std::result::Result<T, Reason>,
}

/// What documentation needs to know of a parameter, whatever its type.
pub trait Parameter: Sync {
    /// Name on the wire.
    fn name(&self) -> &'static str;
    /// Where it stands.
    fn place(&self) -> Place;
    /// Description.
    fn text(&self) -> Text;
    /// JSON schema.
    fn schema(&self, site: &Site) -> Value;
    /// OpenAPI 3.0 parameter object.
    fn openapi(&self, site: &Site, french: bool) -> Value {
        let schema = self.schema(site);
        let mut object = json!({
            "name": self.name(),
            "in": match self.place() { Place::Query => "query", Place::Path => "path" },
            "description": self.text().get(french),
            "required": self.place() == Place::Path,
        });
        if self.place() == Place::Query {
            // Lists are written with commas (17-069r4 §7.15.2 to 7.15.4 ask these two of every parameter they define).
            object["style"] = json!("form");
            object["explode"] = json!(false);
        }
        object["schema"] = schema;
        object
    }
}

impl<T> Parameter for Param<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> Place {
        self.place
    }

    fn text(&self) -> Text {
        Text { fr: self.text[0].to_owned(), en: self.text[1].to_owned() }
    }

    fn schema(&self, site: &Site) -> Value {
        (self.schema)(site)
    }
}

impl<T> Param<T> {
    /// Reads the parameter out of a query string; `None` when it is absent.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read or stands there twice.
    pub fn of(&self, request: &Request, site: &Site) -> Result<Option<T>> {
        let mut values = request.query.iter().filter(|(k, _)| k == self.name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Error::invalid(self.name, value, Reason::Twice));
        }
        self.parse(value, site).map(Some)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read.
    pub fn parse(&self, value: &str, site: &Site) -> Result<T> {
        (self.read)(value, site).map_err(|reason| Error::invalid(self.name, value, reason))
    }
}

/// Shorthand for a query parameter.
const fn query<T>(
    name: &'static str,
    text: [&'static str; 2],
    schema: fn(&Site) -> Value,
    read: fn(&str, &Site) -> std::result::Result<T, Reason>,
) -> Param<T> {
    Param { name, place: Place::Query, text, schema, read }
}

/// Shorthand for a path parameter.
const fn path<T>(
    name: &'static str,
    text: [&'static str; 2],
    schema: fn(&Site) -> Value,
    read: fn(&str, &Site) -> std::result::Result<T, Reason>,
) -> Param<T> {
    Param { name, place: Place::Path, text, schema, read }
}

/// `limit` (17-069r4 §7.15.2): a value over the maximum is brought down to it.
pub static LIMIT: Param<u64> = query(
    "limit",
    [
        "Nombre d'entités d'une page. Une valeur plus grande que le maximum y est ramenée.",
        "Features of one page. A value over the maximum is brought down to it.",
    ],
    |site| json!({ "type": "integer", "minimum": 1, "maximum": site.limits.features, "default": default_limit(site) }),
    |value, site| match value.parse::<u128>() {
        Ok(n) if n >= 1 => Ok(u64::try_from(n).unwrap_or(u64::MAX).min(site.limits.features)),
        _ => Err(Reason::PositiveCount),
    },
);

/// Page size when `limit` is absent.
pub fn default_limit(site: &Site) -> u64 {
    site.limits.default_limit.min(site.limits.features)
}

/// `offset`: what `next` and `prev` links count with.
pub static OFFSET: Param<u64> = query(
    "offset",
    ["Nombre d'entités à sauter ; les liens next et prev le posent.", "Features to skip; next and prev links set it."],
    |_| json!({ "type": "integer", "minimum": 0, "default": 0 }),
    |value, _| value.parse().map_err(|_| Reason::Count),
);

/// `publication`: pages of one reading belong to one publication.
pub static PUBLICATION: Param<i64> = query(
    "publication",
    [
        "Publication que lit une suite de pages ; les liens next et prev la posent.",
        "Publication that a sequence of pages reads; next and prev links set it.",
    ],
    |_| json!({ "type": "integer", "minimum": 0 }),
    |value, _| value.parse().map_err(|_| Reason::WholeNumber),
);

/// `bbox` (17-069r4 §7.15.3): four numbers, or six with heights, which are ignored. Axis order of `bbox-crs`.
pub static BBOX: Param<[f64; 4]> = query(
    "bbox",
    [
        "Emprise : quatre nombres (ou six avec des hauteurs), dans le SCR de bbox-crs et l'ordre de ses axes.",
        "Box: four numbers (or six with heights) in the CRS of bbox-crs and the order of its axes.",
    ],
    |_| json!({ "type": "array", "minItems": 4, "maxItems": 6, "items": { "type": "number" } }),
    |value, _| read_bbox(value),
);

fn read_bbox(value: &str) -> std::result::Result<[f64; 4], Reason> {
    let numbers: Vec<f64> = value
        .split(',')
        .map(|n| n.trim().parse::<f64>().ok().filter(|n| n.is_finite()))
        .collect::<Option<_>>()
        .ok_or(Reason::FourOrSix)?;
    let (bbox, heights) = match numbers[..] {
        [a, b, c, d] => ([a, b, c, d], None),
        [a, b, low, c, d, high] => ([a, b, c, d], Some((low, high))),
        _ => return Err(Reason::FourOrSix),
    };
    match heights {
        Some((low, high)) if low > high => Err(Reason::Corners),
        _ => Ok(bbox),
    }
}

fn crs_schema(_: &Site) -> Value {
    let names: Vec<String> = crs_list().map(Crs::uri).collect();
    json!({ "type": "string", "format": "uri", "enum": names, "default": Crs::Crs84.uri() })
}

/// CRS of every collection, the default one first (18-058r1 §6.2).
pub fn crs_list() -> impl Iterator<Item = Crs> {
    std::iter::once(Crs::Crs84).chain(Crs::ALL.into_iter().filter(|c| *c != Crs::Crs84))
}

fn read_crs(value: &str, _: &Site) -> std::result::Result<Crs, Reason> {
    // URIs are the standard's names; URN and short ones, with the same axis order, are a courtesy.
    Crs::parse(value.trim_start_matches('[').trim_end_matches(']')).map(|(crs, _)| crs).ok_or(Reason::CrsOfList)
}

/// `crs` (18-058r1 §6.3).
pub static CRS: Param<Crs> =
    query("crs", ["SCR des coordonnées de la réponse.", "CRS of the coordinates in the answer."], crs_schema, read_crs);

/// `bbox-crs` (18-058r1 §6.3).
pub static BBOX_CRS: Param<Crs> = query("bbox-crs", ["SCR de bbox.", "CRS of bbox."], crs_schema, read_crs);

/// `filter-crs` (19-079r2 §7.4).
pub static FILTER_CRS: Param<Crs> =
    query("filter-crs", ["SCR des géométries de filter.", "CRS of the geometries in filter."], crs_schema, read_crs);

/// `datetime` (17-069r4 §7.15.4).
pub static DATETIME: Param<Interval> = query(
    "datetime",
    [
        "Instant ou intervalle RFC 3339 (bornes ouvertes : « .. ») que la date de référence doit toucher.",
        "RFC 3339 instant or interval (open ends: \"..\") that the reference date must touch.",
    ],
    |_| json!({ "type": "string" }),
    |value, _| read_interval(value),
);

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

/// `properties`: which properties are handed out.
pub static PROPERTIES: Param<Vec<String>> = query(
    "properties",
    ["Attributs à rendre, séparés par des virgules.", "Properties to hand out, separated by commas."],
    |_| json!({ "type": "array", "items": { "type": "string" } }),
    |value, _| Ok(list(value)),
);

/// `skipGeometry`: whether the geometry is left out.
pub static SKIP_GEOMETRY: Param<bool> = query(
    "skipGeometry",
    ["true : sans géométrie.", "true: without geometry."],
    |_| json!({ "type": "boolean", "default": false }),
    |value, _| match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Reason::OneOf("true, false".into())),
    },
);

/// `sortby`: sortables, each with `+` (ascending, default) or `-`. True means descending.
pub static SORTBY: Param<Vec<(String, bool)>> = query(
    "sortby",
    [
        "Attributs de tri, séparés par des virgules, chacun précédé de + (croissant) ou - (décroissant).",
        "Sort keys separated by commas, each with + (ascending) or - (descending) before it.",
    ],
    |_| json!({ "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "[+|-]?[A-Za-z_].*" } }),
    |value, _| {
        let keys: Vec<(String, bool)> = list(value)
            .into_iter()
            .map(|key| match key.strip_prefix('-') {
                Some(name) => (name.to_owned(), true),
                None => (key.trim_start_matches('+').to_owned(), false),
            })
            .collect();
        // A plus sign that was not percent-encoded arrives as a blank, which `list` trims.
        if keys.is_empty() || keys.iter().any(|k| k.0.is_empty()) { Err(Reason::Sortables) } else { Ok(keys) }
    },
);

/// `filter` (19-079r2 §7.2).
pub static FILTER: Param<String> = query(
    "filter",
    ["Expression CQL2 sur les attributs de « queryables ».", "CQL2 expression over the queryables."],
    |_| json!({ "type": "string" }),
    |value, _| if value.trim().is_empty() { Err(Reason::Expression) } else { Ok(value.to_owned()) },
);

/// `query`: the name under which ArcGIS sends a `where` clause, which is CQL2 text for what it writes.
pub static QUERY: Param<String> = query(
    "query",
    [
        "Expression CQL2 (texte), comme filter : le nom qu'emploie ArcGIS.",
        "CQL2 text expression, like filter: the name that ArcGIS uses.",
    ],
    |_| json!({ "type": "string" }),
    |value, _| if value.trim().is_empty() { Err(Reason::Expression) } else { Ok(value.to_owned()) },
);

/// Encodings of `filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterLang {
    /// CQL2 Text.
    Text,
    /// CQL2 JSON.
    Json,
}

/// `filter-lang` (19-079r2 §7.3).
pub static FILTER_LANG: Param<FilterLang> = query(
    "filter-lang",
    ["Langage de filter.", "Language of filter."],
    |_| json!({ "type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text" }),
    |value, _| match value {
        "cql2-text" => Ok(FilterLang::Text),
        "cql2-json" => Ok(FilterLang::Json),
        _ => Err(Reason::OneOf("cql2-text, cql2-json".into())),
    },
);

/// `collections` of dataset tiles (20-057 §12): identifiers or whole URLs of collections.
pub static COLLECTIONS: Param<Vec<String>> = query(
    "collections",
    [
        "Collections de la tuile, séparées par des virgules ; la première est dessous.",
        "Collections of the tile, separated by commas; the first is at the bottom.",
    ],
    |site| json!({ "type": "array", "items": { "type": "string", "enum": collection_ids(site) } }),
    |value, _| {
        let ids = list(value);
        if ids.is_empty() { Err(Reason::CollectionNames) } else { Ok(ids) }
    },
);

/// `f`: the format, stronger than `Accept`. Values depend on the resource; see `negotiate`.
pub static F: Param<String> = query(
    "f",
    ["Format de la réponse ; l'emporte sur Accept.", "Format of the answer; stronger than Accept."],
    |_| json!({ "type": "string" }),
    |value, _| Ok(value.to_owned()),
);

/// `lang`: language of texts. True: French.
pub static LANG: Param<bool> = query(
    "lang",
    ["Langue des textes ; l'emporte sur Accept-Language.", "Language of texts; stronger than Accept-Language."],
    |_| json!({ "type": "string", "enum": ["fr", "en"] }),
    |value, _| match value {
        "fr" => Ok(true),
        "en" => Ok(false),
        _ => Err(Reason::OneOf("fr, en".into())),
    },
);

fn collection_ids(site: &Site) -> Vec<&str> {
    site.catalogue.layers().iter().map(|l| l.name.as_str()).collect()
}

/// `collectionId`.
pub static COLLECTION_ID: Param<String> = path(
    "collectionId",
    ["Identifiant de la collection.", "Identifier of the collection."],
    |site| json!({ "type": "string", "enum": collection_ids(site) }),
    |value, _| Ok(value.to_owned()),
);

/// `featureId`.
pub static FEATURE_ID: Param<String> = path(
    "featureId",
    ["Identifiant de l'entité.", "Identifier of the feature."],
    |_| json!({ "type": "string" }),
    |value, _| Ok(value.to_owned()),
);

/// `file`: name of a static file.
pub static FILE: Param<String> = path(
    "file",
    ["Nom du fichier.", "Name of the file."],
    |_| json!({ "type": "string" }),
    |value, _| Ok(value.to_owned()),
);

/// `tileMatrixSetId`.
pub static TILE_MATRIX_SET_ID: Param<String> = path(
    "tileMatrixSetId",
    ["Identifiant de la grille de tuiles.", "Identifier of the tile matrix set."],
    |_| json!({ "type": "string", "enum": TILE_MATRIX_SETS.iter().map(|s| s.id).collect::<Vec<_>>() }),
    |value, _| Ok(value.to_owned()),
);

/// `tileMatrix` (20-057 `/req/core/tc-tilematrix-definition`).
pub static TILE_MATRIX: Param<String> = path(
    "tileMatrix",
    ["Niveau de la grille.", "Level of the tile matrix set."],
    |_| json!({ "type": "string" }),
    |value, _| Ok(value.to_owned()),
);

/// `tileRow` (20-057 `/req/core/tc-tilerow-definition`).
pub static TILE_ROW: Param<u32> = path(
    "tileRow",
    ["Ligne de la tuile, depuis le haut.", "Row of the tile, from the top."],
    |_| json!({ "type": "integer", "minimum": 0 }),
    |value, _| value.parse().map_err(|_| Reason::Count),
);

/// `tileCol` (20-057 `/req/core/tc-tilecol-definition`).
pub static TILE_COL: Param<u32> = path(
    "tileCol",
    ["Colonne de la tuile, depuis la gauche.", "Column of the tile, from the left."],
    |_| json!({ "type": "integer", "minimum": 0 }),
    |value, _| value.parse().map_err(|_| Reason::Count),
);

/// `styleId`.
pub static STYLE_ID: Param<String> = path(
    "styleId",
    ["Identifiant du style.", "Identifier of the style."],
    |_| json!({ "type": "string" }),
    |value, _| Ok(value.to_owned()),
);
