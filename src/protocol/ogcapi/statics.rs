//! Static files of the pages.

use super::ask::{Ask, Write};
use super::resource::Plan;
use crate::convention::Operation;
use crate::error::{Error, Result};
use crate::portal::assets::asset;
use crate::protocol::{Answer, Context};
use crate::query::Query;
use crate::store::Fetched;

/// `/static/{file}`
///
/// # Errors
/// [`Error::NotFound`].
pub fn file(ask: &Ask) -> Result<Plan> {
    let file = asset(ask.variable("file")?).ok_or_else(|| Error::NotFound { path: ask.request.path.clone() })?;
    let reply = Write(move |_: Fetched, _: &Context| Ok(Answer::ok(file.media, file.body)));
    let operation = ask.site.operations.first().copied().unwrap_or(Operation::Wms);
    Ok(Plan { query: Query::Describe(Vec::new()), operation, data: false, reply: Box::new(reply) })
}
