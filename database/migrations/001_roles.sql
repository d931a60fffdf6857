-- The three roles that requests run as. Supabase brings them, plain PostgreSQL does not, so each is created only where it is missing.
--
-- Roles belong to the whole server: another database may be creating the same role at this moment. Whoever comes second gets
-- duplicate_object or, waiting on the first to commit, unique_violation; both mean that the role is there.
--
-- Whoever creates a role without being a superuser becomes a member of it, or could not `set role` to it and try the policies.

do $$
declare
  wanted text;
  membership text := '';
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    membership := ' role current_user';
  end if;

  foreach wanted in array array['anon', 'authenticated'] loop
    begin
      if to_regrole(wanted) is null then
        execute format('create role %I nologin noinherit', wanted) || membership;
      end if;
    exception
      when duplicate_object or unique_violation then null;
    end;
  end loop;

  -- The platform's own services work on every row. Only a superuser may hand out bypassrls (from PostgreSQL 16 on, also a role that
  -- has it). Where that is refused the role is made without, as grants have to name it, and the warning below says what is left to do.
  begin
    if to_regrole('service_role') is null then
      execute 'create role service_role nologin noinherit bypassrls' || membership;
    end if;
  exception
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
      begin
        execute 'create role service_role nologin noinherit' || membership;
      exception
        when duplicate_object or unique_violation then null;
      end;
  end;

  if not (select rolbypassrls or rolsuper from pg_catalog.pg_roles where rolname = 'service_role') then
    raise warning 'role service_role cannot bypass row-level security'
      using hint = 'run as a superuser: alter role service_role bypassrls';
  end if;
end
$$;
