-- What zone figures count of residences that are not shown: small stock enters and leaves in batches.
--
-- `travail.compte` holds the exceptions of the plan: a residence whose part in zone figures is not simply its own figures of
-- the vintage. Sums by zone are made after the plan, by `travail.sommer`.

CREATE UNLOGGED TABLE travail.compte (
    theme text COLLATE "C" NOT NULL,
    millesime int NOT NULL,
    famille text COLLATE "C" NOT NULL,       -- '': the theme, and every family without a line of its own
    id text COLLATE "C" NOT NULL,
    etat int,                                -- vintage whose figures are counted; NULL: not counted (yet)
    insee_com text COLLATE "C",              -- zones that count it
    insee_associee text COLLATE "C",
    code_iris text COLLATE "C",
    code_qp text COLLATE "C",
    PRIMARY KEY (theme, millesime, famille, id)
);

-- Columns of a family; how a column reads where it depends on the place (`m`: figures, `l`: zones that count them).
CREATE TABLE travail.colonne (
    theme text COLLATE "C" NOT NULL,
    colonne text COLLATE "C" NOT NULL,
    famille text COLLATE "C" NOT NULL,
    lieu text,
    PRIMARY KEY (theme, colonne)
);
INSERT INTO travail.colonne (theme, famille, colonne)
SELECT t, f, unnest(string_to_array(c, ' ')) FROM (VALUES
    ('parc', 'nb_offerts', 'nb_offerts nb_vacants_3mois'),
    ('parc', 'nb_offerts_1an', 'nb_offerts_1an nb_emmenagements'),
    ('parc', 'nb_surface', 'nb_surface surface_totale'),
    ('parc', 'nb_loyer', 'nb_loyer loyer_total surface_loyer'),
    ('parc', 'nb_dpe', 'nb_dpe nb_dpe_ab nb_dpe_cd nb_dpe_e nb_dpe_fg'),
    ('parc', '', 'nb_en_qpv'),
    ('occupation', 'nb_loues', 'nb_loues'),
    ('occupation', 'nb_revenu_connu', 'nb_revenu_connu nb_moins_20 nb_20_40 nb_40_60 nb_60_100 nb_plus_100'),
    ('occupation', 'nb_age_connu', 'nb_age_connu nb_tit_moins_30 nb_tit_30_64 nb_tit_65_plus age_total'),
    ('occupation', 'nb_adultes', 'nb_adultes nb_emploi_stable nb_emploi_precaire nb_sans_emploi'),
    ('occupation', 'nb_entree_connue', 'nb_entree_connue nb_emm_recents anciennete_totale'),
    ('attributions', 'nb_delai_connu', 'nb_delai_connu delai_total_mois'),
    ('attributions', 'nb_revenu_connu', 'nb_revenu_connu nb_q1 nb_rc_hors_qpv nb_q1_hors_qpv nb_rc_qpv nb_q2_q4_qpv')
) v (t, f, c);
UPDATE travail.colonne c SET lieu = v.lieu FROM (VALUES
    ('parc', 'nb_en_qpv', 'CASE WHEN l.code_qp IS NULL THEN 0 ELSE m.nb_logements END'),
    ('attributions', 'nb_rc_hors_qpv', 'CASE WHEN l.code_qp IS NULL THEN m.nb_revenu_connu ELSE 0 END'),
    ('attributions', 'nb_q1_hors_qpv', 'CASE WHEN l.code_qp IS NULL THEN m.nb_q1 ELSE 0 END'),
    ('attributions', 'nb_rc_qpv', 'CASE WHEN l.code_qp IS NULL THEN 0 ELSE m.nb_revenu_connu END'),
    ('attributions', 'nb_q2_q4_qpv', 'CASE WHEN l.code_qp IS NULL THEN 0 ELSE m.nb_revenu_connu - m.nb_q1 END')
) v (theme, colonne, lieu)
WHERE (c.theme, c.colonne) = (v.theme, v.colonne);

-- Where the points that residences had in an older context lie in this one, for those that have moved since or are gone.
CREATE FUNCTION travail.lieux(p_contexte int, p_ancien int)
RETURNS TABLE (id text, insee_com text, insee_associee text, code_iris text, code_qp text) LANGUAGE sql STABLE AS $$
    SELECT a.id, z.insee_com, z.insee_associee, z.id, q.id
    FROM travail.residence a
    LEFT JOIN travail.residence b ON b.contexte = p_contexte AND b.id = a.id
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT min(t.id) FROM travail.zone t
             WHERE t.contexte = p_contexte AND t.echelle = 'iris' AND ST_Intersects(t.geom, a.geom)),
            (SELECT t.id FROM travail.zone t WHERE t.contexte = p_contexte AND t.echelle = 'iris'
             ORDER BY t.geom <-> a.geom, t.id LIMIT 1)) AS id OFFSET 0) v
    JOIN travail.zone z ON z.contexte = p_contexte AND z.echelle = 'iris' AND z.id = v.id
    CROSS JOIN LATERAL (
        SELECT min(t.id) AS id FROM travail.zone t
        WHERE t.contexte = p_contexte AND t.echelle = 'qpv' AND ST_Intersects(t.geom, a.geom)) q
    WHERE a.contexte = p_ancien AND (b.id IS NULL OR NOT b.geom ~= a.geom)
$$;

-- Sums by zone of a theme and vintage: residences as they are counted.
CREATE FUNCTION travail.sommer(p_publication bigint, p_theme text, p_millesime int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_contexte int;
    v_propre text;       -- a residence's own row, without the families that say otherwise
    v_autre text;        -- the row of another vintage
    v_famille text;      -- one family of it
    v_somme text;
    v_noms text;
BEGIN
    SELECT m.contexte INTO STRICT v_contexte FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = p_theme AND m.millesime = p_millesime;
    SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum),
           string_agg(format('sum(c.%I)', a.attname), ', ' ORDER BY a.attnum),
           string_agg(CASE WHEN c.famille > '' THEN format('CASE WHEN %L = ANY (x.familles) THEN 0 ELSE m.%I END', c.famille, a.attname)
                           ELSE format('m.%I', a.attname) END, ', ' ORDER BY a.attnum),
           string_agg(CASE WHEN c.famille > '' THEN format('CASE WHEN %L = ANY (x.familles) THEN 0 ELSE %s END', c.famille, coalesce(c.lieu, format('m.%I', a.attname)))
                           ELSE coalesce(c.lieu, format('m.%I', a.attname)) END, ', ' ORDER BY a.attnum),
           string_agg(CASE WHEN c.famille > '' THEN format('CASE WHEN l.famille = %L THEN %s ELSE 0 END', c.famille, coalesce(c.lieu, format('m.%I', a.attname)))
                           ELSE '0' END, ', ' ORDER BY a.attnum)
    INTO v_noms, v_somme, v_propre, v_autre, v_famille
    FROM pg_attribute a LEFT JOIN travail.colonne c ON c.theme = p_theme AND c.colonne = a.attname
    WHERE a.attrelid = format('travail.%I', p_theme)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname NOT IN ('millesime', 'echelle', 'id');
    EXECUTE format('DELETE FROM travail.%I WHERE millesime = $1 AND echelle <> ''residence''', p_theme) USING p_millesime;
    EXECUTE format($q$
        WITH x AS (
            SELECT id, array_agg(famille) AS familles FROM travail.compte
            WHERE theme = %1$L AND millesime = $1 AND famille > '' GROUP BY id
        ), c (insee_com, insee_associee, code_iris, code_qp, %2$s) AS (
            SELECT r.insee_com, r.insee_associee, r.code_iris, r.code_qp, %3$s
            FROM travail.%1$I m JOIN travail.residence r ON r.contexte = $2 AND r.id = m.id LEFT JOIN x ON x.id = m.id
            WHERE m.millesime = $1 AND m.echelle = 'residence'
              AND NOT EXISTS (SELECT FROM travail.compte t
                              WHERE t.theme = %1$L AND t.millesime = $1 AND t.famille = '' AND t.id = m.id)
            UNION ALL
            SELECT l.insee_com, l.insee_associee, l.code_iris, l.code_qp, %4$s
            FROM travail.compte l JOIN travail.%1$I m ON m.millesime = l.etat AND m.echelle = 'residence' AND m.id = l.id
            LEFT JOIN x ON x.id = m.id
            WHERE l.theme = %1$L AND l.millesime = $1 AND l.famille = ''
            UNION ALL
            SELECT l.insee_com, l.insee_associee, l.code_iris, l.code_qp, %5$s
            FROM travail.compte l JOIN travail.%1$I m ON m.millesime = l.etat AND m.echelle = 'residence' AND m.id = l.id
            WHERE l.theme = %1$L AND l.millesime = $1 AND l.famille > ''
        )
        INSERT INTO travail.%1$I (millesime, echelle, id, %2$s)
        SELECT $1, z.echelle, z.zone, %6$s
        FROM c CROSS JOIN LATERAL (VALUES ('commune', c.insee_com), ('commune', c.insee_associee), ('iris', c.code_iris),
                                          ('qpv', c.code_qp)) AS z (echelle, zone)
        WHERE z.zone IS NOT NULL GROUP BY z.echelle, z.zone$q$, p_theme, v_noms, v_propre, v_autre, v_famille, v_somme)
    USING p_millesime, v_contexte;
    PERFORM travail.analyser(p_theme);
END
$$;

GRANT SELECT ON travail.compte, travail.colonne TO seuil_publisher;
GRANT INSERT, DELETE, TRUNCATE ON travail.compte TO seuil_publisher;
REVOKE ALL ON FUNCTION travail.lieux, travail.sommer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION travail.lieux, travail.sommer TO seuil_publisher;
