-- The lock that this very session holds on a relation: whose it is, for others to look for.
-- $1: oid of the relation
select
    l.pid,
    l.virtualtransaction as transaction
from pg_catalog.pg_locks l
where l.pid = pg_catalog.pg_backend_pid()
  and l.locktype = 'relation'
  and l.relation = $1::bigint::oid
  and l.granted
limit 1
