//! Candidates: accesses whose layers, publication, territory, columns and number of features fit a found file.

use super::read::Found;
use super::{ACCESS, Access, CANDIDATES, Trace, access, fail};
use crate::catalogue::{Catalogue, FieldKind, Layer, Sensitive};
use crate::convention::{ConventionError, acts, deed::Deed};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::Client;

/// Accesses that are looked at, newest first.
const LOOKED_AT: i64 = 100_000;
/// What counts for a part about which nothing can be known: a publication that is gone, keys whose zone is not told.
const UNKNOWN: f64 = 0.5;

/// An access that may be where the file comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The access.
    pub access: Access,
    /// From 0 to 1: the product of the parts below. A measure of fit, no probability.
    pub score: f64,
    /// Share of the file's rows that the convention's territory shows; `None`: unknown.
    pub keys: Option<f64>,
    /// Share of the file's values that the access's publication shows; `None`: unknown (publication gone).
    pub values: Option<f64>,
    /// How well the numbers of features agree.
    pub count: f64,
    /// What speaks against it, in words.
    pub against: Vec<&'static str>,
}

/// What publications say of the sample, by (layer, publication): share of keys, share of values.
type Shares = HashMap<(String, i64), (f64, f64)>;

/// Ranks all accesses to layers that the file may be of.
pub(super) async fn rank(client: &Client, catalogue: &Catalogue, found: &Found) -> Result<Trace, ConventionError> {
    let layers = layers(catalogue, &found.fields);
    let mut shares = Shares::new();
    for layer in &layers {
        compare(client, layer, found, &mut shares).await?;
    }
    // Where the publications still held know the keys, layers that hold none of them are out.
    let known: BTreeSet<&str> = shares.iter().filter(|(_, s)| s.0 > 0.0).map(|((l, _), _)| l.as_str()).collect();
    let names: Vec<String> =
        layers.iter().map(|l| l.name.clone()).filter(|n| known.is_empty() || known.contains(n.as_str())).collect();
    let deeds: BTreeMap<String, Deed> =
        acts::list(client).await?.into_iter().map(|c| (c.deed.id.clone(), c.deed)).collect();
    let sensitive = sensitive(catalogue, &names, found);
    let sql = format!("{ACCESS} WHERE a.couches && $1 ORDER BY a.ouvert_le DESC LIMIT $2");
    let rows = client.query(&sql, &[&names, &LOOKED_AT]).await.map_err(fail)?;
    let mut seen: HashMap<String, Option<f64>> = HashMap::new();
    let mut candidates: Vec<Candidate> = rows
        .iter()
        .map(access)
        .map(|access| {
            let deed = deeds.get(&access.convention);
            let keys =
                *seen.entry(access.convention.clone()).or_insert_with(|| deed.and_then(|deed| covered(deed, found)));
            judge(access, deed, keys, &shares, &sensitive, found)
        })
        .filter(|c| c.score > 0.0)
        .collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.access.millis.cmp(&a.access.millis)));
    candidates.truncate(CANDIDATES);
    Ok(Trace::Ranked { features: found.features, layers: names, candidates })
}

/// Name of a field as a Shapefile cuts it (10 characters), or whole.
fn is(name: &str, field: &str) -> bool {
    name.eq_ignore_ascii_case(field)
        || (name.len() == 10 && field.len() > 10 && field.get(..10).is_some_and(|f| f.eq_ignore_ascii_case(name)))
}

/// Layers that have most of the file's fields, as far as any layer has them.
fn layers<'a>(catalogue: &'a Catalogue, fields: &[String]) -> Vec<&'a Layer> {
    let count = |l: &Layer| fields.iter().filter(|n| l.fields.iter().any(|f| is(n, &f.name))).count();
    let most = catalogue.layers().iter().map(count).max().unwrap_or(0);
    catalogue.layers().iter().filter(|l| most > 1 && count(l) == most).collect()
}

fn compare_value(kind: FieldKind, text: &str) -> Option<Value> {
    match kind {
        FieldKind::Text => Some(json!(text)),
        FieldKind::Int | FieldKind::Long => text.trim().parse::<f64>().ok().map(|n| json!(n as i64)),
        FieldKind::Double => text.trim().parse::<f64>().ok().map(|n| json!(n)),
        // Programs write moments in too many ways.
        FieldKind::DateTime => None,
    }
}

async fn compare(client: &Client, layer: &Layer, found: &Found, shares: &mut Shares) -> Result<(), ConventionError> {
    let key = layer.field_by_id(layer.key).map_or("id", |f| f.name.as_str());
    let mut wanted = 0usize;
    let sample: Vec<Value> = found
        .sample
        .iter()
        .filter_map(|row| {
            let id = row.iter().find(|(name, _)| is(name, key)).map(|(_, v)| v.clone())?;
            let mut values = Map::new();
            for (name, text) in row {
                if let Some(field) = layer.fields.iter().find(|f| is(name, &f.name) && f.name != key)
                    && let Some(value) = compare_value(field.kind, text)
                {
                    values.insert(field.name.clone(), value);
                }
            }
            wanted += values.len();
            let vintage = values.get("millesime").cloned();
            Some(json!({ "id": id, "millesime": vintage, "valeurs": values }))
        })
        .collect();
    if sample.is_empty() {
        return Ok(());
    }
    let relation = layer.relation.rsplit('.').next().unwrap_or_default().to_owned();
    let rows = client
        .query(
            "SELECT publication, cles, valeurs FROM journal.comparer($1, $2)",
            &[&relation, &Value::Array(sample.clone())],
        )
        .await
        .map_err(fail)?;
    #[allow(clippy::cast_precision_loss)]
    let share = |part: i64, whole: usize| (part as f64 / whole.max(1) as f64).min(1.0);
    for row in rows {
        let of = (share(row.get(1), sample.len()), share(row.get(2), wanted));
        shares.insert((layer.name.clone(), row.get(0)), of);
    }
    Ok(())
}

/// Sensitive columns that the file holds.
fn sensitive(catalogue: &Catalogue, layers: &[String], found: &Found) -> BTreeSet<Sensitive> {
    let held = |name: &str| found.sample.iter().any(|r| r.keys().any(|k| is(k, name)));
    layers
        .iter()
        .filter_map(|l| catalogue.layer(l))
        .flat_map(|l| &l.fields)
        .filter_map(|f| f.sensitive.filter(|_| held(&f.name)))
        .collect()
}

/// Share of the sample's rows that lie in a convention's territory, by the zone codes that the rows carry.
fn covered(deed: &Deed, found: &Found) -> Option<f64> {
    let ground = &deed.territoire;
    if ground.tout {
        return Some(1.0);
    }
    let inside = |row: &BTreeMap<String, String>| {
        let code = |field: &str| row.iter().find(|(n, _)| is(n, field)).map(|(_, v)| v);
        let codes = [
            ("insee_com", &ground.communes),
            ("insee_associee", &ground.communes),
            ("code_iris", &ground.iris),
            ("code_qp", &ground.qpv),
        ];
        let told: Vec<bool> = codes.iter().filter_map(|(f, of)| code(f).map(|c| of.contains(c))).collect();
        (!told.is_empty()).then(|| told.contains(&true))
    };
    let told: Vec<bool> = found.sample.iter().filter_map(inside).collect();
    #[allow(clippy::cast_precision_loss)]
    (!told.is_empty()).then(|| told.iter().filter(|t| **t).count() as f64 / told.len() as f64)
}

fn judge(
    access: Access,
    deed: Option<&Deed>,
    keys: Option<f64>,
    shares: &Shares,
    sensitive: &BTreeSet<Sensitive>,
    found: &Found,
) -> Candidate {
    let mut against = Vec::new();
    let of = |layer: &String| shares.get(&(layer.clone(), access.publication));
    let values = access.layers.iter().filter_map(of).map(|s| s.0 * s.1).max_by(f64::total_cmp);
    #[allow(clippy::cast_precision_loss)]
    let count = match access.features {
        Some(n) if n as usize == found.features => 1.0,
        // A part of what was downloaded, or a page of what was put together.
        Some(n) => 0.4 + 0.4 * (n.min(found.features as i64) as f64 / n.max(found.features as i64).max(1) as f64),
        None => UNKNOWN,
    };
    let mut score = keys.unwrap_or(UNKNOWN) * values.unwrap_or(UNKNOWN) * count;
    let mut speak = |factor: f64, wrong: bool, why: &'static str| {
        if wrong {
            score *= factor;
            against.push(why);
        }
    };
    let granted = |s: &Sensitive| deed.is_none_or(|d| d.colonnes_sensibles.contains(s));
    speak(0.0, !sensitive.iter().all(granted), "the file holds a sensitive column that the convention does not grant");
    let picture = access.operation.starts_with("wms") || access.operation.starts_with("wmts");
    speak(0.1, picture, "pictures and identify, not a download");
    speak(0.2, found.written > 0 && found.written < access.millis, "the file was written before this access");
    speak(0.1, access.features == Some(0), "nothing was handed out");
    Candidate { access, score, keys, values, count, against }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::{file, samples};

    fn found(rows: &[&[(&str, &str)]]) -> Found {
        let row = |r: &&[(&str, &str)]| r.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let sample: Vec<BTreeMap<String, String>> = rows.iter().map(row).collect();
        let fields = sample.iter().flat_map(|r| r.keys().cloned()).collect::<BTreeSet<_>>().into_iter().collect();
        Found { features: rows.len(), fields, sample, written: 0 }
    }

    fn access(convention: &str, features: i64, operation: &str) -> Access {
        Access {
            download: "x-1".into(),
            at: String::new(),
            millis: 10,
            convention: convention.into(),
            partner: String::new(),
            holder: String::new(),
            serial: String::new(),
            address: String::new(),
            purpose: String::new(),
            operation: operation.into(),
            layers: vec!["parc_residence".into()],
            publication: 3,
            outcome: Some("complete".into()),
            features: Some(features),
            bytes: None,
            hash: None,
        }
    }

    fn deed(id: &str) -> Deed {
        file::parse(id, samples::FILES.iter().find(|f| f.0 == id).unwrap().1, None).unwrap().deed
    }

    #[test]
    fn layers_are_known_by_their_fields_also_when_cut_to_ten_characters() {
        let catalogue = crate::catalogue::load_embedded().unwrap();
        let names = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
            layers(&catalogue, &fields).iter().map(|l| l.name.clone()).collect::<Vec<_>>()
        };
        let all = names(&["id", "code_iris", "nb_logements", "siren_bailleur"]);
        assert!(all.contains(&"parc_residence".to_owned()) && !all.contains(&"parc_iris".to_owned()), "{all:?}");
        assert_eq!(all, names(&["ID", "CODE_IRIS", "nb_logemen", "siren_bail"]));
        assert!(names(&["foo", "bar"]).is_empty());
    }

    #[test]
    fn territory_columns_and_numbers_order_the_candidates() {
        let file = found(&[&[("insee_com", "59350"), ("insee_associee", "59355")], &[("insee_com", "59350")]]);
        assert_eq!((covered(&deed("mel"), &file), covered(&deed("lomme"), &file)), (Some(1.0), Some(0.5)));
        let shares: Shares = [(("parc_residence".to_owned(), 3), (1.0, 1.0))].into();
        let none = BTreeSet::new();
        let score = |a: Access, keys: Option<f64>, s: &BTreeSet<Sensitive>, id: &str| {
            judge(a, Some(&deed(id)), keys, &shares, s, &file).score
        };
        let exact = score(access("mel", 2, "wfs GetFeature"), Some(1.0), &none, "mel");
        let larger = score(access("mel", 600, "wfs GetFeature"), Some(1.0), &none, "mel");
        let half = score(access("lomme", 2, "wfs GetFeature"), Some(0.5), &none, "lomme");
        assert!((exact - 1.0).abs() < 1e-9 && exact > larger && exact > half && half > 0.0);
        let owner = BTreeSet::from([Sensitive::SirenBailleur]);
        assert_eq!(score(access("lomme", 2, "wfs GetFeature"), Some(1.0), &owner, "lomme"), 0.0);
        assert!(score(access("mel", 2, "wms GetFeatureInfo"), Some(1.0), &none, "mel") < 0.2);
    }
}
