-- Allocations (SNE): sums of 36 months by residence and zone, what of them is shown, shares.
--
-- The three calendar years of a vintage are frozen in `plan.annee`. Waiting time in whole months from demand to allocation.
-- Tension: active demands over allocations of a year (a third of the 36 months').

CREATE UNLOGGED TABLE travail.attributions (
    millesime int NOT NULL, echelle text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
    nb_attributions int NOT NULL, nb_delai_connu int NOT NULL, delai_total_mois int NOT NULL,
    nb_revenu_connu int NOT NULL, nb_q1 int NOT NULL, nb_dalo int NOT NULL, nb_prioritaires int NOT NULL,
    nb_mutations int NOT NULL, nb_action_logement int NOT NULL, nb_rc_hors_qpv int NOT NULL,
    nb_q1_hors_qpv int NOT NULL, nb_rc_qpv int NOT NULL, nb_q2_q4_qpv int NOT NULL
);
CREATE INDEX ON travail.attributions (millesime, echelle, id);

-- Sums by residence, then by zone; returns the number of allocations that no residence claims.
CREATE FUNCTION travail.remplir_attributions(p_publication bigint, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    x plan.contexte;
    n bigint;
BEGIN
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = 'attributions' AND m.millesime = p_millesime;
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = v.contexte;
    DELETE FROM travail.attributions WHERE millesime = p_millesime;
    INSERT INTO travail.attributions
    SELECT p_millesime, 'residence', id,
        count(*), count(*) FILTER (WHERE date_demande IS NOT NULL), coalesce(sum(delai), 0),
        count(*) FILTER (WHERE quartile IS NOT NULL), count(*) FILTER (WHERE quartile = 1),
        count(*) FILTER (WHERE dalo), count(*) FILTER (WHERE prioritaire), count(*) FILTER (WHERE mutation),
        count(*) FILTER (WHERE reservataire = 3), count(*) FILTER (WHERE quartile IS NOT NULL AND code_qp IS NULL),
        count(*) FILTER (WHERE quartile = 1 AND code_qp IS NULL),
        count(*) FILTER (WHERE quartile IS NOT NULL AND code_qp IS NOT NULL),
        count(*) FILTER (WHERE quartile > 1 AND code_qp IS NOT NULL)
    FROM (SELECT b.*, t.id, t.code_qp,
                 (extract(year FROM d) * 12 + extract(month FROM d))::int AS delai
          FROM plan.annee a
          JOIN prive.attribution b ON b.lot = a.lot AND extract(year FROM b.date_attribution) = a.annee
          CROSS JOIN LATERAL (SELECT CASE WHEN b.date_demande IS NOT NULL
              THEN age(b.date_attribution, least(b.date_demande, b.date_attribution)) END AS d) d
          JOIN prive.residence_logement k ON k.lot = x.lot_residences AND k.ident_rep = b.ident_rep
          JOIN travail.residence t ON t.contexte = v.contexte AND t.cle = k.id_residence
          WHERE a.publication = p_publication AND a.millesime = p_millesime) m
    GROUP BY id;
    PERFORM travail.analyser('attributions');
    INSERT INTO travail.attributions
    SELECT p_millesime, a.echelle, a.zone,
        sum(m.nb_attributions), sum(m.nb_delai_connu), sum(m.delai_total_mois), sum(m.nb_revenu_connu), sum(m.nb_q1),
        sum(m.nb_dalo), sum(m.nb_prioritaires), sum(m.nb_mutations), sum(m.nb_action_logement), sum(m.nb_rc_hors_qpv),
        sum(m.nb_q1_hors_qpv), sum(m.nb_rc_qpv), sum(m.nb_q2_q4_qpv)
    FROM travail.attributions m JOIN travail.appartenance a USING (id)
    WHERE m.millesime = p_millesime AND m.echelle = 'residence' AND a.contexte = v.contexte AND a.echelle <> 'residence'
    GROUP BY a.echelle, a.zone;
    PERFORM travail.analyser('attributions');
    SELECT count(*) INTO n FROM plan.annee a
    JOIN prive.attribution b ON b.lot = a.lot AND extract(year FROM b.date_attribution) = a.annee
    WHERE a.publication = p_publication AND a.millesime = p_millesime;
    RETURN n - (SELECT coalesce(sum(nb_attributions), 0) FROM travail.attributions
                WHERE millesime = p_millesime AND echelle = 'residence');
END
$$;

CREATE VIEW stat.attributions_montre AS
SELECT l.millesime, l.echelle, l.id,
    m.nb_attributions, CASE WHEN f.nb_delai_connu THEN m.nb_delai_connu END AS nb_delai_connu,
    CASE WHEN f.nb_delai_connu THEN m.delai_total_mois END AS delai_total_mois,
    CASE WHEN f.nb_revenu_connu THEN m.nb_revenu_connu END AS nb_revenu_connu,
    CASE WHEN f.nb_revenu_connu THEN m.nb_q1 END AS nb_q1, m.nb_dalo, m.nb_prioritaires, m.nb_mutations,
    m.nb_action_logement,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_hors_qpv >= s.seuil THEN m.nb_rc_hors_qpv END AS nb_rc_hors_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_hors_qpv >= s.seuil THEN m.nb_q1_hors_qpv END AS nb_q1_hors_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_qpv >= s.seuil THEN m.nb_rc_qpv END AS nb_rc_qpv,
    CASE WHEN f.nb_rc_qpv AND m.nb_rc_qpv >= s.seuil THEN m.nb_q2_q4_qpv END AS nb_q2_q4_qpv,
    d.nb_demandes, d.nb_delai_anormal
FROM (SELECT publication, (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) s
JOIN plan.ligne l ON l.publication = s.publication AND l.theme = 'attributions' AND l.statut = 'diffuse'
JOIN travail.attributions m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id AND m.nb_attributions >= s.seuil
CROSS JOIN LATERAL (SELECT 'nb_delai_connu' = ANY (l.familles) AND m.nb_delai_connu >= s.seuil AS nb_delai_connu,
        'nb_revenu_connu' = ANY (l.familles) AND m.nb_revenu_connu >= s.seuil AS nb_revenu_connu,
        'nb_rc_qpv' = ANY (l.familles) AS nb_rc_qpv) f
-- Demands are counted by commune alone; they have a threshold of their own.
LEFT JOIN plan.millesime v ON v.publication = s.publication AND v.theme = 'attributions' AND v.millesime = l.millesime
LEFT JOIN prive.demande d ON l.echelle = 'commune' AND d.lot = v.lot_demandes AND d.insee_com = l.id AND d.nb_demandes >= s.seuil;

CREATE VIEW stat.attributions AS
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
    stat.part(m.nb_delai_anormal, m.nb_demandes) AS part_delai_anormal
FROM stat.attributions_montre m;

