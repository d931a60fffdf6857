-- Extensions with their version, and publications with their tables.
select
    'extension' as kind,
    n.nspname::text as schema,
    pg_catalog.quote_ident(x.extname) as name,
    null::text as parent,
    array['version ' || x.extversion] as lines
from pg_catalog.pg_extension x
join pg_catalog.pg_namespace n on n.oid = x.extnamespace
union all
select
    'publication' as kind,
    null::text as schema,
    pg_catalog.quote_ident(p.pubname) as name,
    null::text as parent,
    pg_catalog.array_remove(array[
        case when p.puballtables then 'all tables' end,
        pg_catalog.concat_ws(
            ', ',
            case when p.pubinsert then 'insert' end,
            case when p.pubupdate then 'update' end,
            case when p.pubdelete then 'delete' end,
            case when p.pubtruncate then 'truncate' end
        ),
        case when p.pubviaroot then 'by way of the partitioned table' end
    ], null) || array(
        select 'table ' || r.prrelid::pg_catalog.regclass::text
        from pg_catalog.pg_publication_rel r
        where r.prpubid = p.oid
        order by r.prrelid::pg_catalog.regclass::text
    ) as lines
from pg_catalog.pg_publication p
-- What Supabase brings is nobody's to declare.
where p.pubname !~ '^supabase_'
