-- How often and how long content was watched, a row a day and kind of visit. By far the largest table.
-- A viewer who leaves keeps having watched: the count stays, the name goes. Views of deleted content go with it.

create table public.analytics_views (
  id serial,
  date date not null,
  user_id uuid, -- null for a visitor who was not signed in
  content_id uuid not null,
  view_count integer not null default 1,
  duration numeric not null default 0, -- seconds watched, of all these views together
  device_type text,
  referrer text,
  constraint analytics_views_pkey primary key (id),
  constraint analytics_views_user_id_fkey foreign key (user_id) references public.users (id) on delete set null,
  constraint analytics_views_content_id_fkey foreign key (content_id) references public.content (id) on delete cascade,
  constraint analytics_views_view_count_check check (view_count >= 0),
  constraint analytics_views_duration_check check (duration >= 0 and duration < 'Infinity') -- which NaN is not
);

alter table public.analytics_views enable row level security;
revoke all on table public.analytics_views from public, anon, authenticated;
revoke all on sequence public.analytics_views_id_seq from public, anon, authenticated;
