//! What an auditor does with the access record: prove it whole, trace a found file, extract an incident, purge, end a convention.

pub mod destruction;
pub mod incident;
pub mod models;
pub mod purge;
pub mod verify;

use super::ConventionError;
use crate::db::DbError;
use minijinja::Value;

type Result<T> = std::result::Result<T, ConventionError>;

/// An error of a statement, with what was being done.
fn fail(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> ConventionError + Copy {
    move |source| ConventionError::Database(DbError::Statement { doing, source })
}

/// Fills a template; a name that ends in `.html` escapes. What is made for paper shares one style sheet.
pub(super) fn fill(name: &'static str, template: &'static str, values: Value) -> Result<String> {
    let fail = |e: minijinja::Error| ConventionError::Report { reason: e.to_string() };
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment
        .add_template("papier.css", include_str!("../../../capabilities/templates/papier.css"))
        .and_then(|()| environment.add_template(name, template))
        .map_err(fail)?;
    environment.get_template(name).and_then(|t| t.render(values)).map_err(fail)
}

/// Rows as CSV (semicolons, UTF-8 with BOM: what French spreadsheets read), safe from formulas.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let fail = |e: &dyn std::fmt::Display| ConventionError::Report { reason: e.to_string() };
    let mut out = csv::WriterBuilder::new().delimiter(b';').from_writer("\u{feff}".as_bytes().to_vec());
    out.write_record(header).map_err(|e| fail(&e))?;
    for row in rows {
        out.write_record(row.iter().map(|c| super::report::plain(c))).map_err(|e| fail(&e))?;
    }
    out.into_inner().map_err(|e| fail(&e))
}
