-- Makes a user and writes it down, in one statement.
-- $1: address, $2: bcrypt hash, $3: role, $4: who does it, $5: version of the tool
with made as (
    insert into public.users (email, password_hash, role)
    values ($1, $2, $3)
    returning id, email, role, created_at, updated_at
),
audited as (
    insert into toysoldiers.audit_log (actor, tool_version, action, subject, details)
    select $4, $5, 'user create', id, jsonb_build_object('role', role)
    from made
)
select
    id,
    email,
    role,
    created_at,
    updated_at,
    null::uuid as creator_id
from made
