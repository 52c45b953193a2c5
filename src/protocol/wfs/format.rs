//! Output formats: one table for parser and capabilities.

use super::version::Version;
use crate::encode::gml::Dialect;
use crate::error::{Error, printable};

/// What a feature collection is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// GML in the collection of the WFS version that it belongs to.
    Gml(Dialect),
    /// GeoJSON (RFC 7946, and `crs` for other coordinates than degrees).
    GeoJson,
    /// A table, one line a feature.
    Csv,
    /// Shapefiles in an archive.
    Shapefile,
    /// A workbook of Office Open XML.
    Xlsx,
}

/// A name of a format.
struct Name {
    name: &'static str,
    format: Format,
    /// Whether capabilities list it, by major family: 1.0, 1.1, 2.0.
    listed: [bool; 3],
}

const fn name(name: &'static str, format: Format, listed: [bool; 3]) -> Name {
    Name { name, format, listed }
}

const GML32: Format = Format::Gml(Dialect::V32);
const GML31: Format = Format::Gml(Dialect::V31);
const GML2: Format = Format::Gml(Dialect::V2);

/// Every name; the first one listed is a version's default. GeoJSON stands under every name that ArcGIS, OpenLayers and
/// GeoServer's clients look for.
static NAMES: [Name; 23] = [
    name("application/gml+xml; version=3.2", GML32, [false, false, true]),
    name("text/xml; subtype=gml/3.2", GML32, [false, true, true]),
    name("text/xml; subtype=gml/3.2.1", GML32, [false, false, false]),
    name("gml32", GML32, [false, false, true]),
    name("text/xml; subtype=gml/3.1.1", GML31, [false, true, true]),
    name("gml3", GML31, [true, true, true]),
    name("gml31", GML31, [false, false, false]),
    name("text/xml; subtype=gml/2.1.2", GML2, [false, true, true]),
    name("gml2", GML2, [true, true, true]),
    name("xmlschema", Format::Gml(Dialect::V2), [false, false, false]),
    name("application/json", Format::GeoJson, [false, true, true]),
    name("application/geo+json", Format::GeoJson, [false, true, true]),
    name("application/json; subtype=geojson", Format::GeoJson, [false, true, true]),
    name("application/vnd.geo+json", Format::GeoJson, [false, false, false]),
    name("application/json; subtype=geojson; charset=utf-8", Format::GeoJson, [false, false, false]),
    name("json", Format::GeoJson, [false, true, true]),
    name("geojson", Format::GeoJson, [false, true, true]),
    name("csv", Format::Csv, [false, true, true]),
    name("text/csv", Format::Csv, [false, true, true]),
    name("SHAPE-ZIP", Format::Shapefile, [false, true, true]),
    name("application/zip", Format::Shapefile, [false, false, false]),
    name("excel2007", Format::Xlsx, [false, true, true]),
    name("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Format::Xlsx, [false, true, true]),
];

fn family(version: Version) -> usize {
    match version {
        Version::V100 => 0,
        Version::V110 => 1,
        _ => 2,
    }
}

impl Format {
    /// The format of a request; `None` asks for the version's own.
    pub fn find(asked: Option<&str>, version: Version) -> Result<Format, Error> {
        let Some(asked) = asked.map(str::trim).filter(|a| !a.is_empty()) else {
            return Ok(Format::Gml(version.dialect()));
        };
        // White space and case mean nothing in media types.
        let plain = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let asked_plain = plain(asked);
        // `application/gml+xml` and `text/xml` without a version mean the version's own.
        if matches!(asked_plain.as_str(), "application/gml+xml" | "text/xml" | "application/xml") {
            return Ok(Format::Gml(version.dialect()));
        }
        let found = NAMES.iter().find(|n| plain(n.name) == asked_plain).map(|n| n.format);
        found.ok_or_else(|| Error::Format { name: printable(asked) })
    }

    /// Names to list in capabilities for GetFeature, the default first.
    pub fn listed(version: Version) -> Vec<&'static str> {
        let own = Format::Gml(version.dialect());
        let listed = NAMES.iter().filter(|n| n.listed[family(version)]);
        let (mut first, rest): (Vec<&Name>, Vec<&Name>) = listed.partition(|n| n.format == own);
        first.extend(rest);
        first.into_iter().map(|n| n.name).collect()
    }

    /// Names of schemas that DescribeFeatureType and GetPropertyValue give.
    pub fn schemas(version: Version) -> Vec<&'static str> {
        let listed = NAMES.iter().filter(|n| n.listed[family(version)] && n.format == Format::Gml(version.dialect()));
        listed.map(|n| n.name).collect()
    }

    /// A short name, for our own addresses.
    pub fn short(self) -> &'static str {
        match self {
            Format::Gml(Dialect::V32) => "gml32",
            Format::Gml(Dialect::V31) => "gml3",
            Format::Gml(Dialect::V2) => "gml2",
            Format::GeoJson => "geojson",
            Format::Csv => "csv",
            Format::Shapefile => "shape-zip",
            Format::Xlsx => "excel2007",
        }
    }

    /// Media type of the answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Gml(Dialect::V32) => "application/gml+xml; version=3.2; charset=utf-8",
            Format::Gml(Dialect::V31) => "text/xml; subtype=gml/3.1.1; charset=utf-8",
            Format::Gml(Dialect::V2) => "text/xml; subtype=gml/2.1.2; charset=utf-8",
            Format::GeoJson => "application/geo+json; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Shapefile => "application/zip",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_case_and_blanks() {
        for (asked, version, format) in [
            (None, Version::V200, GML32),
            (None, Version::V110, GML31),
            (None, Version::V100, GML2),
            (Some("application/gml+xml;version=3.2"), Version::V200, GML32),
            (Some("text/xml; subtype=GML/3.1.1"), Version::V200, GML31),
            (Some("GML2"), Version::V100, GML2),
            (Some("Application/JSON; subtype=geojson"), Version::V200, Format::GeoJson),
            (Some("application/vnd.geo+json"), Version::V110, Format::GeoJson),
            (Some("shape-zip"), Version::V110, Format::Shapefile),
            (Some("excel2007"), Version::V200, Format::Xlsx),
        ] {
            assert_eq!(Format::find(asked, version), Ok(format), "{asked:?}");
        }
        assert!(matches!(Format::find(Some("kml"), Version::V200), Err(Error::Format { .. })));
    }

    #[test]
    fn every_listed_name_is_understood_and_the_default_comes_first() {
        for version in Version::OFFERED {
            let listed = Format::listed(version);
            assert!(listed.iter().all(|n| Format::find(Some(n), version).is_ok()));
            assert_eq!(Format::find(Some(listed[0]), version), Format::find(None, version), "{version:?}");
        }
        assert_eq!(Format::listed(Version::V200)[0], "application/gml+xml; version=3.2");
    }
}
