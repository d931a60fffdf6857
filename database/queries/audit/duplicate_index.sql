-- Two indexes are the same in all but the name. Each write pays twice.
-- $1 names the schemas to look at.
-- level: note
-- remedy: leave one of them out of database/indexes and drop it, but none that a constraint stands on
-- splinter: 0009
with readable as materialized (
    select *
    from pg_index
    where ('pg_class'::regclass, indexrelid) not in :unreadable
),
indexes as (
    select *, pg_get_expr(indexprs, indrelid) as expressions, pg_get_expr(indpred, indrelid) as predicate
    from readable
)
select
    format('%I.%I', n.nspname, ic.relname) as object,
    format('it is the same as %I', first.relname) as detail,
    format('drop index concurrently %I.%I', n.nspname, ic.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from indexes i
join pg_class ic on ic.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select oc.relname
    from indexes o
    join pg_class oc on oc.oid = o.indexrelid
    where o.indrelid = i.indrelid
      and o.indexrelid <> i.indexrelid
      and o.indisvalid
      and oc.relam = ic.relam
      and o.indkey::text = i.indkey::text
      and o.indnkeyatts = i.indnkeyatts
      and o.indclass::text = i.indclass::text
      and o.indcollation::text = i.indcollation::text
      and o.indoption::text = i.indoption::text
      and o.expressions is not distinct from i.expressions
      and o.predicate is not distinct from i.predicate
      -- The one that is unique, that a constraint stands on, or that is older, stays.
      and (
        o.indisunique,
        exists (select from pg_constraint k where k.conindid = o.indexrelid),
        -o.indexrelid::bigint
      ) > (
        i.indisunique,
        false,
        -i.indexrelid::bigint
      )
    order by o.indexrelid
    limit 1
) first
where i.indisvalid
  and not i.indisexclusion
  and not i.indisreplident
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
