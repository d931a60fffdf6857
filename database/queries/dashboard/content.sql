-- What is published with its numbers and the views of the last days, as a list; `fits` is the filter.
--
-- What is added up is aggregated to one row on the spot, so that the planner leaves it out where nobody reads it.
-- Needs migration 009_analytics_views.
-- $1: id of a creator or null, $2: visibility or null, $3: days of the sparkline
select
    i.id,
    i.title,
    u.email as creator,
    i.visibility,
    w.views,
    w.watch_time,
    s.comments,
    i.created_at,
    r.views_of_30_days,
    r.recent_views,
    (i.creator_id = $1 or $1 is null)
        and (i.visibility = $2 or $2 is null) as fits
from public.content i
join public.creators c on c.id = i.creator_id
join public.users u on u.id = c.user_id
left join lateral (
    select
        coalesce(sum(v.view_count), 0)::bigint as views,
        coalesce(sum(v.duration), 0) as watch_time
    from public.analytics_views v
    where v.content_id = i.id
) as w on true
left join lateral (
    select count(*) as comments
    from public.comments m
    where m.content_id = i.id
) as s on true
left join lateral (
    select
        array_agg(coalesce(d.views, 0) order by ago desc) as views_of_30_days,
        coalesce(sum(d.views), 0) as recent_views
    from generate_series(0, $3 - 1) as ago
    left join (
        select v.date, sum(v.view_count)::bigint as views
        from public.analytics_views v
        where v.content_id = i.id
          and v.date > current_date - $3
        group by v.date
    ) as d on d.date = current_date - ago
) as r on true
