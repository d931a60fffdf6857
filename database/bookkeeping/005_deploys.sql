-- Every deploy: what it was to do, how far it came, who, when, from where, and from which revision of the files.

create table toysoldiers.deploys (
    id bigint generated always as identity primary key,
    -- Its row is written at the start and again at the end, each time for good: one that was killed stays `running`
    -- until the next one finds it.
    outcome text not null check (outcome in ('running', 'done', 'failed', 'lost')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    duration_ms bigint,
    actor text not null,
    role text not null default session_user,
    client inet default inet_client_addr(),
    tool_version text not null,
    -- The commit the files were of, if they were in a work tree of git, and whether they had been changed since.
    revision text,
    dirty boolean,
    -- A document a part: what it is, how it ended, what was done.
    stages jsonb not null default '[]',
    -- Why it failed.
    message text
);

comment on table toysoldiers.deploys is 'runs of deploy, a row each: what, how it ended, who, when, from where';

-- Default privileges may have granted everything to everyone.
revoke all on toysoldiers.deploys from public;

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
