-- Every policy of the platform's schemas, and of this session's temporary tables, whose schema reads pg_temp. Expressions are
-- written by the server for the search path of the moment.
-- Tables of roles that are not ours, and that somebody has locked for himself alone, are left out: what is on them cannot be
-- read without waiting for them. One that is nested too deep, or too large, is told without what it says.
with closed as materialized (
    select c.oid
    from :locked as locked
    join pg_catalog.pg_class c on c.oid = locked.relation
    where c.relowner in :strangers
),
seen as materialized (
    select *, (tableoid, oid) not in :unreadable as readable
    from pg_catalog.pg_policy
    where polrelid not in (select oid from closed)
)
select
    case when n.oid = pg_catalog.pg_my_temp_schema() then 'pg_temp' else n.nspname::text end as schema,
    c.relname::text as table,
    p.polname::text as name,
    case p.polcmd
        when 'r' then 'select'
        when 'a' then 'insert'
        when 'w' then 'update'
        when 'd' then 'delete'
        else 'all'
    end as command,
    p.polpermissive as permissive,
    array(
        select case when role = 0 then 'public' else pg_catalog.pg_get_userbyid(role)::text end
        from pg_catalog.unnest(p.polroles) role
        order by 1
    ) as roles,
    case
        when p.readable or p.polqual is null then pg_catalog.pg_get_expr(p.polqual, p.polrelid)
        else pg_catalog.format('cannot be read: nested too deep, or too large (%s)', p.oid)
    end as using,
    case
        when p.readable or p.polwithcheck is null then pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
        else pg_catalog.format('cannot be read: nested too deep, or too large (%s)', p.oid)
    end as check,
    case when p.readable then pg_catalog.obj_description(p.oid, 'pg_policy') end as comment,
    p.readable
from seen p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where (n.nspname !~ '^pg_' or n.oid = pg_catalog.pg_my_temp_schema())
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2, 3
