-- Makes a user and writes it down, in one statement.
-- Needs migration 004_users.
-- $1: address, $2: bcrypt hash, $3: role
with made as (
    insert into public.users (email, password_hash, role)
    values ($1, $2, $3)
    returning id, email, role, created_at, updated_at
),
entry as (
    select 'user create' as action, id as subject, jsonb_build_object('role', role) as details
    from made
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select
    m.id,
    m.email,
    m.role,
    m.created_at,
    m.updated_at,
    null::uuid as creator_id
from made m
where exists (select from audited)
