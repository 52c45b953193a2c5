-- Landlords and their corporate groups. A group is one attacker: it knows the residences of all its landlords.

ALTER TABLE import.lot DROP CONSTRAINT lot_source_check;
ALTER TABLE import.lot ADD CONSTRAINT lot_source_check CHECK (
    source IN ('communes', 'iris', 'qpv', 'rpls', 'occupation', 'attributions', 'demandes', 'equipements', 'residences', 'marges',
               'bailleurs'));
INSERT INTO import.cible VALUES ('bailleurs', 'ref', 'bailleur');

CREATE TABLE ref.bailleur (
    lot bigint NOT NULL,
    siren text NOT NULL CHECK (siren ~ '^[0-9]{9}$'),
    nom text,
    famille text,                      -- of the landlord: oph, esh, sem, coop, ...
    groupe text,                       -- NULL: it is in no group
    PRIMARY KEY (lot, siren)
) PARTITION BY LIST (lot);
CREATE TRIGGER lot_clos BEFORE INSERT OR UPDATE OR DELETE ON ref.bailleur FOR EACH ROW EXECUTE FUNCTION import.refuser();
GRANT SELECT ON ref.bailleur TO seuil_publisher;
