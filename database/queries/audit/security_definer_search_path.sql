-- A function that runs with the rights of its owner looks names up where its caller says, or where others may put things. A
-- table or function of the same name in front of the real one then runs with those rights.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: set a search_path on the function: `set search_path = pg_catalog, pg_temp`, and qualify every other name
select
    p.oid::regprocedure::text as object,
    case
        when path.setting is null then 'it has no search_path of its own'
        else format('its search_path names %s, where %s may create', open.schema, open.names)
    end as detail,
    format('alter %s %s set search_path = pg_catalog, pg_temp', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
left join lateral (
    select substr(setting, 13) as setting
    from unnest(p.proconfig) setting
    where setting like 'search_path=%'
) path on true
left join lateral (
    select
        sn.nspname as schema,
        case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from regexp_split_to_table(path.setting, '\s*,\s*') word
    join pg_namespace sn on sn.nspname = btrim(word, '"')
    join jsonb_array_elements_text($1::jsonb -> 'roles') role on has_schema_privilege(role, sn.oid, 'create')
    group by sn.nspname
    order by sn.nspname
    limit 1
) open on true
where p.prosecdef
  and p.prosqlbody is null
  and p.prolang in (select oid from pg_language where lanname not in ('c', 'internal'))
  and (path.setting is null or open.schema is not null)
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_proc'::regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by 1
