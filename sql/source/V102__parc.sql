-- Stock (RPLS): sums by residence and zone, what of them is shown, rates and shares.
--
-- Dwellings on 1 January of the vintage. Occupation modes: 1 let, 2 offered and vacant, 3 empty, 4 association, 5 occupied
-- otherwise, 6 temporary. Financing in five groups: PLAI 10, 11; PLUS 12, 13, 50 to 55; PLS 14, 15, 17; PLI 16; other 49, 99.
-- "In the stock for a year": first let (else: acquired, else: built) before the year that ended. Rents: let dwellings
-- with rent and surface known.

CREATE UNLOGGED TABLE travail.parc (
    millesime int NOT NULL, echelle text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
    nb_logements int NOT NULL, nb_loues int NOT NULL, nb_vacants int NOT NULL, nb_vides int NOT NULL,
    nb_asso int NOT NULL, nb_occup_contrepartie int NOT NULL, nb_heberg_temp int NOT NULL, nb_offerts int NOT NULL,
    nb_vacants_3mois int NOT NULL, nb_offerts_1an int NOT NULL, nb_emmenagements int NOT NULL,
    nb_individuels int NOT NULL, nb_t1 int NOT NULL, nb_t2 int NOT NULL, nb_t3 int NOT NULL, nb_t4 int NOT NULL,
    nb_t5p int NOT NULL, nb_surface int NOT NULL, surface_totale float8 NOT NULL, nb_loyer int NOT NULL,
    loyer_total float8 NOT NULL, surface_loyer float8 NOT NULL, nb_plai int NOT NULL, nb_plus int NOT NULL,
    nb_pls int NOT NULL, nb_pli int NOT NULL, nb_fin_autre int NOT NULL, nb_avant_1949 int NOT NULL,
    nb_1949_1974 int NOT NULL, nb_1975_1999 int NOT NULL, nb_2000p int NOT NULL, nb_dpe int NOT NULL,
    nb_dpe_ab int NOT NULL, nb_dpe_cd int NOT NULL, nb_dpe_e int NOT NULL, nb_dpe_fg int NOT NULL,
    nb_mises_service int NOT NULL, nb_en_qpv int NOT NULL
);
CREATE INDEX ON travail.parc (millesime, echelle, id);

-- Sums by residence, then by zone. Dwellings that no residence claims are not placed and not published; their number is
-- returned.
CREATE FUNCTION travail.remplir_parc(p_publication bigint, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    x plan.contexte;
    v_debut date := make_date(p_millesime - 1, 1, 1);
    v_fin date := make_date(p_millesime, 1, 1);
BEGIN
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = 'parc' AND m.millesime = p_millesime;
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = v.contexte;
    DELETE FROM travail.parc WHERE millesime = p_millesime;
    INSERT INTO travail.parc
    SELECT p_millesime, 'residence', r.id,
        count(*), count(*) FILTER (WHERE l.mode = 1), count(*) FILTER (WHERE l.mode = 2),
        count(*) FILTER (WHERE l.mode = 3), count(*) FILTER (WHERE l.mode = 4), count(*) FILTER (WHERE l.mode = 5),
        count(*) FILTER (WHERE l.mode = 6), count(*) FILTER (WHERE l.mode IN (1, 2)),
        count(*) FILTER (WHERE l.mode = 2 AND l.duree_vacance > 3),
        count(*) FILTER (WHERE l.mode IN (1, 2) AND coalesce(l.locat, l.patrimoine, l.construct, 0) <= p_millesime - 2),
        count(*) FILTER (WHERE l.mode = 1 AND coalesce(l.locat, l.patrimoine, l.construct, 0) <= p_millesime - 2
            AND l.bail >= v_debut AND l.bail < v_fin),
        count(*) FILTER (WHERE l.typeconst = 'I'), count(*) FILTER (WHERE l.nbpiece = 1),
        count(*) FILTER (WHERE l.nbpiece = 2), count(*) FILTER (WHERE l.nbpiece = 3),
        count(*) FILTER (WHERE l.nbpiece = 4), count(*) FILTER (WHERE l.nbpiece >= 5),
        count(*) FILTER (WHERE l.surfhab > 0), coalesce(sum(l.surfhab) FILTER (WHERE l.surfhab > 0), 0),
        count(*) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0),
        coalesce(sum(l.loyer) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0), 0),
        coalesce(sum(l.surfhab) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0), 0),
        count(*) FILTER (WHERE l.finan IN (10, 11)),
        count(*) FILTER (WHERE l.finan IN (12, 13, 50, 51, 52, 53, 54, 55)),
        count(*) FILTER (WHERE l.finan IN (14, 15, 17)), count(*) FILTER (WHERE l.finan = 16),
        count(*) FILTER (WHERE l.finan IN (49, 99)), count(*) FILTER (WHERE l.construct < 1949),
        count(*) FILTER (WHERE l.construct BETWEEN 1949 AND 1974),
        count(*) FILTER (WHERE l.construct BETWEEN 1975 AND 1999), count(*) FILTER (WHERE l.construct >= 2000),
        count(*) FILTER (WHERE l.dpeenergie BETWEEN 'A' AND 'G'), count(*) FILTER (WHERE l.dpeenergie IN ('A', 'B')),
        count(*) FILTER (WHERE l.dpeenergie IN ('C', 'D')), count(*) FILTER (WHERE l.dpeenergie = 'E'),
        count(*) FILTER (WHERE l.dpeenergie IN ('F', 'G')), count(*) FILTER (WHERE l.locat = p_millesime - 1),
        CASE WHEN r.code_qp IS NULL THEN 0 ELSE count(*) END
    FROM prive.logement l
    JOIN prive.residence_logement k ON k.lot = x.lot_residences AND k.ident_rep = l.ident_rep
    JOIN travail.residence r ON r.contexte = v.contexte AND r.cle = k.id_residence
    WHERE l.lot = v.lot
    GROUP BY r.id, r.code_qp;
    PERFORM travail.analyser('parc');
    INSERT INTO travail.parc
    SELECT p_millesime, a.echelle, a.zone,
        sum(m.nb_logements), sum(m.nb_loues), sum(m.nb_vacants), sum(m.nb_vides), sum(m.nb_asso),
        sum(m.nb_occup_contrepartie), sum(m.nb_heberg_temp), sum(m.nb_offerts), sum(m.nb_vacants_3mois),
        sum(m.nb_offerts_1an), sum(m.nb_emmenagements), sum(m.nb_individuels), sum(m.nb_t1), sum(m.nb_t2),
        sum(m.nb_t3), sum(m.nb_t4), sum(m.nb_t5p), sum(m.nb_surface), sum(m.surface_totale), sum(m.nb_loyer),
        sum(m.loyer_total), sum(m.surface_loyer), sum(m.nb_plai), sum(m.nb_plus), sum(m.nb_pls), sum(m.nb_pli),
        sum(m.nb_fin_autre), sum(m.nb_avant_1949), sum(m.nb_1949_1974), sum(m.nb_1975_1999), sum(m.nb_2000p),
        sum(m.nb_dpe), sum(m.nb_dpe_ab), sum(m.nb_dpe_cd), sum(m.nb_dpe_e), sum(m.nb_dpe_fg), sum(m.nb_mises_service),
        sum(m.nb_en_qpv)
    FROM travail.parc m JOIN travail.appartenance a USING (id)
    WHERE m.millesime = p_millesime AND m.echelle = 'residence' AND a.contexte = v.contexte AND a.echelle <> 'residence'
    GROUP BY a.echelle, a.zone;
    PERFORM travail.analyser('parc');
    RETURN (SELECT count(*) FROM prive.logement WHERE lot = v.lot)
        - (SELECT coalesce(sum(nb_logements), 0) FROM travail.parc WHERE millesime = p_millesime AND echelle = 'residence');
END
$$;

-- Shares and means, made of published figures of the same row alone, rounded half away from zero.
CREATE FUNCTION stat.part(a numeric, b numeric) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(100 * a / nullif(b, 0), 1)::float8;

-- What is shown: rows with a plan line that says so, and over the threshold whatever the line says; a family of figures
-- only when the line names its denominator. Without a line nothing is joined and nothing is shown.
CREATE VIEW stat.parc_montre AS
SELECT l.millesime, l.echelle, l.id,
    m.nb_logements, m.nb_loues, m.nb_vacants, m.nb_vides, m.nb_asso, m.nb_occup_contrepartie, m.nb_heberg_temp,
    CASE WHEN f.nb_offerts THEN m.nb_offerts END AS nb_offerts,
    CASE WHEN f.nb_offerts THEN m.nb_vacants_3mois END AS nb_vacants_3mois,
    CASE WHEN f.nb_offerts_1an THEN m.nb_offerts_1an END AS nb_offerts_1an,
    CASE WHEN f.nb_offerts_1an THEN m.nb_emmenagements END AS nb_emmenagements, m.nb_individuels, m.nb_t1, m.nb_t2,
    m.nb_t3, m.nb_t4, m.nb_t5p, CASE WHEN f.nb_surface THEN m.nb_surface END AS nb_surface,
    CASE WHEN f.nb_surface THEN round(m.surface_totale::numeric, 1)::float8 END AS surface_totale,
    CASE WHEN f.nb_loyer THEN m.nb_loyer END AS nb_loyer,
    CASE WHEN f.nb_loyer THEN round(m.loyer_total::numeric, 2)::float8 END AS loyer_total,
    CASE WHEN f.nb_loyer THEN round(m.surface_loyer::numeric, 1)::float8 END AS surface_loyer, m.nb_plai, m.nb_plus,
    m.nb_pls, m.nb_pli, m.nb_fin_autre, m.nb_avant_1949, m.nb_1949_1974, m.nb_1975_1999, m.nb_2000p,
    CASE WHEN f.nb_dpe THEN m.nb_dpe END AS nb_dpe, CASE WHEN f.nb_dpe THEN m.nb_dpe_ab END AS nb_dpe_ab,
    CASE WHEN f.nb_dpe THEN m.nb_dpe_cd END AS nb_dpe_cd, CASE WHEN f.nb_dpe THEN m.nb_dpe_e END AS nb_dpe_e,
    CASE WHEN f.nb_dpe THEN m.nb_dpe_fg END AS nb_dpe_fg, m.nb_mises_service,
    CASE WHEN f.nb_en_qpv THEN m.nb_en_qpv END AS nb_en_qpv
FROM (SELECT publication, (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) s
JOIN plan.ligne l ON l.publication = s.publication AND l.theme = 'parc' AND l.statut = 'diffuse'
JOIN travail.parc m ON m.millesime = l.millesime AND m.echelle = l.echelle AND m.id = l.id AND m.nb_logements >= s.seuil
CROSS JOIN LATERAL (SELECT 'nb_offerts' = ANY (l.familles) AND m.nb_offerts >= s.seuil AS nb_offerts,
        'nb_offerts_1an' = ANY (l.familles) AND m.nb_offerts_1an >= s.seuil AS nb_offerts_1an,
        'nb_surface' = ANY (l.familles) AND m.nb_surface >= s.seuil AS nb_surface,
        'nb_loyer' = ANY (l.familles) AND m.nb_loyer >= s.seuil AS nb_loyer,
        'nb_dpe' = ANY (l.familles) AND m.nb_dpe >= s.seuil AS nb_dpe,
        'nb_en_qpv' = ANY (l.familles) AS nb_en_qpv) f;

-- With rates and shares, in the order of the catalogue.
CREATE VIEW stat.parc AS
SELECT m.millesime AS v_millesime, m.echelle AS v_echelle, m.id AS v_id,
    m.nb_logements, m.nb_loues, m.nb_vacants, m.nb_vides, m.nb_asso, m.nb_occup_contrepartie, m.nb_heberg_temp,
    m.nb_offerts, m.nb_vacants_3mois, stat.part(m.nb_vacants, m.nb_offerts) AS tx_vacance,
    stat.part(m.nb_vacants_3mois, m.nb_offerts) AS tx_vacance_3mois, m.nb_offerts_1an, m.nb_emmenagements,
    stat.part(m.nb_emmenagements, m.nb_offerts_1an) AS tx_mobilite, m.nb_individuels,
    stat.part(m.nb_individuels, m.nb_logements) AS part_individuel, m.nb_t1, m.nb_t2, m.nb_t3, m.nb_t4, m.nb_t5p,
    stat.part(m.nb_t1, m.nb_logements) AS part_t1, stat.part(m.nb_t2, m.nb_logements) AS part_t2,
    stat.part(m.nb_t3, m.nb_logements) AS part_t3, stat.part(m.nb_t4, m.nb_logements) AS part_t4,
    stat.part(m.nb_t5p, m.nb_logements) AS part_t5p, m.nb_surface, m.surface_totale,
    round((m.surface_totale / nullif(m.nb_surface, 0))::numeric, 1)::float8 AS surface_moy, m.nb_loyer, m.loyer_total,
    m.surface_loyer, round((m.loyer_total / nullif(m.surface_loyer, 0))::numeric, 2)::float8 AS loyer_moy_m2,
    m.nb_plai, m.nb_plus, m.nb_pls, m.nb_pli, m.nb_fin_autre, stat.part(m.nb_plai, m.nb_logements) AS part_plai,
    stat.part(m.nb_plus, m.nb_logements) AS part_plus, stat.part(m.nb_pls, m.nb_logements) AS part_pls,
    stat.part(m.nb_pli, m.nb_logements) AS part_pli, stat.part(m.nb_fin_autre, m.nb_logements) AS part_fin_autre,
    m.nb_avant_1949, m.nb_1949_1974, m.nb_1975_1999, m.nb_2000p,
    stat.part(m.nb_avant_1949, m.nb_logements) AS part_avant_1949,
    stat.part(m.nb_1949_1974, m.nb_logements) AS part_1949_1974,
    stat.part(m.nb_1975_1999, m.nb_logements) AS part_1975_1999, stat.part(m.nb_2000p, m.nb_logements) AS part_2000p,
    m.nb_dpe, m.nb_dpe_ab, m.nb_dpe_cd, m.nb_dpe_e, m.nb_dpe_fg, stat.part(m.nb_dpe_ab, m.nb_dpe) AS part_dpe_ab,
    stat.part(m.nb_dpe_cd, m.nb_dpe) AS part_dpe_cd, stat.part(m.nb_dpe_e, m.nb_dpe) AS part_dpe_e,
    stat.part(m.nb_dpe_fg, m.nb_dpe) AS part_dpe_fg, stat.part(m.nb_dpe, m.nb_logements) AS tx_dpe_renseigne,
    m.nb_mises_service, m.nb_en_qpv, stat.part(m.nb_en_qpv, m.nb_logements) AS part_qpv
FROM stat.parc_montre m;

