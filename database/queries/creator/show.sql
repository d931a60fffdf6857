-- One creator with totals, by address, by the id of the profile or of the user.
-- Adding 0.00 gives dollars their cents.
-- Needs migration 009_analytics_views.
-- $1: all spellings of the address or null, $2: id or null
select
    c.id,
    c.user_id,
    u.email,
    c.payout_account,
    c.bio,
    c.tiers,
    c.verified,
    u.created_at,
    d.total_content,
    d.total_views,
    d.total_watch_time,
    d.total_tips + 0.00 as total_tips,
    d.total_comments
from public.creators c
join public.users u on u.id = c.user_id
join :creator_totals d on d.creator_id = c.id
where c.id in (
    select id from public.creators where id = $2
    union all
    select id from public.creators where user_id = $2
    union all
    select id from public.creators where user_id = :user_of_address
)
