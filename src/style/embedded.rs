//! The style files that are compiled in. A test compares the list with the directory.

/// English for the French of the files.
pub const ENGLISH: &str = include_str!("../../styles/en.toml");

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Name and document of each style.
        pub const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../styles/", $name, ".sld")))),*];
    };
}

files! {
    "attributions_commune",
    "attributions_commune_q1",
    "attributions_iris",
    "attributions_qpv",
    "attributions_residence",
    "contour_commune",
    "contour_iris",
    "contour_qpv",
    "environnement_residence",
    "environnement_residence_equipement",
    "environnement_residence_transport",
    "line",
    "occupation_commune",
    "occupation_commune_monoparentales",
    "occupation_iris",
    "occupation_iris_monoparentales",
    "occupation_qpv",
    "occupation_qpv_monoparentales",
    "occupation_residence",
    "parc_commune",
    "parc_commune_dpe",
    "parc_commune_logements",
    "parc_commune_loyer",
    "parc_commune_vacance",
    "parc_iris",
    "parc_iris_dpe",
    "parc_iris_logements",
    "parc_iris_loyer",
    "parc_iris_vacance",
    "parc_qpv",
    "parc_qpv_dpe",
    "parc_qpv_logements",
    "parc_residence",
    "parc_residence_dpe",
    "point",
    "polygon",
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_of_the_directory_is_compiled_in() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/styles");
        let mut found: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .filter_map(|e| e.unwrap().file_name().to_str()?.strip_suffix(".sld").map(str::to_owned))
            .collect();
        found.sort();
        assert_eq!(found, super::FILES.iter().map(|f| f.0.to_owned()).collect::<Vec<_>>());
    }
}
