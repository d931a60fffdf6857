-- An index was never used while its table was read many times. It slows every write and takes room. Only this server counts
-- here, and only since its counters began.
-- $1 names the schemas to look at.
-- level: note
-- remedy: leave it out of database/indexes and drop it, after a look at the counters of the replicas
-- splinter: 0005
select
    format('%I.%I', n.nspname, ic.relname) as object,
    format(
        'not used once since %s, while the table was read %s times',
        to_char(greatest(d.stats_reset, pg_postmaster_start_time()) at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"'),
        coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0)
    ) as detail,
    format('drop index concurrently %I.%I', n.nspname, ic.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_stat_all_indexes s
join pg_stat_all_tables t on t.relid = s.relid
join pg_index i on i.indexrelid = s.indexrelid
join pg_class ic on ic.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_stat_database d on d.datname = current_database()
where s.idx_scan = 0
  and coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0) >= 100
  and not i.indisunique
  and not i.indisexclusion
  and not i.indisreplident
  and i.indisvalid
  -- What a foreign key needs is used by checks that rarely run.
  and not exists (
    select
    from pg_constraint k
    where k.conrelid = c.oid
      and k.contype = 'f'
      and k.conkey[1] = i.indkey[0]
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
