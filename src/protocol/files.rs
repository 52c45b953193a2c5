//! Files of features that belong to no protocol: shapefiles, a workbook. The terms and the identifier of the download travel
//! inside.

use crate::encode::Producer;
use crate::encode::shapefile::{Notice, Shapefiles};
use crate::encode::xlsx::{Workbook, Xlsx};
use crate::error::Result;
use crate::filter::instant::write_instant;
use crate::protocol::Context;
use crate::store::Rows;

/// The features as shapefiles, those of each query in files of their own.
///
/// # Errors
/// A file that would be longer than the format allows.
pub(super) fn shapefiles(parts: Vec<Rows>, context: &Context, french: bool) -> Result<Box<dyn Producer>> {
    let mut lines = terms(&parts, context, french);
    lines.push(String::new());
    let how: &[&str] = match french {
        true => &[
            "Les noms de champs d'un Shapefile ont dix caractères au plus : COUCHE.champs.csv en donne le nom complet, le titre et",
            "l'unité. Textes en UTF-8 (COUCHE.cpg) ; une case vide est une valeur absente, jamais un zéro.",
        ],
        false => &[
            "Names of fields have ten characters at most in a Shapefile: LAYER.champs.csv gives the whole name, the title and the",
            "unit. Text is UTF-8 (LAYER.cpg); an empty cell is an absent value, never a zero.",
        ],
    };
    lines.extend(how.iter().map(|l| (*l).to_owned()));
    let name = if french { "LISEZMOI.txt" } else { "README.txt" };
    let notice = Notice { name: name.into(), text: lines.join("\r\n") + "\r\n", mark: mark(context, french) };
    Ok(Box::new(Shapefiles::new(&context.site.catalogue, parts, notice, context.now)?))
}

/// The features as a workbook, those of each query on a sheet of their own.
///
/// # Errors
/// More rows than a sheet holds.
pub(super) fn workbook(parts: Vec<Rows>, context: &Context, french: bool) -> Result<Box<dyn Producer>> {
    let workbook = Workbook {
        title: context.site.catalogue.service.title.get(french).to_owned(),
        terms: terms(&parts, context, french),
        mark: mark(context, french),
        sheet: if french { "Conditions" } else { "Terms" }.to_owned(),
        french,
    };
    Ok(Box::new(Xlsx::new(&context.site.catalogue, parts, workbook, context.now)?))
}

/// The terms of the convention and the identifier of the download; empty when the client is under none.
fn mark(context: &Context, french: bool) -> String {
    let (terms, download) = (&context.site.terms, &context.download);
    match (terms.convention.is_empty(), french) {
        (true, _) => String::new(),
        (_, true) => format!("{} Téléchargement {download}.", terms.constraints_fr),
        (_, false) => format!("{} Download {download}.", terms.constraints_en),
    }
}

/// What is said to whoever opens the file: from where, when, for whom, on which terms, under which rule.
fn terms(parts: &[Rows], context: &Context, french: bool) -> Vec<String> {
    let (service, terms) = (&context.site.catalogue.service, &context.site.terms);
    let publication = parts.first().map_or(0, |p| p.snapshot.publication);
    let mut lines = vec![service.title.get(french).to_owned(), service.attribution.get(french).to_owned()];
    let at = write_instant(context.now);
    lines.push(match french {
        true => format!("Publication {publication}, fichier du {at}"),
        false => format!("Publication {publication}, file of {at}"),
    });
    let crs: std::collections::BTreeSet<String> = parts.iter().filter(|p| p.geometry).map(|p| p.crs.short()).collect();
    if !crs.is_empty() {
        let crs = crs.into_iter().collect::<Vec<_>>().join(", ");
        lines.push(if french { format!("Coordonnées : {crs}") } else { format!("Coordinates: {crs}") });
    }
    if !terms.convention.is_empty() {
        lines.push(mark(context, french));
    }
    lines.push(service.secrecy.get(french).to_owned());
    lines.retain(|l| !l.is_empty());
    lines
}
