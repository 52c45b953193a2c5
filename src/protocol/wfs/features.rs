//! GetFeature: the answer side.

use super::collection::{self, Setting, Tally};
use super::format::Format;
use super::json;
use super::links::{self, Request};
use super::plan::Plan;
use super::request::GetFeature;
use super::version::Version;
use crate::encode::Features;
use crate::encode::gml::{Dialect, Gml, Spelling};
use crate::error::{Error, NameKind, Result};
use crate::filter::instant::write_instant;
use crate::protocol::{Answer, Context, Reply, files};
use crate::store::{Fetched, Rows};

/// Answers GetFeature with features.
pub(super) struct FeatureReply {
    pub request: GetFeature,
    pub plan: Plan,
    pub version: Version,
    pub format: Format,
}

/// Answers GetFeature with `resultType=hits`.
pub(super) struct HitsReply {
    pub request: GetFeature,
    pub plan: Plan,
    pub version: Version,
    pub dialect: Dialect,
}

/// Cuts the parts of several queries to one window over all of them: what a part gives depends on how many features the
/// parts before it hold.
pub(super) fn window(parts: &mut [Rows], start: u64, count: u64) {
    if parts.len() < 2 {
        return;
    }
    let (mut skip, mut left) = (start, count);
    for part in parts {
        let first = usize::try_from(skip.min(part.rows.len() as u64)).unwrap_or(usize::MAX);
        skip = skip.saturating_sub(part.matched);
        part.rows.drain(..first);
        part.rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        part.start = first as u64;
        left -= part.rows.len() as u64;
    }
}

/// Figures and links of a page (09-025r2 §7.7.4.4).
pub(super) fn tally(matched: u64, returned: u64, plan: &Plan, link: impl Fn(u64, u64) -> Option<String>) -> Tally {
    let end = plan.start.saturating_add(returned);
    let next = if end < matched && plan.count > 0 { link(end, plan.count) } else { None };
    let previous = match plan.start {
        0 => None,
        start => {
            let begin = start.saturating_sub(plan.count);
            link(begin, start - begin)
        }
    };
    Tally { matched, returned, next, previous }
}

impl Reply for FeatureReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let Fetched::Features(mut parts) = fetched else { return Err(Error::Internal) };
        let plan = &self.plan;
        window(&mut parts, plan.start, plan.count);
        let matched = parts.iter().map(|p| p.matched).sum();
        let returned: u64 = parts.iter().map(|p| p.rows.len() as u64).sum();
        if let Some(id) = plan.single.as_deref().filter(|_| returned == 0) {
            return Err(Error::unknown(NameKind::Feature, id));
        }
        let publication = parts.first().map_or(0, |p| p.snapshot.publication);
        let request = Request::Features(&self.request);
        let link = |start, count| links::page(&context.base_url, self.version, request, start, count, publication);
        let tally = tally(matched, returned, plan, link);
        match self.format {
            Format::Gml(dialect) => self.gml(parts, dialect, tally, context),
            Format::GeoJson => {
                let producer = json::geojson(parts, &tally, plan.single.is_some(), context)?;
                Ok(Answer::produced(self.format.media_type(), returned, producer))
            }
            Format::Csv | Format::Shapefile | Format::Xlsx => {
                let producer = match self.format {
                    Format::Csv => json::csv(parts, context)?,
                    Format::Shapefile => files::shapefiles(parts, context, context.french)?,
                    _ => files::workbook(parts, context, context.french)?,
                };
                Ok(Answer::produced(self.format.media_type(), returned, producer))
            }
        }
    }
}

impl FeatureReply {
    fn gml(&self, parts: Vec<Rows>, dialect: Dialect, tally: Tally, context: &Context) -> Result<Answer> {
        let plan = &self.plan;
        let spellings: Vec<Spelling> = plan.parts.iter().map(|p| p.spelling.clone()).collect();
        let mut layers: Vec<&str> = Vec::new();
        for part in &plan.parts {
            if !layers.contains(&part.layer.as_str()) {
                layers.push(&part.layer);
            }
        }
        let features = tally.returned;
        let setting = Setting { context, version: self.version, dialect, layers, tally };
        let catalogue = &context.site.catalogue;
        let media = self.format.media_type();
        let gml = if plan.single.is_some() {
            let head = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", collection::terms(context));
            let frame = crate::encode::gml::Frame {
                head: head.into_bytes(),
                root: collection::root_attributes(&setting),
                ..Default::default()
            };
            Gml::new(catalogue, &parts, &spellings, dialect, frame)?
        } else {
            Gml::new(catalogue, &parts, &spellings, dialect, collection::frame(&setting, &parts, &spellings)?)?
        };
        Ok(Answer::produced(media, features, Box::new(Features::new(gml, parts))))
    }
}

impl Reply for HitsReply {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let Fetched::Count(counts) = fetched else { return Err(Error::Internal) };
        let matched: u64 = counts.iter().sum();
        let xml = match self.dialect {
            Dialect::V32 => {
                // `next` leads to the first page of what was counted (09-025r2 §7.7.4.2).
                let request = Request::Features(&self.request);
                let (base, count) = (&context.base_url, self.plan.count);
                let named = self.request.presentation.publication;
                let publication = named.unwrap_or(context.site.publication);
                let next =
                    (matched > 0).then(|| links::page(base, self.version, request, 0, count, publication)).flatten();
                let tally = Tally { matched, returned: 0, next, previous: None };
                let setting =
                    Setting { context, version: self.version, dialect: Dialect::V32, layers: Vec::new(), tally };
                let open = collection::open_2(&setting, "FeatureCollection");
                format!("{open}</wfs:FeatureCollection>\n")
            }
            _ => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wfs:FeatureCollection \
                 xmlns:wfs=\"http://www.opengis.net/wfs\" xmlns:xsi=\"{}\" xsi:schemaLocation=\"http://www.opengis.net/wfs \
                 http://schemas.opengis.net/wfs/1.1.0/wfs.xsd\" timeStamp=\"{}\" numberOfFeatures=\"{matched}\"/>\n",
                collection::XSI,
                write_instant(context.now)
            ),
        };
        let media = Format::Gml(self.dialect).media_type();
        Ok(Answer::ok(media, xml.into_bytes()))
    }
}
