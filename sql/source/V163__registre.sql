-- Ledger and archive are written theme by theme, by two workers.

-- Without a check of each row of the ledger, the archive and the plan against `plan.publication`, of which a statement writes one:
-- the partitions of the plan and the functions below see to it once.
ALTER TABLE plan.registre DROP CONSTRAINT registre_publication_fkey;
ALTER TABLE plan.archive_parc DROP CONSTRAINT archive_parc_publication_fkey;
ALTER TABLE plan.archive_occupation DROP CONSTRAINT archive_occupation_publication_fkey;
ALTER TABLE plan.archive_attributions DROP CONSTRAINT archive_attributions_publication_fkey;
ALTER TABLE plan.archive_compte DROP CONSTRAINT archive_compte_publication_fkey;
ALTER TABLE plan.ligne DROP CONSTRAINT ligne_publication_fkey;

-- Fails unless this is the candidate.
CREATE FUNCTION plan.exiger_candidate(p_publication bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM plan.candidate c WHERE c.publication = p_publication) THEN
        RAISE EXCEPTION 'publication % is no candidate', p_publication;
    END IF;
END
$$;

DROP FUNCTION plan.inscrire(bigint);
DROP FUNCTION plan.archiver(bigint);

-- Writes a theme of the candidate into the ledger: rows that differ from what the ledger says last of them. Returns how many.
CREATE FUNCTION plan.inscrire(p_publication bigint, p_theme text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM plan.exiger_candidate(p_publication);
    INSERT INTO plan.registre
    SELECT l.publication, l.theme, l.millesime, l.echelle, l.id, l.statut, l.motif, l.familles,
           r.insee_com, r.insee_associee, r.code_iris, r.code_qp, r.siren_bailleur, p.logements, u.unites
    FROM plan.ligne l
    JOIN plan.millesime m ON m.publication = l.publication AND m.theme = l.theme AND m.millesime = l.millesime
    LEFT JOIN travail.residence r ON l.echelle = 'residence' AND r.contexte = m.contexte AND r.id = l.id
    LEFT JOIN LATERAL (SELECT t.nb_logements AS logements FROM travail.parc t
                       WHERE l.echelle = 'residence' AND t.millesime = m.parc AND t.echelle = 'residence' AND t.id = l.id) p ON true
    LEFT JOIN stat.unites u ON u.theme = l.theme AND u.millesime = l.millesime AND u.echelle = l.echelle AND u.id = l.id
    LEFT JOIN plan.connu k ON k.theme = l.theme AND k.millesime = l.millesime AND k.echelle = l.echelle AND k.id = l.id
    WHERE l.publication = p_publication AND l.theme = p_theme
      AND (k.id IS NULL OR
           (k.statut, k.motif, k.familles, k.insee_com, k.insee_associee, k.code_iris, k.code_qp, k.siren_bailleur, k.logements, k.unites)
           IS DISTINCT FROM
           (l.statut, l.motif, l.familles, r.insee_com, r.insee_associee, r.code_iris, r.code_qp, r.siren_bailleur, p.logements, u.unites))
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;

-- Writes into the archive what the candidate shows and counts of a theme. Returns how many rows.
CREATE FUNCTION plan.archiver(p_publication bigint, p_theme text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_noms text;
    v_effet text;
    v_effets text;
    v_archive text;
    v_familles text;
    n bigint;
    total bigint := 0;
BEGIN
    PERFORM plan.exiger_candidate(p_publication);
    SELECT string_agg(format('%I', c), ', ' ORDER BY o),
           string_agg(CASE WHEN k.famille > '' THEN format('CASE WHEN a.id IS NULL OR %L = ANY (l.familles) THEN m.%I ELSE a.%I END', k.famille, c, c)
                           ELSE format('m.%I', c) END || format(' AS %I', c), ', ' ORDER BY o),
           string_agg(format('e.%I', c), ', ' ORDER BY o), string_agg(format('e.a_%s', c), ', ' ORDER BY o)
    INTO v_noms, v_effet, v_effets, v_archive
    FROM unnest(plan.mesures(p_theme)) WITH ORDINALITY x (c, o)
    LEFT JOIN travail.colonne k ON k.theme = p_theme AND k.colonne = c;
    v_effet := v_effet || ', ' || (SELECT string_agg(format('a.%I AS a_%s', c, c), ', ') FROM unnest(plan.mesures(p_theme)) c);
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
        ON CONFLICT DO NOTHING$q$, p_theme, v_noms, v_effet, v_effets, v_archive, p_theme)
    USING p_publication;
    GET DIAGNOSTICS n = ROW_COUNT;
    total := total + n;

    SELECT string_agg(DISTINCT format('(%L, m.%I)', k.famille, k.famille), ', ') INTO v_familles
    FROM travail.colonne k WHERE k.theme = p_theme AND k.famille > '';
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
        ON CONFLICT DO NOTHING$q$, p_theme, p_theme, v_familles)
    USING p_publication;
    GET DIAGNOSTICS n = ROW_COUNT;
    total := total + n;
    RETURN total;
END
$$;

-- They hash: what the planner expects of a vintage that is being written is not to be trusted.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['plan.inscrire(bigint, text)', 'plan.archiver(bigint, text)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET enable_nestloop = off', f);
        EXECUTE format('ALTER FUNCTION %s SET enable_mergejoin = off', f);
    END LOOP;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
