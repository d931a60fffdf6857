-- An extension put its functions into the schema public, where names are looked up by everybody and where its objects stand
-- between the platform's own.
-- level: warning
-- remedy: move it into a schema of its own: alter extension ... set schema
-- splinter: 0014
select
    format('extension %I', x.extname) as object,
    'its schema is public' as detail,
    case when x.extrelocatable then format('alter extension %I set schema extensions', x.extname) end as fix,
    null as relation
from pg_extension x
join pg_namespace n on n.oid = x.extnamespace
where n.nspname = 'public'
  and x.extname <> 'plpgsql'
order by 1
