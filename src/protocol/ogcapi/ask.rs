//! A request whose resource, format, language and parameter names are known to be right.

use super::links::{self, Link};
use super::negotiate::{self, Format, Offer};
use super::params::{self, Param};
use super::resource::{Plan, Resource};
use crate::catalogue::{Layer, Text};
use crate::convention::Operation;
use crate::error::{Error, NameKind, Result};
use crate::protocol::{Answer, Context, Reply, Request, Site};
use crate::query::Query;
use crate::store::Fetched;
use http::HeaderValue;
use serde_json::Value;

/// A request as the resources see it.
pub struct Ask<'a> {
    /// The request.
    pub request: &'a Request,
    /// What exists for the client.
    pub site: &'a Site,
    /// What was found by the path.
    pub resource: &'static Resource,
    /// Values of the path's variables, in order.
    pub path: Vec<&'a str>,
    /// What an answer needs to know of the request.
    pub page: Page,
}

/// What the answer side keeps of a request.
#[derive(Debug, Clone)]
pub struct Page {
    /// Address of the landing page, without trailing slash.
    pub root: String,
    /// Path of the resource below the root, escaped.
    pub path: String,
    /// Query parameters as received.
    pub query: Vec<(String, String)>,
    /// Chosen representation.
    pub offer: &'static Offer,
    /// All representations.
    pub offers: &'static [Offer],
    /// Language of texts.
    pub french: bool,
}

impl<'a> Ask<'a> {
    /// Checks names of parameters and chooses the representation.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`] (17-069r4 §7.5), or what negotiation says.
    pub fn new(
        request: &'a Request,
        site: &'a Site,
        resource: &'static Resource,
        path: Vec<&'a str>,
        root: String,
    ) -> Result<Ask<'a>> {
        let offer = negotiate::choose(resource.offers, request)?;
        let french = params::LANG.of(request, site)?.unwrap_or(request.french);
        let escaped = {
            let mut values = path.iter();
            resource.path.split('/').filter(|p| !p.is_empty()).fold(String::new(), |mut out, part| {
                out.push('/');
                match part.strip_prefix('{') {
                    Some(_) => out.push_str(&links::segment(values.next().copied().unwrap_or_default())),
                    None => out.push_str(part),
                }
                out
            })
        };
        let page = Page { root, path: escaped, query: request.query.clone(), offer, offers: resource.offers, french };
        let ask = Ask { request, site, resource, path, page };
        ask.check_names()?;
        Ok(ask)
    }

    fn check_names(&self) -> Result<()> {
        let known =
            |name: &str| self.resource.params.iter().any(|p| p.place() == params::Place::Query && p.name() == name);
        // Properties are parameters only of layers that exist for the client; an unknown layer is told by the resource.
        let layer = if self.resource.filters { self.layer().ok() } else { None };
        let property = |name: &str| self.resource.filters && layer.is_none_or(|l| l.field(name).is_some());
        match self.request.query.iter().find(|(k, _)| !known(k) && !property(k)) {
            Some((name, _)) => Err(Error::UnknownParameter { name: crate::error::printable(name) }),
            None => Ok(()),
        }
    }

    /// Value of a query parameter.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn get<T>(&self, param: &'static Param<T>) -> Result<Option<T>> {
        param.of(self.request, self.site)
    }

    /// Value of a path variable.
    pub fn variable(&self, name: &str) -> Result<&'a str> {
        let mut names =
            self.resource.path.split('/').filter(|p| p.starts_with('{')).map(|p| p.trim_matches(['{', '}']));
        let place = names.position(|n| n == name).ok_or(Error::Internal)?;
        self.path.get(place).copied().ok_or(Error::Internal)
    }

    /// The layer that `collectionId` names.
    ///
    /// # Errors
    /// [`Error::Unknown`] when it does not exist for the client.
    pub fn layer(&self) -> Result<&'a Layer> {
        let name = self.variable("collectionId")?;
        self.site.catalogue.layer(name).ok_or_else(|| Error::unknown(NameKind::Collection, name))
    }

    /// A plan for a document that holds no data of features. Any granted operation family will do: a description of
    /// what exists is part of each.
    pub fn describe(
        &self,
        query: Query,
        template: &'static str,
        make: impl FnOnce(&Page, Fetched, &Context) -> Result<Value> + Send + 'static,
    ) -> Plan {
        let operation = self.site.operations.first().copied().unwrap_or(Operation::Wms);
        Plan { query, operation, data: false, reply: reply(self.page.clone(), template, make) }
    }
}

/// A reply that makes a JSON document and shows it as JSON or through an HTML template.
pub fn reply(
    page: Page,
    template: &'static str,
    make: impl FnOnce(&Page, Fetched, &Context) -> Result<Value> + Send + 'static,
) -> Box<dyn Reply> {
    Box::new(Write(move |fetched: Fetched, context: &Context| {
        let document = make(&page, fetched, context)?;
        page.answer(&document, template, context)
    }))
}

/// A reply out of a closure.
pub struct Write<F>(pub F);

impl<F: FnOnce(Fetched, &Context) -> Result<Answer> + Send> Reply for Write<F> {
    fn answer(self: Box<Self>, fetched: Fetched, context: &Context) -> Result<Answer> {
        (self.0)(fetched, context)
    }
}

impl Page {
    /// Text in the page's language.
    pub fn say(&self, text: &[&'static str; 2]) -> &'static str {
        text[usize::from(!self.french)]
    }

    /// Text in the page's language.
    pub fn text<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.french)
    }

    /// Absolute address of a path below the root.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Address of this resource with some parameters replaced; `None` drops one.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let changed = |name: &str| changes.iter().any(|c| c.0 == name);
        let kept = self.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).filter(|(k, _)| !changed(k));
        let new = changes.iter().filter_map(|(k, v)| v.map(|v| (*k, v)));
        format!(
            "{}{}{}",
            self.root,
            if self.path.is_empty() { "/" } else { &self.path },
            links::query_string(kept.chain(new))
        )
    }

    /// `self` and `alternate` links, one a representation.
    pub fn own_links(&self) -> Vec<Link> {
        self.offers
            .iter()
            .map(|offer| {
                let own = std::ptr::eq(offer, self.offer) || offer.f == self.offer.f;
                let title = match own {
                    true => self.say(&["Ce document", "This document"]).to_owned(),
                    false => format!("{} {}", self.say(&["Le même en", "The same as"]), offer.f.to_uppercase()),
                };
                Link::new(
                    if own { "self" } else { "alternate" },
                    offer.bare(),
                    title,
                    self.with(&[("f", Some(offer.f))]),
                )
            })
            .collect()
    }

    /// Shows a document in the chosen representation.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn answer(&self, document: &Value, template: &'static str, context: &Context) -> Result<Answer> {
        match self.offer.format {
            Format::Html => self.html(template, document, context),
            _ => Ok(Answer::ok(self.offer.media, document.to_string())),
        }
    }

    /// Shows a document through an HTML template.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn html(&self, template: &'static str, document: &Value, context: &Context) -> Result<Answer> {
        let in_language = |lang| self.with(&[("lang", Some(lang)), ("f", Some("html"))]);
        let machine = self.offers.iter().find(|o| o.format != Format::Html).map_or("json", |o| o.f);
        let service = &context.site.catalogue.service;
        let frame = crate::portal::Frame {
            base: &self.root,
            french: self.french,
            in_french: &in_language("fr"),
            in_english: &in_language("en"),
            json: &self.with(&[("lang", None), ("f", Some(machine))]),
            service: &service.title,
            provider: &service.provider.name,
            attribution: &service.attribution,
            terms: &context.site.terms,
        };
        let body = crate::portal::page(template, &frame, document)?;
        let mut answer = Answer::ok("text/html; charset=utf-8", body);
        answer.headers.push((http::header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(crate::portal::POLICY)));
        Ok(answer)
    }
}
