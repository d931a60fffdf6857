-- What row-level security cannot say, said by functions. A policy sees a row and who asks, never how somebody came by the row: it
-- cannot tell a link from a listing, a column for everybody from one for its owner, nor let an index be used that might give away what
-- it hides.
--
-- They run with the rights of their owner, whom row-level security does not bind, so each decides by itself who sees what. Their names
-- are all qualified, and pg_temp comes last, so that nothing a caller makes is mistaken for what is meant. Whoever may not see a row
-- gets the same answer as if there were none. The rights on them are declared again in database/policies/functions.sql.

-- The account that the asking creator is paid to; null for everyone else, and before one is opened. Columns are granted per role and
-- not per row, so the column itself is granted to no role that people ask as.
create function app.my_payout_account()
  returns text
  language sql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select creators.payout_account
  from public.creators
  where creators.user_id = (select app.current_user_id())
$$;

revoke all on function app.my_payout_account() from public, anon, authenticated, service_role;
grant execute on function app.my_payout_account() to authenticated;

-- One piece of content, for whoever knows its id: public, unlisted, or one's own. Ids of unlisted content are what its links are made
-- of: they are random, nothing lists them, and nothing tells an id that is private from one that is not there.
create function app.get_content(id uuid)
  returns setof public.content
  language sql
  stable
  parallel safe
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
  select content.*
  from public.content
  where content.id = get_content.id
    and (
      content.visibility in ('public', 'unlisted')
      or content.creator_id = (select app.current_creator_id())
    )
$$;

revoke all on function app.get_content(uuid) from public, anon, authenticated, service_role;
grant execute on function app.get_content(uuid) to anon, authenticated;

-- What was said under such content, in the order in which it was said.
create function app.get_comments(content uuid)
  returns setof public.comments
  language sql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select comments.*
  from public.comments
  where comments.content_id = (select readable.id from app.get_content(get_comments.content) as readable)
  order by
    comments.created_at,
    comments.id
$$;

revoke all on function app.get_comments(uuid) from public, anon, authenticated, service_role;
grant execute on function app.get_comments(uuid) to anon, authenticated;

-- Whether one may say something under content: whoever may read it by its id may. The policy of new comments asks it, for a policy that
-- read content itself would see only what is listed. It tells no more than get_content does.
create function app.may_comment(content uuid)
  returns boolean
  language sql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select exists (select from app.get_content(may_comment.content))
$$;

revoke all on function app.may_comment(uuid) from public, anon, authenticated, service_role;
grant execute on function app.may_comment(uuid) to authenticated;

-- Public content that has all of these tags, newest first: at most a hundred at once, and only what comes after the last one of the page
-- before, which is named by its time and its id; by its time alone, what is older.
--
-- An operator of arrays might tell a value it compares, as far as PostgreSQL knows, so whoever row-level security binds may not use the
-- index on tags, and reads the whole table instead. The rule of what is public stands here, before the caller sees anything.
--
-- It is no plain SQL, since that is planned without regard to which tags are asked for.
create function app.search_content(
  tags text[],
  up_to integer default 20,
  before timestamptz default null,
  before_id uuid default null
)
  returns setof public.content
  language plpgsql
  stable
  parallel safe
  security definer
  rows 20
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select content.*
    from public.content
    where content.visibility = 'public'
      and content.tags @> search_content.tags
      and (content.created_at, content.id) < (
        coalesce(search_content.before, 'infinity'),
        coalesce(search_content.before_id, '00000000-0000-0000-0000-000000000000')
      )
    order by
      content.created_at desc,
      content.id desc
    limit least(greatest(coalesce(search_content.up_to, 20), 0), 100);
end
$$;

revoke all on function app.search_content(text[], integer, timestamptz, uuid) from public, anon, authenticated, service_role;
grant execute on function app.search_content(text[], integer, timestamptz, uuid) to anon, authenticated;
