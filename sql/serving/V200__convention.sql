-- Conventions: who may see what, by which contract. Append-only: what was drafted and decided stays readable for ever.
--
-- A convention is a sequence of versions (drafted by seuil_drafter) and of acts on it (by seuil_signer). The version
-- signed last is in force; a later draft changes nothing until it is signed. Who drafted a version may not sign it,
-- whatever roles the login holds: `session_user` is compared, which SET ROLE does not change.

CREATE SCHEMA convention;

CREATE TABLE convention.version (
    convention text NOT NULL CHECK (convention ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    version int NOT NULL CHECK (version > 0),
    partenaire text NOT NULL CHECK (partenaire <> ''),
    famille text NOT NULL CHECK (famille IN ('commune', 'commune_associee', 'organisme_hlm', 'urh', 'action_logement',
                                             'departement', 'etat', 'mel')),
    siren text CHECK (siren ~ '^[0-9]{9}$'),
    insee text CHECK (insee ~ '^[0-9][0-9AB][0-9]{0,3}$'),
    ref_deliberation text,
    date_deliberation date,
    debut date NOT NULL,                -- first and last day, both included, in Europe/Paris
    fin date NOT NULL,
    finalites text[] NOT NULL CHECK (finalites <> '{}' AND finalites <@ ARRAY[
        'diagnostic_partage', 'pilotage_attributions', 'preparation_calaeol', 'partenariats_programmation',
        'politique_habitat']),
    themes text[] NOT NULL CHECK (themes <> '{}' AND themes <@ ARRAY['parc', 'occupation', 'attributions',
                                                                    'environnement', 'autre']),
    echelles text[] NOT NULL CHECK (echelles <> '{}' AND echelles <@ ARRAY['commune', 'iris', 'qpv', 'residence',
                                                                          'autre']),
    colonnes_sensibles text[] NOT NULL CHECK (colonnes_sensibles <@ ARRAY['siren_bailleur', 'loyer']),
    territoire_entier boolean NOT NULL,
    communes text[] NOT NULL,           -- INSEE codes of communes and communes associées
    iris text[] NOT NULL,
    qpv text[] NOT NULL,
    qpv_intercommunal text NOT NULL CHECK (qpv_intercommunal IN ('entier', 'masque')),
    englobantes text[] NOT NULL CHECK (englobantes <@ ARRAY['commune', 'qpv']),
    chevauchantes text[] NOT NULL CHECK (chevauchantes <@ ARRAY['commune', 'iris']),
    operations text[] NOT NULL CHECK (operations <> '{}' AND operations <@ ARRAY['wms', 'wfs', 'tuiles', 'export']),
    requetes_minute int CHECK (requetes_minute > 0),
    objets_jour bigint CHECK (objets_jour > 0),
    places int CHECK (places BETWEEN 1 AND 1024),
    diffusion_ulterieure text NOT NULL CHECK (diffusion_ulterieure IN ('aucune', 'interne', 'publique')),
    referent text NOT NULL CHECK (referent <> ''),
    dpo text,
    contact_incident text NOT NULL CHECK (contact_incident <> ''),
    duree_conservation int NOT NULL CHECK (duree_conservation > 0),     -- days the partner may keep what it downloaded
    destruction_fin boolean NOT NULL,   -- data received are destroyed, and that certified, at the end
    texte text NOT NULL,                -- the file as reviewed, word for word
    redige_par text NOT NULL,
    redige_le timestamptz NOT NULL,
    PRIMARY KEY (convention, version),
    CHECK (fin >= debut),
    CHECK (territoire_entier = (communes = '{}' AND iris = '{}' AND qpv = '{}'))
);

CREATE TABLE convention.acte (
    acte bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    convention text NOT NULL,
    version int NOT NULL,
    nature text NOT NULL CHECK (nature IN ('signature', 'suspension', 'reprise', 'resiliation')),
    motif text NOT NULL DEFAULT '',
    date_signature date,                -- of the paper; signature only
    par text NOT NULL,
    le timestamptz NOT NULL,
    FOREIGN KEY (convention, version) REFERENCES convention.version,
    CHECK (nature = 'signature' OR date_signature IS NULL)
);
CREATE INDEX ON convention.acte (convention, acte DESC);

-- One line of the present: the version in force (or the newest draft) and the state. `expiree` is a matter of the day
-- and judged where it is read; here it serves people.
CREATE VIEW convention.etat AS
SELECT v.*,
       CASE WHEN a.nature IS NULL THEN 'projet'
            WHEN a.nature = 'suspension' THEN 'suspendue'
            WHEN a.nature = 'resiliation' THEN 'resiliee'
            WHEN v.fin < (now() AT TIME ZONE 'Europe/Paris')::date THEN 'expiree'
            ELSE 'signee' END AS statut,
       a.par AS decide_par, a.le AS decide_le, a.motif, s.date_signature, s.par AS signe_par,
       n.newest AS derniere_version
FROM (SELECT convention, max(version) AS newest FROM convention.version GROUP BY convention) n
LEFT JOIN LATERAL (SELECT * FROM convention.acte s WHERE s.convention = n.convention AND s.nature = 'signature'
                   ORDER BY s.acte DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT * FROM convention.acte a WHERE a.convention = n.convention
                   ORDER BY a.acte DESC LIMIT 1) a ON true
JOIN convention.version v ON v.convention = n.convention AND v.version = coalesce(s.version, n.newest);

CREATE TABLE convention.certificat (
    certificat bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    convention text NOT NULL,
    ca bytea NOT NULL CHECK (octet_length(ca) = 32),        -- SHA-256 of the issuing CA's subjectPublicKeyInfo
    cle bytea NOT NULL CHECK (octet_length(cle) = 32),      -- SHA-256 of the certificate's subjectPublicKeyInfo
    serie text NOT NULL CHECK (serie ~ '^[0-9a-f]+$'),
    sujet text NOT NULL,                -- for people; grants nothing
    valide_du timestamptz NOT NULL,
    valide_au timestamptz NOT NULL,
    usage text NOT NULL CHECK (usage IN ('personne', 'robot')),
    titulaire text NOT NULL CHECK (titulaire <> ''),
    finalite text NOT NULL,
    url_publique text CHECK (url_publique ~ '^https://[^ "<>]+[^/ "<>]$'),
    enregistre_par text NOT NULL,
    enregistre_le timestamptz NOT NULL,
    CHECK (valide_au > valide_du)
);
CREATE INDEX ON convention.certificat (ca, cle);
CREATE INDEX ON convention.certificat (convention);

CREATE TABLE convention.revocation (
    ca bytea NOT NULL,
    cle bytea NOT NULL,
    motif text NOT NULL DEFAULT '',
    par text NOT NULL,
    le timestamptz NOT NULL,
    PRIMARY KEY (ca, cle)
);

-- The certificates that count: of each (CA, key) the line registered last, with its revocation.
CREATE VIEW convention.certificat_courant AS
SELECT DISTINCT ON (c.ca, c.cle) c.*, r.le AS revoque_le, r.par AS revoque_par, r.motif AS revoque_motif
FROM convention.certificat c LEFT JOIN convention.revocation r USING (ca, cle)
ORDER BY c.ca, c.cle, c.certificat DESC;

-- Writing -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION convention.verrou(convention text) RETURNS void LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT pg_advisory_xact_lock(7345003, hashtext(convention)) $$;

CREATE FUNCTION convention.avant_version() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM convention.verrou(NEW.convention);
    NEW.version := 1 + coalesce((SELECT max(v.version) FROM convention.version v
                                 WHERE v.convention = NEW.convention), 0);
    NEW.redige_par := session_user;
    NEW.redige_le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON convention.version FOR EACH ROW EXECUTE FUNCTION convention.avant_version();

CREATE FUNCTION convention.avant_acte() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present record;
    author text;
BEGIN
    PERFORM convention.verrou(NEW.convention);
    SELECT e.version, e.statut, e.derniere_version INTO present FROM convention.etat e
        WHERE e.convention = NEW.convention;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'convention % is unknown', NEW.convention USING ERRCODE = 'no_data_found';
    END IF;
    IF NEW.nature = 'signature' THEN
        NEW.version := coalesce(NEW.version, present.derniere_version);
        SELECT v.redige_par INTO author FROM convention.version v
            WHERE v.convention = NEW.convention AND v.version = NEW.version;
        IF NEW.version <> present.derniere_version THEN
            RAISE EXCEPTION 'convention %: version % is not the newest draft (%)', NEW.convention, NEW.version,
                present.derniere_version USING ERRCODE = 'check_violation';
        ELSIF present.statut = 'suspendue' THEN
            RAISE EXCEPTION 'convention % is suspended: resume or terminate it first', NEW.convention
                USING ERRCODE = 'check_violation';
        ELSIF EXISTS (SELECT FROM convention.acte a WHERE a.convention = NEW.convention
                      AND a.version = NEW.version AND a.nature = 'signature') THEN
            RAISE EXCEPTION 'convention %: version % is signed already', NEW.convention, NEW.version
                USING ERRCODE = 'check_violation';
        ELSIF author = session_user THEN
            RAISE EXCEPTION 'convention %: who drafted it (%) may not sign it', NEW.convention, author
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSE
        NEW.version := present.version;
        IF (NEW.nature = 'suspension' AND present.statut NOT IN ('signee', 'expiree'))
            OR (NEW.nature = 'reprise' AND present.statut <> 'suspendue')
            OR (NEW.nature = 'resiliation' AND present.statut NOT IN ('signee', 'expiree', 'suspendue')) THEN
            RAISE EXCEPTION 'convention % is in state %: % is not possible', NEW.convention, present.statut,
                NEW.nature USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    NEW.par := session_user;
    NEW.le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON convention.acte FOR EACH ROW EXECUTE FUNCTION convention.avant_acte();

CREATE FUNCTION convention.avant_certificat() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    contract record;
    other text;
BEGIN
    -- One lock for all keys: two conventions must not register one key at the same time.
    PERFORM pg_advisory_xact_lock(7345004);
    SELECT e.finalites, e.diffusion_ulterieure INTO contract FROM convention.etat e
        WHERE e.convention = NEW.convention;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'convention % is unknown', NEW.convention USING ERRCODE = 'no_data_found';
    ELSIF NOT NEW.finalite = ANY (contract.finalites) THEN
        RAISE EXCEPTION 'purpose % is not one of convention %: %', NEW.finalite, NEW.convention,
            array_to_string(contract.finalites, ', ') USING ERRCODE = 'check_violation';
    ELSIF NEW.url_publique IS NOT NULL AND contract.diffusion_ulterieure = 'aucune' THEN
        RAISE EXCEPTION 'convention % allows no onward display: no public URL', NEW.convention
            USING ERRCODE = 'check_violation';
    ELSIF EXISTS (SELECT FROM convention.revocation r WHERE r.ca = NEW.ca AND r.cle = NEW.cle) THEN
        RAISE EXCEPTION 'this key was revoked: make a new one' USING ERRCODE = 'check_violation';
    END IF;
    SELECT c.convention INTO other FROM convention.certificat c
        WHERE c.ca = NEW.ca AND c.cle = NEW.cle AND c.convention <> NEW.convention LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'this key is registered with convention %', other USING ERRCODE = 'unique_violation';
    END IF;
    NEW.enregistre_par := session_user;
    NEW.enregistre_le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON convention.certificat
    FOR EACH ROW EXECUTE FUNCTION convention.avant_certificat();

CREATE FUNCTION convention.avant_revocation() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM convention.certificat c WHERE c.ca = NEW.ca AND c.cle = NEW.cle) THEN
        RAISE EXCEPTION 'no such certificate is registered' USING ERRCODE = 'no_data_found';
    END IF;
    NEW.par := session_user;
    NEW.le := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER avant BEFORE INSERT ON convention.revocation
    FOR EACH ROW EXECUTE FUNCTION convention.avant_revocation();

-- History is never rewritten, not even by the owner in passing; servers hear of every change.
CREATE FUNCTION convention.immuable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION convention.annoncer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('seuil_convention', TG_TABLE_NAME);
    RETURN NULL;
END $$;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['version', 'acte', 'certificat', 'revocation'] LOOP
        EXECUTE format('CREATE TRIGGER immuable BEFORE UPDATE OR DELETE OR TRUNCATE ON convention.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION convention.immuable()', t);
        EXECUTE format('CREATE TRIGGER annoncer AFTER INSERT ON convention.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION convention.annoncer()', t);
    END LOOP;
END $$;

-- Zones of the current publication, to check and to resolve territories. The roles of this schema need no other sight of
-- the published data.
CREATE FUNCTION convention.zones() RETURNS TABLE (echelle text, code text, nom text, insee_com text, insee_associee text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT z.echelle::text, z.code::text, z.nom::text, z.insee_com::text, z.insee_associee::text
        FROM pub.zone z JOIN registre.publication p ON p.id = z.publication WHERE p.etat = 'courante';
END $$;
CREATE FUNCTION convention.liens() RETURNS TABLE (code_qp text, code_iris text, insee_com text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT l.code_qp::text, l.code_iris::text, l.insee_com::text
        FROM pub.zone_lien l JOIN registre.publication p ON p.id = l.publication WHERE p.etat = 'courante';
END $$;
CREATE FUNCTION convention.publication() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT p.id FROM registre.publication p WHERE p.etat = 'courante');
END $$;
REVOKE ALL ON FUNCTION convention.zones(), convention.liens(), convention.publication() FROM PUBLIC;

GRANT USAGE ON SCHEMA convention TO seuil_drafter, seuil_signer, seuil_server, seuil_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA convention TO seuil_drafter, seuil_signer, seuil_server, seuil_auditor;
GRANT EXECUTE ON FUNCTION convention.zones(), convention.liens(), convention.publication()
    TO seuil_drafter, seuil_signer, seuil_server;
GRANT INSERT ON convention.version, convention.certificat, convention.revocation TO seuil_drafter;
GRANT INSERT ON convention.acte, convention.revocation TO seuil_signer;
