-- Triggers, rules and row-level security policies of tables and views, and whether they are at work; event triggers, which
-- belong to the schema of their function.
select
    'trigger' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I on %I.%I', g.tgname, n.nspname, c.relname) as name,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as parent,
    case
        when (g.tableoid, g.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', g.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.pg_get_triggerdef(g.oid),
            case g.tgenabled when 'D' then 'disabled' when 'R' then 'enabled on replicas' when 'A' then 'enabled always' end,
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(g.oid, 'pg_trigger'))
        ], null)
    end as lines
from pg_catalog.pg_trigger g
join pg_catalog.pg_class c on c.oid = g.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not g.tgisinternal
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
union all
select
    'rule' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I on %I.%I', r.rulename, n.nspname, c.relname) as name,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as parent,
    case
        when (r.tableoid, r.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', r.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.pg_get_ruledef(r.oid),
            case r.ev_enabled when 'D' then 'disabled' when 'R' then 'enabled on replicas' when 'A' then 'enabled always' end
        ], null)
    end as lines
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid = r.ev_class
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
union all
select
    'policy' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I on %I.%I', p.polname, n.nspname, c.relname) as name,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as parent,
    case
        when (p.tableoid, p.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', p.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.format(
                '%s for %s to %s',
                case when p.polpermissive then 'permissive' else 'restrictive' end,
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
                (
                    select
                        pg_catalog.string_agg(
                            case when role = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(role)) end,
                            ', '
                            order by pg_catalog.pg_get_userbyid(role)
                        )
                    from pg_catalog.unnest(p.polroles) role
                )
            ),
            'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            'with check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(p.oid, 'pg_policy'))
        ], null)
    end as lines
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
union all
select
    'event trigger' as kind,
    n.nspname::text as schema,
    pg_catalog.quote_ident(v.evtname) as name,
    null::text as parent,
    pg_catalog.array_remove(array[
        pg_catalog.format('on %s execute function %s', v.evtevent, v.evtfoid::pg_catalog.regprocedure),
        'when tag in (' || pg_catalog.array_to_string(v.evttags, ', ') || ')',
        case v.evtenabled when 'D' then 'disabled' when 'R' then 'enabled on replicas' when 'A' then 'enabled always' end
    ], null) as lines
from pg_catalog.pg_event_trigger v
join pg_catalog.pg_proc f on f.oid = v.evtfoid
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
where not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
      and e.objid = v.oid
      and e.deptype = 'e'
  )
