-- Creators with their totals, as a list; `fits` is the filter. Adding 0.00 gives dollars their cents.
--
-- The totals of a creator are one row, and are aggregated once more so that the planner can see that: a left join
-- that cannot change the number of rows, and whose columns nobody reads, is left out. So a page sorted by a plain
-- column adds up nothing but its own rows.
-- Needs migration 009_analytics_views.
-- $1: verified or not, or null, $2: with or without a payout account, or null, $3: part of the address or null
select
    c.id,
    c.user_id,
    u.email,
    c.payout_account,
    c.verified,
    u.created_at,
    t.total_content,
    t.total_views,
    t.total_watch_time,
    t.total_tips,
    t.total_comments,
    (c.verified = $1 or $1 is null)
        and ((c.payout_account is not null) = $2 or $2 is null)
        and (position(lower($3) in lower(u.email)) > 0 or $3 is null) as fits
from public.creators c
join public.users u on u.id = c.user_id
left join lateral (
    select
        max(d.total_content) as total_content,
        max(d.total_views) as total_views,
        max(d.total_watch_time) as total_watch_time,
        max(d.total_tips) + 0.00 as total_tips,
        max(d.total_comments) as total_comments
    from :creator_totals d
    where d.creator_id = c.id
) as t on true
