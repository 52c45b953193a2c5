-- Sums in less time, and the same at every reading. Publishing is bound by two cores of the database; this takes away what none of its
-- results needs.

-- Statistics of columns that no statement filters or joins by, and larger samples than keys need.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT a.attrelid::regclass AS relation, a.attname AS colonne FROM pg_attribute a
        WHERE a.attrelid IN ('travail.parc'::regclass, 'travail.occupation'::regclass, 'travail.attributions'::regclass,
                             'travail.environnement'::regclass, 'travail.zone'::regclass)
          AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attname NOT IN ('millesime', 'contexte', 'echelle', 'id', 'insee_com', 'insee_associee')
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', c.relation, c.colonne);
    END LOOP;
END
$$;
ALTER FUNCTION plan.analyser() SET default_statistics_target = 20;

-- What is analysed, and when. A statement over a context or vintage of which the statistics know nothing is planned for a handful
-- of rows; an automatic ANALYZE that holds a table must not be the reason. Only the sums of a theme, where two vintages are
-- summed at once, are passed over while somebody else analyses them: they are analysed when all are there.
CREATE OR REPLACE FUNCTION travail.analyser(p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET default_statistics_target = 20 SET client_min_messages = error AS $$
BEGIN
    IF p_relation IN ('parc', 'occupation', 'attributions') THEN
        EXECUTE format('ANALYZE (SKIP_LOCKED) travail.%I', p_relation);
    ELSE
        EXECUTE format('ANALYZE travail.%I', p_relation);
    END IF;
END
$$;
CREATE FUNCTION travail.analyser_sommes() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET default_statistics_target = 20 AS $$
BEGIN
    ANALYZE travail.parc, travail.occupation, travail.attributions;
END
$$;

-- Surfaces and rents are added as decimals: the sum is the same in whatever order a plan reads them, so that importing the same files
-- again changes nothing.
CREATE OR REPLACE FUNCTION travail.remplir_parc(p_publication bigint, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
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
        count(*) FILTER (WHERE l.surfhab > 0), coalesce(sum(l.surfhab::numeric) FILTER (WHERE l.surfhab > 0), 0),
        count(*) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0),
        coalesce(sum(l.loyer::numeric) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0), 0),
        coalesce(sum(l.surfhab::numeric) FILTER (WHERE l.mode = 1 AND l.loyer > 0 AND l.surfhab > 0), 0),
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

-- The same of zones.
CREATE OR REPLACE FUNCTION travail.sommer(p_publication bigint, p_theme text, p_millesime int) RETURNS void LANGUAGE plpgsql AS $$
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
           string_agg(format(CASE WHEN a.atttypid = 'float8'::regtype THEN 'sum(c.%I::numeric)' ELSE 'sum(c.%I)' END, a.attname), ', '
                      ORDER BY a.attnum),
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

-- They hash: what the planner expects of a vintage that is being written is not to be trusted.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['travail.remplir_parc(bigint, int)', 'travail.remplir_occupation(bigint, int)',
                             'travail.remplir_attributions(bigint, int)', 'travail.sommer(bigint, text, int)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET enable_nestloop = off', f);
        EXECUTE format('ALTER FUNCTION %s SET enable_mergejoin = off', f);
    END LOOP;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
