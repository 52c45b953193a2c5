-- Figures of a theme or family that zone rows of a candidate count and that no row of its own shows, each once: the
-- residence, the vintage of the figures in `travail` (`etat`), and the number by which `travail.connaissances` calls them.
-- A landlord knows those of its own.
CREATE FUNCTION travail.figures(p_publication bigint, p_theme text, p_famille text)
RETURNS TABLE (id text, etat int, numero int) LANGUAGE sql STABLE AS $$
    WITH c AS (
        SELECT l.id, l.millesime AS etat FROM plan.ligne l
        WHERE l.publication = p_publication AND l.theme = p_theme AND l.echelle = 'residence'
          AND NOT EXISTS (SELECT FROM travail.compte t WHERE t.theme = p_theme AND t.millesime = l.millesime AND t.id = l.id
                          AND t.famille IN ('', p_famille))
        UNION
        SELECT t.id, t.etat FROM travail.compte t WHERE t.theme = p_theme AND t.famille = p_famille AND t.etat IS NOT NULL
        UNION
        SELECT t.id, t.etat FROM travail.compte t
        WHERE p_famille > '' AND t.theme = p_theme AND t.famille = '' AND t.etat IS NOT NULL
          AND NOT EXISTS (SELECT FROM travail.compte x WHERE x.theme = p_theme AND x.millesime = t.millesime
                          AND x.famille = p_famille AND x.id = t.id)
    )
    SELECT c.id, c.etat, CASE WHEN c.etat > 0 AND g.unites IS NOT NULL THEN 10000 * p_publication::int + c.etat ELSE abs(c.etat) END
    FROM c
    LEFT JOIN travail.gele g ON g.theme = p_theme AND g.millesime = abs(c.etat) AND g.id = c.id
    WHERE NOT EXISTS (SELECT FROM plan.ligne l
                      WHERE l.publication = p_publication AND l.theme = p_theme AND l.millesime = c.etat AND l.echelle = 'residence'
                        AND l.id = c.id AND l.statut = 'diffuse' AND (p_famille = '' OR p_famille = ANY (l.familles)))
$$;

GRANT EXECUTE ON FUNCTION travail.figures TO seuil_publisher;
