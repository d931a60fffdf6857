-- A policy calls a function for every row whose answer is the same for the whole query: 8 to 159 times slower, measured on two
-- million rows.
-- $1 names the schemas whose policies to look at.
-- level: warning
-- remedy: wrap the call: `(select app.current_user_id())` is asked once a query
-- splinter: 0003
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as policy,
    format('%I.%I', n.nspname, c.relname) as relation,
    p.polqual::text as using_tree,
    p.polwithcheck::text as check_tree,
    (
        select coalesce(jsonb_object_agg(f.oid::text, f.oid::regproc::text), '{}')
        from (
            select distinct found[1]::oid as id
            from regexp_matches(concat(p.polqual::text, p.polwithcheck::text), ':funcid (\d+)', 'g') found
        ) called
        join pg_proc f on f.oid = called.id
        where f.provolatile in ('s', 'v')
          -- What only repeats the time of the transaction costs nothing.
          and f.oid::regproc::text not in ('now', 'transaction_timestamp', 'statement_timestamp')
    ) as functions
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
