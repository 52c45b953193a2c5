//! What lies under a pixel: features whose drawn symbol covers it, the one on top first.

use super::classify;
use super::marks;
use super::scene::{MapLayer, size_of};
use super::view::{Place, View};
use crate::error::Error;
use crate::query::InfoQuery;
use crate::store::LayerData;
use crate::style::{Rule, Symbolizer};

/// Rows of a layer that are drawn over the pixel asked, the top one first.
///
/// Areas count by what they contain, whether or not their inside is painted: who points into an outline means the area.
/// Marks and lines count by what is drawn, grown by the tolerance.
///
/// # Errors
/// [`Error::Crs`] when coordinates cannot be computed.
pub fn hits(query: &InfoQuery, layer: &MapLayer) -> Result<Vec<u32>, Error> {
    let view = View::new(&query.map)?;
    let at = (f64::from(query.i) + 0.5, f64::from(query.j) + 0.5);
    let data = layer.rows.data();
    // Sorted as the map paints: larger ones lie below.
    let mut found: Vec<(f32, u32)> = Vec::new();
    for row in &layer.rows.rows {
        let rules = layer.style.passes.iter().flat_map(|p| classify::rules(p, view.denominator, data, *row));
        let sizes: Vec<f32> =
            rules.filter_map(|(_, rule)| covers(&view, rule, data, *row, at, query.tolerance)).collect();
        if let Some(size) = sizes.into_iter().reduce(f32::min) {
            found.push((size, *row));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    found.truncate(query.count.max(1) as usize);
    Ok(found.into_iter().map(|(_, row)| row).collect())
}

/// Size drawn, when a symbol of the rule covers the place.
fn covers(view: &View, rule: &Rule, data: &LayerData, row: u32, at: Place, tolerance: f64) -> Option<f32> {
    let table = &data.table.geometry;
    let feature = data.table.geometry_row[row as usize];
    let scale = f64::from(view.scale);
    let near = |p: &Place, reach: f64| (p.0 - at.0).hypot(p.1 - at.1) <= reach;
    rule.symbolizers.iter().find_map(|s| match (s, table.kind.dimension()) {
        (Symbolizer::Point(g), dimension) => {
            let size = size_of(&g.size, data, row);
            let reach = f64::from(marks::radius(g, size)) * scale + tolerance;
            let places = match dimension {
                0 => view.points(table, feature),
                _ => super::anchor::anchor(view, table, feature).into_iter().map(|a| a.at).collect(),
            };
            places.iter().any(|p| near(p, reach)).then_some(size)
        }
        (Symbolizer::Polygon { .. } | Symbolizer::Line(_), 2) => {
            let rings = view.rings(table, feature);
            contains(rings.iter().map(|(_, r)| r.as_slice()), at).then(|| view.extent(data, row))
        }
        (Symbolizer::Polygon { stroke: Some(stroke), .. } | Symbolizer::Line(stroke), 1) => {
            let reach = f64::from(stroke.width) / 2.0 * scale + tolerance;
            let on = |line: &[Place]| line.windows(2).any(|w| distance(at, w[0], w[1]) <= reach);
            view.rings(table, feature).iter().any(|(_, line)| on(line)).then_some(0.0)
        }
        _ => None,
    })
}

/// Whether a place lies inside: an odd number of borders to its left.
fn contains<'a>(rings: impl Iterator<Item = &'a [Place]>, at: Place) -> bool {
    let mut inside = false;
    for ring in rings {
        for w in ring.windows(2) {
            let (a, b) = (w[0], w[1]);
            if (a.1 > at.1) != (b.1 > at.1) && at.0 < a.0 + (b.0 - a.0) * (at.1 - a.1) / (b.1 - a.1) {
                inside = !inside;
            }
        }
    }
    inside
}

/// Distance of a place from a segment.
fn distance(p: Place, a: Place, b: Place) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let t = if length == 0.0 { 0.0 } else { (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0) };
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Crs, Envelope};
    use crate::query::MapQuery;
    use crate::store::fixture::{Fixture, Row};
    use crate::style::Stylebook;
    use std::sync::Arc;

    fn query(i: u32, j: u32) -> InfoQuery {
        let map = MapQuery {
            layers: Vec::new(),
            crs: Crs::Lambert93,
            envelope: Envelope::new(700_000.0, 7_060_000.0, 701_000.0, 7_061_000.0).unwrap(),
            width: 100,
            height: 100,
            dpi: 25.4 / 0.28,
            background: 0xff_ffff,
            transparent: false,
        };
        InfoQuery { map, layers: Vec::new(), i, j, count: 10, tolerance: 0.0 }
    }

    #[test]
    fn areas_by_content_the_inner_one_first() {
        let world = Fixture::new()
            .rows(
                "parc_commune",
                [
                    Row::new("59350").set("densite_rpls", 12.0).square(700_100.0, 7_060_100.0, 800.0),
                    Row::new("59355").secret().square(700_200.0, 7_060_200.0, 200.0),
                ],
            )
            .build();
        let book = Stylebook::load_embedded(&world.catalogue).unwrap();
        let style = Arc::clone(book.get(world.catalogue.layer("parc_commune").unwrap(), None).unwrap());
        let layer = MapLayer { rows: world.rows("parc_commune"), style };
        let ids = |i, j| {
            let mut out = Vec::new();
            for row in hits(&query(i, j), &layer).unwrap() {
                let mut id = String::new();
                layer.rows.data().feature_id(row, &mut id);
                out.push(id);
            }
            out
        };
        assert_eq!(ids(5, 5), [""; 0]);
        assert_eq!(ids(70, 20), ["59350"]);
        assert_eq!(ids(30, 70), ["59355", "59350"]);
    }

    #[test]
    fn marks_by_their_drawn_size() {
        let world = Fixture::new()
            .rows(
                "parc_residence",
                [
                    Row::new("a").set("nb_logements", 250).point(700_505.0, 7_060_495.0),
                    Row::new("b").secret().point(700_505.0, 7_060_495.0),
                ],
            )
            .build();
        let book = Stylebook::load_embedded(&world.catalogue).unwrap();
        let style = Arc::clone(book.get(world.catalogue.layer("parc_residence").unwrap(), None).unwrap());
        let layer = MapLayer { rows: world.rows("parc_residence"), style };
        // 25 pixels and a border of 1 for 250 dwellings, 6 for a withheld residence, centred on pixel (50, 50).
        let count = |i, j| hits(&query(i, j), &layer).unwrap().len();
        assert_eq!((count(50, 50), count(56, 50), count(62, 50), count(64, 50)), (2, 1, 1, 0));
        let top = hits(&query(50, 50), &layer).unwrap()[0];
        let mut id = String::new();
        layer.rows.data().feature_id(top, &mut id);
        assert_eq!(id, "b");
    }
}
