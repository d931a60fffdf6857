-- Users, as a list; `fits` is the filter.
-- Needs migration 005_creators.
-- $1: role or null, $2: part of the address or null, $3: came at this time or later, or null, $4: came before this
-- time, or null
select
    u.id,
    u.email,
    u.role,
    u.created_at,
    u.updated_at,
    c.id as creator_id,
    (u.role = $1 or $1 is null)
        and (position(lower($2) in lower(u.email)) > 0 or $2 is null)
        and (u.created_at >= $3 or $3 is null)
        and (u.created_at < $4 or $4 is null) as fits
from public.users u
left join public.creators c on c.user_id = u.id
