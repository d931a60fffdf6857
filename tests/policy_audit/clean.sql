-- The platform's rules as its documentation gives them, with the indexes they need: what an audit has nothing against.
create policy content_select on public.content for select to anon, authenticated
  using (visibility = 'public' or creator_id = (select app.current_creator_id()));
create policy content_insert on public.content for insert to authenticated
  with check (creator_id = (select app.current_creator_id()));
create policy content_update on public.content for update to authenticated
  using (creator_id = (select app.current_creator_id()))
  with check (creator_id = (select app.current_creator_id()));
create policy content_delete on public.content for delete to authenticated
  using (creator_id = (select app.current_creator_id()));
create policy comments_select on public.comments for select to anon, authenticated
  using (exists (select from public.content where content.id = comments.content_id));
create policy comments_insert on public.comments for insert to authenticated
  with check (user_id = (select app.current_user_id()));
create policy comments_update on public.comments for update to authenticated
  using (user_id = (select app.current_user_id()));
create policy comments_delete on public.comments for delete to authenticated
  using (user_id = (select app.current_user_id()));
create policy tips_select on public.tips for select to authenticated
  using (from_user = (select app.current_user_id()) or to_creator = (select app.current_creator_id()));
create policy tips_insert on public.tips for insert to authenticated
  with check (from_user = (select app.current_user_id()) and status = 'pending');
create policy users_select on public.users for select to authenticated
  using (id = (select app.current_user_id()));
create policy creators_select on public.creators for select to anon, authenticated
  using (true);
create policy analytics_views_select on public.analytics_views for select to authenticated
  using (content_id in (select id from public.content where creator_id = (select app.current_creator_id())));
grant select on public.content, public.comments to anon, authenticated;
grant insert (creator_id, title, visibility, tags), update (title, visibility, tags), delete on public.content to authenticated;
grant insert (content_id, user_id, parent_id, text), update (text), delete on public.comments to authenticated;
grant select (id, from_user, to_creator, amount, status, created_at) on public.tips to authenticated;
grant insert (from_user, to_creator, amount, status) on public.tips to authenticated;
grant select (id, email, role, created_at) on public.users to authenticated;
grant select (id, bio, tiers, verified) on public.creators to anon, authenticated;
grant select on public.analytics_views to authenticated;
create index content_creator_id_idx on public.content (creator_id);
create index content_created_at_idx on public.content (created_at);
create index comments_content_id_idx on public.comments (content_id);
create index comments_user_id_idx on public.comments (user_id);
create index comments_parent_id_idx on public.comments (parent_id);
create index tips_from_user_idx on public.tips (from_user);
create index tips_to_creator_idx on public.tips (to_creator);
create index analytics_views_content_id_idx on public.analytics_views (content_id);
create index analytics_views_user_id_idx on public.analytics_views (user_id);
