-- Occupation (OPS): sums by residence and zone, what of them is shown, shares.
--
-- A household that answered is a respondent with its number of persons known. A household line without an answer still
-- counts as a let dwelling. Income in per cent of the PLUS ceiling: below 20, 20 to below 40, 40 to below 60, 60 to 100,
-- above 100. Recent: moved in within the two years before 1 January of the vintage.

CREATE UNLOGGED TABLE travail.occupation (
    millesime int NOT NULL, echelle text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
    nb_menages int NOT NULL, nb_loues int NOT NULL, nb_revenu_connu int NOT NULL, nb_moins_20 int NOT NULL,
    nb_20_40 int NOT NULL, nb_40_60 int NOT NULL, nb_60_100 int NOT NULL, nb_plus_100 int NOT NULL,
    nb_isoles int NOT NULL, nb_couples_sans_enf int NOT NULL, nb_couples_enf int NOT NULL,
    nb_monoparentales int NOT NULL, nb_autres_menages int NOT NULL, nb_3enf_plus int NOT NULL,
    nb_age_connu int NOT NULL, nb_tit_moins_30 int NOT NULL, nb_tit_30_64 int NOT NULL, nb_tit_65_plus int NOT NULL,
    age_total int NOT NULL, nb_adultes int NOT NULL, nb_emploi_stable int NOT NULL, nb_emploi_precaire int NOT NULL,
    nb_sans_emploi int NOT NULL, nb_apl int NOT NULL, nb_entree_connue int NOT NULL, nb_emm_recents int NOT NULL,
    anciennete_totale float8 NOT NULL, nb_personnes int NOT NULL
);
CREATE INDEX ON travail.occupation (millesime, echelle, id);

-- Sums by residence, then by zone; returns the number of households that no residence claims.
CREATE FUNCTION travail.remplir_occupation(p_publication bigint, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    x plan.contexte;
    v_recent date := make_date(p_millesime - 2, 1, 1);
    v_fin date := make_date(p_millesime, 1, 1);
BEGIN
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = 'occupation' AND m.millesime = p_millesime;
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = v.contexte;
    DELETE FROM travail.occupation WHERE millesime = p_millesime;
    INSERT INTO travail.occupation
    SELECT p_millesime, 'residence', id,
        count(*) FILTER (WHERE r), count(*), count(*) FILTER (WHERE r AND pct_plafond IS NOT NULL),
        count(*) FILTER (WHERE r AND pct_plafond < 20),
        count(*) FILTER (WHERE r AND pct_plafond >= 20 AND pct_plafond < 40),
        count(*) FILTER (WHERE r AND pct_plafond >= 40 AND pct_plafond < 60),
        count(*) FILTER (WHERE r AND pct_plafond >= 60 AND pct_plafond <= 100),
        count(*) FILTER (WHERE r AND pct_plafond > 100), count(*) FILTER (WHERE r AND type_menage = 'ISOLE'),
        count(*) FILTER (WHERE r AND type_menage = 'COUPLE'),
        count(*) FILTER (WHERE r AND type_menage = 'COUPLE_ENF'), count(*) FILTER (WHERE r AND type_menage = 'MONO'),
        count(*) FILTER (WHERE r AND (type_menage = 'AUTRE' OR type_menage IS NULL)),
        count(*) FILTER (WHERE r AND nb_enfants >= 3), count(*) FILTER (WHERE r AND age_titulaire IS NOT NULL),
        count(*) FILTER (WHERE r AND age_titulaire < 30),
        count(*) FILTER (WHERE r AND age_titulaire BETWEEN 30 AND 64),
        count(*) FILTER (WHERE r AND age_titulaire >= 65), coalesce(sum(age_titulaire) FILTER (WHERE r), 0),
        coalesce(sum(nb_adultes) FILTER (WHERE r), 0), coalesce(sum(nb_stable) FILTER (WHERE r), 0),
        coalesce(sum(nb_precaire) FILTER (WHERE r), 0), coalesce(sum(nb_sans_emploi) FILTER (WHERE r), 0),
        count(*) FILTER (WHERE r AND apl), count(*) FILTER (WHERE r AND entree IS NOT NULL),
        count(*) FILTER (WHERE r AND entree >= v_recent),
        coalesce(sum(greatest(v_fin - entree, 0) / 365.25) FILTER (WHERE r), 0),
        coalesce(sum(nb_pers) FILTER (WHERE r), 0)
    FROM (SELECT m.*, t.id, m.repondant AND m.nb_pers IS NOT NULL AS r
          FROM prive.menage m
          JOIN prive.residence_logement k ON k.lot = x.lot_residences AND k.ident_rep = m.ident_rep
          JOIN travail.residence t ON t.contexte = v.contexte AND t.cle = k.id_residence
          WHERE m.lot = v.lot) m
    GROUP BY id;
    PERFORM travail.analyser('occupation');
    INSERT INTO travail.occupation
    SELECT p_millesime, a.echelle, a.zone,
        sum(m.nb_menages), sum(m.nb_loues), sum(m.nb_revenu_connu), sum(m.nb_moins_20), sum(m.nb_20_40),
        sum(m.nb_40_60), sum(m.nb_60_100), sum(m.nb_plus_100), sum(m.nb_isoles), sum(m.nb_couples_sans_enf),
        sum(m.nb_couples_enf), sum(m.nb_monoparentales), sum(m.nb_autres_menages), sum(m.nb_3enf_plus),
        sum(m.nb_age_connu), sum(m.nb_tit_moins_30), sum(m.nb_tit_30_64), sum(m.nb_tit_65_plus), sum(m.age_total),
        sum(m.nb_adultes), sum(m.nb_emploi_stable), sum(m.nb_emploi_precaire), sum(m.nb_sans_emploi), sum(m.nb_apl),
        sum(m.nb_entree_connue), sum(m.nb_emm_recents), sum(m.anciennete_totale), sum(m.nb_personnes)
    FROM travail.occupation m JOIN travail.appartenance a USING (id)
    WHERE m.millesime = p_millesime AND m.echelle = 'residence' AND a.contexte = v.contexte AND a.echelle <> 'residence'
    GROUP BY a.echelle, a.zone;
    PERFORM travail.analyser('occupation');
    RETURN (SELECT count(*) FROM prive.menage WHERE lot = v.lot)
        - (SELECT coalesce(sum(nb_loues), 0) FROM travail.occupation WHERE millesime = p_millesime AND echelle = 'residence');
END
$$;

CREATE VIEW stat.occupation_montre AS
SELECT l.millesime, l.echelle, l.id,
    m.nb_menages, CASE WHEN f.nb_loues THEN m.nb_loues END AS nb_loues,
    CASE WHEN f.nb_revenu_connu THEN m.nb_revenu_connu END AS nb_revenu_connu,
    CASE WHEN f.nb_revenu_connu THEN m.nb_moins_20 END AS nb_moins_20,
    CASE WHEN f.nb_revenu_connu THEN m.nb_20_40 END AS nb_20_40,
    CASE WHEN f.nb_revenu_connu THEN m.nb_40_60 END AS nb_40_60,
    CASE WHEN f.nb_revenu_connu THEN m.nb_60_100 END AS nb_60_100,
    CASE WHEN f.nb_revenu_connu THEN m.nb_plus_100 END AS nb_plus_100, m.nb_isoles, m.nb_couples_sans_enf,
    m.nb_couples_enf, m.nb_monoparentales, m.nb_autres_menages, m.nb_3enf_plus,
    CASE WHEN f.nb_age_connu THEN m.nb_age_connu END AS nb_age_connu,
    CASE WHEN f.nb_age_connu THEN m.nb_tit_moins_30 END AS nb_tit_moins_30,
    CASE WHEN f.nb_age_connu THEN m.nb_tit_30_64 END AS nb_tit_30_64,
    CASE WHEN f.nb_age_connu THEN m.nb_tit_65_plus END AS nb_tit_65_plus,
    CASE WHEN f.nb_age_connu THEN m.age_total END AS age_total,
    CASE WHEN f.nb_adultes THEN m.nb_adultes END AS nb_adultes,
    CASE WHEN f.nb_adultes THEN m.nb_emploi_stable END AS nb_emploi_stable,
    CASE WHEN f.nb_adultes THEN m.nb_emploi_precaire END AS nb_emploi_precaire,
    CASE WHEN f.nb_adultes THEN m.nb_sans_emploi END AS nb_sans_emploi, m.nb_apl,
    CASE WHEN f.nb_entree_connue THEN m.nb_entree_connue END AS nb_entree_connue,
    CASE WHEN f.nb_entree_connue THEN m.nb_emm_recents END AS nb_emm_recents,
    CASE WHEN f.nb_entree_connue THEN round(m.anciennete_totale::numeric, 1)::float8 END AS anciennete_totale,
    m.nb_personnes
FROM (SELECT publication, (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) s
JOIN plan.ligne l ON l.publication = s.publication AND l.theme = 'occupation' AND l.statut = 'diffuse'
JOIN travail.occupation m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id AND m.nb_menages >= s.seuil
CROSS JOIN LATERAL (SELECT 'nb_loues' = ANY (l.familles) AND m.nb_loues >= s.seuil AS nb_loues,
        'nb_revenu_connu' = ANY (l.familles) AND m.nb_revenu_connu >= s.seuil AS nb_revenu_connu,
        'nb_age_connu' = ANY (l.familles) AND m.nb_age_connu >= s.seuil AS nb_age_connu,
        'nb_adultes' = ANY (l.familles) AND m.nb_adultes >= s.seuil AS nb_adultes,
        'nb_entree_connue' = ANY (l.familles) AND m.nb_entree_connue >= s.seuil AS nb_entree_connue) f;

CREATE VIEW stat.occupation AS
SELECT m.millesime AS v_millesime, m.echelle AS v_echelle, m.id AS v_id,
    m.nb_menages, m.nb_loues, stat.part(m.nb_menages, m.nb_loues) AS tx_reponse, m.nb_revenu_connu, m.nb_moins_20,
    m.nb_20_40, m.nb_40_60, m.nb_60_100, m.nb_plus_100, stat.part(m.nb_moins_20, m.nb_revenu_connu) AS part_moins_20,
    stat.part(m.nb_20_40, m.nb_revenu_connu) AS part_20_40, stat.part(m.nb_40_60, m.nb_revenu_connu) AS part_40_60,
    stat.part(m.nb_60_100, m.nb_revenu_connu) AS part_60_100,
    stat.part(m.nb_plus_100, m.nb_revenu_connu) AS part_plus_100, m.nb_isoles, m.nb_couples_sans_enf,
    m.nb_couples_enf, m.nb_monoparentales, m.nb_autres_menages, m.nb_3enf_plus,
    stat.part(m.nb_isoles, m.nb_menages) AS part_isoles,
    stat.part(m.nb_couples_sans_enf, m.nb_menages) AS part_couples_sans_enf,
    stat.part(m.nb_couples_enf, m.nb_menages) AS part_couples_enf,
    stat.part(m.nb_monoparentales, m.nb_menages) AS part_monoparentales,
    stat.part(m.nb_3enf_plus, m.nb_menages) AS part_3enf_plus, m.nb_age_connu, m.nb_tit_moins_30, m.nb_tit_30_64,
    m.nb_tit_65_plus, stat.part(m.nb_tit_moins_30, m.nb_age_connu) AS part_tit_moins_30,
    stat.part(m.nb_tit_65_plus, m.nb_age_connu) AS part_tit_65_plus, m.age_total,
    round(m.age_total::numeric / nullif(m.nb_age_connu, 0), 1)::float8 AS age_moyen_titulaire, m.nb_adultes,
    m.nb_emploi_stable, m.nb_emploi_precaire, m.nb_sans_emploi,
    stat.part(m.nb_emploi_stable, m.nb_adultes) AS part_emploi_stable,
    stat.part(m.nb_emploi_precaire, m.nb_adultes) AS part_emploi_precaire,
    stat.part(m.nb_sans_emploi, m.nb_adultes) AS part_sans_emploi, m.nb_apl,
    stat.part(m.nb_apl, m.nb_menages) AS part_apl, m.nb_entree_connue, m.nb_emm_recents,
    stat.part(m.nb_emm_recents, m.nb_entree_connue) AS part_emm_recents, m.anciennete_totale,
    round((m.anciennete_totale / nullif(m.nb_entree_connue, 0))::numeric, 1)::float8 AS anciennete_moy,
    m.nb_personnes, round(m.nb_personnes::numeric / nullif(m.nb_menages, 0), 2)::float8 AS taille_moy
FROM stat.occupation_montre m;

