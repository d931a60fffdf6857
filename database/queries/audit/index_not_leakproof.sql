-- No operator of an index is leakproof, so PostgreSQL may not ask it before policies are asked: roles that row-level security
-- binds read the whole table instead. Arrays, jsonb, numeric and enum types are affected; uuid, text, integers and times are
-- not.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: let a security definer function search with the rule of visibility inside, grant it on purpose, and waive this
select
    format('%I.%I', n.nspname, ic.relname) as object,
    format('%s cannot use this %s index on %I.%I', low.names, am.amname, n.nspname, c.relname) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_index i
join pg_class ic on ic.oid = i.indexrelid
join pg_am am on am.oid = ic.relam
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_any_column_privilege(role, c.oid, 'select')
) low
where c.relrowsecurity
  and i.indisvalid
  and not i.indisunique
  and low.names is not null
  and not exists (
    select
    from unnest(i.indclass::oid[]) class
    join pg_opclass oc on oc.oid = class
    join pg_amop ao on ao.amopfamily = oc.opcfamily
        and ao.amoplefttype in (oc.opcintype, 'anyarray'::regtype)
        and ao.amoppurpose = 's'
    join pg_operator o on o.oid = ao.amopopr
    join pg_proc f on f.oid = o.oprcode
    where f.proleakproof
  )
  -- A policy that is always true hides nothing, so nothing can leak.
  and exists (
    select
    from pg_policy p
    where p.polrelid = c.oid
      and p.polcmd in ('r', '*')
      and case when (p.tableoid, p.oid) in :unreadable then 'cannot be read' else pg_get_expr(p.polqual, p.polrelid) end <> 'true'
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
