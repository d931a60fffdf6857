-- Every index of the platform's schemas, and of this session's temporary tables, whose schema reads pg_temp. Expressions are
-- written by the server for the search path of the moment; collations and operator classes that are the default are left out
-- of the keys, and operator classes of one family and one type are one by several names. Whether anybody is at work on one is
-- asked of those that are not valid: a build tells its progress, unless we may not know, and whoever drops or rebuilds one
-- concurrently holds a lock on it that nobody else takes for long.
-- What somebody has locked for himself alone is not waited for: its size is what PostgreSQL counted last.
-- Tables of roles that are not ours, and locked, are left out: what is on them cannot be read without waiting for them.
with recursive locked as materialized :locked,
closed as materialized (
    select c.oid
    from locked
    join pg_catalog.pg_class c on c.oid = locked.relation
    where c.relowner in :strangers
),
-- One that is nested too deep, or too large, is told by its number, so that it is like no other.
unreadable as materialized (
    select unreadable.oid
    from :unreadable as unreadable
    where unreadable.class = 'pg_catalog.pg_class'::pg_catalog.regclass
),
tree as (
    select
        c.oid as root,
        c.oid as relid
    from pg_catalog.pg_class c
    where c.relkind in ('i', 'I', 'r', 'p')
    union all
    select
        tree.root,
        h.inhrelid
    from tree
    join pg_catalog.pg_inherits h on h.inhparent = tree.relid
    join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
),
class as (
    select
        own.oid,
        own.opcfamily || ' ' || own.opcintype as meaning,
        case when not pg_catalog.bool_or(o.opcdefault) then ' ' || pg_catalog.quote_ident(pg_catalog.min(o.opcname::text)) end as title
    from pg_catalog.pg_opclass own
    join pg_catalog.pg_opclass o on o.opcmethod = own.opcmethod
        and o.opcfamily = own.opcfamily
        and o.opcintype = own.opcintype
    group by own.oid, own.opcfamily, own.opcintype
),
keys as (
    select
        i.indexrelid,
        pg_catalog.array_agg(
            text.key
            || coalesce(
                ' collate '
                || case when s.nspname <> 'pg_catalog' then pg_catalog.quote_ident(s.nspname) || '.' else '' end
                || pg_catalog.quote_ident(o.collname),
                ''
            )
            || coalesce(class.title, '')
            || coalesce(' (' || pg_catalog.array_to_string(a.attoptions, ', ') || ')', '')
            || case i.indoption[key.number - 1]
                when 1 then ' desc nulls last'
                when 2 then ' nulls first'
                when 3 then ' desc'
                else ''
            end
            order by key.number
        ) as keys,
        pg_catalog.array_agg(class.meaning order by key.number) as classes,
        pg_catalog.array_agg(text.key order by key.number) as bare
    from pg_catalog.pg_index i
    join pg_catalog.pg_class t on t.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    cross join lateral pg_catalog.generate_series(1, i.indnkeyatts::integer) key (number)
    cross join lateral (
        select
            case
                when i.indexrelid in (select oid from unreadable) then pg_catalog.format('cannot be read (%s)', i.indexrelid)
                else pg_catalog.pg_get_indexdef(i.indexrelid, key.number, false)
            end as key
        offset 0
    ) text
    join class on class.oid = i.indclass[key.number - 1]
    join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid
        and a.attnum = key.number
    left join pg_catalog.pg_collation o on o.oid = i.indcollation[key.number - 1]
        and o.collname <> 'default'
    left join pg_catalog.pg_namespace s on s.oid = o.collnamespace
    where (n.nspname !~ '^pg_' or n.oid = pg_catalog.pg_my_temp_schema())
      and t.oid not in (select closed.oid from closed)
    group by i.indexrelid
)
select
    case when n.oid = pg_catalog.pg_my_temp_schema() then 'pg_temp' else n.nspname::text end as schema,
    t.relname::text as table,
    c.relname::text as name,
    am.amname::text as method,
    i.indisunique as unique,
    newer.indnullsnotdistinct as nulls_not_distinct,
    keys.keys,
    keys.classes,
    keys.bare,
    array(
        select pg_catalog.pg_get_indexdef(i.indexrelid, key.number, false)
        from pg_catalog.generate_series(i.indnkeyatts + 1, i.indnatts::integer) key (number)
        order by key.number
    ) as included,
    case when i.indexrelid not in (select oid from unreadable) then pg_catalog.pg_get_expr(i.indpred, i.indrelid) end as predicate,
    i.indexrelid not in (select oid from unreadable) as readable,
    array(
        select option
        from pg_catalog.unnest(c.reloptions) option
        order by 1
    ) as options,
    tablespace.spcname::text as tablespace,
    i.indisvalid as valid,
    i.indisready as ready,
    c.relkind = 'I' as partitioned,
    parent.relname::text as parent,
    k.conname::text as constraint,
    e.objid is not null as foreign,
    root.schema as root_schema,
    root.name as root_name,
    case
        when n.oid = pg_catalog.pg_my_temp_schema() then null
        else (
            select pg_catalog.sum(
                case
                    when leaf.oid in (select locked.relation from locked)
                        then leaf.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                    else pg_catalog.pg_table_size(leaf.oid)
                end
            )::bigint
            from tree part
            join pg_catalog.pg_class leaf on leaf.oid = part.relid
            where part.root = c.oid
        )
    end as size,
    array(
        select case when s.nspname <> 'public' then s.nspname || '.' else '' end || leaf.relname
        from tree part
        join pg_catalog.pg_class leaf on leaf.oid = part.relid and leaf.relkind = 'r'
        join pg_catalog.pg_namespace s on s.oid = leaf.relnamespace
        where part.root = t.oid
          and c.relkind = 'I'
          and n.oid <> pg_catalog.pg_my_temp_schema()
          and not exists (
            select
            from tree own
            join pg_catalog.pg_index o on o.indexrelid = own.relid
            where own.root = c.oid
              and o.indrelid = leaf.oid
              and o.indisvalid
        )
        order by 1
    ) as lacking,
    busy.pid,
    busy.command,
    busy.phase
from pg_catalog.pg_index i
join keys on keys.indexrelid = i.indexrelid
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_am am on am.oid = c.relam
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
join pg_catalog.pg_tablespace tablespace
    on tablespace.oid = case c.reltablespace when 0 then d.dattablespace else c.reltablespace end
-- Before PostgreSQL 15 the catalog has no such column, and then the name is that of this one.
cross join (select false as indnullsnotdistinct) older
cross join lateral (
    select indnullsnotdistinct
    from pg_catalog.pg_index
    where pg_index.indexrelid = i.indexrelid
) newer
left join pg_catalog.pg_inherits h on h.inhrelid = c.oid
left join pg_catalog.pg_class parent on parent.oid = h.inhparent
left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
left join pg_catalog.pg_depend e on e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and e.objid = t.oid
    and e.deptype = 'e'
left join lateral (
    select
        s.nspname::text as schema,
        r.relname::text as name
    from pg_catalog.pg_class r
    join pg_catalog.pg_namespace s on s.oid = r.relnamespace
    where t.relispartition
      and r.oid = pg_catalog.pg_partition_root(t.oid)
) root on true
left join lateral (
    select
        p.pid,
        p.command::text as command,
        p.phase::text as phase,
        1 as rank
    from pg_catalog.pg_stat_progress_create_index p
    where not i.indisvalid
      and p.index_relid = c.oid
      and p.datname = pg_catalog.current_database()
    union all
    select
        l.pid,
        p.command::text,
        p.phase::text,
        case l.relation when c.oid then 2 else 3 end
    from pg_catalog.pg_locks l
    left join pg_catalog.pg_stat_progress_create_index p on p.pid = l.pid
    where not i.indisvalid
      and l.locktype = 'relation'
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      and l.mode = 'ShareUpdateExclusiveLock'
      and l.granted
      and l.pid is distinct from pg_catalog.pg_backend_pid()
      and (l.relation = c.oid or (l.relation = t.oid and p.pid is not null and p.command is null))
    order by rank
    limit 1
) busy on true
where (n.nspname !~ '^pg_' or n.oid = pg_catalog.pg_my_temp_schema())
  and n.nspname not in ('information_schema', 'toysoldiers')
  and t.relkind in ('r', 'p', 'm')
order by 1, 2, 3
