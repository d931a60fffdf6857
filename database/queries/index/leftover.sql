-- What a build or a rebuild of an index left behind that did not come to its end, and whether somebody may still be at it:
-- somebody builds on its table.
-- $1: schema, $2: name of the index, $3: whether the index itself counts
select
    n.nspname::text as schema,
    c.relname::text as name,
    exists (
        select
        from pg_catalog.pg_stat_progress_create_index p
        where p.datname = current_database()
          and (p.relid = i.indrelid or (p.relid is null and exists (
                select
                from pg_catalog.pg_locks l
                where l.pid = p.pid
                  and l.relation = i.indrelid
                  and l.mode = 'ShareUpdateExclusiveLock'
                  and l.granted
            )))
    ) as building
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1
  and c.relkind = 'i'
  and not i.indisvalid
  and (
    (c.relname = $2 and $3)
    or (
        c.relname ~ '_cc(new|old)[0-9]*$'
        and starts_with($2, regexp_replace(c.relname::text, '_cc(new|old)[0-9]*$', ''))
        and (
            regexp_replace(c.relname::text, '_cc(new|old)[0-9]*$', '') = $2
            or octet_length(c.relname::text) >= 60
        )
    )
  )
order by c.oid
