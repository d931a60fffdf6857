-- A role that anybody may act as is bound by no policy, or can become one that is not: a superuser, one with bypassrls, or the
-- owner of a table, who may also drop its policies.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: revoke the membership, or take the attribute from the role
select
    format('role %I', low.rolname) as object,
    case
        when low.oid = other.oid then format('it %s', reason.text)
        else format('it may become %s, which %s', quote_ident(other.rolname), reason.text)
    end as detail,
    case
        when low.oid = other.oid and other.rolsuper then format('alter role %I nosuperuser', low.rolname)
        when low.oid = other.oid and other.rolbypassrls then format('alter role %I nobypassrls', low.rolname)
        when exists (select from pg_auth_members m where m.roleid = other.oid and m.member = low.oid) then format('revoke %I from %I', other.rolname, low.rolname)
    end as fix,
    null as relation
from pg_roles low
join pg_roles other on pg_has_role(low.oid, other.oid, 'member')
cross join lateral (
    select case
        when other.rolsuper then 'is a superuser'
        when other.rolbypassrls then 'has bypassrls'
        else (
            select 'owns ' || min(format('%I.%I', n.nspname, c.relname))
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where c.relowner = other.oid
              and c.relrowsecurity
              and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
        )
    end as text
) reason
where low.rolname in (select jsonb_array_elements_text($1::jsonb -> 'told'))
  and reason.text is not null
  -- A superuser is a member of every role, which says nothing new.
  and (low.oid = other.oid or not low.rolsuper)
order by 1, 2
