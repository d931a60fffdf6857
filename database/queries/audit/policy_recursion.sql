-- A policy reads a table whose policies lead back to its own table. Every query of the table then fails with "infinite recursion
-- detected in policy", which no one is told when the policy is made.
-- $1 names the roles anybody may act as, and the schemas whose policies to look at.
-- level: error
-- remedy: read the other table in a security definer function, and call that as `(select app.may_see(...))`
select
    p.polrelid::bigint as table_id,
    format('%I.%I', n.nspname, c.relname) as relation,
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as policy,
    p.polcmd in ('r', '*') as selects,
    p.polqual::text as using_tree,
    p.polwithcheck::text as check_tree,
    null::bigint[] as sources,
    array(
        select r.rolname::text
        from pg_roles r
        where not r.rolbypassrls
          and not r.rolsuper
          and (
            r.rolname in (select jsonb_array_elements_text($1::jsonb -> 'roles'))
            or exists (select from pg_policy any_policy where r.oid = any (any_policy.polroles))
          )
          and exists (
            select
            from unnest(p.polroles) named
            where named = 0
               or pg_has_role(r.oid, named, 'usage')
          )
        order by 1
    ) || array(
        select 'public'
        from unnest(p.polroles) named
        where named = 0
    ) as roles
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
union all
-- What views with the rights of their readers read.
select
    c.oid::bigint,
    format('%I.%I', n.nspname, c.relname),
    null,
    true,
    null,
    null,
    array(
        select distinct d.refobjid::bigint
        from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass
            and d.objid = w.oid
            and d.refclassid = 'pg_class'::regclass
            and d.refobjid <> c.oid
        where w.ev_class = c.oid
    ),
    '{}'
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v'
  and exists (
        select
        from pg_options_to_table(c.reloptions) o
        where o.option_name = 'security_invoker'
          and o.option_value::boolean
    )
order by 2, 3
