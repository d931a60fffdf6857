(
    select owner.oid
    from pg_catalog.pg_roles owner
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    join pg_catalog.pg_roles login on login.rolname = current_user
    where not owner.rolsuper
      and owner.oid not in (d.datdba, login.oid)
      and (
        login.rolsuper
        or pg_catalog.current_setting('server_version_num')::int < 150000
        or not pg_catalog.pg_has_role(login.oid, owner.oid, 'member')
      )
)
