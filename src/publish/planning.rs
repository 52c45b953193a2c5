//! Reads units, runs the plan, writes its lines, and has zones count what the plan says.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::{
    Count, Entry, Known, Ledger, Line, Outcome, Parameters, Price, RESIDENCE, Series, Shown, Theme, VintageInput,
    ZoneEntry, scale_name,
};
use super::prepare::vintages;
use super::report::PriceLine;
use super::workers::Workers;
use futures_util::{FutureExt, TryStreamExt, pin_mut};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

/// Lines of a vintage.
type Lines = Vec<(i32, Vec<Line>)>;

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
    let parameters = Parameters::from(&c.config.secrecy);
    let all = vintages(c).await?;
    let mut landlords: HashMap<String, u32> = HashMap::new();
    let mut work = HashMap::new();
    for theme in Theme::ALL {
        let mut inputs = Vec::new();
        let mut before: Vec<(i32, i32)> = Vec::new();
        for (_, vintage, stock, context) in all.iter().filter(|v| v.0 == theme) {
            inputs.push(input(c, theme, *vintage, *stock, *context, &before, &mut landlords).await?);
            before.push((*vintage, *context));
        }
        work.insert(theme.name(), (inputs, ledger(c, theme).await?));
    }
    let mut run = |theme: Theme, stock: Option<HashMap<i32, Shown>>| {
        let (inputs, ledger) = work.remove(theme.name()).unwrap_or_default();
        tokio::task::spawn_blocking(move || series(theme, parameters, inputs, &ledger, stock.as_ref()))
    };
    let lost = |_| PublishError::Interrupted;
    let parc = run(Theme::Parc, None).await.map_err(lost)?;
    let occupation = run(Theme::Occupation, Some(parc.shown.clone()));
    let attributions = run(Theme::Attributions, Some(parc.shown.clone()));
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

/// Residences and zones of a vintage, with their units.
async fn input(
    c: &Candidate<'_>,
    theme: Theme,
    vintage: i32,
    stock: i32,
    context: i32,
    before: &[(i32, i32)],
    landlords: &mut HashMap<String, u32>,
) -> Result<VintageInput, PublishError> {
    let doing = || PublishError::during(format!("reading units of {} {vintage}", theme.name()));
    let mut input = VintageInput { vintage, stock, ..VintageInput::default() };
    let mut numbers: HashMap<(String, String), u32> = HashMap::new();
    let rows = c
        .source
        .query(
            "SELECT echelle, id, insee_associee IS NOT NULL AND echelle = 'commune' FROM travail.zone WHERE contexte = $1
             ORDER BY echelle, id",
            &[&context],
        )
        .await
        .map_err(doing())?;
    for row in &rows {
        let (scale, id, associee): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
        let place = match (scale.as_str(), associee) {
            ("iris", _) => super::plan::IRIS,
            ("qpv", _) => super::plan::QPV,
            (_, true) => super::plan::ASSOCIEE,
            (_, false) => super::plan::COMMUNE,
        };
        numbers.insert((scale, id.clone()), input.zones.len() as u32);
        input.zones.push(ZoneEntry { scale: place, id });
    }
    let sql = format!(
        "SELECT r.id, r.siren_bailleur, coalesce(p.nb_logements, 0), r.insee_com, r.insee_associee, r.code_iris, r.code_qp,
                coalesce(u.unites, '{{}}'), p.id IS NOT NULL OR u.id IS NOT NULL
         FROM travail.residence r
         LEFT JOIN travail.parc p ON p.millesime = $1 AND p.echelle = 'residence' AND p.id = r.id
         LEFT JOIN stat.unites u ON u.theme = '{}' AND u.millesime = $2 AND u.echelle = 'residence' AND u.id = r.id
         WHERE r.contexte = $3
         ORDER BY r.id",
        theme.name()
    );
    let stream = c.source.query_raw(&sql, [&stock, &vintage, &context]).await.map_err(doing())?;
    pin_mut!(stream);
    while let Some(row) = stream.try_next().await.map_err(doing())? {
        let zones = zones_of(&row, 3, &numbers);
        if !row.get::<_, bool>(8) {
            input.places.insert(row.get(0), zones);
            continue;
        }
        let units: Vec<i32> = row.get(7);
        let count = landlords.len() as u32;
        input.residences.push(Entry {
            id: row.get(0),
            landlord: row.get::<_, Option<String>>(1).map(|l| *landlords.entry(l).or_insert(count)),
            dwellings: row.get::<_, i32>(2).unsigned_abs(),
            zones,
            units: units.into_iter().map(i32::unsigned_abs).collect(),
        });
    }
    for (former, other) in before.iter().filter(|(_, other)| *other != context) {
        let rows = c
            .source
            .query("SELECT * FROM travail.lieux($1, $2)", &[&context, other])
            .await
            .map_err(PublishError::during(format!("placing points of {former} in the zones of {vintage}")))?;
        for row in &rows {
            input.former.insert((*former, row.get(0)), zones_of(row, 1, &numbers));
        }
    }
    Ok(input)
}

/// Numbers of the zones whose codes stand in four columns of a row: commune, commune associée, IRIS, QPV.
fn zones_of(row: &Row, from: usize, numbers: &HashMap<(String, String), u32>) -> [Option<u32>; 4] {
    let mut zones = [None; 4];
    for (n, scale) in ["commune", "commune", "iris", "qpv"].into_iter().enumerate() {
        let code: Option<String> = row.get(from + n);
        zones[n] = code.and_then(|c| numbers.get(&(scale.to_owned(), c)).copied());
    }
    zones
}

/// Everything that was ever made current of a theme.
async fn ledger(c: &Candidate<'_>, theme: Theme) -> Result<Ledger, PublishError> {
    let doing = || PublishError::during(format!("reading the ledger of {}", theme.name()));
    let stream = c
        .source
        .query_raw(
            "SELECT millesime, echelle, id, statut, familles, unites FROM plan.registre WHERE theme = $1",
            [theme.name()],
        )
        .await
        .map_err(doing())?;
    pin_mut!(stream);
    let mut ledger = Ledger::new();
    while let Some(row) = stream.try_next().await.map_err(doing())? {
        let scale = match row.get::<_, &str>(1) {
            "residence" => RESIDENCE,
            "iris" => super::plan::IRIS,
            "qpv" => super::plan::QPV,
            _ => super::plan::COMMUNE,
        };
        let known: &mut Known = ledger.entry((row.get(0), scale, row.get(2))).or_default();
        let families: Vec<String> = row.get(4);
        // A zone's units are not in the question: its rows never change from withheld to shown.
        let units: Option<Vec<u32>> = (scale == RESIDENCE).then(|| {
            row.get::<_, Option<Vec<i32>>>(5).unwrap_or_default().into_iter().map(i32::unsigned_abs).collect()
        });
        known.record(theme, row.get(3), &families, units.as_deref());
    }
    Ok(ledger)
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
