//! What is asked: no protocol, no SQL, no bytes.
//!
//! A [`Query`] cannot be executed. `convention::Convention::scope` turns it into a `Scoped`, which the store executes.

use crate::catalogue::{FieldId, LayerId};
use crate::filter::Filter;
use crate::geo::{Crs, Envelope};
use serde::{Deserialize, Serialize};

/// A value of a field. Text compares by bytes (`COLLATE "C"`), numbers numerically.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Text.
    Text(String),
    /// Whole number.
    Int(i64),
    /// Number as published (already rounded).
    Double(f64),
    /// Instant, milliseconds since 1970-01-01T00:00:00Z.
    DateTime(i64),
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Features of one or several layers, in the order of the parts (WFS with several types).
    Features(Vec<Select>),
    /// Only how many features match (WFS `resultType=hits`).
    Count(Vec<Select>),
    /// One feature by identifier.
    Feature(Select),
    /// A vector tile of some layers.
    Tile(TileQuery),
    /// A map picture.
    Map(MapQuery),
    /// The features at a place of a map picture.
    Info(InfoQuery),
    /// A legend picture.
    Legend(LegendQuery),
    /// Structure of layers (schemas, queryables).
    Describe(Vec<LayerId>),
    /// What exists for this client: layers with extents and counts.
    Capabilities,
}

/// Features of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The layer.
    pub layer: LayerId,
    /// Fields to hand out, in catalogue order; the identifier always comes too.
    pub fields: Vec<FieldId>,
    /// Whether the geometry is handed out.
    pub geometry: bool,
    /// Which features.
    pub filter: Filter,
    /// Sort keys; the identifier is always appended, so that the order is total.
    pub order: Vec<SortKey>,
    /// Which part of the result.
    pub page: Page,
    /// CRS of the coordinates handed out.
    pub crs: Crs,
}

/// One sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    /// Field; `None` is the identifier.
    pub field: Option<FieldId>,
    /// Descending order. NULL comes last ascending, first descending, as in PostgreSQL.
    pub descending: bool,
}

/// A part of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Features skipped.
    pub start: u64,
    /// Features handed out at most; `None`: all.
    pub count: Option<u64>,
    /// Publication the reading began with, when the request names it.
    pub publication: Option<i64>,
}

impl Page {
    /// All features from the first.
    pub const ALL: Page = Page { start: 0, count: None, publication: None };
}

/// A vector tile.
#[derive(Debug, Clone, PartialEq)]
pub struct TileQuery {
    /// Layers with the fields to hand out, in drawing order.
    pub layers: Vec<(LayerId, Vec<FieldId>)>,
    /// CRS of the tile matrix set: `WebMercator`, `Lambert93` or `Wgs84`/`Crs84`.
    pub crs: Crs,
    /// Box of the tile in that CRS, `[x, y]` order.
    pub envelope: Envelope,
    /// Zoom, for generalisation.
    pub zoom: u8,
    /// Further restriction; `All` for plain tiles.
    pub filter: Filter,
    /// True when a newer vintage must be chosen for `_evolution` layers (maps and tiles default to the newest).
    pub newest: bool,
}

/// A map picture.
#[derive(Debug, Clone, PartialEq)]
pub struct MapQuery {
    /// Layers bottom first, each with the name of a style (`None`: default) and a restriction.
    pub layers: Vec<MapLayer>,
    /// CRS of the picture.
    pub crs: Crs,
    /// Box of the picture, `[x, y]` order.
    pub envelope: Envelope,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixels per inch; 90.714 (0.28 mm) is the standard's.
    pub dpi: f64,
    /// Background, `0xRRGGBB`.
    pub background: u32,
    /// Whether the background is transparent.
    pub transparent: bool,
}

/// One layer of a map picture.
#[derive(Debug, Clone, PartialEq)]
pub struct MapLayer {
    /// The layer.
    pub layer: LayerId,
    /// Style name out of the layer's own list; `None`: its default.
    pub style: Option<String>,
    /// Which features.
    pub filter: Filter,
}

/// Features at a place of a map picture.
#[derive(Debug, Clone, PartialEq)]
pub struct InfoQuery {
    /// The picture.
    pub map: MapQuery,
    /// Layers asked (subset of the picture's).
    pub layers: Vec<LayerId>,
    /// Column of the pixel, from the left.
    pub i: u32,
    /// Row of the pixel, from the top.
    pub j: u32,
    /// Features per layer at most.
    pub count: u32,
    /// Tolerance round the pixel, in pixels.
    pub tolerance: f64,
}

/// A legend picture.
#[derive(Debug, Clone, PartialEq)]
pub struct LegendQuery {
    /// The layer.
    pub layer: LayerId,
    /// Style name; `None`: default.
    pub style: Option<String>,
    /// Rule title or name, when one class alone is asked.
    pub rule: Option<String>,
    /// Width of a symbol in pixels, when asked.
    pub width: Option<u32>,
    /// Height of a symbol in pixels, when asked.
    pub height: Option<u32>,
    /// Scale denominator, when asked.
    pub scale: Option<f64>,
    /// French (true) or English texts.
    pub french: bool,
}
