-- A view reads with the rights of its owner, whom policies do not bind: it shows every row to whoever may select from it.
-- `create or replace view` drops the option that changes that, unless it is repeated.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: alter the view to set (security_invoker = true), or revoke it before PostgreSQL 15; waive it where the view itself decides who sees which row
-- splinter: 0010
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
)
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may use it, and it reads %s past their policies', low.names, guarded.names) as detail,
    case
        when current_setting('server_version_num')::integer >= 150000
            then format('alter view %I.%I set (security_invoker = true)', n.nspname, c.relname)
        else format('revoke all on %I.%I from %s', n.nspname, c.relname, low.names)
    end as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from guarded
join pg_class c on c.oid = guarded.view
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and (has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete'))
) low
where c.relkind = 'v'
  and low.names is not null
  and not exists (
    select
    from pg_options_to_table(c.reloptions) o
    where o.option_name = 'security_invoker'
      and o.option_value::boolean
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1
