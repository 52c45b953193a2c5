//! A map: rows of layers and their resolved styles ▶ a picture, made in quanta.
//!
//! Layer by layer, pass by pass; inside a pass large symbols and areas come first, so that small ones stay visible, then
//! the order of rows. The order rests on what is drawn alone: a withheld row has no size of its own, and none of its
//! values is known here. Labels come last, over everything.

use super::Format;
use super::anchor::{self, anchor};
use super::canvas::{Canvas, Pen, Tile};
use super::classify;
use super::labels::{Candidate, Labels};
use super::marks::{self, Stamp};
use super::picture::Encoding;
use super::view::{Place, View};
use crate::encode::{Producer, Progress};
use crate::error::Error;
use crate::query::{MapQuery, Value};
use crate::store::{LayerData, Rows};
use crate::style::{Color, Fill, Label, Piece, Size, Style, Symbolizer};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tiny_skia::Path;

/// One layer of a map.
pub struct MapLayer {
    /// Rows that can leave a mark on the picture.
    pub rows: Rows,
    /// How they are drawn.
    pub style: Arc<Style>,
}

/// Time of a quantum.
const QUANTUM: Duration = Duration::from_millis(2);

/// Points between two looks at the clock; of areas and lines each one alone may take long.
const CHUNK: usize = 16;

/// Makes the picture of a map.
pub struct Map {
    view: View,
    canvas: Option<Canvas>,
    layers: Vec<MapLayer>,
    /// Layer and pass under way.
    at: (usize, usize),
    work: Option<Work>,
    /// Paths of the layer under way, by place in `rows`: fill and outline are separate passes.
    paths: Vec<Option<Option<Path>>>,
    labels: Labels,
    format: Format,
    encoding: Option<Encoding>,
}

/// A pass under way.
struct Work {
    ready: Vec<Vec<Ready>>,
    /// Next row to classify.
    row: usize,
    items: Vec<Item>,
    sorted: bool,
    /// Next item to draw.
    item: usize,
}

/// A rule that takes a row.
struct Item {
    /// Size drawn: pixels of the mark, or of the area.
    size: f32,
    /// Place in `rows`.
    row: u32,
    rule: u32,
}

/// A symbolizer prepared for one picture.
enum Ready {
    Fill(Color, f32),
    Hatch(Tile),
    Stroke(Pen),
    Stamp(Stamp, Size),
    Label(Label),
}

impl Map {
    /// Prepares a map, bottom layer first.
    ///
    /// # Errors
    /// [`Error::Limit`] when there is no memory for the picture; [`Error::Crs`] when coordinates cannot be computed.
    pub fn new(query: &MapQuery, layers: Vec<MapLayer>, format: Format) -> Result<Map, Error> {
        let view = View::new(query)?;
        // JPEG has no transparency.
        let transparent = query.transparent && format != Format::Jpeg;
        let background = (!transparent).then(|| Color::from_rgb(query.background));
        let canvas = Canvas::new(query.width, query.height, background).ok_or(Error::Limit {
            what: "pixels",
            asked: u64::from(query.width) * u64::from(query.height),
            limit: 0,
        })?;
        let labels = Labels::new(query.width, query.height);
        Ok(Map {
            view,
            canvas: Some(canvas),
            layers,
            at: (0, 0),
            work: None,
            paths: Vec::new(),
            labels,
            format,
            encoding: None,
        })
    }

    /// Works on the pass under way until the clock says stop. True when all layers are painted.
    fn paint(&mut self, until: Instant) -> bool {
        let Some(canvas) = &mut self.canvas else { return true };
        while let Some(layer) = self.layers.get(self.at.0) {
            let Some(pass) = layer.style.passes.get(self.at.1) else {
                self.at = (self.at.0 + 1, 0);
                self.paths = Vec::new();
                continue;
            };
            let data = layer.rows.data();
            let areas = data.table.geometry.kind.dimension() == 2;
            let work = self.work.get_or_insert_with(|| Work::new(layer, self.at.1, &self.view));
            while work.row < layer.rows.rows.len() {
                for i in work.row..(work.row + 8 * CHUNK).min(layer.rows.rows.len()) {
                    let row = layer.rows.rows[i];
                    for (r, rule) in classify::rules(pass, self.view.denominator, data, row) {
                        let size = if areas { 0.0 } else { mark_size(&rule.symbolizers, data, row) };
                        work.items.push(Item { size, row: i as u32, rule: r as u32 });
                    }
                }
                work.row = (work.row + 8 * CHUNK).min(layer.rows.rows.len());
                if Instant::now() >= until {
                    return false;
                }
            }
            if !work.sorted {
                if areas {
                    // Boxes tell enough: an area inside another has the smaller box.
                    work.items
                        .iter_mut()
                        .for_each(|i| i.size = self.view.extent(data, layer.rows.rows[i.row as usize]));
                }
                work.items.sort_by(|a, b| b.size.total_cmp(&a.size).then(a.row.cmp(&b.row)).then(a.rule.cmp(&b.rule)));
                work.sorted = true;
            }
            if self.paths.len() != layer.rows.rows.len() {
                self.paths.resize(layer.rows.rows.len(), None);
            }
            let mut brush = Brush {
                canvas,
                view: &self.view,
                layer,
                at: self.at.0,
                paths: &mut self.paths,
                labels: &mut self.labels,
            };
            let chunk = if data.table.geometry.kind.dimension() == 0 { CHUNK } else { 1 };
            while work.item < work.items.len() {
                let end = (work.item + chunk).min(work.items.len());
                for item in &work.items[work.item..end] {
                    brush.draw(item, &mut work.ready[item.rule as usize]);
                }
                work.item = end;
                if Instant::now() >= until {
                    return false;
                }
            }
            self.work = None;
            self.at.1 += 1;
        }
        true
    }
}

impl Work {
    fn new(layer: &MapLayer, pass: usize, view: &View) -> Work {
        let rules = &layer.style.passes[pass].rules;
        let ready = rules.iter().map(|r| r.symbolizers.iter().flat_map(|s| prepare(s, view)).collect()).collect();
        Work { ready, row: 0, items: Vec::new(), sorted: false, item: 0 }
    }
}

fn prepare(symbolizer: &Symbolizer, view: &View) -> Vec<Ready> {
    match symbolizer {
        Symbolizer::Polygon { fill, stroke } => {
            let inside = fill.as_ref().and_then(|f| match f {
                Fill::Solid(color, opacity) => Some(Ready::Fill(*color, *opacity)),
                Fill::Pattern(graphic) => marks::tile(graphic, view.scale, view.corner()).map(Ready::Hatch),
            });
            let border = stroke.as_ref().map(|s| Ready::Stroke(Pen::new(s, view.scale)));
            inside.into_iter().chain(border).collect()
        }
        Symbolizer::Line(stroke) => vec![Ready::Stroke(Pen::new(stroke, view.scale))],
        Symbolizer::Point(graphic) => vec![Ready::Stamp(Stamp::new(graphic, view.scale), graphic.size.clone())],
        Symbolizer::Text(label) => vec![Ready::Label((**label).clone())],
    }
}

/// Size of a mark for a row, in pixels of 0.28 mm.
pub fn size_of(size: &Size, data: &LayerData, row: u32) -> f32 {
    match size {
        Size::Constant(s) => *s,
        Size::Scaled(f) => f.of(classify::number(data.column(f.field).value(row))),
    }
}

fn mark_size(symbolizers: &[Symbolizer], data: &LayerData, row: u32) -> f32 {
    let sizes = symbolizers.iter().filter_map(|s| match s {
        Symbolizer::Point(g) => Some(size_of(&g.size, data, row)),
        _ => None,
    });
    sizes.fold(0.0, f32::max)
}

/// What one feature is drawn with.
struct Brush<'a> {
    canvas: &'a mut Canvas,
    view: &'a View,
    layer: &'a MapLayer,
    at: usize,
    paths: &'a mut Vec<Option<Option<Path>>>,
    labels: &'a mut Labels,
}

impl Brush<'_> {
    fn draw(&mut self, item: &Item, ready: &mut [Ready]) {
        let data = self.layer.rows.data();
        let row = self.layer.rows.rows[item.row as usize];
        let table = &data.table.geometry;
        let feature = data.table.geometry_row[row as usize];
        let dimension = table.kind.dimension();
        for r in ready {
            match r {
                Ready::Stamp(stamp, size) => {
                    let size = size_of(size, data, row);
                    let places = match dimension {
                        0 => self.view.points(table, feature),
                        _ => anchor(self.view, table, feature).into_iter().map(|a| a.at).collect(),
                    };
                    for (x, y) in places {
                        stamp.draw(self.canvas, x, y, size);
                    }
                }
                Ready::Label(label) => self.label(label, item, row, feature),
                Ready::Fill(..) | Ready::Hatch(_) | Ready::Stroke(_) if dimension > 0 => {
                    let path = self.paths[item.row as usize]
                        .get_or_insert_with(|| self.view.path(table, feature, dimension == 2))
                        .as_ref();
                    let Some(path) = path else { continue };
                    match r {
                        Ready::Fill(color, opacity) => self.canvas.fill(path, *color, *opacity),
                        Ready::Hatch(tile) => self.canvas.hatch(path, tile),
                        Ready::Stroke(pen) => self.canvas.stroke(path, pen),
                        _ => {}
                    }
                }
                // Areas and lines of a layer of points: nothing to draw.
                _ => {}
            }
        }
    }

    fn label(&mut self, label: &Label, item: &Item, row: u32, feature: u32) {
        let data = self.layer.rows.data();
        let table = &data.table.geometry;
        let Some(text) = label_text(label, data, row) else { return };
        let (at, room, weight): (Place, f64, f64) = match table.kind.dimension() {
            2 => match anchor::visible(self.view, table, feature) {
                Some(a) => (a.at, a.width, a.area),
                None => return,
            },
            1 => match middle(self.view, feature, self.layer) {
                Some(at) => (at, f64::INFINITY, 0.0),
                None => return,
            },
            _ => match self.view.points(table, feature).first() {
                Some(at) => (*at, f64::INFINITY, f64::from(item.size)),
                None => return,
            },
        };
        self.labels.add(Candidate {
            text,
            label: label.clone(),
            scale: self.view.scale,
            layer: self.at,
            weight,
            row,
            at,
            room,
        });
    }
}

fn middle(view: &View, feature: u32, layer: &MapLayer) -> Option<Place> {
    let rings = view.rings(&layer.rows.data().table.geometry, feature);
    let longest = rings.iter().map(|(_, places)| places).max_by_key(|p| p.len())?;
    longest.get(longest.len() / 2).copied()
}

fn label_text(label: &Label, data: &LayerData, row: u32) -> Option<String> {
    let mut text = String::new();
    for piece in &label.pieces {
        match piece {
            Piece::Literal(l) => text.push_str(l),
            Piece::Field(f) => match data.column(*f).value(row)? {
                Value::Text(t) => text.push_str(t),
                Value::Int(n) => text.push_str(itoa::Buffer::new().format(*n)),
                Value::Double(d) => text.push_str(&d.to_string()),
                Value::DateTime(_) => return None,
            },
        }
    }
    (!text.trim().is_empty()).then_some(text)
}

impl Producer for Map {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<Progress, Error> {
        if let Some(encoding) = &mut self.encoding {
            return encoding.step(out);
        }
        let until = Instant::now() + QUANTUM;
        if !self.paint(until) {
            return Ok(Progress::More);
        }
        if let Some(canvas) = &mut self.canvas
            && !self.labels.draw(canvas, until)
        {
            return Ok(Progress::More);
        }
        if let Some(canvas) = self.canvas.take() {
            self.encoding = Some(Encoding::new(canvas.finish(), self.format));
        }
        Ok(Progress::More)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Crs, Envelope};
    use crate::render::picture::tests::{decode, run};
    use crate::store::fixture::{Fixture, Row, World};
    use crate::style::Stylebook;

    fn query() -> MapQuery {
        MapQuery {
            layers: Vec::new(),
            crs: Crs::Lambert93,
            envelope: Envelope::new(700_000.0, 7_060_000.0, 701_000.0, 7_061_000.0).unwrap(),
            width: 100,
            height: 100,
            dpi: 25.4 / 0.28,
            background: 0xff_ffff,
            transparent: true,
        }
    }

    /// Pixels of a map of one layer, as (red, green, blue, alpha) by column and row.
    fn drawn(
        world: &World,
        layer: &str,
        style: Option<&str>,
        query: &MapQuery,
    ) -> impl Fn(usize, usize) -> [u8; 4] + use<> {
        let book = Stylebook::load_embedded(&world.catalogue).unwrap();
        let style = Arc::clone(book.get(world.catalogue.layer(layer).unwrap(), style).unwrap());
        let layers = vec![MapLayer { rows: world.rows(layer), style }];
        let (_, data, _) = decode(&run(Map::new(query, layers, Format::Png).unwrap()));
        move |x, y| data[(y * 100 + x) * 4..][..4].try_into().unwrap()
    }

    #[test]
    fn classes_have_their_colours_and_the_withheld_its_own() {
        let world = Fixture::new()
            .rows(
                "parc_commune",
                [
                    Row::new("59350").set("densite_rpls", 12.0).square(700_000.0, 7_060_000.0, 500.0),
                    Row::new("59355").secret().square(700_500.0, 7_060_000.0, 500.0),
                    Row::new("59009").set("statut", "non_disponible").square(700_000.0, 7_060_500.0, 500.0),
                    Row::new("59010").square(700_500.0, 7_060_500.0, 500.0),
                ],
            )
            .build();
        let at = drawn(&world, "parc_commune", None, &query());
        assert_eq!(at(25, 75), [0x41, 0xb6, 0xc4, 255], "10 to under 20 %");
        assert_eq!(at(25, 25), [0xd4, 0xd4, 0xd4, 255], "not available");
        // Hatched: two greys, and neither white nor a class.
        let hatch: std::collections::BTreeSet<_> =
            (60..90).flat_map(|x| (60..90).map(move |y| (x, y))).map(|(x, y)| at(x, y)).collect();
        assert!(hatch.len() > 1 && hatch.iter().all(|p| p[0] == p[1] && p[1] == p[2] && p[0] < 255), "{hatch:?}");
        // Published without this indicator: an own class too.
        assert!(at(75, 25)[0] == at(75, 25)[2] && at(75, 25) != at(25, 25));
    }

    #[test]
    fn an_area_inside_another_lies_on_top_whatever_the_order_of_rows() {
        let small = || Row::new("59355").set("densite_rpls", 2.0).square(700_400.0, 7_060_400.0, 200.0);
        let large = || Row::new("59350").set("densite_rpls", 35.0).square(700_000.0, 7_060_000.0, 1000.0);
        for rows in [[small(), large()], [large(), small()]] {
            let at = drawn(&Fixture::new().rows("parc_commune", rows).build(), "parc_commune", None, &query());
            assert_eq!((at(50, 50), at(10, 10)), ([0xff, 0xff, 0xcc, 255], [0x25, 0x34, 0x94, 255]));
        }
    }

    #[test]
    fn what_a_withheld_residence_was_cannot_be_seen() {
        // Two sources that differ only in what is withheld give the same rows, so the same picture; the symbol has one
        // size, and lies where the residence is.
        let world =
            Fixture::new().rows("parc_residence", [Row::new("a").secret().point(700_505.0, 7_060_495.0)]).build();
        let at = drawn(&world, "parc_residence", None, &query());
        let painted: Vec<_> =
            (0..100).flat_map(|x| (0..100).map(move |y| (x, y))).filter(|(x, y)| at(*x, *y)[3] > 0).collect();
        assert!(painted.contains(&(50, 50)));
        assert!(painted.iter().all(|(x, y)| x.abs_diff(50) <= 6 && y.abs_diff(50) <= 6), "{painted:?}");
    }

    #[test]
    fn large_marks_lie_below_small_ones() {
        let at_centre = |rows: [Row; 2]| {
            let world = Fixture::new().rows("parc_residence", rows).build();
            let at = drawn(&world, "parc_residence", None, &query());
            (at(50, 50), at(53, 50))
        };
        let large = || Row::new("a").set("nb_logements", 300).point(700_505.0, 7_060_495.0);
        let small = || Row::new("b").set("nb_logements", 12).point(700_505.0, 7_060_495.0);
        // At 53 lies the white border of the small one.
        assert_eq!(at_centre([large(), small()]), at_centre([small(), large()]));
        assert!(at_centre([large(), small()]).1[2] > 100);
    }

    #[test]
    fn computed_coordinates_put_things_in_the_same_place() {
        let world = Fixture::new()
            .rows("parc_commune", [Row::new("59350").set("densite_rpls", 12.0).square(700_400.0, 7_060_400.0, 200.0)])
            .build();
        let t = crate::geo::Transform::between(Crs::Lambert93, Crs::Cc50).unwrap();
        let c = t.position([700_500.0, 7_060_500.0]).unwrap();
        let envelope = Envelope::new(c[0] - 500.0, c[1] - 500.0, c[0] + 500.0, c[1] + 500.0).unwrap();
        let at = drawn(&world, "parc_commune", None, &MapQuery { crs: Crs::Cc50, envelope, ..query() });
        assert_eq!((at(50, 50), at(30, 50)[3], at(70, 50)[3]), ([0x41, 0xb6, 0xc4, 255], 0, 0));
    }
}
