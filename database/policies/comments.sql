-- Whoever may read content reads what is said under it; under unlisted content with app.get_comments(). Everyone with an account may
-- say something under what they may read, with its link if it is unlisted, as oneself only, and change or delete it afterwards. Where,
-- when, and in answer to what it was said stays as it was.

revoke all on table public.comments from public, anon, authenticated, service_role;

grant select on table public.comments to anon, authenticated;
grant insert (content_id, user_id, parent_id, text) on table public.comments to authenticated;
grant update (text) on table public.comments to authenticated;
grant delete on table public.comments to authenticated;
grant select, insert, update, delete on table public.comments to service_role;

alter table public.comments enable row level security;

-- The content is read under its own policies. Who changes or deletes a row has to be able to read it, so one's own comments are always
-- readable: what was said under unlisted content, or under what has since become private, could not be taken back otherwise.
create policy comments_read on public.comments
  for select
  to anon, authenticated
  using (
    user_id = (select app.current_user_id())
    or exists (select from public.content where content.id = comments.content_id)
  );

comment on policy comments_read on public.comments is 'what is said under content that one may read, and one''s own';

create policy comments_write on public.comments
  for insert
  to authenticated
  with check (user_id = (select app.current_user_id()) and app.may_comment(content_id));

comment on policy comments_write on public.comments is 'as oneself, under what one may read by its id';

create policy comments_change on public.comments
  for update
  to authenticated
  using (user_id = (select app.current_user_id()));

create policy comments_delete on public.comments
  for delete
  to authenticated
  using (user_id = (select app.current_user_id()));
