-- Who may do what, a line a right. What is granted to nobody in particular has the rights PostgreSQL gives by itself; the
-- owner's own rights are left out, since owners differ from server to server.
with objects as (
    select
        case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end as noun,
        n.nspname,
        pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
        -- The sequence of an identity column stands and falls with its table.
        coalesce(
            (
                select pg_catalog.format('%I.%I', tn.nspname, t.relname)
                from pg_catalog.pg_depend d
                join pg_catalog.pg_class t on t.oid = d.refobjid
                join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
                where c.relkind = 'S'
                  and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.objid = c.oid
                  and d.deptype = 'i'
            ),
            pg_catalog.format('%I.%I', n.nspname, c.relname)
        ) as parent,
        'pg_catalog.pg_class'::pg_catalog.regclass as class,
        c.oid,
        c.relowner as owner,
        coalesce(
            c.relacl,
            pg_catalog.acldefault(case c.relkind when 'S' then 's'::"char" else 'r'::"char" end, c.relowner)
        ) as acl,
        null::name as attname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.relpersistence <> 't'
    union all
    select
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
        n.nspname,
        pg_catalog.format('%I.%I', n.nspname, c.relname),
        pg_catalog.format('%I.%I', n.nspname, c.relname),
        'pg_catalog.pg_class'::pg_catalog.regclass,
        c.oid,
        c.relowner,
        a.attacl,
        a.attname
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where a.attacl is not null
      and not a.attisdropped
    union all
    select
        'schema',
        n.nspname,
        pg_catalog.quote_ident(n.nspname),
        pg_catalog.quote_ident(n.nspname),
        'pg_catalog.pg_namespace'::pg_catalog.regclass,
        n.oid,
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        null
    from pg_catalog.pg_namespace n
    union all
    select
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
        n.nspname,
        p.oid::pg_catalog.regprocedure::text,
        p.oid::pg_catalog.regprocedure::text,
        'pg_catalog.pg_proc'::pg_catalog.regclass,
        p.oid,
        p.proowner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)),
        null
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    union all
    select
        'type',
        n.nspname,
        pg_catalog.format('%I.%I', n.nspname, t.typname),
        pg_catalog.format('%I.%I', n.nspname, t.typname),
        'pg_catalog.pg_type'::pg_catalog.regclass,
        t.oid,
        t.typowner,
        coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)),
        null
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class c on c.oid = t.typrelid
    where t.typtype in ('e', 'd', 'r')
       or (t.typtype = 'c' and c.relkind = 'c')
)
select
    'grants' as kind,
    o.nspname::text as schema,
    pg_catalog.format('on %s %s', o.noun, o.name) as name,
    o.parent,
    pg_catalog.array_agg(
        pg_catalog.format(
            '%s%s to %s%s',
            pg_catalog.lower(x.privilege_type),
            ' (' || pg_catalog.quote_ident(o.attname) || ')',
            case when x.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end,
            case when x.is_grantable then ' with grant option' end
        )
        order by x.grantee = 0 desc, pg_catalog.pg_get_userbyid(x.grantee), x.privilege_type, o.attname, x.is_grantable
    ) as lines
from objects o
cross join lateral pg_catalog.aclexplode(o.acl) x
where x.grantee <> o.owner
  and o.nspname !~ '^pg_'
  and o.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = o.class
      and e.objid = o.oid
      and e.deptype = 'e'
  )
group by o.nspname, o.noun, o.name, o.parent
