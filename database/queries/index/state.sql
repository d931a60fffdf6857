-- How an index stands. One that is not valid may be in the making if somebody builds on its table, which only one can at
-- a time; a rebuild does not say which index it makes before it has begun. Of a session of somebody whom this role may
-- not look at only that it builds is known, and then the lock it has tells on which table.
-- $1: schema, $2: name of the index
select
    own.nspname::text as table_schema,
    t.relname::text as table_name,
    i.indisvalid as valid,
    c.relkind = 'I' as partitioned,
    coalesce(i.indisreplident, false) as identity,
    exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid) as constrained,
    i.indexprs is not null as computed,
    exists (select from pg_catalog.pg_inherits h where h.inhrelid = c.oid) as attached,
    pg_catalog.pg_relation_size(c.oid) as size,
    pg_catalog.obj_description(c.oid, 'pg_class') as comment,
    (
        select p.pid
        from pg_catalog.pg_stat_progress_create_index p
        where p.datname = current_database()
          and not i.indisvalid
          and (
            p.relid = i.indrelid
            or (p.relid is null and exists (
                select
                from pg_catalog.pg_locks l
                where l.pid = p.pid
                  and l.relation = i.indrelid
                  and l.mode = 'ShareUpdateExclusiveLock'
                  and l.granted
            ))
          )
        limit 1
    ) as pid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_index i on i.indexrelid = c.oid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace own on own.oid = t.relnamespace
where n.nspname = $1
  and c.relname = $2
