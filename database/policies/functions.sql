-- Who may call what. PostgreSQL lets everybody call a new function unless told otherwise, and most of these see what row-level security
-- hides.

-- Who is asking. Policies call them as whoever asks, so everyone bound by a policy needs them.
revoke all on function app.current_user_id() from public, anon, authenticated, service_role;
grant execute on function app.current_user_id() to anon, authenticated, service_role;

revoke all on function app.current_creator_id() from public, anon, authenticated, service_role;
grant execute on function app.current_creator_id() to anon, authenticated, service_role;

-- Triggers call it, and those ask for no right.
revoke all on function app.touch_updated_at() from public, anon, authenticated, service_role;

-- What policies cannot say. The service reads the tables themselves.
revoke all on function app.my_payout_account() from public, anon, authenticated, service_role;
grant execute on function app.my_payout_account() to authenticated;

revoke all on function app.get_content(uuid) from public, anon, authenticated, service_role;
grant execute on function app.get_content(uuid) to anon, authenticated;

revoke all on function app.get_comments(uuid) from public, anon, authenticated, service_role;
grant execute on function app.get_comments(uuid) to anon, authenticated;

revoke all on function app.may_comment(uuid) from public, anon, authenticated, service_role;
grant execute on function app.may_comment(uuid) to authenticated;

revoke all on function app.search_content(text[], integer, timestamp with time zone, uuid) from public, anon, authenticated, service_role;
grant execute on function app.search_content(text[], integer, timestamp with time zone, uuid) to anon, authenticated;
