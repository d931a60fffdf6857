-- Addresses that might have been meant: all of a small platform, else those that begin alike. The caller picks
-- the nearest.
-- Needs migration 005_creators.
-- $1: address as typed, $2: creators only
select u.email
from public.users u
where (not $2 or exists (select from public.creators c where c.user_id = u.id))
  and (
    (select reltuples from pg_catalog.pg_class where oid = 'public.users'::regclass) < 20000
    or (lower(u.email) >= lower(left($1, 2)) and lower(u.email) < lower(left($1, 2)) || '~')
  )
limit 20000
