-- A view over auth.users is reachable. It shows addresses, telephone numbers and metadata of everybody who ever signed up.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke the view, or copy the few columns that others may see into a table with policies
-- splinter: 0002
with recursive reads as (
    select distinct w.ev_class as view, d.refobjid as relation
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass
        and d.objid = w.oid
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> w.ev_class
    where w.rulename = '_RETURN'
),
below as (
    select reads.view, reads.relation
    from reads
    union
    select below.view, reads.relation
    from below
    join reads on reads.view = below.relation
)
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may read it, and it reads auth.users', low.names) as detail,
    format('revoke all on %I.%I from %s', n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from below
join pg_class u on u.oid = below.relation
join pg_namespace un on un.oid = u.relnamespace
join pg_class c on c.oid = below.view
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_any_column_privilege(role, c.oid, 'select')
) low
where un.nspname = 'auth'
  and u.relname = 'users'
  and low.names is not null
  and (
    c.relkind = 'm'
    or not u.relrowsecurity
    or not exists (
        select
        from pg_options_to_table(c.reloptions) o
        where o.option_name = 'security_invoker'
          and o.option_value::boolean
    )
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1
