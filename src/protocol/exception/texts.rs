//! Sentences for the user, French and English: what is wrong, and what to do about it.
//!
//! The reason phrase is the same in a few ASCII words: QGIS shows nothing else of a refused WMS or OGC API request.

use crate::error::{Error, NameKind, Refusal};
use std::time::Duration;

/// The sentence for the user.
pub fn text(error: &Error, french: bool) -> String {
    if french { fr(error) } else { en(error) }
}

fn fr(error: &Error) -> String {
    match error {
        Error::Missing { name } => format!("Le paramètre {name} manque : ajoutez-le à la requête."),
        Error::Invalid { name, value, reason } => {
            format!("Le paramètre {name} ne peut pas être utilisé (reçu « {value} ») : {}.", reason.text(true))
        }
        Error::Parsing { reason } => format!("La requête ne peut pas être lue : {}.", reason.text(true)),
        Error::Processing { name, reason } => {
            format!("La requête ne peut pas être exécutée ({name}) : {}.", reason.text(true))
        }
        Error::UnknownParameter { name } => {
            format!("Le paramètre « {name} » n'existe pas pour cette opération : retirez-le (description : /api).")
        }
        Error::Unknown { kind, name } => format!(
            "{} « {name} » : inconnu, ou hors de votre convention. La page /whoami indique ce qu'elle ouvre.",
            kind_fr(*kind)
        ),
        Error::Operation { name } => format!(
            "L'opération « {name} » n'est pas offerte : voyez la liste des opérations dans les capacités du service."
        ),
        Error::Option { name, reason } => format!("L'option « {name} » n'est pas offerte : {}.", reason.text(true)),
        Error::Version { asked } => format!(
            "La version « {asked} » n'est pas offerte : omettez le paramètre pour obtenir la version la plus récente."
        ),
        Error::UpdateSequence { asked, current: true } => {
            format!("Votre copie des capacités (updateSequence {asked}) est à jour.")
        }
        Error::UpdateSequence { asked, current: false } => format!(
            "updateSequence « {asked} » est plus récent que celui du serveur : demandez les capacités sans ce paramètre."
        ),
        Error::Crs { name } => format!(
            "Le système de coordonnées « {name} » n'est pas offert : utilisez par exemple EPSG:2154, 3950, 4171, 4326 ou 3857."
        ),
        Error::Format { name } => {
            format!(
                "Le format « {name} » n'est pas offert pour cette opération : voyez les formats dans les capacités."
            )
        }
        Error::NotQueryable { name } => format!("La couche « {name} » ne peut pas être interrogée."),
        Error::Point { i, j } => {
            format!("Le pixel ({i}, {j}) est hors de l'image : I de 0 à WIDTH-1, J de 0 à HEIGHT-1.")
        }
        Error::TileOutOfRange { axis, value, last } => {
            format!("{axis} = {value} est hors de la grille à ce niveau : de 0 à {last}.")
        }
        Error::Limit { what, asked, limit } => {
            format!("Limite dépassée ({what}) : {asked} demandés, {limit} permis. Réduisez la demande.")
        }
        Error::NotFound { path } => format!("Rien ne se trouve à l'adresse {path}. La page d'accueil / mène à tout."),
        Error::Method { method, allow } => format!("La méthode {method} n'est pas permise ici ; permises : {allow}."),
        Error::NotAcceptable { accept } => {
            format!("Aucun des formats acceptés ({accept}) n'est offert ici : ajoutez f=json ou f=html à l'adresse.")
        }
        Error::Expired => "La publication avec laquelle cette lecture avait commencé n'est plus tenue : \
                           recommencez à la première page."
            .to_owned(),
        Error::Refused(refusal) => refusal_fr(refusal),
        Error::Quota { retry_after } => {
            format!("Le quota de votre convention est épuisé : réessayez dans {}.", wait(*retry_after, true))
        }
        Error::Unavailable { retry_after, .. } => format!(
            "Un élément nécessaire à cette requête est momentanément indisponible : réessayez dans {}.",
            wait(*retry_after, true)
        ),
        Error::Internal => "Erreur interne du serveur. Elle est consignée ; si elle persiste, signalez au service \
                            l'heure de la requête."
            .to_owned(),
    }
}

fn en(error: &Error) -> String {
    match error {
        Error::Missing { name } => format!("Parameter {name} is missing: add it to the request."),
        Error::Invalid { name, value, reason } => {
            format!("Parameter {name} cannot be used (got \"{value}\"): {reason}.")
        }
        Error::Parsing { reason } => format!("The request cannot be read: {reason}."),
        Error::Processing { name, reason } => format!("The request cannot be carried out ({name}): {reason}."),
        Error::UnknownParameter { name } => {
            format!("Parameter \"{name}\" is not defined for this operation: remove it (description: /api).")
        }
        Error::Unknown { kind, name } => {
            format!(
                "The {kind} \"{name}\" is unknown, or not in your convention. The page /whoami tells what it opens."
            )
        }
        Error::Operation { name } => {
            format!("The operation \"{name}\" is not offered: see the list of operations in the capabilities.")
        }
        Error::Option { name, reason } => format!("The option \"{name}\" is not offered: {reason}."),
        Error::Version { asked } => {
            format!("Version \"{asked}\" is not offered: omit the parameter to get the newest version.")
        }
        Error::UpdateSequence { asked, current: true } => {
            format!("Your copy of the capabilities (updateSequence {asked}) is current.")
        }
        Error::UpdateSequence { asked, current: false } => format!(
            "updateSequence \"{asked}\" is newer than the server's: ask for the capabilities without this parameter."
        ),
        Error::Crs { name } => format!(
            "The coordinate reference system \"{name}\" is not offered: use EPSG:2154, 3950, 4171, 4326 or 3857, for example."
        ),
        Error::Format { name } => {
            format!("The format \"{name}\" is not offered for this operation: see the formats in the capabilities.")
        }
        Error::NotQueryable { name } => format!("The layer \"{name}\" cannot be queried."),
        Error::Point { i, j } => {
            format!("Pixel ({i}, {j}) lies outside the picture: I from 0 to WIDTH-1, J from 0 to HEIGHT-1.")
        }
        Error::TileOutOfRange { axis, value, last } => {
            format!("{axis} = {value} lies outside the grid at this level: 0 to {last}.")
        }
        Error::Limit { what, asked, limit } => {
            format!("Limit passed ({what}): {asked} asked, {limit} allowed. Ask for less.")
        }
        Error::NotFound { path } => format!("Nothing is found at {path}. The landing page / leads to everything."),
        Error::Method { method, allow } => format!("Method {method} is not allowed here; allowed: {allow}."),
        Error::NotAcceptable { accept } => {
            format!("None of the accepted formats ({accept}) is offered here: add f=json or f=html to the address.")
        }
        Error::Expired => "The publication that this reading began with is no longer held: start again from the first \
                           page."
            .to_owned(),
        Error::Refused(refusal) => refusal_en(refusal),
        Error::Quota { retry_after } => {
            format!("The quota of your convention is used up: retry in {}.", wait(*retry_after, false))
        }
        Error::Unavailable { retry_after, .. } => {
            format!("Something that this request needs is away for the moment: retry in {}.", wait(*retry_after, false))
        }
        Error::Internal => {
            "Internal fault of the server. It is in the log; if it persists, tell the service the time of the request."
                .to_owned()
        }
    }
}

fn refusal_fr(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoCertificate => {
            "Ce portail n'est ouvert qu'aux partenaires signataires d'une convention : présentez \
                                   le certificat client qui vous a été remis (dans QGIS : configuration \
                                   d'authentification PKI)."
                .to_owned()
        }
        Refusal::NotRegistered => {
            "Votre certificat est reconnu, mais aucune convention ne l'a enregistré : demandez au \
                                   référent de votre convention de le déclarer au service."
                .to_owned()
        }
        Refusal::CertificateExpired => {
            "Votre certificat est hors de sa période de validité : demandez-en un nouveau au \
                                        service."
                .to_owned()
        }
        Refusal::CertificateRevoked => {
            "Votre certificat a été révoqué : demandez-en un nouveau au référent de votre convention.".to_owned()
        }
        Refusal::CrlExpired => "La liste de révocation de l'autorité qui a délivré votre certificat est périmée : \
                                prévenez le service, qui doit la renouveler."
            .to_owned(),
        Refusal::NotYetInForce { id } => {
            format!("La convention {id} n'est pas encore en vigueur : revenez à sa date de début.")
        }
        Refusal::Ended { id, end } => format!(
            "La convention {id} a pris fin le {end} : son renouvellement rouvrira l'accès ; les données reçues sont à \
             détruire selon ses clauses."
        ),
        Refusal::Suspended { id } => format!("La convention {id} est suspendue : adressez-vous à son référent."),
        Refusal::Terminated { id } => {
            format!("La convention {id} est résiliée : les données reçues sont à détruire selon ses clauses.")
        }
        Refusal::Operation { id, operation } => format!(
            "La convention {id} n'ouvre pas {} : la page /whoami indique ce qu'elle ouvre.",
            operation_fr(operation)
        ),
        Refusal::RegistryStale => "Le registre des conventions ne peut pas être consulté, et aucune donnée n'est \
                                   délivrée sans lui : réessayez dans quelques minutes."
            .to_owned(),
    }
}

fn refusal_en(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoCertificate => {
            "This portal is open only to partners that have signed a convention: present the client \
                                   certificate that you were given (in QGIS: a PKI authentication configuration)."
                .to_owned()
        }
        Refusal::NotRegistered => {
            "Your certificate is accepted, but no convention has registered it: ask the contact of \
                                   your convention to have it registered."
                .to_owned()
        }
        Refusal::CertificateExpired => {
            "Your certificate is outside its validity: ask the service for a new one.".to_owned()
        }
        Refusal::CertificateRevoked => {
            "Your certificate was revoked: ask the contact of your convention for a new one.".to_owned()
        }
        Refusal::CrlExpired => {
            "The revocation list of the authority that issued your certificate is out of date: tell the \
                                service, which must renew it."
                .to_owned()
        }
        Refusal::NotYetInForce { id } => format!("Convention {id} is not in force yet: come back on its first day."),
        Refusal::Ended { id, end } => format!(
            "Convention {id} ended on {end}: its renewal will reopen access; data received must be destroyed as it says."
        ),
        Refusal::Suspended { id } => format!("Convention {id} is suspended: ask its contact."),
        Refusal::Terminated { id } => {
            format!("Convention {id} was terminated: data received must be destroyed as it says.")
        }
        Refusal::Operation { id, operation } => {
            format!("Convention {id} does not open {}: the page /whoami tells what it opens.", operation_en(operation))
        }
        Refusal::RegistryStale => "The registry of conventions cannot be consulted, and no data are given without it: \
                                   retry in a few minutes."
            .to_owned(),
    }
}

/// The reason phrase for the status line of HTTP/1.1: French, short, ASCII (RFC 9112 §4).
pub fn reason(error: &Error) -> String {
    let phrase = match error {
        Error::Missing { name } => format!("Parametre {name} absent"),
        Error::Invalid { name, .. } => format!("Parametre {name} invalide"),
        Error::Parsing { .. } => "Requete illisible".to_owned(),
        Error::Processing { name, .. } => format!("Requete non executable : {name}"),
        Error::UnknownParameter { name } => format!("Parametre {name} inconnu"),
        Error::Unknown { kind, name } => format!("{} {name} : inconnu ou hors convention", kind_fr(*kind)),
        Error::Operation { name } => format!("Operation {name} non offerte"),
        Error::Option { name, .. } => format!("Option {name} non offerte"),
        Error::Version { asked } => format!("Version {asked} non offerte"),
        Error::UpdateSequence { .. } => "updateSequence non valable".to_owned(),
        Error::Crs { name } => format!("Systeme de coordonnees {name} non offert"),
        Error::Format { name } => format!("Format {name} non offert"),
        Error::NotQueryable { name } => format!("Couche {name} non interrogeable"),
        Error::Point { .. } => "Pixel hors de l'image".to_owned(),
        Error::TileOutOfRange { .. } => "Tuile hors de la grille".to_owned(),
        Error::Limit { what, limit, .. } => format!("Limite depassee : {what}, {limit} au plus"),
        Error::NotFound { .. } => "Rien a cette adresse".to_owned(),
        Error::Method { allow, .. } => format!("Methode non permise ; permises : {allow}"),
        Error::NotAcceptable { .. } => "Aucun format accepte n'est offert".to_owned(),
        Error::Expired => "Publication remplacee : recommencez a la premiere page".to_owned(),
        Error::Refused(r) => match r {
            Refusal::NoCertificate => "Certificat client requis".to_owned(),
            Refusal::NotRegistered => "Certificat enregistre par aucune convention".to_owned(),
            Refusal::CertificateExpired => "Certificat hors validite".to_owned(),
            Refusal::CertificateRevoked => "Certificat revoque".to_owned(),
            Refusal::CrlExpired => "Liste de revocation perimee : prevenez le service".to_owned(),
            Refusal::NotYetInForce { id } => format!("Convention {id} pas encore en vigueur"),
            Refusal::Ended { id, end } => format!("Convention {id} expiree le {end}"),
            Refusal::Suspended { id } => format!("Convention {id} suspendue"),
            Refusal::Terminated { id } => format!("Convention {id} resiliee"),
            Refusal::Operation { id, operation } => format!("Convention {id} : {operation} non ouvert"),
            Refusal::RegistryStale => "Registre des conventions indisponible, reessayez".to_owned(),
        },
        Error::Quota { retry_after } => format!("Quota epuise, reessayez dans {}", wait(*retry_after, true)),
        Error::Unavailable { retry_after, .. } => {
            format!("Momentanement indisponible, reessayez dans {}", wait(*retry_after, true))
        }
        Error::Internal => "Erreur interne".to_owned(),
    };
    ascii(&phrase)
}

/// Letters without their accents, anything else that a status line cannot hold left out, at most 100 characters.
fn ascii(phrase: &str) -> String {
    phrase
        .chars()
        .filter_map(|c| match c {
            ' '..='~' => Some(c),
            'à' | 'â' | 'ä' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' => Some('e'),
            'î' | 'ï' => Some('i'),
            'ô' | 'ö' => Some('o'),
            'ù' | 'û' | 'ü' => Some('u'),
            'ç' => Some('c'),
            'É' | 'È' | 'Ê' => Some('E'),
            'À' => Some('A'),
            '’' => Some('\''),
            _ => None,
        })
        .take(100)
        .collect()
}

fn kind_fr(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Layer => "Couche",
        NameKind::FeatureType => "Type d'objet",
        NameKind::Collection => "Collection",
        NameKind::Style => "Style",
        NameKind::Property => "Propriété",
        NameKind::StoredQuery => "Requête stockée",
        NameKind::Feature => "Objet",
        NameKind::TileMatrixSet => "Jeu de tuiles",
    }
}

fn operation_fr(operation: &str) -> &str {
    match operation {
        "wms" => "les cartes (WMS, WMTS)",
        "wfs" => "les objets et leurs attributs (WFS, OGC API)",
        "tuiles" => "les tuiles vectorielles",
        "export" => "le téléchargement de fichiers",
        other => other,
    }
}

fn operation_en(operation: &str) -> &str {
    match operation {
        "wms" => "maps (WMS, WMTS)",
        "wfs" => "features and their attributes (WFS, OGC API)",
        "tuiles" => "vector tiles",
        "export" => "downloads of files",
        other => other,
    }
}

fn wait(d: Duration, french: bool) -> String {
    let seconds = (d.as_secs() + u64::from(d.subsec_nanos() > 0)).max(1);
    let (n, unit_fr, unit_en) =
        if seconds < 120 { (seconds, "seconde", "second") } else { (seconds.div_ceil(60), "minute", "minute") };
    let unit = if french { unit_fr } else { unit_en };
    // French has a plural from 2 on, English for everything but 1: the same for whole positive numbers.
    if n >= 2 { format!("{n} {unit}s") } else { format!("{n} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_phrase_is_ascii_and_short() {
        let error = Error::Refused(Refusal::Ended { id: "forêt-2021\r\nX: y".into(), end: "2024-12-31".into() });
        assert_eq!(reason(&error), "Convention foret-2021X: y expiree le 2024-12-31");
        let long = Error::UnknownParameter { name: "x".repeat(500) };
        assert_eq!(reason(&long).len(), 100);
        assert_eq!(
            reason(&Error::unknown(NameKind::Property, "loyer")),
            "Propriete loyer : inconnu ou hors convention"
        );
    }

    #[test]
    fn refusals_say_why_in_both_languages() {
        let error = Error::Refused(Refusal::Ended { id: "lille".into(), end: "2024-12-31".into() });
        assert!(text(&error, true).starts_with("La convention lille a pris fin le 2024-12-31"));
        assert!(text(&error, false).starts_with("Convention lille ended on 2024-12-31"));
    }

    #[test]
    fn waits_are_rounded_up() {
        assert_eq!(wait(Duration::from_millis(200), true), "1 seconde");
        assert_eq!(wait(Duration::from_secs(119), false), "119 seconds");
        assert_eq!(wait(Duration::from_secs(121), true), "3 minutes");
    }
}
