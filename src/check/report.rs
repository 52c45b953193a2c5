//! The report of the proof: JSON for machines, HTML for the data-protection officer.

use super::attack::{Finding, Rule};
use crate::config::{Attacker, Secrecy, Zero};
use std::fmt::Write;

/// How the reports of a publication look.
pub const STYLE: &str = "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
                         table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}</style>";

/// What was attacked, and what was found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Publication examined, with everything still held of former ones.
    pub publication: i64,
    /// Threshold in units.
    pub seuil: u64,
    /// Least number of residences.
    pub residences: usize,
    /// Dominance.
    pub dominance: f64,
    /// Which landlords attacked, and with whom.
    pub attaquants: Attacker,
    /// Units of a category that must stay in doubt; 0: categories were not attacked.
    pub doute: u64,
    /// Themes in which it may be known that a category is empty.
    pub zeros_permis: Vec<&'static str>,
    /// What was attacked.
    pub sujets: Vec<Subject>,
    /// What was found, over all vintages and publications together. Empty: nothing is given away under this attack.
    pub constats: Vec<Finding>,
    /// Milliseconds.
    pub millis: u64,
}

/// One theme or family.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Subject {
    /// Name, e.g. `parc`, `parc/nb_dpe`.
    pub nom: String,
    /// Vintages of publications.
    pub temps: Vec<String>,
    /// Residences on the map, over all times.
    pub residences: usize,
    /// Of these shown with data.
    pub diffusees: usize,
    /// Zone rows shown with data.
    pub zones: usize,
}

impl Report {
    pub(super) fn new(publication: i64, rule: &Rule, secrecy: &Secrecy) -> Report {
        let zeros = [("occupation", secrecy.zeros.occupation), ("attributions", secrecy.zeros.attributions)];
        Report {
            publication,
            seuil: rule.threshold,
            residences: rule.residences,
            dominance: rule.dominance,
            attaquants: rule.attackers.clone(),
            doute: u64::from(secrecy.doubt),
            zeros_permis: zeros.iter().filter(|(_, z)| *z == Zero::Safe).map(|(theme, _)| *theme).collect(),
            sujets: Vec::new(),
            constats: Vec::new(),
            millis: 0,
        }
    }

    /// A page in French.
    pub fn html(&self) -> String {
        let mut page = String::from(
            "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><title>Contrôle du secret statistique</title>",
        );
        let _ = write!(page, "{STYLE}<h1>Contrôle du secret statistique, publication {}</h1>", self.publication);
        let verdict = match self.constats.len() {
            0 => "Aucune donnée sous le seuil ne peut être déduite par l'attaque décrite ci-dessous.".to_owned(),
            n => format!("{n} divulgation(s) possible(s) : la publication est refusée."),
        };
        let _ = write!(page, "<p><strong>{verdict}</strong></p><h2>Ce que l'attaquant sait et tente</h2><p>");
        let _ = write!(
            page,
            "L'attaquant lit toutes les lignes diffusées, de tous les millésimes et publications. Il connaît la position, les zones \
             et l'effectif de chaque résidence, et lesquelles sont comptées dans les zones. Il suppose tour à tour que les \
             chiffres d'une résidence ne changent pas d'un millésime à l'autre, puis qu'ils changent tous. Il additionne et soustrait toutes les lignes de zones (communes, communes associées, IRIS, \
             quartiers prioritaires){}. Une somme ainsi obtenue est une divulgation si elle porte sur \
             moins de {} unités ou moins de {} résidences, ou si une seule en fait plus de {:.0} %. Le calcul est exact \
             (élimination de Gauss) ; une recherche trop longue compte comme une divulgation. Ce qui se déduit des seules \
             publications passées (faites sous une règle moins stricte) est déjà donné : rien ne le reprend, et ce n'est pas une \
             divulgation de celle-ci.</p>",
            match self.attaquants.words().as_str() {
                "" => String::new(),
                who => format!(", et se met à la place de {}, qui retranchent leur propre patrimoine", escape(who)),
            },
            self.seuil,
            self.residences,
            self.dominance * 100.0
        );
        if self.doute > 0 {
            let _ = write!(
                page,
                "<p>Il cherche aussi ce que les lignes de zone de tous les millésimes de la publication laissent savoir des catégories \
                 (ressources, ménages, âges, emploi, attributions) dans ce qui n'est pas diffusé : les bornes que donnent toutes \
                 ces lignes à la fois, sachant qu'un effectif n'est jamais négatif (programmes linéaires){}. C'est une divulgation (« interval ») s'il \
                 peut exclure que {} unités soient dans une catégorie, ou qu'elles n'y soient pas. Savoir qu'une catégorie peut être vide \
                 est permis pour : {}.</p>",
                match self.attaquants.of_categories().words().as_str() {
                    "" => String::new(),
                    who =>
                        format!(", pour quiconque puis pour {}, qui connaissent leurs propres locataires", escape(who)),
                },
                self.doute,
                if self.zeros_permis.is_empty() { "aucun thème".to_owned() } else { self.zeros_permis.join(", ") }
            );
        }
        page.push_str(
            "<h2>Ce qui a été attaqué</h2><table><tr><th>Sujet<th>Millésimes<th>Résidences<th>dont diffusées<th>Lignes de zones</tr>",
        );
        for s in &self.sujets {
            let _ = write!(
                page,
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
                escape(&s.nom),
                escape(&s.temps.join(", ")),
                s.residences,
                s.diffusees,
                s.zones
            );
        }
        page.push_str("</table>");
        if !self.constats.is_empty() {
            page.push_str("<h2>Divulgations</h2><table><tr><th>Sujet<th>Nature<th>Attaquant<th>Unités<th>Résidences<th>Zones</tr>");
            for f in self.constats.iter().take(500) {
                let attacker = if f.attacker.is_empty() { "quiconque" } else { &f.attacker };
                let _ = write!(
                    page,
                    "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
                    escape(&f.theme),
                    f.kind,
                    escape(attacker),
                    f.units,
                    escape(&f.residences.join(" ")),
                    escape(&f.zones.join(" "))
                );
            }
            page.push_str("</table>");
        }
        page
    }
}

/// A text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
