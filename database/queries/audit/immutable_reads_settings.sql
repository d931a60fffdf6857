-- A function that is called immutable reads who is asking. A plan that is kept may hold the answer for another person: one user
-- is shown the rows of another.
-- $1 names the schemas to look at.
-- level: error
-- remedy: alter the function to be stable
select
    p.oid::regprocedure::text as object,
    format('it is immutable, and its body names %s', used.word) as detail,
    format('alter function %s stable', p.oid::regprocedure) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
cross join lateral (
    select (
        regexp_match(
            regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '--[^\n]*', '', 'g'),
            '\m(current_setting|current_user|session_user|current_role|current_user_id|current_creator_id|auth\.uid|auth\.jwt|auth\.role|auth\.email)\M',
            'i'
        )
    )[1] as word
) used
where p.provolatile = 'i'
  and p.prokind = 'f'
  and p.prolang in (select oid from pg_language where lanname not in ('c', 'internal'))
  and used.word is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_proc'::regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by 1
