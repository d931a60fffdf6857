-- The function that a signature means to a file. It is asked where the file looks names up, so it looks up none by itself.
-- $1: the signature as a person writes it, `app.get_content(uuid)`
select pg_catalog.to_regprocedure($1)::pg_catalog.oid::pg_catalog.int8 as function
