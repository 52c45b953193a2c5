-- Database `source`: dwelling-level data. Reached by import and publish alone; never served, never replicated.
-- Every import is a lot: a new version beside the former ones, never an overwrite.

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA import;
CREATE SCHEMA ref;
CREATE SCHEMA prive;

CREATE TABLE import.lot (
    lot bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('communes', 'iris', 'qpv', 'rpls', 'occupation', 'attributions', 'demandes',
                                           'equipements', 'residences', 'marges')),
    millesime int NOT NULL CHECK (millesime BETWEEN 1990 AND 2100),
    version int NOT NULL,
    etat text NOT NULL DEFAULT 'chargement' CHECK (etat IN ('chargement', 'complet')),
    fichier text NOT NULL,
    sha256 text,
    lignes bigint,
    rejets bigint,
    debut timestamptz NOT NULL DEFAULT now(),
    fin timestamptz,
    UNIQUE (source, millesime, version)
);

-- The lot that the next publication uses: the newest complete one of each source and vintage.
CREATE VIEW import.courant AS
SELECT DISTINCT ON (source, millesime) source, millesime, lot, version
FROM import.lot WHERE etat = 'complet'
ORDER BY source, millesime, version DESC;

CREATE TABLE ref.commune (
    lot bigint NOT NULL REFERENCES import.lot,
    insee_com text NOT NULL CHECK (insee_com ~ '^[0-9][0-9AB][0-9]{3}$'),
    nom text NOT NULL,
    siren text,
    insee_chef_lieu text,              -- set for communes associées (Lomme 59355 ▶ Lille 59350)
    nb_rp int,                         -- main residences
    tx_sru float8,                     -- inventory of the prefect, %
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, insee_com)
);
CREATE TABLE ref.iris (
    lot bigint NOT NULL REFERENCES import.lot,
    code_iris text NOT NULL CHECK (code_iris ~ '^[0-9][0-9AB][0-9]{7}$'),
    insee_com text NOT NULL,
    insee_associee text,
    nom text,
    typ_iris text CHECK (typ_iris IN ('H', 'A', 'D', 'Z')),
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, code_iris)
);
CREATE TABLE ref.qpv (
    lot bigint NOT NULL REFERENCES import.lot,
    code_qp text NOT NULL CHECK (code_qp ~ '^Q[PN][0-9A-Z]{6}$'),
    nom text,
    generation int NOT NULL CHECK (generation IN (2015, 2024)),
    geom geometry(MultiPolygon, 2154) NOT NULL,
    PRIMARY KEY (lot, code_qp)
);
CREATE TABLE ref.equipement (
    lot bigint NOT NULL REFERENCES import.lot,
    typequ text NOT NULL,              -- BPE type, e.g. C109; the metropolis's own: TC (stop), PARC
    insee_com text,
    geom geometry(Point, 2154) NOT NULL
);
CREATE TABLE prive.residence (
    lot bigint NOT NULL REFERENCES import.lot,
    id_residence text NOT NULL,        -- the metropolis's own stable key, never published
    nom text,
    siren_bailleur text,
    nom_bailleur text,
    nature text NOT NULL CHECK (nature IN ('residence', 'logement_isole')),
    classe_qualification text,
    date_qualification date,
    geom geometry(Point, 2154) NOT NULL,
    PRIMARY KEY (lot, id_residence)
);
CREATE TABLE prive.residence_logement (
    lot bigint NOT NULL REFERENCES import.lot,
    ident_rep text NOT NULL,
    id_residence text NOT NULL,
    PRIMARY KEY (lot, ident_rep)
);
CREATE TABLE prive.logement (
    lot bigint NOT NULL REFERENCES import.lot,
    ident_rep text NOT NULL,           -- RPLS identifier; open files have none: `L<line>` then
    insee_com text NOT NULL,
    typeconst text,                    -- C, I
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
    loyer float8                       -- EUR a month, main rent
);
CREATE TABLE prive.menage (
    lot bigint NOT NULL REFERENCES import.lot,
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
    entree date
);
CREATE TABLE prive.attribution (
    lot bigint NOT NULL REFERENCES import.lot,
    num_unique text NOT NULL,
    ident_rep text NOT NULL,
    date_attribution date NOT NULL,
    date_demande date,
    quartile smallint CHECK (quartile BETWEEN 1 AND 4),
    dalo boolean NOT NULL,
    prioritaire boolean NOT NULL,
    mutation boolean NOT NULL,
    reservataire smallint
);
CREATE TABLE prive.demande (
    lot bigint NOT NULL REFERENCES import.lot,
    insee_com text NOT NULL,
    nb_demandes int NOT NULL,
    nb_delai_anormal int NOT NULL,
    PRIMARY KEY (lot, insee_com)
);
