-- An expression of a table or a view calls code of a role that is trusted less than its owner. Whoever owns a function can change
-- what it does, and it runs with the rights of everybody who reads or writes there, superusers among them. Such an expression comes
-- about when somebody plants a function or an operator that fits better, and a migration looks names up where it lies. What
-- a function calls is known only of one whose body the server has read (begin atomic, return), and one call deep: the text of
-- other bodies is looked up when they run, which function-search-path is about.
-- $1 names the schemas to look at; the bookkeeping is one of them.
-- level: error
-- remedy: make the expression again with every function and operator of another schema qualified, while the search_path names
-- pg_catalog and no schema where others may create; or give the code to the owner of the table
with recursive own as (
    select t.oid as type, t.typowner as owner, format('the domain %s', t.oid::regtype) as name
    from pg_type t
    where t.typtype = 'd'
    -- Nor is it the domain's own what its checks and its default call.
    union
    select t.oid, p.proowner, format('the domain %s with code', t.oid::regtype)
    from pg_type t
    left join pg_constraint k on k.contypid = t.oid
    join pg_depend d on (d.classid = 'pg_constraint'::regclass and d.objid = k.oid)
        or (d.classid = 'pg_type'::regclass and d.objid = t.oid)
    left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
    join pg_proc p on p.oid = case when d.refclassid = 'pg_proc'::regclass then d.refobjid else o.oprcode::oid end
    where t.typtype = 'd'
    -- What a range is brought into its form with, and compared with.
    union
    select r.rngtypid, p.proowner, format('the range type %s with code', r.rngtypid::regtype)
    from pg_range r
    join pg_opclass c on c.oid = r.rngsubopc
    left join pg_amproc m on m.amprocfamily = c.opcfamily
    join pg_proc p on p.oid in (r.rngcanonical, r.rngsubdiff, m.amproc)
),
-- What a type is made of, it runs as well: an array, a composite or a range type, a domain over one.
part as (
    select t.oid as whole, t.typelem as part
    from pg_type t
    where t.typelem <> 0
    union all
    select t.oid, t.typbasetype
    from pg_type t
    where t.typtype = 'd'
    union all
    select r.rngtypid, r.rngsubtype
    from pg_range r
    union all
    select r.rngmultitypid, r.rngtypid
    from pg_range r
    union all
    select c.reltype, a.atttypid
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    where c.reltype <> 0
      and a.attnum > 0
      and not a.attisdropped
),
made_of as (
    select own.type as whole, own.type as part
    from own
    union
    select part.whole, made_of.part
    from made_of
    join part on part.part = made_of.whole
),
code as (
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
    union
    select 'pg_type'::regclass, made_of.whole, own.owner, own.name
    from made_of
    join own on own.type = made_of.part
    -- What an aggregate adds up with.
    union
    select 'pg_proc'::regclass, a.aggfnoid::oid, p.proowner, format('the aggregate %s with code', a.aggfnoid::oid::regprocedure)
    from pg_aggregate a
    join pg_proc p on p.oid in (
        a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn
    )
    -- What a function calls whose body the server has read.
    union
    select 'pg_proc'::regclass, f.oid, p.proowner, format('the function %s with code', f.oid::regprocedure)
    from pg_proc f
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = f.oid
    left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
    join pg_proc p on p.oid = case when d.refclassid = 'pg_proc'::regclass then d.refobjid else o.oprcode::oid end
    -- What an index compares with.
    union
    select 'pg_opclass'::regclass, c.oid, whose.owner, format('the operator class %I.%I', n.nspname, c.opcname)
    from pg_opclass c
    join pg_namespace n on n.oid = c.opcnamespace
    join pg_amproc m on m.amprocfamily = c.opcfamily
    join pg_proc p on p.oid = m.amproc
    cross join lateral (values (c.opcowner), (p.proowner)) whose (owner)
    -- Whoever owns a view says what it calls.
    union
    select 'pg_class'::regclass, c.oid, c.relowner, format('the view %s', c.oid::regclass)
    from pg_class c
    where c.relkind = 'v'
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
        when part.kind is null then relation.name
        when part.kind = 'column' then format('%s.%I', relation.name, part.name)
        else format('%s %I on %s', part.kind, part.name, relation.name)
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
-- What a generated column calls is in PostgreSQL 14 a matter of the column, not of its expression.
left join pg_attribute a on place.class = 'pg_class'::regclass
    and a.attrelid = place.oid
    and a.attnum = nullif(d.objsubid, 0)
    and code.class <> 'pg_type'::regclass
cross join lateral (
    select coalesce(place.kind, case when a.attnum is not null then 'column' end) as kind, coalesce(place.name, a.attname) as name
) part
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
group by place.class, part.kind, part.name, relation.name
union all
-- It runs with the rights of whoever makes or drops something, superusers among them.
select
    format('event trigger %I', e.evtname),
    format('it runs the function %s of %I', p.oid::regprocedure, owner.rolname),
    null,
    null
from pg_event_trigger e
join pg_proc p on p.oid = e.evtfoid
join pg_roles owner on owner.oid = p.proowner
where not owner.rolsuper
order by 1
