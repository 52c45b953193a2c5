//! Parameters of WMS: what each may hold, in one place for the parser and for the capabilities.

use crate::error::{Error, Reason, Result};
use crate::geo::{Axes, Crs, Envelope};
use crate::protocol::{ErrorPicture, Request};
use crate::render::Format;

/// Versions offered (06-042 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.1.1 (01-068r3).
    V111,
    /// 1.3.0 (06-042).
    V130,
}

impl Version {
    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Version::V111 => "1.1.1",
            Version::V130 => "1.3.0",
        }
    }

    /// The version to answer GetCapabilities in (§6.2.4): the asked one, else the next lower, else the lowest offered.
    pub fn negotiate(asked: Option<&str>) -> Version {
        let number = |v: &str| -> Option<Vec<u32>> { v.trim().split('.').map(|n| n.parse().ok()).collect() };
        match asked.and_then(number) {
            Some(asked) if asked < vec![1, 3] => Version::V111,
            _ => Version::V130,
        }
    }

    /// Name of the parameter with the coordinate reference system.
    pub fn crs_parameter(self) -> &'static str {
        match self {
            Version::V111 => "SRS",
            Version::V130 => "CRS",
        }
    }

    /// Axis order of `BBOX` and `BoundingBox`: the authority's in 1.3.0 (§6.7.2), x/y in 1.1.1.
    pub fn axes(self, crs: Crs) -> Axes {
        match self {
            Version::V111 => Axes::EastNorth,
            Version::V130 => crs.authority_axes(),
        }
    }
}

/// Media types of maps, the first is the default of GetFeatureInfo's map part.
pub const MAP_FORMATS: [(&str, Format); 3] =
    [("image/png", Format::Png), ("image/png; mode=8bit", Format::Png8), ("image/jpeg", Format::Jpeg)];

/// Further names that clients use for the same.
const MAP_ALIASES: [(&str, Format); 4] = [
    ("image/png8", Format::Png8),
    ("image/png;mode=8bit", Format::Png8),
    ("image/png; mode=24bit", Format::Png),
    ("image/jpg", Format::Jpeg),
];

/// Forms in which GetFeatureInfo answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InfoFormat {
    /// Lines of text.
    Text,
    /// A page.
    Html,
    /// A GeoJSON feature collection.
    Json,
    /// A feature collection of GML 3.1.1.
    Gml,
}

/// Media types of GetFeatureInfo.
pub const INFO_FORMATS: [(&str, InfoFormat); 4] = [
    ("text/plain", InfoFormat::Text),
    ("text/html", InfoFormat::Html),
    ("application/json", InfoFormat::Json),
    ("application/vnd.ogc.gml", InfoFormat::Gml),
];

const INFO_ALIASES: [(&str, InfoFormat); 4] = [
    ("application/geo+json", InfoFormat::Json),
    ("application/geojson", InfoFormat::Json),
    ("application/vnd.ogc.gml/3.1.1", InfoFormat::Gml),
    ("text/xml; subtype=gml/3.1.1", InfoFormat::Gml),
];

/// Forms of a legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegendFormat {
    /// A picture.
    Picture(Format),
    /// Classes as JSON.
    Json,
}

/// Media types of GetLegendGraphic.
pub const LEGEND_FORMATS: [(&str, LegendFormat); 3] = [
    ("image/png", LegendFormat::Picture(Format::Png)),
    ("image/jpeg", LegendFormat::Picture(Format::Jpeg)),
    ("application/json", LegendFormat::Json),
];

/// How errors of GetMap are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceptions {
    /// As XML.
    Xml,
    /// In the picture.
    InImage,
    /// An empty picture.
    Blank,
}

/// Values of `EXCEPTIONS` (1.3.0 §6.11.4; 1.1.1 §6.7).
pub fn exception_formats(version: Version) -> [(&'static str, Exceptions); 3] {
    match version {
        Version::V130 => [("XML", Exceptions::Xml), ("INIMAGE", Exceptions::InImage), ("BLANK", Exceptions::Blank)],
        Version::V111 => [
            ("application/vnd.ogc.se_xml", Exceptions::Xml),
            ("application/vnd.ogc.se_inimage", Exceptions::InImage),
            ("application/vnd.ogc.se_blank", Exceptions::Blank),
        ],
    }
}

/// The parameters of one request.
pub struct Params<'a> {
    /// The request.
    pub request: &'a Request,
    /// Version spoken.
    pub version: Version,
}

fn find<T: Copy>(value: &str, tables: &[&[(&str, T)]]) -> Option<T> {
    tables.iter().flat_map(|t| t.iter()).find(|(name, _)| name.eq_ignore_ascii_case(value.trim())).map(|(_, v)| *v)
}

impl<'a> Params<'a> {
    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.request.kvp(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn need(&self, name: &'static str) -> Result<&'a str> {
        self.get(name).ok_or(Error::Missing { name })
    }

    /// A complaint in the language of the request.
    pub fn wrong(&self, name: &str, value: &str, fr: &str, en: &str) -> Error {
        Error::invalid(name, value, Reason::Told(if self.request.french { fr } else { en }.to_owned()))
    }

    /// `EXCEPTIONS`; what is not known counts as XML.
    pub fn exceptions(&self) -> Exceptions {
        let value = self.get("EXCEPTIONS").unwrap_or_default();
        let (a, b) = (exception_formats(Version::V130), exception_formats(Version::V111));
        find(value, &[&a, &b]).unwrap_or(Exceptions::Xml)
    }

    /// The picture that takes the place of a map which cannot be drawn, when one is asked for and its size makes sense.
    pub fn error_picture(&self, limit: u64) -> Option<ErrorPicture> {
        let blank = match self.exceptions() {
            Exceptions::Xml => return None,
            Exceptions::InImage => false,
            Exceptions::Blank => true,
        };
        let side = |name| self.get(name)?.parse::<u32>().ok().filter(|v| *v > 0);
        let (width, height) = (side("WIDTH")?, side("HEIGHT")?);
        let format = self.get("FORMAT").and_then(|f| find(f, &[&MAP_FORMATS, &MAP_ALIASES])).unwrap_or(Format::Png);
        (u64::from(width) * u64::from(height) <= limit).then(|| ErrorPicture {
            blank,
            width,
            height,
            format,
            transparent: self.transparent().unwrap_or(false),
            background: self.background().unwrap_or(0xff_ffff),
        })
    }

    /// `FORMAT` of a map.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Format`].
    pub fn map_format(&self) -> Result<Format> {
        let value = self.need("FORMAT")?;
        let format = find(value, &[&MAP_FORMATS, &MAP_ALIASES]).ok_or_else(|| not_offered(value))?;
        Ok(format)
    }

    /// `INFO_FORMAT`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Format`].
    pub fn info_format(&self) -> Result<InfoFormat> {
        let value = self.need("INFO_FORMAT")?;
        find(value, &[&INFO_FORMATS, &INFO_ALIASES]).ok_or_else(|| not_offered(value))
    }

    /// `FORMAT` of a legend.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Format`].
    pub fn legend_format(&self) -> Result<LegendFormat> {
        let value = self.need("FORMAT")?;
        let alias = || find(value, &[&MAP_ALIASES]).map(LegendFormat::Picture);
        find(value, &[&LEGEND_FORMATS]).or_else(alias).ok_or_else(|| not_offered(value))
    }

    /// `CRS` or `SRS`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Crs`].
    pub fn crs(&self) -> Result<Crs> {
        // Some clients keep the old name in the new version, and the other way round.
        let name = self.version.crs_parameter();
        let value = self.get(name).or_else(|| self.get("CRS")).or_else(|| self.get("SRS"));
        let value = value.ok_or(Error::Missing { name })?;
        Crs::parse(value).map(|(crs, _)| crs).ok_or_else(|| Error::Crs { name: crate::error::printable(value) })
    }

    /// `BBOX`, in `[x, y]` order.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`].
    pub fn bbox(&self, crs: Crs) -> Result<Envelope> {
        let value = self.need("BBOX")?;
        let wrong = || {
            self.wrong(
                "BBOX",
                value,
                "il faut quatre nombres séparés par des virgules, les minimums avant les maximums",
                "four numbers are needed, separated by commas, minima before maxima",
            )
        };
        // A plus sign that was not encoded arrives as a blank.
        let number = |n: &str| n.trim().replace(' ', "+").parse::<f64>().ok().filter(|n| n.is_finite());
        let numbers: Vec<f64> = value.split(',').map(number).collect::<Option<_>>().ok_or_else(wrong)?;
        let [a, b, c, d] = numbers.as_slice() else { return Err(wrong()) };
        let corners = match self.version.axes(crs) {
            Axes::EastNorth => [*a, *b, *c, *d],
            Axes::NorthEast => [*b, *a, *d, *c],
        };
        let envelope = Envelope::new(corners[0], corners[1], corners[2], corners[3]).ok_or_else(wrong)?;
        // An area of zero is an exception (§7.3.3.6).
        if envelope.width() > 0.0 && envelope.height() > 0.0 { Ok(envelope) } else { Err(wrong()) }
    }

    /// A positive whole number.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`].
    pub fn count(&self, name: &'static str) -> Result<u32> {
        let value = self.need(name)?;
        value.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(|| {
            self.wrong(name, value, "un nombre entier positif est attendu", "a positive whole number is needed")
        })
    }

    /// `TRANSPARENT`.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn transparent(&self) -> Result<bool> {
        match self.get("TRANSPARENT") {
            None => Ok(false),
            Some(v) if v.eq_ignore_ascii_case("TRUE") => Ok(true),
            Some(v) if v.eq_ignore_ascii_case("FALSE") => Ok(false),
            Some(v) => Err(self.wrong("TRANSPARENT", v, "TRUE ou FALSE est attendu", "TRUE or FALSE is needed")),
        }
    }

    /// `BGCOLOR`, `0xRRGGBB` (§6.5.2: hexadecimal).
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn background(&self) -> Result<u32> {
        let Some(value) = self.get("BGCOLOR") else { return Ok(0xff_ffff) };
        let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")).or_else(|| value.strip_prefix('#'));
        digits
            .filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok())
            .ok_or_else(|| self.wrong("BGCOLOR", value, "0xRRVVBB est attendu", "0xRRGGBB is needed"))
    }

    /// Pixels per inch: `DPI`, `MAP_RESOLUTION` or `FORMAT_OPTIONS=dpi:n` as QGIS sends them, else that of the standard's
    /// pixel of 0.28 mm. Values that make no sense are passed over, as parameters of no standard are.
    pub fn dpi(&self) -> f64 {
        let options = self.get("FORMAT_OPTIONS").or_else(|| self.get("LEGEND_OPTIONS"));
        let option = options.and_then(|o| o.split(';').find_map(|p| p.trim().strip_prefix("dpi:")));
        let asked = self.get("DPI").or_else(|| self.get("MAP_RESOLUTION")).or(option);
        asked
            .and_then(|v| v.trim().parse::<f64>().ok())
            .filter(|v| v.is_finite() && *v > 0.0)
            .map_or(25.4 / 0.28, |v| v.clamp(30.0, 600.0))
    }

    /// Refuses what would make the server read a style or data of the client's choice.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the parameter.
    pub fn no_foreign_styles(&self) -> Result<()> {
        for name in ["SLD", "SLD_BODY", "REMOTE_OWS_TYPE", "REMOTE_OWS_URL", "WFS"] {
            if let Some(value) = self.get(name) {
                return Err(self.wrong(
                    name,
                    value,
                    "ce service ne lit ni style ni donnée d'ailleurs ; choisissez un style dans les capacités",
                    "this service reads no styles or data from elsewhere; choose a style of the capabilities",
                ));
            }
        }
        Ok(())
    }
}

fn not_offered(format: &str) -> Error {
    Error::Format { name: crate::error::printable(format) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wms::testing::request;

    fn with<T>(query: &str, version: Version, f: impl FnOnce(&Params<'_>) -> T) -> T {
        let request = request(query);
        f(&Params { request: &request, version })
    }

    #[test]
    fn versions_are_negotiated_downwards() {
        for (asked, version) in [
            (None, Version::V130),
            (Some("1.3.0"), Version::V130),
            (Some("2.0.0"), Version::V130),
            (Some("1.2.0"), Version::V111),
            (Some("1.1.1"), Version::V111),
            (Some("1.0.0"), Version::V111),
            (Some("chat"), Version::V130),
        ] {
            assert_eq!(Version::negotiate(asked), version, "{asked:?}");
        }
    }

    #[test]
    fn latitude_comes_first_in_1_3_0_only() {
        let bbox = |query: &str, version| with(query, version, |p| p.bbox(p.crs().unwrap()).unwrap());
        let lille = Envelope::new(2.9, 50.5, 3.2, 50.7).unwrap();
        for crs in ["EPSG:4326", "EPSG:4171", "EPSG:4258"] {
            assert_eq!(bbox(&format!("CRS={crs}&BBOX=50.5,2.9,50.7,3.2"), Version::V130), lille);
            assert_eq!(bbox(&format!("SRS={crs}&BBOX=2.9,50.5,3.2,50.7"), Version::V111), lille);
        }
        assert_eq!(bbox("CRS=CRS:84&BBOX=2.9,50.5,3.2,50.7", Version::V130), lille);
        let metres = Envelope::new(1e6, 2.0, 3e6, 4.0).unwrap();
        assert_eq!(bbox("crs=EPSG:2154&bbox=1e+06,2,3e6,4", Version::V130), metres);
        assert_eq!(bbox("CRS=EPSG:3950&BBOX=1000000,2,3000000,4", Version::V130), metres);
    }

    #[test]
    fn boxes_that_are_none_are_refused() {
        for bbox in ["1,2,3", "1,2,3,4,5", "a,2,3,4", "NaN,0,1,1", "inf,0,1,1", "3,2,1,4", "1,2,1,4", ""] {
            let query = format!("CRS=EPSG:2154&BBOX={bbox}");
            assert!(with(&query, Version::V130, |p| p.bbox(Crs::Lambert93)).is_err(), "{bbox}");
        }
    }

    #[test]
    fn formats_are_read_whatever_their_case() {
        let format = |f: &str| with(&format!("FORMAT={f}"), Version::V130, |p| p.map_format());
        assert_eq!(format("image/PNG"), Ok(Format::Png));
        assert_eq!(format("image/png;%20mode=8bit"), Ok(Format::Png8));
        assert_eq!(format("image/gif"), Err(Error::Format { name: "image/gif".into() }));
        assert_eq!(format(""), Err(Error::Missing { name: "FORMAT" }));
    }

    #[test]
    fn resolution_comes_as_qgis_sends_it() {
        let dpi = |q: &str| with(q, Version::V130, |p| p.dpi());
        assert_eq!(dpi("DPI=100&MAP_RESOLUTION=100&FORMAT_OPTIONS=dpi:100"), 100.0);
        assert_eq!(dpi("FORMAT_OPTIONS=antialias:on;dpi:180"), 180.0);
        assert!((dpi("DPI=chat") - 90.714).abs() < 0.001);
        assert_eq!(dpi("DPI=1e9"), 600.0);
    }

    #[test]
    fn no_style_or_data_of_the_client_is_read() {
        for name in ["SLD", "sld_body", "REMOTE_OWS_URL"] {
            let query = format!("{name}=http://exemple.invalid/x.sld");
            let error = with(&query, Version::V130, |p| p.no_foreign_styles()).unwrap_err();
            assert!(matches!(error, Error::Invalid { name: n, .. } if n.eq_ignore_ascii_case(name)));
        }
        assert!(with("SLD_VERSION=1.1.0", Version::V130, |p| p.no_foreign_styles()).is_ok());
    }

    #[test]
    fn colours_are_hexadecimal() {
        let color = |c: &str| with(&format!("BGCOLOR={c}"), Version::V130, |p| p.background());
        assert_eq!(color("0xFF8800"), Ok(0xff_8800));
        assert_eq!(color(""), Ok(0xff_ffff));
        for wrong in ["FF8800", "0xFF88", "0x+F8800", "red"] {
            assert!(color(wrong).is_err(), "{wrong}");
        }
    }
}
