//! What a publication did, how long it took and what protection cost.

use super::plan::Price;
use crate::check::{STYLE, escape};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

/// The steps of a publication, in order. Each is committed before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The imports to use are chosen and frozen.
    Lots,
    /// Zones of each vintage, residences located in them.
    Zones,
    /// Sums by residence and zone, a theme and vintage at a time.
    Mesures,
    /// What is withheld.
    Plan,
    /// Categories that are withheld in zone rows that are shown.
    Categories,
    /// Surroundings of the residences that are shown.
    Environnement,
    /// Rows into the tables of the candidate.
    Copie,
    /// Indexes; the tables become partitions that nobody writes.
    Scellement,
    /// Rules that span tables.
    Controle,
    /// The independent attack.
    Preuve,
    /// The ledger is written, the candidate becomes current.
    Publication,
}

impl Step {
    /// Name in `plan.etape` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Step::Lots => "lots",
            Step::Zones => "zones",
            Step::Mesures => "mesures",
            Step::Plan => "plan",
            Step::Categories => "categories",
            Step::Environnement => "environnement",
            Step::Copie => "copie",
            Step::Scellement => "scellement",
            Step::Controle => "controle",
            Step::Preuve => "preuve",
            Step::Publication => "publication",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How long it took; `None`: an earlier run had done it.
    pub took: Option<Duration>,
    /// What it did, in figures, for a reader.
    pub detail: String,
}

/// What the plan withholds of a theme or family, in one vintage at one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceLine {
    /// `parc`, `occupation`, `attributions`.
    pub theme: String,
    /// Denominator of the family; empty for the theme itself.
    pub famille: String,
    /// Vintage.
    pub millesime: i32,
    /// `commune`, `iris`, `qpv`, `residence`.
    pub echelle: String,
    /// Rows and units.
    pub prix: Price,
}

/// Categories withheld in the zone rows that are shown, in one vintage of a theme at one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryLine {
    /// `occupation`, `attributions`.
    pub theme: String,
    /// Vintage.
    pub millesime: i32,
    /// `commune`, `iris`, `qpv`.
    pub echelle: String,
    /// Cells: a category of a row.
    pub cellules: u64,
    /// Of these withheld.
    pub masquees: u64,
    /// Units of the rows, summed over cells.
    pub unites: u64,
    /// Of these in cells that are withheld.
    pub unites_masquees: u64,
}

/// A publication that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its number.
    pub publication: i64,
    /// Whether it is current (`false` with `candidate_only`).
    pub current: bool,
    /// Parameters of disclosure control.
    pub parametres: Value,
    /// What protection costs.
    pub prices: Vec<PriceLine>,
    /// Categories withheld in rows that are shown.
    #[serde(default)]
    pub categories: Vec<CategoryLine>,
    /// Rows by relation.
    pub lignes: Value,
    /// What was left out of the sources, and why.
    pub ecartes: Value,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// The map of what is lost, as HTML.
    #[serde(skip)]
    pub carte: String,
}

impl Report {
    /// The report as a page for a reader, in French.
    pub fn html(&self) -> String {
        let mut out = format!(
            "<!doctype html><html lang=\"fr\"><head><meta charset=\"utf-8\"><title>Publication {0}</title>{STYLE}</head><body>\
             <h1>Publication {0}</h1><h2>Paramètres du secret</h2><ul>",
            self.publication
        );
        let p = |name: &str| self.parametres.get(name).map_or_else(String::new, Value::to_string);
        let _ = write!(
            out,
            "<li>seuil : {} unités</li><li>dominance : {} au plus</li><li>résidences par reste : {} au moins</li>\
             <li>attaquants : {}</li></ul><h2>Ce que coûte la protection</h2>\
             <p>Lignes ayant des unités ; « primaire » : sous le seuil ; « secondaire » : retirées pour que rien ne se \
             déduise par différence.</p><table><tr><th>thème</th><th>famille</th><th>millésime</th><th>échelle</th>\
             <th>lignes</th><th>primaire</th><th>secondaire</th><th>unités primaires</th><th>unités secondaires</th></tr>",
            p("seuil"),
            p("dominance"),
            p("residences"),
            attackers(&self.parametres)
        );
        for l in &self.prices {
            let share = |units: u64| 100.0 * units as f64 / l.prix.units.max(1) as f64;
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.2} %</td><td>{:.2} %</td></tr>",
                l.theme,
                l.famille,
                l.millesime,
                l.echelle,
                l.prix.rows,
                l.prix.primary_rows,
                l.prix.secondary_rows,
                share(l.prix.primary_units),
                share(l.prix.secondary_units)
            );
        }
        out.push_str(
            "</table><h2>Catégories masquées dans les lignes de zone diffusées</h2><p>Une cellule est une catégorie d'une \
             ligne ; « part des unités » : chaque cellule compte pour l'effectif de sa ligne.</p><table><tr><th>thème</th>\
             <th>millésime</th><th>échelle</th><th>cellules</th><th>masquées</th><th>part</th><th>part des unités</th></tr>",
        );
        for l in &self.categories {
            let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1} %</td><td>{:.1} %</td></tr>",
                l.theme,
                l.millesime,
                l.echelle,
                l.cellules,
                l.masquees,
                share(l.masquees, l.cellules),
                share(l.unites_masquees, l.unites)
            );
        }
        let _ = write!(out, "</table>{}", self.carte);
        out.push_str("<h2>Étapes</h2><table><tr><th>étape</th><th>durée</th><th>détail</th></tr>");
        for s in &self.steps {
            let took = s.took.map_or_else(|| "reprise".to_owned(), |t| format!("{:.1} s", t.as_secs_f64()));
            let _ = write!(out, "<tr><td>{}</td><td>{took}</td><td>{}</td></tr>", s.step.name(), s.detail);
        }
        out.push_str("</table></body></html>");
        out
    }
}

/// Who may subtract residences of their own, as the parameters of a publication say it.
fn attackers(parameters: &Value) -> String {
    let a = &parameters["attaquants"];
    let yes = |name: &str| a[name].as_bool() == Some(true);
    let who = crate::config::Attacker {
        alone: yes("seuls"),
        groups: yes("groupes"),
        pairs: yes("paires"),
        coalitions: serde_json::from_value(a["coalitions"].clone()).unwrap_or_default(),
        categories: yes("categories"),
    };
    let words = who.words();
    if words.is_empty() {
        return "aucun bailleur".to_owned();
    }
    let categories = if who.categories { ", et connaissent les catégories de leurs propres locataires" } else { "" };
    format!("{}, qui retranchent leur propre patrimoine{categories}", escape(&words))
}
