-- What people say under content, in threads: parent_id is the comment answered, null at the top. Answers go with what they answer.

create table public.comments (
  id uuid not null default gen_random_uuid(),
  content_id uuid not null,
  user_id uuid not null,
  parent_id uuid,
  text text not null,
  created_at timestamptz not null default now(),
  constraint comments_pkey primary key (id),
  constraint comments_content_id_fkey foreign key (content_id) references public.content (id) on delete cascade,
  constraint comments_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint comments_parent_id_fkey foreign key (parent_id) references public.comments (id) on delete cascade
);

alter table public.comments enable row level security;
revoke all on table public.comments from public, anon, authenticated;
