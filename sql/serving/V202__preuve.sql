-- Proof of the access record, and the end of conventions: signed heads of the chain, purges on record, what the auditor may
-- compare a found file with, certificates of destruction.

-- A head: "the chain of this instance ends with this line". Servers sign one each day (and at each start) with a key of
-- their own that never enters a database: whoever changes, cuts or replaces lines that a head covers cannot make the
-- signature again. The public key is named for convenience; trust in it is the auditor's, who keeps a copy elsewhere.
CREATE TABLE journal.tete (
    instance text NOT NULL CHECK (instance ~ '^[0-9a-f]{16}$'),
    sequence bigint NOT NULL CHECK (sequence > 0),          -- the last line it covers
    jour date NOT NULL,                                     -- UTC, of the signature
    empreinte bytea NOT NULL CHECK (octet_length(empreinte) = 32),
    cle bytea NOT NULL CHECK (octet_length(cle) = 32),      -- Ed25519 public key (RFC 8032)
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    scellee_le timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (instance, sequence)
);

-- What retention removed, by instance: the check of the chain allows these lines to be missing, and no others.
CREATE TABLE journal.purge (
    purge bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    avant date NOT NULL,
    partition text NOT NULL,
    instance text NOT NULL,
    premier bigint NOT NULL,
    dernier bigint NOT NULL,
    lignes bigint NOT NULL,
    par text NOT NULL DEFAULT session_user,
    le timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['tete', 'purge'] LOOP
        EXECUTE format('CREATE TRIGGER immuable BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION journal.immuable()', t);
    END LOOP;
END $$;

-- Retention: drops the months that lie wholly before a day, and notes which lines went. The segments' first lines stay:
-- the chain can still be followed through what is left.
CREATE OR REPLACE FUNCTION journal.purger(avant date) RETURNS SETOF text LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT c.relname, to_date(right(c.relname, 7), 'YYYY_MM') AS mois
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent IN ('journal.acces'::regclass, 'journal.fin'::regclass, 'journal.refus'::regclass)
             ORDER BY c.relname
    LOOP
        IF (p.mois + interval '1 month')::date <= avant THEN
            EXECUTE format('INSERT INTO journal.purge (avant, partition, instance, premier, dernier, lignes)
                            SELECT %L, %L, instance, min(sequence), max(sequence), count(*) FROM journal.%I
                            GROUP BY instance', avant, p.relname, p.relname);
            EXECUTE format('DROP TABLE journal.%I', p.relname);
            RETURN NEXT p.relname;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION journal.purger(date) FROM PUBLIC;

-- Which of the publications still held show what a found file shows: for each the number of its keys, and of its values,
-- that are the same. `echantillon`: [{"id": ..., "millesime": ..., "valeurs": {column: value}}]. Only numbers come back.
CREATE FUNCTION journal.comparer(relation text, echantillon jsonb)
    RETURNS TABLE (publication bigint, cles bigint, valeurs bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registre.relation r WHERE r.nom = relation) THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT p.publication, count(*), coalesce(sum((
             SELECT count(*) FROM jsonb_each(e.o -> ''valeurs'') v WHERE p.ligne -> v.key = v.value)), 0)::bigint
         FROM jsonb_array_elements($1) e(o)
         JOIN LATERAL (SELECT q.publication, to_jsonb(q) - ''geom'' AS ligne FROM pub.%I q WHERE q.id = e.o ->> ''id''
                       AND (e.o ->> ''millesime'' IS NULL OR q.millesime = (e.o ->> ''millesime'')::int)) p ON true
         GROUP BY 1 ORDER BY 1', relation) USING echantillon;
END $$;
REVOKE ALL ON FUNCTION journal.comparer(text, jsonb) FROM PUBLIC;

GRANT INSERT ON journal.tete TO seuil_server;
GRANT SELECT ON journal.tete, journal.purge TO seuil_auditor;
GRANT EXECUTE ON FUNCTION journal.comparer(text, jsonb) TO seuil_auditor;

-- Certificates of destruction: the partner declares that what it downloaded is gone. Taken once a convention has ended.
CREATE TABLE convention.destruction (
    destruction bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    convention text NOT NULL,
    version int NOT NULL,
    date_destruction date NOT NULL,
    signataire text NOT NULL CHECK (signataire <> ''),
    document text NOT NULL CHECK (document <> ''),          -- name of the signed document
    empreinte bytea NOT NULL CHECK (octet_length(empreinte) = 32),  -- its SHA-256
    enregistre_par text NOT NULL,
    enregistre_le timestamptz NOT NULL,
    FOREIGN KEY (convention, version) REFERENCES convention.version
);
CREATE INDEX ON convention.destruction (convention);

CREATE FUNCTION convention.avant_destruction() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present record;
BEGIN
    SELECT e.version, e.statut, e.debut INTO present FROM convention.etat e WHERE e.convention = NEW.convention;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'convention % is unknown', NEW.convention USING ERRCODE = 'no_data_found';
    ELSIF present.statut NOT IN ('expiree', 'resiliee') THEN
        RAISE EXCEPTION 'convention % has not ended (%): a certificate of destruction is taken afterwards',
            NEW.convention, present.statut USING ERRCODE = 'check_violation';
    ELSIF NEW.date_destruction < present.debut
          OR NEW.date_destruction > (now() AT TIME ZONE 'Europe/Paris')::date THEN
        RAISE EXCEPTION 'destruction on %: neither before the convention nor in the future', NEW.date_destruction
            USING ERRCODE = 'check_violation';
    END IF;
    NEW.version := present.version;
    NEW.enregistre_par := session_user;
    NEW.enregistre_le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON convention.destruction
    FOR EACH ROW EXECUTE FUNCTION convention.avant_destruction();
CREATE TRIGGER immuable BEFORE UPDATE OR DELETE OR TRUNCATE ON convention.destruction
    FOR EACH STATEMENT EXECUTE FUNCTION convention.immuable();

GRANT SELECT ON convention.destruction TO seuil_drafter, seuil_signer, seuil_auditor;
GRANT INSERT ON convention.destruction TO seuil_drafter;
