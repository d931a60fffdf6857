-- What is public is everybody's to read; creators read, write and delete their own. Unlisted content is in no listing but its creator's:
-- who has its link reads it with app.get_content().
--
-- A policy for updates that has no check holds its condition against the new row as well: nobody can give a row away.

revoke all on table public.content from public, anon, authenticated, service_role;

grant select on table public.content to anon, authenticated;
grant insert, update, delete on table public.content to authenticated;
grant select, insert, update, delete on table public.content to service_role;

alter table public.content enable row level security;

create policy content_read on public.content
  for select
  to anon, authenticated
  using (visibility = 'public' or creator_id = (select app.current_creator_id()));

comment on policy content_read on public.content is 'what is listed; unlisted content is read with app.get_content()';

create policy content_publish on public.content
  for insert
  to authenticated
  with check (creator_id = (select app.current_creator_id()));

create policy content_change on public.content
  for update
  to authenticated
  using (creator_id = (select app.current_creator_id()));

comment on policy content_change on public.content is 'holds for the new row too: nobody can give content away';

create policy content_delete on public.content
  for delete
  to authenticated
  using (creator_id = (select app.current_creator_id()));
