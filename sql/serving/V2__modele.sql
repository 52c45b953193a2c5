-- Groups of columns, one for each field list of `capabilities/catalogue.toml`, with the rule that a group can state by
-- itself: a denominator is null together with everything that needs it, or reaches the threshold.
-- The published tables (next file) are made of them, so that a column and its rule are written once for all scales.

CREATE TABLE modele.tete (
    id text COLLATE "C" NOT NULL,
    objectid int NOT NULL,
    nom text COLLATE "C",
    CONSTRAINT objectid CHECK (objectid BETWEEN 1 AND 2147483647)
);
CREATE TABLE modele.temps (
    millesime int NOT NULL, date_reference timestamptz NOT NULL, millesime_geo int NOT NULL,
    statut text COLLATE "C" NOT NULL,
    CONSTRAINT statut CHECK (statut IN ('diffuse', 'secret', 'non_disponible', 'sans_objet')),
    CONSTRAINT date_reference CHECK (date_trunc('day', date_reference AT TIME ZONE 'UTC') = date_reference AT TIME ZONE 'UTC')
);
CREATE TABLE modele.contour_temps (
    millesime int NOT NULL, date_reference timestamptz NOT NULL, millesime_geo int NOT NULL,
    CONSTRAINT date_reference CHECK (date_trunc('day', date_reference AT TIME ZONE 'UTC') = date_reference AT TIME ZONE 'UTC')
);
CREATE TABLE modele.codes_commune (
    insee_com text COLLATE "C" NOT NULL, insee_chef_lieu text COLLATE "C"
);
CREATE TABLE modele.codes_iris (
    code_iris text COLLATE "C" NOT NULL, insee_com text COLLATE "C" NOT NULL, insee_associee text COLLATE "C"
);
CREATE TABLE modele.codes_qpv (
    code_qp text COLLATE "C" NOT NULL, insee_com text COLLATE "C" NOT NULL
);
CREATE TABLE modele.codes_residence (
    insee_com text COLLATE "C" NOT NULL, insee_associee text COLLATE "C", code_iris text COLLATE "C" NOT NULL,
    code_qp text COLLATE "C"
);
CREATE TABLE modele.iris_type (
    typ_iris text COLLATE "C"
);
CREATE TABLE modele.bailleur (
    siren_bailleur text COLLATE "C"
);

-- Stock (RPLS).
CREATE TABLE modele.parc (
    nb_logements int, nb_loues int, nb_vacants int, nb_vides int, nb_asso int, nb_occup_contrepartie int,
    nb_heberg_temp int, nb_offerts int, nb_vacants_3mois int, tx_vacance float8, tx_vacance_3mois float8,
    nb_offerts_1an int, nb_emmenagements int, tx_mobilite float8, nb_individuels int, part_individuel float8,
    nb_t1 int, nb_t2 int, nb_t3 int, nb_t4 int, nb_t5p int, part_t1 float8, part_t2 float8, part_t3 float8,
    part_t4 float8, part_t5p float8, nb_surface int, surface_totale float8, surface_moy float8, nb_loyer int,
    loyer_total float8, surface_loyer float8, loyer_moy_m2 float8, nb_plai int, nb_plus int, nb_pls int, nb_pli int,
    nb_fin_autre int, part_plai float8, part_plus float8, part_pls float8, part_pli float8, part_fin_autre float8,
    nb_avant_1949 int, nb_1949_1974 int, nb_1975_1999 int, nb_2000p int, part_avant_1949 float8,
    part_1949_1974 float8, part_1975_1999 float8, part_2000p float8, nb_dpe int, nb_dpe_ab int, nb_dpe_cd int,
    nb_dpe_e int, nb_dpe_fg int, part_dpe_ab float8, part_dpe_cd float8, part_dpe_e float8, part_dpe_fg float8,
    tx_dpe_renseigne float8, nb_mises_service int,
    CONSTRAINT nb_logements CHECK (CASE WHEN nb_logements IS NULL THEN num_nonnulls(
        nb_loues, nb_vacants, nb_vides, nb_asso, nb_occup_contrepartie, nb_heberg_temp, nb_offerts, nb_vacants_3mois,
        tx_vacance, tx_vacance_3mois, nb_offerts_1an, nb_emmenagements, tx_mobilite, nb_individuels, part_individuel,
        nb_t1, nb_t2, nb_t3, nb_t4, nb_t5p, part_t1, part_t2, part_t3, part_t4, part_t5p, nb_surface, surface_totale,
        surface_moy, nb_loyer, loyer_total, surface_loyer, loyer_moy_m2, nb_plai, nb_plus, nb_pls, nb_pli,
        nb_fin_autre, part_plai, part_plus, part_pls, part_pli, part_fin_autre, nb_avant_1949, nb_1949_1974,
        nb_1975_1999, nb_2000p, part_avant_1949, part_1949_1974, part_1975_1999, part_2000p, nb_dpe, nb_dpe_ab,
        nb_dpe_cd, nb_dpe_e, nb_dpe_fg, part_dpe_ab, part_dpe_cd, part_dpe_e, part_dpe_fg, tx_dpe_renseigne,
        nb_mises_service) = 0
        ELSE nb_logements >= pub.seuil() END),
    CONSTRAINT nb_offerts CHECK (CASE WHEN nb_offerts IS NULL THEN num_nonnulls(
        nb_vacants_3mois, tx_vacance, tx_vacance_3mois) = 0
        ELSE nb_offerts >= pub.seuil() END),
    CONSTRAINT nb_offerts_1an CHECK (CASE WHEN nb_offerts_1an IS NULL THEN num_nonnulls(
        nb_emmenagements, tx_mobilite) = 0
        ELSE nb_offerts_1an >= pub.seuil() END),
    CONSTRAINT nb_surface CHECK (CASE WHEN nb_surface IS NULL THEN num_nonnulls(surface_totale, surface_moy) = 0
        ELSE nb_surface >= pub.seuil() END),
    CONSTRAINT nb_loyer CHECK (CASE WHEN nb_loyer IS NULL THEN num_nonnulls(
        loyer_total, surface_loyer, loyer_moy_m2) = 0
        ELSE nb_loyer >= pub.seuil() END),
    CONSTRAINT nb_dpe CHECK (CASE WHEN nb_dpe IS NULL THEN num_nonnulls(
        nb_dpe_ab, nb_dpe_cd, nb_dpe_e, nb_dpe_fg, part_dpe_ab, part_dpe_cd, part_dpe_e, part_dpe_fg, tx_dpe_renseigne) = 0
        ELSE nb_dpe >= pub.seuil() END)
);
CREATE TABLE modele.parc_zone (
    nb_en_qpv int, part_qpv float8
);
CREATE TABLE modele.parc_commune (
    nb_rp int, densite_rpls float8, tx_sru float8,
    CONSTRAINT nb_rp CHECK (CASE WHEN nb_rp IS NULL THEN num_nonnulls(densite_rpls) = 0
        ELSE nb_rp >= pub.seuil() END)
);

-- Occupation (OPS).
CREATE TABLE modele.occupation (
    nb_menages int, nb_loues int, tx_reponse float8, nb_revenu_connu int, nb_moins_20 int, nb_20_40 int,
    nb_40_60 int, nb_60_100 int, nb_plus_100 int, part_moins_20 float8, part_20_40 float8, part_40_60 float8,
    part_60_100 float8, part_plus_100 float8, nb_isoles int, nb_couples_sans_enf int, nb_couples_enf int,
    nb_monoparentales int, nb_autres_menages int, nb_3enf_plus int, part_isoles float8, part_couples_sans_enf float8,
    part_couples_enf float8, part_monoparentales float8, part_3enf_plus float8, nb_age_connu int,
    nb_tit_moins_30 int, nb_tit_30_64 int, nb_tit_65_plus int, part_tit_moins_30 float8, part_tit_65_plus float8,
    age_total int, age_moyen_titulaire float8, nb_adultes int, nb_emploi_stable int, nb_emploi_precaire int,
    nb_sans_emploi int, part_emploi_stable float8, part_emploi_precaire float8, part_sans_emploi float8, nb_apl int,
    part_apl float8, nb_entree_connue int, nb_emm_recents int, part_emm_recents float8, anciennete_totale float8,
    anciennete_moy float8, nb_personnes int, taille_moy float8,
    CONSTRAINT nb_loues CHECK (CASE WHEN nb_loues IS NULL THEN num_nonnulls(tx_reponse) = 0
        ELSE nb_loues >= pub.seuil() END),
    CONSTRAINT nb_revenu_connu CHECK (CASE WHEN nb_revenu_connu IS NULL THEN num_nonnulls(
        nb_moins_20, nb_20_40, nb_40_60, nb_60_100, nb_plus_100, part_moins_20, part_20_40, part_40_60, part_60_100,
        part_plus_100) = 0
        ELSE nb_revenu_connu >= pub.seuil() END),
    CONSTRAINT nb_menages CHECK (CASE WHEN nb_menages IS NULL THEN num_nonnulls(
        nb_loues, tx_reponse, nb_revenu_connu, nb_moins_20, nb_20_40, nb_40_60, nb_60_100, nb_plus_100,
        part_moins_20, part_20_40, part_40_60, part_60_100, part_plus_100, nb_isoles, nb_couples_sans_enf,
        nb_couples_enf, nb_monoparentales, nb_autres_menages, nb_3enf_plus, part_isoles, part_couples_sans_enf,
        part_couples_enf, part_monoparentales, part_3enf_plus, nb_age_connu, nb_tit_moins_30, nb_tit_30_64,
        nb_tit_65_plus, part_tit_moins_30, part_tit_65_plus, age_total, age_moyen_titulaire, nb_adultes,
        nb_emploi_stable, nb_emploi_precaire, nb_sans_emploi, part_emploi_stable, part_emploi_precaire,
        part_sans_emploi, nb_apl, part_apl, nb_entree_connue, nb_emm_recents, part_emm_recents, anciennete_totale,
        anciennete_moy, nb_personnes, taille_moy) = 0
        ELSE nb_menages >= pub.seuil() END),
    CONSTRAINT nb_age_connu CHECK (CASE WHEN nb_age_connu IS NULL THEN num_nonnulls(
        nb_tit_moins_30, nb_tit_30_64, nb_tit_65_plus, part_tit_moins_30, part_tit_65_plus, age_total,
        age_moyen_titulaire) = 0
        ELSE nb_age_connu >= pub.seuil() END),
    CONSTRAINT nb_adultes CHECK (CASE WHEN nb_adultes IS NULL THEN num_nonnulls(
        nb_emploi_stable, nb_emploi_precaire, nb_sans_emploi, part_emploi_stable, part_emploi_precaire,
        part_sans_emploi) = 0
        ELSE nb_adultes >= pub.seuil() END),
    CONSTRAINT nb_entree_connue CHECK (CASE WHEN nb_entree_connue IS NULL THEN num_nonnulls(
        nb_emm_recents, part_emm_recents, anciennete_totale, anciennete_moy) = 0
        ELSE nb_entree_connue >= pub.seuil() END)
);
CREATE TABLE modele.qualification (
    classe_qualification text COLLATE "C"
);
CREATE TABLE modele.qualification_date (
    date_qualification timestamptz
);

-- Allocations (SNE).
CREATE TABLE modele.attributions (
    periode_mois int, nb_attributions int, nb_delai_connu int, delai_total_mois int, delai_moyen_mois float8,
    nb_revenu_connu int, nb_q1 int, part_q1 float8, nb_dalo int, nb_prioritaires int, nb_mutations int,
    nb_action_logement int, part_dalo float8, part_prioritaires float8, part_mutations float8,
    part_action_logement float8,
    CONSTRAINT nb_attributions CHECK (CASE WHEN nb_attributions IS NULL THEN num_nonnulls(
        periode_mois, nb_delai_connu, delai_total_mois, delai_moyen_mois, nb_revenu_connu, nb_q1, part_q1, nb_dalo,
        nb_prioritaires, nb_mutations, nb_action_logement, part_dalo, part_prioritaires, part_mutations,
        part_action_logement) = 0
        ELSE nb_attributions >= pub.seuil() END),
    CONSTRAINT nb_delai_connu CHECK (CASE WHEN nb_delai_connu IS NULL THEN num_nonnulls(
        delai_total_mois, delai_moyen_mois) = 0
        ELSE nb_delai_connu >= pub.seuil() END),
    CONSTRAINT nb_revenu_connu CHECK (CASE WHEN nb_revenu_connu IS NULL THEN num_nonnulls(nb_q1, part_q1) = 0
        ELSE nb_revenu_connu >= pub.seuil() END)
);
CREATE TABLE modele.attributions_zone (
    nb_rc_hors_qpv int, nb_q1_hors_qpv int, part_q1_hors_qpv float8, nb_rc_qpv int, nb_q2_q4_qpv int,
    part_q2_q4_qpv float8,
    CONSTRAINT nb_rc_hors_qpv CHECK (CASE WHEN nb_rc_hors_qpv IS NULL THEN num_nonnulls(
        nb_q1_hors_qpv, part_q1_hors_qpv) = 0
        ELSE nb_rc_hors_qpv >= pub.seuil() END),
    CONSTRAINT nb_rc_qpv CHECK (CASE WHEN nb_rc_qpv IS NULL THEN num_nonnulls(nb_q2_q4_qpv, part_q2_q4_qpv) = 0
        ELSE nb_rc_qpv >= pub.seuil() END)
);
CREATE TABLE modele.attributions_commune (
    nb_demandes int, tension float8, nb_delai_anormal int, part_delai_anormal float8,
    CONSTRAINT nb_demandes CHECK (CASE WHEN nb_demandes IS NULL THEN num_nonnulls(
        tension, nb_delai_anormal, part_delai_anormal) = 0
        ELSE nb_demandes >= pub.seuil() END)
);

-- Surroundings of residences.
CREATE TABLE modele.environnement (
    en_qpv int, dist_qpv_m int, bande_300m int, indice_fragilite float8, classe_fragilite int, dist_ecole_m int,
    dist_college_m int, dist_medecin_m int, dist_pharmacie_m int, dist_alim_m int, dist_poste_m int, dist_tc_m int,
    dist_parc_m int, nb_equip_500m int, classe_equipement int
);
