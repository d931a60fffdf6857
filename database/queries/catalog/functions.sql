-- Functions and procedures as PostgreSQL would write them, with `security definer` and their settings; aggregates, which
-- it does not write, by what they are made of.
select
    case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
    n.nspname::text as schema,
    p.oid::pg_catalog.regprocedure::text as name,
    null::text as parent,
    case
        when (p.tableoid, p.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', p.oid)]
        else case
            when p.prokind <> 'a' then array[pg_catalog.pg_get_functiondef(p.oid)]
            else pg_catalog.array_remove(array[
                'adds up with ' || a.aggtransfn::text,
                'in ' || pg_catalog.format_type(a.aggtranstype, null),
                'from ' || pg_catalog.quote_literal(a.agginitval),
                'ends with ' || nullif(a.aggfinalfn::text, '-'),
                'combines with ' || nullif(a.aggcombinefn::text, '-')
            ], null)
        end
        || pg_catalog.array_remove(array[
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(p.oid, 'pg_proc'))
        ], null)
    end as lines
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_aggregate a on a.aggfnoid = p.oid
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      and e.objid = p.oid
      and e.deptype in ('e', 'i')
  )
