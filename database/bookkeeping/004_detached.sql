-- Policies that were taken off for a while, with all it takes to make them again.

create table toysoldiers.detached (
    id bigint generated always as identity primary key,
    -- The relation that was to be changed.
    because_schema text not null,
    because_name text not null,
    -- The policy as it was; every name in its expressions is qualified.
    table_schema text not null,
    table_name text not null,
    policy text not null,
    command text not null check (command in ('select', 'insert', 'update', 'delete', 'all')),
    permissive boolean not null,
    roles text[] not null,
    using_expression text,
    check_expression text,
    comment text,
    detached_at timestamptz not null default now(),
    actor text not null,
    role text not null default session_user,
    client inet default inet_client_addr(),
    tool_version text not null,
    unique (table_schema, table_name, policy)
);

comment on table toysoldiers.detached is 'policies taken off by policy detach until policy attach makes them again, a row each';

-- Default privileges may have granted everything to everyone.
revoke all on toysoldiers.detached from public;

do $$
declare
    grantee text;
begin
    for grantee in
        select rolname
        from pg_catalog.pg_roles
        where rolname in ('anon', 'authenticated', 'service_role')
    loop
        execute format('revoke all on all tables in schema toysoldiers from %I', grantee);
        execute format('revoke all on all sequences in schema toysoldiers from %I', grantee);
    end loop;
end
$$;
