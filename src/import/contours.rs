//! Outlines of zones: whatever GDAL reads, in whatever CRS ▶ valid MultiPolygons in EPSG:2154.

use super::driver::{Output, Reader};
use super::error::{ImportError, Reject};
use super::fields::Fields;
use super::lines::Text;
use super::table::Column;
use super::{AREA_X, AREA_Y, Encodage, Options};
use gdal::cpl::CslStringList;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::{Feature, Geometry, LayerAccess, OGRwkbGeometryType, geometry_type_flatten, geometry_type_to_name};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use sha2::{Digest, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Files in an archive that are worth opening.
const EXTENSIONS: [&str; 8] = ["shp", "gpkg", "geojson", "json", "fgb", "tab", "gml", "kml"];

/// A kind of zone.
pub(super) trait Zone: Send + 'static {
    /// The fields that it knows, with the names they have in files.
    const COLUMNS: &'static [Column];

    /// Writes one zone.
    fn zone(&mut self, fields: &Attributes<'_>, outline: &[Vec<u8>], out: &mut Output) -> Result<(), Reject>;
}

/// Reads zones of one kind.
pub(super) struct Contours<Z> {
    pub zone: Z,
    pub options: Options,
}

/// The attributes of one feature.
pub(super) struct Attributes<'a> {
    names: &'a [String],
    values: Vec<Option<String>>,
}

impl Fields for Attributes<'_> {
    fn raw(&self, column: usize) -> Option<&[u8]> {
        self.values.get(column)?.as_deref().map(|v| v.trim().as_bytes()).filter(|b| !b.is_empty())
    }

    fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    fn encoding(&self) -> Text {
        Text::Utf8
    }
}

impl<Z: Zone> Reader for Contours<Z> {
    fn read(mut self: Box<Self>, path: &Path, out: &mut Output) -> Result<(u64, String), ImportError> {
        let sha256 = hash(path)?;
        let said = Messages::listen();
        let geo = |message: String| ImportError::Geo { path: path.to_owned(), message };
        let dataset = open(path, &self.options, &said)?;
        let (index, (places, names)) = choose(path, &dataset, Z::COLUMNS, self.options.layer.as_deref())?;
        let mut layer = dataset.layer(index).map_err(|e| geo(e.to_string()))?;
        let to_lambert = transformation(path, layer.spatial_ref(), self.options.crs.as_deref())?;
        let count = layer.feature_count();
        if count == 0 {
            return Err(ImportError::Empty { path: path.to_owned(), what: "feature" });
        }
        out.begin(&layer.name(), Some(count));
        let mut n = 0;
        for feature in layer.features() {
            n += 1;
            let done = attributes(&feature, &places, &names).and_then(|fields| {
                let outline = polygons(&feature, to_lambert.as_ref())?;
                self.zone.zone(&fields, &outline, out)
            });
            if let Err(reject) = done {
                out.reject(n, &reject)?;
            }
            out.counted(n)?;
        }
        // GDAL ends a damaged layer as it ends a whole one.
        if n != count {
            return Err(geo(format!("{n} of {count} features could be read{}", said.last_in_brackets())));
        }
        Ok((n, sha256))
    }
}

/// SHA-256 of the file as it lies on the disk; of a Shapefile or a folder, of all its files one after the other.
fn hash(path: &Path) -> Result<String, ImportError> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    let mut digest = Sha256::new();
    let mut empty = true;
    for file in parts(path).map_err(read)? {
        let mut file = std::fs::File::open(file).map_err(read)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer).map_err(read)? {
                0 => break,
                n => digest.update(&buffer[..n]),
            }
            empty = false;
        }
    }
    if empty {
        return Err(ImportError::Empty { path: path.to_owned(), what: "feature" });
    }
    Ok(hex::encode(digest.finalize()))
}

/// The files that make up a data set, in the order of their names.
fn parts(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let shapefile = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp"));
    let folder = match (path.is_dir(), shapefile) {
        (true, _) => path,
        (false, true) => path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")),
        (false, false) => return Ok(vec![path.to_owned()]),
    };
    let mut parts = vec![];
    for entry in std::fs::read_dir(folder)? {
        let part = entry?.path();
        if part.is_file() && (path.is_dir() || part.file_stem() == path.file_stem()) {
            parts.push(part);
        }
    }
    parts.sort();
    Ok(parts)
}

/// What GDAL says on this thread, instead of on standard error.
struct Messages;

thread_local! {
    static LAST: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

impl Messages {
    fn listen() -> Self {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            gdal::config::set_error_handler(|_, _, message| LAST.with_borrow_mut(|l| message.clone_into(l)));
        });
        LAST.with_borrow_mut(String::clear);
        Messages
    }

    fn last(&self) -> String {
        LAST.with_borrow(Clone::clone)
    }

    fn last_in_brackets(&self) -> String {
        match self.last() {
            m if m.is_empty() => m,
            m => format!(" ({m})"),
        }
    }
}

/// Opens the file itself, what is in its zip archive, or what it is when uncompressed.
fn open(path: &Path, options: &Options, said: &Messages) -> Result<Dataset, ImportError> {
    let absolute = path.canonicalize().map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let mut magic = [0; 4];
    if absolute.is_file() {
        let mut file =
            std::fs::File::open(&absolute).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
        let _ = file.read(&mut magic);
    }
    let opened = match magic {
        [b'P', b'K', 3, 4] => member(path, &absolute, options.layer.as_deref())?,
        [0x1f, 0x8b, ..] => prefixed("/vsigzip/", &absolute),
        _ => absolute,
    };
    let encoding = match options.encodage {
        Encodage::Auto => None,
        Encodage::Utf8 => Some("ENCODING=UTF-8"),
        Encodage::Latin1 => Some("ENCODING=ISO-8859-1"),
    };
    let shapefile = opened.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp"));
    let open_options: Vec<&str> = encoding.filter(|_| shapefile).into_iter().collect();
    let flags = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY,
        open_options: Some(&open_options),
        ..DatasetOptions::default()
    };
    Dataset::open_ex(&opened, flags).map_err(|e| {
        let message = said.last();
        ImportError::Geo { path: path.to_owned(), message: if message.is_empty() { e.to_string() } else { message } }
    })
}

fn prefixed(prefix: &str, path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(prefix);
    name.push(path);
    PathBuf::from(name)
}

/// The one geographic file in a zip archive, or the one that is named.
fn member(path: &Path, absolute: &Path, wanted: Option<&str>) -> Result<PathBuf, ImportError> {
    let root = prefixed("/vsizip/", absolute);
    let entries = gdal::vsi::read_dir(&root, true).unwrap_or_default();
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .filter(|e| e.extension().is_some_and(|x| EXTENSIONS.iter().any(|k| x.eq_ignore_ascii_case(k))))
        .filter(|e| !e.starts_with("__MACOSX"))
        .collect();
    found.sort();
    let mut named = found.iter().filter(|f| wanted.is_none() || f.file_stem().and_then(|s| s.to_str()) == wanted);
    match (named.next(), named.next(), found.as_slice()) {
        (Some(one), None, _) | (None, None, [one]) => Ok(root.join(one)),
        _ => Err(ImportError::Layer {
            path: path.to_owned(),
            reason: if found.is_empty() {
                "the archive holds no geographic file".to_owned()
            } else {
                "the archive holds several files; name one (--layer)".to_owned()
            },
            layers: found.iter().map(|f| f.display().to_string()).collect(),
        }),
    }
}

/// For each column the place and the name of its field.
type Places = (Vec<Option<usize>>, Vec<String>);

/// The layer that has all required fields, or the one that is named.
fn choose(
    path: &Path,
    dataset: &Dataset,
    columns: &[Column],
    wanted: Option<&str>,
) -> Result<(usize, Places), ImportError> {
    let mut all = Vec::new();
    let mut good = Vec::new();
    let mut why = None;
    for (i, layer) in dataset.layers().enumerate() {
        let name = layer.name();
        let fields: Vec<String> = layer.defn().fields().map(|f| f.name()).collect();
        // A file of one layer is that layer, whatever it is called.
        if wanted.is_none_or(|w| w == name) || dataset.layer_count() == 1 {
            match find(&fields, columns) {
                Ok(places) => good.push((i, places)),
                Err(missing) => {
                    why = Some(ImportError::Columns { path: path.to_owned(), missing, found: fields });
                }
            }
        }
        all.push(name);
    }
    let reason = match (good.len(), why) {
        (1, _) => return Ok(good.swap_remove(0)),
        (0, Some(e)) => return Err(e),
        (0, None) => "no such layer".to_owned(),
        _ => "several layers would do; name one (--layer)".to_owned(),
    };
    Err(ImportError::Layer { path: path.to_owned(), reason, layers: all })
}

/// Places and names of the fields; `Err`: what is missing. A name of ten characters is also one cut by the DBF format.
fn find(fields: &[String], columns: &[Column]) -> Result<Places, Vec<String>> {
    let upper: Vec<String> = fields.iter().map(|f| f.to_uppercase()).collect();
    let mut places = Vec::new();
    let mut missing = Vec::new();
    for column in columns {
        let mut names = std::iter::once(column.name).chain(column.aliases.iter().copied());
        let place = names.clone().find_map(|n| upper.iter().position(|f| f == n)).or_else(|| {
            names.find_map(|n| upper.iter().position(|f| f.len() == 10 && n.len() > 10 && n.starts_with(f.as_str())))
        });
        if place.is_none() && column.required {
            missing.push(std::iter::once(&column.name).chain(column.aliases).copied().collect::<Vec<_>>().join("|"));
        }
        places.push(place);
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let names = places.iter().map(|p| p.and_then(|i| fields.get(i)).cloned().unwrap_or_default()).collect();
    Ok((places, names))
}

/// The way from the layer's CRS to EPSG:2154, both with easting (longitude) first.
fn transformation(
    path: &Path,
    of_layer: Option<SpatialRef>,
    named: Option<&str>,
) -> Result<Option<CoordTransform>, ImportError> {
    let fail = |e: gdal::errors::GdalError| ImportError::Crs { path: path.to_owned(), message: e.to_string() };
    let mut from = match (named, of_layer) {
        (Some(name), _) => SpatialRef::from_definition(name).map_err(fail)?,
        (None, Some(srs)) => srs,
        (None, None) => return Err(ImportError::NoCrs { path: path.to_owned() }),
    };
    let mut to = SpatialRef::from_epsg(2154).map_err(fail)?;
    if from.auth_code().is_ok_and(|c| c == 2154) {
        return Ok(None);
    }
    from.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    to.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    CoordTransform::new(&from, &to).map(Some).map_err(fail)
}

fn attributes<'a>(
    feature: &Feature<'_>,
    places: &[Option<usize>],
    names: &'a [String],
) -> Result<Attributes<'a>, Reject> {
    let mut values = Vec::with_capacity(places.len());
    for (place, name) in places.iter().zip(names) {
        values.push(match place {
            Some(i) => feature.field_as_string(*i).map_err(|e| Reject::new(name, "", e.to_string()))?,
            None => None,
        });
    }
    Ok(Attributes { names, values })
}

/// The polygons of a feature in EPSG:2154, valid, as WKB.
fn polygons(feature: &Feature<'_>, to_lambert: Option<&CoordTransform>) -> Result<Vec<Vec<u8>>, Reject> {
    let reject = |why: String| Reject::new("geometry", "", why);
    let mut geometry = feature.geometry().filter(|g| !g.is_empty()).ok_or_else(|| reject("missing".into()))?.clone();
    let kind = geometry_type_flatten(geometry.geometry_type());
    if !matches!(
        kind,
        OGRwkbGeometryType::wkbPolygon
            | OGRwkbGeometryType::wkbMultiPolygon
            | OGRwkbGeometryType::wkbGeometryCollection
    ) {
        return Err(reject(format!("{}, not a polygon", geometry_type_to_name(kind))));
    }
    geometry.flatten_to_2d();
    if let Some(transform) = to_lambert {
        geometry.transform_inplace(transform).map_err(|_| reject("cannot be transformed to EPSG:2154".into()))?;
    }
    let e = geometry.envelope();
    if ![e.MinX, e.MaxX].iter().all(|x| AREA_X.contains(x)) || ![e.MinY, e.MaxY].iter().all(|y| AREA_Y.contains(y)) {
        let message =
            "outside the area of Lambert-93 (EPSG:2154): wrong coordinate reference system, or exchanged axes";
        return Err(reject(message.into()));
    }
    if !geometry.is_valid() {
        geometry = geometry.make_valid(&CslStringList::new()).map_err(|_| reject("cannot be made valid".into()))?;
    }
    let mut parts = Vec::new();
    collect(&geometry, &mut parts).map_err(|e| reject(e.to_string()))?;
    if parts.is_empty() {
        return Err(reject("has no area".into()));
    }
    Ok(parts)
}

/// Adds the polygons of a geometry; what making valid has turned into lines or points has no area and falls away.
fn collect(geometry: &Geometry, parts: &mut Vec<Vec<u8>>) -> gdal::errors::Result<()> {
    match geometry_type_flatten(geometry.geometry_type()) {
        OGRwkbGeometryType::wkbPolygon if geometry.area() > 0.0 => parts.push(geometry.wkb()?),
        OGRwkbGeometryType::wkbMultiPolygon | OGRwkbGeometryType::wkbGeometryCollection => {
            for i in 0..geometry.geometry_count() {
                collect(&geometry.get_geometry(i), parts)?;
            }
        }
        _ => {}
    }
    Ok(())
}
