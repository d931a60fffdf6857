-- MAINTAIN lets one lock a table against everybody, for as long as one likes, and VACUUM, CLUSTER, REINDEX and REFRESH it whatever
-- its policies say. PostgreSQL has it since version 17, and GRANT ALL gives it.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke maintain
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may lock it, and VACUUM, CLUSTER, REINDEX or REFRESH it', low.names) as detail,
    format('revoke maintain on %I.%I from %s', n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    -- Older servers do not know the word.
    where case
        when current_setting('server_version_num')::integer >= 170000 then has_table_privilege(role, c.oid, 'maintain')
    end
) low
where c.relkind in ('r', 'p', 'm')
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
