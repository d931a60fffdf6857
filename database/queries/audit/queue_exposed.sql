-- A queue of pgmq is reachable without row-level security: whoever may act as one of these roles reads, adds and removes
-- messages.
-- $1 names the roles anybody may act as.
-- level: error
-- remedy: enable row-level security on the queue's table, or revoke the grants
-- splinter: 0019
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('granted to %s while row-level security is off', low.names) as detail,
    format('alter table %I.%I enable row level security', n.nspname, c.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where (has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete'))
) low
where n.nspname = 'pgmq'
  and c.relkind in ('r', 'p')
  and c.relname like 'q\_%'
  and not c.relrowsecurity
  and low.names is not null
order by 1
