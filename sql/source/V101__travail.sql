-- Which imports a candidate uses, and the working tables that its steps fill.

-- The candidate under way, if there is one.
CREATE VIEW plan.candidate AS SELECT publication, parametres FROM plan.publication WHERE etat = 'candidate';

-- The lot of a source for a vintage: the newest one up to it, else the oldest.
CREATE FUNCTION plan.lot_de(p_source text, p_millesime int) RETURNS TABLE (lot bigint, millesime int) LANGUAGE sql STABLE AS $$
    SELECT c.lot, c.millesime FROM import.courant c WHERE c.source = p_source
    ORDER BY c.millesime <= p_millesime DESC, abs(c.millesime - p_millesime) LIMIT 1
$$;

CREATE UNLOGGED TABLE travail.choix (
    theme text NOT NULL, millesime int NOT NULL, lot bigint NOT NULL, lot_residences bigint, lot_communes bigint,
    geo_communes int, lot_iris bigint, geo_iris int, geo_qpv int NOT NULL, lot_qpv bigint
);

-- Freezes the imports for a candidate. QPV of the 2015 generation hold up to vintage 2023, of 2024 from then on.
CREATE FUNCTION plan.choisir(p_publication bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM travail.choix;
    INSERT INTO travail.choix
    WITH m AS (
        SELECT CASE source WHEN 'rpls' THEN 'parc' ELSE source END AS theme, millesime, lot
        FROM import.courant WHERE source IN ('rpls', 'occupation', 'attributions')
    )
    SELECT m.theme, m.millesime, m.lot, r.lot AS lot_residences, c.lot AS lot_communes, c.millesime AS geo_communes,
           i.lot AS lot_iris, i.millesime AS geo_iris, g.generation AS geo_qpv, q.lot AS lot_qpv
    FROM m
    CROSS JOIN LATERAL (SELECT CASE WHEN m.millesime <= 2023 THEN 2015 ELSE 2024 END AS generation) g
    LEFT JOIN LATERAL plan.lot_de('residences', m.millesime) r ON true
    LEFT JOIN LATERAL plan.lot_de('communes', m.millesime) c ON true
    LEFT JOIN LATERAL plan.lot_de('iris', m.millesime) i ON true
    LEFT JOIN LATERAL (
        SELECT k.lot FROM import.courant k
        WHERE k.source = 'qpv' AND EXISTS (SELECT FROM ref.qpv z WHERE z.lot = k.lot AND z.generation = g.generation)
        ORDER BY k.millesime <= m.millesime DESC, abs(k.millesime - m.millesime) LIMIT 1
    ) q ON true;

    INSERT INTO plan.contexte
    SELECT p_publication, row_number() OVER (ORDER BY min(millesime)), lot_residences, lot_communes, lot_iris, lot_qpv,
           geo_communes, geo_iris, geo_qpv
    FROM travail.choix GROUP BY lot_residences, lot_communes, lot_iris, lot_qpv, geo_communes, geo_iris, geo_qpv;

    -- Allocations: 36 months, three calendar years up to the newest one in the vintage's own lot.
    INSERT INTO plan.annee
    WITH a AS (
        SELECT lot, extract(year FROM date_attribution)::int AS annee FROM prive.attribution
        WHERE lot IN (SELECT lot FROM import.courant WHERE source = 'attributions') GROUP BY 1, 2
    ), fin AS (
        SELECT c.millesime, max(a.annee) AS annee FROM travail.choix c JOIN a USING (lot) WHERE c.theme = 'attributions' GROUP BY 1
    )
    SELECT DISTINCT ON (f.millesime, a.annee) p_publication, f.millesime, a.annee, a.lot
    FROM fin f JOIN travail.choix c ON c.theme = 'attributions' AND c.millesime <= f.millesime
    JOIN a ON a.lot = c.lot AND a.annee BETWEEN f.annee - 2 AND f.annee
    ORDER BY f.millesime, a.annee, c.millesime DESC;

    INSERT INTO plan.millesime
    SELECT p_publication, c.theme, c.millesime, x.contexte, CASE WHEN c.theme <> 'attributions' THEN c.lot END,
           CASE WHEN c.theme = 'attributions' THEN (SELECT lot FROM plan.lot_de('demandes', c.millesime)) END,
           CASE WHEN c.theme = 'parc' THEN (SELECT lot FROM plan.lot_de('equipements', c.millesime)) END,
           (SELECT millesime FROM plan.lot_de('rpls', c.millesime)),
           CASE WHEN c.theme <> 'attributions' THEN make_timestamptz(c.millesime, 1, 1, 0, 0, 0, 'UTC')
                -- 36 months up to 1 January after the newest year.
                ELSE (SELECT make_timestamptz(max(annee) + 1, 1, 1, 0, 0, 0, 'UTC') FROM plan.annee a
                      WHERE a.publication = p_publication AND a.millesime = c.millesime) END
    FROM travail.choix c JOIN plan.contexte x ON x.publication = p_publication
        AND (x.lot_residences, x.lot_communes, x.lot_iris, x.geo_qpv) = (c.lot_residences, c.lot_communes, c.lot_iris, c.geo_qpv)
        AND x.lot_qpv IS NOT DISTINCT FROM c.lot_qpv
    -- A window that is not imported in full would say 36 months and mean fewer.
    WHERE c.theme <> 'attributions'
       OR (SELECT count(*) FROM plan.annee a WHERE a.publication = p_publication AND a.millesime = c.millesime) = 3;

    INSERT INTO import.emploi
    SELECT DISTINCT p_publication, l FROM plan.contexte x, unnest(ARRAY[lot_residences, lot_communes, lot_iris, lot_qpv]) l
    WHERE x.publication = p_publication AND l IS NOT NULL
    UNION SELECT p_publication, l FROM plan.millesime m, unnest(ARRAY[lot, lot_demandes, lot_equipements]) l
    WHERE m.publication = p_publication AND l IS NOT NULL
    UNION SELECT p_publication, lot FROM plan.annee WHERE publication = p_publication;
END
$$;

-- One row while the working tables hold what the steps done say they hold. A crash of the database empties it with them.
CREATE UNLOGGED TABLE travail.temoin (publication bigint NOT NULL);

CREATE UNLOGGED TABLE travail.zone (
    contexte int NOT NULL,
    echelle text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    nom text,
    insee_com text COLLATE "C" NOT NULL,     -- communes associées: their chef-lieu; QPV: the commune with the largest part
    insee_associee text COLLATE "C",         -- communes associées: themselves
    typ_iris text,
    nb_rp int,
    tx_sru float8,
    geo int NOT NULL,
    geom geometry(MultiPolygon, 2154) NOT NULL
);
CREATE UNLOGGED TABLE travail.residence (
    contexte int NOT NULL,
    cle text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    nom text,
    siren_bailleur text,
    classe_qualification text,
    date_qualification date,
    insee_com text COLLATE "C" NOT NULL,
    insee_associee text COLLATE "C",
    code_iris text COLLATE "C" NOT NULL,
    code_qp text COLLATE "C",
    geom geometry(Point, 2154) NOT NULL
);
-- Which rows count a residence: itself, its commune, commune associée, IRIS, QPV.
CREATE VIEW travail.appartenance AS
SELECT r.contexte, r.id, z.echelle, z.zone
FROM travail.residence r
CROSS JOIN LATERAL (VALUES ('residence', r.id), ('commune', r.insee_com), ('commune', r.insee_associee), ('iris', r.code_iris),
                           ('qpv', r.code_qp)) AS z (echelle, zone)
WHERE z.zone IS NOT NULL;

-- Outlines as published: coordinates to the centimetre. Neighbours round alike, so that shared borders stay shared.
CREATE FUNCTION travail.arrondir(g geometry) RETURNS geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ST_IsValid(r) THEN r ELSE ST_Multi(ST_CollectionExtract(ST_MakeValid(r), 3)) END
    FROM (SELECT ST_SnapToGrid(g, 0.01) AS r OFFSET 0) x
$$;

-- Zones of a context.
CREATE FUNCTION travail.remplir_zones(p_publication bigint, p_contexte int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    x plan.contexte;
BEGIN
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = p_contexte;
    DELETE FROM travail.zone WHERE contexte = p_contexte;
    INSERT INTO travail.zone
    SELECT p_contexte, 'commune', insee_com, nom, coalesce(insee_chef_lieu, insee_com),
           CASE WHEN insee_chef_lieu IS NOT NULL THEN insee_com END, NULL, nb_rp, tx_sru, x.geo_communes, travail.arrondir(geom)
    FROM ref.commune WHERE lot = x.lot_communes;
    PERFORM travail.analyser('zone');
    -- An IRIS whose file names no commune associée lies in the one that holds a point of it. One whose commune is not in
    -- the outlines of communes (another vintage) takes the commune that holds that point.
    INSERT INTO travail.zone
    SELECT p_contexte, 'iris', i.code_iris, i.nom, coalesce(c.id, lieu.id, i.insee_com),
           coalesce(i.insee_associee, (SELECT a.id FROM travail.zone a
                                       WHERE a.contexte = p_contexte AND a.echelle = 'commune' AND a.insee_associee IS NOT NULL
                                         AND a.insee_com = i.insee_com AND ST_Intersects(a.geom, i.point) ORDER BY a.id LIMIT 1)),
           i.typ_iris, NULL, NULL, x.geo_iris, travail.arrondir(i.geom)
    FROM (SELECT z.*, ST_PointOnSurface(z.geom) AS point FROM ref.iris z WHERE z.lot = x.lot_iris) i
    LEFT JOIN travail.zone c ON c.contexte = p_contexte AND c.echelle = 'commune' AND c.id = i.insee_com AND c.insee_associee IS NULL
    LEFT JOIN LATERAL (SELECT a.id FROM travail.zone a
                       WHERE c.id IS NULL AND a.contexte = p_contexte AND a.echelle = 'commune' AND a.insee_associee IS NULL
                         AND ST_Intersects(a.geom, i.point) ORDER BY a.id LIMIT 1) lieu ON true;
    INSERT INTO travail.zone
    SELECT p_contexte, 'qpv', q.code_qp, q.nom, c.id, NULL, NULL, NULL, NULL, x.geo_qpv, q.geom
    FROM (SELECT code_qp, nom, travail.arrondir(geom) AS geom FROM ref.qpv
          WHERE lot = x.lot_qpv AND generation = x.geo_qpv) q
    CROSS JOIN LATERAL (SELECT a.id FROM travail.zone a
                        WHERE a.contexte = p_contexte AND a.echelle = 'commune' AND a.insee_associee IS NULL
                          AND ST_Intersects(a.geom, q.geom)
                        ORDER BY ST_Area(ST_Intersection(a.geom, q.geom)) DESC, a.id LIMIT 1) c;
    PERFORM travail.analyser('zone');
END
$$;

-- Gives every residence its surrogate; returns how many were new. A surrogate that is taken is drawn again.
CREATE FUNCTION travail.remplir_idents(p_publication bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
    n bigint;
BEGIN
    LOOP
        INSERT INTO plan.ident (cle, id)
        SELECT r.id_residence, plan.tirer_id()
        FROM (SELECT DISTINCT s.id_residence FROM plan.contexte c JOIN prive.residence s ON s.lot = c.lot_residences
              WHERE c.publication = p_publication) r
        WHERE NOT EXISTS (SELECT FROM plan.ident i WHERE i.cle = r.id_residence)
        ON CONFLICT (id) DO NOTHING;
        GET DIAGNOSTICS n = ROW_COUNT;
        EXIT WHEN n = 0;
        total := total + n;
    END LOOP;
    PERFORM plan.analyser();
    RETURN total;
END
$$;

-- Residences of a context, placed by their point: in the IRIS that holds it (on a limit: the lowest code), else in the
-- nearest within 500 m; in the QPV that holds it (on a limit: the lowest code). Commune and commune associée are the IRIS's,
-- so that IRIS nest in communes. A residence farther out is not published; the number of those is returned.
CREATE FUNCTION travail.remplir_residences(p_publication bigint, p_contexte int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    x plan.contexte;
    n bigint;
BEGIN
    SELECT * INTO STRICT x FROM plan.contexte c WHERE c.publication = p_publication AND c.contexte = p_contexte;
    DELETE FROM travail.residence WHERE contexte = p_contexte;
    INSERT INTO travail.residence
    SELECT p_contexte, r.id_residence, i.id, r.nom, r.siren_bailleur, r.classe_qualification, r.date_qualification,
           z.insee_com, z.insee_associee, z.id, q.id, r.point
    FROM (SELECT s.*, ST_SnapToGrid(s.geom, 0.01) AS point FROM prive.residence s WHERE s.lot = x.lot_residences) r
    JOIN plan.ident i ON i.cle = r.id_residence
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT min(t.id) FROM travail.zone t
             WHERE t.contexte = p_contexte AND t.echelle = 'iris' AND ST_Intersects(t.geom, r.point)),
            (SELECT t.id FROM travail.zone t
             WHERE t.contexte = p_contexte AND t.echelle = 'iris' AND ST_DWithin(t.geom, r.point, 500)
             ORDER BY ST_Distance(t.geom, r.point), t.id LIMIT 1)) AS id OFFSET 0) v
    JOIN travail.zone z ON z.contexte = p_contexte AND z.echelle = 'iris' AND z.id = v.id
    CROSS JOIN LATERAL (
        SELECT min(t.id) AS id FROM travail.zone t
        WHERE t.contexte = p_contexte AND t.echelle = 'qpv' AND ST_Intersects(t.geom, r.point)) q;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('residence');
    RETURN (SELECT count(*) FROM prive.residence WHERE lot = x.lot_residences) - n;
END
$$;

CREATE INDEX ON travail.zone (contexte, echelle, id);
CREATE INDEX ON travail.zone USING gist (geom);
CREATE INDEX ON travail.residence (contexte, cle);
CREATE INDEX ON travail.residence (contexte, id);

-- Only the owner of a table can analyse it.
CREATE FUNCTION travail.analyser(p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('ANALYZE travail.%I', p_relation);
END
$$;
