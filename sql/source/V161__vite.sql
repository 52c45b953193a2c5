-- The same in less time. Publishing is bound by two cores of the database; this takes away what none of its results needs.

-- A check of each row of the ledger, the archive and the plan against `plan.publication`, of which a statement writes one. The
-- partitions of the plan and the functions below see to it once.
ALTER TABLE plan.registre DROP CONSTRAINT registre_publication_fkey;
ALTER TABLE plan.archive_parc DROP CONSTRAINT archive_parc_publication_fkey;
ALTER TABLE plan.archive_occupation DROP CONSTRAINT archive_occupation_publication_fkey;
ALTER TABLE plan.archive_attributions DROP CONSTRAINT archive_attributions_publication_fkey;
ALTER TABLE plan.archive_compte DROP CONSTRAINT archive_compte_publication_fkey;
ALTER TABLE plan.ligne DROP CONSTRAINT ligne_publication_fkey;

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
-- Two vintages of a theme are summed at once: the second does not wait for the end of the first one's statement to analyse what
-- that has just analysed. `remplir_...` and `sommer` do not depend on it, they hash.
CREATE OR REPLACE FUNCTION travail.analyser(p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET default_statistics_target = 20 SET client_min_messages = error AS $$
BEGIN
    EXECUTE format('ANALYZE (SKIP_LOCKED) travail.%I', p_relation);
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

-- Twelve characters out of 72 bits of a hashed random UUID: six bits a character, two of the 64 values to each of the 32 letters.
CREATE OR REPLACE FUNCTION plan.tirer_id() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT translate(encode(substr(sha256(uuid_send(gen_random_uuid())), 1, 9), 'base64'),
                     'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
                     'abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz234567')
$$;
CREATE OR REPLACE FUNCTION plan.tirer_objectid() RETURNS int LANGUAGE sql VOLATILE AS $$
    SELECT greatest(1, ('x' || encode(substr(uuid_send(gen_random_uuid()), 1, 4), 'hex'))::bit(32)::int & 2147483647)
$$;

-- Points of the residences of a context while they are placed.
CREATE UNLOGGED TABLE travail.a_placer (
    contexte int NOT NULL,
    cle text COLLATE "C" NOT NULL,
    geom geometry(Point, 2154) NOT NULL
);
CREATE INDEX ON travail.a_placer USING gist (geom);
GRANT SELECT, INSERT, DELETE, TRUNCATE ON travail.a_placer TO seuil_publisher;

-- Places points in the zones of a context: zone by zone, so that an outline is prepared once for all points near it. The IRIS that
-- holds a point (on a limit: the lowest code), else the nearest within 500 m; the QPV that holds it (on a limit: the lowest
-- code). Commune and commune associée are the IRIS's, so that IRIS nest in communes. A residence farther out is not published; the
-- number of those is returned.
CREATE OR REPLACE FUNCTION travail.remplir_residences(p_publication bigint, p_contexte int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    x plan.contexte;
    n bigint;
BEGIN
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = p_contexte;
    DELETE FROM travail.residence WHERE contexte = p_contexte;
    DELETE FROM travail.a_placer WHERE contexte = p_contexte;
    INSERT INTO travail.a_placer
    SELECT p_contexte, id_residence, ST_SnapToGrid(geom, 0.01) FROM prive.residence WHERE lot = x.lot_residences;
    PERFORM travail.analyser('a_placer');
    INSERT INTO travail.residence
    WITH dans AS (
        SELECT p.cle, min(t.id) FILTER (WHERE t.echelle = 'iris') AS iris, min(t.id) FILTER (WHERE t.echelle = 'qpv') AS qpv
        FROM (SELECT id, echelle, geom FROM travail.zone WHERE contexte = p_contexte AND echelle IN ('iris', 'qpv') OFFSET 0) t
        CROSS JOIN LATERAL (SELECT b.cle FROM travail.a_placer b
                            WHERE b.contexte = p_contexte AND b.geom && t.geom AND ST_Intersects(t.geom, b.geom) OFFSET 0) p
        GROUP BY p.cle
    )
    SELECT p_contexte, r.id_residence, i.id, r.nom, r.siren_bailleur, r.classe_qualification, r.date_qualification,
           z.insee_com, z.insee_associee, z.id, v.qpv, v.geom
    FROM (SELECT p.cle, p.geom, d.qpv,
                 coalesce(d.iris, (SELECT t.id FROM travail.zone t
                                   WHERE t.contexte = p_contexte AND t.echelle = 'iris' AND ST_DWithin(t.geom, p.geom, 500)
                                   ORDER BY ST_Distance(t.geom, p.geom), t.id LIMIT 1)) AS iris
          FROM travail.a_placer p LEFT JOIN dans d USING (cle) WHERE p.contexte = p_contexte OFFSET 0) v
    JOIN prive.residence r ON r.lot = x.lot_residences AND r.id_residence = v.cle
    JOIN plan.ident i ON i.cle = v.cle
    JOIN travail.zone z ON z.contexte = p_contexte AND z.echelle = 'iris' AND z.id = v.iris;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('residence');
    RETURN (SELECT count(*) FROM prive.residence WHERE lot = x.lot_residences) - n;
END
$$;

-- As before, but only the points that have moved or are gone are placed.
CREATE OR REPLACE FUNCTION travail.lieux(p_contexte int, p_ancien int)
RETURNS TABLE (id text, insee_com text, insee_associee text, code_iris text, code_qp text) LANGUAGE sql STABLE AS $$
    WITH a AS MATERIALIZED (
        SELECT a.id, a.geom FROM travail.residence a
        LEFT JOIN travail.residence b ON b.contexte = p_contexte AND b.id = a.id
        WHERE a.contexte = p_ancien AND (b.id IS NULL OR NOT b.geom ~= a.geom)
    )
    SELECT a.id, z.insee_com, z.insee_associee, z.id, q.id
    FROM a
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
$$;

-- Surroundings of a half (`p_part` 0 or 1) of the residences that the plan shows: two workers take a vintage together.
DROP FUNCTION travail.remplir_environnement(bigint, int);
CREATE FUNCTION travail.remplir_environnement(p_publication bigint, p_millesime int, p_part int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    v_distances text;
    n bigint;
BEGIN
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = 'parc' AND m.millesime = p_millesime;
    DELETE FROM travail.environnement e WHERE e.millesime = p_millesime AND abs(hashtext(e.id) % 2) = p_part;
    -- Each group by its name, so that its own index finds the nearest of it.
    SELECT string_agg(format(
        '(SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e WHERE e.categorie = %L AND e.lot = $1 '
        'ORDER BY e.geom <-> r.geom LIMIT 1)', c), ', ' ORDER BY o)
    INTO v_distances
    FROM unnest(ARRAY['ecole', 'college', 'medecin', 'pharmacie', 'alim', 'poste', 'tc', 'parc']) WITH ORDINALITY AS u (c, o);
    EXECUTE format($q$
        INSERT INTO travail.environnement (millesime, id, dist_qpv_m, dist_ecole_m, dist_college_m, dist_medecin_m,
                                           dist_pharmacie_m, dist_alim_m, dist_poste_m, dist_tc_m, dist_parc_m, nb_equip_500m)
        SELECT $4, r.id,
               (SELECT ST_Distance(z.geom, r.geom) FROM travail.zone z WHERE z.contexte = $2 AND z.echelle = 'qpv'
                ORDER BY z.geom <-> r.geom LIMIT 1),
               %s,
               CASE WHEN $1 IS NOT NULL
                    THEN (SELECT count(*) FROM travail.equipement e WHERE e.lot = $1 AND ST_DWithin(e.geom, r.geom, 500)) END
        FROM plan.ligne l
        JOIN travail.residence r ON r.contexte = $2 AND r.id = l.id
        WHERE l.publication = $3 AND l.theme = 'parc' AND l.millesime = $4 AND l.echelle = 'residence'
          AND l.statut = 'diffuse' AND abs(hashtext(l.id) %% 2) = $5$q$, v_distances)
    USING v.lot_equipements, v.contexte, p_publication, p_millesime, p_part;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('environnement');
    RETURN n;
END
$$;

-- Fails unless this is the candidate.
CREATE FUNCTION plan.exiger_candidate(p_publication bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM plan.candidate c WHERE c.publication = p_publication) THEN
        RAISE EXCEPTION 'publication % is no candidate', p_publication;
    END IF;
END
$$;

-- Ledger and archive are written theme by theme, by two workers.
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

ALTER FUNCTION plan.inscrire SET enable_nestloop = off;
ALTER FUNCTION plan.inscrire SET enable_mergejoin = off;
ALTER FUNCTION plan.archiver SET enable_nestloop = off;
ALTER FUNCTION plan.archiver SET enable_mergejoin = off;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
