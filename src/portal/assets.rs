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
    "icon.svg" => "image/svg+xml",
    "portail.css" => "text/css; charset=utf-8",
    "portail.js" => "text/javascript; charset=utf-8",
    "minimap.js" => "text/javascript; charset=utf-8",
    "ol.js" => "text/javascript; charset=utf-8",
    "ol.css" => "text/css; charset=utf-8",
    "ol.LICENSE.md" => "text/markdown; charset=utf-8",
];

/// A file by name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|a| a.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_files_name_no_host_and_send_the_certificate() {
        for a in ASSETS.iter().filter(|a| !a.name.starts_with("ol.")) {
            let text = std::str::from_utf8(a.body).unwrap();
            // The name of the SVG namespace is no address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", a.name);
            for call in text.split("fetch(").skip(1) {
                let line = call.lines().next().unwrap_or_default();
                assert!(line.contains("credentials: \"include\""), "{}: fetch({line}", a.name);
            }
        }
    }

    #[test]
    fn every_file_that_a_template_names_is_there() {
        let templates = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/capabilities/templates")).unwrap();
        let files = templates.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        for template in files {
            let text = std::fs::read_to_string(template).unwrap();
            for name in text.split("/static/").skip(1).filter_map(|t| t.split('"').next()) {
                assert!(asset(name).is_some(), "{name}");
            }
        }
    }
}
