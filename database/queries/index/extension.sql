-- Where the functions of an extension ($1) are in this database, whether this role may call this one of them ($2), and whether the
-- server could have the extension at all.
select
    (select n.nspname::text from pg_catalog.pg_namespace n where n.oid = x.extnamespace) as schema,
    coalesce(
        pg_catalog.has_schema_privilege(x.extnamespace, 'usage')
            and (
                select pg_catalog.bool_or(pg_catalog.has_function_privilege(f.oid, 'execute'))
                from pg_catalog.pg_proc f
                where f.proname = $2
                  and f.pronamespace = x.extnamespace
            ),
        false
    ) as may_call,
    exists (select from pg_catalog.pg_available_extensions a where a.name = $1) as is_available,
    current_user::text as role
from (select) nothing
left join pg_catalog.pg_extension x on x.extname = $1
