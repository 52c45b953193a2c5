//! Static files: style sheet, scripts, the map library. Compiled in, so that the server needs no directory of them.

/// A static file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Name below `/static/`.
    pub name: &'static str,
    /// Media type.
    pub media: &'static str,
    /// Content.
    pub body: &'static [u8],
}

macro_rules! assets {
    ($($name:literal => $media:literal),* $(,)?) => {
        &[$(Asset { name: $name, media: $media, body: include_bytes!(concat!("../../capabilities/static/", $name)) }),*]
    };
}

/// All of them.
pub const ASSETS: &[Asset] = assets![
    "seuil.css" => "text/css; charset=utf-8",
];

/// A file by name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|a| a.name == name)
}
