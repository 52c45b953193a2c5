-- Database `serving`: publications. A publication is immutable: its rows are written once into tables of its own, sealed,
-- checked, and from then on only its state changes. A withheld value never enters this database.
--
-- The life of a publication, each step a function of the owner (the publisher has no right on the tables themselves):
--   registre.ouvrir      a candidate with empty tables `pub.<relation>_p<id>`, which the publisher fills
--   registre.attacher    one of them becomes a partition: indexes are built, nobody writes any more
--   registre.verifier    rules that span tables; the candidate must have passed to become current
--   registre.publier     candidate ▶ current, in one short transaction; the former one lives on for its grace time
--   registre.revenir     a former one is current again
--   registre.purger      a candidate, or a former one whose grace time is over, is dropped

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA registre;
CREATE SCHEMA pub;
CREATE SCHEMA modele;   -- groups of columns, named like the field lists of the catalogue; never filled

-- The threshold, stated once. A configuration may be stricter, never weaker: the CHECK constraints call this.
CREATE FUNCTION pub.seuil() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 11 $$;

CREATE TABLE registre.publication (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    etat text NOT NULL DEFAULT 'candidate' CHECK (etat IN ('candidate', 'courante', 'ancienne', 'retiree')),
    creee timestamptz NOT NULL DEFAULT clock_timestamp(),
    verifiee timestamptz,              -- when `registre.verifier` found nothing
    courante_depuis timestamptz,       -- when it became current (the last time, after a return to it)
    fin_grace timestamptz,             -- until when a former one stays readable
    parametres jsonb NOT NULL,         -- of disclosure control, as applied
    lots jsonb NOT NULL,               -- imports it was computed from: source, vintage, version, never a file name
    rapport jsonb,                     -- counts, price per theme and scale, timings
    rapport_html text,
    CHECK ((etat = 'candidate') = (courante_depuis IS NULL) OR etat = 'retiree'),
    CHECK (etat <> 'ancienne' OR fin_grace IS NOT NULL)
);
CREATE UNIQUE INDEX une_courante ON registre.publication (etat) WHERE etat = 'courante';
CREATE UNIQUE INDEX une_candidate ON registre.publication (etat) WHERE etat = 'candidate';

-- The server's role sees the current publication and former ones in their grace time: here and, through the policies of
-- the published tables that ask this table, everywhere.
ALTER TABLE registre.publication ENABLE ROW LEVEL SECURITY;
CREATE POLICY lisible ON registre.publication FOR SELECT TO seuil_server
    USING (etat = 'courante' OR (etat = 'ancienne' AND fin_grace > statement_timestamp()));
CREATE POLICY tout ON registre.publication FOR SELECT TO seuil_publisher, seuil_checker USING (true);

-- What independent controls found. A publication with findings never becomes current.
CREATE TABLE registre.verdict (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publication bigint NOT NULL REFERENCES registre.publication,
    controle text NOT NULL,
    rendu timestamptz NOT NULL DEFAULT clock_timestamp(),
    constats bigint NOT NULL CHECK (constats >= 0),
    rapport jsonb NOT NULL,
    rapport_html text
);

GRANT USAGE ON SCHEMA registre, pub TO seuil_publisher, seuil_checker, seuil_server;
GRANT SELECT ON registre.publication TO seuil_publisher, seuil_checker, seuil_server;
GRANT SELECT ON registre.verdict TO seuil_publisher, seuil_checker;
GRANT INSERT ON registre.verdict TO seuil_checker;

-- The relations of a publication: every partitioned table of `pub`.
CREATE VIEW registre.relation AS
SELECT c.oid, c.relname::text AS nom FROM pg_class c
WHERE c.relnamespace = 'pub'::regnamespace AND c.relkind = 'p' AND NOT c.relispartition;
GRANT SELECT ON registre.relation TO seuil_publisher, seuil_checker;

-- Opens a candidate. There is one at a time: a second call fails until the first is published or purged.
CREATE FUNCTION registre.ouvrir(p_parametres jsonb, p_lots jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning AS $$
DECLARE
    n bigint;
    r text;
BEGIN
    IF coalesce((p_parametres ->> 'seuil')::int, 0) < pub.seuil() THEN
        RAISE EXCEPTION 'threshold % is below %, the least this database accepts', p_parametres ->> 'seuil', pub.seuil();
    END IF;
    INSERT INTO registre.publication (parametres, lots) VALUES (p_parametres, p_lots) RETURNING id INTO n;
    FOR r IN SELECT nom FROM registre.relation LOOP
        EXECUTE format('CREATE TABLE pub.%I (LIKE pub.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, '
                       'CONSTRAINT une_publication CHECK (publication = %s))', r || '_p' || n, r, n);
        EXECUTE format('GRANT SELECT, INSERT, TRUNCATE ON pub.%I TO seuil_publisher', r || '_p' || n);
    END LOOP;
    RETURN n;
END
$$;

-- A table of the candidate becomes a partition. Idempotent.
CREATE FUNCTION registre.attacher(p_publication bigint, p_relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning SET maintenance_work_mem = '128MB' AS $$
DECLARE
    feuille text := p_relation || '_p' || p_publication;
BEGIN
    PERFORM FROM registre.publication p WHERE p.id = p_publication AND p.etat = 'candidate' FOR UPDATE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM registre.relation WHERE nom = p_relation) THEN
        RAISE EXCEPTION 'publication % is no candidate, or % no relation', p_publication, p_relation;
    END IF;
    IF (SELECT c.relispartition FROM pg_class c WHERE c.oid = format('pub.%I', feuille)::regclass) THEN
        RETURN;
    END IF;
    EXECUTE format('REVOKE ALL ON pub.%I FROM seuil_publisher', feuille);
    EXECUTE format('ALTER TABLE pub.%I ATTACH PARTITION pub.%I FOR VALUES IN (%s)', p_relation, feuille, p_publication);
    EXECUTE format('ALTER TABLE pub.%I DROP CONSTRAINT une_publication', feuille);
    EXECUTE format('ANALYZE pub.%I', feuille);
END
$$;

-- Candidate ▶ current. Checked before, so that this is short.
CREATE FUNCTION registre.publier(p_publication bigint, p_grace interval, p_rapport jsonb, p_rapport_html text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p registre.publication;
BEGIN
    LOCK TABLE registre.publication IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO p FROM registre.publication t WHERE t.id = p_publication;
    IF p.etat IS DISTINCT FROM 'candidate' THEN
        RAISE EXCEPTION 'publication % is no candidate', p_publication;
    END IF;
    IF p.verifiee IS NULL THEN
        RAISE EXCEPTION 'publication % has not been verified', p_publication;
    END IF;
    IF EXISTS (SELECT FROM registre.verdict v WHERE v.publication = p_publication AND v.constats > 0) THEN
        RAISE EXCEPTION 'a control has found something in publication %', p_publication;
    END IF;
    IF NOT EXISTS (SELECT FROM registre.verdict v WHERE v.publication = p_publication AND v.controle = 'attaque') THEN
        RAISE EXCEPTION 'publication % has not been attacked: no proof, no publication', p_publication;
    END IF;
    UPDATE registre.publication t SET etat = 'ancienne', fin_grace = now() + p_grace WHERE t.etat = 'courante';
    UPDATE registre.publication t SET etat = 'courante', courante_depuis = now(), rapport = p_rapport,
           rapport_html = p_rapport_html WHERE t.id = p_publication;
    PERFORM pg_notify('seuil_publication', p_publication::text);
END
$$;

-- A former publication is current again; the one it replaces becomes a former one. Nothing new is shown.
CREATE FUNCTION registre.revenir(p_publication bigint, p_grace interval) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOCK TABLE registre.publication IN SHARE ROW EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM registre.publication t WHERE t.id = p_publication AND t.etat = 'ancienne') THEN
        RAISE EXCEPTION 'publication % is no former publication', p_publication;
    END IF;
    UPDATE registre.publication t SET etat = 'ancienne', fin_grace = now() + p_grace WHERE t.etat = 'courante';
    UPDATE registre.publication t SET etat = 'courante', courante_depuis = now(), fin_grace = NULL
    WHERE t.id = p_publication;
    PERFORM pg_notify('seuil_publication', p_publication::text);
END
$$;

-- Drops the rows of a candidate, or of a former publication whose grace time is over; its record stays.
CREATE FUNCTION registre.purger(p_publication bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' SET client_min_messages = warning AS $$
DECLARE
    p registre.publication;
    r text;
BEGIN
    SELECT * INTO p FROM registre.publication t WHERE t.id = p_publication FOR UPDATE;
    IF p.id IS NULL OR NOT (p.etat = 'candidate' OR (p.etat = 'ancienne' AND p.fin_grace <= clock_timestamp())) THEN
        RAISE EXCEPTION 'publication % is %', p_publication,
            CASE p.etat WHEN 'courante' THEN 'the current one' WHEN 'ancienne' THEN 'in its grace time'
                        WHEN 'retiree' THEN 'purged already' ELSE 'unknown' END;
    END IF;
    FOR r IN SELECT nom FROM registre.relation LOOP
        EXECUTE format('DROP TABLE IF EXISTS pub.%I', r || '_p' || p_publication);
    END LOOP;
    UPDATE registre.publication t SET etat = 'retiree' WHERE t.id = p_publication;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA registre FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registre.ouvrir, registre.attacher, registre.publier, registre.revenir, registre.purger
    TO seuil_publisher;

-- With row security, a condition may use an index only if its operator is known not to leak. `&&` compares boxes and
-- raises no error that shows a value. Only a superuser can say so; without it, filters by box read whole partitions.
DO $$
BEGIN
    ALTER FUNCTION public.geometry_overlaps(public.geometry, public.geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege OR undefined_function THEN
    RAISE NOTICE 'as superuser: ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF';
END
$$;
