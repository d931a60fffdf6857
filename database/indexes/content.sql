-- A creator's own content: the policies ask for it with every query, the dashboard with every total, and it goes with a deleted
-- creator.
create index content_creator_id_idx on content (creator_id);

-- What is public, or unlisted, or private.
create index content_visibility_idx on content (visibility);

-- Newest first, a page at a time: the id tells apart what was made at one moment, and where a page ends.
create index content_created_at_idx on content (created_at, id);

-- Search by tags, in app.search_content(). Roles bound by policies cannot use it themselves: operators of arrays are not leakproof
-- (waived with that reason in database/policies/audit.toml). Writes go straight into it: with a pending list, the search that
-- meets a full one would have to tidy it up.
create index content_tags_idx on content using gin (tags) with (fastupdate = off);
