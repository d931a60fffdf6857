-- Which environment this database says it belongs to. Read as a document, since bookkeeping of the first version
-- has no such column.
select pg_catalog.to_jsonb(installation) ->> 'environment' as environment
from toysoldiers.installation as installation
