-- Tables that third parties publish of our stock, by commune: known rows for plan and proof.

ALTER TABLE ref.marge ADD COLUMN theme text NOT NULL DEFAULT 'parc' CHECK (theme IN ('parc', 'occupation', 'attributions'));

-- Communes of which anybody knows a sum, by vintage: every table that was imported and not purged counts, a newer one takes
-- back nothing. Sizes are known to any attacker anyway: a table that says nothing else of a commune adds nothing. A table by EPCI is not
-- in this: which communes it counts is not said, and the sum of all is taken as published in the plan.
CREATE FUNCTION travail.marges(p_publication bigint, p_theme text) RETURNS TABLE (millesime int, insee_com text)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l.millesime, m.code
    FROM import.emploi e JOIN import.lot l ON l.lot = e.lot AND l.source = 'marges' JOIN ref.marge m ON m.lot = l.lot
    WHERE e.publication = p_publication AND m.theme = p_theme AND m.echelle = 'commune' AND m.valeur IS NOT NULL
      AND m.champ NOT IN ('nb_ls', 'nb_lgt_tot', 'densite', 'nb_logements', 'nb_menages', 'nb_attributions')
$$;

-- Residences that such a table counts, as they stand in the vintage, published here or not; `p_place`: of their units.
CREATE FUNCTION travail.connaissances_marges(p_publication bigint, p_theme text, p_place int)
RETURNS TABLE (millesime int, id text, unites bigint, bailleur text, zones text) LANGUAGE sql STABLE AS $$
    SELECT v.millesime, u.id, u.unites[p_place]::bigint, coalesce(r.siren_bailleur, ''), 'marge:' || r.insee_com
    FROM plan.millesime v
    JOIN travail.residence r ON r.contexte = v.contexte
    JOIN travail.marges(p_publication, p_theme) m ON m.millesime = v.millesime AND m.insee_com = r.insee_com
    JOIN stat.unites u ON u.theme = p_theme AND u.millesime = v.millesime AND u.echelle = 'residence' AND u.id = r.id
    WHERE v.publication = p_publication AND v.theme = p_theme AND u.unites[p_place] > 0
$$;
GRANT EXECUTE ON FUNCTION travail.marges, travail.connaissances_marges TO seuil_publisher;
