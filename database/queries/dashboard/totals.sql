-- The whole platform. Every item belongs to a creator, so these are the sums of dashboard_creator, asked of the
-- tables directly because that is one pass over each. Adding 0.00 gives dollars their cents.
-- Needs migration 009_analytics_views.
select
    (select count(*) from public.creators) as creators,
    (select count(*) from public.creators where verified) as verified_creators,
    (select count(*) from public.users) as users,
    (select count(*) from public.content) as content,
    (select coalesce(sum(view_count), 0)::bigint from public.analytics_views) as views,
    (select coalesce(sum(duration), 0) from public.analytics_views) as watch_time,
    (select coalesce(sum(amount), 0) + 0.00 from public.tips where status = 'completed') as tips,
    (select count(*) from public.comments) as comments
