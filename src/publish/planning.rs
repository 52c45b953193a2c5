//! Runs the plan, writes its lines, and has zones count what the plan says.

use super::PublishError;
use super::candidate::Candidate;
use super::landlords::Landlords;
use super::plan::{Count, Ledger, Line, Outcome, Parameters, Price, Series, Shown, Theme, VintageInput, scale_name};
use super::prepare::vintages;
use super::reading::Sources;
use super::report::PriceLine;
use super::workers::Workers;
use futures_util::{FutureExt, pin_mut};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

/// Lines of a vintage.
type Lines = Vec<(i32, Vec<Line>)>;

/// What themes are planned from.
type Work = HashMap<&'static str, (Vec<VintageInput>, Ledger)>;

/// What a theme's plan gives.
struct Planned {
    theme: Theme,
    inputs: Vec<VintageInput>,
    lines: Lines,
    counts: Vec<(i32, Vec<Count>)>,
    shown: HashMap<i32, Shown>,
    prices: Vec<PriceLine>,
    unresolved: Vec<(&'static str, i32, usize)>,
}

/// Plans every theme and replaces the candidate's lines.
pub(super) async fn plan(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let all = vintages(c).await?;
    let landlords = Landlords::read(c).await?;
    let parameters = landlords.parameters(&c.config.secrecy)?;
    let sources = Sources::read(workers, c.publication, &all, landlords).await?;
    let lost = |_| PublishError::Interrupted;
    // The stock is planned while the rest is read: the other themes wait for what it shows.
    let mut work = sources.inputs(workers, &[Theme::Parc]).await?;
    let start = |theme: Theme, work: &mut Work, stock: Option<HashMap<i32, Shown>>| {
        let (inputs, ledger) = work.remove(theme.name()).unwrap_or_default();
        let parameters = parameters.clone();
        tokio::task::spawn_blocking(move || series(theme, parameters, inputs, &ledger, stock.as_ref()))
    };
    let parc = start(Theme::Parc, &mut work, None);
    let mut work = sources.inputs(workers, &[Theme::Occupation, Theme::Attributions]).await?;
    drop(sources);
    let parc = parc.await.map_err(lost)?;
    let occupation = start(Theme::Occupation, &mut work, Some(parc.shown.clone()));
    let attributions = start(Theme::Attributions, &mut work, Some(parc.shown.clone()));
    let planned = [parc, occupation.await.map_err(lost)?, attributions.await.map_err(lost)?];
    for p in &planned {
        if let Some((family, vintage, cells)) = p.unresolved.first() {
            let what = format!("{} {family} {vintage}", p.theme.name()).replace("  ", " ");
            return Err(PublishError::Unprotected { what, cells: *cells });
        }
    }
    write(c, &planned).await?;
    count(c, &planned).await?;
    let publication = c.publication;
    workers
        .each(all.iter().map(|v| (v.0, v.1)), |pair, (theme, vintage)| {
            async move {
                pair.source
                    .execute("SELECT travail.sommer($1, $2, $3)", &[&publication, &theme.name(), &vintage])
                    .await
                    .map_err(PublishError::during(format!("sums by zone of {} {vintage}", theme.name())))?;
                Ok(())
            }
            .boxed()
        })
        .await?;
    let prices: Vec<&PriceLine> = planned.iter().flat_map(|p| &p.prices).collect();
    let lines: usize = planned.iter().flat_map(|p| &p.lines).map(|(_, l)| l.len()).sum();
    let secret = planned.iter().flat_map(|p| &p.lines).flat_map(|(_, l)| l).filter(|l| l.motif.is_some()).count();
    Ok((format!("{lines} rows, {secret} of them withheld"), json!(prices)))
}

/// One theme, vintage after vintage.
fn series(
    theme: Theme,
    parameters: Parameters,
    inputs: Vec<VintageInput>,
    ledger: &Ledger,
    stock: Option<&HashMap<i32, Shown>>,
) -> Planned {
    let Outcome { lines, counts, shown, prices: all, unresolved } =
        Series::plan(theme, parameters, ledger, stock, &inputs);
    // Communes associées and communes are one scale for a reader.
    let mut prices: Vec<PriceLine> = Vec::new();
    for ((family, vintage, scale), price) in &all {
        let scale = scale_name(*scale);
        match prices.iter_mut().find(|p| p.famille == *family && p.millesime == *vintage && p.echelle == scale) {
            Some(p) => p.prix = sum(p.prix, *price),
            None => prices.push(PriceLine {
                theme: theme.name().to_owned(),
                famille: (*family).to_owned(),
                millesime: *vintage,
                echelle: scale.to_owned(),
                prix: *price,
            }),
        }
    }
    Planned { theme, inputs, lines, counts, shown, prices, unresolved }
}

fn sum(a: Price, b: Price) -> Price {
    Price {
        rows: a.rows + b.rows,
        units: a.units + b.units,
        primary_rows: a.primary_rows + b.primary_rows,
        primary_units: a.primary_units + b.primary_units,
        secondary_rows: a.secondary_rows + b.secondary_rows,
        secondary_units: a.secondary_units + b.secondary_units,
    }
}

/// Replaces the candidate's lines, in one transaction.
async fn write(c: &Candidate<'_>, planned: &[Planned]) -> Result<(), PublishError> {
    let doing = || PublishError::during("writing the plan");
    c.source.batch_execute("BEGIN").await.map_err(doing())?;
    c.source.execute("DELETE FROM plan.ligne WHERE publication = $1", &[&c.publication]).await.map_err(doing())?;
    let sink = c
        .source
        .copy_in(
            "COPY plan.ligne (publication, theme, millesime, echelle, id, statut, motif, familles) FROM STDIN (FORMAT binary)",
        )
        .await
        .map_err(doing())?;
    let types = [Type::INT8, Type::TEXT, Type::INT4, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY];
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    for p in planned {
        for (vintage, lines) in &p.lines {
            for l in lines {
                let motif = l.motif.map_or("", |m| m.name());
                writer
                    .as_mut()
                    .write(&[
                        &c.publication,
                        &p.theme.name(),
                        vintage,
                        &scale_name(l.scale),
                        &l.id,
                        &l.status,
                        &motif,
                        &l.families,
                    ])
                    .await
                    .map_err(doing())?;
            }
        }
    }
    writer.finish().await.map_err(doing())?;
    c.source.batch_execute("COMMIT; SELECT plan.analyser()").await.map_err(doing())?;
    Ok(())
}

/// Writes what zones count otherwise than as it stands.
async fn count(c: &Candidate<'_>, planned: &[Planned]) -> Result<(), PublishError> {
    let doing = || PublishError::during("writing what zones count");
    c.source.batch_execute("BEGIN; TRUNCATE travail.compte").await.map_err(doing())?;
    let sink = c.source.copy_in("COPY travail.compte FROM STDIN (FORMAT binary)").await.map_err(doing())?;
    let (text, number) = (Type::TEXT, Type::INT4);
    let types = [&text, &number, &text, &text, &number, &text, &text, &text, &text].map(Clone::clone);
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    for p in planned {
        for ((vintage, counts), input) in p.counts.iter().zip(&p.inputs) {
            for n in counts {
                let zone = n.zones.map(|z| z.and_then(|z| input.zones.get(z as usize)).map(|z| z.id.as_str()));
                writer
                    .as_mut()
                    .write(&[
                        &p.theme.name(),
                        vintage,
                        &n.family,
                        &n.id,
                        &n.state,
                        &zone[0],
                        &zone[1],
                        &zone[2],
                        &zone[3],
                    ])
                    .await
                    .map_err(doing())?;
            }
        }
    }
    writer.finish().await.map_err(doing())?;
    c.source.batch_execute("COMMIT; SELECT travail.analyser('compte')").await.map_err(doing())?;
    Ok(())
}
