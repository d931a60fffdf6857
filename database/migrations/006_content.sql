-- What creators publish: audio and video. Private until somebody decides otherwise.

create table public.content (
  id uuid not null default gen_random_uuid(),
  creator_id uuid not null,
  title text not null,
  description text,
  media_url text, -- the file as uploaded
  stream_url text, -- what players play
  thumbnail_url text,
  tags text[] not null default '{}',
  visibility text not null default 'private',
  duration integer, -- seconds
  file_size bigint, -- bytes
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint content_pkey primary key (id),
  constraint content_creator_id_fkey foreign key (creator_id) references public.creators (id) on delete cascade,
  constraint content_visibility_check check (visibility in ('public', 'unlisted', 'private'))
);

create trigger content_touch_updated_at
  before update on public.content
  for each row
  execute function app.touch_updated_at();

alter table public.content enable row level security;
revoke all on table public.content from public, anon, authenticated;
