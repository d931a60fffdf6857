-- Default privileges hand what is created later to everybody: the next table is open, truncate included, before anybody thinks
-- of a policy.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: alter default privileges to revoke it, and grant each thing where it is declared
select
    format(
        'default privileges of %s on %s%s',
        quote_ident(pg_get_userbyid(d.defaclrole)),
        kind.noun,
        ' in ' || quote_ident(n.nspname)
    ) as object,
    format(
        'they hand %s to %s',
        low.rights,
        low.names
    ) as detail,
    format(
        'alter default privileges for role %I%s revoke all on %s from %s',
        pg_get_userbyid(d.defaclrole),
        ' in schema ' || quote_ident(n.nspname),
        kind.noun,
        low.names
    ) as fix,
    null as relation
from pg_default_acl d
left join pg_namespace n on n.oid = d.defaclnamespace
join (
    values
        ('r', 'tables'),
        ('S', 'sequences'),
        ('f', 'functions'),
        ('T', 'types'),
        ('n', 'schemas')
) kind (code, noun) on kind.code = d.defaclobjtype::text
cross join lateral (
    select
        string_agg(distinct given.name, ', ') as names,
        string_agg(distinct lower(x.privilege_type), ', ') as rights
    from aclexplode(d.defaclacl) x
    cross join lateral (
        select case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end as name
    ) given
    where given.name in (select jsonb_array_elements_text($1::jsonb -> 'roles'))
      -- Without any default privileges, everybody may call functions and use types.
      and (x.grantee <> 0 or d.defaclobjtype not in ('f', 'T') or d.defaclnamespace <> 0)
) low
where low.names is not null
  and (n.nspname is null or n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas')))
order by 1
