-- A unique index answers whether a value exists: who may write the column tries one and reads the conflict, though policies hide
-- the row that has it.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: note
-- remedy: let a function check and write, or accept that the value is no secret
select
    format('%I.%I', n.nspname, ic.relname) as object,
    format('%s may try values of %s', low.names, keys.names) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_index i
join pg_class ic on ic.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select array_agg(a.attnum) as numbers, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as names
    from pg_attribute a
    where a.attrelid = c.oid
      and (
        a.attnum in (select key from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) key where key > 0)
        or exists (
            select
            from pg_depend d
            where i.indexprs is not null
              and d.classid = 'pg_class'::regclass
              and d.objid = i.indexrelid
              and d.refclassid = 'pg_class'::regclass
              and d.refobjid = c.oid
              and d.refobjsubid = a.attnum
        )
      )
) keys
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and (
        (select bool_and(has_column_privilege(role, c.oid, key, 'insert')) from unnest(keys.numbers) key)
        or (select bool_or(has_column_privilege(role, c.oid, key, 'update')) from unnest(keys.numbers) key)
      )
) low
where i.indisunique
  and c.relrowsecurity
  and low.names is not null
  -- Nobody guesses a random id.
  and not (
    i.indisprimary
    and not exists (
        select
        from pg_attribute a
        where a.attrelid = c.oid
          and a.attnum = any (keys.numbers)
          and a.atttypid <> 'uuid'::regtype
    )
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
