-- Two relations are sealed at once. What has to be kept away is a change of the candidate's state: a shared lock does. Samples
-- are small: rows are read whole, or found by key or box.
CREATE OR REPLACE FUNCTION registre.attacher(p_publication bigint, p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning SET maintenance_work_mem = '128MB'
SET default_statistics_target = 20 AS $$
DECLARE
    feuille text := p_relation || '_p' || p_publication;
BEGIN
    PERFORM FROM registre.publication p WHERE p.id = p_publication AND p.etat = 'candidate' FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM registre.relation WHERE nom = p_relation) THEN
        RAISE EXCEPTION 'publication % is no candidate, or % no relation', p_publication, p_relation;
    END IF;
    IF (SELECT c.relispartition FROM pg_class c WHERE c.oid = format('pub.%I', feuille)::regclass) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE pub.%I IN ACCESS EXCLUSIVE MODE', feuille);
    EXECUTE format('REVOKE ALL ON pub.%I FROM seuil_publisher', feuille);
    EXECUTE format('ALTER TABLE pub.%I ATTACH PARTITION pub.%I FOR VALUES IN (%s)', p_relation, feuille, p_publication);
    EXECUTE format('ALTER TABLE pub.%I DROP CONSTRAINT une_publication', feuille);
    EXECUTE format('ANALYZE pub.%I', feuille);
END
$$;
