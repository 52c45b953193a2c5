//! Hand-made snapshots for unit tests of any room.
//!
//! ```ignore
//! let world = fixture::metropolis();
//! let rows = world.rows("parc_commune");                 // all rows, all fields, geometry in 2154
//! let scoped = world.everything(query);                  // authority over all of it
//! let own = Fixture::new().rows("parc_iris", [Row::new("595000101").set("nb_logements", 40).square(0.0, 0.0, 10.0)]);
//! ```

use super::build::{Pool, TableBuilder};
use super::{LayerData, Rows, Snapshot, Store};
use crate::catalogue::{Catalogue, FieldKind, Text, Vintages, load_embedded};
use crate::convention::{Access, Operation, Scoped, Territory};
use crate::geo::{Crs, Position};
use crate::query::{Query, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A row of a relation. What is not set is NULL, but for the fields that every row has: see [`Fixture::rows`].
#[derive(Debug, Clone)]
pub struct Row {
    values: HashMap<String, Value>,
    wkb: Vec<u8>,
}

/// A value of a row.
pub trait IntoValue {
    /// The value.
    fn value(self) -> Value;
}

impl IntoValue for &str {
    fn value(self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl IntoValue for i64 {
    fn value(self) -> Value {
        Value::Int(self)
    }
}

impl IntoValue for i32 {
    fn value(self) -> Value {
        Value::Int(self.into())
    }
}

impl IntoValue for f64 {
    fn value(self) -> Value {
        Value::Double(self)
    }
}

impl IntoValue for Value {
    fn value(self) -> Value {
        self
    }
}

impl Row {
    /// A row with an identifier (`id`).
    pub fn new(id: &str) -> Row {
        Row { values: HashMap::from([("id".to_owned(), Value::Text(id.to_owned()))]), wkb: Vec::new() }
    }

    /// Sets a field by name.
    pub fn set(mut self, field: &str, value: impl IntoValue) -> Row {
        self.values.insert(field.to_owned(), value.value());
        self
    }

    /// A withheld row: status `secret`, no name, no owner.
    pub fn secret(mut self) -> Row {
        self.values.remove("nom");
        self.values.remove("siren_bailleur");
        self.set("statut", "secret")
    }

    /// A point, EPSG:2154.
    pub fn point(mut self, x: f64, y: f64) -> Row {
        self.wkb = [&[1, 1, 0, 0, 0][..], &x.to_le_bytes(), &y.to_le_bytes()].concat();
        self
    }

    /// A square by its lower left corner and side, EPSG:2154.
    pub fn square(self, x: f64, y: f64, side: f64) -> Row {
        self.polygon(&[&[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]])
    }

    /// A multipolygon of one polygon of closed rings, outer one first, EPSG:2154.
    pub fn polygon(self, rings: &[&[Position]]) -> Row {
        self.polygons(&[rings])
    }

    /// A multipolygon of several polygons, EPSG:2154.
    pub fn polygons(mut self, polygons: &[&[&[Position]]]) -> Row {
        let mut wkb = vec![1, 6, 0, 0, 0];
        wkb.extend((polygons.len() as u32).to_le_bytes());
        for rings in polygons {
            wkb.extend([1, 3, 0, 0, 0]);
            wkb.extend((rings.len() as u32).to_le_bytes());
            for ring in *rings {
                wkb.extend((ring.len() as u32).to_le_bytes());
                ring.iter().flatten().for_each(|v| wkb.extend(v.to_le_bytes()));
            }
        }
        self.wkb = wkb;
        self
    }

    /// A multilinestring, EPSG:2154.
    pub fn lines(mut self, lines: &[&[Position]]) -> Row {
        let mut wkb = vec![1, 5, 0, 0, 0];
        wkb.extend((lines.len() as u32).to_le_bytes());
        for line in lines {
            wkb.extend([1, 2, 0, 0, 0]);
            wkb.extend((line.len() as u32).to_le_bytes());
            line.iter().flatten().for_each(|v| wkb.extend(v.to_le_bytes()));
        }
        self.wkb = wkb;
        self
    }
}

/// Collects the rows of a snapshot over a catalogue.
#[derive(Debug)]
pub struct Fixture {
    catalogue: Arc<Catalogue>,
    publication: i64,
    relations: HashMap<String, Vec<Row>>,
}

/// A finished snapshot and its catalogue.
#[derive(Debug, Clone)]
pub struct World {
    /// The full catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
}

impl Default for Fixture {
    fn default() -> Self {
        Fixture::new()
    }
}

impl Fixture {
    /// Over the embedded catalogue; publication 1.
    pub fn new() -> Fixture {
        Fixture::over(Arc::new(load_embedded().expect("embedded catalogue")))
    }

    /// Over any catalogue.
    pub fn over(catalogue: Arc<Catalogue>) -> Fixture {
        Fixture { catalogue, publication: 1, relations: HashMap::new() }
    }

    /// Sets the number of the publication.
    pub fn publication(mut self, publication: i64) -> Fixture {
        self.publication = publication;
        self
    }

    /// Adds rows to the relation of a layer. Where a row does not set them: `objectid` counts from 1, `millesime` and
    /// `millesime_geo` are 2024, `date_reference` is the 1st of January of `millesime`, `statut` is `diffuse`, codes of the
    /// layer's own scale are the identifier, other codes that may not be NULL are `59350` and `593500101`.
    pub fn rows(mut self, layer: &str, rows: impl IntoIterator<Item = Row>) -> Fixture {
        let relation = self.catalogue.layer(layer).expect("layer of the catalogue").relation.clone();
        self.relations.entry(relation).or_default().extend(rows);
        self
    }

    /// Builds the snapshot.
    pub fn build(self) -> World {
        let mut pool = Pool::default();
        let mut tables: HashMap<String, Arc<super::Table>> = HashMap::new();
        let mut layers = Vec::new();
        for layer in self.catalogue.layers() {
            if !tables.contains_key(&layer.relation) {
                let mut builder = TableBuilder::new(layer, &pool);
                for (n, row) in self.relations.get(&layer.relation).into_iter().flatten().enumerate() {
                    for name in row.values.keys() {
                        assert!(layer.field(name).is_some(), "{} has no field {name}", layer.name);
                    }
                    for (i, field) in layer.fields.iter().enumerate() {
                        let value = row.values.get(&field.name).cloned().or_else(|| default(row, &field.name, n));
                        assert!(value.is_some() || field.nullable, "{} of {} is NULL", field.name, layer.name);
                        let value = match (value, field.kind) {
                            (Some(Value::Int(n)), FieldKind::Double) => Some(Value::Double(n as f64)),
                            (value, _) => value,
                        };
                        builder.columns[i].value(value.as_ref());
                    }
                    builder.geometry(&row.wkb).expect("geometry");
                }
                tables.insert(layer.relation.clone(), Arc::new(builder.finish(&mut pool).expect("table")));
            }
            let table = Arc::clone(&tables[&layer.relation]);
            let evolution = layer.vintages == Vintages::All;
            let len = if evolution { table.len() } else { table.newest() };
            layers.push(LayerData { table, len, evolution });
        }
        let snapshot = Snapshot {
            publication: self.publication,
            published: 1_735_689_600_000,
            rule: Text::default(),
            former_until: 0,
            layers,
        };
        World { catalogue: self.catalogue, snapshot: Arc::new(snapshot) }
    }
}

fn default(row: &Row, field: &str, n: usize) -> Option<Value> {
    let vintage = match row.values.get("millesime") {
        Some(Value::Int(v)) => *v,
        _ => 2024,
    };
    let id = row.values.get("id").cloned();
    let text = |t: &str| Some(Value::Text(t.to_owned()));
    let length = match &id {
        Some(Value::Text(t)) => t.len(),
        _ => 0,
    };
    match field {
        "objectid" => Some(Value::Int(n as i64 + 1)),
        "millesime" | "millesime_geo" => Some(Value::Int(vintage)),
        "date_reference" => {
            let text = format!("{vintage:04}-01-01T00:00:00Z");
            Some(Value::DateTime(text.parse::<jiff::Timestamp>().expect("instant").as_millisecond()))
        }
        "statut" => text("diffuse"),
        "insee_com" if length == 5 => id,
        "code_iris" if length == 9 => id,
        "code_qp" if length == 8 => id,
        "insee_com" => text("59350"),
        "code_iris" => text("593500101"),
        _ => None,
    }
}

impl World {
    /// All rows of a layer with all fields and the geometry in EPSG:2154, as a query without filter gives them.
    pub fn rows(&self, layer: &str) -> Rows {
        self.rows_in(layer, Crs::Lambert93)
    }

    /// The same in another CRS.
    pub fn rows_in(&self, layer: &str, crs: Crs) -> Rows {
        let layer = self.catalogue.layer(layer).expect("layer of the catalogue");
        let len = self.snapshot.layers[layer.id.0 as usize].len;
        Rows {
            snapshot: Arc::clone(&self.snapshot),
            layer: layer.id,
            rows: (0..len).collect(),
            matched: len.into(),
            fields: layer.fields.iter().map(|f| f.id).collect(),
            geometry: true,
            crs,
            start: 0,
        }
    }

    /// A store that serves it.
    pub fn store(&self) -> Store {
        Store::fixed(Arc::clone(&self.catalogue), Arc::clone(&self.snapshot))
    }

    /// A query with authority over everything.
    pub fn everything(&self, query: Query) -> Scoped {
        self.within(1, None, query)
    }

    /// A query with authority over a territory; different territories need different numbers.
    pub fn within(&self, scope_id: u64, territory: Option<Territory>, query: Query) -> Scoped {
        let operations = [Operation::Wms, Operation::Wfs, Operation::Tuiles, Operation::Export].into_iter().collect();
        let access = Access { scope_id, catalogue: Arc::clone(&self.catalogue), territory, operations };
        let convention = crate::convention::Convention {
            id: "essai".into(),
            access: Arc::new(access),
            terms: Arc::default(),
            places: None,
        };
        convention.scope(query).expect("query of the catalogue")
    }
}

/// A small metropolis over the embedded catalogue, vintages 2023 and 2024, every relation filled.
///
/// - communes 59350 (Lille), 59355 (Lomme, commune associée of 59350) and 59643 (Warneton, secret): squares of 4 km side by
///   side, lower left corner of the first at (700000, 7050000);
/// - IRIS 593500101 to ...04 (Lille) and 593552701 to ...04 (Lomme): squares of 2 km; 593500104 is secret;
/// - QPV QN05901M: 2 km, half in Lille, half in Lomme;
/// - residences `r00` to `r23` on a grid of 1 km from (700500, 7050500) on, 8 a line; every third one is secret.
pub fn metropolis() -> World {
    let (x0, y0) = (700_000.0, 7_050_000.0);
    let mut world = Fixture::new();
    for vintage in [2023, 2024] {
        // Something that differs from zone to zone, from year to year.
        let amount = |n: usize| 100 + 10 * n as i64 + (vintage - 2023);
        let fill = |row: Row, theme: &str, n: usize, secret: bool| {
            let row = row.set("millesime", vintage).set("objectid", n as i64 + 1 + 1000 * (vintage - 2023));
            match theme {
                _ if secret => row.secret(),
                "parc" => {
                    row.set("nb_logements", amount(n)).set("nb_loues", amount(n) - 7).set("tx_vacance", 1.5 + n as f64)
                }
                "occupation" => row.set("nb_menages", amount(n) - 20).set("part_isoles", 37.5),
                "attributions" => row.set("nb_attributions", amount(n) / 5).set("delai_moyen_mois", 13.25),
                "environnement" => row.set("dist_ecole_m", 150 + n as i64).set("classe_fragilite", n as i64 % 5 + 1),
                _ => row,
            }
        };
        for theme in ["parc", "occupation", "attributions", "contour"] {
            let communes = [("59350", "Lille"), ("59355", "Lomme"), ("59643", "Warneton")].into_iter().enumerate();
            let communes = communes.map(|(n, (code, name))| {
                let row = Row::new(code).set("nom", name).square(x0 + 4e3 * n as f64, y0, 4e3);
                let row = if code == "59355" { row.set("insee_chef_lieu", "59350") } else { row };
                let row = fill(row, theme, n, theme != "contour" && code == "59643");
                // The name of a commune is no data.
                row.set("nom", name)
            });
            world = world.rows(&format!("{theme}_commune"), communes);
            let iris = (0..8usize).map(|n| {
                let code = if n < 4 { format!("5935001{:02}", n + 1) } else { format!("5935527{:02}", n - 3) };
                let (column, line) = (n % 2 + n / 4 * 2, n % 4 / 2);
                let row = Row::new(&code).square(x0 + 2e3 * column as f64, y0 + 2e3 * line as f64, 2e3);
                let row = if n < 4 { row } else { row.set("insee_associee", "59355") };
                let row = fill(row, theme, n, theme != "contour" && n == 3);
                row.set("nom", format!("Îlot n° {}", n + 1).as_str()).set("insee_com", "59350")
            });
            world = world.rows(&format!("{theme}_iris"), iris);
            let qpv = Row::new("QN05901M").square(x0 + 3e3, y0 + 1e3, 2e3).set("insee_com", "59350");
            world = world.rows(&format!("{theme}_qpv"), [fill(qpv, theme, 0, false).set("nom", "Le Bourg & l'Étang")]);
        }
        for theme in ["parc", "occupation", "attributions", "environnement"] {
            let residences = (0..24usize).map(|n| {
                let (column, line) = (n % 8, n / 8);
                let iris = match column / 4 {
                    0 => format!("5935001{:02}", column / 2 % 2 + line / 2 * 2 + 1),
                    _ => format!("5935527{:02}", column / 2 % 2 + line / 2 * 2 + 1),
                };
                let row = Row::new(&format!("r{n:02}")).set("code_iris", iris.as_str()).set("insee_com", "59350");
                let row = row.point(x0 + 500.0 + 1e3 * column as f64, y0 + 500.0 + 1e3 * line as f64);
                let row = if (3..5).contains(&column) && line >= 1 { row.set("code_qp", "QN05901M") } else { row };
                let row = if theme == "environnement" { row } else { row.set("siren_bailleur", "123456789") };
                row.set("nom", format!("Résidence n° {n}").as_str())
            });
            let residences = residences.enumerate().map(|(n, row)| fill(row, theme, n, n % 3 == 0));
            world = world.rows(&format!("{theme}_residence"), residences);
        }
    }
    world.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metropolis_is_as_described() {
        let world = metropolis();
        assert_eq!(world.rows("parc_residence").rows.len(), 24);
        assert_eq!(world.rows("parc_residence_evolution").rows.len(), 48);
        let iris = world.rows("occupation_iris");
        let data = iris.data();
        let row = data.find("593500104").expect("row");
        let field = |name: &str| world.catalogue.layer("occupation_iris").unwrap().field(name).unwrap().id;
        assert_eq!(data.column(field("statut")).value(row), Some(&Value::Text("secret".into())));
        assert_eq!(data.column(field("nb_menages")).value(row), None);
        let evolution = world.rows("parc_commune_evolution");
        let old = evolution.data().find("59355.2023").expect("row");
        let mut id = String::new();
        evolution.data().feature_id(old, &mut id);
        assert_eq!(id, "59355.2023");
        assert!(evolution.data().find("59355").is_none() && evolution.data().find("59355.1999").is_none());
        assert_eq!(evolution.data().object_id(old), 2);
    }

    #[test]
    fn geometry_and_dictionaries_are_shared() {
        let world = metropolis();
        let table = |name: &str| Arc::clone(&world.rows(name).data().table);
        let (a, b) = (table("parc_iris"), table("occupation_iris"));
        assert!(Arc::ptr_eq(&a.geometry, &b.geometry) && a.geometry.len() == 8);
        assert!(Arc::ptr_eq(&a, &table("parc_iris_evolution")));
        let key = a.key.0 as usize;
        assert!(Arc::ptr_eq(&a.columns[key].dictionary, &b.columns[key].dictionary));
        assert_eq!(a.rows_of(0).len(), 2, "two vintages on one outline");
        assert!(a.rows_of(0).iter().all(|r| a.geometry_row[*r as usize] == 0));
    }
}
