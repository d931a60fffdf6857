-- What the session has of some settings, in their order.
--
-- $1 names of settings
select
    wanted.name,
    pg_catalog.current_setting(wanted.name, true) as value
from pg_catalog.unnest($1::pg_catalog.text[]) as wanted (name)
