-- The archive: what publications counted. A vintage once published is frozen for the stock that it does not show: later
-- publications of that vintage count the same residences, with the same figures, in the same zones, whatever is imported anew.
-- A difference of two publications then says nothing that shown rows do not say. The archive outlives the publications and the
-- imports they were made of: `prune` drops those, the archive stays.
--
-- Append-only like the ledger, and written with it: a row equal to the last one of its key is not repeated. Rows of a
-- candidate that never became current count for nothing (`plan.publication.etat`).

CREATE FUNCTION plan.publiees() RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT publication FROM plan.publication WHERE etat = 'publiee'
$$;
CREATE OR REPLACE VIEW plan.connu AS
SELECT DISTINCT ON (r.theme, r.millesime, r.echelle, r.id) r.*
FROM plan.registre r JOIN plan.publication p USING (publication)
WHERE p.etat = 'publiee'
ORDER BY r.theme, r.millesime, r.echelle, r.id, r.publication DESC;

-- Figures of residences as they were counted or shown, one table a theme with the columns of its sums; who owned it, how many
-- dwellings it had, which zones counted it, where it stood. Of a residence that is not shown: as first counted, for ever. Of
-- one that is shown: as last shown, but for families that are not shown of it: as first counted.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['parc', 'occupation', 'attributions'] LOOP
        EXECUTE format(
            'CREATE TABLE plan.archive_%1$s (
                publication bigint NOT NULL REFERENCES plan.publication,
                LIKE travail.%1$I,
                siren_bailleur text COLLATE "C", logements int NOT NULL, insee_com text COLLATE "C" NOT NULL,
                insee_associee text COLLATE "C", code_iris text COLLATE "C" NOT NULL, code_qp text COLLATE "C",
                geom geometry(Point, 2154) NOT NULL,
                PRIMARY KEY (millesime, id, publication))', t);
        EXECUTE format('ALTER TABLE plan.archive_%s DROP COLUMN echelle', t);
        EXECUTE format('CREATE TRIGGER ajout_seul BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.archive_%s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION plan.refuser()', t);
    END LOOP;
END
$$;

-- Which residences that are not shown zone rows counted, with the figures of which vintage, in which zones; one row a theme, and
-- one a family where that says something else or the theme is shown.
CREATE TABLE plan.archive_compte (
    publication bigint NOT NULL REFERENCES plan.publication,
    theme text COLLATE "C" NOT NULL,
    millesime int NOT NULL,
    famille text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    etat int,                                -- NULL: not counted; 0: no line of its own any more
    insee_com text COLLATE "C",
    insee_associee text COLLATE "C",
    code_iris text COLLATE "C",
    code_qp text COLLATE "C",
    PRIMARY KEY (theme, millesime, famille, id, publication)
);
CREATE TRIGGER ajout_seul BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.archive_compte
    FOR EACH STATEMENT EXECUTE FUNCTION plan.refuser();

-- Units by residence as archived, in the order of `stat.unites`, and what else the plan and the proof ask of a residence.
CREATE VIEW plan.archive AS
SELECT 'parc' AS theme, publication, millesime, id,
       ARRAY[nb_logements, nb_offerts, nb_offerts_1an, nb_surface, nb_loyer, nb_dpe, nb_en_qpv] AS unites,
       siren_bailleur, logements, insee_com, insee_associee, code_iris, code_qp, geom
FROM plan.archive_parc
UNION ALL
SELECT 'occupation', publication, millesime, id,
       ARRAY[nb_menages, nb_revenu_connu, nb_age_connu, nb_adultes, nb_entree_connue, nb_loues],
       siren_bailleur, logements, insee_com, insee_associee, code_iris, code_qp, geom
FROM plan.archive_occupation
UNION ALL
SELECT 'attributions', publication, millesime, id,
       ARRAY[nb_attributions, nb_delai_connu, nb_revenu_connu, nb_rc_qpv],
       siren_bailleur, logements, insee_com, insee_associee, code_iris, code_qp, geom
FROM plan.archive_attributions;

-- What the archive holds otherwise than the imports of the candidate say: residences whose figures, landlord, zones or point
-- are not what was counted or shown. Their archived figures stand in `travail.<theme>` under the vintage's negative.
CREATE UNLOGGED TABLE travail.gele (
    theme text COLLATE "C" NOT NULL,
    millesime int NOT NULL,
    id text COLLATE "C" NOT NULL,
    unites int[],                            -- as archived; NULL: nothing was ever counted or shown of it
    siren_bailleur text COLLATE "C",
    logements int,
    insee_com text COLLATE "C",
    insee_associee text COLLATE "C",
    code_iris text COLLATE "C",
    code_qp text COLLATE "C",
    geom geometry(Point, 2154),
    PRIMARY KEY (theme, millesime, id)
);

-- Columns of sums of a theme.
CREATE FUNCTION plan.mesures(p_theme text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = format('travail.%I', p_theme)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname NOT IN ('millesime', 'echelle', 'id')
$$;

-- Compares a vintage that was published before with its archive; returns how many residences differ, NULL when the vintage
-- is new.
CREATE FUNCTION travail.geler(p_publication bigint, p_theme text, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    n bigint;
    v_propre text;
    v_archive text;
    v_noms text;
BEGIN
    DELETE FROM travail.gele WHERE theme = p_theme AND millesime = p_millesime;
    EXECUTE format('DELETE FROM travail.%I WHERE millesime = -$1', p_theme) USING p_millesime;
    IF NOT EXISTS (SELECT FROM plan.registre r WHERE r.theme = p_theme AND r.millesime = p_millesime
                   AND r.publication IN (SELECT plan.publiees())) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = p_theme AND m.millesime = p_millesime;
    SELECT string_agg(format('m.%I', c), ', '), string_agg(format('a.%I', c), ', '), string_agg(format('%I', c), ', ')
    INTO v_propre, v_archive, v_noms FROM unnest(plan.mesures(p_theme)) c;
    EXECUTE format($q$
        INSERT INTO travail.gele
        WITH a AS (
            SELECT DISTINCT ON (id) * FROM plan.archive_%1$s
            WHERE millesime = $1 AND publication IN (SELECT plan.publiees()) ORDER BY id, publication DESC
        ), m AS (
            SELECT m.*, r.siren_bailleur, coalesce(p.nb_logements, 0) AS logements, r.insee_com, r.insee_associee, r.code_iris,
                   r.code_qp, r.geom
            FROM travail.%1$I m
            JOIN travail.residence r ON r.contexte = $2 AND r.id = m.id
            LEFT JOIN travail.parc p ON p.millesime = $3 AND p.echelle = 'residence' AND p.id = m.id
            WHERE m.millesime = $1 AND m.echelle = 'residence'
        ), k AS (
            SELECT DISTINCT id FROM plan.registre WHERE theme = %2$L AND millesime = $1 AND echelle = 'residence'
            AND publication IN (SELECT plan.publiees())
        )
        SELECT %2$L, $1, coalesce(a.id, m.id), u.unites, a.siren_bailleur, a.logements, a.insee_com, a.insee_associee,
               a.code_iris, a.code_qp, a.geom
        FROM a FULL JOIN m ON m.id = a.id
        LEFT JOIN k ON k.id = m.id
        LEFT JOIN plan.archive u ON u.theme = %2$L AND u.millesime = $1 AND u.id = a.id AND u.publication = a.publication
        WHERE (a.id IS NOT NULL OR k.id IS NOT NULL)
          AND (%3$s, m.siren_bailleur, m.logements, m.insee_com, m.insee_associee, m.code_iris, m.code_qp, m.geom)
              IS DISTINCT FROM
              (%4$s, a.siren_bailleur, a.logements, a.insee_com, a.insee_associee, a.code_iris, a.code_qp, a.geom)$q$,
        p_theme, p_theme, v_propre, v_archive)
    USING p_millesime, v.contexte, v.parc;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('gele');
    IF n > 0 THEN
        EXECUTE format($q$
            INSERT INTO travail.%1$I (millesime, echelle, id, %2$s)
            SELECT -$1, 'residence', a.id, %3$s
            FROM (SELECT DISTINCT ON (id) * FROM plan.archive_%1$s
                  WHERE millesime = $1 AND publication IN (SELECT plan.publiees()) ORDER BY id, publication DESC) a
            JOIN travail.gele g ON g.theme = %4$L AND g.millesime = $1 AND g.id = a.id$q$, p_theme, v_noms, v_archive, p_theme)
        USING p_millesime;
        PERFORM travail.analyser(p_theme);
    END IF;
    RETURN n;
END
$$;

-- What the archive says was counted of residences that were not shown, where it is not simply the residence as it stands:
-- vintage of the figures (NULL: not counted) and zones.
CREATE FUNCTION travail.comptes_geles(p_publication bigint, p_theme text, p_millesime int)
RETURNS TABLE (famille text, id text, etat int, insee_com text, insee_associee text, code_iris text, code_qp text)
LANGUAGE sql STABLE AS $$
    WITH c AS (
        SELECT DISTINCT ON (k.famille, k.id) k.* FROM plan.archive_compte k
        WHERE k.theme = p_theme AND k.millesime = p_millesime AND k.publication IN (SELECT plan.publiees())
        ORDER BY k.famille, k.id, k.publication DESC
    )
    SELECT c.famille, c.id, c.etat, c.insee_com, c.insee_associee, c.code_iris, c.code_qp
    FROM c
    LEFT JOIN c t ON c.famille > '' AND t.famille = '' AND t.id = c.id
    LEFT JOIN plan.millesime m ON m.publication = p_publication AND m.theme = p_theme AND m.millesime = p_millesime
    LEFT JOIN travail.residence r ON r.contexte = m.contexte AND r.id = c.id
    LEFT JOIN travail.gele g ON g.theme = p_theme AND g.millesime = p_millesime AND g.id = c.id
    WHERE c.etat IS DISTINCT FROM 0
      -- Where the theme has a line, a family is not as it stands without one.
      AND (c.etat IS DISTINCT FROM p_millesime OR g.id IS NOT NULL OR t.id IS NOT NULL
           OR (c.insee_com, c.insee_associee, c.code_iris, c.code_qp)
              IS DISTINCT FROM (r.insee_com, r.insee_associee, r.code_iris, r.code_qp))
$$;

-- Where the archived points of an older vintage lie in a context, for those that are not where the imports have them now;
-- `reste`: the residence stands there in this context too.
CREATE FUNCTION travail.lieux_geles(p_publication bigint, p_contexte int, p_theme text, p_ancien int)
RETURNS TABLE (id text, insee_com text, insee_associee text, code_iris text, code_qp text, reste boolean)
LANGUAGE sql STABLE AS $$
    SELECT a.id, z.insee_com, z.insee_associee, z.id, q.id, coalesce(b.geom ~= a.geom, false)
    FROM travail.gele a
    JOIN plan.millesime m ON m.publication = p_publication AND m.theme = p_theme AND m.millesime = p_ancien
    LEFT JOIN travail.residence o ON o.contexte = m.contexte AND o.id = a.id
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
    WHERE a.theme = p_theme AND a.millesime = p_ancien AND a.geom IS NOT NULL
      AND (o.id IS NULL OR NOT o.geom ~= a.geom)
$$;

-- Writes into the archive what the candidate shows and counts. Returns how many rows.
CREATE FUNCTION plan.archiver(p_publication bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t text;
    v_noms text;
    v_effet text;
    v_effets text;
    v_archive text;
    v_familles text;
    n bigint;
    total bigint := 0;
BEGIN
    FOREACH t IN ARRAY ARRAY['parc', 'occupation', 'attributions'] LOOP
        SELECT string_agg(format('%I', c), ', ' ORDER BY o),
               string_agg(CASE WHEN k.famille > '' THEN format('CASE WHEN a.id IS NULL OR %L = ANY (l.familles) THEN m.%I ELSE a.%I END', k.famille, c, c)
                               ELSE format('m.%I', c) END || format(' AS %I', c), ', ' ORDER BY o),
               string_agg(format('e.%I', c), ', ' ORDER BY o), string_agg(format('e.a_%s', c), ', ' ORDER BY o)
        INTO v_noms, v_effet, v_effets, v_archive
        FROM unnest(plan.mesures(t)) WITH ORDINALITY x (c, o)
        LEFT JOIN travail.colonne k ON k.theme = t AND k.colonne = c;
        v_effet := v_effet || ', ' || (SELECT string_agg(format('a.%I AS a_%s', c, c), ', ') FROM unnest(plan.mesures(t)) c);
        -- Shown ones as shown; of those that are not, once, what some vintage counts with the figures of this one.
        EXECUTE format($q$
            INSERT INTO plan.archive_%1$s (publication, millesime, id, %2$s, siren_bailleur, logements, insee_com, insee_associee,
                                           code_iris, code_qp, geom)
            SELECT $1, e.millesime, e.id, %4$s, e.siren_bailleur, e.logements, e.insee_com, e.insee_associee, e.code_iris,
                   e.code_qp, e.geom
            FROM (
                SELECT m.millesime, m.id, %3$s, r.siren_bailleur, coalesce(p.nb_logements, 0) AS logements, r.insee_com,
                       r.insee_associee, r.code_iris, r.code_qp, r.geom, a.id AS a_id, a.siren_bailleur AS a_siren,
                       a.logements AS a_logements, a.insee_com AS a_com, a.insee_associee AS a_associee,
                       a.code_iris AS a_iris, a.code_qp AS a_qp, a.geom AS a_geom
                FROM plan.ligne l
                JOIN plan.millesime v ON v.publication = l.publication AND v.theme = l.theme AND v.millesime = l.millesime
                JOIN travail.%1$I m ON m.millesime = l.millesime AND m.echelle = 'residence' AND m.id = l.id
                JOIN travail.residence r ON r.contexte = v.contexte AND r.id = l.id
                LEFT JOIN (SELECT millesime, id, nb_logements FROM travail.parc WHERE echelle = 'residence') p
                    ON p.millesime = v.parc AND p.id = l.id
                LEFT JOIN (SELECT millesime, id FROM travail.compte WHERE theme = %6$L AND famille = '') c
                    ON c.millesime = l.millesime AND c.id = l.id
                LEFT JOIN (SELECT DISTINCT etat, id FROM travail.compte WHERE theme = %6$L AND etat > 0) s
                    ON s.etat = l.millesime AND s.id = l.id
                LEFT JOIN (SELECT DISTINCT ON (millesime, id) * FROM plan.archive_%1$s
                           WHERE publication IN (SELECT plan.publiees())
                           ORDER BY millesime, id, publication DESC) a ON a.millesime = l.millesime AND a.id = l.id
                WHERE l.publication = $1 AND l.theme = %6$L AND l.echelle = 'residence'
                  AND (l.statut <> 'secret' OR (a.id IS NULL AND (c.id IS NULL OR s.id IS NOT NULL)))
            ) e
            WHERE e.a_id IS NULL
               OR (%4$s, e.siren_bailleur, e.logements, e.insee_com, e.insee_associee, e.code_iris, e.code_qp, e.geom)
                  IS DISTINCT FROM
                  (%5$s, e.a_siren, e.a_logements, e.a_com, e.a_associee, e.a_iris, e.a_qp, e.a_geom)
            ON CONFLICT DO NOTHING$q$, t, v_noms, v_effet, v_effets, v_archive, t)
        USING p_publication;
        GET DIAGNOSTICS n = ROW_COUNT;
        total := total + n;

        SELECT string_agg(DISTINCT format('(%L, m.%I)', k.famille, k.famille), ', ') INTO v_familles
        FROM travail.colonne k WHERE k.theme = t AND k.famille > '';
        EXECUTE format($q$
            INSERT INTO plan.archive_compte
            WITH l AS (
                SELECT l.millesime, l.id, l.statut, l.familles, v.contexte FROM plan.ligne l
                JOIN plan.millesime v ON v.publication = l.publication AND v.theme = l.theme AND v.millesime = l.millesime
                WHERE l.publication = $1 AND l.theme = %2$L AND l.echelle = 'residence'
            ), c AS (
                SELECT * FROM travail.compte WHERE theme = %2$L
            ), propre AS (
                SELECT l.millesime, f.famille, l.id, l.millesime AS etat, r.insee_com, r.insee_associee, r.code_iris, r.code_qp
                FROM l JOIN travail.%1$I m ON m.millesime = l.millesime AND m.echelle = 'residence' AND m.id = l.id
                JOIN travail.residence r ON r.contexte = l.contexte AND r.id = l.id
                CROSS JOIN LATERAL (VALUES ('', 1), %3$s) f (famille, n)
                WHERE CASE WHEN f.famille = '' THEN l.statut = 'secret'
                           ELSE l.statut <> 'secret' AND f.n > 0 AND NOT f.famille = ANY (l.familles) END
            ), effet AS (
                SELECT p.* FROM propre p
                WHERE NOT EXISTS (SELECT FROM c WHERE c.millesime = p.millesime AND c.famille = p.famille AND c.id = p.id)
                UNION ALL
                SELECT c.millesime, c.famille, c.id, abs(c.etat), c.insee_com, c.insee_associee, c.code_iris, c.code_qp
                FROM c
            ), avant AS (
                SELECT DISTINCT ON (k.millesime, k.famille, k.id) k.* FROM plan.archive_compte k
                JOIN plan.millesime v ON v.publication = $1 AND v.theme = k.theme AND v.millesime = k.millesime
                WHERE k.theme = %2$L AND k.publication IN (SELECT plan.publiees())
                ORDER BY k.millesime, k.famille, k.id, k.publication DESC
            )
            SELECT $1, %2$L, coalesce(e.millesime, a.millesime), coalesce(e.famille, a.famille), coalesce(e.id, a.id),
                   CASE WHEN e.id IS NOT NULL THEN e.etat WHEN a.famille > '' THEN 0 END, e.insee_com, e.insee_associee,
                   e.code_iris, e.code_qp
            FROM effet e FULL JOIN avant a ON a.millesime = e.millesime AND a.famille = e.famille AND a.id = e.id
            WHERE CASE WHEN a.id IS NULL THEN true
                       WHEN e.id IS NULL THEN a.etat IS DISTINCT FROM CASE WHEN a.famille > '' THEN 0 END
                       ELSE (e.etat, e.insee_com, e.insee_associee, e.code_iris, e.code_qp)
                            IS DISTINCT FROM (a.etat, a.insee_com, a.insee_associee, a.code_iris, a.code_qp) END
            ON CONFLICT DO NOTHING$q$, t, t, v_familles)
        USING p_publication;
        GET DIAGNOSTICS n = ROW_COUNT;
        total := total + n;
    END LOOP;
    RETURN total;
END
$$;

-- What an attacker knows of the candidate, of a theme or family (`p_famille`; its place among the units: `p_place`): every
-- residence on the map or counted, its units and landlord as counted, the vintage of the figures that zone rows count (0: none),
-- and the zones where they are not those of its row. Figures that a former publication had otherwise, and that are not shown,
-- are others of the same vintage: the vintage plus 10000 times the publication.
CREATE FUNCTION travail.connaissances(p_publication bigint, p_theme text, p_famille text, p_place int)
RETURNS TABLE (millesime int, id text, unites bigint, bailleur text, compte int, zones text) LANGUAGE sql STABLE AS $$
    WITH k AS (
        SELECT v.millesime, v.contexte, i.id,
               l.statut = 'diffuse' AND (p_famille = '' OR p_famille = ANY (l.familles)) AS montre,
               coalesce(f.famille, t.famille) IS NOT NULL AS autre,
               CASE WHEN f.id IS NOT NULL THEN f.etat ELSE t.etat END AS etat,
               CASE WHEN f.id IS NOT NULL THEN f ELSE t END AS lieu
        FROM plan.millesime v
        CROSS JOIN LATERAL (
            SELECT g.id FROM plan.ligne g WHERE g.publication = p_publication AND g.theme = p_theme AND g.millesime = v.millesime
            AND g.echelle = 'residence'
            UNION SELECT c.id FROM travail.compte c WHERE c.theme = p_theme AND c.millesime = v.millesime AND c.famille IN ('', p_famille)) i
        LEFT JOIN plan.ligne l ON l.publication = p_publication AND l.theme = p_theme AND l.millesime = v.millesime
            AND l.echelle = 'residence' AND l.id = i.id
        LEFT JOIN travail.compte f ON p_famille > '' AND f.theme = p_theme AND f.millesime = v.millesime AND f.famille = p_famille AND f.id = i.id
        LEFT JOIN travail.compte t ON t.theme = p_theme AND t.millesime = v.millesime AND t.famille = '' AND t.id = i.id
        WHERE v.publication = p_publication AND v.theme = p_theme
    ), e AS (
        SELECT k.*, CASE WHEN montre OR NOT autre THEN k.millesime ELSE k.etat END AS compte FROM k
    )
    SELECT e.millesime, e.id, coalesce(u.unites[p_place], 0)::bigint,
           coalesce(CASE WHEN e.compte < 0 THEN g.siren_bailleur ELSE r.siren_bailleur END, ''),
           coalesce(CASE WHEN e.compte > 0 AND g.unites IS NOT NULL AND s.id IS NULL THEN 10000 * p_publication::int + e.compte
                         ELSE abs(e.compte) END, 0),
           CASE WHEN e.autre AND NOT e.montre IS TRUE AND e.compte IS NOT NULL
                THEN concat_ws(' ', 'commune:' || (e.lieu).insee_com, 'commune:' || (e.lieu).insee_associee,
                               'iris:' || (e.lieu).code_iris, 'qpv:' || (e.lieu).code_qp) ELSE '' END
    FROM e
    LEFT JOIN plan.millesime m ON m.publication = p_publication AND m.theme = p_theme AND m.millesime = coalesce(abs(e.compte), e.millesime)
    LEFT JOIN travail.residence r ON r.contexte = m.contexte AND r.id = e.id
    LEFT JOIN travail.gele g ON g.theme = p_theme AND g.millesime = abs(e.compte) AND g.id = e.id
    LEFT JOIN plan.ligne s ON g.id IS NOT NULL AND s.publication = p_publication AND s.theme = p_theme AND s.millesime = e.compte
        AND s.echelle = 'residence' AND s.id = e.id AND s.statut = 'diffuse' AND (p_famille = '' OR p_famille = ANY (s.familles))
    LEFT JOIN stat.unites u ON u.theme = p_theme AND u.millesime = coalesce(e.compte, e.millesime)
        AND u.echelle = 'residence' AND u.id = e.id
$$;

-- The same of former publications, from the ledger and the archive alone, whether `serving` still holds their rows or not: of
-- each vintage at each publication that changed anything of it. `montre`: the row was shown; zone rows stand as `scale:code`.
CREATE FUNCTION plan.connaissances_passees(p_publication bigint, p_theme text, p_famille text, p_place int)
RETURNS TABLE (publication bigint, millesime int, id text, unites bigint, bailleur text, compte int, zones text, montre boolean)
LANGUAGE sql STABLE AS $$
    WITH etape AS (
        SELECT DISTINCT r.publication, r.millesime FROM plan.registre r
        WHERE r.theme = p_theme AND r.publication IN (SELECT plan.publiees()) AND r.publication < p_publication
        UNION
        SELECT DISTINCT c.publication, c.millesime FROM plan.archive_compte c
        WHERE c.theme = p_theme AND c.publication IN (SELECT plan.publiees()) AND c.publication < p_publication
    ), l AS (
        SELECT DISTINCT ON (s.publication, s.millesime, r.echelle, r.id)
               s.publication, s.millesime, r.echelle, r.id,
               r.statut = 'diffuse' AND (p_famille = '' OR p_famille = ANY (r.familles)) AS montre,
               r.statut = 'diffuse' AS diffuse
        FROM etape s JOIN plan.registre r ON r.theme = p_theme AND r.millesime = s.millesime AND r.publication <= s.publication
        WHERE r.publication IN (SELECT plan.publiees())
        ORDER BY s.publication, s.millesime, r.echelle, r.id, r.publication DESC
    ), c AS (
        SELECT DISTINCT ON (s.publication, s.millesime, k.famille, k.id) s.publication, s.millesime, k.famille, k.id, k.etat,
               concat_ws(' ', 'commune:' || k.insee_com, 'commune:' || k.insee_associee, 'iris:' || k.code_iris,
                         'qpv:' || k.code_qp) AS lieu
        FROM etape s JOIN plan.archive_compte k ON k.theme = p_theme AND k.millesime = s.millesime AND k.publication <= s.publication
        WHERE k.famille IN ('', p_famille) AND k.publication IN (SELECT plan.publiees())
        ORDER BY s.publication, s.millesime, k.famille, k.id, k.publication DESC
    ), x AS (
        SELECT i.publication, i.millesime, i.id, coalesce(l.montre, false) AS montre,
               CASE WHEN l.montre THEN NULL WHEN f.id IS NOT NULL THEN f.etat WHEN l.diffuse THEN NULL ELSE t.etat END AS etat,
               CASE WHEN f.id IS NOT NULL THEN f.lieu ELSE t.lieu END AS lieu
        FROM (SELECT l.publication, l.millesime, l.id FROM l WHERE l.echelle = 'residence'
              UNION SELECT c.publication, c.millesime, c.id FROM c WHERE c.etat <> 0) i
        LEFT JOIN l ON l.publication = i.publication AND l.millesime = i.millesime AND l.echelle = 'residence' AND l.id = i.id
        LEFT JOIN c f ON p_famille > '' AND f.publication = i.publication AND f.millesime = i.millesime AND f.famille = p_famille
            AND f.id = i.id AND f.etat IS DISTINCT FROM 0
        LEFT JOIN c t ON t.publication = i.publication AND t.millesime = i.millesime AND t.famille = '' AND t.id = i.id
    )
    SELECT x.publication, x.millesime, x.id, coalesce(a.unites[p_place], 0)::bigint, coalesce(a.siren_bailleur, ''),
           coalesce(x.etat, 0), CASE WHEN x.etat IS NULL THEN '' ELSE x.lieu END, x.montre
    FROM x
    LEFT JOIN (SELECT DISTINCT ON (r.millesime, r.id) r.millesime, r.id, r.unites, r.siren_bailleur FROM plan.archive r
               WHERE r.theme = p_theme AND r.publication IN (SELECT plan.publiees())
               ORDER BY r.millesime, r.id, r.publication DESC) a ON a.millesime = x.etat AND a.id = x.id
    UNION ALL
    SELECT l.publication, l.millesime, l.echelle || ':' || l.id, 0, '', 0, '', true
    FROM l WHERE l.echelle <> 'residence' AND l.montre
$$;

ALTER FUNCTION travail.geler SET enable_nestloop = off;
ALTER FUNCTION travail.geler SET enable_mergejoin = off;
ALTER FUNCTION plan.archiver SET enable_nestloop = off;
ALTER FUNCTION plan.archiver SET enable_mergejoin = off;

GRANT SELECT ON plan.archive_parc, plan.archive_occupation, plan.archive_attributions, plan.archive_compte, plan.archive,
    travail.gele TO seuil_publisher;
GRANT INSERT ON plan.archive_parc, plan.archive_occupation, plan.archive_attributions, plan.archive_compte TO seuil_publisher;
GRANT INSERT, DELETE, TRUNCATE ON travail.gele TO seuil_publisher;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
