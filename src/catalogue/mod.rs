//! Layers, fields, scales, themes and vintages, as `capabilities/catalogue.toml` declares them.
//!
//! One definition for one fact: parser, capabilities, schemas, OpenAPI, docs and the check against the database all read
//! this. A catalogue can be **restricted** to what a convention grants: the result is a catalogue again, in which an
//! ungranted layer or field does not exist. Protocols only ever see a restricted one.

mod load;

pub use load::{CatalogueError, load_dir, load_embedded};

use crate::geo::GeometryKind;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Number of a layer: its place in the full catalogue, also in restricted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerId(pub u16);

/// Number of a field inside its layer: its place in the full catalogue and the column number in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldId(pub u16);

/// A text for end users.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// French, the default.
    pub fr: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The text in a language.
    pub fn get(&self, french: bool) -> &str {
        if french { &self.fr } else { &self.en }
    }
}

/// A word for catalogues: the same in both languages (`"RPLS"`), or with a translation (`{ fr = "...", en = "..." }`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Keyword {
    /// One word for both languages.
    Same(String),
    /// A word for each.
    Each(Text),
}

impl Keyword {
    /// The word in a language.
    pub fn get(&self, french: bool) -> &str {
        match self {
            Keyword::Same(word) => word,
            Keyword::Each(text) => text.get(french),
        }
    }

    /// Several words in a language.
    pub fn all(words: &[Keyword], french: bool) -> Vec<&str> {
        words.iter().map(|w| w.get(french)).collect()
    }
}

/// Metadata of the service as a whole (capabilities, landing page).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Title.
    pub title: Text,
    /// Abstract.
    #[serde(rename = "abstract")]
    pub summary: Text,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// Who provides the service.
    pub provider: Provider,
    /// Attribution shown with maps, e.g. `Source : ...`.
    pub attribution: Text,
    /// XML namespace prefix of feature types.
    pub prefix: String,
    /// XML namespace URI of feature types: no host, version or vintage in it.
    pub namespace: String,
    /// Where the data come from and what is done with them, for metadata records.
    #[serde(default)]
    pub lineage: Text,
    /// The rule of disclosure control, for metadata records.
    #[serde(default)]
    pub secrecy: Text,
    /// Address of a record in the organisation's own catalogue, `{id}` for its identifier; empty: this server's records.
    #[serde(default)]
    pub metadata_url: String,
}

/// The provider of the service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Organisation.
    pub name: String,
    /// Web site.
    pub site: String,
    /// Contact person or function.
    pub contact: String,
    /// Function of the contact.
    pub position: String,
    /// E-mail.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// Street address.
    pub address: String,
    /// Town.
    pub city: String,
    /// Post code.
    pub postcode: String,
    /// Country.
    pub country: String,
}

/// Theme of a layer; a convention grants themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Theme {
    Parc,
    Occupation,
    Attributions,
    Environnement,
    Contour,
    /// Data that is not of the portal (OGC suites, benches).
    Autre,
}

/// Scale of a layer; a convention grants scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Scale {
    Commune,
    Iris,
    Qpv,
    Residence,
    /// Data that is not of the portal.
    Autre,
}

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// `text`; xsd:string.
    Text,
    /// `int4`; xsd:int.
    Int,
    /// `int8`; xsd:long.
    Long,
    /// `float8` or `numeric`; xsd:double.
    Double,
    /// `timestamptz`; xsd:dateTime, written with `Z`.
    DateTime,
}

/// A column that a convention must grant by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitive {
    /// Owner of the dwellings (decree 2009-1485).
    SirenBailleur,
    /// Rents.
    Loyer,
}

/// A field of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Number; set by the loader.
    #[serde(skip, default = "no_field")]
    pub id: FieldId,
    /// Name: lower case, no accents, at most 31 characters. Also the column name.
    pub name: String,
    /// Human name.
    pub title: Text,
    /// Type.
    pub kind: FieldKind,
    /// Whether NULL can occur.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// Unit, e.g. `logements`, `%`, `EUR/m2`, `m`.
    #[serde(default)]
    pub unit: Option<String>,
    /// Field that holds the denominator the threshold applies to.
    #[serde(default)]
    pub denominator: Option<String>,
    /// Set when a convention must grant the column by name.
    #[serde(default)]
    pub sensitive: Option<Sensitive>,
    /// Code list, code and meaning.
    #[serde(default)]
    pub codes: Vec<(String, Text)>,
}

fn no_field() -> FieldId {
    FieldId(u16::MAX)
}

fn yes() -> bool {
    true
}

/// Which vintages a layer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vintages {
    /// Rows of the newest vintage.
    #[default]
    Newest,
    /// Rows of all vintages; the feature id is `id.millesime`.
    All,
}

/// A layer: WMS layer, WFS feature type, OGC API collection and tile layer all at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Number in the full catalogue.
    pub id: LayerId,
    /// Name, e.g. `parc_residence`.
    pub name: String,
    /// Human name.
    pub title: Text,
    /// Description: content, source, rule that made it.
    pub summary: Text,
    /// Theme.
    pub theme: Theme,
    /// Scale.
    pub scale: Scale,
    /// Kind of geometry.
    pub geometry: GeometryKind,
    /// Relation in the database, schema-qualified, e.g. `pub.parc_residence`. Layers of one relation share a snapshot table.
    pub relation: String,
    /// Column that holds the publication number; `None` for plain views.
    pub publication_column: Option<String>,
    /// Geometry column.
    pub geometry_column: String,
    /// SRID of the geometry column.
    pub srid: u32,
    /// Which vintages it shows.
    pub vintages: Vintages,
    /// Fields visible in this catalogue, in order. In a restricted catalogue some are missing; `Field::id` is the column.
    pub fields: Vec<Field>,
    /// Field that identifies a feature (unique; in `_evolution` together with `millesime`).
    pub key: FieldId,
    /// Field with the integer identifier (`objectid`; MVT id), if there is one.
    pub object_id: Option<FieldId>,
    /// Field with the vintage (`millesime`), if there is one.
    pub vintage: Option<FieldId>,
    /// Field with the reference date (`date_reference`), if there is one.
    pub date: Option<FieldId>,
    /// Field with the status (`statut`), if there is one.
    pub status: Option<FieldId>,
    /// Style names, the default first. One file a style in `styles/`.
    pub styles: Vec<String>,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// Smallest and largest scale denominator at which a map draws it.
    pub scale_range: (Option<f64>, Option<f64>),
    /// Name of the group it stands in (capabilities tree, QGIS), e.g. `parc`.
    pub group: String,
}

impl Layer {
    /// A visible field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// A visible field by number.
    pub fn field_by_id(&self, id: FieldId) -> Option<&Field> {
        // Full catalogues hold field n at place n; restricted ones at most at place n.
        let upper = (id.0 as usize).min(self.fields.len().saturating_sub(1));
        self.fields.get(..=upper)?.iter().rev().find(|f| f.id == id)
    }
}

/// A group of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Human name.
    pub title: Text,
}

/// The catalogue, whole or restricted.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Service metadata.
    pub service: Service,
    /// Groups in order of display.
    pub groups: Vec<Group>,
    layers: Vec<Layer>,
    by_name: HashMap<String, usize>,
}

impl Catalogue {
    /// Makes a catalogue of layers that already carry their numbers.
    pub fn new(service: Service, groups: Vec<Group>, layers: Vec<Layer>) -> Catalogue {
        let by_name = layers.iter().enumerate().map(|(i, l)| (l.name.clone(), i)).collect();
        Catalogue { service, groups, layers, by_name }
    }

    /// Layers in order of display (bottom last).
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A layer by name. In a restricted catalogue an ungranted name is absent like one that never was.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.by_name.get(name).map(|i| &self.layers[*i])
    }

    /// A layer by number; `None` if this catalogue does not show it.
    pub fn layer_by_id(&self, id: LayerId) -> Option<&Layer> {
        self.layers.binary_search_by_key(&id, |l| l.id).ok().map(|i| &self.layers[i])
    }

    /// The catalogue of what is granted: layers and fields for which the answers are true.
    pub fn restricted(&self, layer: impl Fn(&Layer) -> bool, field: impl Fn(&Layer, &Field) -> bool) -> Catalogue {
        let layers: Vec<Layer> = self
            .layers
            .iter()
            .filter(|l| layer(l))
            .map(|l| Layer { fields: l.fields.iter().filter(|f| field(l, f)).cloned().collect(), ..l.clone() })
            .collect();
        let groups = self.groups.iter().filter(|g| layers.iter().any(|l| l.group == g.name)).cloned().collect();
        Catalogue::new(self.service.clone(), groups, layers)
    }
}
