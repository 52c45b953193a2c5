-- Database `source`: dwelling-level data. Reached by import and publish alone; never served, never replicated.
--
-- Every import is a lot: a new version beside the former ones, never an overwrite. Every table below is partitioned by
-- lot. The importer has no right on these tables: it opens a lot (`import.ouvrir`), fills the tables `<name>_<lot>` that
-- this made for it, and closes the lot (`import.clore`), which builds the indexes and attaches them as partitions, all in
-- one transaction. From then on nobody changes a row of it; `import.purger` drops the whole lot.

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA import;
CREATE SCHEMA ref;
CREATE SCHEMA prive;

-- The publisher reads everything here, also what later migrations and later lots add.
GRANT USAGE ON SCHEMA import, ref, prive TO seuil_importer, seuil_publisher;
ALTER DEFAULT PRIVILEGES IN SCHEMA import, ref, prive GRANT SELECT ON TABLES TO seuil_publisher;

CREATE TABLE import.lot (
    lot bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('communes', 'iris', 'qpv', 'rpls', 'occupation', 'attributions', 'demandes',
                                           'equipements', 'residences', 'marges')),
    millesime int NOT NULL CHECK (millesime BETWEEN 1990 AND 2100),
    version int NOT NULL,
    etat text NOT NULL DEFAULT 'chargement' CHECK (etat IN ('chargement', 'complet', 'purge')),
    fichier text NOT NULL,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    lignes bigint,                     -- lines or features read
    rejets bigint,                     -- of these, rejected
    debut timestamptz NOT NULL DEFAULT clock_timestamp(),
    fin timestamptz,                   -- when it became complete
    purge timestamptz,                 -- when its rows were removed
    UNIQUE (source, millesime, version)
);

-- The lot that the next publication uses: the newest complete one of each source and vintage.
CREATE VIEW import.courant AS
SELECT DISTINCT ON (source, millesime) source, millesime, lot, version
FROM import.lot WHERE etat = 'complet'
ORDER BY source, millesime, version DESC;

-- Which publication was computed from which lots. Written by the publisher; such a lot cannot be purged.
CREATE TABLE import.emploi (
    publication bigint NOT NULL,
    lot bigint NOT NULL REFERENCES import.lot,
    PRIMARY KEY (publication, lot)
);
CREATE INDEX ON import.emploi (lot);
GRANT INSERT, DELETE ON import.emploi TO seuil_publisher;
GRANT SELECT ON import.lot, import.courant, import.emploi TO seuil_importer;

-- The tables that a source fills.
CREATE TABLE import.cible (source text NOT NULL, schema text NOT NULL, relation text NOT NULL, PRIMARY KEY (schema, relation));
INSERT INTO import.cible VALUES
    ('communes', 'ref', 'commune'), ('iris', 'ref', 'iris'), ('qpv', 'ref', 'qpv'), ('equipements', 'ref', 'equipement'),
    ('marges', 'ref', 'marge'), ('rpls', 'prive', 'logement'), ('occupation', 'prive', 'menage'),
    ('attributions', 'prive', 'attribution'), ('demandes', 'prive', 'demande'),
    ('residences', 'prive', 'residence'), ('residences', 'prive', 'residence_logement');

CREATE TABLE ref.commune (
    lot bigint NOT NULL,
    insee_com text NOT NULL CHECK (insee_com ~ '^[0-9][0-9AB][0-9]{3}$'),
    nom text NOT NULL,
    siren text,
    insee_chef_lieu text,              -- set for communes associées (Lomme 59355 ▶ Lille 59350)
    nb_rp int,                         -- main residences
    tx_sru float8,                     -- inventory of the prefect, %
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, insee_com)
) PARTITION BY LIST (lot);
CREATE TABLE ref.iris (
    lot bigint NOT NULL,
    code_iris text NOT NULL CHECK (code_iris ~ '^[0-9][0-9AB][0-9]{7}$'),
    insee_com text NOT NULL,
    insee_associee text,
    nom text,
    typ_iris text CHECK (typ_iris IN ('H', 'A', 'D', 'Z')),
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, code_iris)
) PARTITION BY LIST (lot);
CREATE TABLE ref.qpv (
    lot bigint NOT NULL,
    code_qp text NOT NULL CHECK (code_qp ~ '^Q[PN][0-9A-Z]{6}$'),
    nom text,
    generation int NOT NULL CHECK (generation IN (2015, 2024)),
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, code_qp)
) PARTITION BY LIST (lot);
CREATE TABLE ref.equipement (
    lot bigint NOT NULL,
    typequ text NOT NULL,              -- BPE type, e.g. C109; the metropolis's own: TC (stop), PARC
    insee_com text,
    geom geometry(Point, 2154) NOT NULL
) PARTITION BY LIST (lot);
-- What others have published of the same stock (open tables of the SDES by commune and EPCI): known to any attacker.
CREATE TABLE ref.marge (
    lot bigint NOT NULL,
    echelle text NOT NULL CHECK (echelle IN ('commune', 'epci', 'departement', 'region')),
    code text NOT NULL,                -- INSEE code of the commune, SIREN of the EPCI, ...
    champ text NOT NULL,               -- column of the table, lower case, e.g. nb_ls, nb_vacants
    valeur float8,                     -- NULL: withheld by its publisher
    PRIMARY KEY (lot, echelle, code, champ)
) PARTITION BY LIST (lot);
CREATE TABLE prive.residence (
    lot bigint NOT NULL,
    id_residence text NOT NULL,        -- the metropolis's own stable key, never published
    nom text,
    siren_bailleur text,
    nom_bailleur text,
    nature text NOT NULL CHECK (nature IN ('residence', 'logement_isole')),
    classe_qualification text,
    date_qualification date,
    geom geometry(Point, 2154) NOT NULL,
    PRIMARY KEY (lot, id_residence)
) PARTITION BY LIST (lot);
CREATE TABLE prive.residence_logement (
    lot bigint NOT NULL,
    ident_rep text NOT NULL,
    id_residence text NOT NULL,
    PRIMARY KEY (lot, ident_rep)
) PARTITION BY LIST (lot);
CREATE TABLE prive.logement (
    lot bigint NOT NULL,
    ident_rep text NOT NULL,           -- RPLS identifier; open files have none: `L<line>` then
    insee_com text NOT NULL,
    typeconst text,                    -- C collective, I individual, E for students
    nbpiece smallint,
    surfhab float8,                    -- m2
    construct smallint,                -- year
    locat smallint,                    -- year
    patrimoine smallint,
    origine smallint,
    finan smallint,
    dpeenergie text,                   -- A..G; NULL: none
    dpeserre text,
    qpv smallint,                      -- 1 in, 2 out, as declared
    mode smallint,                     -- 1 let, 2 vacant, 3 empty, 4 association, 5 occupied otherwise, 6 temporary, 9 n/a
    duree_vacance int,                 -- months
    bail date,                         -- begin of the current lease
    loyer float8,                      -- EUR a month, main rent; NULL: not known
    PRIMARY KEY (lot, ident_rep)
) PARTITION BY LIST (lot);
CREATE TABLE prive.menage (
    lot bigint NOT NULL,
    ident_rep text NOT NULL,
    repondant boolean NOT NULL,
    nb_pers smallint,
    type_menage text CHECK (type_menage IN ('ISOLE', 'COUPLE', 'COUPLE_ENF', 'MONO', 'AUTRE')),
    nb_enfants smallint,
    age_titulaire smallint,
    pct_plafond float8,                -- income, % of the PLUS ceiling
    nb_adultes smallint,               -- 18 to 64
    nb_stable smallint,
    nb_precaire smallint,
    nb_sans_emploi smallint,
    apl boolean,
    entree date,                       -- begin of the tenancy
    PRIMARY KEY (lot, ident_rep)
) PARTITION BY LIST (lot);
CREATE TABLE prive.attribution (
    lot bigint NOT NULL,
    num_unique text NOT NULL,
    ident_rep text NOT NULL,
    date_attribution date NOT NULL,
    date_demande date,
    quartile smallint CHECK (quartile BETWEEN 1 AND 4),
    dalo boolean NOT NULL,
    prioritaire boolean NOT NULL,
    mutation boolean NOT NULL,
    reservataire smallint,
    PRIMARY KEY (lot, num_unique)
) PARTITION BY LIST (lot);
CREATE TABLE prive.demande (
    lot bigint NOT NULL,
    insee_com text NOT NULL,
    nb_demandes int NOT NULL,
    nb_delai_anormal int NOT NULL,
    PRIMARY KEY (lot, insee_com)
) PARTITION BY LIST (lot);

CREATE INDEX ON ref.commune USING gist (geom);
CREATE INDEX ON ref.iris USING gist (geom);
CREATE INDEX ON ref.iris (lot, insee_com);
CREATE INDEX ON ref.qpv USING gist (geom);
CREATE INDEX ON ref.equipement USING gist (geom);
CREATE INDEX ON ref.equipement (lot, typequ);
CREATE INDEX ON prive.residence USING gist (geom);
CREATE INDEX ON prive.residence_logement (lot, id_residence);
CREATE INDEX ON prive.attribution (lot, ident_rep);

-- A complete lot does not change, whoever asks. While a lot is being filled its tables are not attached yet and carry no
-- such trigger, so that COPY pays nothing for it.
CREATE FUNCTION import.refuser() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN n := NEW.lot; ELSE n := OLD.lot; END IF;
    IF EXISTS (SELECT FROM import.lot l WHERE l.lot = n AND l.etat <> 'chargement') THEN
        RAISE EXCEPTION 'lot % is complete: its rows do not change', n USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
END
$$;

CREATE FUNCTION import.refuser_lot() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT (OLD.etat = 'complet' AND NEW.etat = 'purge'
        AND (to_jsonb(OLD) - '{etat,purge}'::text[]) = (to_jsonb(NEW) - '{etat,purge}'::text[])) THEN
        RAISE EXCEPTION 'lot % is %: its record does not change', OLD.lot, OLD.etat USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER lot_clos BEFORE UPDATE OR DELETE ON import.lot
    FOR EACH ROW WHEN (OLD.etat <> 'chargement') EXECUTE FUNCTION import.refuser_lot();

DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM import.cible LOOP
        EXECUTE format('CREATE TRIGGER lot_clos BEFORE INSERT OR UPDATE OR DELETE ON %I.%I '
                       'FOR EACH ROW EXECUTE FUNCTION import.refuser()', c.schema, c.relation);
    END LOOP;
END
$$;

-- Opens a lot and makes its tables `<schema>.<relation>_<lot>`; returns its number. With `p_attache` they are partitions at
-- once, so that rows can go through the parents (slower to fill: for hand-made data).
CREATE FUNCTION import.ouvrir(p_source text, p_millesime int, p_fichier text, p_attache boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning AS $$
DECLARE
    n bigint;
    c record;
BEGIN
    -- Two imports of one vintage would race for the version.
    IF NOT pg_try_advisory_xact_lock(7345003, hashtext(p_source || p_millesime)) THEN
        RAISE EXCEPTION 'another import of % % is under way', p_source, p_millesime USING ERRCODE = 'lock_not_available';
    END IF;
    INSERT INTO import.lot (source, millesime, version, fichier)
    SELECT p_source, p_millesime, coalesce(max(l.version), 0) + 1, p_fichier
    FROM import.lot l WHERE l.source = p_source AND l.millesime = p_millesime
    RETURNING lot INTO n;
    FOR c IN SELECT * FROM import.cible t WHERE t.source = p_source LOOP
        EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, '
                       'CONSTRAINT lot_seul CHECK (lot = %4$s))', c.schema, c.relation || '_' || n, c.relation, n);
        EXECUTE format('GRANT INSERT ON %I.%I TO seuil_importer', c.schema, c.relation || '_' || n);
        IF p_attache THEN
            EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES IN (%4$s)',
                           c.schema, c.relation, c.relation || '_' || n, n);
        END IF;
    END LOOP;
    RETURN n;
END
$$;

-- Closes a lot: keys and indexes are built (a duplicate key fails here), the tables become partitions, nobody may write.
CREATE FUNCTION import.clore(p_lot bigint, p_sha256 text, p_lignes bigint, p_rejets bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning SET maintenance_work_mem = '128MB' AS $$
DECLARE
    c record;
    feuille text;
BEGIN
    IF NOT EXISTS (SELECT FROM import.lot l WHERE l.lot = p_lot AND l.etat = 'chargement') THEN
        RAISE EXCEPTION 'lot % is not being filled', p_lot USING ERRCODE = 'restrict_violation';
    END IF;
    FOR c IN SELECT t.* FROM import.cible t JOIN import.lot l USING (source) WHERE l.lot = p_lot LOOP
        feuille := c.relation || '_' || p_lot;
        IF NOT (SELECT k.relispartition FROM pg_class k WHERE k.oid = format('%I.%I', c.schema, feuille)::regclass) THEN
            EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES IN (%4$s)',
                           c.schema, c.relation, feuille, p_lot);
        END IF;
        EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT lot_seul', c.schema, feuille);
        EXECUTE format('REVOKE INSERT ON %I.%I FROM seuil_importer', c.schema, feuille);
        -- Autovacuum never analyses a partitioned table: without this the planner knows nothing of the parent.
        EXECUTE format('ANALYZE %I.%I', c.schema, c.relation);
    END LOOP;
    UPDATE import.lot l SET etat = 'complet', fin = clock_timestamp(), sha256 = p_sha256, lignes = p_lignes, rejets = p_rejets
    WHERE l.lot = p_lot;
END
$$;

-- Removes the rows of a complete lot that no publication uses; its record stays. The newest version of a vintage goes
-- only with `p_courant`. Returns the number of rows removed.
CREATE FUNCTION import.purger(p_lot bigint, p_courant boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    c record;
    n bigint;
    total bigint := 0;
    l import.lot;
    publications text;
BEGIN
    SELECT * INTO l FROM import.lot t WHERE t.lot = p_lot FOR UPDATE;
    IF NOT FOUND OR l.etat = 'purge' THEN
        RAISE EXCEPTION 'lot % %', p_lot, CASE WHEN l.etat = 'purge' THEN 'is purged already' ELSE 'does not exist' END
            USING ERRCODE = 'restrict_violation';
    END IF;
    -- A publisher that begins to use it now waits for this lock (foreign key), then finds the lot purged.
    SELECT string_agg(e.publication::text, ', ' ORDER BY e.publication) INTO publications
    FROM import.emploi e WHERE e.lot = p_lot;
    IF publications IS NOT NULL THEN
        RAISE EXCEPTION 'lot % is used by publication %', p_lot, publications USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT p_courant AND EXISTS (SELECT FROM import.courant t WHERE t.lot = p_lot) THEN
        RAISE EXCEPTION 'lot % is the newest version of % %: the next publication would use it', p_lot, l.source, l.millesime
            USING ERRCODE = 'restrict_violation';
    END IF;
    FOR c IN SELECT * FROM import.cible t WHERE t.source = l.source LOOP
        EXECUTE format('SELECT count(*) FROM %I.%I', c.schema, c.relation || '_' || p_lot) INTO n;
        total := total + n;
        EXECUTE format('DROP TABLE %I.%I', c.schema, c.relation || '_' || p_lot);
        EXECUTE format('SELECT count(*) FROM %I.%I WHERE lot = $1', c.schema, c.relation) INTO n USING p_lot;
        IF n <> 0 THEN
            RAISE EXCEPTION '% rows of lot % are left in %.%', n, p_lot, c.schema, c.relation;
        END IF;
    END LOOP;
    UPDATE import.lot t SET etat = 'purge', purge = clock_timestamp() WHERE t.lot = p_lot;
    RETURN total;
END
$$;

-- A publication is computed from complete lots.
CREATE FUNCTION import.verifier_emploi() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM import.lot l WHERE l.lot = NEW.lot AND l.etat = 'complet') THEN
        RAISE EXCEPTION 'lot % is not complete', NEW.lot USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
-- After the foreign key's own lock on the lot, so that a purge under way is seen.
CREATE CONSTRAINT TRIGGER verifier_emploi AFTER INSERT OR UPDATE ON import.emploi
    FOR EACH ROW EXECUTE FUNCTION import.verifier_emploi();

REVOKE ALL ON FUNCTION import.ouvrir, import.clore, import.purger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.ouvrir, import.clore, import.purger TO seuil_importer;
