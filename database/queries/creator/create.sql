-- Makes a creator's profile, and the user too if there is none; a fan becomes a creator. All in one statement,
-- with a row of the audit log for each.
-- Needs migration 005_creators.
-- $1: address, $2: bcrypt hash or null if the user is there, $3: payout account or null
with known as (
    select id, email
    from public.users
    where lower(email) = lower($1)
),
made_user as (
    insert into public.users (email, password_hash, role)
    select $1, $2, 'creator'
    where not exists (select from known)
    returning id, email
),
promoted as (
    update public.users
    set role = 'creator'
    where id in (select id from known)
      and role = 'fan'
    returning id
),
owner as (
    select id, email, true as new_user from made_user
    union all
    select id, email, false from known
),
made as (
    insert into public.creators (user_id, payout_account)
    select id, $3
    from owner
    returning id, user_id, payout_account, verified
),
entry as (
    select 'user create' as action, id as subject, '{"role": "creator"}'::jsonb as details
    from made_user
    union all
    select 'user set-role', id, '{"from": "fan", "to": "creator"}'::jsonb
    from promoted
    union all
    select 'creator create', id, jsonb_build_object('user_id', user_id, 'payout', payout_account is not null)
    from made
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select
    m.id,
    m.user_id,
    o.email,
    m.payout_account,
    m.verified,
    o.new_user
from made m
join owner o on o.id = m.user_id
where (select count(*) from audited) > 0
