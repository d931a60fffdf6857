-- A view with the rights of its owner filters rows without `security_barrier`. A reader's own function or a condition that fails
-- on certain values may be asked before the filter, and tells about rows that the view hides.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: alter the view to set (security_barrier = true)
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
    format('%s may use it, and its conditions protect %s only as long as nobody puts another before them', low.names, guarded.names) as detail,
    format('alter view %I.%I set (security_barrier = true)', n.nspname, c.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from guarded
join pg_class c on c.oid = guarded.view
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_any_column_privilege(role, c.oid, 'select')
) low
where c.relkind = 'v'
  and low.names is not null
  and not exists (
    select
    from pg_options_to_table(c.reloptions) o
    where o.option_name in ('security_invoker', 'security_barrier')
      and o.option_value::boolean
  )
  -- Without a condition there is nothing that a reader could get in front of.
  and case when (c.tableoid, c.oid) not in :unreadable then pg_get_viewdef(c.oid) ~* '\mwhere\M' end
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1
