-- Which relations the expressions of policies read, and which of their columns: a row a column, and a row without a
-- column for a relation that is read as such. What is read through a view that looks with the rights of whoever asks is
-- read too. Its own table a policy reads by columns only. What functions read the server does not know.
with recursive reads as (
    select
        p.oid as policy,
        d.refobjid as relation,
        d.refobjsubid as number
    from pg_catalog.pg_policy p
    join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
       and d.objid = p.oid
       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
       and d.deptype = 'n'
    union
    select
        v.policy,
        d.refobjid,
        0
    from reads v
    join pg_catalog.pg_class c on c.oid = v.relation
    join pg_catalog.pg_rewrite w on w.ev_class = c.oid
    join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
       and d.objid = w.oid
       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
       and d.refobjid <> c.oid
    where c.relkind = 'v'
      and exists (
        select
        from pg_catalog.pg_options_to_table(c.reloptions) option
        where option.option_name = 'security_invoker'
          and pg_catalog.lower(option.option_value) in ('true', 'on', 'yes', '1')
      )
)
select distinct
    n.nspname::text as schema,
    c.relname::text as table,
    p.polname::text as name,
    rn.nspname::text as read_schema,
    r.relname::text as read_name,
    a.attname::text as column
from reads v
join pg_catalog.pg_policy p on p.oid = v.policy
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class r on r.oid = v.relation
join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
left join pg_catalog.pg_attribute a
    on a.attrelid = r.oid
   and a.attnum = v.number
   and v.number <> 0
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2, 3, 4, 5, 6
