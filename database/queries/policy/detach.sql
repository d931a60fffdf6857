-- Keeps policies that are about to be dropped, and writes down that they are. What was kept of a policy before gives
-- way: it is not what the database had.
-- $1: schema and $2: name of the relation that is to be changed, $3: the policies as an array
with kept as (
    insert into toysoldiers.detached as d (
        because_schema, because_name, table_schema, table_name, policy, command, permissive, roles, using_expression,
        check_expression, comment, actor, tool_version
    )
    select $1, $2, p.schema, p."table", p.name, p.command, p.permissive, p.roles, p."using", p."check", p.comment,
        current_setting('toysoldiers.actor'), current_setting('toysoldiers.tool_version')
    from pg_catalog.jsonb_to_recordset($3) as p(
        schema text,
        "table" text,
        name text,
        command text,
        permissive boolean,
        roles text[],
        "using" text,
        "check" text,
        comment text
    )
    on conflict (table_schema, table_name, policy) do update
    set because_schema = excluded.because_schema,
        because_name = excluded.because_name,
        command = excluded.command,
        permissive = excluded.permissive,
        roles = excluded.roles,
        using_expression = excluded.using_expression,
        check_expression = excluded.check_expression,
        comment = excluded.comment,
        detached_at = now(),
        actor = excluded.actor,
        role = session_user,
        client = inet_client_addr(),
        tool_version = excluded.tool_version
    returning d.table_schema, d.table_name, d.policy
),
entry as (
    select
        'policy detach' as action,
        null::uuid as subject,
        jsonb_build_object(
            'relation', $1 || '.' || $2,
            'policies', jsonb_agg(table_schema || '.' || table_name || '.' || policy order by table_schema, table_name, policy)
        ) as details
    from kept
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select count(*) as count
from kept
where exists (select from audited)
