//! Features of a collection (17-069r4 §7.15, §7.16): the answer side.

use super::ask::{Page, Write};
use super::links::{Link, links_json, segment};
use super::negotiate::Format;
use super::resource::Plan;
use super::table;
use crate::catalogue::{Layer, LayerId};
use crate::convention::Operation;
use crate::encode::csv::{Csv, Style};
use crate::encode::geojson::{FeatureIds, GeoJson, Members};
use crate::error::{Error, NameKind, Result};
use crate::filter::instant::write_instant;
use crate::geo::Crs;
use crate::protocol::{Answer, Context, Reply, files};
use crate::query::{Query, Select};
use crate::store::{Fetched, Rows};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");
const MATCHED: HeaderName = HeaderName::from_static("ogc-numbermatched");
const RETURNED: HeaderName = HeaderName::from_static("ogc-numberreturned");

/// A page of features.
pub struct Listing {
    /// The request.
    pub page: Page,
    /// The collection.
    pub layer: LayerId,
    /// Features of a page at most.
    pub limit: u64,
    /// Features skipped.
    pub offset: u64,
}

/// Terms of use that travel with the data.
pub fn terms(context: &Context, french: bool) -> Value {
    let terms = &context.site.terms;
    json!({
        "convention": terms.convention,
        "partner": terms.partner,
        "purposes": terms.purposes,
        "until": terms.until,
        "constraints": terms.constraints(french),
        "download": context.download,
    })
}

fn one_part(fetched: Fetched) -> Result<Rows> {
    match fetched {
        Fetched::Features(mut parts) if parts.len() == 1 => parts.pop().ok_or(Error::Internal),
        _ => Err(Error::Internal),
    }
}

fn layer_of(context: &Context, id: LayerId) -> Result<&Layer> {
    context.site.catalogue.layer_by_id(id).ok_or_else(|| Error::unknown(NameKind::Collection, ""))
}

/// Members of a JSON object without its braces.
fn members(document: &Value) -> Vec<u8> {
    let text = document.to_string();
    let inside = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    inside.unwrap_or_default().as_bytes().to_vec()
}

/// `Content-Crs` (18-058r1 §6.5): the URI in angle brackets.
fn content_crs(crs: Crs) -> Option<(HeaderName, HeaderValue)> {
    HeaderValue::from_str(&format!("<{}>", crs.uri())).ok().map(|v| (CONTENT_CRS, v))
}

impl Listing {
    fn links(&self, rows: &Rows, layer: &Layer) -> Vec<Link> {
        let page = &self.page;
        let mut links = page.own_links();
        let returned = rows.rows.len() as u64;
        // Pages of one reading belong to one publication: the links name it.
        let publication = rows.snapshot.publication.to_string();
        let limit = self.limit.to_string();
        let mut turn = |rel: &str, text: [&'static str; 2], offset: u64| {
            let offset = offset.to_string();
            let href = page.with(&[
                ("f", Some(page.offer.f)),
                ("limit", Some(&limit)),
                ("offset", Some(&offset)),
                ("publication", Some(&publication)),
            ]);
            links.push(Link::new(rel, page.offer.bare(), page.say(&text), href));
        };
        if self.offset > 0 {
            turn("prev", ["Page précédente", "Previous page"], self.offset.saturating_sub(self.limit));
        }
        if returned > 0 && self.offset + returned < rows.matched {
            turn("next", ["Page suivante", "Next page"], self.offset + returned);
        }
        let base = page.url(&format!("/collections/{}", segment(&layer.name)));
        links.push(Link::new("collection", "application/json", page.text(&layer.title), format!("{base}?f=json")));
        let terms = ["Convention et conditions d'utilisation", "Convention and terms of use"];
        links.push(Link::new("license", "text/html", page.say(&terms), page.url("/whoami?f=html")));
        links
    }
}

impl Reply for Listing {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        let rows = one_part(fetched)?;
        let catalogue = &context.site.catalogue;
        let layer = layer_of(context, self.layer)?;
        let links = self.links(&rows, layer);
        let (matched, returned, crs) = (rows.matched, rows.rows.len() as u64, rows.crs);
        let media = self.page.offer.media;
        let mut answer = match self.page.offer.format {
            Format::Html => {
                let document = table::listing(&self.page, layer, &rows, &links, self.limit, self.offset);
                self.page.html("items.html", &document, context)?
            }
            Format::Csv => {
                let csv = Csv::new(catalogue, &rows, Style { delimiter: b',', mark: false })?;
                Answer::produced(media, returned, csv.produce(rows))
            }
            Format::Shapefile => {
                let producer = files::shapefiles(vec![rows], context, self.page.french)?;
                Answer::produced(media, returned, producer)
            }
            Format::Xlsx => {
                let producer = files::workbook(vec![rows], context, self.page.french)?;
                Answer::produced(media, returned, producer)
            }
            _ => {
                let head = json!({
                    "numberMatched": matched,
                    "numberReturned": returned,
                    "timeStamp": write_instant(context.now),
                    "links": links_json(&links),
                    "terms": terms(context, self.page.french),
                });
                let around = Members { head: members(&head), tail: Vec::new() };
                let axes = [crs.authority_axes()];
                let parts = std::slice::from_ref(&rows);
                let encoder = GeoJson::collection(catalogue, parts, &axes, FeatureIds::Plain, around)?;
                Answer::produced(media, returned, encoder.produce(vec![rows]))
            }
        };
        answer.features = returned;
        answer.headers.extend(content_crs(crs));
        answer.headers.push((MATCHED, HeaderValue::from(matched)));
        answer.headers.push((RETURNED, HeaderValue::from(returned)));
        let turning = |l: &&Link| matches!(l.rel.as_str(), "self" | "alternate" | "next" | "prev");
        answer.headers.extend(links.iter().filter(turning).filter_map(Link::header));
        Ok(answer)
    }
}

/// A plan for one feature.
pub fn one(page: Page, select: Select, id: String) -> Plan {
    let layer = select.layer;
    let reply = Write(move |fetched: Fetched, context: &Context| {
        let rows = one_part(fetched)?;
        let known = layer_of(context, layer)?;
        if rows.rows.is_empty() {
            return Err(Error::unknown(NameKind::Feature, &id));
        }
        let mut links = page.own_links();
        let base = page.url(&format!("/collections/{}", segment(&known.name)));
        links.push(Link::new("collection", "application/json", page.text(&known.title), format!("{base}?f=json")));
        let crs = rows.crs;
        let mut answer = if page.offer.format == Format::Html {
            let document = table::feature(&page, known, &rows, &links);
            page.html("feature.html", &document, context)?
        } else {
            let tail = json!({ "links": links_json(&links), "terms": terms(context, page.french) });
            let around = Members { head: Vec::new(), tail: members(&tail) };
            let axes = crs.authority_axes();
            let encoder = GeoJson::single(&context.site.catalogue, &rows, axes, FeatureIds::Plain, around)?;
            Answer::produced(page.offer.media, 1, encoder.produce(vec![rows]))
        };
        answer.features = 1;
        answer.headers.extend(content_crs(crs));
        answer
            .headers
            .extend(links.iter().filter(|l| l.rel == "self" || l.rel == "alternate").filter_map(Link::header));
        Ok(answer)
    });
    Plan { query: Query::Feature(select), operation: Operation::Wfs, data: true, reply: Box::new(reply) }
}

#[cfg(test)]
mod tests {
    use crate::geo::Crs;
    use crate::protocol::Answer;
    use crate::protocol::ogcapi::testing;
    use crate::store::fixture::metropolis;
    use crate::store::{Fetched, Rows};
    use serde_json::Value;

    fn rows(layer: &str, from: usize, count: usize, crs: Crs) -> Fetched {
        let all = metropolis().rows_in(layer, crs);
        let rows: Vec<u32> = all.rows.iter().copied().skip(from).take(count).collect();
        Fetched::Features(vec![Rows { rows, start: from as u64, ..all }])
    }

    fn json(answer: Answer) -> Value {
        serde_json::from_slice(&testing::body(answer)).unwrap()
    }

    fn link<'a>(document: &'a Value, rel: &str) -> Option<&'a str> {
        document["links"].as_array()?.iter().find(|l| l["rel"] == rel)?["href"].as_str()
    }

    #[test]
    fn a_page_counts_and_leads_on() {
        let target = "/collections/parc_residence/items?limit=5&offset=5&sortby=-nom";
        let answer = testing::answer(target, rows("parc_residence", 5, 5, Crs::Crs84)).unwrap();
        assert_eq!((answer.content_type.as_str(), answer.features), ("application/geo+json", 5));
        let header =
            |n: &str| answer.headers.iter().find(|h| h.0.as_str() == n).map(|h| h.1.to_str().unwrap().to_owned());
        assert_eq!(header("content-crs").as_deref(), Some("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"));
        assert_eq!(header("ogc-numbermatched").as_deref(), Some("24"));
        assert!(answer.headers.iter().any(|h| h.0 == "link" && h.1.to_str().unwrap().contains("rel=\"next\"")));
        let doc = json(answer);
        assert_eq!((&doc["numberMatched"], &doc["numberReturned"]), (&24.into(), &5.into()));
        assert_eq!(doc["features"].as_array().map(Vec::len), Some(5));
        assert_eq!(doc["terms"]["convention"], "essai");
        assert_eq!(
            link(&doc, "next"),
            Some(
                "https://portail.example/collections/parc_residence/items?sortby=-nom&f=json&limit=5&offset=10&publication=1"
            )
        );
        assert!(link(&doc, "prev").unwrap().contains("offset=0&"));
    }

    #[test]
    fn the_last_page_leads_back_only() {
        let target = "/collections/parc_residence/items?limit=20&offset=20";
        let doc = json(testing::answer(target, rows("parc_residence", 20, 20, Crs::Crs84)).unwrap());
        assert_eq!(doc["numberReturned"], 4);
        assert!(link(&doc, "next").is_none() && link(&doc, "prev").is_some());
        let first = json(
            testing::answer("/collections/parc_residence/items", rows("parc_residence", 0, 24, Crs::Crs84)).unwrap(),
        );
        assert!(link(&first, "next").is_none() && link(&first, "prev").is_none());
    }

    #[test]
    fn coordinates_follow_the_axes_of_the_crs() {
        let uri = "http://www.opengis.net/def/crs/EPSG/0/4326";
        let target = format!("/collections/parc_residence/items/r01?crs={uri}");
        let doc = json(testing::answer(&target, rows("parc_residence", 1, 1, Crs::Wgs84)).unwrap());
        let [lat, lon] = [0, 1].map(|n| doc["geometry"]["coordinates"][n].as_f64().unwrap());
        assert!(lat > 49.0 && lon < 5.0, "{lat} {lon}");
        assert_eq!(
            link(&doc, "self"),
            Some(format!("https://portail.example/collections/parc_residence/items/r01?crs={uri}&f=json").as_str())
        );
    }

    #[test]
    fn a_feature_that_does_not_exist_is_told() {
        let error = testing::answer("/collections/parc_residence/items/zzz", rows("parc_residence", 0, 0, Crs::Crs84));
        assert!(matches!(error, Err(crate::error::Error::Unknown { .. })));
    }

    #[test]
    fn a_table_is_csv_or_a_page() {
        let answer =
            testing::answer("/collections/parc_commune/items?f=csv", rows("parc_commune", 0, 3, Crs::Crs84)).unwrap();
        assert_eq!(answer.content_type, "text/csv; charset=utf-8");
        let text = String::from_utf8(testing::body(answer)).unwrap();
        assert_eq!(text.lines().count(), 4);
        let page = |t: &str, n| {
            String::from_utf8(testing::body(testing::answer(t, rows("parc_commune", 0, n, Crs::Crs84)).unwrap()))
                .unwrap()
        };
        let listing = page("/collections/parc_commune/items?f=html&limit=2", 2);
        assert!(listing.contains("Lille") && listing.contains("offset=2"));
        let one = page("/collections/parc_commune/items/59350?f=html", 1);
        assert!(one.contains("Lille") && one.contains("Logements loués") && one.contains("logements"), "{one}");
        // A withheld row says so in words, and shows no number.
        let withheld = rows("parc_commune", 2, 1, Crs::Crs84);
        let page = String::from_utf8(testing::body(
            testing::answer("/collections/parc_commune/items/59643?f=html", withheld).unwrap(),
        ))
        .unwrap();
        assert!(page.contains("Secret statistique"), "{page}");
    }
}
