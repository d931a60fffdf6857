-- Policies that were detached and not attached again, by table and name.
select
    id,
    because_schema,
    because_name,
    table_schema as schema,
    table_name as table,
    policy as name,
    command,
    permissive,
    roles,
    using_expression as using,
    check_expression as check,
    comment,
    detached_at,
    actor
from toysoldiers.detached
order by table_schema, table_name, policy
