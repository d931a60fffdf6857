-- TRUNCATE empties a table whatever its policies say: row-level security does not bind it. Supabase's default privileges grant
-- it to everybody.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke truncate
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may empty it', low.names) as detail,
    format('revoke truncate on %I.%I from %s', n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_table_privilege(role, c.oid, 'truncate')
) low
where c.relkind in ('r', 'p', 'f')
  and low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
