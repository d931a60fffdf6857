(
    with own as materialized (
        select n.oid, n.nspname, n.nspacl
        from pg_catalog.pg_namespace n
        join pg_catalog.pg_roles r on r.oid = n.nspowner
        where n.nspname !~ '^pg_'
          and n.nspname not in ('information_schema', 'toysoldiers')
          and (n.nspname = 'public' or r.rolname !~ '^(supabase_|pgbouncer$)')
    ),
    -- What an extension brings.
    theirs as materialized (
        select d.classid, d.objid
        from pg_catalog.pg_depend d
        where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          and d.deptype = 'e'
    ),
    relation as materialized (
        select c.*
        from pg_catalog.pg_class c
        join own on own.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
          and c.relpersistence <> 't'
          and not exists (
            select from theirs x where x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and x.objid = c.oid
          )
    ),
    function as materialized (
        select p.*
        from pg_catalog.pg_proc p
        join own on own.oid = p.pronamespace
        where not exists (
            select from theirs x where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = p.oid
        )
    ),
    type as materialized (
        select t.*
        from pg_catalog.pg_type t
        join own on own.oid = t.typnamespace
        where (t.typtype <> 'c' or t.typacl is not null)
          and t.typcategory <> 'A'
          and not exists (
            select from theirs x where x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and x.objid = t.oid
        )
    ),
    -- By name, and without the places in a text that expressions come from: REINDEX CONCURRENTLY makes another index of the same
    -- name, and forgets the places.
    index as materialized (
        select i.*, c.relname, c.reloptions, c.relispartition
        from pg_catalog.pg_index i
        join relation t on t.oid = i.indrelid
        join pg_catalog.pg_class c on c.oid = i.indexrelid
    ),
    -- What no schema or few databases have: row by row as they are, but for their owners, by the catalog they are in.
    other (class, oid, is_own, content) as (
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - 'oprowner'
        from pg_catalog.pg_operator o left join own on own.oid = o.oprnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - 'opcowner'
        from pg_catalog.pg_opclass o left join own on own.oid = o.opcnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, (pg_catalog.to_jsonb(o) - 'opfowner') || pg_catalog.jsonb_build_object(
            'operators', array(select pg_catalog.to_jsonb(a) from pg_catalog.pg_amop a where a.amopfamily = o.oid order by a.oid),
            'functions', array(select pg_catalog.to_jsonb(a) from pg_catalog.pg_amproc a where a.amprocfamily = o.oid order by a.oid)
        )
        from pg_catalog.pg_opfamily o left join own on own.oid = o.opfnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - 'conowner'
        from pg_catalog.pg_conversion o left join own on own.oid = o.connamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - array['collowner', 'collversion']
        from pg_catalog.pg_collation o left join own on own.oid = o.collnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, (pg_catalog.to_jsonb(o) - 'cfgowner') || pg_catalog.jsonb_build_object(
            'map', array(
                select pg_catalog.to_jsonb(m)
                from pg_catalog.pg_ts_config_map m
                where m.mapcfg = o.oid order by m.maptokentype, m.mapseqno
            )
        )
        from pg_catalog.pg_ts_config o left join own on own.oid = o.cfgnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - 'dictowner'
        from pg_catalog.pg_ts_dict o left join own on own.oid = o.dictnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o)
        from pg_catalog.pg_ts_parser o left join own on own.oid = o.prsnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o)
        from pg_catalog.pg_ts_template o left join own on own.oid = o.tmplnamespace where o.oid >= 16384
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.to_jsonb(o) - 'evtowner'
        from pg_catalog.pg_event_trigger o
        join pg_catalog.pg_proc p on p.oid = o.evtfoid
        left join own on own.oid = p.pronamespace
        union all
        select o.tableoid, o.oid, own.oid is not null, pg_catalog.jsonb_build_array(
            o.stxname, o.stxnamespace, o.stxrelid, o.stxkeys::text, o.stxkind::text, o.stxstattarget,
            pg_catalog.sha256(pg_catalog.convert_to(o.stxexprs::text, 'SQL_ASCII'))
        )
        from pg_catalog.pg_statistic_ext o left join own on own.oid = o.stxnamespace
        union all
        select o.tableoid, o.oid, true, pg_catalog.to_jsonb(o) from pg_catalog.pg_cast o where o.oid >= 16384
        union all
        select o.tableoid, o.oid, true, pg_catalog.to_jsonb(o) from pg_catalog.pg_transform o
        union all
        select o.tableoid, o.oid, true, pg_catalog.to_jsonb(o) from pg_catalog.pg_am o where o.oid >= 16384
        union all
        select o.tableoid, o.oid, true, pg_catalog.to_jsonb(o) - 'fdwowner' from pg_catalog.pg_foreign_data_wrapper o
        union all
        select o.tableoid, o.oid, true, pg_catalog.to_jsonb(o) - 'srvowner' from pg_catalog.pg_foreign_server o
        union all
        select o.tableoid, o.oid, true, (pg_catalog.to_jsonb(o) - 'pubowner') || pg_catalog.jsonb_build_object(
            'tables', array(
                select pg_catalog.jsonb_build_array(r.oid, r.prrelid, newer.columns, newer.filter)
                from pg_catalog.pg_publication_rel r
                cross join (select null::text as prattrs, null::text as prqual) older
                cross join lateral (
                    select
                        prattrs::text as columns,
                        pg_catalog.sha256(pg_catalog.convert_to(prqual::text, 'SQL_ASCII')) as filter
                    from pg_catalog.pg_publication_rel z
                    where z.oid = r.oid
                ) newer
                where r.prpubid = o.oid
                order by r.prrelid
            ),
            -- Before version 15 there is no catalog of its schemas.
            'schemas', array(
                select s.refobjid
                from pg_catalog.pg_depend p
                join pg_catalog.pg_depend s on s.classid = p.classid
                    and s.objid = p.objid
                    and s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                where p.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
                  and p.refobjid = o.oid
                order by s.refobjid
            )
        )
        from pg_catalog.pg_publication o where o.pubname !~ '^supabase_'
        union all
        select d.tableoid, d.oid, d.defaclnamespace = 0 or own.oid is not null, pg_catalog.to_jsonb(d)
        from pg_catalog.pg_default_acl d left join own on own.oid = d.defaclnamespace
    ),
    -- Comments. Those of indexes go with their names.
    said (class, oid, key) as (
        select 'pg_catalog.pg_namespace'::pg_catalog.regclass, own.oid, own.oid::text from own
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.oid::text from relation c
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, pg_catalog.concat(i.indrelid, ' ', i.relname) from index i
        union all
        select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.oid::text
        from pg_catalog.pg_constraint k
        join own on own.oid = k.connamespace
        union all
        select 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, g.oid::text
        from pg_catalog.pg_trigger g
        join relation c on c.oid = g.tgrelid
        union all
        select 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, p.oid::text
        from pg_catalog.pg_policy p
        join relation c on c.oid = p.polrelid
        union all
        select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.oid::text from function p
        union all
        select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.oid::text from type t
    ),
    part (kind, content) as (
        select 'schema', pg_catalog.string_agg(row(n.oid, n.nspname, n.nspacl)::text, ',' order by n.oid)
        from own n
        union all
        select 'extension', pg_catalog.string_agg(row(x.oid, x.extname, x.extnamespace)::text, ',' order by x.oid)
        from pg_catalog.pg_extension x
        union all
        select 'language', pg_catalog.string_agg(row(l.oid, l.lanname, l.lanacl)::text, ',' order by l.oid)
        from pg_catalog.pg_language l
        union all
        select 'relation', pg_catalog.string_agg(row(
            c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relam, c.relacl, c.reloptions, t.reloptions,
            c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relispopulated, c.reloftype,
            pg_catalog.sha256(pg_catalog.convert_to(c.relpartbound::text, 'SQL_ASCII')), f.ftserver,
            pg_catalog.sha256(pg_catalog.convert_to(f.ftoptions::text, 'SQL_ASCII'))
        )::text, ',' order by c.oid)
        from relation c
        left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
        left join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
        union all
        select 'column', pg_catalog.string_agg(one.content, ',' order by one.attrelid)
        from (
            select
                a.attrelid,
                -- Whose they are is part of it: what one table has gained another one may have lost.
                a.attrelid::text || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(row(
                    a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
                    a.attstorage, a.attcompression, a.attstattarget, a.attislocal, a.attinhcount, a.attacl, pg_catalog.sha256(pg_catalog.convert_to(a.attoptions::text, 'SQL_ASCII')), pg_catalog.sha256(pg_catalog.convert_to(a.attfdwoptions::text, 'SQL_ASCII'))
                )::text, ',' order by a.attnum)::text, 'SQL_ASCII')), 'hex') as content
            from pg_catalog.pg_attribute a
            join relation c on c.oid = a.attrelid
            where a.attnum > 0
              and not a.attisdropped
            group by a.attrelid
        ) one
        union all
        select 'default', pg_catalog.string_agg(row(
            d.adrelid, d.adnum,
            pg_catalog.sha256(pg_catalog.convert_to(d.adbin::text, 'SQL_ASCII'))
        )::text, ',' order by d.adrelid, d.adnum)
        from pg_catalog.pg_attrdef d
        join relation c on c.oid = d.adrelid
        union all
        select 'inheritance', pg_catalog.string_agg(row(
            i.inhrelid, i.inhparent, i.inhseqno, i.inhdetachpending
        )::text, ',' order by i.inhrelid, i.inhseqno)
        from pg_catalog.pg_inherits i
        join relation c on c.oid = i.inhrelid
        union all
        select 'partitioned', pg_catalog.string_agg(row(
            p.partrelid, p.partstrat, p.partattrs, p.partclass, p.partcollation,
            pg_catalog.sha256(pg_catalog.convert_to(p.partexprs::text, 'SQL_ASCII'))
        )::text, ',' order by p.partrelid)
        from pg_catalog.pg_partitioned_table p
        join relation c on c.oid = p.partrelid
        union all
        select 'constraint', pg_catalog.string_agg(row(
            k.oid, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated, k.conrelid, k.contypid, k.confrelid,
            k.confupdtype, k.confdeltype, k.confmatchtype, k.conislocal, k.coninhcount, k.connoinherit, k.conkey, k.confkey,
            k.conpfeqop, k.conexclop, newer.content, pg_catalog.sha256(pg_catalog.convert_to(k.conbin::text, 'SQL_ASCII'))
        )::text, ',' order by k.oid)
        from pg_catalog.pg_constraint k
        join own on own.oid = k.connamespace
        left join theirs x on x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and x.objid = k.conrelid
        -- What a version does not know is null in it.
        cross join (select null::text as confdelsetcols, null::text as conenforced, null::text as conperiod) older
        cross join lateral (
            select array[confdelsetcols::text, conenforced::text, conperiod::text] as content
            from pg_catalog.pg_constraint z
            where z.oid = k.oid
        ) newer
        where x.objid is null
        union all
        select 'index', pg_catalog.string_agg(row(
            i.indrelid, i.relname, i.reloptions, i.relispartition, i.indisunique, i.indisprimary, i.indisexclusion, i.indimmediate,
            i.indisvalid, i.indisclustered, i.indisreplident, i.indkey, i.indcollation, i.indclass, i.indoption, i.indnkeyatts,
            newer.content, pg_catalog.sha256(pg_catalog.convert_to(
                    pg_catalog.regexp_replace(i.indexprs::text, ' :location -?\d+', '', 'g'), 'SQL_ASCII'
                )), pg_catalog.sha256(pg_catalog.convert_to(
                    pg_catalog.regexp_replace(i.indpred::text, ' :location -?\d+', '', 'g'), 'SQL_ASCII'
                ))
        )::text, ',' order by i.indrelid, i.relname)
        from index i
        cross join (select null::text as indnullsnotdistinct) older
        cross join lateral (
            select indnullsnotdistinct::text as content
            from pg_catalog.pg_index z
            where z.indexrelid = i.indexrelid
        ) newer
        union all
        select 'trigger', pg_catalog.string_agg(row(
            g.oid, g.tgrelid, g.tgname, g.tgfoid, g.tgtype, g.tgenabled, g.tgdeferrable, g.tginitdeferred, g.tgattr,
            pg_catalog.sha256(g.tgargs),
            g.tgoldtable, g.tgnewtable, pg_catalog.sha256(pg_catalog.convert_to(g.tgqual::text, 'SQL_ASCII'))
        )::text, ',' order by g.oid)
        from pg_catalog.pg_trigger g
        join relation c on c.oid = g.tgrelid
        where not g.tgisinternal
           or g.tgenabled <> 'O'
        union all
        select 'rule', pg_catalog.string_agg(row(
            r.ev_class, r.rulename, r.ev_type, r.ev_enabled, r.is_instead,
            pg_catalog.sha256(pg_catalog.convert_to(r.ev_qual::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(r.ev_action::text, 'SQL_ASCII'))
        )::text, ',' order by r.ev_class, r.rulename)
        from pg_catalog.pg_rewrite r
        join relation c on c.oid = r.ev_class
        union all
        select 'policy', pg_catalog.string_agg(row(
            p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles,
            pg_catalog.sha256(pg_catalog.convert_to(p.polqual::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(p.polwithcheck::text, 'SQL_ASCII'))
        )::text, ',' order by p.polrelid, p.polname)
        from pg_catalog.pg_policy p
        join relation c on c.oid = p.polrelid
        union all
        select 'sequence', pg_catalog.string_agg(row(s.*, d.refobjid, d.refobjsubid)::text, ',' order by s.seqrelid)
        from pg_catalog.pg_sequence s
        join relation c on c.oid = s.seqrelid
        left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = s.seqrelid
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.deptype in ('a', 'i')
        union all
        select 'function', pg_catalog.string_agg(row(
            p.oid, p.proname, p.pronamespace, p.prolang, p.procost, p.prorows, p.provariadic, p.prosupport::oid, p.prokind, p.prosecdef,
            p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.prorettype, p.proargtypes, p.proallargtypes,
            p.proargmodes, p.proargnames, p.protrftypes, p.probin, p.proacl,
            pg_catalog.sha256(pg_catalog.convert_to(p.proconfig::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(p.proargdefaults::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(p.prosrc::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(p.prosqlbody::text, 'SQL_ASCII'))
        )::text, ',' order by p.oid)
        from function p
        union all
        select 'aggregate', pg_catalog.string_agg(row(
            a.aggfnoid::oid, a.aggkind, a.aggnumdirectargs, a.aggtransfn::oid, a.aggfinalfn::oid, a.aggcombinefn::oid, a.aggserialfn::oid,
            a.aggdeserialfn::oid, a.aggmtransfn::oid, a.aggminvtransfn::oid, a.aggmfinalfn::oid, a.aggfinalextra, a.aggmfinalextra,
            a.aggfinalmodify, a.aggmfinalmodify, a.aggsortop, a.aggtranstype, a.aggtransspace, a.aggmtranstype, a.aggmtransspace,
            pg_catalog.sha256(pg_catalog.convert_to(a.agginitval::text, 'SQL_ASCII')),
            pg_catalog.sha256(pg_catalog.convert_to(a.aggminitval::text, 'SQL_ASCII'))
        )::text, ',' order by a.aggfnoid)
        from pg_catalog.pg_aggregate a
        join function p on p.oid = a.aggfnoid
        union all
        select 'type', pg_catalog.string_agg(row(
            t.oid, t.typname, t.typnamespace, t.typtype, t.typlen, t.typbasetype, t.typtypmod, t.typnotnull, t.typcollation,
            t.typacl, pg_catalog.sha256(pg_catalog.convert_to(t.typdefault::text, 'SQL_ASCII')),
            t.typinput::oid, t.typoutput::oid, r.rngsubtype, r.rngcollation, r.rngsubopc, r.rngcanonical::oid, r.rngsubdiff::oid
        )::text, ',' order by t.oid)
        from type t
        left join pg_catalog.pg_range r on r.rngtypid = t.oid
        union all
        select 'value', pg_catalog.string_agg(row(e.enumtypid, e.enumlabel)::text, ',' order by e.enumtypid, e.enumsortorder)
        from pg_catalog.pg_enum e
        join type t on t.oid = e.enumtypid
        union all
        select 'other', pg_catalog.string_agg(row(o.class, o.oid, o.content)::text, ',' order by o.class, o.oid)
        from other o
        where o.is_own
          and not exists (select from theirs x where x.classid = o.class and x.objid = o.oid)
        union all
        select 'comment', pg_catalog.string_agg(row(
            d.classoid, said.key, d.objsubid, pg_catalog.sha256(pg_catalog.convert_to(d.description, 'SQL_ASCII'))
        )::text, ',' order by d.classoid, said.key collate "C", d.objsubid)
        from pg_catalog.pg_description d
        join said on said.class = d.classoid and said.oid = d.objoid
    )
    select pg_catalog.encode(pg_catalog.sha256(pg_catalog.string_agg(
        pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat(part.kind, part.content), 'SQL_ASCII')),
        '' order by part.kind collate "C"
    )), 'hex')
    from part
)
