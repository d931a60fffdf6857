-- One row a creator, with the totals of all time, zeros included: the numbers of the dashboard.
--
-- Each total is summed on its own, for the creator at hand. Joined in one go the tables multiply one another: ten tips and ten comments
-- would make a hundred rows and ten times the money. Being lateral, the sums also run for no creator but those that are asked for.
--
-- The view reads with the rights of its owner and decides itself who sees what: operators, whom row-level security does not bind, see
-- every creator; creators see their own row; everyone else sees none. As a security_invoker view it would add up just what the reader
-- may see, and give a stranger a plausible wrong total. The barrier keeps a reader's own functions away from rows of others. Every
-- `create or replace` has to repeat it: without `with (...)` the option is dropped in silence.

create view public.dashboard_creator
  with (security_barrier = true)
as
select
  creators.id as creator_id,
  published.total_content,
  watched.total_views,
  watched.total_watch_time, -- seconds
  given.total_tips, -- US dollars, completed only
  said.total_comments
from public.creators
cross join lateral (
  select
    count(*) as total_content
  from public.content
  where content.creator_id = creators.id
) as published
cross join lateral (
  select
    coalesce(sum(analytics_views.view_count), 0) as total_views,
    coalesce(sum(analytics_views.duration), 0) as total_watch_time
  from public.content
  join public.analytics_views on analytics_views.content_id = content.id
  where content.creator_id = creators.id
) as watched
cross join lateral (
  select
    coalesce(sum(tips.amount), 0) as total_tips
  from public.tips
  where tips.to_creator = creators.id
    and tips.status = 'completed'
) as given
cross join lateral (
  select
    count(*) as total_comments
  from public.content
  join public.comments on comments.content_id = content.id
  where content.creator_id = creators.id
) as said
where creators.id = (select app.current_creator_id())
  or not (select row_security_active('public.tips'));

revoke all on table public.dashboard_creator from public, anon, authenticated, service_role;
grant select on table public.dashboard_creator to authenticated, service_role;
