-- What was said under a piece of content: its page, its number on the dashboard, and what goes with deleted content.
create index comments_content_id_idx on comments (content_id);

-- The comments of one person: their own policies, and what goes with a deleted user.
create index comments_user_id_idx on comments (user_id);

-- Answers go with what they answer. Most comments answer nothing, and are never looked for by that.
create index comments_parent_id_idx on comments (parent_id) where parent_id is not null;
