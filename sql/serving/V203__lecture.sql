-- Paged readings: clients that page by number (STARTINDEX, offset) carry no cursor, so which publication their pages come
-- from is remembered for them, by certificate and request without paging. Shared by all servers.

CREATE TABLE registre.lecture (
    cle bytea PRIMARY KEY CHECK (length(cle) = 32),   -- SHA-256 of certificate and request
    publication bigint NOT NULL,                      -- no reference: one that was purged must be told as such
    ouverte timestamptz NOT NULL DEFAULT now()
);

-- Forgotten after so long: far longer than a publication lives on, so that an expired reading is told and never continued.
CREATE INDEX lecture_ouverte ON registre.lecture USING brin (ouverte);

GRANT SELECT, INSERT, UPDATE, DELETE ON registre.lecture TO seuil_server;
