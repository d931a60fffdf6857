(
    select coalesce(pg_catalog.jsonb_object_agg(
        o.name,
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(o.content, 'SQL_ASCII')), 'hex')
    ), '{}')
    from (
        select
            pg_catalog.format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as name,
            row(
                p.polcmd, p.polpermissive, p.polroles, pg_catalog.sha256(pg_catalog.convert_to(p.polqual::text, 'SQL_ASCII')),
                pg_catalog.sha256(pg_catalog.convert_to(p.polwithcheck::text, 'SQL_ASCII')), d.description
            )::text as content
        from pg_catalog.pg_policy p
        join pg_catalog.pg_class c on c.oid = p.polrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join pg_catalog.pg_description d on d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objoid = p.oid
        union all
        select
            pg_catalog.format('index %I.%I', n.nspname, c.relname),
            row(
                i.indrelid, c.reloptions, i.indisunique, i.indisvalid, i.indisclustered, i.indisreplident, i.indkey, i.indcollation,
                i.indclass, i.indoption, i.indnkeyatts, newer.content,
                pg_catalog.sha256(pg_catalog.convert_to(
                    pg_catalog.regexp_replace(i.indexprs::text, ' :location -?\d+', '', 'g'), 'SQL_ASCII'
                )),
                pg_catalog.sha256(pg_catalog.convert_to(
                    pg_catalog.regexp_replace(i.indpred::text, ' :location -?\d+', '', 'g'), 'SQL_ASCII'
                )), d.description
            )::text
        from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join pg_catalog.pg_description d on d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objoid = i.indexrelid
            and d.objsubid = 0
        cross join (select null::text as indnullsnotdistinct) older
        cross join lateral (
            select indnullsnotdistinct::text as content
            from pg_catalog.pg_index z
            where z.indexrelid = i.indexrelid
        ) newer
        where n.nspname !~ '^pg_'
          and n.nspname not in ('information_schema', 'toysoldiers')
          and c.relpersistence <> 't'
    ) o
)
