-- What is withheld and why (`plan`), and the working tables of the one candidate under way (`travail`).
--
-- `plan` is kept for ever: surrogates, plan lines, ledger. It holds keys of residences next to their surrogates and is
-- the only place that does. `travail` is emptied at every publication; unlogged, so a crash of the database empties it
-- too, which the publisher notices (`travail.temoin`).

CREATE SCHEMA plan;
CREATE SCHEMA travail;
CREATE SCHEMA stat;

-- A candidate, by the number that `serving` gave it.
CREATE TABLE plan.publication (
    publication bigint PRIMARY KEY,
    etat text NOT NULL DEFAULT 'candidate' CHECK (etat IN ('candidate', 'publiee', 'abandonnee')),
    creee timestamptz NOT NULL DEFAULT clock_timestamp(),
    parametres jsonb NOT NULL
);
CREATE UNIQUE INDEX une_candidate ON plan.publication (etat) WHERE etat = 'candidate';

-- Steps done, with what they did.
CREATE TABLE plan.etape (
    publication bigint NOT NULL REFERENCES plan.publication,
    etape text NOT NULL,
    objet text NOT NULL DEFAULT '',          -- part of a step, e.g. a relation that was copied
    fin timestamptz NOT NULL DEFAULT clock_timestamp(),
    duree float8 NOT NULL,                   -- seconds
    detail text NOT NULL,
    donnees jsonb,                           -- the same for programs
    PRIMARY KEY (publication, etape, objet)
);

-- The imports a candidate uses, frozen. A context is one way to place residences in zones; vintages share it.
CREATE TABLE plan.contexte (
    publication bigint NOT NULL REFERENCES plan.publication,
    contexte int NOT NULL,
    lot_residences bigint NOT NULL,
    lot_communes bigint NOT NULL,
    lot_iris bigint NOT NULL,
    lot_qpv bigint,                          -- NULL: no QPV of that generation was imported
    geo_communes int NOT NULL,               -- vintage of the zoning
    geo_iris int NOT NULL,
    geo_qpv int NOT NULL,                    -- generation, 2015 or 2024
    PRIMARY KEY (publication, contexte)
);
CREATE TABLE plan.millesime (
    publication bigint NOT NULL REFERENCES plan.publication,
    theme text COLLATE "C" NOT NULL CHECK (theme IN ('parc', 'occupation', 'attributions')),
    millesime int NOT NULL,
    contexte int NOT NULL,
    lot bigint,                              -- of the theme; NULL for allocations, see plan.annee
    lot_demandes bigint,                     -- allocations only
    lot_equipements bigint,                  -- stock only: amenities of the surroundings
    parc int NOT NULL,                       -- vintage of the stock that stands for this one: newest up to it, else oldest
    date_reference timestamptz NOT NULL,
    PRIMARY KEY (publication, theme, millesime),
    FOREIGN KEY (publication, contexte) REFERENCES plan.contexte
);
-- Allocations of a calendar year, for a vintage: the newest lot up to that vintage that holds any of that year.
CREATE TABLE plan.annee (
    publication bigint NOT NULL REFERENCES plan.publication,
    millesime int NOT NULL,
    annee int NOT NULL,
    lot bigint NOT NULL,
    PRIMARY KEY (publication, millesime, annee)
);

-- Surrogates of residences: random, permanent, they say nothing. The key of a residence never leaves this database.
CREATE TABLE plan.ident (
    cle text COLLATE "C" PRIMARY KEY,        -- prive.residence.id_residence
    id text COLLATE "C" NOT NULL UNIQUE CHECK (id ~ '^[a-z2-7]{12}$'),
    cree timestamptz NOT NULL DEFAULT now()
);

-- Integer identifiers: random in 1..2^31-1, permanent, never given twice within a scale (so unique in every layer of it).
CREATE TABLE plan.objet (
    echelle text COLLATE "C" NOT NULL CHECK (echelle IN ('commune', 'iris', 'qpv', 'residence')),
    id text COLLATE "C" NOT NULL,
    millesime int NOT NULL,
    objectid int NOT NULL CHECK (objectid BETWEEN 1 AND 2147483647),
    PRIMARY KEY (echelle, id, millesime),
    UNIQUE (echelle, objectid)
);

-- Twelve random base32 characters (60 bits), out of the bytes of a version 4 UUID that are random in full.
CREATE FUNCTION plan.tirer_id() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(u, n) & 31) + 1, 1), '' ORDER BY n)
    FROM (SELECT uuid_send(gen_random_uuid()) AS u) x, unnest(ARRAY[0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14]) AS n
$$;
-- A random integer in 1..2^31-1 (0 is drawn again as 1: the unique key sorts it out).
CREATE FUNCTION plan.tirer_objectid() RETURNS int LANGUAGE sql VOLATILE AS $$
    SELECT greatest(1, ((get_byte(u, 0) & 127) << 24) + (get_byte(u, 1) << 16) + (get_byte(u, 2) << 8) + get_byte(u, 3))
    FROM (SELECT uuid_send(gen_random_uuid()) AS u) x
$$;

-- The plan: one line for each row that can be published. A row without a line shows nothing.
CREATE TABLE plan.ligne (
    publication bigint NOT NULL REFERENCES plan.publication,
    theme text COLLATE "C" NOT NULL CHECK (theme IN ('parc', 'occupation', 'attributions')),
    millesime int NOT NULL,
    echelle text COLLATE "C" NOT NULL CHECK (echelle IN ('commune', 'iris', 'qpv', 'residence')),
    id text COLLATE "C" NOT NULL,
    statut text COLLATE "C" NOT NULL CHECK (statut IN ('diffuse', 'secret', 'non_disponible', 'sans_objet')),
    motif text COLLATE "C" NOT NULL,         -- why withheld: primaire, secondaire, collant, parc; why shown: ''
    familles text[] COLLATE "C" NOT NULL DEFAULT '{}',   -- denominators of families that are shown
    PRIMARY KEY (publication, theme, millesime, echelle, id),
    CHECK (statut = 'diffuse' OR familles = '{}'),
    CHECK ((motif = '') = (statut <> 'secret'))
) PARTITION BY LIST (publication);

-- The ledger: every row that was ever made current, and of what it was made. Append-only; written before the candidate
-- becomes current, so that it can hold more than was seen, never less. A row equal to the last one of its key is not
-- repeated.
CREATE TABLE plan.registre (
    publication bigint NOT NULL REFERENCES plan.publication,
    theme text COLLATE "C" NOT NULL,
    millesime int NOT NULL,
    echelle text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    statut text COLLATE "C" NOT NULL,
    motif text COLLATE "C" NOT NULL,
    familles text[] COLLATE "C" NOT NULL,
    -- Residences: the zones that count them (commune, commune associée, IRIS, QPV), their landlord, their units. Zones: NULL.
    insee_com text COLLATE "C",
    insee_associee text COLLATE "C",
    code_iris text COLLATE "C",
    code_qp text COLLATE "C",
    siren_bailleur text COLLATE "C",
    logements int,
    unites int[],                            -- of the theme and its families, in the order of `stat.unites`
    PRIMARY KEY (theme, millesime, echelle, id, publication)
);
CREATE FUNCTION plan.refuser() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER ajout_seul BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.registre
    FOR EACH STATEMENT EXECUTE FUNCTION plan.refuser();

-- What the ledger says last of each row.
CREATE VIEW plan.connu AS
SELECT DISTINCT ON (theme, millesime, echelle, id) *
FROM plan.registre ORDER BY theme, millesime, echelle, id, publication DESC;

GRANT USAGE ON SCHEMA plan, travail, stat TO seuil_publisher;
GRANT SELECT ON ALL TABLES IN SCHEMA plan TO seuil_publisher;
GRANT INSERT, UPDATE ON plan.publication TO seuil_publisher;
GRANT INSERT, DELETE ON plan.etape, plan.ligne, plan.contexte, plan.millesime, plan.annee TO seuil_publisher;
GRANT INSERT ON plan.ident, plan.objet, plan.registre TO seuil_publisher;

-- Plan lines of a candidate lie in a partition of their own: to drop an abandoned one, or an old plan, costs nothing.
CREATE FUNCTION plan.ouvrir(p_publication bigint, p_parametres jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO plan.publication (publication, parametres) VALUES (p_publication, p_parametres);
    EXECUTE format('CREATE TABLE plan.%I PARTITION OF plan.ligne FOR VALUES IN (%s)', 'ligne_' || p_publication, p_publication);
END
$$;
-- Drops the plan lines of a publication that is no candidate any more (the ledger keeps what was shown).
CREATE FUNCTION plan.purger(p_publication bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET client_min_messages = warning AS $$
BEGIN
    IF EXISTS (SELECT FROM plan.publication p WHERE p.publication = p_publication AND p.etat = 'candidate') THEN
        RAISE EXCEPTION 'publication % is the candidate', p_publication;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS plan.%I', 'ligne_' || p_publication);
    DELETE FROM import.emploi e WHERE e.publication = p_publication;
END
$$;
-- Only the owner of a table can analyse it.
CREATE FUNCTION plan.analyser() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    ANALYZE plan.ligne, plan.objet, plan.ident;
END
$$;
