(
    -- One tree that is nested so deep, or one text that is so large, that the server could not write it down, or nobody read it.
    select stored.class::pg_catalog.oid as class, stored.oid
    from (
        select tableoid as class, oid, polqual::text as tree
        from pg_catalog.pg_policy
        union all
        select tableoid, oid, polwithcheck::text
        from pg_catalog.pg_policy
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, adrelid, adbin::text
        from pg_catalog.pg_attrdef
        union all
        select tableoid, oid, conbin::text
        from pg_catalog.pg_constraint
        union all
        select 'pg_catalog.pg_type'::pg_catalog.regclass, contypid, conbin::text
        from pg_catalog.pg_constraint
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indexprs::text
        from pg_catalog.pg_index
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indpred::text
        from pg_catalog.pg_index
        union all
        select k.tableoid, k.oid, whole.tree
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_index i on i.indexrelid = k.conindid
        cross join lateral (values (i.indexprs::text), (i.indpred::text)) whole (tree)
        union all
        -- A relation with such a policy or rule cannot even be opened.
        select 'pg_catalog.pg_class'::pg_catalog.regclass, p.polrelid, whole.tree
        from pg_catalog.pg_policy p
        cross join lateral (values (p.polqual::text), (p.polwithcheck::text)) whole (tree)
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class, whole.tree
        from pg_catalog.pg_rewrite r
        cross join lateral (values (r.ev_qual::text), (r.ev_action::text)) whole (tree)
        union all
        select tableoid, oid, ev_action::text
        from pg_catalog.pg_rewrite
        union all
        select tableoid, oid, ev_qual::text
        from pg_catalog.pg_rewrite
        union all
        select tableoid, oid, tgqual::text
        from pg_catalog.pg_trigger
        union all
        select tableoid, oid, proargdefaults::text
        from pg_catalog.pg_proc
        union all
        select tableoid, oid, prosqlbody::text
        from pg_catalog.pg_proc
        union all
        select tableoid, oid, typdefaultbin::text
        from pg_catalog.pg_type
        union all
        select tableoid, oid, relpartbound::text
        from pg_catalog.pg_class
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, partrelid, partexprs::text
        from pg_catalog.pg_partitioned_table
        union all
        select tableoid, oid, stxexprs::text
        from pg_catalog.pg_statistic_ext
    ) stored
    where stored.oid >= 16384
      and pg_catalog.octet_length(stored.tree) > 20000
      and (
        pg_catalog.octet_length(stored.tree) > 4000000
        or (
            select pg_catalog.max(level.depth) > 1000
            from (
                -- A node begins with a brace and ends with one, and those of names have a backslash.
                select
                    pg_catalog.sum(1 - pg_catalog.length(part) + pg_catalog.length(pg_catalog.replace(part, '}', '')))
                        over (rows unbounded preceding) as depth
                from pg_catalog.unnest(pg_catalog.string_to_array(
                    pg_catalog.replace(pg_catalog.replace(stored.tree, '\{', ''), '\}', ''),
                    '{'
                )) part
            ) level
        )
      )
    union all
    select tableoid, oid
    from pg_catalog.pg_proc
    where pg_catalog.octet_length(prosrc) > 4000000
    union all
    select classoid, objoid
    from pg_catalog.pg_description
    where objoid >= 16384
      and pg_catalog.octet_length(description) > 50000
)
