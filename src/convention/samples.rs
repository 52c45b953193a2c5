//! The conventions of the demonstration: one of each family of partner, and each state. Also models for real ones.

use super::acts::{self, Act, Registration};
use super::file::{self, Draft};
use super::words::Use;
use super::{ConventionError, State};
use crate::pki::{Authority, Issued, KeyKind, PkiError, Request, Strength, pkcs12};
use std::path::Path;
use tokio_postgres::Client;

/// Password of the demonstration's PKCS#12 files.
pub const PASSWORD: &str = "seuil";

/// Files of the demonstration's conventions, by identifier.
pub const FILES: [(&str, &str); 11] = [
    ("mel", include_str!("../../capabilities/conventions/mel.toml")),
    ("lille", include_str!("../../capabilities/conventions/lille.toml")),
    ("lomme", include_str!("../../capabilities/conventions/lomme.toml")),
    ("bailleur", include_str!("../../capabilities/conventions/bailleur.toml")),
    ("departement-59", include_str!("../../capabilities/conventions/departement-59.toml")),
    ("etat-ddtm", include_str!("../../capabilities/conventions/etat-ddtm.toml")),
    ("urh", include_str!("../../capabilities/conventions/urh.toml")),
    ("action-logement", include_str!("../../capabilities/conventions/action-logement.toml")),
    ("vue-seule", include_str!("../../capabilities/conventions/vue-seule.toml")),
    ("expiree", include_str!("../../capabilities/conventions/expiree.toml")),
    ("suspendue", include_str!("../../capabilities/conventions/suspendue.toml")),
];

/// The convention that is suspended once it is signed.
const SUSPENDED: &str = "suspendue";

/// Drafts and signs the demonstration's conventions, suspends the one that is to be suspended, and gives each a
/// certificate in `pki/<convention>/`: `client.pem`, `client.key`, `client.p12`, `client-ancien.p12` (older Windows and
/// macOS). What is there already is left alone, so that it can run at each start.
///
/// # Errors
/// [`ConventionError`].
pub async fn establish(
    drafter: &Client,
    signer: &Client,
    authority: &Authority,
    pki: &Path,
    now: i64,
) -> Result<(), ConventionError> {
    let present = acts::list(drafter).await?;
    for (id, text) in FILES {
        let draft = file::parse(&format!("{id}.toml"), text, None)
            .map_err(|e| ConventionError::Record { id: id.to_owned(), reason: e.to_string() })?;
        let mut state = present.iter().find(|c| c.deed.id == id).map(|c| c.state);
        if state.is_none() {
            acts::draft(drafter, &draft).await?;
            state = Some(State::Draft);
        }
        if state == Some(State::Draft) {
            acts::sign(signer, id, None, Some(draft.deed.debut)).await?;
        }
        let folder = pki.join(id);
        if !folder.join("client.p12").exists() {
            certify(drafter, authority, &draft, &folder, now).await?;
        }
        if id == SUSPENDED && state == Some(State::Draft) {
            acts::act(signer, id, Act::Suspend, "démonstration").await?;
        }
    }
    Ok(())
}

/// Issues a certificate with a new key, registers it, and writes its files; the PKCS#12 last, as the mark of completion.
async fn certify(
    drafter: &Client,
    authority: &Authority,
    draft: &Draft,
    folder: &Path,
    now: i64,
) -> Result<(), ConventionError> {
    let deed = &draft.deed;
    // RSA: so that every QGIS reads the PKCS#12. 2048 bits: eleven keys are made while somebody waits.
    let request = Request {
        organisation: deed.partner.nom.clone(),
        name: format!("SIG {}", deed.id),
        days: 3650,
        csr: None,
        key: KeyKind::Rsa(2048),
    };
    let issued = authority.issue(&request, now)?;
    let registration = Registration {
        convention: deed.id.clone(),
        peer: issued.peer.clone(),
        usage: Use::Personne,
        holder: request.name,
        purpose: deed.finalites[0],
        public_url: None,
    };
    acts::register(drafter, &registration).await?;
    issued.write(&folder.join("client.pem"), &folder.join("client.key"))?;
    for (name, strength) in [("client-ancien.p12", Strength::Legacy), ("client.p12", Strength::Modern)] {
        bundle(&issued, &deed.id, &folder.join(name), strength)?;
    }
    Ok(())
}

fn bundle(issued: &Issued, id: &str, path: &Path, strength: Strength) -> Result<(), PkiError> {
    let bytes = pkcs12(issued, &format!("seuil {id}"), PASSWORD, strength)?;
    crate::pki::write_private(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::Operation;

    #[test]
    fn every_sample_is_a_good_file_under_its_own_name() {
        for (id, text) in FILES {
            let draft = file::parse(id, text, None).unwrap();
            assert_eq!(draft.deed.id, id);
        }
    }

    #[test]
    fn samples_grant_what_their_names_promise() {
        let deed = |id: &str| {
            let text = FILES.iter().find(|f| f.0 == id).unwrap().1;
            file::parse(id, text, None).unwrap().deed
        };
        assert_eq!(deed("vue-seule").operations, [Operation::Wms]);
        assert_eq!(deed("mel").colonnes_sensibles.len(), 2);
        assert!(deed("mel").territoire.tout && !deed("lomme").territoire.tout);
        assert_eq!(deed("bailleur").themes, [crate::catalogue::Theme::Parc]);
        assert!(deed("expiree").fin < jiff::civil::date(2024, 1, 1));
    }
}
