-- The creators with the most views. Adding 0.00 gives dollars their cents.
-- Needs migration 009_analytics_views.
-- $1: how many
select
    d.creator_id,
    u.email,
    c.verified,
    d.total_content,
    d.total_views,
    d.total_watch_time,
    d.total_tips + 0.00 as total_tips,
    d.total_comments
from :creator_totals d
join public.creators c on c.id = d.creator_id
join public.users u on u.id = c.user_id
order by d.total_views desc, d.total_tips desc, d.creator_id
limit $1
