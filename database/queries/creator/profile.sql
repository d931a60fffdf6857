-- What is needed to decide on a verification.
-- Needs migration 005_creators.
-- $1: all spellings of the address or null, $2: id of the profile or of the user, or null
select
    c.id,
    u.email,
    c.payout_account,
    c.verified
from public.creators c
join public.users u on u.id = c.user_id
where c.id in (
    select id from public.creators where id = $2
    union all
    select id from public.creators where user_id = $2
    union all
    select id from public.creators where user_id = :user_of_address
)
