-- Which relations the subqueries of policies read, found in their trees; a row without a relation for subqueries that read none.
-- Schemas of temporary tables of this session read pg_temp.
select distinct
    case when n.oid = pg_catalog.pg_my_temp_schema() then 'pg_temp' else n.nspname::text end as schema,
    c.relname::text as table,
    p.polname::text as policy,
    rn.nspname::text as read_schema,
    rc.relname::text as read_table,
    clause.in_using
from :readable_policies p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    values (p.polqual::text, true), (p.polwithcheck::text, false)
) as clause (tree, in_using)
left join lateral pg_catalog.regexp_matches(clause.tree, ':relid (\d+)', 'g') as found (ids) on true
left join pg_catalog.pg_class rc on rc.oid = found.ids[1]::pg_catalog.oid
left join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace
where n.nspname not in ('information_schema', 'toysoldiers')
  and clause.tree like '%{SUBLINK %'
