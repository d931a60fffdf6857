-- Who is asking, in one place. Policies ask app.current_user_id() and so mean the same on Supabase, which passes the claims of the
-- token, and on plain PostgreSQL, where the backend says `set_config('app.user_id', ..., true)` inside its transaction.

create schema app;

revoke all on schema app from public;
grant usage on schema app to anon, authenticated, service_role;

-- A setting once given and gone is '' and not null, hence nullif. An identity that is no uuid is nobody: public rows stay readable,
-- nothing else is, and a bad `sub` never falls back on another identity. Claims that are no JSON are an error: that is a broken server
-- in front, not a visitor. Call it as `(select app.current_user_id())`: asked once a query, not once a row.
--
-- pg_temp is named last, or a temporary type called uuid would come before the real one.
create function app.current_user_id()
  returns uuid
  language sql
  stable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when asking.id ~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then asking.id::uuid
  end
  from (
    select coalesce(
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
      nullif(current_setting('app.user_id', true), '')
    )
  ) as asking (id)
$$;

revoke all on function app.current_user_id() from public;
grant execute on function app.current_user_id() to anon, authenticated, service_role;
