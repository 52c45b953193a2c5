//! The candidate: opened, gone on with, or dropped; and which of its steps are done.

use super::PublishError;
use super::report::{Step, StepReport};
use crate::catalogue::Text;
use crate::config::{Config, Secrecy};
use crate::db::{Role, Which, connect};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, IsolationLevel};

/// Key of the advisory lock that one publisher at a time holds, in `source`.
const LOCK: i64 = 7_345_010;

/// Connections and number of the candidate under way.
pub(super) struct Candidate<'a> {
    pub config: &'a Config,
    pub publication: i64,
    /// `source`; holds the lock.
    pub source: Client,
    pub serving: Client,
}

/// Parameters as they are published.
pub(super) fn parameters(s: &Secrecy) -> Value {
    json!({
        "seuil": s.threshold,
        "dominance": s.dominance,
        "residences": s.residences,
        "attaquants": {
            "seuls": s.attacker.alone,
            "groupes": s.attacker.groups,
            "paires": s.attacker.pairs,
            "coalitions": s.attacker.coalitions,
            "categories": s.attacker.categories,
        },
        "doute": s.doubt,
        "zeros": s.zeros,
        "methode": "G1, G2",
        "texte": words(s),
    })
}

/// The rule and its parameters in words, stored with the publication: the metadata of each layer say them.
fn words(s: &Secrecy) -> Text {
    let (least, rest) = (s.threshold, s.residences);
    let share = format!("{:.0}", s.dominance * 100.0);
    let doubt = s.doubt;
    let landlord = |before: &str, who: &str, after: &str| {
        if who.is_empty() { String::new() } else { format!("{before}{who}{after}") }
    };
    let [tenants, own] = s.attacker.of_categories().public_words();
    let (guard, guarded) = match doubt {
        0 => (String::new(), String::new()),
        _ => (
            format!(
                " ; règle G2 (occupation, attributions) : de chaque catégorie d'une maille, {doubt} unités au moins doivent rester \
                 possibles, et {doubt} hors d'elle{}, sinon la catégorie est masquée (champ categories_masquees)",
                landlord(", aussi pour ", &tenants, " connaissant ses propres locataires")
            ),
            format!(
                "; rule G2 (occupation, allocations): of each category of a cell at least {doubt} units must remain possible, and \
                 {doubt} outside it{}, or the category is withheld (field categories_masquees)",
                landlord(", also to ", &own, " knowing its own tenants")
            ),
        ),
    };
    let [fr, en] = s.attacker.public_words();
    Text {
        fr: format!(
            "Secret statistique : seuil de {least} unités (logements pour le parc, ménages ayant répondu pour l'occupation, \
             attributions sur 36 mois pour les attributions) par ligne et par famille d'indicateurs ; règle G1 : dans chaque \
             maille des zonages publiés, ce qui n'est pas publié est vide ou compte au moins {least} unités et {rest} \
             résidences, dont aucune ne fait plus de {share} %{}{guard} ; parc diffus mis à jour par lots ; vérifié avant publication \
             par une attaque indépendante.",
            landlord(", et cela encore après retrait du patrimoine de ", &fr, "")
        ),
        en: format!(
            "Statistical confidentiality: threshold of {least} units (dwellings for the stock, households that answered for \
             its occupation, allocations over 36 months for allocations) for each row and each family of indicators; rule G1: \
             in each cell of the published zonings, what is not published is empty or holds at least {least} units and {rest} \
             residences, none of them over {share} %{}{guarded}; unpublished stock updated in batches; verified before publication by \
             an independent attack.",
            landlord(", and still does after the residences of ", &en, " are removed")
        ),
    }
}

/// A session of the publisher with room to sort and hash.
pub(super) async fn session(config: &Config, which: Which) -> Result<Client, PublishError> {
    let client = connect(&config.database, which, Role::Publisher).await?;
    client
        .batch_execute("SET work_mem = '64MB'; SET jit = off; SET client_min_messages = warning")
        .await
        .map_err(PublishError::during("setting up the session"))?;
    Ok(client)
}

impl<'a> Candidate<'a> {
    /// Goes on with the unfinished candidate when it was made of the same imports and parameters, else begins a new one.
    pub async fn open(config: &'a Config, fresh: bool) -> Result<Candidate<'a>, PublishError> {
        let mut source = session(config, Which::Source).await?;
        let serving = session(config, Which::Serving).await?;
        let free: bool = source
            .query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK])
            .await
            .map_err(PublishError::during("waiting for other publishers"))?
            .get(0);
        if !free {
            return Err(PublishError::Busy);
        }
        settle(&source, &serving).await?;
        missing(&source).await?;
        let wanted = parameters(&config.secrecy);
        let lots = lots(&source).await?;
        let (planned, opened) = (planned(&source).await?, opened(&serving).await?);
        if let (Some((a, p)), Some((b, q, l)), false) = (&planned, &opened, fresh)
            && a == b
            && *p == wanted
            && *q == wanted
            && *l == lots
        {
            return Ok(Candidate { config, publication: *a, source, serving });
        }
        // Serving first: a candidate that `source` still knows and `serving` does not is dropped by the next run.
        if let Some((id, ..)) = opened {
            serving
                .execute("SELECT registre.purger($1)", &[&id])
                .await
                .map_err(PublishError::during("dropping the former candidate"))?;
        }
        abandon(&source).await?;
        let publication = begin(&mut source, &serving, &wanted, &lots).await?;
        Ok(Candidate { config, publication, source, serving })
    }

    /// Reports of the steps (or parts of a step) that are done.
    pub async fn done(&self, step: Step, part: &str) -> Result<Option<StepReport>, PublishError> {
        let row = self
            .source
            .query_opt(
                "SELECT detail FROM plan.etape WHERE publication = $1 AND etape = $2 AND objet = $3",
                &[&self.publication, &step.name(), &part],
            )
            .await
            .map_err(PublishError::during("looking up the steps done"))?;
        Ok(row.map(|r| StepReport { step, took: None, detail: r.get(0) }))
    }

    /// What a step left for programs.
    pub async fn data(&self, step: Step) -> Result<Value, PublishError> {
        let row = self
            .source
            .query_opt(
                "SELECT donnees FROM plan.etape WHERE publication = $1 AND etape = $2 AND objet = ''",
                &[&self.publication, &step.name()],
            )
            .await
            .map_err(PublishError::during("reading what a step left"))?;
        Ok(row.and_then(|r| r.get::<_, Option<Value>>(0)).unwrap_or(Value::Null))
    }

    /// Notes that a step (or part of it) is done.
    pub async fn note(
        &self,
        step: Step,
        part: &str,
        begun: Instant,
        detail: &str,
        data: Option<Value>,
    ) -> Result<Duration, PublishError> {
        let took = begun.elapsed();
        self.source
            .execute(
                "INSERT INTO plan.etape (publication, etape, objet, duree, detail, donnees) VALUES ($1, $2, $3, $4, $5, $6)",
                &[&self.publication, &step.name(), &part, &took.as_secs_f64(), &detail, &data],
            )
            .await
            .map_err(PublishError::during("noting a step"))?;
        Ok(took)
    }

    /// Forgets steps whose working tables are gone, so that they are done again.
    pub async fn forget_lost_work(&self) -> Result<(), PublishError> {
        if self.done(Step::Copie, "").await?.is_some() {
            return Ok(());
        }
        let held: bool = self
            .source
            .query_one("SELECT EXISTS (SELECT FROM travail.temoin WHERE publication = $1)", &[&self.publication])
            .await
            .map_err(PublishError::during("looking at the working tables"))?
            .get(0);
        if !held {
            self.source
                .execute(
                    "DELETE FROM plan.etape WHERE publication = $1 AND etape <> $2",
                    &[&self.publication, &Step::Lots.name()],
                )
                .await
                .map_err(PublishError::during("forgetting lost steps"))?;
        }
        Ok(())
    }
}

/// A publication that became current just before its publisher was killed is noted as such.
async fn settle(source: &Client, serving: &Client) -> Result<(), PublishError> {
    let Some((id, _)) = planned(source).await? else { return Ok(()) };
    let shown = serving
        .query_opt("SELECT FROM registre.publication WHERE id = $1 AND courante_depuis IS NOT NULL", &[&id])
        .await
        .map_err(PublishError::during("looking up the last publication"))?;
    if shown.is_some() {
        source
            .execute("UPDATE plan.publication SET etat = 'publiee' WHERE publication = $1", &[&id])
            .await
            .map_err(PublishError::during("noting the last publication"))?;
    }
    Ok(())
}

async fn planned(source: &Client) -> Result<Option<(i64, Value)>, PublishError> {
    let row = source
        .query_opt("SELECT publication, parametres FROM plan.candidate", &[])
        .await
        .map_err(PublishError::during("looking for an unfinished candidate"))?;
    Ok(row.map(|r| (r.get(0), r.get(1))))
}

async fn opened(serving: &Client) -> Result<Option<(i64, Value, Value)>, PublishError> {
    let row = serving
        .query_opt("SELECT id, parametres, lots FROM registre.publication WHERE etat = 'candidate'", &[])
        .await
        .map_err(PublishError::during("looking for an unfinished candidate"))?;
    Ok(row.map(|r| (r.get(0), r.get(1), r.get(2))))
}

/// Drops what `source` holds of an unfinished candidate.
pub(super) async fn abandon(source: &Client) -> Result<(), PublishError> {
    let doing = || PublishError::during("dropping the former candidate");
    let Some((id, _)) = planned(source).await? else { return Ok(()) };
    source
        .execute("UPDATE plan.publication SET etat = 'abandonnee' WHERE publication = $1", &[&id])
        .await
        .map_err(doing())?;
    source.execute("SELECT plan.purger($1)", &[&id]).await.map_err(doing())?;
    Ok(())
}

/// What every publication needs.
async fn missing(source: &Client) -> Result<(), PublishError> {
    let row = source
        .query_one(
            "SELECT string_agg(s, ', ') FROM unnest(ARRAY['communes', 'iris', 'residences', 'rpls']) s
             WHERE NOT EXISTS (SELECT FROM import.courant c WHERE c.source = s)",
            &[],
        )
        .await
        .map_err(PublishError::during("looking for imports"))?;
    match row.get::<_, Option<String>>(0) {
        Some(missing) => Err(PublishError::NoImports { missing }),
        None => Ok(()),
    }
}

/// The newest complete imports, and of tables of third parties all of them, as the registry shows them.
async fn lots(source: &impl tokio_postgres::GenericClient) -> Result<Value, PublishError> {
    let row = source
        .query_one(
            "SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'millesime', millesime, 'version', version)
                                       ORDER BY source, millesime, version), '[]')
             FROM (SELECT source, millesime, version FROM import.courant WHERE source <> 'marges'
                   UNION ALL SELECT source, millesime, version FROM import.lot
                   WHERE source = 'marges' AND etat = 'complet') l",
            &[],
        )
        .await
        .map_err(PublishError::during("looking for imports"))?;
    Ok(row.get(0))
}

/// Opens a candidate in both databases and freezes the imports it uses.
async fn begin(source: &mut Client, serving: &Client, wanted: &Value, lots: &Value) -> Result<i64, PublishError> {
    let doing = || PublishError::during("opening a candidate");
    let begun = Instant::now();
    // One view of the imports from here to the commit. A candidate of `serving` that this does not commit is dropped by
    // the next run.
    let transaction =
        source.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await.map_err(doing())?;
    let now = self::lots(&transaction).await?;
    let lots = if now == *lots { lots } else { &now };
    let publication: i64 =
        serving.query_one("SELECT registre.ouvrir($1, $2)", &[wanted, lots]).await.map_err(doing())?.get(0);
    transaction.execute("SELECT plan.ouvrir($1, $2)", &[&publication, wanted]).await.map_err(doing())?;
    transaction.execute("SELECT plan.choisir($1)", &[&publication]).await.map_err(doing())?;
    transaction
        .execute(
            "INSERT INTO import.emploi
             (SELECT $1::bigint, lot FROM import.courant WHERE source = 'bailleurs' ORDER BY millesime DESC LIMIT 1)
             UNION ALL SELECT $1, lot FROM import.lot WHERE source = 'marges' AND etat = 'complet'",
            &[&publication],
        )
        .await
        .map_err(doing())?;
    let row = transaction
        .query_one(
            "SELECT (SELECT count(*) FROM plan.millesime WHERE publication = $1),
                    (SELECT count(*) FROM import.emploi WHERE publication = $1)",
            &[&publication],
        )
        .await
        .map_err(doing())?;
    let detail = format!("{} vintages of themes, {} imports", row.get::<_, i64>(0), row.get::<_, i64>(1));
    transaction
        .execute(
            "INSERT INTO plan.etape (publication, etape, duree, detail) VALUES ($1, $2, $3, $4)",
            &[&publication, &Step::Lots.name(), &begun.elapsed().as_secs_f64(), &detail],
        )
        .await
        .map_err(doing())?;
    transaction.commit().await.map_err(doing())?;
    Ok(publication)
}
