-- Every creator with totals and the views of the last days, as a list without filters. Adding 0.00 gives dollars
-- their cents.
--
-- What is added up is aggregated to one row on the spot, so that the planner leaves it out where nobody reads it.
-- Needs migration 009_analytics_views.
-- $1: days of the sparkline
select
    c.id,
    u.email,
    c.verified,
    t.total_content,
    t.total_views,
    t.total_watch_time,
    t.total_tips,
    t.total_comments,
    r.views_of_30_days,
    r.recent_views,
    true as fits
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
left join lateral (
    select
        array_agg(coalesce(d.views, 0) order by ago desc) as views_of_30_days,
        coalesce(sum(d.views), 0) as recent_views
    from generate_series(0, $1 - 1) as ago
    left join (
        select v.date, sum(v.view_count)::bigint as views
        from public.content i
        join public.analytics_views v on v.content_id = i.id
        where i.creator_id = c.id
          and v.date > current_date - $1
        group by v.date
    ) as d on d.date = current_date - ago
) as r on true
