//! XML documents out of templates.

use crate::error::{Error, Result};
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

/// Templates whose values are escaped as XML.
///
/// # Errors
/// A template that cannot be read.
pub fn xml(templates: &[(&'static str, &'static str)]) -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("xml".into()));
    // The built-in escaping is HTML's, which also escapes `/`: right, but addresses become unreadable.
    environment.set_formatter(|out, _state, value| match value.kind() {
        ValueKind::None | ValueKind::Undefined => Ok(()),
        // What a macro wrote is escaped already.
        _ if value.is_safe() => out.write_str(&value.to_string()).map_err(minijinja::Error::from),
        _ => {
            let mut text = String::new();
            crate::filter::fes::xml::escape(&value.to_string(), &mut text);
            out.write_str(&text).map_err(minijinja::Error::from)
        }
    });
    for (name, text) in templates {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

/// Fills a template.
///
/// # Errors
/// [`Error::Internal`]: the template does not fit what it is given, which the log tells.
pub fn fill(
    environment: &std::result::Result<Environment<'static>, minijinja::Error>,
    template: &str,
    values: Value,
) -> Result<String> {
    let made = environment.as_ref().map_err(|e| format!("{e:#}")).and_then(|environment| {
        let template = environment.get_template(template).map_err(|e| format!("{e:#}"))?;
        template.render(values).map_err(|e| format!("{e:#}"))
    });
    made.map_err(|error| {
        tracing::error!(template, error, "a document could not be made");
        Error::Internal
    })
}
