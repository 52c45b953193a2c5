-- Statements over whole candidates. Their joins are on keys that depend on each other (theme, vintage, scale, id), and on
-- tables that were empty when last analysed: the planner expects a handful of rows and nests loops over hundreds of
-- thousands. Hash joins cost the same whether its estimate is right or wrong.
ALTER FUNCTION travail.nommer() SET enable_nestloop = off;
ALTER FUNCTION travail.nommer() SET enable_mergejoin = off;
ALTER FUNCTION plan.inscrire(bigint) SET enable_nestloop = off;
ALTER FUNCTION plan.inscrire(bigint) SET enable_mergejoin = off;
