-- One user, by address whatever its case, by id, or by the id of the creator's profile.
-- Needs migration 005_creators.
-- $1: all spellings of the address or null, $2: id or null
select
    u.id,
    u.email,
    u.role,
    u.created_at,
    u.updated_at,
    c.id as creator_id
from public.users u
left join public.creators c on c.user_id = u.id
where u.id in (
    :user_of_address
    union all
    select id from public.users where id = $2
    union all
    select user_id from public.creators where id = $2
)
