-- A partition, or a table that inherits, is reachable by its own name and has no row-level security. Policies of the parent bind
-- only those who go by way of the parent: who names the partition sees all of its rows.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke what is granted on the partition, or enable row-level security on it too
with recursive above as (
    select i.inhrelid as child, i.inhparent as parent
    from pg_inherits i
    union
    select above.child, i.inhparent
    from above
    join pg_inherits i on i.inhrelid = above.parent
)
select distinct on (c.oid)
    format('%I.%I', n.nspname, c.relname) as object,
    format('granted to %s, and only its parent %I.%I has row-level security', low.names, pn.nspname, parent.relname) as detail,
    format('revoke all on %I.%I from %s', n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from above
join pg_class c on c.oid = above.child
join pg_namespace n on n.oid = c.relnamespace
join pg_class parent on parent.oid = above.parent
join pg_namespace pn on pn.oid = parent.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and (has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete'))
) low
where c.relkind in ('r', 'p', 'f')
  and not c.relrowsecurity
  and parent.relrowsecurity
  and low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by c.oid, parent.oid
