-- Views a day, also of days without any, oldest first; today is not over.
-- Needs migration 009_analytics_views.
-- $1: how many days
select
    day::date as date,
    coalesce(sum(v.view_count), 0)::bigint as views
from generate_series(current_date - ($1 - 1), current_date, interval '1 day') as day
left join public.analytics_views v on v.date = day::date
group by day
order by day
