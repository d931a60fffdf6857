-- An expression of a table or a view calls code of a role that is trusted less than its owner. Whoever owns a function can change
-- what it does, and it runs with the rights of everybody who reads or writes there, superusers among them. Such an expression comes
-- about when somebody plants a function or an operator that fits better, and a migration looks names up where it lies.
-- $1 names the schemas to look at; the bookkeeping is one of them.
-- level: error
-- remedy: make the expression again with every function and operator of another schema qualified, while the search_path names
-- pg_catalog and no schema where others may create; or give the code to the owner of the table
with code as (
    select
        'pg_proc'::regclass as class,
        p.oid,
        p.proowner as owner,
        format('the function %s', p.oid::regprocedure) as name
    from pg_proc p
    union
    -- Whoever has the function behind an operator has the operator.
    select 'pg_operator'::regclass, o.oid, whose.owner, format('the operator %s', o.oid::regoperator)
    from pg_operator o
    join pg_proc p on p.oid = o.oprcode
    cross join lateral (values (o.oprowner), (p.proowner)) whose (owner)
    union all
    select 'pg_type'::regclass, t.oid, t.typowner, format('the domain %s', t.oid::regtype)
    from pg_type t
    where t.typtype = 'd'
),
places as (
    select 'pg_class'::regclass as class, c.oid, c.oid as relation, null as kind, null::name as name
    from pg_class c
    union all
    select 'pg_attrdef'::regclass, d.oid, d.adrelid, 'column', a.attname
    from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    union all
    select 'pg_constraint'::regclass, k.oid, k.conrelid, 'constraint', k.conname
    from pg_constraint k
    where k.conrelid <> 0
    union all
    select 'pg_rewrite'::regclass, r.oid, r.ev_class, case when r.rulename <> '_RETURN' then 'rule' end, r.rulename
    from pg_rewrite r
    union all
    select 'pg_policy'::regclass, p.oid, p.polrelid, 'policy', p.polname
    from pg_policy p
    union all
    select 'pg_trigger'::regclass, t.oid, t.tgrelid, 'trigger', t.tgname
    from pg_trigger t
    where not t.tgisinternal
    union all
    select 'pg_statistic_ext'::regclass, s.oid, s.stxrelid, 'statistics', s.stxname
    from pg_statistic_ext s
)
select
    case
        when place.kind is null then relation.name
        when place.kind = 'column' then format('%s.%I', relation.name, place.name)
        else format('%s %I on %s', place.kind, place.name, relation.name)
    end as object,
    format('it runs %s', string_agg(distinct format('%s of %I', code.name, owner.rolname), ', ')) as detail,
    null as fix,
    relation.name as relation
from places place
join pg_class c on c.oid = place.relation
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (select format('%I.%I', n.nspname, c.relname) as name) relation
join pg_depend d on d.classid = place.class and d.objid = place.oid
join code on code.class = d.refclassid and code.oid = d.refobjid
join pg_roles owner on owner.oid = code.owner
where (n.nspname = 'toysoldiers' or n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas')))
  -- Who may become the owner is trusted as much.
  and not pg_has_role(code.owner, c.relowner, 'member')
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
group by place.class, place.kind, place.name, relation.name
order by 1
