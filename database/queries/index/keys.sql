-- What an index keeps unique: its keys as expressions, and the rows it is about.
-- $1: schema, $2: name of the index
select
    pg_catalog.quote_ident(own.nspname) || '.' || pg_catalog.quote_ident(t.relname) as relation,
    array(
        select pg_catalog.pg_get_indexdef(i.indexrelid, number, false)
        from pg_catalog.generate_series(1, i.indnkeyatts) as number
        order by number
    ) as keys,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
    -- PostgreSQL 14 has no such column.
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) as nulls_alike
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace own on own.oid = t.relnamespace
where n.nspname = $1
  and c.relname = $2
