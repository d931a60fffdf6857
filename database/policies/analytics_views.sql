-- Creators read the views of their own content, and nobody else's. Only the service writes them.

revoke all on table public.analytics_views from public, anon, authenticated, service_role;
revoke all on sequence public.analytics_views_id_seq from public, anon, authenticated, service_role;

grant select on table public.analytics_views to authenticated;
grant select, insert, update, delete on table public.analytics_views to service_role;
grant usage on sequence public.analytics_views_id_seq to service_role;

alter table public.analytics_views enable row level security;

-- An array, and not `in (select ...)`: it is made once a query, and the index on content_id finds what is in it.
create policy analytics_views_read on public.analytics_views
  for select
  to authenticated
  using (
    content_id = any (array(
      select content.id
      from public.content
      where content.creator_id = (select app.current_creator_id())
    ))
  );
