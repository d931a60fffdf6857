-- Every attempt at a migration, also the failed ones; and how far a migration got that runs without a transaction.

create table toysoldiers.runs (
    id bigint generated always as identity primary key,
    version bigint not null,
    name text not null,
    action text not null check (action in ('up', 'down', 'baseline', 'repair')),
    outcome text not null check (outcome in ('done', 'failed')),
    checksum text,
    -- What ran, as it is hashed, so that an edited file can be compared with it; null where it is too long to keep.
    sql text,
    statements integer,
    -- Why it failed, or where else it ran.
    message text,
    sqlstate text,
    -- What is done in one message began at statement_timestamp().
    started_at timestamptz not null default statement_timestamp(),
    duration_ms bigint not null default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint,
    actor text default current_setting('toysoldiers.actor', true),
    role text not null default session_user,
    client inet default inet_client_addr(),
    tool_version text default current_setting('toysoldiers.tool_version', true)
);

comment on table toysoldiers.runs is 'attempts at migrations, a row each: what, how it ended, who, when, from where';

create index runs_version on toysoldiers.runs (version, id);

insert into toysoldiers.runs
    (version, name, action, outcome, checksum, started_at, duration_ms, actor, role, client, tool_version)
select
    version, name, 'up', 'done', checksum, applied_at - duration_ms * interval '1 millisecond', duration_ms, actor,
    applied_by, client, tool_version
from toysoldiers.history
order by version;

create table toysoldiers.steps (
    version bigint not null,
    number integer not null,
    hash text not null,
    sql text not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    primary key (version, number)
);

comment on table toysoldiers.steps is 'statements of a migration without a transaction that is not at its end yet';

-- Default privileges may have granted everything to everyone.
revoke all on toysoldiers.runs, toysoldiers.steps from public;

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
