//! The convention record: what a signed contract says.

use super::words::{Family, Intercommunal, Onward, Purpose, Word};
use crate::catalogue::{Scale, Sensitive, Theme};
use crate::convention::Operation;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One version of a convention, as its file says it. Field names are those of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// Identifier, e.g. `lille`: lower-case letters, digits, `-`.
    pub id: String,
    /// The partner.
    #[serde(rename = "partenaire")]
    pub partner: Partner,
    /// Reference of the deliberation that allows it.
    #[serde(default)]
    pub ref_deliberation: Option<String>,
    /// Its day.
    #[serde(default, with = "optional_day")]
    pub date_deliberation: Option<Date>,
    /// First day, Europe/Paris.
    #[serde(with = "day")]
    pub debut: Date,
    /// Last day, Europe/Paris.
    #[serde(with = "day")]
    pub fin: Date,
    /// Purposes.
    pub finalites: Vec<Purpose>,
    /// Themes granted.
    pub themes: Vec<Theme>,
    /// Scales granted.
    pub echelles: Vec<Scale>,
    /// Sensitive columns granted.
    #[serde(default)]
    pub colonnes_sensibles: Vec<Sensitive>,
    /// Operation families granted.
    pub operations: Vec<Operation>,
    /// Zones whose rows are seen.
    pub territoire: Ground,
    /// Quotas.
    #[serde(default)]
    pub quotas: Quotas,
    /// To whom the partner may show what it sees.
    pub diffusion_ulterieure: Onward,
    /// Days that the partner may keep what it downloaded.
    pub duree_conservation: u32,
    /// Whether data received are destroyed, and that certified, at the end.
    pub destruction_fin: bool,
    /// Who answers for it.
    pub contacts: Contacts,
    /// What the data cost; absent: nothing.
    #[serde(default)]
    pub redevance: Option<Fee>,
}

/// What the data cost, in words, as capabilities and records of metadata say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

impl Fee {
    /// The fee that a convention's text names. Its text is what was signed, and holds what no column repeats.
    pub fn of_text(text: &str) -> Option<Fee> {
        #[derive(Deserialize)]
        struct Part {
            redevance: Option<Fee>,
        }
        toml::from_str::<Part>(text).ok()?.redevance
    }
}

/// The partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Name.
    pub nom: String,
    /// Family.
    pub famille: Family,
    /// SIREN, nine digits.
    #[serde(default)]
    pub siren: Option<String>,
    /// INSEE code of a commune, commune associée or department.
    #[serde(default)]
    pub insee: Option<String>,
}

/// The zones whose rows a convention may see, as written; resolved by [`super::territory::Zones`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ground {
    /// Everything.
    pub tout: bool,
    /// INSEE codes of communes and communes associées.
    pub communes: Vec<String>,
    /// IRIS codes.
    pub iris: Vec<String>,
    /// QPV codes.
    pub qpv: Vec<String>,
    /// What is shown of a QPV that reaches beyond the territory.
    pub qpv_intercommunal: Intercommunal,
    /// Scales (`commune`, `qpv`) whose zones are shown when the territory lies inside them.
    pub englobantes: Vec<Scale>,
    /// Scales (`commune`, `iris`) whose zones are shown when they lie across the territory's limit.
    pub chevauchantes: Vec<Scale>,
}

impl Default for Ground {
    fn default() -> Self {
        Ground {
            tout: false,
            communes: Vec::new(),
            iris: Vec::new(),
            qpv: Vec::new(),
            qpv_intercommunal: Intercommunal::Entier,
            englobantes: Vec::new(),
            chevauchantes: Vec::new(),
        }
    }
}

/// Quotas; absent: those of the configuration, or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Requests a minute.
    pub requetes_minute: Option<u32>,
    /// Features a day (Europe/Paris).
    pub objets_jour: Option<u64>,
    /// Requests under way at once.
    pub places: Option<u32>,
}

/// Who answers for a convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// Person in charge.
    pub referent: String,
    /// Data protection officer.
    #[serde(default)]
    pub dpo: Option<String>,
    /// Whom to reach when something happened.
    pub incident: String,
}

impl Deed {
    /// What is wrong with it in itself, each a sentence with the key's name. Zones are checked against a publication
    /// elsewhere.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut say = |wrong: bool, text: String| {
            if wrong {
                found.push(text);
            }
        };
        say(
            !plain_id(&self.id),
            format!("id {:?}: lower-case letters, digits and -, 1 to 40, no - at the ends", self.id),
        );
        say(self.partner.nom.trim().is_empty(), "partenaire.nom is empty".into());
        say(self.contacts.referent.trim().is_empty(), "contacts.referent is empty".into());
        say(self.contacts.incident.trim().is_empty(), "contacts.incident is empty".into());
        say(self.fin < self.debut, format!("fin {} comes before debut {}", self.fin, self.debut));
        if let Some(day) = self.date_deliberation {
            say(day > self.fin, format!("date_deliberation {day} comes after fin {}", self.fin));
        }
        if let Some(siren) = &self.partner.siren {
            say(!digits(siren, 9), format!("partenaire.siren {siren:?}: nine digits"));
        }
        if let Some(insee) = &self.partner.insee {
            say(!code(insee, 2..=5), format!("partenaire.insee {insee:?}: a department or commune code"));
        }
        list(&mut say, "finalites", &self.finalites, true);
        list(&mut say, "themes", &self.themes, true);
        list(&mut say, "echelles", &self.echelles, true);
        list(&mut say, "operations", &self.operations, true);
        list(&mut say, "colonnes_sensibles", &self.colonnes_sensibles, false);
        say(
            self.themes.contains(&Theme::Contour),
            "themes: contour is no theme: outlines come with their scale".into(),
        );
        say(self.duree_conservation == 0, "duree_conservation: one day at least".into());
        let zero = [
            ("quotas.requetes_minute", self.quotas.requetes_minute == Some(0)),
            ("quotas.objets_jour", self.quotas.objets_jour == Some(0)),
            ("quotas.places", self.quotas.places.is_some_and(|p| p == 0 || p > 1024)),
        ];
        for (name, wrong) in zero {
            say(wrong, format!("{name}: out of range (leave it out for no quota)"));
        }
        let unsaid = |f: &Fee| f.fr.trim().is_empty() || f.en.trim().is_empty();
        say(self.redevance.as_ref().is_some_and(unsaid), "redevance: say it in fr and en, or leave it out".into());
        self.territoire.problems(&mut say);
        found
    }

    /// Last day as shown to French readers, e.g. `31/12/2028`.
    pub fn until_french(&self) -> String {
        self.fin.strftime("%d/%m/%Y").to_string()
    }
}

impl Ground {
    fn problems(&self, say: &mut impl FnMut(bool, String)) {
        let named = self.communes.len() + self.iris.len() + self.qpv.len();
        say(self.tout && named > 0, "territoire: tout = true and a list of zones contradict each other".into());
        say(!self.tout && named == 0, "territoire: name communes, iris or qpv, or write tout = true".into());
        for c in &self.communes {
            say(!code(c, 5..=5), format!("territoire.communes {c:?}: five characters, e.g. \"59350\""));
        }
        for c in &self.iris {
            say(!code(c, 9..=9), format!("territoire.iris {c:?}: nine characters, e.g. \"593502701\""));
        }
        for c in &self.qpv {
            let good = c.len() == 8 && (c.starts_with("QN") || c.starts_with("QP")) && alphanumeric(&c[2..]);
            say(!good, format!("territoire.qpv {c:?}: eight characters, e.g. \"QN05965M\""));
        }
        twice(say, "territoire.communes", &self.communes);
        twice(say, "territoire.iris", &self.iris);
        twice(say, "territoire.qpv", &self.qpv);
        for s in self.englobantes.iter().filter(|s| !matches!(s, Scale::Commune | Scale::Qpv)) {
            say(true, format!("territoire.englobantes {:?}: commune or qpv", s.word()));
        }
        for s in &self.chevauchantes {
            let hint = if *s == Scale::Qpv { " (for QPV write qpv_intercommunal)" } else { "" };
            let good = matches!(s, Scale::Commune | Scale::Iris);
            say(!good, format!("territoire.chevauchantes {:?}: commune or iris{hint}", s.word()));
        }
    }
}

fn plain_id(id: &str) -> bool {
    let inner = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    inner && (1..=40).contains(&id.len()) && !id.starts_with('-') && !id.ends_with('-')
}

fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

fn alphanumeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// An INSEE code: digits, the second place also `A` or `B` (Corsica).
fn code(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len())
        && text.bytes().enumerate().all(|(n, b)| b.is_ascii_digit() || (n == 1 && (b == b'A' || b == b'B')))
}

fn list<T: Ord + Copy + Serialize>(say: &mut impl FnMut(bool, String), name: &str, values: &[T], needed: bool) {
    say(needed && values.is_empty(), format!("{name} is empty"));
    let mut seen = BTreeSet::new();
    say(values.iter().any(|v| !seen.insert(*v)), format!("{name} names something twice"));
}

fn twice(say: &mut impl FnMut(bool, String), name: &str, values: &[String]) {
    let mut seen = BTreeSet::new();
    for v in values.iter().filter(|v| !seen.insert(v.as_str())) {
        say(true, format!("{name} names {v:?} twice"));
    }
}

/// A day: a TOML date (`2026-01-31`) or the same in quotes.
mod day {
    use jiff::civil::Date;
    use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        struct Day;
        impl<'de> Visitor<'de> for Day {
            type Value = Date;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a day, e.g. 2026-01-31")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Date, E> {
                let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                match text.parse() {
                    Ok(day) if plain => Ok(day),
                    Err(e) if plain => Err(E::custom(format!("{text} is no day of the calendar: {e}"))),
                    _ => Err(E::custom(format!("{text} is not a day written like 2026-01-31"))),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Date, A::Error> {
                let value = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
                self.visit_str(&value.to_string())
            }
        }
        deserializer.deserialize_any(Day)
    }
}

mod optional_day {
    use jiff::civil::Date;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    #[derive(serde::Deserialize)]
    struct Wrapped(#[serde(with = "super::day")] Date);

    pub fn serialize<S: Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        day.map(|d| d.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|w| w.0))
    }
}
