-- The rows that a publication holds: one view for each relation of the catalogue, one row for each zone and residence of
-- each vintage, whatever the plan says of it. Values come from the views that fail closed; what they do not show is null.

-- Zones of every theme and vintage.
CREATE VIEW stat.rang_zone AS
SELECT m.theme, m.millesime, z.echelle, z.id, o.objectid, z.nom, z.insee_com AS com, z.insee_associee, z.typ_iris, z.nb_rp,
       z.tx_sru, m.date_reference, z.geo AS millesime_geo, l.statut AS ligne, z.geom
FROM plan.candidate c
JOIN plan.millesime m USING (publication)
JOIN travail.zone z USING (contexte)
LEFT JOIN plan.objet o ON o.echelle = z.echelle AND o.id = z.id AND o.millesime = m.millesime
LEFT JOIN plan.ligne l ON l.publication = c.publication AND l.theme = m.theme AND l.millesime = m.millesime
    AND l.echelle = z.echelle AND l.id = z.id;

-- Residences of every theme and vintage: those with dwellings in the stock of that vintage (or of the one that stands for
-- it), and any other that the figures of the theme count. What is counted is mapped.
CREATE VIEW stat.rang_residence AS
SELECT m.theme, m.millesime, r.id, o.objectid, r.nom, r.insee_com, r.insee_associee, r.code_iris, r.code_qp, r.siren_bailleur,
       r.classe_qualification, r.date_qualification, m.date_reference, x.geo_iris AS millesime_geo, l.statut AS ligne, r.geom
FROM plan.candidate c
JOIN plan.millesime m USING (publication)
JOIN plan.contexte x USING (publication, contexte)
JOIN travail.residence r USING (contexte)
LEFT JOIN travail.parc p ON p.millesime = m.parc AND p.echelle = 'residence' AND p.id = r.id
LEFT JOIN travail.occupation u ON m.theme = 'occupation' AND u.millesime = m.millesime AND u.echelle = 'residence' AND u.id = r.id
LEFT JOIN travail.attributions a ON m.theme = 'attributions' AND a.millesime = m.millesime AND a.echelle = 'residence' AND a.id = r.id
LEFT JOIN plan.objet o ON o.echelle = 'residence' AND o.id = r.id AND o.millesime = m.millesime
LEFT JOIN plan.ligne l ON l.publication = c.publication AND l.theme = m.theme AND l.millesime = m.millesime
    AND l.echelle = 'residence' AND l.id = r.id
WHERE p.id IS NOT NULL OR u.id IS NOT NULL OR a.id IS NOT NULL;

-- Status of a row: `diffuse` only when there are values; without a plan line `secret`.
CREATE FUNCTION stat.statut(p_montre boolean, p_ligne text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_montre THEN 'diffuse' WHEN p_ligne IN ('sans_objet', 'non_disponible') THEN p_ligne ELSE 'secret' END;

-- Stock.
CREATE VIEW stat.parc_commune AS
SELECT r.id, r.objectid, r.nom, r.id AS insee_com, CASE WHEN r.insee_associee IS NOT NULL THEN r.com END AS insee_chef_lieu, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*,
       CASE WHEN v.v_id IS NOT NULL AND r.nb_rp >= pub_seuil.seuil THEN r.nb_rp END AS nb_rp,
       CASE WHEN r.nb_rp >= pub_seuil.seuil THEN stat.part(v.nb_logements, r.nb_rp) END AS densite_rpls,
       CASE WHEN v.v_id IS NOT NULL THEN r.tx_sru END AS tx_sru, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.parc v ON v.v_millesime = r.millesime AND v.v_echelle = 'commune' AND v.v_id = r.id
CROSS JOIN (SELECT (parametres ->> 'seuil')::int AS seuil FROM plan.candidate) pub_seuil
WHERE r.theme = 'parc' AND r.echelle = 'commune';
CREATE VIEW stat.parc_iris AS
SELECT r.id, r.objectid, r.nom, r.id AS code_iris, r.com AS insee_com, r.insee_associee, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.parc v ON v.v_millesime = r.millesime AND v.v_echelle = 'iris' AND v.v_id = r.id
WHERE r.theme = 'parc' AND r.echelle = 'iris';
CREATE VIEW stat.parc_qpv AS
SELECT r.id, r.objectid, r.nom, r.id AS code_qp, r.com AS insee_com, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.parc v ON v.v_millesime = r.millesime AND v.v_echelle = 'qpv' AND v.v_id = r.id
WHERE r.theme = 'parc' AND r.echelle = 'qpv';
CREATE VIEW stat.parc_residence AS
SELECT r.id, r.objectid, CASE WHEN v.v_id IS NOT NULL THEN r.nom END AS nom, r.insee_com, r.insee_associee, r.code_iris,
       r.code_qp, r.millesime, r.date_reference, r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut,
       CASE WHEN v.v_id IS NOT NULL THEN r.siren_bailleur END AS siren_bailleur, v.*, r.geom
FROM stat.rang_residence r
LEFT JOIN stat.parc v ON v.v_millesime = r.millesime AND v.v_echelle = 'residence' AND v.v_id = r.id
WHERE r.theme = 'parc';

-- Occupation.
CREATE VIEW stat.occupation_commune AS
SELECT r.id, r.objectid, r.nom, r.id AS insee_com, CASE WHEN r.insee_associee IS NOT NULL THEN r.com END AS insee_chef_lieu, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.occupation v ON v.v_millesime = r.millesime AND v.v_echelle = 'commune' AND v.v_id = r.id
WHERE r.theme = 'occupation' AND r.echelle = 'commune';
-- Qualification of an IRIS: the class that holds most households among the residences shown there. Nothing else is looked at.
CREATE VIEW stat.qualification_iris AS
SELECT DISTINCT ON (millesime, code_iris) millesime, code_iris, classe_qualification
FROM (SELECT r.millesime, r.code_iris, r.classe_qualification, sum(v.nb_menages) AS n
      FROM stat.rang_residence r
      JOIN stat.occupation_montre v ON v.millesime = r.millesime AND v.echelle = 'residence' AND v.id = r.id
      WHERE r.theme = 'occupation' AND r.classe_qualification IS NOT NULL
      GROUP BY 1, 2, 3) q
ORDER BY millesime, code_iris, n DESC, classe_qualification;
CREATE VIEW stat.occupation_iris AS
SELECT r.id, r.objectid, r.nom, r.id AS code_iris, r.com AS insee_com, r.insee_associee, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*,
       CASE WHEN v.v_id IS NOT NULL THEN q.classe_qualification END AS classe_qualification, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.occupation v ON v.v_millesime = r.millesime AND v.v_echelle = 'iris' AND v.v_id = r.id
LEFT JOIN stat.qualification_iris q ON q.millesime = r.millesime AND q.code_iris = r.id
WHERE r.theme = 'occupation' AND r.echelle = 'iris';
CREATE VIEW stat.occupation_qpv AS
SELECT r.id, r.objectid, r.nom, r.id AS code_qp, r.com AS insee_com, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.occupation v ON v.v_millesime = r.millesime AND v.v_echelle = 'qpv' AND v.v_id = r.id
WHERE r.theme = 'occupation' AND r.echelle = 'qpv';
CREATE VIEW stat.occupation_residence AS
SELECT r.id, r.objectid, CASE WHEN v.v_id IS NOT NULL THEN r.nom END AS nom, r.insee_com, r.insee_associee, r.code_iris,
       r.code_qp, r.millesime, r.date_reference, r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut,
       CASE WHEN v.v_id IS NOT NULL THEN r.siren_bailleur END AS siren_bailleur, v.*,
       CASE WHEN v.v_id IS NOT NULL THEN r.classe_qualification END AS classe_qualification,
       CASE WHEN v.v_id IS NOT NULL THEN r.date_qualification::timestamp AT TIME ZONE 'UTC' END AS date_qualification, r.geom
FROM stat.rang_residence r
LEFT JOIN stat.occupation v ON v.v_millesime = r.millesime AND v.v_echelle = 'residence' AND v.v_id = r.id
WHERE r.theme = 'occupation';

-- Allocations.
CREATE VIEW stat.attributions_commune AS
SELECT r.id, r.objectid, r.nom, r.id AS insee_com, CASE WHEN r.insee_associee IS NOT NULL THEN r.com END AS insee_chef_lieu, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.attributions v ON v.v_millesime = r.millesime AND v.v_echelle = 'commune' AND v.v_id = r.id
WHERE r.theme = 'attributions' AND r.echelle = 'commune';
CREATE VIEW stat.attributions_iris AS
SELECT r.id, r.objectid, r.nom, r.id AS code_iris, r.com AS insee_com, r.insee_associee, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.attributions v ON v.v_millesime = r.millesime AND v.v_echelle = 'iris' AND v.v_id = r.id
WHERE r.theme = 'attributions' AND r.echelle = 'iris';
CREATE VIEW stat.attributions_qpv AS
SELECT r.id, r.objectid, r.nom, r.id AS code_qp, r.com AS insee_com, r.millesime, r.date_reference,
       r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut, v.*, r.geom
FROM stat.rang_zone r
LEFT JOIN stat.attributions v ON v.v_millesime = r.millesime AND v.v_echelle = 'qpv' AND v.v_id = r.id
WHERE r.theme = 'attributions' AND r.echelle = 'qpv';
CREATE VIEW stat.attributions_residence AS
SELECT r.id, r.objectid, CASE WHEN v.v_id IS NOT NULL THEN r.nom END AS nom, r.insee_com, r.insee_associee, r.code_iris,
       r.code_qp, r.millesime, r.date_reference, r.millesime_geo, stat.statut(v.v_id IS NOT NULL, r.ligne) AS statut,
       CASE WHEN v.v_id IS NOT NULL THEN r.siren_bailleur END AS siren_bailleur, v.*, r.geom
FROM stat.rang_residence r
LEFT JOIN stat.attributions v ON v.v_millesime = r.millesime AND v.v_echelle = 'residence' AND v.v_id = r.id
WHERE r.theme = 'attributions';

-- Surroundings. Level of amenities: how many of the eight groups are within 500 m: at most two, three to five, six and more.
CREATE VIEW stat.environnement_residence AS
SELECT r.id, r.objectid, CASE WHEN v.id IS NOT NULL THEN r.nom END AS nom, r.insee_com, r.insee_associee, r.code_iris,
       r.code_qp, r.millesime, r.date_reference, r.millesime_geo, stat.statut(v.id IS NOT NULL, 'secret') AS statut,
       CASE WHEN v.id IS NOT NULL THEN (r.code_qp IS NOT NULL)::int END AS en_qpv, e.dist_qpv_m,
       (e.dist_qpv_m <= 300)::int AS bande_300m,
       CASE WHEN v.id IS NOT NULL THEN f.indice END AS indice_fragilite,
       CASE WHEN v.id IS NOT NULL THEN f.classe END AS classe_fragilite,
       e.dist_ecole_m, e.dist_college_m, e.dist_medecin_m, e.dist_pharmacie_m, e.dist_alim_m, e.dist_poste_m, e.dist_tc_m,
       e.dist_parc_m, e.nb_equip_500m,
       CASE WHEN e.nb_equip_500m IS NULL THEN NULL WHEN k.n <= 2 THEN 1 WHEN k.n <= 5 THEN 2 ELSE 3 END AS classe_equipement,
       r.geom
FROM stat.rang_residence r
LEFT JOIN stat.parc_montre v ON v.millesime = r.millesime AND v.echelle = 'residence' AND v.id = r.id
LEFT JOIN travail.environnement e ON e.millesime = v.millesime AND e.id = v.id
LEFT JOIN travail.fragilite f ON f.millesime = r.millesime AND f.code_iris = r.code_iris
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d <= 500) AS n
    FROM unnest(ARRAY[e.dist_ecole_m, e.dist_college_m, e.dist_medecin_m, e.dist_pharmacie_m, e.dist_alim_m, e.dist_poste_m,
                      e.dist_tc_m, e.dist_parc_m]) d) k
WHERE r.theme = 'parc';

-- Outlines: each vintage of a zoning once (QPV: each generation).
CREATE VIEW stat.contour AS
SELECT DISTINCT ON (z.echelle, z.id, z.geo) z.echelle, z.id, o.objectid, z.nom, z.insee_com AS com, z.insee_associee,
       z.typ_iris, z.geo AS millesime, make_timestamptz(z.geo, 1, 1, 0, 0, 0, 'UTC') AS date_reference, z.geo AS millesime_geo, z.geom
FROM travail.zone z
LEFT JOIN plan.objet o ON o.echelle = z.echelle AND o.id = z.id AND o.millesime = z.geo
ORDER BY z.echelle, z.id, z.geo, z.contexte DESC;
CREATE VIEW stat.contour_commune AS
SELECT r.id, r.objectid, r.nom, r.id AS insee_com, CASE WHEN r.insee_associee IS NOT NULL THEN r.com END AS insee_chef_lieu, r.millesime, r.date_reference,
       r.millesime_geo, r.geom
FROM stat.contour r WHERE r.echelle = 'commune';
CREATE VIEW stat.contour_iris AS
SELECT r.id, r.objectid, r.nom, r.id AS code_iris, r.com AS insee_com, r.insee_associee, r.millesime, r.date_reference,
       r.millesime_geo, r.typ_iris, r.geom
FROM stat.contour r WHERE r.echelle = 'iris';
CREATE VIEW stat.contour_qpv AS
SELECT r.id, r.objectid, r.nom, r.id AS code_qp, r.com AS insee_com, r.millesime, r.date_reference,
       r.millesime_geo, r.geom
FROM stat.contour r WHERE r.echelle = 'qpv';

-- Zones and links, for territories: the newest name of a code; a QPV and the IRIS that share a hundredth of it, or hold a
-- residence of it.
CREATE VIEW stat.zone AS
SELECT DISTINCT ON (z.echelle, z.id) z.echelle, z.id AS code, z.nom, z.insee_com, z.insee_associee
FROM travail.zone z ORDER BY z.echelle, z.id, z.contexte DESC;
CREATE VIEW stat.zone_lien AS
SELECT DISTINCT ON (code_qp, code_iris) code_qp, code_iris, insee_com
FROM (SELECT q.contexte, q.id AS code_qp, i.id AS code_iris, i.insee_com
      FROM travail.zone q
      JOIN travail.zone i ON i.contexte = q.contexte AND i.echelle = 'iris' AND ST_Intersects(q.geom, i.geom)
      WHERE q.echelle = 'qpv' AND ST_Area(ST_Intersection(q.geom, i.geom)) >= 0.01 * ST_Area(q.geom)
      UNION ALL
      SELECT contexte, code_qp, code_iris, insee_com FROM travail.residence WHERE code_qp IS NOT NULL) l
ORDER BY code_qp, code_iris, contexte DESC;

-- Rows to come that have no integer identifier yet.
CREATE VIEW travail.a_nommer AS
SELECT x.echelle, x.id, x.millesime FROM (
    SELECT z.echelle, z.id, m.millesime FROM plan.candidate c JOIN plan.millesime m USING (publication) JOIN travail.zone z USING (contexte)
    UNION SELECT z.echelle, z.id, z.geo FROM travail.zone z
    UNION SELECT 'residence', r.id, m.millesime
    FROM plan.candidate c JOIN plan.millesime m USING (publication) JOIN travail.residence r USING (contexte)) x
WHERE NOT EXISTS (SELECT FROM plan.objet o WHERE o.echelle = x.echelle AND o.id = x.id AND o.millesime = x.millesime);

-- Names them; returns how many. A number that is taken is drawn again.
CREATE FUNCTION travail.nommer() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
    n bigint;
BEGIN
    LOOP
        INSERT INTO plan.objet (echelle, id, millesime, objectid)
        SELECT echelle, id, millesime, plan.tirer_objectid() FROM travail.a_nommer
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS n = ROW_COUNT;
        total := total + n;
        PERFORM plan.analyser();
        EXIT WHEN n = 0 OR NOT EXISTS (SELECT FROM travail.a_nommer);
    END LOOP;
    RETURN total;
END
$$;

-- Units for the plan, in this order (`src/publish/plan` names them alike): the theme's own denominator, then its families'.
CREATE VIEW stat.unites AS
SELECT 'parc' AS theme, millesime, echelle, id,
       ARRAY[nb_logements, nb_offerts, nb_offerts_1an, nb_surface, nb_loyer, nb_dpe, nb_en_qpv] AS unites
FROM travail.parc
UNION ALL
SELECT 'occupation', millesime, echelle, id,
       ARRAY[nb_menages, nb_revenu_connu, nb_age_connu, nb_adultes, nb_entree_connue, nb_loues]
FROM travail.occupation
UNION ALL
SELECT 'attributions', millesime, echelle, id,
       ARRAY[nb_attributions, nb_delai_connu, nb_revenu_connu, nb_rc_qpv]
FROM travail.attributions;

-- Writes the candidate into the ledger: rows that differ from what the ledger says last of them. Returns how many.
CREATE FUNCTION plan.inscrire(p_publication bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
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
    WHERE l.publication = p_publication
      AND (k.id IS NULL OR
           (k.statut, k.motif, k.familles, k.insee_com, k.insee_associee, k.code_iris, k.code_qp, k.siren_bailleur, k.logements, k.unites)
           IS DISTINCT FROM
           (l.statut, l.motif, l.familles, r.insee_com, r.insee_associee, r.code_iris, r.code_qp, r.siren_bailleur, p.logements, u.unites))
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;

GRANT SELECT ON ALL TABLES IN SCHEMA plan, travail, stat TO seuil_publisher;
DO $$
DECLARE
    r text;
BEGIN
    FOR r IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'travail'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('GRANT INSERT, DELETE, TRUNCATE ON travail.%I TO seuil_publisher', r);
    END LOOP;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plan, travail FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plan, travail TO seuil_publisher;
