-- A table takes much more room than its rows: what was deleted or changed left it, and every read from end to end passes through.
-- It is an estimate by the statistics of the last ANALYZE, and knows nothing of a table that has none for one of its columns, nor
-- of what is stored aside (TOAST) and of indexes; pgstattuple measures.
-- $1 names the schemas to look at.
-- level: note
-- remedy: look with pgstattuple, and see that autovacuum keeps up; VACUUM FULL gives the room back, and locks everybody out
-- meanwhile
-- splinter: 0020
select
    format('%I.%I', n.nspname, c.relname) as object,
    format(
        'about %s %% of its %s are empty',
        round(100 * (1 - needed.pages / c.relpages)),
        pg_size_pretty(c.relpages * size.block)
    ) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select
        current_setting('block_size')::bigint as block,
        coalesce(
            (select option_value::numeric from pg_options_to_table(c.reloptions) where option_name = 'fillfactor'),
            100
        ) / 100 as filled
) size
cross join lateral (
    select
        sum((1 - s.null_frac) * s.avg_width)::numeric as width,
        count(s.attname) = count(*) as is_known
    from pg_attribute a
    left join pg_stats s on s.schemaname = n.nspname
        and s.tablename = c.relname
        and s.attname = a.attname
        and not s.inherited
    where a.attrelid = c.oid
      and a.attnum > 0
      and not a.attisdropped
) columns
cross join lateral (
    -- A row has a header, a pointer in its page, and is aligned, and a page has a header.
    select c.reltuples::numeric * (24 + 4 + ceil(columns.width / 8) * 8) / ((size.block - 24) * size.filled) as pages
) needed
where c.relkind in ('r', 'm')
  and c.reltuples >= 0
  and c.relpages * size.block >= 20 * 1024 * 1024
  and columns.is_known
  and needed.pages < 0.3 * c.relpages
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
