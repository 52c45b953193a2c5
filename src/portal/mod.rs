//! The HTML pages: templates of `capabilities/templates/`, filled by minijinja with autoescape.
//!
//! Pages hold no inline script or style and name no other host, so that a strict `Content-Security-Policy` fits all.

pub mod assets;

use crate::catalogue::Text;
use crate::convention::Terms;
use crate::error::{Error, Result};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use std::sync::LazyLock;

/// What every page shows round its content.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Absolute address of the landing page, without trailing slash: for people to copy.
    pub base: &'a str,
    /// Language: French, else English.
    pub french: bool,
    /// Address of this page in French.
    pub in_french: &'a str,
    /// Address of this page in English.
    pub in_english: &'a str,
    /// Address of the same as a document for programs.
    pub json: &'a str,
    /// Title of the service.
    pub service: &'a Text,
    /// Name of the provider.
    pub provider: &'a str,
    /// Attribution of the data.
    pub attribution: &'a Text,
    /// Terms of the client's convention.
    pub terms: &'a Terms,
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../capabilities/templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "base.html",
    "landing.html",
    "conformance.html",
    "api.html",
    "collections.html",
    "collection.html",
    "schema.html",
    "items.html",
    "feature.html",
    "tms_list.html",
    "tms.html",
    "tilesets.html",
    "tileset.html",
    "styles.html",
    "style.html",
    "portail.html",
    "whoami.html",
    "error.html",
];

static PAGES: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // A misspelt name in a template is a fault that a test finds, not a blank on a page.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    environment.add_filter("segment", |text: String| {
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    environment.add_filter("path", |address: String| path_of(&address).to_owned());
    Ok(environment)
});

/// Fills a template with a document.
///
/// In templates, `t(french, english)` picks the text of the page's language, `doc` is the document.
///
/// # Errors
/// [`Error::Internal`] when the template fails; the log says where.
pub fn page(name: &str, frame: &Frame, document: &impl Serialize) -> Result<String> {
    let french = frame.french;
    let terms = context! {
        convention => &frame.terms.convention,
        partner => &frame.terms.partner,
        purposes => &frame.terms.purposes,
        until => &frame.terms.until,
        constraints => frame.terms.constraints(french),
    };
    let values = context! {
        root => path_of(frame.base),
        base => frame.base,
        lang => if french { "fr" } else { "en" },
        in_french => frame.in_french,
        in_english => frame.in_english,
        json => frame.json,
        service => frame.service.get(french),
        provider => frame.provider,
        attribution => frame.attribution.get(french),
        terms => terms,
        version => env!("CARGO_PKG_VERSION"),
        t => Value::from_function(move |fr: String, en: String| if french { fr } else { en }),
        doc => Value::from(Serde(document)),
    };
    render(name, values)
}

/// Path of an address: what the pages' own links begin with, so that they work under whatever name the server was reached.
fn path_of(address: &str) -> &str {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    host.find('/').map_or("", |at| &host[at..])
}

/// What pages may load: files of this server, and pictures that scripts make.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Fills a template that stands without the frame of a convention: the page of an error. `base` is the address that the client
/// knows the server by; its own links begin with its path.
///
/// # Errors
/// [`Error::Internal`] when the template fails; the log says where.
pub fn bare(name: &str, french: bool, base: &str, document: &impl Serialize) -> Result<String> {
    let values = context! {
        root => path_of(base),
        lang => if french { "fr" } else { "en" },
        t => Value::from_function(move |fr: String, en: String| if french { fr } else { en }),
        doc => Value::from(Serde(document)),
    };
    render(name, values)
}

fn render(name: &str, values: Value) -> Result<String> {
    let fault = |e: &minijinja::Error| {
        tracing::error!(template = name, error = %format!("{e:#}"), "a page could not be made");
        Error::Internal
    };
    let environment = PAGES.as_ref().map_err(fault)?;
    environment.get_template(name).and_then(|t| t.render(values)).map_err(|e| fault(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_links_begin_with_the_path() {
        assert_eq!(path_of("https://portail.example:8443"), "");
        assert_eq!(path_of("https://cartes.example/hlm/ogc"), "/hlm/ogc");
    }

    #[test]
    fn every_template_is_sound() {
        if let Err(e) = PAGES.as_ref() {
            panic!("{e:#}");
        }
    }

    #[test]
    fn no_page_names_another_host_or_holds_script() {
        for (name, source) in TEMPLATES {
            assert!(!source.contains("http://") && !source.contains("https://"), "{name} names a host");
            assert!(!source.contains(" style=") && !source.contains(" onclick"), "{name} has inline style or script");
            for script in source.split("<script").skip(1) {
                assert!(
                    script.trim_start().starts_with("src=") || script.trim_start().starts_with("type=\"module\" src="),
                    "{name}"
                );
            }
        }
    }
}
