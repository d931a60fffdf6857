-- Verifies a creator or takes that back, and writes it down. No row: there is no such creator, or none who can be
-- paid. A row that says nothing changed: somebody else was faster.
-- Needs migration 005_creators.
-- $1: id of the profile, $2: verified from now on or not, $3: also without a payout account
with fit as (
    select id, verified, payout_account
    from public.creators
    where id = $1
      and (not $2 or $3 or payout_account is not null)
    for update
),
turned as (
    update public.creators c
    set verified = $2
    from fit
    where c.id = fit.id
      and fit.verified <> $2
    returning c.id
),
entry as (
    select
        case when $2 then 'creator verify' else 'creator unverify' end as action,
        f.id as subject,
        jsonb_build_object('payout', f.payout_account is not null) as details
    from turned t
    join fit f on f.id = t.id
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select exists (select from audited) as changed
from fit
