-- A policy for writing lets everything through. Whoever has the grant changes, deletes or adds rows of anybody.
-- $1 names the roles anybody may act as, and the schemas whose policies to look at.
-- level: error
-- remedy: compare the row with who is asking: `user_id = (select app.current_user_id())`
-- splinter: 0024
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as object,
    format('%s may %s any row: %s', (
            select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ' order by role)
            from unnest(p.polroles) role
        ), case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'change' end, said.text) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select
        pg_get_expr(p.polqual, p.polrelid) in ('true', '(1 = 1)') as is_using,
        pg_get_expr(p.polwithcheck, p.polrelid) in ('true', '(1 = 1)') as is_check
) always
cross join lateral (
    select concat_ws(
        ' and ',
        case when always.is_using then 'its USING is always true' end,
        case when always.is_check then 'its WITH CHECK is always true' end
    ) as text
) said
where p.polpermissive
  and p.polcmd <> 'r'
  and said.text <> ''
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
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
