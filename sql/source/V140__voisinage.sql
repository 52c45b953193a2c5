-- One index a scale: a point's IRIS or nearest QPV is found without passing the zones of the other scales. With a single index, the
-- planner combined it with all codes of a scale, for each residence: at the size of France, three quarters of the step `zones`.
DROP INDEX travail.zone_geom_idx;
CREATE INDEX ON travail.zone USING gist (geom) WHERE echelle = 'commune';
CREATE INDEX ON travail.zone USING gist (geom) WHERE echelle = 'iris';
CREATE INDEX ON travail.zone USING gist (geom) WHERE echelle = 'qpv';
