//! Words of the convention record: one spelling in files, in the database and in answers.

use crate::catalogue::{Scale, Sensitive, Theme};
use crate::convention::Operation;
use serde::{Deserialize, Serialize};

/// An enumeration whose variants are words of the record, spelled the same in TOML, SQL and JSON.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];
        }

        impl Word for $name {
            const ALL: &'static [(Self, &'static str)] = &[$(($name::$variant, $word)),+];
        }
    };
}

/// A word of the record.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its word.
    const ALL: &'static [(Self, &'static str)];

    /// The word.
    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(v, _)| *v == self).map_or("", |(_, w)| w)
    }

    /// The value of a word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(v, _)| *v)
    }
}

words! {
    /// What the data may be used for: the five purposes of the portal.
    Purpose {
        /// Shared diagnosis of the stock and its occupation.
        DiagnosticPartage = "diagnostic_partage",
        /// Steering of allocations (CIA, CIET).
        PilotageAttributions = "pilotage_attributions",
        /// Preparation of allocation committees (CALEOL).
        PreparationCalaeol = "preparation_calaeol",
        /// Partnerships and programming.
        PartenariatsProgrammation = "partenariats_programmation",
        /// Housing policy.
        PolitiqueHabitat = "politique_habitat",
    }
}

words! {
    /// Family of partner.
    Family {
        /// Commune.
        Commune = "commune",
        /// Commune associée (Lomme, Hellemmes).
        CommuneAssociee = "commune_associee",
        /// Social landlord.
        OrganismeHlm = "organisme_hlm",
        /// Regional union of landlords.
        Urh = "urh",
        /// Action Logement.
        ActionLogement = "action_logement",
        /// Department.
        Departement = "departement",
        /// State services.
        Etat = "etat",
        /// The metropolis itself.
        Mel = "mel",
    }
}

words! {
    /// What is shown of a QPV that reaches beyond the territory.
    Intercommunal {
        /// The whole QPV (aggregates only).
        Entier = "entier",
        /// Nothing.
        Masque = "masque",
    }
}

words! {
    /// To whom the partner may show what it sees.
    Onward {
        /// To nobody but the named users.
        Aucune = "aucune",
        /// To its own agents, through a portal behind its login.
        Interne = "interne",
        /// To everybody, as maps and aggregates with source and vintage.
        Publique = "publique",
    }
}

words! {
    /// Who holds a certificate.
    Use {
        /// A named person.
        Personne = "personne",
        /// A service: a portal's proxy, a nightly job.
        Robot = "robot",
    }
}

impl Word for Operation {
    const ALL: &'static [(Self, &'static str)] = &[
        (Operation::Wms, "wms"),
        (Operation::Wfs, "wfs"),
        (Operation::Tuiles, "tuiles"),
        (Operation::Export, "export"),
    ];
}

impl Word for Theme {
    const ALL: &'static [(Self, &'static str)] = &[
        (Theme::Parc, "parc"),
        (Theme::Occupation, "occupation"),
        (Theme::Attributions, "attributions"),
        (Theme::Environnement, "environnement"),
        (Theme::Autre, "autre"),
    ];
}

impl Word for Scale {
    const ALL: &'static [(Self, &'static str)] = &[
        (Scale::Commune, "commune"),
        (Scale::Iris, "iris"),
        (Scale::Qpv, "qpv"),
        (Scale::Residence, "residence"),
        (Scale::Autre, "autre"),
    ];
}

impl Word for Sensitive {
    const ALL: &'static [(Self, &'static str)] =
        &[(Sensitive::SirenBailleur, "siren_bailleur"), (Sensitive::Loyer, "loyer")];
}

impl Purpose {
    /// The purpose for readers, French.
    pub fn french(self) -> &'static str {
        match self {
            Purpose::DiagnosticPartage => "diagnostic partagé",
            Purpose::PilotageAttributions => "pilotage des attributions (CIA, CIET)",
            Purpose::PreparationCalaeol => "préparation des commissions d'attribution (CALEOL)",
            Purpose::PartenariatsProgrammation => "partenariats et programmation",
            Purpose::PolitiqueHabitat => "politique de l'habitat",
        }
    }

    /// The purpose for readers, English.
    pub fn english(self) -> &'static str {
        match self {
            Purpose::DiagnosticPartage => "shared diagnosis",
            Purpose::PilotageAttributions => "steering of allocations (CIA, CIET)",
            Purpose::PreparationCalaeol => "preparation of allocation committees (CALEOL)",
            Purpose::PartenariatsProgrammation => "partnerships and programming",
            Purpose::PolitiqueHabitat => "housing policy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_files_and_of_the_database_are_the_same() {
        for (value, word) in <Purpose as Word>::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
            assert_eq!(Purpose::from_word(word), Some(*value));
        }
        for (value, word) in <Theme as Word>::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
        for (value, word) in <Scale as Word>::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
        for (value, word) in <Sensitive as Word>::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
        for (value, word) in <Operation as Word>::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
        assert_eq!(Theme::from_word("contour"), None, "outlines come with their scale, not as a theme");
    }
}
