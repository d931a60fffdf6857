-- The public face of a user who publishes: at most one a user, gone with the user.

create table public.creators (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  payout_account text, -- Stripe Connect account; null until the creator has opened one
  bio text,
  tiers jsonb not null default '[]', -- subscription tiers
  verified boolean not null default false,
  constraint creators_pkey primary key (id),
  constraint creators_user_id_key unique (user_id),
  constraint creators_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade
);

alter table public.creators enable row level security;
revoke all on table public.creators from public, anon, authenticated;

-- The creator profile of whoever is asking, null for everyone else. Content and tips point at creators.id, so their policies need it.
--
-- It runs with the rights of its owner. With those of the caller it would need a grant on creators.user_id, would answer null to a
-- creator whom the policies of creators hide, and would recurse without end once such a policy asks it. It takes no argument and says
-- nothing but the caller's own id. Call it as `(select app.current_creator_id())`.
create function app.current_creator_id()
  returns uuid
  language sql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select creators.id
  from public.creators
  where creators.user_id = (select app.current_user_id())
$$;

revoke all on function app.current_creator_id() from public;
grant execute on function app.current_creator_id() to anon, authenticated, service_role;
