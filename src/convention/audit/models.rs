//! Models in French for the register of processing and the impact assessment, filled with what is configured and in force.

use super::{Result, fill};
use crate::catalogue::{Scale, Sensitive, Theme};
use crate::config::Config;
use crate::convention::words::{Purpose, Word};
use crate::convention::{ConventionRow, State, acts, calendar};
use minijinja::{Value, context};
use tokio_postgres::Client;

/// The models: file name, text (Markdown).
///
/// # Errors
/// [`crate::convention::ConventionError`].
pub async fn make(client: &Client, config: &Config) -> Result<[(&'static str, String); 2]> {
    let conventions: Vec<Value> = acts::list(client).await?.iter().map(line).collect();
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let values = context! {
        made => jiff::Timestamp::now().to_string().chars().take(10).collect::<String>(),
        threshold => config.secrecy.threshold,
        dominance => percent(config.secrecy.dominance),
        residences => config.secrecy.residences,
        attackers => config.secrecy.attacker.words(),
        max_rejects => percent(config.import.max_rejects),
        keep_records => config.retention.records,
        keep_rejects => config.retention.rejects,
        keep_sources => config.retention.sources,
        registry_max_age => config.server.registry_max_age,
        conventions => conventions,
    };
    Ok([
        (
            "registre-traitement.md",
            fill(
                "registre-traitement.md",
                include_str!("../../../capabilities/templates/modeles/registre-traitement.md"),
                values.clone(),
            )?,
        ),
        (
            "analyse-impact.md",
            fill(
                "analyse-impact.md",
                include_str!("../../../capabilities/templates/modeles/analyse-impact.md"),
                values,
            )?,
        ),
    ])
}

fn line(row: &ConventionRow) -> Value {
    let deed = &row.deed;
    let ended = jiff::Timestamp::now().as_millisecond() >= calendar::end_of(deed.fin);
    let state = match row.state {
        State::Draft => "projet",
        State::Suspended => "suspendue",
        State::Terminated => "résiliée",
        State::Signed if ended => "expirée",
        State::Signed => "signée",
    };
    // A cell of a table holds no bar.
    let cell = |text: &str| text.replace(['|', '\n'], " ");
    context! {
        id => deed.id.as_str(),
        partner => cell(&deed.partner.nom),
        state,
        until => deed.fin.to_string(),
        purposes => words::<Purpose>(&deed.finalites),
        themes => words::<Theme>(&deed.themes),
        scales => words::<Scale>(&deed.echelles),
        columns => words::<Sensitive>(&deed.colonnes_sensibles),
        days => deed.duree_conservation,
        destruction => deed.destruction_fin,
    }
}

fn words<W: Word>(all: &[W]) -> String {
    all.iter().map(|w| w.word()).collect::<Vec<_>>().join(", ")
}
