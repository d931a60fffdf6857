-- The public face of creators is everybody's to read; who is behind it is not, nor the account they are paid to, which its owner reads
-- with app.my_payout_account(). Creators write what they say of themselves and what they offer; whether they are verified, and where
-- money goes, is written by the service.

revoke all on table public.creators from public, anon, authenticated, service_role;

grant select (id, bio, tiers, verified) on table public.creators to anon, authenticated;
grant update (bio, tiers) on table public.creators to authenticated;
grant select, insert, update, delete on table public.creators to service_role;

alter table public.creators enable row level security;

create policy creators_read on public.creators
  for select
  to anon, authenticated
  using (true);

comment on policy creators_read on public.creators is 'every profile is public; the grants say which columns of it';

create policy creators_change on public.creators
  for update
  to authenticated
  using (user_id = (select app.current_user_id()));
