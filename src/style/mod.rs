//! SE/SLD files ▶ resolved rules. `styles/` is the only source of maps, legends and what QGIS loads.
//!
//! A style shows values: a class, a size, a label each tell something of a field. So a style whose fields are not all
//! granted does not exist for a client: [`Stylebook::visible`] is the only way to the styles of a layer.

mod condition;
mod embedded;
mod model;
mod node;
mod sld;

pub use model::{
    Cap, Color, Condition, Curve, Fill, Graphic, Join, Label, Mark, Pass, Piece, Rule, Scaled, Size, Stroke, Style,
    Symbolizer,
};

use crate::catalogue::{Catalogue, Field, FieldId, FieldKind, Layer, LayerId, Text};
use crate::filter::fes::xml::{Element, XmlError, XmlLimits};
use node::Node;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the styles cannot be used. Each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StyleError {
    /// A file cannot be read.
    #[error("cannot read the style {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not XML.
    #[error("style {file}: {source}")]
    Xml {
        /// Which file.
        file: String,
        /// Why and where.
        source: XmlError,
    },
    /// An element that is not understood, or does not fit the layer.
    #[error("style {file}, {place}: {what}")]
    Element {
        /// Which file.
        file: String,
        /// Path of the element.
        place: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// The catalogue names a style that has no file.
    #[error("layer {layer:?} names the style {style:?}: no file styles/{style}.sld")]
    Missing {
        /// The layer.
        layer: String,
        /// The style.
        style: String,
    },
    /// The table of English texts cannot be read.
    #[error("styles/en.toml: {source}")]
    Texts {
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

/// English for the French of the style files.
#[derive(Debug, Default)]
pub(crate) struct Texts(HashMap<String, String>);

impl Texts {
    fn read(text: &str) -> Result<Texts, StyleError> {
        toml::from_str(text).map(Texts).map_err(|e| StyleError::Texts { source: Box::new(e) })
    }

    /// Both languages of a French text; what has no English keeps its French.
    fn translate(&self, fr: &str) -> Text {
        Text { fr: fr.to_owned(), en: self.0.get(fr).cloned().unwrap_or_else(|| fr.to_owned()) }
    }
}

/// What a file's names are resolved with.
pub(crate) struct Resolver<'a> {
    layer: &'a Layer,
    texts: &'a Texts,
    /// Fields met so far.
    used: BTreeSet<FieldId>,
}

impl Resolver<'_> {
    fn field(&mut self, node: &Node<'_>, name: &str) -> Result<Field, StyleError> {
        // Both bare names and `prefix:name` occur in SLD files.
        let local = name.rsplit(':').next().unwrap_or(name);
        let field = self
            .layer
            .field(local)
            .ok_or_else(|| node.wrong(format!("layer {:?} has no field {name:?}", self.layer.name)))?;
        self.used.insert(field.id);
        Ok(field.clone())
    }

    fn number(&mut self, node: &Node<'_>, name: &str) -> Result<FieldId, StyleError> {
        let field = self.field(node, name)?;
        match field.kind {
            FieldKind::Int | FieldKind::Long | FieldKind::Double => Ok(field.id),
            _ => Err(node.wrong(format!("field {name:?} is not a number"))),
        }
    }
}

/// All styles, resolved against the whole catalogue.
#[derive(Debug, Default)]
pub struct Stylebook {
    /// Styles of each layer, by `LayerId`, the default first.
    layers: Vec<Vec<Arc<Style>>>,
    /// Documents by style name, as the files hold them.
    documents: HashMap<String, Arc<str>>,
}

/// Style files are the operator's own; the limits catch mistakes.
const LIMITS: XmlLimits = XmlLimits { depth: 64, elements: 50_000, bytes: 4 * 1024 * 1024 };

impl Stylebook {
    /// The portal's own styles, compiled in.
    ///
    /// # Errors
    /// [`StyleError`], naming file and place.
    pub fn load_embedded(catalogue: &Catalogue) -> Result<Stylebook, StyleError> {
        Self::load(None, catalogue)
    }

    /// Styles out of `DIR/styles`; a file that is not there is taken from the compiled-in ones, among which are the plain
    /// `point`, `line` and `polygon`.
    ///
    /// # Errors
    /// [`StyleError`], naming file and place.
    pub fn load_dir(dir: &Path, catalogue: &Catalogue) -> Result<Stylebook, StyleError> {
        Self::load(Some(&dir.join("styles")), catalogue)
    }

    fn load(dir: Option<&Path>, catalogue: &Catalogue) -> Result<Stylebook, StyleError> {
        let mut texts = Texts::read(embedded::ENGLISH)?;
        if let Some(own) = dir.map(|d| d.join("en.toml")).filter(|p| p.exists()) {
            let text = std::fs::read_to_string(&own).map_err(|source| StyleError::Read { path: own, source })?;
            texts.0.extend(Texts::read(&text)?.0);
        }
        let mut documents: HashMap<String, Arc<str>> = HashMap::new();
        let mut layers = Vec::new();
        for layer in catalogue.layers() {
            let mut styles = Vec::new();
            for name in &layer.styles {
                let document = match documents.get(name) {
                    Some(known) => Arc::clone(known),
                    None => {
                        let new = document(dir, name, layer)?;
                        documents.insert(name.clone(), Arc::clone(&new));
                        new
                    }
                };
                styles.push(Arc::new(read(name, &document, layer, &texts)?));
            }
            layers.resize_with(layer.id.0 as usize + 1, Vec::new);
            layers[layer.id.0 as usize] = styles;
        }
        Ok(Stylebook { layers, documents })
    }

    /// Styles of a layer that show no field which this (restricted) layer lacks; the default first.
    pub fn visible<'a>(&'a self, layer: &'a Layer) -> impl Iterator<Item = &'a Arc<Style>> {
        self.all(layer.id).iter().filter(|s| s.fields.iter().all(|f| layer.field_by_id(*f).is_some()))
    }

    /// A visible style of a layer by name; `None` or an empty name asks for the default.
    pub fn get<'a>(&'a self, layer: &'a Layer, name: Option<&str>) -> Option<&'a Arc<Style>> {
        match name {
            None | Some("") => self.visible(layer).next(),
            Some(name) => self.visible(layer).find(|s| s.name == name),
        }
    }

    /// All styles of a layer, granted or not.
    fn all(&self, layer: LayerId) -> &[Arc<Style>] {
        self.layers.get(layer.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The SLD document of a style that is visible on this layer, French, as its file holds it.
    pub fn document(&self, layer: &Layer, name: &str) -> Option<Arc<str>> {
        self.get(layer, Some(name)).and_then(|s| self.documents.get(&s.name)).cloned()
    }
}

fn document(dir: Option<&Path>, name: &str, layer: &Layer) -> Result<Arc<str>, StyleError> {
    if let Some(path) = dir.map(|d| d.join(format!("{name}.sld"))).filter(|p| p.exists()) {
        return match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.into()),
            Err(source) => Err(StyleError::Read { path, source }),
        };
    }
    embedded::FILES
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, text)| Arc::from(*text))
        .ok_or_else(|| StyleError::Missing { layer: layer.name.clone(), style: name.to_owned() })
}

/// Reads one document for one layer.
fn read(name: &str, document: &str, layer: &Layer, texts: &Texts) -> Result<Style, StyleError> {
    let file = format!("{name}.sld");
    let root =
        Element::parse(document.as_bytes(), LIMITS).map_err(|source| StyleError::Xml { file: file.clone(), source })?;
    let mut resolver = Resolver { layer, texts, used: BTreeSet::new() };
    sld::style(&Node::root(&file, &root), name, &mut resolver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::load_embedded;

    #[test]
    fn every_style_of_the_catalogue_is_understood_and_has_its_english() {
        let catalogue = load_embedded().unwrap();
        let book = Stylebook::load_embedded(&catalogue).unwrap();
        let texts = Texts::read(embedded::ENGLISH).unwrap();
        for layer in catalogue.layers() {
            let styles: Vec<_> = book.visible(layer).collect();
            assert_eq!(styles.iter().map(|s| s.name.clone()).collect::<Vec<_>>(), layer.styles);
            for style in styles {
                let rules = style.passes.iter().flat_map(|p| &p.rules).map(|r| &r.title);
                for text in rules.chain([&style.title, &style.summary]) {
                    assert!(text.fr.is_empty() || texts.0.contains_key(&text.fr), "{}: {:?}", style.name, text.fr);
                }
            }
        }
    }

    #[test]
    fn withheld_rows_have_a_class_of_their_own_and_one_size() {
        let catalogue = load_embedded().unwrap();
        let book = Stylebook::load_embedded(&catalogue).unwrap();
        for layer in catalogue.layers().iter().filter(|l| l.status.is_some()) {
            for style in book.visible(layer) {
                let secret: Vec<_> = style
                    .passes
                    .iter()
                    .flat_map(|p| &p.rules)
                    .filter(|r| matches!(&r.condition, Condition::Filter(f) if only_secret(f, layer)))
                    .collect();
                assert!(!secret.is_empty(), "{}", style.name);
                for rule in secret {
                    for s in &rule.symbolizers {
                        assert!(!matches!(s, Symbolizer::Point(g) if g.size.field().is_some()), "{}", style.name);
                    }
                }
            }
        }
    }

    fn only_secret(filter: &crate::filter::Filter, layer: &Layer) -> bool {
        use crate::filter::{CompareOp, Expr, Filter};
        let Filter::Compare { op: CompareOp::Eq, left: Expr::Field(f), right, .. } = filter else { return false };
        Some(*f) == layer.status && *right == Expr::Literal(crate::query::Value::Text("secret".into()))
    }

    #[test]
    fn a_style_of_an_ungranted_field_does_not_exist() {
        let whole = load_embedded().unwrap();
        let book = Stylebook::load_embedded(&whole).unwrap();
        let part = whole.restricted(|_| true, |_, f| f.sensitive.is_none());
        let (all, some) = (whole.layer("parc_iris").unwrap(), part.layer("parc_iris").unwrap());
        assert!(book.get(all, Some("parc_iris_loyer")).is_some());
        assert!(book.get(some, Some("parc_iris_loyer")).is_none());
        assert!(book.document(some, "parc_iris_loyer").is_none());
        assert!(book.get(some, None).is_some_and(|s| s.name == "parc_iris"));
    }

    fn load(body: &str) -> Result<Style, StyleError> {
        let catalogue = load_embedded().unwrap();
        let layer = catalogue.layer("parc_iris").unwrap();
        let document = format!(
            "<StyledLayerDescriptor version='1.1.0' xmlns='http://www.opengis.net/sld' \
             xmlns:se='http://www.opengis.net/se' xmlns:ogc='http://www.opengis.net/ogc'><NamedLayer>\
             <se:Name>x</se:Name><UserStyle><se:Name>x</se:Name><se:FeatureTypeStyle><se:Rule><se:Name>r</se:Name>\
             {body}</se:Rule></se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
        );
        read("x", &document, layer, &Texts::default())
    }

    #[test]
    fn mistakes_name_file_and_place() {
        let point =
            |inside: &str| format!("<se:PointSymbolizer><se:Graphic>{inside}</se:Graphic></se:PointSymbolizer>");
        let field = |name: &str| {
            format!(
                "<ogc:Filter><ogc:PropertyIsNull><ogc:PropertyName>{name}</ogc:PropertyName></ogc:PropertyIsNull></ogc:Filter>"
            )
        };
        let href = point("<se:ExternalGraphic/>");
        for (body, place, what) in [
            ("<se:RasterSymbolizer/>".to_owned(), "/Rule[1]/RasterSymbolizer[1]", "not understood"),
            (href, "/PointSymbolizer[1]/Graphic[1]/ExternalGraphic[1]", "not understood"),
            (field("nb_chats"), "/PropertyIsNull[1]/PropertyName[1]", "no field"),
            (point("<se:Size>many</se:Size>"), "/Graphic[1]/Size[1]", "not a number"),
            (point("<se:Size>1e9</se:Size>"), "/Graphic[1]/Size[1]", "between"),
            (point("<se:Mark><se:WellKnownName>chat</se:WellKnownName></se:Mark>"), "/WellKnownName[1]", "circle"),
        ] {
            let error = load(&body).unwrap_err().to_string();
            assert!(error.starts_with("style x.sld, /StyledLayerDescriptor/NamedLayer[1]"), "{error}");
            assert!(error.contains(place) && error.contains(what), "{error}");
        }
    }

    #[test]
    fn sizes_can_be_functions_of_a_field() {
        let style = load(
            "<se:PointSymbolizer><se:Graphic><se:Size><se:Categorize fallbackValue='3'><se:LookupValue>\
             <ogc:PropertyName>nb_logements</ogc:PropertyName></se:LookupValue><se:Value>5</se:Value>\
             <se:Threshold>30</se:Threshold><se:Value>9</se:Value></se:Categorize></se:Size></se:Graphic>\
             </se:PointSymbolizer>",
        )
        .unwrap();
        let Symbolizer::Point(g) = &style.passes[0].rules[0].symbolizers[0] else { panic!("a point") };
        let Size::Scaled(f) = &g.size else { panic!("a function") };
        assert_eq!((f.of(Some(29.0)), f.of(Some(30.0)), f.of(None)), (5.0, 9.0, 3.0));
        assert_eq!(style.fields.len(), 1);
    }
}
