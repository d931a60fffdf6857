-- Anybody may create things in a schema that others look names up in: a function or an operator of one's own, in front of the
-- real one, runs with the rights of whoever comes by.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke create on the schema
select
    format('schema %I', n.nspname) as object,
    format('%s may create in it, and %I owns it', low.names, pg_get_userbyid(n.nspowner)) as detail,
    format('revoke create on schema %I from %s', n.nspname, low.names) as fix,
    null as relation
from pg_namespace n
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'create')
) low
where low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1
