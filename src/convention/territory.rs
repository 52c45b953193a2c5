//! Territories: zones as a convention names them, resolved to the codes of a publication.

use super::Territory;
use super::deed::Ground;
use super::words::Intercommunal;
use crate::catalogue::Scale;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A zone of the current publication (`pub.zone`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// `commune`, `iris` or `qpv`.
    pub scale: Scale,
    /// Official code.
    pub code: String,
    /// Name.
    pub name: Option<String>,
    /// Commune; of a commune associée its chef-lieu.
    pub insee_com: String,
    /// Of a commune associée itself, of an IRIS the one it lies in.
    pub insee_associee: Option<String>,
}

/// A QPV and an IRIS that share ground (`pub.zone_lien`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The QPV.
    pub code_qp: String,
    /// The IRIS.
    pub code_iris: String,
}

/// The zones of a publication, indexed for resolution.
#[derive(Debug, Default)]
pub struct Zones {
    /// Code of a commune or commune associée ▶ its IRIS.
    iris_of: HashMap<String, BTreeSet<String>>,
    /// Commune ▶ its communes associées.
    associees_of: HashMap<String, Vec<String>>,
    /// IRIS ▶ commune, commune associée.
    parents_of: HashMap<String, Vec<String>>,
    /// QPV ▶ IRIS it shares ground with.
    iris_of_qpv: HashMap<String, BTreeSet<String>>,
    /// IRIS ▶ QPV.
    qpv_of: HashMap<String, Vec<String>>,
    names: BTreeMap<(Scale, String), Option<String>>,
}

impl Zones {
    /// Indexes zones and links.
    pub fn new(zones: &[Zone], links: &[Link]) -> Zones {
        let mut z = Zones::default();
        for zone in zones {
            z.names.insert((zone.scale, zone.code.clone()), zone.name.clone());
            match (zone.scale, &zone.insee_associee) {
                (Scale::Commune, Some(_)) => {
                    z.associees_of.entry(zone.insee_com.clone()).or_default().push(zone.code.clone());
                }
                (Scale::Iris, associee) => {
                    for parent in std::iter::once(&zone.insee_com).chain(associee) {
                        z.iris_of.entry(parent.clone()).or_default().insert(zone.code.clone());
                        z.parents_of.entry(zone.code.clone()).or_default().push(parent.clone());
                    }
                }
                _ => {}
            }
        }
        for link in links {
            z.iris_of_qpv.entry(link.code_qp.clone()).or_default().insert(link.code_iris.clone());
            z.qpv_of.entry(link.code_iris.clone()).or_default().push(link.code_qp.clone());
        }
        z
    }

    /// Whether there is nothing to resolve with (no publication yet).
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Zones that a territory names and this publication does not have, each a sentence.
    pub fn unknown(&self, ground: &Ground) -> Vec<String> {
        let lists = [
            (Scale::Commune, "commune", &ground.communes),
            (Scale::Iris, "IRIS", &ground.iris),
            (Scale::Qpv, "QPV", &ground.qpv),
        ];
        let mut found = Vec::new();
        for (scale, kind, codes) in lists {
            for code in codes.iter().filter(|c| !self.names.contains_key(&(scale, (*c).clone()))) {
                found.push(format!(
                    "territoire: {kind} {code} is unknown in the current publication{}",
                    self.hint(scale, code)
                ));
            }
        }
        found
    }

    /// Codes that differ from a mistyped one in one place, at most three.
    fn hint(&self, scale: Scale, code: &str) -> String {
        let near = |other: &str| {
            other.len() == code.len() && other.bytes().zip(code.bytes()).filter(|(a, b)| a != b).count() == 1
        };
        let close: Vec<String> = self
            .names
            .iter()
            .filter(|((s, c), _)| *s == scale && near(c))
            .take(3)
            .map(|((_, c), name)| name.as_ref().map_or(c.clone(), |n| format!("{c} {n}")))
            .collect();
        if close.is_empty() { String::new() } else { format!(" (near: {})", close.join(", ")) }
    }

    /// The codes that a territory shows; `None`: everything.
    ///
    /// A zone is *inside* when all its IRIS are the territory's, *enclosing* when the whole territory lies in it, else
    /// *straddling*. Inside is always shown; the others as the convention says, scale by scale. Residences are seen in
    /// the territory's own IRIS and QPV only. Codes that the publication does not have show nothing.
    pub fn resolve(&self, ground: &Ground) -> Option<Territory> {
        if ground.tout {
            return None;
        }
        let empty = BTreeSet::new();
        let known = |scale, code: &str| self.names.contains_key(&(scale, code.to_owned()));
        let iris_of = |commune: &str| self.iris_of.get(commune).unwrap_or(&empty);
        let iris_of_qpv = |qpv: &str| self.iris_of_qpv.get(qpv).unwrap_or(&empty);

        // The territory's own ground: IRIS that it holds whole, and what its QPV touch.
        let mut own: BTreeSet<&str> =
            ground.iris.iter().map(String::as_str).filter(|c| known(Scale::Iris, c)).collect();
        own.extend(ground.communes.iter().flat_map(|c| iris_of(c)).map(String::as_str));
        let mut touched = own.clone();
        touched.extend(ground.qpv.iter().flat_map(|q| iris_of_qpv(q)).map(String::as_str));

        let mut communes: HashSet<String> =
            ground.communes.iter().filter(|c| known(Scale::Commune, c)).cloned().collect();
        communes.extend(ground.communes.iter().filter_map(|c| self.associees_of.get(c)).flatten().cloned());
        let parents: BTreeSet<&String> = touched.iter().filter_map(|i| self.parents_of.get(*i)).flatten().collect();
        for commune in parents {
            let shown = match place(iris_of(commune), &own, &touched) {
                Place::Inside => true,
                Place::Enclosing => ground.englobantes.contains(&Scale::Commune),
                Place::Straddling => ground.chevauchantes.contains(&Scale::Commune),
            };
            if shown && known(Scale::Commune, commune) {
                communes.insert(commune.clone());
            }
        }

        let mut qpv: HashSet<String> = ground.qpv.iter().filter(|q| known(Scale::Qpv, q)).cloned().collect();
        let near: BTreeSet<&String> = own.iter().filter_map(|i| self.qpv_of.get(*i)).flatten().collect();
        for code in near {
            let whole = ground.qpv_intercommunal == Intercommunal::Entier;
            let shown = match place(iris_of_qpv(code), &own, &touched) {
                Place::Inside => true,
                Place::Enclosing => whole || ground.englobantes.contains(&Scale::Qpv),
                Place::Straddling => whole,
            };
            if shown && known(Scale::Qpv, code) {
                qpv.insert(code.clone());
            }
        }

        let owned = |set: &BTreeSet<&str>| set.iter().map(|s| (*s).to_owned()).collect::<HashSet<String>>();
        let iris = if ground.chevauchantes.contains(&Scale::Iris) { owned(&touched) } else { owned(&own) };
        let residence_qpv = ground.qpv.iter().filter(|q| known(Scale::Qpv, q)).cloned().collect();
        Some(Territory { communes, iris, qpv, residence_iris: owned(&own), residence_qpv })
    }
}

enum Place {
    Inside,
    Enclosing,
    Straddling,
}

/// Where a zone of some IRIS lies against a territory's own IRIS and all that it touches.
fn place(zone: &BTreeSet<String>, own: &BTreeSet<&str>, touched: &BTreeSet<&str>) -> Place {
    if zone.iter().all(|i| own.contains(i.as_str())) {
        Place::Inside
    } else if touched.iter().all(|i| zone.contains(*i)) {
        Place::Enclosing
    } else {
        Place::Straddling
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Lille with Lomme and Hellemmes, Loos, Armentières; QPV inside, across, and round.
    pub fn metropolis() -> Zones {
        let commune = |code: &str, com: &str, associee: bool| Zone {
            scale: Scale::Commune,
            code: code.into(),
            name: Some(format!("Commune {code}")),
            insee_com: com.into(),
            insee_associee: associee.then(|| code.into()),
        };
        let iris = |code: &str, associee: Option<&str>| Zone {
            scale: Scale::Iris,
            code: code.into(),
            name: None,
            insee_com: code[..5].into(),
            insee_associee: associee.map(Into::into),
        };
        let qpv = |code: &str, com: &str| Zone {
            scale: Scale::Qpv,
            code: code.into(),
            name: None,
            insee_com: com.into(),
            insee_associee: None,
        };
        let zones = [
            commune("59350", "59350", false),
            commune("59355", "59350", true),
            commune("59298", "59350", true),
            commune("59360", "59360", false),
            commune("59017", "59017", false),
            iris("593500101", None),
            iris("593500102", None),
            iris("593502401", Some("59298")),
            iris("593502701", Some("59355")),
            iris("593502702", Some("59355")),
            iris("593600101", None),
            iris("590170000", None),
            qpv("QN05901M", "59350"),
            qpv("QN05902M", "59350"),
            qpv("QN05903M", "59350"),
        ];
        let links = [
            ("QN05901M", "593500101"), // inside Lille
            ("QN05902M", "593500102"), // Lille and Loos
            ("QN05902M", "593600101"),
            ("QN05903M", "593500101"), // Lille and Lomme
            ("QN05903M", "593502701"),
        ];
        let links: Vec<Link> =
            links.iter().map(|(q, i)| Link { code_qp: (*q).into(), code_iris: (*i).into() }).collect();
        Zones::new(&zones, &links)
    }

    fn sorted(set: &HashSet<String>) -> Vec<&str> {
        let mut v: Vec<&str> = set.iter().map(String::as_str).collect();
        v.sort_unstable();
        v
    }

    fn communes(codes: &[&str]) -> Ground {
        Ground { communes: codes.iter().map(|c| (*c).to_owned()).collect(), ..Ground::default() }
    }

    #[test]
    fn a_commune_is_its_iris_its_associees_and_its_qpv() {
        let t = metropolis().resolve(&communes(&["59350"])).unwrap();
        assert_eq!(sorted(&t.communes), ["59298", "59350", "59355"]);
        assert_eq!(t.iris.len(), 5);
        assert_eq!(t.iris, t.residence_iris);
        assert_eq!(sorted(&t.qpv), ["QN05901M", "QN05902M", "QN05903M"]);
    }

    #[test]
    fn a_qpv_of_several_communes_is_whole_or_hidden() {
        let masked = Ground { qpv_intercommunal: Intercommunal::Masque, ..communes(&["59350"]) };
        let t = metropolis().resolve(&masked).unwrap();
        // QN05903M lies in Lille and its commune associée: inside. QN05902M goes on into Loos.
        assert_eq!(sorted(&t.qpv), ["QN05901M", "QN05903M"]);
    }

    #[test]
    fn a_commune_associee_is_a_territory_of_iris() {
        let by_code = metropolis().resolve(&communes(&["59355"])).unwrap();
        let by_iris = Ground { iris: vec!["593502701".into(), "593502702".into()], ..Ground::default() };
        assert_eq!(by_code, metropolis().resolve(&by_iris).unwrap());
        assert_eq!(sorted(&by_code.communes), ["59355"], "the commune round it is not shown by default");
        assert_eq!(sorted(&by_code.residence_iris), ["593502701", "593502702"]);
        assert_eq!(sorted(&by_code.qpv), ["QN05903M"]);
        let with_lille = Ground { englobantes: vec![Scale::Commune], ..by_iris.clone() };
        let t = metropolis().resolve(&with_lille).unwrap();
        assert_eq!(sorted(&t.communes), ["59350", "59355"]);
        assert_eq!(t.iris, by_code.iris);
        let half = Ground { iris: vec!["593502701".into()], ..Ground::default() };
        assert!(metropolis().resolve(&half).unwrap().communes.is_empty(), "half of Lomme is not Lomme");
    }

    #[test]
    fn straddling_communes_are_shown_only_where_granted() {
        let ground = Ground { iris: vec!["593500101".into(), "593600101".into()], ..Ground::default() };
        assert_eq!(sorted(&metropolis().resolve(&ground).unwrap().communes), ["59360"], "Loos is wholly inside");
        let with = Ground { chevauchantes: vec![Scale::Commune], ..ground };
        assert_eq!(sorted(&metropolis().resolve(&with).unwrap().communes), ["59350", "59360"]);
    }

    #[test]
    fn a_qpv_alone_shows_its_row_and_its_residences() {
        let ground = Ground { qpv: vec!["QN05902M".into()], ..Ground::default() };
        let t = metropolis().resolve(&ground).unwrap();
        assert_eq!(sorted(&t.qpv), ["QN05902M"]);
        assert_eq!(sorted(&t.residence_qpv), ["QN05902M"]);
        assert!(t.iris.is_empty() && t.communes.is_empty() && t.residence_iris.is_empty());
        let with = Ground { chevauchantes: vec![Scale::Iris], ..ground };
        let t = metropolis().resolve(&with).unwrap();
        assert_eq!(sorted(&t.iris), ["593500102", "593600101"]);
        assert!(t.residence_iris.is_empty());
    }

    #[test]
    fn what_is_not_in_the_publication_shows_nothing_and_is_named() {
        let ground = communes(&["59351"]);
        let t = metropolis().resolve(&ground).unwrap();
        assert_eq!(t, Territory::default());
        let said = metropolis().unknown(&ground);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("59351") && said[0].contains("59350 Commune 59350"), "{said:?}");
        assert_eq!(Zones::default().resolve(&communes(&["59350"])), Some(Territory::default()));
        assert_eq!(metropolis().resolve(&Ground { tout: true, ..Ground::default() }), None);
    }
}
