-- The published tables: exactly the relations of `capabilities/catalogue.toml`, `publication` first, `geom` last.
-- Each is partitioned by publication and carries the rule:
--   diffuse   a row is `diffuse` if and only if it has its theme's denominator, which is at or over the threshold;
--   secret    a row that is not `diffuse` holds no value at all (name and owner of a residence included).

CREATE TABLE pub.parc_commune (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_commune INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.parc INCLUDING CONSTRAINTS,
    LIKE modele.parc_zone INCLUDING CONSTRAINTS,
    LIKE modele.parc_commune INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_logements IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(nb_en_qpv, part_qpv, nb_rp, densite_rpls, tx_sru) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.parc_iris (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_iris INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.parc INCLUDING CONSTRAINTS,
    LIKE modele.parc_zone INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_logements IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(nb_en_qpv, part_qpv) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.parc_qpv (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_qpv INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.parc INCLUDING CONSTRAINTS,
    LIKE modele.parc_zone INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_logements IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(nb_en_qpv, part_qpv) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.parc_residence (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_residence INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.bailleur INCLUDING CONSTRAINTS,
    LIKE modele.parc INCLUDING CONSTRAINTS,
    geom geometry(Point, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_logements IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(nom, siren_bailleur) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.occupation_commune (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_commune INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.occupation INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_menages IS NOT NULL)),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.occupation_iris (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_iris INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.occupation INCLUDING CONSTRAINTS,
    LIKE modele.qualification INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_menages IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(classe_qualification) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.occupation_qpv (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_qpv INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.occupation INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_menages IS NOT NULL)),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.occupation_residence (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_residence INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.bailleur INCLUDING CONSTRAINTS,
    LIKE modele.occupation INCLUDING CONSTRAINTS,
    LIKE modele.qualification INCLUDING CONSTRAINTS,
    LIKE modele.qualification_date INCLUDING CONSTRAINTS,
    geom geometry(Point, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_menages IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(
        nom, siren_bailleur, classe_qualification, date_qualification) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.attributions_commune (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_commune INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.attributions INCLUDING CONSTRAINTS,
    LIKE modele.attributions_zone INCLUDING CONSTRAINTS,
    LIKE modele.attributions_commune INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_attributions IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(
        nb_rc_hors_qpv, nb_q1_hors_qpv, part_q1_hors_qpv, nb_rc_qpv, nb_q2_q4_qpv, part_q2_q4_qpv, nb_demandes,
        tension, nb_delai_anormal, part_delai_anormal) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.attributions_iris (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_iris INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.attributions INCLUDING CONSTRAINTS,
    LIKE modele.attributions_zone INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_attributions IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(
        nb_rc_hors_qpv, nb_q1_hors_qpv, part_q1_hors_qpv, nb_rc_qpv, nb_q2_q4_qpv, part_q2_q4_qpv) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.attributions_qpv (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_qpv INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.attributions INCLUDING CONSTRAINTS,
    LIKE modele.attributions_zone INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_attributions IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(
        nb_rc_hors_qpv, nb_q1_hors_qpv, part_q1_hors_qpv, nb_rc_qpv, nb_q2_q4_qpv, part_q2_q4_qpv) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.attributions_residence (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_residence INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.bailleur INCLUDING CONSTRAINTS,
    LIKE modele.attributions INCLUDING CONSTRAINTS,
    geom geometry(Point, 2154) NOT NULL,
    CONSTRAINT diffuse CHECK ((statut = 'diffuse') = (nb_attributions IS NOT NULL)),
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(nom, siren_bailleur) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.environnement_residence (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_residence INCLUDING CONSTRAINTS,
    LIKE modele.temps INCLUDING CONSTRAINTS,
    LIKE modele.environnement INCLUDING CONSTRAINTS,
    geom geometry(Point, 2154) NOT NULL,
    CONSTRAINT secret CHECK (statut = 'diffuse' OR num_nonnulls(
        nom, en_qpv, dist_qpv_m, bande_300m, indice_fragilite, classe_fragilite, dist_ecole_m, dist_college_m,
        dist_medecin_m, dist_pharmacie_m, dist_alim_m, dist_poste_m, dist_tc_m, dist_parc_m, nb_equip_500m,
        classe_equipement) = 0),
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.contour_commune (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_commune INCLUDING CONSTRAINTS,
    LIKE modele.contour_temps INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.contour_iris (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_iris INCLUDING CONSTRAINTS,
    LIKE modele.contour_temps INCLUDING CONSTRAINTS,
    LIKE modele.iris_type INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);
CREATE TABLE pub.contour_qpv (
    publication bigint NOT NULL,
    LIKE modele.tete INCLUDING CONSTRAINTS,
    LIKE modele.codes_qpv INCLUDING CONSTRAINTS,
    LIKE modele.contour_temps INCLUDING CONSTRAINTS,
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (publication, id, millesime),
    UNIQUE (publication, objectid)
) PARTITION BY LIST (publication);

-- Zones and their links: what territories of conventions are resolved with.
CREATE TABLE pub.zone (
    publication bigint NOT NULL,
    echelle text COLLATE "C" NOT NULL CHECK (echelle IN ('commune', 'iris', 'qpv')),
    code text COLLATE "C" NOT NULL,
    nom text COLLATE "C",
    insee_com text COLLATE "C" NOT NULL,       -- of a commune associée: its chef-lieu; of a QPV: the main commune
    insee_associee text COLLATE "C",           -- of a commune associée: itself; of an IRIS: the one it lies in
    PRIMARY KEY (publication, echelle, code)
) PARTITION BY LIST (publication);

-- A QPV, an IRIS it shares ground with, and that IRIS's commune.
CREATE TABLE pub.zone_lien (
    publication bigint NOT NULL,
    code_qp text COLLATE "C" NOT NULL,
    code_iris text COLLATE "C" NOT NULL,
    insee_com text COLLATE "C" NOT NULL,
    PRIMARY KEY (publication, code_qp, code_iris)
) PARTITION BY LIST (publication);

-- Indexes, row security and grants, alike on every table.
DO $$
DECLARE
    r text;
BEGIN
    FOR r IN SELECT nom FROM registre.relation LOOP
        IF r NOT LIKE 'zone%' THEN
            EXECUTE format('CREATE INDEX ON pub.%I USING gist (geom)', r);
        END IF;
        EXECUTE format('ALTER TABLE pub.%I ENABLE ROW LEVEL SECURITY', r);
        EXECUTE format('CREATE POLICY lisible ON pub.%I FOR SELECT TO seuil_server '
                       'USING (publication IN (SELECT id FROM registre.publication))', r);
        EXECUTE format('CREATE POLICY tout ON pub.%I FOR SELECT TO seuil_publisher, seuil_checker USING (true)', r);
        EXECUTE format('GRANT SELECT ON pub.%I TO seuil_publisher, seuil_checker, seuil_server', r);
    END LOOP;
END
$$;
