-- Before a migration: drops the policies on some relations, and those elsewhere that read them, and keeps what makes
-- them again for the rest of the transaction. The tables are locked first, in the order of their names, so that
-- nobody sees one without its policies.
-- $1: the relations as an array of names
declare
    path pg_catalog.text := pg_catalog.current_setting('search_path');
    wanted pg_catalog.text;
    changed pg_catalog.oid[] := '{}';
    place pg_catalog.text;
    kept pg_catalog.jsonb;
    dropping pg_catalog.text;
    strange record;
begin
    foreach wanted in array $1 loop
        if pg_catalog.to_regclass(wanted) is null then
            raise undefined_table using message = pg_catalog.format('relation %s does not exist', wanted);
        end if;
        changed := pg_catalog.array_append(changed, pg_catalog.to_regclass(wanted)::pg_catalog.oid);
    end loop;
    -- The names above mean what they mean to the file. From here on they are looked up in the catalog, and every name in an
    -- expression is qualified.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    changed := array(
        with recursive family as (
            select unnest(changed) as member
            union
            select i.inhrelid
            from family f
            join pg_inherits i on i.inhparent = f.member
        )
        select member
        from family
    );
    -- To make one again is to evaluate what is in it, and that runs the code of whoever wrote it.
    for strange in
        with stranger as :strangers
        select format('%I on %I.%I', p.polname, n.nspname, c.relname) as policy, pg_get_userbyid(c.relowner) as owner
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        join pg_namespace n on n.oid = c.relnamespace
        where c.relowner in (select oid from stranger)
          and exists (
            select
            from pg_depend need
            left join pg_proc f on need.refclassid = 'pg_proc'::regclass and f.oid = need.refobjid
            left join pg_operator o on need.refclassid = 'pg_operator'::regclass and o.oid = need.refobjid
            left join pg_type t on need.refclassid = 'pg_type'::regclass and t.oid = need.refobjid
            where need.classid = 'pg_policy'::regclass
              and need.objid = p.oid
              and coalesce(f.proowner, o.oprowner, t.typowner) in (select oid from stranger)
          )
          and (
            c.oid = any (changed)
            or exists (
                select
                from pg_depend need
                where need.classid = 'pg_policy'::regclass
                  and need.objid = p.oid
                  and need.refclassid = 'pg_class'::regclass
                  and need.refobjid = any (changed)
            )
          )
        order by 1
        limit 1
    loop
        raise object_not_in_prerequisite_state
            using message = format('policy %s belongs to %s, whose code would be run to make it again', strange.policy, strange.owner),
                hint = format('have %s drop it, and make it again afterwards', strange.owner);
    end loop;
    for strange in
        select format('%I on %I.%I', p.polname, n.nspname, c.relname) as policy
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        join pg_namespace n on n.oid = c.relnamespace
        join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
        where d.refclassid = 'pg_class'::regclass
          and d.refobjid = any (changed)
          and (p.tableoid, p.oid) in :unreadable
        order by 1
        limit 1
    loop
        raise object_not_in_prerequisite_state
            using message = format('policy %s is nested too deep, or too large, to be made again', strange.policy),
                hint = 'drop it';
    end loop;
    for place in
        select format('%I.%I', n.nspname, c.relname)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
          and (
            c.oid = any (changed)
            or exists (
                select
                from pg_policy p
                join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                where p.polrelid = c.oid
                  and d.refclassid = 'pg_class'::regclass
                  and d.refobjid = any (changed)
            )
          )
        order by n.nspname, c.relname
    loop
        execute format('lock table only %s in access exclusive mode', place);
    end loop;
    select
        coalesce(jsonb_agg(jsonb_build_object(
            'place', c.oid,
            'schema', n.nspname,
            'table', c.relname,
            'secured', c.relrowsecurity,
            'name', p.polname,
            'rest', concat(
                case when p.polpermissive then ' as permissive for ' else ' as restrictive for ' end,
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
                ' to ',
                (
                    select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ')
                    from unnest(p.polroles) role
                ),
                ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
            ),
            'comment', obj_description(p.oid, 'pg_policy')
        ) order by n.nspname, c.relname, p.polname), '[]'),
        string_agg(format('drop policy %I on %I.%I', p.polname, n.nspname, c.relname), ';')
    into kept, dropping
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace
    where exists (
        select
        from pg_depend d
        where d.classid = 'pg_policy'::regclass
          and d.objid = p.oid
          and d.refclassid = 'pg_class'::regclass
          and d.refobjid = any (changed)
    );
    if dropping is not null then
        execute dropping;
    end if;
    perform set_config('toysoldiers.detached_policies', kept::text, true);
    perform set_config('search_path', path, true);
end
