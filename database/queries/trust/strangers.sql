-- What belongs to roles that are no more trusted than whoever is let in: neither a superuser, nor the owner of the database, nor
-- the session's own role. Relations each by their name, functions and types by their schema alone; not the system's, not an
-- extension's, not temporary ones.
-- Before PostgreSQL 15 a role could make others members of itself, so that being a member says nothing.
with things as (
    select c.relowner as owner, c.relnamespace as schema, c.relname::text as name, c.oid, 'pg_catalog.pg_class'::regclass as class
    from pg_catalog.pg_class c
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select p.proowner, p.pronamespace, null, p.oid, 'pg_catalog.pg_proc'::regclass
    from pg_catalog.pg_proc p
    union all
    select t.typowner, t.typnamespace, null, t.oid, 'pg_catalog.pg_type'::regclass
    from pg_catalog.pg_type t
    where t.typtype = 'd'
)
select distinct
    n.nspname::text as schema,
    things.name,
    owner.rolname::text as owner
from things
join pg_catalog.pg_roles owner on owner.oid = things.owner
join pg_catalog.pg_namespace n on n.oid = things.schema
where owner.oid in :strangers
  and owner.rolname <> 'pg_database_owner'
  and n.nspname <> 'information_schema'
  and n.nspname !~ '^pg_'
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = things.class
      and e.objid = things.oid
      and e.deptype = 'e'
  )
order by 3, 1, 2 nulls first
