-- Everything that decides how the questions to come are answered, whatever the role's own settings are. It is asked before they
-- are made, so it looks up no name by itself. What a session has already is not set: a role may have what it may not set.
--
-- $1 names of settings
-- $2 their values
-- $3 whether until the end of the transaction only
select
    setting.name,
    setting.own,
    case
        when setting.own operator(pg_catalog.=) setting.value then setting.own
        else pg_catalog.set_config(setting.name, setting.value, $3)
    end as held
from (
    select
        wanted.name,
        wanted.value,
        pg_catalog.current_setting(wanted.name, true) as own
    -- Of several arrays it is the catalog's, whatever else has its name.
    from unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) as wanted (name, value)
    -- What was there is read before it is replaced.
    offset 0
) as setting
