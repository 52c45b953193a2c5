//! The coordinate reference systems that are offered, and every spelling of their names.

use serde::{Deserialize, Serialize};

/// A coordinate reference system that is offered (list of the CNIG: 4171 is obligatory for French view services).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Crs {
    /// RGF93 / Lambert-93, EPSG:2154, metres, east/north. The CRS of the data.
    Lambert93,
    /// RGF93 / CC50, EPSG:3950, metres, east/north.
    Cc50,
    /// RGF93 geographic, EPSG:4171, degrees, latitude/longitude.
    Rgf93,
    /// ETRS89 geographic, EPSG:4258, degrees, latitude/longitude.
    Etrs89,
    /// WGS 84, EPSG:4326, degrees, latitude/longitude.
    Wgs84,
    /// WGS 84 / Pseudo-Mercator, EPSG:3857, metres, east/north.
    WebMercator,
    /// OGC CRS84, degrees, longitude/latitude.
    Crs84,
}

/// Order in which coordinates stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axes {
    /// First easting or longitude.
    EastNorth,
    /// First latitude.
    NorthEast,
}

/// How the name of a CRS was spelled. The axis order a spelling implies depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CrsForm {
    /// `urn:ogc:def:crs:EPSG::4326` (any version): authority order.
    Urn,
    /// `http(s)://www.opengis.net/def/crs/EPSG/0/4326`: authority order.
    Uri,
    /// `http://www.opengis.net/gml/srs/epsg.xml#4326`: east/north.
    GmlSrs,
    /// `EPSG:4326`: east/north in WFS, authority order in WMS 1.3.0 (OGC 06-042 §6.7.3.2).
    Short,
}

impl Crs {
    /// All of them, the data's own first.
    pub const ALL: [Crs; 7] =
        [Crs::Lambert93, Crs::Cc50, Crs::Rgf93, Crs::Etrs89, Crs::Wgs84, Crs::WebMercator, Crs::Crs84];

    /// EPSG code; `None` for CRS84.
    pub fn epsg(self) -> Option<u32> {
        match self {
            Crs::Lambert93 => Some(2154),
            Crs::Cc50 => Some(3950),
            Crs::Rgf93 => Some(4171),
            Crs::Etrs89 => Some(4258),
            Crs::Wgs84 => Some(4326),
            Crs::WebMercator => Some(3857),
            Crs::Crs84 => None,
        }
    }

    /// The CRS of an EPSG code, if it is offered.
    pub fn from_epsg(code: u32) -> Option<Crs> {
        // 900913 is the old name of 3857 that clients still send.
        if code == 900_913 {
            return Some(Crs::WebMercator);
        }
        Crs::ALL.into_iter().find(|c| c.epsg() == Some(code))
    }

    /// True when coordinates are degrees.
    pub fn is_geographic(self) -> bool {
        matches!(self, Crs::Rgf93 | Crs::Etrs89 | Crs::Wgs84 | Crs::Crs84)
    }

    /// Axis order of the authority's definition.
    pub fn authority_axes(self) -> Axes {
        match self {
            Crs::Rgf93 | Crs::Etrs89 | Crs::Wgs84 => Axes::NorthEast,
            _ => Axes::EastNorth,
        }
    }

    /// Decimals that carry the published precision: 7 for degrees (about 1 cm), 2 for metres.
    pub fn decimals(self) -> u8 {
        if self.is_geographic() { 7 } else { 2 }
    }

    /// Reads a name in any of the four spellings. Case of the prefix does not matter.
    pub fn parse(name: &str) -> Option<(Crs, CrsForm)> {
        let name = name.trim();
        let lower = name.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("urn:ogc:def:crs:").or_else(|| lower.strip_prefix("urn:x-ogc:def:crs:"))
        {
            let (authority, rest) = rest.split_once(':')?;
            let code = rest.rsplit(':').next()?;
            return Self::of(authority, code).map(|c| (c, CrsForm::Urn));
        }
        for prefix in ["http://www.opengis.net/def/crs/", "https://www.opengis.net/def/crs/"] {
            if let Some(rest) = lower.strip_prefix(prefix) {
                let mut parts = rest.split('/');
                let (authority, _version, code) = (parts.next()?, parts.next()?, parts.next()?);
                return Self::of(authority, code).map(|c| (c, CrsForm::Uri));
            }
        }
        if let Some(code) = lower.strip_prefix("http://www.opengis.net/gml/srs/epsg.xml#") {
            return Self::of("epsg", code).map(|c| (c, CrsForm::GmlSrs));
        }
        let (authority, code) = lower.split_once(':')?;
        Self::of(authority, code).map(|c| (c, CrsForm::Short))
    }

    fn of(authority: &str, code: &str) -> Option<Crs> {
        match (authority, code) {
            ("ogc" | "crs", "crs84" | "84") => Some(Crs::Crs84),
            ("epsg", n) => n.parse().ok().and_then(Crs::from_epsg),
            _ => None,
        }
    }

    /// `EPSG:2154`, `CRS:84`.
    pub fn short(self) -> String {
        self.epsg().map_or_else(|| "CRS:84".to_owned(), |n| format!("EPSG:{n}"))
    }

    /// `urn:ogc:def:crs:EPSG::2154`.
    pub fn urn(self) -> String {
        self.epsg().map_or_else(|| "urn:ogc:def:crs:OGC:1.3:CRS84".to_owned(), |n| format!("urn:ogc:def:crs:EPSG::{n}"))
    }

    /// `http://www.opengis.net/def/crs/EPSG/0/2154`.
    pub fn uri(self) -> String {
        self.epsg().map_or_else(
            || "http://www.opengis.net/def/crs/OGC/1.3/CRS84".to_owned(),
            |n| format!("http://www.opengis.net/def/crs/EPSG/0/{n}"),
        )
    }
}

impl CrsForm {
    /// Axis order that WFS reads and writes for a CRS named in this form.
    pub fn wfs_axes(self, crs: Crs) -> Axes {
        match self {
            CrsForm::Urn | CrsForm::Uri => crs.authority_axes(),
            CrsForm::GmlSrs | CrsForm::Short => Axes::EastNorth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling() {
        for (name, crs, form) in [
            ("urn:ogc:def:crs:EPSG::2154", Crs::Lambert93, CrsForm::Urn),
            ("urn:ogc:def:crs:EPSG:6.9:4326", Crs::Wgs84, CrsForm::Urn),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", Crs::Crs84, CrsForm::Urn),
            ("http://www.opengis.net/def/crs/EPSG/0/3857", Crs::WebMercator, CrsForm::Uri),
            ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", Crs::Crs84, CrsForm::Uri),
            ("http://www.opengis.net/gml/srs/epsg.xml#4171", Crs::Rgf93, CrsForm::GmlSrs),
            ("EPSG:3950", Crs::Cc50, CrsForm::Short),
            ("CRS:84", Crs::Crs84, CrsForm::Short),
        ] {
            assert_eq!(Crs::parse(name), Some((crs, form)), "{name}");
        }
        assert_eq!(Crs::parse("EPSG:27572"), None);
        assert_eq!(Crs::parse("EPSG:"), None);
    }

    #[test]
    fn every_name_reads_back() {
        for crs in Crs::ALL {
            for name in [crs.short(), crs.urn(), crs.uri()] {
                assert_eq!(Crs::parse(&name).map(|p| p.0), Some(crs), "{name}");
            }
        }
    }
}
