-- REFERENCES tells by a foreign key which values exist, whatever policies hide, and keeps rows from being deleted. TRIGGER lets
-- one run one's own code with the rights of whoever changes the table. No visitor needs either.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: revoke references and trigger
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s granted to %s', low.rights, low.names) as detail,
    format('revoke %s on %I.%I from %s', low.rights, n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select
        case when bool_or(role = 'public') then 'public' else string_agg(distinct quote_ident(role), ', ') end as names,
        string_agg(distinct held.privilege, ', ') as rights
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    cross join lateral (
        select 'references' as privilege
        where has_any_column_privilege(role, c.oid, 'references')
        union all
        select 'trigger'
        where has_table_privilege(role, c.oid, 'trigger')
    ) held
) low
where c.relkind in ('r', 'p', 'v', 'm', 'f')
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
