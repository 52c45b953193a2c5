//! Stored queries (09-025r2 §7.9.3, §14): `GetFeatureById`, and those of the house.

use super::inspire::LANGUAGES;
use super::request::{Adhoc, Predicate, Stored, TypeName};
use crate::catalogue::{Catalogue, Scale, Theme};
use crate::error::{Error, NameKind, Reason, Result};
use crate::filter::fes::xml::escape;
use crate::protocol::{Answer, Context, Reply, Site};
use crate::store::Fetched;

/// A stored query.
pub(super) struct Definition {
    /// Identifier; `GetFeatureById` has one for each edition of the standard.
    pub id: &'static str,
    /// Title, French and English.
    title: [&'static str; 2],
    /// What it gives, French and English.
    summary: [&'static str; 2],
    parameters: &'static [Parameter],
    kind: Kind,
}

/// A parameter of a stored query.
struct Parameter {
    name: &'static str,
    /// Meaning, French and English.
    text: [&'static str; 2],
    required: bool,
}

/// What a stored query does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One feature by its `gml:id`.
    ById,
    /// Residences whose field has the value of the first parameter.
    Residences(&'static str),
    /// Residences that are withheld.
    Withheld,
    /// A whole layer by its identifier as a data set (Technical Guidance Download Services 3.1, requirements 49 to 51);
    /// offered where INSPIRE's extension is.
    DataSet,
}

const THEME: Parameter = Parameter {
    name: "theme",
    text: [
        "Thème : parc (défaut), occupation, attributions ou environnement.",
        "Theme: parc (default), occupation, attributions or environnement.",
    ],
    required: false,
};

/// Every stored query.
static DEFINITIONS: [Definition; 6] = [
    by_id("urn:ogc:def:query:OGC-WFS::GetFeatureById"),
    by_id("http://www.opengis.net/def/query/OGC-WFS/0/GetFeatureById"),
    Definition {
        id: "urn:seuil:requete:residences-commune",
        title: ["Résidences d'une commune", "Residences of a commune"],
        summary: [
            "Les résidences d'une commune, d'après son code officiel.",
            "The residences of a commune, by its official code.",
        ],
        parameters: &[
            Parameter {
                name: "insee_com",
                text: ["Code officiel de la commune, par exemple 59350.", "Official code of the commune, e.g. 59350."],
                required: true,
            },
            THEME,
        ],
        kind: Kind::Residences("insee_com"),
    },
    Definition {
        id: "urn:seuil:requete:residences-qpv",
        title: ["Résidences d'un quartier prioritaire", "Residences of a priority district"],
        summary: [
            "Les résidences d'un quartier prioritaire de la politique de la ville (QPV), d'après son code.",
            "The residences of a priority district (QPV), by its code.",
        ],
        parameters: &[
            Parameter {
                name: "code_qp",
                text: ["Code du quartier, par exemple QN05965M.", "Code of the district, e.g. QN05965M."],
                required: true,
            },
            THEME,
        ],
        kind: Kind::Residences("code_qp"),
    },
    Definition {
        id: "urn:seuil:requete:residences-secret",
        title: ["Résidences sous secret statistique", "Withheld residences"],
        summary: [
            "Les résidences figurées sans aucune donnée (secret statistique).",
            "The residences shown without any data (statistical confidentiality).",
        ],
        parameters: &[THEME],
        kind: Kind::Withheld,
    },
    Definition {
        id: "http://inspire.ec.europa.eu/operation/download/GetSpatialDataSet",
        title: ["Jeu de données entier (INSPIRE)", "Whole data set (INSPIRE)"],
        summary: [
            "Un jeu de données entier, d'après son identifiant, dans le système de coordonnées demandé.",
            "A whole data set, by its identifier, in the coordinate reference system that is asked for.",
        ],
        parameters: &[
            Parameter {
                name: "CRS",
                text: [
                    "Système de coordonnées, par exemple urn:ogc:def:crs:EPSG::4258 ; par défaut celui des données.",
                    "Coordinate reference system, e.g. urn:ogc:def:crs:EPSG::4258; by default that of the data.",
                ],
                required: false,
            },
            Parameter {
                name: "DataSetIdCode",
                text: [
                    "Code de l'identifiant, par exemple parc_commune.",
                    "Code of the identifier, e.g. parc_commune.",
                ],
                required: true,
            },
            Parameter {
                name: "DataSetIdNamespace",
                text: ["Espace de noms de l'identifiant.", "Namespace of the identifier."],
                required: false,
            },
            Parameter {
                name: "Language",
                text: ["Langue : fre (défaut) ou eng.", "Language: fre (default) or eng."],
                required: false,
            },
        ],
        kind: Kind::DataSet,
    },
];

const fn by_id(id: &'static str) -> Definition {
    Definition {
        id,
        title: ["Objet par identifiant", "Feature by identifier"],
        summary: ["L'objet dont gml:id est donné.", "The feature whose gml:id is given."],
        parameters: &[Parameter {
            name: "id",
            text: [
                "gml:id de l'objet, par exemple parc_commune.59350.",
                "gml:id of the feature, e.g. parc_commune.59350.",
            ],
            required: true,
        }],
        kind: Kind::ById,
    }
}

/// An invocation, resolved to ad hoc queries.
pub(super) struct Invoked {
    pub queries: Vec<Adhoc>,
    /// True when the feature itself is the answer.
    pub single: bool,
}

/// The stored queries that this client can use: those whose feature types it is granted.
fn usable(site: &Site) -> impl Iterator<Item = &'static Definition> {
    let offered = |d: &&Definition| site.inspire || d.kind != Kind::DataSet;
    DEFINITIONS.iter().filter(offered).filter(|d| !types(d, &site.catalogue).is_empty())
}

/// Names of the feature types that a stored query can give.
fn types<'a>(definition: &Definition, catalogue: &'a Catalogue) -> Vec<&'a str> {
    let layers = catalogue.layers().iter().filter(|l| match definition.kind {
        Kind::ById | Kind::DataSet => true,
        Kind::Residences(field) => is_residence(l) && l.field(field).is_some(),
        Kind::Withheld => is_residence(l) && l.status.is_some(),
    });
    layers.map(|l| l.name.as_str()).collect()
}

fn is_residence(l: &crate::catalogue::Layer) -> bool {
    l.scale == Scale::Residence && l.theme != Theme::Autre && l.vintages == crate::catalogue::Vintages::Newest
}

/// Resolves an invocation.
pub(super) fn invoke(stored: &Stored, site: &Site) -> Result<Invoked> {
    let definition = usable(site).find(|d| d.id == stored.id.trim());
    let definition = definition.ok_or_else(|| Error::unknown(NameKind::StoredQuery, &stored.id))?;
    let argument = |p: &'static Parameter| {
        let given = stored.arguments.iter().find(|(k, _)| k.eq_ignore_ascii_case(p.name)).map(|(_, v)| v.trim());
        match given.filter(|v| !v.is_empty()) {
            None if p.required => Err(Error::Missing { name: p.name }),
            given => Ok(given),
        }
    };
    for (name, value) in &stored.arguments {
        if !definition.parameters.iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
            // Unknown keywords are vendor parameters of others and mean nothing (09-025r2 table 7).
            tracing::debug!(name, value, "argument that the stored query does not define");
        }
    }
    let mut values = Vec::new();
    for p in definition.parameters {
        values.push(argument(p)?);
    }
    let layer = |theme: Option<&str>| {
        let theme = theme.unwrap_or("parc");
        let name = format!("{}_residence", theme.to_ascii_lowercase());
        let granted = types(definition, &site.catalogue);
        match granted.iter().find(|t| **t == name) {
            Some(_) => Ok(Some(TypeName { name, namespace: None })),
            None => Err(Error::unknown(NameKind::FeatureType, &name)),
        }
    };
    let mut srs_name = None;
    let (type_name, predicate) = match (definition.kind, values.as_slice()) {
        (Kind::ById, [Some(id)]) => (None, Predicate::Ids(vec![(*id).to_owned()])),
        (Kind::Residences(field), [Some(value), theme]) => {
            (layer(*theme)?, Predicate::Equal(vec![(field.to_owned(), (*value).to_owned())]))
        }
        (Kind::Withheld, [theme]) => {
            (layer(*theme)?, Predicate::Equal(vec![("statut".to_owned(), "secret".to_owned())]))
        }
        (Kind::DataSet, [crs, Some(code), namespace, language]) => {
            if let Some(own) = namespace.filter(|n| *n != site.catalogue.service.namespace) {
                return Err(Error::invalid(
                    "DataSetIdNamespace",
                    own,
                    Reason::Needed(site.catalogue.service.namespace.clone()),
                ));
            }
            if let Some(other) = language.filter(|l| !LANGUAGES.iter().any(|known| known.eq_ignore_ascii_case(l))) {
                return Err(Error::invalid("Language", other, Reason::OneOf(LANGUAGES.join(", "))));
            }
            if site.catalogue.layer(code).is_none() {
                return Err(Error::unknown(NameKind::FeatureType, code));
            }
            srs_name = crs.map(str::to_owned);
            (Some(TypeName { name: (*code).to_owned(), namespace: None }), Predicate::All)
        }
        _ => return Err(Error::Internal),
    };
    let queries = vec![Adhoc { type_name, predicate, srs_name, ..Adhoc::default() }];
    Ok(Invoked { queries, single: definition.kind == Kind::ById })
}

/// Answers ListStoredQueries.
pub(super) struct ListReply;

/// Answers DescribeStoredQueries.
pub(super) struct DescribeReply {
    pub ids: Vec<String>,
}

/// Checks that every identifier names a stored query of this client.
pub(super) fn check(ids: &[String], site: &Site) -> Result<()> {
    match ids.iter().find(|id| !usable(site).any(|d| d.id == id.as_str())) {
        Some(unknown) => Err(Error::unknown(NameKind::StoredQuery, unknown)),
        None => Ok(()),
    }
}

impl Reply for ListReply {
    fn answer(self: Box<Self>, _fetched: Fetched, context: &Context) -> Result<Answer> {
        let catalogue = &context.site.catalogue;
        let mut xml = root("ListStoredQueriesResponse", catalogue);
        for d in usable(&context.site) {
            xml.push_str(&format!("  <wfs:StoredQuery id=\"{}\">\n", d.id));
            titles("wfs:Title", &d.title, &mut xml);
            for name in types(d, catalogue) {
                xml.push_str(&format!(
                    "    <wfs:ReturnFeatureType>{}:{name}</wfs:ReturnFeatureType>\n",
                    catalogue.service.prefix
                ));
            }
            xml.push_str("  </wfs:StoredQuery>\n");
        }
        xml.push_str("</wfs:ListStoredQueriesResponse>\n");
        Ok(Answer::ok("text/xml; charset=utf-8", xml.into_bytes()))
    }
}

impl Reply for DescribeReply {
    fn answer(self: Box<Self>, _fetched: Fetched, context: &Context) -> Result<Answer> {
        let catalogue = &context.site.catalogue;
        let mut xml = root("DescribeStoredQueriesResponse", catalogue);
        let asked = |d: &&Definition| self.ids.is_empty() || self.ids.iter().any(|id| id == d.id);
        for d in usable(&context.site).filter(asked) {
            xml.push_str(&format!("  <wfs:StoredQueryDescription id=\"{}\">\n", d.id));
            titles("wfs:Title", &d.title, &mut xml);
            titles("wfs:Abstract", &d.summary, &mut xml);
            for p in d.parameters {
                xml.push_str(&format!("    <wfs:Parameter name=\"{}\" type=\"xsd:string\">\n", p.name));
                titles("wfs:Title", &p.text, &mut xml);
                xml.push_str("    </wfs:Parameter>\n");
            }
            let types: Vec<String> =
                types(d, catalogue).iter().map(|t| format!("{}:{t}", catalogue.service.prefix)).collect();
            xml.push_str(&format!(
                "    <wfs:QueryExpressionText isPrivate=\"true\" \
                 language=\"urn:ogc:def:queryLanguage:OGC-WFS::WFSQueryExpression\" returnFeatureTypes=\"{}\"/>\n",
                types.join(" ")
            ));
            xml.push_str("  </wfs:StoredQueryDescription>\n");
        }
        xml.push_str("</wfs:DescribeStoredQueriesResponse>\n");
        Ok(Answer::ok("text/xml; charset=utf-8", xml.into_bytes()))
    }
}

fn root(name: &str, catalogue: &Catalogue) -> String {
    let mut namespace = String::new();
    escape(&catalogue.service.namespace, &mut namespace);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <wfs:{name} xmlns:wfs=\"http://www.opengis.net/wfs/2.0\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:{}=\"{namespace}\" \
         xsi:schemaLocation=\"http://www.opengis.net/wfs/2.0 http://schemas.opengis.net/wfs/2.0/wfs.xsd\">\n",
        catalogue.service.prefix
    )
}

fn titles(element: &str, texts: &[&str; 2], xml: &mut String) {
    for (text, language) in texts.iter().zip(["fr", "en"]) {
        xml.push_str(&format!("    <{element} xml:lang=\"{language}\">"));
        escape(text, xml);
        xml.push_str(&format!("</{element}>\n"));
    }
}
