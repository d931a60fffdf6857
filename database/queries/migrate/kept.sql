-- The texts of migrations as the history knows them, where they are kept.
-- $1: numbers of the migrations, an array
select distinct on (h.version)
    h.version,
    r.sql as text
from toysoldiers.history h
join toysoldiers.runs r on r.version = h.version and r.checksum = h.checksum
where h.version in (select jsonb_array_elements_text($1)::bigint)
  and r.outcome = 'done'
  and r.sql is not null
order by h.version, r.id desc
