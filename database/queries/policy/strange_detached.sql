-- Detached policies on tables of roles that are no more trusted than whoever is let in, whose text names functions, operators or
-- types of such roles: the same that policy/strange finds of policies that are there. Every name in the text is qualified, and a
-- text that happens to hold such a name elsewhere is found as well.
with stranger as :strangers,
thing as (
    select p.pronamespace as schema, pg_catalog.quote_ident(p.proname) as name
    from pg_catalog.pg_proc p
    where p.proowner in (select oid from stranger)
    union
    select o.oprnamespace, o.oprname::text
    from pg_catalog.pg_operator o
    where o.oprowner in (select oid from stranger)
    union
    select t.typnamespace, pg_catalog.quote_ident(t.typname)
    from pg_catalog.pg_type t
    where t.typowner in (select oid from stranger)
)
select
    d.table_schema as schema,
    d.table_name as "table",
    d.policy as name,
    pg_catalog.pg_get_userbyid(c.relowner)::text as owner
from toysoldiers.detached d
join pg_catalog.pg_namespace n on n.nspname = d.table_schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = d.table_name
where c.relowner in (select oid from stranger)
  and exists (
    select
    from thing
    join pg_catalog.pg_namespace s on s.oid = thing.schema
    where pg_catalog.strpos(
        pg_catalog.concat_ws(' ', d.using_expression, d.check_expression),
        pg_catalog.concat(pg_catalog.quote_ident(s.nspname), '.', thing.name)
    ) > 0
  )
order by 1, 2, 3
