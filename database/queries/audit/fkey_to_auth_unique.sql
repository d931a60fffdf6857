-- A foreign key refers to a column of Supabase's schema auth that is unique without being the primary key. Such constraints come
-- and go with Supabase's own migrations, which then fail on this key.
-- $1 names the schemas to look at.
-- level: error
-- remedy: refer to the primary key instead
-- splinter: 0021
select
    format('constraint %I on %I.%I', k.conname, n.nspname, c.relname) as object,
    format('it refers to %I.%I by the index %I', fn.nspname, f.relname, ic.relname) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class f on f.oid = k.confrelid
join pg_namespace fn on fn.oid = f.relnamespace
join pg_index i on i.indexrelid = k.conindid
join pg_class ic on ic.oid = i.indexrelid
where k.contype = 'f'
  and fn.nspname = 'auth'
  and not i.indisprimary
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
order by 1
