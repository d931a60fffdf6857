-- Whether the schema was changed by anything but this program: a hash of the catalog, taken whenever a run ends that changes it.

create table toysoldiers.schema_hash (
    singleton boolean primary key default true check (singleton),
    -- Null until the first run ends.
    hash text,
    -- Of which form it is, and the numbers of our own tables: another database gives other numbers to what it restores.
    place text,
    -- The hash of each policy and each index, by name, as this program left it.
    objects jsonb,
    -- The same of those that were there before the first run: whether they are as declared nobody has looked yet.
    before jsonb,
    taken_at timestamptz,
    actor text,
    tool_version text,
    -- The runs that began and did not end, by what they lock.
    unfinished text[] not null default '{}',
    unfinished_since timestamptz,
    -- What a run found when it began, until somebody looks into it: the hash alone would not tell any more.
    doubt text check (doubt in ('changed', 'interrupted', 'elsewhere')),
    doubt_since timestamptz
);

comment on table toysoldiers.schema_hash is 'hash of the schema as this program left it, one row';

insert into toysoldiers.schema_hash default values;

-- Default privileges may have granted everything to everyone. Roles that may write the history run migrations.
do $$
declare
    grantee record;
begin
    for grantee in
        select distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public') as name
        from pg_catalog.pg_class c
        cross join lateral pg_catalog.aclexplode(c.relacl) a
        left join pg_catalog.pg_roles r on r.oid = a.grantee
        where c.oid = 'toysoldiers.schema_hash'::pg_catalog.regclass
          and a.grantee <> c.relowner
    loop
        execute pg_catalog.format('revoke all on toysoldiers.schema_hash from %s', grantee.name);
    end loop;
    for grantee in
        select distinct
            pg_catalog.quote_ident(r.rolname) as name,
            case a.privilege_type when 'INSERT' then 'select, update' else 'select' end as privileges
        from pg_catalog.pg_class c
        cross join lateral pg_catalog.aclexplode(c.relacl) a
        join pg_catalog.pg_roles r on r.oid = a.grantee
        where c.oid = 'toysoldiers.history'::pg_catalog.regclass
          and a.privilege_type in ('INSERT', 'SELECT')
          and a.grantee <> c.relowner
          and r.rolname not in ('anon', 'authenticated', 'service_role')
    loop
        execute pg_catalog.format('grant %s on toysoldiers.schema_hash to %s', grantee.privileges, grantee.name);
    end loop;
end
$$;
