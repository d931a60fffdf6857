-- The subscriptions of this database, by name. Their addresses only a superuser may read, and nobody asks for them here.
select s.subname::text as name
from pg_catalog.pg_subscription s
join pg_catalog.pg_database d on d.oid = s.subdbid
where d.datname = pg_catalog.current_database()
order by s.subname
