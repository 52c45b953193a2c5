-- What is analysed, and when. A statement over a context or vintage of which the statistics know nothing is planned for a handful
-- of rows; an automatic ANALYZE that holds a table must not be the reason. Only the sums of a theme, where two vintages are
-- summed at once, are passed over while somebody else analyses them: they are analysed when all are there.
CREATE OR REPLACE FUNCTION travail.analyser(p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET default_statistics_target = 20 SET client_min_messages = error AS $$
BEGIN
    IF p_relation IN ('parc', 'occupation', 'attributions') THEN
        EXECUTE format('ANALYZE (SKIP_LOCKED) travail.%I', p_relation);
    ELSE
        EXECUTE format('ANALYZE travail.%I', p_relation);
    END IF;
END
$$;
CREATE FUNCTION travail.analyser_sommes() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET default_statistics_target = 20 AS $$
BEGIN
    ANALYZE travail.parc, travail.occupation, travail.attributions;
END
$$;
REVOKE ALL ON FUNCTION travail.analyser_sommes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION travail.analyser_sommes TO seuil_publisher;

-- Placed points are joined by their key whatever is known of how many there are.
ALTER FUNCTION travail.remplir_residences(bigint, int) SET enable_nestloop = off;
ALTER FUNCTION travail.remplir_residences(bigint, int) SET enable_mergejoin = off;
