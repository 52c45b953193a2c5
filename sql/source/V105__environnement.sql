-- Surroundings of residences: priority districts, fragility of the IRIS, distance to amenities. Only of residences that
-- the plan shows in the stock; the others are not even computed.

-- Amenities by type (BPE of INSEE, old and new codes; the metropolis's own TC and PARC) in eight groups.
CREATE TABLE stat.typequ (
    typequ text PRIMARY KEY,
    categorie text NOT NULL CHECK (categorie IN ('ecole', 'college', 'medecin', 'pharmacie', 'alim', 'poste', 'tc', 'parc'))
);
INSERT INTO stat.typequ VALUES
    ('C101', 'ecole'), ('C102', 'ecole'), ('C104', 'ecole'), ('C105', 'ecole'), ('C107', 'ecole'), ('C108', 'ecole'),
    ('C109', 'ecole'), ('C201', 'college'), ('D201', 'medecin'), ('D265', 'medecin'), ('D301', 'pharmacie'),
    ('D307', 'pharmacie'), ('B101', 'alim'), ('B102', 'alim'), ('B104', 'alim'), ('B105', 'alim'), ('B201', 'alim'),
    ('B202', 'alim'), ('B203', 'alim'), ('A206', 'poste'), ('A207', 'poste'), ('A208', 'poste'), ('TC', 'tc'), ('PARC', 'parc');

CREATE UNLOGGED TABLE travail.equipement (
    lot bigint NOT NULL,
    categorie text NOT NULL,
    geom geometry(Point, 2154) NOT NULL
);
CREATE INDEX ON travail.equipement USING gist (geom);
-- One index a group: the nearest of a group is found without passing the others.
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'ecole';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'college';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'medecin';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'pharmacie';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'alim';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'poste';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'tc';
CREATE INDEX ON travail.equipement USING gist (geom) WHERE categorie = 'parc';

CREATE UNLOGGED TABLE travail.fragilite (
    millesime int NOT NULL,                  -- of the stock
    code_iris text COLLATE "C" NOT NULL,
    indice float8 NOT NULL,
    classe int NOT NULL,
    PRIMARY KEY (millesime, code_iris)
);
CREATE UNLOGGED TABLE travail.environnement (
    millesime int NOT NULL,
    id text COLLATE "C" NOT NULL,
    dist_qpv_m int,
    dist_ecole_m int, dist_college_m int, dist_medecin_m int, dist_pharmacie_m int, dist_alim_m int, dist_poste_m int,
    dist_tc_m int, dist_parc_m int,
    nb_equip_500m int,
    PRIMARY KEY (millesime, id)
);

-- Index of fragility of an IRIS: four published shares of the occupation (households under 40 % of the PLUS ceilings,
-- adults without a job, single parents, households with housing allowance), each turned into its rank among the IRIS that
-- show all four (0 least, 100 most), and averaged. Class: the fifth of the IRIS it falls in, 1 to 5. It is made of published
-- figures alone, so it tells nothing that they do not. The occupation is that of the newest vintage up to the stock's, else
-- of the oldest.
CREATE FUNCTION travail.remplir_fragilite(p_publication bigint, p_millesime int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM travail.fragilite WHERE millesime = p_millesime;
    INSERT INTO travail.fragilite
    WITH m AS (
        SELECT millesime FROM plan.millesime WHERE publication = p_publication AND theme = 'occupation'
        ORDER BY millesime <= p_millesime DESC, abs(millesime - p_millesime) LIMIT 1
    ), rang AS (
        SELECT o.v_id AS code_iris,
               percent_rank() OVER (ORDER BY o.part_moins_20 + o.part_20_40) + percent_rank() OVER (ORDER BY o.part_sans_emploi)
               + percent_rank() OVER (ORDER BY o.part_monoparentales) + percent_rank() OVER (ORDER BY o.part_apl) AS somme
        FROM stat.occupation o JOIN m ON m.millesime = o.v_millesime
        WHERE o.v_echelle = 'iris' AND num_nulls(o.part_moins_20, o.part_20_40, o.part_sans_emploi) = 0
    )
    SELECT p_millesime, code_iris, round((25 * somme)::numeric, 1),
           least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY somme)))
    FROM rang;
END
$$;

-- Amenities of the lots in use, by group.
CREATE FUNCTION travail.remplir_equipements(p_publication bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    TRUNCATE travail.equipement;
    INSERT INTO travail.equipement
    SELECT e.lot, t.categorie, e.geom FROM ref.equipement e JOIN stat.typequ t USING (typequ)
    WHERE e.lot IN (SELECT lot_equipements FROM plan.millesime WHERE publication = p_publication);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('equipement');
    RETURN n;
END
$$;

-- Distances in metres as the crow flies, for the residences that the plan shows; returns their number.
CREATE FUNCTION travail.remplir_environnement(p_publication bigint, p_millesime int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v plan.millesime;
    n bigint;
BEGIN
    SELECT * INTO STRICT v FROM plan.millesime m
    WHERE m.publication = p_publication AND m.theme = 'parc' AND m.millesime = p_millesime;
    DELETE FROM travail.environnement WHERE millesime = p_millesime;
    INSERT INTO travail.environnement
    SELECT p_millesime, r.id,
           (SELECT ST_Distance(z.geom, r.geom) FROM travail.zone z WHERE z.contexte = v.contexte AND z.echelle = 'qpv'
            ORDER BY z.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'ecole' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'college' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'medecin' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'pharmacie' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'alim' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'poste' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'tc' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           (SELECT ST_Distance(e.geom, r.geom) FROM travail.equipement e
            WHERE e.categorie = 'parc' AND e.lot = v.lot_equipements ORDER BY e.geom <-> r.geom LIMIT 1),
           CASE WHEN v.lot_equipements IS NOT NULL
                THEN (SELECT count(*) FROM travail.equipement e
                      WHERE e.lot = v.lot_equipements AND ST_DWithin(e.geom, r.geom, 500)) END
    FROM plan.ligne l
    JOIN travail.residence r ON r.contexte = v.contexte AND r.id = l.id
    WHERE l.publication = p_publication AND l.theme = 'parc' AND l.millesime = p_millesime AND l.echelle = 'residence'
      AND l.statut = 'diffuse';
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM travail.analyser('environnement');
    RETURN n;
END
$$;
