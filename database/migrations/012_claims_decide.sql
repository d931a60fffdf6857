-- Once there are claims, nothing else is asked: claims without a `sub`, or with one that is null, are a visitor without an account,
-- and not whoever app.user_id last named. A pooled session may still have that from somebody else, and a token is checked where a
-- setting is not. Only where no claims were given, as on plain PostgreSQL, does app.user_id say who asks.
--
-- Claims that are JSON and no object have no `sub`. The rest is as it was: '' is a setting given once and gone, an identity that is no
-- uuid is nobody, claims that are no JSON are an error, and it is asked once a query as `(select app.current_user_id())`.
create or replace function app.current_user_id()
  returns pg_catalog.uuid
  language sql
  stable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when asking.id ~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then asking.id::uuid
  end
  from (
    select case
      when request.claims is null then nullif(current_setting('app.user_id', true), '')
      else request.claims::jsonb ->> 'sub'
    end
    from (
      select nullif(current_setting('request.jwt.claims', true), '')
    ) as request (claims)
  ) as asking (id)
$$;
