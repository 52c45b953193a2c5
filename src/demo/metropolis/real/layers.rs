//! Outlines from whatever GDAL reads, brought to EPSG:2154 and to the centimetre.

use super::RealError;
use crate::demo::metropolis::dissolve::{Outline, Polygon, signed_area};
use crate::geo::Position;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::{Geometry, LayerAccess, OGRwkbGeometryType};
use gdal::{Dataset, errors::GdalError};
use std::path::{Path, PathBuf};

/// One feature: the asked fields, `None` where the file has none or the value is empty, and its outline.
#[derive(Debug)]
pub struct Zone {
    /// Values, in the order asked.
    pub fields: Vec<Option<String>>,
    /// EPSG:2154.
    pub outline: Outline,
}

/// Extensions of files that hold outlines.
const EXTENSIONS: [&str; 6] = ["gpkg", "shp", "geojson", "json", "zip", "gml"];

/// The file of a folder whose name holds a word and whose extension is one of outlines; the first by name.
///
/// # Errors
/// [`RealError::NoFile`], [`RealError::Io`].
pub fn find(folder: &Path, word: &'static str) -> Result<PathBuf, RealError> {
    let io = |source| RealError::Io { path: folder.to_owned(), source };
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(io)?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let extension = p.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            name.contains(word) && EXTENSIONS.contains(&extension.as_str())
        })
        .collect();
    found.sort();
    found.into_iter().next().ok_or_else(|| RealError::NoFile { folder: folder.to_owned(), what: word })
}

/// Reads the first layer of a file. Each field is asked for by the names it may have, the first of them demanded.
///
/// # Errors
/// [`RealError`].
pub fn read(path: &Path, fields: &[&[&str]]) -> Result<Vec<Zone>, RealError> {
    let doing = |source| RealError::Gdal { path: path.to_owned(), source };
    let opened = match path.extension() {
        Some(e) if e == "zip" => PathBuf::from(format!("/vsizip/{}", path.display())),
        _ => path.to_owned(),
    };
    let dataset = Dataset::open(&opened).map_err(doing)?;
    let mut layer = dataset.layer(0).map_err(doing)?;
    let names: Vec<String> = layer.defn().fields().map(|f| f.name()).collect();
    let places: Vec<Option<usize>> = fields
        .iter()
        .map(|spellings| spellings.iter().find_map(|s| names.iter().position(|n| n.eq_ignore_ascii_case(s))))
        .collect();
    if let (Some(None), Some(wanted)) = (places.first(), fields.first()) {
        return Err(RealError::NoField { path: path.to_owned(), wanted: wanted.join(", ") });
    }
    let to = to_lambert(layer.spatial_ref()).map_err(doing)?;
    let mut zones = Vec::new();
    for feature in layer.features() {
        let Some(geometry) = feature.geometry() else { continue };
        let values = places
            .iter()
            .map(|p| Ok(p.map(|p| feature.field_as_string(p)).transpose()?.flatten()))
            .map(|v: Result<Option<String>, GdalError>| v.map(|v| v.filter(|t| !t.trim().is_empty())))
            .collect::<Result<_, _>>()
            .map_err(doing)?;
        let moved = match &to {
            Some(t) => geometry.transform(t).map_err(doing)?,
            None => geometry.clone(),
        };
        zones.push(Zone { fields: values, outline: outline(&moved) });
    }
    Ok(zones)
}

fn to_lambert(from: Option<SpatialRef>) -> Result<Option<CoordTransform>, GdalError> {
    let mut to = SpatialRef::from_epsg(2154)?;
    to.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    match from {
        Some(mut from) if from.auth_code().ok() != Some(2154) => {
            from.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
            CoordTransform::new(&from, &to).map(Some)
        }
        _ => Ok(None),
    }
}

/// Polygons of a geometry, to the centimetre, outer rings counter-clockwise.
pub fn outline(geometry: &Geometry) -> Outline {
    let mut polygons = Vec::new();
    collect(geometry, &mut polygons);
    Outline { polygons }
}

fn collect(geometry: &Geometry, out: &mut Vec<Polygon>) {
    let flat = gdal::vector::geometry_type_flatten(geometry.geometry_type());
    if flat != OGRwkbGeometryType::wkbPolygon {
        for i in 0..geometry.geometry_count() {
            collect(&geometry.get_geometry(i), out);
        }
        return;
    }
    let rings: Polygon = (0..geometry.geometry_count())
        .map(|i| {
            let mut points = Vec::new();
            geometry.get_geometry(i).get_points(&mut points);
            ring(&points, i == 0)
        })
        .collect();
    // A ring that the rounding made flat, and its holes, are nothing to draw.
    if rings.first().is_some_and(|r| r.len() > 3) {
        out.push(rings.into_iter().filter(|r| r.len() > 3).collect());
    }
}

fn ring(points: &[(f64, f64, f64)], outer: bool) -> Vec<Position> {
    let mut ring: Vec<Position> = points.iter().map(|(x, y, _)| [x, y].map(|v| (v * 100.0).round() / 100.0)).collect();
    ring.dedup();
    if (signed_area(&ring) > 0.0) != outer {
        ring.reverse();
    }
    ring
}

/// An outline as a geometry of GDAL.
///
/// # Errors
/// What GDAL says.
pub fn geometry(outline: &Outline) -> Result<Geometry, GdalError> {
    Geometry::from_wkb(&crate::demo::metropolis::files::outlines::wkb(outline))
}

/// The union of outlines.
///
/// # Errors
/// What GDAL says.
pub fn union<'a>(outlines: impl Iterator<Item = &'a Outline>) -> Result<Outline, GdalError> {
    let mut all: Option<Geometry> = None;
    for o in outlines {
        let next = geometry(o)?;
        all = match all {
            Some(before) => before.union(&next),
            None => Some(next),
        };
    }
    Ok(all.map(|g| outline(&g)).unwrap_or_default())
}

/// An outline grown (or shrunk) by a distance in metres.
///
/// # Errors
/// What GDAL says.
pub fn grown(o: &Outline, distance: f64) -> Result<Outline, GdalError> {
    Ok(outline(&geometry(o)?.buffer(distance, 4)?))
}
