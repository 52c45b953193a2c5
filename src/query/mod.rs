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

impl Query {
    /// The selections of a query that has pages.
    pub fn selects(&self) -> &[Select] {
        match self {
            Query::Features(parts) | Query::Count(parts) => parts,
            Query::Feature(part) => std::slice::from_ref(part),
            _ => &[],
        }
    }

    /// The publication that a query names.
    pub fn publication(&self) -> Option<i64> {
        self.selects().iter().find_map(|s| s.page.publication)
    }

    /// The same query, of one publication.
    #[must_use]
    pub fn of_publication(mut self, publication: i64) -> Query {
        let parts = match &mut self {
            Query::Features(parts) | Query::Count(parts) => parts.as_mut_slice(),
            Query::Feature(part) => std::slice::from_mut(part),
            _ => &mut [],
        };
        parts.iter_mut().for_each(|s| s.page.publication = Some(publication));
        self
    }
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

/// Pixels of 0.28 mm that a symbol reaches beyond its feature at most.
const REACH: f64 = 48.0;

impl MapQuery {
    /// Enlargement of symbols, whose sizes are pixels of 0.28 mm: 1 at 90.714 pixels per inch.
    pub fn symbol_scale(&self) -> f64 {
        self.dpi * 0.28 / 25.4
    }

    /// The box, `[x, y]` order, whose features can leave a mark on the picture: the picture's, grown by what symbols reach.
    pub fn search(&self) -> Envelope {
        let reach = REACH * self.symbol_scale();
        let (dx, dy) = self.pixel();
        let e = &self.envelope;
        Envelope {
            min: [e.min[0] - dx * reach, e.min[1] - dy * reach],
            max: [e.max[0] + dx * reach, e.max[1] + dy * reach],
        }
    }

    /// Width and height of a pixel in units of the CRS.
    pub fn pixel(&self) -> (f64, f64) {
        (self.envelope.width() / f64::from(self.width.max(1)), self.envelope.height() / f64::from(self.height.max(1)))
    }
}

impl InfoQuery {
    /// The box, `[x, y]` order, whose features can have left a mark on the pixel asked.
    pub fn search(&self) -> Envelope {
        let reach = REACH * self.map.symbol_scale() + self.tolerance;
        let (dx, dy) = self.map.pixel();
        let [x, y] = self.position();
        Envelope { min: [x - dx * reach, y - dy * reach], max: [x + dx * reach, y + dy * reach] }
    }

    /// Centre of the pixel asked, `[x, y]` in the CRS of the picture.
    pub fn position(&self) -> crate::geo::Position {
        let (dx, dy) = self.map.pixel();
        [
            self.map.envelope.min[0] + (f64::from(self.i) + 0.5) * dx,
            self.map.envelope.max[1] - (f64::from(self.j) + 0.5) * dy,
        ]
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_and_reach_are_those_of_the_picture() {
        let map = MapQuery {
            layers: Vec::new(),
            crs: Crs::Lambert93,
            envelope: Envelope { min: [0.0, 0.0], max: [1000.0, 500.0] },
            width: 100,
            height: 100,
            dpi: 25.4 / 0.28,
            background: 0xff_ffff,
            transparent: false,
        };
        assert!((map.symbol_scale() - 1.0).abs() < 1e-12);
        let search = map.search();
        assert!((search.min[0] + 480.0).abs() < 1e-6 && (search.max[1] - 740.0).abs() < 1e-6);
        let info = InfoQuery { map, layers: Vec::new(), i: 0, j: 99, count: 1, tolerance: 2.0 };
        assert_eq!(info.position(), [5.0, 2.5]);
        assert!((info.search().max[0] - 505.0).abs() < 1e-6);
    }
}
