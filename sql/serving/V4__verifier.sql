-- Rules that span tables. The CHECK constraints hold every row by itself; this holds the candidate as a whole. It is no
-- proof against differencing (that is the work of `seuil check`, another role with another code): it is what the database
-- itself can see without knowing any withheld value.

-- What breaks a rule: relation, rule, how many rows. None: the candidate is marked as verified.
CREATE FUNCTION registre.verifier(p_publication bigint) RETURNS TABLE (relation text, regle text, lignes bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r text;
    n bigint;
    constats bigint := 0;
BEGIN
    PERFORM FROM registre.publication p WHERE p.id = p_publication AND p.etat = 'candidate' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'publication % is no candidate', p_publication;
    END IF;

    -- Every table is sealed: nobody can write after this.
    FOR r IN SELECT nom FROM registre.relation LOOP
        SELECT count(*) INTO n FROM pg_inherits i
        WHERE i.inhparent = format('pub.%I', r)::regclass AND i.inhrelid = to_regclass(format('pub.%I', r || '_p' || p_publication));
        IF n <> 1 THEN
            relation := r; regle := 'not attached'; lignes := 1; constats := constats + 1;
            RETURN NEXT;
        END IF;
    END LOOP;

    -- A residence without data in the stock has none in any other theme, in the vintage that stands for the theme's.
    FOREACH r IN ARRAY ARRAY['occupation_residence', 'attributions_residence', 'environnement_residence'] LOOP
        EXECUTE format(
            'SELECT count(*) FROM pub.%I t
             JOIN (SELECT v.millesime, coalesce(max(p.millesime) FILTER (WHERE p.millesime <= v.millesime), min(p.millesime)) AS parc
                   FROM (SELECT DISTINCT millesime FROM pub.%1$I WHERE publication = $1) v
                   CROSS JOIN (SELECT DISTINCT millesime FROM pub.parc_residence WHERE publication = $1) p
                   GROUP BY v.millesime) v USING (millesime)
             LEFT JOIN pub.parc_residence p ON p.publication = $1 AND p.id = t.id AND p.millesime = v.parc
             WHERE t.publication = $1 AND t.statut = ''diffuse'' AND p.statut IS DISTINCT FROM ''diffuse''', r)
        INTO n USING p_publication;
        IF n > 0 THEN
            relation := r; regle := 'shown although withheld in parc_residence'; lignes := n; constats := constats + 1;
            RETURN NEXT;
        END IF;
    END LOOP;

    -- Every code that a row carries is the code of a zone: a territory finds all its rows.
    FOREACH r IN ARRAY ARRAY['parc_residence', 'occupation_residence', 'attributions_residence', 'environnement_residence'] LOOP
        EXECUTE format(
            'SELECT count(*) FROM pub.%I t WHERE t.publication = $1 AND NOT (
                 EXISTS (SELECT FROM pub.zone z WHERE z.publication = $1 AND z.echelle = ''iris'' AND z.code = t.code_iris)
             AND EXISTS (SELECT FROM pub.zone z WHERE z.publication = $1 AND z.echelle = ''commune'' AND z.code = t.insee_com)
             AND (t.code_qp IS NULL
                  OR EXISTS (SELECT FROM pub.zone z WHERE z.publication = $1 AND z.echelle = ''qpv'' AND z.code = t.code_qp)))', r)
        INTO n USING p_publication;
        IF n > 0 THEN
            relation := r; regle := 'code of no zone'; lignes := n; constats := constats + 1;
            RETURN NEXT;
        END IF;
    END LOOP;

    IF constats = 0 THEN
        UPDATE registre.publication p SET verifiee = clock_timestamp() WHERE p.id = p_publication;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION registre.verifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registre.verifier TO seuil_publisher, seuil_checker;
