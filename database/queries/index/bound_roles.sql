-- Indexes of tables in these schemas ($1, an array of names) that no role bound by row-level security can use, since no operator of
-- theirs is leakproof: the server asks the policies first, of every row. Who is bound and may read the table, and who is not.
select
    n.nspname::text as schema,
    t.relname::text as table,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as on_table,
    am.amname::text as method,
    pg_catalog.pg_relation_size(c.oid) as size,
    who.bound,
    who.free,
    who.by_everybody
from pg_catalog.pg_index x
join pg_catalog.pg_class c on c.oid = x.indexrelid
join pg_catalog.pg_am am on am.oid = c.relam
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
cross join lateral (
    select
        coalesce(pg_catalog.array_agg(r.name order by r.name) filter (where not r.is_free), '{}') as bound,
        coalesce(pg_catalog.array_agg(r.name order by r.name) filter (where r.is_free), '{}') as free,
        pg_catalog.has_schema_privilege('public', n.oid, 'usage')
            and pg_catalog.has_any_column_privilege('public', t.oid, 'select') as by_everybody
    from (
        select
            pg_catalog.quote_ident(o.rolname) as name,
            o.rolbypassrls
                or (not t.relforcerowsecurity and pg_catalog.pg_has_role(o.oid, t.relowner, 'usage')) as is_free
        from pg_catalog.pg_roles o
        where not o.rolsuper
          and o.rolname !~ '^pg_'
          and pg_catalog.has_schema_privilege(o.oid, n.oid, 'usage')
          and pg_catalog.has_any_column_privilege(o.oid, t.oid, 'select')
    ) r
) who
where t.relrowsecurity
  and x.indisvalid
  and not x.indisunique
  and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = x.indexrelid)
  and (pg_catalog.cardinality(who.bound) > 0 or who.by_everybody)
  and not exists (
    select
    from pg_catalog.unnest(x.indclass::oid[]) class
    join pg_catalog.pg_opclass oc on oc.oid = class
    join pg_catalog.pg_amop ao on ao.amopfamily = oc.opcfamily
        and ao.amoplefttype in (oc.opcintype, 'anyarray'::regtype)
        and ao.amoppurpose = 's'
    join pg_catalog.pg_operator o on o.oid = ao.amopopr
    join pg_catalog.pg_proc f on f.oid = o.oprcode
    where f.proleakproof
  )
  -- A policy that is always true hides nothing, so nothing can leak.
  and exists (
    select
    from pg_catalog.pg_policy p
    where p.polrelid = t.oid
      and p.polcmd in ('r', '*')
      and case when (p.tableoid, p.oid) in :unreadable then 'cannot be read' else pg_catalog.pg_get_expr(p.polqual, p.polrelid) end <> 'true'
  )
  and n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
order by 1, 2, 3
