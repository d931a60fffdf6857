-- The server brings a newer version of an extension than the database uses; what was mended in between is not mended here.
-- level: note
-- remedy: alter extension ... update
-- splinter: 0022
select
    format('extension %I', x.extname) as object,
    format('it is version %s, and the server brings %s', x.extversion, a.default_version) as detail,
    format('alter extension %I update', x.extname) as fix,
    null as relation
from pg_extension x
join pg_available_extensions a on a.name = x.extname
where a.default_version is not null
  and a.default_version <> x.extversion
order by 1
