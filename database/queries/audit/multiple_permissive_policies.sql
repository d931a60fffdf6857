-- Several policies let the same role in for the same command. A row needs only one of them, so the widest counts, and all of
-- them are asked.
-- $1 names the roles anybody may act as, and the schemas whose policies to look at.
-- level: note
-- remedy: write one policy with `or`, so that the whole rule can be read in one place
-- splinter: 0006
with applied as (
    select
        c.oid,
        low.rolname,
        command.name as command,
        string_agg(quote_ident(p.polname), ', ' order by p.polname) as policies
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_roles low on low.rolname in (select jsonb_array_elements_text($1::jsonb -> 'roles'))
    join (
        values
            ('r', 'select'),
            ('a', 'insert'),
            ('w', 'update'),
            ('d', 'delete')
    ) command (code, name) on p.polcmd::text in (command.code, '*')
    where p.polpermissive
      and exists (
        select
        from unnest(p.polroles) named
        where named = 0
           or pg_has_role(low.oid, named, 'usage')
      )
    group by c.oid, low.rolname, command.name
    having count(*) > 1
)
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s: %s are asked for %s', string_agg(distinct quote_ident(applied.rolname), ', '), applied.policies, string_agg(distinct applied.command, ', ')) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from applied
join pg_class c on c.oid = applied.oid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
group by n.nspname, c.relname, applied.policies
order by 1, 2
