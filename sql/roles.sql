-- The cluster's roles, each with least privilege. Idempotent; run by a superuser (`seuil migrate --superuser`, or psql).
-- No role has a password here: local sockets use `peer` with a map, remote ones client certificates or SCRAM, as the DBA
-- decides in pg_hba.conf. Rights inside the databases are given by the migrations that create the objects.
--
--   seuil_owner      owns both databases and everything in them, runs migrations; no command of daily use connects as it
--   seuil_importer   opens lots and fills them; reads no dwelling
--   seuil_publisher  reads `source`, writes candidates into `serving`
--   seuil_checker    reads what is published, writes its verdict
--   seuil_server     reads readable publications and the registry, appends access records; never connects to `source`
--   seuil_drafter    drafts conventions
--   seuil_signer     signs, suspends and terminates conventions
--   seuil_auditor    reads conventions and the access record, writes nothing
DO $$
DECLARE
    r text;
BEGIN
    -- Two migrations at once must not race for the same role.
    PERFORM pg_advisory_xact_lock(7345001);
    FOREACH r IN ARRAY ARRAY['seuil_owner', 'seuil_importer', 'seuil_publisher', 'seuil_checker', 'seuil_server',
                             'seuil_drafter', 'seuil_signer', 'seuil_auditor']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', r);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', r);
    END LOOP;
END
$$;
