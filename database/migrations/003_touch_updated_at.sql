-- updated_at is the time of the last change, whoever makes it: a trigger keeps it, so that no statement has to remember.

create function app.touch_updated_at()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

revoke all on function app.touch_updated_at() from public;
