(
    -- Whose address is one of $1, all ways to write it, the given one first. Their case does not matter.
    select o.id
    from unnest($1::text[]) with ordinality as spelled (email, nth)
    join public.users o on lower(o.email) = lower(spelled.email)
    order by spelled.nth
    limit 1
)
