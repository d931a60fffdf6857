-- Whom and what an audit looks at: of the roles anybody may act as ($1, an array) those that are here, and with them those they may
-- become, and public; of the schemas ($2, an array or null) those that are here, or all that are neither the system's, an
-- extension's, ours nor Supabase's own. A policy is somebody's wherever it is, in `storage` too: unless schemas are told, those of
-- all that are not the system's nor ours are looked at.
select
    array(
        select r.rolname::text
        from jsonb_array_elements_text($1) wanted
        join pg_catalog.pg_roles r on r.rolname = wanted
        order by 1
    ) as told_roles,
    array(
        select other.rolname::text
        from jsonb_array_elements_text($1) wanted
        join pg_catalog.pg_roles r on r.rolname = wanted
        join pg_catalog.pg_roles other on other.oid = r.oid
            -- A superuser may become everybody, which is said of it anyhow.
            or (not r.rolsuper and pg_catalog.pg_has_role(r.oid, other.oid, 'member'))
        union
        select 'public'
        order by 1
    ) as roles,
    array(
        select wanted
        from jsonb_array_elements_text($1) wanted
        where wanted <> 'public'
          and not exists (select from pg_catalog.pg_roles r where r.rolname = wanted)
        order by 1
    ) as absent_roles,
    array(
        select n.nspname::text
        from pg_catalog.pg_namespace n
        where case
            when jsonb_typeof($2) = 'array' then $2 ? n.nspname::text
            else n.nspname !~ '^pg_'
                and n.nspname not in ('information_schema', 'toysoldiers')
                -- Whoever may create schemas can give one such a name, and theirs are looked at.
                and not (
                  (n.nspowner not in :strangers or pg_catalog.pg_get_userbyid(n.nspowner) ~ '^(supabase_|pgbouncer$)')
                  and n.nspname in (
                    '_analytics', '_realtime', '_supavisor', 'auth', 'cron', 'extensions',
                    'graphql', 'graphql_public', 'net', 'pgbouncer', 'pgmq', 'pgmq_public', 'pgsodium', 'pgsodium_masks', 'pgtle',
                    'realtime', 'repack', 'storage', 'supabase_functions', 'supabase_migrations', 'tiger', 'tiger_data', 'topology',
                    'vault'
                  )
                )
                and not exists (
                    select
                    from pg_catalog.pg_depend e
                    where e.classid = 'pg_catalog.pg_namespace'::regclass
                      and e.objid = n.oid
                      and e.deptype = 'e'
                )
        end
        order by 1
    ) as schemas,
    array(
        select n.nspname::text
        from pg_catalog.pg_namespace n
        where case
            when jsonb_typeof($2) = 'array' then $2 ? n.nspname::text
            else n.nspname !~ '^pg_'
                and n.nspname not in ('information_schema', 'toysoldiers')
        end
        order by 1
    ) as policy_schemas,
    array(
        select wanted
        from jsonb_array_elements_text(case when jsonb_typeof($2) = 'array' then $2 else '[]' end) wanted
        where not exists (select from pg_catalog.pg_namespace n where n.nspname = wanted)
        order by 1
    ) as absent_schemas
