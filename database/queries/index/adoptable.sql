-- Indexes as a file would declare them: what stands behind its table, what is said about it, and the
-- tablespace it is in unless that is the database's own. No others are looked at: what somebody has locked is waited for.
-- $1: their schemas and names, an array of pairs
select
    n.nspname::text as schema,
    t.relname::text as table,
    c.relname::text as name,
    i.indisunique as unique,
    pg_catalog.substr(
        pg_catalog.pg_get_indexdef(c.oid),
        pg_catalog.length(
            pg_catalog.format(
                'CREATE %sINDEX %I ON %s%I.%I ',
                case when i.indisunique then 'UNIQUE ' else '' end,
                c.relname,
                case when c.relkind = 'I' then 'ONLY ' else '' end,
                n.nspname,
                t.relname
            )
        ) + 1
    ) as tail,
    s.spcname::text as tablespace,
    pg_catalog.obj_description(c.oid, 'pg_class') as comment
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
where (n.nspname::text, c.relname::text) in (
    select
        pair ->> 0,
        pair ->> 1
    from jsonb_array_elements($1::jsonb) pair
)
order by 1, 2, 3
