-- Whether an index is still there. $1 is its number.
select
    exists (select from pg_catalog.pg_class c where c.oid = $1::bigint::oid) as there
