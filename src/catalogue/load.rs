//! Reads `catalogue.toml` and checks it: unknown keys, double names, missing fields are errors with the place named.

use super::*;
use std::path::Path;

/// What can be wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML of the expected shape.
    #[error("{path}: {source}")]
    Syntax {
        /// Which file.
        path: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Something named does not exist, or exists twice.
    #[error("catalogue, layer {layer:?}: {what}")]
    Layer {
        /// Which layer.
        layer: String,
        /// What is wrong and what to do.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    service: Service,
    #[serde(default)]
    group: Vec<Group>,
    /// Named lists of fields that layers include.
    #[serde(default)]
    fields: HashMap<String, Vec<Field>>,
    layer: Vec<LayerForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerForm {
    name: String,
    title: Text,
    #[serde(rename = "abstract")]
    summary: Text,
    theme: Theme,
    scale: Scale,
    geometry: GeometryKind,
    relation: String,
    #[serde(default)]
    publication_column: Option<String>,
    #[serde(default = "geom")]
    geometry_column: String,
    #[serde(default = "lambert")]
    srid: u32,
    /// Names of field lists, in order.
    #[serde(default)]
    include: Vec<String>,
    /// Fields of its own, after the included ones.
    #[serde(default)]
    field: Vec<Field>,
    key: String,
    #[serde(default)]
    object_id: Option<String>,
    #[serde(default)]
    vintage: Option<String>,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    status: Option<String>,
    styles: Vec<String>,
    #[serde(default)]
    keywords: Vec<Keyword>,
    #[serde(default)]
    min_scale: Option<f64>,
    #[serde(default)]
    max_scale: Option<f64>,
    group: String,
    /// Also offer `<name>_evolution` with all vintages.
    #[serde(default)]
    evolution: bool,
}

fn geom() -> String {
    "geom".to_owned()
}

fn lambert() -> u32 {
    2154
}

/// The portal's own catalogue, compiled in.
pub fn load_embedded() -> std::result::Result<Catalogue, CatalogueError> {
    parse("capabilities/catalogue.toml", include_str!("../../capabilities/catalogue.toml"))
}

/// A catalogue out of a directory (`seuil serve --capabilities DIR`).
pub fn load_dir(dir: &Path) -> std::result::Result<Catalogue, CatalogueError> {
    let path = dir.join("catalogue.toml");
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(&path).map_err(|source| CatalogueError::Read { path: shown.clone(), source })?;
    parse(&shown, &text)
}

fn parse(path: &str, text: &str) -> std::result::Result<Catalogue, CatalogueError> {
    let form: FileForm =
        toml::from_str(text).map_err(|e| CatalogueError::Syntax { path: path.to_owned(), source: Box::new(e) })?;
    let mut layers = Vec::new();
    let mut evolutions = Vec::new();
    for l in &form.layer {
        let layer = build(l, &form)?;
        if l.evolution {
            let mut e = layer.clone();
            e.name.push_str("_evolution");
            e.title = Text {
                fr: format!("{} : tous les millésimes", e.title.fr),
                en: format!("{}: all vintages", e.title.en),
            };
            e.vintages = Vintages::All;
            e.group = "evolution".to_owned();
            evolutions.push(e);
        }
        layers.push(layer);
    }
    // Evolution layers come last: QGIS lists layers in this order.
    layers.extend(evolutions);
    for (n, layer) in layers.iter_mut().enumerate() {
        layer.id = LayerId(n as u16);
    }
    let mut seen = std::collections::HashSet::new();
    for layer in &layers {
        if !seen.insert(layer.name.as_str()) {
            return Err(wrong(&layer.name, "the name occurs twice"));
        }
        if !form.group.iter().any(|g| g.name == layer.group) {
            return Err(wrong(&layer.name, format!("group {:?} is not declared", layer.group)));
        }
    }
    Ok(Catalogue::new(form.service, form.group, layers))
}

fn wrong(layer: &str, what: impl Into<String>) -> CatalogueError {
    CatalogueError::Layer { layer: layer.to_owned(), what: what.into() }
}

fn build(l: &LayerForm, form: &FileForm) -> std::result::Result<Layer, CatalogueError> {
    let mut fields: Vec<Field> = Vec::new();
    for name in &l.include {
        let list =
            form.fields.get(name).ok_or_else(|| wrong(&l.name, format!("field list {name:?} is not declared")))?;
        fields.extend(list.iter().cloned());
    }
    fields.extend(l.field.iter().cloned());
    for n in 0..fields.len() {
        fields[n].id = FieldId(n as u16);
        let name = fields[n].name.clone();
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain || name.is_empty() || name.len() > 31 {
            return Err(wrong(&l.name, format!("field {name:?}: lower-case letters, digits and _, at most 31")));
        }
        if fields[..n].iter().any(|f| f.name == name) {
            return Err(wrong(&l.name, format!("field {name:?} occurs twice")));
        }
    }
    let find = |name: &str| {
        fields.iter().find(|f| f.name == name).map(|f| f.id).ok_or_else(|| wrong(&l.name, format!("no field {name:?}")))
    };
    let optional = |name: &Option<String>| name.as_deref().map(find).transpose();
    if l.styles.is_empty() {
        return Err(wrong(&l.name, "at least one style is needed"));
    }
    for f in &fields {
        if let Some(d) = &f.denominator {
            find(d)?;
        }
    }
    Ok(Layer {
        id: LayerId(0),
        name: l.name.clone(),
        title: l.title.clone(),
        summary: l.summary.clone(),
        theme: l.theme,
        scale: l.scale,
        geometry: l.geometry,
        relation: l.relation.clone(),
        publication_column: l.publication_column.clone(),
        geometry_column: l.geometry_column.clone(),
        srid: l.srid,
        vintages: Vintages::Newest,
        key: find(&l.key)?,
        object_id: optional(&l.object_id)?,
        vintage: optional(&l.vintage)?,
        date: optional(&l.date)?,
        status: optional(&l.status)?,
        styles: l.styles.clone(),
        keywords: l.keywords.clone(),
        scale_range: (l.min_scale, l.max_scale),
        group: l.group.clone(),
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_is_sound() {
        let catalogue = load_embedded().expect("embedded catalogue");
        assert_eq!(catalogue.layers().iter().filter(|l| l.vintages == Vintages::Newest).count(), 16);
        let layer = catalogue.layer("parc_residence").expect("parc_residence");
        assert_eq!(layer.field_by_id(layer.key).map(|f| f.name.as_str()), Some("id"));
    }

    #[test]
    fn a_restricted_catalogue_keeps_numbers_and_loses_names() {
        let whole = load_embedded().expect("embedded catalogue");
        let part = whole.restricted(|l| l.theme == Theme::Parc, |_, f| f.sensitive.is_none());
        assert!(part.layer("occupation_iris").is_none());
        let (a, b) = (whole.layer("parc_iris").unwrap(), part.layer("parc_iris").unwrap());
        assert_eq!(a.id, b.id);
        assert!(b.field("loyer_moy_m2").is_none() && b.field_by_id(a.field("loyer_moy_m2").unwrap().id).is_none());
        assert_eq!(b.field("nb_plai").unwrap().id, a.field("nb_plai").unwrap().id);
    }
}
