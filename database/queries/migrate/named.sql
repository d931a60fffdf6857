-- The relation that a name means to a file. It is asked where the file looks names up, so it looks up none by itself.
-- $1: the name as SQL writes it
select pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 as relation
