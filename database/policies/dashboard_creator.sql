-- The totals of creators. The view decides itself who sees which row: creators their own, the service all of them, everyone else none.
-- The barrier keeps functions of a reader away from rows of others, and `create or replace view` without it would drop it in silence.

revoke all on table public.dashboard_creator from public, anon, authenticated, service_role;

grant select on table public.dashboard_creator to authenticated, service_role;

alter view public.dashboard_creator set (security_barrier = true);
