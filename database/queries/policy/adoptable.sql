-- Relations whose policies and rights the files may declare: those in schemas of the platform's ($1, an array) that are no
-- extension's, and wherever they are, those with policies that somebody made. A sequence says which table it belongs to; one
-- behind an identity column has no rights of its own to declare unless somebody was given some.
select
    n.nspname::text as schema,
    c.relname::text as name,
    owner.schema as owner_schema,
    owner.name as owner_name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join lateral (
    select
        s.nspname::text as schema,
        t.relname::text as name
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class t on t.oid = d.refobjid
    join pg_catalog.pg_namespace s on s.oid = t.relnamespace
    where c.relkind = 'S'
      and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.objid = c.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.deptype in ('a', 'i')
    limit 1
) owner on true
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and (
    $1::jsonb ? n.nspname::text
    or exists (
        select
        from pg_catalog.pg_policy p
        where p.polrelid = c.oid
    )
  )
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1, 2
