-- Everyone with an account reads themselves and changes their e-mail address. The hash of a password is for the service that checks
-- passwords, and for nobody else, not even its owner: rows are granted by policies, columns only by grants. A role is given by operators.
--
-- Somebody whose role is admin may do here what every user may. Administration is done by operators, not by requests.

revoke all on table public.users from public, anon, authenticated, service_role;

grant select (id, email, role, created_at, updated_at) on table public.users to authenticated;
grant update (email) on table public.users to authenticated;
grant select, insert, update, delete on table public.users to service_role;

alter table public.users enable row level security;

create policy users_read on public.users
  for select
  to authenticated
  using (id = (select app.current_user_id()));

create policy users_change on public.users
  for update
  to authenticated
  using (id = (select app.current_user_id()));
