-- After a migration: makes the policies again that were dropped before it, with what was said about them. A table is
-- found again under another name, and under its name where it was made anew.
declare
    path pg_catalog.text := pg_catalog.current_setting('search_path');
    kept pg_catalog.text := pg_catalog.current_setting('toysoldiers.detached_policies', true);
    policy record;
    place pg_catalog.oid;
    making pg_catalog.text;
    told pg_catalog.oid[] := '{}';
begin
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    if coalesce(kept, '') = '' then
        raise exception 'the file resets all settings, and with them what its policies were'
            using hint = 'reset by name what the file has set';
    end if;
    for policy in
        select *
        from jsonb_to_recordset(kept::jsonb) as p(
            place oid, schema text, "table" text, secured boolean, name text, rest text, comment text
        )
    loop
        place := (
            select c.oid
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p')
              and (c.oid = policy.place or n.nspname = policy.schema and c.relname = policy."table")
            order by c.oid = policy.place desc
            limit 1
        );
        if place is null then
            raise notice 'policy % went with its table %.%', policy.name, policy.schema, policy."table";
            continue;
        end if;
        if exists (select from pg_policy p where p.polrelid = place and p.polname = policy.name) then
            raise notice 'policy % on % was made by this file, and stays as it is', policy.name, place::regclass;
            continue;
        end if;
        making := format('create policy %I on %s%s', policy.name, place::regclass, policy.rest);
        begin
            execute making;
            if policy.comment is not null then
                execute format('comment on policy %I on %s is %L', policy.name, place::regclass, policy.comment);
            end if;
        exception when others then
            raise exception using
                errcode = sqlstate,
                message = format('policy %s on %s cannot be made again: %s', policy.name, place::regclass, sqlerrm),
                detail = making;
        end;
        if policy.secured and place <> all (told) and not (select c.relrowsecurity from pg_class c where c.oid = place) then
            told := told || place;
            raise warning '% had row-level security, and has none any more: its policies bind nobody', place::regclass
                using hint = 'alter table ... enable row level security';
        end if;
    end loop;
    perform set_config('toysoldiers.detached_policies', '', true);
    perform set_config('search_path', path, true);
end
