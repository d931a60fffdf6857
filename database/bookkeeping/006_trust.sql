-- Whatever is computed for these tables is computed by the catalog's own functions and operators. Programs of older
-- versions made the tables with a search path in which others could have put theirs: what an expression had come to
-- mean then it means for ever. So every one of them is made anew.

alter table toysoldiers.installation
    alter column singleton set default true,
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    alter column installed_at set default pg_catalog.now(),
    drop constraint installation_singleton_check,
    add constraint installation_singleton_check check (singleton);

alter table toysoldiers.history
    alter column applied_at set default pg_catalog.clock_timestamp(),
    alter column applied_by set default session_user,
    alter column actor set default pg_catalog.current_setting('toysoldiers.actor', true),
    alter column client set default pg_catalog.inet_client_addr(),
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    alter column duration_ms
        set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint;

alter table toysoldiers.audit_log
    alter column at set default pg_catalog.now(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column details set default '{}';

alter table toysoldiers.runs
    alter column started_at set default pg_catalog.statement_timestamp(),
    alter column duration_ms
        set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint,
    alter column actor set default pg_catalog.current_setting('toysoldiers.actor', true),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    drop constraint runs_action_check,
    add constraint runs_action_check check (action in ('up', 'down', 'baseline', 'repair')),
    drop constraint runs_outcome_check,
    add constraint runs_outcome_check check (outcome in ('done', 'failed'));

alter table toysoldiers.steps
    alter column started_at set default pg_catalog.clock_timestamp();

alter table toysoldiers.detached
    alter column detached_at set default pg_catalog.now(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    drop constraint detached_command_check,
    add constraint detached_command_check check (command in ('select', 'insert', 'update', 'delete', 'all'));

alter table toysoldiers.deploys
    alter column started_at set default pg_catalog.clock_timestamp(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column stages set default '[]',
    drop constraint deploys_outcome_check,
    add constraint deploys_outcome_check check (outcome in ('running', 'done', 'failed', 'lost'));
