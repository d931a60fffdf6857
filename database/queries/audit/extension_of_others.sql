-- An extension belongs to a role that is not trusted. What belongs to an extension nobody looks at, neither a check, nor
-- `migrate verify`, nor the hash of the schema, and pg_dump leaves it out; and its owner can add any object to it.
-- $1 names the schemas to look at.
-- level: warning
-- remedy: look at its members with \dx+ in psql, then drop it and have somebody make it who is trusted
select
    format('extension %I', x.extname) as object,
    format(
        'it is of %I, and nobody looks at its %s tables and views, %s functions and %s other objects',
        pg_get_userbyid(x.extowner),
        count(*) filter (where m.classid = 'pg_class'::regclass),
        count(*) filter (where m.classid = 'pg_proc'::regclass),
        count(m.objid) filter (where m.classid not in ('pg_class'::regclass, 'pg_proc'::regclass))
    ) as detail,
    null as fix,
    null as relation
from pg_extension x
left join pg_depend m
    on m.refclassid = 'pg_extension'::regclass
   and m.refobjid = x.oid
   and m.deptype = 'e'
where x.extowner in :strangers
  and jsonb_array_length($1::jsonb -> 'schemas') is not null
group by x.oid, x.extname, x.extowner
order by 1
