-- Verifies a creator and writes it down. No row: there is no such creator, or none who can be paid. A row that
-- says nothing changed: somebody else was faster.
-- $1: id of the profile, $2: also without a payout account, $3: who does it, $4: version of the tool
with fit as (
    select id, verified, payout_account
    from public.creators
    where id = $1
      and ($2 or payout_account is not null)
    for update
),
turned as (
    update public.creators c
    set verified = true
    from fit
    where c.id = fit.id
      and not fit.verified
    returning c.id
),
audited as (
    insert into toysoldiers.audit_log (actor, tool_version, action, subject, details)
    select $3, $4, 'creator verify', f.id, jsonb_build_object('payout', f.payout_account is not null)
    from turned t
    join fit f on f.id = t.id
)
select exists (select from turned) as changed
from fit
