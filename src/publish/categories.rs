//! Which categories of shown zone rows are withheld: reads cells and rows, runs G2, writes its masks.

use super::PublishError;
use super::candidate::Candidate;
use super::plan::{CategoryCell, Doubt, Mask, Theme, masks};
use super::prepare::vintages;
use super::report::CategoryLine;
use super::workers::{Pair, Workers};
use crate::config::{Secrecy, Zero};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
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
    let jobs = vintages(c).await?.into_iter().filter(|(theme, ..)| !families(*theme).is_empty());
    let lines: Vec<Vec<CategoryLine>> = workers
        .each(jobs, |pair, (theme, vintage, ..)| {
            async move { one(pair, publication, theme, vintage, doubt(secrecy, theme), secrecy.threshold).await }
                .boxed()
        })
        .await?;
    let mut lines: Vec<CategoryLine> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| (&b.theme, a.millesime, &a.echelle).cmp(&(&a.theme, b.millesime, &b.echelle)));
    let (all, withheld) = lines.iter().fold((0, 0), |(a, w), l| (a + l.cellules, w + l.masquees));
    Ok((format!("{all} cells of zone rows, {withheld} of them withheld"), json!(lines)))
}

/// A shown zone row.
struct Row {
    scale: String,
    id: String,
    /// Names of columns withheld.
    withheld: Vec<&'static str>,
}

async fn one(
    pair: &Pair,
    publication: i64,
    theme: Theme,
    vintage: i32,
    doubt: Doubt,
    threshold: u32,
) -> Result<Vec<CategoryLine>, PublishError> {
    let name = theme.name();
    let doing = || PublishError::during(format!("categories of {name} {vintage}"));
    let rows = pair
        .source
        .query(
            "SELECT l.echelle, l.id, q.colonnes FROM plan.ligne l
             LEFT JOIN LATERAL (SELECT m.colonnes FROM plan.masque m JOIN plan.publication p USING (publication)
                 WHERE p.etat = 'publiee' AND m.theme = l.theme AND m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id
                 ORDER BY m.publication DESC LIMIT 1) q ON true
             WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = $3 AND l.echelle <> 'residence' AND l.statut = 'diffuse'
             ORDER BY 1, 2",
            &[&publication, &name, &vintage],
        )
        .await
        .map_err(doing())?;
    // A row a residence and vintage: hash joins read each table once where nested loops would look every row up.
    pair.source
        .batch_execute("SET enable_nestloop = off; SET enable_mergejoin = off")
        .await
        .map_err(PublishError::during("setting up the session"))?;
    // What was withheld before stays so.
    let mut before: HashMap<usize, String> = HashMap::new();
    let mut zones: Vec<Row> = Vec::with_capacity(rows.len());
    let mut number: HashMap<(String, String), usize> = HashMap::new();
    for row in &rows {
        let (scale, id): (String, String) = (row.get(0), row.get(1));
        if let Some(columns) = row.get::<_, Option<String>>(2).filter(|c| !c.is_empty()) {
            before.insert(zones.len(), columns);
        }
        number.insert((scale.clone(), id.clone()), zones.len());
        zones.push(Row { scale, id, withheld: Vec::new() });
    }
    let mut prices: BTreeMap<String, CategoryLine> = BTreeMap::new();
    for family in families(theme) {
        let shown = shown(pair, publication, theme, vintage, family, threshold, &number).await.map_err(doing())?;
        let cells = cells(pair, publication, theme, vintage, family, &shown, &number).await.map_err(doing())?;
        let kept = |zone: usize, columns: &[&'static str]| {
            let list = before.get(&zone).map_or("", String::as_str);
            let bit = |n: usize, c: &str| Mask::from(list.split_whitespace().any(|w| w == c)) << n;
            columns.iter().enumerate().map(|(n, c)| bit(n, c)).sum::<Mask>()
        };
        let start: Vec<Mask> = shown.iter().map(|r| kept(r.zone, r.columns)).collect();
        let costs: Vec<u64> = shown.iter().map(|r| BASE_COST + r.units).collect();
        let categories = family.columns.len();
        let found = tokio::task::spawn_blocking(move || masks(doubt, categories, &costs, start, &cells))
            .await
            .map_err(|_| PublishError::Interrupted)?;
        for (r, mask) in shown.iter().zip(found) {
            let zone = &mut zones[r.zone];
            let withheld = r.columns.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, c)| *c);
            let n = zone.withheld.len();
            zone.withheld.extend(withheld);
            let n = (zone.withheld.len() - n) as u64;
            let price = prices.entry(zone.scale.clone()).or_insert_with(|| CategoryLine {
                theme: name.to_owned(),
                millesime: vintage,
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
    pair.source
        .batch_execute("RESET enable_nestloop; RESET enable_mergejoin")
        .await
        .map_err(PublishError::during("setting up the session"))?;
    let columns: Vec<String> = zones.iter().map(|z| z.withheld.join(" ")).collect();
    let scales: Vec<&str> = zones.iter().map(|z| z.scale.as_str()).collect();
    let ids: Vec<&str> = zones.iter().map(|z| z.id.as_str()).collect();
    pair.source
        .execute(
            "INSERT INTO plan.masque SELECT $1, $2, $3, e, i, c FROM unnest($4::text[], $5::text[], $6::text[]) x (e, i, c)",
            &[&publication, &name, &vintage, &scales, &ids, &columns],
        )
        .await
        .map_err(doing())?;
    Ok(prices.into_values().collect())
}

/// Cost of a category of any row; a unit of the row costs one more.
const BASE_COST: u64 = 100;

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

/// Rows that show a family, by the same conditions as the views.
async fn shown(
    pair: &Pair,
    publication: i64,
    theme: Theme,
    vintage: i32,
    family: &Family,
    threshold: u32,
    number: &HashMap<(String, String), usize>,
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
        "SELECT l.echelle, l.id, CASE WHEN $4 = '' OR ($4 = ANY (l.familles) AND m.{units} >= $5) THEN m.{units} ELSE 0 END, {split}
         FROM plan.ligne l JOIN travail.{} m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id
         WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = $3 AND l.echelle <> 'residence' AND l.statut = 'diffuse'
         ORDER BY 1, 2",
        theme.name()
    );
    let least = threshold as i32;
    let parameters: [&(dyn ToSql + Sync); 5] = [&publication, &theme.name(), &vintage, &family.family, &least];
    let mut list = Vec::new();
    for row in pair.source.query(&sql, &parameters).await? {
        let Some(zone) = number.get(&(row.get(0), row.get(1))).copied() else { continue };
        let counts: [i32; 3] = [row.get(2), row.get(3), row.get(4)];
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

/// Cells of a family: residences that zone figures count and whose figures nobody can read, by the shown rows that count them.
async fn cells(
    pair: &Pair,
    publication: i64,
    theme: Theme,
    vintage: i32,
    family: &Family,
    shown: &[ShownRow],
    number: &HashMap<(String, String), usize>,
) -> Result<Vec<CategoryCell>, tokio_postgres::Error> {
    let (table, units) = (theme.name(), family.units);
    let sums: String = family.columns.iter().map(|c| format!(", sum(m.{c})::int")).collect();
    let sql = format!(
        "WITH c AS (
            SELECT m.id, $3::int AS etat, r.insee_com, r.insee_associee, r.code_iris, r.code_qp
            FROM plan.millesime v
            JOIN travail.residence r ON r.contexte = v.contexte
            JOIN travail.{table} m ON m.millesime = $3 AND m.echelle = 'residence' AND m.id = r.id
            WHERE v.publication = $1 AND v.theme = $2 AND v.millesime = $3
              AND NOT EXISTS (SELECT FROM travail.compte t WHERE t.theme = $2 AND t.millesime = $3 AND t.id = m.id
                              AND t.famille IN ('', $4))
            UNION ALL
            SELECT t.id, t.etat, t.insee_com, t.insee_associee, t.code_iris, t.code_qp FROM travail.compte t
            WHERE t.theme = $2 AND t.millesime = $3 AND t.famille = $4 AND t.etat IS NOT NULL
            UNION ALL
            SELECT t.id, t.etat, t.insee_com, t.insee_associee, t.code_iris, t.code_qp FROM travail.compte t
            WHERE $4 > '' AND t.theme = $2 AND t.millesime = $3 AND t.famille = '' AND t.etat IS NOT NULL
              AND NOT EXISTS (SELECT FROM travail.compte x
                              WHERE x.theme = $2 AND x.millesime = $3 AND x.famille = $4 AND x.id = t.id)
         )
         SELECT c.insee_com, c.insee_associee, c.code_iris, c.code_qp, max(m.{units}), sum(m.{units})::int{sums}
         FROM c JOIN travail.{table} m ON m.millesime = c.etat AND m.echelle = 'residence' AND m.id = c.id
         WHERE m.{units} > 0
           AND NOT EXISTS (SELECT FROM plan.ligne l
                           WHERE l.publication = $1 AND l.theme = $2 AND l.millesime = c.etat AND l.echelle = 'residence'
                             AND l.id = c.id AND l.statut = 'diffuse' AND ($4 = '' OR $4 = ANY (l.familles)))
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    );
    let rows_of: HashMap<(usize, Part), u32> = (0u32..).zip(shown).map(|(n, r)| ((r.zone, r.part), n)).collect();
    let parameters: [&(dyn ToSql + Sync); 4] = [&publication, &theme.name(), &vintage, &family.family];
    let mut cells: BTreeMap<Vec<u32>, CategoryCell> = BTreeMap::new();
    for row in pair.source.query(&sql, &parameters).await? {
        let mut rows = Vec::new();
        let inside = row.get::<_, Option<String>>(3).is_some();
        for (n, scale) in ["commune", "commune", "iris", "qpv"].into_iter().enumerate() {
            let Some(code) = row.get::<_, Option<String>>(n) else { continue };
            let Some(zone) = number.get(&(scale.to_owned(), code)) else { continue };
            for part in [Part::All, if inside { Part::Inside } else { Part::Outside }] {
                rows.extend(rows_of.get(&(*zone, part)));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        let largest = row.get::<_, i32>(4).unsigned_abs();
        let total = row.get::<_, i32>(5).unsigned_abs();
        let mut counts: Vec<u32> = (0..family.columns.len()).map(|n| row.get::<_, i32>(6 + n).unsigned_abs()).collect();
        if !family.whole {
            counts.push(total.saturating_sub(counts.iter().sum()));
        }
        let cell = cells.entry(rows.clone()).or_default();
        cell.rows = rows;
        cell.largest = cell.largest.max(largest);
        cell.counts.resize(counts.len(), 0);
        cell.counts.iter_mut().zip(counts).for_each(|(a, b)| *a += b);
    }
    Ok(cells.into_values().collect())
}
