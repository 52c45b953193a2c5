//! The table of resources: path, parameters, representations, reader.

use super::ask::Ask;
use super::negotiate::{self, Offer};
use super::params::{self, Parameter};
use super::{collections, items, landing, openapi, portail, schema, statics, styles, tile, tiles, tms, whoami};
use crate::convention::Operation;
use crate::error::Result;
use crate::protocol::{Reply, Site};
use crate::query::Query;

/// What a resource makes of a request.
pub struct Plan {
    /// What is asked of the store.
    pub query: Query,
    /// Operation family the convention must grant.
    pub operation: Operation,
    /// Whether the answer holds data.
    pub data: bool,
    /// Writes the answer.
    pub reply: Box<dyn Reply>,
}

/// A resource.
pub struct Resource {
    /// Path template below the root.
    pub path: &'static str,
    /// `operationId` of OpenAPI, name in the access record and in metrics.
    pub id: &'static str,
    /// Group in the documentation.
    pub tag: &'static str,
    /// French and English title.
    pub title: [&'static str; 2],
    /// Parameters of path and query. Others are refused.
    pub params: &'static [&'static dyn Parameter],
    /// Whether names of properties are parameters too.
    pub filters: bool,
    /// Operation family without which it is not described.
    pub needs: Option<Operation>,
    /// Representations, the default first.
    pub offers: &'static [Offer],
    /// Reads the request.
    pub plan: fn(&Ask) -> Result<Plan>,
}

const DOCUMENT: &[&dyn Parameter] = &[&params::F, &params::LANG];
const COLLECTION: &[&dyn Parameter] = &[&params::COLLECTION_ID, &params::F, &params::LANG];

/// Everything that can be asked, in the order of the documentation.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/",
        id: "getLandingPage",
        tag: "Capabilities",
        title: ["Page d'accueil", "Landing page"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: landing::landing,
    },
    Resource {
        path: "/conformance",
        id: "getConformance",
        tag: "Capabilities",
        title: ["Classes de conformité", "Conformance classes"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: landing::conformance,
    },
    Resource {
        path: "/api",
        id: "getApi",
        tag: "Capabilities",
        title: ["Description de l'API (OpenAPI 3.0)", "API definition (OpenAPI 3.0)"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::OPENAPI, negotiate::HTML],
        plan: openapi::api,
    },
    Resource {
        path: "/collections",
        id: "getCollections",
        tag: "Capabilities",
        title: ["Collections", "Collections"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: collections::collections,
    },
    Resource {
        path: "/collections/{collectionId}",
        id: "getCollection",
        tag: "Capabilities",
        title: ["Une collection", "A collection"],
        params: COLLECTION,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: collections::collection,
    },
    Resource {
        path: "/collections/{collectionId}/schema",
        id: "getSchema",
        tag: "Schemas",
        title: ["Schéma des entités", "Schema of the features"],
        params: COLLECTION,
        filters: false,
        needs: None,
        offers: &[negotiate::SCHEMA, negotiate::HTML],
        plan: schema::returnables,
    },
    Resource {
        path: "/collections/{collectionId}/queryables",
        id: "getQueryables",
        tag: "Schemas",
        title: ["Attributs qu'un filtre peut nommer", "Properties that a filter may name"],
        params: COLLECTION,
        filters: false,
        needs: None,
        offers: &[negotiate::SCHEMA, negotiate::HTML],
        plan: schema::queryables,
    },
    Resource {
        path: "/collections/{collectionId}/sortables",
        id: "getSortables",
        tag: "Schemas",
        title: ["Attributs de tri", "Properties to sort by"],
        params: COLLECTION,
        filters: false,
        needs: None,
        offers: &[negotiate::SCHEMA, negotiate::HTML],
        plan: schema::sortables,
    },
    Resource {
        path: "/collections/{collectionId}/items",
        id: "getFeatures",
        tag: "Data",
        title: ["Entités d'une collection", "Features of a collection"],
        params: &[
            &params::COLLECTION_ID,
            &params::LIMIT,
            &params::OFFSET,
            &params::BBOX,
            &params::BBOX_CRS,
            &params::DATETIME,
            &params::FILTER,
            &params::FILTER_LANG,
            &params::FILTER_CRS,
            &params::QUERY,
            &params::SORTBY,
            &params::PROPERTIES,
            &params::SKIP_GEOMETRY,
            &params::CRS,
            &params::PUBLICATION,
            &params::F,
            &params::LANG,
        ],
        filters: true,
        needs: Some(Operation::Wfs),
        offers: &[negotiate::GEOJSON, negotiate::HTML, negotiate::CSV, negotiate::SHAPEFILE, negotiate::XLSX],
        plan: items::features,
    },
    Resource {
        path: "/collections/{collectionId}/items/{featureId}",
        id: "getFeature",
        tag: "Data",
        title: ["Une entité", "A feature"],
        params: &[
            &params::COLLECTION_ID,
            &params::FEATURE_ID,
            &params::PROPERTIES,
            &params::CRS,
            &params::F,
            &params::LANG,
        ],
        filters: false,
        needs: Some(Operation::Wfs),
        offers: &[negotiate::GEOJSON, negotiate::HTML],
        plan: items::feature,
    },
    Resource {
        path: "/tileMatrixSets",
        id: "getTileMatrixSets",
        tag: "Tiles",
        title: ["Grilles de tuiles", "Tile matrix sets"],
        params: DOCUMENT,
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: tms::list,
    },
    Resource {
        path: "/tileMatrixSets/{tileMatrixSetId}",
        id: "getTileMatrixSet",
        tag: "Tiles",
        title: ["Une grille de tuiles", "A tile matrix set"],
        params: &[&params::TILE_MATRIX_SET_ID, &params::F, &params::LANG],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: tms::one,
    },
    Resource {
        path: "/tiles",
        id: "tiles.dataset.vector.getTileSetsList",
        tag: "Tiles",
        title: ["Jeux de tuiles vectorielles", "Vector tilesets"],
        params: &[&params::COLLECTIONS, &params::F, &params::LANG],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: tiles::list,
    },
    Resource {
        path: "/tiles/{tileMatrixSetId}",
        id: "tiles.dataset.vector.getTileSet",
        tag: "Tiles",
        title: ["Un jeu de tuiles vectorielles", "A vector tileset"],
        params: &[&params::TILE_MATRIX_SET_ID, &params::COLLECTIONS, &params::F, &params::LANG],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML, negotiate::TILEJSON],
        plan: tiles::tileset,
    },
    Resource {
        path: "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
        id: "tiles.dataset.vector.getTile",
        tag: "Tiles",
        title: ["Une tuile vectorielle", "A vector tile"],
        params: &[
            &params::TILE_MATRIX_SET_ID,
            &params::TILE_MATRIX,
            &params::TILE_ROW,
            &params::TILE_COL,
            &params::COLLECTIONS,
            &params::PROPERTIES,
            &params::F,
        ],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::MVT],
        plan: tile::tile,
    },
    Resource {
        path: "/collections/{collectionId}/tiles",
        id: "tiles.collection.vector.getTileSetsList",
        tag: "Tiles",
        title: ["Jeux de tuiles d'une collection", "Tilesets of a collection"],
        params: COLLECTION,
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: tiles::list,
    },
    Resource {
        path: "/collections/{collectionId}/tiles/{tileMatrixSetId}",
        id: "tiles.collection.vector.getTileSet",
        tag: "Tiles",
        title: ["Un jeu de tuiles d'une collection", "A tileset of a collection"],
        params: &[&params::COLLECTION_ID, &params::TILE_MATRIX_SET_ID, &params::F, &params::LANG],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::JSON, negotiate::HTML, negotiate::TILEJSON],
        plan: tiles::tileset,
    },
    Resource {
        path: "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
        id: "tiles.collection.vector.getTile",
        tag: "Tiles",
        title: ["Une tuile d'une collection", "A tile of a collection"],
        params: &[
            &params::COLLECTION_ID,
            &params::TILE_MATRIX_SET_ID,
            &params::TILE_MATRIX,
            &params::TILE_ROW,
            &params::TILE_COL,
            &params::DATETIME,
            &params::FILTER,
            &params::FILTER_LANG,
            &params::FILTER_CRS,
            &params::PROPERTIES,
            &params::F,
        ],
        filters: false,
        needs: Some(Operation::Tuiles),
        offers: &[negotiate::MVT],
        plan: tile::tile,
    },
    Resource {
        path: "/styles",
        id: "getStyles",
        tag: "Styles",
        title: ["Styles", "Styles"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: styles::list,
    },
    Resource {
        path: "/styles/{styleId}",
        id: "getStyle",
        tag: "Styles",
        title: ["Un style", "A style"],
        params: &[&params::STYLE_ID, &params::F, &params::LANG],
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML, negotiate::SLD, negotiate::MAPLIBRE],
        plan: styles::one,
    },
    Resource {
        path: "/portail",
        id: "getPortail",
        tag: "Access",
        title: ["Carte du portail", "Map of the portal"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::HTML, negotiate::JSON],
        plan: portail::portail,
    },
    Resource {
        path: "/whoami",
        id: "getWhoami",
        tag: "Access",
        title: ["Ma convention", "My convention"],
        params: DOCUMENT,
        filters: false,
        needs: None,
        offers: &[negotiate::JSON, negotiate::HTML],
        plan: whoami::whoami,
    },
    Resource {
        path: "/static/{file}",
        id: "getStatic",
        // No tag: not part of the API.
        tag: "",
        title: ["Fichier statique", "Static file"],
        params: &[&params::FILE],
        filters: false,
        needs: None,
        offers: &[negotiate::RAW],
        plan: statics::file,
    },
];

impl Resource {
    /// Whether the API definition shows it to this client.
    pub fn granted(&self, site: &Site) -> bool {
        self.needs.is_none_or(|n| site.operations.contains(&n)) && !self.tag.is_empty()
    }
}

/// Finds the resource of a path, with the values of its variables in order.
pub fn find<'a>(table: &'static [Resource], segments: &'a [String]) -> Option<(&'static Resource, Vec<&'a str>)> {
    table.iter().find_map(|resource| {
        let mut parts = resource.path.split('/').filter(|p| !p.is_empty());
        let mut values = Vec::new();
        for segment in segments {
            let part = parts.next()?;
            if part.starts_with('{') {
                values.push(segment.as_str());
            } else if part != segment {
                return None;
            }
        }
        parts.next().is_none().then_some((resource, values))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ogcapi::params::Place;

    #[test]
    fn every_variable_of_a_path_is_a_parameter_and_ids_are_unique() {
        let mut ids = std::collections::HashSet::new();
        for r in RESOURCES {
            assert!(ids.insert(r.id), "{} twice", r.id);
            let named: Vec<String> = r
                .path
                .split('/')
                .filter(|p| p.starts_with('{'))
                .map(|p| p.trim_matches(['{', '}']).to_owned())
                .collect();
            let defined: Vec<&str> = r.params.iter().filter(|p| p.place() == Place::Path).map(|p| p.name()).collect();
            assert_eq!(named, defined, "{}", r.path);
        }
    }

    #[test]
    fn paths_are_found_with_their_variables() {
        let segments = |p: &str| p.split('/').map(str::to_owned).collect::<Vec<_>>();
        let s = segments("collections/parc_iris/items/59001");
        let (r, values) = find(RESOURCES, &s).unwrap();
        assert_eq!((r.id, values), ("getFeature", vec!["parc_iris", "59001"]));
        assert_eq!(find(RESOURCES, &[]).unwrap().0.id, "getLandingPage");
        for nothing in ["collections/a/b", "collections/a/items/b/c", "x"] {
            assert!(find(RESOURCES, &segments(nothing)).is_none(), "{nothing}");
        }
    }
}
