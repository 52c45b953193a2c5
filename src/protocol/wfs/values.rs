//! GetPropertyValue (09-025r2 §10): the values of one property.

use super::collection::{self, Setting};
use super::features::{tally, window};
use super::format::Format;
use super::links::{self, Request};
use super::plan::{Plan, Wanted, wanted};
use super::request::GetPropertyValue;
use super::version::Version;
use crate::catalogue::{FieldId, Layer};
use crate::encode::gml::{Dialect, GeometryWriter, write_id};
use crate::encode::positions::Positions;
use crate::encode::{Encoder, Features};
use crate::error::{Error, Result};
use crate::filter::{Expr, Filter};
use crate::protocol::{Answer, Context, Reply, Site};
use crate::store::{Fetched, Rows};

/// Narrows a plan to the features that hold a value, and to what the value needs.
pub(super) fn narrow(plan: &mut Plan, request: &GetPropertyValue, site: &Site) -> Result<()> {
    let format = Format::find(request.presentation.format.as_deref(), Version::V200)?;
    if format != Format::Gml(Dialect::V32) {
        return Err(Error::Format { name: request.presentation.format.clone().unwrap_or_default() });
    }
    for part in &mut plan.parts {
        let wanted = wanted(&request.value, part, site)?;
        let select = &mut part.select;
        (select.fields, select.geometry) = match wanted {
            Wanted::Field(f) => (vec![f], false),
            Wanted::Geometry => (Vec::new(), true),
            Wanted::Id | Wanted::Absent => (Vec::new(), false),
        };
        let filter = std::mem::replace(&mut select.filter, Filter::All);
        // Values are counted, not features: those without one are left out.
        select.filter = match wanted {
            Wanted::Field(f) => filter.and(Filter::Not(Box::new(Filter::IsNull(Expr::Field(f))))),
            Wanted::Absent => Filter::Ids(Vec::new()),
            Wanted::Geometry | Wanted::Id => filter,
        };
    }
    Ok(())
}

/// Answers GetPropertyValue.
pub(super) struct ValueReply {
    pub request: GetPropertyValue,
    pub plan: Plan,
    pub version: Version,
}

impl Reply for ValueReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let plan = &self.plan;
        let (parts, matched, publication) = match fetched {
            Fetched::Features(mut parts) => {
                window(&mut parts, plan.start, plan.count);
                let matched = parts.iter().map(|p| p.matched).sum();
                let publication = parts.first().map_or(0, |p| p.snapshot.publication);
                (parts, matched, publication)
            }
            Fetched::Count(counts) => (Vec::new(), counts.iter().sum(), context.site.publication),
            _ => return Err(Error::Internal),
        };
        let returned: u64 = parts.iter().map(|p| p.rows.len() as u64).sum();
        let request = Request::Values(&self.request);
        let link = |start, count| links::page(&context.base_url, self.version, request, start, count, publication);
        let tally = tally(matched, returned, plan, link);
        let setting = Setting { context, version: self.version, dialect: Dialect::V32, layers: Vec::new(), tally };
        let mut layers = Vec::new();
        for (rows, part) in parts.iter().zip(&plan.parts) {
            let layer = context.site.catalogue.layer_by_id(rows.layer).ok_or(Error::Internal)?;
            layers.push(Value::new(layer, rows, part)?);
        }
        let head = collection::open_2(&setting, "ValueCollection").into_bytes();
        let values = Values { head, parts: layers, current: 0, id: String::new(), scratch: String::new() };
        let media = Format::Gml(Dialect::V32).media_type();
        Ok(Answer::produced(media, returned, Box::new(Features::new(values, parts))))
    }
}

/// What is written of each row of a part.
enum Value {
    Field(FieldId),
    Geometry { layer: String, writer: Box<GeometryWriter> },
    Id { layer: String },
}

impl Value {
    fn new(layer: &Layer, rows: &Rows, part: &super::plan::Part) -> Result<Value> {
        Ok(match (rows.fields.first(), rows.geometry) {
            (Some(field), _) => Value::Field(*field),
            (None, true) => {
                let positions = Positions::new(rows.crs, part.spelling.axes)?;
                let writer = GeometryWriter::new("", layer.geometry, positions, &part.spelling.srs_name, Dialect::V32);
                Value::Geometry { layer: layer.name.clone(), writer: Box::new(writer) }
            }
            (None, false) => Value::Id { layer: layer.name.clone() },
        })
    }
}

struct Values {
    head: Vec<u8>,
    parts: Vec<Value>,
    current: usize,
    id: String,
    scratch: String,
}

impl Encoder for Values {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
    }

    fn row(&mut self, rows: &Rows, row: u32, _first: bool, out: &mut Vec<u8>) {
        let Some(value) = self.parts.get(self.current) else { return };
        let data = rows.data();
        self.id.clear();
        out.extend_from_slice(b"<wfs:member>");
        match value {
            Value::Field(f) => out.extend_from_slice(data.column(*f).xml(row)),
            Value::Geometry { layer, writer } => {
                write_id(layer, data, row, &mut self.scratch, &mut self.id);
                writer.write(&data.table.geometry, data.feature(row), Some(&self.id), out);
            }
            Value::Id { layer } => {
                write_id(layer, data, row, &mut self.scratch, &mut self.id);
                out.extend_from_slice(self.id.as_bytes());
            }
        }
        out.extend_from_slice(b"</wfs:member>\n");
    }

    fn part_end(&mut self, _part: &Rows, _out: &mut Vec<u8>) {
        self.current += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</wfs:ValueCollection>\n");
    }
}
