-- Categories withheld in zone rows that are shown (rule G2, `src/publish/plan/categories.rs`).

-- One row for each zone row that was judged; a zone row without one shows no category. Kept for ever, like the ledger: what was
-- withheld in a publication stays withheld in later ones.
CREATE TABLE plan.masque (
    publication bigint NOT NULL REFERENCES plan.publication,
    theme text COLLATE "C" NOT NULL CHECK (theme IN ('occupation', 'attributions')),
    millesime int NOT NULL,
    echelle text COLLATE "C" NOT NULL CHECK (echelle IN ('commune', 'iris', 'qpv')),
    id text COLLATE "C" NOT NULL,
    colonnes text COLLATE "C" NOT NULL,      -- names of the columns withheld, with blanks between
    PRIMARY KEY (publication, theme, millesime, echelle, id)
);
GRANT SELECT, INSERT, DELETE ON plan.masque TO seuil_publisher;

-- Whether a column is shown; null (not shown) where nothing was judged.
CREATE FUNCTION plan.visible(p_colonnes text, p_colonne text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN position(' ' || p_colonne || ' ' IN ' ' || p_colonnes || ' ') = 0;
GRANT EXECUTE ON FUNCTION plan.visible TO seuil_publisher;

-- The views that show nothing unasked, with the categories under the same rule. Residences show all of theirs.
CREATE OR REPLACE VIEW stat.occupation_montre AS
SELECT l.millesime, l.echelle, l.id,
    m.nb_menages, CASE WHEN f.nb_loues THEN m.nb_loues END AS nb_loues,
    CASE WHEN f.nb_revenu_connu THEN m.nb_revenu_connu END AS nb_revenu_connu,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_moins_20') THEN m.nb_moins_20 END AS nb_moins_20,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_20_40') THEN m.nb_20_40 END AS nb_20_40,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_40_60') THEN m.nb_40_60 END AS nb_40_60,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_60_100') THEN m.nb_60_100 END AS nb_60_100,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_plus_100') THEN m.nb_plus_100 END AS nb_plus_100,
    CASE WHEN plan.visible(k.colonnes, 'nb_isoles') THEN m.nb_isoles END AS nb_isoles,
    CASE WHEN plan.visible(k.colonnes, 'nb_couples_sans_enf') THEN m.nb_couples_sans_enf END AS nb_couples_sans_enf,
    CASE WHEN plan.visible(k.colonnes, 'nb_couples_enf') THEN m.nb_couples_enf END AS nb_couples_enf,
    CASE WHEN plan.visible(k.colonnes, 'nb_monoparentales') THEN m.nb_monoparentales END AS nb_monoparentales,
    CASE WHEN plan.visible(k.colonnes, 'nb_autres_menages') THEN m.nb_autres_menages END AS nb_autres_menages,
    CASE WHEN plan.visible(k.colonnes, 'nb_3enf_plus') THEN m.nb_3enf_plus END AS nb_3enf_plus,
    CASE WHEN f.nb_age_connu THEN m.nb_age_connu END AS nb_age_connu,
    CASE WHEN f.nb_age_connu AND plan.visible(k.colonnes, 'nb_tit_moins_30') THEN m.nb_tit_moins_30 END AS nb_tit_moins_30,
    CASE WHEN f.nb_age_connu AND plan.visible(k.colonnes, 'nb_tit_30_64') THEN m.nb_tit_30_64 END AS nb_tit_30_64,
    CASE WHEN f.nb_age_connu AND plan.visible(k.colonnes, 'nb_tit_65_plus') THEN m.nb_tit_65_plus END AS nb_tit_65_plus,
    CASE WHEN f.nb_age_connu THEN m.age_total END AS age_total,
    CASE WHEN f.nb_adultes THEN m.nb_adultes END AS nb_adultes,
    CASE WHEN f.nb_adultes AND plan.visible(k.colonnes, 'nb_emploi_stable') THEN m.nb_emploi_stable END AS nb_emploi_stable,
    CASE WHEN f.nb_adultes AND plan.visible(k.colonnes, 'nb_emploi_precaire') THEN m.nb_emploi_precaire END AS nb_emploi_precaire,
    CASE WHEN f.nb_adultes AND plan.visible(k.colonnes, 'nb_sans_emploi') THEN m.nb_sans_emploi END AS nb_sans_emploi,
    CASE WHEN plan.visible(k.colonnes, 'nb_apl') THEN m.nb_apl END AS nb_apl,
    CASE WHEN f.nb_entree_connue THEN m.nb_entree_connue END AS nb_entree_connue,
    CASE WHEN f.nb_entree_connue AND plan.visible(k.colonnes, 'nb_emm_recents') THEN m.nb_emm_recents END AS nb_emm_recents,
    CASE WHEN f.nb_entree_connue THEN round(m.anciennete_totale::numeric, 1)::float8 END AS anciennete_totale,
    m.nb_personnes, nullif(k.colonnes, '') AS categories_masquees
FROM (SELECT publication, (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) s
JOIN plan.ligne l ON l.publication = s.publication AND l.theme = 'occupation' AND l.statut = 'diffuse'
JOIN travail.occupation m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id AND m.nb_menages >= s.seuil
LEFT JOIN plan.masque q ON q.publication = s.publication AND q.theme = 'occupation' AND q.millesime = l.millesime
    AND q.echelle = l.echelle AND q.id = l.id
CROSS JOIN LATERAL (SELECT CASE WHEN l.echelle = 'residence' THEN '' ELSE q.colonnes END AS colonnes) k
CROSS JOIN LATERAL (SELECT 'nb_loues' = ANY (l.familles) AND m.nb_loues >= s.seuil AS nb_loues,
        'nb_revenu_connu' = ANY (l.familles) AND m.nb_revenu_connu >= s.seuil AS nb_revenu_connu,
        'nb_age_connu' = ANY (l.familles) AND m.nb_age_connu >= s.seuil AS nb_age_connu,
        'nb_adultes' = ANY (l.familles) AND m.nb_adultes >= s.seuil AS nb_adultes,
        'nb_entree_connue' = ANY (l.familles) AND m.nb_entree_connue >= s.seuil AS nb_entree_connue) f;

CREATE OR REPLACE VIEW stat.occupation AS
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
    m.nb_personnes, round(m.nb_personnes::numeric / nullif(m.nb_menages, 0), 2)::float8 AS taille_moy,
    m.categories_masquees
FROM stat.occupation_montre m;

CREATE OR REPLACE VIEW stat.attributions_montre AS
SELECT l.millesime, l.echelle, l.id,
    m.nb_attributions, CASE WHEN f.nb_delai_connu THEN m.nb_delai_connu END AS nb_delai_connu,
    CASE WHEN f.nb_delai_connu THEN m.delai_total_mois END AS delai_total_mois,
    CASE WHEN f.nb_revenu_connu THEN m.nb_revenu_connu END AS nb_revenu_connu,
    CASE WHEN f.nb_revenu_connu AND plan.visible(k.colonnes, 'nb_q1') THEN m.nb_q1 END AS nb_q1,
    CASE WHEN plan.visible(k.colonnes, 'nb_dalo') THEN m.nb_dalo END AS nb_dalo,
    CASE WHEN plan.visible(k.colonnes, 'nb_prioritaires') THEN m.nb_prioritaires END AS nb_prioritaires,
    CASE WHEN plan.visible(k.colonnes, 'nb_mutations') THEN m.nb_mutations END AS nb_mutations,
    CASE WHEN plan.visible(k.colonnes, 'nb_action_logement') THEN m.nb_action_logement END AS nb_action_logement,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_hors_qpv >= s.seuil THEN m.nb_rc_hors_qpv END AS nb_rc_hors_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_hors_qpv >= s.seuil AND plan.visible(k.colonnes, 'nb_q1_hors_qpv')
         THEN m.nb_q1_hors_qpv END AS nb_q1_hors_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_qpv >= s.seuil THEN m.nb_rc_qpv END AS nb_rc_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_qpv >= s.seuil AND plan.visible(k.colonnes, 'nb_q2_q4_qpv')
         THEN m.nb_q2_q4_qpv END AS nb_q2_q4_qpv,
    d.nb_demandes, d.nb_delai_anormal, nullif(k.colonnes, '') AS categories_masquees
FROM (SELECT publication, (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) s
JOIN plan.ligne l ON l.publication = s.publication AND l.theme = 'attributions' AND l.statut = 'diffuse'
JOIN travail.attributions m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id AND m.nb_attributions >= s.seuil
LEFT JOIN plan.masque q ON q.publication = s.publication AND q.theme = 'attributions' AND q.millesime = l.millesime
    AND q.echelle = l.echelle AND q.id = l.id
CROSS JOIN LATERAL (SELECT CASE WHEN l.echelle = 'residence' THEN '' ELSE q.colonnes END AS colonnes) k
CROSS JOIN LATERAL (SELECT 'nb_delai_connu' = ANY (l.familles) AND m.nb_delai_connu >= s.seuil AS nb_delai_connu,
        'nb_revenu_connu' = ANY (l.familles) AND m.nb_revenu_connu >= s.seuil AS nb_revenu_connu,
        'nb_rc_qpv' = ANY (l.familles) AS nb_rc_qpv) f
-- Demands are counted by commune alone; they have a threshold of their own.
LEFT JOIN plan.millesime v ON v.publication = s.publication AND v.theme = 'attributions' AND v.millesime = l.millesime
LEFT JOIN prive.demande d ON l.echelle = 'commune' AND d.lot = v.lot_demandes AND d.insee_com = l.id AND d.nb_demandes >= s.seuil;

CREATE OR REPLACE VIEW stat.attributions AS
SELECT m.millesime AS v_millesime, m.echelle AS v_echelle, m.id AS v_id,
    36 AS periode_mois, m.nb_attributions, m.nb_delai_connu, m.delai_total_mois,
    round(m.delai_total_mois::numeric / nullif(m.nb_delai_connu, 0), 1)::float8 AS delai_moyen_mois,
    m.nb_revenu_connu, m.nb_q1, stat.part(m.nb_q1, m.nb_revenu_connu) AS part_q1, m.nb_dalo, m.nb_prioritaires,
    m.nb_mutations, m.nb_action_logement, stat.part(m.nb_dalo, m.nb_attributions) AS part_dalo,
    stat.part(m.nb_prioritaires, m.nb_attributions) AS part_prioritaires,
    stat.part(m.nb_mutations, m.nb_attributions) AS part_mutations,
    stat.part(m.nb_action_logement, m.nb_attributions) AS part_action_logement, m.nb_rc_hors_qpv, m.nb_q1_hors_qpv,
    stat.part(m.nb_q1_hors_qpv, m.nb_rc_hors_qpv) AS part_q1_hors_qpv, m.nb_rc_qpv, m.nb_q2_q4_qpv,
    stat.part(m.nb_q2_q4_qpv, m.nb_rc_qpv) AS part_q2_q4_qpv, m.nb_demandes,
    round(3 * m.nb_demandes::numeric / m.nb_attributions, 1)::float8 AS tension, m.nb_delai_anormal,
    stat.part(m.nb_delai_anormal, m.nb_demandes) AS part_delai_anormal, m.categories_masquees
FROM stat.attributions_montre m;

-- Zone rows, with the list of what is withheld in them.
DROP VIEW stat.occupation_commune, stat.occupation_iris, stat.occupation_qpv,
          stat.attributions_commune, stat.attributions_iris, stat.attributions_qpv;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['occupation', 'attributions'] LOOP
        EXECUTE format($v$
            CREATE VIEW stat.%1$s_commune AS
            SELECT r.id, r.objectid, r.nom, r.id AS insee_com,
                   CASE WHEN r.insee_associee IS NOT NULL THEN r.com END AS insee_chef_lieu, r.millesime, r.date_reference,
                   r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
            FROM stat.rang_zone r
            LEFT JOIN stat.%1$s v ON v.v_millesime = r.millesime AND v.v_echelle = 'commune' AND v.v_id = r.id
            WHERE r.theme = %1$L AND r.echelle = 'commune';
            CREATE VIEW stat.%1$s_iris AS
            SELECT r.id, r.objectid, r.nom, r.id AS code_iris, r.com AS insee_com, r.insee_associee, r.millesime, r.date_reference,
                   r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, %2$s r.geom
            FROM stat.rang_zone r
            LEFT JOIN stat.%1$s v ON v.v_millesime = r.millesime AND v.v_echelle = 'iris' AND v.v_id = r.id %3$s
            WHERE r.theme = %1$L AND r.echelle = 'iris';
            CREATE VIEW stat.%1$s_qpv AS
            SELECT r.id, r.objectid, r.nom, r.id AS code_qp, r.com AS insee_com, r.millesime, r.date_reference,
                   r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
            FROM stat.rang_zone r
            LEFT JOIN stat.%1$s v ON v.v_millesime = r.millesime AND v.v_echelle = 'qpv' AND v.v_id = r.id
            WHERE r.theme = %1$L AND r.echelle = 'qpv';
            GRANT SELECT ON stat.%1$s_commune, stat.%1$s_iris, stat.%1$s_qpv TO seuil_publisher$v$, t,
            CASE t WHEN 'occupation' THEN 'CASE WHEN v.v_id IS NOT NULL THEN q.classe_qualification END AS classe_qualification,' END,
            CASE t WHEN 'occupation' THEN 'LEFT JOIN stat.qualification_iris q ON q.millesime = r.millesime AND q.code_iris = r.id' END);
    END LOOP;
END
$$;

-- The index of fragility is the mean of those of its four shares that the IRIS shows, three at least.
CREATE OR REPLACE FUNCTION travail.remplir_fragilite(p_publication bigint, p_millesime int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM travail.fragilite WHERE millesime = p_millesime;
    INSERT INTO travail.fragilite
    WITH m AS (
        SELECT millesime FROM plan.millesime WHERE publication = p_publication AND theme = 'occupation'
        ORDER BY millesime <= p_millesime DESC, abs(millesime - p_millesime) LIMIT 1
    ), part AS (
        SELECT o.v_id AS code_iris, p.n, p.part
        FROM stat.occupation o JOIN m ON m.millesime = o.v_millesime
        CROSS JOIN LATERAL (VALUES (1, o.part_moins_20 + o.part_20_40), (2, o.part_sans_emploi), (3, o.part_monoparentales),
                                   (4, o.part_apl)) p (n, part)
        WHERE o.v_echelle = 'iris' AND p.part IS NOT NULL
    ), rang AS (
        SELECT code_iris, avg(rang) AS moyenne
        FROM (SELECT code_iris, percent_rank() OVER (PARTITION BY n ORDER BY part) AS rang FROM part) x
        GROUP BY code_iris HAVING count(*) >= 3
    )
    SELECT p_millesime, code_iris, round((100 * moyenne)::numeric, 1),
           least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY moyenne)))
    FROM rang;
END
$$;
