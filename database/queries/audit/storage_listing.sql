-- A policy shows every object of a bucket of Supabase's storage to whoever it is for: the files can be listed, and none is hidden by
-- a name that is hard to guess. To fetch a file of a public bucket no policy is needed. Which buckets are public is a row, and is
-- not looked at.
-- $1 names the roles anybody may act as, and the schemas whose policies to look at.
-- level: warning
-- remedy: drop the policy if the bucket is public; else compare the object with who is asking, by owner or by its path
-- splinter: 0025
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as object,
    format('%s may list: %s', (
            select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ' order by role)
            from unnest(p.polroles) role
        ), pg_get_expr(p.polqual, p.polrelid)) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'storage'
  and c.relname = 'objects'
  and p.polpermissive
  and p.polcmd in ('r', '*')
  -- It asks for nothing but the bucket.
  and p.polqual::text !~ '\{(FUNCEXPR|SUBLINK|SQLVALUEFUNCTION|PARAM) '
  and not exists (
    select
    from pg_depend d
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_policy'::regclass
      and d.objid = p.oid
      and d.refclassid = 'pg_class'::regclass
      and d.refobjid = c.oid
      and d.refobjsubid > 0
      and a.attname <> 'bucket_id'
  )
  and exists (
    select
    from unnest(p.polroles) named
    where named = 0
       or exists (
        select
        from pg_roles low
        where low.rolname in (select jsonb_array_elements_text($1::jsonb -> 'roles'))
          and pg_has_role(low.oid, named, 'usage')
    )
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
order by 1
