-- A role is bound by no policy. Whoever has its password or its key has every row.
-- level: note
-- remedy: keep the role for the platform's own services, or alter it to be nobypassrls
select
    format('role %I', r.rolname) as object,
    case when r.rolcanlogin then 'it has bypassrls and may log in' else 'it has bypassrls' end as detail,
    format('alter role %I nobypassrls', r.rolname) as fix,
    null as relation
from pg_roles r
where r.rolbypassrls
  and not r.rolsuper
  and r.rolname !~ '^pg_'
order by 1
