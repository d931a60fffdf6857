-- A tip is known to who gave it and to whom it was given. Everyone with an account may begin one, from oneself; that it was paid is for
-- the service to say, once Stripe has.

revoke all on table public.tips from public, anon, authenticated, service_role;

grant select on table public.tips to authenticated;
grant insert (from_user, to_creator, amount, status) on table public.tips to authenticated;
grant select, insert, update, delete on table public.tips to service_role;

alter table public.tips enable row level security;

create policy tips_read on public.tips
  for select
  to authenticated
  using (from_user = (select app.current_user_id()) or to_creator = (select app.current_creator_id()));

create policy tips_give on public.tips
  for insert
  to authenticated
  with check (from_user = (select app.current_user_id()) and status = 'pending');

comment on policy tips_give on public.tips is 'from oneself, and not paid yet';
