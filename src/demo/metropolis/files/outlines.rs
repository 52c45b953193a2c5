//! Outlines as a data team gets them: communes as GeoPackage, IRIS as a zipped Shapefile, QPV as GeoJSON in degrees.

use super::FileError;
use crate::demo::metropolis::dissolve::Outline;
use crate::demo::metropolis::zones::Territory;
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{Defn, Feature, FieldDefn, Geometry, Layer, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{Dataset, DriverManager};
use std::path::Path;

/// A value of a field.
enum Value<'a> {
    Text(&'a str),
    Int(i32),
    Real(f64),
    Null,
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Value::Null, Value::Text)
    }
}

/// Writes `communes_2022.gpkg`, `iris_2022.shp.zip`, `qpv_2015.geojson` and `qpv_2024.geojson`.
///
/// # Errors
/// [`FileError::Gdal`].
pub fn write<'a>(folder: &Path, territories: impl Iterator<Item = &'a Territory>) -> Result<(), FileError> {
    let territories: Vec<&Territory> = territories.collect();
    let territories = territories.as_slice();
    communes(&folder.join("communes_2022.gpkg"), territories)?;
    iris(&folder.join("iris_2022.shp.zip"), territories)?;
    for generation in [2015, 2024] {
        quartiers(&folder.join(format!("qpv_{generation}.geojson")), generation, territories)?;
    }
    Ok(())
}

fn communes(path: &Path, territories: &[&Territory]) -> Result<(), FileError> {
    const FIELDS: [(&str, OGRFieldType::Type); 6] = [
        ("insee_com", OGRFieldType::OFTString),
        ("nom", OGRFieldType::OFTString),
        ("siren", OGRFieldType::OFTString),
        ("insee_chef_lieu", OGRFieldType::OFTString),
        ("nb_rp", OGRFieldType::OFTInteger),
        ("tx_sru", OGRFieldType::OFTReal),
    ];
    table(path, "GPKG", "communes", &FIELDS, &[], |add| {
        for t in territories {
            for c in &t.communes {
                let values = [
                    Value::Text(&c.insee),
                    Value::Text(&c.name),
                    Value::Text(&c.siren),
                    Value::Null,
                    Value::Int(c.main_residences as i32),
                    c.tx_sru.map_or(Value::Null, Value::Real),
                ];
                add(&c.outline, &values)?;
            }
            for a in &t.associees {
                let chef_lieu = t.communes.get(a.commune).map(|c| c.insee.as_str());
                let values = [
                    Value::Text(&a.insee),
                    Value::Text(&a.name),
                    Value::Null,
                    chef_lieu.into(),
                    Value::Int(a.main_residences as i32),
                    Value::Null,
                ];
                add(&a.outline, &values)?;
            }
        }
        Ok(())
    })
}

fn iris(path: &Path, territories: &[&Territory]) -> Result<(), FileError> {
    // DBF names end at ten characters: insee_associee is cut as every Shapefile cuts it.
    const FIELDS: [(&str, OGRFieldType::Type); 5] = [
        ("code_iris", OGRFieldType::OFTString),
        ("insee_com", OGRFieldType::OFTString),
        ("insee_asso", OGRFieldType::OFTString),
        ("nom", OGRFieldType::OFTString),
        ("typ_iris", OGRFieldType::OFTString),
    ];
    table(path, "ESRI Shapefile", "iris_2022", &FIELDS, &["ENCODING=UTF-8"], |add| {
        for t in territories {
            for i in &t.iris {
                let kind = i.kind.to_string();
                let values = [
                    Value::Text(&i.code),
                    t.communes.get(i.commune).map(|c| c.insee.as_str()).into(),
                    i.associee.and_then(|a| t.associees.get(a)).map(|a| a.insee.as_str()).into(),
                    Value::Text(&i.name),
                    Value::Text(&kind),
                ];
                add(&i.outline, &values)?;
            }
        }
        Ok(())
    })
}

fn quartiers(path: &Path, generation: i32, territories: &[&Territory]) -> Result<(), FileError> {
    const FIELDS: [(&str, OGRFieldType::Type); 2] =
        [("code_qp", OGRFieldType::OFTString), ("nom", OGRFieldType::OFTString)];
    // RFC 7946: degrees, longitude first; nine decimals keep the vertices within a tenth of a millimetre.
    let options = ["RFC7946=YES", "COORDINATE_PRECISION=9"];
    table(path, "GeoJSON", "qpv", &FIELDS, &options, |add| {
        for q in territories.iter().flat_map(|t| &t.quartiers).filter(|q| q.generation == generation) {
            add(&q.outline, &[Value::Text(&q.code), Value::Text(&q.name)])?;
        }
        Ok(())
    })
}

/// What writes one feature.
type Add<'a> = dyn FnMut(&Outline, &[Value<'_>]) -> Result<(), FileError> + 'a;

/// Creates a file of one layer in EPSG:2154 (a driver that wants another CRS transforms) and fills it.
fn table(
    path: &Path,
    driver: &str,
    layer: &str,
    fields: &[(&str, OGRFieldType::Type)],
    options: &[&str],
    fill: impl FnOnce(&mut Add<'_>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let doing = |source| FileError::Gdal { path: path.to_owned(), source };
    if path.exists() {
        std::fs::remove_file(path).map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    }
    let mut dataset: Dataset =
        DriverManager::get_driver_by_name(driver).and_then(|d| d.create_vector_only(path)).map_err(doing)?;
    if driver == "GPKG" {
        let mut transaction = dataset.start_transaction().map_err(doing)?;
        fill_layer(&mut transaction, layer, fields, options, path, fill)?;
        transaction.commit().map_err(doing)?;
    } else {
        fill_layer(&mut dataset, layer, fields, options, path, fill)?;
    }
    dataset.close().map_err(doing)
}

fn fill_layer(
    dataset: &mut Dataset,
    layer: &str,
    fields: &[(&str, OGRFieldType::Type)],
    options: &[&str],
    path: &Path,
    fill: impl FnOnce(&mut Add<'_>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let doing = |source| FileError::Gdal { path: path.to_owned(), source };
    let srs = SpatialRef::from_epsg(2154).map_err(doing)?;
    let layer: Layer<'_> = dataset
        .create_layer(LayerOptions {
            name: layer,
            srs: Some(&srs),
            ty: OGRwkbGeometryType::wkbMultiPolygon,
            options: Some(options),
        })
        .map_err(doing)?;
    for (name, kind) in fields {
        let definition = FieldDefn::new(name, *kind).map_err(doing)?;
        if *kind == OGRFieldType::OFTString {
            definition.set_width(80);
        }
        definition.add_to_layer(&layer).map_err(doing)?;
    }
    let definition = Defn::from_layer(&layer);
    fill(&mut |outline, values| {
        let mut feature = Feature::new(&definition).map_err(doing)?;
        for (i, value) in values.iter().enumerate() {
            match value {
                Value::Text(v) => feature.set_field_string(i, v),
                Value::Int(v) => feature.set_field_integer(i, *v),
                Value::Real(v) => feature.set_field_double(i, *v),
                Value::Null => feature.set_field_null(i),
            }
            .map_err(doing)?;
        }
        feature.set_geometry(Geometry::from_wkb(&wkb(outline)).map_err(doing)?).map_err(doing)?;
        feature.create(&layer).map_err(doing)
    })
}

/// Little-endian WKB of a multipolygon.
pub fn wkb(outline: &Outline) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + outline.vertices() * 16);
    let word = |out: &mut Vec<u8>, v: u32| out.extend_from_slice(&v.to_le_bytes());
    out.push(1);
    word(&mut out, 6);
    word(&mut out, outline.polygons.len() as u32);
    for polygon in &outline.polygons {
        out.push(1);
        word(&mut out, 3);
        word(&mut out, polygon.len() as u32);
        for ring in polygon {
            word(&mut out, ring.len() as u32);
            for p in ring {
                out.extend_from_slice(&p[0].to_le_bytes());
                out.extend_from_slice(&p[1].to_le_bytes());
            }
        }
    }
    out
}
