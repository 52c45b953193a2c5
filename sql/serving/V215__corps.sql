-- The hash of a body with its algorithm, `blake3:` and hexadecimal digits. Ends recorded before keep `sha256`: the journal is
-- insert-only, and their signed text says the same.
ALTER TABLE journal.fin ADD COLUMN corps text CHECK (corps ~ '^[a-z0-9]+:[0-9a-f]+$');
COMMENT ON COLUMN journal.fin.sha256 IS 'SHA-256 of the body, of ends recorded before the column corps';
