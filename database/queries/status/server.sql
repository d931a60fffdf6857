-- What answers, as whom, how much is in it, and which tables of it are partitioned.
select
    current_user::text as role,
    pg_catalog.pg_is_in_recovery() as is_replica,
    case
        when pg_catalog.has_database_privilege(pg_catalog.current_database(), 'connect')
            then pg_catalog.pg_database_size(pg_catalog.current_database())
    end as size,
    (
        select count(*)
        from pg_catalog.pg_partitioned_table p
        join pg_catalog.pg_class c on c.oid = p.partrelid
        where not c.relispartition
    ) as partitioned,
    (
        select count(*)
        from pg_catalog.pg_class c
        where c.relispartition
          and c.relkind in ('r', 'f')
    ) as partitions
