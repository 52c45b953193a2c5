//! Reads what is planned: residences and zones of each context once, then the units of each theme and vintage, over the
//! workers' connections; and the ledger.

use super::PublishError;
use super::frozen;
use super::landlords::Landlords;
use super::plan::{self, Entry, Known, Ledger, RESIDENCE, Theme, VintageInput, ZoneEntry};
use super::workers::{Pair, Workers};
use futures_util::{FutureExt, TryStreamExt, pin_mut};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio_postgres::Row;

/// Numbers of the zones of a row: commune, commune associée, IRIS, QPV.
type Zones = [Option<u32>; 4];

/// A residence of a context.
struct Placed {
    id: String,
    landlord: Option<u32>,
    zones: Zones,
}

/// One way to place residences in zones; vintages share it.
struct Context {
    zones: Vec<ZoneEntry>,
    numbers: Numbers,
    /// By identifier, ascending.
    residences: Vec<Placed>,
}

/// Numbers of zones by code: communes and communes associées, IRIS, QPV.
#[derive(Default)]
struct Numbers([HashMap<String, u32>; 3]);

/// A vintage of a theme: vintage, vintage of the stock, context.
type Vintage = (Theme, i32, i32, i32);

/// What the plan of every theme is made from.
pub(super) struct Sources {
    publication: i64,
    landlords: Arc<Landlords>,
    vintages: Vec<Vintage>,
    contexts: HashMap<i32, Arc<Context>>,
    /// Where the points of the residences of a context lie in another, later one (context, former one).
    former: HashMap<(i32, i32), Vec<(String, Zones)>>,
}

impl Sources {
    /// Reads the contexts of these vintages.
    pub async fn read(
        workers: &Workers,
        publication: i64,
        vintages: &[Vintage],
        landlords: Landlords,
    ) -> Result<Sources, PublishError> {
        let landlords = Arc::new(landlords);
        let contexts: BTreeSet<i32> = vintages.iter().map(|v| v.3).collect();
        let contexts: HashMap<i32, Arc<Context>> = workers
            .each(contexts, |pair, context| {
                let landlords = Arc::clone(&landlords);
                async move { Ok((context, Arc::new(Context::read(pair, context, &landlords).await?))) }.boxed()
            })
            .await?
            .into_iter()
            .collect();
        let mut pairs: BTreeSet<(i32, i32)> = BTreeSet::new();
        for theme in Theme::ALL {
            let own: Vec<i32> = vintages.iter().filter(|v| v.0 == theme).map(|v| v.3).collect();
            for (n, context) in own.iter().enumerate() {
                pairs.extend(own[..n].iter().filter(|other| *other != context).map(|other| (*context, *other)));
            }
        }
        let former = workers
            .each(pairs, |pair, (context, other)| {
                let there = contexts.get(&context).map(Arc::clone);
                async move { Ok(((context, other), former(pair, context, other, there).await?)) }.boxed()
            })
            .await?;
        let (vintages, former) = (vintages.to_vec(), former.into_iter().collect());
        Ok(Sources { publication, landlords, vintages, contexts, former })
    }

    /// Inputs of some themes: units of all their vintages, in ascending order, and their ledgers.
    pub async fn inputs(
        &self,
        workers: &Workers,
        themes: &[Theme],
    ) -> Result<HashMap<&'static str, (Vec<VintageInput>, Ledger)>, PublishError> {
        let mut jobs: Vec<(Theme, Option<usize>)> = Vec::new();
        for theme in themes {
            jobs.extend(
                self.vintages.iter().enumerate().filter(|(_, v)| v.0 == *theme).map(|(n, _)| (*theme, Some(n))),
            );
            jobs.push((*theme, None));
        }
        enum Read {
            Input(usize, Box<VintageInput>),
            Ledger(Theme, Ledger),
        }
        let read = workers
            .each(jobs, |pair, (theme, vintage)| {
                async move {
                    Ok(match vintage {
                        Some(n) => Read::Input(n, Box::new(self.input(pair, n).await?)),
                        None => Read::Ledger(theme, ledger(pair, theme).await?),
                    })
                }
                .boxed()
            })
            .await?;
        let mut all: HashMap<&'static str, (Vec<VintageInput>, Ledger)> = HashMap::new();
        for r in read {
            match r {
                Read::Input(n, input) => all.entry(self.vintages[n].0.name()).or_default().0.push(*input),
                Read::Ledger(theme, ledger) => all.entry(theme.name()).or_default().1 = ledger,
            }
        }
        for (inputs, _) in all.values_mut() {
            inputs.sort_unstable_by_key(|i| i.vintage);
        }
        Ok(all)
    }

    /// Residences and zones of a vintage, with their units.
    async fn input(&self, pair: &Pair, n: usize) -> Result<VintageInput, PublishError> {
        let (theme, vintage, stock, context) = self.vintages[n];
        let doing = || PublishError::during(format!("reading units of {} {vintage}", theme.name()));
        let mut input = VintageInput { vintage, stock, ..VintageInput::default() };
        let Some(place) = self.contexts.get(&context) else { return Ok(input) };
        input.zones.clone_from(&place.zones);
        let margins = pair
            .source
            .query(
                "SELECT insee_com FROM travail.marges($1, $2) WHERE millesime = $3",
                &[&self.publication, &theme.name(), &vintage],
            )
            .await
            .map_err(doing())?;
        let communes = margins.iter().filter_map(|row| place.numbers.0[0].get(row.get::<_, &str>(0)).copied());
        let own = |z: &u32| place.zones.get(*z as usize).is_some_and(|z| z.scale == plan::COMMUNE);
        input.margins = communes.filter(own).collect();
        let sql = format!(
            "SELECT id, coalesce(p.nb_logements, 0), coalesce(u.unites, '{{}}')
             FROM (SELECT id, nb_logements FROM travail.parc WHERE millesime = $1 AND echelle = 'residence') p
             FULL JOIN (SELECT id, unites FROM stat.unites
                        WHERE theme = '{}' AND millesime = $2 AND echelle = 'residence') u USING (id)
             ORDER BY id",
            theme.name()
        );
        let stream = pair.source.query_raw(&sql, [&stock, &vintage]).await.map_err(doing())?;
        pin_mut!(stream);
        let mut rest = place.residences.iter();
        while let Some(row) = stream.try_next().await.map_err(doing())? {
            let id: &str = row.get(0);
            // Both are in the order of bytes. A residence without units is placed all the same; units without a place
            // belong to one that lies in no zone.
            let mut found = None;
            while let Some(r) = rest.as_slice().first().filter(|r| r.id.as_str() <= id) {
                rest.next();
                if r.id == id {
                    found = Some(r);
                    break;
                }
                input.places.insert(r.id.clone(), r.zones);
            }
            let Some(r) = found else { continue };
            let units: Vec<i32> = row.get(2);
            input.residences.push(Entry {
                id: r.id.clone(),
                landlord: r.landlord,
                dwellings: row.get::<_, i32>(1).unsigned_abs(),
                zones: r.zones,
                units: units.into_iter().map(i32::unsigned_abs).collect(),
            });
        }
        input.places.extend(rest.map(|r| (r.id.clone(), r.zones)));
        for (_, former, _, other) in self.vintages.iter().filter(|v| v.0 == theme && v.1 < vintage) {
            for (id, zones) in self.former.get(&(context, *other)).into_iter().flatten() {
                input.former.insert((*former, id.clone()), *zones);
            }
        }
        let before: Vec<i32> = self.vintages.iter().filter(|v| v.0 == theme && v.1 < vintage).map(|v| v.1).collect();
        let archive =
            frozen::Archive { pair, publication: self.publication, theme, context, landlords: &self.landlords };
        archive.read(&before, &mut input, |row, from| place.numbers.of(row, from)).await?;
        Ok(input)
    }
}

impl Context {
    async fn read(pair: &Pair, context: i32, landlords: &Landlords) -> Result<Context, PublishError> {
        let doing = || PublishError::during(format!("reading the residences of context {context}"));
        let mut numbers = Numbers::default();
        let mut zones = Vec::new();
        let rows = pair
            .source
            .query(
                "SELECT echelle, id, insee_associee IS NOT NULL AND echelle = 'commune' FROM travail.zone WHERE contexte = $1
                 ORDER BY echelle, id",
                &[&context],
            )
            .await
            .map_err(doing())?;
        for row in &rows {
            let (scale, id, associee): (&str, String, bool) = (row.get(0), row.get(1), row.get(2));
            let (place, list) = match (scale, associee) {
                ("iris", _) => (plan::IRIS, 1),
                ("qpv", _) => (plan::QPV, 2),
                (_, true) => (plan::ASSOCIEE, 0),
                (_, false) => (plan::COMMUNE, 0),
            };
            numbers.0[list].insert(id.clone(), zones.len() as u32);
            zones.push(ZoneEntry { scale: place, id });
        }
        let stream = pair
            .source
            .query_raw(
                "SELECT id, siren_bailleur, insee_com, insee_associee, code_iris, code_qp FROM travail.residence
                 WHERE contexte = $1 ORDER BY id",
                [&context],
            )
            .await
            .map_err(doing())?;
        pin_mut!(stream);
        let mut residences = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(doing())? {
            residences.push(Placed {
                id: row.get(0),
                landlord: row.get::<_, Option<&str>>(1).and_then(|l| landlords.number(l)),
                zones: numbers.of(&row, 2),
            });
        }
        Ok(Context { zones, numbers, residences })
    }
}

impl Numbers {
    /// Of the zones whose codes stand in four columns of a row.
    fn of(&self, row: &Row, from: usize) -> Zones {
        let mut zones = [None; 4];
        for (n, list) in [0, 0, 1, 2].into_iter().enumerate() {
            let code: Option<&str> = row.get(from + n);
            zones[n] = code.and_then(|c| self.0[list].get(c).copied());
        }
        zones
    }
}

/// Where the points that residences had in an older context lie in this one, for those that have moved since or are gone.
async fn former(
    pair: &Pair,
    context: i32,
    other: i32,
    there: Option<Arc<Context>>,
) -> Result<Vec<(String, Zones)>, PublishError> {
    let doing = || PublishError::during(format!("placing points of context {other} in the zones of {context}"));
    let Some(there) = there else { return Ok(Vec::new()) };
    let rows = pair.source.query("SELECT * FROM travail.lieux($1, $2)", &[&context, &other]).await.map_err(doing())?;
    Ok(rows.iter().map(|row| (row.get(0), there.numbers.of(row, 1))).collect())
}

/// Everything that was ever made current of a theme.
async fn ledger(pair: &Pair, theme: Theme) -> Result<Ledger, PublishError> {
    let doing = || PublishError::during(format!("reading the ledger of {}", theme.name()));
    let stream = pair
        .source
        .query_raw(
            "SELECT millesime, echelle, id, statut, familles, unites FROM plan.registre
             WHERE theme = $1 AND publication IN (SELECT plan.publiees())",
            [theme.name()],
        )
        .await
        .map_err(doing())?;
    pin_mut!(stream);
    let mut ledger = Ledger::new();
    while let Some(row) = stream.try_next().await.map_err(doing())? {
        let scale = match row.get::<_, &str>(1) {
            "residence" => RESIDENCE,
            "iris" => plan::IRIS,
            "qpv" => plan::QPV,
            _ => plan::COMMUNE,
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
