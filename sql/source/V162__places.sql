-- Identifiers, places and surroundings of residences in less time.

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

-- Placed points are joined by their key whatever is known of how many there are.
ALTER FUNCTION travail.remplir_residences(bigint, int) SET enable_nestloop = off;
ALTER FUNCTION travail.remplir_residences(bigint, int) SET enable_mergejoin = off;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
