-- A view with the rights of its reader reads another one with the rights of its owner, and that one is granted too.
-- `security_invoker` is not handed down: the rows come past the policies after all, also when the inner view is in a schema that
-- nobody may use.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: set security_invoker on the inner view as well, or revoke the inner view
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
),
guarded as (
    select below.view, string_agg(format('%I.%I', tn.nspname, t.relname), ', ' order by tn.nspname, t.relname) as names
    from below
    join pg_class t on t.oid = below.relation
    join pg_namespace tn on tn.oid = t.relnamespace
    where t.relrowsecurity
    group by below.view
),
chain as (
    select reads.view, reads.relation
    from reads
    join pg_class v on v.oid = reads.view
    where v.relkind = 'v'
      and exists (
        select
        from pg_options_to_table(v.reloptions) o
        where o.option_name = 'security_invoker'
          and o.option_value::boolean
    )
    union
    select chain.view, reads.relation
    from chain
    join pg_class v on v.oid = chain.relation
    join reads on reads.view = chain.relation
    where v.relkind = 'v'
      and exists (
        select
        from pg_options_to_table(v.reloptions) o
        where o.option_name = 'security_invoker'
          and o.option_value::boolean
    )
)
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may read it, and %s past policies through %I.%I', low.names, guarded.names, inn.nspname, inner_view.relname) as detail,
    format('alter view %I.%I set (security_invoker = true)', inn.nspname, inner_view.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from chain
join pg_class c on c.oid = chain.view
join pg_namespace n on n.oid = c.relnamespace
join pg_class inner_view on inner_view.oid = chain.relation
join pg_namespace inn on inn.oid = inner_view.relnamespace
join guarded on guarded.view = inner_view.oid
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_any_column_privilege(role, c.oid, 'select')
      and has_any_column_privilege(role, inner_view.oid, 'select')
) low
where inner_view.relkind = 'v'
  and low.names is not null
  and not exists (
    select
    from pg_options_to_table(inner_view.reloptions) o
    where o.option_name = 'security_invoker'
      and o.option_value::boolean
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1, 2
