//! Rows of the database ▶ registry: masks of layers and columns, territories, terms.

use super::deed::{Deed, Ground};
use super::registry::{Entry, Freshness, Registered};
use super::revocations::Revocations;
use super::territory::Zones;
use super::words::Onward;
use super::{Access, Convention, ConventionRow, Registry, Rows, Terms, Territory};
use crate::catalogue::{Catalogue, Scale, Sensitive, Theme};
use crate::pki::Anchors;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Compiles a registry that counts as confirmed at `now` (milliseconds since 1970) and for `max_age` milliseconds: for tests and for servers
/// whose registry does not come from a database.
pub fn compile(rows: &Rows, catalogue: &Catalogue, anchors: Arc<Anchors>, now: i64, max_age: i64) -> Registry {
    let freshness = Arc::new(Freshness::new(max_age));
    freshness.confirm(now);
    registry(rows, &mut Compiler::new(catalogue), anchors, Arc::default(), freshness)
}

/// Compiles a registry.
pub(super) fn registry(
    rows: &Rows,
    compiler: &mut Compiler<'_>,
    anchors: Arc<Anchors>,
    revocations: Arc<Revocations>,
    freshness: Arc<Freshness>,
) -> Registry {
    let zones = Zones::new(&rows.zones, &rows.links);
    let entries: HashMap<&str, Arc<Entry>> =
        rows.conventions.iter().map(|row| (row.deed.id.as_str(), Arc::new(compiler.entry(row, &zones)))).collect();
    let certificates = rows
        .certificates
        .iter()
        .filter_map(|c| {
            let entry = Arc::clone(entries.get(c.convention.as_str())?);
            let registered = Registered {
                entry,
                purpose: c.purpose.clone(),
                holder: c.holder.clone(),
                public_url: c.public_url.clone(),
                revoked: c.revoked,
            };
            Some(((c.ca, c.key), registered))
        })
        .collect();
    let conventions = entries.len();
    Registry {
        certificates: Arc::new(certificates),
        conventions,
        anchors,
        revocations,
        freshness,
        publication: rows.publication,
    }
}

/// What decides which layers and columns exist.
type Grants = (BTreeSet<Theme>, BTreeSet<Scale>, BTreeSet<Sensitive>);

/// Compiles conventions; equal parts of them are made once and shared.
pub(super) struct Compiler<'a> {
    whole: &'a Catalogue,
    catalogues: HashMap<Grants, Arc<Catalogue>>,
    territories: HashMap<Ground, Option<Territory>>,
    accesses: HashMap<u64, Arc<Access>>,
}

impl<'a> Compiler<'a> {
    pub fn new(whole: &'a Catalogue) -> Self {
        Compiler { whole, catalogues: HashMap::new(), territories: HashMap::new(), accesses: HashMap::new() }
    }

    fn entry(&mut self, row: &ConventionRow, zones: &Zones) -> Entry {
        let deed = Arc::new(row.deed.clone());
        let convention = Convention {
            id: deed.id.clone(),
            access: self.access(&deed, zones),
            terms: Arc::new(terms(&deed)),
            places: deed.quotas.places.map(|p| p as usize),
        };
        Entry::new(convention, deed, row.version, row.state)
    }

    fn access(&mut self, deed: &Deed, zones: &Zones) -> Arc<Access> {
        let catalogue = self.catalogue(deed);
        let territory =
            self.territories.entry(deed.territoire.clone()).or_insert_with(|| zones.resolve(&deed.territoire)).clone();
        let operations: BTreeSet<_> = deed.operations.iter().copied().collect();
        let mut access = Access { scope_id: 0, catalogue, territory, operations };
        access.scope_id = scope_id(&access);
        Arc::clone(self.accesses.entry(access.scope_id).or_insert_with(|| Arc::new(access)))
    }

    fn catalogue(&mut self, deed: &Deed) -> Arc<Catalogue> {
        let grants: Grants = (
            deed.themes.iter().copied().collect(),
            deed.echelles.iter().copied().collect(),
            deed.colonnes_sensibles.iter().copied().collect(),
        );
        let whole = self.whole;
        let made = self.catalogues.entry(grants).or_insert_with_key(|(themes, scales, columns)| {
            Arc::new(whole.restricted(
                // Outlines hold no statistics: they come with their scale.
                |l| scales.contains(&l.scale) && (l.theme == Theme::Contour || themes.contains(&l.theme)),
                |_, f| f.sensitive.is_none_or(|s| columns.contains(&s)),
            ))
        });
        Arc::clone(made)
    }
}

/// A number that is equal for equal sight: layers, columns, zones and operations. The first 8 bytes of a SHA-256, so that
/// two different sights do not meet (a cache would serve one the other's bytes).
fn scope_id(access: &Access) -> u64 {
    let mut hash = Sha256::new();
    let mut put = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    for layer in access.catalogue.layers() {
        put(&format!("layer {}", layer.id.0));
        for field in &layer.fields {
            put(&field.id.0.to_string());
        }
    }
    match &access.territory {
        None => put("everywhere"),
        Some(t) => {
            for (name, set) in [
                ("communes", &t.communes),
                ("iris", &t.iris),
                ("qpv", &t.qpv),
                ("residence_iris", &t.residence_iris),
                ("residence_qpv", &t.residence_qpv),
            ] {
                put(name);
                let sorted: BTreeSet<&String> = set.iter().collect();
                sorted.into_iter().for_each(|code| put(code));
            }
        }
    }
    for operation in &access.operations {
        put(super::words::Word::word(*operation));
    }
    hash.finalize().iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

fn terms(deed: &Deed) -> Terms {
    let joined = |text: fn(super::words::Purpose) -> &'static str| {
        deed.finalites.iter().map(|p| text(*p)).collect::<Vec<_>>().join(", ")
    };
    let purposes = joined(super::words::Purpose::french);
    let (onward_fr, onward_en) = match deed.diffusion_ulterieure {
        Onward::Aucune => ("Aucune communication à des tiers.", "No communication to third parties."),
        Onward::Interne => (
            "Affichage permis aux agents du partenaire ; aucune communication à des tiers.",
            "Display allowed to the partner's own staff; no communication to third parties.",
        ),
        Onward::Publique => (
            "Publication permise de cartes et d'agrégats citant la source et le millésime.",
            "Publication of maps and aggregates citing source and vintage allowed.",
        ),
    };
    let mut terms = Terms {
        id: 0,
        convention: deed.id.clone(),
        partner: deed.partner.nom.clone(),
        until: deed.fin.to_string(),
        constraints_fr: format!(
            "Convention {} avec {}, jusqu'au {}. Finalités : {purposes}. {onward_fr} Aucun recoupement visant à \
             identifier des personnes ou des bailleurs. Conservation : {} jours.",
            deed.id,
            deed.partner.nom,
            deed.until_french(),
            deed.duree_conservation,
        ),
        constraints_en: format!(
            "Convention {} with {}, until {}. Purposes: {}. {onward_en} No cross-linking to identify persons or \
             landlords. To be kept {} days at most.",
            deed.id,
            deed.partner.nom,
            deed.fin,
            joined(super::words::Purpose::english),
            deed.duree_conservation,
        ),
        fees_fr: deed.redevance.as_ref().map(|f| f.fr.clone()).unwrap_or_default(),
        fees_en: deed.redevance.as_ref().map(|f| f.en.clone()).unwrap_or_default(),
        purposes,
    };
    let hash = Sha256::digest(format!("{terms:?}"));
    terms.id = hash.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
    terms
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
