//! Invented names. None is that of a real commune, district, landlord or estate, but for Lille, Lomme and Hellemmes.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

const COMMUNE_STARTS: [&str; 32] = [
    "Ambre", "Aubre", "Bertre", "Bolle", "Cappe", "Corbe", "Dourve", "Ervi", "Estre", "Faume", "Flame", "Frete",
    "Gravi", "Halle", "Hauve", "Illi", "Jolle", "Kerle", "Lanse", "Lesque", "Merki", "Morvi", "Norte", "Oude", "Prene",
    "Querme", "Rosbe", "Salle", "Thume", "Verle", "Wervi", "Zuyde",
];
const COMMUNE_ENDS: [&str; 16] = [
    "becque", "lies", "melle", "nies", "quin", "sart", "telles", "vain", "velin", "wers", "ghem", "hove", "mont",
    "bais", "rieux", "laing",
];
const COMMUNE_TAILS: [&str; 9] = [
    "lez-Ombrelle",
    "sur-Varme",
    "en-Palude",
    "la-Haute",
    "au-Tilleul",
    "le-Sec",
    "lez-Varme",
    "Saint-Omblin",
    "les-Prés",
];

const QUARTERS: [&str; 56] = [
    "Vieux Moulin",
    "Gare",
    "Grand Place",
    "Hôtel de Ville",
    "Les Hautes Voies",
    "Briqueterie",
    "Petit Bois",
    "Filature",
    "Cimetière Est",
    "Parc Nord",
    "Le Marais",
    "Canal",
    "Faubourg Sud",
    "Tannerie",
    "Les Près Hauts",
    "Croix Blanche",
    "Quatre Chemins",
    "La Mousserie",
    "Pont Neuf",
    "Sucrerie",
    "Le Bas Chemin",
    "Cité Jardin",
    "Les Peupliers",
    "Mairie",
    "Halle aux Grains",
    "Vert Galant",
    "Étoile",
    "Château d'Eau",
    "La Plaine",
    "Abattoirs",
    "Caserne",
    "Jardin des Plantes",
    "Verrerie",
    "Le Fort",
    "Basse Ville",
    "Collège",
    "Stade",
    "Les Écoles",
    "Glacière",
    "La Poste",
    "Béguinage",
    "Les Tisserands",
    "Le Tordoir",
    "Champ de Foire",
    "Teinturerie",
    "La Digue",
    "Moulin Rouge",
    "Clos Fleuri",
    "L'Écluse",
    "Les Dentellières",
    "Brasserie",
    "La Motte",
    "Plateau",
    "Roseraie",
    "Trois Tilleuls",
    "Le Gazomètre",
];
const DISTRICTS: [&str; 30] = [
    "Les Hautes-Voiles",
    "Quartier des Tanneurs",
    "La Mousserie",
    "Les Quatre-Vents",
    "Le Pont-de-Fer",
    "Les Longues-Haies",
    "Cité des Rouisseurs",
    "Le Blanc-Riez",
    "Les Trois-Fontaines",
    "La Croisette-Sud",
    "Le Nouveau-Tissage",
    "Les Oliviers",
    "Le Chemin-Vert",
    "Résidences du Parc",
    "Les Aviateurs",
    "Le Grand-Sart",
    "Les Épis",
    "Le Virolois",
    "La Bergerie",
    "Les Biscuitiers",
    "Le Petit-Menin",
    "Les Margueritois",
    "La Lionderie",
    "Le Pile-Sud",
    "Les Phalempins",
    "La Briqueterie",
    "Les Francs-Bourgs",
    "Le Sapin-Vert",
    "Le Longchamp",
    "La Potennerie",
];
const ESTATES: [&str; 72] = [
    "Acacias",
    "Ajoncs",
    "Alouettes",
    "Amarantes",
    "Arpents",
    "Aubépines",
    "Bateliers",
    "Bégonias",
    "Bleuets",
    "Bouleaux",
    "Brasseurs",
    "Bruyères",
    "Camélias",
    "Capucines",
    "Cardeurs",
    "Carillons",
    "Cèdres",
    "Cerisiers",
    "Charmes",
    "Chaumières",
    "Chèvrefeuilles",
    "Clématites",
    "Colombes",
    "Coquelicots",
    "Cormorans",
    "Cytises",
    "Dahlias",
    "Éclusiers",
    "Églantines",
    "Érables",
    "Fileuses",
    "Fougères",
    "Frênes",
    "Fuseaux",
    "Genêts",
    "Glycines",
    "Grives",
    "Hêtres",
    "Hirondelles",
    "Houblons",
    "Iris",
    "Jacinthes",
    "Jonquilles",
    "Lavandières",
    "Lilas",
    "Linières",
    "Lucioles",
    "Magnolias",
    "Marronniers",
    "Merisiers",
    "Mésanges",
    "Mimosas",
    "Mûriers",
    "Navettes",
    "Ormes",
    "Peignages",
    "Pervenches",
    "Pinsons",
    "Platanes",
    "Pommiers",
    "Primevères",
    "Rouissoirs",
    "Saules",
    "Sorbiers",
    "Tilleuls",
    "Tisserands",
    "Tourterelles",
    "Trèfles",
    "Troènes",
    "Tulipes",
    "Verriers",
    "Vignes",
];
const STREETS: [&str; 40] = [
    "des Tisserands",
    "du Vieux Moulin",
    "de la Filature",
    "du Maréchal Ombre",
    "des Écoles",
    "de la Gare",
    "du Canal",
    "des Jardins",
    "de l'Égalité",
    "du Pont Neuf",
    "de la République",
    "Victor Ambrelin",
    "des Fleurs",
    "du Marais",
    "de la Brasserie",
    "des Martyrs",
    "du Docteur Vervain",
    "de la Paix",
    "du Bas Chemin",
    "des Lilas",
    "de l'Abbé Corbin",
    "de la Liberté",
    "du Calvaire",
    "des Bateliers",
    "de Gand",
    "du Général Fauvel",
    "du Stade",
    "des Peupliers",
    "de la Mairie",
    "du Quai",
    "des Rouisseurs",
    "de l'Industrie",
    "de la Briqueterie",
    "du Fort",
    "des Sœurs Grises",
    "du Chemin Vert",
    "Louise Varmelin",
    "du Huit Mai",
    "de la Cense",
    "du Petit Bois",
];
/// Name, family (`oph`, `esh`, `sem`, `coop`), group.
const LANDLORDS: [(&str, &str, &str); 20] = [
    ("Métropole Habitat Nord", "oph", "Métropole Habitat"),
    ("Varmelis Habitat", "esh", "Groupe Varmelis"),
    ("Logis de l'Ombrelle", "esh", "Groupe Varmelis"),
    ("Tilia Logement", "esh", "Groupe Tilia"),
    ("Tilia Jeunes", "coop", "Groupe Tilia"),
    ("Habitat du Lin", "oph", "Habitat du Lin"),
    ("Société des Trois Tours", "esh", "Groupe Beffroi"),
    ("Beffroi Patrimoine", "esh", "Groupe Beffroi"),
    ("Norlogis", "esh", "Norlogis"),
    ("Notre Maison Coopérative", "coop", "Notre Maison"),
    ("Flandria Logement", "esh", "Groupe Flandria"),
    ("Flandria Rénovation", "sem", "Groupe Flandria"),
    ("Foyer des Tisserands", "esh", "Foyer des Tisserands"),
    ("Plaine et Ville", "sem", "Plaine et Ville"),
    ("Les Clos Réunis", "coop", "Les Clos Réunis"),
    ("Espérance Habitat", "esh", "Groupe Tilia"),
    ("Maisons de la Varme", "esh", "Groupe Varmelis"),
    ("Immobilière Cense", "esh", "Immobilière Cense"),
    ("Régie du Béguinage", "oph", "Régie du Béguinage"),
    ("Solidaires Toits", "moi", "Solidaires Toits"),
];

/// A landlord.
#[derive(Debug, Clone)]
pub struct Landlord {
    /// SIREN; no enterprise can have it.
    pub siren: String,
    /// Name.
    pub name: String,
    /// `oph`, `esh`, `sem`, `coop`, `moi`.
    pub family: &'static str,
    /// Group it belongs to.
    pub group: String,
}

/// A SIREN with a right check digit that begins with 00: no such number was ever given out.
pub fn siren(number: u32) -> String {
    let body = format!("00{:06}", number % 1_000_000);
    let sum: u32 = body.bytes().rev().zip([true, false].into_iter().cycle()).map(|(b, d)| luhn(b, d)).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn luhn(digit: u8, doubled: bool) -> u32 {
    let n = u32::from(digit - b'0') * if doubled { 2 } else { 1 };
    n / 10 + n % 10
}

/// The landlords of a metropolis.
pub fn landlords(tile: u32) -> Vec<Landlord> {
    LANDLORDS
        .iter()
        .zip(0..)
        .map(|((name, family, group), i)| {
            let suffix = if tile == 0 { String::new() } else { format!(" {}", tile + 1) };
            Landlord {
                siren: siren(500_000 + tile * 100 + i),
                name: format!("{name}{suffix}"),
                family,
                group: format!("{group}{suffix}"),
            }
        })
        .collect()
}

/// Distinct names of communes.
pub fn communes(rng: &mut ChaCha8Rng, count: usize) -> Vec<String> {
    let mut roots: Vec<String> =
        COMMUNE_STARTS.iter().flat_map(|s| COMMUNE_ENDS.iter().map(move |e| format!("{s}{e}"))).collect();
    roots.shuffle(rng);
    roots.truncate(count);
    for root in &mut roots {
        if rng.random_bool(0.22) {
            *root = format!("{root}-{}", pick(rng, &COMMUNE_TAILS));
        }
    }
    roots
}

/// Distinct names for the IRIS of a commune.
pub fn quarters(rng: &mut ChaCha8Rng, count: usize) -> Vec<String> {
    let mut names: Vec<&str> = QUARTERS.to_vec();
    names.shuffle(rng);
    let repeats = count.div_ceil(names.len());
    (0..count)
        .map(|i| match (repeats, i / names.len()) {
            (1, _) => names[i % names.len()].to_owned(),
            (_, n) => format!("{} {}", names[i % names.len()], n + 1),
        })
        .collect()
}

/// Name of the `i`-th QPV.
pub fn district(i: usize) -> String {
    let name = DISTRICTS[i % DISTRICTS.len()];
    if i < DISTRICTS.len() { name.to_owned() } else { format!("{name} {}", i / DISTRICTS.len() + 1) }
}

/// Name of a residence.
pub fn estate(rng: &mut ChaCha8Rng) -> String {
    let name = pick(rng, &ESTATES);
    match rng.random_range(0..10) {
        0..=4 => format!("Résidence Les {name}"),
        5 | 6 => format!("Les {name}"),
        7 => format!("Le Clos des {name}"),
        8 => format!("Les {name} {}", if rng.random_bool(0.5) { "I" } else { "II" }),
        _ => format!("Les Jardins des {name}"),
    }
}

/// Type and name of a street, as RPLS has them.
pub fn street(rng: &mut ChaCha8Rng) -> (&'static str, &'static str) {
    (pick(rng, &["RUE", "RUE", "RUE", "RUE", "AV", "BD", "ALL", "PL", "IMP"]), pick(rng, &STREETS))
}

fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    #[test]
    fn check_digits_are_right() {
        for n in [0, 1, 500_000, 999_999] {
            let s = siren(n);
            assert_eq!(s.len(), 9);
            let sum: u32 = s.bytes().rev().zip([false, true].into_iter().cycle()).map(|(b, d)| luhn(b, d)).sum();
            assert_eq!(sum % 10, 0, "{s}");
        }
    }

    #[test]
    fn communes_have_distinct_names() {
        let names = communes(&mut ChaCha8Rng::seed_from_u64(1), 95);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 95);
    }
}
