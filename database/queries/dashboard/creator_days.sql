-- What each day brought a creator, also of days without anything, oldest first; today is not over. Only completed
-- tips count, on the day they were given. Adding 0.00 gives dollars their cents.
-- Needs migration 009_analytics_views.
-- $1: id of the creator, $2: how many days
select
    current_date - ago as date,
    coalesce(w.views, 0) as views,
    coalesce(g.tips, 0) + 0.00 as tips
from generate_series(0, $2 - 1) as ago
left join (
    select v.date, sum(v.view_count)::bigint as views
    from public.content i
    join public.analytics_views v on v.content_id = i.id
    where i.creator_id = $1
      and v.date > current_date - $2
    group by v.date
) as w on w.date = current_date - ago
left join (
    select t.created_at::date as date, sum(t.amount) as tips
    from public.tips t
    where t.to_creator = $1
      and t.status = 'completed'
      and t.created_at >= current_date - ($2 - 1)
    group by t.created_at::date
) as g on g.date = current_date - ago
order by date
