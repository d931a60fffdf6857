-- What this program remembers in a database: which migrations ran, and who changed what.
--
-- Columns are only ever added here, never renamed or dropped: an older program must be able to read far enough to
-- see that it is too old.

create schema toysoldiers;

comment on schema toysoldiers is 'bookkeeping of the toysoldiers command; not part of the platform';

create table toysoldiers.installation (
    singleton boolean primary key default true check (singleton),
    version integer not null,
    tool_version text not null default current_setting('toysoldiers.tool_version', true),
    installed_at timestamptz not null default now()
);

comment on table toysoldiers.installation is 'version of this schema, one row';

-- The first four columns are refinery's own, name by name.
create table toysoldiers.history (
    version bigint primary key,
    name varchar(255) not null,
    applied_on varchar(255) not null,
    checksum varchar(255) not null,
    applied_at timestamptz not null default clock_timestamp(),
    applied_by text not null default session_user,
    actor text default current_setting('toysoldiers.actor', true),
    client inet default inet_client_addr(),
    tool_version text default current_setting('toysoldiers.tool_version', true),
    -- A migration and its row travel in one message, which began at statement_timestamp().
    duration_ms bigint not null default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint
);

comment on table toysoldiers.history is 'migrations that ran, a row each';

create table toysoldiers.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    role text not null default session_user,
    client inet default inet_client_addr(),
    tool_version text not null,
    action text not null,
    subject uuid,
    details jsonb not null default '{}'
);

comment on table toysoldiers.audit_log is 'administrative changes: who, what, when, from where; people only by id';

create index audit_log_subject on toysoldiers.audit_log (subject);

-- Default privileges may have granted everything to everyone.
revoke all on schema toysoldiers from public;
revoke all on all tables in schema toysoldiers from public;

do $$
declare
    grantee text;
begin
    for grantee in
        select rolname
        from pg_catalog.pg_roles
        where rolname in ('anon', 'authenticated', 'service_role')
    loop
        execute format('revoke all on schema toysoldiers from %I', grantee);
        execute format('revoke all on all tables in schema toysoldiers from %I', grantee);
        execute format('revoke all on all sequences in schema toysoldiers from %I', grantee);
    end loop;
end
$$;
