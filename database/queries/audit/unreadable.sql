-- An expression is nested so deep that the server cannot write it down, or is as large as nobody writes one, as is a comment. Checks
-- leave out what it belongs to, so that they can look at all the rest, and pg_dump may fail at it.
-- $1 names the schemas to look at, and the schemas whose policies to look at.
-- level: warning
-- remedy: find out who made it, and drop it, if need be with a higher max_stack_depth
with unreadable as (
    select class, oid
    from :unreadable as unreadable
    group by class, oid
),
place as (
    select
        u.class,
        u.oid,
        coalesce(c.relname, p.proname, t.typname, s.stxname) as name,
        coalesce(c.relnamespace, p.pronamespace, t.typnamespace, s.stxnamespace) as schema,
        coalesce(c.relowner, p.proowner, t.typowner, s.stxowner) as owner,
        c.oid is not null as is_relation,
        policy.oid is not null as is_policy
    from unreadable u
    left join pg_policy policy on u.class = 'pg_policy'::regclass and policy.oid = u.oid
    left join pg_constraint k on u.class = 'pg_constraint'::regclass and k.oid = u.oid
    left join pg_rewrite r on u.class = 'pg_rewrite'::regclass and r.oid = u.oid and r.rulename <> '_RETURN'
    left join pg_trigger g on u.class = 'pg_trigger'::regclass and g.oid = u.oid
    left join pg_class c on c.oid = coalesce(
        policy.polrelid,
        nullif(k.conrelid, 0),
        r.ev_class,
        g.tgrelid,
        case when u.class = 'pg_class'::regclass then u.oid end
    )
    left join pg_proc p on u.class = 'pg_proc'::regclass and p.oid = u.oid
    left join pg_type t on u.class = 'pg_type'::regclass and t.oid = u.oid
    left join pg_statistic_ext s on u.class = 'pg_statistic_ext'::regclass and s.oid = u.oid
)
select
    pg_describe_object(place.class, place.oid, 0) as object,
    format('it is of %I, and nested too deep, or too large, to be read', pg_get_userbyid(place.owner)) as detail,
    null as fix,
    case when place.is_relation then format('%I.%I', n.nspname, place.name) end as relation
from place
join pg_namespace n on n.oid = place.schema
where n.nspname in (
    select jsonb_array_elements_text($1::jsonb -> case when place.is_policy then 'policy_schemas' else 'schemas' end)
)
order by 1
