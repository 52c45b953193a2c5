//! Which categories of shown zone rows are withheld: reads cells and rows, runs G2, writes its masks.

use super::PublishError;
use super::candidate::Candidate;
use super::landlords::Landlords;
use super::plan::{Attackers, CategoryCell, CategoryPart, Doubt, Mask, Theme, masks};
use super::prepare::vintages;
use super::report::CategoryLine;
use super::workers::{Pair, Workers};
use crate::config::{Secrecy, Zero};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio_postgres::types::ToSql;

/// Categories with one denominator.
struct Family {
    /// Family of the plan; empty: the theme itself.
    family: &'static str,
    /// Column of the denominator.
    units: &'static str,
    columns: &'static [&'static str],
    /// Whether the categories add up to the denominator.
    whole: bool,
    /// Rows that may also say the category inside and outside QPV: columns outside and inside, each with its denominator.
    split: Option<[(&'static str, &'static str); 2]>,
}

const fn family(family: &'static str, units: &'static str, columns: &'static [&'static str], whole: bool) -> Family {
    Family { family, units, columns, whole, split: None }
}

const OCCUPATION: &[Family] = &[
    family(
        "",
        "nb_menages",
        &["nb_isoles", "nb_couples_sans_enf", "nb_couples_enf", "nb_monoparentales", "nb_autres_menages"],
        true,
    ),
    family("", "nb_menages", &["nb_3enf_plus"], false),
    family("", "nb_menages", &["nb_apl"], false),
    family(
        "nb_revenu_connu",
        "nb_revenu_connu",
        &["nb_moins_20", "nb_20_40", "nb_40_60", "nb_60_100", "nb_plus_100"],
        true,
    ),
    family("nb_age_connu", "nb_age_connu", &["nb_tit_moins_30", "nb_tit_30_64", "nb_tit_65_plus"], true),
    family("nb_adultes", "nb_adultes", &["nb_emploi_stable", "nb_emploi_precaire", "nb_sans_emploi"], false),
    family("nb_entree_connue", "nb_entree_connue", &["nb_emm_recents"], false),
];

const ATTRIBUTIONS: &[Family] = &[
    family("", "nb_attributions", &["nb_dalo"], false),
    family("", "nb_attributions", &["nb_prioritaires"], false),
    family("", "nb_attributions", &["nb_mutations"], false),
    family("", "nb_attributions", &["nb_action_logement"], false),
    Family {
        family: "nb_revenu_connu",
        units: "nb_revenu_connu",
        columns: &["nb_q1"],
        whole: false,
        split: Some([("nb_q1_hors_qpv", "nb_rc_hors_qpv"), ("nb_q2_q4_qpv", "nb_rc_qpv")]),
    },
];

/// Families of a theme. The stock has none: its dwellings are open data.
fn families(theme: Theme) -> &'static [Family] {
    match theme {
        Theme::Parc => &[],
        Theme::Occupation => OCCUPATION,
        Theme::Attributions => ATTRIBUTIONS,
    }
}

/// Categories that share a denominator (family of the plan; empty: that of the theme).
pub(super) fn columns(theme: Theme, family: &str) -> Vec<&'static str> {
    families(theme).iter().filter(|f| f.family == family).flat_map(|f| f.columns).copied().collect()
}

fn doubt(secrecy: &Secrecy, theme: Theme) -> Doubt {
    let zero = if theme == Theme::Occupation { secrecy.zeros.occupation } else { secrecy.zeros.attributions };
    Doubt { units: secrecy.doubt, zeros_safe: zero == Zero::Safe }
}

/// Judges every shown zone row of every theme and vintage and replaces the candidate's masks.
pub(super) async fn withhold(c: &Candidate<'_>, workers: &Workers) -> Result<(String, Value), PublishError> {
    let doing = || PublishError::during("forgetting former masks");
    let publication = c.publication;
    c.source.execute("DELETE FROM plan.masque WHERE publication = $1", &[&publication]).await.map_err(doing())?;
    let secrecy = &c.config.secrecy;
    let mut jobs: Vec<(Theme, Vec<i32>)> = Vec::new();
    for (theme, vintage, ..) in vintages(c).await?.into_iter().filter(|(theme, ..)| !families(*theme).is_empty()) {
        match jobs.iter_mut().find(|(t, _)| *t == theme) {
            Some((_, list)) => list.push(vintage),
            None => jobs.push((theme, vec![vintage])),
        }
    }
    let landlords = Arc::new(Landlords::read(c).await?);
    let attackers = match secrecy.attacker.categories {
        true => landlords.parameters(secrecy)?.attackers,
        false => Attackers::NOBODY,
    };
    let lines: Vec<Vec<CategoryLine>> = workers
        .each(jobs, |pair, (theme, vintages)| {
            let (attackers, landlords) = (attackers.clone(), Arc::clone(&landlords));
            let job = Job { pair, publication, theme, vintages, attackers, landlords };
            async move { job.run(doubt(secrecy, theme), secrecy.threshold).await }.boxed()
        })
        .await?;
    let mut lines: Vec<CategoryLine> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| (&b.theme, a.millesime, &a.echelle).cmp(&(&a.theme, b.millesime, &b.echelle)));
    let (all, withheld) = lines.iter().fold((0, 0), |(a, w), l| (a + l.cellules, w + l.masquees));
    Ok((format!("{all} cells of zone rows, {withheld} of them withheld"), json!(lines)))
}

/// A shown zone row of a vintage.
struct Row {
    vintage: i32,
    scale: String,
    id: String,
    /// Names of columns withheld.
    withheld: Vec<&'static str>,
    /// Those that the publication before withheld; `None`: it did not show the row.
    before: Option<String>,
}

/// Places of rows by vintage, scale and code.
type Numbers = HashMap<(i32, String, String), usize>;

/// All vintages of a theme: figures that are not renewed are counted in several of them, and each may tell of the others.
struct Job<'a> {
    pair: &'a Pair,
    publication: i64,
    theme: Theme,
    vintages: Vec<i32>,
    attackers: Attackers,
    landlords: Arc<Landlords>,
}

impl Job<'_> {
    async fn run(&self, doubt: Doubt, threshold: u32) -> Result<Vec<CategoryLine>, PublishError> {
        let name = self.theme.name();
        let doing = || PublishError::during(format!("categories of {name}"));
        let mut zones = self.zones().await.map_err(doing())?;
        let key = |(n, z): (usize, &Row)| ((z.vintage, z.scale.clone(), z.id.clone()), n);
        let number: Numbers = zones.iter().enumerate().map(key).collect();
        // A row a residence and vintage: hash joins read each table once where nested loops would look every row up.
        let session = || PublishError::during("setting up the session");
        let source = &self.pair.source;
        source.batch_execute("SET enable_nestloop = off; SET enable_mergejoin = off").await.map_err(session())?;
        let mut prices: BTreeMap<(i32, String), CategoryLine> = BTreeMap::new();
        // Families with one denominator have the same cells.
        for alike in families(self.theme).chunk_by(|a, b| a.units == b.units) {
            let hidden = self.hidden(alike).await.map_err(doing())?;
            let mut from = 0;
            for family in alike {
                let shown = self.shown(family, threshold, &number).await.map_err(doing())?;
                let cells = cells(family, from, &hidden, &shown, &number);
                from += family.columns.len();
                let kept = |zone: usize, columns: &[&'static str]| {
                    let list = zones[zone].before.as_deref().unwrap_or_default();
                    let bit = |n: usize, c: &str| Mask::from(list.split_whitespace().any(|w| w == c)) << n;
                    columns.iter().enumerate().map(|(n, c)| bit(n, c)).sum::<Mask>()
                };
                let start: Vec<Mask> = shown.iter().map(|r| kept(r.zone, r.columns)).collect();
                let cost =
                    |r: &ShownRow| BASE_COST + r.units + if zones[r.zone].before.is_some() { KNOWN_COST } else { 0 };
                let costs: Vec<u64> = shown.iter().map(cost).collect();
                let categories = family.columns.len();
                let attackers = self.attackers.clone();
                let vintages: Vec<i32> = shown.iter().map(|r| zones[r.zone].vintage).collect();
                let work = move || masks(doubt, &attackers, categories, &costs, &vintages, start, &cells);
                let found = tokio::task::spawn_blocking(work).await.map_err(|_| PublishError::Interrupted)?;
                for (r, mask) in shown.iter().zip(found) {
                    let zone = &mut zones[r.zone];
                    let withheld = r.columns.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, c)| *c);
                    let n = zone.withheld.len();
                    zone.withheld.extend(withheld);
                    let n = (zone.withheld.len() - n) as u64;
                    let price = prices.entry((zone.vintage, zone.scale.clone())).or_insert_with(|| CategoryLine {
                        theme: name.to_owned(),
                        millesime: zone.vintage,
                        echelle: zone.scale.clone(),
                        cellules: 0,
                        masquees: 0,
                        unites: 0,
                        unites_masquees: 0,
                    });
                    price.cellules += r.columns.len() as u64;
                    price.masquees += n;
                    price.unites += r.units * r.columns.len() as u64;
                    price.unites_masquees += r.units * n;
                }
            }
        }
        source.batch_execute("RESET enable_nestloop; RESET enable_mergejoin").await.map_err(session())?;
        self.write(&zones).await.map_err(doing())?;
        Ok(prices.into_values().collect())
    }

    /// Shown rows of all vintages, with what was withheld before: it stays so.
    async fn zones(&self) -> Result<Vec<Row>, tokio_postgres::Error> {
        let rows = self
            .pair
            .source
            .query(
                "SELECT l.millesime, l.echelle, l.id, q.colonnes FROM plan.ligne l
                 LEFT JOIN LATERAL (SELECT m.colonnes FROM plan.masque m JOIN plan.publication p USING (publication)
                     WHERE p.etat = 'publiee' AND m.theme = l.theme AND m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id
                     ORDER BY m.publication DESC LIMIT 1) q ON true
                 WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = ANY ($3) AND l.echelle <> 'residence' AND l.statut = 'diffuse'
                 ORDER BY 1, 2, 3",
                &[&self.publication, &self.theme.name(), &self.vintages],
            )
            .await?;
        let zone = |row: &tokio_postgres::Row| Row {
            vintage: row.get(0),
            scale: row.get(1),
            id: row.get(2),
            withheld: Vec::new(),
            before: row.get(3),
        };
        Ok(rows.iter().map(zone).collect())
    }

    async fn write(&self, zones: &[Row]) -> Result<(), tokio_postgres::Error> {
        let columns: Vec<String> = zones.iter().map(|z| z.withheld.join(" ")).collect();
        let vintages: Vec<i32> = zones.iter().map(|z| z.vintage).collect();
        let scales: Vec<&str> = zones.iter().map(|z| z.scale.as_str()).collect();
        let ids: Vec<&str> = zones.iter().map(|z| z.id.as_str()).collect();
        self.pair
            .source
            .execute(
                "INSERT INTO plan.masque SELECT $1, $2, v, e, i, c
                 FROM unnest($3::int[], $4::text[], $5::text[], $6::text[]) x (v, e, i, c)",
                &[&self.publication, &self.theme.name(), &vintages, &scales, &ids, &columns],
            )
            .await?;
        Ok(())
    }

    /// Rows that show a family, by the same conditions as the views.
    async fn shown(
        &self,
        family: &Family,
        threshold: u32,
        number: &Numbers,
    ) -> Result<Vec<ShownRow>, tokio_postgres::Error> {
        let units = family.units;
        let split = match family.split {
            Some([(_, outside), (_, inside)]) => format!(
                "CASE WHEN 'nb_rc_qpv' = ANY (l.familles) THEN m.{outside} ELSE 0 END,
                 CASE WHEN 'nb_rc_qpv' = ANY (l.familles) THEN m.{inside} ELSE 0 END"
            ),
            None => "0, 0".to_owned(),
        };
        let sql = format!(
            "SELECT l.millesime, l.echelle, l.id, CASE WHEN $4 = '' OR ($4 = ANY (l.familles) AND m.{units} >= $5) THEN m.{units} ELSE 0 END, {split}
             FROM plan.ligne l JOIN travail.{} m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id
             WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = ANY ($3) AND l.echelle <> 'residence' AND l.statut = 'diffuse'
             ORDER BY 1, 2, 3",
            self.theme.name()
        );
        let least = threshold as i32;
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&self.publication, &self.theme.name(), &self.vintages, &family.family, &least];
        let mut list = Vec::new();
        for row in self.pair.source.query(&sql, &parameters).await? {
            let Some(zone) = number.get(&(row.get(0), row.get(1), row.get(2))).copied() else { continue };
            let counts: [i32; 3] = [row.get(3), row.get(4), row.get(5)];
            for (part, columns, n) in [
                (Part::All, family.columns, counts[0]),
                (Part::Outside, OUTSIDE, counts[1]),
                (Part::Inside, INSIDE, counts[2]),
            ] {
                if n > 0 && (part == Part::All || n >= least) {
                    list.push(ShownRow { zone, part, columns, units: u64::from(n.unsigned_abs()) });
                }
            }
        }
        Ok(list)
    }

    /// Residences that zone figures count and whose figures nobody can read, by the rows that could count them in any vintage.
    async fn hidden(&self, alike: &[Family]) -> Result<Vec<Hidden>, tokio_postgres::Error> {
        let Some(Family { family, units, .. }) = alike.first() else { return Ok(Vec::new()) };
        let table = self.theme.name();
        let columns = alike.iter().flat_map(|f| f.columns);
        let sums: String = columns.map(|c| format!(", sum(m.{c})::int")).collect();
        // Figures of one vintage of a residence (`etat`) that several vintages count are one unknown.
        let sql = format!(
            "WITH v AS (
                SELECT millesime, contexte FROM plan.millesime WHERE publication = $1 AND theme = $2 AND millesime = ANY ($3)
             ), c AS (
                SELECT v.millesime, m.id, v.millesime AS etat, r.insee_com, r.insee_associee, r.code_iris, r.code_qp
                FROM v JOIN travail.residence r ON r.contexte = v.contexte
                JOIN travail.{table} m ON m.millesime = v.millesime AND m.echelle = 'residence' AND m.id = r.id
                WHERE NOT EXISTS (SELECT FROM travail.compte t WHERE t.theme = $2 AND t.millesime = v.millesime AND t.id = m.id
                                  AND t.famille IN ('', $4))
                UNION ALL
                SELECT t.millesime, t.id, t.etat, t.insee_com, t.insee_associee, t.code_iris, t.code_qp FROM travail.compte t
                WHERE t.theme = $2 AND t.millesime = ANY ($3) AND t.famille = $4 AND t.etat IS NOT NULL
                UNION ALL
                SELECT t.millesime, t.id, t.etat, t.insee_com, t.insee_associee, t.code_iris, t.code_qp FROM travail.compte t
                WHERE $4 > '' AND t.theme = $2 AND t.millesime = ANY ($3) AND t.famille = '' AND t.etat IS NOT NULL
                  AND NOT EXISTS (SELECT FROM travail.compte x
                                  WHERE x.theme = $2 AND x.millesime = t.millesime AND x.famille = $4 AND x.id = t.id)
             ), s AS (
                SELECT c.id, c.etat, string_agg(concat_ws('|', c.millesime, coalesce(c.insee_com, ''), coalesce(c.insee_associee, ''),
                    coalesce(c.code_iris, ''), coalesce(c.code_qp, '')), ' ' ORDER BY c.millesime) AS lieux
                FROM c
                WHERE NOT EXISTS (SELECT FROM plan.ligne l
                                  WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = c.etat AND l.echelle = 'residence'
                                    AND l.id = c.id AND l.statut = 'diffuse' AND ($4 = '' OR $4 = ANY (l.familles)))
                GROUP BY 1, 2
             )
             SELECT s.lieux, CASE WHEN s.etat < 0 THEN g.siren_bailleur ELSE r.siren_bailleur END, max(m.{units}),
                    sum(m.{units})::int{sums}
             FROM s JOIN travail.{table} m ON m.millesime = s.etat AND m.echelle = 'residence' AND m.id = s.id
             LEFT JOIN v ON v.millesime = s.etat
             LEFT JOIN travail.residence r ON r.contexte = v.contexte AND r.id = s.id
             LEFT JOIN travail.gele g ON s.etat < 0 AND g.theme = $2 AND g.millesime = -s.etat AND g.id = s.id
             WHERE m.{units} > 0 GROUP BY 1, 2 ORDER BY 1, 2"
        );
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.publication, &table, &self.vintages, family];
        let rows = self.pair.source.query(&sql, &parameters).await?;
        let number = |row: &tokio_postgres::Row, n: usize| row.get::<_, i32>(n).unsigned_abs();
        let hidden = |row: &tokio_postgres::Row| Hidden {
            places: row.get(0),
            landlord: row.get::<_, Option<&str>>(1).and_then(|siren| self.landlords.number(siren)),
            largest: number(row, 2),
            units: number(row, 3),
            counts: (4..row.len()).map(|n| number(row, n)).collect(),
        };
        Ok(rows.iter().map(hidden).collect())
    }
}

/// Cost of a category of any row; a unit of the row costs one more.
const BASE_COST: u64 = 100;

/// What it costs more where a publication has shown the row: who has read that knows it, so that withholding it helps little.
const KNOWN_COST: u64 = 1 << 32;

/// Which of a row's residences a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    All,
    Outside,
    Inside,
}

/// A row that shows a family, or one part of it.
struct ShownRow {
    zone: usize,
    part: Part,
    columns: &'static [&'static str],
    units: u64,
}

const OUTSIDE: &[&str] = &["nb_q1_hors_qpv"];
const INSIDE: &[&str] = &["nb_q2_q4_qpv"];

/// Residences of one landlord that the same rows could count.
struct Hidden {
    /// `millesime|commune|commune associée|iris|qpv` of each vintage that counts them, with blanks between.
    places: String,
    /// `None`: not known.
    landlord: Option<u32>,
    largest: u32,
    units: u32,
    /// Of all families with this denominator, one after the other.
    counts: Vec<u32>,
}

/// Cells of a family, whose columns begin at `from`: hidden residences by the shown rows that count them.
fn cells(family: &Family, from: usize, hidden: &[Hidden], shown: &[ShownRow], number: &Numbers) -> Vec<CategoryCell> {
    let rows_of: HashMap<(usize, Part), u32> = (0u32..).zip(shown).map(|(n, r)| ((r.zone, r.part), n)).collect();
    let mut cells: BTreeMap<Vec<u32>, CategoryCell> = BTreeMap::new();
    for h in hidden {
        let mut rows = Vec::new();
        for place in h.places.split(' ') {
            let mut fields = place.split('|');
            let vintage = fields.next().and_then(|v| v.parse().ok()).unwrap_or_default();
            let codes: Vec<&str> = fields.collect();
            let inside = codes.last().is_some_and(|c| !c.is_empty());
            for (scale, code) in ["commune", "commune", "iris", "qpv"].into_iter().zip(codes) {
                let Some(zone) = number.get(&(vintage, scale.to_owned(), code.to_owned())) else { continue };
                for part in [Part::All, if inside { Part::Inside } else { Part::Outside }] {
                    rows.extend(rows_of.get(&(*zone, part)));
                }
            }
        }
        rows.sort_unstable();
        rows.dedup();
        let mut counts: Vec<u32> = h.counts.iter().skip(from).take(family.columns.len()).copied().collect();
        if !family.whole {
            counts.push(h.units.saturating_sub(counts.iter().sum()));
        }
        let cell = cells.entry(rows.clone()).or_default();
        cell.rows = rows;
        cell.parts.entry(h.landlord).or_default().add(&CategoryPart { largest: h.largest, counts });
    }
    cells.into_values().collect()
}
