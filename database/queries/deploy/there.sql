-- Which of these relations are there.
-- $1: their names as SQL writes them, as a JSON array of texts
select name
from jsonb_array_elements_text($1) as wanted (name)
where pg_catalog.to_regclass(name) is not null
