-- Everyone with an account: creators, fans and admins.
--
-- Row-level security is on from the first moment, here and on every table after it, and what default privileges hand to anon and
-- authenticated (on Supabase: everything, truncate included) is taken back at once. What they may do is granted with the policies.

create table public.users (
  id uuid not null default gen_random_uuid(),
  email text not null,
  password_hash text not null, -- bcrypt
  role text not null default 'fan',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_pkey primary key (id),
  constraint users_email_key unique (email),
  constraint users_role_check check (role in ('creator', 'fan', 'admin'))
);

-- users_email_key takes A@example.com and a@example.com for two people; mail servers and people do not.
create unique index users_email_lower_key on public.users (lower(email));

create trigger users_touch_updated_at
  before update on public.users
  for each row
  execute function app.touch_updated_at();

alter table public.users enable row level security;
revoke all on table public.users from public, anon, authenticated;
