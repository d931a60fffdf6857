-- Money a creator was given: the policy of tips and the totals of dashboard_creator look for it, and a creator with tips cannot
-- be deleted.
create index tips_to_creator_idx on tips (to_creator);

-- Money a person gave: the other half of the same policy, and a giver who leaves.
create index tips_from_user_idx on tips (from_user);

-- What was given in a time: the dashboard's days.
create index tips_created_at_idx on tips (created_at);
