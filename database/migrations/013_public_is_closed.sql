-- Whoever may create in a schema that names are looked up in can put a function or an operator of their own in front of the real one.
-- Databases made by PostgreSQL 14, and those upgraded from it, give everybody that right on the schema public; here it is taken away.
--
-- Only who owns the schema can. For anybody else this has no effect, and PostgreSQL warns: `env check` and `policy audit` name what is
-- left and who has to do it.
do $$
begin
  if exists (
    select
    from pg_catalog.pg_namespace n
    cross join pg_catalog.aclexplode(n.nspacl) as granted
    where n.nspname = 'public'
      and granted.grantee = 0
      and granted.privilege_type = 'CREATE'
  ) then
    revoke create on schema public from public;
  end if;
end
$$
