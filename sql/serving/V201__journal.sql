-- The access record: who used what for which purpose. Servers write it into their local spool first (durable before the
-- first byte of data leaves) and move finished segments here. Servers may insert, and nothing else.
--
-- Every line of a spool has a number of its own, (instance, sequence), and the SHA-256 of the line before it and of its
-- own text: `empreinte`. The lines of one instance, read over the four tables in the order of `sequence`, form a chain.

CREATE SCHEMA journal;

-- First line of a segment. Its presence means that the whole segment was moved: both happen in one transaction.
CREATE TABLE journal.segment (
    instance text NOT NULL CHECK (instance ~ '^[0-9a-f]{16}$'),
    sequence bigint NOT NULL CHECK (sequence > 0),
    dernier bigint NOT NULL,
    ligne text NOT NULL,
    empreinte bytea NOT NULL CHECK (octet_length(empreinte) = 32),
    deplace_le timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (instance, sequence),
    CHECK (dernier >= sequence)
);

CREATE TABLE journal.acces (
    instance text NOT NULL,
    sequence bigint NOT NULL,
    ouvert_le timestamptz NOT NULL,
    convention text NOT NULL,
    serie text NOT NULL,
    adresse inet NOT NULL,
    finalite text NOT NULL,
    protocole text NOT NULL,
    operation text NOT NULL,
    couches text[] NOT NULL,
    emprise float8[],                   -- EPSG:2154: min x, min y, max x, max y
    publication bigint NOT NULL,
    ligne text NOT NULL,
    empreinte bytea NOT NULL,
    PRIMARY KEY (instance, sequence, ouvert_le)
) PARTITION BY RANGE (ouvert_le);
CREATE INDEX ON journal.acces (convention, ouvert_le);

CREATE TABLE journal.fin (
    instance text NOT NULL,
    sequence bigint NOT NULL,
    ferme_le timestamptz NOT NULL,
    acces bigint NOT NULL,              -- sequence of the access that ended
    issue text NOT NULL,                -- complete, aborted, failed, revoked, interrupted
    objets bigint,
    octets bigint,
    duree_ms bigint,
    sha256 bytea,                       -- of the body
    ligne text NOT NULL,
    empreinte bytea NOT NULL,
    PRIMARY KEY (instance, sequence, ferme_le)
) PARTITION BY RANGE (ferme_le);
CREATE INDEX ON journal.fin (instance, acces);

CREATE TABLE journal.refus (
    instance text NOT NULL,
    sequence bigint NOT NULL,
    refuse_le timestamptz NOT NULL,
    motif text NOT NULL,
    convention text,
    serie text,
    sujet text,
    adresse inet NOT NULL,
    chemin text NOT NULL,
    nombre bigint NOT NULL CHECK (nombre > 0),  -- like refusals of one minute are counted, not listed
    ligne text NOT NULL,
    empreinte bytea NOT NULL,
    PRIMARY KEY (instance, sequence, refuse_le)
) PARTITION BY RANGE (refuse_le);
CREATE INDEX ON journal.refus (convention, refuse_le);

-- Monthly partitions (UTC), made by whoever moves the first segment of a month.
CREATE FUNCTION journal.preparer(jour date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    debut date := date_trunc('month', jour::timestamp)::date;
    t text;
BEGIN
    IF jour IS NULL OR debut < '2020-01-01' OR debut > (now() + interval '62 days')::date THEN
        RAISE EXCEPTION 'no journal of %', jour USING ERRCODE = 'invalid_datetime_format';
    END IF;
    PERFORM pg_advisory_xact_lock(7345005);
    FOREACH t IN ARRAY ARRAY['acces', 'fin', 'refus'] LOOP
        IF to_regclass(format('journal.%I', t || to_char(debut, '_YYYY_MM'))) IS NULL THEN
            EXECUTE format('CREATE TABLE journal.%I PARTITION OF journal.%I FOR VALUES FROM (%L) TO (%L)',
                t || to_char(debut, '_YYYY_MM'), t,
                debut || ' 00:00:00+00', (debut + interval '1 month')::date || ' 00:00:00+00');
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION journal.preparer(date) FROM PUBLIC;

-- Retention: drops the months that lie wholly before a day. The segments' first lines stay: the chain can still be
-- followed through what is left.
CREATE FUNCTION journal.purger(avant date) RETURNS SETOF text LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT c.relname, to_date(right(c.relname, 7), 'YYYY_MM') AS mois
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent IN ('journal.acces'::regclass, 'journal.fin'::regclass, 'journal.refus'::regclass)
    LOOP
        IF (p.mois + interval '1 month')::date <= avant THEN
            EXECUTE format('DROP TABLE journal.%I', p.relname);
            RETURN NEXT p.relname;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION journal.purger(date) FROM PUBLIC;

-- A segment that overlaps another of its instance would make some (instance, sequence) twice.
CREATE FUNCTION journal.avant_segment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7345006, hashtext(NEW.instance));
    IF EXISTS (SELECT FROM journal.segment s WHERE s.instance = NEW.instance AND s.sequence = NEW.sequence
               AND s.dernier = NEW.dernier AND s.empreinte = NEW.empreinte) THEN
        RETURN NULL;                    -- moved before, word for word: nothing to do
    END IF;
    IF EXISTS (SELECT FROM journal.segment s WHERE s.instance = NEW.instance
               AND s.sequence <= NEW.dernier AND s.dernier >= NEW.sequence) THEN
        RAISE EXCEPTION 'instance %: lines % to % overlap a segment moved before', NEW.instance, NEW.sequence,
            NEW.dernier USING ERRCODE = 'unique_violation';
    END IF;
    NEW.deplace_le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON journal.segment FOR EACH ROW EXECUTE FUNCTION journal.avant_segment();

CREATE FUNCTION journal.immuable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is insert-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['segment', 'acces', 'fin', 'refus'] LOOP
        EXECUTE format('CREATE TRIGGER immuable BEFORE UPDATE OR DELETE ON journal.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION journal.immuable()', t);
    END LOOP;
END $$;

-- Every line of every instance in its order, for the check of the chain.
CREATE VIEW journal.ligne AS
SELECT instance, sequence, ligne, empreinte FROM journal.segment
UNION ALL SELECT instance, sequence, ligne, empreinte FROM journal.acces
UNION ALL SELECT instance, sequence, ligne, empreinte FROM journal.fin
UNION ALL SELECT instance, sequence, ligne, empreinte FROM journal.refus;

GRANT USAGE ON SCHEMA journal TO seuil_server, seuil_auditor;
GRANT INSERT ON journal.segment, journal.acces, journal.fin, journal.refus TO seuil_server;
GRANT EXECUTE ON FUNCTION journal.preparer(date) TO seuil_server;
GRANT SELECT ON ALL TABLES IN SCHEMA journal TO seuil_auditor;
